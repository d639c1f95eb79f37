//! autoscaling/v1: one CPU target, and everything else in annotations.
//!
//! Source: pkg/apis/autoscaling/v1/conversion.go.

use super::{
    CPU_UTILIZATION, CURRENT_METRICS, METRICS, annotation, cpu, empty_list,
    metric::{self, CURRENT, TARGET},
};
use crate::{
    conversion::{
        draft::{DEFAULT, Node, map},
        outcome::{Edit, LossKind, Severity},
    },
    model::Tree,
};

const TARGET_CPU: [&str; 2] = ["spec", "targetCPUUtilizationPercentage"];
const CURRENT_CPU: [&str; 2] = ["status", "currentCPUUtilizationPercentage"];

pub(super) fn up(node: &mut Node<'_>) {
    for field in [&METRICS, &CURRENT_METRICS] {
        node.lose(
            field,
            LossKind::UnknownField,
            Severity::Warning,
            "autoscaling/v1 has no such field, a server of that version dropped it",
        );
    }
    // The metrics of the annotation come first, the CPU target last.
    annotation::take_list(node, &annotation::METRICS);
    node.each(&METRICS, |metric| metric::up(metric, &TARGET));
    if let Some(percent) = node
        .tree_mut()
        .remove(&TARGET_CPU)
        .filter(|tree| !tree.is_null())
    {
        let metric = cpu([("target", metric::utilization(percent))]);
        push(
            node,
            &METRICS,
            metric,
            &TARGET_CPU,
            &["target", "averageUtilization"],
        );
    }
    if node.get(&METRICS).is_none_or(empty_list) {
        let metric = cpu([("target", metric::utilization(CPU_UTILIZATION.into()))]);
        node.set(&METRICS, vec![metric], DEFAULT);
    }
    annotation::take_behavior(node);
    // The annotation says more than the one percentage beside it.
    if annotation::take_list(node, &annotation::CURRENT_METRICS) {
        node.each(&CURRENT_METRICS, |metric| metric::up(metric, &CURRENT));
        node.remove(
            &CURRENT_CPU,
            "the annotation with all current metrics says it",
        );
    } else if let Some(percent) = node
        .tree_mut()
        .remove(&CURRENT_CPU)
        .filter(|tree| !tree.is_null())
    {
        let metric = cpu([("current", map([("averageUtilization", percent)]))]);
        push(
            node,
            &CURRENT_METRICS,
            metric,
            &CURRENT_CPU,
            &["current", "averageUtilization"],
        );
    }
    annotation::take_list(node, &annotation::CONDITIONS);
}

/// Appends a metric that was made of one field.
fn push(node: &mut Node<'_>, list: &[&str], metric: Tree, from: &[&str], value: &[&str]) {
    let mut items = match node.tree_mut().remove(list) {
        Some(Tree::Array(items)) => items,
        _ => Vec::new(),
    };
    let at = items.len().to_string();
    let mut path = list.to_vec();
    path.extend([at.as_str(), "resource"]);
    path.extend(value);
    let edit = Edit::Moved {
        from: node.pointer(from),
    };
    node.record(
        &path,
        edit,
        None,
        None,
        Severity::Info,
        "a metric like others now",
    );
    items.push(metric);
    node.tree_mut().set(list, items.into());
}

pub(super) fn down(node: &mut Node<'_>) {
    node.lose(
        &TARGET_CPU,
        LossKind::UnknownField,
        Severity::Warning,
        "not a field of autoscaling/v2; it stands for the first CPU metric in the wanted version",
    );
    take_cpu(node);
    annotation::put_list(node, &annotation::METRICS);
    annotation::put_behavior(node);
    let current = node
        .get(&CURRENT_METRICS)
        .and_then(Tree::as_array)
        .into_iter()
        .flatten()
        .rev()
        .find_map(|metric| percentage(metric, "current"))
        .cloned();
    if let Some(percent) = current {
        node.set(
            &CURRENT_CPU,
            percent,
            "the CPU's current metric, which stays in the annotation, too",
        );
    }
    node.each(&CURRENT_METRICS, |metric| metric::down(metric, &CURRENT));
    annotation::put_list(node, &annotation::CURRENT_METRICS);
    annotation::put_list(node, &annotation::CONDITIONS);
}

fn is_cpu(metric: &Tree) -> bool {
    metric.text_at(&["type"]) == Some("Resource")
        && metric.text_at(&["resource", "name"]) == Some("cpu")
}

/// The CPU's percentage of a metric; its type does not count.
fn percentage<'a>(metric: &'a Tree, holder: &str) -> Option<&'a Tree> {
    let value = metric.at(&["resource", holder, "averageUtilization"])?;
    (is_cpu(metric) && !value.is_null()).then_some(value)
}

/// The first CPU metric becomes the CPU target, if it aims at a percentage. Every other CPU metric that does is lost: the server
/// leaves it out of the annotation.
fn take_cpu(node: &mut Node<'_>) {
    let Some(metrics) = node.get(&METRICS).and_then(Tree::as_array) else {
        return;
    };
    let first = metrics.iter().position(is_cpu);
    let first = first.and_then(|at| Some((at, percentage(metrics.get(at)?, "target")?.clone())));
    if let Some((at, percent)) = &first {
        let at = at.to_string();
        let metric = ["spec", "metrics", &at];
        let value = [&metric[..], &["resource", "target", "averageUtilization"]].concat();
        let edit = Edit::Moved {
            from: node.pointer(&value),
        };
        node.record(
            &TARGET_CPU,
            edit,
            None,
            None,
            Severity::Info,
            "the one metric that autoscaling/v1 has a field for",
        );
        node.tree_mut().set(&TARGET_CPU, percent.clone());
    }
    // The others take the form of the annotation while they stand where they stood: the log names their places.
    node.each(&METRICS, |metric| {
        if percentage(metric.tree(), "target").is_none() {
            metric::down(metric, &TARGET);
        }
    });
    let mut items = match node.tree_mut().remove(&METRICS) {
        Some(Tree::Array(items)) => items,
        _ => Vec::new(),
    };
    let mut at = 0;
    items.retain(|metric| {
        let place = at.to_string();
        let path = ["spec", "metrics", &place];
        let taken = first.as_ref().is_some_and(|(first, _)| *first == at);
        at += 1;
        let Some(percent) = percentage(metric, "target") else {
            return true;
        };
        if taken && *metric == cpu([("target", metric::utilization(percent.clone()))]) {
            node.record(
                &path,
                Edit::Removed,
                Some(metric.clone()),
                None,
                Severity::Info,
                "said by targetCPUUtilizationPercentage",
            );
        } else {
            let reason = if taken {
                "only its percentage has a field in autoscaling/v1"
            } else {
                "autoscaling/v1 holds one CPU target, the server drops any other"
            };
            node.loses(
                &path,
                LossKind::NoCounterpart,
                Some(metric.clone()),
                Severity::Warning,
                reason,
            );
        }
        false
    });
    if !items.is_empty() {
        node.tree_mut().set(&METRICS, items.into());
    }
}

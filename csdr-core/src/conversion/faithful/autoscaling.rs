//! HorizontalPodAutoscaler, Scale.
//!
//! The hub is autoscaling/v2. What an older version has no field for travels in annotations, letter by letter as the server writes
//! them. Source: api-versions.md sections 2.5 and 2.10b; Kubernetes pkg/apis/autoscaling, conversion and defaults of every version.

mod annotation;
mod behavior;
mod metric;
mod payload;
mod quantity;
mod scale;
mod v1;

use super::{Family, Gv, nothing};
use crate::{
    Error, Result,
    conversion::draft::{DEFAULT, Node, map},
    model::Tree,
};
use metric::{CURRENT, TARGET};

pub(super) static FAMILIES: &[Family] = &[
    Family {
        kinds: &["HorizontalPodAutoscaler"],
        defaults,
        to_hub: up,
        from_hub: down,
    },
    Family {
        kinds: &["Scale"],
        defaults: nothing,
        to_hub: scale::up,
        from_hub: scale::down,
    },
];

const METRICS: [&str; 2] = ["spec", "metrics"];
const CURRENT_METRICS: [&str; 2] = ["status", "currentMetrics"];

/// What an autoscaler without a word about metrics aims at, in percent of the requested CPU.
const CPU_UTILIZATION: i64 = 80;

fn defaults(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    let time = node.get(&["status", "lastScaleTime"]);
    if time.is_some_and(|time| time.as_str().is_none()) {
        return Err(Error::invalid(
            "status.lastScaleTime is not a time: no server can read the object",
        ));
    }
    if node
        .get(&["spec"])
        .is_none_or(|spec| spec.as_object().is_none())
    {
        return Ok(());
    }
    node.default(&["spec", "minReplicas"], Tree::from(1));
    if version != "v1" && node.get(&METRICS).is_none_or(empty_list) {
        let metric = if version == "v2beta1" {
            cpu([("targetAverageUtilization", CPU_UTILIZATION.into())])
        } else {
            cpu([("target", metric::utilization(CPU_UTILIZATION.into()))])
        };
        node.set(&METRICS, vec![metric], DEFAULT);
    }
    if matches!(version, "v2" | "v2beta2") {
        behavior::defaults(node);
    }
    Ok(())
}

/// A CPU metric.
fn cpu<const N: usize>(members: [(&str, Tree); N]) -> Tree {
    let mut resource = map([("name", "cpu".into())]);
    for (key, value) in members {
        resource.set(&[key], value);
    }
    map([("type", "Resource".into()), ("resource", resource)])
}

fn empty_list(tree: &Tree) -> bool {
    tree.as_array().is_some_and(<[Tree]>::is_empty)
}

fn up(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    let annotated = annotation::has_some(node);
    match version {
        "v1" => v1::up(node),
        "v2beta1" => {
            node.each(&METRICS, |metric| metric::up(metric, &TARGET));
            node.each(&CURRENT_METRICS, |metric| metric::up(metric, &CURRENT));
            annotation::take_behavior(node);
        }
        "v2beta2" => annotation::take_tolerances(node)?,
        _ => {}
    }
    annotation::drop_all(node, annotated);
    if node
        .get(&["status"])
        .is_some_and(|status| status.as_object().is_some_and(|status| !status.is_empty()))
    {
        node.add(
            &["status", "desiredReplicas"],
            Tree::from(0),
            "always written",
        );
        if node.get(&["status", "currentReplicas"]) == Some(&Tree::from(0)) {
            node.remove(
                &["status", "currentReplicas"],
                "0 is what v2 reads where nothing stands",
            );
        }
    }
    Ok(())
}

fn down(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    if version == "v2" {
        return Ok(());
    }
    match version {
        "v1" => v1::down(node),
        "v2beta1" => {
            node.each(&METRICS, |metric| metric::down(metric, &TARGET));
            node.each(&CURRENT_METRICS, |metric| metric::down(metric, &CURRENT));
            annotation::put_behavior(node);
        }
        _ => annotation::put_tolerances(node),
    }
    if node
        .get(&["status"])
        .is_some_and(|status| status.as_object().is_some_and(|status| !status.is_empty()))
    {
        for field in ["currentReplicas", "desiredReplicas"] {
            node.add(&["status", field], Tree::from(0), "always written");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

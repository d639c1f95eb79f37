//! Deployment, DaemonSet, ReplicaSet, StatefulSet, ControllerRevision.
//!
//! The hub is apps/v1. Source: api-versions.md sections 2.3 and 2.10b, and the server's own defaults and conversions of
//! extensions/v1beta1 and apps.

mod daemon_set;
mod deployment;
mod stateful_set;

use super::super::{
    draft::{DEFAULT, Node, map},
    outcome::{LossKind, Severity},
};
use super::{Family, Gv, nothing, pod, zero};
use crate::{
    Result,
    model::{Tree, TreeMap},
};

pub(super) static FAMILIES: &[Family] = &[
    deployment::FAMILY,
    daemon_set::FAMILY,
    stateful_set::FAMILY,
    Family {
        kinds: &["ReplicaSet"],
        defaults: replica_set_defaults,
        to_hub: convert_template,
        from_hub: nothing,
    },
    Family {
        kinds: &["ControllerRevision"],
        defaults: controller_revision_defaults,
        to_hub: nothing,
        from_hub: nothing,
    },
];

/// Versions that take selector and labels from the template, and that hold what later became annotations as fields.
fn is_early(gv: Gv<'_>) -> bool {
    matches!(gv, ("extensions" | "apps", "v1beta1"))
}

fn is_extensions(gv: Gv<'_>) -> bool {
    gv.0 == "extensions"
}

fn replica_set_defaults(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    template_defaults(node, gv);
    zero::within(node, "spec", |spec| zero::default(spec, "replicas", 1));
    Ok(())
}

fn controller_revision_defaults(node: &mut Node<'_>, _: Gv<'_>) -> Result<()> {
    zero::default(node, "revision", 0);
    Ok(())
}

/// What a conversion does to the pod template of a workload.
fn convert_template(node: &mut Node<'_>, _: Gv<'_>) -> Result<()> {
    zero::inside(node, &["spec", "template"], pod::convert);
    Ok(())
}

/// Defaults of the pod template, and of the selector and labels that early versions take from it.
fn template_defaults(node: &mut Node<'_>, gv: Gv<'_>) {
    zero::within(node, "spec", |spec| {
        zero::within(spec, "template", pod::defaults);
    });
    if is_early(gv) {
        selector_and_labels_from_template(node);
    }
}

/// Labels that are there and empty give a selector that is there and empty.
fn selector_and_labels_from_template(node: &mut Node<'_>) {
    let labels = node.get(&["spec", "template", "metadata", "labels"]);
    let Some(labels) = labels.and_then(Tree::as_object).map(label_values) else {
        return;
    };
    zero::inside(node, &["spec"], |spec| {
        let selector = match labels.is_empty() {
            true => Tree::object(),
            false => map([("matchLabels", Tree::Object(labels.clone()))]),
        };
        spec.default(&["selector"], selector);
    });
    zero::within(node, "metadata", |metadata| {
        let empty = |own: &Tree| own.as_object().is_some_and(|own| own.is_empty());
        if !labels.is_empty() && metadata.get(&["labels"]).is_none_or(empty) {
            metadata.set(&["labels"], Tree::Object(labels), DEFAULT);
        }
    });
}

/// `null` in a map of strings is the empty string.
fn label_values(labels: &TreeMap) -> TreeMap {
    let text = |value: &Tree| match value {
        Tree::Null => Tree::from(""),
        value => value.clone(),
    };
    labels
        .iter()
        .map(|(key, value)| (key, text(value)))
        .collect()
}

/// Takes an annotation away whose meaning stands elsewhere now.
fn take_annotation(node: &mut Node<'_>, annotation: &str, reason: &'static str) {
    let taken = node.remove(&["metadata", "annotations", annotation], reason);
    if taken.is_some() {
        zero::drop_empty(node, &["metadata", "annotations"]);
    }
}

/// Writes an annotation, unless something other than a map of annotations stands there.
fn set_annotation(node: &mut Node<'_>, annotation: &str, value: String, reason: &'static str) {
    zero::within(node, "metadata", |metadata| {
        if metadata
            .get(&["annotations"])
            .is_none_or(|at| at.as_object().is_some())
        {
            metadata.set(&["annotations", annotation], value, reason);
        }
    });
}

/// Takes a field of the target's spec away that the stored version does not know, and so ignored.
fn lose_foreign_field(node: &mut Node<'_>, field: &str) {
    node.lose(
        &["spec", field],
        LossKind::NoCounterpart,
        Severity::Warning,
        "the stored version ignored this field; the target's would act on it",
    );
}

/// The whole number that an annotation holds.
fn annotated_number(node: &Node<'_>, annotation: &str) -> Option<i64> {
    node.text(&["metadata", "annotations", annotation])?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests;

//! Pod templates: the defaults that every version of every workload gives them, and what every conversion does to them.
//!
//! Source: the server's own code, core/v1 defaults and conversions. A template gets fewer defaults than a Pod: no requests from
//! limits, no host ports from `hostNetwork`, no `enableServiceLinks`, and a negative grace period stays.

mod container;
mod image;
mod volume;

pub(super) use volume::storage_systems;

use super::super::{
    draft::Node,
    outcome::{LossKind, Severity},
};
use super::zero;
use crate::model::quantity;

/// Writes the defaults of a PodTemplateSpec.
pub(super) fn defaults(template: &mut Node<'_>) {
    zero::within(template, "metadata", |_| {});
    zero::within(template, "spec", spec_defaults);
}

fn spec_defaults(spec: &mut Node<'_>) {
    zero::fill(spec, "dnsPolicy", "ClusterFirst");
    zero::fill(spec, "restartPolicy", "Always");
    zero::default(spec, "securityContext", crate::model::Tree::object());
    zero::default(spec, "terminationGracePeriodSeconds", 30);
    zero::fill(spec, "schedulerName", "default-scheduler");
    zero::each(spec, &["volumes"], volume::defaults);
    for containers in ["initContainers", "containers", "ephemeralContainers"] {
        zero::each(spec, &[containers], container::defaults);
    }
    round_quantities(spec, &["overhead"]);
    round_resources(spec);
}

/// What every conversion does to a PodTemplateSpec, in whichever direction.
pub(super) fn convert(template: &mut Node<'_>) {
    drop_init_container_annotations(template);
    zero::inside(template, &["spec"], name_service_account);
}

/// `serviceAccount` is the older name of `serviceAccountName`: the server writes both, and the newer one wins.
fn name_service_account(spec: &mut Node<'_>) {
    const NAMES: [&str; 2] = ["serviceAccountName", "serviceAccount"];
    // A value of another type is left alone.
    let odd = |key: &&str| spec.get(&[*key]).is_some_and(|at| at.as_str().is_none());
    if NAMES.iter().any(odd) {
        return;
    }
    let said = NAMES.iter().filter_map(|key| spec.text(&[*key]));
    let Some(name) = said
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .next()
    else {
        return;
    };
    for key in NAMES {
        spec.set(
            &[key],
            name.as_str(),
            "serviceAccountName and its older name say the same; serviceAccountName wins",
        );
    }
}

/// Annotations in which init containers stood before Kubernetes 1.8.
const INIT_CONTAINER_ANNOTATIONS: [&str; 4] = [
    "pod.beta.kubernetes.io/init-containers",
    "pod.alpha.kubernetes.io/init-containers",
    "pod.beta.kubernetes.io/init-container-statuses",
    "pod.alpha.kubernetes.io/init-container-statuses",
];

fn drop_init_container_annotations(template: &mut Node<'_>) {
    let mut dropped = false;
    for annotation in INIT_CONTAINER_ANNOTATIONS {
        let lost = template.lose(
            &["metadata", "annotations", annotation],
            LossKind::NoCounterpart,
            Severity::Info,
            "read before Kubernetes 1.8 only; every later server drops it and reads spec.initContainers",
        );
        dropped |= lost.is_some();
    }
    if dropped {
        zero::drop_empty(template, &["metadata", "annotations"]);
    }
}

/// Defaults of a source that names a field of the pod or a resource of a container.
fn reference_defaults(source: &mut Node<'_>) {
    zero::inside(source, &["fieldRef"], |field| {
        zero::fill(field, "apiVersion", "v1");
    });
    // No default, but a quantity that Go's encoder never leaves out.
    zero::inside(source, &["resourceFieldRef"], |resource| {
        zero::default(resource, "divisor", "0");
    });
}

/// Rounds the quantities of `resources`.
pub(super) fn round_resources(node: &mut Node<'_>) {
    round_quantities(node, &["resources", "limits"]);
    round_quantities(node, &["resources", "requests"]);
}

/// Rounds the quantities of a resource list up to thousandths, as the server's defaulting does; others keep their text.
pub(super) fn round_quantities(node: &mut Node<'_>, path: &[&str]) {
    node.entries(path, |_, quantity| {
        if let Some(rounded) = quantity::rounded(quantity.tree()) {
            quantity.set(
                &[],
                rounded,
                "the server rounds quantities up to thousandths",
            );
        }
    });
}

#[cfg(test)]
mod tests;

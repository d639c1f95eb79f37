//! Claims inside other objects: a StatefulSet's templates, a pod's ephemeral volumes.
//!
//! Source: the server's own code, core/v1 defaults of PersistentVolumeClaim and its spec, and the StatefulSetSpec conversions of
//! apps, which write apiVersion and kind into every claim template.

use super::super::draft::Node;
use super::{pod, zero};

/// Defaults of a claim template of a StatefulSet, which is a whole PersistentVolumeClaim.
pub(super) fn defaults(claim: &mut Node<'_>) {
    embedded_defaults(claim);
    zero::within(claim, "status", |status| {
        zero::fill(status, "phase", "Pending");
        pod::round_quantities(status, &["capacity"]);
        pod::round_quantities(status, &["allocatedResources"]);
    });
}

/// Defaults of the claim template of an ephemeral volume, which has metadata and spec only.
pub(super) fn embedded_defaults(claim: &mut Node<'_>) {
    zero::within(claim, "metadata", |_| {});
    zero::within(claim, "spec", |spec| {
        zero::default(spec, "volumeMode", "Filesystem");
        pod::round_resources(spec);
    });
}

/// Names a claim template's type, whatever it said.
pub(super) fn name_type(claim: &mut Node<'_>) {
    const REASON: &str = "a claim template names its type";
    claim.set(&["apiVersion"], "v1", REASON);
    claim.set(&["kind"], "PersistentVolumeClaim", REASON);
}

//! What may differ between a stored object and the restored one.

use csdr_core::model::GroupResource;

/// One thing that may differ.
#[derive(Clone, Copy, Debug)]
pub struct MayDiffer {
    /// Of which resource, as `plural` or `plural.group`; empty is every one.
    pub resource: &'static str,
    /// Where: a JSON pointer, with everything below it; `*` stands for any one segment.
    pub pointer: &'static str,
    /// How.
    pub change: Change,
    /// Why.
    pub reason: &'static str,
}

/// How a field may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Any way.
    Any,
    /// It is there no more.
    Gone,
    /// It was not there.
    Added,
    /// Both sides have it.
    Replaced,
    /// It was a namespace's name, and is that which the restore mapped it to.
    Mapped,
    /// Both sides are IP addresses.
    Address,
    /// Both sides are numbers of ports.
    Port,
}

impl MayDiffer {
    pub(super) fn is_about(&self, resource: &GroupResource) -> bool {
        self.resource.is_empty() || self.resource == resource.to_string()
    }
}

const fn every(pointer: &'static str, change: Change, reason: &'static str) -> MayDiffer {
    of("", pointer, change, reason)
}

const fn of(
    resource: &'static str,
    pointer: &'static str,
    change: Change,
    reason: &'static str,
) -> MayDiffer {
    MayDiffer {
        resource,
        pointer,
        change,
        reason,
    }
}

/// Everything that may differ, each with its reason. Nothing else may.
pub const MAY_DIFFER: &[MayDiffer] = &[
    every(
        "/metadata/uid",
        Change::Replaced,
        "each server gives its own",
    ),
    every(
        "/metadata/resourceVersion",
        Change::Replaced,
        "each server counts its own",
    ),
    every(
        "/metadata/creationTimestamp",
        Change::Replaced,
        "when this server created it",
    ),
    every(
        "/metadata/generation",
        Change::Any,
        "each server counts its own changes of the spec",
    ),
    every(
        "/metadata/managedFields",
        Change::Any,
        "who wrote which field on this server",
    ),
    every(
        "/metadata/selfLink",
        Change::Gone,
        "servers since 1.20 send none",
    ),
    every(
        "/metadata/generateName",
        Change::Gone,
        "the object keeps the name that was generated",
    ),
    every(
        "/metadata/namespace",
        Change::Mapped,
        "the restore was told to map it",
    ),
    every(
        "/metadata/ownerReferences",
        Change::Any,
        "names the uid that an owner had on the old server; controllers adopt their objects again by selector",
    ),
    every(
        "/status",
        Change::Any,
        "what this server's controllers observed",
    ),
    of(
        "namespaces",
        "/metadata/name",
        Change::Mapped,
        "the restore was told to map it",
    ),
    of(
        "namespaces",
        "/metadata/labels/kubernetes.io~1metadata.name",
        Change::Mapped,
        "the server sets it to the namespace's name",
    ),
    of(
        "rolebindings.rbac.authorization.k8s.io",
        "/subjects/*/namespace",
        Change::Mapped,
        "a reference follows the namespace that the restore was told to map",
    ),
    of(
        "clusterrolebindings.rbac.authorization.k8s.io",
        "/subjects/*/namespace",
        Change::Mapped,
        "a reference follows the namespace that the restore was told to map",
    ),
    of(
        "services",
        "/spec/clusterIP",
        Change::Address,
        "each server allocates its own; `None` is no address and must stay",
    ),
    of(
        "services",
        "/spec/clusterIPs/*",
        Change::Address,
        "as clusterIP",
    ),
    of(
        "services",
        "/spec/ports/*/nodePort",
        Change::Port,
        "a port that nobody chose is allocated anew (velero.md 3.9); those of type NodePort stay (R269), which tests of the transform hold",
    ),
    of(
        "services",
        "/spec/healthCheckNodePort",
        Change::Replaced,
        "each server allocates its own (R270)",
    ),
    of(
        "jobs.batch",
        "/spec/selector/matchLabels/batch.kubernetes.io~1controller-uid",
        Change::Replaced,
        "the job's own uid",
    ),
    of(
        "jobs.batch",
        "/metadata/labels/batch.kubernetes.io~1controller-uid",
        Change::Replaced,
        "the job's own uid",
    ),
    of(
        "jobs.batch",
        "/metadata/labels/controller-uid",
        Change::Replaced,
        "the job's own uid",
    ),
    of(
        "jobs.batch",
        "/spec/template/metadata/labels/batch.kubernetes.io~1controller-uid",
        Change::Replaced,
        "the job's own uid",
    ),
    of(
        "jobs.batch",
        "/spec/template/metadata/labels/controller-uid",
        Change::Replaced,
        "the job's own uid",
    ),
    of(
        "pods",
        "/spec/nodeName",
        Change::Gone,
        "the scheduler chooses a node of this cluster",
    ),
];

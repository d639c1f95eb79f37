//! Rules about whole kinds and namespaces.

use super::{Asked, LeftOut, LeftOutReason, Selection};
use crate::model::{ApiResource, Discovery, GroupResource, Object};
use memchr::memmem::find;
use std::collections::BTreeMap;

/// Labels that leave an object, or a namespace with everything in it, out of every backup if their value is exactly `true`.
/// Source: velero.md sections 2.2 and 2.4; the second is csdr's own.
pub const OPT_OUT_LABELS: [&str; 2] = [
    "velero.io/exclude-from-backup",
    "csdr.alibabacloud.com/exclude-from-backup",
];

/// The label that leaves an object with these labels out of backups, if it has one.
pub fn opted_out(labels: &BTreeMap<String, String>) -> Option<&'static str> {
    if labels.is_empty() {
        return None;
    }
    OPT_OUT_LABELS
        .into_iter()
        .find(|label| labels.get(*label).is_some_and(|value| value == "true"))
}

/// Namespaces that are left out unless they are named (R180–R182).
pub const SYSTEM_NAMESPACES: [&str; 5] = [
    "kube-system",
    "kube-public",
    "kube-node-lease",
    "csdr",
    "ack-csi-fuse",
];

/// Whether a namespace belongs to the cluster itself.
pub fn is_system_namespace(name: &str) -> bool {
    SYSTEM_NAMESPACES.contains(&name)
}

/// Kinds that are never stored, with the reason.
const NEVER_STORED: [(&str, &str); 12] = [
    ("events", "a record of what happened, gone after an hour"),
    (
        "events.events.k8s.io",
        "a record of what happened, gone after an hour",
    ),
    ("nodes", "machines of the cluster"),
    ("csinodes.storage.k8s.io", "machines of the cluster"),
    (
        "volumeattachments.storage.k8s.io",
        "made by the attacher for a node",
    ),
    ("leases.coordination.k8s.io", "who leads just now"),
    ("leasecandidates.coordination.k8s.io", "who leads just now"),
    (
        "servicecidrs.networking.k8s.io",
        "the cluster's own address ranges",
    ),
    (
        "ipaddresses.networking.k8s.io",
        "allocated for Services by the server",
    ),
    (
        "resourceslices.resource.k8s.io",
        "published by drivers for their nodes",
    ),
    (
        "storageversions.internal.apiserver.k8s.io",
        "the API server's own record",
    ),
    (
        "componentstatuses",
        "the state of the control plane just now",
    ),
];

/// Kinds that are never restored beside those never stored. Source: Velero's `nonRestorableResources` (velero.md section 3.1).
const NEVER_RESTORED: [(&str, &str); 3] = [
    ("backups.velero.io", "Velero's own record"),
    ("restores.velero.io", "Velero's own record"),
    ("backuprepositories.velero.io", "Velero's own record"),
];

/// The same objects served under two groups: the first is left out where the second is served.
/// Source: Velero's `cohabitatingResources` (velero.md section 2.1), and `ingresses`, which 1.14–1.21 serve under both.
const COHABITING: [(&str, &str); 6] = [
    ("deployments.extensions", "deployments.apps"),
    ("daemonsets.extensions", "daemonsets.apps"),
    ("replicasets.extensions", "replicasets.apps"),
    (
        "networkpolicies.extensions",
        "networkpolicies.networking.k8s.io",
    ),
    ("ingresses.extensions", "ingresses.networking.k8s.io"),
    (
        "podsecuritypolicies.extensions",
        "podsecuritypolicies.policy",
    ),
];

fn row(table: &[(&str, &'static str)], resource: &GroupResource) -> Option<&'static str> {
    let name = resource.to_string();
    table
        .iter()
        .find(|(own, _)| *own == name)
        .map(|(_, reason)| *reason)
}

/// Why objects of this kind are never stored.
pub fn never_stored(resource: &GroupResource) -> Option<&'static str> {
    row(&NEVER_STORED, resource)
}

/// Why objects of this kind are never restored.
pub fn never_restored(resource: &GroupResource) -> Option<&'static str> {
    never_stored(resource).or_else(|| row(&NEVER_RESTORED, resource))
}

/// Why this one object is left out of a backup.
pub fn object_left_out(object: &Object) -> Option<LeftOut> {
    let (id, labels) = (object.id(), &object.meta().labels);
    let made = |detail: &str| {
        let mut left = LeftOut::object(id, LeftOutReason::MadeByCluster);
        left.detail = detail.to_owned();
        Some(left)
    };
    if object.meta().deleting {
        return Some(LeftOut::object(id, LeftOutReason::BeingDeleted));
    }
    if let Some(label) = opted_out(labels) {
        let mut left = LeftOut::object(id, LeftOutReason::OptedOut);
        left.detail = format!("label {label}");
        return Some(left);
    }
    match (id.resource().group(), id.resource().resource()) {
        ("", "configmaps") if id.name() == "kube-root-ca.crt" => {
            made("published by the root CA controller")
        }
        ("", "secrets") if is_made_token(object) => made("a token of the source's own signer"),
        ("", "endpoints")
            if labels
                .get("endpoints.kubernetes.io/managed-by")
                .is_some_and(|by| by == "endpoint-controller") =>
        {
            made("made for its Service")
        }
        ("discovery.k8s.io", "endpointslices")
            if labels
                .get("endpointslice.kubernetes.io/managed-by")
                .is_some_and(|by| by.ends_with("-controller.k8s.io")) =>
        {
            made("made for its Service")
        }
        ("apiregistration.k8s.io", "apiservices")
            if labels.contains_key("kube-aggregator.kubernetes.io/automanaged") =>
        {
            made("kept by the API server")
        }
        ("rbac.authorization.k8s.io", "clusterroles" | "clusterrolebindings")
            if labels
                .get("kubernetes.io/bootstrapping")
                .is_some_and(|by| by == "rbac-defaults") =>
        {
            made("bootstrapped by the API server")
        }
        ("flowcontrol.apiserver.k8s.io", _) | ("scheduling.k8s.io", "priorityclasses")
            if id.name().starts_with("system-")
                || matches!(
                    id.name(),
                    "exempt"
                        // Until 1.22.
                        | "system"
                        | "catch-all"
                        | "global-default"
                        | "probes"
                        | "leader-election"
                        | "node-high"
                        | "service-accounts"
                        | "workload-high"
                        | "workload-low"
                        | "workload-leader-election"
                        | "kube-controller-manager"
                        | "kube-scheduler"
                        | "kube-system-service-accounts"
                        | "endpoint-controller"
                        | "global-default-workload"
                ) =>
        {
            made("bootstrapped by the API server")
        }
        ("", "services") if id.namespace() == Some("default") && id.name() == "kubernetes" => {
            made("the API server's own Service")
        }
        ("", "endpoints" | "endpointslices")
            if id.namespace() == Some("default") && id.name() == "kubernetes" =>
        {
            made("the API server's own Service")
        }
        ("discovery.k8s.io", "endpointslices")
            if id.namespace() == Some("default") && id.name() == "kubernetes" =>
        {
            made("the API server's own Service")
        }
        _ => None,
    }
}

/// Whether a Secret is a token that controllers made: of a service account that nobody asked for, as releases before 1.24 make them
/// (named `<service account>-token-<five letters>`), or of a bootstrap. A token that a person asked for is kept; the restore empties it.
/// Source: `serviceaccount/tokens_controller.go`; `k8s.io/cluster-bootstrap`.
fn is_made_token(object: &Object) -> bool {
    const ACCOUNT: &str = "kubernetes.io/service-account-token";
    const BOOTSTRAP: &str = "bootstrap.kubernetes.io/token";
    let json = object.json();
    // Few Secrets are tokens: the others are not parsed.
    if find(json, ACCOUNT.as_bytes()).is_none() && find(json, BOOTSTRAP.as_bytes()).is_none() {
        return false;
    }
    let Ok(tree) = object.tree() else {
        return false;
    };
    match tree.text_at(&["type"]) {
        Some(BOOTSTRAP) => true,
        Some(ACCOUNT) => {
            let owner = [
                "metadata",
                "annotations",
                "kubernetes.io/service-account.name",
            ];
            let made = object.id().name().rsplit_once("-token-");
            made.is_some_and(|(account, end)| {
                end.len() == 5 && tree.text_at(&owner) == Some(account)
            })
        }
        _ => false,
    }
}

/// What the resource filter says of one resource of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ResourceChoice {
    /// Its objects are taken.
    Taken,
    /// Not asked for; nothing is recorded beyond the spec itself.
    NotAsked,
    /// Left out for a reason that is recorded.
    LeftOut(LeftOut),
}

impl ResourceChoice {
    /// Applies rules and filter; scope is decided by the caller.
    pub(crate) fn of(resource: &ApiResource, discovery: &Discovery, selection: &Selection) -> Self {
        let name = resource.resource.to_string();
        let left = |reason, detail: &str| Self::LeftOut(LeftOut::rule(&name, reason, detail));
        let spellings = resource.spellings();
        match selection.asks(&spellings, resource.namespaced) {
            Asked::Excluded => return left(LeftOutReason::Excluded, ""),
            Asked::No => return Self::NotAsked,
            Asked::Yes => {}
        }
        if let Some(why) = never_stored(&resource.resource) {
            return left(LeftOutReason::MadeByCluster, why);
        }
        // A folder has each object where it is written, and nowhere else.
        let elsewhere = COHABITING
            .iter()
            .filter(|_| !discovery.server_version.is_empty())
            .find(|(old, _)| *old == name)
            .map(|(_, new)| *new);
        if let Some(new) = elsewhere.filter(|new| {
            discovery
                .resources
                .iter()
                .any(|row| row.resource.to_string() == **new)
        }) {
            return left(LeftOutReason::SameObjectsElsewhere, new);
        }
        // Source: velero.md section 2.1: a resource of a server must support all of list, create, get and delete.
        // A folder or backup offers reading only.
        let needed: &[&str] = match discovery.server_version.as_str() {
            "" => &["get", "list"],
            _ => &["list", "create", "get", "delete"],
        };
        if !resource.can(needed) {
            let detail = format!("needs the verbs {}", needed.join(", "));
            return left(LeftOutReason::NotStorable, &detail);
        }
        Self::Taken
    }
}

#[cfg(test)]
mod tests;

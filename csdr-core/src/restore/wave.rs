//! The order of a restore.

use crate::{lifecycle::is_builtin_group, model::GroupResource};
use serde::{Deserialize, Serialize};

/// What is restored together; earlier waves are done before later ones begin.
///
/// Source: Velero's priorities (velero.md section 3.2) with webhooks, aggregated APIs and quotas last, so that they cannot stand in
/// the way of what they would act on. Pods come before the controllers that would make new ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Wave {
    /// Custom resource definitions; the run waits until they are established and served.
    Definitions,
    /// Namespaces.
    Namespaces,
    /// Classes that others name: storage, snapshot, priority, ingress, runtime.
    Classes,
    /// Persistent volumes (R263: volumes first).
    Volumes,
    /// Claims on them.
    Claims,
    /// Service accounts and roles.
    Accounts,
    /// Bindings, Secrets, ConfigMaps, limit ranges.
    Config,
    /// Pods.
    Pods,
    /// Replica sets, before the Deployments that adopt them.
    ReplicaSets,
    /// Everything else that Kubernetes itself knows.
    Workloads,
    /// Objects of custom kinds: their operators are workloads. The run waits for what converts them between versions.
    Custom,
    /// Admission webhooks and policies.
    Admission,
    /// Aggregated APIs.
    Apis,
    /// Quotas.
    Quotas,
}

impl Wave {
    /// What an observer is told of it.
    pub(super) fn stage(self) -> &'static str {
        match self {
            Self::Definitions => "definitions",
            Self::Namespaces => "namespaces",
            Self::Classes => "classes",
            Self::Volumes => "volumes",
            Self::Claims => "claims",
            Self::Accounts => "accounts",
            Self::Config => "config",
            Self::Pods => "pods",
            Self::ReplicaSets => "replica sets",
            Self::Workloads => "workloads",
            Self::Custom => "custom resources",
            Self::Admission => "admission",
            Self::Apis => "apis",
            Self::Quotas => "quotas",
        }
    }

    /// Every wave in its order.
    pub const ALL: [Self; 14] = [
        Self::Definitions,
        Self::Namespaces,
        Self::Classes,
        Self::Volumes,
        Self::Claims,
        Self::Accounts,
        Self::Config,
        Self::Pods,
        Self::ReplicaSets,
        Self::Workloads,
        Self::Custom,
        Self::Admission,
        Self::Apis,
        Self::Quotas,
    ];

    /// The wave of a resource.
    pub fn of(resource: &GroupResource) -> Self {
        match (resource.group(), resource.resource()) {
            ("apiextensions.k8s.io", "customresourcedefinitions") => Self::Definitions,
            ("", "namespaces") => Self::Namespaces,
            ("storage.k8s.io", "storageclasses" | "csidrivers" | "volumeattributesclasses")
            | ("snapshot.storage.k8s.io", "volumesnapshotclasses")
            | ("scheduling.k8s.io", "priorityclasses")
            | ("networking.k8s.io", "ingressclasses")
            | ("node.k8s.io", "runtimeclasses")
            | ("gateway.networking.k8s.io", "gatewayclasses") => Self::Classes,
            ("", "persistentvolumes")
            | ("snapshot.storage.k8s.io", "volumesnapshots" | "volumesnapshotcontents") => {
                Self::Volumes
            }
            ("", "persistentvolumeclaims") => Self::Claims,
            ("", "serviceaccounts") | ("rbac.authorization.k8s.io", "roles" | "clusterroles") => {
                Self::Accounts
            }
            ("rbac.authorization.k8s.io", _) | ("", "secrets" | "configmaps" | "limitranges") => {
                Self::Config
            }
            ("", "pods") => Self::Pods,
            ("apps" | "extensions", "replicasets") => Self::ReplicaSets,
            ("admissionregistration.k8s.io", _) => Self::Admission,
            ("apiregistration.k8s.io", _) => Self::Apis,
            ("", "resourcequotas") => Self::Quotas,
            ("", _) => Self::Workloads,
            (group, _) if is_builtin_group(group) => Self::Workloads,
            _ => Self::Custom,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waves_are_listed_in_their_order() {
        assert!(Wave::ALL.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn velero_3_2_priorities_hold() {
        let order = [
            "customresourcedefinitions.apiextensions.k8s.io",
            "namespaces",
            "storageclasses.storage.k8s.io",
            "volumesnapshots.snapshot.storage.k8s.io",
            "persistentvolumeclaims",
            "serviceaccounts",
            "secrets",
            "pods",
            "replicasets.apps",
            "deployments.apps",
            "widgets.shop.io",
            "validatingwebhookconfigurations.admissionregistration.k8s.io",
            "apiservices.apiregistration.k8s.io",
            "resourcequotas",
        ];
        let waves: Vec<Wave> = order
            .iter()
            .map(|name| Wave::of(&name.parse().unwrap()))
            .collect();
        assert!(waves.windows(2).all(|pair| pair[0] < pair[1]), "{waves:?}");
    }
}

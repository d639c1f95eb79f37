//! A namespace is restored under another name: what names it inside of objects follows.

mod mention;
mod reference;
mod text;

use super::{TransformItem, Verdict};
use crate::{
    Result,
    conversion::{LossKind, Severity},
    port::Transform,
};
use std::collections::BTreeMap;

pub use mention::Mention;

/// Rewrites references to mapped namespaces, and tells of the text that may name one.
///
/// Every reference is looked up once, in the names of the backup, so that two namespaces may change places. A reference to a namespace
/// that is not mapped stays. The object's own namespace is not its work.
///
/// | kinds | what is rewritten |
/// |---|---|
/// | RoleBinding, ClusterRoleBinding, FlowSchema | subjects: ServiceAccounts, `system:serviceaccounts:<ns>`, `system:serviceaccount:<ns>:<name>` |
/// | Role, ClusterRole | `resourceNames` of rules that are for namespaces alone |
/// | NetworkPolicy, admission webhooks and policies, Gateway | selectors of namespaces by `kubernetes.io/metadata.name` |
/// | pods and what makes them | `namespaces` and `namespaceSelector` of affinity terms; data sources of volumes |
/// | admission webhooks, APIService, CustomResourceDefinition | the Service that they call |
/// | admission policy bindings | `paramRef` |
/// | Service | an `externalName` that is a Service's name in the cluster |
/// | PersistentVolume | `claimRef`, Secrets and endpoints that drivers are given (backup-center.md: since 1.8.3) |
/// | StorageClass, snapshot classes | parameters that name a Secret's namespace |
/// | VolumeSnapshotContent, VolumeGroupSnapshotContent | the snapshot that it is bound to |
/// | PersistentVolumeClaim, StatefulSet | `dataSourceRef` |
/// | Endpoints, EndpointSlice | `targetRef` |
/// | IngressClass, GatewayClass | the parameters' namespace |
/// | Gateway API | `parentRefs`, `backendRefs`, mirrors, `certificateRefs`, the `from` of a ReferenceGrant |
///
/// Text that may name a namespace stays as it is: see [`NamespaceMapping::mentions`]. Source: velero.md section 3.9 (Velero maps the
/// namespace of RBAC subjects and of `claimRef`, nothing else).
///
/// ```
/// use csdr_core::{model::Object, port::Transform, transform::{NamespaceMapping, TransformItem}};
/// let mapping = NamespaceMapping::new([("shop".to_owned(), "copy".to_owned())]);
/// let json = br#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"db","namespace":"web"},"spec":{"externalName":"db.shop.svc.cluster.local"}}"#;
/// let stored = Object::parse("services".parse()?, json.to_vec())?;
/// let mut item = TransformItem::new(&stored, stored.id().clone(), stored.tree()?);
/// mapping.transform(&mut item)?;
/// assert_eq!(item.text(&["spec", "externalName"]), Some("db.copy.svc.cluster.local"));
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceMapping {
    names: BTreeMap<String, String>,
}

impl NamespaceMapping {
    /// From namespaces of the backup to those of the target. One that keeps its name is as good as not there.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let pairs = pairs.into_iter().filter(|(from, to)| from != to);
        Self {
            names: pairs.collect(),
        }
    }

    /// The new name of a namespace that is mapped.
    fn of(&self, namespace: &str) -> Option<&str> {
        self.names.get(namespace).map(String::as_str)
    }

    /// Text of an object that may name a mapped namespace and is not rewritten, each with a resource modifier that would.
    ///
    /// Looked at are arguments, commands and environment of containers, ConfigMaps, Secrets (the path alone is told), annotations, and
    /// custom resources. `<service>.<ns>.svc…` is sure to be meant; `<service>.<ns>`, `<ns>/<name>`, `namespace=<ns>` and the bare name
    /// may be chance. At most 100 are told of one object.
    pub fn mentions(&self, item: &TransformItem<'_>) -> Vec<Mention> {
        match self.names.is_empty() {
            true => Vec::new(),
            false => mention::find(self, item).0,
        }
    }
}

impl Transform for NamespaceMapping {
    fn name(&self) -> &str {
        "namespace references"
    }

    fn transform(&self, item: &mut TransformItem<'_>) -> Result<Verdict> {
        if self.names.is_empty() {
            return Ok(Verdict::Restore);
        }
        let (mentions, more) = mention::find(self, item);
        reference::rewrite(self, item);
        for mention in mentions {
            let severity = mention.severity();
            item.tell(
                mention.path(),
                LossKind::Dangling,
                severity,
                mention.to_string(),
            );
        }
        if more > 0 {
            let reason = format!("{more} more texts may name a mapped namespace");
            item.tell("", LossKind::Dangling, Severity::Info, reason);
        }
        Ok(Verdict::Restore)
    }
}

#[cfg(test)]
mod tests;

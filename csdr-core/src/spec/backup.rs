//! What to back up.

use super::{FieldMask, NameFilter, NamespaceFilter, check_name, digest, from_yaml};
use crate::{
    Error, Result,
    hook::BackupHooks,
    model::LabelSelector,
    select::{FieldMasks, Filters, Selection},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What to back up, and under which name.
///
/// Without filters everything is selected but system namespaces (requirements R180–R182) and kinds that a cluster makes itself.
/// Objects, and namespaces with all that is in them, that carry the label `velero.io/exclude-from-backup` or
/// `csdr.alibabacloud.com/exclude-from-backup` with the value `true` are left out whatever the spec says.
///
/// Resources are filtered by one of Velero's two families (velero.md section 2.2), never by both: `includedResources`,
/// `excludedResources` and `clusterScoped`, or the four lists of cluster-scoped and namespace-scoped resources.
///
/// ```
/// use csdr_core::spec::BackupSpec;
/// let spec = BackupSpec::named("shop-1").with_namespace("shop").with_selector("app=shop".parse()?);
/// spec.validate()?;
/// assert_eq!(BackupSpec::from_yaml("{name: shop-1, includedNamespaces: [shop], labelSelector: {matchLabels: {app: shop}}}")?, spec);
/// let error = BackupSpec::from_yaml("{name: shop-1, includedNamespace: [shop]}").unwrap_err();
/// assert!(error.to_string().contains("includedNamespace"), "{error}");
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackupSpec {
    /// The backup's name, unique in its vault (R186).
    pub name: String,
    /// Namespaces, or patterns of `*`, `?` and `[abc]`; empty is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included_namespaces: Vec<String>,
    /// Namespaces or patterns to leave out; wins over the included ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_namespaces: Vec<String>,
    /// Resources by plural, kind, short name or `plural.group`, or patterns of plural names; empty is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included_resources: Vec<String>,
    /// Resources to leave out; wins over the included ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_resources: Vec<String>,
    /// Labels that objects must have; empty is all.
    #[serde(default, skip_serializing_if = "LabelSelector::is_empty")]
    pub label_selector: LabelSelector,
    /// Whether cluster-scoped objects are taken.
    #[serde(default)]
    pub cluster_scoped: ClusterScope,
    /// In which of its served versions an object is stored.
    #[serde(default)]
    pub api_versions: ApiVersions,

    /// Cluster-scoped resources. Empty: all of them if all namespaces and all namespace-scoped resources are taken, else none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included_cluster_scoped_resources: Vec<String>,
    /// Cluster-scoped resources to leave out; `*` alone is all of them. Namespace objects stay unless they are named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_cluster_scoped_resources: Vec<String>,
    /// Namespace-scoped resources; empty is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included_namespace_scoped_resources: Vec<String>,
    /// Namespace-scoped resources to leave out; `*` alone is all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_namespace_scoped_resources: Vec<String>,
    /// Labels that namespaces must have, besides being on the lists; empty is all.
    #[serde(default, skip_serializing_if = "LabelSelector::is_empty")]
    pub namespace_selector: LabelSelector,
    /// Objects must match one of these; not together with `labelSelector`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub or_label_selectors: Vec<LabelSelector>,
    /// Which objects of some resources, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<NameFilter>,
    /// Other filters for some namespaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespace_filters: Vec<NamespaceFilter>,
    /// By resource, objects that are captured first and in this order, as `namespace/name`, or `name` if cluster-scoped (Velero's
    /// `orderedResources`). They make the first item blocks of the plan: hooks run and volumes are captured in that order. Objects
    /// outside of blocks come from a list, which is one moment of a whole kind, and the archive keeps its own order: for those an order
    /// has no meaning.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ordered_resources: BTreeMap<String, Vec<String>>,
    /// Fields whose content is not stored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masked_fields: Vec<FieldMask>,
    /// Commands that freeze and thaw pods; a pod's annotations go before them.
    #[serde(default, skip_serializing_if = "BackupHooks::is_empty")]
    pub hooks: BackupHooks,
}

/// In which of its served versions an object is stored. A folder of manifests has each object in one version only: that one is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ApiVersions {
    /// In all of them, so that a target that serves any of them needs no conversion (R177; Velero's `EnableAPIGroupVersions`).
    #[default]
    AllServed,
    /// Only in the version that the source prefers.
    Preferred,
}

/// Whether cluster-scoped objects are taken. Source: Velero's tri-state `includeClusterResources`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ClusterScope {
    /// If all namespaces are selected; otherwise only the Namespace objects of selected namespaces, resources named in
    /// `includedResources`, and, in a backup, objects that captured ones need
    /// ([`related::captured_together`](crate::related::captured_together)).
    #[default]
    Auto,
    /// By the resource filter.
    Include,
    /// None but the Namespace objects of selected namespaces.
    Exclude,
}

impl BackupSpec {
    /// A spec that selects everything.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Reads YAML or JSON strictly.
    ///
    /// # Errors
    /// `InvalidInput` for an unknown field, a wrong type or a value that cannot be meant.
    pub fn from_yaml(text: &str) -> Result<Self> {
        let spec: Self = from_yaml("backup spec", text)?;
        spec.validate()?;
        Ok(spec)
    }

    /// Adds a namespace or pattern.
    #[must_use]
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.included_namespaces.push(namespace.into());
        self
    }

    /// Leaves a namespace or pattern out.
    #[must_use]
    pub fn without_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.excluded_namespaces.push(namespace.into());
        self
    }

    /// Adds a resource.
    #[must_use]
    pub fn with_resource(mut self, resource: impl Into<String>) -> Self {
        self.included_resources.push(resource.into());
        self
    }

    /// Leaves a resource out.
    #[must_use]
    pub fn without_resource(mut self, resource: impl Into<String>) -> Self {
        self.excluded_resources.push(resource.into());
        self
    }

    /// Demands labels.
    #[must_use]
    pub fn with_selector(mut self, selector: LabelSelector) -> Self {
        self.label_selector = selector;
        self
    }

    /// Decides about cluster-scoped objects.
    #[must_use]
    pub fn with_cluster_scoped(mut self, scope: ClusterScope) -> Self {
        self.cluster_scoped = scope;
        self
    }

    /// Decides in which versions objects are stored.
    #[must_use]
    pub fn with_api_versions(mut self, versions: ApiVersions) -> Self {
        self.api_versions = versions;
        self
    }

    /// Takes namespaces by their labels.
    #[must_use]
    pub fn with_namespace_selector(mut self, selector: LabelSelector) -> Self {
        self.namespace_selector = selector;
        self
    }

    /// Adds a selector of which one must match.
    #[must_use]
    pub fn with_or_selector(mut self, selector: LabelSelector) -> Self {
        self.or_label_selectors.push(selector);
        self
    }

    /// Adds a rule about names.
    #[must_use]
    pub fn with_names(mut self, names: NameFilter) -> Self {
        self.names.push(names);
        self
    }

    /// Adds other filters for some namespaces.
    #[must_use]
    pub fn with_namespace_filter(mut self, filter: NamespaceFilter) -> Self {
        self.namespace_filters.push(filter);
        self
    }

    /// Captures these objects of a resource first, in this order.
    #[must_use]
    pub fn with_order<I: Into<String>>(
        mut self,
        resource: impl Into<String>,
        objects: impl IntoIterator<Item = I>,
    ) -> Self {
        let objects = objects.into_iter().map(Into::into).collect();
        self.ordered_resources.insert(resource.into(), objects);
        self
    }

    /// Masks a field.
    #[must_use]
    pub fn with_masked_field(mut self, mask: FieldMask) -> Self {
        self.masked_fields.push(mask);
        self
    }

    /// What the filters mean.
    pub(crate) fn selection(&self) -> Result<Selection> {
        Selection::new(&Filters {
            included_namespaces: &self.included_namespaces,
            excluded_namespaces: &self.excluded_namespaces,
            namespace_selector: Some(&self.namespace_selector),
            included_resources: &self.included_resources,
            excluded_resources: &self.excluded_resources,
            cluster_scoped: self.cluster_scoped,
            included_cluster_scoped_resources: &self.included_cluster_scoped_resources,
            excluded_cluster_scoped_resources: &self.excluded_cluster_scoped_resources,
            included_namespace_scoped_resources: &self.included_namespace_scoped_resources,
            excluded_namespace_scoped_resources: &self.excluded_namespace_scoped_resources,
            label_selector: &self.label_selector,
            or_label_selectors: &self.or_label_selectors,
            names: &self.names,
            namespace_filters: &self.namespace_filters,
        })
    }

    /// What the masks mean.
    pub(crate) fn masks(&self) -> Result<FieldMasks> {
        FieldMasks::new(&self.masked_fields)
    }

    /// Runs these hooks.
    #[must_use]
    pub fn with_hooks(mut self, hooks: BackupHooks) -> Self {
        self.hooks = hooks;
        self
    }

    /// Refuses what cannot be meant.
    ///
    /// # Errors
    /// `InvalidInput`, naming the field.
    pub fn validate(&self) -> Result<()> {
        check_name("backup", &self.name)?;
        self.hooks.validate()?;
        self.selection()?;
        self.masks()?;
        for (resource, objects) in &self.ordered_resources {
            for object in objects {
                let parts = || object.split('/');
                let is_name = parts().all(crate::model::is_object_name);
                if resource.is_empty() || !is_name || parts().count() > 2 {
                    return Err(Error::invalid(
                        "ordered resources: an object is written `namespace/name`, or `name`",
                    )
                    .with_context("resource", resource.escape_debug())
                    .with_context("object", object.escape_debug()));
                }
            }
        }
        Ok(())
    }

    /// SHA-256 in hex over the spec: the same command again has the same digest.
    ///
    /// # Errors
    /// Never for a spec that was validated.
    pub fn digest(&self) -> Result<String> {
        digest(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn velero_2_2_refuses_what_cannot_be_meant() {
        for (yaml, part) in [
            (
                "includedResources: [pods], includedNamespaceScopedResources: [pods]",
                "families",
            ),
            (
                "clusterScoped: exclude, excludedClusterScopedResources: [nodes]",
                "families",
            ),
            (
                "includedClusterScopedResources: [a], excludedClusterScopedResources: ['*']",
                "leaves nothing",
            ),
            (
                "excludedNamespaceScopedResources: ['*', pods]",
                "leaves nothing",
            ),
            ("excludedResources: ['*']", "leaves nothing"),
            (
                "includedResources: [pods], excludedResources: [pods]",
                "both",
            ),
            (
                "labelSelector: {matchLabels: {a: b}}, orLabelSelectors: [{matchLabels: {c: d}}]",
                "orLabelSelectors",
            ),
            ("orLabelSelectors: [{}]", "selects everything"),
            ("namespaceSelector: {matchLabels: {'-': b}}", "label"),
            (
                "names: [{resource: 'pods*', included: [a]}]",
                "one resource",
            ),
            ("names: [{resource: pods, included: ['**']}]", "pattern"),
            ("namespaceFilters: [{namespaces: []}]", "namespace filter"),
            (
                "namespaceFilters: [{namespaces: [a], labelSelector: {matchLabels: {a: b}}, orLabelSelectors: [{matchLabels: {c: d}}]}]",
                "orLabelSelectors",
            ),
            ("orderedResources: {pods: [a/b/c]}", "ordered"),
            ("orderedResources: {pods: [a/]}", "ordered"),
            (
                "maskedFields: [{resource: secrets, fields: [data]}]",
                "JSON pointer",
            ),
            (
                "maskedFields: [{resource: secrets, fields: ['/metadata/name']}]",
                "cannot be masked",
            ),
            (
                "maskedFields: [{resource: secrets, fields: ['/*']}]",
                "cannot be masked",
            ),
            ("maskedFields: [{resource: secrets, fields: []}]", "field"),
            (
                "maskedFields: [{resource: secrets, fields: [/data], action: shred}]",
                "shred",
            ),
        ] {
            let error = BackupSpec::from_yaml(&format!("{{name: a, {yaml}}}")).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::InvalidInput);
            assert!(error.chain().contains(part), "{yaml}: {}", error.chain());
        }
    }
}

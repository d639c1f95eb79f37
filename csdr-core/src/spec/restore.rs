//! What to restore.

use super::{
    ApplySettings, Existing, ExistingOverride, MetadataOverwrite, NameFilter, NamespaceFilter,
    StatusRestore, check_name, digest, from_yaml,
};
use crate::{
    Error, Result,
    hook::RestoreHooks,
    model::{LabelSelector, ObjectId},
    modifier::ResourceModifierSpec,
    select::{Filters, Selection},
    spec::ClusterScope,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What to restore from which backup, and where to. Objects that exist in the target are skipped (R256), unless
/// [`existing`](Self::existing) says otherwise.
///
/// ```
/// use csdr_core::spec::RestoreSpec;
/// let spec = RestoreSpec::from_backup("shop-1").with_name("shop-copy").with_namespace_mapping("shop", "shop-copy");
/// spec.validate()?;
/// assert_eq!(spec.map_namespace("shop"), "shop-copy");
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreSpec {
    /// The restore's name, unique in its vault. [`RestoreSpec::from_backup`] sets it to the backup's name.
    pub name: String,
    /// The backup to restore.
    pub backup_name: String,
    /// Namespaces *of the backup*, or patterns; empty is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included_namespaces: Vec<String>,
    /// Namespaces or patterns to leave out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_namespaces: Vec<String>,
    /// Resources by plural or `plural.group`, or patterns of them; empty is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included_resources: Vec<String>,
    /// Resources to leave out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_resources: Vec<String>,
    /// Labels that objects must have; empty is all.
    #[serde(default, skip_serializing_if = "LabelSelector::is_empty")]
    pub label_selector: LabelSelector,
    /// Whether cluster-scoped objects are restored.
    #[serde(default)]
    pub cluster_scoped: ClusterScope,
    /// From a namespace of the backup to one of the target; others keep their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub namespace_mapping: BTreeMap<String, String>,
    /// Rules that change objects on their way, as the data of Velero's ConfigMap has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_modifiers: Option<ResourceModifierSpec>,

    /// Objects must match one of these; not together with `labelSelector`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub or_label_selectors: Vec<LabelSelector>,
    /// Which objects of some resources, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<NameFilter>,
    /// Other filters for some namespaces *of the backup*.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespace_filters: Vec<NamespaceFilter>,
    /// Only these objects, all that they need of what the backup holds
    /// ([`related::needed`](crate::related::needed)), and their namespaces. What the spec excludes stays out; include lists, labels and
    /// names do not matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roots: Vec<ObjectId>,
    /// Commands and init containers for restored pods; a pod's annotations go before them.
    #[serde(default, skip_serializing_if = "RestoreHooks::is_empty")]
    pub hooks: RestoreHooks,

    // What the built-in transforms do.
    /// From old to new prefix of images, as `docker.io/library/` → `registry.example.com/mine/` (R320). Excludes `changeImages` (R324).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub image_registry_mapping: BTreeMap<String, String>,
    /// The data of a `change-image-name` ConfigMap: `case1: "<old>,<new>"` (R321 to R323).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub change_images: BTreeMap<String, String>,
    /// Whether node ports of Services stay, with `healthCheckNodePort`. Absent: those of type NodePort do (R269, R270).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preserve_node_ports: Option<bool>,
    /// From a StorageClass of the backup to one of the target.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub storage_class_mapping: BTreeMap<String, String>,
    /// The class for claims whose own class the target does not have (R316). Absent: they keep theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_storage_class: Option<String>,
    /// From an access mode of volumes and claims to another: `ReadWriteMany` → `ReadWriteOnce` (R314).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub access_mode_mapping: BTreeMap<String, String>,
    /// Labels and annotations that are written over those of the backup.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overwrites: Vec<MetadataOverwrite>,
    /// Whose status is restored; absent is nobody's, but for objects that ask for it by annotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_status: Option<StatusRestore>,
    /// Whether every object is labelled `velero.io/restore-name` and `velero.io/backup-name`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub velero_labels: bool,

    /// What becomes of objects that exist in the target.
    #[serde(default, skip_serializing_if = "Existing::is_default")]
    pub existing: Existing,
    /// Other answers for some kinds or labels; the first that fits counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub existing_overrides: Vec<ExistingOverride>,
    /// How objects under [`Existing::Apply`] are applied.
    #[serde(default, skip_serializing_if = "ApplySettings::is_default")]
    pub apply: ApplySettings,
    /// Whether a run refuses its plan if the target is not any more as it was planned for. Otherwise the run does what is right for
    /// each object as it finds it, and reports where that differs from the plan.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refuse_stale: bool,
}

impl RestoreSpec {
    /// Restores everything of a backup, under the backup's name.
    pub fn from_backup(backup_name: impl Into<String>) -> Self {
        let backup_name = backup_name.into();
        Self {
            name: backup_name.clone(),
            backup_name,
            ..Self::default()
        }
    }

    /// Reads YAML or JSON strictly.
    ///
    /// # Errors
    /// `InvalidInput` for an unknown field, a wrong type or a value that cannot be meant.
    pub fn from_yaml(text: &str) -> Result<Self> {
        let spec: Self = from_yaml("restore spec", text)?;
        spec.validate()?;
        Ok(spec)
    }

    /// Names the restore.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Adds a namespace or pattern of the backup.
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

    /// Restores namespace `from` as `to`.
    #[must_use]
    pub fn with_namespace_mapping(
        mut self,
        from: impl Into<String>,
        to: impl Into<String>,
    ) -> Self {
        self.namespace_mapping.insert(from.into(), to.into());
        self
    }

    /// Decides about objects that exist in the target.
    #[must_use]
    pub fn with_existing(mut self, existing: Existing) -> Self {
        self.existing = existing;
        self
    }

    /// Decides otherwise for some of them; earlier overrides count first.
    #[must_use]
    pub fn with_existing_override(mut self, rule: ExistingOverride) -> Self {
        self.existing_overrides.push(rule);
        self
    }

    /// How objects under [`Existing::Apply`] are applied.
    #[must_use]
    pub fn with_apply(mut self, apply: ApplySettings) -> Self {
        self.apply = apply;
        self
    }

    /// Refuses to run a plan for another state of the target.
    #[must_use]
    pub fn refusing_stale(mut self) -> Self {
        self.refuse_stale = true;
        self
    }

    /// Changes objects by rules.
    ///
    /// ```
    /// use csdr_core::{modifier::ResourceModifierSpec, spec::RestoreSpec};
    /// let rules = ResourceModifierSpec::from_yaml(
    ///     "{version: v1, resourceModifierRules: [{conditions: {groupResource: deployments.apps}, mergePatches: [{patchData: 'spec: {replicas: 1}'}]}]}",
    /// )?;
    /// RestoreSpec::from_backup("shop-1").with_resource_modifiers(rules).validate()?;
    /// # Ok::<(), csdr_core::Error>(())
    /// ```
    #[must_use]
    pub fn with_resource_modifiers(mut self, rules: ResourceModifierSpec) -> Self {
        self.resource_modifiers = Some(rules);
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

    /// Restores only these objects and all that they need.
    #[must_use]
    pub fn with_roots(mut self, roots: impl IntoIterator<Item = ObjectId>) -> Self {
        self.roots.extend(roots);
        self
    }

    /// What the filters mean.
    pub(crate) fn selection(&self) -> Result<Selection> {
        Selection::new(&Filters {
            included_namespaces: &self.included_namespaces,
            excluded_namespaces: &self.excluded_namespaces,
            namespace_selector: None,
            included_resources: &self.included_resources,
            excluded_resources: &self.excluded_resources,
            cluster_scoped: self.cluster_scoped,
            included_cluster_scoped_resources: &[],
            excluded_cluster_scoped_resources: &[],
            included_namespace_scoped_resources: &[],
            excluded_namespace_scoped_resources: &[],
            label_selector: &self.label_selector,
            or_label_selectors: &self.or_label_selectors,
            names: &self.names,
            namespace_filters: &self.namespace_filters,
        })
    }

    /// Runs these hooks.
    #[must_use]
    pub fn with_hooks(mut self, hooks: RestoreHooks) -> Self {
        self.hooks = hooks;
        self
    }

    /// The target's name of a namespace of the backup.
    pub fn map_namespace<'a>(&'a self, namespace: &'a str) -> &'a str {
        self.namespace_mapping
            .get(namespace)
            .map_or(namespace, String::as_str)
    }

    /// Refuses what cannot be meant.
    ///
    /// # Errors
    /// `InvalidInput`, naming the field; also for two namespaces mapped onto one.
    pub fn validate(&self) -> Result<()> {
        check_name("restore", &self.name)?;
        check_name("backup", &self.backup_name)?;
        if let Some(rules) = &self.resource_modifiers {
            rules.validate()?;
        }
        self.selection()?;
        self.hooks.validate()?;
        self.validate_transforms()?;
        self.existing_overrides
            .iter()
            .try_for_each(ExistingOverride::validate)?;
        self.apply.validate()?;
        let mut targets = BTreeSet::new();
        for (from, to) in &self.namespace_mapping {
            for name in [from, to] {
                let label = name.len() <= 63 && !name.contains('.');
                check_name("namespace", name)
                    .ok()
                    .filter(|()| label)
                    .ok_or_else(|| {
                        Error::invalid("namespace mapping: not a namespace's name")
                            .with_context("name", name.escape_debug())
                    })?;
            }
            if !targets.insert(to) {
                return Err(Error::invalid(
                    "namespace mapping: two namespaces are mapped onto one",
                )
                .with_context("to", to));
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
    fn refuses_what_cannot_be_meant() {
        for (yaml, part) in [
            ("{name: a, backupName: b, existing: Overwrite}", "Overwrite"),
            (
                "{name: a, backupName: b, existingPolicy: update}",
                "existingPolicy",
            ),
            (
                "{name: a, backupName: b, existingOverrides: [{policy: fail}]}",
                "neither resources nor labels",
            ),
            (
                "{name: a, backupName: b, existingOverrides: [{resources: ['**'], policy: fail}]}",
                "pattern",
            ),
            (
                "{name: a, backupName: b, apply: {fieldManager: csdr-0190}}",
                "field manager",
            ),
            ("{name: A, backupName: b}", "restore name"),
            ("{name: a, backupName: ../b}", "backup name"),
            (
                "{name: a, backupName: b, namespaceMapping: {x: z, y: z}}",
                "onto one",
            ),
            (
                "{name: a, backupName: b, namespaceMapping: {x: Z}}",
                "not a namespace",
            ),
            (
                "{name: a, backupName: b, includedNamespaces: ['**']}",
                "pattern",
            ),
            ("{name: a}", "backupName"),
            (
                "{name: a, backupName: b, resourceModifiers: {version: v1, resourceModifierRules: [{conditions: {groupResource: pods}}]}}",
                "rule=1",
            ),
        ] {
            let error = RestoreSpec::from_yaml(yaml).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::InvalidInput);
            assert!(error.to_string().contains(part), "{yaml}: {error}");
        }
    }
}

//! What to back up.

use super::{check_name, digest, from_yaml};
use crate::{Result, hook::BackupHooks, model::LabelSelector, select::Patterns};
use serde::{Deserialize, Serialize};

/// What to back up, and under which name.
///
/// Without filters everything is selected but system namespaces (requirements R180–R182) and kinds that a cluster makes itself.
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
    /// If all namespaces are selected; otherwise only the Namespace objects of selected namespaces, and resources named in
    /// `includedResources`.
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
        Patterns::new(
            "namespaces",
            &self.included_namespaces,
            &self.excluded_namespaces,
        )?;
        Patterns::new(
            "resources",
            &self.included_resources,
            &self.excluded_resources,
        )?;
        self.label_selector.validate()
    }

    /// SHA-256 in hex over the spec: the same command again has the same digest.
    ///
    /// # Errors
    /// Never for a spec that was validated.
    pub fn digest(&self) -> Result<String> {
        digest(self)
    }
}

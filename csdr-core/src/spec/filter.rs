//! Parts of a selection that backups and restores share.

use crate::{Error, Result, model::LabelSelector, select::Patterns};
use serde::{Deserialize, Serialize};

/// Which objects of one resource are taken, by name. Objects of other resources are not concerned.
///
/// ```
/// use csdr_core::spec::{BackupSpec, NameFilter};
/// let web = NameFilter::of("deployments").with_name("web-*").without_name("web-old");
/// let spec = BackupSpec::named("shop-1").with_namespace("shop").with_names(web);
/// spec.validate()?;
/// let yaml = "{name: shop-1, includedNamespaces: [shop], names: [{resource: deployments, included: [web-*], excluded: [web-old]}]}";
/// assert_eq!(BackupSpec::from_yaml(yaml)?, spec);
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NameFilter {
    /// The resource by plural, kind, short name or `plural.group`.
    pub resource: String,
    /// Names, or patterns of `*`, `?` and `[abc]`; empty is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included: Vec<String>,
    /// Names or patterns to leave out; wins over the included ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<String>,
}

impl NameFilter {
    /// Of one resource, without a rule yet.
    pub fn of(resource: impl Into<String>) -> Self {
        Self {
            resource: resource.into(),
            ..Self::default()
        }
    }

    /// Takes objects of this name or pattern, and no others that are not named.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.included.push(name.into());
        self
    }

    /// Leaves objects of this name or pattern out.
    #[must_use]
    pub fn without_name(mut self, name: impl Into<String>) -> Self {
        self.excluded.push(name.into());
        self
    }

    pub(crate) fn patterns(&self) -> Result<Patterns> {
        if self.resource.is_empty() || self.resource.contains(['*', '?', '[', '/']) {
            return Err(
                Error::invalid("names: `resource` must name one resource; no pattern")
                    .with_context("resource", self.resource.escape_debug()),
            );
        }
        Patterns::new("names", &self.included, &self.excluded)
            .map_err(|error| error.with_context("resource", &self.resource))
    }
}

/// Other filters for the objects of some namespaces.
///
/// The first filter of a spec's list whose `namespaces` match a namespace takes the place of the spec's resource lists, label selectors
/// and names for the namespaced objects in it; nothing of the spec's own is added. It selects no namespaces: the spec's namespace lists
/// do. Cluster-scoped objects are not concerned.
///
/// ```
/// use csdr_core::spec::{BackupSpec, NamespaceFilter};
/// // Everything of `shop`, but of the data namespaces only claims.
/// let spec = BackupSpec::named("shop-1")
///     .with_namespace("shop")
///     .with_namespace("data-*")
///     .with_namespace_filter(NamespaceFilter::of("data-*").with_resource("persistentvolumeclaims"));
/// spec.validate()?;
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NamespaceFilter {
    /// Namespaces or patterns that this filter is for; at least one.
    pub namespaces: Vec<String>,
    /// Resources; empty is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included_resources: Vec<String>,
    /// Resources to leave out; wins over the included ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_resources: Vec<String>,
    /// Labels that objects must have; empty is all.
    #[serde(default, skip_serializing_if = "LabelSelector::is_empty")]
    pub label_selector: LabelSelector,
    /// Objects must match one of these; not together with `labelSelector`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub or_label_selectors: Vec<LabelSelector>,
    /// Which objects of some resources, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<NameFilter>,
}

impl NamespaceFilter {
    /// For a namespace or pattern.
    pub fn of(namespace: impl Into<String>) -> Self {
        Self {
            namespaces: vec![namespace.into()],
            ..Self::default()
        }
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

    /// Adds a rule about names.
    #[must_use]
    pub fn with_names(mut self, names: NameFilter) -> Self {
        self.names.push(names);
        self
    }
}

/// A field whose content is not stored: masked while the object is captured, before the archive sees it.
///
/// Of an object with a masked field kubectl's `last-applied-configuration` annotation is removed as well: it holds the same content.
///
/// ```
/// use csdr_core::spec::{BackupSpec, FieldMask};
/// let spec = BackupSpec::named("shop-1").with_masked_field(FieldMask::of("secrets", "/data"));
/// spec.validate()?;
/// assert_eq!(BackupSpec::from_yaml("{name: shop-1, maskedFields: [{resource: secrets, fields: [/data]}]}")?, spec);
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FieldMask {
    /// The resource by plural, kind, short name or `plural.group`.
    pub resource: String,
    /// Of objects in these namespaces or patterns; empty is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// Of objects with these names or patterns; empty is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// JSON pointers (RFC 6901); `*` as a whole segment stands for every key or item. `apiVersion`, `kind`, and the object's name and
    /// namespace cannot be masked.
    pub fields: Vec<String>,
    /// What becomes of the field.
    #[serde(default)]
    pub action: MaskAction,
}

/// What becomes of a masked field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MaskAction {
    /// Keys stay, values are emptied: `""` for a string, `0` for a number, `false` for a boolean, `[]` for an array.
    #[default]
    Empty,
    /// The field is removed.
    Remove,
}

impl FieldMask {
    /// Empties one field of a resource.
    pub fn of(resource: impl Into<String>, field: impl Into<String>) -> Self {
        Self {
            resource: resource.into(),
            fields: vec![field.into()],
            ..Self::default()
        }
    }

    /// Only in a namespace or pattern.
    #[must_use]
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespaces.push(namespace.into());
        self
    }

    /// Only of objects of a name or pattern.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    /// Decides what becomes of the field.
    #[must_use]
    pub fn with_action(mut self, action: MaskAction) -> Self {
        self.action = action;
        self
    }
}

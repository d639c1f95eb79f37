//! What becomes of objects that exist in the target.

use crate::{Error, Result, model::LabelSelector, select::Patterns};
use serde::{Deserialize, Serialize};

/// What becomes of an object that exists in the target already.
///
/// Whatever the policy is: one that has every field of the backup's object, with its value, is left as it is; one that an earlier, dead
/// run of the same restore has made counts as made; what a ServiceAccount has and the backup's has are put together (velero.md section
/// 3.5). An existing Namespace is left as it is (velero.md section 3.4), unless an [`ExistingOverride`] names `namespaces`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Existing {
    /// It is left as it is (R256); plan and report say which ones differ, and where.
    #[default]
    Skip,
    /// One that differs is an error of its own; the restore of the others goes on.
    Fail,
    /// The backup's fields are written into it by a JSON merge patch, in three ways:
    ///
    /// * a field of the backup that has another value in the target, or none, is written;
    /// * a field that only the target has stays: the server's defaults, another controller's fields, what admission put in. It goes only
    ///   if both objects were made by `kubectl apply` and the target's `last-applied-configuration` has it and the backup does not:
    ///   a person added it after the backup. Where a member named `type` changes, the objects beside it that only the target has go too;
    /// * a field whose owner in the target is one of the cluster's own controllers stays as it is there (the replicas that an autoscaler
    ///   set, a Deployment's revision).
    ///
    /// A list is one value: if it differs, it is written as the backup has it; `metadata.finalizers` are united instead.
    Update,
    /// Server-side apply of the backup's fields, but for those that the cluster's own controllers had written; see [`ApplySettings`].
    Apply,
    /// It is deleted, and once it is gone the backup's is created. Namespaces, volumes, claims and definitions, whose deletion takes
    /// data along, are left as they are unless an [`ExistingOverride`] names them.
    Recreate,
}

impl Existing {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Another answer for some objects.
///
/// ```
/// use csdr_core::spec::{Existing, ExistingOverride, RestoreSpec};
/// let spec = RestoreSpec::from_yaml("
/// name: shop-1
/// backupName: shop-1
/// existing: update
/// existingOverrides:
/// - {resources: [secrets], policy: skip}
/// - {labelSelector: {matchLabels: {tier: cache}}, policy: recreate}
/// ")?;
/// let rule = ExistingOverride::new(Existing::Skip).with_resource("secrets");
/// assert_eq!(spec.existing_overrides[0], rule);
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExistingOverride {
    /// Resources by plural or `plural.group`, as stored or as written, or patterns of them; empty is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Labels that the backup's object must have; empty is all.
    #[serde(default, skip_serializing_if = "LabelSelector::is_empty")]
    pub label_selector: LabelSelector,
    /// What becomes of them.
    pub policy: Existing,
}

impl ExistingOverride {
    /// This policy, for what the `with_…` functions say.
    pub fn new(policy: Existing) -> Self {
        Self {
            policy,
            ..Self::default()
        }
    }

    /// For a resource or pattern.
    #[must_use]
    pub fn with_resource(mut self, resource: impl Into<String>) -> Self {
        self.resources.push(resource.into());
        self
    }

    /// For objects with these labels.
    #[must_use]
    pub fn with_selector(mut self, selector: LabelSelector) -> Self {
        self.label_selector = selector;
        self
    }

    /// Refuses what cannot be meant.
    ///
    /// # Errors
    /// `InvalidInput` for a bad pattern or selector, or for neither.
    pub fn validate(&self) -> Result<()> {
        if self.resources.is_empty() && self.label_selector.is_empty() {
            return Err(Error::invalid(
                "existing override has neither resources nor labels; set `existing` instead",
            ));
        }
        Patterns::new("existing override", &self.resources, &[])?;
        self.label_selector.validate()
    }
}

/// How objects are applied on the server under [`Existing::Apply`].
///
/// ```
/// use csdr_core::spec::ApplySettings;
/// let settings = ApplySettings { field_manager: "shop-deployer".into(), force: true };
/// settings.validate()?;
/// assert!(!ApplySettings::default().force);
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApplySettings {
    /// The name under which the server records the fields. It stays after the restore: whoever applies next under this name takes over.
    #[serde(default = "default_manager")]
    pub field_manager: String,
    /// Whether fields that somebody else owns with another value are taken over. Otherwise such an object fails, and the report says
    /// whose fields they are.
    #[serde(default)]
    pub force: bool,
}

fn default_manager() -> String {
    "csdr".to_owned()
}

impl Default for ApplySettings {
    fn default() -> Self {
        Self {
            field_manager: default_manager(),
            force: false,
        }
    }
}

impl ApplySettings {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Refuses what cannot be meant.
    ///
    /// # Errors
    /// `InvalidInput` for a field manager that the server would refuse, or that looks like that of an operation of csdr: by those a
    /// restore knows what is its own.
    pub fn validate(&self) -> Result<()> {
        let name = &self.field_manager;
        // Source: `fieldManager` validation of `k8s.io/apimachinery`.
        let good = !name.is_empty() && name.len() <= 128 && !name.chars().any(char::is_control);
        if good && !name.starts_with("csdr-") {
            return Ok(());
        }
        Err(Error::invalid(
            "apply: a field manager must be printable, at most 128 bytes, and not begin with `csdr-`",
        )
        .with_context("field manager", name.escape_debug()))
    }
}

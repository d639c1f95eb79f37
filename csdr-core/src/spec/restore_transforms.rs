//! What a restore changes about objects.

use super::RestoreSpec;
use crate::{
    Error, Result,
    model::LabelSelector,
    transform::{Images, Overwrites, StatusRule},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Labels and annotations that a restore writes over those of the backup. All conditions must hold; an empty list is all.
///
/// ```
/// use csdr_core::spec::MetadataOverwrite;
/// let rule = MetadataOverwrite {
///     resources: vec!["services".into()],
///     annotations: [("team".into(), Some("a".into())), ("old".into(), None)].into(),
///     ..MetadataOverwrite::default()
/// };
/// assert!(rule.labels.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetadataOverwrite {
    /// Resources by plural or `plural.group`, or patterns of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Namespaces of the backup, or patterns; with one, cluster-scoped objects are not meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// Names, or patterns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Labels that objects have in the backup.
    #[serde(default, skip_serializing_if = "LabelSelector::is_empty")]
    pub label_selector: LabelSelector,
    /// Labels; `null` takes one away.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, Option<String>>,
    /// Annotations; `null` takes one away.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, Option<String>>,
}

/// Whose status is restored, as Velero's `restoreStatus`.
///
/// ```
/// use csdr_core::spec::StatusRestore;
/// let status = StatusRestore { included_resources: vec!["widgets.shop.io".into()], ..StatusRestore::default() };
/// assert!(status.excluded_resources.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StatusRestore {
    /// Resources by plural or `plural.group`, or patterns; empty is all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included_resources: Vec<String>,
    /// Resources to leave out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_resources: Vec<String>,
}

/// Access modes. Source: core/v1 PersistentVolumeAccessMode.
const ACCESS_MODES: [&str; 4] = [
    "ReadWriteOnce",
    "ReadOnlyMany",
    "ReadWriteMany",
    "ReadWriteOncePod",
];

impl RestoreSpec {
    /// Replaces a prefix of images: `docker.io/library/` by `registry.example.com/mine/` (R320).
    #[must_use]
    pub fn with_image_registry(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.image_registry_mapping.insert(from.into(), to.into());
        self
    }

    /// Decides about node ports of Services.
    #[must_use]
    pub fn with_preserve_node_ports(mut self, preserve: bool) -> Self {
        self.preserve_node_ports = Some(preserve);
        self
    }

    /// Restores volumes and claims of one class into another.
    #[must_use]
    pub fn with_storage_class_mapping(
        mut self,
        from: impl Into<String>,
        to: impl Into<String>,
    ) -> Self {
        self.storage_class_mapping.insert(from.into(), to.into());
        self
    }

    /// The class for claims whose own class the target does not have (R316).
    #[must_use]
    pub fn with_missing_storage_class(mut self, class: impl Into<String>) -> Self {
        self.missing_storage_class = Some(class.into());
        self
    }

    /// Restores volumes and claims of one access mode with another (R314).
    #[must_use]
    pub fn with_access_mode_mapping(
        mut self,
        from: impl Into<String>,
        to: impl Into<String>,
    ) -> Self {
        self.access_mode_mapping.insert(from.into(), to.into());
        self
    }

    /// Writes labels and annotations over those of the backup.
    #[must_use]
    pub fn with_overwrite(mut self, rule: MetadataOverwrite) -> Self {
        self.overwrites.push(rule);
        self
    }

    /// Restores the status of these resources.
    #[must_use]
    pub fn with_status(mut self, status: StatusRestore) -> Self {
        self.restore_status = Some(status);
        self
    }

    /// Labels every object with the names of restore and backup, as Velero does.
    #[must_use]
    pub fn with_velero_labels(mut self, labels: bool) -> Self {
        self.velero_labels = labels;
        self
    }

    pub(super) fn validate_transforms(&self) -> Result<()> {
        if !(self.image_registry_mapping.is_empty() || self.change_images.is_empty()) {
            return Err(Error::invalid(
                "imageRegistryMapping and changeImages exclude each other (R324)",
            ));
        }
        Images::by_registry(&self.image_registry_mapping)?;
        Images::by_cases(&self.change_images)?;
        Overwrites::new(&self.overwrites)?;
        StatusRule::new(self.restore_status.as_ref())?;
        for mode in self
            .access_mode_mapping
            .iter()
            .flat_map(|(from, to)| [from, to])
        {
            if !ACCESS_MODES.contains(&mode.as_str()) {
                return Err(Error::invalid("access mode mapping: not an access mode")
                    .with_context("mode", mode.escape_debug())
                    .with_context("known", ACCESS_MODES.join(", ")));
            }
        }
        let classes = self.storage_class_mapping.iter();
        let classes = classes.flat_map(|(from, to)| [from, to]);
        if classes
            .chain(&self.missing_storage_class)
            .any(String::is_empty)
        {
            return Err(Error::invalid("storage class mapping: a name is empty"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_file_takes_every_field_and_refuses_what_cannot_be_meant() {
        let yaml = "{name: a, backupName: b, imageRegistryMapping: {docker.io/: r.cn/}, preserveNodePorts: true, \
            storageClassMapping: {x: y}, missingStorageClass: z, accessModeMapping: {ReadWriteMany: ReadWriteOnce}, \
            overwrites: [{resources: [services], labels: {l: null}, annotations: {a: '1'}}], \
            restoreStatus: {includedResources: [widgets.shop.io]}, veleroLabels: true}";
        let spec = RestoreSpec::from_yaml(yaml).unwrap();
        let rule = MetadataOverwrite {
            resources: vec!["services".into()],
            labels: [("l".to_owned(), None)].into(),
            annotations: [("a".to_owned(), Some("1".to_owned()))].into(),
            ..MetadataOverwrite::default()
        };
        let status = StatusRestore {
            included_resources: vec!["widgets.shop.io".into()],
            ..StatusRestore::default()
        };
        let built = RestoreSpec::from_backup("b")
            .with_name("a")
            .with_image_registry("docker.io/", "r.cn/")
            .with_preserve_node_ports(true)
            .with_storage_class_mapping("x", "y")
            .with_missing_storage_class("z")
            .with_access_mode_mapping("ReadWriteMany", "ReadWriteOnce")
            .with_overwrite(rule)
            .with_status(status)
            .with_velero_labels(true);
        assert_eq!(spec, built);
        for (field, part) in [
            (
                "imageRegistryMapping: {a: b}, changeImages: {case1: 'a,b'}",
                "R324",
            ),
            ("imageRegistryMapping: {'': b}", "prefix is empty"),
            ("changeImages: {case1: 'v1:v2'}", "without a comma"),
            (
                "accessModeMapping: {RWX: ReadWriteOnce}",
                "not an access mode",
            ),
            ("storageClassMapping: {a: ''}", "name is empty"),
            ("overwrites: [{resources: ['{']}]", "not a pattern"),
            (
                "restoreStatus: {excludedResources: ['*']}",
                "leaves nothing",
            ),
        ] {
            let yaml = format!("{{name: a, backupName: b, {field}}}");
            let error = RestoreSpec::from_yaml(&yaml).unwrap_err().chain();
            assert!(error.contains(part), "{field}: {error}");
        }
    }
}

//! Storage classes, access modes and sizes of claims.

use super::{ClassFacts, Surroundings, TransformItem, Verdict};
use crate::{
    Result,
    conversion::{LossKind, Severity, draft::Node},
    model::{Tree, quantity},
    port::Transform,
    spec::RestoreSpec,
};
use std::{borrow::Cow, collections::BTreeMap};

/// The class of claims and volumes that are older than the field.
pub(super) const BETA_CLASS: &str = "volume.beta.kubernetes.io/storage-class";
/// The driver of Alibaba Cloud's disks. Source: backup-center.md section 4.1.
const DISK_DRIVER: &str = "diskplugin.csi.alibabacloud.com";
/// Source: R268; the driver's MinimumDiskSizeInGB.
const DISK_BYTES: u128 = 20 << 30;
/// The console's name of the disk class, and the class that it stands for (R259).
const ALIAS: (&str, &str) = ("alicloud-disk", "alicloud-disk-topology-alltype");

/// Maps classes and access modes of volumes, of claims and of the claim templates of StatefulSets, and makes claims that get a new
/// disk of Alibaba Cloud such that it can be made: at least 20 GiB (R268), mounted once (R315, R318, R319).
#[derive(Clone, Debug, Default)]
pub struct StorageClasses {
    mapping: BTreeMap<String, String>,
    missing: Option<String>,
    modes: BTreeMap<String, String>,
    classes: Option<BTreeMap<String, ClassFacts>>,
}

impl StorageClasses {
    /// By `storageClassMapping`, `missingStorageClass` and `accessModeMapping` of a spec, and the classes that the target will have.
    pub fn new(spec: &RestoreSpec, known: &Surroundings) -> Self {
        Self {
            mapping: spec.storage_class_mapping.clone(),
            missing: spec.missing_storage_class.clone(),
            modes: spec.access_mode_mapping.clone(),
            classes: known.classes.clone(),
        }
    }

    fn facts(&self, class: &str) -> Option<&ClassFacts> {
        self.classes.as_ref()?.get(class)
    }

    /// Whether the target is known not to have a class.
    fn lacks(&self, class: &str) -> bool {
        let classes = self.classes.as_ref();
        classes.is_some_and(|classes| !classes.contains_key(class))
    }

    /// The class that a name stands for (R259).
    fn resolved<'a>(&self, class: &'a str) -> &'a str {
        let stands_for = class == ALIAS.0 && self.lacks(ALIAS.0) && !self.lacks(ALIAS.1);
        if stands_for { ALIAS.1 } else { class }
    }

    /// The target's class for one of the backup, and why it is another one.
    fn class_for(&self, class: &str) -> Option<(&str, Cow<'static, str>)> {
        if let Some(mapped) = self.mapping.get(class) {
            return Some((self.resolved(mapped), "mapped by the restore".into()));
        }
        if class.is_empty() || !self.lacks(class) {
            return None;
        }
        if self.resolved(class) != class {
            return Some((ALIAS.1, "the class that the name stands for (R259)".into()));
        }
        let missing = self.resolved(self.missing.as_deref()?);
        let reason = format!("the target has no StorageClass {class} (R316)");
        Some((missing, reason.into()))
    }

    /// Maps the class that stands at a path. Answers the class that counts.
    fn map_class(&self, node: &mut Node<'_>, path: &[&str]) -> Option<String> {
        let old = node.text(path)?.to_owned();
        let Some((new, reason)) = self.class_for(&old) else {
            return Some(old);
        };
        let new = new.to_owned();
        node.set(path, new.as_str(), reason);
        Some(new)
    }

    /// Class and access modes of a claim, a claim template or a volume.
    fn map(&self, node: &mut Node<'_>) -> Option<String> {
        let class = self.map_class(node, &["spec", "storageClassName"]);
        let beta = self.map_class(node, &["metadata", "annotations", BETA_CLASS]);
        if !self.modes.is_empty() {
            self.map_modes(node);
        }
        beta.or(class)
    }

    fn map_modes(&self, node: &mut Node<'_>) {
        let modes = node.get(&["spec", "accessModes"]).and_then(Tree::as_array);
        let mut mapped: Vec<&str> = Vec::new();
        for mode in modes.unwrap_or_default().iter().filter_map(Tree::as_str) {
            let mode = self.modes.get(mode).map_or(mode, String::as_str);
            if !mapped.contains(&mode) {
                mapped.push(mode);
            }
        }
        if !mapped.is_empty() {
            let mapped: Vec<Tree> = mapped.into_iter().map(Tree::from).collect();
            node.set(&["spec", "accessModes"], mapped, "mapped by the restore");
        }
    }

    /// A claim, or a template of claims, that gets a new volume.
    fn claim(&self, claim: &mut Node<'_>) {
        let class = self.map(claim);
        let bound = claim
            .text(&["spec", "volumeName"])
            .is_some_and(|name| !name.is_empty());
        let facts = class.and_then(|class| self.facts(&class));
        let Some(facts) = facts.filter(|facts| !bound && facts.provisioner == DISK_DRIVER) else {
            return;
        };
        let size = claim.get(&["spec", "resources", "requests", "storage"]);
        if size.is_some_and(|size| quantity::is_below(size, DISK_BYTES)) {
            for part in ["requests", "limits"] {
                let path = ["spec", "resources", part, "storage"];
                let small = claim
                    .get(&path)
                    .is_some_and(|size| quantity::is_below(size, DISK_BYTES));
                if small {
                    claim.set(&path, "20Gi", "a disk has at least 20 GiB (R268)");
                }
            }
        }
        let modes = claim.get(&["spec", "accessModes"]).and_then(Tree::as_array);
        let shared = |mode: &Tree| matches!(mode.as_str(), Some("ReadWriteMany" | "ReadOnlyMany"));
        let block = claim.text(&["spec", "volumeMode"]) == Some("Block");
        let allowed = facts.multi_attach
            && (block
                || !modes.is_some_and(|modes| {
                    modes
                        .iter()
                        .any(|mode| mode.as_str() == Some("ReadWriteMany"))
                }));
        if modes.is_some_and(|modes| modes.iter().any(shared)) && !allowed {
            let once = vec![Tree::from("ReadWriteOnce")];
            let reason = "a disk of this class is mounted by one node (R315, R318, R319)";
            claim.set(&["spec", "accessModes"], once, reason);
            let path = ["spec", "accessModes"];
            claim.warn(
                &path,
                LossKind::Meaning,
                Severity::Warning,
                "pods on several nodes cannot share the claim any more; convert it to a shared class instead (R317)",
            );
        }
    }
}

impl Transform for StorageClasses {
    fn name(&self) -> &str {
        "storage classes"
    }

    fn transform(&self, item: &mut TransformItem<'_>) -> Result<Verdict> {
        match item.kind() {
            ("", "persistentvolumes") => drop(self.map(&mut item.node())),
            ("", "persistentvolumeclaims") => self.claim(&mut item.node()),
            ("apps", "statefulsets") => {
                let mut root = item.node();
                root.each(&["spec", "volumeClaimTemplates"], |claim| self.claim(claim));
            }
            _ => {}
        }
        Ok(Verdict::Restore)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transform::table::through;

    fn classes(spec: &RestoreSpec) -> StorageClasses {
        let facts = |provisioner: &str, multi_attach| ClassFacts {
            provisioner: provisioner.to_owned(),
            multi_attach,
        };
        let known = Surroundings {
            classes: Some(
                [
                    ("alicloud-disk-topology-alltype", facts(DISK_DRIVER, false)),
                    ("shared-disk", facts(DISK_DRIVER, true)),
                    ("nas", facts("nasplugin.csi.alibabacloud.com", false)),
                ]
                .map(|(name, facts)| (name.to_owned(), facts))
                .into(),
            ),
            ..Surroundings::default()
        };
        StorageClasses::new(spec, &known)
    }

    fn claim(spec: &RestoreSpec, claim: &str) -> String {
        let json = format!(
            r#"{{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{{"name":"a","namespace":"n"}},"spec":{{{claim}}}}}"#
        );
        let text = through(
            &[&classes(spec)],
            "persistentvolumeclaims",
            &json,
            "persistentvolumeclaims/n/a",
        );
        let spec = text.split_once(r#""spec":{"#).unwrap().1;
        spec.strip_suffix("}}").unwrap().to_owned()
    }

    fn spec() -> RestoreSpec {
        RestoreSpec::from_backup("b")
    }

    #[test]
    fn classes_are_mapped_everywhere() {
        let spec = spec().with_storage_class_mapping("old", "nas");
        let templates = |class: &str| {
            format!(
                r#"{{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{{"name":"a","namespace":"n"}},"spec":{{"volumeClaimTemplates":[{{"metadata":{{"annotations":{{"volume.beta.kubernetes.io/storage-class":"{class}"}}}}}},{{"spec":{{"storageClassName":"{class}"}}}}]}}}}"#
            )
        };
        let volume = |class: &str| {
            format!(
                r#"{{"apiVersion":"v1","kind":"PersistentVolume","metadata":{{"name":"a"}},"spec":{{"storageClassName":"{class}"}}}}"#
            )
        };
        let all = |resource: &str, json: &str| {
            through(
                &[&classes(&spec)],
                resource,
                json,
                &format!("{resource}/n/a"),
            )
        };
        assert_eq!(
            all("statefulsets.apps", &templates("old")),
            templates("nas")
        );
        assert_eq!(
            through(
                &[&classes(&spec)],
                "persistentvolumes",
                &volume("old"),
                "persistentvolumes/a"
            ),
            volume("nas")
        );
        assert_eq!(
            claim(&spec, r#""storageClassName":"old""#),
            r#""storageClassName":"nas""#
        );
        assert_eq!(
            claim(&spec, r#""storageClassName":"""#),
            r#""storageClassName":"""#
        );
    }

    #[test]
    fn r259_r316_missing_classes() {
        let fallback = spec().with_missing_storage_class("alicloud-disk");
        let disk = r#""storageClassName":"alicloud-disk-topology-alltype""#;
        let gone = r#""storageClassName":"gone""#;
        assert_eq!(claim(&fallback, gone), disk);
        assert_eq!(
            claim(&fallback, r#""storageClassName":"nas""#),
            r#""storageClassName":"nas""#
        );
        assert_eq!(claim(&spec(), gone), gone);
        assert_eq!(
            claim(&spec(), r#""storageClassName":"alicloud-disk""#),
            disk
        );
        let mapped = spec().with_storage_class_mapping("gone", "alicloud-disk");
        assert_eq!(claim(&mapped, gone), disk);
        // Nobody knows what the target has.
        let blind = StorageClasses::new(&fallback, &Surroundings::default());
        assert_eq!(blind.class_for("gone"), None);
    }

    #[test]
    fn r268_new_disks_have_at_least_20_gib() {
        let sized = |class: &str, size: &str, bound: &str| {
            format!(
                r#"{bound}"storageClassName":"{class}","resources":{{"requests":{{"storage":"{size}"}}}}"#
            )
        };
        for (class, size, bound, raised) in [
            ("shared-disk", "5Gi", "", true),
            ("shared-disk", "20Gi", "", false),
            ("shared-disk", "1Ti", "", false),
            ("shared-disk", "5Gi", r#""volumeName":"v","#, false),
            ("nas", "5Gi", "", false),
            ("gone", "5Gi", "", false),
        ] {
            let text = claim(&spec(), &sized(class, size, bound));
            let expected = sized(class, if raised { "20Gi" } else { size }, bound);
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn r315_r318_r319_new_disks_are_mounted_once_unless_their_class_shares_them() {
        let moded = |class: &str, modes: &str, more: &str| {
            format!(r#""storageClassName":"{class}","accessModes":{modes}{more}"#)
        };
        let once = r#"["ReadWriteOnce"]"#;
        let many = r#"["ReadWriteMany"]"#;
        let read = r#"["ReadOnlyMany"]"#;
        let block = r#","volumeMode":"Block""#;
        let disk = "alicloud-disk-topology-alltype";
        for (class, modes, more, expected) in [
            (disk, many, "", once),
            (disk, read, "", once),
            (disk, r#"["ReadWriteOnce","ReadWriteMany"]"#, "", once),
            (disk, once, "", once),
            (disk, many, block, once),
            ("shared-disk", many, "", once),
            ("shared-disk", read, "", read),
            ("shared-disk", many, block, many),
            ("nas", many, "", many),
        ] {
            let text = claim(&spec(), &moded(class, modes, more));
            assert_eq!(text, moded(class, expected, more));
        }
    }

    #[test]
    fn r314_access_modes_are_mapped_and_not_doubled() {
        let spec = spec().with_access_mode_mapping("ReadWriteMany", "ReadWriteOnce");
        assert_eq!(
            claim(
                &spec,
                r#""accessModes":["ReadWriteOnce","ReadWriteMany","ReadOnlyMany"]"#
            ),
            r#""accessModes":["ReadWriteOnce","ReadOnlyMany"]"#
        );
    }
}

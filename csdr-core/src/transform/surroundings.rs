//! What a transform knows besides the object that it sees.

use super::VolumeFate;
use crate::model::Tree;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What the transforms of one restore know besides the single object: gathered by its plan, kept in it for the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Surroundings {
    /// What becomes of the volumes of the backup, by name.
    #[serde(default)]
    pub volumes: BTreeMap<String, VolumeFate>,
    /// Classes that the target has or the restore brings, by name; nothing if they may not be read.
    #[serde(default)]
    pub classes: Option<BTreeMap<String, ClassFacts>>,
    /// Controllers that are restored too. A plan needs them to leave their pods out; a run does not, as the plan has done so.
    #[serde(skip)]
    pub owners: Owners,
}

impl Surroundings {
    /// Whether some volume gets another name.
    pub(crate) fn renames_volumes(&self) -> bool {
        let mut fates = self.volumes.values();
        fates.any(|fate| matches!(fate, VolumeFate::Rename(_)))
    }
}

/// What counts of a StorageClass.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassFacts {
    /// Its provisioner.
    pub provisioner: String,
    /// Whether its volumes can be attached to several nodes: parameter `multiAttach` of Alibaba Cloud's disks.
    pub multi_attach: bool,
}

impl ClassFacts {
    /// Of a StorageClass.
    pub fn of(class: &Tree) -> Self {
        let text = |path: &[&str]| class.text_at(path).unwrap_or_default();
        Self {
            provisioner: text(&["provisioner"]).to_owned(),
            multi_attach: matches!(text(&["parameters", "multiAttach"]), "true" | "enabled"),
        }
    }
}

/// Names of objects, by namespace.
type Names = BTreeMap<Box<str>, BTreeSet<Box<str>>>;

/// Objects whose controller makes pods, by kind, namespace of the backup, and name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners(Arc<BTreeMap<&'static str, Names>>);

/// Kinds whose controllers make pods again, with the groups that hold them.
static KINDS: [(&str, &str, &[&str]); 5] = [
    ("ReplicaSet", "replicasets", &["apps", "extensions"]),
    ("StatefulSet", "statefulsets", &["apps"]),
    ("DaemonSet", "daemonsets", &["apps", "extensions"]),
    ("Job", "jobs", &["batch"]),
    ("ReplicationController", "replicationcontrollers", &[""]),
];

impl Owners {
    /// From group, plural, namespace and name of objects that are restored; those of other kinds are passed by.
    pub fn of<'a>(objects: impl IntoIterator<Item = (&'a str, &'a str, &'a str, &'a str)>) -> Self {
        let mut owners: BTreeMap<&'static str, Names> = BTreeMap::new();
        for (group, plural, namespace, name) in objects {
            let kind = KINDS
                .iter()
                .find(|(_, resource, groups)| *resource == plural && groups.contains(&group));
            if let Some((kind, ..)) = kind {
                let own = owners.entry(*kind).or_default();
                own.entry(namespace.into()).or_default().insert(name.into());
            }
        }
        Self(Arc::new(owners))
    }

    /// Whether an owner of this group, kind, namespace and name is among them.
    pub fn has(&self, group: &str, kind: &str, namespace: &str, name: &str) -> bool {
        let known = KINDS
            .iter()
            .any(|(own, _, groups)| *own == kind && groups.contains(&group));
        known
            && self
                .0
                .get(kind)
                .and_then(|namespaces| namespaces.get(namespace))
                .is_some_and(|names| names.contains(name))
    }
}

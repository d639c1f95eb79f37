//! What the rules read of a pod.

use crate::{
    Result,
    model::{Object, ObjectId, Tree},
};
use std::collections::{BTreeMap, BTreeSet};

/// A pod, as far as hooks depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookPod {
    /// Which.
    pub id: ObjectId,
    /// Its uid; empty if it has none yet.
    pub uid: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations that are about hooks.
    pub(super) annotations: BTreeMap<String, String>,
    /// Its containers, in the order of the spec.
    pub containers: Vec<String>,
    /// The claims that it mounts, those of ephemeral volumes too.
    pub claims: BTreeSet<String>,
    /// Whether its phase is `Running`: only then a command can run in it.
    pub running: bool,
}

/// The part of every hook annotation's key that all have.
const MARK: &str = "hook.";

impl HookPod {
    /// Reads a pod.
    ///
    /// # Errors
    /// `Corrupt` if its JSON cannot be read.
    pub fn of(pod: &Object) -> Result<Self> {
        let tree = pod.tree()?;
        Ok(Self::from_tree(pod.id().clone(), &tree))
    }

    /// From a pod's tree, which will be called `id`. What has another type than it should counts as absent.
    pub(crate) fn from_tree(id: ObjectId, tree: &Tree) -> Self {
        let items = |path: &[&str]| tree.at(path).and_then(Tree::as_array).unwrap_or_default();
        let mut annotations = tree.texts_at(&["metadata", "annotations"]);
        annotations.retain(|key, _| key.contains(MARK));
        let containers = items(&["spec", "containers"]).iter();
        let claims = items(&["spec", "volumes"]).iter().filter_map(|volume| {
            if volume.at(&["ephemeral"]).is_some() {
                // Source: `k8s.io/component-helpers/storage/ephemeral`: `<pod>-<volume>`.
                return Some(format!("{}-{}", id.name(), volume.text_at(&["name"])?));
            }
            let claim = volume.text_at(&["persistentVolumeClaim", "claimName"])?;
            Some(claim.to_owned())
        });
        Self {
            uid: tree
                .text_at(&["metadata", "uid"])
                .unwrap_or_default()
                .to_owned(),
            labels: tree.texts_at(&["metadata", "labels"]),
            annotations,
            containers: containers
                .filter_map(|container| Some(container.text_at(&["name"])?.to_owned()))
                .collect(),
            claims: claims.collect(),
            running: tree.text_at(&["status", "phase"]) == Some("Running"),
            id,
        }
    }

    /// Whether its annotations ask for a hook of a restore.
    pub(super) fn asks_of_restore(&self) -> bool {
        let asks = |key: &String| key.contains(".hook.restore.");
        self.annotations.keys().any(asks)
    }

    /// The container that a hook means: the one that it names, else the first.
    ///
    /// # Errors
    /// The container that the pod does not have, in words.
    pub(super) fn container(&self, named: Option<&str>) -> std::result::Result<String, String> {
        match named.filter(|name| !name.is_empty()) {
            Some(name) if self.containers.iter().any(|own| own == name) => Ok(name.to_owned()),
            Some(name) => Err(format!("the pod has no container {}", name.escape_debug())),
            None => self
                .containers
                .first()
                .cloned()
                .ok_or_else(|| "the pod has no container".to_owned()),
        }
    }
}

//! Volumes and claims whose data no backup holds: re-used, or made anew.

use super::{Surroundings, TransformItem, Verdict};
use crate::{Result, archive::Digest, conversion::Severity, model::Tree, port::Transform};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// What becomes of a volume of the backup. Source: R263 to R266, velero.md section 3.6, method `none`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum VolumeFate {
    /// It is restored as it is, with the storage that it names; its claim binds to it again. Reclaim policy Retain.
    Reuse,
    /// The same under another name: the target has the volume of the source.
    Rename(String),
    /// It is not restored: its claim gets a new, empty one. Reclaim policy Delete.
    Provision,
}

/// The annotation with the name that a renamed volume had, as Velero writes it.
const ORIGINAL_NAME: &str = "velero.io/original-pv-name";
/// What binding wrote into a claim or a volume. Source: velero.md sections 3.6 and 3.9.
const BINDING: [&str; 2] = [
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
];
/// What provisioning wrote into a claim.
const PROVISIONING: [&str; 4] = [
    "volume.kubernetes.io/storage-provisioner",
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/selected-node",
    "volume.kubernetes.io/storage-resizer",
];

impl VolumeFate {
    /// What becomes of a PersistentVolume of the backup. `there` is the volume of this name in the target, if it is known, and
    /// `map_namespace` says where a namespace of the backup goes.
    pub fn of<'a>(
        volume: &'a VolumeFacts,
        there: Option<&VolumeFacts>,
        map_namespace: impl Fn(&'a str) -> &'a str,
    ) -> Self {
        // A volume that nobody has claimed holds what somebody prepared by hand.
        let Some((namespace, claim)) = &volume.claim else {
            return Self::Reuse;
        };
        if volume.reclaim_policy == "Delete" {
            return Self::Provision;
        }
        let target = map_namespace(namespace);
        let Some(there) = there.filter(|_| target != namespace) else {
            return Self::Reuse;
        };
        let bound = there.claim.as_ref();
        if bound.is_some_and(|(namespace, name)| namespace == target && name == claim) {
            // An earlier restore has made it for this claim.
            return Self::Reuse;
        }
        Self::Rename(clone_name(&volume.name, target, claim))
    }
}

/// What decides about a volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VolumeFacts {
    /// Its name.
    pub name: String,
    /// `Delete`, `Retain` or `Recycle`.
    pub reclaim_policy: String,
    /// Namespace and name of its claim.
    pub claim: Option<(String, String)>,
}

impl VolumeFacts {
    /// Of a PersistentVolume.
    pub fn of(volume: &Tree) -> Self {
        let text = |path: &[&str]| volume.text_at(path).unwrap_or_default().to_owned();
        let claim = |part| text(&["spec", "claimRef", part]);
        let (namespace, name) = (claim("namespace"), claim("name"));
        Self {
            name: text(&["metadata", "name"]),
            reclaim_policy: text(&["spec", "persistentVolumeReclaimPolicy"]),
            claim: (!name.is_empty()).then_some((namespace, name)),
        }
    }
}

/// A new name, the same whenever the volume is copied for this claim.
fn clone_name(volume: &str, namespace: &str, claim: &str) -> String {
    let mut hash = Sha256::new();
    for part in [volume, namespace, claim] {
        hash.update(part.as_bytes());
        hash.update([0u8]);
    }
    let hash = Digest::from(hash).to_string();
    format!("csdr-clone-{}", hash.get(..20).unwrap_or_default())
}

/// Decides about volumes and claims by what a plan found out about the backup's volumes.
#[derive(Clone, Debug, Default)]
pub struct Volumes {
    fates: BTreeMap<String, VolumeFate>,
}

impl Volumes {
    /// `known.volumes` names the volumes of the backup. A claim's mapped namespace is
    /// [`NamespaceMapping`](super::NamespaceMapping)'s work.
    pub fn new(known: &Surroundings) -> Self {
        Self {
            fates: known.volumes.clone(),
        }
    }

    fn volume(&self, item: &mut TransformItem<'_>) -> Verdict {
        let name = item.stored().id().name().to_owned();
        let fate = self.fates.get(&name);
        if fate == Some(&VolumeFate::Provision) {
            let part = |path| item.text(&["spec", "claimRef", path]).unwrap_or_default();
            let claim = format!("{}/{}", part("namespace"), part("name"));
            return Verdict::skip(format!(
                "reclaim policy Delete and no data in the backup: claim {claim} gets a new, empty volume (R264)"
            ));
        }
        unbind(item);
        for field in ["uid", "resourceVersion"] {
            let reason = "names the claim in the source";
            item.remove(&["spec", "claimRef", field], reason);
        }
        if let Some(VolumeFate::Rename(_)) = fate {
            let path = ["metadata", "annotations", ORIGINAL_NAME];
            item.set(
                &path,
                name,
                "the volume of this name is in use in the target",
            );
        }
        let mounts_once =
            |mode: &Tree| matches!(mode.as_str(), Some("ReadWriteOnce" | "ReadWriteOncePod"));
        let modes = item.get(&["spec", "accessModes"]).and_then(Tree::as_array);
        let network = ["csi", "flexVolume"]
            .into_iter()
            .any(|kind| item.get(&["spec", kind]).is_some());
        if network && modes.is_some_and(|modes| !modes.is_empty() && modes.iter().all(mounts_once))
        {
            item.warn(
                &["spec", "persistentVolumeReclaimPolicy"],
                Severity::Warning,
                "the storage of the source is used again; if it is still attached there, it may be detached by force (R266)",
            );
        }
        Verdict::Restore
    }

    fn claim(&self, item: &mut TransformItem<'_>) {
        unbind(item);
        for annotation in PROVISIONING {
            let reason = "the source's provisioner or scheduler wrote it";
            item.remove(&["metadata", "annotations", annotation], reason);
        }
        let Some(volume) = item
            .text(&["spec", "volumeName"])
            .filter(|name| !name.is_empty())
        else {
            return;
        };
        match self.fates.get(volume) {
            Some(VolumeFate::Reuse) => {}
            Some(VolumeFate::Rename(name)) => {
                let name = name.clone();
                item.set(&["spec", "volumeName"], name, "its volume is restored under this name");
            }
            Some(VolumeFate::Provision) => {
                item.remove(&["spec", "volumeName"], "it gets a new, empty volume (R264)");
                warn_of_static(item);
            }
            None => item.warn(
                &["spec", "volumeName"],
                Severity::Warning,
                "the restore does not bring its volume: the claim stays pending unless the target has it",
            ),
        }
    }
}

/// R265: a claim without a class gets no new volume.
fn warn_of_static(item: &mut TransformItem<'_>) {
    let class = item.text(&["spec", "storageClassName"]);
    let beta = ["metadata", "annotations", super::storage_class::BETA_CLASS];
    if class == Some("") && item.text(&beta).is_none_or(str::is_empty) {
        item.warn(
            &["spec", "storageClassName"],
            Severity::Warning,
            "the volume was provisioned by hand: the claim stays pending until a volume is made (R265)",
        );
    }
}

fn unbind(item: &mut TransformItem<'_>) {
    for annotation in BINDING {
        let reason = "the source's binding wrote it";
        item.remove(&["metadata", "annotations", annotation], reason);
    }
}

impl Transform for Volumes {
    fn name(&self) -> &str {
        "volumes"
    }

    fn transform(&self, item: &mut TransformItem<'_>) -> Result<Verdict> {
        Ok(match item.kind() {
            ("", "persistentvolumes") => self.volume(item),
            ("", "persistentvolumeclaims") => {
                self.claim(item);
                Verdict::Restore
            }
            _ => Verdict::Restore,
        })
    }
}

#[cfg(test)]
mod tests;

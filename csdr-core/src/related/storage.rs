//! Claims, volumes, and what these name.

use super::{
    Interest, Reach, Related,
    workload::{captured_if, is, namespace_of},
};
use crate::{
    Result,
    model::{GroupResource, Object},
    port::ItemAction,
};

/// A claim needs its volume, its StorageClass, its attributes class, and the claim or snapshot that it is filled from.
///
/// Source: Velero's `pv` action takes the volume of a bound claim (velero.md section 2.7).
#[derive(Clone, Copy, Debug, Default)]
pub struct Claims;

/// A volume needs its StorageClass and the Secrets that it names (R163; backup-center.md section 1.8); a class those of its parameters;
/// a snapshot its class, whose parameters name Secrets as well.
#[derive(Clone, Copy, Debug, Default)]
pub struct Volumes;

const CLASS: &str = "storageclasses.storage.k8s.io";
const OLD_CLASS: [&str; 3] = [
    "metadata",
    "annotations",
    "volume.beta.kubernetes.io/storage-class",
];

impl ItemAction for Claims {
    fn name(&self) -> &str {
        "claims"
    }

    fn interest(&self, resource: &GroupResource) -> Interest {
        captured_if(is(resource, "", "persistentvolumeclaims"), Reach::Anywhere)
    }

    fn related(&self, object: &Object) -> Result<Vec<Related>> {
        let Some(namespace) = namespace_of(object, "", &["persistentvolumeclaims"]) else {
            return Ok(Vec::new());
        };
        let tree = object.tree()?;
        let text = |path: &[&str]| tree.text_at(path).unwrap_or_default();
        let class = tree
            .text_at(&["spec", "storageClassName"])
            .unwrap_or_else(|| text(&OLD_CLASS));
        let mut found: Vec<Related> = [
            Related::needs("persistentvolumes", None, text(&["spec", "volumeName"])),
            Related::needs(CLASS, None, class),
            Related::needs(
                "volumeattributesclasses.storage.k8s.io",
                None,
                text(&["spec", "volumeAttributesClassName"]),
            ),
        ]
        .into_iter()
        .flatten()
        .collect();
        for source in ["dataSource", "dataSourceRef"] {
            let namespace = tree
                .text_at(&["spec", source, "namespace"])
                .unwrap_or(namespace);
            let resource = match (
                text(&["spec", source, "apiGroup"]),
                text(&["spec", source, "kind"]),
            ) {
                ("", "PersistentVolumeClaim") => "persistentvolumeclaims",
                ("snapshot.storage.k8s.io", "VolumeSnapshot") => {
                    "volumesnapshots.snapshot.storage.k8s.io"
                }
                _ => continue,
            };
            let one = Related::needs(resource, Some(namespace), text(&["spec", source, "name"]));
            found.extend(one.filter(|one| !found.contains(one)));
        }
        Ok(found)
    }
}

/// Fields of a PersistentVolume's spec that name a Secret by name and namespace.
const VOLUME_SECRETS: [&[&str]; 13] = [
    &["csi", "controllerPublishSecretRef"],
    &["csi", "nodeStageSecretRef"],
    &["csi", "nodePublishSecretRef"],
    &["csi", "controllerExpandSecretRef"],
    &["csi", "nodeExpandSecretRef"],
    &["flexVolume", "secretRef"],
    &["cephfs", "secretRef"],
    &["cinder", "secretRef"],
    &["iscsi", "secretRef"],
    &["rbd", "secretRef"],
    &["scaleIO", "secretRef"],
    &["storageos", "secretRef"],
    &["glusterfs", "secretRef"],
];

/// Prefixes of a class's parameters that name a Secret: `<prefix>-name` and `<prefix>-namespace`, where these are no templates
/// (`${pvc.name}`). Source: external-provisioner, external-snapshotter.
const CLASS_SECRETS: [&str; 9] = [
    "csi.storage.k8s.io/provisioner-secret",
    "csi.storage.k8s.io/controller-publish-secret",
    "csi.storage.k8s.io/node-stage-secret",
    "csi.storage.k8s.io/node-publish-secret",
    "csi.storage.k8s.io/controller-expand-secret",
    "csi.storage.k8s.io/node-expand-secret",
    "csi.storage.k8s.io/snapshotter-secret",
    "csi.storage.k8s.io/snapshotter-list-secret",
    "snapshot.storage.kubernetes.io/deletion-secret",
];

const SNAPSHOTS: &str = "snapshot.storage.k8s.io";

impl ItemAction for Volumes {
    fn name(&self) -> &str {
        "volumes"
    }

    fn interest(&self, resource: &GroupResource) -> Interest {
        captured_if(
            is(resource, "", "persistentvolumes")
                || is(resource, "storage.k8s.io", "storageclasses")
                || is(resource, SNAPSHOTS, "volumesnapshots")
                || is(resource, SNAPSHOTS, "volumesnapshotclasses"),
            Reach::Anywhere,
        )
    }

    fn related(&self, object: &Object) -> Result<Vec<Related>> {
        let resource = object.id().resource();
        if self.interest(resource) == Interest::None {
            return Ok(Vec::new());
        }
        let tree = object.tree()?;
        let text = |path: &[&str]| tree.text_at(path).unwrap_or_default();
        let mut found = Vec::new();
        match resource.resource() {
            "persistentvolumes" => {
                let class = tree
                    .text_at(&["spec", "storageClassName"])
                    .unwrap_or_else(|| text(&OLD_CLASS));
                found.extend(Related::needs(CLASS, None, class));
                let claim = text(&["spec", "claimRef", "namespace"]);
                for path in VOLUME_SECRETS {
                    let field = |name: &str| -> String {
                        let path: Vec<&str> = [&["spec"], path, &[name]].concat();
                        text(&path).to_owned()
                    };
                    // Where the reference has no namespace, plugins look into the claim's.
                    let namespace = Some(field("namespace")).filter(|own| !own.is_empty());
                    let namespace = namespace.as_deref().unwrap_or(claim);
                    push_secret(namespace, &field("name"), &mut found);
                }
                let own = text(&["spec", "azureFile", "secretNamespace"]);
                let namespace = if own.is_empty() { claim } else { own };
                let name = text(&["spec", "azureFile", "secretName"]);
                push_secret(namespace, name, &mut found);
            }
            "volumesnapshots" => found.extend(Related::needs(
                "volumesnapshotclasses.snapshot.storage.k8s.io",
                None,
                text(&["spec", "volumeSnapshotClassName"]),
            )),
            _ => {
                for prefix in CLASS_SECRETS {
                    let parameter =
                        |end| text(&["parameters", &format!("{prefix}-{end}")]).to_owned();
                    push_secret(&parameter("namespace"), &parameter("name"), &mut found);
                }
            }
        }
        Ok(found)
    }
}

/// A Secret, once; a template names none.
fn push_secret(namespace: &str, name: &str, found: &mut Vec<Related>) {
    if namespace.is_empty() || namespace.contains("${") || name.contains("${") {
        return;
    }
    let one = Related::needs("secrets", Some(namespace), name);
    found.extend(one.filter(|one| !found.contains(one)));
}

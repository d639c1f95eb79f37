//! Defaults of a pod's volumes.

use super::super::super::draft::Node;
use super::super::{claim, zero};
use super::reference_defaults;
use crate::model::Tree;

/// Every source of a volume that the server of 1.36 knows. A volume with none of them is an `emptyDir`.
const SOURCES: [&str; 30] = [
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "gitRepo",
    "glusterfs",
    "hostPath",
    "image",
    "iscsi",
    "nfs",
    "persistentVolumeClaim",
    "photonPersistentDisk",
    "portworxVolume",
    "projected",
    "quobyte",
    "rbd",
    "scaleIO",
    "secret",
    "storageos",
    "vsphereVolume",
];

/// File mode 0644, as JSON writes it.
const FILE_MODE: i64 = 0o644;

/// Writes the defaults of a Volume.
pub(super) fn defaults(volume: &mut Node<'_>) {
    if !SOURCES.iter().any(|source| volume.has(&[source])) {
        zero::default(volume, "emptyDir", Tree::object());
    }
    for source in ["secret", "configMap", "downwardAPI", "projected"] {
        zero::inside(volume, &[source], |source| {
            zero::default(source, "defaultMode", FILE_MODE);
        });
    }
    zero::each(volume, &["downwardAPI", "items"], reference_defaults);
    zero::each(volume, &["projected", "sources"], projection);
    zero::inside(volume, &["ephemeral", "volumeClaimTemplate"], |claim| {
        claim::embedded_defaults(claim);
    });
    storage_systems(volume);
}

fn projection(source: &mut Node<'_>) {
    zero::each(source, &["downwardAPI", "items"], reference_defaults);
    zero::inside(source, &["serviceAccountToken"], |token| {
        zero::default(token, "expirationSeconds", 3600);
    });
}

/// What volumes of Pods and PersistentVolumes have in common.
pub(in crate::conversion::faithful) fn storage_systems(volume: &mut Node<'_>) {
    zero::inside(volume, &["hostPath"], |path| {
        zero::default(path, "type", "");
    });
    zero::inside(volume, &["iscsi"], |target| {
        zero::fill(target, "iscsiInterface", "default");
    });
    zero::inside(volume, &["rbd"], |image| {
        zero::fill(image, "pool", "rbd");
        zero::fill(image, "user", "admin");
        zero::fill(image, "keyring", "/etc/ceph/keyring");
    });
    zero::inside(volume, &["azureDisk"], |disk| {
        zero::default(disk, "cachingMode", "ReadWrite");
        zero::default(disk, "fsType", "ext4");
        zero::default(disk, "readOnly", false);
        zero::default(disk, "kind", "Shared");
    });
    zero::inside(volume, &["scaleIO"], |system| {
        zero::fill(system, "storageMode", "ThinProvisioned");
        zero::fill(system, "fsType", "xfs");
    });
}

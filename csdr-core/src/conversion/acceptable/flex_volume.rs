//! Volumes of Alibaba Cloud's FlexVolume drivers as those of its CSI drivers.
//!
//! Source: backup-center.md section 4.2, and the migration guide of the CSI drivers (`docs/migrate/flexvolume-to-csi-*`).

use super::{in_tree::csi, refuse};
use crate::{
    conversion::{
        draft::{Node, map},
        outcome::{Edit, LossKind, Severity, SkipReason},
    },
    model::Tree,
};

/// FlexVolume driver (and provisioner) and CSI driver.
pub(super) const DRIVERS: [(&str, &str); 3] = [
    ("alicloud/disk", DISK),
    ("alicloud/nas", NAS),
    ("alicloud/oss", OSS),
];
pub(super) const DISK: &str = "diskplugin.csi.alibabacloud.com";
pub(super) const NAS: &str = "nasplugin.csi.alibabacloud.com";
const OSS: &str = "ossplugin.csi.alibabacloud.com";
const DISK_ZONE: &str = "topology.diskplugin.csi.alibabacloud.com/zone";

const REASON: &str = "the CSI driver took the FlexVolume driver's volumes over";

fn driver_of(node: &Node<'_>, path: &[&str]) -> Option<&'static str> {
    let name = node.text(path)?;
    DRIVERS
        .iter()
        .find(|(flex, _)| *flex == name)
        .map(|(_, csi)| *csi)
}

/// Reports a volume that stands in a Pod itself.
pub(super) fn report_inline(volume: &mut Node<'_>) {
    if let Some(driver) = driver_of(volume, &["flexVolume", "driver"]) {
        volume.warn(
            &["flexVolume", "driver"],
            LossKind::Dangling,
            Severity::Error,
            format!(
                "a volume in the Pod itself cannot name one of {driver}; make a PersistentVolume and a claim of it"
            ),
        );
    }
}

/// Makes a PersistentVolume into one of the CSI driver.
pub(super) fn mend_volume(node: &mut Node<'_>) -> Result<(), SkipReason> {
    let Some(driver) = driver_of(node, &["spec", "flexVolume", "driver"]) else {
        return Ok(());
    };
    let name = node
        .text(&["metadata", "name"])
        .unwrap_or_default()
        .to_owned();
    let options: Vec<(String, Tree)> = node
        .get(&["spec", "flexVolume", "options"])
        .and_then(Tree::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect();
    let mut source = map([("driver", driver.into()), ("volumeHandle", name.into())]);
    let mut mounts = Vec::new();
    let mut lost = Vec::new();
    for (key, value) in options {
        let attribute = |source: &mut Tree, key: &str, value: Tree| {
            source.set(&["volumeAttributes", key], value);
        };
        match (driver, key.as_str()) {
            (DISK, "volumeId" | "VolumeId" | "volumeid") => source.set(&["volumeHandle"], value),
            (NAS, "server" | "path" | "mode" | "modeType") => attribute(&mut source, &key, value),
            (NAS, "vers" | "options") => mounts.push((key, value)),
            (OSS, "bucket" | "url" | "path" | "otherOpts" | "akId" | "akSecret") => {
                attribute(&mut source, &key, value);
            }
            _ => lost.push(key),
        }
    }
    if driver == DISK {
        let id = source.text_at(&["volumeHandle"]).unwrap_or_default();
        if !id.starts_with("d-") {
            return Err(refuse(
                node,
                &["spec", "flexVolume", "options", "volumeId"],
                "without the disk's id (d-…) nobody can tell which disk it is; write volumeId",
            ));
        }
    }
    for key in lost {
        node.lose(
            &["spec", "flexVolume", "options", &key],
            LossKind::NoCounterpart,
            Severity::Warning,
            "the CSI driver has no such option",
        );
    }
    let old = |key: &str| node.get(&["spec", "flexVolume", key]).cloned();
    if let Some(file_system) = old("fsType").filter(|_| driver == DISK) {
        source.set(&["fsType"], file_system);
    }
    if let Some(read_only) = old("readOnly") {
        source.set(&["readOnly"], read_only);
    }
    if let Some(secret) = old("secretRef") {
        source.set(&["nodePublishSecretRef"], secret);
    }
    write(node, driver, source, mounts);
    Ok(())
}

/// The values are not shown: an OSS volume's options may hold the account's key.
fn write(node: &mut Node<'_>, driver: &'static str, source: Tree, mounts: Vec<(String, Tree)>) {
    node.tree_mut().remove(&["spec", "flexVolume"]);
    node.record(
        &["spec", "flexVolume"],
        Edit::Removed,
        None,
        None,
        Severity::Info,
        REASON,
    );
    node.tree_mut().set(&["spec", "csi"], source);
    node.record(
        &["spec", "csi"],
        Edit::Added,
        None,
        None,
        Severity::Info,
        REASON,
    );
    add_mount_options(node, mounts);
    let provisioned = ["metadata", "annotations", csi::PROVISIONED_BY];
    if driver_of(node, &provisioned).is_some() {
        node.set(
            &provisioned,
            driver,
            "the driver's provisioner deletes only what it is said to have made",
        );
    }
    if driver == DISK {
        csi::translate_topology(node, DISK_ZONE);
    }
}

/// How NFS is mounted: options of the volume become mount options.
fn add_mount_options(node: &mut Node<'_>, mounts: Vec<(String, Tree)>) {
    let text = |key: &str| {
        let found = mounts.iter().find(|(name, _)| name == key);
        found
            .and_then(|(_, value)| value.as_str())
            .filter(|text| !text.is_empty())
    };
    let mut added: Vec<Tree> = text("options").map(Tree::from).into_iter().collect();
    if let Some(version) = text("vers")
        && !text("options").is_some_and(|options| options.contains("vers="))
    {
        added.push(format!("vers={version}").into());
    }
    let path = ["spec", "mountOptions"];
    let before = node.get(&path).and_then(Tree::as_array).unwrap_or_default();
    added.retain(|option| !before.contains(option));
    if !added.is_empty() {
        let after: Vec<Tree> = before.iter().cloned().chain(added).collect();
        node.set(
            &path,
            Tree::Array(after),
            "the CSI driver takes them as mount options",
        );
    }
}

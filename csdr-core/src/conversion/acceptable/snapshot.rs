//! Snapshots: objects of the alpha under a newer version. Source: api-versions.md section 2.15.
//!
//! v1beta1 became v1 without a change. What an alpha object lacks is its shape: the version alone is changed before this stage.

use super::{
    Context, Mend,
    needle::{Needle, text, value},
    refuse,
};
use crate::conversion::{
    draft::{Node, map},
    outcome::{Edit, LossKind, Severity, SkipReason},
};

const GROUP: &str = "snapshot.storage.k8s.io";

pub(super) static MENDS: &[Mend] = &[
    Mend {
        group: GROUP,
        kinds: &["VolumeSnapshot"],
        needles: &[SNAPSHOT_NEEDLES],
        mend: mend_snapshot,
    },
    Mend {
        group: GROUP,
        kinds: &["VolumeSnapshotContent"],
        needles: &[CONTENT_NEEDLES],
        mend: mend_content,
    },
    Mend {
        group: GROUP,
        kinds: &["VolumeSnapshotClass"],
        needles: &[CLASS_NEEDLES],
        mend: mend_class,
    },
];

static SNAPSHOT_NEEDLES: &[Needle] = &[
    text("snapshotContentName\""),
    text("snapshotClassName\""),
    value("source", |value| {
        memchr::memmem::find(super::needle::extent(value), b"\"kind\"").is_some()
    }),
];
static CONTENT_NEEDLES: &[Needle] = &[
    text("csiVolumeSnapshotSource\""),
    text("snapshotClassName\""),
    text("persistentVolumeRef\""),
];
static CLASS_NEEDLES: &[Needle] = &[text("snapshotter\"")];

/// Whether the object is in the alpha version still, where its shape is right.
fn is_alpha(context: &Context<'_>) -> bool {
    context.api_version.version() == "v1alpha1"
}

fn mend_snapshot(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    if is_alpha(context) {
        return Ok(());
    }
    node.rename(
        &["spec", "snapshotClassName"],
        &["spec", "volumeSnapshotClassName"],
    );
    let old = ["spec", "source"];
    if node.has(&["spec", "source", "kind"]) {
        if node.text(&["spec", "source", "kind"]) != Some("PersistentVolumeClaim") {
            return Err(refuse(
                node,
                &["spec", "source", "kind"],
                "snapshots are taken of PersistentVolumeClaims only",
            ));
        }
        // A snapshot that is there already is found by its content, one that is not by its claim: v1 takes one of the two.
        let taken = node.has(&["spec", "snapshotContentName"]);
        let Some(source) = node.tree_mut().remove(&old) else {
            return Ok(());
        };
        if taken {
            node.loses(
                &old,
                LossKind::NoCounterpart,
                Some(source),
                Severity::Info,
                "of a snapshot that is there already v1 names the content only",
            );
        } else {
            let claim = source.at(&["name"]).cloned().unwrap_or_default();
            let new = map([("persistentVolumeClaimName", claim)]);
            node.record(
                &old,
                Edit::Replaced,
                Some(source),
                Some(new.clone()),
                Severity::Info,
                "renamed",
            );
            node.tree_mut().set(&old, new);
        }
    }
    node.rename(
        &["spec", "snapshotContentName"],
        &["spec", "source", "volumeSnapshotContentName"],
    );
    drop_status(node);
    Ok(())
}

fn mend_content(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    if is_alpha(context) {
        return Ok(());
    }
    node.rename(
        &["spec", "snapshotClassName"],
        &["spec", "volumeSnapshotClassName"],
    );
    let old = |key| ["spec", "csiVolumeSnapshotSource", key];
    node.rename(&old("driver"), &["spec", "driver"]);
    node.rename(
        &old("snapshotHandle"),
        &["spec", "source", "snapshotHandle"],
    );
    node.rename(&old("creationTime"), &["status", "creationTime"]);
    node.rename(&old("restoreSize"), &["status", "restoreSize"]);
    let rest = ["spec", "csiVolumeSnapshotSource"];
    let shaped = node.has(&rest);
    let emptied = node
        .get(&rest)
        .and_then(crate::model::Tree::as_object)
        .is_some_and(|rest| rest.is_empty());
    if emptied {
        node.remove(&rest, "its fields stand elsewhere");
    } else {
        node.lose(
            &rest,
            LossKind::NoCounterpart,
            Severity::Warning,
            "v1 has no such fields",
        );
    }
    node.lose(
        &["spec", "persistentVolumeRef"],
        LossKind::NoCounterpart,
        Severity::Info,
        "v1 names the snapshot, not the volume that it was taken of",
    );
    if shaped {
        add_deletion_policy(node, &["spec", "deletionPolicy"]);
    }
    Ok(())
}

fn mend_class(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    if is_alpha(context) || !node.has(&["snapshotter"]) {
        return Ok(());
    }
    node.rename(&["snapshotter"], &["driver"]);
    add_deletion_policy(node, &["deletionPolicy"]);
    Ok(())
}

/// Required since v1beta1; what the alpha's controller did where nothing stood.
fn add_deletion_policy(node: &mut Node<'_>, path: &[&str]) {
    node.add(
        path,
        "Delete",
        "required; what the alpha did where nothing stood",
    );
}

fn drop_status(node: &mut Node<'_>) {
    let alpha = ["status", "error", "message"];
    if node.has(&alpha) && node.has(&["status", "creationTime"]) {
        node.lose(
            &["status", "error"],
            LossKind::NoCounterpart,
            Severity::Info,
            "the controller writes the status again",
        );
    }
}

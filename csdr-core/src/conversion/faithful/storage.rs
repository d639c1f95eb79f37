//! CSIDriver, CSINode, CSIStorageCapacity, StorageClass, VolumeAttachment, VolumeAttributesClass, StorageVersionMigration.

use super::{Family, Gv, nothing, pod, zero};
use crate::{
    Result,
    conversion::{
        draft::{DEFAULT, Node},
        outcome::{LossKind, Severity},
    },
    model::Tree,
};

pub(super) static FAMILIES: &[Family] = &[
    Family {
        kinds: &["CSINode", "CSIStorageCapacity", "VolumeAttributesClass"],
        defaults: nothing,
        to_hub: nothing,
        from_hub: nothing,
    },
    Family {
        kinds: &["VolumeAttachment"],
        defaults: attachment_defaults,
        to_hub: nothing,
        from_hub: nothing,
    },
    Family {
        kinds: &["CSIDriver"],
        defaults: driver_defaults,
        to_hub: nothing,
        from_hub: nothing,
    },
    Family {
        kinds: &["StorageClass"],
        defaults: class_defaults,
        to_hub: nothing,
        from_hub: nothing,
    },
    Family {
        kinds: &["StorageVersionMigration"],
        defaults: nothing,
        to_hub: migration_to_hub,
        from_hub: migration_from_hub,
    },
];

/// Source: the server's defaults of storage.k8s.io/v1beta1 and v1, which are the same.
fn driver_defaults(node: &mut Node<'_>, _: Gv<'_>) -> Result<()> {
    node.default(&["spec", "attachRequired"], true);
    node.default(&["spec", "podInfoOnMount"], false);
    node.default(&["spec", "storageCapacity"], false);
    node.default(&["spec", "fsGroupPolicy"], "ReadWriteOnceWithFSType");
    node.default(&["spec", "requiresRepublish"], false);
    node.default(&["spec", "seLinuxMount"], false);
    let modes = ["spec", "volumeLifecycleModes"];
    // Here, unlike in most lists, an empty one counts as absent.
    if node
        .get(&modes)
        .is_none_or(|modes| modes.as_array().is_some_and(<[Tree]>::is_empty))
    {
        node.set(&modes, vec![Tree::from("Persistent")], DEFAULT);
    }
    Ok(())
}

/// An attachment may hold the spec of a PersistentVolume. Source: `SetObjectDefaults_VolumeAttachment`.
fn attachment_defaults(node: &mut Node<'_>, _: Gv<'_>) -> Result<()> {
    zero::inside(node, &["spec", "source", "inlineVolumeSpec"], |volume| {
        pod::round_quantities(volume, &["capacity"]);
        pod::storage_systems(volume);
    });
    Ok(())
}

fn class_defaults(node: &mut Node<'_>, _: Gv<'_>) -> Result<()> {
    node.default(&["reclaimPolicy"], "Delete");
    node.default(&["volumeBindingMode"], "Immediate");
    Ok(())
}

/// v1alpha1 names the version of what is migrated, has the list's token, and conditions of its own form.
fn migration_to_hub(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    if version != "v1alpha1" {
        return Ok(());
    }
    for path in [
        &["spec", "resource", "version"][..],
        &["spec", "continueToken"],
    ] {
        let reason = "newer versions of a migration do not say it";
        node.lose(path, LossKind::NoCounterpart, Severity::Info, reason);
    }
    node.each(&["status", "conditions"], |condition| {
        condition.rename(&["lastUpdateTime"], &["lastTransitionTime"]);
    });
    Ok(())
}

fn migration_from_hub(node: &mut Node<'_>, (_, version): Gv<'_>) -> Result<()> {
    if version == "v1alpha1" {
        node.each(&["status", "conditions"], |condition| {
            condition.rename(&["lastTransitionTime"], &["lastUpdateTime"]);
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::conversion::faithful::table::check;

    #[test]
    fn drivers() {
        let of = |version: &str, spec: &str| {
            format!(r#"{{"apiVersion":"storage.k8s.io/{version}","kind":"CSIDriver"{spec}}}"#)
        };
        let defaults = r#","spec":{"attachRequired":true,"podInfoOnMount":false,"storageCapacity":false,
            "fsGroupPolicy":"ReadWriteOnceWithFSType","requiresRepublish":false,"seLinuxMount":false,"volumeLifecycleModes":["Persistent"]}"#;
        let table = [
            ("", defaults),
            (r#","spec":{}"#, defaults),
            (r#","spec":{"volumeLifecycleModes":[]}"#, defaults),
            (r#","spec":"odd""#, r#","spec":"odd""#),
        ];
        for (spec, expected) in table {
            check(&[
                (
                    &of("v1beta1", spec),
                    "storage.k8s.io/v1",
                    &of("v1", expected),
                ),
                (
                    &of("v1", spec),
                    "storage.k8s.io/v1beta1",
                    &of("v1beta1", expected),
                ),
            ]);
        }
    }

    #[test]
    fn an_attachment_s_inline_volume_has_the_defaults_of_one() {
        let of = |version: &str, volume: &str| {
            format!(
                r#"{{"apiVersion":"storage.k8s.io/{version}","kind":"VolumeAttachment","spec":{{"attacher":"a","nodeName":"n","source":{volume}}}}}"#
            )
        };
        for (volume, expected) in [
            (
                r#"{"inlineVolumeSpec":{"capacity":{"storage":"0.0001"},"rbd":{"pool":"p"}}}"#,
                r#"{"inlineVolumeSpec":{"capacity":{"storage":"1m"},"rbd":{"pool":"p","user":"admin","keyring":"/etc/ceph/keyring"}}}"#,
            ),
            (
                r#"{"inlineVolumeSpec":{"hostPath":{"path":"/x"}}}"#,
                r#"{"inlineVolumeSpec":{"hostPath":{"path":"/x","type":""}}}"#,
            ),
            // Only a PersistentVolume of its own gets a reclaim policy.
            (r#"{"inlineVolumeSpec":{}}"#, r#"{"inlineVolumeSpec":{}}"#),
            (
                r#"{"persistentVolumeName":"pv"}"#,
                r#"{"persistentVolumeName":"pv"}"#,
            ),
        ] {
            check(&[
                (
                    &of("v1alpha1", volume),
                    "storage.k8s.io/v1",
                    &of("v1", expected),
                ),
                (
                    &of("v1beta1", volume),
                    "storage.k8s.io/v1",
                    &of("v1", expected),
                ),
            ]);
        }
    }

    #[test]
    fn classes_and_migrations() {
        check(&[
            (
                r#"{"apiVersion":"storage.k8s.io/v1beta1","kind":"StorageClass","provisioner":"p","volumeBindingMode":"WaitForFirstConsumer"}"#,
                "storage.k8s.io/v1",
                r#"{"apiVersion":"storage.k8s.io/v1","kind":"StorageClass","provisioner":"p","volumeBindingMode":"WaitForFirstConsumer","reclaimPolicy":"Delete"}"#,
            ),
            (
                r#"{"apiVersion":"storagemigration.k8s.io/v1alpha1","kind":"StorageVersionMigration",
                    "spec":{"continueToken":"t","resource":{"group":"g","version":"v","resource":"r"}},
                    "status":{"conditions":[{"type":"T","lastUpdateTime":"2021-01-01T00:00:00Z"}]}}"#,
                "storagemigration.k8s.io/v1beta1",
                r#"{"apiVersion":"storagemigration.k8s.io/v1beta1","kind":"StorageVersionMigration",
                    "spec":{"resource":{"group":"g","resource":"r"}},
                    "status":{"conditions":[{"type":"T","lastTransitionTime":"2021-01-01T00:00:00Z"}]}}"#,
            ),
            (
                r#"{"apiVersion":"storage.k8s.io/v1alpha1","kind":"VolumeAttributesClass","driverName":"d"}"#,
                "storage.k8s.io/v1beta1",
                r#"{"apiVersion":"storage.k8s.io/v1beta1","kind":"VolumeAttributesClass","driverName":"d"}"#,
            ),
        ]);
    }
}

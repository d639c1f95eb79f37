//! StorageClass: provisioners that were part of Kubernetes. Source: api-versions.md section 2.14;
//! `TranslateInTreeStorageClassToCSI` of `k8s.io/csi-translation-lib`.

use super::{
    Context, Mend, flex_volume,
    in_tree::{PLUGINS, Plugin},
    needle::{Needle, text, value},
    options::InTree,
    refuse,
};
use crate::{
    conversion::{
        draft::{Node, map},
        outcome::{Edit, LossKind, Severity, SkipReason},
    },
    model::Tree,
};

pub(super) static MENDS: &[Mend] = &[Mend {
    group: "storage.k8s.io",
    kinds: &["StorageClass"],
    needles: &[NEEDLES],
    mend,
}];

static NEEDLES: &[Needle] = &[
    value("provisioner", |value| {
        value.starts_with(b"\"kubernetes.io/") || value.starts_with(b"\"alicloud/")
    }),
    text("failure-domain.beta.kubernetes.io/").since(super::node_label::TOPOLOGY),
];

const REASON: &str = "the CSI driver took the provisioner's volumes over";

fn mend(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    let provisioner = node.text(&["provisioner"]).unwrap_or_default().to_owned();
    let csi = context.options.in_tree == InTree::Csi;
    if let Some(plugin) = PLUGINS
        .iter()
        .find(|plugin| !plugin.provisioner.is_empty() && plugin.provisioner == provisioner)
    {
        return match plugin.driver {
            Some(driver) if csi => translate(node, plugin, driver),
            _ => {
                plugin.report_class(node, context);
                Ok(())
            }
        };
    }
    if csi {
        match provisioner.as_str() {
            "alicloud/disk" => translate_disk(node),
            "alicloud/nas" => translate_nas(node),
            _ => {}
        }
    }
    Ok(())
}

/// Each parameter's lower-case name, as the provisioners read them, and its key.
fn parameters(node: &Node<'_>) -> Vec<(String, String)> {
    let parameters = node.get(&["parameters"]).and_then(Tree::as_object);
    parameters
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, _)| (key.to_ascii_lowercase(), key.to_owned()))
        .collect()
}

const FILE_SYSTEM: &str = "csi.storage.k8s.io/fstype";

fn translate(node: &mut Node<'_>, plugin: &Plugin, driver: &'static str) -> Result<(), SkipReason> {
    node.set(&["provisioner"], driver, REASON);
    for (name, key) in parameters(node) {
        let path = ["parameters", key.as_str()];
        match (plugin.provisioner, name.as_str()) {
            ("kubernetes.io/azure-file" | "kubernetes.io/portworx-volume", "fstype")
            | ("kubernetes.io/azure-disk", "fstype") => {}
            (_, "fstype") => node.rename(&path, &["parameters", FILE_SYSTEM]),
            (
                "kubernetes.io/aws-ebs" | "kubernetes.io/gce-pd" | "kubernetes.io/azure-disk",
                "zone" | "zones",
            ) => {
                zones_to_topology(node, &key, name == "zones", plugin)?;
            }
            ("kubernetes.io/aws-ebs", "iopspergb") => node.set(
                &["parameters", "allowautoiopspergbincrease"],
                "true",
                "the plugin raised too low a value by itself",
            ),
            ("kubernetes.io/vsphere-volume", _) => vsphere(node, &name, &key),
            ("kubernetes.io/portworx-volume", _) => portworx(node, &name, &key),
            _ => {}
        }
    }
    if plugin.provisioner == "kubernetes.io/vsphere-volume" {
        node.set(
            &["parameters", "csimigration"],
            "true",
            "tells the driver that the parameters are the plugin's",
        );
    }
    if let Some(topology) = plugin.topology {
        node.each(&["allowedTopologies"], |term| {
            term.each(&["matchLabelExpressions"], |expression| {
                if matches!(
                    expression.text(&["key"]),
                    Some("failure-domain.beta.kubernetes.io/zone" | "topology.kubernetes.io/zone")
                ) {
                    expression.set(&["key"], topology, REASON);
                }
            });
        });
    }
    Ok(())
}

fn zones_to_topology(
    node: &mut Node<'_>,
    key: &str,
    several: bool,
    plugin: &Plugin,
) -> Result<(), SkipReason> {
    let path = ["parameters", key];
    let (Some(topology), Some(text)) = (plugin.topology, node.text(&path).map(str::to_owned))
    else {
        return Ok(());
    };
    let given = node.get(&["allowedTopologies"]).and_then(Tree::as_array);
    if given.is_some_and(|terms| !terms.is_empty()) {
        return Err(refuse(
            node,
            &path,
            "zones and allowedTopologies exclude each other; keep one of them",
        ));
    }
    let zones: Vec<Tree> = if several {
        text.split(',').map(Tree::from).collect()
    } else {
        vec![text.into()]
    };
    let expression = map([("key", topology.into()), ("values", zones.into())]);
    let term = map([("matchLabelExpressions", vec![expression].into())]);
    node.remove(&path, "said by allowedTopologies now");
    node.set(
        &["allowedTopologies"],
        Tree::Array(vec![term]),
        "the zones, as the CSI driver takes them",
    );
    Ok(())
}

fn vsphere(node: &mut Node<'_>, name: &str, key: &str) {
    let path = ["parameters", key];
    let new = match name {
        "storagepolicyname" => "storagepolicyname".to_owned(),
        "datastore"
        | "diskformat"
        | "hostfailurestotolerate"
        | "forceprovisioning"
        | "cachereservation"
        | "diskstripes"
        | "objectspacereservation"
        | "iopslimit" => {
            format!("{name}-migrationparam")
        }
        _ => {
            node.lose(
                &path,
                LossKind::NoCounterpart,
                Severity::Warning,
                "the CSI driver has no such parameter",
            );
            return;
        }
    };
    if new != key {
        node.rename(&path, &["parameters", &new]);
    }
}

fn portworx(node: &mut Node<'_>, name: &str, key: &str) {
    let part = match name {
        "openstorage.io/auth-secret-name" => "secret-name",
        "openstorage.io/auth-secret-namespace" => "secret-namespace",
        _ => return,
    };
    let Some(value) = node.remove(&["parameters", key], "said by the CSI parameters now") else {
        return;
    };
    for user in [
        "provisioner",
        "controller-publish",
        "node-publish",
        "node-stage",
        "controller-expand",
        "node-expand",
    ] {
        let new = format!("csi.storage.k8s.io/{user}-{part}");
        node.set(&["parameters", &new], value.clone(), REASON);
    }
}

/// Source: parameters of Alibaba Cloud's disk provisioners, FlexVolume and CSI.
fn translate_disk(node: &mut Node<'_>) {
    node.set(&["provisioner"], flex_volume::DISK, REASON);
    for (name, key) in parameters(node) {
        let new = match name.as_str() {
            "fstype" => FILE_SYSTEM,
            "zoneid" => "zoneId",
            "regionid" => "regionId",
            _ => continue,
        };
        if new != key {
            node.rename(&["parameters", &key], &["parameters", new]);
        }
    }
}

/// Source: the migration guide of the CSI drivers: the FlexVolume provisioner made a directory for each volume.
fn translate_nas(node: &mut Node<'_>) {
    node.set(&["provisioner"], flex_volume::NAS, REASON);
    if let Some(before) = node.tree_mut().remove(&["parameters", "driver"]) {
        node.record(
            &["parameters", "driver"],
            Edit::Removed,
            Some(before),
            None,
            Severity::Info,
            "it chose the FlexVolume driver",
        );
    }
    node.add(
        &["parameters", "volumeAs"],
        "subpath",
        "the FlexVolume provisioner made a directory for each volume",
    );
}

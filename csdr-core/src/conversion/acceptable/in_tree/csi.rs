//! A PersistentVolume of an in-tree plugin as one of its CSI driver. Source: `TranslateInTreePVToCSI` of `k8s.io/csi-translation-lib`.

use super::{Plugin, refuse};
use crate::{
    conversion::{
        draft::{Node, map},
        outcome::{Edit, Severity, SkipReason},
    },
    model::{Tree, TreeMap},
};

const BETA_ZONE: &str = "failure-domain.beta.kubernetes.io/zone";
const ZONE: &str = "topology.kubernetes.io/zone";
const REASON: &str = "the CSI driver took the plugin's volumes over";

/// What the new source says.
struct Source {
    handle: String,
    attributes: TreeMap,
    /// Keys of the old source that the new one has as they are: the file system and whether it is read-only.
    kept: &'static [&'static str],
    more: Vec<(&'static str, Tree)>,
}

impl Source {
    fn new(handle: impl Into<String>) -> Self {
        Self {
            handle: handle.into(),
            attributes: TreeMap::default(),
            kept: &["fsType", "readOnly"],
            more: Vec::new(),
        }
    }

    fn attribute(mut self, key: &str, value: impl Into<Tree>) -> Self {
        self.attributes.insert(key.to_owned(), value.into());
        self
    }
}

/// Replaces the source of a volume.
pub(super) fn convert(
    node: &mut Node<'_>,
    plugin: &Plugin,
    driver: &'static str,
) -> Result<(), SkipReason> {
    let source = source(node, plugin)?;
    let Some(old) = node.get(&["spec", plugin.field]).cloned() else {
        return Ok(());
    };
    let mut new = map([
        ("driver", driver.into()),
        ("volumeHandle", source.handle.into()),
    ]);
    for key in source.kept {
        if let Some(value) = old.at(&[key]).filter(|value| !value.is_null()) {
            new.set(&[key], value.clone());
        }
    }
    if !source.attributes.is_empty() {
        new.set(&["volumeAttributes"], Tree::Object(source.attributes));
    }
    for (key, value) in source.more {
        new.set(&[key], value);
    }
    node.tree_mut().remove(&["spec", plugin.field]);
    node.record(
        &["spec", plugin.field],
        Edit::Removed,
        Some(old),
        None,
        Severity::Info,
        REASON,
    );
    node.set(&["spec", "csi"], new, REASON);
    if node.text(&["metadata", "annotations", PROVISIONED_BY]) == Some(plugin.provisioner) {
        node.set(
            &["metadata", "annotations", PROVISIONED_BY],
            driver,
            "the driver's provisioner deletes only what it is said to have made",
        );
    }
    if plugin.field == "gcePersistentDisk" {
        single_writer(node);
    }
    if let Some(topology) = plugin.topology.filter(|_| plugin.field != "azureDisk") {
        translate_topology(node, topology);
    }
    Ok(())
}

/// Who made a volume, and so may delete it.
pub(crate) const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";

fn source(node: &Node<'_>, plugin: &Plugin) -> Result<Source, SkipReason> {
    let at = |key: &str| node.text(&["spec", plugin.field, key]);
    let required = |key: &str| {
        at(key)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
            .ok_or_else(|| {
                refuse(
                    node,
                    &["spec", plugin.field, key],
                    "without it nobody can tell which volume it is",
                )
            })
    };
    let partition = || {
        let partition = node.get(&["spec", plugin.field, "partition"]);
        partition.and_then(Tree::as_i64).unwrap_or(0)
    };
    Ok(match plugin.field {
        "awsElasticBlockStore" => {
            let id = required("volumeID")?;
            let handle = match id.strip_prefix("aws://") {
                None => id.clone(),
                Some(rest) => rest.rsplit('/').next().unwrap_or(rest).to_owned(),
            };
            if id.starts_with("aws://") && !handle.starts_with("vol-") {
                return Err(refuse(
                    node,
                    &["spec", plugin.field, "volumeID"],
                    "this names no volume of AWS; it should end in /vol-…",
                ));
            }
            Source::new(handle).attribute("partition", partition().to_string())
        }
        "gcePersistentDisk" => {
            let partition = match partition() {
                0 => String::new(),
                number => number.to_string(),
            };
            Source::new(gce_handle(node, &required("pdName")?)?).attribute("partition", partition)
        }
        "azureDisk" => azure_disk(node, required("diskURI")?)?,
        "azureFile" => azure_file(node, &required("shareName")?, required("secretName")?)?,
        "cinder" => Source::new(required("volumeID")?),
        "vsphereVolume" => {
            let source = Source {
                kept: &["fsType"],
                ..Source::new(required("volumePath")?)
            };
            match at("storagePolicyName").filter(|name| !name.is_empty()) {
                None => source,
                Some(policy) => source.attribute("storagepolicyname", policy),
            }
        }
        // Portworx, the only one that is left.
        _ => {
            let mut source = Source::new(required("volumeID")?);
            let secret = |part| node.text(&["metadata", "annotations", part]);
            if let (Some(name), Some(namespace)) = (
                secret("openstorage.io/auth-secret-name"),
                secret("openstorage.io/auth-secret-namespace"),
            ) {
                let reference = map([("name", name.into()), ("namespace", namespace.into())]);
                for key in [
                    "controllerPublishSecretRef",
                    "nodeStageSecretRef",
                    "nodePublishSecretRef",
                    "controllerExpandSecretRef",
                    "nodeExpandSecretRef",
                ] {
                    source.more.push((key, reference.clone()));
                }
            }
            source
        }
    })
}

fn gce_handle(node: &Node<'_>, disk: &str) -> Result<String, SkipReason> {
    let label = |key| {
        node.text(&["metadata", "labels", key])
            .filter(|zones| !zones.is_empty())
    };
    let zones = label(BETA_ZONE).or_else(|| label(ZONE)).unwrap_or_default();
    let zones: Vec<&str> = zones.split("__").collect();
    Ok(match zones.as_slice() {
        [] | [""] => format!("projects/UNSPECIFIED/zones/UNSPECIFIED/disks/{disk}"),
        [zone] => format!("projects/UNSPECIFIED/zones/{zone}/disks/{disk}"),
        several => {
            let mut regions = several
                .iter()
                .map(|zone| zone.rsplit_once('-').map(|(region, _)| region));
            let region = regions
                .next()
                .flatten()
                .filter(|region| regions.all(|other| other == Some(*region)));
            let Some(region) = region else {
                return Err(refuse(
                    node,
                    &["metadata", "labels"],
                    "the zones are not of one region, so the disk's name in the CSI driver cannot be told",
                ));
            };
            format!("projects/UNSPECIFIED/regions/{region}/disks/{disk}")
        }
    })
}

fn azure_disk(node: &Node<'_>, uri: String) -> Result<Source, SkipReason> {
    let at = |key: &str| node.text(&["spec", "azureDisk", key]);
    if at("kind").is_some_and(|kind| !kind.eq_ignore_ascii_case("Managed")) {
        return Err(refuse(
            node,
            &["spec", "azureDisk", "kind"],
            "the CSI driver takes managed disks only; make the disk a managed one first",
        ));
    }
    let mut source = Source::new(uri).attribute("kind", "Managed");
    if let Some(mode) = at("cachingMode") {
        source = source.attribute("cachingmode", mode);
    }
    if let Some(file_system) = at("fsType") {
        source = source.attribute("fstype", file_system);
    }
    Ok(source)
}

fn azure_file(node: &Node<'_>, share: &str, secret: String) -> Result<Source, SkipReason> {
    let text = |path: &[&str]| node.text(path).filter(|text| !text.is_empty());
    let Some(namespace) = text(&["spec", "azureFile", "secretNamespace"])
        .or_else(|| text(&["spec", "claimRef", "namespace"]))
        .map(str::to_owned)
    else {
        return Err(refuse(
            node,
            &["spec", "azureFile", "secretNamespace"],
            "the CSI driver needs the namespace of the account's Secret; write secretNamespace",
        ));
    };
    let account = secret
        .strip_prefix("azure-storage-account-")
        .and_then(|rest| rest.strip_suffix("-secret"))
        .unwrap_or(&secret);
    let group = text(&[
        "metadata",
        "annotations",
        "kubernetes.io/azure-file-resource-group",
    ])
    .unwrap_or_default();
    let name = text(&["metadata", "name"]).unwrap_or_default();
    let handle = format!("{group}#{account}#{share}#{name}#{namespace}");
    let mut source = Source::new(handle).attribute("sharename", share);
    source.kept = &["readOnly"];
    source.more.push((
        "nodeStageSecretRef",
        map([("name", secret.into()), ("namespace", namespace.into())]),
    ));
    Ok(source)
}

/// The plugin treated ReadWriteMany as ReadWriteOnce; the driver refuses it. Source: `backwardCompatibleAccessModes`.
fn single_writer(node: &mut Node<'_>) {
    let path = ["spec", "accessModes"];
    let modes: Vec<&str> = node
        .get(&path)
        .and_then(Tree::as_array)
        .unwrap_or_default()
        .iter()
        .filter_map(Tree::as_str)
        .collect();
    let mode = match modes.as_slice() {
        [] | [_] if !modes.contains(&"ReadWriteMany") => return,
        modes if modes.iter().all(|mode| *mode == "ReadOnlyMany") => "ReadOnlyMany",
        _ => "ReadWriteOnce",
    };
    node.set(
        &path,
        Tree::Array(vec![mode.into()]),
        "the plugin treated it so whatever it said, and the driver takes no other",
    );
}

/// What stands for a region: vSphere's driver has a label of its own, others use the stable one.
fn region_key(key: Option<&str>, topology: &str) -> Option<&'static str> {
    let stable = "topology.kubernetes.io/region";
    let old = matches!(key, Some("failure-domain.beta.kubernetes.io/region"));
    if topology == "topology.csi.vmware.com/zone" {
        (old || key == Some(stable)).then_some("topology.csi.vmware.com/region")
    } else {
        old.then_some(stable)
    }
}

/// Zones become the driver's own topology. Source: `translateTopologyFromInTreeToCSI`.
pub(crate) fn translate_topology(node: &mut Node<'_>, topology: &str) {
    let terms = ["spec", "nodeAffinity", "required", "nodeSelectorTerms"];
    let reason = "nodes of the CSI driver carry their zone in its own label";
    let mut found = false;
    node.each(&terms, |term| {
        term.each(&["matchExpressions"], |expression| {
            if matches!(expression.text(&["key"]), Some(ZONE | BETA_ZONE)) {
                found = true;
                expression.set(&["key"], topology, reason);
            } else if let Some(region) = region_key(expression.text(&["key"]), topology) {
                expression.set(&["key"], region, reason);
            }
        });
    });
    if found {
        return;
    }
    let label = |key| node.text(&["metadata", "labels", key]);
    let mut zones: Vec<&str> = label(ZONE)
        .or_else(|| label(BETA_ZONE))
        .unwrap_or_default()
        .split("__")
        .map(str::trim)
        .filter(|zone| !zone.is_empty())
        .collect();
    zones.sort_unstable();
    zones.dedup();
    if zones.is_empty() {
        return;
    }
    let expression = map([
        ("key", topology.into()),
        ("operator", "In".into()),
        (
            "values",
            zones.into_iter().map(Tree::from).collect::<Vec<_>>().into(),
        ),
    ]);
    let has_terms = node
        .get(&terms)
        .and_then(Tree::as_array)
        .is_some_and(|terms| !terms.is_empty());
    if !has_terms {
        let term = map([("matchExpressions", vec![expression].into())]);
        node.set(&terms, Tree::Array(vec![term]), reason);
        return;
    }
    node.each(&terms, |term| {
        let path = ["matchExpressions"];
        let expressions = term.get(&path).and_then(Tree::as_array);
        let mut expressions = expressions.map(<[Tree]>::to_vec).unwrap_or_default();
        expressions.push(expression.clone());
        term.set(&path, Tree::Array(expressions), reason);
    });
}

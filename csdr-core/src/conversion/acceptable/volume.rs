//! PersistentVolume and PersistentVolumeClaim. Source: api-versions.md sections 2.12 to 2.14 and 4.

use super::{
    Context, Mend, flex_volume, in_tree, label,
    needle::{self, Needle, text, value},
    node_label,
    options::InTree,
    refuse,
};
use crate::{
    conversion::{
        draft::Node,
        outcome::{LossKind, Severity, SkipReason},
    },
    model::Tree,
};

pub(super) static MENDS: &[Mend] = &[
    Mend {
        group: "",
        kinds: &["PersistentVolume"],
        needles: &[VOLUME_NEEDLES, in_tree::NEEDLES],
        mend: mend_volume,
    },
    Mend {
        group: "",
        kinds: &["PersistentVolumeClaim"],
        needles: &[CLAIM_NEEDLES],
        mend: mend_claim,
    },
];

/// The first minor whose servers take `ReadWriteOncePod` by default.
const ONCE_POD: u32 = 27;
/// The first minor that looks at the values of required node affinities.
const AFFINITY_VALUES: u32 = 33;
/// The minors whose claims had `resources.claims`.
const CLAIMS_OF_CLAIMS: std::ops::Range<u32> = 26..29;
/// The first minor without `status.resizeStatus`.
const NO_RESIZE_STATUS: u32 = 28;

static VOLUME_NEEDLES: &[Needle] = &[
    text("ReadWriteOncePod\"").below(ONCE_POD),
    text("failure-domain.beta.kubernetes.io/").since(node_label::TOPOLOGY),
    text("node-role.kubernetes.io/master\"").since(node_label::CONTROL_PLANE),
    value("values", label::is_no_value).since(AFFINITY_VALUES),
    value("driver", |value| {
        needle::is_text(value, |text| !is_driver(text))
    }),
];

static CLAIM_NEEDLES: &[Needle] = &[
    text("ReadWriteOncePod\"").below(ONCE_POD),
    text("resizeStatus\"").since(NO_RESIZE_STATUS),
    value("claims", |_| true),
    value("matchLabels", label::is_no_value),
    value("values", label::is_no_value).since(label::EXPRESSIONS),
    value(
        "volume.beta.kubernetes.io/storage-provisioner",
        is_old_provisioner,
    ),
    value(
        "volume.kubernetes.io/storage-provisioner",
        is_old_provisioner,
    ),
];

fn is_old_provisioner(value: &[u8]) -> bool {
    value.starts_with(b"\"kubernetes.io/") || value.starts_with(b"\"alicloud/")
}

fn is_driver(text: &[u8]) -> bool {
    text.len() <= 63
        && std::str::from_utf8(text).is_ok_and(|text| label::is_domain(&text.to_ascii_lowercase()))
}

fn mend_volume(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    let modes = node.get(&["spec", "accessModes"]).and_then(Tree::as_array);
    let modes = modes.unwrap_or_default();
    let once = |mode: &Tree| mode.as_str() == Some("ReadWriteOncePod");
    if modes.iter().any(once) && !modes.iter().all(once) {
        return Err(refuse(
            node,
            &["spec", "accessModes"],
            "no server takes ReadWriteOncePod beside other modes; keep one",
        ));
    }
    widen_mode(node, context);
    if node
        .text(&["spec", "csi", "driver"])
        .is_some_and(|driver| !is_driver(driver.as_bytes()))
    {
        return Err(refuse(
            node,
            &["spec", "csi", "driver"],
            "no CSI driver can have this name; it must be a DNS name of up to 63 characters",
        ));
    }
    in_tree::mend_volume(node, context)?;
    if context.options.in_tree == InTree::Csi {
        flex_volume::mend_volume(node)?;
    }
    node.try_at(&["spec"], |spec| {
        node_label::mend_volume(spec, context);
        if context.minor < AFFINITY_VALUES {
            return Ok(());
        }
        spec.try_each(&["nodeAffinity", "required", "nodeSelectorTerms"], |term| {
            term.try_each(&["matchExpressions"], |expression| {
                let values = expression.get(&["values"]).and_then(Tree::as_array);
                let bad = |value: &Tree| value.as_str().is_some_and(|text| !label::is_value(text));
                if values.unwrap_or_default().iter().any(bad) {
                    return Err(refuse(
                        expression,
                        &["values"],
                        "no node can have a label of this value, so the volume could be used nowhere; correct it",
                    ));
                }
                Ok(())
            })
        })
    })
}

/// Source: `validatePersistentVolumeAccessModes`, feature gate ReadWriteOncePod; a 1.21 server refuses the mode.
fn widen_mode(node: &mut Node<'_>, context: &Context<'_>) {
    let path = ["spec", "accessModes"];
    let modes = node.get(&path).and_then(Tree::as_array).unwrap_or_default();
    let once = |mode: &Tree| mode.as_str() == Some("ReadWriteOncePod");
    if context.minor >= ONCE_POD || modes.is_empty() || !modes.iter().all(once) {
        return;
    }
    node.warn(
        &path,
        LossKind::Meaning,
        Severity::Warning,
        "ReadWriteOncePod came with Kubernetes 1.22, switched on with 1.27: other Pods on the node can use the volume as well",
    );
    node.set(
        &path,
        Tree::from(vec![Tree::from("ReadWriteOnce")]),
        "the narrowest mode that the target takes",
    );
}

const PROVISIONERS: [&str; 2] = [
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/storage-provisioner",
];

fn mend_claim(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    if context.minor >= NO_RESIZE_STATUS {
        node.remove(
            &["status", "resizeStatus"],
            "the server keeps it as allocatedResourceStatuses, and writes status itself",
        );
    }
    if !CLAIMS_OF_CLAIMS.contains(&context.minor) {
        node.lose(
            &["spec", "resources", "claims"],
            LossKind::NoCounterpart,
            Severity::Info,
            "only Kubernetes 1.26 to 1.28 had the field in a claim, and no one read it",
        );
    }
    widen_mode(node, context);
    label::check(node, &["spec", "selector"], context)?;
    if context.options.in_tree == InTree::Csi {
        for annotation in PROVISIONERS {
            mend_provisioner(node, annotation);
        }
    }
    Ok(())
}

/// Who is to make the claim's volume.
fn mend_provisioner(node: &mut Node<'_>, annotation: &str) {
    let path = ["metadata", "annotations", annotation];
    let Some(name) = node.text(&path) else {
        return;
    };
    let in_tree = in_tree::PLUGINS
        .iter()
        .find(|plugin| plugin.provisioner == name)
        .and_then(|plugin| plugin.driver);
    let flex = flex_volume::DRIVERS.iter().find(|(flex, _)| *flex == name);
    if let Some(driver) = in_tree.or(flex.map(|(_, csi)| *csi)) {
        node.set(
            &path,
            driver,
            "the CSI driver took the provisioner's volumes over",
        );
    }
}

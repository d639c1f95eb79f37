//! An object as a person wrote it, in another version: without defaults, but with what the new version demands.

use super::super::{
    draft::{Log, Node},
    faithful,
};
use crate::{
    Result,
    model::{ApiVersion, Tree},
};

/// Converts what stands in kubectl's annotation or in a Helm release.
///
/// Defaults of the old version are not written: see [`faithful::convert_written`]. What the new version demands and the old one
/// filled in is: `helm rollback` creates objects from such a text.
pub(super) fn convert(tree: &mut Tree, to: &ApiVersion, log: &mut Log) -> Result<()> {
    let asked = match tree.text_at(&["kind"]) {
        Some("Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet") => {
            to.group() == "apps" && to.version() == "v1"
        }
        _ => false,
    };
    if asked {
        selector(&mut Node::root(tree, log));
    }
    faithful::convert_written(tree, to, log)?;
    if to.group() == "networking.k8s.io"
        && to.version() == "v1"
        && tree.text_at(&["kind"]) == Some("Ingress")
    {
        path_types(&mut Node::root(tree, log));
    }
    Ok(())
}

/// Source: `SetDefaults` of extensions/v1beta1 and apps/v1beta1: without a selector the labels of the template are it.
fn selector(node: &mut Node<'_>) {
    let labels = node
        .get(&["spec", "template", "metadata", "labels"])
        .filter(|labels| labels.as_object().is_some_and(|labels| !labels.is_empty()))
        .cloned();
    if let (Some(labels), false) = (labels, node.has(&["spec", "selector"])) {
        node.default(&["spec", "selector", "matchLabels"], labels);
    }
}

/// Source: networking.k8s.io/v1: `pathType` must be set; older versions took ImplementationSpecific.
fn path_types(node: &mut Node<'_>) {
    node.each(&["spec", "rules"], |rule| {
        rule.each(&["http", "paths"], |path| {
            path.default(&["pathType"], "ImplementationSpecific");
        });
    });
}

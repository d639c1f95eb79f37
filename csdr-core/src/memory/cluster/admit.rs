//! What the server checks and fills in before it stores.

use super::state::Kind;
use crate::{
    Error, Result,
    model::{LabelSelector, Tree},
};

/// Source: the API server's limit on request bodies.
const MAX_BYTES: usize = 3 << 20;
/// Source: `fieldManager` validation of `k8s.io/apimachinery`.
const MAX_MANAGER: usize = 128;

pub(super) fn size(bytes: usize) -> Result<()> {
    if bytes > MAX_BYTES {
        return Err(Error::invalid(
            "Request entity too large: the object is larger than the server takes",
        )
        .with_context("bytes", bytes)
        .with_context("limit", MAX_BYTES));
    }
    Ok(())
}

pub(super) fn manager(name: &str) -> Result<()> {
    if name.len() > MAX_MANAGER || name.chars().any(char::is_control) {
        return Err(Error::invalid(
            "fieldManager: must be printable and at most 128 bytes",
        ));
    }
    Ok(())
}

/// Checks what every kind has: its name, labels, annotations and finalizers.
pub(super) fn metadata(kind: &Kind, name: &str, tree: &Tree) -> Result<()> {
    if !good_name(kind, name) {
        return Err(Error::invalid(format!(
            "{} \"{}\" is invalid: metadata.name: must consist of lower case letters, digits, '-' or '.', and begin and end with a letter or digit",
            kind.api.kind,
            name.escape_debug()
        )));
    }
    for field in ["labels", "annotations"] {
        let Some(value) = tree.at(&["metadata", field]) else {
            continue;
        };
        let texts = tree.texts_at(&["metadata", field]);
        if !value.is_null() && value.as_object().is_none_or(|map| map.len() != texts.len()) {
            return Err(Error::invalid(format!(
                "metadata.{field}: must be a map of strings"
            )));
        }
        // Annotations have the keys of labels and any text as value.
        let match_labels = match field {
            "labels" => texts,
            _ => texts.into_keys().map(|key| (key, String::new())).collect(),
        };
        let selector = LabelSelector {
            match_labels,
            match_expressions: Vec::new(),
        };
        selector.validate().map_err(|error| {
            Error::invalid(format!(
                "{} is invalid: metadata.{field}: malformed",
                kind.api.kind
            ))
            .with_source(error)
        })?;
    }
    Ok(())
}

/// Source: `ValidateName` of the registries: a path segment for RBAC, a DNS label for namespaces and services, a DNS subdomain for the rest.
fn good_name(kind: &Kind, name: &str) -> bool {
    let group = kind.api.resource.group();
    if group == "rbac.authorization.k8s.io" {
        return true;
    }
    let edge =
        |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = name.as_bytes();
    let label = matches!(
        (group, kind.api.kind.as_str()),
        ("", "Namespace" | "Service")
    );
    // IPv6 addresses are names of IPAddress objects.
    let colon = kind.api.kind == "IPAddress";
    bytes.len() <= if label { 63 } else { 253 }
        && edge(bytes.first())
        && (edge(bytes.last()) || colon)
        && !name.contains("..")
        && bytes.iter().all(|b| match b {
            b'.' => !label,
            b':' => colon,
            b'-' => true,
            _ => edge(Some(b)),
        })
}

/// The status that a new object of a built-in kind has before any controller has seen it.
pub(super) fn first_status(kind: &Kind) -> Option<Tree> {
    if kind.is_custom() {
        return None;
    }
    let phase = |phase: &str| [("phase", Tree::from(phase))].into_iter().collect();
    Some(match kind.api.kind.as_str() {
        "Namespace" => phase("Active"),
        "Pod" | "PersistentVolumeClaim" | "PersistentVolume" => phase("Pending"),
        "Service" | "Ingress" => [("loadBalancer", Tree::object())].into_iter().collect(),
        _ => Tree::object(),
    })
}

/// What the namespace strategy and its admission add.
pub(super) fn complete_namespace(name: &str, tree: &mut Tree) {
    tree.set(
        &["metadata", "labels", "kubernetes.io/metadata.name"],
        name.into(),
    );
    tree.set(
        &["spec", "finalizers"],
        Tree::Array(vec!["kubernetes".into()]),
    );
}

/// The finalizers that hold an object.
pub(super) fn finalizers(tree: &Tree) -> Vec<String> {
    tree.at(&["metadata", "finalizers"])
        .and_then(Tree::as_array)
        .into_iter()
        .flatten()
        .filter_map(|text| Some(text.as_str()?.to_owned()))
        .collect()
}

/// The uids of its owners.
pub(super) fn owners(tree: &Tree) -> Vec<String> {
    tree.at(&["metadata", "ownerReferences"])
        .and_then(Tree::as_array)
        .into_iter()
        .flatten()
        .filter_map(|owner| Some(owner.text_at(&["uid"])?.to_owned()))
        .collect()
}

//! CustomResourceDefinition.
//!
//! Source: api-versions.md sections 2.8 and 2.10b; Kubernetes apiextensions-apiserver pkg/apis/apiextensions v1beta1 and v1,
//! conversion and defaults.

use super::{Family, Gv};
use crate::{
    Result,
    conversion::{
        draft::{DEFAULT, Node, map},
        outcome::{Edit, LossKind, Severity},
    },
    model::Tree,
};

pub(super) static FAMILIES: &[Family] = &[Family {
    kinds: &["CustomResourceDefinition"],
    defaults,
    to_hub: up,
    from_hub: down,
}];

const V1: Gv<'static> = ("apiextensions.k8s.io", "v1");

/// What v1beta1 says once for all versions, and where v1 says it in each.
const SHARED: [(&str, &str); 4] = [
    ("subresources", "subresources"),
    ("validation", "schema"),
    ("additionalPrinterColumns", "additionalPrinterColumns"),
    ("selectableFields", "selectableFields"),
];

const VERSIONS: [&str; 2] = ["spec", "versions"];
const CONVERSION: [&str; 2] = ["spec", "conversion"];

fn defaults(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    let old = gv != V1;
    if node
        .get(&["spec"])
        .is_none_or(|spec| spec.as_object().is_none())
    {
        return Ok(());
    }
    if old {
        default_text(node, &["spec", "scope"], "Namespaced".to_owned());
        version_list(node);
        node.default(&["spec", "preserveUnknownFields"], true);
    }
    let kind = node
        .text(&["spec", "names", "kind"])
        .filter(|kind| !kind.is_empty())
        .map(ToOwned::to_owned);
    if let Some(kind) = kind {
        default_text(node, &["spec", "names", "singular"], kind.to_lowercase());
        default_text(node, &["spec", "names", "listKind"], format!("{kind}List"));
    }
    // The server leaves an empty strategy empty, and refuses it then.
    default_text(node, &["spec", "conversion", "strategy"], "None".to_owned());
    let webhook = node.text(&["spec", "conversion", "strategy"]) == Some("Webhook");
    let versions: &[&str] = &["spec", "conversion", "conversionReviewVersions"];
    if old && webhook && node.get(versions).is_none_or(empty_list) {
        node.set(versions, vec![Tree::from("v1beta1")], DEFAULT);
    }
    let client: &[&str] = if old {
        &["webhookClientConfig", "service"]
    } else {
        &["webhook", "clientConfig", "service"]
    };
    node.at(&CONVERSION, |conversion| {
        conversion.at(client, |service| {
            service.default(&["port"], Tree::from(443))
        });
    });
    status(node);
    Ok(())
}

/// Absent and empty texts are defaulted alike.
fn default_text(node: &mut Node<'_>, path: &[&str], value: String) {
    let stands = node.get(path);
    if stands.is_none_or(|text| text.as_str() == Some("")) {
        node.set(path, value, DEFAULT);
    }
}

fn empty_list(tree: &Tree) -> bool {
    tree.as_array().is_some_and(<[Tree]>::is_empty)
}

/// The deprecated single version as a list.
fn version_list(node: &mut Node<'_>) {
    let name = node
        .text(&["spec", "version"])
        .filter(|name| !name.is_empty())
        .map(ToOwned::to_owned);
    let listed = node
        .get(&VERSIONS)
        .is_some_and(|versions| !empty_list(versions));
    if let (Some(name), false) = (name, listed) {
        let version = map([
            ("name", name.into()),
            ("served", true.into()),
            ("storage", true.into()),
        ]);
        node.set(&VERSIONS, vec![version], DEFAULT);
    }
}

/// The server defaults the stored versions, and always writes the accepted names.
fn status(node: &mut Node<'_>) {
    let stored: &[&str] = &["status", "storedVersions"];
    if node.get(stored).is_none_or(empty_list)
        && let Some(name) = storage_version(node)
    {
        node.set(stored, vec![Tree::from(name)], DEFAULT);
    }
    let names = map([("kind", "".into()), ("plural", "".into())]);
    node.default(&["status", "acceptedNames"], names);
}

fn storage_version(node: &Node<'_>) -> Option<String> {
    let versions = node.get(&VERSIONS)?.as_array()?;
    let storage = versions
        .iter()
        .find(|version| version.at(&["storage"]).and_then(Tree::as_bool) == Some(true))?;
    storage.text_at(&["name"]).map(ToOwned::to_owned)
}

fn up(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    if gv == V1 {
        return Ok(());
    }
    first_version(node);
    rename_columns(node, &["spec"], "JSONPath", "jsonPath");
    node.each(&VERSIONS, |version| {
        rename_columns(version, &[], "JSONPath", "jsonPath");
    });
    for (shared, own) in SHARED {
        distribute(node, shared, own);
    }
    if node.get(&["spec", "preserveUnknownFields"]) == Some(&Tree::Bool(false)) {
        node.remove(
            &["spec", "preserveUnknownFields"],
            "false is what v1 reads where nothing stands",
        );
    }
    node.at(&CONVERSION, conversion_up);
    Ok(())
}

/// v1 knows no `version` beside the list.
fn first_version(node: &mut Node<'_>) {
    let field: &[&str] = &["spec", "version"];
    let first = node
        .get(&VERSIONS)
        .and_then(Tree::as_array)
        .and_then(<[Tree]>::first)
        .and_then(|version| version.text_at(&["name"]));
    if node
        .text(field)
        .is_some_and(|name| name.is_empty() || Some(name) == first)
    {
        node.remove(field, "the name of the first version in the list");
    } else {
        node.lose(
            field,
            LossKind::NoCounterpart,
            Severity::Warning,
            "v1 has only the list of versions, whose first has another name",
        );
    }
}

fn rename_columns(node: &mut Node<'_>, way: &[&str], from: &str, to: &str) {
    node.at(way, |place| {
        place.each(&["additionalPrinterColumns"], |column| {
            column.rename(&[from], &[to]);
        });
    });
}

/// Writes what is said once into every version, over what stands there, as the server does.
///
/// A schema may be large: it is moved, not copied, where there is one version, and never copied into the log.
fn distribute(node: &mut Node<'_>, shared: &str, own: &str) {
    let field: &[&str] = &["spec", shared];
    let Some(value) = node.get(field) else {
        return;
    };
    if empty_list(value) {
        node.remove(field, "an empty list says nothing about the versions");
        return;
    }
    let mut left = node
        .get(&VERSIONS)
        .and_then(Tree::as_array)
        .map_or(0, |versions| {
            versions
                .iter()
                .filter(|version| version.as_object().is_some())
                .count()
        });
    if left == 0 {
        return;
    }
    let from = node.pointer(field);
    let mut value = node.tree_mut().remove(field);
    node.each(&VERSIONS, |version| {
        if version.tree().as_object().is_none() {
            return;
        }
        left -= 1;
        let copy = if left == 0 {
            value.take()
        } else {
            value.clone()
        };
        let Some(copy) = copy else { return };
        if version.get(&[own]) != Some(&copy) {
            version.lose(
                &[own],
                LossKind::NoCounterpart,
                Severity::Warning,
                "the server takes what is said for all versions instead",
            );
        }
        let edit = Edit::Moved { from: from.clone() };
        version.record(
            &[own],
            edit,
            None,
            None,
            Severity::Info,
            "v1 says it in every version",
        );
        version.tree_mut().set(&[own], copy);
    });
}

fn conversion_up(conversion: &mut Node<'_>) {
    let versions: &[&str] = &["conversionReviewVersions"];
    if conversion.get(versions).is_some_and(empty_list) {
        conversion.remove(
            versions,
            "an empty list says nothing; v1 refuses it without a webhook",
        );
    }
    conversion.rename(versions, &["webhook", "conversionReviewVersions"]);
    conversion.rename(&["webhookClientConfig"], &["webhook", "clientConfig"]);
}

fn down(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    if gv == V1 {
        return Ok(());
    }
    let first = node
        .get(&VERSIONS)
        .and_then(Tree::as_array)
        .and_then(<[Tree]>::first)
        .and_then(|version| version.text_at(&["name"]))
        .map(ToOwned::to_owned);
    if let Some(name) = first {
        node.set(
            &["spec", "version"],
            name,
            "v1beta1 names the first version beside the list",
        );
    }
    node.each(&VERSIONS, |version| {
        rename_columns(version, &[], "jsonPath", "JSONPath");
    });
    lift_all(node);
    if node
        .get(&["spec"])
        .is_some_and(|spec| spec.as_object().is_some())
    {
        node.add(
            &["spec", "preserveUnknownFields"],
            false,
            "the default of v1; v1beta1 has another",
        );
    }
    node.at(&CONVERSION, conversion_down);
    Ok(())
}

/// v1beta1 refuses the same value in every version: it wants it said once.
fn lift_all(node: &mut Node<'_>) {
    let agreed = |node: &Node<'_>, own: &str| {
        let versions = node.get(&VERSIONS).and_then(Tree::as_array);
        let mut values = versions
            .unwrap_or_default()
            .iter()
            .map(|version| version.at(&[own]));
        values
            .next()
            .is_some_and(|first| values.all(|value| same(first, value)))
    };
    // Fields are selectable by their schema: they stay with it.
    let schema = agreed(node, "schema");
    for (shared, own) in SHARED {
        if agreed(node, own) && (schema || own != "selectableFields") {
            lift(node, shared, own);
        }
    }
}

fn lift(node: &mut Node<'_>, shared: &str, own: &str) {
    let field: &[&str] = &["spec", shared];
    let mut lifted = None;
    let mut moves = Vec::new();
    node.each(&VERSIONS, |version| {
        let Some(value) = version.tree_mut().remove(&[own]) else {
            return;
        };
        if !value.is_null() {
            moves.push(version.pointer(&[own]));
            lifted.get_or_insert(value);
        }
    });
    let Some(value) = lifted else { return };
    node.lose(
        field,
        LossKind::UnknownField,
        Severity::Warning,
        "not a field of v1; what all versions agree on stands here now",
    );
    for from in moves {
        let edit = Edit::Moved { from };
        node.record(
            field,
            edit,
            None,
            None,
            Severity::Info,
            "v1beta1 says it once for all versions",
        );
    }
    node.tree_mut().set(field, value);
}

/// As the server compares: nothing, `null` and an empty list are the same.
fn same(left: Option<&Tree>, right: Option<&Tree>) -> bool {
    let said = |tree: Option<&Tree>| tree.is_some_and(|tree| !tree.is_null() && !empty_list(tree));
    match (left, right) {
        _ if !said(left) && !said(right) => true,
        (Some(Tree::Object(left)), Some(Tree::Object(right))) => {
            left.iter()
                .all(|(key, value)| same(Some(value), right.get(key)))
                && right
                    .iter()
                    .all(|(key, value)| left.contains_key(key) || same(None, Some(value)))
        }
        (Some(Tree::Array(left)), Some(Tree::Array(right))) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| same(Some(left), Some(right)))
        }
        (left, right) => left == right,
    }
}

fn conversion_down(conversion: &mut Node<'_>) {
    conversion.rename(
        &["webhook", "conversionReviewVersions"],
        &["conversionReviewVersions"],
    );
    conversion.rename(&["webhook", "clientConfig"], &["webhookClientConfig"]);
    let emptied = conversion
        .get(&["webhook"])
        .is_some_and(|webhook| webhook.as_object().is_some_and(|left| left.is_empty()));
    if emptied {
        conversion.tree_mut().remove(&["webhook"]);
    }
}

#[cfg(test)]
mod tests;

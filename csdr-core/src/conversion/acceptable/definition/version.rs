//! The versions of a definition, each with its schema, columns and subresources.

use super::{default, keeps_unknown, schema};
use crate::conversion::{
    acceptable::{name, refuse},
    draft::{Node, map},
    outcome::{LossKind, Severity, SkipReason},
};
use crate::model::Tree;

const VERSIONS: [&str; 2] = ["spec", "versions"];
const SCHEMA: [&str; 2] = ["schema", "openAPIV3Schema"];

pub(super) fn mend(node: &mut Node<'_>, minor: u32) -> Result<(), SkipReason> {
    named(node)?;
    stored(node)?;
    let keeps = keeps_unknown(node);
    let status = status_anywhere(node);
    node.each(&VERSIONS, |version| {
        let status = status || has_status(version.tree());
        deprecation(version);
        columns(version);
        scale(version);
        if version.get(&SCHEMA).and_then(Tree::as_object).is_some() {
            version.at(&SCHEMA, |root| {
                schema::mend(root, keeps, status, minor);
                default::mend(root);
            });
        } else {
            version.set(
                &SCHEMA,
                map([
                    ("type", "object".into()),
                    ("x-kubernetes-preserve-unknown-fields", true.into()),
                ]),
                "every version needs a schema; this one takes everything, as no schema did",
            );
        }
        selectable(version);
    });
    Ok(())
}

fn named(node: &Node<'_>) -> Result<(), SkipReason> {
    let versions = node
        .get(&VERSIONS)
        .and_then(Tree::as_array)
        .unwrap_or_default();
    if versions.is_empty() {
        return Err(refuse(node, &VERSIONS, "a definition needs a version"));
    }
    let mut seen = Vec::new();
    for (at, version) in versions.iter().enumerate() {
        let text = version.text_at(&["name"]).unwrap_or_default();
        if !name::is_label(text) || seen.contains(&text) {
            return Err(refuse(
                node,
                &["spec", "versions", &at.to_string(), "name"],
                "each version needs a name of its own, a lower-case DNS label",
            ));
        }
        seen.push(text);
    }
    Ok(())
}

fn stored(node: &mut Node<'_>) -> Result<(), SkipReason> {
    let versions = node
        .get(&VERSIONS)
        .and_then(Tree::as_array)
        .unwrap_or_default();
    let stored = versions
        .iter()
        .filter(|version| version.at(&["storage"]).and_then(Tree::as_bool) == Some(true))
        .count();
    if stored == 1 {
        return Ok(());
    }
    if stored > 1 || versions.len() != 1 {
        return Err(refuse(
            node,
            &VERSIONS,
            "exactly one version must be the one that is stored",
        ));
    }
    node.each(&VERSIONS, |version| {
        version.set(
            &["storage"],
            true,
            "the only version is the one that is stored",
        );
    });
    Ok(())
}

fn has_status(version: &Tree) -> bool {
    version
        .at(&["subresources", "status"])
        .is_some_and(|status| !status.is_null())
}

/// Whether a status subresource of one version limits the schemas of all: the server reads equal schemas as one of the definition.
fn status_anywhere(node: &Node<'_>) -> bool {
    let versions = node
        .get(&VERSIONS)
        .and_then(Tree::as_array)
        .unwrap_or_default();
    let Some((first, rest)) = versions.split_first() else {
        return false;
    };
    versions.iter().any(has_status)
        && rest
            .iter()
            .all(|version| version.at(&SCHEMA) == first.at(&SCHEMA))
}

fn deprecation(version: &mut Node<'_>) {
    let Some(warning) = version.text(&["deprecationWarning"]) else {
        return;
    };
    let deprecated = version.get(&["deprecated"]).and_then(Tree::as_bool) == Some(true);
    let printable = !warning.chars().any(is_unprintable);
    let reason = match warning {
        _ if !deprecated => "only a deprecated version has a warning",
        "" => "an empty warning",
        _ if warning.len() > 256 || !printable => {
            "a warning must be printable and of at most 256 bytes"
        }
        _ => return,
    };
    version.lose(
        &["deprecationWarning"],
        LossKind::Refused,
        Severity::Warning,
        reason,
    );
}

/// Source: Go's `unicode.IsPrint`: no spaces but the plain one, no format characters, nothing for private use.
fn is_unprintable(character: char) -> bool {
    character.is_control()
        || (character.is_whitespace() && character != ' ')
        || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(character, '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{10ffff}')
}

fn columns(version: &mut Node<'_>) {
    const TYPES: [&str; 5] = ["integer", "number", "string", "boolean", "date"];
    const FORMATS: [&str; 8] = [
        "int32",
        "int64",
        "float",
        "double",
        "byte",
        "date",
        "date-time",
        "password",
    ];
    const COLUMNS: [&str; 1] = ["additionalPrinterColumns"];
    version.each(&COLUMNS, |column| {
        if column.text(&["jsonPath"]).is_none_or(str::is_empty) && column.has(&["JSONPath"]) {
            column.rename(&["JSONPath"], &["jsonPath"]);
        }
        if column
            .text(&["format"])
            .is_some_and(|format| !format.is_empty() && !FORMATS.contains(&format))
        {
            column.lose(
                &["format"],
                LossKind::Refused,
                Severity::Info,
                "no format that a column can have",
            );
        }
    });
    version.retain(&COLUMNS, |column| {
        let text = |field| column.text_at(&[field]).unwrap_or_default();
        let fits = !text("name").is_empty()
            && TYPES.contains(&text("type"))
            && text("jsonPath").starts_with('.');
        (!fits).then(|| {
            (
                LossKind::Refused,
                Severity::Warning,
                "a column needs a name, a type that it can have, and a path that begins with a dot"
                    .into(),
            )
        })
    });
}

fn scale(version: &mut Node<'_>) {
    const SCALE: [&str; 2] = ["subresources", "scale"];
    let Some(scale) = version.get(&SCALE) else {
        return;
    };
    let under = |field: &str, roots: &[&str]| {
        let path = scale.text_at(&[field]).unwrap_or_default();
        roots.iter().any(|root| path.starts_with(root))
    };
    let fits = under("specReplicasPath", &[".spec."]) && under("statusReplicasPath", &[".status."]);
    let selector = scale
        .text_at(&["labelSelectorPath"])
        .is_none_or(str::is_empty)
        || under("labelSelectorPath", &[".spec.", ".status."]);
    if !fits {
        version.lose(
            &SCALE,
            LossKind::Refused,
            Severity::Warning,
            "replicas must be under .spec and .status; such objects cannot be scaled by kubectl or an autoscaler",
        );
    } else if !selector {
        version.lose(
            &["subresources", "scale", "labelSelectorPath"],
            LossKind::Refused,
            Severity::Warning,
            "the selector must be under .spec or .status; a HorizontalPodAutoscaler cannot find the pods",
        );
    }
}

/// Fields that lists can select by: plain paths that no longer lead to a scalar.
fn selectable(version: &mut Node<'_>) {
    let mut seen: Vec<String> = Vec::new();
    let Some(root) = version
        .get(&SCHEMA)
        .filter(|_| version.has(&["selectableFields"]))
        .cloned()
    else {
        return;
    };
    version.retain(&["selectableFields"], |field| {
        let path = field.text_at(&["jsonPath"]).unwrap_or_default();
        let reason = if path.is_empty() {
            "no path"
        } else if seen.iter().any(|other| other == path) {
            "named twice"
        } else if seen.len() == 8 {
            "at most eight fields can be selected by"
        } else if path.starts_with(".metadata") || !leads_to_scalar(&root, path) {
            "the path must lead to a string, boolean or integer outside metadata"
        } else {
            seen.push(path.to_owned());
            return None;
        };
        Some((LossKind::Refused, Severity::Warning, reason.into()))
    });
}

fn leads_to_scalar(root: &Tree, path: &str) -> bool {
    if path.contains(['[', '\'', '"', '\\']) {
        // Quoted steps are left to the server.
        return true;
    }
    let mut steps = path.strip_prefix('.').unwrap_or(path).split('.');
    steps
        .try_fold(root, |schema, step| schema.at(&["properties", step]))
        .and_then(|schema| schema.text_at(&["type"]))
        .is_some_and(|text| matches!(text, "string" | "boolean" | "integer"))
}

//! `x-kubernetes-list-type`, `x-kubernetes-list-map-keys` and `x-kubernetes-map-type`: how lists and maps are merged.

use super::keyword::{is_true, type_of};
use crate::conversion::{
    draft::Node,
    outcome::{LossKind, Severity},
};
use crate::model::Tree;

const LIST_TYPE: &str = "x-kubernetes-list-type";
const KEYS: &str = "x-kubernetes-list-map-keys";
const MAP_TYPE: &str = "x-kubernetes-map-type";

/// What is wrong with a list.
enum Problem {
    /// It can only be replaced as a whole.
    Atomic(&'static str),
    /// Its keys say nothing.
    Keys(&'static str),
    /// The items of a set are not compared as a whole.
    Items,
    /// The protocol of a port may be absent.
    Protocol,
}

pub(super) fn mend(node: &mut Node<'_>) {
    map_type(node);
    repeated_keys(node);
    // Once its keys are gone, a set may have another problem.
    for _ in 0..2 {
        match problem(node.tree()) {
            Some(problem) => solve(node, &problem),
            None => return,
        }
    }
}

fn solve(node: &mut Node<'_>, problem: &Problem) {
    match *problem {
        Problem::Atomic(reason) => {
            for keyword in [LIST_TYPE, KEYS] {
                node.lose(
                    &[keyword],
                    LossKind::Refused,
                    Severity::Warning,
                    format!("{reason}; server-side apply replaces the list as a whole now, and its items may occur twice"),
                );
            }
        }
        Problem::Keys(reason) => {
            node.lose(&[KEYS], LossKind::Refused, Severity::Info, reason);
        }
        Problem::Items => node.set(
            &["items", MAP_TYPE],
            "atomic",
            "the items of a set are compared and replaced as a whole",
        ),
        Problem::Protocol => node.set(
            &["items", "properties", "protocol", "default"],
            "TCP",
            "a key of a list must have a default; this is the one that Kubernetes gives to ports",
        ),
    }
}

fn problem(list: &Tree) -> Option<Problem> {
    let keys: Vec<&str> = list
        .at(&[KEYS])
        .and_then(Tree::as_array)
        .unwrap_or_default()
        .iter()
        .filter_map(Tree::as_str)
        .collect();
    let Some(list_type) = list.at(&[LIST_TYPE]).filter(|value| !value.is_null()) else {
        let reason = "keys say nothing without the list type map";
        return (!keys.is_empty()).then_some(Problem::Keys(reason));
    };
    if type_of(list) != Some("array") {
        return Some(Problem::Atomic("only an array has a list type"));
    }
    match list_type.as_str() {
        Some("atomic" | "set") if !keys.is_empty() => {
            Some(Problem::Keys("only the list type map has keys"))
        }
        Some("atomic") => None,
        Some("set") => set(list.at(&["items"])?),
        Some("map") => map(list.at(&["items"])?, &keys),
        _ => Some(Problem::Atomic("there is no such list type")),
    }
}

fn set(items: &Tree) -> Option<Problem> {
    let is = |keyword: &str, value: &str| items.text_at(&[keyword]) == Some(value);
    if is_true(items, "nullable") {
        return Some(Problem::Atomic("the items of a set may not be null"));
    }
    match type_of(items) {
        Some("array")
            if items.at(&[LIST_TYPE]).is_some_and(|value| !value.is_null())
                && !is(LIST_TYPE, "atomic") =>
        {
            Some(Problem::Atomic("the items of a set must be atomic"))
        }
        Some("object") if !is(MAP_TYPE, "atomic") => Some(Problem::Items),
        _ => None,
    }
}

fn map(items: &Tree, keys: &[&str]) -> Option<Problem> {
    if keys.is_empty() {
        return Some(Problem::Atomic("the list type map needs keys"));
    }
    if type_of(items) != Some("object") || is_true(items, "nullable") {
        return Some(Problem::Atomic(
            "the items of a list with keys must be objects",
        ));
    }
    let required = items
        .at(&["required"])
        .and_then(Tree::as_array)
        .unwrap_or_default();
    let mut protocol = false;
    for key in keys {
        let Some(schema) = items.at(&["properties", key]) else {
            return Some(Problem::Atomic("a key names no property of the items"));
        };
        if matches!(type_of(schema), Some("array" | "object")) || is_true(schema, "nullable") {
            return Some(Problem::Atomic(
                "a key must be a scalar that may not be null",
            ));
        }
        let stands = required.iter().any(|name| name.as_str() == Some(key))
            || schema
                .at(&["default"])
                .is_some_and(|default| !default.is_null());
        if !stands && *key == "protocol" && takes_tcp(schema) {
            protocol = true;
        } else if !stands {
            return Some(Problem::Atomic("a key must be required or have a default"));
        }
    }
    protocol.then_some(Problem::Protocol)
}

/// Source: api-versions.md section 3.2, point 4: the protocol of a port is TCP where it is not said.
fn takes_tcp(schema: &Tree) -> bool {
    let listed = schema
        .at(&["enum"])
        .and_then(Tree::as_array)
        .unwrap_or_default();
    type_of(schema) == Some("string")
        && (listed.is_empty() || listed.iter().any(|value| value.as_str() == Some("TCP")))
        && [
            "pattern",
            "minLength",
            "maxLength",
            "allOf",
            "anyOf",
            "oneOf",
            "not",
        ]
        .into_iter()
        .all(|keyword| schema.at(&[keyword]).is_none_or(Tree::is_null))
}

fn repeated_keys(node: &mut Node<'_>) {
    let mut seen: Vec<Tree> = Vec::new();
    node.retain(&[KEYS], |key| {
        if seen.contains(key) {
            return Some((LossKind::Refused, Severity::Info, "named twice".into()));
        }
        seen.push(key.clone());
        None
    });
}

fn map_type(node: &mut Node<'_>) {
    let Some(map_type) = node.get(&[MAP_TYPE]) else {
        return;
    };
    let fits = matches!(map_type.as_str(), Some("atomic" | "granular"))
        && type_of(node.tree()) == Some("object");
    if !fits {
        node.lose(
            &[MAP_TYPE],
            LossKind::Refused,
            Severity::Warning,
            "only an object has a map type, atomic or granular; server-side apply merges it by field now",
        );
    }
}

//! Both sides of a vector in one form, and the first place where they differ.

use csdr_core::model::{Tree, TreeMap};
use std::fmt::Write as _;

/// The form in which two objects are compared: what only says how Go's encoder writes is taken away.
///
/// * `null` is absent; in maps of strings it is `""`, as Go reads it there.
/// * `status: {}`, `resources: {}`, `metadata: {}`, `strategy: {}` and `updateStrategy: {}` are absent: Go writes a struct that holds
///   nothing. `status: {}` below `subresources` stays, it switches the subresource on. Every other `{}` stays: it has a meaning
///   in selectors, `emptyDir`, `securityContext`.
/// * Maps of strings and quantities (`labels`, `limits`, …) that are empty are absent, and so are empty arrays: Go leaves both out.
/// * The annotation `deprecated.daemonset.template.generation` is absent.
/// * Inside an OpenAPI schema only what a schema itself can hold is so treated, never a property that is called `status`; values
///   of any form (`default`, `enum`, `example`, `data`, `fieldsV1`) are taken as they are.
pub(super) fn normal(tree: &Tree) -> Tree {
    shape(tree, Zone::Object, "")
}

/// Where a value stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Zone {
    /// An object of the API.
    Object,
    /// A map of strings: no key of it means anything.
    Texts,
    /// A schema.
    Schema,
    /// A map of schemas by property name.
    Properties,
    /// Any JSON.
    Any,
}

const TEXTS: [&str; 12] = [
    "annotations",
    "attributes",
    "binaryData",
    "data",
    "deprecatedTopology",
    "labels",
    "matchLabels",
    "nodeSelector",
    "options",
    "parameters",
    "stringData",
    "topology",
];

/// Maps of quantities.
const AMOUNTS: [&str; 12] = [
    "allocatable",
    "allocatedResources",
    "capacity",
    "default",
    "defaultRequest",
    "hard",
    "limits",
    "max",
    "min",
    "overhead",
    "podFixed",
    "requests",
];

/// Structs that Go writes although they hold nothing.
const STRUCTS: [&str; 5] = [
    "metadata",
    "resources",
    "status",
    "strategy",
    "updateStrategy",
];

/// The zone of a member.
fn inner(zone: Zone, parent: &str, key: &str, value: &Tree) -> Zone {
    match zone {
        Zone::Any => Zone::Any,
        Zone::Texts => Zone::Texts,
        Zone::Properties => Zone::Schema,
        Zone::Schema => match key {
            "properties" | "patternProperties" | "definitions" | "dependencies" => Zone::Properties,
            "default" | "enum" | "example" => Zone::Any,
            _ => Zone::Schema,
        },
        Zone::Object => match key {
            "openAPIV3Schema" => Zone::Schema,
            "fieldsV1" => Zone::Any,
            // `data` of a ControllerRevision, `parameters` of a device's configuration: any JSON.
            "data" | "parameters" if nested(value) => Zone::Any,
            // A device's attributes are structs.
            "attributes" if nested(value) => Zone::Object,
            _ if TEXTS.contains(&key) && parent != "properties" => Zone::Texts,
            _ => Zone::Object,
        },
    }
}

/// Whether a map holds anything but strings and numbers.
fn nested(value: &Tree) -> bool {
    value.as_object().is_some_and(|map| {
        map.values()
            .any(|value| matches!(value, Tree::Object(_) | Tree::Array(_)))
    })
}

fn shape(tree: &Tree, zone: Zone, name: &str) -> Tree {
    match tree {
        Tree::Object(map) => {
            let mut shaped = TreeMap::default();
            for (key, value) in map {
                let zone_of_value = inner(zone, name, key, value);
                if zone == Zone::Texts && value.is_null() {
                    shaped.insert(key.to_owned(), Tree::from(""));
                    continue;
                }
                let value = shape(value, zone_of_value, key);
                if !says_nothing(&value, zone, name, key) {
                    shaped.insert(key.to_owned(), value);
                }
            }
            Tree::Object(shaped)
        }
        Tree::Array(items) => {
            let items = items.iter().map(|item| shape(item, zone, name));
            Tree::Array(items.collect())
        }
        other => other.clone(),
    }
}

fn says_nothing(value: &Tree, zone: Zone, parent: &str, key: &str) -> bool {
    if parent == "annotations" && key == "deprecated.daemonset.template.generation" {
        return true;
    }
    let empty_list = value.as_array().is_some_and(<[Tree]>::is_empty);
    let empty_map = value.as_object().is_some_and(TreeMap::is_empty);
    match zone {
        Zone::Any | Zone::Texts => false,
        Zone::Properties => value.is_null(),
        Zone::Schema => {
            let properties = inner(zone, parent, key, value) == Zone::Properties;
            value.is_null() || empty_list || (empty_map && properties)
        }
        Zone::Object => {
            let left_out = TEXTS.contains(&key)
                || AMOUNTS.contains(&key)
                || (STRUCTS.contains(&key) && parent != "subresources");
            value.is_null() || empty_list || (empty_map && left_out)
        }
    }
}

/// One place where two objects differ. The values are shown: vectors hold no secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// As keys and indices; a key may hold any character.
    pub(super) path: Vec<String>,
    pub(super) expected: Option<Tree>,
    pub(super) actual: Option<Tree>,
}

impl Difference {
    /// The path as a JSON pointer (RFC 6901).
    pub(super) fn pointer(&self) -> String {
        pointer(&self.path)
    }

    /// Where and what.
    pub(super) fn sentence(&self) -> String {
        let shown = |value: &Option<Tree>| match value {
            None => "absent".to_owned(),
            Some(tree) => {
                let text = tree.to_string();
                match text.char_indices().nth(120) {
                    None => text,
                    Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
                }
            }
        };
        let (expected, actual) = (shown(&self.expected), shown(&self.actual));
        format!("{}: expected {expected}, is {actual}", self.pointer())
    }
}

/// A path as a JSON pointer.
pub(super) fn pointer(path: &[String]) -> String {
    let mut text = String::new();
    for key in path {
        // Writing into a String cannot fail.
        let _ = write!(text, "/{}", key.replace('~', "~0").replace('/', "~1"));
    }
    text
}

/// Every difference, in the order of the expected object's fields; neither side is made normal here.
pub(super) fn differences(expected: &Tree, actual: &Tree) -> Vec<Difference> {
    let mut found = Vec::new();
    walk(Some(expected), Some(actual), &mut Vec::new(), &mut found);
    found
}

fn walk(
    expected: Option<&Tree>,
    actual: Option<&Tree>,
    path: &mut Vec<String>,
    found: &mut Vec<Difference>,
) {
    match (expected, actual) {
        (Some(Tree::Object(expected)), Some(Tree::Object(actual))) => {
            let added = actual.keys().filter(|key| !expected.contains_key(key));
            for key in expected.keys().chain(added) {
                path.push(key.to_owned());
                walk(expected.get(key), actual.get(key), path, found);
                path.pop();
            }
        }
        (Some(Tree::Array(expected)), Some(Tree::Array(actual))) => {
            for at in 0..expected.len().max(actual.len()) {
                path.push(at.to_string());
                walk(expected.get(at), actual.get(at), path, found);
                path.pop();
            }
        }
        (Some(expected), Some(actual)) if super::value::same(expected, actual, path) => {}
        _ => found.push(Difference {
            path: path.clone(),
            expected: expected.cloned(),
            actual: actual.cloned(),
        }),
    }
}

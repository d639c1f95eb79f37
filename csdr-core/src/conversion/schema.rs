//! The fields that a version of a kind knows. The server drops the others silently; csdr keeps and tells them.
//!
//! Only kinds with several versions are here: an object whose version stays is not looked at. Custom resources have their schema in
//! their definition. Versions from which nothing converts (`resource.k8s.io/v1alpha2`) have no fields here.

mod table;

use super::{
    draft::Node,
    outcome::{LossKind, Severity},
};
use crate::model::Tree;

/// Fields of one structure, sorted, each with the number of its own shape: 0 is not looked into (a scalar, free JSON), a negative one
/// is a map of free keys.
type Shape = &'static [(&'static str, i16)];

/// One version of a kind.
#[derive(Debug)]
struct Kind {
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    shape: i16,
}

macro_rules! fields {
    (kinds $($group:literal $version:literal $kind:literal $shape:literal;)*) => {
        &[$(Kind { group: $group, version: $version, kind: $kind, shape: $shape }),*]
    };
    (shapes $($($name:literal $shape:literal),*;)*) => {
        &[$(&[$(($name, $shape)),*]),*]
    };
}
use fields;

/// The shape of a kind's version; 0 if it is not known.
fn shape_of(api_version: &str, kind: &str) -> i16 {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let wanted = (kind, group, version);
    table::KINDS
        .binary_search_by(|row| (row.kind, row.group, row.version).cmp(&wanted))
        .ok()
        .and_then(|at| table::KINDS.get(at))
        .map_or(0, |row| row.shape)
}

/// Records every field that the object's version does not know. `null` is absent, here too.
pub(super) fn report_unknown(node: &mut Node<'_>) {
    let (Some(api_version), Some(kind)) = (node.text(&["apiVersion"]), node.text(&["kind"])) else {
        return;
    };
    let shape = shape_of(api_version, kind);
    let mut unknown = Vec::new();
    walk(node.tree(), shape, &mut Vec::new(), &mut unknown);
    for path in unknown {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        // Without its value: nobody knows whether it is secret, and the object keeps it.
        node.loses(
            &path,
            LossKind::UnknownField,
            None,
            Severity::Info,
            "the stored version does not know the field; it is kept, and the target's server drops it",
        );
    }
}

/// One step of a path; it becomes text only where something is unknown.
#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Key(&'a str),
    Item(usize),
}

impl Step<'_> {
    fn text(&self) -> String {
        match self {
            Self::Key(key) => (*key).to_owned(),
            Self::Item(at) => at.to_string(),
        }
    }
}

fn walk<'a>(tree: &'a Tree, shape: i16, path: &mut Vec<Step<'a>>, unknown: &mut Vec<Vec<String>>) {
    if shape == 0 {
        return;
    }
    match tree {
        // The items of an array share the shape of their field.
        Tree::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                path.push(Step::Item(at));
                walk(item, shape, path, unknown);
                path.pop();
            }
        }
        Tree::Object(members) => {
            let members = members.iter().filter(|(_, value)| !value.is_null());
            for (key, value) in members {
                path.push(Step::Key(key));
                match field(shape, key) {
                    Some(shape) => walk(value, shape, path, unknown),
                    None => unknown.push(path.iter().map(Step::text).collect()),
                }
                path.pop();
            }
        }
        _ => {}
    }
}

/// The shape of a field of a shape; none if it has no such field.
fn field(shape: i16, key: &str) -> Option<i16> {
    if shape < 0 {
        return Some(shape.saturating_neg());
    }
    let number = usize::from(shape.unsigned_abs());
    let fields = table::SHAPES.get(number.checked_sub(1)?)?;
    // Length and first letter tell nearly all names apart, for less than the order of two texts costs.
    let first = key.as_bytes().first();
    let mut fields = fields.iter();
    let field = fields.find(|(name, _)| {
        name.len() == key.len() && name.as_bytes().first() == first && *name == key
    });
    field.map(|(_, shape)| *shape)
}

#[cfg(test)]
mod tests;

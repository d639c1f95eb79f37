//! The fields that each version of a kind knows: from every-field objects to `xtask/data/fields.json`, and from there to csdr-core.
//!
//! A *shape* is the set of fields of one structure; equal structures (a pod's, a label selector's) share one. A reference to a shape is
//! its number; 0 is a value that nobody looks into (a scalar, free JSON), a negative number is a map of free keys to shapes.

mod hand;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::{data, rows};
use crate::tree;

type Reference = i32;
type Shape = BTreeMap<String, Reference>;

const HEAD: &str = "\
//! Fields of each kind and version. Written by `cargo xtask lifecycle` from `xtask/data/fields.json` (from the every-field objects of
//! kubernetes/api) and `xtask/data/fields_by_hand.json` (what these do not have); do not edit.

use super::{Kind, Shape, fields};

";

/// Shapes and the kinds that have them. Number 0 stands for no shape.
#[derive(Debug, Default)]
struct Shapes {
    list: Vec<Shape>,
    numbers: HashMap<Shape, Reference>,
    /// `group/version Kind` to its shape.
    kinds: BTreeMap<String, Reference>,
}

impl Shapes {
    /// The number of a shape; equal ones have one.
    fn intern(&mut self, shape: Shape) -> Reference {
        if shape.is_empty() {
            return 0;
        }
        if let Some(number) = self.numbers.get(&shape) {
            return *number;
        }
        self.list.push(shape.clone());
        let number = self.list.len() as Reference;
        self.numbers.insert(shape, number);
        number
    }

    fn shape(&self, number: Reference) -> Option<&Shape> {
        self.list.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// Reads the shape of a value that has every field filled. `field` is its name.
    fn read(&mut self, field: &str, value: &Value) -> Reference {
        match value {
            Value::Array(items) => items
                .iter()
                .map(|item| self.read(field, item))
                .find(|number| *number != 0)
                .unwrap_or(0),
            // Free JSON is filled with an object of this kind.
            Value::Object(members) if members.get("kind") == Some(&json!("CustomType")) => 0,
            Value::Object(members) => match members.get(&format!("{field}Key")) {
                // A map has one key, which is called after its field.
                Some(inner) if members.len() == 1 => -self.read(field, inner).max(0),
                _ => {
                    let shape = members
                        .iter()
                        .map(|(name, value)| (name.clone(), self.read(name, value)))
                        .collect();
                    self.intern(shape)
                }
            },
            _ => 0,
        }
    }

    fn encode(&self) -> String {
        let lines = |rows: Vec<String>| rows.join(",\n");
        let shapes = self.list.iter().map(|shape| json!(shape).to_string());
        let kinds = self
            .kinds
            .iter()
            .map(|(kind, number)| format!("{}: {number}", json!(kind)));
        format!(
            "{{\"shapes\": [\n{}\n], \"kinds\": {{\n{}\n}}}}\n",
            lines(shapes.collect()),
            lines(kinds.collect())
        )
    }

    fn decode(text: &str) -> Result<Self, String> {
        let wrong = || "fields.json: not of the known shape".to_owned();
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let object = |value: &Value| -> Result<Shape, String> {
            let members = value.as_object().ok_or_else(wrong)?;
            members
                .iter()
                .map(|(name, number)| {
                    let number = number.as_i64().and_then(|number| number.try_into().ok());
                    Ok((name.clone(), number.ok_or_else(wrong)?))
                })
                .collect()
        };
        let list = value.get("shapes").and_then(Value::as_array);
        let list = list
            .ok_or_else(wrong)?
            .iter()
            .map(object)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            numbers: (1..)
                .zip(&list)
                .map(|(number, shape)| (shape.clone(), number))
                .collect(),
            kinds: object(value.get("kinds").ok_or_else(wrong)?)?,
            list,
        })
    }
}

/// From a folder of every-field objects, as kubernetes/api has it in `testdata/HEAD`: the kinds that have several versions.
pub(super) fn collect(folder: &Path) -> Result<(), String> {
    let mut shapes = Shapes::default();
    for (group, version, kind) in rows::convertible()? {
        let name = if group.is_empty() { "core" } else { &group };
        let path = folder.join(format!("{name}.{version}.{kind}.json"));
        let Ok(text) = fs::read_to_string(&path) else {
            println!("no every-field object of {group}/{version} {kind}");
            continue;
        };
        let value: Value =
            serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        let number = shapes.read("", &value);
        shapes
            .kinds
            .insert(name_of(&group, &version, &kind), number);
    }
    let path = tree::root()?.join("xtask/data/fields.json");
    fs::write(&path, shapes.encode())
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}

fn name_of(group: &str, version: &str, kind: &str) -> String {
    match group {
        "" => format!("{version} {kind}"),
        group => format!("{group}/{version} {kind}"),
    }
}

pub(super) fn table() -> Result<String, String> {
    let mut shapes = Shapes::decode(&data("fields.json")?)?;
    let by_hand: Map<String, Value> = serde_json::from_str(&data("fields_by_hand.json")?)
        .map_err(|error| format!("fields_by_hand.json: {error}"))?;
    hand::add(&mut shapes, &by_hand)?;
    Ok(write(&shapes))
}

fn write(shapes: &Shapes) -> String {
    let mut text = String::from(HEAD);
    // Writing into a String cannot fail.
    let _ = writeln!(text, "// Sorted by (kind, group, version).");
    let _ = writeln!(text, "pub(super) static KINDS: &[Kind] = fields! {{ kinds");
    let mut kinds: Vec<_> = shapes
        .kinds
        .iter()
        .filter_map(|(name, number)| {
            let (api_version, kind) = name.split_once(' ')?;
            let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
            Some((kind, group, version, number))
        })
        .collect();
    kinds.sort_unstable();
    for (kind, group, version, number) in kinds {
        let _ = writeln!(text, "    {group:?} {version:?} {kind:?} {number};");
    }
    text.push_str("};\n\n// Fields sorted; number 1 is the first.\n");
    text.push_str("pub(super) static SHAPES: &[Shape] = fields! { shapes\n");
    for shape in &shapes.list {
        let fields: Vec<String> = shape
            .iter()
            .map(|(name, number)| format!("{name:?} {number}"))
            .collect();
        let _ = writeln!(text, "    {};", fields.join(", "));
    }
    text.push_str("};\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_read_from_every_field_objects() {
        let mut shapes = Shapes::default();
        let number = shapes.read(
            "",
            &json!({
                "kind": "kindValue",
                "labels": {"labelsKey": "labelsValue"},
                "capacity": {"capacityKey": {"value": "0"}},
                "one": [{"name": "n", "value": "v"}],
                "two": {"name": "n", "value": "v"},
                "raw": {"apiVersion": "example.com/v1", "kind": "CustomType"},
            }),
        );
        shapes.kinds.insert("x/v1 X".to_owned(), number);
        let names = |number| shapes.shape(number).map(|shape| json!(shape).to_string());
        assert_eq!(
            names(number).as_deref(),
            Some(r#"{"capacity":-1,"kind":0,"labels":0,"one":2,"raw":0,"two":2}"#)
        );
        assert_eq!(names(2).as_deref(), Some(r#"{"name":0,"value":0}"#));
        let again = Shapes::decode(&shapes.encode()).unwrap();
        assert_eq!((again.list, again.kinds), (shapes.list, shapes.kinds));
    }
}

//! How each built-in kind's lists are merged by a strategic merge patch: from Kubernetes' Go types to `xtask/data/patches.json`, and
//! from there to csdr-core.
//!
//! A *shape* is the set of fields of one structure that say something about patches, or lead to one that does; equal structures share
//! one. Number 0 stands for none: below it objects are merged, and lists replaced.

mod go;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::data;
use crate::tree;
use go::{Field, Sources};

const HEAD: &str = "\
//! How lists of built-in kinds are merged. Written by `cargo xtask lifecycle` from `xtask/data/patches.json` (the `patchStrategy` and
//! `patchMergeKey` of Kubernetes' Go types); do not edit.

use super::{How, Kind, Shape, shapes};

";

/// A field: how it is patched (`descend`, `replace`, `merge`), by which key, and the number of its own shape.
type Rule = (String, String, u16);
type Shape = BTreeMap<String, Rule>;

#[derive(Debug, Default)]
struct Shapes {
    list: Vec<Shape>,
    numbers: HashMap<Shape, u16>,
    /// `group/version Kind` to its shape.
    kinds: BTreeMap<String, u16>,
}

impl Shapes {
    fn intern(&mut self, shape: Shape) -> u16 {
        if shape.is_empty() {
            return 0;
        }
        if let Some(number) = self.numbers.get(&shape) {
            return *number;
        }
        self.list.push(shape.clone());
        let number = self.list.len() as u16;
        self.numbers.insert(shape, number);
        number
    }

    /// The shape of a Go type. A type that holds itself has no shape inside of itself.
    fn read(&mut self, sources: &Sources, name: &str, open: &mut Vec<String>) -> u16 {
        if open.iter().any(|outer| outer == name) {
            return 0;
        }
        open.push(name.to_owned());
        let mut shape = Shape::new();
        for field in sources.fields(name) {
            let Field {
                json,
                of,
                strategies,
                key,
                ..
            } = &field;
            let inner = self.read(sources, of, open);
            let has = |wanted: &str| strategies.iter().any(|strategy| strategy == wanted);
            // `retainKeys` says how a client makes a patch, not how a server applies one.
            let how = if has("merge") {
                "merge"
            } else if has("replace") {
                "replace"
            } else if inner > 0 && !field.is_list {
                "descend"
            } else {
                continue;
            };
            shape.insert(json.clone(), (how.to_owned(), key.clone(), inner));
        }
        open.pop();
        self.intern(shape)
    }

    fn encode(&self) -> String {
        let shapes: Vec<String> = self
            .list
            .iter()
            .map(|shape| json!(shape).to_string())
            .collect();
        let kinds: Vec<String> = self
            .kinds
            .iter()
            .map(|(kind, number)| format!("{}: {number}", json!(kind)))
            .collect();
        format!(
            "{{\"shapes\": [\n{}\n], \"kinds\": {{\n{}\n}}}}\n",
            shapes.join(",\n"),
            kinds.join(",\n")
        )
    }

    fn decode(text: &str) -> Result<Self, String> {
        let wrong = || "patches.json: not of the known shape".to_owned();
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let take = |key: &str| value.get(key).cloned().ok_or_else(wrong);
        let list: Vec<Shape> = serde_json::from_value(take("shapes")?).map_err(|_| wrong())?;
        Ok(Self {
            numbers: HashMap::new(),
            kinds: serde_json::from_value(take("kinds")?).map_err(|_| wrong())?,
            list,
        })
    }
}

/// From the folders of Go modules: k8s.io/api, apimachinery, apiextensions-apiserver, kube-aggregator.
pub(super) fn collect(folders: &[PathBuf]) -> Result<(), String> {
    let sources = Sources::read(folders)?;
    let mut shapes = Shapes::default();
    for (kind, name) in sources.kinds() {
        let number = shapes.read(&sources, &name, &mut Vec::new());
        shapes.kinds.insert(kind, number);
    }
    let path = tree::root()?.join("xtask/data/patches.json");
    fs::write(&path, shapes.encode())
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}

pub(super) fn table() -> Result<String, String> {
    Ok(write(&Shapes::decode(&data("patches.json")?)?))
}

fn write(shapes: &Shapes) -> String {
    let mut text = String::from(HEAD);
    text.push_str("// Sorted by (kind, group, version).\n");
    text.push_str("pub(super) static KINDS: &[Kind] = shapes! { kinds\n");
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
    // Writing into a String cannot fail.
    for (kind, group, version, number) in kinds {
        let _ = writeln!(text, "    {group:?} {version:?} {kind:?} {number};");
    }
    text.push_str("};\n\n// Fields sorted; number 1 is the first.\n");
    text.push_str("pub(super) static SHAPES: &[Shape] = shapes! { shapes\n");
    for shape in &shapes.list {
        let fields: Vec<String> = shape
            .iter()
            .map(|(name, (how, key, number))| format!("{name:?} {how} {key:?} {number}"))
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
    fn shapes_are_what_the_tags_say() {
        let source = r#"
package v1

import (
    metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type Shop struct {
    metav1.TypeMeta `json:",inline"`
    metav1.ObjectMeta `json:"metadata,omitempty"`
    // +optional
    Spec *ShopSpec `json:"spec,omitempty" protobuf:"bytes,1,opt,name=spec"`
    Status ShopStatus `json:"status"`
}

type ShopSpec struct {
    Doors []Door `json:"doors" patchStrategy:"merge,retainKeys" patchMergeKey:"name" protobuf:"x"`
    Tags []string `json:"tags" patchStrategy:"merge"`
    Sign *Sign `json:"sign" patchStrategy:"replace"`
    Walls map[string]Door `json:"walls"`
    Inner `json:",inline"`
    Self *ShopSpec `json:"self"`
}

type Inner struct { // embedded
    Plain []Door `json:"plain"`
    Keys []metav1.Key `json:"keys" patchStrategy:"merge" patchMergeKey:"id"`
}
type Door struct { Name string `json:"name"` }
type ShopStatus struct { }
"#;
        let mut sources = Sources::default();
        sources.add("example.com/shop/v1", source);
        sources.add(
            "k8s.io/apimachinery/pkg/apis/meta/v1",
            "type ObjectMeta struct {\n Finalizers []string `json:\"finalizers\" patchStrategy:\"merge\"`\n}\n",
        );
        sources.add_group(
            "example.com/shop/v1",
            "const GroupName = \"shop.example.com\"",
        );
        let kinds = sources.kinds();
        assert_eq!(
            kinds,
            [(
                "shop.example.com/v1 Shop".to_owned(),
                "example.com/shop/v1.Shop".to_owned()
            )]
        );
        let mut shapes = Shapes::default();
        let number = shapes.read(&sources, &kinds[0].1, &mut Vec::new());
        shapes.kinds.insert(kinds[0].0.clone(), number);
        let again = Shapes::decode(&shapes.encode()).unwrap();
        assert_eq!((&again.list, &again.kinds), (&shapes.list, &shapes.kinds));
        let text = write(&again);
        for line in [
            r#""shop.example.com" "v1" "Shop" 3;"#,
            r#""finalizers" merge "" 0;"#,
            r#""doors" merge "name" 0, "keys" merge "id" 0, "sign" replace "" 0, "tags" merge "" 0;"#,
            r#""metadata" descend "" 1, "spec" descend "" 2;"#,
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
}

//! Fields whose content is not stored.

use super::Patterns;
use crate::{
    Error, Result,
    model::{Object, Tree},
    spec::{FieldMask, MaskAction},
};

/// kubectl's copy of the whole manifest: it holds what was masked.
const LAST_APPLIED: [&str; 3] = [
    "metadata",
    "annotations",
    "kubectl.kubernetes.io/last-applied-configuration",
];

/// Most segments of a pointer.
const DEEPEST: usize = 64;

/// The masks of a spec, read.
#[derive(Clone, Debug, Default)]
pub(crate) struct FieldMasks {
    masks: Vec<Mask>,
}

#[derive(Clone, Debug)]
struct Mask {
    resource: String,
    namespaces: Patterns,
    names: Patterns,
    fields: Vec<(String, Vec<String>)>,
    action: MaskAction,
}

impl FieldMasks {
    pub(crate) fn new(masks: &[FieldMask]) -> Result<Self> {
        let masks = masks.iter().map(Mask::new).collect::<Result<_>>()?;
        Ok(Self { masks })
    }

    /// The resources that masks name.
    pub(crate) fn resources(&self) -> impl Iterator<Item = &str> {
        self.masks.iter().map(|mask| mask.resource.as_str())
    }

    /// The masks of one resource; none for most.
    pub(crate) fn of(&self, spellings: &[String]) -> Self {
        let own = self
            .masks
            .iter()
            .filter(|mask| spellings.contains(&mask.resource));
        Self {
            masks: own.cloned().collect(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.masks.is_empty()
    }

    /// The object without what is masked, and what that was; none if it has no such field.
    ///
    /// # Errors
    /// `Corrupt` for an object that cannot be changed: it holds a key twice or is nested too deeply.
    pub(crate) fn apply(&self, object: &Object) -> Result<Option<(Object, String)>> {
        let id = object.id();
        let concerned = |mask: &&Mask| {
            mask.names.matches(id.name())
                && id
                    .namespace()
                    .is_none_or(|namespace| mask.namespaces.matches(namespace))
        };
        let masks: Vec<&Mask> = self.masks.iter().filter(concerned).collect();
        if masks.is_empty() {
            return Ok(None);
        }
        let mut tree = object.tree()?;
        let mut done = Vec::new();
        for mask in masks {
            for (pointer, path) in &mask.fields {
                if masked(&mut tree, path, mask.action) {
                    done.push(match mask.action {
                        MaskAction::Empty => format!("{pointer} emptied"),
                        MaskAction::Remove => format!("{pointer} removed"),
                    });
                }
            }
        }
        if done.is_empty() {
            return Ok(None);
        }
        if tree.remove(&LAST_APPLIED).is_some() {
            done.push("kubectl's last-applied annotation removed".to_owned());
        }
        let object = Object::from_tree(id.resource().clone(), &tree)?;
        Ok(Some((object, done.join(", "))))
    }
}

impl Mask {
    fn new(mask: &FieldMask) -> Result<Self> {
        if mask.resource.is_empty() || mask.fields.is_empty() {
            return Err(Error::invalid(
                "masked fields: a resource and at least one field are needed",
            )
            .with_context("resource", mask.resource.escape_debug()));
        }
        let fields = mask.fields.iter().map(|text| path(text));
        Ok(Self {
            resource: mask.resource.clone(),
            namespaces: Patterns::new("masked fields: namespaces", &mask.namespaces, &[])?,
            names: Patterns::new("masked fields: names", &mask.names, &[])?,
            fields: fields.collect::<Result<_>>()?,
            action: mask.action,
        })
    }
}

/// A pointer and its segments.
fn path(text: &str) -> Result<(String, Vec<String>)> {
    let bad = |message: &str| {
        Err(Error::invalid(format!("masked fields: {message}"))
            .with_context("field", text.escape_debug()))
    };
    let Some(rest) = text.strip_prefix('/') else {
        return bad("not a JSON pointer; it begins with `/`");
    };
    let path: Vec<String> = rest
        .split('/')
        .map(|part| part.replace("~1", "/").replace("~0", "~"))
        .collect();
    if path.len() > DEEPEST {
        return bad("nested too deeply");
    }
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["apiVersion" | "kind" | "metadata" | "*"]
        | ["metadata" | "*", "name" | "namespace" | "*", ..] => {
            bad("what an object is called cannot be masked")
        }
        _ => Ok((text.to_owned(), path)),
    }
}

/// Masks what lies at `path`; `false` if there is nothing.
fn masked(tree: &mut Tree, path: &[String], action: MaskAction) -> bool {
    let Some((head, rest)) = path.split_first() else {
        return emptied(tree);
    };
    let removes = rest.is_empty() && action == MaskAction::Remove;
    match tree {
        Tree::Object(map) if head == "*" && removes => {
            let any = !map.is_empty();
            map.clear();
            any
        }
        Tree::Object(map) if head == "*" => {
            each(map.values_mut(), |value| masked(value, rest, action))
        }
        Tree::Object(map) if removes => map.shift_remove(head.as_str()).is_some(),
        Tree::Object(map) => map
            .get_mut(head.as_str())
            .is_some_and(|value| masked(value, rest, action)),
        Tree::Array(items) if head == "*" && removes => {
            let any = !items.is_empty();
            items.clear();
            any
        }
        Tree::Array(items) if head == "*" => {
            each(items.iter_mut(), |value| masked(value, rest, action))
        }
        Tree::Array(items) => {
            let place = head.parse::<usize>().ok().filter(|at| *at < items.len());
            match place {
                Some(at) if removes => {
                    items.remove(at);
                    true
                }
                Some(at) => items
                    .get_mut(at)
                    .is_some_and(|value| masked(value, rest, action)),
                None => false,
            }
        }
        _ => false,
    }
}

/// Masks every value, and says whether any had something to mask.
fn each<'a>(
    values: impl Iterator<Item = &'a mut Tree>,
    mut mask: impl FnMut(&mut Tree) -> bool,
) -> bool {
    let mut any = false;
    for value in values {
        any |= mask(value);
    }
    any
}

/// Keeps the shape and takes the content; `false` if there was none.
fn emptied(tree: &mut Tree) -> bool {
    match tree {
        Tree::Null => false,
        Tree::Object(map) => each(map.values_mut(), emptied),
        Tree::Array(items) => {
            let any = !items.is_empty();
            items.clear();
            any
        }
        Tree::String(text) => {
            let any = !text.is_empty();
            text.clear();
            any
        }
        Tree::Number(_) => {
            *tree = Tree::from(0);
            true
        }
        Tree::Bool(value) => std::mem::replace(value, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(resource: &str, json: &str, masks: &[FieldMask]) -> Option<(String, String)> {
        let object = Object::parse(resource.parse().unwrap(), json.to_owned()).unwrap();
        let masks = FieldMasks::new(masks).unwrap().of(&[resource.to_owned()]);
        let done = masks.apply(&object).unwrap();
        done.map(|(object, said)| (object.text().to_owned(), said))
    }

    #[test]
    fn fields_are_masked_and_the_rest_stays() {
        let json = |rest: &str| {
            format!(
                r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"key","namespace":"shop"}}{rest}}}"#
            )
        };
        let remove = |field: &str| FieldMask::of("secrets", field).with_action(MaskAction::Remove);
        for (mask, before, after, said) in [
            (
                FieldMask::of("secrets", "/data"),
                r#","data":{"a":"eA==","b":"eQ=="},"type":"Opaque""#,
                r#","data":{"a":"","b":""},"type":"Opaque""#,
                "/data emptied",
            ),
            (
                FieldMask::of("secrets", "/data/a"),
                r#","data":{"a":"eA==","b":"eQ=="}"#,
                r#","data":{"a":"","b":"eQ=="}"#,
                "/data/a emptied",
            ),
            (
                remove("/data"),
                r#","data":{"a":"eA=="},"type":"Opaque""#,
                r#","type":"Opaque""#,
                "/data removed",
            ),
            (
                remove("/data/*"),
                r#","data":{"a":"eA=="}"#,
                r#","data":{}"#,
                "/data/* removed",
            ),
            (
                remove("/list/1"),
                r#","list":[1,2,3]"#,
                r#","list":[1,3]"#,
                "/list/1 removed",
            ),
            (
                FieldMask::of("secrets", "/spec/*/value"),
                r#","spec":[{"name":"a","value":"x"},{"name":"b","value":1e3},{"value":true}]"#,
                r#","spec":[{"name":"a","value":""},{"name":"b","value":0},{"value":false}]"#,
                "/spec/*/value emptied",
            ),
            (
                FieldMask::of("secrets", "/a~1b"),
                r#","a/b":["x"]"#,
                r#","a/b":[]"#,
                "/a~1b emptied",
            ),
        ] {
            let (text, told) = masked("secrets", &json(before), &[mask]).unwrap();
            assert_eq!((text, told), (json(after), said.to_owned()));
        }
        for mask in [
            FieldMask::of("secrets", "/none"),
            FieldMask::of("secrets", "/data/none/deeper"),
            FieldMask::of("configmaps", "/data"),
            FieldMask::of("secrets", "/data").with_name("other-*"),
            FieldMask::of("secrets", "/data").with_namespace("other"),
        ] {
            assert_eq!(
                masked("secrets", &json(r#","data":{"a":"eA=="}"#), &[mask]),
                None
            );
        }
    }

    #[test]
    fn the_copy_that_kubectl_keeps_goes_with_a_masked_field() {
        let json = r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"key","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"data\":{\"a\":\"canary\"}}"}},"data":{"a":"canary"}}"#;
        let (text, said) = masked("secrets", json, &[FieldMask::of("secrets", "/data")]).unwrap();
        assert!(!text.contains("canary"), "{text}");
        assert!(said.contains("last-applied"), "{said}");
    }
}

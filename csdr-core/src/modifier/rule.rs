//! One rule, read: what it is for and what it does.

use super::{
    json_patch::{self, Operation, PatchRefusal},
    pointer::Pointer,
    spec::{self, ModifierConditions, PatchData, ResourceModifierRule},
    strategic, value,
};
use crate::{
    Error, Result,
    model::{GroupResource, LabelSelector, Object, Tree},
    select::Patterns,
};
use regex::bytes::{Regex, RegexBuilder};

/// Bytes of a regular expression as written.
const REGEX_TEXT: usize = 1024;
/// Bytes of a regular expression as compiled, and of the machine that runs it.
const REGEX_SIZE: usize = 1 << 20;
/// Most patches of one rule.
const PATCHES: usize = 1000;

#[derive(Debug)]
pub(super) struct Rule {
    /// Counted from 1.
    pub(super) number: usize,
    resource: Patterns,
    /// `None`: of every group.
    group: Option<Patterns>,
    name: Option<Regex>,
    namespaces: Patterns,
    labels: LabelSelector,
    matches: Vec<(Pointer, Tree)>,
    patch: Patch,
}

/// What a rule does.
#[derive(Debug)]
enum Patch {
    Json(Vec<Operation>),
    Merge(Vec<Tree>),
    Strategic(Vec<Tree>),
}

impl Rule {
    /// Reads a rule; errors name the field.
    pub(super) fn new(number: usize, rule: &ResourceModifierRule) -> Result<Self> {
        let ModifierConditions {
            group_resource,
            resource_name_regex,
            namespaces,
            label_selector,
            matches,
        } = &rule.conditions;
        let field = |name: String| move |error: Error| error.with_context("field", name);
        let at = |name: &str| field(format!("conditions.{name}"));
        let (resource, group) = resource(group_resource).map_err(at("groupResource"))?;
        label_selector.validate().map_err(at("labelSelector"))?;
        let test = |(number, one): (usize, &spec::ModifierMatch)| -> Result<(Pointer, Tree)> {
            let at = |name: &str| field(format!("conditions.matches[{number}].{name}"));
            let path = Pointer::parse(&one.path).map_err(at("path"))?;
            Ok((path, value::value(&one.value).map_err(at("value"))?))
        };
        Ok(Self {
            number,
            resource,
            group,
            name: name(resource_name_regex).map_err(at("resourceNameRegex"))?,
            namespaces: Patterns::new("namespaces", namespaces, &[]).map_err(at("namespaces"))?,
            labels: label_selector.clone(),
            matches: matches
                .iter()
                .enumerate()
                .map(test)
                .collect::<Result<_>>()?,
            patch: Patch::new(rule)?,
        })
    }

    /// What kind of patches it has.
    pub(super) fn way(&self) -> &'static str {
        match self.patch {
            Patch::Json(_) => "JSON patch",
            Patch::Merge(_) => "merge patch",
            Patch::Strategic(_) => "strategic merge patch",
        }
    }

    /// Whether it is for a kind, a namespace and a name: what needs no look into the object.
    pub(super) fn is_for(&self, stored: &Object) -> bool {
        let id = stored.id();
        let group = id.resource().group();
        self.resource.matches(id.resource().resource())
            && self.group.as_ref().is_none_or(|own| match group {
                // The core group has the empty name, which is no pattern's.
                "" => own.names(CORE),
                group => own.matches(group),
            })
            && id
                .namespace()
                .is_none_or(|namespace| self.namespaces.matches(namespace))
            && self
                .name
                .as_ref()
                .is_none_or(|name| name.is_match(id.name().as_bytes()))
    }

    /// Whether the conditions hold that look into the object.
    pub(super) fn holds(&self, stored: &Tree, converted: &Tree) -> bool {
        self.labels
            .matches(&stored.texts_at(&["metadata", "labels"]))
            && self.matches.iter().all(|(path, value)| {
                let tree = match path.is_in(stored) {
                    true => stored,
                    false => converted,
                };
                json_patch::holds(tree, path, value)
            })
    }

    /// The object with the patches applied, all or none.
    pub(super) fn apply(&self, tree: &Tree) -> Result<Tree, PatchRefusal> {
        match &self.patch {
            Patch::Json(operations) => json_patch::apply(operations, tree),
            Patch::Merge(patches) => {
                let mut tree = tree.clone();
                patches.iter().for_each(|patch| tree.merge(patch));
                Ok(tree)
            }
            Patch::Strategic(patches) => {
                let mut tree = tree.clone();
                for (at, patch) in patches.iter().enumerate() {
                    strategic::apply(patch, &mut tree).map_err(|mut refusal| {
                        refusal.patch = at + 1;
                        refusal
                    })?;
                }
                Ok(tree)
            }
        }
    }

    /// Paths that the patches speak of and that only the stored version has.
    pub(super) fn stale_paths(&self, stored: &Tree, converted: &Tree) -> Vec<String> {
        let is_stale = |path: &Pointer| path.is_in(stored) && !path.is_in(converted);
        let mut stale: Vec<String> = match &self.patch {
            Patch::Json(operations) => operations
                .iter()
                .flat_map(Operation::pointers)
                .filter(|path| is_stale(path))
                .map(|path| path.as_str().to_owned())
                .collect(),
            Patch::Merge(patches) | Patch::Strategic(patches) => {
                let mut found = Vec::new();
                for patch in patches {
                    fields(patch, &mut Vec::new(), &mut |path| {
                        let path = Pointer::of(path.iter().copied());
                        if is_stale(&path) {
                            found.push(path.as_str().to_owned());
                        }
                    });
                }
                found
            }
        };
        stale.sort();
        stale.dedup();
        stale
    }
}

/// Calls `seen` with the path of every member that is no object; lists are not entered.
fn fields<'a>(tree: &'a Tree, path: &mut Vec<&'a str>, seen: &mut impl FnMut(&[&'a str])) {
    match tree {
        Tree::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                path.push(key);
                fields(value, path, seen);
                path.pop();
            }
        }
        _ => seen(path),
    }
}

/// Stands for the core group among patterns.
const CORE: &str = "core";

/// Source: Velero's documentation: `*.apps` is all of a group, `*` all of the core group, `*.*` all of all groups.
fn resource(text: &str) -> Result<(Patterns, Option<Patterns>)> {
    let (resource, group) = match text.split_once('.') {
        Some((resource, group)) => (resource, group),
        None => (text, CORE),
    };
    let resource = Patterns::new("groupResource", &[resource.to_owned()], &[])?;
    if group == "*" {
        return Ok((resource, None));
    }
    let group = Patterns::new("groupResource", &[group.to_owned()], &[])?;
    // A name without a wildcard must at least be able to be one.
    if resource.is_literal() && group.is_literal() {
        text.parse::<GroupResource>()?;
    }
    Ok((resource, Some(group)))
}

/// Go's regular expressions are of bytes, and its classes (`\w`) are ASCII's, as names are.
fn name(text: &str) -> Result<Option<Regex>> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() > REGEX_TEXT {
        return Err(Error::invalid(
            "regular expression is longer than 1024 bytes",
        ));
    }
    let built = RegexBuilder::new(text)
        .unicode(false)
        .size_limit(REGEX_SIZE)
        .dfa_size_limit(REGEX_SIZE)
        .build();
    built.map(Some).map_err(|error| {
        let message = match &error {
            regex::Error::CompiledTooBig(_) => "regular expression is larger than allowed",
            _ => "not a regular expression",
        };
        Error::invalid(message).with_source(error)
    })
}

impl Patch {
    fn new(rule: &ResourceModifierRule) -> Result<Self> {
        let ResourceModifierRule {
            patches,
            merge_patches,
            strategic_patches,
            ..
        } = rule;
        let counts = [patches.len(), merge_patches.len(), strategic_patches.len()];
        match counts.iter().filter(|count| **count > 0).count() {
            1 => {}
            0 => {
                let message = "a rule needs patches, mergePatches or strategicPatches";
                return Err(Error::invalid(message).with_context("field", "patches"));
            }
            _ => {
                let message = "a rule has only one of patches, mergePatches and strategicPatches";
                return Err(Error::invalid(message).with_context("field", "patches"));
            }
        }
        if counts.iter().any(|count| *count > PATCHES) {
            let message = format!("a rule has at most {PATCHES} patches");
            return Err(Error::invalid(message).with_context("field", "patches"));
        }
        let read = |name: &str, list: &[PatchData]| {
            let one = |(at, data): (usize, &PatchData)| {
                patch_data(&data.patch_data)
                    .map_err(|error| error.with_context("field", format!("{name}[{at}].patchData")))
            };
            list.iter().enumerate().map(one).collect::<Result<Vec<_>>>()
        };
        if !patches.is_empty() {
            let operations = patches.iter().enumerate().map(operation);
            return Ok(Self::Json(operations.collect::<Result<_>>()?));
        }
        Ok(match merge_patches.is_empty() {
            false => Self::Merge(read("mergePatches", merge_patches)?),
            true => Self::Strategic(read("strategicPatches", strategic_patches)?),
        })
    }
}

fn patch_data(text: &str) -> Result<Tree> {
    let tree = spec::document(text)?;
    match tree.as_object() {
        Some(_) => Ok(tree),
        None => Err(Error::invalid("a patch is an object")),
    }
}

fn operation((number, written): (usize, &spec::JsonPatchOperation)) -> Result<Operation> {
    let at = |name: &str| {
        let name = format!("patches[{number}].{name}");
        move |error: Error| error.with_context("field", name)
    };
    let path = Pointer::parse(&written.path).map_err(at("path"))?;
    let from = || Pointer::parse(&written.from).map_err(at("from"));
    let value = || {
        let text = written.value.as_deref().ok_or_else(|| {
            let message =
                "the operation needs a value; an empty text is written `\"\"`, null `\"null\"`";
            at("value")(Error::invalid(message))
        })?;
        value::value(text).map_err(at("value"))
    };
    Ok(match written.operation.to_ascii_lowercase().as_str() {
        "add" => Operation::Add(path, value()?),
        "remove" => Operation::Remove(path),
        "replace" => Operation::Replace(path, value()?),
        "move" => Operation::Move {
            from: from()?,
            to: path,
        },
        "copy" => Operation::Copy {
            from: from()?,
            to: path,
        },
        "test" => Operation::Test(path, value()?),
        _ => {
            let message = "not an operation; add, remove, replace, move, copy and test are";
            return Err(at("operation")(Error::invalid(message)));
        }
    })
}

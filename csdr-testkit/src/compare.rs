//! Whether a restored object is the one that was backed up: an own checker, which shares no code with a restore.
//!
//! Two objects are walked field by field. Every difference counts unless [`MAY_DIFFER`] has a row for it: the one place that says
//! what may differ, where, how, and why.

mod allowed;
mod pointer;

pub use allowed::{Change, MAY_DIFFER, MayDiffer};

use csdr_core::model::{GroupResource, Tree, TreeMap};
use pointer::Pointer;
use std::{collections::BTreeMap, fmt};

/// Compares what was backed up with what was restored.
///
/// ```
/// use csdr_core::model::Tree;
/// use csdr_testkit::compare::Comparison;
///
/// let comparison = Comparison::new([("shop", "copy")]);
/// let resource = "configmaps".parse()?;
/// let stored = Tree::parse(br#"{"metadata":{"name":"a","namespace":"shop","uid":"1"},"data":{"tea":"3"}}"#)?;
/// let restored = Tree::parse(br#"{"metadata":{"name":"a","namespace":"copy","uid":"2"},"data":{"tea":"4"}}"#)?;
/// let found = comparison.compare(&resource, &stored, &restored);
/// assert_eq!(found.len(), 1);
/// assert_eq!(found[0].pointer, "/data/tea");
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    namespaces: BTreeMap<String, String>,
}

/// One field that is not as it was. `Display` shows where and of what shape, never the content: it may be a Secret's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What was stored; `None` if the field was not there.
    pub stored: Option<Tree>,
    /// What was restored; `None` if the field is not there.
    pub restored: Option<Tree>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.stored, &self.restored) {
            (Some(stored), None) => write!(f, "{}: {stored:?} is missing", self.pointer),
            (None, Some(restored)) => write!(f, "{}: {restored:?} was added", self.pointer),
            (Some(stored), Some(restored)) => {
                write!(f, "{}: {stored:?} became {restored:?}", self.pointer)
            }
            (None, None) => write!(f, "{}: nothing", self.pointer),
        }
    }
}

impl Comparison {
    /// With the namespaces that the restore mapped: `(stored, restored)`.
    pub fn new<'a>(namespaces: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let own = |(from, to): (&str, &str)| (from.to_owned(), to.to_owned());
        Self {
            namespaces: namespaces.into_iter().map(own).collect(),
        }
    }

    /// The name that a namespace has after the restore.
    pub fn map_namespace<'a>(&'a self, stored: &'a str) -> &'a str {
        self.namespaces.get(stored).map_or(stored, String::as_str)
    }

    /// Every difference that no row of [`MAY_DIFFER`] allows, in the order of the stored object's fields.
    pub fn compare(
        &self,
        resource: &GroupResource,
        stored: &Tree,
        restored: &Tree,
    ) -> Vec<Difference> {
        let mut found = differences(stored, restored);
        found.retain(|difference| self.reason(resource, difference).is_none());
        found
    }

    /// Why this difference is allowed, if it is.
    pub fn reason(
        &self,
        resource: &GroupResource,
        difference: &Difference,
    ) -> Option<&'static str> {
        let pointer = Pointer::parse(&difference.pointer);
        let row = MAY_DIFFER.iter().find(|row| {
            row.is_about(resource)
                && pointer.is_below(row.pointer)
                && self.allows(row.change, difference)
        });
        row.map(|row| row.reason)
    }

    fn allows(&self, change: Change, difference: &Difference) -> bool {
        let stored = difference.stored.as_ref().and_then(Tree::as_str);
        let restored = difference.restored.as_ref().and_then(Tree::as_str);
        match change {
            Change::Any => true,
            Change::Gone => difference.restored.is_none(),
            Change::Added => difference.stored.is_none(),
            Change::Replaced => difference.stored.is_some() && difference.restored.is_some(),
            Change::Mapped => stored
                .zip(restored)
                .is_some_and(|(stored, restored)| self.map_namespace(stored) == restored),
            Change::Port => [&difference.stored, &difference.restored]
                .iter()
                .all(|side| {
                    side.as_ref()
                        .and_then(Tree::as_i64)
                        .is_some_and(|port| (1..=65535).contains(&port))
                }),
            Change::Address => [stored, restored]
                .iter()
                .all(|text| text.is_some_and(|text| text.parse::<std::net::IpAddr>().is_ok())),
        }
    }
}

/// Every place where two trees differ, as deep as it can be told: a field that only one side has is told by its leaves.
pub fn differences(stored: &Tree, restored: &Tree) -> Vec<Difference> {
    let mut found = Vec::new();
    walk(&mut String::new(), Some(stored), Some(restored), &mut found);
    found
}

fn walk(
    pointer: &mut String,
    stored: Option<&Tree>,
    restored: Option<&Tree>,
    found: &mut Vec<Difference>,
) {
    let empty = TreeMap::default();
    match (stored, restored) {
        (Some(Tree::Object(a)), Some(Tree::Object(b))) => members(pointer, a, b, found),
        (Some(Tree::Object(a)), None) if !a.is_empty() => members(pointer, a, &empty, found),
        (None, Some(Tree::Object(b))) if !b.is_empty() => members(pointer, &empty, b, found),
        (Some(Tree::Array(a)), Some(Tree::Array(b))) => {
            for at in 0..a.len().max(b.len()) {
                pointer::within(pointer, &at.to_string(), |pointer| {
                    walk(pointer, a.get(at), b.get(at), found);
                });
            }
        }
        (stored, restored) if stored == restored => {}
        (stored, restored) => found.push(Difference {
            pointer: pointer.clone(),
            stored: stored.cloned(),
            restored: restored.cloned(),
        }),
    }
}

fn members(pointer: &mut String, a: &TreeMap, b: &TreeMap, found: &mut Vec<Difference>) {
    let added = b.keys().filter(|key| !a.contains_key(key));
    for key in a.keys().chain(added) {
        pointer::within(pointer, key, |pointer| {
            walk(pointer, a.get(key), b.get(key), found);
        });
    }
}

/// Every leaf of a tree as a JSON pointer: what a test alters one by one.
///
/// ```
/// use csdr_core::model::Tree;
/// let tree = Tree::parse(br#"{"a":{"b/c":[1,{}]},"d":null}"#)?;
/// assert_eq!(csdr_testkit::compare::leaves(&tree), ["/a/b~1c/0", "/a/b~1c/1", "/d"]);
/// # Ok::<(), csdr_core::Error>(())
/// ```
pub fn leaves(tree: &Tree) -> Vec<String> {
    fn collect(pointer: &mut String, tree: &Tree, found: &mut Vec<String>) {
        match tree {
            Tree::Object(map) if !map.is_empty() => {
                for (key, value) in map {
                    pointer::within(pointer, key, |pointer| collect(pointer, value, found));
                }
            }
            Tree::Array(items) if !items.is_empty() => {
                for (at, value) in items.iter().enumerate() {
                    pointer::within(pointer, &at.to_string(), |pointer| {
                        collect(pointer, value, found);
                    });
                }
            }
            _ => found.push(pointer.clone()),
        }
    }
    let mut found = Vec::new();
    collect(&mut String::new(), tree, &mut found);
    found
}

/// The same tree with the value at `pointer` replaced, or removed (`None`). `None` if there is no such place.
pub fn altered(tree: &Tree, pointer: &str, value: Option<Tree>) -> Option<Tree> {
    let mut copy = tree.clone();
    let segments = Pointer::parse(pointer);
    let (last, way) = segments.split_last()?;
    let mut place = &mut copy;
    for segment in way {
        place = match place {
            Tree::Object(map) => map.get_mut(segment)?,
            Tree::Array(items) => items.get_mut(segment.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    match (place, value) {
        (Tree::Object(map), Some(value)) => {
            map.insert(last.clone(), value);
        }
        (Tree::Object(map), None) => {
            map.shift_remove(last)?;
        }
        (Tree::Array(items), value) => {
            let at = last.parse::<usize>().ok().filter(|at| *at < items.len())?;
            match value {
                Some(value) => items[at] = value,
                None => {
                    items.remove(at);
                }
            }
        }
        _ => return None,
    }
    Some(copy)
}

#[cfg(test)]
mod tests;

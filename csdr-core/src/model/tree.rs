//! An ordered JSON tree whose numbers keep their text: the form in which objects are changed.

mod hash;
mod key;
mod map;
mod parse;
mod scratch;
mod text;
mod write;

use super::{GroupResource, Object, object::Head};
use crate::{Error, Result};
use bytes::Bytes;
use std::{collections::BTreeMap, fmt};

pub use hash::{KeyHasher, KeyHashing};
pub(crate) use key::same;
pub use map::TreeMap;
pub use parse::TreeLimits;

/// A JSON value that keeps the order of keys and the text of numbers: `1e3`, `18446744073709551617` and `0.10` survive
/// being read, changed elsewhere and written.
///
/// Two trees are equal if they hold the same values; the order of keys does not count, the text of numbers does.
/// `Debug` shows the shape, never the content (it may be a Secret).
///
/// ```
/// use csdr_core::model::Tree;
/// let mut tree = Tree::parse(br#"{"spec":{"ratio":0.10,"big":18446744073709551617},"kind":"X"}"#)?;
/// tree.set(&["spec", "replicas"], Tree::from(3));
/// tree.remove(&["kind"]);
/// assert_eq!(tree.to_string(), r#"{"spec":{"ratio":0.10,"big":18446744073709551617,"replicas":3}}"#);
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Tree {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as its text.
    Number(Number),
    /// A string, without its escapes.
    String(String),
    /// An array.
    Array(Vec<Tree>),
    /// An object, in the order in which its keys were written.
    Object(TreeMap),
}

/// A JSON number as its text.
///
/// Invariant: the text follows the grammar of RFC 8259, section 6.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Number(Box<str>);

impl Number {
    /// Takes the text of a JSON number.
    ///
    /// # Errors
    /// `InvalidInput` if it is not one: a leading `+` or zero, `NaN`, a bare point.
    pub fn parse(text: &str) -> Result<Self> {
        if parse::is_number(text) {
            Ok(Self(text.into()))
        } else {
            Err(Error::invalid("not a JSON number"))
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As an integer, if it is written as one that fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Number")
    }
}

impl Tree {
    /// Reads one JSON value within the default [`TreeLimits`].
    ///
    /// # Errors
    /// `Corrupt` if the bytes are not exactly one JSON value, hold a key twice, or are beyond the limits; never shows the content.
    pub fn parse(json: &[u8]) -> Result<Self> {
        Self::parse_with(json, &TreeLimits::default())
    }

    /// Reads one JSON value.
    ///
    /// # Errors
    /// As [`Tree::parse`].
    pub fn parse_with(json: &[u8], limits: &TreeLimits) -> Result<Self> {
        parse::parse(json, limits)
    }

    /// An object without its `metadata.managedFields`, and whether it had any. They are passed over, not made into trees: they are half
    /// of the values in many an object, and do not outlive a change of its version.
    pub(crate) fn parse_without_managed_fields(json: &[u8]) -> Result<(Self, bool)> {
        parse::without_managed_fields(json, &TreeLimits::default())
    }

    /// An empty object.
    pub fn object() -> Self {
        Self::Object(TreeMap::default())
    }

    /// The value as compact JSON.
    pub fn to_json(&self) -> Bytes {
        scratch::with(|json| {
            write::compact(self, json);
            Bytes::copy_from_slice(json)
        })
    }

    /// The value as compact JSON.
    pub(crate) fn to_json_text(&self) -> String {
        scratch::with(|json| {
            write::compact(self, json);
            // Invariant: the writer writes UTF-8.
            std::str::from_utf8(json).unwrap_or_default().to_owned()
        })
    }

    /// The members, if it is an object.
    pub fn as_object(&self) -> Option<&TreeMap> {
        match self {
            Self::Object(map) => Some(map),
            _ => None,
        }
    }

    /// The members, if it is an object.
    pub fn as_object_mut(&mut self) -> Option<&mut TreeMap> {
        match self {
            Self::Object(map) => Some(map),
            _ => None,
        }
    }

    /// The items, if it is an array.
    pub fn as_array(&self) -> Option<&[Tree]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The items, if it is an array.
    pub fn as_array_mut(&mut self) -> Option<&mut Vec<Tree>> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The text, if it is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value, if it is a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The value, if it is an integer that fits.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The value at a path of keys; arrays are not entered.
    pub fn at(&self, path: &[&str]) -> Option<&Tree> {
        path.iter()
            .try_fold(self, |tree, key| tree.as_object()?.get(key))
    }

    /// The value at a path of keys; arrays are not entered.
    pub fn at_mut(&mut self, path: &[&str]) -> Option<&mut Tree> {
        path.iter()
            .try_fold(self, |tree, key| tree.as_object_mut()?.get_mut(key))
    }

    /// The string at a path of keys.
    pub fn text_at(&self, path: &[&str]) -> Option<&str> {
        self.at(path)?.as_str()
    }

    /// The object's string members at a path of keys, as labels and annotations are; others are left out.
    pub fn texts_at(&self, path: &[&str]) -> BTreeMap<String, String> {
        self.at(path)
            .and_then(Self::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.to_owned(), value.as_str()?.to_owned())))
            .collect()
    }

    /// Puts a value at a path of keys and makes the objects on the way, over anything else that stands there. The place of an
    /// existing key is kept, a new one goes last.
    pub fn set(&mut self, path: &[&str], value: Tree) {
        let mut place = self;
        for key in path {
            if !matches!(place, Self::Object(_)) {
                *place = Self::object();
            }
            let Self::Object(map) = place else { return };
            place = map.slot(key);
        }
        *place = value;
    }

    /// Takes the value at a path of keys away; the order of the others is kept.
    pub fn remove(&mut self, path: &[&str]) -> Option<Tree> {
        let (last, way) = path.split_last()?;
        self.at_mut(way)?.as_object_mut()?.shift_remove(last)
    }

    /// Applies a JSON merge patch (RFC 7386): `null` removes, objects merge, everything else replaces.
    ///
    /// ```
    /// use csdr_core::model::Tree;
    /// let mut tree = Tree::parse(br#"{"a":"b","c":{"d":"e","f":"g"}}"#)?;
    /// tree.merge(&Tree::parse(br#"{"a":"z","c":{"f":null}}"#)?);
    /// assert_eq!(tree.to_string(), r#"{"a":"z","c":{"d":"e"}}"#);
    /// # Ok::<(), csdr_core::Error>(())
    /// ```
    pub fn merge(&mut self, patch: &Tree) {
        let Self::Object(members) = patch else {
            self.clone_from(patch);
            return;
        };
        if !matches!(self, Self::Object(_)) {
            *self = Self::object();
        }
        let Self::Object(map) = self else { return };
        for (key, value) in members {
            if value.is_null() {
                map.shift_remove(key);
            } else {
                map.slot(key).merge(value);
            }
        }
    }
}

/// Fields of `metadata` that belong to the server: what a create does not take from its client.
const SYSTEM_METADATA: [&str; 8] = [
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generation",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
];

impl Tree {
    /// Takes away what a client cannot say when it creates an object.
    pub(crate) fn strip_system_metadata(&mut self) {
        for field in SYSTEM_METADATA {
            self.remove(&["metadata", field]);
        }
    }
}

impl From<bool> for Tree {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Tree {
    fn from(value: i64) -> Self {
        Self::Number(Number(value.to_string().into()))
    }
}

impl From<&str> for Tree {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Tree {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<Number> for Tree {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

impl From<Vec<Tree>> for Tree {
    fn from(items: Vec<Tree>) -> Self {
        Self::Array(items)
    }
}

impl<K: AsRef<str>> FromIterator<(K, Tree)> for Tree {
    fn from_iter<I: IntoIterator<Item = (K, Tree)>>(members: I) -> Self {
        Self::Object(members.into_iter().collect())
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json_text())
    }
}

/// As the JSON value itself, numbers with their text; only into JSON.
impl serde::Serialize for Tree {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        let raw = serde_json::value::RawValue::from_string(self.to_json_text());
        raw.map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Tree(null)"),
            Self::Bool(_) => f.write_str("Tree(boolean)"),
            Self::Number(_) => f.write_str("Tree(number)"),
            Self::String(text) => write!(f, "Tree(string, {} bytes)", text.len()),
            Self::Array(items) => write!(f, "Tree(array, {} items)", items.len()),
            Self::Object(map) => write!(f, "Tree(object, {} keys)", map.len()),
        }
    }
}

impl Object {
    /// The object as a tree, to be changed.
    ///
    /// # Errors
    /// `Corrupt` if it holds a key twice or is nested beyond the default [`TreeLimits`].
    pub fn tree(&self) -> Result<Tree> {
        Tree::parse(self.json()).map_err(|error| error.with_context("object", self.id()))
    }

    /// The object that a tree holds.
    ///
    /// # Errors
    /// `Corrupt` as [`Object::parse`].
    pub fn from_tree(resource: GroupResource, tree: &Tree) -> Result<Self> {
        let json = tree.to_json();
        match Head::of(tree) {
            Some(head) => Self::of(resource, head, json),
            // It is read for the message.
            None => Self::parse(resource, json),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;

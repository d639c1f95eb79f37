//! A tree that is being changed, with a log of every change.
//!
//! Rules see a [`Node`]: a place in the tree. Every edit through it is recorded with its JSON pointer, so that a rule cannot
//! forget to say what it did. `null` counts as absent (Source: api-versions.md section 2.10b), except inside maps of strings, which
//! no rule reads through a node.

use super::outcome::{Change, Edit, Loss, LossKind, Severity, Stage};
use crate::model::Tree;
use std::borrow::Cow;

/// What was changed and lost so far.
#[derive(Debug)]
pub(crate) struct Log {
    /// The stage whose rules run now.
    pub(crate) stage: Stage,
    /// Whether the tree is what a person wrote: then defaults are not made explicit in it.
    pub(crate) written: bool,
    /// Whether the object is a Secret: then values of its data are not recorded.
    pub(crate) secret: bool,
    pub(crate) changes: Vec<Change>,
    pub(crate) losses: Vec<Loss>,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            stage: Stage::Faithful,
            written: false,
            secret: false,
            changes: Vec::new(),
            losses: Vec::new(),
        }
    }
}

/// Where a node stands, as a chain towards the root: nothing is allocated until something is recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place<'a> {
    Root,
    Key(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl Place<'_> {
    /// As a JSON pointer (RFC 6901).
    pub(crate) fn pointer(&self) -> String {
        let mut text = String::with_capacity(POINTER);
        self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) {
        match self {
            Self::Root => {}
            Self::Key(parent, key) => {
                parent.write(text);
                push_key(text, key);
            }
            Self::Item(parent, at) => {
                parent.write(text);
                text.push('/');
                push_number(text, *at);
            }
        }
    }
}

/// Bytes of a pointer that few are longer than.
const POINTER: usize = 64;

/// Changes that few objects have more of.
const CHANGES: usize = 16;

/// Decimal digits, without the machinery of formatting: most pointers have one or two numbers.
fn push_number(text: &mut String, number: usize) {
    if number > 9 {
        push_number(text, number / 10);
    }
    text.push(char::from(b"0123456789"[number % 10]));
}

/// The pointer of a path below another pointer.
fn below(base: &str, path: &[&str]) -> String {
    let keys: usize = path.iter().map(|key| key.len() + 1).sum();
    let mut text = String::with_capacity(base.len() + keys);
    text.push_str(base);
    for key in path {
        push_key(&mut text, key);
    }
    text
}

fn push_key(text: &mut String, key: &str) {
    text.push('/');
    // All bytes are looked at: a loop that may not end early is done many at a time.
    let escapes = |byte: u8| (byte == b'~') | (byte == b'/');
    if !key.bytes().fold(false, |any, byte| any | escapes(byte)) {
        text.push_str(key);
        return;
    }
    for c in key.chars() {
        match c {
            '~' => text.push_str("~0"),
            '/' => text.push_str("~1"),
            c => text.push(c),
        }
    }
}

/// Why something is written where nothing stood.
pub(crate) const DEFAULT: &str = "default of the stored version, made explicit";

/// A place in a tree that is being changed.
#[derive(Debug)]
pub(crate) struct Node<'a> {
    tree: &'a mut Tree,
    place: Place<'a>,
    log: &'a mut Log,
}

impl<'a> Node<'a> {
    /// The root of an object.
    pub(crate) fn root(tree: &'a mut Tree, log: &'a mut Log) -> Self {
        Self {
            tree,
            place: Place::Root,
            log,
        }
    }

    /// Whether the tree is what a person wrote: then defaults are not made explicit in it.
    pub(crate) fn is_written(&self) -> bool {
        self.log.written
    }

    /// The value here.
    pub(crate) fn tree(&self) -> &Tree {
        self.tree
    }

    /// The value here, to be changed by a rule that records by itself with [`Node::record`] and [`Node::loses`].
    pub(crate) fn tree_mut(&mut self) -> &mut Tree {
        self.tree
    }

    /// JSON pointer of a path below this node.
    pub(crate) fn pointer(&self, path: &[&str]) -> String {
        let mut text = self.place.pointer();
        for key in path {
            push_key(&mut text, key);
        }
        text
    }

    /// The value at a path; `null` counts as absent.
    pub(crate) fn get(&self, path: &[&str]) -> Option<&Tree> {
        self.tree.at(path).filter(|value| !value.is_null())
    }

    /// Whether something other than `null` stands at a path.
    pub(crate) fn has(&self, path: &[&str]) -> bool {
        self.get(path).is_some()
    }

    /// Whether a path holds nothing, or what Go takes for nothing in a field that is no pointer: `""`, `0`, `false`.
    pub(crate) fn is_zero(&self, path: &[&str]) -> bool {
        match self.get(path) {
            None | Some(Tree::Bool(false)) => true,
            Some(Tree::String(text)) => text.is_empty(),
            Some(number) => number.as_i64() == Some(0),
        }
    }

    /// Whether something can be written at a path: no value of another type stands in the way. A rule that meets one leaves it alone.
    pub(crate) fn reaches(&self, path: &[&str]) -> bool {
        let mut way = Some(&*self.tree);
        for key in path {
            match way {
                None | Some(Tree::Null) => return true,
                Some(Tree::Object(map)) => way = map.get(key),
                Some(_) => return false,
            }
        }
        true
    }

    /// The string at a path.
    pub(crate) fn text(&self, path: &[&str]) -> Option<&str> {
        self.get(path)?.as_str()
    }

    /// Writes a default of the stored version where nothing stands.
    pub(crate) fn default(&mut self, path: &[&str], value: impl Into<Tree>) {
        self.add(path, value, DEFAULT);
    }

    /// Writes a default of the stored version into a field that is no pointer: also where Go's zero value of its type stands.
    pub(crate) fn default_zero(&mut self, path: &[&str], value: impl Into<Tree>) {
        let value = value.into();
        let fits = match self.get(path) {
            None => true,
            Some(zero) => std::mem::discriminant(zero) == std::mem::discriminant(&value),
        };
        if fits && self.is_zero(path) {
            self.set(path, value, DEFAULT);
        }
    }

    /// Writes a value where nothing stands.
    pub(crate) fn add(
        &mut self,
        path: &[&str],
        value: impl Into<Tree>,
        reason: impl Into<Cow<'static, str>>,
    ) {
        if !self.has(path) {
            self.set(path, value, reason);
        }
    }

    /// Writes a value over whatever stands there; the same value is not recorded. Nothing happens where the way there leads through
    /// a value that is no object.
    pub(crate) fn set(
        &mut self,
        path: &[&str],
        value: impl Into<Tree>,
        reason: impl Into<Cow<'static, str>>,
    ) {
        let value = value.into();
        let before = self.get(path).cloned();
        if before.as_ref() == Some(&value) || !self.reaches(path) {
            return;
        }
        let edit = match before {
            None => Edit::Added,
            Some(_) => Edit::Replaced,
        };
        self.record(
            path,
            edit,
            before,
            Some(value.clone()),
            Severity::Info,
            reason,
        );
        self.tree.set(path, value);
    }

    /// Moves a value to another path below this node. Nothing happens where nothing stands. What stands there is a field that the
    /// stored version does not have: it gives way, and that is a loss.
    pub(crate) fn rename(&mut self, from: &[&str], to: &[&str]) {
        if !self.reaches(to) {
            return;
        }
        let Some(value) = self.tree.remove(from) else {
            return;
        };
        if value.is_null() {
            return;
        }
        if let Some(unknown) = self.get(to).filter(|unknown| **unknown != value).cloned() {
            let reason =
                "the stored version has no such field, and the target's has another value for it";
            self.loses(
                to,
                LossKind::UnknownField,
                Some(unknown),
                Severity::Info,
                reason,
            );
        }
        if !self.is_written() {
            let mut old = self.place.pointer();
            let new = below(&old, to);
            for key in from {
                push_key(&mut old, key);
            }
            let edit = Edit::Moved { from: old };
            self.changed(new, edit, None, None, Severity::Info, "renamed".into());
        }
        self.tree.set(to, value);
    }

    /// Takes a value away that says nothing any more; the reason tells why nothing is lost by it.
    pub(crate) fn remove(
        &mut self,
        path: &[&str],
        reason: impl Into<Cow<'static, str>>,
    ) -> Option<Tree> {
        let value = self.tree.remove(path)?;
        if !value.is_null() {
            let before = Some(value.clone());
            self.record(path, Edit::Removed, before, None, Severity::Info, reason);
        }
        Some(value)
    }

    /// Takes a value away that cannot be kept.
    pub(crate) fn lose(
        &mut self,
        path: &[&str],
        kind: LossKind,
        severity: Severity,
        reason: impl Into<Cow<'static, str>>,
    ) -> Option<Tree> {
        let value = self.tree.remove(path)?;
        if !value.is_null() {
            self.loses(path, kind, Some(value.clone()), severity, reason);
        }
        Some(value)
    }

    /// Records that a value which stays means something else, or nothing, now.
    pub(crate) fn warn(
        &mut self,
        path: &[&str],
        kind: LossKind,
        severity: Severity,
        reason: impl Into<Cow<'static, str>>,
    ) {
        let value = self.get(path).cloned();
        self.loses(path, kind, value, severity, reason);
    }

    /// Records a change that was made through [`Node::tree_mut`].
    pub(crate) fn record(
        &mut self,
        path: &[&str],
        edit: Edit,
        before: Option<Tree>,
        after: Option<Tree>,
        severity: Severity,
        reason: impl Into<Cow<'static, str>>,
    ) {
        if self.is_written() {
            // Told as one change of the text, whatever is changed in it.
            return;
        }
        let path = self.pointer(path);
        self.changed(path, edit, before, after, severity, reason.into());
    }

    fn changed(
        &mut self,
        path: String,
        edit: Edit,
        before: Option<Tree>,
        after: Option<Tree>,
        severity: Severity,
        reason: Cow<'static, str>,
    ) {
        if self.log.changes.capacity() == 0 {
            self.log.changes.reserve(CHANGES);
        }
        let hidden = self.log.secret && may_be_secret(&path);
        self.log.changes.push(Change {
            stage: self.log.stage,
            path,
            edit,
            before: before.filter(|_| !hidden),
            after: after.filter(|_| !hidden),
            severity,
            reason,
        });
    }

    /// Records a loss that was made through [`Node::tree_mut`].
    pub(crate) fn loses(
        &mut self,
        path: &[&str],
        kind: LossKind,
        value: Option<Tree>,
        severity: Severity,
        reason: impl Into<Cow<'static, str>>,
    ) {
        let path = self.pointer(path);
        let hidden = self.log.secret && may_be_secret(&path);
        let loss = Loss {
            stage: self.log.stage,
            path,
            kind,
            value: value.filter(|_| !hidden),
            severity,
            reason: reason.into(),
        };
        self.log.losses.push(loss);
    }

    /// Goes to a path, if something other than `null` stands there.
    pub(crate) fn at<R>(
        &mut self,
        path: &[&str],
        rule: impl FnOnce(&mut Node<'_>) -> R,
    ) -> Option<R> {
        let Some((first, rest)) = path.split_first() else {
            return Some(rule(self));
        };
        let tree = self.tree.as_object_mut()?.get_mut(first)?;
        if tree.is_null() {
            return None;
        }
        let mut child = Node {
            tree,
            place: Place::Key(&self.place, first),
            log: self.log,
        };
        child.at(rest, rule)
    }

    /// Goes through the items of the array at a path; `null` items are passed by.
    pub(crate) fn each(&mut self, path: &[&str], mut rule: impl FnMut(&mut Node<'_>)) {
        self.at(path, |array| {
            let items = array.tree.as_array_mut().map(Vec::as_mut_slice);
            for (at, tree) in items.unwrap_or_default().iter_mut().enumerate() {
                if !tree.is_null() {
                    rule(&mut Node {
                        tree,
                        place: Place::Item(&array.place, at),
                        log: array.log,
                    });
                }
            }
        });
    }

    /// Goes through the items of the array at a path, until a rule ends it; `null` items are passed by.
    pub(crate) fn try_each<E>(
        &mut self,
        path: &[&str],
        mut rule: impl FnMut(&mut Node<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut result = Ok(());
        self.each(path, |item| {
            if result.is_ok() {
                result = rule(item);
            }
        });
        result
    }

    /// Goes to a path, if something other than `null` stands there; the rule may end it.
    pub(crate) fn try_at<E>(
        &mut self,
        path: &[&str],
        rule: impl FnOnce(&mut Node<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.at(path, rule).unwrap_or(Ok(()))
    }

    /// Goes through the members of the map at a path; `null` members are passed by.
    pub(crate) fn entries(&mut self, path: &[&str], mut rule: impl FnMut(&str, &mut Node<'_>)) {
        self.at(path, |map| {
            let Some(members) = map.tree.as_object_mut() else {
                return;
            };
            for (key, tree) in members.iter_mut().filter(|(_, tree)| !tree.is_null()) {
                rule(
                    key,
                    &mut Node {
                        tree,
                        place: Place::Key(&map.place, key),
                        log: map.log,
                    },
                );
            }
        });
    }

    /// How many changes and losses were recorded so far, all over the object.
    pub(crate) fn recorded(&self) -> usize {
        self.log.changes.len() + self.log.losses.len()
    }

    /// Takes the items of the array at a path away that say nothing any more; the reason tells why nothing is lost by it.
    pub(crate) fn drop_items(
        &mut self,
        path: &[&str],
        is_gone: impl Fn(&Tree) -> bool,
        reason: &'static str,
    ) {
        self.at(path, |array| {
            let Some(items) = array.tree.as_array_mut() else {
                return;
            };
            if !items.iter().any(&is_gone) {
                return;
            }
            let mut kept = Vec::with_capacity(items.len());
            let mut gone = Vec::new();
            for (at, item) in std::mem::take(items).into_iter().enumerate() {
                if is_gone(&item) {
                    gone.push((at.to_string(), item));
                } else {
                    kept.push(item);
                }
            }
            *items = kept;
            for (at, item) in gone {
                let (edit, before) = (Edit::Removed, Some(item));
                array.record(&[&at], edit, before, None, Severity::Info, reason);
            }
        });
    }

    /// Keeps the items of the array at a path that a rule does not take away; a rule answers the loss for one that it does.
    pub(crate) fn retain(
        &mut self,
        path: &[&str],
        mut lost: impl FnMut(&Tree) -> Option<(LossKind, Severity, Cow<'static, str>)>,
    ) {
        self.at(path, |array| {
            let Some(items) = array.tree.as_array_mut() else {
                return;
            };
            let mut gone = Vec::new();
            let mut at = 0;
            items.retain(|item| {
                let loss = lost(item);
                let keep = loss.is_none();
                if let Some((kind, severity, reason)) = loss {
                    gone.push((at, item.clone(), kind, severity, reason));
                }
                at += 1;
                keep
            });
            for (at, item, kind, severity, reason) in gone {
                let at = at.to_string();
                array.loses(&[&at], kind, Some(item), severity, reason);
            }
        });
    }
}

/// Whether a value of a Secret at this pointer may be its content, or a copy of it.
fn may_be_secret(pointer: &str) -> bool {
    let metadata = pointer.starts_with("/metadata/");
    !metadata || pointer.ends_with("last-applied-configuration")
}

/// An object of strings, numbers and trees, as rules write them: `map([("type", "RollingUpdate".into())])`.
pub(crate) fn map<const N: usize>(members: [(&str, Tree); N]) -> Tree {
    members.into_iter().collect()
}

#[cfg(test)]
mod tests;

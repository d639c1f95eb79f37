//! JSON patch (RFC 6902) on a [`Tree`].

use super::pointer::{Pointer, index};
use crate::model::{Tree, TreeLimits};
use std::{borrow::Cow, fmt};

/// Most bytes that the `copy` operations of one patch copy together. Source: kube-apiserver's `JSONPatchMaxCopyBytes`.
const COPIED: usize = 3 << 20;

/// One operation, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Add(Pointer, Tree),
    Remove(Pointer),
    Replace(Pointer, Tree),
    Move { from: Pointer, to: Pointer },
    Copy { from: Pointer, to: Pointer },
    Test(Pointer, Tree),
}

impl Operation {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Add(..) => "add",
            Self::Remove(_) => "remove",
            Self::Replace(..) => "replace",
            Self::Move { .. } => "move",
            Self::Copy { .. } => "copy",
            Self::Test(..) => "test",
        }
    }

    /// Places that it speaks of.
    pub(super) fn pointers(&self) -> impl Iterator<Item = &Pointer> {
        let (first, second) = match self {
            Self::Add(path, _)
            | Self::Remove(path)
            | Self::Replace(path, _)
            | Self::Test(path, _) => (path, None),
            Self::Move { from, to } | Self::Copy { from, to } => (from, Some(to)),
        };
        std::iter::once(first).chain(second)
    }
}

/// In which way a patch does not fit an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalKind {
    /// A `test` does not hold: the rule was not meant for this object.
    TestFailed,
    /// A path that must be there is not.
    Missing,
    /// What stands there is of another type than the patch takes it for, or the patch says something that cannot be done.
    Unfit,
    /// The kind has no strategic merge patch.
    NoStrategy,
}

/// Why a patch was not applied to an object. Nothing of the patch was; values are never shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchRefusal {
    /// In which way.
    pub kind: RefusalKind,
    /// The patch of the rule, counted from 1; 0 if it is about all of them.
    pub patch: usize,
    /// JSON pointer to the place.
    pub path: String,
    /// What is wrong, in a few words.
    pub reason: Cow<'static, str>,
}

impl PatchRefusal {
    pub(super) fn unfit(path: impl Into<String>, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind: RefusalKind::Unfit,
            patch: 0,
            path: path.into(),
            reason: reason.into(),
        }
    }
}

impl fmt::Display for PatchRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.patch {
            0 => write!(f, "{}: {}", self.path, self.reason),
            patch => write!(f, "patch {patch} at {}: {}", self.path, self.reason),
        }
    }
}

/// Applies the operations one after the other, or none of them.
pub(super) fn apply(operations: &[Operation], tree: &Tree) -> Result<Tree, PatchRefusal> {
    let mut tree = tree.clone();
    let mut copied = 0;
    for (at, operation) in operations.iter().enumerate() {
        one(operation, &mut tree, &mut copied).map_err(|mut refusal| {
            refusal.patch = at + 1;
            refusal.reason = format!("{}: {}", operation.name(), refusal.reason).into();
            refusal
        })?;
    }
    Ok(tree)
}

fn one(operation: &Operation, tree: &mut Tree, copied: &mut usize) -> Result<(), PatchRefusal> {
    match operation {
        Operation::Add(path, value) => add(tree, path, value.clone()),
        Operation::Remove(path) => remove(tree, path).map(drop),
        Operation::Replace(path, value) => {
            is_shallow(path, value)?;
            *existing(tree, path)? = value.clone();
            Ok(())
        }
        Operation::Move { from, to } if from == to => existing(tree, from).map(|_| ()),
        Operation::Move { from, to } => {
            if to.tokens().starts_with(from.tokens()) {
                let reason = "a value cannot be moved into itself";
                return Err(PatchRefusal::unfit(to.as_str(), reason));
            }
            let value = remove(tree, from)?;
            add(tree, to, value)
        }
        Operation::Copy { from, to } => {
            let value = existing(tree, from)?.clone();
            *copied = copied.saturating_add(value.to_json().len());
            if *copied > COPIED {
                let reason = "the copies of this patch are larger than 3 MiB together";
                return Err(PatchRefusal::unfit(to.as_str(), reason));
            }
            add(tree, to, value)
        }
        Operation::Test(path, value) => match holds(tree, path, value) {
            true => Ok(()),
            false => Err(PatchRefusal {
                kind: RefusalKind::TestFailed,
                patch: 0,
                path: path.as_str().to_owned(),
                reason: "does not hold".into(),
            }),
        },
    }
}

/// Whether this value stands there. `null` also holds where nothing stands: to Kubernetes both are one.
pub(super) fn holds(tree: &Tree, path: &Pointer, value: &Tree) -> bool {
    match path.get(tree) {
        Some(found) => equal(found, value),
        None => value.is_null(),
    }
}

/// Equality of JSON: numbers by their value. Source: RFC 6902 section 4.6.
fn equal(a: &Tree, b: &Tree) -> bool {
    match (a, b) {
        (Tree::Number(a), Tree::Number(b)) => {
            let whole = |text: &str| !text.contains(['.', 'e', 'E']);
            let (a, b) = (a.as_str(), b.as_str());
            a == b
                || !(whole(a) && whole(b))
                    && matches!((a.parse::<f64>(), b.parse::<f64>()), (Ok(a), Ok(b)) if a == b)
        }
        (Tree::Array(a), Tree::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Tree::Object(a), Tree::Object(b)) => {
            let same = |(key, a): (&str, &Tree)| b.get(key).is_some_and(|b| equal(a, b));
            a.len() == b.len() && a.iter().all(same)
        }
        (a, b) => a == b,
    }
}

fn missing(path: &Pointer, depth: usize) -> PatchRefusal {
    let way = path.tokens().iter().take(depth).map(String::as_str);
    PatchRefusal {
        kind: RefusalKind::Missing,
        patch: 0,
        path: Pointer::of(way).as_str().to_owned(),
        reason: "nothing stands there".into(),
    }
}

/// The value at the first `depth` tokens of a path.
fn reach<'a>(
    tree: &'a mut Tree,
    path: &Pointer,
    depth: usize,
) -> Result<&'a mut Tree, PatchRefusal> {
    let mut place = tree;
    for (at, token) in path.tokens().iter().take(depth).enumerate() {
        let next = match place {
            Tree::Object(map) => map.get_mut(token.as_str()),
            Tree::Array(items) => index(token).and_then(|at| items.get_mut(at)),
            _ => None,
        };
        place = next.ok_or_else(|| missing(path, at + 1))?;
    }
    Ok(place)
}

fn existing<'a>(tree: &'a mut Tree, path: &Pointer) -> Result<&'a mut Tree, PatchRefusal> {
    reach(tree, path, path.tokens().len())
}

/// Nesting must not grow beyond what a tree may be read with: whoever walks through it recurses.
fn is_shallow(path: &Pointer, value: &Tree) -> Result<(), PatchRefusal> {
    let limit = TreeLimits::default().depth;
    if path.tokens().len() + depth(value) <= limit {
        return Ok(());
    }
    let reason = format!("arrays and objects would be nested beyond {limit} levels");
    Err(PatchRefusal::unfit(path.as_str(), reason))
}

/// Levels of arrays and objects.
pub(super) fn depth(tree: &Tree) -> usize {
    let inner = match tree {
        Tree::Array(items) => items.iter().map(depth).max(),
        Tree::Object(map) => map.values().map(depth).max(),
        _ => return 0,
    };
    1 + inner.unwrap_or(0)
}

fn add(tree: &mut Tree, path: &Pointer, value: Tree) -> Result<(), PatchRefusal> {
    is_shallow(path, &value)?;
    let Some((last, way)) = path.tokens().split_last() else {
        *tree = value;
        return Ok(());
    };
    match reach(tree, path, way.len())? {
        Tree::Object(map) => {
            map.insert(last.clone(), value);
            Ok(())
        }
        Tree::Array(items) => {
            let at = match last.as_str() {
                "-" => Some(items.len()),
                token => index(token),
            };
            match at.filter(|at| *at <= items.len()) {
                Some(at) => items.insert(at, value),
                None => {
                    let reason = format!(
                        "not a place in a list of {}: a number up to that, or `-`",
                        items.len()
                    );
                    return Err(PatchRefusal::unfit(path.as_str(), reason));
                }
            }
            Ok(())
        }
        Tree::Null => Err(missing(path, way.len())),
        _ => {
            let reason = "what holds it is neither an object nor a list";
            Err(PatchRefusal::unfit(path.as_str(), reason))
        }
    }
}

fn remove(tree: &mut Tree, path: &Pointer) -> Result<Tree, PatchRefusal> {
    let gone = || missing(path, path.tokens().len());
    let Some((last, way)) = path.tokens().split_last() else {
        return Err(PatchRefusal::unfit("", "an object cannot be removed"));
    };
    match reach(tree, path, way.len())? {
        Tree::Object(map) => map.shift_remove(last.as_str()).ok_or_else(gone),
        Tree::Array(items) => match index(last).filter(|at| *at < items.len()) {
            Some(at) => Ok(items.remove(at)),
            None => Err(gone()),
        },
        _ => Err(gone()),
    }
}

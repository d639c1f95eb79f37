//! One object on its way.

use super::difference;
use crate::{
    conversion::{
        Change, Edit, Loss, LossKind, Severity, Stage,
        draft::{Log, Node},
    },
    model::{Object, ObjectId, Tree},
};
use std::borrow::Cow;

/// What becomes of an object after a transform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on to the next transform.
    Restore,
    /// It is not restored; no further transform sees it.
    Skip {
        /// Why, in a few words without a full stop.
        reason: Cow<'static, str>,
    },
}

impl Verdict {
    /// Not restored, for this reason.
    pub fn skip(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Skip {
            reason: reason.into(),
        }
    }
}

/// An object on its way into a target: as stored, and as it will be written.
///
/// A path is a list of keys from the root of the object; every edit is recorded. `null` counts as absent.
#[derive(Debug)]
pub struct TransformItem<'a> {
    stored: &'a Object,
    target: ObjectId,
    tree: Tree,
    log: Log,
}

impl<'a> TransformItem<'a> {
    /// An object as stored, where it will go, and the tree that is to be changed: the stored object in the target's version.
    pub fn new(stored: &'a Object, target: ObjectId, tree: Tree) -> Self {
        let secret =
            target.resource().group().is_empty() && target.resource().resource() == "secrets";
        Self {
            stored,
            target,
            tree,
            log: Log {
                stage: Stage::Transforms,
                secret,
                ..Log::default()
            },
        }
    }

    /// The object as the backup has it, in the stored version.
    pub fn stored(&self) -> &'a Object {
        self.stored
    }

    /// Where it will go: resource, namespace and name in the target.
    pub fn target(&self) -> &ObjectId {
        &self.target
    }

    /// Group and plural of the target's resource.
    pub fn kind(&self) -> (&str, &str) {
        let resource = self.target.resource();
        (resource.group(), resource.resource())
    }

    /// The object as it stands now.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The value at a path.
    pub fn get(&self, path: &[&str]) -> Option<&Tree> {
        self.tree.at(path).filter(|value| !value.is_null())
    }

    /// The value at a path as it came in, also if a transform has taken it away since: `status`, `metadata.ownerReferences`.
    pub fn original(&self, path: &[&str]) -> Option<&Tree> {
        let here = |change: &&Change| {
            change.edit == Edit::Removed
                && change
                    .path
                    .strip_prefix('/')
                    .is_some_and(|keys| keys.split('/').eq(path.iter().copied()))
        };
        self.get(path).or_else(|| {
            let taken = self.log.changes.iter().find(here);
            taken.and_then(|change| change.before.as_ref())
        })
    }

    /// The string at a path.
    pub fn text(&self, path: &[&str]) -> Option<&str> {
        self.get(path)?.as_str()
    }

    /// Writes a value. Nothing happens, and nothing is recorded, where the same value stands or the way there leads through a value
    /// that is no object.
    pub fn set(
        &mut self,
        path: &[&str],
        value: impl Into<Tree>,
        reason: impl Into<Cow<'static, str>>,
    ) {
        self.node().set(path, value, reason);
    }

    /// Takes a value away.
    pub fn remove(&mut self, path: &[&str], reason: impl Into<Cow<'static, str>>) -> Option<Tree> {
        self.node().remove(path, reason)
    }

    /// Says something about the object that a person should know, without changing it.
    pub fn warn(
        &mut self,
        path: &[&str],
        severity: Severity,
        reason: impl Into<Cow<'static, str>>,
    ) {
        self.node().warn(path, LossKind::Meaning, severity, reason);
    }

    /// Says something about a place, by its JSON pointer, without showing its value.
    pub fn tell(
        &mut self,
        path: impl Into<String>,
        kind: LossKind,
        severity: Severity,
        reason: impl Into<Cow<'static, str>>,
    ) {
        self.log.losses.push(Loss {
            stage: self.log.stage,
            path: path.into(),
            kind,
            value: None,
            severity,
            reason: reason.into(),
        });
    }

    /// Puts another tree in the place of the object. Every value that differs is recorded; those of a Secret are not shown.
    pub fn replace_tree(&mut self, tree: Tree, reason: impl Into<Cow<'static, str>>) {
        let before = std::mem::replace(&mut self.tree, tree);
        let is_secret = self.kind() == ("", "secrets");
        let is_shown = |path: &str| {
            let inside = |field: &str| path.strip_prefix(field).map(|rest| rest.split('/').next());
            !is_secret || ![inside("/data"), inside("/stringData")].contains(&Some(Some("")))
        };
        let mut found = Vec::new();
        difference::find(Some(&before), Some(&self.tree), &mut Vec::new(), &mut found);
        let (stage, reason) = (self.log.stage, reason.into());
        let changes = found.into_iter().map(|one| {
            let shown = is_shown(&one.path);
            Change {
                stage,
                edit: one.edit(),
                before: one.before.filter(|_| shown).cloned(),
                after: one.after.filter(|_| shown).cloned(),
                path: one.path,
                severity: Severity::Info,
                reason: reason.clone(),
            }
        });
        self.log.changes.extend(changes);
    }

    /// The root as the built-in transforms edit it.
    pub(crate) fn node(&mut self) -> Node<'_> {
        Node::root(&mut self.tree, &mut self.log)
    }

    /// What was changed so far.
    pub fn changes(&self) -> &[Change] {
        &self.log.changes
    }

    /// What was said so far.
    pub fn losses(&self) -> &[Loss] {
        &self.log.losses
    }

    /// The object as it will be written, with what was changed and said.
    pub fn into_parts(self) -> (Tree, Vec<Change>, Vec<Loss>) {
        (self.tree, self.log.changes, self.log.losses)
    }
}

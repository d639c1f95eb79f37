//! Everything that follows from some objects.

use super::{Interest, Reach, Related, Target};
use crate::{
    Error, ErrorKind, Result,
    model::{Discovery, GroupResource, Object, ObjectId},
    port::ItemAction,
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

/// An object that others need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) id: ObjectId,
    /// The object that needs it, or the resource of which all objects do.
    pub(crate) by: String,
    /// The action that said so.
    pub(crate) action: String,
}

/// What the actions together want to see of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The captured objects, for what they need in their own namespace.
    pub(crate) near: bool,
    /// The captured objects, for what they need anywhere.
    pub(crate) far: bool,
    /// Every object.
    pub(crate) all: bool,
}

/// Follows the relations of objects, one step after the other. The caller reads what is found and says what came of it.
#[derive(Debug)]
pub(crate) struct Closure<'a> {
    actions: &'a [Arc<dyn ItemAction>],
    discovery: &'a Discovery,
    /// Objects that are captured.
    known: BTreeSet<ObjectId>,
    /// Objects that were found and handed out.
    seen: BTreeSet<ObjectId>,
    /// From an object to those that serve it.
    serving: BTreeMap<ObjectId, Vec<Found>>,
    waiting: VecDeque<Found>,
    /// What is named and has no kind that is served.
    pub(crate) unknown: BTreeMap<Target, (String, String)>,
    /// Objects of which an action could not say what belongs to them.
    pub(crate) unread: Vec<(ObjectId, Error)>,
    /// Pairs that are captured together.
    pub(crate) pairs: Vec<(ObjectId, ObjectId)>,
    held: usize,
    limit: usize,
}

impl<'a> Closure<'a> {
    /// Holds at most `limit` objects.
    pub(crate) fn new(
        actions: &'a [Arc<dyn ItemAction>],
        discovery: &'a Discovery,
        limit: usize,
    ) -> Self {
        Self {
            actions,
            discovery,
            known: BTreeSet::new(),
            seen: BTreeSet::new(),
            serving: BTreeMap::new(),
            waiting: VecDeque::new(),
            unknown: BTreeMap::new(),
            unread: Vec::new(),
            pairs: Vec::new(),
            held: 0,
            limit,
        }
    }

    /// What the actions want to see of a kind.
    pub(crate) fn wanted(&self, resource: &GroupResource) -> Wanted {
        let mut wanted = Wanted::default();
        for action in self.actions {
            match action.interest(resource) {
                Interest::Captured(Reach::Namespace) => wanted.near = true,
                Interest::Captured(Reach::Anywhere) => wanted.far = true,
                Interest::All => wanted.all = true,
                Interest::None | Interest::Kind(_) => {}
            }
        }
        wanted
    }

    /// Objects of the kind are captured: what all of them need is found.
    pub(crate) fn captured_kind(&mut self, resource: &GroupResource) -> Result<()> {
        for action in self.actions {
            if let Interest::Kind(needs) = action.interest(resource) {
                for related in needs {
                    self.follow(related, &resource.to_string(), action.name())?;
                }
            }
        }
        Ok(())
    }

    /// An object is captured, and it need not be looked into.
    pub(crate) fn mark(&mut self, id: &ObjectId) -> Result<()> {
        if self.known.contains(id) {
            return Ok(());
        }
        self.hold()?;
        self.known.insert(id.clone());
        for found in self.serving.remove(id).unwrap_or_default() {
            self.push(found);
        }
        Ok(())
    }

    /// An object is captured: what belongs to it is found.
    pub(crate) fn captured(&mut self, object: &Object) -> Result<()> {
        self.mark(object.id())?;
        self.captured_kind(object.id().resource())?;
        for (action, related) in self.ask(object) {
            if let Related::Needs(target) = &related
                && let Some(id) = target.resolve(self.discovery)
                && is_held_together(object.id())
                && is_held_together(&id)
            {
                self.hold()?;
                self.pairs.push((object.id().clone(), id));
            }
            if let Related::Needs(_) = related {
                self.follow(related, &object.id().to_string(), &action)?;
            }
        }
        Ok(())
    }

    /// An object that is not captured may serve captured ones. `is_captured` says so of objects that were not marked.
    pub(crate) fn candidate(
        &mut self,
        object: &Object,
        is_captured: &dyn Fn(&ObjectId) -> bool,
    ) -> Result<()> {
        for (action, related) in self.ask(object) {
            let Related::Serves(target) = related else {
                continue;
            };
            let Some(served) = target.resolve(self.discovery) else {
                continue;
            };
            let found = Found {
                id: object.id().clone(),
                by: served.to_string(),
                action,
            };
            if self.known.contains(&served) || is_captured(&served) {
                self.push(found);
            } else {
                self.hold()?;
                self.serving.entry(served).or_default().push(found);
            }
        }
        Ok(())
    }

    /// Whether an object is captured.
    pub(crate) fn knows(&self, id: &ObjectId) -> bool {
        self.known.contains(id)
    }

    /// What was found and is not captured yet; each object once.
    pub(crate) fn take(&mut self) -> Vec<Found> {
        let mut taken: BTreeMap<ObjectId, Found> = BTreeMap::new();
        for found in std::mem::take(&mut self.waiting) {
            if !self.known.contains(&found.id) && self.seen.insert(found.id.clone()) {
                taken.insert(found.id.clone(), found);
            }
        }
        taken.into_values().collect()
    }

    fn ask(&mut self, object: &Object) -> Vec<(String, Related)> {
        let mut answers = Vec::new();
        let resource = object.id().resource();
        for action in self.actions {
            if matches!(
                action.interest(resource),
                Interest::Captured(_) | Interest::All
            ) {
                match action.related(object) {
                    Ok(related) => answers.extend(
                        related
                            .into_iter()
                            .map(|related| (action.name().to_owned(), related)),
                    ),
                    Err(error) => self.unread.push((object.id().clone(), error)),
                }
            }
        }
        answers
    }

    fn follow(&mut self, related: Related, by: &str, action: &str) -> Result<()> {
        let Related::Needs(target) = related else {
            return Ok(());
        };
        match target.resolve(self.discovery) {
            Some(id) if self.known.contains(&id) || self.seen.contains(&id) => {}
            Some(id) => {
                self.hold()?;
                self.push(Found {
                    id,
                    by: by.to_owned(),
                    action: action.to_owned(),
                });
            }
            None => {
                self.hold()?;
                self.unknown
                    .entry(target)
                    .or_insert_with(|| (by.to_owned(), action.to_owned()));
            }
        }
        Ok(())
    }

    fn push(&mut self, found: Found) {
        self.waiting.push_back(found);
    }

    fn hold(&mut self) -> Result<()> {
        self.held += 1;
        if self.held > self.limit {
            return Err(Error::new(
                ErrorKind::Exhausted,
                "more related objects than a plan can follow; select fewer namespaces, or take all cluster-scoped objects",
            )
            .with_context("limit", self.limit));
        }
        Ok(())
    }
}

/// Pods, their claims and the volumes of these are captured together (velero.md section 2.6).
fn is_held_together(id: &ObjectId) -> bool {
    let resource = id.resource();
    resource.group().is_empty()
        && matches!(
            resource.resource(),
            "pods" | "persistentvolumeclaims" | "persistentvolumes"
        )
}

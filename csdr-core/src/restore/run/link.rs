//! Owners: an object of the backup names its owners by the uids of the source; here they are named by those of the target.
//!
//! Invariant: no reference to a uid is written that nobody has in the target: its garbage collector would delete the object.

use super::Run;
use crate::{
    Error, ErrorKind, Result,
    model::{Object, ObjectId, Tree},
    report::Note,
    restore::{
        Action, ObjectOutcome,
        arm::is_out_of_reach,
        owner::{OwnerReference, is_csdrs, owner_references},
    },
};
use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};
use std::sync::PoisonError;

/// How often an object that somebody else changes at the same time is looked at.
const LOOKS: u32 = 5;

/// An object whose owners are not all there yet.
#[derive(Debug)]
pub(super) struct Link {
    row: u32,
    owners: Box<[(u32, OwnerReference)]>,
}

/// What is known about the owners of an object.
#[derive(Debug, Default)]
pub(super) struct Owners {
    /// References to owners that are there.
    now: Vec<Tree>,
    /// Whether some come later.
    later: bool,
}

impl Run<'_> {
    /// The object with references to those of its owners that are in the target. If others come later, it is linked to them then.
    /// In a folder nothing has a uid, and no object owners.
    pub(super) async fn owned(&self, at: usize, stored: &Object, wanted: Object) -> Result<Object> {
        if !self.is_live() {
            return Ok(wanted);
        }
        let references = owner_references(stored);
        if references.is_empty() {
            return Ok(wanted);
        }
        let mut owners = Owners::default();
        let mut known = Vec::with_capacity(references.len());
        for reference in references {
            match self.owner_row(stored.id(), &reference)? {
                Some(row) if self.is_pending(row) => {
                    owners.later = true;
                    known.push((row, reference));
                }
                Some(row) => match self.reference(row, &reference).await? {
                    Some(tree) => {
                        owners.now.push(tree);
                        known.push((row, reference));
                    }
                    None => self.drop_reference(stored.id(), &reference, "is not in the target"),
                },
                None => self.drop_reference(stored.id(), &reference, "is not restored"),
            }
        }
        if let (true, Ok(row)) = (owners.later, u32::try_from(at)) {
            let owners = known.into_boxed_slice();
            self.links().push(Link { row, owners });
        }
        if owners.now.is_empty() {
            return Ok(wanted);
        }
        let mut tree = wanted.tree()?;
        tree.set(&["metadata", "ownerReferences"], owners.now.into());
        Object::from_tree(wanted.id().resource().clone(), &tree)
    }

    fn links(&self) -> std::sync::MutexGuard<'_, Vec<Link>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drop_reference(&self, id: &ObjectId, owner: &OwnerReference, why: &str) {
        let message = format!(
            "its owner {} {} {why}: the reference is dropped",
            owner.kind, owner.name
        );
        self.outcomes().warnings.push(Note::new(id, message));
    }

    fn is_pending(&self, row: u32) -> bool {
        self.outcomes().rows().get(row as usize) == Some(&ObjectOutcome::Pending)
    }

    /// The row of an owner: in the dependent's namespace, or cluster-scoped.
    fn owner_row(&self, dependent: &ObjectId, owner: &OwnerReference) -> Result<Option<u32>> {
        let group = owner.group();
        let kinds = self.plan.head.kinds.iter();
        let kinds = kinds.filter(|kind| kind.resource.group == group && *kind.kind == *owner.kind);
        for kind in kinds {
            let resource = kind.resource.group_resource();
            for namespace in [dependent.namespace().map(str::to_owned), None] {
                let Ok(id) = ObjectId::new(resource.clone(), namespace, &*owner.name) else {
                    continue;
                };
                // Invariant: rows stand in the order of ids, as those of the index do.
                let rows = &self.plan.rows;
                let at =
                    rows.partition_point(|row| self.plan.source_id(row).is_ok_and(|own| own < id));
                let found = rows
                    .get(at)
                    .filter(|row| self.plan.source_id(row).is_ok_and(|own| own == id));
                if found.is_some() {
                    return Ok(u32::try_from(at).ok());
                }
            }
        }
        Ok(None)
    }

    /// A reference to the owner as it stands in the target; `None` if it does not.
    async fn reference(&self, row: u32, owner: &OwnerReference) -> Result<Option<Tree>> {
        let Some(row) = self.plan.rows.get(row as usize) else {
            return Ok(None);
        };
        let (id, kind) = (self.plan.target_id(row)?, self.plan.kind(row)?);
        let there = self.restore.target.get(&id, &kind.target.version).await?;
        let there = there.filter(|there| !there.meta().deleting && !there.meta().uid.is_empty());
        Ok(there.map(|there| owner.to(&there)))
    }

    /// Objects that a dead run has created, whose owners may have come after them.
    pub(super) async fn remember_links(&self) -> Result<()> {
        let before = |row: &u32| self.plan.rows[*row as usize].action == Action::CreatedBefore;
        let count = u32::try_from(self.plan.rows.len()).unwrap_or(u32::MAX);
        let rows: Vec<u32> = (0..count).filter(before).collect();
        for group in rows.chunk_by(|a, b| self.member_of(*a) == self.member_of(*b)) {
            for (at, object) in self.objects(group).await {
                // What cannot be read any more was read when it was created.
                let Ok((_, object)) = object else { continue };
                self.link_later(at, &object)?;
            }
        }
        Ok(())
    }

    /// Links an object that exists once its owners have been dealt with.
    pub(super) fn link_later(&self, at: usize, stored: &Object) -> Result<()> {
        let mut owners = Vec::new();
        for reference in owner_references(stored) {
            if let Some(row) = self.owner_row(stored.id(), &reference)? {
                owners.push((row, reference));
            }
        }
        if let (false, Ok(row)) = (owners.is_empty(), u32::try_from(at)) {
            let owners = owners.into_boxed_slice();
            self.links().push(Link { row, owners });
        }
        Ok(())
    }

    /// Links the objects whose owners have all been dealt with.
    ///
    /// # Errors
    /// Where the target cannot be reached.
    pub(super) async fn link(&self) -> Result<()> {
        let ready: Vec<Link> = {
            let mut links = self.links();
            let waits = |link: &Link| {
                self.is_pending(link.row)
                    || link.owners.iter().any(|(row, _)| self.is_pending(*row))
            };
            let (waiting, ready) = std::mem::take(&mut *links).into_iter().partition(waits);
            *links = waiting;
            ready
        };
        if ready.is_empty() {
            return Ok(());
        }
        self.claim.guard().await?;
        let work: Vec<BoxFuture<'_, Result<()>>> = ready
            .into_iter()
            .map(|link| self.link_one(link).boxed())
            .collect();
        let mut work = stream::iter(work).buffer_unordered(self.options.limits.writes.max(1));
        while work.try_next().await?.is_some() {}
        Ok(())
    }

    async fn link_one(&self, link: Link) -> Result<()> {
        let Some(row) = self.plan.rows.get(link.row as usize) else {
            return Ok(());
        };
        let id = self.plan.source_id(row)?;
        match self.linked(&link).await {
            Ok(()) => Ok(()),
            Err(error) if is_out_of_reach(&error) => Err(error),
            Err(error) => {
                let message = format!("its owners could not be named: {}", error.chain());
                self.outcomes().errors.push(Note::new(id, message));
                Ok(())
            }
        }
    }

    async fn linked(&self, link: &Link) -> Result<()> {
        let row = &self.plan.rows[link.row as usize];
        let (source, id) = (self.plan.source_id(row)?, self.plan.target_id(row)?);
        let version = &self.plan.kind(row)?.target.version;
        let writer = self.meeting.writer;
        for look in 0..LOOKS {
            let there = self.restore.target.get(&id, version).await?;
            let Some(there) = there.filter(|there| !there.meta().deleting && is_csdrs(there))
            else {
                return Ok(());
            };
            let tree = there.tree()?;
            let own = tree
                .at(&["metadata", "ownerReferences"])
                .and_then(Tree::as_array);
            let mut list = own.unwrap_or_default().to_vec();
            let before = list.len();
            for (owner, reference) in &link.owners {
                let Some(found) = self.reference(*owner, reference).await? else {
                    if look == 0 {
                        self.drop_reference(&source, reference, "is not in the target");
                    }
                    continue;
                };
                let is = |own: &Tree| own.text_at(&["uid"]) == found.text_at(&["uid"]);
                let controls =
                    |own: &Tree| own.at(&["controller"]).and_then(Tree::as_bool) == Some(true);
                // Source: an object has one controller at most; one that adopted it stays.
                if !(list.iter().any(is) || controls(&found) && list.iter().any(controls)) {
                    list.push(found);
                }
            }
            if list.len() == before {
                return Ok(());
            }
            let mut patch = Tree::object();
            patch.set(&["metadata", "ownerReferences"], list.into());
            let at = &there.meta().resource_version;
            if !at.is_empty() {
                patch.set(&["metadata", "resourceVersion"], at.as_str().into());
            }
            let body = patch.to_json();
            let write = || {
                let patch = writer
                    .applier
                    .merge_patch(&id, version, body.clone(), &writer.options);
                patch.boxed()
            };
            if row.action == Action::Merge && look == 0 {
                self.meeting.before.keep(&there).await?;
            }
            match writer.repeated(write).await {
                Ok(_) => {
                    if row.action == Action::Merge {
                        let mut outcomes = self.outcomes();
                        outcomes.set(link.row as usize, ObjectOutcome::Updated, &source, None);
                    }
                    return Ok(());
                }
                Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => {
                }
                Err(error) => return Err(error),
            }
        }
        let message = "it changes again and again while it is linked";
        Err(Error::new(ErrorKind::Conflict, message).with_context("object", id))
    }
}

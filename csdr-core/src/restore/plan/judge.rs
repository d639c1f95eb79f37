//! What becomes of every row: the stored object is read, and made into what the target takes.

use super::{PlanNote, note::NoteTable};
use crate::{
    Error, ErrorKind, Result,
    archive::Member,
    conversion::{Severity, TargetApis},
    model::{Discovery, GroupResource, GroupVersionResource, Object, ObjectId},
    restore::{Action, Restore, RestoreKind, Wave, convert::Fitted, row::Row},
    vault::StoredBackup,
};
use futures::{FutureExt, StreamExt, stream, stream::BoxStream};
use std::collections::{BTreeMap, BTreeSet};

/// How many members of the archive are read ahead.
const MEMBERS_AHEAD: usize = 2;

/// Goes through the rows of a plan in the order of the archive; memory holds a few members.
pub(super) struct Judge<'a> {
    pub(super) restore: &'a Restore,
    pub(super) backup: &'a StoredBackup,
    pub(super) discovery: &'a Discovery,
    pub(super) apis: &'a TargetApis,
    /// Kinds that definitions of the backup bring.
    pub(super) defined: &'a BTreeSet<GroupResource>,
    pub(super) namespaces: &'a [String],
    pub(super) kinds: Vec<RestoreKind>,
    pub(super) notes: NoteTable,
}

impl Judge<'_> {
    /// Gives every row its kind, its action and its remarks.
    pub(super) async fn judge(&mut self, rows: &mut [Row]) -> Result<()> {
        let groups: Vec<(usize, usize)> = rows
            .chunk_by(|a, b| (a.member, a.member_len) == (b.member, b.member_len))
            .scan(0, |start, group| {
                let range = (*start, *start + group.len());
                *start = range.1;
                Some(range)
            })
            .collect();
        let backup = self.backup.clone();
        let spans: Vec<_> = groups
            .iter()
            .map(|(start, _)| rows[*start].member_span())
            .collect();
        let mut members: BoxStream<'_, Result<Member>> = stream::iter(spans)
            .map(|span| {
                let backup = backup.clone();
                async move { backup.member(span).await }.boxed()
            })
            .buffered(MEMBERS_AHEAD)
            .boxed();
        let count = rows.len();
        for (start, end) in groups {
            let member = match members.next().await {
                Some(member) => member,
                None => break,
            };
            let member = match member {
                Ok(member) => Ok(member),
                Err(error) if is_damage(&error) => Err(error),
                Err(error) => return Err(error),
            };
            for at in start..end {
                self.row(at, count, &mut rows[at], &member)?;
            }
        }
        self.settle_twins(rows);
        Ok(())
    }

    fn row(
        &mut self,
        at: usize,
        count: usize,
        row: &mut Row,
        member: &Result<Member>,
    ) -> Result<()> {
        let object = match member {
            Ok(member) => self.object(row, member),
            Err(error) => Err(Error::new(error.kind(), error.chain())),
        };
        let object = match object {
            Ok(object) => object,
            Err(error) if is_damage(&error) => {
                row.action = Action::Blocked;
                let note = PlanNote::whole(Severity::Error, error.chain());
                self.notes.push(at, count, note);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let stored = object.resource_version_path();
        match self.restore.fit(object, self.apis) {
            Ok(Fitted::Object { object, to, losses }) => {
                row.kind = self.kind_of(&stored, to, Some(&object), None)?;
                for loss in &losses {
                    self.notes.push(at, count, PlanNote::from(loss));
                }
            }
            Ok(Fitted::Skipped(reason)) => {
                row.action = Action::Skip;
                let note = PlanNote::whole(Severity::Warning, reason);
                self.notes.push(at, count, note);
            }
            Ok(Fitted::NoRoute(reason)) => {
                let reason = format!("{}: {reason}", stored.api_version());
                row.kind = self.kind_of(&stored, stored.clone(), None, Some(reason))?;
            }
            // One object that no rule can read must not end the restore of the others.
            Err(error) => {
                row.action = Action::Blocked;
                let note = PlanNote::whole(Severity::Error, error.chain());
                self.notes.push(at, count, note);
            }
        }
        Ok(())
    }

    fn object(&self, row: &Row, member: &Member) -> Result<Object> {
        let kind = self
            .kinds
            .get(usize::from(row.kind))
            .ok_or_else(|| Error::invalid("plan names a kind that it does not have"))?;
        let namespace = (row.namespace as usize)
            .checked_sub(1)
            .and_then(|at| self.namespaces.get(at).cloned());
        let id = ObjectId::new(kind.resource.group_resource(), namespace, &*row.name)?;
        member.object(&row.index_row(id, kind.resource.version.clone()))
    }

    /// The number of a kind, made if it is new.
    fn kind_of(
        &mut self,
        stored: &GroupVersionResource,
        target: GroupVersionResource,
        object: Option<&Object>,
        blocked: Option<String>,
    ) -> Result<u16> {
        let is = |kind: &RestoreKind| {
            kind.resource == *stored && kind.target == target && kind.blocked == blocked
        };
        let place = match self.kinds.iter().position(|kind| is(kind) && kind.judged) {
            Some(place) => place,
            None => {
                let mut kind = RestoreKind {
                    wave: Wave::of(&target.group_resource()),
                    kind: object
                        .map(|object| object.meta().kind.kind.clone())
                        .unwrap_or_default(),
                    resource: stored.clone(),
                    target,
                    defined_by_backup: false,
                    blocked,
                    judged: true,
                };
                self.serve(&mut kind);
                // What served above may have blocked it for another reason.
                match self.kinds.iter().position(|own| *own == kind) {
                    Some(place) => place,
                    None => {
                        self.kinds.push(kind);
                        self.kinds.len() - 1
                    }
                }
            }
        };
        u16::try_from(place)
            .map_err(|_| Error::new(ErrorKind::Exhausted, "kinds beyond what a plan can hold"))
    }

    /// Decides whether the target takes objects of this kind.
    fn serve(&self, kind: &mut RestoreKind) {
        if kind.blocked.is_some() {
            return;
        }
        let resource = kind.target.group_resource();
        let now = self.discovery.resource(&resource);
        if now.is_some_and(|served| served.serves(&kind.target.version)) {
            return;
        }
        if now.is_none() && self.defined.contains(&resource) {
            kind.defined_by_backup = true;
            return;
        }
        kind.blocked = Some(match now {
            None => format!("the target does not serve {resource}"),
            Some(served) => {
                let versions: Vec<&str> = served
                    .versions
                    .iter()
                    .map(|served| served.version.as_str())
                    .collect();
                format!(
                    "the target serves {resource} only as {}, not as {}",
                    versions.join(", "),
                    kind.target.version
                )
            }
        });
    }

    /// An object that is stored under two groups becomes one object of the target: the one that needs no other group is taken.
    fn settle_twins(&mut self, rows: &mut [Row]) {
        let mut sources: BTreeMap<GroupResource, BTreeSet<GroupResource>> = BTreeMap::new();
        for kind in &self.kinds {
            let target = kind.target.group_resource();
            sources
                .entry(target)
                .or_default()
                .insert(kind.resource.group_resource());
        }
        sources.retain(|_, stored| stored.len() > 1);
        if sources.is_empty() {
            return;
        }
        let kinds = &self.kinds;
        let is_moved = |row: &Row| {
            kinds
                .get(usize::from(row.kind))
                .is_some_and(|kind| kind.resource.group_resource() != kind.target.group_resource())
        };
        let twin = |row: &Row| {
            let kind = kinds.get(usize::from(row.kind))?;
            let target = kind.target.group_resource();
            sources
                .contains_key(&target)
                .then(|| (target, row.namespace, row.name.clone()))
        };
        let taken: BTreeSet<_> = rows
            .iter()
            .filter(|row| row.action == Action::Create && !is_moved(row))
            .filter_map(twin)
            .collect();
        let count = rows.len();
        let mut moved = BTreeSet::new();
        for (at, row) in rows.iter_mut().enumerate() {
            if row.action != Action::Create || !is_moved(row) {
                continue;
            }
            let Some(twin) = twin(row) else { continue };
            if taken.contains(&twin) || !moved.insert(twin) {
                row.action = Action::Skip;
                let note = PlanNote::whole(
                    Severity::Info,
                    "the same object is stored under its present group as well, and restored from there",
                );
                self.notes.push(at, count, note);
            }
        }
    }
}

/// Whether an error is about the stored bytes, not about reaching them.
fn is_damage(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::InvalidInput)
}

//! What becomes of every row: the stored object is read, and made into what the target takes.

use super::{
    PlanNote,
    advice::PodLevels,
    custom::{CustomCheck, Definitions},
    need::Demands,
    note::NoteTable,
    target_of,
    transformed::{STATUS, TransformSets},
};
use crate::{
    Error, ErrorKind, Result,
    archive::{IndexRow, Member},
    conversion::{Severity, SkipReason, TargetApis},
    model::{Discovery, GroupResource, GroupVersionResource, Object, ObjectId},
    restore::{Action, Restore, RestoreKind, Wave, convert::Fitted, row::Row},
    spec::RestoreSpec,
    transform::{Chain, StatusRule, Surroundings, Verdict},
    vault::StoredBackup,
};
use futures::{FutureExt, StreamExt, stream, stream::BoxStream};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How many members of the archive are read ahead.
const MEMBERS_AHEAD: usize = 2;

/// Goes through the rows of a plan in the order of the archive; memory holds a few members.
pub(super) struct Judge<'a> {
    pub(super) restore: &'a Restore,
    pub(super) backup: &'a StoredBackup,
    pub(super) discovery: &'a Discovery,
    pub(super) apis: &'a TargetApis,
    /// Kinds that definitions of the backup bring, and where these are stored.
    pub(super) defined: &'a BTreeMap<GroupResource, IndexRow>,
    pub(super) namespaces: &'a [String],
    /// Resources and versions of the rows as they come, by the rows' numbers.
    pub(super) stored: &'a [GroupVersionResource],
    /// Kinds of the plan, by the numbers that the rows get.
    pub(super) kinds: Vec<RestoreKind>,
    /// Where a kind stands: as stored, as wanted, and why no way leads there.
    pub(super) places: HashMap<KindKey, u16>,
    pub(super) notes: NoteTable,
    pub(super) spec: &'a RestoreSpec,
    /// Gathers what advice about PodSecurityPolicies needs, if any is stored.
    pub(super) levels: Option<PodLevels>,
    /// Gathers which classes objects name.
    pub(super) demands: Demands,
    /// Looks at custom resources.
    pub(super) custom: CustomCheck,
    /// What every object goes through.
    pub(super) chain: &'a Chain,
    pub(super) known: &'a Surroundings,
    /// Whose status is restored.
    pub(super) status: StatusRule,
    /// Gathers by which transforms the rows are changed.
    pub(super) transforms: TransformSets,
}

type KindKey = (GroupVersionResource, GroupVersionResource, Option<String>);

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
        let definitions = Definitions {
            restore: self.restore,
            backup: self.backup,
            discovery: self.discovery,
            apis: self.apis,
            stored: self.defined,
        };
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
            for (at, row) in rows.iter_mut().enumerate().take(end).skip(start) {
                if let Some(kind) = self.stored.get(usize::from(row.kind)) {
                    self.custom.load(kind, &definitions).await?;
                }
                self.row(at, count, row, &member)?;
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
        let stored = self
            .stored
            .get(usize::from(row.kind))
            .ok_or_else(|| Error::invalid("a row names a kind that there is not"))?;
        let object = match member {
            Ok(member) => self.object(row, stored, member),
            Err(error) => Err(Error::new(error.kind(), error.chain())),
        };
        let object = match object {
            Ok(object) => object,
            Err(error) if is_damage(&error) => {
                row.kind = self.kind_of(stored, stored.clone(), "", None)?;
                row.action = Action::Blocked;
                let note = PlanNote::whole(Severity::Error, error.chain());
                self.notes.push(at, count, note);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        match self.restore.fit(object.clone(), self.apis) {
            Ok(Fitted::Object(fit)) => {
                let converted = &fit.object;
                if let (Some(levels), Some(namespace)) =
                    (&mut self.levels, converted.id().namespace())
                {
                    levels.look(converted, self.spec.map_namespace(namespace));
                }
                let kind = &converted.meta().kind.kind;
                row.kind = self.kind_of(stored, fit.to, kind, None)?;
                for loss in &fit.losses {
                    self.notes.push(at, count, PlanNote::from(loss));
                }
                self.transform(at, count, row, &object, converted)?;
            }
            Ok(Fitted::Skipped(reason)) => {
                row.kind = self.kind_of(stored, stored.clone(), "", None)?;
                row.action = Action::Skip;
                // Source: api-versions.md section 6.
                let severity = match &reason {
                    SkipReason::MadeByCluster { .. } | SkipReason::NeverStored => Severity::Info,
                    _ => Severity::Warning,
                };
                let note = PlanNote::whole(severity, reason);
                self.notes.push(at, count, note);
            }
            Ok(Fitted::NoRoute(reason)) => {
                let reason = format!("{}: {reason}", stored.api_version());
                row.kind = self.kind_of(stored, stored.clone(), "", Some(reason))?;
            }
            // One object that no rule can read must not end the restore of the others.
            Err(error) => {
                row.kind = self.kind_of(stored, stored.clone(), "", None)?;
                row.action = Action::Blocked;
                let note = PlanNote::whole(Severity::Error, error.chain());
                self.notes.push(at, count, note);
            }
        }
        Ok(())
    }

    /// Takes an object through the transforms, as the run will: what they change and say is told, not kept.
    fn transform(
        &mut self,
        at: usize,
        count: usize,
        row: &mut Row,
        stored: &Object,
        converted: &Object,
    ) -> Result<()> {
        let kind = self
            .kinds
            .get(usize::from(row.kind))
            .ok_or_else(|| Error::invalid("a row names a kind that there is not"))?;
        let id = stored.id();
        let target = target_of(self.spec, self.known, kind, id.namespace(), id.name())?;
        let passage = match self.chain.pass(stored, converted, target) {
            Ok(passage) => passage,
            Err(error) => {
                row.action = Action::Blocked;
                let note = PlanNote::whole(Severity::Error, error.chain());
                self.notes.push(at, count, note);
                return Ok(());
            }
        };
        if let Verdict::Skip { reason } = passage.verdict() {
            row.action = Action::Skip;
            let note = PlanNote::whole(Severity::Info, reason);
            self.notes.push(at, count, note);
            return Ok(());
        }
        let mut by = Vec::new();
        for step in passage.steps() {
            if step.counts() {
                by.push(step.name.to_owned());
            }
            for change in step.told() {
                self.notes.push(at, count, PlanNote::from(change));
            }
            for loss in step.losses {
                self.notes.push(at, count, PlanNote::from(loss));
            }
        }
        for note in self.custom.notes(passage.tree()) {
            self.notes.push(at, count, note);
        }
        self.demands
            .look(at, &converted.meta().kind, passage.tree());
        let resource = stored.id().resource();
        if passage.status().is_some() && self.status.wants(resource, passage.tree()) {
            by.push(STATUS.to_owned());
        }
        row.transforms = self.transforms.place(by);
        Ok(())
    }

    fn object(&self, row: &Row, stored: &GroupVersionResource, member: &Member) -> Result<Object> {
        let namespace = (row.namespace as usize)
            .checked_sub(1)
            .and_then(|at| self.namespaces.get(at).cloned());
        let id = ObjectId::new(stored.group_resource(), namespace, &*row.name)?;
        member.object(&row.index_row(id, stored.version.clone()))
    }

    /// The number of a kind, made if it is new; `name` is its kind in CamelCase, empty while no object of it could be read.
    fn kind_of(
        &mut self,
        stored: &GroupVersionResource,
        target: GroupVersionResource,
        name: &str,
        blocked: Option<String>,
    ) -> Result<u16> {
        let key = (stored.clone(), target, blocked);
        if let Some(place) = self.places.get(&key) {
            let place = *place;
            if let Some(kind) = self.kinds.get_mut(usize::from(place))
                && kind.kind.is_empty()
            {
                name.clone_into(&mut kind.kind);
            }
            return Ok(place);
        }
        let place = u16::try_from(self.kinds.len())
            .map_err(|_| Error::new(ErrorKind::Exhausted, "kinds beyond what a plan can hold"))?;
        let (resource, target, blocked) = key.clone();
        let mut kind = RestoreKind {
            wave: Wave::of(&target.group_resource()),
            kind: name.to_owned(),
            resource,
            target,
            defined_by_backup: false,
            blocked,
        };
        self.serve(&mut kind);
        self.kinds.push(kind);
        self.places.insert(key, place);
        Ok(place)
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
        if now.is_none() && self.defined.contains_key(&resource) {
            kind.defined_by_backup = true;
            return;
        }
        // A folder takes whatever the cluster will serve that is made from it.
        if self.restore.apis.is_some() {
            let later = self.apis.discovery().resource(&resource);
            if later.is_some_and(|served| served.serves(&kind.target.version)) {
                return;
            }
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

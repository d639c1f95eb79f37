//! The objects stage: lists → rules → archive, index, lists of what was left out.

use super::{
    BackupPlan, KindCount, ObjectsSummary, PlannedKind, PlannedUnit, RelatedObject,
    by_name::{gets, nothing, union},
    collect::{ListEvent, OrderedLists},
    freeze::FrozenObjects,
    listing::{LeftOutList, ListedObject, ResourceList, VolumeInfoList},
    merge::{VersionedPage, merge},
    plan::{is_pods, refused},
    unhooked::Unhooked,
};
use crate::{
    Error, ErrorKind, Result,
    archive::{ArchiveSummary, ArchiveWriter, IndexPart},
    model::{GroupResource, GroupVersionResource, Object, ObjectId},
    port::{ComputeExt, Event, PutMode, ResourceCollector},
    report::{Note, RunOptions},
    select::{Asked, FieldMasks, LeftOut, LeftOutReason, ObjectTest, Selection, object_left_out},
    vault::{BackupLayout, Claim, FileRecord, Files, IndexPartRecord, Vault},
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use std::{collections::BTreeSet, sync::Arc};
use tokio::sync::mpsc;

/// What the stage works with.
pub(super) struct ObjectsStage<'a> {
    pub(super) collector: &'a Arc<dyn ResourceCollector>,
    pub(super) vault: &'a Vault,
    pub(super) layout: &'a BackupLayout,
    pub(super) claim: &'a Claim,
    pub(super) plan: &'a BackupPlan,
    pub(super) options: &'a RunOptions,
    pub(super) frozen: &'a FrozenObjects,
}

/// What the stage left in the vault.
pub(super) struct Archived {
    pub(super) archive: ArchiveSummary,
    pub(super) files: Vec<FileRecord>,
    pub(super) index: Vec<IndexPartRecord>,
    pub(super) summary: ObjectsSummary,
}

/// From the lists to the archive.
enum Item {
    /// Objects in their versions; the best version of each is marked.
    Objects(Vec<(Object, bool)>),
    LeftOut(LeftOut),
    Inconsistent(GroupVersionResource),
    /// A version that is not the preferred one could not be listed to its end.
    LostVersion(GroupVersionResource, Error),
    /// A pod's hooks were not run.
    Unhooked(ObjectId),
}

impl ObjectsStage<'_> {
    /// Runs the stage. An error leaves no archive.
    pub(super) async fn run(&self) -> Result<Archived> {
        let backend = &**self.vault.backend();
        let mode = if backend.capabilities().conditional_create {
            PutMode::CreateNew
        } else {
            PutMode::Overwrite
        };
        let path = self.layout.archive_path();
        let sink = backend.writer(&self.layout.file(&path)?, mode).await?;
        let archive = ArchiveWriter::new(
            sink,
            self.vault.host().compute.clone(),
            self.options.limits.archive,
        );
        let (sender, receiver) = mpsc::channel(2);
        let mut recorder = Recorder {
            stage: self,
            archive: Some(archive),
            files: Files::new(backend, self.layout),
            index: Vec::new(),
            left_out: LeftOutList::default(),
            resource_list: ResourceList::new(),
            volume_info: VolumeInfoList::new(),
            summary: ObjectsSummary::default(),
            last: None,
            unhooked: Unhooked::default(),
        };
        for left in &self.plan.left_out {
            recorder.leave_out(left.clone()).await?;
        }
        let lists = self.lists(self.plan.spec.selection()?, &self.plan.spec.masks()?);
        let collect = async move {
            let mut lists = std::pin::pin!(lists);
            while let Some(items) = lists.next().await {
                for item in items {
                    // The receiver only goes when the archive has failed; that error is the one to report.
                    if sender.send(item).await.is_err() {
                        return;
                    }
                }
            }
        };
        let (stored, ()) = futures::join!(recorder.store(receiver), collect);
        match stored {
            Ok(()) => recorder.finish(path).await,
            Err(error) => Err(recorder.abort(error).await),
        }
    }

    /// The pages of all lists in the order of the archive, with the rules applied.
    fn lists(
        &self,
        selection: Selection,
        masks: &FieldMasks,
    ) -> impl futures::Stream<Item = Vec<Item>> + '_ {
        let units: Vec<(&PlannedKind, &PlannedUnit)> = self
            .plan
            .kinds
            .iter()
            .flat_map(|kind| kind.units.iter().map(move |unit| (kind, unit)))
            .collect();
        let rules: Vec<UnitRules<'_>> = units
            .iter()
            .map(|(kind, unit)| {
                let related = self.plan.related_in(kind, unit);
                UnitRules::new(kind, unit, related, &selection, masks)
            })
            .collect();
        let namespaces: BTreeSet<&str> = self.plan.namespaces.iter().map(String::as_str).collect();
        let (collector, limits) = (self.collector.clone(), &self.options.limits);
        let (starts, plan) = (units.clone(), self.plan);
        let asked = selection.clone();
        // A folder has an object in one version, whichever it is.
        let is_server = !plan.server_version.is_empty();
        let lists = OrderedLists::new(units.len(), limits.lists, move |list: usize| {
            let (kind, unit) = starts[list];
            let related = plan.related_in(kind, unit);
            let lists = kind.versions().enumerate().map(|(at, version)| {
                let request = kind.request(version, unit, &asked, limits.page_bytes)?;
                let list = if unit.by_name {
                    nothing()
                } else {
                    collector.list(request)
                };
                if related.is_empty() {
                    return Ok((version.to_owned(), list));
                }
                let ids = related.iter().map(|one| one.id.clone()).collect();
                let named = gets(
                    collector.clone(),
                    ids,
                    version.to_owned(),
                    at == 0 && is_server,
                );
                Ok((version.to_owned(), union(list, named)))
            });
            match lists.collect::<Result<Vec<_>>>() {
                Ok(lists) => merge(lists),
                Err(error) => stream::once(async { Err(error) }).boxed(),
            }
        });
        lists.map(move |(list, event)| {
            let (kind, unit) = units[list];
            match event {
                ListEvent::Page(page) => self.sort_out(kind, &rules[list], page, &|object| {
                    takes_place(kind, unit, object, &namespaces, &selection)
                }),
                ListEvent::Failed(error)
                    if error.kind() == ErrorKind::NotFound && unit.objects == Some(0) =>
                {
                    Vec::new()
                }
                ListEvent::Failed(error) => {
                    let what = kind.in_namespace(unit.namespace.as_deref());
                    vec![Item::LeftOut(refused(&what, &error, kind.named))]
                }
            }
        })
    }
}

/// What is looked at in each object of one list.
struct UnitRules<'a> {
    /// Taken whatever the test says; sorted.
    related: &'a [RelatedObject],
    /// Of a list in one place: what objects must be; none if all are taken, and if the list has several places.
    test: Option<ObjectTest>,
    masks: FieldMasks,
}

impl<'a> UnitRules<'a> {
    fn new(
        kind: &PlannedKind,
        unit: &PlannedUnit,
        related: &'a [RelatedObject],
        selection: &Selection,
        masks: &FieldMasks,
    ) -> Self {
        let spellings = kind.spellings();
        let test = selection.test(&spellings, unit.namespace.as_deref());
        let one_place = unit.namespace.is_some() || !kind.namespaced;
        Self {
            related,
            test: (one_place && !kind.is_namespaces() && !test.is_exact()).then_some(test),
            masks: masks.of(&spellings),
        }
    }

    /// Whether the filters or a captured object want an object.
    fn take(&self, object: &Object) -> bool {
        let id = object.id();
        self.test
            .as_ref()
            .is_none_or(|test| test.misses(id.name(), object.meta()).is_none())
            || self.related.binary_search_by(|one| one.id.cmp(id)).is_ok()
    }
}

/// Whether the plan takes objects at this place.
fn takes_place(
    kind: &PlannedKind,
    unit: &PlannedUnit,
    object: &Object,
    namespaces: &BTreeSet<&str>,
    selection: &Selection,
) -> bool {
    match object.id().namespace() {
        Some(_) if unit.namespace.is_some() => true,
        // A list over all namespaces only stands for resources that no namespace had at the time of the plan.
        Some(namespace) => {
            let spellings = kind.spellings();
            let test = selection.test(&spellings, Some(namespace));
            namespaces.contains(namespace)
                && selection.asks_in(&spellings, namespace) == Asked::Yes
                && test.misses(object.id().name(), object.meta()).is_none()
        }
        None => !kind.is_namespaces() || namespaces.contains(object.id().name()),
    }
}

impl ObjectsStage<'_> {
    /// Applies the rules about single objects to one page.
    fn sort_out(
        &self,
        kind: &PlannedKind,
        rules: &UnitRules<'_>,
        page: VersionedPage,
        takes_place: &dyn Fn(&Object) -> bool,
    ) -> Vec<Item> {
        let mut items = Vec::new();
        let (mut replaced, pods) = (None, is_pods(kind));
        let mut taken = Vec::with_capacity(page.objects.len());
        for (object, best) in page.objects {
            if !takes_place(&object) || !rules.take(&object) {
                continue;
            }
            if let Some(why) = self.frozen.dropped(object.id()) {
                let mut left = LeftOut::object(object.id(), LeftOutReason::HookFailed);
                left.detail = why.to_owned();
                items.extend(best.then(|| Item::LeftOut(left.with_named(true))));
                continue;
            }
            if let Some(frozen) = self.frozen.get(object.id()) {
                // All its versions, in the place of the first listed one.
                if replaced.as_ref() != Some(object.id()) {
                    replaced = Some(object.id().clone());
                    for (object, best) in frozen.iter().cloned() {
                        taken.extend(stored(object, best, &rules.masks, &mut items));
                    }
                }
                continue;
            }
            if pods && best && Unhooked::is(&object, self.plan) {
                items.push(Item::Unhooked(object.id().clone()));
            }
            taken.extend(stored(object, best, &rules.masks, &mut items));
        }
        for item in page.unreadable {
            let left = LeftOut::rule(
                format!("{}/{}", kind.resource.group_resource(), item.at),
                LeftOutReason::Unreadable,
                item.reason,
            );
            items.push(Item::LeftOut(left.with_named(true)));
        }
        if page.inconsistent {
            items.push(Item::Inconsistent(kind.resource.clone()));
        }
        for (version, error) in page.lost {
            let path = kind.resource.group_resource().with_version(version);
            items.push(Item::LostVersion(path, error));
        }
        items.push(Item::Objects(taken));
        items
    }
}

/// The object as it is stored; none if a rule leaves it out.
fn stored(
    object: Object,
    best: bool,
    masks: &FieldMasks,
    items: &mut Vec<Item>,
) -> Option<(Object, bool)> {
    match object_left_out(&object) {
        // One record an object, whatever its versions.
        Some(left) => {
            items.extend(best.then(|| Item::LeftOut(left)));
            None
        }
        None if masks.is_empty() => Some((object, best)),
        None => masked(object, best, masks, items),
    }
}

/// The object as it is stored; none if it cannot be masked, for then it is left out.
fn masked(
    object: Object,
    best: bool,
    masks: &FieldMasks,
    items: &mut Vec<Item>,
) -> Option<(Object, bool)> {
    let mut record = |reason, detail| {
        let mut left = LeftOut::object(object.id(), reason);
        left.detail = detail;
        if best {
            items.push(Item::LeftOut(left.with_named(reason.is_gap())));
        }
    };
    match masks.apply(&object) {
        Ok(None) => Some((object, best)),
        Ok(Some((masked, detail))) => {
            record(LeftOutReason::Masked, detail);
            Some((masked, best))
        }
        Err(error) => {
            record(
                LeftOutReason::Unreadable,
                format!("its fields cannot be masked: {}", error.chain()),
            );
            None
        }
    }
}

struct Recorder<'a> {
    stage: &'a ObjectsStage<'a>,
    /// Taken only when the archive ends.
    archive: Option<ArchiveWriter>,
    files: Files<'a>,
    index: Vec<IndexPartRecord>,
    left_out: LeftOutList,
    resource_list: ResourceList,
    volume_info: VolumeInfoList,
    summary: ObjectsSummary,
    last: Option<(ObjectId, String)>,
    unhooked: Unhooked,
}

impl Recorder<'_> {
    async fn store(&mut self, mut receiver: mpsc::Receiver<Item>) -> Result<()> {
        while let Some(item) = receiver.recv().await {
            match item {
                Item::Objects(objects) => self.append(objects).await?,
                Item::LeftOut(left) => self.leave_out(left).await?,
                Item::Unhooked(id) => self.unhooked.add(id),
                Item::LostVersion(path, error) => self.summary.warnings.push(Note::new(
                    path,
                    format!("the list of this version broke off; the objects are stored in the preferred version ({})", error.chain()),
                )),
                Item::Inconsistent(resource) => self.summary.warnings.push(Note::new(
                    resource.group_resource(),
                    "the list took longer than the server keeps its state: it is not one point in time",
                )),
            }
        }
        Ok(())
    }

    async fn append(&mut self, objects: Vec<(Object, bool)>) -> Result<()> {
        let Some((first, _)) = objects.first() else {
            return Ok(());
        };
        let resource = first.id().resource().clone();
        let stored = self.archive.as_ref().map_or(0, ArchiveWriter::stored);
        let (mut count, mut bytes) = (0u64, 0u64);
        for (object, best) in objects {
            let version = object.meta().kind.api_version.version();
            let rises = self
                .last
                .as_ref()
                .is_none_or(|(id, last)| (id, last.as_str()) < (object.id(), version));
            if !rises {
                let mut left = LeftOut::object(object.id(), LeftOutReason::Unreadable);
                left.detail = "the source listed it twice or out of order".to_owned();
                self.leave_out(left.with_named(true)).await?;
                continue;
            }
            let (id, version) = (object.id().clone(), version.to_owned());
            let (kind, size) = (self.kind_row(&object), object.json().len() as u64);
            // Made before the archive takes the object, and added once it has: what it refuses is not in the list.
            let listed = best.then(|| (ListedObject::of(&object), VolumeInfoList::line(&object)));
            let Some(archive) = &mut self.archive else {
                break;
            };
            match archive.append(object, best).await {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::InvalidInput => {
                    let mut left = LeftOut::object(&id, LeftOutReason::Unreadable);
                    left.detail = error.chain();
                    self.leave_out(left.with_named(true)).await?;
                    continue;
                }
                Err(error) => return Err(error),
            }
            if let Some((listed, volume)) = listed {
                self.resource_list.add(listed)?;
                if let Some(volume) = volume {
                    self.volume_info.add(&volume)?;
                }
            }
            bytes += size;
            count += u64::from(best);
            if best && self.stage.plan.related_to(&id).is_some() {
                self.summary.related += 1;
            }
            if let Some(kind) = self.summary.kinds.get_mut(kind) {
                // Each object once, in its best version; bytes in every one.
                kind.objects += u64::from(best);
                kind.bytes += size;
            }
            self.last = Some((id, version));
        }
        self.summary.objects += count;
        self.summary.bytes += bytes;
        let observer = &self.stage.options.observer;
        observer.observe(&Event::ObjectsDone {
            resource: &resource,
            objects: count,
            bytes,
        });
        if let Some(archive) = &mut self.archive {
            observer.observe(&Event::BytesStored {
                bytes: archive.stored() - stored,
            });
            let parts = archive.take_parts();
            self.put_index(parts).await?;
        }
        Ok(())
    }

    /// The place of an object's resource and version among the counts.
    fn kind_row(&mut self, object: &Object) -> usize {
        let (resource, version) = (
            object.id().resource(),
            object.meta().kind.api_version.version(),
        );
        let kinds = &mut self.summary.kinds;
        // Objects come sorted by resource: the versions of one stand at the end. Nothing is allocated for a kind that is there.
        let place = kinds
            .iter()
            .rposition(|row| row.resource.version == version && is_of(&row.resource, resource));
        place.unwrap_or_else(|| {
            kinds.push(KindCount {
                resource: object.resource_version_path(),
                objects: 0,
                bytes: 0,
            });
            kinds.len() - 1
        })
    }

    /// Writes index parts.
    async fn put_index(&mut self, parts: Vec<IndexPart>) -> Result<()> {
        let bodies = self.index_bodies(parts).await?;
        if !bodies.is_empty() {
            self.stage.claim.guard().await?;
            self.files.put_all(bodies).await?;
        }
        Ok(())
    }

    /// Paths and bodies of index parts, whose records are kept.
    async fn index_bodies(&mut self, parts: Vec<IndexPart>) -> Result<Vec<(String, Bytes)>> {
        let compute = &self.stage.vault.host().compute;
        let mut bodies = Vec::with_capacity(parts.len());
        for part in parts {
            let path = format!("csdr/index-{}.json.gz", self.index.len());
            self.index.push(IndexPartRecord {
                path: path.clone(),
                rows: part.rows().len() as u64,
                first: part.first().id.clone(),
                last: part.last().id.clone(),
            });
            let body = compute.call(move || part.encode()).await?;
            bodies.push((path, body.into()));
        }
        Ok(bodies)
    }

    async fn leave_out(&mut self, left: LeftOut) -> Result<()> {
        *self.summary.left_out.entry(left.reason).or_default() += 1;
        if left.reason.is_gap() {
            let note = Note::new(
                &left.what,
                if left.detail.is_empty() {
                    left.reason.to_string()
                } else {
                    format!("{} ({})", left.reason, left.detail)
                },
            );
            self.stage.options.observer.observe(&Event::Noted {
                message: &note.to_string(),
            });
            if left.named {
                self.summary.errors.push(note)
            } else {
                self.summary.warnings.push(note)
            }
        }
        if self.left_out.push(&left)? {
            self.put_left_out().await?;
        }
        Ok(())
    }

    async fn put_left_out(&mut self) -> Result<()> {
        if let Some((path, body)) = self.left_out.take()? {
            self.stage.claim.guard().await?;
            self.files.put(path, body).await?;
        }
        Ok(())
    }

    async fn finish(mut self, path: String) -> Result<Archived> {
        let Some(archive) = self.archive.take() else {
            return Err(Error::new(ErrorKind::Unexpected, "archive was ended twice"));
        };
        if let Some(note) = self.unhooked.note() {
            self.summary.warnings.push(note);
        }
        self.stage.claim.check().await?;
        let done = archive.finish().await?;
        self.summary.archive_bytes = done.summary.size;
        // A kind of which the archive refused every object.
        self.summary.kinds.retain(|kind| kind.bytes > 0);
        self.files.record(FileRecord {
            path,
            size: done.summary.size,
            sha256: done.summary.sha256,
        });
        let mut bodies = self.index_bodies(done.parts).await?;
        bodies.extend(self.left_out.take()?);
        let list = std::mem::replace(&mut self.resource_list, ResourceList::new());
        let path = self.stage.layout.side_path("resource-list.json.gz");
        bodies.push((path, list.finish()?));
        let volumes = std::mem::replace(&mut self.volume_info, VolumeInfoList::new());
        let path = self.stage.layout.side_path("volumeinfo.json.gz");
        bodies.push((path, volumes.finish()?));
        self.stage.claim.guard().await?;
        self.files.put_all(bodies).await?;
        Ok(Archived {
            archive: done.summary,
            files: self.files.records().to_vec(),
            index: self.index,
            summary: self.summary,
        })
    }

    /// Takes the archive back after `error`, which stays the one to report.
    async fn abort(mut self, error: Error) -> Error {
        if let Some(archive) = self.archive.take() {
            // Nothing is visible before `finish`; what an abort cannot remove is the store's to collect.
            let _ = archive.abort().await;
        }
        error
    }
}

fn is_of(path: &GroupVersionResource, resource: &GroupResource) -> bool {
    path.resource == resource.resource() && path.group == resource.group()
}

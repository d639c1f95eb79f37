//! The objects stage: lists → rules → archive, index, lists of what was left out.

use super::{
    BackupPlan, KindCount, ObjectsSummary, PlannedKind, PlannedUnit,
    collect::{ListEvent, OrderedLists},
    plan::refused,
};
use crate::{
    Error, ErrorKind, Result,
    archive::{ArchiveSummary, ArchiveWriter, IndexPart},
    model::{GroupVersionResource, LabelSelector, Object, ObjectId},
    port::{ComputeExt, Event, Page, PutMode, ResourceCollector},
    report::{Note, RunOptions},
    select::{LeftOut, LeftOutReason, object_left_out},
    vault::{BackupLayout, Claim, FileRecord, Files, IndexPartRecord, Vault},
};
use bytes::Bytes;
use flate2::{Compression, GzBuilder, write::GzEncoder};
use futures::{StreamExt, stream};
use std::{collections::BTreeSet, io::Write, sync::Arc};
use tokio::sync::mpsc;

/// Lines of one left-out list.
const LEFT_OUT_LINES: usize = 10_000;

/// What the stage works with.
pub(super) struct ObjectsStage<'a> {
    pub(super) collector: &'a Arc<dyn ResourceCollector>,
    pub(super) vault: &'a Vault,
    pub(super) layout: &'a BackupLayout,
    pub(super) claim: &'a Claim,
    pub(super) plan: &'a BackupPlan,
    pub(super) options: &'a RunOptions,
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
    Objects(Vec<Object>),
    LeftOut(LeftOut, bool),
    Inconsistent(GroupVersionResource),
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
            summary: ObjectsSummary::default(),
            last: None,
        };
        for left in &self.plan.left_out {
            recorder
                .leave_out(left.clone(), self.plan.names_kind_of(left))
                .await?;
        }
        let lists = self.lists();
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
    fn lists(&self) -> impl futures::Stream<Item = Vec<Item>> + '_ {
        let units: Vec<(&PlannedKind, &PlannedUnit)> = self
            .plan
            .kinds
            .iter()
            .flat_map(|kind| kind.units.iter().map(move |unit| (kind, unit)))
            .collect();
        let namespaces: BTreeSet<&str> = self.plan.namespaces.iter().map(String::as_str).collect();
        let (collector, limits) = (self.collector.clone(), &self.options.limits);
        let selector: LabelSelector = self.plan.spec.label_selector.clone();
        let starts = units.clone();
        let lists = OrderedLists::new(units.len(), limits.lists, move |list: usize| {
            let (kind, unit) = starts[list];
            match kind.request(unit, &selector, limits.page_bytes) {
                Ok(request) => collector.list(request),
                Err(error) => stream::once(async { Err(error) }).boxed(),
            }
        });
        lists.map(move |(list, event)| {
            let (kind, unit) = units[list];
            match event {
                ListEvent::Page(page) => sort_out(kind, unit, page, &namespaces),
                ListEvent::Failed(error)
                    if error.kind() == ErrorKind::NotFound && unit.objects == Some(0) =>
                {
                    Vec::new()
                }
                ListEvent::Failed(error) => {
                    let resource = kind.resource.group_resource();
                    let what = unit.namespace.as_ref().map_or_else(
                        || resource.to_string(),
                        |name| format!("{resource} in namespace {name}"),
                    );
                    vec![Item::LeftOut(refused(&what, &error), kind.named)]
                }
            }
        })
    }
}

/// Applies the rules about single objects to one page.
fn sort_out(
    kind: &PlannedKind,
    unit: &PlannedUnit,
    page: Page,
    namespaces: &BTreeSet<&str>,
) -> Vec<Item> {
    let is_namespace = kind.resource.group.is_empty() && kind.resource.resource == "namespaces";
    let mut items = Vec::new();
    let mut taken = Vec::with_capacity(page.objects.len());
    for object in page.objects {
        let selected = match object.id().namespace() {
            // A list over all namespaces only stands for resources that no namespace had at the time of the plan.
            Some(namespace) => unit.namespace.is_some() || namespaces.contains(namespace),
            None => !is_namespace || namespaces.contains(object.id().name()),
        };
        if !selected {
            continue;
        }
        match object_left_out(&object) {
            Some(left) => items.push(Item::LeftOut(left, true)),
            None => taken.push(object),
        }
    }
    for item in page.unreadable {
        let left = LeftOut::rule(
            format!("{}/{}", kind.resource.group_resource(), item.at),
            LeftOutReason::Unreadable,
            item.reason,
        );
        items.push(Item::LeftOut(left, true));
    }
    if page.inconsistent {
        items.push(Item::Inconsistent(kind.resource.clone()));
    }
    items.push(Item::Objects(taken));
    items
}

struct Recorder<'a> {
    stage: &'a ObjectsStage<'a>,
    /// Taken only when the archive ends.
    archive: Option<ArchiveWriter>,
    files: Files<'a>,
    index: Vec<IndexPartRecord>,
    left_out: LeftOutList,
    resource_list: ResourceList,
    summary: ObjectsSummary,
    last: Option<ObjectId>,
}

impl Recorder<'_> {
    async fn store(&mut self, mut receiver: mpsc::Receiver<Item>) -> Result<()> {
        while let Some(item) = receiver.recv().await {
            match item {
                Item::Objects(objects) => self.append(objects).await?,
                Item::LeftOut(left, named) => self.leave_out(left, named).await?,
                Item::Inconsistent(resource) => self.summary.warnings.push(Note::new(
                    resource.group_resource(),
                    "the list took longer than the server keeps its state: it is not one point in time",
                )),
            }
        }
        Ok(())
    }

    async fn append(&mut self, objects: Vec<Object>) -> Result<()> {
        let Some(first) = objects.first() else {
            return Ok(());
        };
        let path = first.resource_version_path();
        let resource = path.group_resource();
        if self
            .summary
            .kinds
            .last()
            .is_none_or(|count| count.resource != path)
        {
            self.summary.kinds.push(KindCount {
                resource: path,
                objects: 0,
                bytes: 0,
            });
        }
        let stored = self.archive.as_ref().map_or(0, ArchiveWriter::stored);
        let (mut count, mut bytes) = (0u64, 0u64);
        for object in objects {
            let id = object.id();
            if self.last.as_ref().is_some_and(|last| last >= id) {
                let mut left = LeftOut::object(id, LeftOutReason::Unreadable);
                left.detail = "the source listed it twice or out of order".to_owned();
                self.leave_out(left, true).await?;
                continue;
            }
            let (id, size) = (id.clone(), object.json().len() as u64);
            self.resource_list.add(&object)?;
            let Some(archive) = &mut self.archive else {
                break;
            };
            match archive.append(object, true).await {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::InvalidInput => {
                    let mut left = LeftOut::object(&id, LeftOutReason::Unreadable);
                    left.detail = error.chain();
                    self.leave_out(left, true).await?;
                    continue;
                }
                Err(error) => return Err(error),
            }
            self.last = Some(id);
            count += 1;
            bytes += size;
        }
        self.summary.objects += count;
        self.summary.bytes += bytes;
        if let Some(kind) = self.summary.kinds.last_mut() {
            kind.objects += count;
            kind.bytes += bytes;
        }
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

    async fn leave_out(&mut self, left: LeftOut, named: bool) -> Result<()> {
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
            // A gap in what was named is an error; one under a wildcard, or a whole API group, is a warning.
            let warning = !named || left.reason == LeftOutReason::Undiscovered;
            if warning {
                self.summary.warnings.push(note)
            } else {
                self.summary.errors.push(note)
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
        self.stage.claim.check().await?;
        let done = archive.finish().await?;
        self.summary.archive_bytes = done.summary.size;
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

/// `csdr/left-out-<n>.jsonl.gz`, cut into parts.
#[derive(Default)]
struct LeftOutList {
    text: Vec<u8>,
    lines: usize,
    parts: usize,
}

impl LeftOutList {
    /// Adds a line; `true` if the part is full.
    fn push(&mut self, left: &LeftOut) -> Result<bool> {
        serde_json::to_writer(&mut self.text, left).map_err(|error| {
            Error::invalid("left-out line cannot be written").with_source(error)
        })?;
        self.text.push(b'\n');
        self.lines += 1;
        Ok(self.lines >= LEFT_OUT_LINES)
    }

    fn take(&mut self) -> Result<Option<(String, Bytes)>> {
        if self.lines == 0 {
            return Ok(None);
        }
        let path = format!("csdr/left-out-{}.jsonl.gz", self.parts);
        let body = crate::vault::gzip(&std::mem::take(&mut self.text))?;
        self.lines = 0;
        self.parts += 1;
        Ok(Some((path, body)))
    }
}

/// Velero's `-resource-list.json.gz`: `{"apps/v1/Deployment": ["ns/a", …], …}`, written as objects come, so that only compressed
/// bytes are held. Objects come sorted by resource: each kind makes one list.
struct ResourceList {
    encoder: GzEncoder<Vec<u8>>,
    kind: String,
}

impl ResourceList {
    fn new() -> Self {
        let encoder = GzBuilder::new()
            .mtime(0)
            .operating_system(255)
            .write(Vec::new(), Compression::new(6));
        Self {
            encoder,
            kind: String::new(),
        }
    }

    fn add(&mut self, object: &Object) -> Result<()> {
        let kind = object.meta().kind.to_string();
        let id = object.id();
        let name = id.namespace().map_or_else(
            || id.name().to_owned(),
            |namespace| format!("{namespace}/{}", id.name()),
        );
        let name = serde_json::to_string(&name)
            .map_err(|error| Error::invalid("name cannot be written").with_source(error))?;
        let text = if kind == self.kind {
            format!(",{name}")
        } else {
            let lead = if self.kind.is_empty() { "{" } else { "]," };
            let quoted = serde_json::to_string(&kind)
                .map_err(|error| Error::invalid("kind cannot be written").with_source(error))?;
            self.kind = kind;
            format!("{lead}{quoted}:[{name}")
        };
        self.write(&text)
    }

    fn write(&mut self, text: &str) -> Result<()> {
        self.encoder
            .write_all(text.as_bytes())
            .map_err(|error| Error::new(ErrorKind::Unexpected, "gzip failed").with_source(error))
    }

    fn finish(mut self) -> Result<Bytes> {
        self.write(if self.kind.is_empty() { "{}" } else { "]}" })?;
        let done = self.encoder.finish();
        done.map(Bytes::from)
            .map_err(|error| Error::new(ErrorKind::Unexpected, "gzip failed").with_source(error))
    }
}

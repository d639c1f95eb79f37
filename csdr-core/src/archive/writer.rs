//! Writing an archive.

use super::{
    ArchiveLimits, Digest, IndexPart, IndexRow,
    batch::{Batch, Copies, Item, Place},
    index,
    members::MemberPipeline,
};
use crate::{
    Error, Result,
    model::{Object, ObjectId},
    port::{Compute, VaultMeta, VaultWriter},
};
use flate2::Compression;
use serde::{Deserialize, Serialize};
use std::{cmp::Ordering, fmt, sync::Arc};

/// gzip's own default: what the benchmark's floor and Velero use.
const LEVEL: u32 = 6;

/// Writes an archive while its objects stream by.
///
/// Objects come in strictly rising order of (resource, namespace, name, version). They are grouped into gzip members of about
/// [`ArchiveLimits::member_target`] raw bytes, each built, compressed and hashed in one [`Compute`] job; up to `parallelism + 2`
/// jobs run ahead of the file. Memory is those jobs and one index part; never the archive.
///
/// The same objects under the same limits give the same bytes, whatever the `Compute`.
///
/// ```
/// use csdr_core::archive::{ArchiveLimits, ArchiveWriter, read_row};
/// use csdr_core::{memory::MemoryVault, model::Object, port::{InlineCompute, PutMode, VaultBackend, VaultBackendExt, VaultKey}};
/// use std::sync::Arc;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let vault = MemoryVault::default();
/// let key = VaultKey::parse("backups/a/a.tar.gz")?;
/// let limits = ArchiveLimits::default();
/// let sink = vault.writer(&key, PutMode::CreateNew).await?;
/// let mut writer = ArchiveWriter::new(sink, Arc::new(InlineCompute), limits);
/// let json = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"shop"}}"#;
/// let object = Object::parse("configmaps".parse()?, json)?;
/// writer.append(object.clone(), true).await?;
/// let done = writer.finish().await?;
///
/// let row = done.parts[0].first();
/// let member = vault.read_range(&key, row.member.offset, row.member.len).await?;
/// assert_eq!(read_row(&member, row, &limits)?, object);
/// # Ok::<(), csdr_core::Error>(()) }).unwrap();
/// ```
pub struct ArchiveWriter {
    pipeline: MemberPipeline,
    limits: ArchiveLimits,
    batch: Batch,
    /// The last object of the batch before, while the present one is empty.
    last: Option<(ObjectId, String)>,
    parts: Vec<IndexPart>,
    objects: u64,
    rows: u64,
    entries: u64,
}

/// What an archive holds, as the manifest records it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveSummary {
    /// Bytes of the compressed file.
    pub size: u64,
    /// SHA-256 of the compressed file.
    pub sha256: Digest,
    /// Objects, each counted once whatever its versions.
    pub objects: u64,
    /// Rows of the index: one an object and version.
    pub rows: u64,
    /// Entries of the tar, `metadata/version` among them.
    pub entries: u64,
    /// gzip members.
    pub members: u64,
    /// Bytes of the tar.
    pub raw: u64,
}

/// An archive that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedArchive {
    /// What it holds.
    pub summary: ArchiveSummary,
    /// What the store says of the file.
    pub meta: VaultMeta,
    /// The index parts that [`ArchiveWriter::take_parts`] had not handed out.
    pub parts: Vec<IndexPart>,
}

impl ArchiveWriter {
    /// Begins an archive in `sink`.
    pub fn new(
        sink: Box<dyn VaultWriter>,
        compute: Arc<dyn Compute>,
        limits: ArchiveLimits,
    ) -> Self {
        Self {
            pipeline: MemberPipeline::new(sink, compute, Compression::new(LEVEL)),
            limits,
            batch: Batch {
                place: Place {
                    first: true,
                    last: false,
                },
                ..Batch::default()
            },
            last: None,
            parts: Vec::new(),
            objects: 0,
            rows: 0,
            // `metadata/version`.
            entries: 1,
        }
    }

    /// Appends an object; `preferred` if this is the version that the server prefers.
    ///
    /// # Errors
    /// `InvalidInput` if the object does not come after the one before it, or is larger than the limits allow: nothing was
    /// changed, the next object may follow. Any other error is the sink's or the host's: only [`abort`](Self::abort) may follow.
    ///
    /// # Cancellation
    /// Dropping the future before it answers leaves the object out. If it stopped in the middle of a write to the sink, everything
    /// but `abort` answers an error from then on; otherwise the same object may be appended again.
    pub async fn append(&mut self, object: Object, preferred: bool) -> Result<()> {
        self.pipeline.check()?;
        let item = Item {
            object,
            preferred,
            copies: Copies::AsVelero,
        };
        item.check(&self.limits)
            .and_then(|()| self.check_order(&item))
            .map_err(|error| error.with_operation("append to archive"))?;
        if !self.batch.items.is_empty() && self.batch.raw + item.raw() > self.limits.member_target {
            self.flush().await?;
        }
        let new_object = self.last_key().is_none_or(|(id, _)| id != item.id());
        self.objects += u64::from(new_object);
        self.rows += 1;
        self.entries += item.entries();
        self.batch.raw += item.raw();
        self.batch.items.push(item);
        Ok(())
    }

    /// The index parts that are full by now, in order: the caller writes them to the vault, so that memory stays bounded.
    pub fn take_parts(&mut self) -> Vec<IndexPart> {
        std::mem::take(&mut self.parts)
    }

    /// How many objects were appended, each counted once whatever its versions.
    pub fn objects(&self) -> u64 {
        self.objects
    }

    /// How many compressed bytes were handed to the sink.
    pub fn stored(&self) -> u64 {
        self.pipeline.totals.size
    }

    /// Ends the archive and makes it visible.
    ///
    /// # Errors
    /// The sink's or the host's; `AlreadyExists` if the sink was opened with `CreateNew` and the key is taken by now;
    /// `Corrupt` if the store says another size than was written.
    pub async fn finish(mut self) -> Result<FinishedArchive> {
        let mut batch = std::mem::take(&mut self.batch);
        batch.place.last = true;
        self.pipeline.push(batch).await?;
        let part_rows = self.part_rows();
        let mut closed = self.pipeline.finish().await?;
        cut_parts(&mut closed.rows, part_rows, &mut self.parts)?;
        if !closed.rows.is_empty() {
            self.parts.push(IndexPart::new(closed.rows)?);
        }
        Ok(FinishedArchive {
            summary: ArchiveSummary {
                size: closed.totals.size,
                sha256: closed.sha256,
                objects: self.objects,
                rows: self.rows,
                entries: self.entries,
                members: closed.totals.members,
                raw: closed.totals.raw,
            },
            meta: closed.meta,
            parts: self.parts,
        })
    }

    /// Leaves nothing.
    ///
    /// # Errors
    /// The sink's.
    pub async fn abort(self) -> Result<()> {
        self.pipeline.abort().await
    }

    fn last_key(&self) -> Option<(&ObjectId, &str)> {
        let before = || {
            self.last
                .as_ref()
                .map(|(id, version)| (id, version.as_str()))
        };
        self.batch.items.last().map(Item::key).or_else(before)
    }

    fn check_order(&self, item: &Item) -> Result<()> {
        let Some(last) = self.last_key() else {
            return Ok(());
        };
        if index::compare(last, item.key()) != Ordering::Less {
            return Err(Error::invalid(
                "objects must come in rising order of resource, namespace, name and version",
            )
            .with_context("object", format_args!("{} {}", item.id(), item.version()))
            .with_context("after", format_args!("{} {}", last.0, last.1)));
        }
        if self.entries + item.entries() > self.limits.entries {
            return Err(
                Error::invalid("archive would hold more entries than allowed")
                    .with_context("object", item.id())
                    .with_context("limit", self.limits.entries),
            );
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        // The batch stays here until it can be handed in at once: a cancelled call must not lose it.
        self.pipeline.make_room().await?;
        let batch = std::mem::take(&mut self.batch);
        self.last = batch
            .items
            .last()
            .map(|item| (item.id().clone(), item.version().to_owned()));
        self.pipeline.start(batch);
        self.pipeline.write_ready().await?;
        let rows = self.part_rows();
        cut_parts(&mut self.pipeline.rows, rows, &mut self.parts)
    }

    fn part_rows(&self) -> usize {
        self.limits.part_rows.clamp(1, IndexPart::MAX_ROWS)
    }
}

/// Moves every full part out of `rows`.
pub(super) fn cut_parts(
    rows: &mut Vec<IndexRow>,
    size: usize,
    parts: &mut Vec<IndexPart>,
) -> Result<()> {
    while rows.len() >= size {
        let rest = rows.split_off(size);
        parts.push(IndexPart::new(std::mem::replace(rows, rest))?);
    }
    Ok(())
}

impl fmt::Debug for ArchiveWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArchiveWriter")
            .field("objects", &self.objects)
            .field("pipeline", &self.pipeline)
            .finish_non_exhaustive()
    }
}

//! Reading an archive of csdr's own back into its index.

use super::{
    ArchiveLimits, ArchiveReader, ArchiveSummary, EntryPath, IndexPart, IndexRow, Layout,
    MemberSpan, ObjectPath, PathVersion,
    batch::FORMAT_VERSION,
    index,
    reader::{ArchiveItem, StreamedEntry},
    writer::cut_parts,
};
use crate::{
    Error, Result,
    model::{Object, ObjectId},
    port::{Compute, ComputeExt},
};
use bytes::Bytes;
use futures::stream::BoxStream;
use std::{cmp::Ordering, collections::VecDeque, fmt, sync::Arc};

/// Reads an archive that csdr wrote and makes its index anew: a continued backup adopts an archive whose index was lost.
///
/// It is strict: every property that the writer promises (order, both paths of an object one right after the other and equal,
/// whole entries in every member, an exact end) is checked, so that what comes out is what the writer had put beside it.
///
/// ```
/// use csdr_core::{archive::{ArchiveLimits, ArchiveWriter, Reindex}, memory::MemoryVault};
/// use csdr_core::port::{InlineCompute, PutMode, ReadRange, VaultBackend, VaultKey};
/// use std::sync::Arc;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let (vault, key, limits) = (MemoryVault::default(), VaultKey::parse("a.tar.gz")?, ArchiveLimits::default());
/// let sink = vault.writer(&key, PutMode::CreateNew).await?;
/// let done = ArchiveWriter::new(sink, Arc::new(InlineCompute), limits).finish().await?;
///
/// let stream = vault.get(&key, ReadRange::Full).await?;
/// let mut reindex = Reindex::new(stream, Arc::new(InlineCompute), limits);
/// while let Some(_part) = reindex.next_part().await? {}
/// assert_eq!(reindex.summary(), Some(&done.summary));
/// # Ok::<(), csdr_core::Error>(()) }).unwrap();
/// ```
pub struct Reindex {
    reader: ArchiveReader,
    compute: Arc<dyn Compute>,
    limits: ArchiveLimits,
    // Invariant: `None` while a job has it and for ever after an error.
    rows: Option<Box<RowMaker>>,
    waiting: Vec<IndexRow>,
    parts: VecDeque<IndexPart>,
    summary: Option<ArchiveSummary>,
}

impl Reindex {
    /// Reads from `stream`, which yields the file from its first byte.
    pub fn new(
        stream: BoxStream<'static, Result<Bytes>>,
        compute: Arc<dyn Compute>,
        limits: ArchiveLimits,
    ) -> Self {
        Self {
            reader: ArchiveReader::new(stream, Layout::Members, Arc::clone(&compute), limits),
            compute,
            limits,
            rows: Some(Box::default()),
            waiting: Vec::new(),
            parts: VecDeque::new(),
            summary: None,
        }
    }

    /// The next index part, as the writer made it under the same limits; `None` at the end.
    ///
    /// # Errors
    /// `Corrupt`, with the entry and its place, if this is not a whole archive of csdr's; the stream's own errors.
    pub async fn next_part(&mut self) -> Result<Option<IndexPart>> {
        loop {
            if let Some(part) = self.parts.pop_front() {
                return Ok(Some(part));
            }
            match self.next_rows().await? {
                Some(mut rows) => {
                    self.waiting.append(&mut rows);
                    let size = self.limits.part_rows.clamp(1, IndexPart::MAX_ROWS);
                    let mut parts = Vec::new();
                    cut_parts(&mut self.waiting, size, &mut parts)?;
                    self.parts.extend(parts);
                }
                None if self.waiting.is_empty() => return Ok(None),
                None => return IndexPart::new(std::mem::take(&mut self.waiting)).map(Some),
            }
        }
    }

    /// What the archive holds; `None` before its end was read.
    pub fn summary(&self) -> Option<&ArchiveSummary> {
        self.summary.as_ref()
    }

    /// The rows that the next step finds, maybe none; `None` at the end.
    pub(super) async fn next_rows(&mut self) -> Result<Option<Vec<IndexRow>>> {
        if self.summary.is_some() {
            return Ok(None);
        }
        let items = self.reader.next_items().await?;
        let mut maker = self.rows.take().ok_or_else(|| {
            Error::cancelled("index archive")
                .with_context("state", "failed before; open the archive again")
        })?;
        let Some(items) = items else {
            self.summary = Some(maker.finish(&self.reader)?);
            return Ok(None);
        };
        let (maker, rows) = self
            .compute
            .call(move || {
                let rows = maker.take(items)?;
                Ok((maker, rows))
            })
            .await
            .map_err(|error| error.with_operation("index archive"))?;
        self.rows = Some(maker);
        Ok(Some(rows))
    }
}

/// Turns entries into rows, and holds csdr's rules for them.
#[derive(Default)]
struct RowMaker {
    /// `metadata/version` was seen.
    begun: bool,
    /// Rows of the present member, whose length is not known yet.
    member: Vec<IndexRow>,
    /// The last row's second entry must follow.
    second: bool,
    last: Option<(ObjectId, String)>,
    objects: u64,
    rows: u64,
}

impl RowMaker {
    fn take(&mut self, items: Vec<ArchiveItem>) -> Result<Vec<IndexRow>> {
        let mut rows = Vec::new();
        for item in items {
            match item {
                ArchiveItem::Entry(entry) => {
                    self.entry(&entry).map_err(|error| about(error, &entry))?
                }
                ArchiveItem::Member(span) => rows.append(&mut self.end_member(span)?),
            }
        }
        Ok(rows)
    }

    fn entry(&mut self, entry: &StreamedEntry) -> Result<()> {
        match (&entry.path, self.begun) {
            (EntryPath::Version, false) if entry.data == FORMAT_VERSION => {
                self.begun = true;
                Ok(())
            }
            (EntryPath::Version, false) => {
                Err(Error::corrupt("archive has another format version"))
            }
            (_, false) => Err(Error::corrupt(
                "archive does not begin with metadata/version",
            )),
            (EntryPath::Version, true) => Err(Error::corrupt("metadata/version comes twice")),
            (EntryPath::Other(_), true) => Err(Error::corrupt(
                "archive has an entry that csdr does not write",
            )),
            (EntryPath::Object(path), true) if self.second => self.second_entry(path, entry),
            (EntryPath::Object(path), true) => self.first_entry(path, entry),
        }
    }

    fn first_entry(&mut self, path: &ObjectPath, entry: &StreamedEntry) -> Result<()> {
        let place = entry
            .place
            .ok_or_else(|| Error::corrupt("entry crosses the end of a gzip member"))?;
        let object = Object::parse(path.id.resource().clone(), entry.data.clone())
            .map_err(|error| Error::corrupt("entry is not an object's JSON").with_source(error))?;
        let version = object.meta().kind.api_version.version();
        let fits = match &path.version {
            PathVersion::Plain => true,
            PathVersion::Served(served) => served == version,
            PathVersion::Preferred(_) => {
                return Err(Error::corrupt(
                    "object's plain entry is missing before this one",
                ));
            }
        };
        if *object.id() != path.id || !fits {
            return Err(Error::corrupt(
                "entry's JSON names another object or version than its path",
            ));
        }
        let key = (path.id.clone(), version.to_owned());
        if let Some(last) = &self.last
            && index::compare((&last.0, &last.1), (&key.0, &key.1)) != Ordering::Less
        {
            return Err(Error::corrupt("entries do not rise"));
        }
        self.objects += u64::from(self.last.as_ref().is_none_or(|last| last.0 != key.0));
        self.rows += 1;
        self.second = path.version == PathVersion::Plain;
        self.member.push(IndexRow {
            id: key.0.clone(),
            version: key.1.clone(),
            preferred: self.second,
            member: MemberSpan {
                offset: place.member,
                len: 0,
            },
            entry: place.entry,
            size: entry.data.len() as u64,
            sha256: entry.sha256,
        });
        self.last = Some(key);
        Ok(())
    }

    fn second_entry(&mut self, path: &ObjectPath, entry: &StreamedEntry) -> Result<()> {
        let row = self
            .member
            .last()
            .ok_or_else(|| Error::corrupt("object's two entries lie in two gzip members"))?;
        let wanted = PathVersion::Preferred(row.version.clone());
        if path.id != row.id || path.version != wanted {
            return Err(
                Error::corrupt("object's second entry is missing").with_context("object", row)
            );
        }
        if (entry.data.len() as u64, entry.sha256) != (row.size, row.sha256) {
            return Err(Error::corrupt("object's two entries differ").with_context("object", row));
        }
        self.second = false;
        Ok(())
    }

    fn end_member(&mut self, span: MemberSpan) -> Result<Vec<IndexRow>> {
        self.check_pair()?;
        let mut rows = std::mem::take(&mut self.member);
        for row in &mut rows {
            row.member = span;
        }
        Ok(rows)
    }

    fn check_pair(&self) -> Result<()> {
        match (self.second, self.member.last()) {
            (true, Some(row)) => {
                Err(Error::corrupt("object's second entry is missing").with_context("object", row))
            }
            _ => Ok(()),
        }
    }

    fn finish(&self, reader: &ArchiveReader) -> Result<ArchiveSummary> {
        self.check_pair()?;
        match (reader.totals(), self.begun) {
            (Some(totals), true) => Ok(ArchiveSummary {
                size: totals.size,
                sha256: totals.sha256,
                objects: self.objects,
                rows: self.rows,
                entries: totals.entries,
                members: totals.members,
                raw: totals.raw,
            }),
            _ => {
                Err(Error::corrupt("archive has no metadata/version")
                    .with_operation("index archive"))
            }
        }
    }
}

fn about(error: Error, entry: &StreamedEntry) -> Error {
    error
        .with_context("entry", entry.path.to_string().escape_debug())
        .with_context("raw_offset", entry.raw_offset)
}

impl fmt::Debug for Reindex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reindex")
            .field("reader", &self.reader)
            .field("summary", &self.summary)
            .finish_non_exhaustive()
    }
}

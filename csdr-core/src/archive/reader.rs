//! Reading an archive as it streams by.

use super::{
    ArchiveLimits, Digest, EntryPath, MemberSpan,
    decoder::{ArchiveTotals, Decoder},
};
use crate::{
    Error, ErrorKind, Result,
    port::{Compute, ComputeExt},
};
use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use std::{collections::VecDeque, fmt, sync::Arc};

/// Reads a whole archive from a stream: csdr's, or Velero's, which is a single gzip member. Memory is one entry and about 2 MiB.
///
/// ```
/// use csdr_core::{archive::{ArchiveLimits, ArchiveReader, Layout}, port::InlineCompute};
/// use futures::{StreamExt, stream};
/// use std::sync::Arc;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let bytes = stream::iter([Ok(bytes::Bytes::from_static(b"not an archive"))]).boxed();
/// let mut reader = ArchiveReader::new(bytes, Layout::Stream, Arc::new(InlineCompute), ArchiveLimits::default());
/// let error = reader.next().await.unwrap_err();
/// assert_eq!(error.kind(), csdr_core::ErrorKind::Corrupt);
/// # });
/// ```
pub struct ArchiveReader {
    stream: BoxStream<'static, Result<Bytes>>,
    compute: Arc<dyn Compute>,
    // Invariant: `None` while a job has it, at the end, and for ever after an error or an interrupted call.
    decoder: Option<Box<Decoder>>,
    chunk: Bytes,
    ready: VecDeque<ArchiveItem>,
    totals: Option<ArchiveTotals>,
}

/// How an archive's gzip members must be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// As csdr writes: members of bounded size, each with whole entries.
    Members,
    /// In any way: one member, or many that know nothing of entries.
    Stream,
}

/// What a reader yields.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every item is an entry: a box would cost one allocation each"
)]
pub enum ArchiveItem {
    /// A regular file.
    Entry(StreamedEntry),
    /// A gzip member has ended; the entries before it that are not of an earlier one ended in it.
    Member(MemberSpan),
}

/// A regular file of a streamed archive.
#[derive(Clone, PartialEq, Eq)]
pub struct StreamedEntry {
    /// Its path.
    pub path: EntryPath,
    /// Its data; shares memory of about 1 MiB with its neighbours.
    pub data: Bytes,
    /// SHA-256 of its data.
    pub sha256: Digest,
    /// Offset of its data in the whole tar.
    pub raw_offset: u64,
    /// Where it lies among the members; `None` if it crosses the end of one.
    pub place: Option<EntryPlace>,
}

/// Where an entry lies among the members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryPlace {
    /// First byte of its member in the compressed file.
    pub member: u64,
    /// Offset of its data in the decoded member.
    pub entry: u64,
}

impl ArchiveReader {
    /// Reads from `stream`, which yields the file from its first byte in chunks of any size.
    pub fn new(
        stream: BoxStream<'static, Result<Bytes>>,
        layout: Layout,
        compute: Arc<dyn Compute>,
        limits: ArchiveLimits,
    ) -> Self {
        Self {
            stream,
            compute,
            decoder: Some(Box::new(Decoder::new(layout, limits))),
            chunk: Bytes::new(),
            ready: VecDeque::new(),
            totals: None,
        }
    }

    /// The next entry; `None` at the end.
    ///
    /// # Errors
    /// `Corrupt`, with the entry and its place, if the archive is not whole or not harmless; the stream's own errors.
    ///
    /// # Cancellation
    /// Dropping the future may lose bytes: later calls answer an error.
    pub async fn next(&mut self) -> Result<Option<StreamedEntry>> {
        while let Some(item) = self.next_item().await? {
            if let ArchiveItem::Entry(entry) = item {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// The next entry or end of a member; `None` at the end.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn next_item(&mut self) -> Result<Option<ArchiveItem>> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Ok(Some(item));
            }
            match self.next_items().await? {
                Some(items) => self.ready = items.into(),
                None => return Ok(None),
            }
        }
    }

    /// All that the next step finds (about 1 MiB), maybe nothing; `None` at the end.
    pub(super) async fn next_items(&mut self) -> Result<Option<Vec<ArchiveItem>>> {
        if self.totals.is_some() {
            return Ok(None);
        }
        let mut decoder = self.decoder.take().ok_or_else(|| {
            Error::new(
                ErrorKind::Unexpected,
                "reader failed or was interrupted before; open the archive again",
            )
            .with_operation("read archive")
        })?;
        while self.chunk.is_empty() {
            match self.stream.next().await {
                Some(chunk) => self.chunk = chunk?,
                None => {
                    let named = |error: Error| error.with_operation("read archive");
                    self.totals = Some(decoder.finish().map_err(named)?);
                    return Ok(None);
                }
            }
        }
        let mut chunk = std::mem::take(&mut self.chunk);
        let (decoder, rest, items) = self
            .compute
            .call(move || {
                let items = decoder.take(&mut chunk)?;
                Ok((decoder, chunk, items))
            })
            .await
            .map_err(|error| error.with_operation("read archive"))?;
        self.chunk = rest;
        self.decoder = Some(decoder);
        Ok(Some(items))
    }

    /// What the archive was; `None` before its end was read.
    pub fn totals(&self) -> Option<ArchiveTotals> {
        self.totals
    }
}

impl fmt::Debug for StreamedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The data may be a Secret.
        write!(
            f,
            "StreamedEntry({} at {}, {} bytes)",
            self.path,
            self.raw_offset,
            self.data.len()
        )
    }
}

impl fmt::Debug for ArchiveReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArchiveReader")
            .field("totals", &self.totals)
            .finish_non_exhaustive()
    }
}

//! Proof that an archive is what its index and summary say.

use super::{ArchiveLimits, ArchiveSummary, IndexPart, IndexRow, Reindex};
use crate::{Error, Result, port::Compute};
use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use std::{cmp::Ordering, collections::VecDeque, sync::Arc};

/// Reads a whole archive of csdr's and compares every entry with the index, and the whole with its summary. Memory is two index
/// parts and about 3 MiB.
///
/// It proves: the file's size and SHA-256; every object's bytes, under both its paths; place, order and completeness of the
/// index: no row without its object, no object without its row.
///
/// ```
/// use csdr_core::{archive::{ArchiveLimits, ArchiveWriter, verify_archive}, memory::MemoryVault};
/// use csdr_core::port::{InlineCompute, PutMode, ReadRange, VaultBackend, VaultKey};
/// use futures::{StreamExt, stream};
/// use std::sync::Arc;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let (vault, key, limits) = (MemoryVault::default(), VaultKey::parse("a.tar.gz")?, ArchiveLimits::default());
/// let sink = vault.writer(&key, PutMode::CreateNew).await?;
/// let done = ArchiveWriter::new(sink, Arc::new(InlineCompute), limits).finish().await?;
///
/// let archive = vault.get(&key, ReadRange::Full).await?;
/// let parts = stream::iter(done.parts.into_iter().map(Ok)).boxed();
/// verify_archive(archive, parts, &done.summary, Arc::new(InlineCompute), limits).await?;
/// # Ok::<(), csdr_core::Error>(()) }).unwrap();
/// ```
///
/// # Errors
/// `Corrupt` at the first difference, naming the entry or row; the streams' own errors.
pub async fn verify_archive(
    archive: BoxStream<'static, Result<Bytes>>,
    index: BoxStream<'static, Result<IndexPart>>,
    expected: &ArchiveSummary,
    compute: Arc<dyn Compute>,
    limits: ArchiveLimits,
) -> Result<()> {
    let named = |error: Error| error.with_operation("verify archive");
    let mut index = Rows {
        parts: index,
        rows: VecDeque::new(),
    };
    let mut reindex = Reindex::new(archive, compute, limits);
    while let Some(rows) = reindex.next_rows().await.map_err(named)? {
        for row in rows {
            let stored = index.next().await.map_err(named)?;
            compare(&row, stored.as_ref()).map_err(named)?;
        }
    }
    if let Some(row) = index.next().await.map_err(named)? {
        return Err(named(missing(&row)));
    }
    match reindex.summary() {
        Some(found) => compare_summaries(found, expected).map_err(named),
        None => Err(named(Error::corrupt("archive has no end"))),
    }
}

/// The rows of all parts, one after the other.
struct Rows {
    parts: BoxStream<'static, Result<IndexPart>>,
    rows: VecDeque<IndexRow>,
}

impl Rows {
    async fn next(&mut self) -> Result<Option<IndexRow>> {
        while self.rows.is_empty() {
            match self.parts.next().await {
                Some(part) => self.rows = part?.into_rows().into(),
                None => return Ok(None),
            }
        }
        Ok(self.rows.pop_front())
    }
}

/// Compares what the archive holds with what the index says.
fn compare(found: &IndexRow, stored: Option<&IndexRow>) -> Result<()> {
    let extra = || {
        Error::corrupt("archive holds an object that the index does not name")
            .with_context("object", found)
            .with_context("member", found.member.offset)
            .with_context("entry", found.entry)
    };
    let stored = stored.ok_or_else(extra)?;
    match found.compare(stored) {
        Ordering::Less => return Err(extra()),
        Ordering::Greater => return Err(missing(stored)),
        Ordering::Equal => {}
    }
    let fields = [
        ("sha256", found.sha256 == stored.sha256),
        ("size", found.size == stored.size),
        ("preferred", found.preferred == stored.preferred),
        ("member", found.member == stored.member),
        ("entry", found.entry == stored.entry),
    ];
    match fields.iter().find(|(_, equal)| !equal) {
        Some((field, _)) => Err(
            Error::corrupt("object in the archive is not what the index says")
                .with_context("object", found)
                .with_context("differs", field)
                .with_context("member", found.member.offset)
                .with_context("entry", found.entry),
        ),
        None => Ok(()),
    }
}

fn missing(row: &IndexRow) -> Error {
    Error::corrupt("archive lacks an object that the index names, or has it in another place")
        .with_context("object", row)
        .with_context("member", row.member.offset)
        .with_context("entry", row.entry)
}

fn compare_summaries(found: &ArchiveSummary, expected: &ArchiveSummary) -> Result<()> {
    let fields = [
        ("size", found.size == expected.size),
        ("sha256", found.sha256 == expected.sha256),
        ("objects", found.objects == expected.objects),
        ("rows", found.rows == expected.rows),
        ("entries", found.entries == expected.entries),
        ("members", found.members == expected.members),
        ("raw", found.raw == expected.raw),
    ];
    match fields.iter().find(|(_, equal)| !equal) {
        Some((field, _)) => Err(
            Error::corrupt("archive is not the one that the manifest records")
                .with_context("differs", field),
        ),
        None => Ok(()),
    }
}

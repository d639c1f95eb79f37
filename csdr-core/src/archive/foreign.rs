//! Archives of Velero's.

mod intake;
mod merge;
mod run;

use super::{
    ArchiveLimits, ArchiveReader, ArchiveTotals, IndexPart, IndexRow, Layout, member::read_row,
    members::MemberPipeline,
};
use crate::{
    Error, ErrorKind, Result,
    model::Object,
    port::{Compute, ComputeExt, PutMode, VaultBackend, VaultBackendExt, VaultKey},
};
use bytes::Bytes;
use flate2::Compression;
use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use intake::{Intake, Taken};
use run::{RunWriter, Scratch};
use std::{fmt, sync::Arc};

/// How many left-out entries are named before the archive is refused as a whole.
const GAPS: usize = 10_000;

/// An archive that another tool wrote, rewritten once into scratch as members and an index, so that its objects can be read in
/// any order.
///
/// It takes Velero's archives since 1.0: with and without version directories, with either of an object's two paths missing. An
/// object's version is the one in its own JSON, never the directory's: Velero takes the directory from the object before its
/// plugins changed it. Entries that are no readable objects are [gaps](Self::gaps), never silence.
///
/// Memory is an index part and a few MiB, whatever the archive's size; the scratch holds what the archive holds, each object once.
///
/// ```
/// use csdr_core::{archive::{ArchiveLimits, ArchiveWriter, ForeignArchive}, memory::MemoryVault, model::Object};
/// use csdr_core::port::{InlineCompute, PutMode, ReadRange, VaultBackend, VaultKey};
/// use std::sync::Arc;
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// # let (vault, key, limits) = (MemoryVault::default(), VaultKey::parse("backups/a/a.tar.gz")?, ArchiveLimits::default());
/// # let sink = vault.writer(&key, PutMode::CreateNew).await?;
/// # let mut writer = ArchiveWriter::new(sink, Arc::new(InlineCompute), limits);
/// # let json = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"shop"}}"#;
/// # writer.append(Object::parse("configmaps".parse()?, json)?, true).await?;
/// # writer.finish().await?;
/// let archive = vault.get(&key, ReadRange::Full).await?;
/// let (scratch, prefix) = (Arc::new(MemoryVault::default()), VaultKey::parse("scratch/a")?);
/// let foreign = ForeignArchive::adopt(archive, scratch, &prefix, Arc::new(InlineCompute), limits).await?;
/// let part = foreign.part(0).await?;
/// assert_eq!(foreign.object(part.first()).await?.id().to_string(), "configmaps/shop/a");
/// foreign.discard().await?;
/// # Ok::<(), csdr_core::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct ForeignArchive {
    scratch: Scratch,
    data: VaultKey,
    parts: Vec<ForeignPart>,
    gaps: Vec<ForeignGap>,
    summary: ForeignSummary,
}

/// Where an index part of a rewritten archive lies, and what it spans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignPart {
    /// Its key in the scratch.
    pub key: VaultKey,
    /// Its first object.
    pub first: crate::model::ObjectId,
    /// Its last object.
    pub last: crate::model::ObjectId,
    /// Its rows.
    pub rows: u64,
}

/// An entry of a foreign archive that is not in the rewritten one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ForeignGap {
    /// The entry's path, escaped.
    pub entry: String,
    /// Why, without its content.
    pub reason: String,
}

/// What a foreign archive held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignSummary {
    /// The archive itself.
    pub archive: ArchiveTotals,
    /// What its `metadata/version` says (`1.1.0` since Velero 1.4); `None` if there is none.
    pub format_version: Option<String>,
    /// Objects and versions that were taken over: rows of the index.
    pub rows: u64,
}

impl ForeignArchive {
    /// Reads an archive once and rewrites it below `prefix` in `scratch`, where nothing else may lie.
    ///
    /// # Errors
    /// `Corrupt`, with the entry and its place, if the archive is not whole or not harmless, or has more than 10,000 gaps; the
    /// stream's and the scratch's own errors. What was written is removed again as far as the scratch lets it.
    ///
    /// # Cancellation
    /// Dropping the future leaves files below `prefix`.
    pub async fn adopt(
        archive: BoxStream<'static, Result<Bytes>>,
        scratch: Arc<dyn VaultBackend>,
        prefix: &VaultKey,
        compute: Arc<dyn Compute>,
        limits: ArchiveLimits,
    ) -> Result<Self> {
        let scratch = Scratch {
            vault: scratch,
            prefix: prefix.clone(),
            compute,
            limits,
        };
        match rewrite(archive, &scratch).await {
            Ok(adopted) => Ok(adopted),
            Err(error) => {
                // The first error is the one to report; what could not be removed lies in scratch.
                let _ = scratch.clear().await;
                Err(error.with_operation("read foreign archive"))
            }
        }
    }

    /// The parts of its index, in order.
    pub fn parts(&self) -> &[ForeignPart] {
        &self.parts
    }

    /// Reads one part of its index.
    ///
    /// # Errors
    /// `NotFound` beyond the last part; `Corrupt` if the scratch was changed; the scratch's own errors.
    pub async fn part(&self, number: usize) -> Result<IndexPart> {
        let part = self.parts.get(number).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "index has no such part").with_context("part", number)
        })?;
        self.scratch.read_part(&part.key).await
    }

    /// All rows of its index, in order.
    pub fn rows(&self) -> BoxStream<'_, Result<IndexRow>> {
        stream::iter(0..self.parts.len())
            .then(|number| self.part(number))
            .map_ok(|part| stream::iter(part.into_rows().into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    /// The object of a row.
    ///
    /// # Errors
    /// `Corrupt` if the scratch was changed; the scratch's own errors.
    pub async fn object(&self, row: &IndexRow) -> Result<Object> {
        let bytes = self
            .scratch
            .vault
            .read_range(&self.data, row.member.offset, row.member.len)
            .await?;
        let (row, limits) = (row.clone(), self.scratch.limits);
        self.scratch
            .compute
            .call(move || read_row(&bytes, &row, &limits))
            .await
    }

    /// Where the members lie: `object` reads one, who reads many reads ranges of this key.
    pub fn data(&self) -> &VaultKey {
        &self.data
    }

    /// Entries that were left out, sorted.
    pub fn gaps(&self) -> &[ForeignGap] {
        &self.gaps
    }

    /// What the archive held.
    pub fn summary(&self) -> &ForeignSummary {
        &self.summary
    }

    /// Removes everything from the scratch.
    ///
    /// # Errors
    /// The scratch's own.
    pub async fn discard(self) -> Result<()> {
        self.scratch.clear().await
    }
}

async fn rewrite(
    archive: BoxStream<'static, Result<Bytes>>,
    scratch: &Scratch,
) -> Result<ForeignArchive> {
    let data = scratch.prefix.join("data.gz")?;
    let sink = scratch.vault.writer(&data, PutMode::Overwrite).await?;
    // Read about once and then thrown away: speed counts, size does not.
    let mut members = MemberPipeline::new(sink, Arc::clone(&scratch.compute), Compression::fast());
    let taken = take_in(archive, scratch, &mut members).await;
    let mut taken = match taken {
        Ok(taken) => taken,
        Err(error) => {
            let _ = members.abort().await;
            return Err(error);
        }
    };
    let closed = members.finish().await?;
    taken.runs.add(closed.rows, &mut taken.gaps).await?;
    let runs = taken.runs.finish(&mut taken.gaps).await?;
    let parts = merge::merge(scratch, runs, &mut taken.gaps).await?;
    if taken.gaps.len() > GAPS {
        return Err(too_many(&taken.gaps));
    }
    taken.gaps.sort();
    Ok(ForeignArchive {
        scratch: scratch.clone(),
        data,
        summary: ForeignSummary {
            archive: taken.totals,
            format_version: taken.format_version,
            rows: parts.iter().map(|part| part.rows).sum(),
        },
        parts,
        gaps: taken.gaps,
    })
}

/// What was read, when all of it was.
struct TakenIn {
    runs: RunWriter,
    gaps: Vec<ForeignGap>,
    totals: ArchiveTotals,
    format_version: Option<String>,
}

async fn take_in(
    archive: BoxStream<'static, Result<Bytes>>,
    scratch: &Scratch,
    members: &mut MemberPipeline,
) -> Result<TakenIn> {
    let compute = Arc::clone(&scratch.compute);
    let mut reader = ArchiveReader::new(
        archive,
        Layout::Stream,
        Arc::clone(&compute),
        scratch.limits,
    );
    let mut runs = RunWriter::new(scratch.clone());
    let (mut intake, mut gaps) = (Intake::new(scratch.limits), Vec::new());
    while let Some(items) = reader.next_items().await? {
        let taken: Taken;
        (intake, taken) = compute
            .call(move || {
                let taken = intake.take(items);
                Ok((intake, taken))
            })
            .await?;
        for batch in taken.batches {
            members.push(batch).await?;
        }
        gaps.extend(taken.gaps);
        runs.add(std::mem::take(&mut members.rows), &mut gaps)
            .await?;
        if gaps.len() > GAPS {
            return Err(too_many(&gaps));
        }
    }
    let (rest, format_version) = intake.finish();
    if let Some(batch) = rest {
        members.push(batch).await?;
    }
    let totals = reader
        .totals()
        .ok_or_else(|| Error::corrupt("archive has no end"))?;
    Ok(TakenIn {
        runs,
        gaps,
        totals,
        format_version,
    })
}

fn too_many(gaps: &[ForeignGap]) -> Error {
    let error = Error::corrupt("archive has too many entries that are no readable objects")
        .with_context("limit", GAPS);
    match gaps.first() {
        Some(gap) => error
            .with_context("first", &gap.entry)
            .with_context("reason", &gap.reason),
        None => error,
    }
}

impl fmt::Display for ForeignGap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.entry, self.reason)
    }
}

#[cfg(test)]
mod tests;

//! Sorted runs of rows in scratch.

use super::ForeignGap;
use crate::{
    Result,
    archive::{ArchiveLimits, IndexPart, IndexRow},
    port::{Compute, ComputeExt, PutMode, VaultBackend, VaultBackendExt, VaultKey},
};
use futures::TryStreamExt;
use std::{cmp::Ordering, sync::Arc};

/// Rows that are sorted in memory at once.
const RUN_ROWS: usize = 10_000;
/// Rows of one file of a run: what a merge holds of each.
const CHUNK_ROWS: usize = 1_000;

/// Where intermediate files lie.
#[derive(Clone, Debug)]
pub(super) struct Scratch {
    pub(super) vault: Arc<dyn VaultBackend>,
    pub(super) prefix: VaultKey,
    pub(super) compute: Arc<dyn Compute>,
    pub(super) limits: ArchiveLimits,
}

impl Scratch {
    pub(super) async fn write_part(&self, name: &str, part: IndexPart) -> Result<VaultKey> {
        let key = self.prefix.join(name)?;
        let bytes = self.compute.call(move || part.encode()).await?;
        self.vault
            .put(&key, bytes.into(), PutMode::Overwrite)
            .await?;
        Ok(key)
    }

    pub(super) async fn read_part(&self, key: &VaultKey) -> Result<IndexPart> {
        let limits = self.limits;
        let bytes = self.vault.read(key, limits.part).await?;
        self.compute
            .call(move || IndexPart::decode(&bytes, &limits))
            .await
            .map_err(|error| error.with_context("key", key))
    }

    /// Removes every file.
    pub(super) async fn clear(&self) -> Result<()> {
        let files: Vec<_> = self.vault.list(&self.prefix).try_collect().await?;
        for file in files {
            self.vault.delete(&file.key).await?;
        }
        Ok(())
    }
}

/// A sorted run: files of rows that rise over all of them.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) files: Vec<VaultKey>,
}

/// Cuts rows that come in any order into sorted runs.
pub(super) struct RunWriter {
    scratch: Scratch,
    rows: Vec<IndexRow>,
    runs: Vec<Run>,
}

impl RunWriter {
    pub(super) fn new(scratch: Scratch) -> Self {
        Self {
            scratch,
            rows: Vec::new(),
            runs: Vec::new(),
        }
    }

    pub(super) async fn add(
        &mut self,
        mut rows: Vec<IndexRow>,
        gaps: &mut Vec<ForeignGap>,
    ) -> Result<()> {
        self.rows.append(&mut rows);
        while self.rows.len() >= RUN_ROWS {
            let rest = self.rows.split_off(RUN_ROWS);
            let rows = std::mem::replace(&mut self.rows, rest);
            self.write_run(rows, gaps).await?;
        }
        Ok(())
    }

    pub(super) async fn finish(mut self, gaps: &mut Vec<ForeignGap>) -> Result<Vec<Run>> {
        let rows = std::mem::take(&mut self.rows);
        if !rows.is_empty() {
            self.write_run(rows, gaps).await?;
        }
        Ok(self.runs)
    }

    async fn write_run(
        &mut self,
        mut rows: Vec<IndexRow>,
        gaps: &mut Vec<ForeignGap>,
    ) -> Result<()> {
        let (rows, found) = self
            .scratch
            .compute
            .call(move || {
                rows.sort_by(IndexRow::compare);
                let mut gaps = Vec::new();
                let mut kept: Vec<IndexRow> = Vec::with_capacity(rows.len());
                for row in rows {
                    match kept.pop_if(|last| last.compare(&row) == Ordering::Equal) {
                        Some(last) => kept.push(choose(last, row, &mut gaps)),
                        None => kept.push(row),
                    }
                }
                Ok((kept, gaps))
            })
            .await?;
        gaps.extend(found);
        let mut file = RunFile::new(format!("run-0-{}", self.runs.len()));
        for row in rows {
            file.push(&self.scratch, row).await?;
        }
        self.runs.push(file.finish(&self.scratch).await?);
        Ok(())
    }
}

/// A run that is being written.
pub(super) struct RunFile {
    name: String,
    rows: Vec<IndexRow>,
    run: Run,
}

impl RunFile {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            rows: Vec::new(),
            run: Run::default(),
        }
    }

    pub(super) async fn push(&mut self, scratch: &Scratch, row: IndexRow) -> Result<()> {
        self.rows.push(row);
        if self.rows.len() == CHUNK_ROWS {
            self.flush(scratch).await?;
        }
        Ok(())
    }

    pub(super) async fn finish(mut self, scratch: &Scratch) -> Result<Run> {
        if !self.rows.is_empty() {
            self.flush(scratch).await?;
        }
        Ok(self.run)
    }

    async fn flush(&mut self, scratch: &Scratch) -> Result<()> {
        let part = IndexPart::new(std::mem::take(&mut self.rows))?;
        let name = format!("{}-{}.json.gz", self.name, self.run.files.len());
        self.run.files.push(scratch.write_part(&name, part).await?);
        Ok(())
    }
}

/// Of two rows of one object and version: that of the preferred path, else the later one, as unpacking the tar would leave it.
pub(super) fn choose(left: IndexRow, right: IndexRow, gaps: &mut Vec<ForeignGap>) -> IndexRow {
    let rank = |row: &IndexRow| (row.preferred, row.member.offset, row.entry);
    let differ = left.sha256 != right.sha256;
    let kept = if rank(&left) > rank(&right) {
        left
    } else {
        right
    };
    if differ {
        gaps.push(ForeignGap {
            entry: kept.to_string().escape_debug().to_string(),
            reason: "archive holds two different entries of this object and version; the one of the preferred path, else the later, is used".to_owned(),
        });
    }
    kept
}

//! Many sorted runs into one index.

use super::{
    ForeignGap, ForeignPart,
    run::{Run, RunFile, Scratch, choose},
};
use crate::{
    Result,
    archive::{IndexPart, IndexRow},
    port::VaultKey,
};
use std::{cmp::Ordering, vec};

/// Runs that are merged at once: each holds one file of rows in memory.
const FAN_IN: usize = 16;

/// Merges until one run is left, which is written as the index.
pub(super) async fn merge(
    scratch: &Scratch,
    mut runs: Vec<Run>,
    gaps: &mut Vec<ForeignGap>,
) -> Result<Vec<ForeignPart>> {
    let mut round = 1;
    while runs.len() > FAN_IN {
        let mut merged = Vec::new();
        let mut rest = runs.into_iter();
        loop {
            let group: Vec<Run> = rest.by_ref().take(FAN_IN).collect();
            if group.is_empty() {
                break;
            }
            let mut out = RunFile::new(format!("run-{round}-{}", merged.len()));
            let mut input = Merge::open(scratch, group).await?;
            while let Some(row) = input.next(gaps).await? {
                out.push(scratch, row).await?;
            }
            merged.push(out.finish(scratch).await?);
        }
        runs = merged;
        round += 1;
    }
    write_index(scratch, Merge::open(scratch, runs).await?, gaps).await
}

async fn write_index(
    scratch: &Scratch,
    mut input: Merge<'_>,
    gaps: &mut Vec<ForeignGap>,
) -> Result<Vec<ForeignPart>> {
    let size = scratch.limits.part_rows.clamp(1, IndexPart::MAX_ROWS);
    let (mut parts, mut rows) = (Vec::new(), Vec::new());
    loop {
        let row = input.next(gaps).await?;
        let ended = row.is_none();
        rows.extend(row);
        if rows.len() == size || (ended && !rows.is_empty()) {
            let part = IndexPart::new(std::mem::take(&mut rows))?;
            let name = format!("index-{}.json.gz", parts.len());
            let mut written = ForeignPart {
                key: scratch.prefix.clone(),
                first: part.first().id.clone(),
                last: part.last().id.clone(),
                rows: part.rows().len() as u64,
            };
            written.key = scratch.write_part(&name, part).await?;
            parts.push(written);
        }
        if ended {
            return Ok(parts);
        }
    }
}

/// The rows of some runs in one order; files are removed as they are read.
struct Merge<'a> {
    scratch: &'a Scratch,
    cursors: Vec<Cursor>,
}

struct Cursor {
    files: vec::IntoIter<VaultKey>,
    rows: vec::IntoIter<IndexRow>,
    head: Option<IndexRow>,
}

impl<'a> Merge<'a> {
    async fn open(scratch: &'a Scratch, runs: Vec<Run>) -> Result<Self> {
        let mut cursors = Vec::with_capacity(runs.len());
        for run in runs {
            let mut cursor = Cursor {
                files: run.files.into_iter(),
                rows: Vec::new().into_iter(),
                head: None,
            };
            cursor.advance(scratch).await?;
            cursors.push(cursor);
        }
        Ok(Self { scratch, cursors })
    }

    /// The least row; rows of one object and version become one.
    async fn next(&mut self, gaps: &mut Vec<ForeignGap>) -> Result<Option<IndexRow>> {
        let Some(mut least) = self.pop().await? else {
            return Ok(None);
        };
        while self
            .least()
            .is_some_and(|(_, row)| row.compare(&least) == Ordering::Equal)
        {
            if let Some(row) = self.pop().await? {
                least = choose(least, row, gaps);
            }
        }
        Ok(Some(least))
    }

    async fn pop(&mut self) -> Result<Option<IndexRow>> {
        let Some((at, _)) = self.least() else {
            return Ok(None);
        };
        let row = self.cursors[at].head.take();
        self.cursors[at].advance(self.scratch).await?;
        Ok(row)
    }

    fn least(&self) -> Option<(usize, &IndexRow)> {
        let heads = self.cursors.iter().enumerate();
        heads
            .filter_map(|(at, cursor)| Some((at, cursor.head.as_ref()?)))
            .min_by(|left, right| left.1.compare(right.1))
    }
}

impl Cursor {
    async fn advance(&mut self, scratch: &Scratch) -> Result<()> {
        self.head = self.rows.next();
        while self.head.is_none() {
            let Some(file) = self.files.next() else {
                return Ok(());
            };
            self.rows = scratch.read_part(&file).await?.into_rows().into_iter();
            scratch.vault.delete(&file).await?;
            self.head = self.rows.next();
        }
        Ok(())
    }
}

//! The CPU part of reading an archive as it streams by.

use super::{
    ArchiveLimits, Digest, EntryPath, MemberSpan,
    gunzip::{Gunzip, Step},
    header::{BLOCK, padded},
    parse::{Announced, TarState, What},
    reader::{ArchiveItem, EntryPlace, Layout, StreamedEntry},
};
use crate::{Error, Result};
use bytes::{Buf, Bytes};
use sha2::{Digest as _, Sha256};
use std::ops::Range;

/// Raw bytes that one call decodes before it hands over what it found: a job of a few milliseconds.
const STEP: usize = 1 << 20;
/// Compressed bytes that one call takes at most: a stranger's may give nothing at all.
const TAKE: usize = 1 << 20;

/// Gunzip, tar and hashes, fed with any chunks. Holds at most one entry beside a [`STEP`].
pub(super) struct Decoder {
    limits: ArchiveLimits,
    layout: Layout,
    gunzip: Gunzip,
    tar: TarState,
    hasher: Sha256,
    size: u64,
    /// Raw bytes not handed over yet; parsed up to `cursor`.
    buffer: Vec<u8>,
    cursor: usize,
    /// Place of the buffer's first byte in the tar.
    buffer_at: u64,
    /// What the header before the cursor announced.
    announced: Option<Announced>,
    /// Place of the present entry's first header (extensions count) in the tar.
    entry_at: Option<u64>,
    member: MemberStart,
    members: u64,
    entries: u64,
    /// The last entry that was whole, for errors.
    last: Option<EntryPath>,
}

#[derive(Clone, Copy, Default)]
struct MemberStart {
    compressed: u64,
    raw: u64,
}

/// What was found in the buffer, in its order.
enum Found {
    Entry {
        path: EntryPath,
        data: Range<usize>,
        place: Option<EntryPlace>,
    },
    Member(MemberSpan),
}

/// What an archive was when it had been read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveTotals {
    /// Bytes of the compressed file.
    pub size: u64,
    /// SHA-256 of the compressed file.
    pub sha256: Digest,
    /// Regular files in the tar.
    pub entries: u64,
    /// gzip members.
    pub members: u64,
    /// Bytes of the tar.
    pub raw: u64,
}

impl Decoder {
    pub(super) fn new(layout: Layout, limits: ArchiveLimits) -> Self {
        Self {
            limits,
            layout,
            gunzip: Gunzip::new(limits.ratio),
            tar: TarState::new(limits),
            hasher: Sha256::new(),
            size: 0,
            buffer: Vec::new(),
            cursor: 0,
            buffer_at: 0,
            announced: None,
            entry_at: None,
            member: MemberStart::default(),
            members: 0,
            entries: 0,
            last: None,
        }
    }

    /// Takes from `chunk` until it is empty or enough was found.
    pub(super) fn take(&mut self, chunk: &mut Bytes) -> Result<Vec<ArchiveItem>> {
        let before = chunk.clone();
        let found = self.search(chunk).map_err(|error| self.locate(error))?;
        let taken = before.len() - chunk.len();
        self.hasher.update(&before[..taken]);
        self.size += taken as u64;
        Ok(self.hand_over(found))
    }

    /// The end of the input.
    pub(super) fn finish(mut self) -> Result<ArchiveTotals> {
        let raw = self.raw();
        let refuse = |this: &Self, what: &str| {
            Err(this.locate(Error::corrupt(what).with_context("raw_offset", raw)))
        };
        if self.size == 0 {
            return refuse(&self, "archive is empty");
        }
        if !self.gunzip.is_between() {
            return refuse(&self, "archive is cut: its gzip stream does not end");
        }
        if !self.tar.has_ended() {
            return refuse(&self, "archive is cut: it has no end");
        }
        if self.buffer[self.cursor..].iter().any(|byte| *byte != 0) {
            return refuse(&self, "data follows the end of the archive");
        }
        if self.layout == Layout::Members
            && !self.tar.has_ended_exactly(self.buffer.len() - self.cursor)
        {
            return refuse(&self, "archive's end is not as csdr writes it");
        }
        Ok(ArchiveTotals {
            size: self.size,
            sha256: std::mem::take(&mut self.hasher).into(),
            entries: self.entries,
            members: self.members,
            raw,
        })
    }

    /// Raw bytes decoded so far.
    fn raw(&self) -> u64 {
        self.buffer_at + self.buffer.len() as u64
    }

    fn search(&mut self, chunk: &mut Bytes) -> Result<Vec<Found>> {
        let (mut found, start, mut takes) = (Vec::new(), self.raw(), chunk.len().min(TAKE));
        while takes > 0 && self.raw() - start < STEP as u64 {
            let mut input = &chunk[..takes];
            let step = self.gunzip.step(&mut input, &mut self.buffer)?;
            let taken = takes - input.len();
            takes -= taken;
            chunk.advance(taken);
            self.parse(&mut found)?;
            self.check_member()?;
            if step == Step::MemberEnd {
                found.push(Found::Member(self.end_member()?));
            }
        }
        Ok(found)
    }

    fn check_member(&self) -> Result<()> {
        if self.layout == Layout::Members && self.raw() - self.member.raw > self.limits.member {
            return Err(Error::corrupt("gzip member is larger than allowed")
                .with_context("member", self.member.compressed)
                .with_context("limit", self.limits.member));
        }
        Ok(())
    }

    fn end_member(&mut self) -> Result<MemberSpan> {
        let crosses =
            self.cursor < self.buffer.len() || self.announced.is_some() || self.entry_at.is_some();
        if self.layout == Layout::Members && crosses {
            return Err(Error::corrupt(
                "entry crosses the end of a gzip member: csdr did not write this archive",
            )
            .with_context("member", self.member.compressed));
        }
        let next = MemberStart {
            compressed: self.gunzip.consumed(),
            raw: self.raw(),
        };
        let offset = std::mem::replace(&mut self.member, next).compressed;
        self.members += 1;
        Ok(MemberSpan {
            offset,
            len: next.compressed - offset,
        })
    }

    /// Finds every entry that is whole in the buffer.
    fn parse(&mut self, found: &mut Vec<Found>) -> Result<()> {
        loop {
            let here = self.buffer_at + self.cursor as u64;
            let rest = self.buffer.len() - self.cursor;
            let Some(announced) = self.announced.take() else {
                if rest < BLOCK {
                    return Ok(());
                }
                let block = &self.buffer[self.cursor..self.cursor + BLOCK];
                self.announced = self.tar.header(block, here)?;
                if self.announced.is_some() {
                    self.entry_at.get_or_insert(here);
                }
                self.cursor += BLOCK;
                continue;
            };
            // Invariant: the parser has bounded the size, so that it fits.
            let (size, whole) = (announced.size as usize, padded(announced.size) as usize);
            if rest < whole {
                self.announced = Some(announced);
                return Ok(());
            }
            let data = self.cursor..self.cursor + size;
            self.cursor += whole;
            match announced.what {
                What::File(path) => {
                    let place = self.place(here);
                    self.entries += 1;
                    self.last = Some(path.clone());
                    found.push(Found::Entry { path, data, place });
                    self.entry_at = None;
                }
                What::Directory => self.entry_at = None,
                what => self.tar.extension(&what, &self.buffer[data], here)?,
            }
        }
    }

    /// Where the present entry lies, unless it began in another member.
    fn place(&self, data_at: u64) -> Option<EntryPlace> {
        let starts_here = self.entry_at.is_some_and(|at| at >= self.member.raw);
        starts_here.then(|| EntryPlace {
            member: self.member.compressed,
            entry: data_at - self.member.raw,
        })
    }

    /// Makes entries of the buffer's parsed part, which they share, and keeps the rest.
    fn hand_over(&mut self, found: Vec<Found>) -> Vec<ArchiveItem> {
        let at = self.buffer_at;
        let has_entries = found
            .iter()
            .any(|found| matches!(found, Found::Entry { .. }));
        let parsed = if has_entries {
            let rest = self.buffer.split_off(self.cursor);
            Bytes::from(std::mem::replace(&mut self.buffer, rest))
        } else {
            self.buffer.drain(..self.cursor);
            Bytes::new()
        };
        self.buffer_at += self.cursor as u64;
        self.cursor = 0;
        found
            .into_iter()
            .map(|found| match found {
                Found::Member(span) => ArchiveItem::Member(span),
                Found::Entry { path, data, place } => {
                    let raw_offset = at + data.start as u64;
                    let data = parsed.slice(data);
                    ArchiveItem::Entry(StreamedEntry {
                        sha256: Digest::of(&data),
                        path,
                        data,
                        raw_offset,
                        place,
                    })
                }
            })
            .collect()
    }

    /// Says in which entry, or after which, an error lies.
    fn locate(&self, error: Error) -> Error {
        if error.context().any(|(name, _)| name == "entry") {
            return error;
        }
        match (&self.announced, &self.last) {
            (
                Some(Announced {
                    what: What::File(path),
                    ..
                }),
                _,
            ) => error.with_context("entry", path.to_string().escape_debug()),
            (_, Some(last)) => error.with_context("after", last.to_string().escape_debug()),
            _ => error.with_context("after", "the start of the archive"),
        }
    }
}

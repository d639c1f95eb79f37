//! One member's objects, and the job that turns them into bytes.

use super::{
    ArchiveLimits, Digest, IndexRow, MemberSpan,
    header::{self, BLOCK},
    path::{self, Directory},
};
use crate::{
    Error, ErrorKind, Result,
    model::{Object, ObjectId},
};
use flate2::{Compression, GzBuilder};
use std::io::Write as _;

/// What `metadata/version` holds. Source: Velero's `status.formatVersion` since 1.4.
pub(super) const FORMAT_VERSION: &[u8] = b"1.1.0\n";

/// An object on its way into the archive.
pub(super) struct Item {
    pub(super) object: Object,
    pub(super) preferred: bool,
    /// How often its bytes are written.
    pub(super) copies: Copies,
}

/// Under which paths an object is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copies {
    /// As Velero does: the preferred version under two paths.
    AsVelero,
    /// One entry: for csdr's own eyes.
    One,
}

impl Item {
    pub(super) fn id(&self) -> &ObjectId {
        self.object.id()
    }

    /// Its own version: what counts, whatever a directory says.
    pub(super) fn version(&self) -> &str {
        self.object.meta().kind.api_version.version()
    }

    pub(super) fn key(&self) -> (&ObjectId, &str) {
        (self.id(), self.version())
    }

    /// The directories of the paths under which it is written, the indexed one first.
    fn directories(&self) -> impl Iterator<Item = Directory<'_>> {
        let version = self.version();
        let (first, second) = match (self.preferred, self.copies) {
            (true, Copies::AsVelero) => (Directory::Plain, Some(Directory::Preferred(version))),
            (true, Copies::One) => (Directory::Preferred(version), None),
            (false, _) => (Directory::Served(version), None),
        };
        std::iter::once(first).chain(second)
    }

    /// Entries that it becomes.
    pub(super) fn entries(&self) -> u64 {
        if self.preferred && self.copies == Copies::AsVelero {
            2
        } else {
            1
        }
    }

    /// Tar bytes that it becomes; a long path adds up to three blocks an entry that are not counted.
    pub(super) fn raw(&self) -> u64 {
        self.entries() * (BLOCK as u64 + header::padded(self.object.json().len() as u64))
    }

    /// Refuses what a reader under the same limits would refuse.
    pub(super) fn check(&self, limits: &ArchiveLimits) -> Result<()> {
        let refuse = |what: &str| Err(Error::invalid(what).with_context("object", self.id()));
        if self.object.json().len() as u64 > limits.entry {
            return refuse("object is larger than an entry of the archive may be");
        }
        // Twice a member's share of headers: paths are bounded by their own limit.
        let headers = self.entries() * (4 * BLOCK as u64 + 2 * limits.path as u64);
        if self.raw() + headers + header::END.len() as u64 + 2 * BLOCK as u64 > limits.member {
            return refuse("object is larger than a member of the archive may be");
        }
        path::check_version(self.version())
            .map_err(|error| error.with_context("object", self.id()))?;
        if path::longest(self.id(), self.version()) > limits.path {
            return refuse("object's path is longer than an archive allows");
        }
        Ok(())
    }
}

/// The objects of one member.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) items: Vec<Item>,
    /// Raw bytes of the items.
    pub(super) raw: u64,
    pub(super) place: Place,
}

/// What a member holds beside its objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// `metadata/version` comes first.
    pub(super) first: bool,
    /// The tar ends here.
    pub(super) last: bool,
}

/// A finished member, not yet written.
pub(super) struct Sealed {
    /// The gzip member.
    pub(super) bytes: Vec<u8>,
    /// Raw bytes in it.
    pub(super) raw: u64,
    /// One row an item; the member's offset counts from 0 until it is known.
    pub(super) rows: Vec<IndexRow>,
}

impl Batch {
    /// Builds tar, gzip and rows: the CPU work of the archive.
    pub(super) fn seal(self, level: Compression) -> Result<Sealed> {
        let mut raw = Vec::with_capacity(self.raw as usize + 4 * BLOCK);
        if self.place.first {
            header::append_file(&mut raw, "metadata/version", FORMAT_VERSION)?;
        }
        let mut rows = Vec::with_capacity(self.items.len());
        let mut path = String::new();
        for item in &self.items {
            rows.push(append_item(&mut raw, item, &mut path)?);
        }
        if self.place.last {
            raw.extend_from_slice(&header::END);
        }
        let bytes = compress(&raw, level)?;
        for row in &mut rows {
            row.member.len = bytes.len() as u64;
        }
        Ok(Sealed {
            bytes,
            raw: raw.len() as u64,
            rows,
        })
    }
}

/// `path` is scratch, so that not every path takes memory of its own.
fn append_item(raw: &mut Vec<u8>, item: &Item, path: &mut String) -> Result<IndexRow> {
    let json = item.object.json();
    let mut entry = None;
    for directory in item.directories() {
        path.clear();
        directory.write(item.id(), path).map_err(|error| {
            Error::new(ErrorKind::Unexpected, "path cannot be written").with_source(error)
        })?;
        let offset = header::append_file(raw, path, json)?;
        entry.get_or_insert(offset);
    }
    Ok(IndexRow {
        id: item.id().clone(),
        version: item.version().to_owned(),
        preferred: item.preferred,
        member: MemberSpan { offset: 0, len: 0 },
        entry: entry.unwrap_or_default() as u64,
        size: json.len() as u64,
        sha256: Digest::of(json),
    })
}

/// One gzip member with a fixed header: no time, no name, no system.
fn compress(raw: &[u8], level: Compression) -> Result<Vec<u8>> {
    let mut gzip = GzBuilder::new()
        .mtime(0)
        .operating_system(255)
        .write(Vec::with_capacity(raw.len() / 5 + 64), level);
    gzip.write_all(raw)
        .and_then(|()| gzip.finish())
        .map_err(|error| {
            Error::new(ErrorKind::Unexpected, "member cannot be compressed").with_source(error)
        })
}

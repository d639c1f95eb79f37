//! One member of an archive that has an index.

use super::{
    ArchiveLimits, Digest, EntryPath, IndexRow, gunzip,
    header::{BLOCK, padded},
    parse::{TarState, What},
};
use crate::{Error, Result, model::Object};
use bytes::Bytes;

/// A decoded member: its entries, whose data share the member's memory.
///
/// ```
/// use csdr_core::archive::{ArchiveLimits, decode_member};
/// let error = decode_member(b"not gzip", &ArchiveLimits::default()).unwrap_err();
/// assert_eq!(error.kind(), csdr_core::ErrorKind::Corrupt);
/// ```
#[derive(Clone, Debug)]
pub struct Member {
    entries: Vec<Entry>,
    raw: u64,
    ends_archive: bool,
}

/// One regular file of a tar.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path.
    pub path: EntryPath,
    /// Offset of its data in the decoded member.
    pub offset: u64,
    /// Its data.
    pub data: Bytes,
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The data may be a Secret.
        write!(
            f,
            "Entry({} at {}, {} bytes)",
            self.path,
            self.offset,
            self.data.len()
        )
    }
}

/// Decodes one member: exactly one gzip stream that holds whole entries. CPU work of about 2 ms a MiB: worth a
/// [`Compute`](crate::port::Compute) job.
///
/// # Errors
/// `Corrupt` if anything in it is not as csdr writes it or beyond `limits`, with the entry's path and offset.
pub fn decode_member(bytes: &[u8], limits: &ArchiveLimits) -> Result<Member> {
    decode(bytes, limits).map_err(|error| error.with_operation("read archive member"))
}

/// Decodes a member and takes one object out of it; see [`Member::object`] for many.
///
/// # Errors
/// `Corrupt` as [`decode_member`] and [`Member::object`].
pub fn read_row(bytes: &[u8], row: &IndexRow, limits: &ArchiveLimits) -> Result<Object> {
    decode_member(bytes, limits)
        .map_err(|error| error.with_context("object", &row.id))?
        .object(row)
}

impl Member {
    /// Its entries in their order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Bytes of tar in it.
    pub fn raw(&self) -> u64 {
        self.raw
    }

    /// Whether the archive ends with it.
    pub fn ends_archive(&self) -> bool {
        self.ends_archive
    }

    /// The object of an index row, its hash checked. It shares the member's memory.
    ///
    /// # Errors
    /// `Corrupt`, with the object's id, if no entry begins where the row says, or if its path, size, hash or JSON is another.
    pub fn object(&self, row: &IndexRow) -> Result<Object> {
        let refuse = |what: &str| {
            Error::corrupt(what)
                .with_operation("read object from archive")
                .with_context("object", row)
                .with_context("member", row.member.offset)
                .with_context("entry", row.entry)
        };
        let entry = self
            .entries
            .binary_search_by_key(&row.entry, |entry| entry.offset)
            .map(|at| &self.entries[at])
            .map_err(|_| refuse("no entry begins where the index says"))?;
        let EntryPath::Object(path) = &entry.path else {
            return Err(refuse("the entry is not an object"));
        };
        if path.id != row.id || path.version.is_preferred() != row.preferred {
            return Err(refuse("the entry is another object than the index says"));
        }
        if entry.data.len() as u64 != row.size || Digest::of(&entry.data) != row.sha256 {
            return Err(refuse(
                "the entry's bytes are not those that were stored: its SHA-256 differs",
            ));
        }
        let object = Object::parse(row.id.resource().clone(), entry.data.clone())
            .map_err(|error| refuse("the entry is not an object's JSON").with_source(error))?;
        if !row.names(&object) {
            return Err(refuse(
                "the entry's JSON names another object than the index",
            ));
        }
        Ok(object)
    }
}

fn decode(bytes: &[u8], limits: &ArchiveLimits) -> Result<Member> {
    let raw = Bytes::from(gunzip::whole(bytes, limits.member, limits.ratio)?);
    let mut entries = Vec::new();
    let tar = parse(&raw, limits, &mut entries).map_err(|error| {
        if error.context().any(|(name, _)| name == "entry") {
            return error;
        }
        match entries.last() {
            Some(last) => error.with_context("after", last.path.to_string().escape_debug()),
            None => error.with_context("after", "the start of the member"),
        }
    })?;
    Ok(Member {
        entries,
        raw: raw.len() as u64,
        ends_archive: tar.has_ended(),
    })
}

fn parse(raw: &Bytes, limits: &ArchiveLimits, entries: &mut Vec<Entry>) -> Result<TarState> {
    let (mut tar, mut at) = (TarState::new(*limits), 0);
    while at < raw.len() {
        let cut = |what: &str| Error::corrupt(what).with_context("raw_offset", at);
        let block = raw
            .get(at..at + BLOCK)
            .ok_or_else(|| cut("member ends inside of a header"))?;
        let Some(announced) = tar.header(block, at as u64)? else {
            at += BLOCK;
            continue;
        };
        let start = at + BLOCK;
        // Invariant: the parser has bounded the size, so that it fits.
        let (size, whole) = (announced.size as usize, padded(announced.size) as usize);
        if raw.len() - start < whole {
            let error = cut("member ends inside of an entry");
            return Err(match announced.what {
                What::File(path) => error.with_context("entry", path.to_string().escape_debug()),
                _ => error,
            });
        }
        match announced.what {
            What::File(path) => entries.push(Entry {
                path,
                offset: start as u64,
                data: raw.slice(start..start + size),
            }),
            what => tar.extension(&what, &raw[start..start + size], start as u64)?,
        }
        at = start + whole;
    }
    if !tar.is_between() {
        return Err(
            Error::corrupt("member ends in the middle of an entry").with_context("raw_offset", at)
        );
    }
    Ok(tar)
}

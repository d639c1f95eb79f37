//! Tar, a block at a time, from a stranger.

use super::{ArchiveLimits, EntryPath, header::BLOCK};
use crate::{Error, Result};
use tar::{EntryType, Header};

/// What a tar's blocks have said so far.
///
/// It takes ustar, GNU long names and PAX records of path and size; everything else that a tar can hold is refused, because no
/// writer of such archives makes it: links, devices, sparse files, global records.
#[derive(Debug)]
pub(super) struct TarState {
    limits: ArchiveLimits,
    entries: u64,
    zero_blocks: u32,
    pending: Pending,
}

/// What extension headers said of the next entry.
#[derive(Debug, Default)]
struct Pending {
    long_name: Option<Vec<u8>>,
    pax: bool,
    path: Option<Vec<u8>>,
    size: Option<u64>,
}

/// What follows a header block: `size` bytes of data, padded to whole blocks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Announced {
    pub(super) what: What,
    pub(super) size: u64,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    File(EntryPath),
    /// A directory; has no data and means nothing.
    Directory,
    /// Data that belongs to [`TarState::extension`].
    LongName,
    Pax,
}

impl TarState {
    pub(super) fn new(limits: ArchiveLimits) -> Self {
        Self {
            limits,
            entries: 0,
            zero_blocks: 0,
            pending: Pending::default(),
        }
    }

    /// Whether the end blocks were seen.
    pub(super) fn has_ended(&self) -> bool {
        self.zero_blocks >= 2
    }

    /// Whether the end was two blocks and `rest` is 0: not one zero byte more.
    pub(super) fn has_ended_exactly(&self, rest: usize) -> bool {
        self.zero_blocks == 2 && rest == 0
    }

    /// Whether a header may follow or the input end: no extension waits for its entry.
    pub(super) fn is_between(&self) -> bool {
        self.zero_blocks != 1 && !self.pending.is_set()
    }

    /// One block where a header belongs; `None` for a block of the end. `at` is its place, for errors.
    pub(super) fn header(&mut self, block: &[u8], at: u64) -> Result<Option<Announced>> {
        if block.iter().all(|byte| *byte == 0) {
            if self.pending.is_set() {
                return Err(bad("archive ends after an extension header", at));
            }
            self.zero_blocks = self.zero_blocks.saturating_add(1);
            return Ok(None);
        }
        if self.zero_blocks > 0 {
            return Err(bad("data follows the end of the archive", at));
        }
        let header = checked_header(block, at)?;
        let size = header
            .entry_size()
            .map_err(|_| bad_header("entry's size is not a number", header, at))?;
        let what = match header.entry_type() {
            EntryType::Regular => return self.file(header, size, at).map(Some),
            EntryType::Directory => {
                self.count(at)?;
                self.path(header, at)?;
                if self.pending.size.unwrap_or(size) != 0 {
                    return Err(bad_header("directory has data", header, at));
                }
                self.pending = Pending::default();
                return Ok(Some(Announced {
                    what: What::Directory,
                    size: 0,
                }));
            }
            EntryType::GNULongName if self.pending.long_name.is_none() => What::LongName,
            EntryType::XHeader if !self.pending.pax => What::Pax,
            EntryType::GNULongName | EntryType::XHeader => {
                return Err(bad_header(
                    "two extension headers of one kind follow each other",
                    header,
                    at,
                ));
            }
            EntryType::Link | EntryType::Symlink | EntryType::GNULongLink => {
                return Err(bad_header(
                    "entry is a link; only regular files are allowed",
                    header,
                    at,
                ));
            }
            _ => {
                return Err(
                    bad_header("entry is not a regular file", header, at).with_context(
                        "type",
                        char::from(header.entry_type().as_byte()).escape_debug(),
                    ),
                );
            }
        };
        if size > self.limits.path as u64 * 2 + 4096 {
            return Err(
                bad_header("extension header is larger than allowed", header, at)
                    .with_context("size", size),
            );
        }
        Ok(Some(Announced { what, size }))
    }

    fn count(&mut self, at: u64) -> Result<()> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(bad("archive has more entries than allowed", at)
                .with_context("limit", self.limits.entries));
        }
        Ok(())
    }

    fn file(&mut self, header: &Header, size: u64, at: u64) -> Result<Announced> {
        self.count(at)?;
        let path = self.path(header, at)?;
        let size = self.pending.size.unwrap_or(size);
        if size > self.limits.entry {
            return Err(bad("entry is larger than allowed", at)
                .with_context("entry", path.to_string().escape_debug())
                .with_context("size", size)
                .with_context("limit", self.limits.entry));
        }
        self.pending = Pending::default();
        Ok(Announced {
            what: What::File(path),
            size,
        })
    }

    /// The path of the entry whose header this is, after all extensions. A directory may end with a slash.
    fn path(&self, header: &Header, at: u64) -> Result<EntryPath> {
        let pending = &self.pending;
        let own;
        let bytes = match (&pending.path, &pending.long_name) {
            (Some(path), _) | (None, Some(path)) => path.as_slice(),
            (None, None) => {
                own = header.path_bytes();
                &own
            }
        };
        let text = std::str::from_utf8(bytes).map_err(|_| {
            bad("entry's path is not UTF-8", at).with_context("entry", bytes.escape_ascii())
        })?;
        let text = match header.entry_type() {
            EntryType::Directory => text.strip_suffix('/').unwrap_or(text),
            _ => text,
        };
        match (header.entry_type(), text) {
            (EntryType::Directory, "metadata" | "resources") => {
                Ok(EntryPath::Other(text.to_owned()))
            }
            _ => EntryPath::parse(text, self.limits.path)
                .map_err(|error| error.with_context("raw_offset", at)),
        }
    }

    /// The data of an extension header.
    pub(super) fn extension(&mut self, what: &What, data: &[u8], at: u64) -> Result<()> {
        match what {
            What::LongName => {
                let name = data.strip_suffix(&[0]).unwrap_or(data);
                self.pending.long_name = Some(name.to_vec());
            }
            What::Pax => {
                self.pending.pax = true;
                self.pax(data)
                    .ok_or_else(|| bad("PAX record is malformed or not allowed", at))?;
            }
            What::File(_) | What::Directory => {}
        }
        Ok(())
    }

    /// Takes `"<length> <key>=<value>\n"` records (POSIX pax, "pax Extended Header").
    fn pax(&mut self, mut data: &[u8]) -> Option<()> {
        while !data.is_empty() {
            let space = data.iter().take(8).position(|byte| *byte == b' ')?;
            let length: usize = number(&data[..space])?.try_into().ok()?;
            let record = data.get(space + 1..length)?.strip_suffix(b"\n")?;
            data = &data[length..];
            let equals = record.iter().position(|byte| *byte == b'=')?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            match key {
                b"path" => self.pending.path = Some(value.to_vec()),
                b"size" => self.pending.size = Some(number(value)?),
                _ if key.starts_with(b"GNU.sparse") => return None,
                _ => {}
            }
        }
        Some(())
    }
}

impl Pending {
    fn is_set(&self) -> bool {
        self.pax || self.long_name.is_some()
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    text.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// The header in `block`, if its checksum is right.
fn checked_header(block: &[u8], at: u64) -> Result<&Header> {
    debug_assert_eq!(block.len(), BLOCK);
    let header = Header::from_byte_slice(block);
    let sum: u32 = block
        .iter()
        .enumerate()
        // The checksum field itself counts as spaces.
        .map(|(at, byte)| {
            if (148..156).contains(&at) {
                32
            } else {
                u32::from(*byte)
            }
        })
        .sum();
    match header.cksum() {
        Ok(written) if written == sum => Ok(header),
        _ => Err(bad("entry's header is damaged", at)),
    }
}

fn bad(what: &str, at: u64) -> Error {
    Error::corrupt(what).with_context("raw_offset", at)
}

fn bad_header(what: &str, header: &Header, at: u64) -> Error {
    bad(what, at).with_context("entry", header.path_bytes().escape_ascii())
}

#[cfg(test)]
mod tests;

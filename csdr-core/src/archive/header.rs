//! The bytes that stand before an entry's data.

use crate::{Error, Result};
use std::fmt::Write as _;
use tar::{EntryType, Header};

/// What every size in a tar is rounded up to.
pub(super) const BLOCK: usize = 512;

/// The two zero blocks that end an archive.
pub(super) const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// `size` rounded up to whole blocks.
pub(super) fn padded(size: u64) -> u64 {
    size.next_multiple_of(BLOCK as u64)
}

/// Appends one regular file, and answers the offset of its data in `raw`.
///
/// The same path and data give the same bytes: no time, no owner, mode 0644. A path that ustar cannot hold goes into a PAX record.
pub(super) fn append_file(raw: &mut Vec<u8>, path: &str, data: &[u8]) -> Result<usize> {
    let mut header = file_header(EntryType::Regular, data.len() as u64);
    if !set_path(&mut header, path)? {
        let record = pax_record("path", path);
        let mut extension = file_header(EntryType::XHeader, record.len() as u64);
        set_path(&mut extension, "PaxHeaders/path")?;
        seal(raw, &mut extension);
        append_padded(raw, record.as_bytes());
        // A reader that does not know PAX sees a name that tells where to look.
        let shown: String = path
            .chars()
            .map(|c| if c.is_ascii() { c } else { '_' })
            .take(100)
            .collect();
        set_path(&mut header, shown.trim_end_matches('/'))?;
    }
    seal(raw, &mut header);
    let offset = raw.len();
    append_padded(raw, data);
    Ok(offset)
}

fn file_header(kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header
}

/// Writes `path` into name and prefix, or answers that it does not fit.
fn set_path(header: &mut Header, path: &str) -> Result<bool> {
    let ustar = header
        .as_ustar_mut()
        .ok_or_else(|| Error::invalid("header is not ustar"))?;
    let bytes = path.as_bytes();
    if !path.is_ascii() {
        return Ok(false);
    }
    if bytes.len() <= ustar.name.len() {
        ustar.name[..bytes.len()].copy_from_slice(bytes);
        return Ok(true);
    }
    // The first slash that leaves a name of at most 100 bytes gives the shortest prefix; it must fit into 155.
    let Some(cut) =
        (bytes.len() - ustar.name.len() - 1..bytes.len() - 1).find(|at| bytes[*at] == b'/')
    else {
        return Ok(false);
    };
    if cut == 0 || cut > ustar.prefix.len() {
        return Ok(false);
    }
    ustar.prefix[..cut].copy_from_slice(&bytes[..cut]);
    let name = &bytes[cut + 1..];
    ustar.name[..name.len()].copy_from_slice(name);
    Ok(true)
}

fn seal(raw: &mut Vec<u8>, header: &mut Header) {
    header.set_cksum();
    raw.extend_from_slice(header.as_bytes());
}

fn append_padded(raw: &mut Vec<u8>, data: &[u8]) {
    raw.extend_from_slice(data);
    raw.resize(raw.len().next_multiple_of(BLOCK), 0);
}

/// `"<length> <key>=<value>\n"`, where the length counts itself.
fn pax_record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + decimal_digits(length) {
        length = rest + decimal_digits(length);
    }
    let mut record = String::with_capacity(length);
    // Writing into a String cannot fail.
    let _ = writeln!(record, "{length} {key}={value}");
    record
}

fn decimal_digits(number: usize) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_count_themselves() {
        for size in [
            0, 1, 80, 89, 90, 91, 92, 93, 500, 986, 987, 988, 989, 990, 991, 5000,
        ] {
            let record = pax_record("path", &"x".repeat(size));
            let (length, _) = record.split_once(' ').unwrap();
            assert_eq!(length.parse::<usize>().unwrap(), record.len(), "{size}");
        }
    }

    #[test]
    fn long_paths_split_or_spill() {
        for (path, blocks) in [
            ("a".repeat(100), 1),
            ("a".repeat(101), 3),
            (format!("{}/{}", "p".repeat(155), "n".repeat(100)), 1),
            (format!("{}/{}", "p".repeat(156), "n".repeat(100)), 3),
            (format!("p/{}", "n".repeat(101)), 3),
            (format!("p/{}/x", "n".repeat(100)), 1),
            ("résumé".to_owned(), 3),
        ] {
            let mut raw = Vec::new();
            let offset = append_file(&mut raw, &path, b"").unwrap();
            assert_eq!((offset, raw.len()), (blocks * 512, blocks * 512), "{path}");
            let mut archive = tar::Archive::new(&raw[..]);
            let entry = archive.entries().unwrap().next().unwrap().unwrap();
            assert_eq!(entry.path_bytes(), path.as_bytes());
        }
    }
}

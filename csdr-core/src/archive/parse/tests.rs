use super::*;
use crate::archive::{Layout, decoder::Decoder, header, reader::ArchiveItem};
use bytes::Bytes;
use flate2::{Compression, GzBuilder};
use std::io::Write as _;

const PATH: &str = "resources/pods/namespaces/n/a.json";

/// One header of any kind with its data, as hostile as wanted.
fn entry(kind: u8, path: &[u8], size: Option<&[u8]>, data: &[u8]) -> Vec<u8> {
    let mut header = Header::new_gnu();
    let name = &mut header.as_old_mut().name;
    name[..path.len()].copy_from_slice(path);
    header.set_entry_type(EntryType::new(kind));
    header.set_mode(0o755);
    header.set_mtime(1_700_000_000);
    header.set_size(data.len() as u64);
    if let Some(size) = size {
        header.as_old_mut().size[..size.len()].copy_from_slice(size);
    }
    header.set_cksum();
    let mut out = header.as_bytes().to_vec();
    out.extend_from_slice(data);
    out.resize(out.len().next_multiple_of(BLOCK), 0);
    out
}

fn pax(records: &[u8]) -> Vec<u8> {
    entry(b'x', b"PaxHeaders.0/x", None, records)
}

fn good() -> Vec<u8> {
    entry(b'0', PATH.as_bytes(), None, b"{}")
}

/// Reads a raw tar through the whole reader; paths and data of its entries.
fn read(raw: &[u8], limits: ArchiveLimits) -> Result<Vec<(String, Bytes)>> {
    let mut gzip = GzBuilder::new().write(Vec::new(), Compression::fast());
    gzip.write_all(raw).unwrap();
    let mut chunk = Bytes::from(gzip.finish().unwrap());
    let mut decoder = Decoder::new(Layout::Stream, limits);
    let mut entries = Vec::new();
    while !chunk.is_empty() {
        for item in decoder.take(&mut chunk)? {
            if let ArchiveItem::Entry(entry) = item {
                entries.push((entry.path.to_string(), entry.data));
            }
        }
    }
    decoder.finish()?;
    Ok(entries)
}

#[test]
fn what_is_taken() {
    let end = header::END;
    let long = format!("resources/pods/namespaces/n/{}.json", "l".repeat(200));
    let long_name = |text: &[u8]| entry(b'L', b"././@LongLink", None, text);
    let record = format!("{} path={long}\n", long.len() + 10);
    assert_eq!(record.len(), 243, "the record counts itself");
    for (what, raw, path, data) in [
        ("plain", good(), PATH, "{}"),
        (
            "old regular",
            entry(0, PATH.as_bytes(), None, b"{}"),
            PATH,
            "{}",
        ),
        (
            "long name",
            [long_name(long.as_bytes()), good()].concat(),
            &long,
            "{}",
        ),
        (
            "long name with NUL",
            [long_name(&[long.as_bytes(), &[0]].concat()), good()].concat(),
            &long,
            "{}",
        ),
        (
            "pax path",
            [pax(record.as_bytes()), good()].concat(),
            &long,
            "{}",
        ),
        (
            "pax size",
            [
                pax(b"9 size=2\n19 mtime=1700000.5\n"),
                entry(b'0', PATH.as_bytes(), Some(b"00000000000"), b"{}"),
            ]
            .concat(),
            PATH,
            "{}",
        ),
        (
            "last pax record wins",
            [pax(b"9 size=9\n9 size=2\n"), good()].concat(),
            PATH,
            "{}",
        ),
        (
            "pax over long name",
            [long_name(b"resources/x"), pax(record.as_bytes()), good()].concat(),
            &long,
            "{}",
        ),
        (
            "directory",
            [
                entry(b'5', b"resources/pods/", None, b""),
                entry(b'5', b"metadata/", None, b""),
                good(),
            ]
            .concat(),
            PATH,
            "{}",
        ),
        ("empty", entry(b'0', PATH.as_bytes(), None, b""), PATH, ""),
        (
            "binary size",
            entry(
                b'0',
                PATH.as_bytes(),
                Some(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]),
                b"{}",
            ),
            PATH,
            "{}",
        ),
        (
            "zeros at the end",
            [good(), vec![0; 10240]].concat(),
            PATH,
            "{}",
        ),
    ] {
        let raw = [&raw[..], &end].concat();
        let entries = read(&raw, ArchiveLimits::default());
        assert_eq!(
            entries.expect(what),
            [(path.to_owned(), Bytes::from(data.to_owned()))],
            "{what}"
        );
    }
    assert_eq!(read(&end, ArchiveLimits::default()).unwrap(), []);
}

#[test]
fn what_is_refused() {
    let end = header::END.to_vec();
    let path = PATH.as_bytes();
    let mut sum = good();
    sum[0] = b'R';
    let huge = pax(b"29 size=18446744073709551615\n");
    for (what, raw) in [
        ("has no end", vec![]),
        ("has no end", good()),
        ("has no end", [good(), vec![0; BLOCK]].concat()),
        ("has no end", [good(), vec![0; 2 * BLOCK - 1]].concat()),
        (
            "follows the end",
            [good(), vec![0; BLOCK], good(), end.clone()].concat(),
        ),
        ("follows the end", [good(), end.clone(), good()].concat()),
        (
            "follows the end",
            [good(), end.clone(), b"x".to_vec()].concat(),
        ),
        ("is damaged", [sum, end.clone()].concat()),
        (
            "is a link",
            [entry(b'1', path, None, b""), end.clone()].concat(),
        ),
        (
            "is a link",
            [entry(b'2', path, None, b""), end.clone()].concat(),
        ),
        (
            "is a link",
            [entry(b'K', path, None, b"x"), end.clone()].concat(),
        ),
        (
            "not a regular file",
            [entry(b'3', path, None, b""), end.clone()].concat(),
        ),
        (
            "not a regular file",
            [entry(b'4', path, None, b""), end.clone()].concat(),
        ),
        (
            "not a regular file",
            [entry(b'6', path, None, b""), end.clone()].concat(),
        ),
        (
            "not a regular file",
            [entry(b'7', path, None, b""), end.clone()].concat(),
        ),
        (
            "not a regular file",
            [entry(b'S', path, None, b""), end.clone()].concat(),
        ),
        (
            "not a regular file",
            [entry(b'g', path, None, b"x"), end.clone()].concat(),
        ),
        (
            "not a regular file",
            [entry(7, path, None, b""), end.clone()].concat(),
        ),
        (
            "directory has data",
            [entry(b'5', path, None, b"x"), end.clone()].concat(),
        ),
        (
            "`..`",
            [entry(b'5', b"resources/../..", None, b""), end.clone()].concat(),
        ),
        (
            "`..`",
            [entry(b'0', b"resources/../../x", None, b""), end.clone()].concat(),
        ),
        (
            "absolute",
            [entry(b'0', b"/resources/x", None, b""), end.clone()].concat(),
        ),
        (
            "not UTF-8",
            [entry(b'0', b"resources/\xff", None, b""), end.clone()].concat(),
        ),
        (
            "control character",
            [pax(b"20 path=resources/\0\n"), good(), end.clone()].concat(),
        ),
        (
            "outside of",
            [entry(b'0', b"cluster/a.json", None, b""), end.clone()].concat(),
        ),
        (
            "not a number",
            [entry(b'0', path, Some(b"zzz"), b""), end.clone()].concat(),
        ),
        (
            "larger than allowed",
            [entry(b'0', path, Some(b"77777777777"), b""), end.clone()].concat(),
        ),
        ("larger than allowed", [huge, good(), end.clone()].concat()),
        (
            "larger than allowed",
            [entry(b'L', b"x", None, &[b'a'; 7000]), good(), end.clone()].concat(),
        ),
        (
            "longer than allowed",
            [entry(b'L', b"x", None, &[b'a'; 2000]), good(), end.clone()].concat(),
        ),
        (
            "follow each other",
            [
                entry(b'L', b"x", None, b"a"),
                entry(b'L', b"x", None, b"a"),
                good(),
                end.clone(),
            ]
            .concat(),
        ),
        (
            "follow each other",
            [pax(b""), pax(b""), good(), end.clone()].concat(),
        ),
        (
            "after an extension",
            [entry(b'L', b"x", None, b"a"), end.clone()].concat(),
        ),
        ("PAX", [pax(b"x"), good(), end.clone()].concat()),
        ("PAX", [pax(b"9 size=2"), good(), end.clone()].concat()),
        ("PAX", [pax(b"99 size=2\n"), good(), end.clone()].concat()),
        ("PAX", [pax(b"0 size=2\n"), good(), end.clone()].concat()),
        ("PAX", [pax(b"11 size=-2\n"), good(), end.clone()].concat()),
        ("PAX", [pax(b"8 size2\n"), good(), end.clone()].concat()),
        (
            "PAX",
            [pax(b"22 GNU.sparse.major=1\n"), good(), end].concat(),
        ),
    ] {
        let error = read(&raw, ArchiveLimits::default()).expect_err(what);
        assert_eq!(error.kind(), crate::ErrorKind::Corrupt);
        assert!(error.to_string().contains(what), "{what}: {error}");
        let named = error
            .context()
            .filter(|(name, _)| matches!(*name, "entry" | "after"))
            .count();
        assert_eq!(named, 1, "which entry, or after which: {error}");
        assert!(!error.to_string().chars().any(char::is_control), "{error}");
    }
}

#[test]
fn errors_name_the_entry_and_the_place() {
    let cut = [
        good(),
        entry(
            b'0',
            b"resources/pods/namespaces/n/b.json",
            None,
            &[b'x'; 2000],
        ),
    ]
    .concat();
    let error = read(&cut[..2000], ArchiveLimits::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("entry=resources/pods/namespaces/n/b.json"),
        "{error}"
    );
    let error = read(&[good(), vec![1; BLOCK]].concat(), ArchiveLimits::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("entry's header is damaged (raw_offset=1024, after={PATH})"),
    );
}

#[test]
fn limits_count() {
    let raw = [good(), good(), header::END.to_vec()].concat();
    let with = |limits| {
        read(&raw, limits)
            .err()
            .map(|error| error.message().to_owned())
    };
    let limits = ArchiveLimits::default();
    assert_eq!(
        with(ArchiveLimits {
            entries: 2,
            ..limits
        }),
        None
    );
    assert_eq!(with(ArchiveLimits { entry: 2, ..limits }), None);
    for limits in [
        ArchiveLimits {
            entries: 1,
            ..limits
        },
        ArchiveLimits { entry: 1, ..limits },
        ArchiveLimits {
            path: PATH.len() - 1,
            ..limits
        },
    ] {
        assert!(with(limits).is_some());
    }
}

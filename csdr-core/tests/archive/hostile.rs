//! Archives that csdr would not have written.

use crate::world::{Written, block_on, chunks, config_maps, gzip, pack, write};
use bytes::Bytes;
use csdr_core::{
    ErrorKind, Result,
    archive::{
        ArchiveLimits, ArchiveReader, Digest, IndexRow, Layout, Reindex, decode_member, read_row,
    },
    port::InlineCompute,
};
use std::sync::Arc;

type Entries = &'static [(&'static str, &'static [u8])];

const VERSION: (&str, &[u8]) = ("metadata/version", b"1.1.0\n");
const A: &[u8] = br#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"n"}}"#;
const B: &[u8] = br#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"b","namespace":"n"}}"#;
const A2: &[u8] = br#"{"apiVersion":"v2","kind":"Pod","metadata":{"name":"a","namespace":"n"}}"#;
const PLAIN_A: &str = "resources/pods/namespaces/n/a.json";
const FULL_A: &str = "resources/pods/v1-preferredversion/namespaces/n/a.json";
const PLAIN_B: &str = "resources/pods/namespaces/n/b.json";
const FULL_B: &str = "resources/pods/v1-preferredversion/namespaces/n/b.json";
const SERVED_A2: &str = "resources/pods/v2/namespaces/n/a.json";

fn reindex(bytes: &Bytes) -> Result<()> {
    block_on(async {
        let mut reindex = Reindex::new(
            chunks(bytes, 100),
            Arc::new(InlineCompute),
            ArchiveLimits::default(),
        );
        while reindex.next_part().await?.is_some() {}
        Ok(())
    })
}

#[test]
fn csdr_s_rules_are_checked_when_an_archive_is_indexed_anew() {
    let good: Entries = &[
        VERSION,
        (PLAIN_A, A),
        (FULL_A, A),
        (SERVED_A2, A2),
        (PLAIN_B, B),
        (FULL_B, B),
    ];
    reindex(&pack(good)).unwrap();
    let cases: &[(&str, Entries)] = &[
        ("does not begin with", &[(PLAIN_A, A), (FULL_A, A)]),
        ("no metadata/version", &[]),
        ("another format", &[("metadata/version", b"2.0.0\n")]),
        ("twice", &[VERSION, VERSION]),
        ("does not write", &[VERSION, ("metadata/other", b"")]),
        ("second entry is missing", &[VERSION, (PLAIN_A, A)]),
        (
            "second entry is missing",
            &[VERSION, (PLAIN_A, A), (PLAIN_B, B)],
        ),
        (
            "second entry is missing",
            &[VERSION, (PLAIN_A, A), (SERVED_A2, A2)],
        ),
        (
            "second entry is missing",
            &[VERSION, (PLAIN_A, A2), (FULL_A, A)],
        ),
        ("plain entry is missing", &[VERSION, (FULL_A, A)]),
        ("entries differ", &[VERSION, (PLAIN_A, A), (FULL_A, B)]),
        (
            "do not rise",
            &[
                VERSION,
                (PLAIN_B, B),
                (FULL_B, B),
                (PLAIN_A, A),
                (FULL_A, A),
            ],
        ),
        (
            "do not rise",
            &[
                VERSION,
                (PLAIN_A, A),
                (FULL_A, A),
                (PLAIN_A, A),
                (FULL_A, A),
            ],
        ),
        (
            "do not rise",
            &[VERSION, (SERVED_A2, A2), (PLAIN_A, A), (FULL_A, A)],
        ),
        ("another object", &[VERSION, (PLAIN_A, B), (FULL_A, B)]),
        ("another object or version", &[VERSION, (SERVED_A2, A)]),
        (
            "not an object's JSON",
            &[VERSION, (PLAIN_A, b"{"), (FULL_A, b"{")],
        ),
    ];
    for (what, entries) in cases {
        let error = reindex(&pack(entries)).expect_err(what);
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains(what), "{what}: {error}");
        if entries.len() > 1 && !what.contains("missing") {
            assert!(error.to_string().contains("entry="), "{error}");
        }
    }
}

#[test]
fn entries_that_cross_members_are_velero_s_business_only() {
    let raw = {
        let mut raw = Vec::new();
        let bytes = pack(&[VERSION, (PLAIN_A, A), (FULL_A, A)]);
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut raw)
            .unwrap();
        raw
    };
    for cut in [100, 512, 515, 1024, 1100, 1536, 1600] {
        let bytes = Bytes::from([gzip(&raw[..cut]), gzip(b""), gzip(&raw[cut..])].concat());
        // 1,024 is the end of the first entry; 0-byte members mean nothing.
        assert_eq!(reindex(&bytes).is_ok(), cut == 1024, "{cut}");
        block_on(async {
            let mut reader = ArchiveReader::new(
                chunks(&bytes, 50),
                Layout::Stream,
                Arc::new(InlineCompute),
                ArchiveLimits::default(),
            );
            let mut places = Vec::new();
            while let Some(entry) = reader.next().await.unwrap() {
                places.push(entry.place.is_some());
            }
            let crossing = places.iter().filter(|whole| !**whole).count();
            assert_eq!(
                (places.len(), crossing),
                (3, usize::from(cut != 1024)),
                "{cut}"
            );
        });
    }
}

#[test]
fn the_end_is_exact() {
    let mut raw = Vec::new();
    let bytes = pack(&[VERSION, (PLAIN_A, A), (FULL_A, A)]);
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut raw).unwrap();
    for (more, good) in [
        (&b""[..], true),
        (&[0; 1], false),
        (&[0; 512], false),
        (b"x", false),
    ] {
        let bytes = gzip(&[&raw[..], more].concat());
        assert_eq!(reindex(&bytes).is_ok(), good, "{more:?}");
    }
    let error = reindex(&Bytes::from([&bytes[..], b"garbage"].concat())).unwrap_err();
    assert!(error.to_string().contains("not a gzip member"), "{error}");
    for cut in [
        0,
        1,
        9,
        10,
        100,
        bytes.len() - 9,
        bytes.len() - 8,
        bytes.len() - 1,
    ] {
        assert!(reindex(&bytes.slice(..cut)).is_err(), "{cut}");
    }
}

#[test]
fn members_and_archives_that_inflate_too_much() {
    let zeros = gzip(&vec![0; 300_000]);
    let limits = ArchiveLimits {
        member: 200_000,
        ..ArchiveLimits::default()
    };
    let error = decode_member(&zeros, &limits).unwrap_err();
    assert!(error.to_string().contains("larger than allowed"), "{error}");
    let mut reader = ArchiveReader::new(
        chunks(&zeros, 100),
        Layout::Members,
        Arc::new(InlineCompute),
        limits,
    );
    let error = block_on(reader.next()).unwrap_err();
    assert!(error.to_string().contains("larger than allowed"), "{error}");
    let bomb = gzip(&vec![0; 64 << 20]);
    let limits = ArchiveLimits {
        ratio: 100,
        ..ArchiveLimits::default()
    };
    let mut reader = ArchiveReader::new(
        chunks(&bomb, 100),
        Layout::Stream,
        Arc::new(InlineCompute),
        limits,
    );
    let error = block_on(reader.next()).unwrap_err();
    assert!(error.to_string().contains("more than allowed"), "{error}");
}

fn sample() -> (Written, IndexRow) {
    let written = block_on(write(
        &config_maps(5, 100),
        Arc::new(InlineCompute),
        ArchiveLimits::default(),
    ))
    .unwrap();
    let row = written.rows().nth(2).unwrap().clone();
    (written, row)
}

#[test]
fn rows_that_lie_give_no_object() {
    let (written, row) = sample();
    let member = decode_member(&written.bytes, &ArchiveLimits::default()).unwrap();
    assert_eq!(*member.object(&row).unwrap().id(), row.id);
    for (what, change) in [
        (
            "no entry begins",
            (|row: &mut IndexRow| row.entry += 1) as fn(&mut IndexRow),
        ),
        ("no entry begins", |row| row.entry = u64::MAX),
        ("not an object", |row| row.entry = 512),
        ("SHA-256", |row| row.sha256 = Digest::of(b"")),
        ("SHA-256", |row| row.size -= 1),
        ("another object", |row| {
            row.id = "configmaps/ns-0/other".parse().unwrap()
        }),
        ("another object", |row| row.preferred = false),
        ("names another object", |row| row.version = "v2".into()),
    ] {
        let mut row = row.clone();
        change(&mut row);
        let error = member.object(&row).expect_err(what);
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains(what), "{what}: {error}");
        assert!(error.to_string().contains(&row.id.to_string()), "{error}");
    }
}

#[test]
fn members_that_are_not_one_member() {
    let (written, row) = sample();
    let (bytes, limits) = (&written.bytes, ArchiveLimits::default());
    for (what, bytes) in [
        ("is cut", bytes.slice(..bytes.len() - 1)),
        ("is cut", Bytes::new()),
        (
            "bytes follow",
            Bytes::from([&bytes[..], &bytes[..]].concat()),
        ),
        ("inside of a header", gzip(&[1; 100])),
        ("is damaged", gzip(&[1; 512])),
        ("inside of an entry", {
            let mut raw = Vec::new();
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut raw)
                .unwrap();
            gzip(&raw[..1600])
        }),
    ] {
        let error = read_row(&bytes, &row, &limits).expect_err(what);
        assert!(error.to_string().contains(what), "{what}: {error}");
        assert!(error.to_string().contains(&row.id.to_string()), "{error}");
    }
}

//! Reading whole archives: stream, index anew, proof.

use crate::world::{Threads, Written, block_on, chunks, config_maps, object, part_stream, write};
use bytes::Bytes;
use csdr_core::{
    Error, ErrorKind, Result,
    archive::{
        ArchiveItem, ArchiveLimits, ArchiveReader, ArchiveSummary, Digest, IndexPart, IndexRow,
        Layout, Reindex, verify_archive,
    },
    port::InlineCompute,
};
use futures::{StreamExt, stream};
use std::sync::Arc;

fn small() -> ArchiveLimits {
    ArchiveLimits {
        member_target: 20_000,
        part_rows: 7,
        ..ArchiveLimits::default()
    }
}

fn sample() -> Written {
    let mut objects = config_maps(100, 500);
    objects.push((object("widgets.example.test", "v1", "n", "one", "b"), true));
    objects.push((
        object("widgets.example.test", "v1beta1", "n", "one", "c"),
        false,
    ));
    objects.push((
        object("widgets.example.test", "v1beta1", "n", "two", "c"),
        false,
    ));
    block_on(write(&objects, Arc::new(InlineCompute), small())).unwrap()
}

async fn verify(written: &Written, parts: Vec<IndexPart>, expected: &ArchiveSummary) -> Result<()> {
    let stream = chunks(&written.bytes, 10_000);
    verify_archive(
        stream,
        part_stream(parts),
        expected,
        Arc::new(InlineCompute),
        small(),
    )
    .await
}

#[test]
fn an_archive_is_indexed_anew_as_it_was_written() {
    let written = sample();
    block_on(async {
        for size in [1000, 64 << 10, usize::MAX] {
            let stream = chunks(&written.bytes, size.min(written.bytes.len()));
            let mut reindex = Reindex::new(stream, Arc::new(Threads(2)), small());
            let mut parts = Vec::new();
            while let Some(part) = reindex.next_part().await.unwrap() {
                parts.push(part);
            }
            assert_eq!(parts, written.parts);
            assert_eq!(reindex.summary(), Some(&written.done.summary));
            assert_eq!(reindex.next_part().await.unwrap(), None);
        }
    });
}

#[test]
fn a_reader_yields_entries_and_members_in_their_order() {
    let written = sample();
    block_on(async {
        let stream = chunks(&written.bytes, 5000);
        let mut reader =
            ArchiveReader::new(stream, Layout::Members, Arc::new(InlineCompute), small());
        let (mut entries, mut members, mut offset) = (0, 0, 0);
        while let Some(item) = reader.next_item().await.unwrap() {
            match item {
                ArchiveItem::Entry(entry) => {
                    entries += 1;
                    assert_eq!(entry.place.unwrap().member, offset);
                    assert_eq!(entry.sha256, Digest::of(&entry.data));
                    assert!(
                        !format!("{entry:?}").contains("text"),
                        "no content in Debug"
                    );
                }
                ArchiveItem::Member(span) => {
                    members += 1;
                    assert_eq!(span.offset, offset);
                    offset += span.len;
                }
            }
        }
        let (totals, summary) = (reader.totals().unwrap(), &written.done.summary);
        assert_eq!((entries, members), (summary.entries, summary.members));
        assert_eq!(
            (totals.size, totals.sha256, totals.raw),
            (summary.size, summary.sha256, summary.raw)
        );
    });
}

#[test]
fn a_broken_stream_is_its_own_error_and_the_reader_does_not_go_on() {
    let written = sample();
    block_on(async {
        let broken = stream::iter([
            Ok(written.bytes.slice(..9000)),
            Err(Error::new(ErrorKind::Unavailable, "gone")),
            Ok(written.bytes.slice(9000..)),
        ]);
        let mut reader = ArchiveReader::new(
            broken.boxed(),
            Layout::Stream,
            Arc::new(InlineCompute),
            small(),
        );
        let error = loop {
            match reader.next().await {
                Ok(entry) => assert!(entry.is_some()),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(
            reader.next().await.unwrap_err().kind(),
            ErrorKind::Unexpected
        );
        assert_eq!(reader.totals(), None);
    });
}

#[test]
fn proof_of_a_good_archive() {
    let written = sample();
    block_on(verify(
        &written,
        written.parts.clone(),
        &written.done.summary,
    ))
    .unwrap();
}

#[test]
fn every_lie_of_an_index_is_found_and_named() {
    let written = sample();
    let rows: Vec<IndexRow> = written.rows().cloned().collect();
    let parts = |rows: Vec<IndexRow>| vec![IndexPart::new(rows).unwrap()];
    let change = |change: fn(&mut IndexRow)| {
        let mut rows = rows.clone();
        change(&mut rows[50]);
        parts(rows)
    };
    let without = |at: usize| {
        let mut rows = rows.clone();
        rows.remove(at);
        parts(rows)
    };
    let with = |mut row: IndexRow, name: &str| {
        row.id = name.parse().unwrap();
        let mut rows = rows.clone();
        rows.push(row);
        rows.sort_by(IndexRow::compare);
        parts(rows)
    };
    let mut swapped = written.parts.clone();
    swapped.swap(0, 1);
    for (what, named, parts) in [
        (
            "differs=sha256",
            "configmaps/ns-0/map-000050",
            change(|row| row.sha256 = Digest::of(b"")),
        ),
        (
            "differs=size",
            "configmaps/ns-0/map-000050",
            change(|row| row.size += 1),
        ),
        (
            "differs=member",
            "configmaps/ns-0/map-000050",
            change(|row| row.member.offset += 1),
        ),
        (
            "differs=member",
            "configmaps/ns-0/map-000050",
            change(|row| row.member.len += 1),
        ),
        (
            "differs=entry",
            "configmaps/ns-0/map-000050",
            change(|row| row.entry += 512),
        ),
        (
            "differs=preferred",
            "configmaps/ns-0/map-000050",
            change(|row| row.preferred = false),
        ),
        (
            "does not name",
            "configmaps/ns-0/map-000050",
            change(|row| row.version = "v2".into()),
        ),
        ("does not name", "configmaps/ns-0/map-000000", without(0)),
        ("does not name", "configmaps/ns-0/map-000030", without(30)),
        ("does not name", "widgets.example.test/n/two", without(102)),
        ("does not name", "configmaps/ns-0/map-000000", vec![]),
        ("lacks", "aaa/n/x", with(rows[3].clone(), "aaa/n/x")),
        (
            "lacks",
            "configmaps/ns-0/map-000030x",
            with(rows[3].clone(), "configmaps/ns-0/map-000030x"),
        ),
        ("lacks", "zzz/n/x", with(rows[3].clone(), "zzz/n/x")),
        ("does not name", "configmaps/ns-0/map-000000", swapped),
    ] {
        let error = block_on(verify(&written, parts, &written.done.summary)).expect_err(what);
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        let line = error.to_string();
        assert!(
            line.contains(what) && line.contains(named),
            "{what} {named}: {line}"
        );
    }
}

#[test]
fn every_lie_of_a_summary_is_found() {
    let written = sample();
    for (field, change) in [
        (
            "size",
            (|s: &mut ArchiveSummary| s.size += 1) as fn(&mut ArchiveSummary),
        ),
        ("sha256", |s| s.sha256 = Digest::of(b"")),
        ("objects", |s| s.objects -= 1),
        ("rows", |s| s.rows -= 1),
        ("entries", |s| s.entries += 1),
        ("members", |s| s.members += 1),
        ("raw", |s| s.raw += 512),
    ] {
        let mut summary = written.done.summary.clone();
        change(&mut summary);
        let error = block_on(verify(&written, written.parts.clone(), &summary)).expect_err(field);
        assert!(
            error.to_string().contains(&format!("differs={field}")),
            "{error}"
        );
    }
}

#[test]
fn one_large_chunk_is_as_good_as_many() {
    let objects = config_maps(20, 200_000);
    let written = block_on(write(
        &objects,
        Arc::new(Threads(2)),
        ArchiveLimits::default(),
    ))
    .unwrap();
    block_on(async {
        let stream = stream::iter([
            Ok(Bytes::new()),
            Ok(written.bytes.clone()),
            Ok(Bytes::new()),
        ])
        .boxed();
        let parts = part_stream(written.parts.clone());
        let limits = ArchiveLimits::default();
        verify_archive(
            stream,
            parts,
            &written.done.summary,
            Arc::new(Threads(2)),
            limits,
        )
        .await
    })
    .unwrap();
}

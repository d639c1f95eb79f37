//! What the writer promises.

use crate::world::{Threads, block_on, config_maps, key, object, write};
use async_trait::async_trait;
use bytes::Bytes;
use csdr_core::{
    Error, ErrorKind, Result,
    archive::{ArchiveLimits, ArchiveWriter, EntryPath, IndexPart, decode_member, read_row},
    memory::MemoryVault,
    port::{Compute, InlineCompute, PutMode, VaultBackend, VaultMeta, VaultWriter},
};
use flate2::read::MultiGzDecoder;
use futures::FutureExt as _;
use std::{
    io::Read as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

fn small() -> ArchiveLimits {
    ArchiveLimits {
        member_target: 20_000,
        part_rows: 7,
        ..ArchiveLimits::default()
    }
}

#[test]
fn every_object_is_read_back_by_its_row() {
    let objects = config_maps(100, 500);
    let written = block_on(write(&objects, Arc::new(InlineCompute), small())).unwrap();
    assert_eq!(written.rows().count(), objects.len());
    for (row, (object, _)) in written.rows().zip(&objects) {
        assert_eq!(
            read_row(written.member(row), row, &small()).unwrap(),
            *object
        );
    }
    let summary = &written.done.summary;
    assert_eq!(summary.size, written.bytes.len() as u64);
    assert_eq!(
        summary.sha256,
        csdr_core::archive::Digest::of(&written.bytes)
    );
    assert_eq!(
        (summary.objects, summary.rows, summary.entries),
        (100, 100, 201)
    );
}

#[test]
fn the_same_objects_give_the_same_bytes_on_any_threads() {
    let objects = config_maps(300, 700);
    let inline = block_on(write(&objects, Arc::new(InlineCompute), small())).unwrap();
    assert!(inline.done.summary.members > 10);
    for threads in [1, 2, 7] {
        let threaded = block_on(write(&objects, Arc::new(Threads(threads)), small())).unwrap();
        assert_eq!(threaded.bytes, inline.bytes);
        assert_eq!(threaded.parts, inline.parts);
    }
}

#[test]
fn members_are_cut_at_entries_and_stand_alone() {
    let mut objects = config_maps(40, 900);
    objects.push((object("zones", "v1", "n", "big", &"x".repeat(50_000)), true));
    objects.push((object("zones", "v1", "n", "last", "x"), true));
    let written = block_on(write(&objects, Arc::new(InlineCompute), small())).unwrap();
    let mut spans: Vec<_> = written.rows().map(|row| row.member).collect();
    spans.dedup();
    assert_eq!(spans.len() as u64, written.done.summary.members);
    let (mut end, mut raw) = (0, 0);
    for (n, span) in spans.iter().enumerate() {
        assert_eq!(span.offset, end, "members lie side by side");
        end += span.len;
        let bytes = &written.bytes[span.offset as usize..end as usize];
        assert_eq!(bytes[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
        let member = decode_member(bytes, &small()).unwrap();
        raw += member.raw();
        assert_eq!(member.entries()[0].path == EntryPath::Version, n == 0);
        assert_eq!(member.ends_archive(), n == spans.len() - 1);
        assert!(
            member.raw() < 21_000 || member.entries().len() == 2,
            "{}",
            member.raw()
        );
    }
    assert_eq!(
        (end, raw),
        (written.done.summary.size, written.done.summary.raw)
    );
}

#[test]
fn another_tar_reader_sees_both_paths_of_each_object() {
    let objects = [
        (object("deployments.apps", "v1", "shop", "web", "a"), true),
        (
            object("widgets.example.test", "v1", "shop", "one", "b"),
            true,
        ),
        (
            object("widgets.example.test", "v1beta1", "shop", "one", "c"),
            false,
        ),
    ];
    let written = block_on(write(&objects, Arc::new(InlineCompute), small())).unwrap();
    let mut raw = Vec::new();
    MultiGzDecoder::new(&written.bytes[..])
        .read_to_end(&mut raw)
        .unwrap();
    let mut archive = tar::Archive::new(&raw[..]);
    let entries: Vec<(String, String)> = archive
        .entries()
        .unwrap()
        .map(|entry| {
            let mut entry = entry.unwrap();
            let header = entry.header();
            assert_eq!(
                (
                    header.mode().unwrap(),
                    header.mtime().unwrap(),
                    header.uid().unwrap()
                ),
                (0o644, 0, 0)
            );
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            (entry.path().unwrap().display().to_string(), text)
        })
        .collect();
    let text = |n: usize| objects[n].0.text().to_owned();
    assert_eq!(
        entries,
        [
            ("metadata/version".to_owned(), "1.1.0\n".to_owned()),
            (
                "resources/deployments.apps/namespaces/shop/web.json".to_owned(),
                text(0)
            ),
            (
                "resources/deployments.apps/v1-preferredversion/namespaces/shop/web.json"
                    .to_owned(),
                text(0)
            ),
            (
                "resources/widgets.example.test/namespaces/shop/one.json".to_owned(),
                text(1)
            ),
            (
                "resources/widgets.example.test/v1-preferredversion/namespaces/shop/one.json"
                    .to_owned(),
                text(1)
            ),
            (
                "resources/widgets.example.test/v1beta1/namespaces/shop/one.json".to_owned(),
                text(2)
            ),
        ]
    );
    let summary = &written.done.summary;
    assert_eq!((summary.objects, summary.rows, summary.entries), (2, 3, 6));
}

#[test]
fn parts_come_as_they_fill() {
    let objects = config_maps(100, 500);
    block_on(async {
        let vault = MemoryVault::default();
        let sink = vault.writer(&key(), PutMode::CreateNew).await.unwrap();
        let mut writer = ArchiveWriter::new(sink, Arc::new(InlineCompute), small());
        let mut parts = Vec::new();
        for (object, preferred) in &objects[..60] {
            writer.append(object.clone(), *preferred).await.unwrap();
            parts.extend(writer.take_parts());
        }
        assert!(
            parts.len() >= 5,
            "{} parts while the archive is open",
            parts.len()
        );
        assert!(writer.stored() > 0);
        parts.extend(writer.finish().await.unwrap().parts);
        let sizes: Vec<usize> = parts.iter().map(|part| part.rows().len()).collect();
        assert_eq!(sizes, [7, 7, 7, 7, 7, 7, 7, 7, 4]);
        for pair in parts.windows(2) {
            assert!(pair[0].last().id < pair[1].first().id);
        }
        for part in &parts {
            let bytes = part.encode().unwrap();
            assert_eq!(bytes, part.encode().unwrap());
            assert_eq!(IndexPart::decode(&bytes, &small()).unwrap(), *part);
        }
    });
}

#[test]
fn what_may_not_follow_or_fit_is_refused_and_the_next_may_come() {
    let limits = ArchiveLimits {
        entry: 400,
        path: 80,
        entries: 9,
        ..ArchiveLimits::default()
    };
    block_on(async {
        let vault = MemoryVault::default();
        let sink = vault.writer(&key(), PutMode::CreateNew).await.unwrap();
        let mut writer = ArchiveWriter::new(sink, Arc::new(InlineCompute), limits);
        let make = |resource: &str, version: &str, name: &str, size: usize| {
            object(resource, version, "n", name, &"x".repeat(size))
        };
        for (good, object, preferred) in [
            (true, make("b", "v1", "b", 1), true),
            (false, make("b", "v1", "b", 1), true),
            (false, make("b", "v1", "b", 1), false),
            (false, make("b", "v0", "b", 1), false),
            (false, make("b", "v1", "a", 1), true),
            (false, make("a", "v1", "c", 1), true),
            (true, make("b", "v2", "b", 1), false),
            (false, make("b", "v1", "c", 400), true),
            (
                false,
                make("b", "v1", "a-name-that-is-too-long-for-the-limit", 1),
                true,
            ),
            (true, make("b", "v1", "c", 1), true),
            (false, make("c", "namespaces", "c", 1), true),
            (false, make("c", "cluster", "c", 1), true),
            (false, make("c", "v1-preferredversion", "c", 1), true),
            (true, make("c", "v1", "c", 1), true),
            (true, make("d", "v1", "c", 1), false),
            (false, make("e", "v1", "c", 1), false),
        ] {
            let name = format!("{object:?}");
            let result = writer.append(object, preferred).await;
            assert_eq!(result.is_ok(), good, "{name}: {result:?}");
            if let Err(error) = result {
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                assert!(error.context().any(|(fact, _)| fact == "object"), "{error}");
            }
        }
        let done = writer.finish().await.unwrap();
        assert_eq!((done.summary.rows, done.summary.entries), (5, 9));
    });
}

#[test]
fn an_empty_archive_is_one_member() {
    let written = block_on(write(
        &[],
        Arc::new(InlineCompute),
        ArchiveLimits::default(),
    ))
    .unwrap();
    assert!(written.parts.is_empty());
    let member = decode_member(&written.bytes, &ArchiveLimits::default()).unwrap();
    assert_eq!(member.entries().len(), 1);
    assert_eq!(&member.entries()[0].data[..], b"1.1.0\n");
    assert!(member.ends_archive());
}

#[test]
fn abort_leaves_nothing() {
    block_on(async {
        let vault = MemoryVault::default();
        let sink = vault.writer(&key(), PutMode::CreateNew).await.unwrap();
        let mut writer = ArchiveWriter::new(sink, Arc::new(InlineCompute), small());
        for (object, preferred) in config_maps(50, 500) {
            writer.append(object, preferred).await.unwrap();
        }
        writer.abort().await.unwrap();
        assert!(vault.is_empty());
    });
}

#[test]
fn a_name_that_was_taken_meanwhile_is_not_replaced() {
    block_on(async {
        let vault = MemoryVault::default();
        let sink = vault.writer(&key(), PutMode::CreateNew).await.unwrap();
        let writer = ArchiveWriter::new(sink, Arc::new(InlineCompute), small());
        vault
            .put(&key(), Bytes::from_static(b"theirs"), PutMode::CreateNew)
            .await
            .unwrap();
        let error = writer.finish().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    });
}

/// A sink whose n-th write fails, or that lies about its size.
#[derive(Debug)]
struct Bad {
    writes: usize,
    fails_at: usize,
}

#[async_trait]
impl VaultWriter for Bad {
    async fn write(&mut self, _: Bytes) -> Result<()> {
        self.writes += 1;
        if self.writes == self.fails_at {
            return Err(Error::new(ErrorKind::Exhausted, "no space"));
        }
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<VaultMeta> {
        Ok(VaultMeta {
            key: key(),
            size: 3,
            modified: None,
        })
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

#[test]
fn after_a_failed_write_nothing_follows() {
    block_on(async {
        let sink = Box::new(Bad {
            writes: 0,
            fails_at: 3,
        });
        let mut writer = ArchiveWriter::new(sink, Arc::new(InlineCompute), small());
        let mut errors = Vec::new();
        for (object, preferred) in config_maps(100, 500) {
            errors.extend(writer.append(object, preferred).await.err());
        }
        assert_eq!(errors[0].kind(), ErrorKind::Exhausted);
        assert!(
            errors.len() > 10
                && errors[1..]
                    .iter()
                    .all(|error| error.kind() == ErrorKind::Unexpected)
        );
        assert!(writer.finish().await.is_err());
    });
}

#[test]
fn a_store_that_lost_bytes_is_noticed() {
    block_on(async {
        let sink = Box::new(Bad {
            writes: 0,
            fails_at: usize::MAX,
        });
        let writer = ArchiveWriter::new(sink, Arc::new(InlineCompute), small());
        assert_eq!(
            writer.finish().await.unwrap_err().kind(),
            ErrorKind::Corrupt
        );
    });
}

/// Starts jobs and never ends them.
#[derive(Debug, Default)]
struct Stuck {
    started: AtomicUsize,
}

#[async_trait]
impl Compute for Stuck {
    async fn execute(&self, _: Box<dyn FnOnce() + Send>) {
        self.started.fetch_add(1, Ordering::SeqCst);
        std::future::pending::<()>().await;
    }

    fn parallelism(&self) -> usize {
        3
    }
}

#[test]
fn jobs_start_at_once_and_only_so_many_wait() {
    let compute = Arc::new(Stuck::default());
    block_on(async {
        let sink = Box::new(Bad {
            writes: 0,
            fails_at: usize::MAX,
        });
        let mut writer = ArchiveWriter::new(sink, compute.clone(), small());
        let mut seen = Vec::new();
        for (object, preferred) in config_maps(1000, 500) {
            if writer.append(object, preferred).now_or_never().is_none() {
                break;
            }
            seen.push(compute.started.load(Ordering::SeqCst));
        }
        seen.dedup();
        assert_eq!(
            seen,
            [0, 1, 2, 3, 4, 5],
            "a job starts with each full batch, up to parallelism + 2"
        );
        assert!(seen.len() < 1000);
        writer.abort().await.unwrap();
    });
}

/// The host ends while jobs wait.
#[derive(Debug)]
struct Ended;

#[async_trait]
impl Compute for Ended {
    async fn execute(&self, _: Box<dyn FnOnce() + Send>) {}

    fn parallelism(&self) -> usize {
        1
    }
}

#[test]
fn a_host_that_ends_is_an_error_not_a_gap() {
    let error = block_on(write(&config_maps(1, 1), Arc::new(Ended), small()))
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

/// Jobs wait until they are let go.
#[derive(Debug)]
struct Gate(tokio::sync::Semaphore);

#[async_trait]
impl Compute for Gate {
    async fn execute(&self, job: Box<dyn FnOnce() + Send>) {
        if let Ok(permit) = self.0.acquire().await {
            drop(permit);
            job();
        }
    }

    fn parallelism(&self) -> usize {
        1
    }
}

#[test]
fn a_dropped_append_loses_nothing_but_its_own_object() {
    let objects = config_maps(200, 500);
    let expected = block_on(write(&objects, Arc::new(InlineCompute), small())).unwrap();
    let gate = Arc::new(Gate(tokio::sync::Semaphore::new(0)));
    block_on(async {
        let vault = MemoryVault::default();
        let sink = vault.writer(&key(), PutMode::CreateNew).await.unwrap();
        let mut writer = ArchiveWriter::new(sink, gate.clone(), small());
        let mut dropped = 0;
        for (object, preferred) in &objects {
            if let Some(result) = writer.append(object.clone(), *preferred).now_or_never() {
                result.unwrap();
                continue;
            }
            // The call waited for a job and was dropped; the same object comes again once jobs may run.
            dropped += 1;
            gate.0.add_permits(1);
            writer.append(object.clone(), *preferred).await.unwrap();
        }
        assert!(dropped > 0);
        let done = writer.finish().await.unwrap();
        assert_eq!(done.summary, expected.done.summary);
    });
}

//! Archives that Velero itself wrote (tests/data/velero), and what older and stranger ones look like.

use crate::world::{Threads, block_on, chunks, pack};
use bytes::Bytes;
use csdr_core::{
    ErrorKind, Result,
    archive::{
        ArchiveItem, ArchiveLimits, ArchiveReader, EntryPath, ForeignArchive, IndexRow, Layout,
        PathVersion, Reindex,
    },
    memory::MemoryVault,
    port::{InlineCompute, VaultBackend, VaultKey},
};
use flate2::read::GzDecoder;
use futures::TryStreamExt;
use std::{collections::BTreeMap, collections::BTreeSet, io::Read as _, sync::Arc};

const DEFAULT: (&[u8], &[u8]) = (
    include_bytes!("../data/velero/default/clusters/one/backups/rich/rich.tar.gz"),
    include_bytes!("../data/velero/default/clusters/one/backups/rich/rich-resource-list.json.gz"),
);
const ALL_VERSIONS: (&[u8], &[u8]) = (
    include_bytes!("../data/velero/apigroupversions/clusters/one/backups/rich/rich.tar.gz"),
    include_bytes!(
        "../data/velero/apigroupversions/clusters/one/backups/rich/rich-resource-list.json.gz"
    ),
);

fn prefix() -> VaultKey {
    VaultKey::parse("scratch/a").unwrap()
}

async fn adopt(bytes: &Bytes, limits: ArchiveLimits) -> Result<(Arc<MemoryVault>, ForeignArchive)> {
    let scratch = Arc::new(MemoryVault::default());
    let stream = chunks(bytes, 1000);
    let foreign = ForeignArchive::adopt(
        stream,
        scratch.clone(),
        &prefix(),
        Arc::new(Threads(2)),
        limits,
    )
    .await;
    if foreign.is_err() {
        assert!(
            scratch.is_empty(),
            "a refused archive leaves nothing in scratch"
        );
    }
    Ok((scratch, foreign?))
}

async fn rows(foreign: &ForeignArchive) -> Vec<IndexRow> {
    foreign.rows().try_collect().await.unwrap()
}

/// `apiVersion/Kind namespace/name` of every object, as Velero's own list says.
fn listed(list: &[u8]) -> BTreeSet<String> {
    let mut json = String::new();
    GzDecoder::new(list).read_to_string(&mut json).unwrap();
    let list: BTreeMap<String, Vec<String>> = serde_json::from_str(&json).unwrap();
    list.iter()
        .flat_map(|(kind, names)| names.iter().map(move |name| format!("{kind} {name}")))
        .collect()
}

#[test]
fn every_entry_of_velero_s_archives_opens() {
    for (tar, _) in [DEFAULT, ALL_VERSIONS] {
        let bytes = Bytes::from_static(tar);
        block_on(async {
            let mut reader = ArchiveReader::new(
                chunks(&bytes, 777),
                Layout::Stream,
                Arc::new(InlineCompute),
                ArchiveLimits::default(),
            );
            let (mut entries, mut plain, mut preferred, mut members) = (0, 0, 0, 0);
            while let Some(item) = reader.next_item().await.unwrap() {
                match item {
                    ArchiveItem::Member(_) => members += 1,
                    ArchiveItem::Entry(entry) => match entry.path {
                        EntryPath::Version => assert_eq!(&entry.data[..], b"1.1.0\n"),
                        EntryPath::Other(path) => panic!("{path}"),
                        EntryPath::Object(path) => {
                            entries += 1;
                            plain += usize::from(path.version == PathVersion::Plain);
                            preferred +=
                                usize::from(matches!(path.version, PathVersion::Preferred(_)));
                        }
                    },
                }
            }
            assert_eq!((plain, members), (preferred, 1));
            assert!(entries >= 78, "{entries}");
            let mut tar = tar::Archive::new(GzDecoder::new(&bytes[..]));
            assert_eq!(tar.entries().unwrap().count(), entries + 1);
        });
    }
}

#[test]
fn velero_s_archives_become_what_velero_lists() {
    for ((tar, list), versions) in [(DEFAULT, false), (ALL_VERSIONS, true)] {
        block_on(async {
            let limits = ArchiveLimits {
                member_target: 8000,
                part_rows: 10,
                ..ArchiveLimits::default()
            };
            let (scratch, foreign) = adopt(&Bytes::from_static(tar), limits).await.unwrap();
            assert_eq!(foreign.gaps(), []);
            assert_eq!(foreign.summary().format_version.as_deref(), Some("1.1.0"));
            assert_eq!(foreign.summary().archive.size, tar.len() as u64);
            let rows = rows(&foreign).await;
            assert_eq!(rows.len() as u64, foreign.summary().rows);
            assert!(rows.is_sorted_by(|a, b| a.compare(b).is_lt()));
            assert_eq!(rows.iter().any(|row| !row.preferred), versions);
            let mut found = BTreeSet::new();
            for row in &rows {
                let object = foreign.object(row).await.unwrap();
                assert!(row.names(&object));
                let name = object
                    .id()
                    .namespace()
                    .map_or(String::new(), |namespace| format!("{namespace}/"));
                found.insert(format!(
                    "{} {name}{}",
                    object.meta().kind,
                    object.id().name()
                ));
            }
            assert_eq!(found, listed(list));
            let files = scratch.len();
            assert_eq!(
                files,
                foreign.parts().len() + 1,
                "runs are removed once they are merged"
            );
            foreign.discard().await.unwrap();
            assert!(scratch.is_empty());
        });
    }
}

#[test]
fn velero_s_archive_is_not_taken_for_csdr_s() {
    let stream = chunks(&Bytes::from_static(DEFAULT.0), 1000);
    let mut reindex = Reindex::new(stream, Arc::new(InlineCompute), ArchiveLimits::default());
    assert_eq!(
        block_on(reindex.next_part()).unwrap_err().kind(),
        ErrorKind::Corrupt
    );
}

fn json(api_version: &str, name: &str, more: &str) -> String {
    format!(
        r#"{{"apiVersion":"{api_version}","kind":"X","metadata":{{"name":"{name}","namespace":"n"}}{more}}}"#
    )
}

/// What, the archive's entries, the rows and objects that it gives, how many gaps.
type Case<'a> = (
    &'a str,
    &'a [(&'a str, &'a [u8])],
    &'a [(&'a str, bool, &'a [u8])],
    usize,
);

#[test]
fn older_and_stranger_archives() {
    let (a, a_beta, b) = (
        json("g/v1", "a", ""),
        json("g/v1beta1", "a", ""),
        json("g/v1", "b", ""),
    );
    let other_a = json("g/v1", "a", r#","x":1"#);
    let plain = "resources/xs.g/namespaces/n/a.json";
    let preferred = "resources/xs.g/v1-preferredversion/namespaces/n/a.json";
    let beta = "resources/xs.g/v1beta1/namespaces/n/a.json";
    let plain_b = "resources/xs.g/namespaces/n/b.json";
    let (a, a_beta, b, other_a) = (
        a.as_bytes(),
        a_beta.as_bytes(),
        b.as_bytes(),
        other_a.as_bytes(),
    );
    let cases: &[Case<'_>] = &[
        ("nothing", &[], &[], 0),
        (
            "1.0, no version directories",
            &[("metadata/version", b"1"), (plain, a)],
            &[("xs.g/n/a v1", true, a)],
            0,
        ),
        (
            "no plain path",
            &[(preferred, a)],
            &[("xs.g/n/a v1", true, a)],
            0,
        ),
        (
            "only a further version",
            &[(beta, a_beta)],
            &[("xs.g/n/a v1beta1", false, a_beta)],
            0,
        ),
        (
            "the directory lies about the version",
            &[(plain, a_beta), (preferred, a_beta)],
            &[("xs.g/n/a v1beta1", true, a_beta)],
            0,
        ),
        (
            "copies far apart",
            &[(plain, a), (plain_b, b), (preferred, a)],
            &[("xs.g/n/a v1", true, a), ("xs.g/n/b v1", true, b)],
            0,
        ),
        (
            "any order",
            &[(plain_b, b), (beta, a_beta), (plain, a)],
            &[
                ("xs.g/n/a v1", true, a),
                ("xs.g/n/a v1beta1", false, a_beta),
                ("xs.g/n/b v1", true, b),
            ],
            0,
        ),
        (
            "preferred wins over served",
            &[(plain, a_beta), (beta, a_beta)],
            &[("xs.g/n/a v1beta1", true, a_beta)],
            0,
        ),
        (
            "served first",
            &[(beta, a_beta), (plain, a_beta)],
            &[("xs.g/n/a v1beta1", true, a_beta)],
            0,
        ),
        (
            "two that differ: the later",
            &[(plain, a), (plain, other_a)],
            &[("xs.g/n/a v1", true, other_a)],
            1,
        ),
        (
            "two that differ, apart",
            &[(plain, other_a), (plain_b, b), (plain, a)],
            &[("xs.g/n/a v1", true, a), ("xs.g/n/b v1", true, b)],
            1,
        ),
        (
            "unknown entries",
            &[("resources/README", b"x"), (plain, a), ("metadata/x", b"")],
            &[("xs.g/n/a v1", true, a)],
            2,
        ),
        (
            "bad JSON",
            &[(plain, b"{"), (plain_b, b)],
            &[("xs.g/n/b v1", true, b)],
            1,
        ),
        (
            "JSON of another object",
            &[(plain, b), (plain_b, b)],
            &[("xs.g/n/b v1", true, b)],
            1,
        ),
        (
            "bad version",
            &[("metadata/version", b"\x1b[31m"), (plain, a)],
            &[("xs.g/n/a v1", true, a)],
            1,
        ),
    ];
    for (what, entries, expected, gaps) in cases {
        block_on(async {
            let (_, foreign) = adopt(&pack(entries), ArchiveLimits::default())
                .await
                .expect(what);
            let rows = rows(&foreign).await;
            assert_eq!(foreign.gaps().len(), *gaps, "{what}: {:?}", foreign.gaps());
            assert_eq!(rows.len(), expected.len(), "{what}");
            for (row, (name, preferred, data)) in rows.iter().zip(*expected) {
                assert_eq!(
                    (row.to_string().as_str(), row.preferred),
                    (*name, *preferred),
                    "{what}"
                );
                assert_eq!(foreign.object(row).await.unwrap().json(), data, "{what}");
            }
        });
    }
}

#[test]
fn many_rows_are_sorted_through_scratch() {
    // 25,000 objects in a scrambled order, some of them twice: three runs of 10,000 rows, each in several files.
    let scrambled = (0..25_000u64).map(|n| n * 7919 % 25_000).chain([5, 24_999]);
    let entries: Vec<(String, String)> = scrambled
        .map(|n| {
            (
                format!("resources/xs.g/namespaces/n/o-{n:05}.json"),
                json("g/v1", &format!("o-{n:05}"), ""),
            )
        })
        .collect();
    let entries: Vec<(&str, &[u8])> = entries
        .iter()
        .map(|(path, json)| (path.as_str(), json.as_bytes()))
        .collect();
    let bytes = pack(&entries);
    block_on(async {
        let (scratch, foreign) = adopt(&bytes, ArchiveLimits::default()).await.unwrap();
        let parts: Vec<u64> = foreign.parts().iter().map(|part| part.rows).collect();
        assert_eq!(parts, [10_000, 10_000, 5_000]);
        let rows = rows(&foreign).await;
        assert!(rows.is_sorted_by(|a, b| a.compare(b).is_lt()));
        for at in [0, 12_345, 24_999] {
            assert_eq!(rows[at].id.name(), format!("o-{at:05}"));
            foreign.object(&rows[at]).await.unwrap();
        }
        assert_eq!(scratch.len(), 4);
        assert_eq!(
            foreign.part(3).await.unwrap_err().kind(),
            ErrorKind::NotFound
        );
    });
}

#[test]
fn damaged_archives_of_velero_s_leave_nothing_behind() {
    let good = DEFAULT.0;
    for (what, bytes) in [
        ("cut", Bytes::from_static(&good[..good.len() / 2])),
        (
            "cut at the trailer",
            Bytes::from_static(&good[..good.len() - 4]),
        ),
        (
            "followed by garbage",
            Bytes::from([good, b"garbage"].concat()),
        ),
        ("flipped", {
            let mut bytes = good.to_vec();
            bytes[6000] ^= 0x10;
            bytes.into()
        }),
        ("empty", Bytes::new()),
    ] {
        let error = block_on(adopt(&bytes, ArchiveLimits::default()))
            .err()
            .unwrap();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}");
    }
}

#[test]
fn a_scratch_that_was_changed_is_noticed() {
    block_on(async {
        let (scratch, foreign) = adopt(&Bytes::from_static(DEFAULT.0), ArchiveLimits::default())
            .await
            .unwrap();
        let row = foreign.part(0).await.unwrap().first().clone();
        scratch.delete(foreign.data()).await.unwrap();
        assert_eq!(
            foreign.object(&row).await.unwrap_err().kind(),
            ErrorKind::NotFound
        );
        scratch.delete(&foreign.parts()[0].key).await.unwrap();
        assert_eq!(
            foreign.part(0).await.unwrap_err().kind(),
            ErrorKind::NotFound
        );
    });
}

//! What holds for all archives.

use crate::world::{Threads, Written, block_on, chunks, object, part_stream, write};
use bytes::Bytes;
use csdr_core::{
    Result,
    archive::{
        ArchiveLimits, ArchiveReader, IndexPart, Layout, Reindex, StreamedEntry, read_row,
        verify_archive,
    },
    model::Object,
    port::InlineCompute,
};
use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use std::{collections::BTreeMap, sync::Arc};

fn limits() -> ArchiveLimits {
    ArchiveLimits {
        member_target: 6000,
        part_rows: 4,
        ..ArchiveLimits::default()
    }
}

/// Objects in their order; some in two versions, some with long names, some large.
fn objects() -> impl Strategy<Value = Vec<(Object, bool)>> {
    let resource = prop_oneof![
        "[a-c]",
        "[a-c]\\.(x|y)",
        Just("roles.rbac.authorization.k8s.io".to_owned())
    ];
    let name = prop_oneof!["[a-z]{1,3}", "[a-z.:-]{1,5}x", "é[a-z]{0,3}", "[a-z]{200}"];
    let version = prop_oneof![Just("v1"), Just("v2"), Just("v1beta1")];
    let text = prop_oneof!["\\PC{0,300}", Just("x".repeat(5000)), Just(String::new())];
    let one = (resource, "[a-b]{1,2}", name, version, text, any::<bool>());
    prop::collection::vec(one, 0..25).prop_map(|all| {
        let sorted: BTreeMap<_, _> = all
            .into_iter()
            .map(|(resource, namespace, name, version, text, preferred)| {
                let object = object(&resource, version, &namespace, &name, &text);
                ((object.id().clone(), version), (object, preferred))
            })
            .collect();
        sorted.into_values().collect()
    })
}

async fn entries(bytes: &Bytes, chunk: usize, layout: Layout) -> Result<Vec<StreamedEntry>> {
    let mut reader = ArchiveReader::new(
        chunks(bytes, chunk),
        layout,
        Arc::new(InlineCompute),
        limits(),
    );
    let mut entries = Vec::new();
    while let Some(entry) = reader.next().await? {
        entries.push(entry);
    }
    Ok(entries)
}

async fn verify(bytes: &Bytes, written: &Written) -> Result<()> {
    let parts = part_stream(written.parts.clone());
    let summary = &written.done.summary;
    verify_archive(
        chunks(bytes, 500),
        parts,
        summary,
        Arc::new(InlineCompute),
        limits(),
    )
    .await
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(objects in objects(), threads in 1..4usize, chunk in 1..3000usize) {
        block_on(async {
            let written = write(&objects, Arc::new(InlineCompute), limits()).await.unwrap();
            let again = write(&objects, Arc::new(Threads(threads)), limits()).await.unwrap();
            prop_assert_eq!(&written.bytes, &again.bytes);
            prop_assert_eq!(&written.parts, &again.parts);
            prop_assert_eq!(written.rows().count(), objects.len());
            for (row, (object, preferred)) in written.rows().zip(&objects) {
                prop_assert_eq!(row.preferred, *preferred);
                prop_assert_eq!(&read_row(written.member(row), row, &limits()).unwrap(), object);
            }
            verify(&written.bytes, &written).await.unwrap();

            let whole = entries(&written.bytes, usize::MAX >> 1, Layout::Members).await.unwrap();
            prop_assert_eq!(whole.len() as u64, written.done.summary.entries);
            prop_assert_eq!(&whole, &entries(&written.bytes, chunk, Layout::Members).await.unwrap());
            prop_assert_eq!(&whole, &entries(&written.bytes, chunk, Layout::Stream).await.unwrap());

            let mut reindex = Reindex::new(chunks(&written.bytes, chunk), Arc::new(InlineCompute), limits());
            let mut parts = Vec::new();
            while let Some(part) = reindex.next_part().await.unwrap() {
                parts.push(part);
            }
            prop_assert_eq!(&parts, &written.parts);
            prop_assert_eq!(reindex.summary(), Some(&written.done.summary));
            Ok(())
        })?;
    }

    #[test]
    fn any_changed_byte_or_cut_is_detected(objects in objects(), at in any::<prop::sample::Index>(), flip in 1..=255u8) {
        block_on(async {
            let written = write(&objects, Arc::new(InlineCompute), limits()).await.unwrap();
            let at = at.index(written.bytes.len());
            let mut flipped = written.bytes.to_vec();
            flipped[at] ^= flip;
            let flipped = Written { bytes: flipped.into(), ..written };
            prop_assert!(verify(&flipped.bytes, &flipped).await.is_err());
            // Whoever reads by the index gets the object that was stored, or an error; never another.
            for (row, (object, _)) in flipped.rows().zip(&objects) {
                if let Ok(read) = read_row(flipped.member(row), row, &limits()) {
                    prop_assert_eq!(&read, object);
                }
            }
            let _ = entries(&flipped.bytes, 100, Layout::Stream).await;
            let cut = flipped.bytes.slice(..at);
            prop_assert!(verify(&cut, &flipped).await.is_err());
            prop_assert!(entries(&cut, 100, Layout::Stream).await.is_err());
            Ok(())
        })?;
    }

    #[test]
    fn a_changed_index_is_refused_or_means_the_same(objects in objects(), at in any::<prop::sample::Index>(), flip in 1..=255u8) {
        let written = block_on(write(&objects, Arc::new(InlineCompute), limits())).unwrap();
        for part in &written.parts {
            let bytes = part.encode().unwrap();
            prop_assert_eq!(&IndexPart::decode(&bytes, &limits()).unwrap(), part);
            let at = at.index(bytes.len());
            let mut flipped = bytes.clone();
            flipped[at] ^= flip;
            // The gzip header has bytes that mean nothing (time, system); the manifest's SHA-256 covers those.
            if let Ok(read) = IndexPart::decode(&flipped, &limits()) {
                prop_assert_eq!(&read, part);
            }
            prop_assert!(IndexPart::decode(&bytes[..at], &limits()).is_err());
        }
    }

    #[test]
    fn strangers_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let packed = crate::world::gzip(&bytes);
        for bytes in [Bytes::from(bytes), packed] {
            prop_assert!(block_on(entries(&bytes, 100, Layout::Stream)).is_err());
            prop_assert!(IndexPart::decode(&bytes, &limits()).is_err());
            let _ = csdr_core::archive::decode_member(&bytes, &limits());
        }
    }
}

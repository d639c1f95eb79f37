//! Archives from strangers: whatever the bytes, no panic, no memory without bound; and the readers agree with each other.
//!
//! The first byte chooses: its lowest bit, whether the rest is a gzip file or a raw tar, packed here with its headers' checksums
//! put right, because no fuzzer guesses those; the others, the size of the stream's chunks.
#![no_main]

use bytes::Bytes;
use csdr_core::{
    Result,
    archive::{
        ArchiveLimits, ArchiveReader, ForeignArchive, Layout, Reindex, StreamedEntry,
        decode_member, read_row,
    },
    memory::MemoryVault,
    port::{InlineCompute, VaultKey},
};
use flate2::{Compression, write::GzEncoder};
use futures::{FutureExt, StreamExt, TryStreamExt, stream, stream::BoxStream};
use libfuzzer_sys::fuzz_target;
use std::{io::Write, sync::Arc};

fn limits() -> ArchiveLimits {
    ArchiveLimits {
        entry: 64 << 10,
        member: 256 << 10,
        member_target: 4 << 10,
        part_rows: 3,
        ..ArchiveLimits::default()
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((mode, rest)) = data.split_first() else {
        return;
    };
    let bytes = if mode & 1 == 1 {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
        gzip.write_all(&with_checksums(rest))
            .expect("a vector takes all");
        gzip.finish().expect("a vector takes all").into()
    } else {
        Bytes::copy_from_slice(rest)
    };
    // Nothing here waits: memory and an inline Compute.
    check(&bytes, 1 + usize::from(mode >> 1) * 37)
        .now_or_never()
        .expect("nothing waits");
});

fn with_checksums(tar: &[u8]) -> Vec<u8> {
    let mut tar = tar.to_vec();
    for block in tar.chunks_exact_mut(512) {
        if block[257..262] == *b"ustar" {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
            block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        }
    }
    tar
}

async fn check(bytes: &Bytes, chunk: usize) {
    let whole = entries(bytes, usize::MAX).await;
    let cut = entries(bytes, chunk).await;
    match (&whole, &cut) {
        (Ok(whole), Ok(cut)) => assert_eq!(whole, cut, "chunks change what is read"),
        (whole, cut) => assert_eq!(
            whole.is_ok(),
            cut.is_ok(),
            "chunks change whether it is read"
        ),
    }
    let foreign = adopt(bytes).await;
    assert_eq!(
        foreign.is_ok(),
        whole.is_ok(),
        "adopt and the reader disagree"
    );
    if let Ok(foreign) = foreign {
        let rows: Vec<_> = foreign.rows().try_collect().await.expect("own scratch");
        for row in &rows {
            foreign.object(row).await.expect("an adopted object opens");
        }
    }
    let _ = decode_member(bytes, &limits());
    if reindex(bytes).await.is_ok() {
        assert!(
            whole.is_ok(),
            "the strict reader takes what the other refuses"
        );
    }
}

fn chunks(bytes: &Bytes, size: usize) -> BoxStream<'static, Result<Bytes>> {
    let bytes = bytes.clone();
    stream::unfold(bytes, move |mut rest| async move {
        (!rest.is_empty()).then(|| (Ok(rest.split_to(size.min(rest.len()))), rest))
    })
    .boxed()
}

async fn entries(bytes: &Bytes, chunk: usize) -> Result<Vec<StreamedEntry>> {
    let mut reader = ArchiveReader::new(
        chunks(bytes, chunk),
        Layout::Stream,
        Arc::new(InlineCompute),
        limits(),
    );
    let mut entries = Vec::new();
    while let Some(entry) = reader.next().await? {
        entries.push(entry);
    }
    Ok(entries)
}

async fn adopt(bytes: &Bytes) -> Result<ForeignArchive> {
    let prefix = VaultKey::parse("scratch").expect("a key");
    let scratch = Arc::new(MemoryVault::default());
    ForeignArchive::adopt(
        chunks(bytes, 1000),
        scratch,
        &prefix,
        Arc::new(InlineCompute),
        limits(),
    )
    .await
}

/// Every row that the strict reader makes leads to its object.
async fn reindex(bytes: &Bytes) -> Result<()> {
    let mut reindex = Reindex::new(chunks(bytes, 1000), Arc::new(InlineCompute), limits());
    let mut rows = Vec::new();
    while let Some(part) = reindex.next_part().await? {
        rows.extend(part.into_rows());
    }
    for row in &rows {
        let start = row.member.offset as usize;
        let member = &bytes[start..start + row.member.len as usize];
        read_row(member, row, &limits()).expect("an indexed object opens");
    }
    Ok(())
}

//! What the tests share: objects, a vault to write to, threads to work on.

use async_trait::async_trait;
use bytes::Bytes;
use csdr_core::{
    Result,
    archive::{ArchiveLimits, ArchiveWriter, FinishedArchive, IndexPart, IndexRow},
    memory::MemoryVault,
    model::Object,
    port::{Compute, PutMode, VaultBackend, VaultBackendExt, VaultKey},
};
use flate2::{Compression, GzBuilder};
use futures::{StreamExt, stream, stream::BoxStream};
use std::{future::Future, io::Write as _, sync::Arc};

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

/// One thread a job, as many as wanted: jobs end in any order.
#[derive(Debug)]
pub(crate) struct Threads(pub(crate) usize);

#[async_trait]
impl Compute for Threads {
    async fn execute(&self, job: Box<dyn FnOnce() + Send>) {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            job();
            let _ = sender.send(());
        });
        let _ = receiver.await;
    }

    fn parallelism(&self) -> usize {
        self.0
    }
}

/// A namespaced object of any resource with some text in it.
pub(crate) fn object(
    resource: &str,
    version: &str,
    namespace: &str,
    name: &str,
    text: &str,
) -> Object {
    let group = resource
        .split_once('.')
        .map_or(String::new(), |(_, group)| format!("{group}/"));
    let json = serde_json::json!({
        "apiVersion": format!("{group}{version}"),
        "kind": "Any",
        "metadata": {"name": name, "namespace": namespace},
        "data": {"text": text},
    });
    Object::parse(resource.parse().unwrap(), json.to_string()).unwrap()
}

/// `count` config maps in order, of about `size` bytes that compress little.
pub(crate) fn config_maps(count: usize, size: usize) -> Vec<(Object, bool)> {
    let mut state = 88_172_645_463_325_252u64;
    let mut letter = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'a' + (state % 26) as u8)
    };
    (0..count)
        .map(|n| {
            let text: String = (0..size).map(|_| letter()).collect();
            let (namespace, name) = (format!("ns-{}", n / 100), format!("map-{n:06}"));
            (object("configmaps", "v1", &namespace, &name, &text), true)
        })
        .collect()
}

/// An archive in memory with all its index parts.
pub(crate) struct Written {
    pub(crate) bytes: Bytes,
    pub(crate) done: FinishedArchive,
    pub(crate) parts: Vec<IndexPart>,
}

impl Written {
    pub(crate) fn rows(&self) -> impl Iterator<Item = &IndexRow> {
        self.parts.iter().flat_map(|part| part.rows())
    }

    pub(crate) fn member(&self, row: &IndexRow) -> &[u8] {
        let start = row.member.offset as usize;
        &self.bytes[start..start + row.member.len as usize]
    }
}

pub(crate) fn key() -> VaultKey {
    VaultKey::parse("backups/a/a.tar.gz").unwrap()
}

pub(crate) async fn write(
    objects: &[(Object, bool)],
    compute: Arc<dyn Compute>,
    limits: ArchiveLimits,
) -> Result<Written> {
    let vault = MemoryVault::default();
    let sink = vault.writer(&key(), PutMode::CreateNew).await?;
    let mut writer = ArchiveWriter::new(sink, compute, limits);
    let mut parts = Vec::new();
    for (object, preferred) in objects {
        writer.append(object.clone(), *preferred).await?;
        parts.extend(writer.take_parts());
    }
    let mut done = writer.finish().await?;
    parts.append(&mut done.parts);
    let bytes = vault.read(&key(), u64::MAX).await?;
    Ok(Written { bytes, done, parts })
}

/// The bytes as a stream of chunks.
pub(crate) fn chunks(bytes: &Bytes, size: usize) -> BoxStream<'static, Result<Bytes>> {
    let bytes = bytes.clone();
    let starts = (0..bytes.len()).step_by(size.max(1));
    let chunks: Vec<_> = starts
        .map(|at| Ok(bytes.slice(at..(at + size).min(bytes.len()))))
        .collect();
    stream::iter(chunks).boxed()
}

pub(crate) fn part_stream(parts: Vec<IndexPart>) -> BoxStream<'static, Result<IndexPart>> {
    stream::iter(parts.into_iter().map(Ok)).boxed()
}

/// A tar in one gzip member, as another tool would write it.
pub(crate) fn pack(entries: &[(&str, &[u8])]) -> Bytes {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, data) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_mode(0o755);
        tar.append_data(&mut header, path, *data).unwrap();
    }
    gzip(&tar.into_inner().unwrap())
}

pub(crate) fn gzip(raw: &[u8]) -> Bytes {
    let mut gzip = GzBuilder::new().write(Vec::new(), Compression::default());
    gzip.write_all(raw).unwrap();
    gzip.finish().unwrap().into()
}

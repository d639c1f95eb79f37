//! Writing once, and recording what was written.

use super::{FileRecord, layout::BackupLayout};
use crate::{
    Error, ErrorKind, Result,
    archive::Digest,
    port::{PutMode, VaultBackend, VaultBackendExt, VaultKey},
};
use bytes::Bytes;
use futures::{
    FutureExt,
    future::{BoxFuture, try_join_all},
};

/// Writes a file that must not exist. If the answer to an earlier try was lost, an equal body means that it was ours (format rule 1).
pub(crate) async fn put_once(
    backend: &dyn VaultBackend,
    key: &VaultKey,
    body: Bytes,
) -> Result<()> {
    if backend.capabilities().conditional_create {
        match backend.put(key, body.clone(), PutMode::CreateNew).await {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let adopted = adopt_equal(backend, key, &body).await;
                return adopted.map_err(|own| own.with_source(error));
            }
            // A store may only say at its first use that it cannot create atomically.
            Err(error) if lost_conditional_create(backend, &error) => {}
            Err(error) => return Err(error),
        }
    }
    if backend.exists(key).await? {
        return adopt_equal(backend, key, &body).await;
    }
    backend.put(key, body, PutMode::Overwrite).await.map(drop)
}

/// Whether the store has just said that it cannot create atomically, and no longer claims to.
pub(super) fn lost_conditional_create(backend: &dyn VaultBackend, error: &Error) -> bool {
    error.kind() == ErrorKind::Unsupported && !backend.capabilities().conditional_create
}

async fn adopt_equal(backend: &dyn VaultBackend, key: &VaultKey, body: &Bytes) -> Result<()> {
    let there = backend.stat(key).await?;
    if there.size == body.len() as u64 && backend.read(key, there.size).await? == *body {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::AlreadyExists,
        "file exists with another content; files are written once",
    )
    .with_context("key", key))
}

async fn put_file(
    backend: &dyn VaultBackend,
    layout: &BackupLayout,
    path: String,
    body: Bytes,
) -> Result<FileRecord> {
    let (size, sha256) = (body.len() as u64, Digest::of(&body));
    put_once(backend, &layout.file(&path)?, body).await?;
    Ok(FileRecord { path, size, sha256 })
}

/// The files of one backup as they are written: their records become the manifest.
#[derive(Debug)]
pub(crate) struct Files<'a> {
    backend: &'a dyn VaultBackend,
    layout: &'a BackupLayout,
    records: Vec<FileRecord>,
}

impl<'a> Files<'a> {
    pub(crate) fn new(backend: &'a dyn VaultBackend, layout: &'a BackupLayout) -> Self {
        Self {
            backend,
            layout,
            records: Vec::new(),
        }
    }

    /// Writes a file once and records it.
    pub(crate) async fn put(&mut self, path: String, body: Bytes) -> Result<u64> {
        let record = put_file(self.backend, self.layout, path, body).await?;
        let size = record.size;
        self.record(record);
        Ok(size)
    }

    /// Writes some files, of which none needs to be there before another, at the same time; records them in their order.
    pub(crate) async fn put_all(&mut self, files: Vec<(String, Bytes)>) -> Result<()> {
        let mut writes: Vec<BoxFuture<'_, Result<FileRecord>>> = Vec::with_capacity(files.len());
        for (path, body) in files {
            writes.push(put_file(self.backend, self.layout, path, body).boxed());
        }
        let records = try_join_all(writes).await?;
        self.records.extend(records);
        Ok(())
    }

    /// Records a file that was written elsewhere.
    pub(crate) fn record(&mut self, record: FileRecord) {
        self.records.push(record);
    }

    pub(crate) fn records(&self) -> &[FileRecord] {
        &self.records
    }

    /// All records, sorted by path.
    pub(crate) fn into_records(mut self) -> Vec<FileRecord> {
        self.records.sort_by(|a, b| a.path.cmp(&b.path));
        self.records
    }
}

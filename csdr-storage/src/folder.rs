//! A vault in a folder of a file system.
//!
//! This does not go through opendal, although opendal has a file service: that service either writes in place (a killed writer
//! leaves a torn object under its final key) or renames over the target (`CreateNew` replaces), and flushes nothing. Here a
//! body is written under a temporary name, flushed, and then given its key by `link(2)`, which is atomic and fails if the name
//! is taken. That holds between threads, processes and hosts.

mod place;
mod read;
mod temporary;
mod walk;
mod writer;

use crate::error;
use async_trait::async_trait;
use bytes::Bytes;
use csdr_core::{
    Result,
    port::{
        PutMode, ReadRange, Retention, VaultBackend, VaultCapabilities, VaultKey, VaultMeta,
        VaultWriter,
    },
};
use futures::stream::BoxStream;
use place::Place;
use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, OnceLock},
};
use tokio::task;
use writer::FolderWriter;

/// Objects are files below a folder; keys are relative paths.
///
/// * Files are made with mode 0600 and folders with 0700 (less the umask), because backups hold Secrets.
/// * `put`, `finish` and `delete` answer after file and folder were flushed.
/// * Temporary files lie in the vault's own folder, are called `.csdr-tmp-…`, are never listed, and are removed by the next
///   process that writes once their writer is gone ([`sweep`](Self::sweep)).
/// * Empty folders are removed with their last object. Symbolic links are neither listed nor followed to an object.
#[derive(Clone)]
pub(crate) struct FolderVault {
    place: Arc<Place>,
    swept: Arc<OnceLock<()>>,
}

impl FolderVault {
    /// Touches nothing: the folder is made by the first write.
    pub(crate) fn new(root: PathBuf) -> Self {
        Self {
            place: Arc::new(Place::new(root)),
            swept: Arc::default(),
        }
    }

    /// Removes temporary files whose writer is gone; answers how many.
    pub(crate) async fn sweep(&self) -> Result<u64> {
        let place = self.place.clone();
        blocking("sweep", move || temporary::sweep(&place)).await
    }

    /// A killed writer's leftovers go when the next process writes. Best effort: it must not fail the write.
    fn sweep_once(&self) -> impl FnOnce() + Send + 'static {
        let (place, swept) = (self.place.clone(), self.swept.clone());
        move || {
            swept.get_or_init(|| {
                let _ = temporary::sweep(&place);
            });
        }
    }
}

impl fmt::Debug for FolderVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FolderVault")
            .field(&self.place.root())
            .finish()
    }
}

impl fmt::Display for FolderVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "file://{}", self.place.root().display())
    }
}

#[async_trait]
impl VaultBackend for FolderVault {
    fn capabilities(&self) -> VaultCapabilities {
        VaultCapabilities {
            conditional_create: true,
            range_read: true,
            list_consistent: true,
            write: true,
        }
    }

    async fn put(&self, key: &VaultKey, body: Bytes, mode: PutMode) -> Result<VaultMeta> {
        let (place, key, sweep) = (self.place.clone(), key.clone(), self.sweep_once());
        blocking("put", move || {
            sweep();
            writer::put(&place, &key, &body, mode)
        })
        .await
    }

    async fn writer(&self, key: &VaultKey, mode: PutMode) -> Result<Box<dyn VaultWriter>> {
        let (place, key, sweep) = (self.place.clone(), key.clone(), self.sweep_once());
        blocking("open writer", move || {
            sweep();
            let writer = FolderWriter::open(place, key, mode)?;
            Ok(Box::new(writer) as Box<dyn VaultWriter>)
        })
        .await
    }

    async fn get(
        &self,
        key: &VaultKey,
        range: ReadRange,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        let (place, key) = (self.place.clone(), key.clone());
        let opened = blocking("get", move || read::open(&place, &key, range)).await?;
        Ok(opened.into_stream())
    }

    async fn stat(&self, key: &VaultKey) -> Result<VaultMeta> {
        let (place, key) = (self.place.clone(), key.clone());
        blocking("stat", move || read::stat(&place, &key)).await
    }

    fn list(&self, prefix: &VaultKey) -> BoxStream<'static, Result<VaultMeta>> {
        walk::list(self.place.clone(), prefix.clone())
    }

    async fn delete(&self, key: &VaultKey) -> Result<()> {
        let (place, key) = (self.place.clone(), key.clone());
        blocking("delete", move || place.remove(&key)).await
    }

    fn retention(&self) -> Option<&dyn Retention> {
        None
    }
}

/// Runs file work on tokio's blocking threads.
async fn blocking<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| error.with_operation(operation)),
        Err(join) => Err(error::ended(&join).with_operation(operation)),
    }
}

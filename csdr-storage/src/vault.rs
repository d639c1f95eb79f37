//! The one vault type that callers name.

#[cfg(feature = "s3")]
use crate::S3Config;
#[cfg(feature = "fs")]
use crate::folder::FolderVault;
use crate::{Probe, StorageLimits, operator::OperatorStore, probe};
use async_trait::async_trait;
use bytes::Bytes;
use csdr_core::{
    Result,
    port::{
        PutMode, ReadRange, Retention, SystemEntropy, VaultBackend, VaultCapabilities, VaultKey,
        VaultMeta, VaultWriter,
    },
};
use futures::stream::BoxStream;
use opendal::Operator;
use std::fmt;

/// A vault in a folder, in a bucket, in memory, or behind any [opendal] operator.
///
/// Clones share connections. What each kind does is said at its constructor.
///
/// ```
/// use csdr_core::port::{PutMode, VaultBackend, VaultBackendExt, VaultKey};
/// use csdr_storage::OpendalVault;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> csdr_core::Result<()> {
/// let vault = OpendalVault::memory()?;
/// let key = VaultKey::parse("backups/shop-1/csdr/spec.json")?;
/// vault.put(&key, "{}".into(), PutMode::CreateNew).await?;
/// assert_eq!(vault.read(&key, 1024).await?, "{}");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct OpendalVault(Store);

#[derive(Clone)]
enum Store {
    #[cfg(feature = "fs")]
    Folder(FolderVault),
    Operator(Box<OperatorStore>),
}

impl OpendalVault {
    /// A vault in a folder. Touches nothing: the folder is made by the first write.
    ///
    /// `CreateNew` is atomic between threads, processes and hosts. Files have mode 0600 and folders 0700 (less the umask), because
    /// backups hold Secrets. `put`, `finish` and `delete` answer after file and folder were flushed to the disk. A writer that is
    /// killed leaves at most a file `.csdr-tmp-…` in the vault's own folder; it is never listed, and the next process that
    /// writes removes it, as [`sweep`](Self::sweep) does. An object and a prefix cannot share a name, and a segment of a
    /// key has at most 255 bytes.
    #[cfg(feature = "fs")]
    pub fn fs(path: impl Into<std::path::PathBuf>) -> Self {
        Self(Store::Folder(FolderVault::new(path.into())))
    }

    /// A vault in memory, which ends with its last clone.
    ///
    /// # Errors
    /// `InvalidInput` if opendal was built without its memory service.
    pub fn memory() -> Result<Self> {
        let operator = Operator::new(opendal::services::Memory::default())
            .map_err(|source| crate::error::opendal(source).with_operation("open vault"))?;
        Ok(Self(Store::Operator(Box::new(OperatorStore::new(
            operator.clone(),
            operator,
            "memory://".to_owned(),
            StorageLimits::default(),
            true,
        )))))
    }

    /// A vault in a bucket. Nothing is sent yet.
    ///
    /// Every request has a timeout and is made again a bounded number of times; connections that break while reading go on where they
    /// stopped, if the object is still the same. Long objects are multipart uploads, which are ended on the server by `abort`,
    /// by a failure, and in the background when a writer is dropped; a killed process leaves its upload behind, which no list
    /// shows: give the bucket a lifecycle rule that ends uploads after some days (`AbortIncompleteMultipartUpload`).
    ///
    /// # Errors
    /// `InvalidInput` if the configuration is wrong in itself, `Unavailable` if TLS cannot be prepared.
    #[cfg(feature = "s3")]
    pub fn s3(config: S3Config) -> Result<Self> {
        Ok(Self(Store::Operator(Box::new(config.open()?))))
    }

    /// A vault behind two operators on the same place, for stores that have no constructor here.
    ///
    /// `data` writes in parts, overwrites, lists and deletes; it should have a timeout layer and around it a retry layer. `claims`
    /// creates whole objects and reads; it should have the timeout layer alone: its calls are made again here, where a
    /// repeated create can be told from a lost race. Both need an HTTP transport if their service does.
    pub fn from_operators(data: Operator, claims: Operator) -> Self {
        let info = data.info();
        let name = format!("{}://{}{}", info.scheme(), info.name(), info.root());
        Self(Store::Operator(Box::new(OperatorStore::new(
            data,
            claims,
            name,
            StorageLimits::default(),
            true,
        ))))
    }

    /// Tries what the store really does, with an object of its own that it removes again. `vault check` runs it.
    ///
    /// If the store turns out not to create conditionally, this vault and its clones stop promising it.
    ///
    /// # Errors
    /// Those of [`VaultBackend`], if the store does not even write, read and delete.
    pub async fn probe(&self) -> Result<Probe> {
        let found = probe::probe(self, &SystemEntropy).await?;
        if let (false, Store::Operator(store)) = (found.conditional_create, &self.0) {
            store.forget_conditional_create();
        }
        Ok(found)
    }

    /// Removes what killed writers left in a folder's vault, and answers how many files; elsewhere there is nothing to do.
    ///
    /// # Errors
    /// `PermissionDenied` and others of the file system.
    pub async fn sweep(&self) -> Result<u64> {
        match &self.0 {
            #[cfg(feature = "fs")]
            Store::Folder(folder) => folder.sweep().await,
            Store::Operator(_) => Ok(0),
        }
    }

    fn backend(&self) -> &dyn VaultBackend {
        match &self.0 {
            #[cfg(feature = "fs")]
            Store::Folder(folder) => folder,
            Store::Operator(store) => &**store,
        }
    }
}

impl fmt::Debug for OpendalVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OpendalVault")
            .field(&self.backend())
            .finish()
    }
}

impl fmt::Display for OpendalVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.backend(), f)
    }
}

#[async_trait]
impl VaultBackend for OpendalVault {
    fn capabilities(&self) -> VaultCapabilities {
        self.backend().capabilities()
    }

    async fn put(&self, key: &VaultKey, body: Bytes, mode: PutMode) -> Result<VaultMeta> {
        self.backend().put(key, body, mode).await
    }

    async fn writer(&self, key: &VaultKey, mode: PutMode) -> Result<Box<dyn VaultWriter>> {
        self.backend().writer(key, mode).await
    }

    async fn get(
        &self,
        key: &VaultKey,
        range: ReadRange,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        self.backend().get(key, range).await
    }

    async fn stat(&self, key: &VaultKey) -> Result<VaultMeta> {
        self.backend().stat(key).await
    }

    fn list(&self, prefix: &VaultKey) -> BoxStream<'static, Result<VaultMeta>> {
        self.backend().list(prefix)
    }

    async fn delete(&self, key: &VaultKey) -> Result<()> {
        self.backend().delete(key).await
    }

    fn retention(&self) -> Option<&dyn Retention> {
        self.backend().retention()
    }
}

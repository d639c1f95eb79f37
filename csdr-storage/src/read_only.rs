//! A vault that cannot be changed.

use crate::error;
use async_trait::async_trait;
use bytes::Bytes;
use csdr_core::{
    Error, Result,
    port::{
        PutMode, ReadRange, Retention, VaultBackend, VaultCapabilities, VaultKey, VaultMeta,
        VaultWriter,
    },
};
use futures::stream::BoxStream;
use std::fmt;

/// Reads only: `put`, `writer` and `delete` answer `Unsupported`, and nothing of them reaches the vault below.
///
/// ```
/// use csdr_core::{ErrorKind, memory::MemoryVault, port::{VaultBackend, VaultKey}};
/// use csdr_storage::ReadOnly;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> csdr_core::Result<()> {
/// let vault = ReadOnly::new(MemoryVault::new());
/// let error = vault.delete(&VaultKey::parse("a")?).await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Unsupported);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ReadOnly<V> {
    inner: V,
}

impl<V> ReadOnly<V> {
    /// Lets nobody write through this value.
    pub fn new(inner: V) -> Self {
        Self { inner }
    }

    /// The vault below.
    pub fn into_inner(self) -> V {
        self.inner
    }
}

impl<V: fmt::Display> fmt::Display for ReadOnly<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

fn refused(operation: &'static str) -> Error {
    error::unsupported("the vault was opened for reading only").with_operation(operation)
}

#[async_trait]
impl<V: VaultBackend> VaultBackend for ReadOnly<V> {
    fn capabilities(&self) -> VaultCapabilities {
        VaultCapabilities {
            write: false,
            conditional_create: false,
            ..self.inner.capabilities()
        }
    }

    async fn put(&self, _: &VaultKey, _: Bytes, _: PutMode) -> Result<VaultMeta> {
        Err(refused("put"))
    }

    async fn writer(&self, _: &VaultKey, _: PutMode) -> Result<Box<dyn VaultWriter>> {
        Err(refused("open writer"))
    }

    async fn get(
        &self,
        key: &VaultKey,
        range: ReadRange,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        self.inner.get(key, range).await
    }

    async fn stat(&self, key: &VaultKey) -> Result<VaultMeta> {
        self.inner.stat(key).await
    }

    fn list(&self, prefix: &VaultKey) -> BoxStream<'static, Result<VaultMeta>> {
        self.inner.list(prefix)
    }

    async fn delete(&self, _: &VaultKey) -> Result<()> {
        Err(refused("delete"))
    }

    fn retention(&self) -> Option<&dyn Retention> {
        // To protect an object is to change it.
        None
    }
}

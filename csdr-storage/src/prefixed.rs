//! A vault inside another.

use async_trait::async_trait;
use bytes::Bytes;
use csdr_core::{
    Error, Result,
    port::{
        PutMode, ReadRange, Retention, VaultBackend, VaultCapabilities, VaultKey, VaultMeta,
        VaultWriter,
    },
};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use jiff::Timestamp;
use std::fmt;

/// A folder of a vault as a vault of its own: every key stands below the prefix, and nothing beside it is seen.
///
/// ```
/// use csdr_core::{memory::MemoryVault, port::{PutMode, VaultBackend, VaultBackendExt, VaultKey}};
/// use csdr_storage::Prefixed;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> csdr_core::Result<()> {
/// let whole = MemoryVault::new();
/// let part = Prefixed::new(whole.clone(), VaultKey::parse("cluster-1")?);
/// part.put(&VaultKey::parse("a")?, "x".into(), PutMode::CreateNew).await?;
/// assert!(whole.exists(&VaultKey::parse("cluster-1/a")?).await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Prefixed<V> {
    inner: V,
    prefix: VaultKey,
}

impl<V> Prefixed<V> {
    /// The part of `inner` below `prefix`; the root is all of it.
    pub fn new(inner: V, prefix: VaultKey) -> Self {
        Self { inner, prefix }
    }

    /// The key below; the root of this vault is the prefix itself.
    fn inward(&self, key: &VaultKey) -> Result<VaultKey> {
        match key.as_str() {
            "" => Ok(self.prefix.clone()),
            text => self.prefix.join(text),
        }
    }

    fn object(&self, key: &VaultKey) -> Result<VaultKey> {
        if key.as_str().is_empty() {
            // Not the object that has the prefix's name.
            return Err(Error::invalid("the root is a prefix, not an object"));
        }
        self.inward(key)
    }

    fn outward(&self, meta: VaultMeta) -> Result<VaultMeta> {
        let key = meta.key.below(&self.prefix).map(VaultKey::parse);
        match key {
            Some(key) => Ok(VaultMeta { key: key?, ..meta }),
            None => Err(
                Error::corrupt("the vault listed a key outside of the prefix")
                    .with_context("key", &meta.key)
                    .with_context("prefix", &self.prefix),
            ),
        }
    }
}

impl<V: fmt::Display> fmt::Display for Prefixed<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)?;
        match self.prefix.as_str() {
            "" => Ok(()),
            prefix => write!(f, "/{prefix}"),
        }
    }
}

#[async_trait]
impl<V: VaultBackend> VaultBackend for Prefixed<V> {
    fn capabilities(&self) -> VaultCapabilities {
        self.inner.capabilities()
    }

    async fn put(&self, key: &VaultKey, body: Bytes, mode: PutMode) -> Result<VaultMeta> {
        let meta = self.inner.put(&self.object(key)?, body, mode).await?;
        self.outward(meta)
    }

    async fn writer(&self, key: &VaultKey, mode: PutMode) -> Result<Box<dyn VaultWriter>> {
        let inner = self.inner.writer(&self.object(key)?, mode).await?;
        Ok(Box::new(PrefixedWriter {
            inner,
            key: key.clone(),
        }))
    }

    async fn get(
        &self,
        key: &VaultKey,
        range: ReadRange,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        self.inner.get(&self.object(key)?, range).await
    }

    async fn stat(&self, key: &VaultKey) -> Result<VaultMeta> {
        let meta = self.inner.stat(&self.object(key)?).await?;
        self.outward(meta)
    }

    fn list(&self, prefix: &VaultKey) -> BoxStream<'static, Result<VaultMeta>> {
        match self.inward(prefix) {
            Ok(below) => {
                let own = Prefixed {
                    inner: (),
                    prefix: self.prefix.clone(),
                };
                self.inner
                    .list(&below)
                    .map(move |row| row.and_then(|meta| own.outward(meta)))
                    .boxed()
            }
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    async fn delete(&self, key: &VaultKey) -> Result<()> {
        self.inner.delete(&self.object(key)?).await
    }

    fn retention(&self) -> Option<&dyn Retention> {
        self.inner.retention().map(|_| self as &dyn Retention)
    }
}

#[async_trait]
impl<V: VaultBackend> Retention for Prefixed<V> {
    async fn retain(&self, key: &VaultKey, until: Timestamp) -> Result<()> {
        match self.inner.retention() {
            Some(retention) => retention.retain(&self.object(key)?, until).await,
            None => Err(crate::error::unsupported(
                "the vault below has no object lock",
            )),
        }
    }

    async fn retained_until(&self, key: &VaultKey) -> Result<Option<Timestamp>> {
        match self.inner.retention() {
            Some(retention) => retention.retained_until(&self.object(key)?).await,
            None => Ok(None),
        }
    }
}

/// Tells the key as its caller knows it.
#[derive(Debug)]
struct PrefixedWriter {
    inner: Box<dyn VaultWriter>,
    key: VaultKey,
}

#[async_trait]
impl VaultWriter for PrefixedWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.inner.write(bytes).await
    }

    async fn finish(self: Box<Self>) -> Result<VaultMeta> {
        let meta = self.inner.finish().await?;
        Ok(VaultMeta {
            key: self.key,
            ..meta
        })
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.inner.abort().await
    }
}

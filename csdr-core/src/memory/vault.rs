//! A vault in memory.

use crate::{
    Error, ErrorKind, Result,
    port::{
        Clock, PutMode, ReadRange, Retention, SystemClock, VaultBackend, VaultCapabilities,
        VaultKey, VaultMeta, VaultWriter,
    },
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream, stream::BoxStream};
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A vault that lives as long as its last clone; clones share their objects.
///
/// It keeps the whole contract of [`VaultBackend`]: `CreateNew` is atomic, a writer shows nothing before it finishes, ranges are
/// checked, lists are in the order of keys.
///
/// ```
/// use bytes::Bytes;
/// use csdr_core::{
///     ErrorKind,
///     memory::MemoryVault,
///     port::{PutMode, VaultBackend, VaultBackendExt, VaultKey},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> csdr_core::Result<()> {
/// let vault = MemoryVault::new();
/// let key = VaultKey::parse("backups/shop-1/csdr/claim-1.json")?;
/// vault.put(&key, Bytes::from_static(b"{}"), PutMode::CreateNew).await?;
///
/// let second = vault.put(&key, Bytes::from_static(b"[]"), PutMode::CreateNew).await;
/// assert_eq!(second.unwrap_err().kind(), ErrorKind::AlreadyExists);
/// assert_eq!(vault.read(&key, 1024).await?, "{}");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MemoryVault {
    objects: Arc<Mutex<BTreeMap<VaultKey, Entry>>>,
    clock: Arc<dyn Clock>,
}

/// One stored object. The body keeps the chunks in which it came: neither writing nor reading copies them.
#[derive(Clone)]
struct Entry {
    chunks: Arc<[Bytes]>,
    size: u64,
    modified: Timestamp,
}

impl MemoryVault {
    /// An empty vault on the host's clock.
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// An empty vault whose objects are dated by `clock`.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self {
            objects: Arc::default(),
            clock,
        }
    }

    /// How many objects it holds.
    pub fn len(&self) -> usize {
        self.objects().len()
    }

    /// Whether it holds no object.
    pub fn is_empty(&self) -> bool {
        self.objects().is_empty()
    }

    /// A second vault with the same objects, independent from now on: what a disk would hold if the machine stopped here.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        Self {
            objects: Arc::new(Mutex::new(self.objects().clone())),
            clock: self.clock.clone(),
        }
    }

    fn objects(&self) -> MutexGuard<'_, BTreeMap<VaultKey, Entry>> {
        // Every change below is a single insert or remove, so a panic elsewhere cannot have left the map half changed.
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn insert(&self, key: &VaultKey, chunks: Vec<Bytes>, mode: PutMode) -> Result<VaultMeta> {
        let entry = Entry {
            size: chunks.iter().map(|chunk| chunk.len() as u64).sum(),
            chunks: chunks.into(),
            modified: self.clock.now(),
        };
        let meta = entry.meta(key);
        let mut objects = self.objects();
        if mode == PutMode::CreateNew && objects.contains_key(key) {
            return Err(exists(key));
        }
        objects.insert(key.clone(), entry);
        Ok(meta)
    }
}

impl Default for MemoryVault {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Contents are somebody's Secrets: only their number is shown.
        f.debug_struct("MemoryVault")
            .field("objects", &self.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for MemoryVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory://")
    }
}

#[async_trait]
impl VaultBackend for MemoryVault {
    fn capabilities(&self) -> VaultCapabilities {
        VaultCapabilities {
            conditional_create: true,
            range_read: true,
            list_consistent: true,
            write: true,
        }
    }

    async fn put(&self, key: &VaultKey, body: Bytes, mode: PutMode) -> Result<VaultMeta> {
        check_key(key, "put")?;
        self.insert(key, vec![body], mode)
            .map_err(|error| error.with_operation("put"))
    }

    async fn writer(&self, key: &VaultKey, mode: PutMode) -> Result<Box<dyn VaultWriter>> {
        check_key(key, "open writer")?;
        // A taken key is told early, before the caller streams an archive for nothing; `finish` decides.
        if mode == PutMode::CreateNew && self.objects().contains_key(key) {
            return Err(exists(key).with_operation("open writer"));
        }
        Ok(Box::new(MemoryWriter {
            vault: self.clone(),
            key: key.clone(),
            mode,
            chunks: Vec::new(),
        }))
    }

    async fn get(
        &self,
        key: &VaultKey,
        range: ReadRange,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        let entry = self
            .objects()
            .get(key)
            .cloned()
            .ok_or_else(|| missing(key, "get"))?;
        let (offset, len) = entry
            .window(range)
            .map_err(|error| error.with_operation("get").with_context("key", key))?;
        Ok(stream::iter(entry.slices(offset, len).into_iter().map(Ok)).boxed())
    }

    async fn stat(&self, key: &VaultKey) -> Result<VaultMeta> {
        self.objects()
            .get(key)
            .map(|entry| entry.meta(key))
            .ok_or_else(|| missing(key, "stat"))
    }

    fn list(&self, prefix: &VaultKey) -> BoxStream<'static, Result<VaultMeta>> {
        let rows: Vec<_> = self
            .objects()
            .range(prefix.clone()..)
            // Keys between `a` and `a/` (such as `a-b`) belong to other prefixes: they are skipped, not the end.
            .take_while(|(key, _)| key.as_str().starts_with(prefix.as_str()))
            .filter(|(key, _)| key.below(prefix).is_some())
            .map(|(key, entry)| Ok(entry.meta(key)))
            .collect();
        stream::iter(rows).boxed()
    }

    async fn delete(&self, key: &VaultKey) -> Result<()> {
        check_key(key, "delete")?;
        self.objects().remove(key);
        Ok(())
    }

    fn retention(&self) -> Option<&dyn Retention> {
        None
    }
}

impl Entry {
    fn meta(&self, key: &VaultKey) -> VaultMeta {
        VaultMeta {
            key: key.clone(),
            size: self.size,
            modified: Some(self.modified),
        }
    }

    /// Offset and length of a range, checked against the size.
    fn window(&self, range: ReadRange) -> Result<(u64, u64)> {
        match range {
            ReadRange::Full => Ok((0, self.size)),
            ReadRange::Part { offset, len } => match offset.checked_add(len) {
                Some(end) if len > 0 && end <= self.size => Ok((offset, len)),
                _ => Err(Error::invalid("range is empty or beyond the end")
                    .with_context("offset", offset)
                    .with_context("len", len)
                    .with_context("size", self.size)),
            },
        }
    }

    fn slices(&self, offset: u64, len: u64) -> Vec<Bytes> {
        let mut start = 0u64;
        let mut slices = Vec::new();
        for chunk in self.chunks.iter() {
            let end = start + chunk.len() as u64;
            let from = offset.max(start);
            let to = (offset + len).min(end);
            if from < to {
                slices.push(chunk.slice((from - start) as usize..(to - start) as usize));
            }
            start = end;
        }
        slices
    }
}

/// Keeps the chunks until `finish`; dropping it forgets them.
struct MemoryWriter {
    vault: MemoryVault,
    key: VaultKey,
    mode: PutMode,
    chunks: Vec<Bytes>,
}

impl fmt::Debug for MemoryWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryWriter")
            .field("key", &self.key)
            .field("mode", &self.mode)
            .field("chunks", &self.chunks.len())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl VaultWriter for MemoryWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        if !bytes.is_empty() {
            self.chunks.push(bytes);
        }
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<VaultMeta> {
        self.vault
            .insert(&self.key, self.chunks, self.mode)
            .map_err(|error| error.with_operation("finish"))
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

fn check_key(key: &VaultKey, operation: &'static str) -> Result<()> {
    if key.as_str().is_empty() {
        return Err(Error::invalid("the root is a prefix, not an object").with_operation(operation));
    }
    Ok(())
}

fn missing(key: &VaultKey, operation: &'static str) -> Error {
    Error::new(ErrorKind::NotFound, "no such object in the vault")
        .with_operation(operation)
        .with_context("key", key)
}

fn exists(key: &VaultKey) -> Error {
    Error::new(
        ErrorKind::AlreadyExists,
        "the object exists already and is never replaced",
    )
    .with_context("key", key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::VaultBackendExt;

    fn key(text: &str) -> VaultKey {
        VaultKey::parse(text).unwrap()
    }

    #[tokio::test]
    async fn ranges_cross_chunks_and_are_checked() {
        let vault = MemoryVault::new();
        let mut writer = vault.writer(&key("a"), PutMode::CreateNew).await.unwrap();
        for part in ["0123", "", "4567", "89"] {
            writer
                .write(Bytes::from_static(part.as_bytes()))
                .await
                .unwrap();
        }
        assert!(vault.is_empty());
        assert_eq!(writer.finish().await.unwrap().size, 10);

        assert_eq!(vault.read_range(&key("a"), 3, 6).await.unwrap(), "345678");
        assert_eq!(
            vault.read_range(&key("a"), 0, 10).await.unwrap(),
            "0123456789"
        );
        for (offset, len) in [(0, 0), (9, 2), (10, 1), (u64::MAX, 2)] {
            let error = vault.read_range(&key("a"), offset, len).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{offset}+{len}");
        }
    }

    #[tokio::test]
    async fn list_is_in_key_order_and_keeps_to_the_prefix() {
        let vault = MemoryVault::new();
        for name in ["a/b", "a-b/c", "a", "a/b/c", "a.x", "ab", "a/a"] {
            vault
                .put(&key(name), Bytes::new(), PutMode::CreateNew)
                .await
                .unwrap();
        }
        let names = |rows: Vec<VaultMeta>| -> Vec<String> {
            rows.into_iter().map(|row| row.key.into()).collect()
        };
        assert_eq!(
            names(vault.keys(&key("a"), 9).await.unwrap()),
            ["a/a", "a/b", "a/b/c"]
        );
        assert_eq!(
            names(vault.keys(&VaultKey::root(), 9).await.unwrap()),
            ["a", "a-b/c", "a.x", "a/a", "a/b", "a/b/c", "ab"]
        );
    }

    #[tokio::test]
    async fn debug_shows_no_contents() {
        let vault = MemoryVault::new();
        let secret = Bytes::from_static(b"canary");
        let mut writer = vault.writer(&key("b"), PutMode::Overwrite).await.unwrap();
        writer.write(secret.clone()).await.unwrap();
        vault
            .put(&key("a"), secret, PutMode::CreateNew)
            .await
            .unwrap();
        assert!(!format!("{vault:?}{writer:?}").contains("canary"));
    }
}

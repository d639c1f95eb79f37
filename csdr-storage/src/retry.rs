//! A vault whose failed calls are made again.

use crate::backoff::Backoff;
use async_trait::async_trait;
use bytes::Bytes;
use csdr_core::{
    Error, ErrorKind, Result,
    port::{
        Clock, Entropy, PutMode, ReadRange, Retention, SystemClock, SystemEntropy, VaultBackend,
        VaultBackendExt, VaultCapabilities, VaultKey, VaultMeta, VaultWriter,
    },
};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use sha2::{Digest, Sha256};
use std::{fmt, num::NonZeroU32, sync::Arc, time::Duration};

/// How often and after which pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often a call is made; 1 is no repetition. 5 by default.
    pub attempts: NonZeroU32,
    /// The first pause; it doubles each time, and up to half of it is random. 200 ms by default.
    pub backoff_min: Duration,
    /// The longest pause. 10 s by default.
    pub backoff_max: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: NonZeroU32::MIN.saturating_add(4),
            backoff_min: Duration::from_millis(200),
            backoff_max: Duration::from_secs(10),
        }
    }
}

/// Makes calls again that failed with [`Retry::After`](csdr_core::Retry::After), a bounded number of times.
///
/// * After a `put` with `CreateNew` whose answer was lost, the repetition finds the key taken. Then the object is read: an equal body
///   means that it was ours, and the call has worked (format.md rule 1).
/// * Opening a writer is repeated; its `write` is not, because the bytes are gone (stores repeat parts themselves). After a `finish`
///   whose answer was lost the object is read: equal size and SHA-256 mean that it was ours, and the call has worked.
/// * A list that breaks begins again after the last key that was handed out. A stream that breaks goes on at the next byte, if
///   size and time of the object are still those that a `stat` before each `get` told.
///
/// [`OpendalVault`](crate::OpendalVault) repeats by itself and needs no such wrapper; other implementations may.
///
/// ```
/// use csdr_core::memory::MemoryVault;
/// use csdr_storage::{Retry, RetryPolicy};
///
/// let vault = Retry::new(MemoryVault::new(), RetryPolicy::default());
/// assert_eq!(vault.to_string(), "memory://");
/// ```
#[derive(Debug)]
pub struct Retry<V> {
    inner: Arc<V>,
    turns: Turns,
}

/// When to try again.
#[derive(Clone, Debug)]
struct Turns {
    backoff: Backoff,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl Turns {
    /// Waits for the next attempt, or ends with the error.
    async fn wait(&self, made: u32, error: Error) -> Result<Error> {
        self.backoff
            .wait(made, error, &*self.clock, &*self.entropy)
            .await
    }

    /// Makes a call until it works, must not be made again, or was made often enough.
    async fn run<T, F: Future<Output = Result<T>>>(&self, call: impl Fn() -> F) -> Result<T> {
        let mut made = 0;
        loop {
            made += 1;
            match call().await {
                Ok(answer) => return Ok(answer),
                Err(error) => self.wait(made, error).await?,
            };
        }
    }
}

impl<V: VaultBackend> Retry<V> {
    /// Repeats calls to `inner`, on the host's clock and randomness.
    pub fn new(inner: V, policy: RetryPolicy) -> Self {
        Self {
            inner: Arc::new(inner),
            turns: Turns {
                backoff: Backoff {
                    attempts: policy.attempts,
                    min: policy.backoff_min,
                    max: policy.backoff_max,
                },
                clock: Arc::new(SystemClock),
                entropy: Arc::new(SystemEntropy),
            },
        }
    }

    /// Waits on `clock`.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.turns.clock = clock;
        self
    }

    /// Takes the random part of pauses from `entropy`.
    #[must_use]
    pub fn with_entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.turns.entropy = entropy;
        self
    }

    /// The SHA-256 of what lies under a key.
    async fn hash(&self, key: &VaultKey) -> Result<Vec<u8>> {
        let mut hash = Sha256::new();
        let mut stream = self.get(key, ReadRange::Full).await?;
        while let Some(bytes) = stream.next().await {
            hash.update(&bytes?);
        }
        Ok(hash.finalize().to_vec())
    }

    /// Whether the object under a taken key is the one that was to be written. It is not if it cannot be read.
    async fn is_ours(&self, key: &VaultKey, body: &Bytes) -> bool {
        let read = || self.inner.read(key, body.len() as u64);
        self.turns
            .run(read)
            .await
            .is_ok_and(|stored| stored == *body)
    }
}

impl<V> Clone for Retry<V> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            turns: self.turns.clone(),
        }
    }
}

impl<V: fmt::Display> fmt::Display for Retry<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl<V: VaultBackend> VaultBackend for Retry<V> {
    fn capabilities(&self) -> VaultCapabilities {
        self.inner.capabilities()
    }

    async fn put(&self, key: &VaultKey, body: Bytes, mode: PutMode) -> Result<VaultMeta> {
        let mut made = 0;
        let mut unanswered = false;
        loop {
            made += 1;
            let error = match self.inner.put(key, body.clone(), mode).await {
                Ok(meta) => return Ok(meta),
                Err(error) => error,
            };
            if unanswered
                && mode == PutMode::CreateNew
                && error.kind() == ErrorKind::AlreadyExists
                && self.is_ours(key, &body).await
            {
                return self.stat(key).await;
            }
            self.turns.wait(made, error).await?;
            unanswered = true;
        }
    }

    async fn writer(&self, key: &VaultKey, mode: PutMode) -> Result<Box<dyn VaultWriter>> {
        let inner = self.turns.run(|| self.inner.writer(key, mode)).await?;
        Ok(Box::new(RetryWriter {
            vault: self.clone(),
            inner,
            key: key.clone(),
            size: 0,
            hash: Sha256::new(),
        }))
    }

    async fn get(
        &self,
        key: &VaultKey,
        range: ReadRange,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        let version = self.stat(key).await?;
        let open = self.turns.run(|| self.inner.get(key, range)).await?;
        let download = Download {
            vault: self.clone(),
            version,
            range,
            done: 0,
            open: Some(open),
        };
        let rest = stream::try_unfold(download, |mut download| async move {
            let bytes = download.next().await?;
            Ok(bytes.map(|bytes| (bytes, download)))
        });
        Ok(rest.boxed())
    }

    async fn stat(&self, key: &VaultKey) -> Result<VaultMeta> {
        self.turns.run(|| self.inner.stat(key)).await
    }

    fn list(&self, prefix: &VaultKey) -> BoxStream<'static, Result<VaultMeta>> {
        let listing = Listing {
            vault: self.clone(),
            prefix: prefix.clone(),
            last: None,
            open: None,
        };
        stream::try_unfold(listing, |mut listing| async move {
            let row = listing.next().await?;
            Ok(row.map(|row| (row, listing)))
        })
        .boxed()
    }

    async fn delete(&self, key: &VaultKey) -> Result<()> {
        self.turns.run(|| self.inner.delete(key)).await
    }

    fn retention(&self) -> Option<&dyn Retention> {
        self.inner.retention()
    }
}

/// A writer that looks what became of it.
struct RetryWriter<V> {
    vault: Retry<V>,
    inner: Box<dyn VaultWriter>,
    key: VaultKey,
    size: u64,
    hash: Sha256,
}

impl<V> fmt::Debug for RetryWriter<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryWriter")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl<V: VaultBackend> VaultWriter for RetryWriter<V> {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.size += bytes.len() as u64;
        self.hash.update(&bytes);
        self.inner.write(bytes).await
    }

    async fn finish(self: Box<Self>) -> Result<VaultMeta> {
        let Self {
            vault,
            inner,
            key,
            size,
            hash,
        } = *self;
        let error = match inner.finish().await {
            Ok(meta) => return Ok(meta),
            Err(error) => error,
        };
        if !matches!(error.retry(), csdr_core::Retry::After(_)) {
            return Err(error);
        }
        match vault.stat(&key).await {
            Ok(meta) if meta.size == size && vault.hash(&key).await? == hash.finalize()[..] => {
                Ok(meta)
            }
            // The bytes are gone: whoever has them must write them again.
            _ => Err(error.with_retry(csdr_core::Retry::Exhausted)),
        }
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.inner.abort().await
    }
}

/// A stream that goes on where it broke.
struct Download<V> {
    vault: Retry<V>,
    /// What `stat` said before the stream was opened.
    version: VaultMeta,
    range: ReadRange,
    /// Bytes handed out.
    done: u64,
    open: Option<BoxStream<'static, Result<Bytes>>>,
}

impl<V: VaultBackend> Download<V> {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let mut made = 0;
        loop {
            made += 1;
            match self.attempt().await {
                Ok(bytes) => {
                    self.done += bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
                    return Ok(bytes);
                }
                Err(error) => {
                    self.open = None;
                    self.vault.turns.wait(made, error).await?;
                }
            }
        }
    }

    async fn attempt(&mut self) -> Result<Option<Bytes>> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => match self.reopen().await? {
                Some(open) => open,
                None => return Ok(None),
            },
        };
        let bytes = open.next().await.transpose()?;
        self.open = Some(open);
        Ok(bytes)
    }

    /// The rest of the object, unless it was replaced meanwhile; `None` if there is none.
    async fn reopen(&mut self) -> Result<Option<BoxStream<'static, Result<Bytes>>>> {
        let inner = &self.vault.inner;
        let key = &self.version.key;
        if inner.stat(key).await? != self.version {
            return Err(Error::new(
                ErrorKind::Conflict,
                "the object was replaced while it was read; read it again",
            )
            .with_operation("get")
            .with_context("key", key));
        }
        let (offset, end) = match self.range {
            ReadRange::Full => (0, self.version.size),
            ReadRange::Part { offset, len } => (offset, offset.saturating_add(len)),
        };
        let offset = offset + self.done;
        if offset >= end {
            return Ok(None);
        }
        let range = ReadRange::Part {
            offset,
            len: end - offset,
        };
        inner.get(key, range).await.map(Some)
    }
}

/// A list that goes on after the last key.
struct Listing<V> {
    vault: Retry<V>,
    prefix: VaultKey,
    last: Option<VaultKey>,
    open: Option<BoxStream<'static, Result<VaultMeta>>>,
}

impl<V: VaultBackend> Listing<V> {
    async fn next(&mut self) -> Result<Option<VaultMeta>> {
        let mut made = 0;
        loop {
            let open = self
                .open
                .get_or_insert_with(|| self.vault.inner.list(&self.prefix));
            match open.next().await {
                None => return Ok(None),
                // A list that was begun again tells again what was told: lists are in the order of keys.
                Some(Ok(row)) if self.last.as_ref().is_some_and(|last| row.key <= *last) => {}
                Some(Ok(row)) => {
                    self.last = Some(row.key.clone());
                    return Ok(Some(row));
                }
                Some(Err(error)) => {
                    self.open = None;
                    made += 1;
                    self.vault.turns.wait(made, error).await?;
                }
            }
        }
    }
}

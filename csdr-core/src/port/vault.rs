//! Bytes by key.

use crate::{Error, ErrorKind, Result};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, sync::Arc};

/// Bytes by key: a file system, a bucket, memory. It knows nothing of backups.
///
/// # Contract
/// * A reader sees an object whole or not at all: `put` and `writer` show nothing before they end.
/// * After `put`, `finish` or `delete` answers, the next `get`, `stat` and `list` (if `list_consistent`) show it.
/// * [`PutMode::CreateNew`] never changes an existing object: `AlreadyExists`. Of callers racing for one key exactly one wins,
///   if `conditional_create`; without that capability `CreateNew` answers `Unsupported`.
/// * `get` of a range beyond the end is `InvalidInput`; of a missing key `NotFound`. The stream's bytes are those of one version.
/// * `list` yields every object whose key is `prefix` followed by `/`, at any depth, in the order of keys' bytes;
///   the root prefix is [`VaultKey::root`].
/// * `delete` of a missing key is not an error.
/// * `abort`, and dropping a writer, leave nothing that `list` shows.
///
/// # Errors
/// | kind | when |
/// |---|---|
/// | `NotFound` | the key (`get`, `stat`), or the bucket or folder itself |
/// | `AlreadyExists` | `CreateNew` of a taken key |
/// | `PermissionDenied`, `Unauthenticated` | rights |
/// | `Exhausted` | no space, a quota |
/// | `Unavailable`, `Timeout`, `RateLimited` | not certain whether a write happened |
/// | `Unsupported` | an option beyond the capabilities |
///
/// # Cancellation
/// Dropping a future leaves open whether a write took effect, but never a torn object.
#[async_trait]
pub trait VaultBackend: fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// What the current stack can do.
    fn capabilities(&self) -> VaultCapabilities;

    /// Writes one object.
    async fn put(&self, key: &VaultKey, body: Bytes, mode: PutMode) -> Result<VaultMeta>;

    /// Writes one object in parts.
    async fn writer(&self, key: &VaultKey, mode: PutMode) -> Result<Box<dyn VaultWriter>>;

    /// Reads an object or a part of it.
    async fn get(
        &self,
        key: &VaultKey,
        range: ReadRange,
    ) -> Result<BoxStream<'static, Result<Bytes>>>;

    /// Size and time of an object.
    async fn stat(&self, key: &VaultKey) -> Result<VaultMeta>;

    /// All objects below a prefix.
    fn list(&self, prefix: &VaultKey) -> BoxStream<'static, Result<VaultMeta>>;

    /// Removes an object.
    async fn delete(&self, key: &VaultKey) -> Result<()>;

    /// Object lock, where the store has it.
    fn retention(&self) -> Option<&dyn Retention>;
}

/// Writes one object in parts; nothing is visible until [`VaultWriter::finish`].
#[async_trait]
pub trait VaultWriter: fmt::Debug + Send {
    /// Appends bytes of any size.
    async fn write(&mut self, bytes: Bytes) -> Result<()>;

    /// Makes the object visible. `AlreadyExists` if it was opened with `CreateNew` and the key is taken by now.
    async fn finish(self: Box<Self>) -> Result<VaultMeta>;

    /// Leaves nothing.
    async fn abort(self: Box<Self>) -> Result<()>;
}

/// Object lock of a store: until when an object cannot be deleted.
#[async_trait]
pub trait Retention: fmt::Debug + Send + Sync {
    /// Protects an object until `until`; never shortens.
    async fn retain(&self, key: &VaultKey, until: Timestamp) -> Result<()>;

    /// Until when it is protected.
    async fn retained_until(&self, key: &VaultKey) -> Result<Option<Timestamp>>;
}

/// What the current stack of a vault can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VaultCapabilities {
    /// `CreateNew` is atomic against other writers.
    pub conditional_create: bool,
    /// `get` takes ranges.
    pub range_read: bool,
    /// `list` shows every write that was answered before.
    pub list_consistent: bool,
    /// `put`, `writer` and `delete` work.
    pub write: bool,
}

/// Whether an existing object may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutMode {
    /// Replaces it.
    Overwrite,
    /// Fails with `AlreadyExists`.
    CreateNew,
}

/// A part of an object, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadRange {
    /// All of it.
    Full,
    /// `len` bytes from `offset`.
    Part {
        /// First byte.
        offset: u64,
        /// How many; at least 1.
        len: u64,
    },
}

/// What a store knows of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultMeta {
    /// Its key.
    pub key: VaultKey,
    /// Bytes.
    pub size: u64,
    /// When it was last written, where the store says so.
    pub modified: Option<Timestamp>,
}

/// The key of an object in a vault.
///
/// Invariants: segments separated by `/`, none empty, `.` or `..`; no control characters or `\`; at most 1,024 bytes.
/// The root (no segment) is a prefix only.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VaultKey(String);

impl VaultKey {
    /// The prefix of everything.
    pub fn root() -> Self {
        Self(String::new())
    }

    /// Checks and takes a key.
    ///
    /// # Errors
    /// `InvalidInput` if an invariant does not hold.
    pub fn parse(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        let segment_ok = |segment: &str| !matches!(segment, "" | "." | "..");
        let good = text.len() <= 1024
            && !text.chars().any(|c| c.is_control() || c == '\\')
            && (text.is_empty() || text.split('/').all(segment_ok));
        if good {
            Ok(Self(text))
        } else {
            Err(Error::invalid("not a key of a vault").with_context("key", text.escape_debug()))
        }
    }

    /// `self/segment[/segment…]`.
    ///
    /// # Errors
    /// `InvalidInput` if the result breaks an invariant.
    pub fn join(&self, rest: &str) -> Result<Self> {
        if self.0.is_empty() {
            Self::parse(rest)
        } else {
            Self::parse(format!("{}/{rest}", self.0))
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last segment.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// What follows `prefix/`, if this key lies below it.
    pub fn below(&self, prefix: &Self) -> Option<&str> {
        if prefix.0.is_empty() {
            Some(&self.0)
        } else {
            self.0.strip_prefix(&prefix.0)?.strip_prefix('/')
        }
    }
}

impl fmt::Display for VaultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for VaultKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl TryFrom<String> for VaultKey {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(text)
    }
}

impl From<VaultKey> for String {
    fn from(key: VaultKey) -> Self {
        key.0
    }
}

/// Conveniences over every [`VaultBackend`].
#[async_trait]
pub trait VaultBackendExt: VaultBackend {
    /// A whole object of at most `limit` bytes; larger is `Corrupt`.
    async fn read(&self, key: &VaultKey, limit: u64) -> Result<Bytes> {
        let mut stream = self.get(key, ReadRange::Full).await?;
        let mut body = BytesMut::new();
        while let Some(chunk) = stream.try_next().await? {
            if (body.len() + chunk.len()) as u64 > limit {
                return Err(Error::corrupt("file is larger than allowed")
                    .with_context("key", key)
                    .with_context("limit", limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    /// As [`read`](Self::read); `None` if the key does not exist.
    async fn read_if_exists(&self, key: &VaultKey, limit: u64) -> Result<Option<Bytes>> {
        match self.read(key, limit).await {
            Ok(body) => Ok(Some(body)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Exactly `len` bytes from `offset`.
    async fn read_range(&self, key: &VaultKey, offset: u64, len: u64) -> Result<Bytes> {
        let mut stream = self.get(key, ReadRange::Part { offset, len }).await?;
        let mut body = BytesMut::new();
        while let Some(chunk) = stream.try_next().await? {
            body.extend_from_slice(&chunk);
            if body.len() as u64 > len {
                break;
            }
        }
        if body.len() as u64 != len {
            return Err(
                Error::corrupt("file is shorter or longer than its record says")
                    .with_context("key", key)
                    .with_context("offset", offset)
                    .with_context("expected", len)
                    .with_context("got", body.len()),
            );
        }
        Ok(body.freeze())
    }

    /// Whether the key exists.
    async fn exists(&self, key: &VaultKey) -> Result<bool> {
        match self.stat(key).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// All keys below a prefix, at most `limit`; more is `Exhausted`.
    async fn keys(&self, prefix: &VaultKey, limit: usize) -> Result<Vec<VaultMeta>> {
        let mut stream = self.list(prefix);
        let mut rows = Vec::new();
        while let Some(row) = stream.next().await {
            if rows.len() == limit {
                return Err(Error::new(ErrorKind::Exhausted, "more files than allowed")
                    .with_context("prefix", prefix)
                    .with_context("limit", limit));
            }
            rows.push(row?);
        }
        Ok(rows)
    }
}

impl<T: VaultBackend + ?Sized> VaultBackendExt for T {}

#[async_trait]
impl<T: VaultBackend + ?Sized> VaultBackend for Arc<T> {
    fn capabilities(&self) -> VaultCapabilities {
        (**self).capabilities()
    }

    async fn put(&self, key: &VaultKey, body: Bytes, mode: PutMode) -> Result<VaultMeta> {
        (**self).put(key, body, mode).await
    }

    async fn writer(&self, key: &VaultKey, mode: PutMode) -> Result<Box<dyn VaultWriter>> {
        (**self).writer(key, mode).await
    }

    async fn get(
        &self,
        key: &VaultKey,
        range: ReadRange,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        (**self).get(key, range).await
    }

    async fn stat(&self, key: &VaultKey) -> Result<VaultMeta> {
        (**self).stat(key).await
    }

    fn list(&self, prefix: &VaultKey) -> BoxStream<'static, Result<VaultMeta>> {
        (**self).list(prefix)
    }

    async fn delete(&self, key: &VaultKey) -> Result<()> {
        (**self).delete(key).await
    }

    fn retention(&self) -> Option<&dyn Retention> {
        (**self).retention()
    }
}

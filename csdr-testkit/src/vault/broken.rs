//! Vaults that break one rule each: they prove that the suite sees it.

mod writer;

use async_trait::async_trait;
use bytes::Bytes;
use csdr_core::{
    Error, ErrorKind, Result,
    memory::MemoryVault,
    port::{
        PutMode, ReadRange, Retention, VaultBackend, VaultBackendExt, VaultCapabilities, VaultKey,
        VaultMeta, VaultWriter,
    },
};
use futures::{
    FutureExt, StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::task::yield_now;
use writer::BrokenWriter;

/// A way to break the contract of [`VaultBackend`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Defect {
    /// `put` answers one byte too many.
    WrongSize,
    /// `put` with `Overwrite` of an existing key does nothing.
    FirstWriteStays,
    /// A writer with `Overwrite` shows what it has so far.
    EarlyVisible,
    /// A writer forgets what goes beyond 16 MiB.
    ForgetsTheEnd,
    /// The first `stat` after a `delete` still finds the object.
    GhostAfterDelete,
    /// `delete` of a missing key is an error.
    StrictDelete,
    /// `abort` finishes.
    AbortFinishes,
    /// A dropped writer finishes.
    DropFinishes,
    /// `put` with `CreateNew` writes in two steps.
    TornPut,
    /// `CreateNew` replaces empty objects.
    ReplacesEmpty,
    /// `put` with `CreateNew` looks first and writes then.
    LooksThenPuts,
    /// `finish` with `CreateNew` looks first and writes then.
    LooksThenFinishes,
    /// `get` of a part of a missing key is empty.
    MissingIsEmpty,
    /// A range beyond the end is cut short.
    CutsRanges,
    /// A stream reads its second half when it gets there.
    LazyStream,
    /// `list` ends two levels below the prefix.
    ShallowList,
    /// `list` sorts segment by segment.
    SegmentOrder,
    /// `list` takes every key that starts with the prefix's text.
    TextPrefix,
    /// `+` in a key is a space.
    PlusIsSpace,
    /// The root can be written.
    RootIsAnObject,
    /// Says that it cannot create conditionally, and overwrites then.
    UnpromisedCreate,
    /// Says that it cannot write, and deletes.
    UnpromisedDelete,
    /// Says that it cannot read ranges, and answers the whole object.
    UnpromisedRange,
}

impl Defect {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::WrongSize,
        Self::FirstWriteStays,
        Self::EarlyVisible,
        Self::ForgetsTheEnd,
        Self::GhostAfterDelete,
        Self::StrictDelete,
        Self::AbortFinishes,
        Self::DropFinishes,
        Self::TornPut,
        Self::ReplacesEmpty,
        Self::LooksThenPuts,
        Self::LooksThenFinishes,
        Self::MissingIsEmpty,
        Self::CutsRanges,
        Self::LazyStream,
        Self::ShallowList,
        Self::SegmentOrder,
        Self::TextPrefix,
        Self::PlusIsSpace,
        Self::RootIsAnObject,
        Self::UnpromisedCreate,
        Self::UnpromisedDelete,
        Self::UnpromisedRange,
    ];

    /// The one rule of the [suite](super::conformance) that fails.
    pub fn rule(self) -> &'static str {
        match self {
            Self::WrongSize => "put_is_read_back",
            Self::FirstWriteStays => "overwrite_replaces",
            Self::EarlyVisible => "nothing_is_visible_before_finish",
            Self::ForgetsTheEnd => "long_streams_keep_their_bytes",
            Self::GhostAfterDelete => "answers_are_seen_at_once",
            Self::StrictDelete => "delete_is_idempotent",
            Self::AbortFinishes => "aborted_writers_leave_nothing",
            Self::DropFinishes => "dropped_writers_leave_nothing",
            Self::TornPut => "cancelled_puts_are_never_torn",
            Self::ReplacesEmpty => "create_new_keeps_the_existing",
            Self::LooksThenPuts => "create_new_has_one_winner",
            Self::LooksThenFinishes => "streamed_create_new_has_one_winner",
            Self::MissingIsEmpty => "missing_keys_are_not_found",
            Self::CutsRanges => "ranges_are_exact",
            Self::LazyStream => "readers_see_one_whole_version",
            Self::ShallowList => "list_is_complete",
            Self::SegmentOrder => "list_is_in_key_order",
            Self::TextPrefix => "list_keeps_to_the_prefix",
            Self::PlusIsSpace => "keys_keep_their_text",
            Self::RootIsAnObject => "the_root_is_not_an_object",
            Self::UnpromisedCreate | Self::UnpromisedDelete | Self::UnpromisedRange => {
                "unpromised_options_are_refused"
            }
        }
    }
}

/// A [`MemoryVault`] with one [`Defect`].
///
/// ```
/// use csdr_testkit::vault::{broken::{Broken, Defect}, conformance::{self, Fixture}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let fixture = Fixture::new(Broken::new(Defect::StrictDelete));
/// assert!(conformance::delete_is_idempotent(&fixture).await.is_err());
/// assert!(conformance::put_is_read_back(&fixture).await.is_ok());
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Broken {
    inner: MemoryVault,
    defect: Defect,
    ghosts: Arc<Mutex<Vec<VaultMeta>>>,
}

impl Broken {
    /// An empty vault with a defect.
    pub fn new(defect: Defect) -> Self {
        Self {
            inner: MemoryVault::new(),
            defect,
            ghosts: Arc::default(),
        }
    }

    fn has(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    /// The key that is really used.
    fn key(&self, key: &VaultKey) -> Result<VaultKey> {
        if self.has(Defect::PlusIsSpace) {
            VaultKey::parse(key.as_str().replace('+', " "))
        } else if self.has(Defect::RootIsAnObject) && key.as_str().is_empty() {
            VaultKey::parse("root")
        } else {
            Ok(key.clone())
        }
    }

    /// `Overwrite` where the defect lets `CreateNew` replace.
    async fn mode(&self, key: &VaultKey, mode: PutMode) -> PutMode {
        if mode == PutMode::Overwrite {
            return mode;
        }
        let replace = match self.defect {
            Defect::ReplacesEmpty => self.inner.stat(key).await.is_ok_and(|meta| meta.size == 0),
            Defect::UnpromisedCreate => true,
            _ => false,
        };
        if replace { PutMode::Overwrite } else { mode }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "memory:// with {:?}", self.defect)
    }
}

#[async_trait]
impl VaultBackend for Broken {
    fn capabilities(&self) -> VaultCapabilities {
        let mut capabilities = self.inner.capabilities();
        match self.defect {
            Defect::UnpromisedCreate => capabilities.conditional_create = false,
            Defect::UnpromisedDelete => capabilities.write = false,
            Defect::UnpromisedRange => capabilities.range_read = false,
            _ => {}
        }
        capabilities
    }

    async fn put(&self, key: &VaultKey, body: Bytes, mode: PutMode) -> Result<VaultMeta> {
        if self.has(Defect::UnpromisedDelete) {
            return Err(refused());
        }
        let key = &self.key(key)?;
        let mode = self.mode(key, mode).await;
        match (self.defect, mode) {
            (Defect::FirstWriteStays, PutMode::Overwrite) if self.inner.exists(key).await? => {
                self.inner.stat(key).await
            }
            (Defect::TornPut, PutMode::CreateNew) => {
                self.inner
                    .put(key, body.slice(..body.len() / 2), mode)
                    .await?;
                yield_now().await;
                self.inner.put(key, body, PutMode::Overwrite).await
            }
            (Defect::LooksThenPuts, PutMode::CreateNew) if !self.inner.exists(key).await? => {
                yield_now().await;
                self.inner.put(key, body, PutMode::Overwrite).await
            }
            _ => {
                let mut meta = self.inner.put(key, body, mode).await?;
                meta.size += u64::from(self.has(Defect::WrongSize));
                Ok(meta)
            }
        }
    }

    async fn writer(&self, key: &VaultKey, mode: PutMode) -> Result<Box<dyn VaultWriter>> {
        if self.has(Defect::UnpromisedDelete) {
            return Err(refused());
        }
        let key = self.key(key)?;
        let mode = self.mode(&key, mode).await;
        Ok(Box::new(
            BrokenWriter::open(self.inner.clone(), self.defect, key, mode).await?,
        ))
    }

    async fn get(
        &self,
        key: &VaultKey,
        range: ReadRange,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        let key = &self.key(key)?;
        let size = self.inner.stat(key).await.map(|meta| meta.size);
        let range = match (self.defect, range, &size) {
            (Defect::MissingIsEmpty, ReadRange::Part { .. }, Err(_)) => {
                return Ok(stream::empty().boxed());
            }
            (Defect::UnpromisedRange, _, _) => ReadRange::Full,
            (Defect::CutsRanges, ReadRange::Part { offset, len }, &Ok(size)) if offset < size => {
                ReadRange::Part {
                    offset,
                    len: len.min(size - offset),
                }
            }
            (Defect::LazyStream, ReadRange::Full, &Ok(size)) if size > 1 => {
                return Ok(self.lazy(key.clone(), size / 2));
            }
            _ => range,
        };
        self.inner.get(key, range).await
    }

    async fn stat(&self, key: &VaultKey) -> Result<VaultMeta> {
        let key = self.key(key)?;
        match self.take_ghost(&key) {
            Some(ghost) => Ok(ghost),
            None => self.inner.stat(&key).await,
        }
    }

    fn list(&self, prefix: &VaultKey) -> BoxStream<'static, Result<VaultMeta>> {
        let everything = || {
            let rows = self.inner.list(&VaultKey::root()).try_collect::<Vec<_>>();
            // A vault in memory lists without waiting.
            rows.now_or_never().and_then(Result::ok).unwrap_or_default()
        };
        let mut rows = everything();
        let below = |row: &VaultMeta, prefix: &VaultKey| row.key.below(prefix).map(str::to_owned);
        match self.defect {
            Defect::TextPrefix => rows.retain(|row| row.key.as_str().starts_with(prefix.as_str())),
            Defect::ShallowList => rows
                .retain(|row| below(row, prefix).is_some_and(|rest| rest.split('/').count() < 4)),
            Defect::SegmentOrder => {
                rows.retain(|row| below(row, prefix).is_some());
                rows.sort_by_cached_key(|row| {
                    row.key
                        .as_str()
                        .split('/')
                        .map(str::to_owned)
                        .collect::<Vec<_>>()
                });
            }
            Defect::PlusIsSpace => {
                return match self.key(prefix) {
                    Ok(prefix) => self.inner.list(&prefix),
                    Err(error) => stream::iter([Err(error)]).boxed(),
                };
            }
            _ => return self.inner.list(prefix),
        }
        stream::iter(rows.into_iter().map(Ok)).boxed()
    }

    async fn delete(&self, key: &VaultKey) -> Result<()> {
        let key = &self.key(key)?;
        match (self.defect, self.inner.stat(key).await) {
            (Defect::StrictDelete, Err(error)) => return Err(error),
            (Defect::GhostAfterDelete, Ok(meta)) => self
                .ghosts
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(meta),
            _ => {}
        }
        self.inner.delete(key).await
    }

    fn retention(&self) -> Option<&dyn Retention> {
        None
    }
}

impl Broken {
    fn take_ghost(&self, key: &VaultKey) -> Option<VaultMeta> {
        let mut ghosts = self.ghosts.lock().unwrap_or_else(PoisonError::into_inner);
        let ghost = ghosts.iter().position(|ghost| ghost.key == *key)?;
        Some(ghosts.swap_remove(ghost))
    }

    /// The first half now, the rest of whatever is there then.
    fn lazy(&self, key: VaultKey, half: u64) -> BoxStream<'static, Result<Bytes>> {
        let inner = self.inner.clone();
        stream::try_unfold(0u64, move |offset| {
            let (inner, key) = (inner.clone(), key.clone());
            async move {
                let size = inner.stat(&key).await?.size;
                let len = match offset {
                    0 => half.min(size),
                    _ => size.saturating_sub(offset),
                };
                if len == 0 {
                    return Ok(None);
                }
                let bytes = inner.read_range(&key, offset, len).await?;
                Ok(Some((bytes, offset + len)))
            }
        })
        .boxed()
    }
}

fn refused() -> Error {
    Error::new(ErrorKind::Unsupported, "this vault cannot be written")
}

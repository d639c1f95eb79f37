//! A vault over opendal's operators.

mod read;
mod writer;

use crate::{StorageLimits, backoff::Backoff, error};
use async_trait::async_trait;
use bytes::Bytes;
use csdr_core::{
    Error, ErrorKind, Result,
    port::{
        Entropy, PutMode, ReadRange, Retention, SystemClock, SystemEntropy, VaultBackend,
        VaultBackendExt, VaultCapabilities, VaultKey, VaultMeta, VaultWriter,
    },
};
use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use opendal::Operator;
use std::{
    fmt,
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use writer::OperatorWriter;

/// The name of the metadata entry (`x-amz-meta-csdr-write` on S3) by which a writer knows its own object again.
const TOKEN: &str = "csdr-write";

/// Objects behind two operators on the same place.
#[derive(Clone)]
pub(crate) struct OperatorStore {
    /// Repeats failed requests by itself: for everything that may be made twice.
    data: Operator,
    /// Makes every request once: for `CreateNew`, where a repetition finds the object of the lost first attempt, and for
    /// reading, where a repetition could find another version.
    once: Operator,
    name: Arc<str>,
    limits: StorageLimits,
    /// Whether the store is taken to create conditionally; falls when it says or shows that it does not.
    conditional: Arc<AtomicBool>,
}

impl OperatorStore {
    pub(crate) fn new(
        data: Operator,
        once: Operator,
        name: String,
        limits: StorageLimits,
        conditional: bool,
    ) -> Self {
        let capability = once.info().capability();
        // A writer's operator is `data`: both must promise it.
        let can = capability.write_with_if_not_exists
            && data.info().capability().write_with_if_not_exists;
        Self {
            data,
            once,
            name: name.into(),
            limits,
            conditional: Arc::new(AtomicBool::new(conditional && can)),
        }
    }

    /// Notes that the store does not create conditionally, whatever it promised.
    pub(crate) fn forget_conditional_create(&self) {
        self.conditional.store(false, Ordering::Relaxed);
    }

    fn conditional(&self) -> bool {
        self.conditional.load(Ordering::Relaxed)
    }

    fn backoff(&self) -> Backoff {
        Backoff {
            attempts: self.limits.attempts,
            min: self.limits.backoff_min,
            max: self.limits.backoff_max,
        }
    }

    /// Translates an error of a call on a key, and learns from it.
    fn error(&self, source: opendal::Error, operation: &'static str, key: &VaultKey) -> Error {
        let error = error::opendal(source)
            .with_operation(operation)
            .with_context("vault", &self.name);
        match key.as_str() {
            "" => error,
            key => error.with_context("key", key),
        }
    }

    /// Refuses what cannot be written.
    fn check(&self, key: &VaultKey, mode: PutMode, operation: &'static str) -> Result<()> {
        path(key).map_err(|error| error.with_operation(operation))?;
        let capability = self.data.info().capability();
        if !capability.write || !capability.delete {
            return Err(error::unsupported("the store cannot be written").with_operation(operation));
        }
        if mode == PutMode::CreateNew && !self.conditional() {
            return Err(error::no_conditional_create().with_operation(operation));
        }
        Ok(())
    }

    fn user_metadata(&self, token: &str) -> Option<Vec<(String, String)>> {
        self.once
            .info()
            .capability()
            .write_with_user_metadata
            .then(|| vec![(TOKEN.to_owned(), token.to_owned())])
    }

    /// Whether the object under a key is the one that was written with `token`. `None` where the store keeps no metadata.
    async fn wrote(&self, key: &VaultKey, token: &str) -> Result<Option<bool>> {
        if !self.data.info().capability().write_with_user_metadata {
            return Ok(None);
        }
        match self.data.stat(path(key)?).await {
            Ok(meta) => Ok(Some(
                meta.user_metadata().and_then(|entries| entries.get(TOKEN)) == Some(token),
            )),
            Err(source) if source.kind() == opendal::ErrorKind::NotFound => Ok(Some(false)),
            Err(source) => Err(self.error(source, "stat", key)),
        }
    }

    /// `CreateNew` of a whole object, made again while that makes sense.
    ///
    /// When the answer to an attempt is lost, the next one may find the object of the first: the token tells, and where the
    /// store keeps none, an equal body (format.md rule 1).
    async fn create(&self, key: &VaultKey, body: Bytes) -> Result<()> {
        let token = token()?;
        let mut unanswered = false;
        for made in 1.. {
            let mut write = self
                .once
                .write_with(path(key)?, body.clone())
                .if_not_exists(true);
            if let Some(entries) = self.user_metadata(&token) {
                write = write.user_metadata(entries);
            }
            let error = match write.await {
                Ok(_) => return Ok(()),
                Err(source) => self.error(source, "put", key),
            };
            if error.kind() == ErrorKind::AlreadyExists {
                let ours = unanswered
                    && match self.wrote(key, &token).await? {
                        Some(ours) => ours,
                        None => self.read(key, body.len() as u64).await.ok() == Some(body.clone()),
                    };
                return if ours { Ok(()) } else { Err(error) };
            }
            if error.kind() == ErrorKind::Unsupported {
                self.forget_conditional_create();
            }
            unanswered = true;
            self.backoff()
                .wait(made, error, &SystemClock, &SystemEntropy)
                .await?;
        }
        Err(Error::new(ErrorKind::Unexpected, "too many attempts"))
    }
}

/// The path of a key for opendal, which would quietly trim it.
fn path(key: &VaultKey) -> Result<&str> {
    match key.as_str() {
        "" => Err(Error::invalid("the root is a prefix, not an object")),
        text if text.trim() != text => Err(Error::invalid(
            "a key in an object store must not start or end with a space",
        )
        .with_context("key", key)),
        text => Ok(text),
    }
}

/// A text that no other write has.
fn token() -> Result<String> {
    let mut random = [0u8; 16];
    SystemEntropy.fill(&mut random)?;
    let mut token = String::with_capacity(32);
    for byte in random {
        // Writing to a String cannot fail.
        let _ = write!(token, "{byte:02x}");
    }
    Ok(token)
}

impl fmt::Debug for OperatorStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperatorStore")
            .field("name", &self.name)
            .field("conditional_create", &self.conditional())
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for OperatorStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[async_trait]
impl VaultBackend for OperatorStore {
    fn capabilities(&self) -> VaultCapabilities {
        let capability = self.data.info().capability();
        VaultCapabilities {
            conditional_create: self.conditional(),
            range_read: capability.read,
            list_consistent: capability.list,
            write: capability.write && capability.delete,
        }
    }

    async fn put(&self, key: &VaultKey, body: Bytes, mode: PutMode) -> Result<VaultMeta> {
        self.check(key, mode, "put")?;
        let size = body.len() as u64;
        match mode {
            PutMode::CreateNew => self.create(key, body).await?,
            PutMode::Overwrite => {
                let written = self.data.write(path(key)?, body).await;
                written.map_err(|source| self.error(source, "put", key))?;
            }
        }
        Ok(VaultMeta {
            key: key.clone(),
            size,
            modified: None,
        })
    }

    async fn writer(&self, key: &VaultKey, mode: PutMode) -> Result<Box<dyn VaultWriter>> {
        self.check(key, mode, "open writer")?;
        // A taken key is told before gigabytes are sent for nothing; `finish` decides.
        if mode == PutMode::CreateNew && self.exists(key).await? {
            return Err(error::exists(key).with_operation("open writer"));
        }
        let writer = OperatorWriter::open(self.clone(), key.clone(), mode).await?;
        Ok(Box::new(writer))
    }

    async fn get(
        &self,
        key: &VaultKey,
        range: ReadRange,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        read::get(self, key, range).await
    }

    async fn stat(&self, key: &VaultKey) -> Result<VaultMeta> {
        let path = path(key).map_err(|error| error.with_operation("stat"))?;
        let meta = self.data.stat(path).await;
        let meta = meta.map_err(|source| self.error(source, "stat", key))?;
        if !meta.is_file() {
            return Err(error::missing(key).with_operation("stat"));
        }
        Ok(row(key.clone(), &meta))
    }

    fn list(&self, prefix: &VaultKey) -> BoxStream<'static, Result<VaultMeta>> {
        let (store, prefix) = (self.clone(), prefix.clone());
        let rows = async move {
            let folder = match prefix.as_str() {
                "" => "/".to_owned(),
                _ => format!("{}/", path(&prefix)?),
            };
            let lister = store.data.lister_with(&folder).recursive(true).await;
            let lister = lister.map_err(|source| store.error(source, "list", &prefix))?;
            let mut last: Option<VaultKey> = None;
            Ok::<_, Error>(lister.filter_map(move |entry| {
                let row = entry
                    .map_err(|source| store.error(source, "list", &prefix))
                    .and_then(|entry| listed(&entry, &prefix, &mut last))
                    .map_err(|error| error.with_operation("list"));
                async move { row.transpose() }
            }))
        };
        stream::once(rows).try_flatten().boxed()
    }

    async fn delete(&self, key: &VaultKey) -> Result<()> {
        self.check(key, PutMode::Overwrite, "delete")?;
        let deleted = self.data.delete(path(key)?).await;
        deleted.map_err(|source| self.error(source, "delete", key))
    }

    fn retention(&self) -> Option<&dyn Retention> {
        None
    }
}

fn row(key: VaultKey, meta: &opendal::Metadata) -> VaultMeta {
    VaultMeta {
        key,
        size: meta.content_length(),
        modified: meta.last_modified().map(Into::into),
    }
}

/// The row of a listed entry; `None` for folders and for names that no key can have, which are not csdr's.
fn listed(
    entry: &opendal::Entry,
    prefix: &VaultKey,
    last: &mut Option<VaultKey>,
) -> Result<Option<VaultMeta>> {
    if !entry.metadata().is_file() {
        return Ok(None);
    }
    let Ok(key) = VaultKey::parse(entry.path().trim_start_matches('/')) else {
        return Ok(None);
    };
    if key.below(prefix).is_none() {
        return Ok(None);
    }
    if last.as_ref().is_some_and(|last| *last >= key) {
        return Err(error::unsupported(
            "the store does not list in the order of keys (a directory bucket?); choose a general-purpose bucket",
        )
        .with_context("key", &key));
    }
    *last = Some(key.clone());
    Ok(Some(row(key, entry.metadata())))
}

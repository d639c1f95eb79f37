//! Reading: one version, to its end.

use super::{OperatorStore, path};
use crate::error;
use bytes::Bytes;
use csdr_core::{
    Error, ErrorKind, Result,
    port::{ReadRange, SystemClock, SystemEntropy, VaultKey},
};
use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use opendal::Reader;

/// Opens a stream. The first bytes are waited for, so that a missing key or a bad range is told here.
pub(super) async fn get(
    store: &OperatorStore,
    key: &VaultKey,
    range: ReadRange,
) -> Result<BoxStream<'static, Result<Bytes>>> {
    let operation = |error: Error| error.with_operation("get");
    path(key).map_err(operation)?;
    let (offset, len) = match range {
        ReadRange::Full => (0, None),
        ReadRange::Part { offset, len } if len == 0 || offset.checked_add(len).is_none() => {
            return Err(operation(error::beyond_end(offset, len)).with_context("key", key));
        }
        ReadRange::Part { offset, len } => (offset, Some(len)),
    };
    let mut download = Download {
        store: store.clone(),
        key: key.clone(),
        range,
        offset,
        left: len,
        version: None,
        open: None,
    };
    let first = download.next().await?;
    let Some(first) = first else {
        return Ok(stream::empty().boxed());
    };
    let rest = stream::try_unfold(download, |mut download| async move {
        let bytes = download.next().await?;
        Ok(bytes.map(|bytes| (bytes, download)))
    });
    Ok(stream::once(async { Ok(first) }).chain(rest).boxed())
}

/// One object being read. When the connection breaks it goes on where it stopped, if the object is still the same.
struct Download {
    store: OperatorStore,
    key: VaultKey,
    range: ReadRange,
    /// The next byte's place.
    offset: u64,
    /// How many more; to the end, if not known.
    left: Option<u64>,
    /// The ETag of what was read so far.
    version: Option<String>,
    open: Option<Open>,
}

struct Open {
    reader: Reader,
    chunks: BoxStream<'static, opendal::Result<opendal::Buffer>>,
}

impl Download {
    /// The next bytes; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.left == Some(0) {
            return Ok(None);
        }
        for made in 1.. {
            match self.attempt().await {
                Ok(bytes) => return self.advance(bytes),
                Err(source) => {
                    self.open = None;
                    let error =
                        match beyond_end(&self.store, &self.key, self.range, &source).await? {
                            Some(error) => error,
                            None => self.error(source),
                        };
                    let backoff = self.store.backoff();
                    backoff
                        .wait(made, error, &SystemClock, &SystemEntropy)
                        .await?;
                }
            }
        }
        Ok(None)
    }

    async fn attempt(&mut self) -> opendal::Result<Option<Bytes>> {
        if self.open.is_none() {
            let path = self.key.as_str();
            let mut reader = self.store.once.reader_with(path);
            if let Some(version) = &self.version {
                reader = reader.if_match(version);
            }
            let reader = reader.await?;
            let stream = match self.left {
                Some(left) => {
                    reader
                        .clone()
                        .into_stream(self.offset..self.offset + left)
                        .await?
                }
                None => reader.clone().into_stream(self.offset..).await?,
            };
            self.open = Some(Open {
                reader,
                chunks: stream.boxed(),
            });
        }
        let Some(open) = &mut self.open else {
            return Ok(None);
        };
        let chunk = open.chunks.try_next().await?;
        if self.version.is_none() {
            let capability = self.store.once.info().capability();
            self.version = open
                .reader
                .metadata()
                .and_then(|meta| meta.etag())
                .filter(|_| capability.read_with_if_match)
                .map(str::to_owned);
        }
        Ok(chunk.map(|buffer| buffer.to_bytes()))
    }

    fn advance(&mut self, bytes: Option<Bytes>) -> Result<Option<Bytes>> {
        let Some(bytes) = bytes else {
            return match (self.left, self.range) {
                // The store cut the range short, because the object ends there.
                (Some(_), ReadRange::Part { offset, len }) => Err(error::beyond_end(offset, len)
                    .with_operation("get")
                    .with_context("key", &self.key)),
                _ => Ok(None),
            };
        };
        self.offset += bytes.len() as u64;
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(bytes.len() as u64).ok_or_else(|| {
                Error::new(
                    ErrorKind::Incompatible,
                    "the store does not keep to the range that was asked for",
                )
                .with_operation("get")
                .with_context("key", &self.key)
            })?;
        }
        Ok(Some(bytes))
    }

    fn error(&self, source: opendal::Error) -> Error {
        match (source.kind(), self.range) {
            (opendal::ErrorKind::RangeNotSatisfied, ReadRange::Part { offset, len }) => {
                error::beyond_end(offset, len)
                    .with_operation("get")
                    .with_context("key", &self.key)
            }
            (opendal::ErrorKind::ConditionNotMatch, _) => Error::new(
                ErrorKind::Conflict,
                "the object was replaced while it was read; read it again",
            )
            .with_operation("get")
            .with_context("key", &self.key),
            _ => {
                let lost = self.version.is_none() && self.open_offset() > 0;
                let error = self.store.error(source, "get", &self.key);
                if lost {
                    // Without a version to ask for, going on could mix two.
                    error.with_retry(csdr_core::Retry::Never)
                } else {
                    error
                }
            }
        }
    }

    /// How many bytes were handed out.
    fn open_offset(&self) -> u64 {
        match self.range {
            ReadRange::Full => self.offset,
            ReadRange::Part { offset, .. } => self.offset - offset,
        }
    }
}

/// opendal reports a range that the store cut short like a connection that broke; the object's size tells them apart.
async fn beyond_end(
    store: &OperatorStore,
    key: &VaultKey,
    range: ReadRange,
    source: &opendal::Error,
) -> Result<Option<Error>> {
    let ReadRange::Part { offset, len } = range else {
        return Ok(None);
    };
    if !error::is_short(source) {
        return Ok(None);
    }
    let meta = store.data.stat(path(key)?).await;
    let meta = meta.map_err(|source| store.error(source, "get", key))?;
    let size = meta.content_length();
    Ok((offset.saturating_add(len) > size).then(|| {
        error::beyond_end(offset, len)
            .with_operation("get")
            .with_context("size", size)
            .with_context("key", key)
    }))
}

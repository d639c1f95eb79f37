//! Writing an object in parts.

use super::{OperatorStore, path, token};
use crate::error;
use async_trait::async_trait;
use bytes::Bytes;
use csdr_core::{
    Error, ErrorKind, Result, Retry,
    port::{PutMode, VaultBackendExt, VaultKey, VaultMeta, VaultWriter},
};
use std::fmt;
use tokio::runtime::Handle;

/// A multipart upload; a body that fits into one part is one request.
pub(super) struct OperatorWriter {
    store: OperatorStore,
    key: VaultKey,
    mode: PutMode,
    token: String,
    size: u64,
    /// Absent once it has ended.
    upload: Option<opendal::Writer>,
}

impl OperatorWriter {
    pub(super) async fn open(store: OperatorStore, key: VaultKey, mode: PutMode) -> Result<Self> {
        let token = token()?;
        let mut upload = store
            .data
            .writer_with(path(&key)?)
            .chunk(store.limits.part_bytes)
            .concurrent(store.limits.part_concurrency);
        if mode == PutMode::CreateNew {
            upload = upload.if_not_exists(true);
        }
        if let Some(entries) = store.user_metadata(&token) {
            upload = upload.user_metadata(entries);
        }
        let upload = upload
            .await
            .map_err(|source| store.error(source, "open writer", &key))?;
        Ok(Self {
            store,
            key,
            mode,
            token,
            size: 0,
            upload: Some(upload),
        })
    }

    fn upload(&mut self) -> Result<&mut opendal::Writer> {
        self.upload.as_mut().ok_or_else(|| {
            Error::new(
                ErrorKind::Incomplete,
                "an earlier write to this object failed; write it again from the start",
            )
            .with_context("key", &self.key)
        })
    }

    /// Ends the upload on the server.
    async fn discard(&mut self) -> Result<()> {
        let Some(mut upload) = self.upload.take() else {
            return Ok(());
        };
        match upload.abort().await {
            // An upload that never began on the server, or has ended there, has nothing to end.
            Err(source)
                if matches!(
                    source.kind(),
                    opendal::ErrorKind::NotFound | opendal::ErrorKind::Unsupported
                ) =>
            {
                Ok(())
            }
            result => result.map_err(|source| self.store.error(source, "abort", &self.key)),
        }
    }

    /// The last word on an upload whose end failed: the object may be there all the same, because an answer was lost and the
    /// request was made again.
    async fn settle(&mut self, source: opendal::Error) -> Result<()> {
        let no_upload = source.kind() == opendal::ErrorKind::NotFound;
        let raced = source.kind() == opendal::ErrorKind::Conflict;
        let error = self.store.error(source, "finish", &self.key);
        let in_doubt = no_upload
            || raced
            || error.kind() == ErrorKind::AlreadyExists
            || error.retry() != Retry::Never;
        if in_doubt {
            match self.store.wrote(&self.key, &self.token).await {
                Ok(Some(true)) => {
                    self.upload = None;
                    return Ok(());
                }
                // S3 answers the loser of a race for a multipart object with a conflict.
                Ok(_)
                    if raced
                        && self.mode == PutMode::CreateNew
                        && self.store.exists(&self.key).await.unwrap_or(false) =>
                {
                    let _ = self.discard().await;
                    return Err(error::exists(&self.key).with_operation("finish"));
                }
                // Whether it is there could not be learnt: the first error is the answer.
                _ => {}
            }
        }
        if error.kind() == ErrorKind::Unsupported {
            self.store.forget_conditional_create();
        }
        // The answer is the error; parts that stay behind go with the bucket's lifecycle rule.
        let _ = self.discard().await;
        Err(error)
    }
}

impl fmt::Debug for OperatorWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperatorWriter")
            .field("key", &self.key)
            .field("mode", &self.mode)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl VaultWriter for OperatorWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let len = bytes.len() as u64;
        if let Err(source) = self.upload()?.write(bytes).await {
            let error = self.store.error(source, "write", &self.key);
            let _ = self.discard().await;
            // Repetition happened below; a part that is lost now is lost for this writer.
            return Err(match error.retry() {
                Retry::After(_) => error.with_retry(Retry::Exhausted),
                _ => error,
            });
        }
        self.size += len;
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<VaultMeta> {
        let ended = self.upload()?.close().await;
        match ended {
            Ok(_) => self.upload = None,
            Err(source) => self.settle(source).await?,
        }
        Ok(VaultMeta {
            key: self.key.clone(),
            size: self.size,
            modified: None,
        })
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        self.discard().await
    }
}

impl Drop for OperatorWriter {
    fn drop(&mut self) {
        // Parts on the server cost money until somebody ends the upload. The task is bounded by the timeouts; where no runtime
        // is left to run it, the bucket's lifecycle rule has to do it.
        if let Some(mut upload) = self.upload.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(async move {
                let _ = upload.abort().await;
            });
        }
    }
}

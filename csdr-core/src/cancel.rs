//! Ports that make no call any more once a token has fallen.
//!
//! Dropping the work of a cancelled operation stops it only where it waits. Between two waits it may come from the end of one call to
//! the start of the next: these wrappers close that gap. A call that may not start never answers, so everything that uses them runs
//! inside of [`unless_cancelled`](crate::report::unless_cancelled), which drops it.

use crate::{
    Result,
    model::{Discovery, Object, ObjectId},
    port::{
        Access, AccessRequest, ApplyOptions, DeleteOptions, ExecOutput, ExecRequest, HookExecutor,
        ListRequest, Page, PutMode, ReadRange, ResourceApplier, ResourceCollector, ResourceTarget,
        Retention, VaultBackend, VaultCapabilities, VaultKey, VaultMeta, VaultWriter, WatchEvent,
        WatchRequest, WriteOptions,
    },
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{
    StreamExt,
    future::pending,
    stream::{self, BoxStream},
};
use std::{fmt, sync::Arc};
use tokio_util::sync::CancellationToken;

/// A port until its token falls.
#[derive(Debug)]
pub(crate) struct Until<T: ?Sized> {
    cancel: CancellationToken,
    inner: Arc<T>,
}

impl<T: ?Sized> Until<T> {
    pub(crate) fn new(inner: Arc<T>, cancel: &CancellationToken) -> Self {
        Self {
            cancel: cancel.clone(),
            inner,
        }
    }

    async fn call<R>(&self, call: impl Future<Output = R>) -> R {
        // Nothing of a call happens before its future is polled.
        not_fallen(&self.cancel).await;
        call.await
    }

    /// A stream whose every step may be a request.
    fn stream<R: Send + 'static>(
        &self,
        start: impl FnOnce() -> BoxStream<'static, R>,
    ) -> BoxStream<'static, R> {
        if self.cancel.is_cancelled() {
            return stream::pending().boxed();
        }
        stream::unfold(
            (start(), self.cancel.clone()),
            |(mut rows, cancel)| async move {
                not_fallen(&cancel).await;
                let row = rows.next().await?;
                Some((row, (rows, cancel)))
            },
        )
        .boxed()
    }
}

async fn not_fallen(cancel: &CancellationToken) {
    if cancel.is_cancelled() {
        pending::<()>().await;
    }
}

impl fmt::Display for Until<dyn VaultBackend> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl VaultBackend for Until<dyn VaultBackend> {
    fn capabilities(&self) -> VaultCapabilities {
        self.inner.capabilities()
    }

    async fn put(&self, key: &VaultKey, body: Bytes, mode: PutMode) -> Result<VaultMeta> {
        self.call(self.inner.put(key, body, mode)).await
    }

    async fn writer(&self, key: &VaultKey, mode: PutMode) -> Result<Box<dyn VaultWriter>> {
        let inner = self.call(self.inner.writer(key, mode)).await?;
        let cancel = self.cancel.clone();
        Ok(Box::new(UntilWriter { inner, cancel }))
    }

    async fn get(
        &self,
        key: &VaultKey,
        range: ReadRange,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        let chunks = self.call(self.inner.get(key, range)).await?;
        Ok(self.stream(|| chunks))
    }

    async fn stat(&self, key: &VaultKey) -> Result<VaultMeta> {
        self.call(self.inner.stat(key)).await
    }

    fn list(&self, prefix: &VaultKey) -> BoxStream<'static, Result<VaultMeta>> {
        self.stream(|| self.inner.list(prefix))
    }

    async fn delete(&self, key: &VaultKey) -> Result<()> {
        self.call(self.inner.delete(key)).await
    }

    fn retention(&self) -> Option<&dyn Retention> {
        self.inner.retention()
    }
}

#[derive(Debug)]
struct UntilWriter {
    inner: Box<dyn VaultWriter>,
    cancel: CancellationToken,
}

#[async_trait]
impl VaultWriter for UntilWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        not_fallen(&self.cancel).await;
        self.inner.write(bytes).await
    }

    async fn finish(self: Box<Self>) -> Result<VaultMeta> {
        not_fallen(&self.cancel).await;
        self.inner.finish().await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        not_fallen(&self.cancel).await;
        self.inner.abort().await
    }
}

#[async_trait]
impl ResourceCollector for Until<dyn ResourceCollector> {
    async fn discover(&self) -> Result<Discovery> {
        self.call(self.inner.discover()).await
    }

    fn list(&self, request: ListRequest) -> BoxStream<'static, Result<Page>> {
        self.stream(|| self.inner.list(request))
    }

    async fn get(&self, id: &ObjectId, version: &str) -> Result<Option<Object>> {
        self.call(self.inner.get(id, version)).await
    }
}

#[async_trait]
impl ResourceTarget for Until<dyn ResourceTarget> {
    async fn discover(&self) -> Result<Discovery> {
        self.call(self.inner.discover()).await
    }

    fn list(&self, request: ListRequest) -> BoxStream<'static, Result<Page>> {
        self.stream(|| self.inner.list(request))
    }

    async fn get(&self, id: &ObjectId, version: &str) -> Result<Option<Object>> {
        self.call(self.inner.get(id, version)).await
    }

    async fn can_i(&self, request: &AccessRequest) -> Result<Access> {
        self.call(self.inner.can_i(request)).await
    }

    fn watch(&self, request: WatchRequest) -> BoxStream<'static, Result<WatchEvent>> {
        self.stream(|| self.inner.watch(request))
    }
}

#[async_trait]
impl ResourceApplier for Until<dyn ResourceApplier> {
    async fn create(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        self.call(self.inner.create(object, options)).await
    }

    async fn apply(&self, object: &Object, options: &ApplyOptions) -> Result<Object> {
        self.call(self.inner.apply(object, options)).await
    }

    async fn merge_patch(
        &self,
        id: &ObjectId,
        version: &str,
        patch: Bytes,
        options: &WriteOptions,
    ) -> Result<Object> {
        self.call(self.inner.merge_patch(id, version, patch, options))
            .await
    }

    async fn replace(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        self.call(self.inner.replace(object, options)).await
    }

    async fn replace_status(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        self.call(self.inner.replace_status(object, options)).await
    }

    async fn delete(&self, id: &ObjectId, version: &str, options: &DeleteOptions) -> Result<()> {
        self.call(self.inner.delete(id, version, options)).await
    }
}

/// Pre hooks and those of a restore. A post hook of a backup thaws: it goes out after the token fell too, so that no pod stays frozen.
#[async_trait]
impl HookExecutor for Until<dyn HookExecutor> {
    async fn cluster(&self) -> Result<Option<String>> {
        self.call(self.inner.cluster()).await
    }

    async fn exec(&self, request: &ExecRequest) -> Result<ExecOutput> {
        self.call(self.inner.exec(request)).await
    }
}

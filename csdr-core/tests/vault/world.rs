//! A clock that is set by hand, a vault that stops answering, an application to store.

use async_trait::async_trait;
use bytes::Bytes;
use csdr_core::{
    Result,
    backup::{Backup, BackupReport},
    memory::{MemoryCluster, MemoryVault},
    port::{
        Clock, PutMode, ReadRange, Retention, VaultBackend, VaultCapabilities, VaultKey, VaultMeta,
        VaultWriter,
    },
    report::RunOptions,
    spec::BackupSpec,
    vault::{Host, Vault},
};
use futures::{StreamExt, TryStreamExt, future::pending, stream::BoxStream};
use jiff::Timestamp;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

/// Seconds since the epoch, moved by hand; sleeping never ends, as nothing here waits for time.
#[derive(Clone, Debug, Default)]
pub(crate) struct HandClock(Arc<AtomicI64>);

impl HandClock {
    pub(crate) fn advance(&self, by: Duration) {
        self.0
            .fetch_add(i64::try_from(by.as_secs()).unwrap(), Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + self.0.load(Ordering::SeqCst)).unwrap()
    }

    async fn sleep(&self, _: Duration) {
        pending::<()>().await;
    }
}

pub(crate) fn host(clock: &HandClock) -> Host {
    Host::default().with_clock(Arc::new(clock.clone()))
}

/// Answers so many calls, then never again: to its caller it is as if the process had died there.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    inner: Arc<dyn VaultBackend>,
    left: Arc<AtomicI64>,
    /// Whether the call at which it stops still takes effect.
    effect: bool,
}

impl Cut {
    pub(crate) fn after(inner: impl VaultBackend, calls: i64, effect: bool) -> Self {
        Self {
            inner: Arc::new(inner),
            left: Arc::new(AtomicI64::new(calls)),
            effect,
        }
    }

    /// How many calls were made, for one that started with `i64::MAX`.
    pub(crate) fn calls(&self) -> i64 {
        i64::MAX - self.left.load(Ordering::SeqCst)
    }

    async fn pass<T>(&self, call: impl Future<Output = T>) -> T {
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        if left > 0 {
            return call.await;
        }
        if left == 0 && self.effect {
            call.await;
        }
        pending().await
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cut")
    }
}

#[async_trait]
impl VaultBackend for Cut {
    fn capabilities(&self) -> VaultCapabilities {
        self.inner.capabilities()
    }

    async fn put(&self, key: &VaultKey, body: Bytes, mode: PutMode) -> Result<VaultMeta> {
        self.pass(self.inner.put(key, body, mode)).await
    }

    async fn writer(&self, key: &VaultKey, mode: PutMode) -> Result<Box<dyn VaultWriter>> {
        let writer = self.pass(self.inner.writer(key, mode)).await?;
        Ok(Box::new(CutWriter {
            cut: self.clone(),
            writer,
        }))
    }

    async fn get(
        &self,
        key: &VaultKey,
        range: ReadRange,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        self.pass(self.inner.get(key, range)).await
    }

    async fn stat(&self, key: &VaultKey) -> Result<VaultMeta> {
        self.pass(self.inner.stat(key)).await
    }

    fn list(&self, prefix: &VaultKey) -> BoxStream<'static, Result<VaultMeta>> {
        let (this, prefix) = (self.clone(), prefix.clone());
        futures::stream::once(async move {
            let rows: Vec<Result<VaultMeta>> = this.pass(this.inner.list(&prefix).collect()).await;
            futures::stream::iter(rows)
        })
        .flatten()
        .boxed()
    }

    async fn delete(&self, key: &VaultKey) -> Result<()> {
        self.pass(self.inner.delete(key)).await
    }

    fn retention(&self) -> Option<&dyn Retention> {
        self.inner.retention()
    }
}

#[derive(Debug)]
struct CutWriter {
    cut: Cut,
    writer: Box<dyn VaultWriter>,
}

#[async_trait]
impl VaultWriter for CutWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.cut.pass(self.writer.write(bytes)).await
    }

    async fn finish(self: Box<Self>) -> Result<VaultMeta> {
        self.cut.pass(self.writer.finish()).await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.cut.pass(self.writer.abort()).await
    }
}

/// A store that cannot create atomically; it may give way to other tasks inside every call, so that racers interleave.
#[derive(Debug)]
pub(crate) struct Plain {
    inner: MemoryVault,
    yields: bool,
}

impl Plain {
    pub(crate) fn new(inner: MemoryVault, yields: bool) -> Self {
        Self { inner, yields }
    }

    async fn give_way(&self) {
        if self.yields {
            tokio::task::yield_now().await;
        }
    }
}

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("plain")
    }
}

#[async_trait]
impl VaultBackend for Plain {
    fn capabilities(&self) -> VaultCapabilities {
        VaultCapabilities {
            conditional_create: false,
            ..self.inner.capabilities()
        }
    }

    async fn put(&self, key: &VaultKey, body: Bytes, mode: PutMode) -> Result<VaultMeta> {
        assert_eq!(
            mode,
            PutMode::Overwrite,
            "the pipeline asks for what the store does not promise"
        );
        self.give_way().await;
        self.inner.put(key, body, mode).await
    }

    async fn writer(&self, key: &VaultKey, mode: PutMode) -> Result<Box<dyn VaultWriter>> {
        assert_eq!(
            mode,
            PutMode::Overwrite,
            "the pipeline asks for what the store does not promise"
        );
        self.inner.writer(key, mode).await
    }

    async fn get(
        &self,
        key: &VaultKey,
        range: ReadRange,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        self.give_way().await;
        self.inner.get(key, range).await
    }

    async fn stat(&self, key: &VaultKey) -> Result<VaultMeta> {
        self.give_way().await;
        self.inner.stat(key).await
    }

    fn list(&self, prefix: &VaultKey) -> BoxStream<'static, Result<VaultMeta>> {
        self.inner.list(prefix)
    }

    async fn delete(&self, key: &VaultKey) -> Result<()> {
        self.give_way().await;
        self.inner.delete(key).await
    }

    fn retention(&self) -> Option<&dyn Retention> {
        None
    }
}

/// A store whose first lists, and the looks between them, are of an earlier time: between a list and what is done by it, another process was at work.
#[derive(Debug)]
pub(crate) struct Stale {
    now: MemoryVault,
    before: MemoryVault,
    lists: AtomicI64,
}

impl Stale {
    pub(crate) fn new(now: MemoryVault, before: MemoryVault, lists: i64) -> Self {
        let lists = AtomicI64::new(lists);
        Self { now, before, lists }
    }
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stale")
    }
}

#[async_trait]
impl VaultBackend for Stale {
    fn capabilities(&self) -> VaultCapabilities {
        self.now.capabilities()
    }

    async fn put(&self, key: &VaultKey, body: Bytes, mode: PutMode) -> Result<VaultMeta> {
        self.now.put(key, body, mode).await
    }

    async fn writer(&self, key: &VaultKey, mode: PutMode) -> Result<Box<dyn VaultWriter>> {
        self.now.writer(key, mode).await
    }

    async fn get(
        &self,
        key: &VaultKey,
        range: ReadRange,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        self.now.get(key, range).await
    }

    async fn stat(&self, key: &VaultKey) -> Result<VaultMeta> {
        let stale = self.lists.load(Ordering::SeqCst) > 0;
        if stale { &self.before } else { &self.now }.stat(key).await
    }

    fn list(&self, prefix: &VaultKey) -> BoxStream<'static, Result<VaultMeta>> {
        let stale = self.lists.fetch_sub(1, Ordering::SeqCst) > 0;
        if stale { &self.before } else { &self.now }.list(prefix)
    }

    async fn delete(&self, key: &VaultKey) -> Result<()> {
        self.now.delete(key).await
    }

    fn retention(&self) -> Option<&dyn Retention> {
        None
    }
}

/// A namespace with a few objects.
pub(crate) fn shop() -> MemoryCluster {
    let cluster = MemoryCluster::new();
    cluster
        .load_yaml("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}")
        .unwrap();
    for n in 0..7 {
        cluster
            .load_yaml(&format!(
                "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c{n}, namespace: shop}}, data: {{a: '{n}'}}}}"
            ))
            .unwrap();
    }
    cluster
}

pub(crate) fn spec() -> BackupSpec {
    BackupSpec::named("one").with_namespace("shop")
}

pub(crate) async fn back_up(
    cluster: &MemoryCluster,
    vault: &Vault,
    spec: &BackupSpec,
) -> Result<BackupReport> {
    let backup = Backup::new(cluster.clone(), vault.clone());
    backup
        .run(backup.plan(spec).await?, &RunOptions::default())
        .await
}

pub(crate) async fn keys(store: &MemoryVault) -> Vec<String> {
    let rows: Vec<VaultMeta> = store.list(&VaultKey::root()).try_collect().await.unwrap();
    rows.into_iter().map(|meta| meta.key.to_string()).collect()
}

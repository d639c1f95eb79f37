//! A vault that fails on purpose.

use super::{Plan, Strike};
use async_trait::async_trait;
use bytes::Bytes;
use csdr_core::{
    Result,
    port::{
        PutMode, ReadRange, Retention, VaultBackend, VaultCapabilities, VaultKey, VaultMeta,
        VaultWriter,
    },
};
use futures::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use std::{fmt, sync::Arc};

/// Calls a vault as a [`Plan`] says.
///
/// Every verb of [`VaultBackend`] is a call, and so are a writer's `write`, `finish` and `abort`. A `list` is one call, which strikes
/// when its stream is first polled; `After` it strikes at the stream's end.
///
/// ```
/// use csdr_core::{ErrorKind, memory::MemoryVault, port::{PutMode, VaultBackend, VaultBackendExt, VaultKey}};
/// use csdr_testkit::fault::{Fault, Faulty, Moment, Plan};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> csdr_core::Result<()> {
/// let plan = Plan::new().at(1, Moment::After, Fault::unavailable());
/// let vault = Faulty::new(MemoryVault::new(), plan.clone());
/// let key = VaultKey::parse("a")?;
///
/// let lost = vault.put(&key, "x".into(), PutMode::CreateNew).await.unwrap_err();
/// assert_eq!(lost.kind(), ErrorKind::Unavailable);
/// assert!(vault.exists(&key).await?);
/// assert_eq!(plan.count(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Faulty<V> {
    inner: Arc<V>,
    plan: Plan,
}

impl<V> Faulty<V> {
    /// Calls `inner` as `plan` says.
    pub fn new(inner: V, plan: Plan) -> Self {
        Self {
            inner: Arc::new(inner),
            plan,
        }
    }

    /// The plan, to ask it what was called.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The vault below.
    pub fn inner(&self) -> &V {
        &self.inner
    }
}

impl<V: fmt::Display> fmt::Display for Faulty<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// Makes a call between its faults.
async fn struck<T>(strike: Strike, call: impl Future<Output = Result<T>>) -> Result<T> {
    strike.before().await?;
    let answer = call.await;
    strike.after().await?;
    answer
}

#[async_trait]
impl<V: VaultBackend> VaultBackend for Faulty<V> {
    fn capabilities(&self) -> VaultCapabilities {
        self.inner.capabilities()
    }

    async fn put(&self, key: &VaultKey, body: Bytes, mode: PutMode) -> Result<VaultMeta> {
        let strike = self.plan.strike("put", key);
        if strike.tears() {
            let half = body.slice(..body.len() / 2);
            self.inner.put(key, half, mode).await?;
            return Err(strike.error());
        }
        struck(strike, self.inner.put(key, body, mode)).await
    }

    async fn writer(&self, key: &VaultKey, mode: PutMode) -> Result<Box<dyn VaultWriter>> {
        let strike = self.plan.strike("writer", key);
        let inner = struck(strike, self.inner.writer(key, mode)).await?;
        Ok(Box::new(FaultyWriter {
            inner,
            vault: self.clone_inner(),
            written: Vec::new(),
            key: key.clone(),
            mode,
            plan: self.plan.clone(),
        }))
    }

    async fn get(
        &self,
        key: &VaultKey,
        range: ReadRange,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        struck(self.plan.strike("get", key), self.inner.get(key, range)).await
    }

    async fn stat(&self, key: &VaultKey) -> Result<VaultMeta> {
        struck(self.plan.strike("stat", key), self.inner.stat(key)).await
    }

    fn list(&self, prefix: &VaultKey) -> BoxStream<'static, Result<VaultMeta>> {
        let strike = Arc::new(self.plan.strike("list", prefix));
        let rows = self.inner.list(prefix);
        let (failed, ended) = (strike.clone(), strike.clone());
        stream::once(async move {
            strike.before().await?;
            Ok(rows)
        })
        .try_flatten()
        .then(move |row| {
            let failed = failed.clone();
            async move {
                // An error is the answer's end: nobody asks for more.
                if row.is_err() {
                    failed.after().await?;
                }
                row
            }
        })
        .chain(
            stream::once(async move { ended.after().await.err() })
                .filter_map(|error| async move { error.map(Err) }),
        )
        .boxed()
    }

    async fn delete(&self, key: &VaultKey) -> Result<()> {
        struck(self.plan.strike("delete", key), self.inner.delete(key)).await
    }

    fn retention(&self) -> Option<&dyn Retention> {
        self.inner.retention()
    }
}

impl<V: VaultBackend> Faulty<V> {
    fn clone_inner(&self) -> Arc<dyn VaultBackend> {
        self.inner.clone()
    }
}

struct FaultyWriter {
    inner: Box<dyn VaultWriter>,
    vault: Arc<dyn VaultBackend>,
    /// Kept for a `finish` that tears.
    written: Vec<Bytes>,
    key: VaultKey,
    mode: PutMode,
    plan: Plan,
}

impl fmt::Debug for FaultyWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyWriter")
            .field("inner", &self.inner)
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl VaultWriter for FaultyWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let strike = self.plan.strike("write", &self.key);
        self.written.push(bytes.clone());
        struck(strike, self.inner.write(bytes)).await
    }

    async fn finish(self: Box<Self>) -> Result<VaultMeta> {
        let strike = self.plan.strike("finish", &self.key);
        if strike.tears() {
            let body = self.written.concat();
            let half = Bytes::copy_from_slice(&body[..body.len() / 2]);
            self.vault.put(&self.key, half, self.mode).await?;
            self.inner.abort().await?;
            return Err(strike.error());
        }
        struck(strike, self.inner.finish()).await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        let strike = self.plan.strike("abort", &self.key);
        struck(strike, self.inner.abort()).await
    }
}

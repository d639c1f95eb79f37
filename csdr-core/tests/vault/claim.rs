//! A name is taken once.

use crate::world::{Cut, HandClock, back_up, host, shop, spec};
use async_trait::async_trait;
use bytes::Bytes;
use csdr_core::{
    ErrorKind, Result,
    memory::MemoryVault,
    port::{
        PutMode, ReadRange, Retention, VaultBackend, VaultCapabilities, VaultKey, VaultMeta,
        VaultWriter,
    },
    vault::{Host, Vault},
};
use futures::{FutureExt, future::join_all, stream::BoxStream};
use std::{fmt, sync::Arc, time::Duration};

/// A store that cannot create atomically, and gives way to other tasks inside every call, so that racers interleave.
#[derive(Debug)]
struct Plain(MemoryVault);

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
            ..self.0.capabilities()
        }
    }

    async fn put(&self, key: &VaultKey, body: Bytes, mode: PutMode) -> Result<VaultMeta> {
        assert_eq!(
            mode,
            PutMode::Overwrite,
            "the pipeline asks for what the store does not promise"
        );
        tokio::task::yield_now().await;
        self.0.put(key, body, mode).await
    }

    async fn writer(&self, key: &VaultKey, mode: PutMode) -> Result<Box<dyn VaultWriter>> {
        assert_eq!(
            mode,
            PutMode::Overwrite,
            "the pipeline asks for what the store does not promise"
        );
        self.0.writer(key, mode).await
    }

    async fn get(
        &self,
        key: &VaultKey,
        range: ReadRange,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        tokio::task::yield_now().await;
        self.0.get(key, range).await
    }

    async fn stat(&self, key: &VaultKey) -> Result<VaultMeta> {
        tokio::task::yield_now().await;
        self.0.stat(key).await
    }

    fn list(&self, prefix: &VaultKey) -> BoxStream<'static, Result<VaultMeta>> {
        self.0.list(prefix)
    }

    async fn delete(&self, key: &VaultKey) -> Result<()> {
        tokio::task::yield_now().await;
        self.0.delete(key).await
    }

    fn retention(&self) -> Option<&dyn Retention> {
        None
    }
}

async fn sixteen_race(store: Arc<dyn VaultBackend>) {
    let source = shop();
    let vault = Vault::create_with(store, Host::default()).await.unwrap();
    let racers = (0..16).map(|n| {
        let (source, vault) = (source.clone(), vault.clone());
        // Different specs: a loser may not take itself for a continuation.
        let spec = spec().without_namespace(format!("other-{n}"));
        tokio::spawn(async move { back_up(&source, &vault, &spec).await })
    });
    let ended: Vec<_> = join_all(racers)
        .await
        .into_iter()
        .map(|ended| ended.unwrap())
        .collect();
    let won = ended.iter().filter(|ended| ended.is_ok()).count();
    let lost: Vec<_> = ended
        .iter()
        .filter_map(|ended| ended.as_ref().err())
        .collect();
    assert_eq!(won, 1, "{lost:?}");
    assert!(
        lost.iter()
            .all(|error| error.kind() == ErrorKind::AlreadyExists),
        "{lost:?}"
    );
    let stored = vault.backup("one").await.unwrap();
    assert!(
        stored
            .verify(csdr_core::vault::VerifyLevel::Objects)
            .await
            .unwrap()
            .is_sound()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_16_writers_one_wins_by_atomic_create() {
    sixteen_race(Arc::new(MemoryVault::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_16_writers_one_wins_where_the_store_cannot_create_atomically() {
    sixteen_race(Arc::new(Plain(MemoryVault::new()))).await;
}

#[tokio::test]
async fn a_running_backup_keeps_its_name_and_a_dead_one_only_for_its_own_spec() {
    let source = shop();
    let clock = HandClock::default();
    let store = MemoryVault::new();
    let vault = Vault::create_with(Arc::new(store.clone()), host(&clock))
        .await
        .unwrap();
    let cut = Vault::open_with(Arc::new(Cut::after(store.clone(), 12, true)), host(&clock));
    assert!(
        async { back_up(&source, &cut.await?, &spec()).await }
            .now_or_never()
            .is_none()
    );

    let error = back_up(&source, &vault, &spec()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert!(error.to_string().contains("running backup"), "{error}");

    clock.advance(Duration::from_secs(121));
    let error = back_up(&source, &vault, &spec().with_resource("configmaps"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    let report = back_up(&source, &vault, &spec())
        .await
        .unwrap()
        .require_complete()
        .unwrap();
    assert!(report.continued);
}

#[tokio::test]
async fn velero_never_sees_a_new_top_level_folder() {
    let source = shop();
    let store = MemoryVault::new();
    let vault = Vault::create(store.clone()).await.unwrap();
    back_up(&source, &vault, &spec()).await.unwrap();
    for key in crate::world::keys(&store).await {
        // Source: velero.md section 1.1.
        assert!(
            key == "csdr-vault.json" || key.starts_with("backups/one/"),
            "{key}"
        );
    }
}

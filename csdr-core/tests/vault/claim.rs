//! A name is taken once.

use crate::world::{Cut, HandClock, Plain, back_up, host, shop, spec};
use csdr_core::{
    ErrorKind,
    memory::MemoryVault,
    port::VaultBackend,
    vault::{Host, Vault},
};
use futures::{FutureExt, future::join_all};
use std::{sync::Arc, time::Duration};

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
    sixteen_race(Arc::new(Plain::new(MemoryVault::new(), true))).await;
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
    let said = error.to_string();
    for part in [
        "backup already exists in OSS bucket",
        "another spec",
        "`vault gc`",
    ] {
        assert!(said.contains(part), "{part:?} in {said}");
    }
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

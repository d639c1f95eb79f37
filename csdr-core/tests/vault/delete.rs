//! What can be deleted, and how.

use crate::world::{Cut, HandClock, back_up, host, keys, shop, spec};
use csdr_core::{
    ErrorKind,
    memory::MemoryVault,
    port::{PutMode, VaultBackend, VaultBackendExt, VaultKey},
    vault::Vault,
};
use futures::FutureExt;
use std::sync::Arc;

fn key(path: &str) -> VaultKey {
    VaultKey::parse(format!("backups/one/{path}")).unwrap()
}

#[tokio::test]
async fn a_damaged_backup_of_csdr_can_be_deleted() {
    for (file, body) in [
        ("velero-backup.json", "no JSON"),
        (
            "velero-backup.json",
            r#"{"kind":"Backup","apiVersion":"velero.io/v1","metadata":{}}"#,
        ),
        ("csdr/manifest.json", "{}"),
        ("csdr/manifest.json", ""),
        ("one.tar.gz", ""),
    ] {
        let store = MemoryVault::new();
        let vault = Vault::create(store.clone()).await.unwrap();
        back_up(&shop(), &vault, &spec()).await.unwrap();
        if body.is_empty() {
            store.delete(&key(file)).await.unwrap();
        } else {
            store
                .put(&key(file), body.into(), PutMode::Overwrite)
                .await
                .unwrap();
        }
        vault.delete("one").await.unwrap();
        assert_eq!(keys(&store).await, ["csdr-vault.json"], "{file}: {body}");
    }
}

#[tokio::test]
async fn a_backup_without_a_file_of_csdr_s_is_not_deleted() {
    let store = MemoryVault::new();
    let vault = Vault::create(store.clone()).await.unwrap();
    for body in [
        "no JSON",
        r#"{"kind":"Backup","apiVersion":"velero.io/v1","metadata":{}}"#,
    ] {
        store
            .put(&key("velero-backup.json"), body.into(), PutMode::Overwrite)
            .await
            .unwrap();
        let error = vault.delete("one").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
    assert_eq!(keys(&store).await.len(), 2);
}

#[tokio::test]
async fn the_mark_of_a_deletion_is_written_once() {
    let clock = HandClock::default();
    let store = MemoryVault::new();
    let vault = Vault::create_with(Arc::new(store.clone()), host(&clock))
        .await
        .unwrap();
    back_up(&shop(), &vault, &spec()).await.unwrap();
    // A store with object lock refuses to replace it.
    let mark = key("csdr/deleting");
    store
        .put(&mark, "first".into(), PutMode::CreateNew)
        .await
        .unwrap();
    let cut = Vault::open_with(Arc::new(Cut::after(store.clone(), 6, true)), host(&clock));
    let run = async { cut.await?.delete("one").await };
    assert!(run.now_or_never().is_none());
    assert_eq!(store.read(&mark, 99).await.unwrap(), "first");
    vault.delete("one").await.unwrap();
    assert_eq!(keys(&store).await, ["csdr-vault.json"]);
}

//! One backup does not hide the others.

use crate::world::{HandClock, Stale, back_up, host, shop, spec};
use csdr_core::{
    memory::MemoryVault,
    port::{PutMode, VaultBackend, VaultKey},
    spec::BackupSpec,
    vault::{BackupOrigin, Vault},
};
use std::sync::Arc;

const RECORD: &str = "backups/one/velero-backup.json";

async fn two() -> (MemoryVault, Vault) {
    let store = MemoryVault::new();
    let vault = Vault::create(store.clone()).await.unwrap();
    back_up(&shop(), &vault, &spec()).await.unwrap();
    let two = BackupSpec::named("two").with_namespace("shop");
    back_up(&shop(), &vault, &two).await.unwrap();
    (store, vault)
}

#[tokio::test]
async fn a_damaged_commit_record_is_listed_as_unreadable() {
    let (store, vault) = two().await;
    let unsigned = r#"{"kind":"Backup","apiVersion":"velero.io/v1","metadata":{},"status":{"phase":"Completed"}}"#;
    for body in [
        "no JSON".to_owned(),
        "x".repeat(17 << 20),
        unsigned.to_owned(),
    ] {
        store
            .put(
                &VaultKey::parse(RECORD).unwrap(),
                body.into(),
                PutMode::Overwrite,
            )
            .await
            .unwrap();
        let listed = vault.backups().await.unwrap();
        let said: Vec<_> = listed
            .iter()
            .map(|entry| (entry.name.as_str(), entry.phase.as_str(), entry.origin))
            .collect();
        assert_eq!(
            said,
            [
                ("one", "Unreadable", BackupOrigin::Csdr),
                ("two", "Completed", BackupOrigin::Csdr)
            ]
        );
    }
}

#[tokio::test]
async fn a_backup_that_is_deleted_while_it_is_listed_is_left_out() {
    let (store, vault) = two().await;
    let before = store.snapshot();
    vault.delete("one").await.unwrap();
    let late = Stale::new(store, before, 1);
    let clock = HandClock::default();
    let vault = Vault::open_with(Arc::new(late), host(&clock))
        .await
        .unwrap();
    let listed = vault.backups().await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].name, "two");
}

//! Every changed, cut or missing file of a backup is found, and named.

use crate::world::{back_up, keys, shop, spec};
use bytes::Bytes;
use csdr_core::{
    ErrorKind,
    memory::MemoryVault,
    port::{PutMode, VaultBackend, VaultBackendExt, VaultKey},
    vault::{Vault, VerifyLevel},
};

async fn stored() -> (MemoryVault, Vault) {
    let store = MemoryVault::new();
    let vault = Vault::create(store.clone()).await.unwrap();
    back_up(&shop(), &vault, &spec()).await.unwrap();
    (store, vault)
}

fn is_vouched_for(key: &str) -> bool {
    key.starts_with("backups/") && !key.contains("/csdr/claim-") && !key.contains("/csdr/journal/")
}

#[tokio::test]
async fn any_changed_file_is_found_and_named() {
    let (store, vault) = stored().await;
    for key in keys(&store)
        .await
        .into_iter()
        .filter(|key| is_vouched_for(key))
    {
        let key = VaultKey::parse(key).unwrap();
        let body = store.read(&key, 1 << 20).await.unwrap();
        if key.name() == "velero-backup.json" {
            continue;
        }
        for at in [0, body.len() / 2, body.len() - 1] {
            let mut changed = body.to_vec();
            changed[at] ^= 0x20;
            store
                .put(&key, changed.into(), PutMode::Overwrite)
                .await
                .unwrap();
            match vault.backup("one").await {
                Ok(backup) => {
                    let proof = backup.verify(VerifyLevel::Hashes).await.unwrap();
                    assert_eq!(proof.problems.len(), 1, "{key}: {proof}");
                    assert!(
                        key.as_str().ends_with(&proof.problems[0].file),
                        "{key}: {proof}"
                    );
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Corrupt, "{key}: {}", error.chain());
                    assert_eq!(key.name(), "manifest.json", "{}", error.chain());
                }
            }
        }
        store
            .put(&key, body.slice(..body.len() - 1), PutMode::Overwrite)
            .await
            .unwrap();
        let sound = match vault.backup("one").await {
            Ok(backup) => backup
                .verify(VerifyLevel::Manifest)
                .await
                .unwrap()
                .is_sound(),
            Err(error) => error.kind() != ErrorKind::Corrupt,
        };
        assert!(!sound, "{key} was cut");
        store.put(&key, body, PutMode::Overwrite).await.unwrap();
    }
    assert!(
        vault
            .backup("one")
            .await
            .unwrap()
            .verify(VerifyLevel::Objects)
            .await
            .unwrap()
            .is_sound()
    );
}

#[tokio::test]
async fn any_missing_file_is_found_and_named() {
    let (store, vault) = stored().await;
    for key in keys(&store)
        .await
        .into_iter()
        .filter(|key| is_vouched_for(key))
    {
        let key = VaultKey::parse(key).unwrap();
        let body = store.read(&key, 1 << 20).await.unwrap();
        store.delete(&key).await.unwrap();
        match vault.backup("one").await {
            Ok(backup) => {
                let proof = backup.verify(VerifyLevel::Manifest).await.unwrap();
                assert_eq!(proof.problems[0].message, "is missing", "{key}: {proof}");
            }
            Err(error) => assert_eq!(
                error.kind(),
                ErrorKind::NotFound,
                "{key}: {}",
                error.chain()
            ),
        }
        store.put(&key, body, PutMode::Overwrite).await.unwrap();
    }
}

#[tokio::test]
async fn unknown_files_and_fields_are_tolerated() {
    let (store, vault) = stored().await;
    let stranger = VaultKey::parse("backups/one/csdr/from-the-future.bin").unwrap();
    store
        .put(&stranger, Bytes::from_static(b"?"), PutMode::CreateNew)
        .await
        .unwrap();
    assert!(
        vault
            .backup("one")
            .await
            .unwrap()
            .verify(VerifyLevel::Objects)
            .await
            .unwrap()
            .is_sound()
    );
}

#[tokio::test]
async fn a_newer_format_is_refused_with_advice() {
    let store = MemoryVault::new();
    Vault::create(store.clone()).await.unwrap();
    let key = VaultKey::parse("csdr-vault.json").unwrap();
    let text = String::from_utf8(store.read(&key, 4096).await.unwrap().to_vec()).unwrap();
    let newer = text.replace("\"format\": 1", "\"format\": 2");
    assert_ne!(newer, text);
    store
        .put(&key, newer.into_bytes().into(), PutMode::Overwrite)
        .await
        .unwrap();
    let error = Vault::open(store).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incompatible);
    assert!(error.to_string().contains("newer csdr"), "{error}");
}

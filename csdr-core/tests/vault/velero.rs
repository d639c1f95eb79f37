//! Backups that Velero itself wrote: listed, verified as far as they can be, restored through scratch, never changed.

use csdr_core::{
    ErrorKind,
    memory::{MemoryCluster, MemoryVault},
    port::{PutMode, VaultBackend, VaultKey},
    report::RunOptions,
    restore::Restore,
    spec::RestoreSpec,
    vault::{BackupOrigin, Vault, VerifyLevel},
};
use std::sync::Arc;

/// A folder as Velero 1.18 wrote it.
async fn velero(archive: &'static [u8]) -> MemoryVault {
    let store = MemoryVault::new();
    let files: [(&str, &[u8]); 3] = [
        (
            "backups/rich/velero-backup.json",
            include_bytes!("../data/velero/velero-backup.json"),
        ),
        ("backups/rich/rich.tar.gz", archive),
        (
            "backups/rich/rich-resource-list.json.gz",
            include_bytes!("../data/velero/default-resource-list.json.gz"),
        ),
    ];
    for (key, body) in files {
        let body = bytes::Bytes::copy_from_slice(body);
        store
            .put(&VaultKey::parse(key).unwrap(), body, PutMode::CreateNew)
            .await
            .unwrap();
    }
    store
}

#[tokio::test]
async fn a_backup_of_velero_lists_verifies_and_restores() {
    for archive in [
        &include_bytes!("../data/velero/default.tar.gz")[..],
        include_bytes!("../data/velero/apigroupversions.tar.gz"),
    ] {
        let store = velero(archive).await;
        let vault = Vault::open(store.clone()).await.unwrap();
        let entry = &vault.backups().await.unwrap()[0];
        assert_eq!(
            (entry.name.as_str(), entry.origin, entry.phase.as_str()),
            ("rich", BackupOrigin::Velero, "Completed")
        );
        let backup = vault.backup("rich").await.unwrap();
        let proof = backup.verify(VerifyLevel::Objects).await.unwrap();
        assert!(proof.is_sound() && proof.objects > 10, "{proof}");
        assert!(!proof.notes.is_empty(), "what cannot be proven is said");
        assert_eq!(backup.objects().unwrap_err().kind(), ErrorKind::Unsupported);

        // Restores are recorded, so the place must be a vault of csdr as well; Velero's own files stay as they are.
        let vault = Vault::create(store.clone()).await.unwrap();
        let target = MemoryCluster::new();
        let restore = Restore::new(vault.clone(), target.clone(), target.clone())
            .with_scratch(Arc::new(MemoryVault::new()));
        let spec = RestoreSpec::from_backup("rich").with_name("copy");
        let plan = restore.plan(&spec).await.unwrap();
        assert!(plan.len() > 10, "{plan}");
        let report = restore.run(plan, &RunOptions::default()).await.unwrap();
        assert_eq!(
            report.count(csdr_core::restore::ObjectOutcome::Failed),
            0,
            "{report}"
        );
        assert_eq!(
            vault.delete("rich").await.unwrap_err().kind(),
            ErrorKind::Unsupported
        );
    }
}

#[tokio::test]
async fn a_cut_archive_of_velero_is_damaged() {
    let whole = include_bytes!("../data/velero/default.tar.gz");
    let vault = Vault::open(velero(&whole[..whole.len() - 100]).await)
        .await
        .unwrap();
    let proof = vault
        .backup("rich")
        .await
        .unwrap()
        .verify(VerifyLevel::Hashes)
        .await
        .unwrap();
    assert!(!proof.is_sound());
    assert_eq!(proof.problems[0].file, "rich.tar.gz");
}

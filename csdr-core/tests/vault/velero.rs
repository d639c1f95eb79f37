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
use flate2::{Compression, GzBuilder, read::GzDecoder};
use std::{
    io::{Read as _, Write as _},
    sync::Arc,
};

/// A folder as Velero 1.18 wrote it.
async fn velero(archive: &[u8]) -> MemoryVault {
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

fn gzip(raw: &[u8], level: Compression) -> Vec<u8> {
    let mut gzip = GzBuilder::new().write(Vec::new(), level);
    gzip.write_all(raw).unwrap();
    gzip.finish().unwrap()
}

async fn put(store: &MemoryVault, path: &str, body: Vec<u8>) {
    let key = VaultKey::parse(format!("backups/rich/{path}")).unwrap();
    store
        .put(&key, body.into(), PutMode::Overwrite)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_large_log_of_velero_is_not_damage_and_a_cut_one_is() {
    let store = velero(include_bytes!("../data/velero/default.tar.gz")).await;
    let vault = Vault::open(store.clone()).await.unwrap();
    // More than 16 MiB compressed, more than 256 MiB unpacked, in two members.
    let stored = gzip(&vec![7; 17 << 20], Compression::none());
    let dense = gzip(&vec![7; 300 << 20], Compression::fast());
    let log = [stored, dense].concat();
    put(&store, "rich-logs.gz", log.clone()).await;
    let verified = async || {
        let backup = vault.backup("rich").await.unwrap();
        backup.verify(VerifyLevel::Hashes).await.unwrap()
    };
    let proof = verified().await;
    assert!(proof.is_sound(), "{proof}");
    for bad in [&log[..log.len() - 1], &[&log[..], b"rest"].concat(), b""] {
        put(&store, "rich-logs.gz", bad.to_vec()).await;
        let proof = verified().await;
        assert_eq!(proof.problems.len(), 1, "{} bytes: {proof}", bad.len());
        assert_eq!(proof.problems[0].file, "rich-logs.gz", "{proof}");
    }
}

#[tokio::test]
async fn every_entry_of_velero_s_archive_that_is_another_object_is_named() {
    let json = |name: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}","namespace":"n"}}}}"#
        )
    };
    let mut tar = tar::Builder::new(Vec::new());
    for (name, data) in [
        ("a", json("a")),
        ("b", json("x")),
        ("c", json("c")),
        ("d", "{".to_owned()),
    ] {
        for version in ["", "v1-preferredversion/"] {
            let mut header = tar::Header::new_gnu();
            header.set_size(data.len() as u64);
            let path = format!("resources/configmaps/{version}namespaces/n/{name}.json");
            tar.append_data(&mut header, path, data.as_bytes()).unwrap();
        }
    }
    let archive = gzip(&tar.into_inner().unwrap(), Compression::fast());
    let vault = Vault::open(velero(&archive).await).await.unwrap();
    let backup = vault.backup("rich").await.unwrap();
    let proof = backup.verify(VerifyLevel::Objects).await.unwrap();
    assert_eq!((proof.problems.len(), proof.objects), (4, 2), "{proof}");
    for name in ["b", "d"] {
        assert!(
            proof
                .to_string()
                .contains(&format!("namespaces/n/{name}.json")),
            "{proof}"
        );
    }
}

#[tokio::test]
async fn a_backup_of_velero_s_that_was_made_anew_is_read_anew() {
    let store = velero(include_bytes!("../data/velero/default.tar.gz")).await;
    let vault = Vault::create(store.clone()).await.unwrap();
    let target = MemoryCluster::new();
    let restore =
        Restore::new(vault, target.clone(), target).with_scratch(Arc::new(MemoryVault::new()));
    let spec = RestoreSpec::from_backup("rich").with_name("copy");
    let first = restore.plan(&spec).await.unwrap();
    assert_eq!(restore.plan(&spec).await.unwrap(), first);
    // Velero has deleted the backup, and another one of the same name is there.
    let archive = include_bytes!("../data/velero/default.tar.gz");
    let mut raw = Vec::new();
    GzDecoder::new(&archive[..]).read_to_end(&mut raw).unwrap();
    put(&store, "rich.tar.gz", gzip(&raw, Compression::none())).await;
    let record = include_str!("../data/velero/velero-backup.json");
    put(
        &store,
        "velero-backup.json",
        format!("{record}\n").into_bytes(),
    )
    .await;
    assert_ne!(restore.plan(&spec).await.unwrap(), first);
    let error = restore
        .run(first, &RunOptions::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
}

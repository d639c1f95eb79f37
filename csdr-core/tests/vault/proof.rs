//! Every changed, cut or missing file of a backup is found, and named.

use crate::world::{back_up, keys, shop, spec};
use bytes::Bytes;
use csdr_core::{
    ErrorKind,
    archive::IndexRow,
    backup::Backup,
    memory::{MemoryCluster, MemoryVault},
    port::{PutMode, VaultBackend, VaultBackendExt, VaultKey},
    report::RunOptions,
    vault::{BackupOrigin, Vault, VerifyLevel, VerifyReport},
};
use futures::TryStreamExt;

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
            // Every byte of it is looked at below.
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

#[tokio::test]
async fn every_byte_of_the_commit_record_is_found_if_it_changes_what_the_record_tells() {
    let (store, vault) = stored().await;
    let key = file("velero-backup.json");
    let body = store.read(&key, 1 << 20).await.unwrap();
    let told = |entry: &csdr_core::vault::BackupEntry| serde_json::to_value(entry).unwrap();
    let entry = told(&vault.backups().await.unwrap()[0]);
    let mut harmless = 0;
    for (at, bit) in (0..body.len()).flat_map(|at| [(at, 0x01), (at, 0x20)]) {
        let mut changed = body.to_vec();
        changed[at] ^= bit;
        let place = String::from_utf8_lossy(&body[at.saturating_sub(20)..at + 1]).into_owned();
        store
            .put(&key, changed.into(), PutMode::Overwrite)
            .await
            .unwrap();
        let listed = &vault.backups().await.unwrap()[0];
        assert_eq!(listed.origin, BackupOrigin::Csdr, "after {place:?}");
        match vault.backup("one").await {
            Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt, "after {place:?}: {error}"),
            Ok(backup) => {
                let proof = backup.verify(VerifyLevel::Hashes).await.unwrap();
                if proof.is_sound() {
                    assert_eq!(told(listed), entry, "after {place:?}");
                    harmless += 1;
                } else {
                    assert_eq!(proof.problems[0].file, "velero-backup.json", "{proof}");
                }
            }
        }
    }
    assert!(harmless > 0, "labels, for example, mean nothing to csdr");
}

fn file(path: &str) -> VaultKey {
    VaultKey::parse(format!("backups/one/{path}")).unwrap()
}

/// A backup whose archive has one member an object, and whose index has `part_rows` rows a part.
async fn in_pieces(
    cluster: &MemoryCluster,
    part_rows: usize,
) -> (MemoryVault, Vault, Vec<IndexRow>) {
    let store = MemoryVault::new();
    let vault = Vault::create(store.clone()).await.unwrap();
    let backup = Backup::new(cluster.clone(), vault.clone());
    let mut options = RunOptions::default();
    options.limits.archive.member_target = 1;
    options.limits.archive.part_rows = part_rows;
    let plan = backup.plan(&spec()).await.unwrap();
    backup.run(plan, &options).await.unwrap();
    let stored = vault.backup("one").await.unwrap();
    let rows: Vec<IndexRow> = stored.rows().try_collect().await.unwrap();
    assert!(rows.len() >= 8 && rows[0].member != rows[1].member);
    (store, vault, rows)
}

async fn change(store: &MemoryVault, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let key = file(path);
    let mut body = store.read(&key, 1 << 24).await.unwrap().to_vec();
    change(&mut body);
    store
        .put(&key, body.into(), PutMode::Overwrite)
        .await
        .unwrap();
}

async fn verified(vault: &Vault) -> VerifyReport {
    let backup = vault.backup("one").await.unwrap();
    backup.verify(VerifyLevel::Objects).await.unwrap()
}

/// Which rows the report names.
fn named(proof: &VerifyReport, rows: &[IndexRow]) -> Vec<usize> {
    let lost = proof
        .problems
        .iter()
        .filter(|problem| problem.message.contains("cannot be read"));
    let lost: Vec<&str> = lost.map(|problem| problem.message.as_str()).collect();
    let is_named = |row: &IndexRow| {
        lost.iter()
            .any(|message| message.starts_with(&format!("{row} ")))
    };
    (0..rows.len()).filter(|at| is_named(&rows[*at])).collect()
}

#[tokio::test]
async fn every_damaged_member_names_its_objects_and_no_other() {
    let (store, vault, rows) = in_pieces(&shop(), 3).await;
    let all = rows.len() as u64;
    let middle = |at: usize| (rows[at].member.offset + rows[at].member.len / 2) as usize;
    change(&store, "one.tar.gz", |body| {
        body[middle(1)] ^= 0x10;
        body[middle(5)] ^= 0x10;
    })
    .await;
    let proof = verified(&vault).await;
    assert_eq!(named(&proof, &rows), [1, 5], "{proof}");
    assert_eq!(proof.objects, all - 2, "{proof}");

    // A side file that is gone, and a part of the index that is damaged, do not hide it.
    store.delete(&file("one-logs.gz")).await.unwrap();
    change(&store, "csdr/index-0.json.gz", |body| body[20] ^= 1).await;
    let proof = verified(&vault).await;
    assert_eq!(named(&proof, &rows), [5], "{proof}");
    let says = |file: &str, text: &str| {
        let of_file = |problem: &&csdr_core::vault::Problem| problem.file == file;
        let mut problems = proof.problems.iter().filter(of_file);
        problems.any(|problem| problem.message.contains(text))
    };
    assert!(says("one-logs.gz", "is missing"), "{proof}");
    let lost = format!(
        "3 rows from {} to {} cannot be read",
        rows[0].id, rows[2].id
    );
    assert!(says("csdr/index-0.json.gz", &lost), "{proof}");
    assert_eq!(proof.objects, all - 4, "{proof}");
}

#[tokio::test]
async fn a_missing_side_file_does_not_hide_that_the_objects_are_whole() {
    let (store, vault) = stored().await;
    store.delete(&file("one-logs.gz")).await.unwrap();
    let proof = verified(&vault).await;
    assert_eq!(proof.problems.len(), 1, "{proof}");
    assert!(proof.objects >= 8, "{proof}");
}

#[tokio::test]
async fn of_a_missing_archive_one_line_is_said() {
    let (store, vault) = stored().await;
    store.delete(&file("one.tar.gz")).await.unwrap();
    let proof = verified(&vault).await;
    assert_eq!(proof.problems.len(), 1, "{proof}");
    assert_eq!(proof.problems[0].message, "is missing");
}

#[tokio::test]
async fn what_lay_behind_the_end_of_a_cut_archive_is_named() {
    let (store, vault, rows) = in_pieces(&shop(), 100).await;
    let cut = rows.len() - 2;
    let end = rows[cut].member.offset as usize + 3;
    change(&store, "one.tar.gz", |body| body.truncate(end)).await;
    let proof = verified(&vault).await;
    assert_eq!(named(&proof, &rows), [cut, cut + 1], "{proof}");
}

#[tokio::test]
async fn of_many_lost_objects_a_thousand_are_named_and_the_rest_is_counted() {
    let cluster = shop();
    let maps: String = (0..1_100)
        .map(|n| format!("---\n{{apiVersion: v1, kind: ConfigMap, metadata: {{name: m{n}, namespace: shop}}}}\n"))
        .collect();
    cluster.load_yaml(&maps).unwrap();
    let (store, vault, rows) = in_pieces(&cluster, 10_000).await;
    change(&store, "one.tar.gz", |body| body.fill(0)).await;
    let proof = verified(&vault).await;
    assert_eq!(named(&proof, &rows).len(), 1_000);
    let rest = format!("{} more objects cannot be read", rows.len() - 1_000);
    assert!(
        proof.to_string().contains(&rest),
        "{:?}",
        proof.problems.last()
    );
    assert_eq!(proof.objects, 0);
}

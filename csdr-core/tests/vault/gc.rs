//! What `gc` must not touch.

use crate::world::{Cut, HandClock, Stale, back_up, host, keys, shop, spec};
use csdr_core::{
    memory::{MemoryCluster, MemoryVault},
    port::{PutMode, VaultBackend, VaultKey},
    report::RunOptions,
    restore::Restore,
    spec::RestoreSpec,
    vault::{GcOptions, Vault, VerifyLevel},
};
use futures::FutureExt;
use std::{sync::Arc, time::Duration};

const LATER: Duration = Duration::from_secs(300);

/// Lists that `gc` makes before it holds the claim: all names, the folder, the holder twice.
const LISTS_BEFORE_THE_CLAIM: i64 = 4;

/// What was there before the file `commit` was.
async fn without(store: &MemoryVault, commit: &str) -> MemoryVault {
    let before = store.snapshot();
    let commit = VaultKey::parse(commit).unwrap();
    assert!(before.stat(&commit).await.is_ok(), "{commit}");
    before.delete(&commit).await.unwrap();
    before
}

/// A vault with a backup, and its store.
async fn with_backup(clock: &HandClock) -> (MemoryVault, Vault) {
    let store = MemoryVault::new();
    let vault = Vault::create_with(Arc::new(store.clone()), host(clock))
        .await
        .unwrap();
    back_up(&shop(), &vault, &spec()).await.unwrap();
    (store, vault)
}

/// A `gc` whose first `stale` lists do not show the file `commit` yet leaves `kept` as it is.
async fn assert_kept(clock: &HandClock, store: &MemoryVault, commit: &str, stale: i64, kept: &str) {
    let before = without(store, commit).await;
    clock.advance(LATER);
    let files = keys(store).await;
    let late = Stale::new(store.clone(), before, stale);
    let collector = Vault::open_with(Arc::new(late), host(clock)).await.unwrap();
    let report = collector.gc(&GcOptions::default()).await.unwrap();
    let said = format!("{kept}: it has ended meanwhile");
    assert_eq!(report.kept, [said], "{stale}: {report:?}");
    assert_eq!(
        keys(store).await,
        files,
        "{stale}: gc's claim is gone again"
    );
}

#[tokio::test]
async fn a_backup_that_ends_after_gc_has_listed_it_is_kept() {
    let clock = HandClock::default();
    for stale in 1..=LISTS_BEFORE_THE_CLAIM {
        let (store, vault) = with_backup(&clock).await;
        let commit = "backups/one/velero-backup.json";
        assert_kept(&clock, &store, commit, stale, "backups/one").await;
        let stored = vault.backup("one").await.unwrap();
        let proof = stored.verify(VerifyLevel::Objects).await.unwrap();
        assert!(proof.is_sound(), "{stale}: {proof}");
    }
}

#[tokio::test]
async fn a_restore_that_ends_after_gc_has_listed_it_is_kept() {
    let clock = HandClock::default();
    // The first list is that of the backups.
    for stale in 2..=LISTS_BEFORE_THE_CLAIM + 1 {
        let (store, vault) = with_backup(&clock).await;
        let target = MemoryCluster::new();
        let restore = Restore::new(vault, target.clone(), target);
        let spec = RestoreSpec::from_backup("one");
        let plan = restore.plan(&spec).await.unwrap();
        let report = restore.run(plan, &RunOptions::default()).await.unwrap();
        let commit = format!("restores/one/csdr/{}/report.json", report.operation);
        assert_kept(&clock, &store, &commit, stale, "restores/one").await;
    }
}

#[tokio::test]
async fn of_two_collections_at_once_one_leaves_it_to_the_other() {
    let clock = HandClock::default();
    let store = MemoryVault::new();
    let vault = Vault::create_with(Arc::new(store.clone()), host(&clock))
        .await
        .unwrap();
    let cut = Vault::open_with(Arc::new(Cut::after(store.clone(), 20, true)), host(&clock));
    let run = async { back_up(&shop(), &cut.await?, &spec()).await };
    assert!(run.now_or_never().is_none());
    clock.advance(LATER);
    let before = store.snapshot();
    // The other collection has taken its claim and not yet removed anything.
    let claimed = "backups/one/csdr/claim-2.json".to_owned();
    for n in 0.. {
        let cut = Vault::open_with(Arc::new(Cut::after(store.clone(), n, false)), host(&clock));
        let run = async { cut.await?.gc(&GcOptions::default()).await };
        assert!(run.now_or_never().is_none());
        if keys(&store).await.contains(&claimed) {
            break;
        }
    }
    for stale in 0..=LISTS_BEFORE_THE_CLAIM {
        let late = Stale::new(store.clone(), before.snapshot(), stale);
        let second = Vault::open_with(Arc::new(late), host(&clock))
            .await
            .unwrap();
        let report = second.gc(&GcOptions::default()).await.unwrap();
        assert!(
            report.failed.is_empty() && report.removed.is_empty() && report.kept.len() == 1,
            "{stale}: {report:?}"
        );
        assert!(
            report.kept[0].contains("running gc") || report.kept[0].contains("a gc is running"),
            "{report:?}"
        );
    }
    clock.advance(LATER);
    vault.gc(&GcOptions::default()).await.unwrap();
    assert_eq!(keys(&store).await, ["csdr-vault.json"]);
}

#[tokio::test]
async fn a_name_that_is_used_again_while_gc_ends_its_deletion_is_left_alone() {
    let clock = HandClock::default();
    let (store, vault) = with_backup(&clock).await;
    let before = store.snapshot();
    let mark = VaultKey::parse("backups/one/csdr/deleting").unwrap();
    before
        .put(&mark, "{}".into(), PutMode::CreateNew)
        .await
        .unwrap();
    let late = Stale::new(store.clone(), before, 1);
    let collector = Vault::open_with(Arc::new(late), host(&clock))
        .await
        .unwrap();
    let report = collector.gc(&GcOptions::default()).await.unwrap();
    assert!(report.removed.is_empty(), "{report:?}");
    assert_eq!(vault.backups().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_backup_of_velero_s_is_kept_whatever_lies_beside_it() {
    let store = MemoryVault::new();
    let vault = Vault::create(store.clone()).await.unwrap();
    let record = r#"{"kind":"Backup","apiVersion":"velero.io/v1","metadata":{}}"#;
    for (path, body) in [
        ("velero-backup.json", record),
        ("csdr/deleting", "{}"),
        ("csdr/claim-1.json", "{}"),
    ] {
        let key = VaultKey::parse(format!("backups/theirs/{path}")).unwrap();
        store
            .put(&key, body.into(), PutMode::CreateNew)
            .await
            .unwrap();
    }
    let report = vault.gc(&GcOptions::default()).await.unwrap();
    assert_eq!(
        report.kept,
        ["backups/theirs: Velero wrote this backup"],
        "{report:?}"
    );
    assert_eq!(keys(&store).await.len(), 4);
}

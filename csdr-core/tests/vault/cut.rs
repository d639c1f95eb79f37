//! A backup that stops at any call of its vault: nothing half-made is listed, the same command ends it, `gc` removes it.

use crate::world::{Cut, HandClock, Plain, back_up, host, keys, shop, spec};
use csdr_core::{
    memory::{MemoryCluster, MemoryVault},
    port::VaultBackend,
    report::Outcome,
    vault::{GcOptions, Vault, VerifyLevel},
};
use futures::FutureExt;
use std::{sync::Arc, time::Duration};

const LATER: Duration = Duration::from_secs(300);

/// Backs up until the vault stops answering at call `n`; what is there then.
async fn stopped(
    source: &MemoryCluster,
    clock: &HandClock,
    n: i64,
    effect: bool,
) -> (MemoryVault, bool) {
    let store = MemoryVault::new();
    Vault::create_with(Arc::new(store.clone()), host(clock))
        .await
        .unwrap();
    let cut = Cut::after(store.clone(), n, effect);
    let run = async {
        let vault = Vault::open_with(Arc::new(cut), host(clock)).await?;
        back_up(source, &vault, &spec()).await
    };
    // Everything here is ready at once or never: a future that is pending has met the cut.
    let ended = run.now_or_never().is_some();
    (store, ended)
}

async fn calls_of_a_whole_run(source: &MemoryCluster, clock: &HandClock) -> i64 {
    let store = MemoryVault::new();
    Vault::create_with(Arc::new(store.clone()), host(clock))
        .await
        .unwrap();
    let cut = Cut::after(store, i64::MAX, true);
    let vault = Vault::open_with(Arc::new(cut.clone()), host(clock))
        .await
        .unwrap();
    back_up(source, &vault, &spec())
        .await
        .unwrap()
        .require_complete()
        .unwrap();
    cut.calls()
}

#[tokio::test]
async fn stopped_at_any_call_the_same_command_ends_in_the_same_backup() {
    let source = shop();
    let clock = HandClock::default();
    let calls = calls_of_a_whole_run(&source, &clock).await;
    assert!(calls > 20, "{calls}");
    let undisturbed = Vault::create_with(Arc::new(MemoryVault::new()), host(&clock))
        .await
        .unwrap();
    let expected = back_up(&source, &undisturbed, &spec()).await.unwrap();
    let archive = undisturbed
        .backup("one")
        .await
        .unwrap()
        .manifest()
        .unwrap()
        .archive
        .clone();
    for (n, effect) in (0..calls).flat_map(|n| [(n, false), (n, true)]) {
        let (store, ended) = stopped(&source, &clock, n, effect).await;
        assert!(!ended, "call {n} was never made");
        clock.advance(LATER);
        let vault = Vault::open_with(Arc::new(store.clone()), host(&clock))
            .await
            .unwrap();
        let listed = vault.backups().await.unwrap().len();
        match back_up(&source, &vault, &spec()).await {
            Ok(report) => {
                assert_eq!(listed, 0, "call {n}: a half-made backup was listed");
                assert_eq!(report.outcome, Outcome::Completed, "call {n}: {report}");
                assert_eq!(report.objects, expected.objects, "call {n}");
                assert_eq!(report.kinds, expected.kinds, "call {n}");
            }
            Err(error) => assert_eq!(listed, 1, "call {n}: {}", error.chain()),
        }
        let stored = vault.backup("one").await.unwrap();
        assert_eq!(stored.manifest().unwrap().archive, archive, "call {n}");
        let proof = stored.verify(VerifyLevel::Objects).await.unwrap();
        assert!(proof.is_sound(), "call {n}: {proof}");
    }
}

#[tokio::test]
async fn stopped_at_any_call_gc_leaves_nothing() {
    let source = shop();
    let clock = HandClock::default();
    let calls = calls_of_a_whole_run(&source, &clock).await;
    for (n, effect) in (0..calls).flat_map(|n| [(n, false), (n, true)]) {
        let (store, _) = stopped(&source, &clock, n, effect).await;
        let vault = Vault::open_with(Arc::new(store.clone()), host(&clock))
            .await
            .unwrap();
        if vault.backups().await.unwrap().len() == 1 {
            assert_eq!(
                (n, effect),
                (calls - 1, true),
                "only the last call makes it a backup"
            );
            continue;
        }
        let running = vault.gc(&GcOptions::default()).await.unwrap();
        assert!(
            running.removed.is_empty(),
            "call {n}: the claim has not expired: {running:?}"
        );
        clock.advance(LATER);
        let report = vault.gc(&GcOptions::default()).await.unwrap();
        assert!(report.failed.is_empty(), "call {n}: {report:?}");
        assert_eq!(keys(&store).await, ["csdr-vault.json"], "call {n}");
    }
}

fn plain(store: &MemoryVault, atomic: bool) -> Arc<dyn VaultBackend> {
    if atomic {
        Arc::new(store.clone())
    } else {
        Arc::new(Plain::new(store.clone(), false))
    }
}

#[tokio::test]
async fn a_deletion_that_stops_at_any_call_is_ended_by_the_next_or_by_gc() {
    let source = shop();
    let clock = HandClock::default();
    for (by_gc, atomic) in [(false, true), (true, true), (false, false), (true, false)] {
        for n in 0.. {
            let store = MemoryVault::new();
            let below = plain(&store, atomic);
            let vault = Vault::create_with(below.clone(), host(&clock))
                .await
                .unwrap();
            back_up(&source, &vault, &spec()).await.unwrap();
            let cut = Vault::open_with(Arc::new(Cut::after(below, n, true)), host(&clock));
            let run = async { cut.await?.delete("one").await };
            if run.now_or_never().is_some() {
                assert!(n > 10, "{n}");
                break;
            }
            if vault.backups().await.unwrap().is_empty() {
                if !by_gc {
                    // The mark goes last but for claims: without it the backup is gone already.
                    let _ = vault.delete("one").await;
                }
                clock.advance(LATER);
                let report = vault.gc(&GcOptions::default()).await.unwrap();
                assert!(report.failed.is_empty(), "call {n}: {report:?}");
                assert_eq!(keys(&store).await, ["csdr-vault.json"], "call {n}");
            } else {
                let proof = vault
                    .backup("one")
                    .await
                    .unwrap()
                    .verify(VerifyLevel::Objects)
                    .await
                    .unwrap();
                assert!(proof.is_sound(), "call {n}: {proof}");
            }
        }
    }
}

#[tokio::test]
async fn a_collection_that_stops_at_any_call_is_ended_by_the_next_or_by_the_same_command() {
    let source = shop();
    let clock = HandClock::default();
    for atomic in [true, false] {
        for n in 0.. {
            let store = MemoryVault::new();
            let below = plain(&store, atomic);
            let vault = Vault::create_with(below.clone(), host(&clock))
                .await
                .unwrap();
            let dead =
                Vault::open_with(Arc::new(Cut::after(below.clone(), 20, true)), host(&clock));
            let run = async { back_up(&source, &dead.await?, &spec()).await };
            assert!(run.now_or_never().is_none());
            clock.advance(LATER);
            let cut = Vault::open_with(Arc::new(Cut::after(below, n, true)), host(&clock));
            let run = async { cut.await?.gc(&GcOptions::default()).await };
            if run.now_or_never().is_some() {
                assert!(n > 8, "{n}");
                break;
            }
            clock.advance(LATER);
            let collected = store.snapshot();
            let again = Vault::open_with(plain(&collected, atomic), host(&clock))
                .await
                .unwrap();
            let report = again.gc(&GcOptions::default()).await.unwrap();
            assert!(report.failed.is_empty(), "call {n}: {report:?}");
            assert_eq!(keys(&collected).await, ["csdr-vault.json"], "call {n}");
            // A name is never spent by what gc left.
            let report = back_up(&source, &vault, &spec()).await.unwrap();
            assert_eq!(report.outcome, Outcome::Completed, "call {n}: {report}");
        }
    }
}

//! What happens while a backup runs.

use crate::world::{HandClock, host, keys, shop, spec};
use csdr_core::{
    backup::Backup,
    memory::MemoryVault,
    port::{Event, Observer, VaultBackend, VaultKey},
    report::{Outcome, RunOptions},
    select::LeftOutReason,
    vault::{GcOptions, Vault},
};
use flate2::read::GzDecoder;
use futures::FutureExt;
use std::{fmt, io::Read as _, sync::Arc, time::Duration};

/// Does something when a stage begins.
struct At<F>(&'static str, F);

impl<F> fmt::Debug for At<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "At({})", self.0)
    }
}

impl<F: Fn() + Send + Sync + 'static> Observer for At<F> {
    fn observe(&self, event: &Event<'_>) {
        if matches!(event, Event::StageStarted { stage, .. } if *stage == self.0) {
            (self.1)();
        }
    }
}

async fn vault(store: &MemoryVault, clock: &HandClock) -> Vault {
    Vault::create_with(Arc::new(store.clone()), host(clock))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_claim_that_has_half_its_time_left_is_renewed_before_the_commit() {
    for (seconds, renewed) in [(50, false), (70, true), (130, true)] {
        let (store, clock) = (MemoryVault::new(), HandClock::default());
        let vault = vault(&store, &clock).await;
        let backup = Backup::new(shop(), vault.clone());
        let slow = clock.clone();
        let at = At("seal", move || slow.advance(Duration::from_secs(seconds)));
        let options = RunOptions::default().with_observer(Arc::new(at));
        let plan = backup.plan(&spec()).await.unwrap();
        let report = backup.run(plan, &options).await.unwrap();
        assert_eq!(report.outcome, Outcome::Completed, "{report}");
        let renewals = keys(&store).await.iter().any(|key| key.contains("-renew-"));
        assert_eq!(renewals, renewed, "after {seconds} s");
    }
}

#[tokio::test]
async fn a_backup_whose_archive_was_collected_is_not_committed() {
    let (store, clock) = (MemoryVault::new(), HandClock::default());
    let vault = vault(&store, &clock).await;
    let backup = Backup::new(shop(), vault.clone());
    let thief = store.clone();
    let at = At("seal", move || {
        let archive = VaultKey::parse("backups/one/one.tar.gz").unwrap();
        thief.delete(&archive).now_or_never().unwrap().unwrap();
    });
    let options = RunOptions::default().with_observer(Arc::new(at));
    let plan = backup.plan(&spec()).await.unwrap();
    let report = backup.run(plan.clone(), &options).await.unwrap();
    assert_eq!(report.outcome, Outcome::Failed);
    assert!(report.to_string().contains("archive has gone"), "{report}");
    assert!(vault.backups().await.unwrap().is_empty());
    // The claim was released: the same command again goes on at once.
    let report = backup.run(plan, &RunOptions::default()).await.unwrap();
    assert!(
        report.continued && report.outcome == Outcome::Completed,
        "{report}"
    );
}

#[tokio::test]
async fn what_the_archive_refuses_is_not_in_the_resource_list() {
    let (store, clock) = (MemoryVault::new(), HandClock::default());
    let vault = vault(&store, &clock).await;
    let cluster = shop();
    let large = format!(
        "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c0-large, namespace: shop}}, data: {{a: '{}'}}}}",
        "x".repeat(9000)
    );
    cluster.load_yaml(&large).unwrap();
    let backup = Backup::new(cluster, vault.clone());
    let mut options = RunOptions::default();
    options.limits.archive.entry = 8000;
    let plan = backup.plan(&spec()).await.unwrap();
    let report = backup.run(plan, &options).await.unwrap();
    assert_eq!(
        report.left_out.get(&LeftOutReason::Unreadable),
        Some(&1),
        "{report}"
    );
    let list = VaultKey::parse("backups/one/one-resource-list.json.gz").unwrap();
    let body = csdr_core::port::VaultBackendExt::read(&store, &list, 1 << 20)
        .await
        .unwrap();
    let mut text = String::new();
    GzDecoder::new(&body[..]).read_to_string(&mut text).unwrap();
    assert!(text.contains("shop/c0\""), "{text}");
    assert!(!text.contains("large"), "{text}");
}

#[tokio::test]
async fn a_run_that_lost_its_claim_to_gc_ends_without_a_backup() {
    let (store, clock) = (MemoryVault::new(), HandClock::default());
    let vault = vault(&store, &clock).await;
    let backup = Backup::new(shop(), vault.clone());
    let (slow, collector) = (clock.clone(), vault.clone());
    let at = At("seal", move || {
        slow.advance(Duration::from_secs(130));
        let options = GcOptions::default();
        let report = collector.gc(&options).now_or_never().unwrap().unwrap();
        assert_eq!(report.removed, ["backups/one"]);
    });
    let options = RunOptions::default().with_observer(Arc::new(at));
    let plan = backup.plan(&spec()).await.unwrap();
    let report = backup.run(plan, &options).await.unwrap();
    assert_eq!(report.outcome, Outcome::Failed, "{report}");
    assert!(vault.backups().await.unwrap().is_empty());
}

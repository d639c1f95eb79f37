//! Whatever fails, is cancelled or dies: no frozen pod is left.

use crate::world::{HandClock, host, new_store, open, shop, spec};
use csdr_core::{
    ErrorKind,
    backup::{Backup, BackupReport},
    memory::{MemoryCluster, MemoryHooks, MemoryVault},
    report::{Outcome, RunOptions},
    vault::{GcOptions, Vault},
};
use csdr_testkit::fault::{Fault, Faulty, Moment, Plan};
use futures::future::{Either, select};
use std::{pin::pin, sync::Arc, time::Duration};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

struct Shop {
    cluster: MemoryCluster,
    hooks: MemoryHooks,
    store: MemoryVault,
    clock: HandClock,
}

impl Shop {
    async fn new() -> Self {
        let (cluster, clock) = (shop(), HandClock::default());
        Self {
            hooks: MemoryHooks::new(cluster.clone()),
            store: new_store(&clock).await,
            cluster,
            clock,
        }
    }

    /// Vault, cluster and hooks count and fail together; the plan is made undisturbed.
    async fn run(
        &self,
        faults: &Plan,
        cancel: CancellationToken,
    ) -> csdr_core::Result<BackupReport> {
        let vault = open(&self.store, &self.clock).await;
        let planner = Backup::new(self.cluster.clone(), vault).with_hooks(self.hooks.clone());
        let plan = planner.plan(&spec()).await.unwrap();
        let opened = Faulty::new(self.store.clone(), faults.clone());
        // Opening is no part of the run: whoever opens gives up by itself.
        let opening = Vault::open_with(Arc::new(opened), host(&self.clock));
        let vault = match select(pin!(opening), pin!(cancel.cancelled())).await {
            Either::Left((vault, _)) => vault?,
            Either::Right(_) => return Err(csdr_core::Error::cancelled("open vault")),
        };
        let backup = Backup::new(Faulty::new(self.cluster.clone(), faults.clone()), vault)
            .with_hooks(Faulty::new(self.hooks.clone(), faults.clone()));
        backup
            .run(plan, &RunOptions::default().with_cancel(cancel))
            .await
    }

    /// The next run of the same command, undisturbed, once the claim has expired.
    async fn again(&self, at: &str) {
        self.clock.advance(Duration::from_secs(3600));
        let vault = open(&self.store, &self.clock).await;
        if vault.backups().await.unwrap().is_empty() {
            let report = self
                .run(&Plan::new(), CancellationToken::new())
                .await
                .unwrap();
            assert_eq!(report.outcome, Outcome::Completed, "{at}: {report}");
        }
        assert_eq!(self.hooks.frozen(), [""; 0], "{at}");
    }
}

/// How many calls an undisturbed run makes.
async fn calls() -> usize {
    let (shop, plan) = (Shop::new().await, Plan::new());
    let report = shop.run(&plan, CancellationToken::new()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    assert_eq!(shop.hooks.frozen(), [""; 0]);
    plan.count()
}

#[tokio::test]
async fn a_run_that_fails_at_any_call_leaves_no_frozen_pod() {
    for n in 1..=calls().await {
        for moment in [Moment::Before, Moment::After] {
            let shop = Shop::new().await;
            let fault = Fault::fail(ErrorKind::PermissionDenied);
            let plan = Plan::new().at(n, moment, fault);
            let ended = shop.run(&plan, CancellationToken::new()).await;
            let at = format!("{n} {moment:?} {ended:?}");
            // A thaw whose answer was lost is tried again, and fails then: the file system is not frozen any more.
            assert_eq!(shop.hooks.frozen(), [""; 0], "{at}");
            shop.again(&at).await;
        }
    }
}

#[tokio::test]
async fn a_run_cancelled_at_any_call_thaws_and_starts_nothing_else() {
    for n in 1..=calls().await {
        for moment in [Moment::Before, Moment::After] {
            let shop = Shop::new().await;
            let cancel = CancellationToken::new();
            let falls = cancel.clone();
            // The token falls at this call, which then never answers.
            let plan = Plan::new().at(n, moment, Fault::Die(Arc::new(move || falls.cancel())));
            let ended = shop.run(&plan, cancel.clone()).await;
            let at = format!("{n} {moment:?}");
            assert_eq!(shop.hooks.frozen(), [""; 0], "{at}: {ended:?}");
            let calls = plan.calls();
            let late = calls.iter().skip(n);
            // Invariant: the one exception from "no request starts after the token fell" is the thaw of what is frozen.
            let late: Vec<_> = late.filter(|call| call.verb != "exec").collect();
            assert!(late.is_empty(), "{at}: {late:?}");
            shop.again(&at).await;
        }
    }
}

/// A process that dies: its future is dropped where it stands, and nothing of it runs any more.
async fn die(shop: &Shop, n: usize, moment: Moment) -> bool {
    let died = Arc::new(Notify::new());
    let dies = died.clone();
    let plan = Plan::new().at(n, moment, Fault::Die(Arc::new(move || dies.notify_one())));
    let run = shop.run(&plan, CancellationToken::new());
    matches!(
        select(pin!(run), pin!(died.notified())).await,
        Either::Right(_)
    )
}

#[tokio::test]
async fn what_a_process_that_died_at_any_call_left_frozen_is_thawed_by_the_next_run() {
    let mut left = 0;
    for n in 1..=calls().await {
        for moment in [Moment::Before, Moment::After] {
            let shop = Shop::new().await;
            assert!(die(&shop, n, moment).await, "{n}");
            left += shop.hooks.frozen().len();
            shop.again(&format!("{n} {moment:?}")).await;
        }
    }
    assert!(
        left > 0,
        "no death left anything frozen: the test shows nothing"
    );
}

#[tokio::test]
async fn what_a_process_that_died_at_any_call_left_frozen_is_thawed_by_gc() {
    for n in 1..calls().await {
        let shop = Shop::new().await;
        assert!(die(&shop, n, Moment::After).await, "{n}");
        let frozen = shop.hooks.frozen();
        shop.clock.advance(Duration::from_secs(3600));
        let vault = open(&shop.store, &shop.clock).await;
        if vault.backups().await.unwrap().len() == 1 {
            continue;
        }
        // Without an executor, or with one of another cluster, the only record of the frozen pods is kept.
        if !frozen.is_empty() {
            let other = MemoryCluster::with(csdr_core::memory::MemoryClusterOptions {
                seed: 1,
                ..Default::default()
            });
            for options in [
                GcOptions::default(),
                GcOptions::default().with_hooks(MemoryHooks::new(other)),
            ] {
                let report = vault.gc(&options).await.unwrap();
                assert_eq!(report.removed, [""; 0], "{n}");
                assert!(
                    report.failed[0].contains("may still be frozen"),
                    "{report:?}"
                );
                shop.clock.advance(Duration::from_secs(3600));
            }
        }
        let options = GcOptions::default().with_hooks(shop.hooks.clone());
        let report = vault.gc(&options).await.unwrap();
        assert!(report.failed.is_empty(), "{n}: {report:?}");
        assert_eq!(shop.hooks.frozen(), [""; 0], "{n}");
        assert!(
            frozen.is_empty() || !report.thawed.is_empty(),
            "{n}: {report:?}"
        );
    }
}

#[tokio::test]
async fn a_continuation_without_executor_does_not_forget_what_is_frozen() {
    let shop = Shop::new().await;
    let mut n = 1;
    while shop.hooks.frozen().is_empty() {
        shop.clock.advance(Duration::from_secs(3600));
        assert!(die(&shop, n, Moment::After).await);
        n += 1;
    }
    shop.clock.advance(Duration::from_secs(3600));
    let vault = open(&shop.store, &shop.clock).await;
    let backup = Backup::new(shop.cluster.clone(), vault);
    let plan = backup.plan(&spec()).await.unwrap();
    let report = backup.run(plan, &RunOptions::default()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Failed, "{report}");
    let said = report.failure.unwrap().message;
    assert!(said.contains("may still be frozen"), "{said}");
    shop.again("with an executor again").await;
}

//! The pipelines of csdr-core over ports that fail on purpose: what fails is told, gives its name back, and is ended by the same
//! command. And what reading costs.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use async_trait::async_trait;
use csdr_core::{
    ErrorKind, Result,
    backup::{Backup, BackupReport},
    memory::{MemoryCluster, MemoryVault},
    port::{Clock, VaultBackend, VaultKey},
    report::{Outcome, RunOptions},
    restore::{ObjectOutcome, Restore, RestoreReport},
    spec::{BackupSpec, RestoreSpec},
    vault::{GcOptions, Host, Vault, VerifyLevel},
};
use csdr_testkit::fault::{Call, Fault, Faulty, Moment, Plan};
use futures::{FutureExt, TryStreamExt, future::pending};
use jiff::Timestamp;
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

const MOMENTS: [Moment; 2] = [Moment::Before, Moment::After];

/// Moved by hand. Short waits, between two tries, are over at once; long ones, for the renewal of a claim, never.
#[derive(Clone, Debug, Default)]
struct HandClock(Arc<AtomicI64>);

impl HandClock {
    fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + self.0.load(Ordering::SeqCst)).unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        if duration > Duration::from_secs(30) {
            pending::<()>().await;
        }
    }
}

/// A cluster, a store with a vault, and a clock.
struct World {
    cluster: MemoryCluster,
    store: MemoryVault,
    clock: HandClock,
}

impl World {
    async fn new() -> Self {
        let world = Self {
            cluster: MemoryCluster::new(),
            store: MemoryVault::new(),
            clock: HandClock::default(),
        };
        let yaml = "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {a: b}}}";
        world.cluster.load_yaml(yaml).unwrap();
        // With data: whose an object is stands in its managed fields, and one without any field has none.
        for name in ["a", "b", "c"] {
            let yaml = format!(
                "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, namespace: shop}}, data: {{a: b}}}}"
            );
            world.cluster.load_yaml(&yaml).unwrap();
        }
        Vault::create_with(Arc::new(world.store.clone()), world.host())
            .await
            .unwrap();
        world
    }

    fn host(&self) -> Host {
        Host::default().with_clock(Arc::new(self.clock.clone()))
    }

    async fn vault(&self) -> Vault {
        self.vault_over(&Plan::new()).await.unwrap()
    }

    async fn vault_over(&self, plan: &Plan) -> Result<Vault> {
        let store = Faulty::new(self.store.clone(), plan.clone());
        Vault::open_with(Arc::new(store), self.host()).await
    }

    async fn back_up(&self, store: &Plan, source: &Plan) -> Result<BackupReport> {
        let vault = self.vault_over(store).await?;
        let backup = Backup::new(Faulty::new(self.cluster.clone(), source.clone()), vault);
        let spec = BackupSpec::named("one").with_namespace("shop");
        let plan = backup.plan(&spec).await?;
        backup.run(plan, &RunOptions::default()).await
    }

    /// As [`back_up`](Self::back_up), where nothing fails.
    async fn again(&self) -> Result<BackupReport> {
        self.back_up(&Plan::new(), &Plan::new()).await
    }

    async fn restore(
        &self,
        target: &MemoryCluster,
        store: &Plan,
        cluster: &Plan,
    ) -> Result<RestoreReport> {
        let vault = self.vault_over(store).await?;
        let port = || Faulty::new(target.clone(), cluster.clone());
        let restore = Restore::new(vault, port(), port());
        let plan = restore.plan(&RestoreSpec::from_backup("one")).await?;
        restore.run(plan, &RunOptions::default()).await
    }

    async fn keys(&self) -> Vec<String> {
        let rows: Vec<_> = self
            .store
            .list(&VaultKey::root())
            .try_collect()
            .await
            .unwrap();
        rows.into_iter().map(|meta| meta.key.to_string()).collect()
    }

    /// Leaves what a backup leaves that dies after its archive.
    async fn die(&self) {
        let hang = Plan::new().when(Moment::Before, Fault::Hang, |_, call| {
            call.subject.ends_with("-results.gz")
        });
        let sound = Plan::new();
        let run = self.back_up(&hang, &sound);
        assert!(run.now_or_never().is_none());
        self.clock.advance(300);
    }
}

fn writes(call: &Call) -> bool {
    !matches!(call.verb, "get" | "stat" | "list")
}

fn is_told<T: std::fmt::Display>(n: usize, ended: &Result<T>, outcome: impl Fn(&T) -> Outcome) {
    match ended {
        Ok(report) => assert_eq!(outcome(report), Outcome::Failed, "call {n}: {report}"),
        Err(error) => assert_eq!(
            error.kind(),
            ErrorKind::Unavailable,
            "call {n}: {}",
            error.chain()
        ),
    }
}

#[tokio::test]
async fn a_call_of_the_vault_that_fails_is_told_and_the_same_command_ends_the_backup_at_once() {
    for dead in [false, true] {
        let counting = Plan::new();
        let world = World::new().await;
        if dead {
            world.die().await;
        }
        world.back_up(&counting, &Plan::new()).await.unwrap();
        assert!(counting.count() > 20);
        for (n, moment) in (1..=counting.count()).flat_map(|n| MOMENTS.map(|moment| (n, moment))) {
            let world = World::new().await;
            if dead {
                world.die().await;
            }
            let plan = Plan::new().at(n, moment, Fault::fail(ErrorKind::Unavailable));
            let ended = world.back_up(&plan, &Plan::new()).await;
            let made = world.vault().await.backups().await.unwrap().len() == 1;
            if matches!(&ended, Ok(report) if report.outcome == Outcome::Completed) {
                // The claim's answer was lost: whether it is ours was asked again.
                assert!(made && moment == Moment::After, "call {n}");
                continue;
            }
            is_told(n, &ended, |report| report.outcome);
            match world.again().await {
                Ok(report) => assert_eq!(report.outcome, Outcome::Completed, "call {n}: {report}"),
                // Only the answer to the commit record was lost.
                Err(error) => {
                    let called = plan.calls().into_iter().nth(n - 1).unwrap();
                    let committed = called.verb == "put"
                        && called.subject.ends_with("velero-backup.json")
                        && moment == Moment::After;
                    assert!(made && committed, "call {n} {called:?}: {}", error.chain());
                }
            }
            let stored = world.vault().await.backup("one").await.unwrap();
            let proof = stored.verify(VerifyLevel::Objects).await.unwrap();
            assert!(proof.is_sound() && proof.objects >= 4, "call {n}: {proof}");
        }
    }
}

#[tokio::test]
async fn a_torn_write_of_the_vault_never_becomes_a_backup() {
    let counting = Plan::new();
    World::new()
        .await
        .back_up(&counting, &Plan::new())
        .await
        .unwrap();
    let calls = counting.calls();
    let torn = |call: &Call| matches!(call.verb, "put" | "finish");
    for n in (1..=calls.len()).filter(|n| torn(&calls[n - 1])) {
        for moment in MOMENTS {
            let world = World::new().await;
            let plan = Plan::new().at(n, moment, Fault::Tear);
            let ended = world.back_up(&plan, &Plan::new()).await;
            is_told(n, &ended, |report| report.outcome);
            let subject = plan.calls().into_iter().nth(n - 1).unwrap().subject;
            let vault = world.vault().await;
            if subject.contains("/csdr/claim-") {
                // A store that tears a claim breaks its contract where csdr builds on it: nobody knows who holds the name.
                assert_eq!(world.again().await.unwrap_err().kind(), ErrorKind::Corrupt);
                assert!(vault.backups().await.unwrap().is_empty());
                continue;
            }
            if subject.contains("/csdr/journal/") {
                // What a dead operation did cannot be read: a person decides, with `gc`.
                assert_eq!(world.again().await.unwrap().outcome, Outcome::Failed);
                world.clock.advance(300);
                let report = vault.gc(&GcOptions::default()).await.unwrap();
                assert_eq!(report.removed, ["backups/one"], "{report:?}");
            }
            if subject.ends_with("/velero-backup.json") {
                assert_eq!(vault.backups().await.unwrap()[0].phase, "Unreadable");
                assert_eq!(
                    vault.backup("one").await.unwrap_err().kind(),
                    ErrorKind::Corrupt
                );
                vault.delete("one").await.unwrap();
            }
            assert!(vault.backups().await.unwrap().is_empty(), "{subject}");
            let report = world.again().await.unwrap();
            assert_eq!(report.outcome, Outcome::Completed, "{subject}: {report}");
            let proof = vault.backup("one").await.unwrap();
            let proof = proof.verify(VerifyLevel::Objects).await.unwrap();
            assert!(proof.is_sound(), "{subject}: {proof}");
        }
    }
}

#[tokio::test]
async fn a_call_of_the_source_that_fails_is_never_passed_over() {
    let counting = Plan::new();
    let whole = World::new().await.back_up(&Plan::new(), &counting).await;
    let objects = whole.unwrap().objects;
    assert!(counting.count() > 5);
    let faults = [Fault::unavailable(), Fault::fail(ErrorKind::Unavailable)];
    for (n, fault) in (1..=counting.count()).flat_map(|n| faults.clone().map(|fault| (n, fault))) {
        for moment in MOMENTS {
            let world = World::new().await;
            let plan = Plan::new().at(n, moment, fault.clone());
            let ended = world.back_up(&Plan::new(), &plan).await;
            let claimed = |keys: Vec<String>| keys.iter().any(|key| key.contains("/claim-"));
            match ended {
                Ok(report) if report.outcome == Outcome::Completed => {
                    // What was listed under a wildcard and could not be read is a warning, and no object is missing without one.
                    let gaps = !report.warnings.is_empty();
                    assert!(report.objects == objects || gaps, "call {n}: {report}");
                }
                Ok(report) => {
                    assert!(
                        !report.errors.is_empty() || report.failure.is_some(),
                        "{report}"
                    );
                }
                Err(_) => {
                    assert!(!claimed(world.keys().await), "call {n}: nothing was begun");
                    let report = world.again().await.unwrap();
                    assert_eq!(
                        (report.outcome, report.objects),
                        (Outcome::Completed, objects)
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn a_call_of_the_vault_that_fails_is_told_and_the_same_command_ends_the_restore_at_once() {
    let counting = Plan::new();
    let world = World::new().await;
    world.again().await.unwrap();
    let whole = world
        .restore(&MemoryCluster::new(), &counting, &Plan::new())
        .await;
    let created = whole.unwrap().count(ObjectOutcome::Created);
    assert!(counting.count() > 20 && created >= 4);
    for (n, moment) in (1..=counting.count()).flat_map(|n| MOMENTS.map(|moment| (n, moment))) {
        let world = World::new().await;
        world.again().await.unwrap();
        let target = MemoryCluster::new();
        let plan = Plan::new().at(n, moment, Fault::fail(ErrorKind::Unavailable));
        let ended = world.restore(&target, &plan, &Plan::new()).await;
        if matches!(&ended, Ok(report) if report.outcome == Outcome::Completed) {
            assert_eq!(
                moment,
                Moment::After,
                "call {n}: the claim's answer was asked again"
            );
            continue;
        }
        is_told(n, &ended, |report| report.outcome);
        match world.restore(&target, &Plan::new(), &Plan::new()).await {
            Ok(report) => {
                assert_eq!(report.outcome, Outcome::Completed, "call {n}: {report}");
                assert_eq!(
                    report.count(ObjectOutcome::Created),
                    created,
                    "call {n}: {report}"
                );
            }
            Err(error) => {
                let called = plan.calls().into_iter().nth(n - 1).unwrap();
                let ended = called.subject.ends_with("/report.json") && moment == Moment::After;
                assert!(ended, "call {n} {called:?}: {}", error.chain());
            }
        }
    }
}

#[tokio::test]
async fn a_call_of_the_target_that_fails_is_repeated_or_told() {
    let counting = Plan::new();
    let world = World::new().await;
    world.again().await.unwrap();
    let whole = world
        .restore(&MemoryCluster::new(), &Plan::new(), &counting)
        .await;
    let created = whole.unwrap().count(ObjectOutcome::Created);
    assert!(counting.count() > 5);
    let faults = [Fault::unavailable(), Fault::fail(ErrorKind::Unavailable)];
    for (n, fault) in (1..=counting.count()).flat_map(|n| faults.clone().map(|fault| (n, fault))) {
        for moment in MOMENTS {
            let world = World::new().await;
            world.again().await.unwrap();
            let target = MemoryCluster::new();
            let plan = Plan::new().at(n, moment, fault.clone());
            let ended = world.restore(&target, &Plan::new(), &plan).await;
            match ended {
                Ok(report) if report.outcome == Outcome::Completed => {
                    assert_eq!(
                        report.count(ObjectOutcome::Created),
                        created,
                        "call {n}: {report}"
                    );
                }
                Ok(report) if report.outcome == Outcome::PartiallyFailed => {
                    assert!(!report.errors.is_empty(), "call {n}: {report}");
                }
                told => {
                    is_told(n, &told, |report| report.outcome);
                    let report = world.restore(&target, &Plan::new(), &Plan::new()).await;
                    let report = report.unwrap();
                    assert_eq!(report.outcome, Outcome::Completed, "call {n}: {report}");
                    assert_eq!(
                        report.count(ObjectOutcome::Created),
                        created,
                        "call {n}: {report}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn reading_writes_nothing_and_one_object_costs_two_reads_more() {
    let world = World::new().await;
    world.again().await.unwrap();
    let plan = Plan::new();
    let vault = world.vault_over(&plan).await.unwrap();
    vault.backups().await.unwrap();
    vault.restores().await.unwrap();
    let opening = plan.count();
    let backup = vault.backup("one").await.unwrap();
    let reads = |from: usize| -> Vec<String> {
        let calls = plan.calls().into_iter().skip(from);
        calls
            .map(|call| format!("{} {}", call.verb, call.subject))
            .collect()
    };
    assert_eq!(
        reads(opening),
        [
            "get backups/one/velero-backup.json",
            "stat backups/one/csdr/deleting",
            "get backups/one/csdr/manifest.json"
        ]
    );
    let before = plan.count();
    let id = "configmaps/shop/b".parse().unwrap();
    assert!(backup.object(&id).await.unwrap().is_some());
    assert_eq!(
        reads(before),
        [
            "get backups/one/csdr/index-0.json.gz",
            "get backups/one/one.tar.gz"
        ]
    );
    for level in [
        VerifyLevel::Manifest,
        VerifyLevel::Hashes,
        VerifyLevel::Objects,
    ] {
        assert!(backup.verify(level).await.unwrap().is_sound());
    }
    backup.report().await.unwrap();
    backup.spec().await.unwrap();
    let _: Vec<_> = backup.left_out().try_collect().await.unwrap();
    let _: Vec<_> = backup.all_objects().try_collect().await.unwrap();
    let options = GcOptions {
        dry_run: true,
        ..GcOptions::default()
    };
    vault.gc(&options).await.unwrap();
    let cluster = world.cluster.clone();
    let restore = Restore::new(vault, cluster.clone(), cluster);
    restore
        .plan(&RestoreSpec::from_backup("one"))
        .await
        .unwrap();
    let written: Vec<Call> = plan.calls().into_iter().filter(writes).collect();
    assert_eq!(written, []);
}

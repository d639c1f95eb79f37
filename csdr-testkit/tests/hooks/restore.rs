//! Hooks in restored pods.

use crate::world::{cluster, pod, spec};
use async_trait::async_trait;
use csdr_core::{
    ErrorKind,
    backup::Backup,
    hook::{RestoreExecHook, RestoreHook, RestoreHookRule},
    memory::{MemoryCluster, MemoryHooks, MemoryVault},
    model::{Object, Tree},
    port::{Clock, ResourceApplier, WriteOptions},
    report::{Note, Outcome, RunOptions},
    restore::{Restore, RestoreReport},
    spec::{RestoreHooks, RestoreSpec},
    vault::{Host, Vault},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// A kubelet that works while others sleep: containers run after one second, and are ready after three.
#[derive(Clone, Debug)]
struct Kubelet {
    cluster: MemoryCluster,
    millis: Arc<AtomicU64>,
}

#[async_trait]
impl Clock for Kubelet {
    fn now(&self) -> Timestamp {
        let millis = i64::try_from(self.millis.load(Ordering::SeqCst)).unwrap();
        Timestamp::from_millisecond(1_700_000_000_000 + millis).unwrap()
    }

    async fn sleep(&self, time: Duration) {
        // Claims are not renewed, and hooks not given up.
        if time >= Duration::from_secs(5) {
            std::future::pending::<()>().await;
        }
        let step = u64::try_from(time.as_millis()).unwrap();
        let now = self.millis.fetch_add(step, Ordering::SeqCst) + step;
        for pod in self.cluster.objects(&"pods".parse().unwrap()) {
            self.work(&pod, now).await;
        }
        tokio::task::yield_now().await;
    }
}

impl Kubelet {
    async fn work(&self, pod: &Object, now: u64) {
        let mut tree = pod.tree().unwrap();
        if now < 1000 || pod.id().name() == "stuck" {
            return;
        }
        let containers = ["db", "log"]
            .map(|name| json!({"name": name, "ready": now >= 3000, "state": {"running": {}}}));
        let status = json!({"phase": "Running", "containerStatuses": containers}).to_string();
        tree.set(&["status"], Tree::parse(status.as_bytes()).unwrap());
        let object = Object::from_tree(pod.id().resource().clone(), &tree).unwrap();
        let options = WriteOptions {
            field_manager: "kubelet".to_owned(),
            dry_run: false,
        };
        self.cluster
            .replace_status(&object, &options)
            .await
            .unwrap();
    }
}

fn hook(command: &str) -> Value {
    json!({"post.hook.restore.velero.io/command": command})
}

/// Backs the pods up and restores them; answers what was run, too.
async fn restore(pods: &[String], hooks: RestoreHooks) -> (RestoreReport, MemoryHooks) {
    let store = MemoryVault::new();
    let vault = Vault::create(store.clone()).await.unwrap();
    let backup = Backup::new(cluster(pods), vault);
    let plan = backup.plan(&spec()).await.unwrap();
    backup.run(plan, &RunOptions::default()).await.unwrap();

    let target = MemoryCluster::new();
    let kubelet = Kubelet {
        cluster: target.clone(),
        millis: Arc::default(),
    };
    let executor = MemoryHooks::new(target.clone());
    let host = Host::default().with_clock(Arc::new(kubelet));
    let vault = Vault::open_with(Arc::new(store), host).await.unwrap();
    let restore = Restore::new(vault, target.clone(), target.clone()).with_hooks(executor.clone());
    let spec = RestoreSpec::from_backup("shop-1")
        .with_namespace_mapping("shop", "copy")
        .with_hooks(hooks);
    let plan = restore.plan(&spec).await.unwrap();
    let report = restore.run(plan, &RunOptions::default()).await.unwrap();
    (report, executor)
}

fn told(report: &RestoreReport) -> Vec<String> {
    let outcomes = report.hooks.outcomes.iter();
    outcomes
        .map(|outcome| format!("{}: {outcome}", outcome.pod))
        .collect()
}

#[tokio::test]
async fn velero_3_10_commands_run_once_the_container_runs() {
    let (report, hooks) = restore(
        &[pod("a", &[], &hook("true")), pod("b", &[], &json!({}))],
        RestoreHooks::default(),
    )
    .await;
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    assert_eq!(hooks.calls(), ["copy/a db: true"]);
    assert_eq!(
        told(&report),
        ["copy/a: post hook `true` in container db: succeeded"]
    );
    assert!(
        report.to_string().contains("1 hooks run, 0 failed"),
        "{report}"
    );
}

#[tokio::test]
async fn velero_3_10_a_container_that_is_never_up_ends_the_wait() {
    let mut annotations = hook("true");
    annotations["post.hook.restore.velero.io/wait-timeout"] = json!("7s");
    let (report, hooks) =
        restore(&[pod("stuck", &[], &annotations)], RestoreHooks::default()).await;
    assert!(hooks.calls().is_empty());
    assert_eq!(
        told(&report),
        [
            "copy/stuck: post hook `true` in container db: failed (its container was not running within 7s)"
        ]
    );
    // On error: Continue, unless said.
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    let about_hooks = |note: &&Note| note.to_string().contains("hook");
    let warnings = report.warnings.iter().filter(about_hooks).count();
    assert_eq!((report.hooks.failed, warnings), (1, 1));
}

#[tokio::test]
async fn velero_3_10_waits_for_ready_and_a_failure_stops_the_others() {
    let rule = |name: &str, exec: RestoreExecHook| RestoreHookRule {
        name: name.to_owned(),
        included_namespaces: vec!["copy".to_owned()],
        post_hooks: vec![RestoreHook::Exec(exec)],
        ..RestoreHookRule::default()
    };
    let exec = |program: &str| RestoreExecHook {
        command: vec![program.to_owned()],
        ..RestoreExecHook::default()
    };
    let hooks = RestoreHooks {
        resources: vec![
            rule(
                "ready",
                RestoreExecHook {
                    wait_for_ready: Some(true),
                    ..exec("true")
                },
            ),
            rule(
                "fails",
                RestoreExecHook {
                    on_error: Some(csdr_core::hook::OnError::Fail),
                    ..exec("false")
                },
            ),
            rule("last", exec("true")),
        ],
    };
    let (report, executor) = restore(&[pod("a", &[], &json!({}))], hooks).await;
    assert_eq!(report.outcome, Outcome::PartiallyFailed, "{report}");
    assert_eq!(executor.calls(), ["copy/a db: true", "copy/a db: false"]);
    assert_eq!(
        told(&report),
        [
            "copy/a: post hook `true` in container db: succeeded",
            "copy/a: post hook `false` in container db: failed (exit code 1)",
            "copy/a: post hook `true` in container db: not run (a hook with on-error Fail has failed)",
        ]
    );
    assert_eq!((report.hooks.attempted, report.hooks.failed), (2, 1));
}

#[tokio::test]
async fn without_an_executor_commands_are_refused_and_annotations_are_said() {
    let store = MemoryVault::new();
    let vault = Vault::create(store.clone()).await.unwrap();
    let backup = Backup::new(cluster(&[pod("a", &[], &hook("true"))]), vault.clone());
    let plan = backup.plan(&spec()).await.unwrap();
    backup.run(plan, &RunOptions::default()).await.unwrap();
    let target = MemoryCluster::new();
    let restore = Restore::new(vault, target.clone(), target.clone());
    let exec = RestoreExecHook {
        command: vec!["true".to_owned()],
        ..RestoreExecHook::default()
    };
    let hooks = RestoreHooks {
        resources: vec![RestoreHookRule {
            name: "a".to_owned(),
            post_hooks: vec![RestoreHook::Exec(exec)],
            ..RestoreHookRule::default()
        }],
    };
    let spec = RestoreSpec::from_backup("shop-1");
    let plan = restore.plan(&spec.clone().with_hooks(hooks)).await.unwrap();
    let error = restore.run(plan, &RunOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let plan = restore.plan(&spec).await.unwrap();
    let report = restore.run(plan, &RunOptions::default()).await.unwrap();
    let warnings = report.warnings.iter().map(ToString::to_string);
    // The claims of this world have volumes that no restore brings.
    let warnings: Vec<String> = warnings.filter(|note| note.contains("hook")).collect();
    assert_eq!(
        warnings,
        [
            "pods/shop/a: 1 pods have hooks in their annotations that were not run, this is the first: nothing runs hooks"
        ]
    );
}

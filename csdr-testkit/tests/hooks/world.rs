//! A shop with two databases that are frozen, and one program that is not.

use async_trait::async_trait;
use csdr_core::{
    Result,
    backup::{Backup, BackupReport},
    memory::{MemoryCluster, MemoryHooks, MemoryVault},
    model::Object,
    port::{Clock, ExecOutput, ExecRequest, HookExecutor, ResourceApplier, WriteOptions},
    report::RunOptions,
    spec::BackupSpec,
    vault::{Host, Vault},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Milliseconds since a day of 2023, moved by hand, and by short pauses. A long sleep never ends: nothing is given up, no claim renewed.
#[derive(Clone, Debug, Default)]
pub(crate) struct HandClock(Arc<AtomicU64>);

impl HandClock {
    pub(crate) fn advance(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        let millis = i64::try_from(self.0.load(Ordering::SeqCst)).unwrap();
        Timestamp::from_millisecond(1_700_000_000_000 + millis).unwrap()
    }

    async fn sleep(&self, time: Duration) {
        if time >= Duration::from_secs(5) {
            pending::<()>().await;
        }
        self.advance(time);
        tokio::task::yield_now().await;
    }
}

pub(crate) fn host(clock: &HandClock) -> Host {
    Host::default().with_clock(Arc::new(clock.clone()))
}

/// A pod with these annotations, and claims.
pub(crate) fn pod(name: &str, claims: &[&str], annotations: &Value) -> String {
    let volumes: Vec<Value> = claims
        .iter()
        .map(|claim| json!({"name": claim, "persistentVolumeClaim": {"claimName": claim}}))
        .collect();
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": {"seen": "before"}, "annotations": annotations},
        "spec": {"containers": [{"name": "db"}, {"name": "log"}], "volumes": volumes},
        "status": {"phase": "Running"},
    })
    .to_string()
}

/// Freezes and thaws `/data`.
pub(crate) fn freezing() -> Value {
    json!({
        "pre.hook.backup.velero.io/command": r#"["fsfreeze","--freeze","/data"]"#,
        "post.hook.backup.velero.io/command": r#"["fsfreeze","--unfreeze","/data"]"#,
        "post.hook.backup.velero.io/timeout": "1m",
    })
}

pub(crate) fn cluster(pods: &[String]) -> MemoryCluster {
    let cluster = MemoryCluster::new();
    cluster
        .load_yaml("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}")
        .unwrap();
    for claim in ["data-0", "data-1"] {
        let json = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": claim, "namespace": "shop", "labels": {"seen": "before"}}, "spec": {"volumeName": format!("pv-{claim}")}});
        cluster.add(&json.to_string()).unwrap();
    }
    cluster
        .load_yaml("{apiVersion: v1, kind: ConfigMap, metadata: {name: prices, namespace: shop}, data: {tea: '3'}}")
        .unwrap();
    for pod in pods {
        cluster.add(pod).unwrap();
    }
    cluster
}

/// Two databases in blocks of their own.
pub(crate) fn shop() -> MemoryCluster {
    cluster(&[
        pod("db-0", &["data-0"], &freezing()),
        pod("db-1", &["data-1"], &freezing()),
        pod("web", &[], &json!({})),
    ])
}

pub(crate) fn spec() -> BackupSpec {
    BackupSpec::named("shop-1").with_namespace("shop")
}

pub(crate) async fn new_store(clock: &HandClock) -> MemoryVault {
    let store = MemoryVault::new();
    Vault::create_with(Arc::new(store.clone()), host(clock))
        .await
        .unwrap();
    store
}

pub(crate) async fn open(store: &MemoryVault, clock: &HandClock) -> Vault {
    Vault::open_with(Arc::new(store.clone()), host(clock))
        .await
        .unwrap()
}

/// Plans and runs.
pub(crate) async fn back_up(
    cluster: &MemoryCluster,
    hooks: impl HookExecutor,
    spec: &BackupSpec,
) -> (BackupReport, Vault) {
    let clock = HandClock::default();
    let vault = open(&new_store(&clock).await, &clock).await;
    let backup = Backup::new(cluster.clone(), vault.clone()).with_hooks(hooks);
    let plan = backup.plan(spec).await.unwrap();
    let report = backup.run(plan, &RunOptions::default()).await.unwrap();
    (report, vault)
}

/// Each command takes a quarter of a second, and leaves its mark on pods and claims: `seen` is the verb of the last `fsfreeze`.
#[derive(Debug)]
pub(crate) struct Marking {
    pub(crate) hooks: MemoryHooks,
    pub(crate) cluster: MemoryCluster,
    pub(crate) clock: HandClock,
}

#[async_trait]
impl HookExecutor for Marking {
    async fn cluster(&self) -> Result<Option<String>> {
        self.hooks.cluster().await
    }

    async fn exec(&self, request: &ExecRequest) -> Result<ExecOutput> {
        let output = self.hooks.exec(request).await?;
        self.clock.advance(Duration::from_millis(250));
        let verb = request.command.get(1).map_or("", String::as_str);
        for resource in ["pods", "persistentvolumeclaims"] {
            for object in self.cluster.objects(&resource.parse().unwrap()) {
                mark(&self.cluster, &object, verb.trim_start_matches('-')).await?;
            }
        }
        Ok(output)
    }
}

async fn mark(cluster: &MemoryCluster, object: &Object, seen: &str) -> Result<()> {
    let patch = json!({"metadata": {"labels": {"seen": seen}}}).to_string();
    let options = WriteOptions {
        field_manager: "test".to_owned(),
        dry_run: false,
    };
    cluster
        .merge_patch(object.id(), "v1", patch.into(), &options)
        .await?;
    Ok(())
}

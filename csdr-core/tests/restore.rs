//! How a restore writes: how much at once, in which order, and what it does about definitions that never come to be.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use async_trait::async_trait;
use bytes::Bytes;
use csdr_core::{
    Result,
    backup::Backup,
    memory::{MemoryCluster, MemoryVault},
    model::{Object, ObjectId},
    port::{ApplyOptions, DeleteOptions, ResourceApplier, WriteOptions},
    report::{Limits, Outcome, RunOptions},
    restore::{Action, ObjectOutcome, Restore, RestoreReport, Wave},
    spec::{BackupSpec, RestoreSpec},
    vault::Vault,
};
use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

/// Objects of each of the larger waves.
const MANY: usize = 24;

/// Namespaces, a definition and its objects, and many objects in most of the waves.
fn manifests() -> String {
    let mut text = String::from(
        "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: widgets.shop.io}, spec: {group: shop.io, scope: Namespaced, names: {plural: widgets, kind: Widget}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]}}\n",
    );
    for at in 0..MANY {
        let meta = format!("metadata: {{name: o-{at:02}, namespace: n-{}}}", at % 3);
        let bare = format!("metadata: {{name: o-{at:02}}}");
        let namespace = format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: n-{at}}}}}");
        for document in [
            namespace,
            format!("{{apiVersion: v1, kind: ConfigMap, {meta}}}"),
            format!("{{apiVersion: v1, kind: Secret, {meta}}}"),
            format!(
                "{{apiVersion: v1, kind: PersistentVolumeClaim, {meta}, spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}}}"
            ),
            format!("{{apiVersion: v1, kind: ServiceAccount, {meta}}}"),
            format!(
                "{{apiVersion: v1, kind: ResourceQuota, {meta}, spec: {{hard: {{pods: '9'}}}}}}"
            ),
            format!("{{apiVersion: v1, kind: Service, {meta}, spec: {{ports: [{{port: 80}}]}}}}"),
            format!(
                "{{apiVersion: storage.k8s.io/v1, kind: StorageClass, {bare}, provisioner: none}}"
            ),
            format!("{{apiVersion: shop.io/v1, kind: Widget, {meta}, spec: {{size: {at}}}}}"),
        ] {
            writeln!(text, "---\n{document}").unwrap();
        }
    }
    text
}

async fn stored() -> Vault {
    let source = MemoryCluster::new();
    source.load_yaml(&manifests()).unwrap();
    let vault = Vault::create(MemoryVault::new()).await.unwrap();
    let backup = Backup::new(source, vault.clone());
    let plan = backup.plan(&BackupSpec::named("all")).await.unwrap();
    let report = backup.run(plan, &RunOptions::default()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    vault
}

/// Counts the creates that run at the same time, wave by wave, and notes each that goes back a wave.
#[derive(Clone, Debug)]
struct Counting {
    cluster: MemoryCluster,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    running: Vec<Wave>,
    /// Most creates at once, and creates in all.
    waves: BTreeMap<Wave, (usize, usize)>,
    wrong: Vec<String>,
}

impl Counting {
    fn new() -> Self {
        Self {
            cluster: MemoryCluster::new(),
            seen: Arc::default(),
        }
    }
}

#[async_trait]
impl ResourceApplier for Counting {
    async fn create(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        let wave = Wave::of(object.id().resource());
        {
            let mut seen = self.seen.lock().unwrap();
            seen.running.push(wave);
            let running = seen.running.clone();
            let latest = seen.waves.keys().last().copied();
            if running.iter().any(|other| *other != wave) || latest.is_some_and(|last| wave < last)
            {
                let line = format!("{} beside {running:?} after {latest:?}", object.id());
                seen.wrong.push(line);
            }
            let (most, count) = seen.waves.entry(wave).or_default();
            *most = running.len().max(*most);
            *count += 1;
        }
        // Whatever else would be started has its turn.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let created = self.cluster.create(object, options).await;
        let mut seen = self.seen.lock().unwrap();
        let at = seen.running.iter().position(|other| *other == wave);
        seen.running.remove(at.unwrap());
        created
    }

    async fn apply(&self, object: &Object, options: &ApplyOptions) -> Result<Object> {
        self.cluster.apply(object, options).await
    }

    async fn merge_patch(
        &self,
        id: &ObjectId,
        version: &str,
        patch: Bytes,
        options: &WriteOptions,
    ) -> Result<Object> {
        self.cluster.merge_patch(id, version, patch, options).await
    }

    async fn replace(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        self.cluster.replace(object, options).await
    }

    async fn replace_status(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        self.cluster.replace_status(object, options).await
    }

    async fn delete(&self, id: &ObjectId, version: &str, options: &DeleteOptions) -> Result<()> {
        ResourceApplier::delete(&self.cluster, id, version, options).await
    }
}

/// Restores under a name of its own.
async fn restore(vault: &Vault, target: &Counting, limits: Limits) -> RestoreReport {
    let restore = Restore::new(vault.clone(), target.cluster.clone(), target.clone());
    let plan = restore
        .plan(&RestoreSpec::from_backup("all").with_name(format!("with-{}", limits.writes)))
        .await
        .unwrap();
    assert_eq!(plan.count(Action::Blocked), 0, "{plan}");
    let options = RunOptions::default().with_limits(limits);
    restore.run(plan, &options).await.unwrap()
}

fn limits(writes: usize) -> Limits {
    Limits {
        writes,
        ..Limits::default()
    }
}

#[tokio::test]
async fn inside_a_wave_as_many_creates_run_as_allowed_and_no_more() {
    let vault = stored().await;
    for writes in [1, 4, 16] {
        let target = Counting::new();
        let report = restore(&vault, &target, limits(writes)).await;
        assert_eq!(report.outcome, Outcome::Completed, "{report}");
        let seen = target.seen.lock().unwrap();
        // One definition; all others have enough objects to fill every place.
        for (wave, (most, count)) in &seen.waves {
            assert_eq!(*most, writes.min(*count), "{wave:?} with {writes} writes");
        }
        let large = seen.waves.values().filter(|(_, count)| *count >= MANY);
        assert_eq!(large.count(), 8, "{:?}", seen.waves);
    }
}

#[tokio::test]
async fn creates_never_go_back_a_wave_and_none_runs_beside_another_wave() {
    let vault = stored().await;
    for writes in [1, 4, 64] {
        let target = Counting::new();
        let report = restore(&vault, &target, limits(writes)).await;
        assert_eq!(report.outcome, Outcome::Completed, "{report}");
        let seen = target.seen.lock().unwrap();
        assert!(seen.wrong.is_empty(), "{writes}: {:#?}", seen.wrong);
        let waves: Vec<Wave> = seen.waves.keys().copied().collect();
        let expected = [
            Wave::Definitions,
            Wave::Namespaces,
            Wave::Classes,
            Wave::Claims,
            Wave::Accounts,
            Wave::Config,
            Wave::Workloads,
            Wave::Custom,
            Wave::Quotas,
        ];
        assert_eq!(waves, expected);
    }
}

/// The clock is tokio's, paused: waiting costs nothing.
#[tokio::test(start_paused = true)]
async fn objects_of_a_definition_that_is_never_established_fail_and_nothing_is_sent_for_them() {
    let vault = stored().await;
    let target = Counting::new();
    target.cluster.hold_definitions();
    let limits = Limits {
        ready_wait: Duration::from_secs(20),
        ..limits(4)
    };
    let started = tokio::time::Instant::now();
    let report = restore(&vault, &target, limits).await;
    let waited = started.elapsed();
    assert!(
        waited >= Duration::from_secs(20) && waited < Duration::from_secs(60),
        "{waited:?}"
    );
    assert_eq!(report.outcome, Outcome::PartiallyFailed, "{report}");
    assert_eq!(report.count(ObjectOutcome::Failed), MANY as u64, "{report}");
    assert_eq!(report.count(ObjectOutcome::Pending), 0, "{report}");
    let errors: Vec<String> = report.errors.iter().map(ToString::to_string).collect();
    let definition = "customresourcedefinitions.apiextensions.k8s.io/widgets.shop.io: was not established in time";
    assert!(errors.iter().any(|error| error == definition), "{errors:?}");
    let row = "widgets.shop.io/n-0/o-00: the target does not serve shop.io/v1/widgets after its definition was restored";
    assert!(errors.iter().any(|error| error == row), "{errors:?}");
    assert_eq!(errors.len(), 1 + MANY, "{errors:?}");

    let seen = target.seen.lock().unwrap();
    // The definition itself, and the Services beside the widgets: none of the widgets.
    assert_eq!(seen.waves[&Wave::Definitions], (1, 1));
    assert_eq!(seen.waves[&Wave::Workloads].1, MANY);
    assert!(!seen.waves.contains_key(&Wave::Custom));
    // The rest of the application is there.
    let created = report.count(ObjectOutcome::Created);
    let asked: usize = seen.waves.values().map(|(_, count)| count).sum();
    // Every namespace has its default account already: the cluster made it.
    assert_eq!(created + MANY as u64, asked as u64, "{report}");
    assert_eq!(
        target.cluster.objects(&"services".parse().unwrap()).len(),
        MANY
    );
}

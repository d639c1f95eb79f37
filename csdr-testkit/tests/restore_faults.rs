//! A restore of some sixty objects over an applier that fails on purpose, at every call: run again, and the target is as after an
//! undisturbed run; no webhook is left open.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use async_trait::async_trait;
use csdr_core::{
    ErrorKind,
    backup::Backup,
    memory::{MemoryCluster, MemoryVault},
    model::{ObjectId, Tree},
    port::{Clock, PutMode, VaultBackend, VaultBackendExt, VaultKey},
    report::{Limits, Outcome, RunOptions},
    restore::Restore,
    spec::{BackupSpec, Existing, ExistingOverride, RestoreSpec},
    vault::{Host, Vault},
};
use csdr_testkit::fault::{Fault, Faulty, Moment, Plan};
use futures::{TryStreamExt, future::pending};
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

/// Moved by hand. Short waits are over at once; long ones, for the renewal of a claim, never.
#[derive(Clone, Debug, Default)]
struct HandClock(Arc<AtomicI64>);

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

const GUARD: &str = "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: guard-N}, webhooks: [{name: a.shop.io, failurePolicy: Fail, clientConfig: {service: {namespace: shop, name: guard}}, sideEffects: None, admissionReviewVersions: [v1]}]}";

/// Objects in most of the waves (pods whose owner does not control them: others are left to their controller); two levels of owners, before and after what they own; two webhook configurations.
fn manifests() -> String {
    let mut text = String::from("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}\n---\n");
    let mut add = |document: String| writeln!(text, "{document}\n---").unwrap();
    add("{apiVersion: v1, kind: Service, metadata: {name: guard, namespace: shop}, spec: {ports: [{port: 443}]}}".to_owned());
    for at in 0..2 {
        add(GUARD.replace("-N", &format!("-{at}")));
    }
    for at in 0..8 {
        let owner = format!(
            "ownerReferences: [{{apiVersion: apps/v1, kind: Deployment, name: web-{at}, uid: d-{at}, controller: true}}]"
        );
        let deployed = format!(
            "ownerReferences: [{{apiVersion: apps/v1, kind: ReplicaSet, name: web-{at}, uid: r-{at}}}]"
        );
        let template = "selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}";
        for document in [
            format!(
                "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c-{at}, namespace: shop, {owner}}}, data: {{a: new}}}}"
            ),
            format!(
                "{{apiVersion: v1, kind: Secret, metadata: {{name: s-{at}, namespace: shop}}, data: {{a: bmV3}}}}"
            ),
            format!(
                "{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: a-{at}, namespace: shop}}, imagePullSecrets: [{{name: ours}}]}}"
            ),
            format!(
                "{{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {{name: p-{at}, namespace: shop, labels: {{l: new}}}}, spec: {{accessModes: [ReadWriteOnce]}}}}"
            ),
            format!(
                "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: web-{at}, namespace: shop, uid: d-{at}}}, spec: {{replicas: 1, {template}}}}}"
            ),
            format!(
                "{{apiVersion: apps/v1, kind: ReplicaSet, metadata: {{name: web-{at}, namespace: shop, uid: r-{at}, {owner}}}, spec: {{replicas: 1, {template}}}}}"
            ),
            format!(
                "{{apiVersion: v1, kind: Pod, metadata: {{name: web-{at}, namespace: shop, {deployed}}}, spec: {{containers: [{{name: c, image: i}}]}}}}"
            ),
        ] {
            add(document);
        }
    }
    text
}

/// What is in the target before: some Secrets that are updated, claims that are recreated, accounts that are merged.
fn there() -> String {
    let mut text = String::from("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}\n---\n");
    text.push_str("{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: guard-1, namespace: shop, labels: {kubernetes.io/service-name: guard}}, addressType: IPv4, endpoints: [{addresses: [10.0.0.1]}]}\n---\n");
    for at in 0..3 {
        for document in [
            format!(
                "{{apiVersion: v1, kind: Secret, metadata: {{name: s-{at}, namespace: shop}}, data: {{a: b2xk, b: b2xk}}}}"
            ),
            format!(
                "{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: a-{at}, namespace: shop}}, imagePullSecrets: [{{name: theirs}}]}}"
            ),
            format!(
                "{{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {{name: p-{at}, namespace: shop, labels: {{l: old, m: old}}}}, spec: {{accessModes: [ReadWriteOnce]}}}}"
            ),
        ] {
            writeln!(text, "{document}\n---").unwrap();
        }
    }
    text
}

struct World {
    store: MemoryVault,
    target: MemoryCluster,
    clock: HandClock,
}

impl World {
    /// A store with a copy of these files, and a target.
    async fn new(files: &[(VaultKey, bytes::Bytes)]) -> Self {
        let store = MemoryVault::new();
        for (key, body) in files {
            store
                .put(key, body.clone(), PutMode::CreateNew)
                .await
                .unwrap();
        }
        let target = MemoryCluster::new();
        target.load_yaml(&there()).unwrap();
        Self {
            store,
            target,
            clock: HandClock::default(),
        }
    }

    fn host(&self) -> Host {
        Host::default().with_clock(Arc::new(self.clock.clone()))
    }

    async fn run(
        &self,
        name: &str,
        plan: &Plan,
    ) -> csdr_core::Result<csdr_core::restore::RestoreReport> {
        let vault = Vault::open_with(Arc::new(self.store.clone()), self.host()).await?;
        let applier = Faulty::new(self.target.clone(), plan.clone());
        let restore = Restore::new(vault, self.target.clone(), applier);
        let spec = RestoreSpec::from_backup("one")
            .with_name(name)
            .with_existing(Existing::Update)
            .with_existing_override(
                ExistingOverride::new(Existing::Recreate).with_resource("persistentvolumeclaims"),
            );
        let rows = restore.plan(&spec).await?;
        let limits = Limits {
            writes: 1,
            attempts: 3,
            ready_wait: Duration::from_secs(1),
            ..Limits::default()
        };
        restore
            .run(rows, &RunOptions::default().with_limits(limits))
            .await
    }

    /// Everything in the target, without what differs from run to run; owners by their names.
    fn state(&self) -> BTreeMap<String, Tree> {
        let all = self.target.all_objects();
        let names: BTreeMap<String, ObjectId> = all
            .iter()
            .map(|object| (object.meta().uid.clone(), object.id().clone()))
            .collect();
        let mut state = BTreeMap::new();
        for object in all {
            let mut tree = object.tree().unwrap();
            for field in [
                "uid",
                "resourceVersion",
                "generation",
                "managedFields",
                "creationTimestamp",
            ] {
                tree.remove(&["metadata", field]);
            }
            let owners = tree
                .at_mut(&["metadata", "ownerReferences"])
                .and_then(Tree::as_array_mut);
            for owner in owners.into_iter().flatten() {
                // A uid that nobody has would have its object collected.
                let uid = owner.text_at(&["uid"]).unwrap().to_owned();
                owner.set(&["uid"], names[&uid].to_string().into());
            }
            state.insert(object.id().to_string(), tree);
        }
        state
    }
}

async fn files() -> Vec<(VaultKey, bytes::Bytes)> {
    let source = MemoryCluster::new();
    source.load_yaml(&manifests()).unwrap();
    let store = MemoryVault::new();
    let clock = HandClock::default();
    let host = Host::default().with_clock(Arc::new(clock));
    let vault = Vault::create_with(Arc::new(store.clone()), host)
        .await
        .unwrap();
    let backup = Backup::new(source, vault);
    let spec = BackupSpec::named("one")
        .with_namespace("shop")
        .with_resource("*")
        .with_resource("validatingwebhookconfigurations.admissionregistration.k8s.io");
    let plan = backup.plan(&spec).await.unwrap();
    let report = backup.run(plan, &RunOptions::default()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    let rows: Vec<_> = store.list(&VaultKey::root()).try_collect().await.unwrap();
    let mut files = Vec::new();
    for meta in rows {
        let body = store.read(&meta.key, 1 << 30).await.unwrap();
        files.push((meta.key, body));
    }
    files
}

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wrong {
    /// The server is busy once: the call is repeated.
    Busy,
    /// It fails for good.
    Fails,
    /// Its answer never comes, and the process dies.
    Dies,
}

/// The clock is tokio's, paused: a run that waits for nothing but its bound has hung.
#[tokio::test(start_paused = true)]
async fn after_a_fault_at_any_call_of_the_applier_the_same_command_ends_where_an_undisturbed_run_does()
 {
    let files = files().await;
    let world = World::new(&files).await;
    let counting = Plan::new();
    let report = world.run("one", &counting).await.unwrap();
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    assert_eq!(report.rearmed.len(), 2, "{report}");
    let expected = world.state();
    let owned = expected
        .values()
        .filter(|tree| tree.at(&["metadata", "ownerReferences"]).is_some())
        .count();
    assert_eq!(owned, 24, "every object knows its owner");
    let calls = counting.calls();
    let verbs = |verb| calls.iter().filter(|call| call.verb == verb).count();
    assert!(
        calls.len() > 60 && verbs("delete") == 3 && verbs("merge_patch") > 8,
        "{calls:?}"
    );

    for n in 1..=calls.len() {
        for moment in [Moment::Before, Moment::After] {
            for wrong in [Wrong::Busy, Wrong::Fails, Wrong::Dies] {
                let at = format!("{wrong:?} {moment:?} call {n} {:?}", calls[n - 1]);
                let world = World::new(&files).await;
                let fault = match wrong {
                    Wrong::Busy => Fault::unavailable(),
                    Wrong::Fails => Fault::fail(ErrorKind::Unavailable),
                    Wrong::Dies => Fault::Hang,
                };
                // Being repeated is the same at every call: some will do.
                if wrong == Wrong::Busy && n % 5 != 0 {
                    continue;
                }
                let faulty = Plan::new().at(n, moment, fault);
                let run = tokio::time::timeout(Duration::from_secs(600), world.run("one", &faulty));
                match run.await {
                    Err(_) => {
                        assert_eq!(wrong, Wrong::Dies, "{at}");
                        world.clock.0.fetch_add(300, Ordering::SeqCst);
                    }
                    Ok(ended) => {
                        let report = ended.unwrap();
                        let whole = report.outcome == Outcome::Completed;
                        assert!(
                            whole || !report.errors.is_empty() || report.failure.is_some(),
                            "{at}: {report}"
                        );
                        assert!(whole || wrong == Wrong::Fails, "{at}: {report}");
                    }
                }
                let again = match world.run("one", &Plan::new()).await {
                    // It had ended: what is missing is restored under a name of its own.
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                        world.run("two", &Plan::new()).await
                    }
                    again => again,
                };
                let report = again.unwrap();
                assert_eq!(report.outcome, Outcome::Completed, "{at}: {report}");
                let state = world.state();
                for (id, object) in &expected {
                    let now = state.get(id);
                    let text = now.map(ToString::to_string).unwrap_or_default();
                    assert!(now == Some(object), "{at}: {id}: {text}, not {object}");
                }
                assert_eq!(state.len(), expected.len(), "{at}");
            }
        }
    }
}

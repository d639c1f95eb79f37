//! Webhooks are created open and armed once somebody answers for them; aggregated APIs are registered only then.
//!
//! The clock is tokio's, paused: waiting costs nothing.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use async_trait::async_trait;
use bytes::Bytes;
use csdr_core::{
    Error, ErrorKind, Result,
    backup::Backup,
    manifest::ManifestDir,
    memory::{MemoryCluster, MemoryVault},
    model::{Object, ObjectId, Tree},
    port::{
        ApplyOptions, Clock, DeleteOptions, ResourceApplier, VaultBackendExt, VaultKey,
        WriteOptions,
    },
    report::{Limits, Outcome, RunOptions},
    restore::{ObjectOutcome, Restore, RestoreReport},
    spec::{BackupSpec, Existing, RestoreSpec},
    vault::{GcOptions, Host, Vault},
};
use jiff::Timestamp;
use std::{sync::Arc, time::Duration};

const SHOP: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: Service, metadata: {name: guard, namespace: shop}, spec: {ports: [{port: 443}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: metrics, namespace: shop}, spec: {ports: [{port: 443}]}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: guard}
webhooks:
- {name: a.shop.io, failurePolicy: Fail, clientConfig: {service: {namespace: shop, name: guard}}, sideEffects: None, admissionReviewVersions: [v1]}
- {name: b.shop.io, failurePolicy: Ignore, clientConfig: {service: {namespace: shop, name: guard}}, sideEffects: None, admissionReviewVersions: [v1]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: outside}
webhooks:
- {name: c.shop.io, failurePolicy: Fail, clientConfig: {url: 'https://guard.example.invalid'}, sideEffects: None, admissionReviewVersions: [v1]}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.metrics.shop.io}
spec: {group: metrics.shop.io, version: v1, groupPriorityMinimum: 100, versionPriority: 100, service: {namespace: shop, name: metrics}}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.local.shop.io}
spec: {group: local.shop.io, version: v1, groupPriorityMinimum: 100, versionPriority: 100}
";

const GUARD: &str = "validatingwebhookconfigurations.admissionregistration.k8s.io/guard";
const OUTSIDE: &str = "mutatingwebhookconfigurations.admissionregistration.k8s.io/outside";
const METRICS: &str = "apiservices.apiregistration.k8s.io/v1.metrics.shop.io";
const LOCAL: &str = "apiservices.apiregistration.k8s.io/v1.local.shop.io";

/// Makes a Service answer.
fn answer(cluster: &MemoryCluster, service: &str) {
    let yaml = format!(
        "{{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {{name: {service}-1, namespace: shop, labels: {{kubernetes.io/service-name: {service}}}}}, addressType: IPv4, endpoints: [{{addresses: [10.0.0.1], conditions: {{ready: true}}}}]}}"
    );
    cluster.load_yaml(&yaml).unwrap();
}

/// Time passes as tokio's does.
#[derive(Clone, Copy, Debug)]
struct TokioClock(tokio::time::Instant);

#[async_trait]
impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.0.elapsed().as_millis()).unwrap();
        Timestamp::from_millisecond(1_700_000_000_000 + passed).unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

struct World {
    store: MemoryVault,
    vault: Vault,
    target: MemoryCluster,
}

impl World {
    async fn new() -> Self {
        let source = MemoryCluster::new();
        source.load_yaml(SHOP).unwrap();
        Self::of(source).await
    }

    async fn of(source: MemoryCluster) -> Self {
        let store = MemoryVault::new();
        let clock = Arc::new(TokioClock(tokio::time::Instant::now()));
        let host = Host::default().with_clock(clock);
        let vault = Vault::create_with(Arc::new(store.clone()), host)
            .await
            .unwrap();
        let backup = Backup::new(source, vault.clone());
        let plan = backup.plan(&BackupSpec::named("shop")).await.unwrap();
        let report = backup.run(plan, &RunOptions::default()).await.unwrap();
        assert_eq!(report.outcome, Outcome::Completed, "{report}");
        Self {
            store,
            vault,
            target: MemoryCluster::new(),
        }
    }

    fn options() -> RunOptions {
        RunOptions::default().with_limits(Limits {
            ready_wait: Duration::from_secs(30),
            ..Limits::default()
        })
    }

    async fn run_by(&self, applier: impl ResourceApplier, spec: &RestoreSpec) -> RestoreReport {
        let restore = Restore::new(self.vault.clone(), self.target.clone(), applier);
        let plan = restore.plan(spec).await.unwrap();
        restore.run(plan, &Self::options()).await.unwrap()
    }

    async fn run(&self, spec: &RestoreSpec) -> RestoreReport {
        self.run_by(self.target.clone(), spec).await
    }

    /// `failurePolicy` of each webhook.
    fn policies(&self, id: &str) -> Vec<String> {
        let object = self
            .target
            .object(&id.parse().unwrap())
            .unwrap()
            .tree()
            .unwrap();
        let webhooks = object.at(&["webhooks"]).and_then(Tree::as_array).unwrap();
        let policy = |webhook: &Tree| webhook.text_at(&["failurePolicy"]).unwrap().to_owned();
        webhooks.iter().map(policy).collect()
    }

    fn has(&self, id: &str) -> bool {
        self.target.object(&id.parse().unwrap()).is_some()
    }

    async fn notes(&self) -> Vec<String> {
        let keys = self
            .store
            .keys(&VaultKey::parse("restores").unwrap(), 1000)
            .await
            .unwrap();
        let keys = keys.iter().map(|meta| meta.key.to_string());
        keys.filter(|key| key.contains("/disarmed/")).collect()
    }
}

/// Sees what a webhook is created as, and lets calls fail.
#[derive(Clone, Debug)]
struct Watched {
    cluster: MemoryCluster,
    store: MemoryVault,
    fault: Fault,
    /// Makes the webhooks' Service answer as soon as they are created.
    answers: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// The answer to the webhooks' create never comes.
    CreateHangs,
    /// They cannot be armed: the server is not reached.
    PatchUnavailable,
    /// They cannot be armed: it is not allowed.
    PatchDenied,
}

impl Watched {
    fn new(world: &World, fault: Fault, answers: bool) -> Self {
        Self {
            cluster: world.target.clone(),
            store: world.store.clone(),
            fault,
            answers,
        }
    }
}

#[async_trait]
impl ResourceApplier for Watched {
    async fn create(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        let created = self.cluster.create(object, options).await;
        if object.id().to_string() == GUARD {
            let text = object.text().matches(r#""failurePolicy":"Ignore""#).count();
            assert_eq!(text, 2, "created open: {}", object.text());
            let keys = self
                .store
                .keys(&VaultKey::parse("restores").unwrap(), 1000)
                .await?;
            let noted =
                |key: &csdr_core::port::VaultMeta| key.key.to_string().contains("/disarmed/");
            assert!(keys.iter().any(noted), "noted before it is created");
            if self.answers {
                answer(&self.cluster, "guard");
            }
            if self.fault == Fault::CreateHangs {
                futures::future::pending::<()>().await;
            }
        }
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
        match self.fault {
            Fault::PatchUnavailable => Err(Error::new(ErrorKind::Unavailable, "on purpose")),
            Fault::PatchDenied => Err(Error::new(ErrorKind::PermissionDenied, "on purpose")),
            _ => self.cluster.merge_patch(id, version, patch, options).await,
        }
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

fn spec() -> RestoreSpec {
    RestoreSpec::from_backup("shop")
}

#[tokio::test(start_paused = true)]
async fn webhooks_are_created_open_and_armed_when_their_service_answers() {
    let world = World::new().await;
    world
        .target
        .load_yaml("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}")
        .unwrap();
    answer(&world.target, "metrics");
    let started = tokio::time::Instant::now();
    let report = world
        .run_by(Watched::new(&world, Fault::None, true), &spec())
        .await;
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    assert_eq!(world.policies(GUARD), ["Fail", "Ignore"]);
    // A URL is created as it is.
    assert_eq!(world.policies(OUTSIDE), ["Fail"]);
    assert_eq!(report.rearmed.len(), 1, "{report}");
    assert!(
        report.rearmed[0].silent.is_empty() && report.rearmed[0].webhooks.contains("a.shop.io")
    );
    assert_eq!(report.count(ObjectOutcome::NotReady), 0, "{report}");
    assert!(world.has(METRICS) && world.has(LOCAL));
    assert_eq!(world.notes().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn when_the_time_is_up_webhooks_are_armed_all_the_same_and_apis_are_not_registered() {
    let world = World::new().await;
    let started = tokio::time::Instant::now();
    let report = world.run(&spec()).await;
    let waited = started.elapsed();
    assert!(
        waited >= Duration::from_secs(60) && waited < Duration::from_secs(90),
        "{waited:?}"
    );
    assert_eq!(report.outcome, Outcome::PartiallyFailed, "{report}");
    assert_eq!(world.policies(GUARD), ["Fail", "Ignore"]);
    assert_eq!(
        report.rearmed[0].silent,
        ["Service shop/guard has no ready endpoint"]
    );
    assert_eq!(report.count(ObjectOutcome::NotReady), 2, "{report}");
    assert!(!world.has(METRICS) && world.has(LOCAL));
    let errors: Vec<String> = report.errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        errors,
        [format!(
            "{METRICS}: not created: Service shop/metrics has no ready endpoint after 30 s; restore it again once it answers"
        )]
    );
    let warnings: Vec<String> = report.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [format!(
            "{GUARD}: webhooks a.shop.io refuse again what nobody answers for, and Service shop/guard has no ready endpoint"
        )]
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_exist_is_not_waited_for() {
    let world = World::new().await;
    let spec = spec()
        .with_resource("validatingwebhookconfigurations.admissionregistration.k8s.io")
        .with_resource("apiservices.apiregistration.k8s.io");
    let started = tokio::time::Instant::now();
    let report = world.run(&spec).await;
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(
        report.rearmed[0].silent,
        ["Service shop/guard does not exist"]
    );
    assert_eq!(world.policies(GUARD), ["Fail", "Ignore"]);
    assert!(!world.has(METRICS));
}

/// Runs until the create of the webhooks hangs, and drops the run: as after a kill.
async fn die(world: &World) {
    let applier = Watched::new(world, Fault::CreateHangs, false);
    let spec = spec();
    let run = tokio::time::timeout(Duration::from_secs(3), world.run_by(applier, &spec));
    assert!(run.await.is_err(), "it hangs");
    assert_eq!(world.policies(GUARD), ["Ignore", "Ignore"]);
    // The claim of the dead run is over.
    tokio::time::advance(Duration::from_secs(300)).await;
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_the_same_restore_arms_what_was_left_open() {
    let world = World::new().await;
    die(&world).await;
    answer(&world.target, "guard");
    answer(&world.target, "metrics");
    let report = world.run(&spec()).await;
    assert!(report.continued);
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    assert_eq!(world.policies(GUARD), ["Fail", "Ignore"]);
    assert_eq!(report.rearmed.len(), 1, "{report}");
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_gc_keeps_what_says_which_webhooks_are_open_until_they_are_armed() {
    let world = World::new().await;
    die(&world).await;
    let gc = world.vault.gc(&GcOptions::default()).await.unwrap();
    assert_eq!(gc.removed, Vec::<String>::new());
    assert!(
        gc.kept[0].starts_with("restores/shop: it has left webhooks of its target open"),
        "{gc:?}"
    );
    let restore = Restore::new(
        world.vault.clone(),
        world.target.clone(),
        world.target.clone(),
    );
    let armed = restore.rearm("shop", &World::options()).await.unwrap();
    assert_eq!(armed.len(), 1);
    assert_eq!(world.policies(GUARD), ["Fail", "Ignore"]);
    assert_eq!(world.notes().await, Vec::<String>::new());
    assert!(
        restore
            .rearm("shop", &World::options())
            .await
            .unwrap()
            .is_empty()
    );
    let gc = world.vault.gc(&GcOptions::default()).await.unwrap();
    assert_eq!(gc.removed, ["restores/shop"], "{gc:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_reached_leaves_the_name_open_and_one_that_denies_is_an_error() {
    let world = World::new().await;
    let report = world
        .run_by(Watched::new(&world, Fault::PatchUnavailable, true), &spec())
        .await;
    assert_eq!(report.outcome, Outcome::Failed, "{report}");
    assert_eq!(world.policies(GUARD), ["Ignore", "Ignore"]);
    let report = world.run(&spec()).await;
    assert!(report.continued, "{report}");
    assert_eq!(world.policies(GUARD), ["Fail", "Ignore"]);

    let world = World::new().await;
    let report = world
        .run_by(Watched::new(&world, Fault::PatchDenied, true), &spec())
        .await;
    assert_eq!(report.outcome, Outcome::PartiallyFailed, "{report}");
    let errors: Vec<String> = report.errors.iter().map(ToString::to_string).collect();
    assert!(
        errors
            .iter()
            .any(|error| error.starts_with(&format!("{GUARD}: its webhooks stay open: "))),
        "{errors:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn webhooks_of_somebody_else_are_not_armed() {
    let world = World::new().await;
    let theirs = "{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: guard}, webhooks: [{name: a.shop.io, failurePolicy: Ignore, clientConfig: {service: {namespace: shop, name: guard}}}]}";
    let restore = Restore::new(
        world.vault.clone(),
        world.target.clone(),
        world.target.clone(),
    );
    let plan = restore.plan(&spec()).await.unwrap();
    // It comes between plan and run.
    world.target.load_yaml(theirs).unwrap();
    let report = restore.run(plan, &World::options()).await.unwrap();
    assert_eq!(world.policies(GUARD), ["Ignore"]);
    assert!(report.rearmed.is_empty(), "{report}");

    // Recreated, they are open first and armed at the end.
    let spec = spec().with_name("again").with_existing(Existing::Recreate);
    let report = world
        .run_by(Watched::new(&world, Fault::None, true), &spec)
        .await;
    assert_eq!(report.count(ObjectOutcome::Recreated), 1, "{report}");
    assert_eq!(world.policies(GUARD), ["Fail", "Ignore"]);
}

#[tokio::test(start_paused = true)]
async fn a_folder_gets_webhooks_and_apis_as_they_are() {
    let world = World::new().await;
    let store = Arc::new(MemoryVault::new());
    let folder = ManifestDir::new(store, VaultKey::parse("out").unwrap());
    let restore = Restore::new(world.vault.clone(), folder.clone(), folder.clone())
        .with_target_apis(csdr_core::conversion::TargetApis::kubernetes(1, 36).unwrap());
    let plan = restore.plan(&spec()).await.unwrap();
    let report = restore.run(plan, &World::options()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    let guard = csdr_core::port::ResourceTarget::get(&folder, &GUARD.parse().unwrap(), "v1")
        .await
        .unwrap()
        .unwrap();
    assert!(guard.text().contains(r#""failurePolicy":"Fail""#));
}

const CUSTOM: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.shop.io}
spec:
  group: shop.io
  scope: Namespaced
  names: {plural: widgets, kind: Widget}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
  conversion: {strategy: Webhook, webhook: {conversionReviewVersions: [v1], clientConfig: {service: {namespace: shop, name: guard}}}}
---
{apiVersion: shop.io/v1, kind: Widget, metadata: {name: a, namespace: shop}, spec: {size: 1}}
";

#[tokio::test(start_paused = true)]
async fn custom_resources_wait_for_what_converts_them() {
    for answers in [true, false] {
        let source = MemoryCluster::new();
        source.load_yaml(&format!("{SHOP}---{CUSTOM}")).unwrap();
        let world = World::of(source).await;
        if answers {
            world
                .target
                .load_yaml("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}")
                .unwrap();
            answer(&world.target, "guard");
        }
        let spec = spec()
            .with_resource("widgets.shop.io")
            .with_resource("services")
            .with_resource("customresourcedefinitions.apiextensions.k8s.io");
        let started = tokio::time::Instant::now();
        let report = world.run(&spec).await;
        assert_eq!(report.outcome, Outcome::Completed, "{report}");
        assert!(world.has("widgets.shop.io/shop/a"));
        let waited = started.elapsed();
        assert_eq!(waited >= Duration::from_secs(30), !answers, "{waited:?}");
        let warnings: Vec<String> = report.warnings.iter().map(ToString::to_string).collect();
        let told = "customresourcedefinitions.apiextensions.k8s.io/widgets.shop.io: Service shop/guard, which converts its objects, has no ready endpoint";
        assert_eq!(
            warnings.iter().any(|warning| warning == told),
            !answers,
            "{warnings:?}"
        );
    }
}

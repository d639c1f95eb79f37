//! What a restore does with objects that exist in the target, and with what comes between plan and run.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use csdr_core::{
    ErrorKind,
    backup::Backup,
    memory::{MemoryCluster, MemoryVault},
    model::{Object, ObjectId, Tree},
    port::{ApplyOptions, ResourceApplier, VaultBackendExt, VaultKey, WriteOptions},
    report::{Outcome, RunOptions},
    restore::{Action, ObjectOutcome, Restore, RestorePlan, RestoreReport},
    spec::{ApplySettings, BackupSpec, Existing, ExistingOverride, RestoreSpec},
    vault::Vault,
};
use flate2::read::GzDecoder;
use std::io::Read;

const SHOP: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: tea}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: same, namespace: shop}, data: {tea: '3'}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: prices, namespace: shop, labels: {tier: front}}, data: {tea: '3', milk: '1'}}
---
{apiVersion: v1, kind: Secret, metadata: {name: key, namespace: shop}, data: {a: Yg==}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: till, namespace: shop}, imagePullSecrets: [{name: ours}]}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: disk, namespace: shop, labels: {l: x}}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
---
{apiVersion: v1, kind: Service, metadata: {name: missing, namespace: shop}, spec: {ports: [{port: 80}]}}
";

/// The same application as it stands in the target: some of it differs, some has more, one is not there.
const THERE: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: milk}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: same, namespace: shop, labels: {added: by-somebody}}, data: {tea: '3', more: x}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: prices, namespace: shop, labels: {tier: front}}, data: {tea: '4', milk: '1', more: x}}
---
{apiVersion: v1, kind: Secret, metadata: {name: key, namespace: shop}, data: {a: eA==}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: till, namespace: shop}, imagePullSecrets: [{name: theirs}]}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: disk, namespace: shop, labels: {l: z}}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
";

struct World {
    store: MemoryVault,
    vault: Vault,
    target: MemoryCluster,
}

impl World {
    /// A backup of the shop, and a target.
    async fn new(target: &str) -> Self {
        let source = MemoryCluster::new();
        source.load_yaml(SHOP).unwrap();
        let store = MemoryVault::new();
        let vault = Vault::create(store.clone()).await.unwrap();
        let backup = Backup::new(source, vault.clone());
        let plan = backup
            .plan(&BackupSpec::named("shop").with_namespace("shop"))
            .await
            .unwrap();
        let report = backup.run(plan, &RunOptions::default()).await.unwrap();
        assert_eq!(report.outcome, Outcome::Completed, "{report}");
        let cluster = MemoryCluster::new();
        cluster.load_yaml(target).unwrap();
        Self {
            store,
            vault,
            target: cluster,
        }
    }

    fn restore(&self) -> Restore {
        Restore::new(self.vault.clone(), self.target.clone(), self.target.clone())
    }

    async fn plan(&self, spec: &RestoreSpec) -> RestorePlan {
        self.restore().plan(spec).await.unwrap()
    }

    async fn run(&self, plan: RestorePlan) -> RestoreReport {
        self.restore()
            .run(plan, &RunOptions::default())
            .await
            .unwrap()
    }

    fn tree(&self, id: &str) -> Tree {
        let object = self.target.object(&id.parse().unwrap());
        object.unwrap().tree().unwrap()
    }

    fn data(&self, id: &str) -> String {
        self.tree(id).at(&["data"]).unwrap().to_string()
    }

    /// What was kept before it was changed.
    async fn before(&self, report: &RestoreReport) -> Vec<String> {
        let folder = format!("restores/{}/csdr/{}/before", report.name, report.operation);
        let keys = self
            .store
            .keys(&VaultKey::parse(&folder).unwrap(), 100)
            .await
            .unwrap();
        let mut kept = Vec::new();
        for meta in keys {
            let body = self.store.read(&meta.key, 1 << 20).await.unwrap();
            let mut text = String::new();
            GzDecoder::new(&body[..]).read_to_string(&mut text).unwrap();
            let tree = Tree::parse(text.trim_end().as_bytes()).unwrap();
            let objects = tree.at(&["objects"]).and_then(Tree::as_array).unwrap();
            kept.extend(
                objects
                    .iter()
                    .map(|object| object.text_at(&["metadata", "name"]).unwrap().to_owned()),
            );
        }
        kept.sort();
        kept
    }
}

fn spec(existing: Existing) -> RestoreSpec {
    RestoreSpec::from_backup("shop").with_existing(existing)
}

/// The actions of a plan, as `kind/name: action`.
fn actions(plan: &RestorePlan) -> Vec<String> {
    let rows = plan
        .rows()
        .filter(|row| row.source.name() != "kube-root-ca.crt" && row.source.name() != "default");
    let row = |row: csdr_core::restore::RowView| {
        format!(
            "{}/{}: {}",
            row.source.resource(),
            row.source.name(),
            row.action
        )
    };
    rows.map(row).collect()
}

#[tokio::test]
async fn r256_velero_3_5_each_policy_is_planned_and_done() {
    for (existing, differs, claim) in [
        (
            Existing::Skip,
            "skip: exists, differs",
            "skip: exists, differs",
        ),
        (Existing::Fail, "fail: exists", "fail: exists"),
        (Existing::Update, "update", "update"),
        (Existing::Apply, "apply", "apply"),
        (Existing::Recreate, "recreate", "skip: exists, differs"),
    ] {
        let world = World::new(THERE).await;
        let mut spec = spec(existing);
        // The seeder owns its fields, as `kubectl create` does.
        spec.apply.force = true;
        let plan = world.plan(&spec).await;
        assert_eq!(
            actions(&plan),
            [
                format!("configmaps/prices: {differs}"),
                "configmaps/same: skip: exists, equal".to_owned(),
                "namespaces/shop: skip: exists, differs".to_owned(),
                format!("persistentvolumeclaims/disk: {claim}"),
                format!("secrets/key: {differs}"),
                "serviceaccounts/till: merge".to_owned(),
                "services/missing: create".to_owned(),
            ],
            "{existing:?}: {plan}"
        );
        let again: RestorePlan =
            serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
        assert_eq!(again, plan);
        let uid = world
            .tree("configmaps/shop/prices")
            .text_at(&["metadata", "uid"])
            .unwrap()
            .to_owned();
        let report = world.run(again).await;

        let failed = existing == Existing::Fail;
        let outcome = if failed {
            Outcome::PartiallyFailed
        } else {
            Outcome::Completed
        };
        assert_eq!(report.outcome, outcome, "{report}");
        assert_eq!(report.count(ObjectOutcome::Pending), 0, "{report}");
        assert_eq!(
            report.count(ObjectOutcome::Failed),
            if failed { 3 } else { 0 },
            "{report}"
        );
        assert_eq!(report.count(ObjectOutcome::Created), 1, "{report}");
        let prices = world.data("configmaps/shop/prices");
        let now = world
            .tree("configmaps/shop/prices")
            .text_at(&["metadata", "uid"])
            .unwrap()
            .to_owned();
        let (updated, recreated, kept): (u64, u64, &[&str]) = match existing {
            Existing::Skip | Existing::Fail => {
                assert_eq!(prices, r#"{"tea":"4","milk":"1","more":"x"}"#);
                (1, 0, &["till"])
            }
            // What only the target has stays.
            Existing::Update | Existing::Apply => {
                assert_eq!(
                    prices, r#"{"tea":"3","milk":"1","more":"x"}"#,
                    "{existing:?}"
                );
                assert_eq!(world.data("secrets/shop/key"), r#"{"a":"Yg=="}"#);
                (4, 0, &["disk", "key", "prices", "till"])
            }
            Existing::Recreate => {
                assert_eq!(prices, r#"{"tea":"3","milk":"1"}"#);
                assert_ne!(uid, now);
                (1, 2, &["key", "prices", "till"])
            }
        };
        assert_eq!(uid == now, existing != Existing::Recreate);
        assert_eq!(
            report.count(ObjectOutcome::Updated),
            updated,
            "{existing:?}: {report}"
        );
        assert_eq!(
            report.count(ObjectOutcome::Recreated),
            recreated,
            "{report}"
        );
        assert_eq!(world.before(&report).await, kept, "{existing:?}");
        // Never touched.
        let team = world.tree("namespaces/shop");
        assert_eq!(team.text_at(&["metadata", "labels", "team"]), Some("milk"));
        assert_eq!(
            world.data("configmaps/shop/same"),
            r#"{"tea":"3","more":"x"}"#
        );
        let account = world.tree("serviceaccounts/shop/till");
        assert_eq!(
            account.at(&["imagePullSecrets"]).unwrap().to_string(),
            r#"[{"name":"theirs"},{"name":"ours"}]"#
        );

        // A second restore has nothing to do where the first one wrote.
        let second = world.plan(&spec.with_name("again")).await;
        let equal = second.count(Action::Equal);
        match existing {
            Existing::Skip | Existing::Fail => assert!(equal >= 3, "{second}"),
            _ => assert_eq!(
                second.count(Action::Update) + second.count(Action::Apply),
                0,
                "{second}"
            ),
        }
        assert_eq!(second.count(Action::Merge), 0, "{second}");
    }
}

#[tokio::test]
async fn what_differs_is_told_by_its_place_and_never_by_its_value() {
    let world = World::new(THERE).await;
    let plan = world.plan(&spec(Existing::Skip)).await;
    let text = plan.to_string();
    assert!(
        text.contains("secrets/shop/key: warning: exists and differs at /data/a; left as it is"),
        "{text}"
    );
    assert!(!text.contains("Yg==") && !text.contains("eA=="), "{text}");
    let report = world.run(plan).await;
    let warnings: Vec<String> = report.warnings.iter().map(ToString::to_string).collect();
    let told = "configmaps/shop/prices: exists and differs at /data/tea; left as it is";
    assert!(
        warnings.iter().any(|warning| warning == told),
        "{warnings:?}"
    );
}

#[tokio::test]
async fn overrides_by_kind_and_label_are_planned_and_done() {
    let world = World::new(THERE).await;
    let spec = spec(Existing::Fail)
        .with_existing_override(
            ExistingOverride::new(Existing::Update).with_selector("tier=front".parse().unwrap()),
        )
        .with_existing_override(
            ExistingOverride::new(Existing::Recreate).with_resource("persistentvolumeclaims"),
        )
        .with_existing_override(ExistingOverride::new(Existing::Skip).with_resource("sec*"))
        .with_existing_override(
            ExistingOverride::new(Existing::Update).with_resource("namespaces"),
        );
    let report = world.run(world.plan(&spec).await).await;
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    assert_eq!(report.count(ObjectOutcome::Recreated), 1, "{report}");
    assert_eq!(
        world.data("configmaps/shop/prices"),
        r#"{"tea":"3","milk":"1","more":"x"}"#
    );
    assert_eq!(world.data("secrets/shop/key"), r#"{"a":"eA=="}"#);
    let namespace = world.tree("namespaces/shop");
    assert_eq!(
        namespace.text_at(&["metadata", "labels", "team"]),
        Some("tea")
    );
    let claim = world.tree("persistentvolumeclaims/shop/disk");
    assert_eq!(claim.text_at(&["metadata", "labels", "l"]), Some("x"));
}

#[tokio::test]
async fn server_side_apply_reports_whose_the_fields_are_and_takes_them_only_when_told() {
    let world = World::new(
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: tea}}}",
    )
    .await;
    let json = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"prices","namespace":"shop"},"data":{"tea":"5"}}"#;
    let theirs = Object::parse("configmaps".parse().unwrap(), json).unwrap();
    let options = ApplyOptions {
        write: WriteOptions {
            field_manager: "flux".into(),
            dry_run: false,
        },
        force: false,
    };
    world.target.apply(&theirs, &options).await.unwrap();
    let settings = |force| ApplySettings {
        field_manager: "deployer".into(),
        force,
    };
    let first = spec(Existing::Apply).with_apply(settings(false));
    let report = world.run(world.plan(&first).await).await;
    assert_eq!(report.outcome, Outcome::PartiallyFailed, "{report}");
    let error = report.errors.iter().next().unwrap().to_string();
    assert!(
        error.starts_with("configmaps/shop/prices: ") && error.contains("flux"),
        "{error}"
    );
    assert_eq!(world.data("configmaps/shop/prices"), r#"{"tea":"5"}"#);

    let forced = first.with_name("forced").with_apply(settings(true));
    let report = world.run(world.plan(&forced).await).await;
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    assert_eq!(
        world.data("configmaps/shop/prices"),
        r#"{"tea":"3","milk":"1"}"#
    );
    let object = world.tree("configmaps/shop/prices").to_string();
    assert!(
        object.contains(r#""manager":"deployer","operation":"Apply""#),
        "{object}"
    );
}

#[tokio::test]
async fn what_the_clusters_controllers_own_is_not_written_back() {
    let world = World::new(
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: tea}}}",
    )
    .await;
    let json = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"prices","namespace":"shop","labels":{"tier":"front"}},"data":{"tea":"5"}}"#;
    let theirs = Object::parse("configmaps".parse().unwrap(), json).unwrap();
    let options = WriteOptions {
        field_manager: "kube-controller-manager".into(),
        dry_run: false,
    };
    world.target.create(&theirs, &options).await.unwrap();
    let report = world.run(world.plan(&spec(Existing::Update)).await).await;
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    assert_eq!(
        world.data("configmaps/shop/prices"),
        r#"{"tea":"5","milk":"1"}"#
    );
}

async fn delete(world: &World, id: &str) {
    let id: ObjectId = id.parse().unwrap();
    ResourceApplier::delete(
        &world.target,
        &id,
        "v1",
        &csdr_core::port::DeleteOptions::default(),
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn what_is_not_as_planned_is_dealt_with_by_the_policy_and_told() {
    let world = World::new(THERE).await;
    let plan = world.plan(&spec(Existing::Update)).await;
    // One comes, one goes, one changes, one is already as it should be.
    world.target.load_yaml("{apiVersion: v1, kind: Service, metadata: {name: missing, namespace: shop}, spec: {ports: [{port: 81}]}}").unwrap();
    delete(&world, "secrets/shop/key").await;
    world.target.load_yaml("{apiVersion: v1, kind: ConfigMap, metadata: {name: prices, namespace: shop, labels: {tier: front}}, data: {tea: '9'}}").unwrap();
    world.target.load_yaml("{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: disk, namespace: shop, labels: {l: x}}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}").unwrap();
    let report = world.run(plan).await;
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    let warnings: Vec<String> = report.warnings.iter().map(ToString::to_string).collect();
    for told in [
        "services/shop/missing: it was not there when this was planned",
        "secrets/shop/key: it was there when this was planned, and is gone",
        "configmaps/shop/prices: it has changed since this was planned",
    ] {
        assert!(
            warnings.iter().any(|warning| warning == told),
            "{told}: {warnings:?}"
        );
    }
    assert_eq!(
        world.data("configmaps/shop/prices"),
        r#"{"tea":"3","milk":"1"}"#
    );
    assert_eq!(world.data("secrets/shop/key"), r#"{"a":"Yg=="}"#);
    let port = world
        .tree("services/shop/missing")
        .at(&["spec", "ports"])
        .unwrap()
        .to_string();
    assert_eq!(port, r#"[{"port":80}]"#);
}

#[tokio::test]
async fn a_stale_plan_is_refused_where_told_to_and_nothing_is_changed() {
    for (change, told) in [
        (
            "{apiVersion: v1, kind: Service, metadata: {name: missing, namespace: shop}, spec: {ports: [{port: 80}]}}",
            "services/shop/missing: create, now skip: exists, equal",
        ),
        (
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: prices, namespace: shop, labels: {tier: front}}, data: {tea: '9'}}",
            "configmaps/shop/prices: has changed",
        ),
    ] {
        let world = World::new(THERE).await;
        let spec = spec(Existing::Update).refusing_stale();
        let plan = world.plan(&spec).await;
        world.target.load_yaml(change).unwrap();
        let before = world.target.all_objects();
        let refused = world
            .restore()
            .run(plan, &RunOptions::default())
            .await
            .unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Conflict);
        assert!(refused.to_string().contains(told), "{refused}");
        assert_eq!(world.target.all_objects(), before);
        assert!(world.vault.restores().await.unwrap().is_empty());
        // Planned again, it is done.
        let report = world.run(world.plan(&spec).await).await;
        assert_eq!(report.outcome, Outcome::Completed, "{report}");
    }
}

#[tokio::test]
async fn an_object_that_is_being_deleted_is_waited_for() {
    let world = World::new(THERE).await;
    world.target.load_yaml("{apiVersion: v1, kind: Secret, metadata: {name: key, namespace: shop, finalizers: [a/b]}, data: {a: eA==}}").unwrap();
    delete(&world, "secrets/shop/key").await;
    let plan = world.plan(&spec(Existing::Skip)).await;
    assert!(
        plan.to_string()
            .contains("is being deleted; a run waits until it is gone"),
        "{plan}"
    );
    let release = async {
        tokio::task::yield_now().await;
        let id: ObjectId = "secrets/shop/key".parse().unwrap();
        let patch = br#"{"metadata":{"finalizers":null}}"#;
        let options = WriteOptions::default();
        world
            .target
            .merge_patch(&id, "v1", patch[..].into(), &options)
            .await
            .unwrap();
    };
    let (report, ()) = tokio::join!(world.run(plan), release);
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    assert_eq!(world.data("secrets/shop/key"), r#"{"a":"Yg=="}"#);
}

/// The clock is tokio's, paused: waiting costs nothing.
#[tokio::test(start_paused = true)]
async fn one_that_never_goes_fails_and_says_what_holds_it() {
    let world = World::new(THERE).await;
    world.target.load_yaml("{apiVersion: v1, kind: Secret, metadata: {name: key, namespace: shop, finalizers: [a/b]}, data: {a: eA==}}").unwrap();
    let report = world.run(world.plan(&spec(Existing::Recreate)).await).await;
    assert_eq!(report.outcome, Outcome::PartiallyFailed, "{report}");
    let error = report.errors.iter().next().unwrap().to_string();
    assert!(
        error.contains("secrets/shop/key") && error.contains("a/b"),
        "{error}"
    );
}

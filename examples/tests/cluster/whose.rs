//! Whose an existing object is: ours after a lost answer, else somebody's who keeps it.

use crate::world::{Cluster, bucket};
use csdr_core::{
    ErrorKind,
    report::{Outcome, RunOptions},
    restore::{Action, ObjectOutcome, Restore},
    spec::{BackupSpec, RestoreSpec},
};
use csdr_k8s::{KubeApplier, KubeTarget};
use csdr_testkit::fault::{Fault, Faulty, Moment, Plan};
use std::{collections::BTreeSet, sync::Mutex};

const SHOP: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: prices, namespace: shop}
data: {tea: '3'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: hours, namespace: shop}
data: {open: '8'}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Secret
metadata: {name: key, namespace: shop}
stringData: {a: b}
";

fn spec() -> BackupSpec {
    BackupSpec::named("shop")
        .with_namespace("shop")
        .with_resource("configmaps")
        .with_resource("services")
        .with_resource("secrets")
}

#[tokio::test]
async fn a_create_answered_504_that_took_effect_is_ours() {
    let cluster = Cluster::start().await;
    cluster.apply_yaml(SHOP).await;
    let (_server, vault) = bucket().await;
    cluster
        .back_up(&vault, &spec())
        .await
        .require_complete()
        .unwrap();

    let client = cluster.client().await;
    let seen = Mutex::new(BTreeSet::new());
    // The first answer to each create is lost, as behind a gateway that answers 504; so is that of a repeated one never.
    let lost = Fault::Fail {
        kind: ErrorKind::Timeout,
        retry: true,
    };
    let plan = Plan::new().when(Moment::After, lost, move |_, call| {
        call.verb == "create" && seen.lock().unwrap().insert(call.subject.clone())
    });
    let applier = Faulty::new(KubeApplier::new(client.clone()), plan.clone());
    let restore = Restore::new(vault.clone(), KubeTarget::new(client), applier);
    let spec = RestoreSpec::from_backup("shop").with_namespace_mapping("shop", "copy");
    let rows = restore.plan(&spec).await.unwrap();
    let objects = rows.len() as u64;
    assert_eq!(rows.count(Action::Create), objects);
    let report = restore.run(rows, &RunOptions::default()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    assert_eq!(report.count(ObjectOutcome::Created), objects, "{report}");
    assert_eq!(plan.count() as u64, 2 * objects, "each was created twice");
    let there = cluster
        .get("/api/v1/namespaces/copy/configmaps/prices")
        .await
        .unwrap();
    assert_eq!(there["data"]["tea"], "3");
    let manager = there["metadata"]["managedFields"][0]["manager"]
        .as_str()
        .unwrap();
    assert_eq!(manager, format!("csdr-{}", report.operation));
}

#[tokio::test]
async fn a_foreign_object_stays_as_it_is() {
    let cluster = Cluster::start().await;
    cluster.apply_yaml(SHOP).await;
    let (_server, vault) = bucket().await;
    cluster
        .back_up(&vault, &spec())
        .await
        .require_complete()
        .unwrap();
    cluster.make_namespace("copy").await;
    let foreign = "{apiVersion: v1, kind: ConfigMap, metadata: {name: prices, namespace: copy}, data: {tea: '4'}}";
    cluster.apply_yaml(foreign).await;
    let path = "/api/v1/namespaces/copy/configmaps/prices";
    let before = cluster.get(path).await.unwrap();

    let client = cluster.client().await;
    let (target, applier) = (KubeTarget::new(client.clone()), KubeApplier::new(client));
    let restore = Restore::new(vault.clone(), target, applier);
    let spec = RestoreSpec::from_backup("shop").with_namespace_mapping("shop", "copy");
    let plan = restore.plan(&spec).await.unwrap();
    assert_eq!(plan.count(Action::SkipExisting), 1, "the ConfigMap: {plan}");
    assert_eq!(plan.count(Action::Equal), 1, "the namespace: {plan}");
    // One more comes between plan and run.
    let late = "{apiVersion: v1, kind: ConfigMap, metadata: {name: hours, namespace: copy}, data: {open: '9'}}";
    cluster.apply_yaml(late).await;
    let report = restore.run(plan, &RunOptions::default()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    assert_eq!(report.count(ObjectOutcome::Existed), 2, "{report}");
    assert_eq!(report.count(ObjectOutcome::Unchanged), 1, "{report}");
    assert_eq!(cluster.get(path).await.unwrap(), before, "not even touched");
    let hours = cluster
        .get("/api/v1/namespaces/copy/configmaps/hours")
        .await
        .unwrap();
    assert_eq!(hours["data"]["open"], "9");
    assert!(
        cluster
            .get("/api/v1/namespaces/copy/services/web")
            .await
            .is_some()
    );
}

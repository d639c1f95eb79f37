//! Owners are named by their uids in the target; no uid that nobody has is ever written.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use csdr_core::{
    backup::Backup,
    memory::{MemoryCluster, MemoryClusterOptions, MemoryVault},
    model::Tree,
    report::{Outcome, RunOptions},
    restore::{Restore, RestoreReport},
    spec::{BackupSpec, RestoreSpec},
    vault::Vault,
};

const SHOP: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: till, namespace: shop, uid: old-till}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop, uid: old-web}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}}
---
apiVersion: v1
kind: Secret
metadata:
  name: early
  namespace: shop
  ownerReferences: [{apiVersion: v1, kind: ServiceAccount, name: till, uid: old-till}]
data: {a: Yg==}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: late
  namespace: shop
  ownerReferences:
  - {apiVersion: apps/v1, kind: Deployment, name: web, uid: old-web, controller: true, blockOwnerDeletion: true}
  - {apiVersion: v1, kind: ServiceAccount, name: till, uid: old-till}
data: {a: b}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: lost
  namespace: shop
  ownerReferences: [{apiVersion: shop.io/v1, kind: Widget, name: gone, uid: old-gone, controller: true}]
data: {a: b}
";

async fn vault() -> Vault {
    let source = MemoryCluster::new();
    source.load_yaml(SHOP).unwrap();
    let vault = Vault::create(MemoryVault::new()).await.unwrap();
    let backup = Backup::new(source, vault.clone());
    let plan = backup
        .plan(&BackupSpec::named("shop").with_namespace("shop"))
        .await
        .unwrap();
    let report = backup.run(plan, &RunOptions::default()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    vault
}

fn target() -> MemoryCluster {
    MemoryCluster::with(MemoryClusterOptions {
        seed: 7,
        ..Default::default()
    })
}

async fn restore(vault: &Vault, target: &MemoryCluster, spec: &RestoreSpec) -> RestoreReport {
    let restore = Restore::new(vault.clone(), target.clone(), target.clone());
    let plan = restore.plan(spec).await.unwrap();
    let report = restore.run(plan, &RunOptions::default()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    report
}

fn tree(target: &MemoryCluster, id: &str) -> Tree {
    target.object(&id.parse().unwrap()).unwrap().tree().unwrap()
}

fn uid(target: &MemoryCluster, id: &str) -> String {
    tree(target, id)
        .text_at(&["metadata", "uid"])
        .unwrap()
        .to_owned()
}

/// `kind/name uid`, with the flags that are set.
fn owners(target: &MemoryCluster, id: &str) -> Vec<String> {
    let tree = tree(target, id);
    let owners = tree
        .at(&["metadata", "ownerReferences"])
        .and_then(Tree::as_array);
    let owner = |owner: &Tree| {
        let text = |key| owner.text_at(&[key]).unwrap_or_default().to_owned();
        let controls = owner.at(&["controller"]).and_then(Tree::as_bool) == Some(true);
        let flag = if controls { " controller" } else { "" };
        format!(
            "{} {} {}{flag}",
            text("apiVersion"),
            text("name"),
            text("uid")
        )
    };
    owners.into_iter().flatten().map(owner).collect()
}

#[tokio::test]
async fn owners_of_earlier_and_later_waves_are_named_by_their_new_uids() {
    let vault = vault().await;
    let target = target();
    let spec = RestoreSpec::from_backup("shop").with_namespace_mapping("shop", "copy");
    let report = restore(&vault, &target, &spec).await;
    let (till, web) = (
        uid(&target, "serviceaccounts/copy/till"),
        uid(&target, "deployments.apps/copy/web"),
    );
    assert_eq!(
        owners(&target, "secrets/copy/early"),
        [format!("v1 till {till}")]
    );
    let mut late = owners(&target, "configmaps/copy/late");
    late.sort();
    assert_eq!(
        late,
        [
            format!("apps/v1 web {web} controller"),
            format!("v1 till {till}")
        ]
    );
    // Nobody has that uid: the target's collector would delete the object.
    assert_eq!(
        owners(&target, "configmaps/copy/lost"),
        Vec::<String>::new()
    );
    let warnings: Vec<String> = report.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        ["configmaps/shop/lost: its owner Widget gone is not restored: the reference is dropped"]
    );
}

#[tokio::test]
async fn an_owner_that_exists_is_named_and_an_object_that_exists_is_not_touched() {
    let vault = vault().await;
    let target = target();
    target
        .load_yaml(
            "
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, spec: {replicas: 9}}
---
{apiVersion: v1, kind: Secret, metadata: {name: early, namespace: shop}, data: {a: Yg==}}
",
        )
        .unwrap();
    restore(&vault, &target, &RestoreSpec::from_backup("shop")).await;
    let web = uid(&target, "deployments.apps/shop/web");
    let late = owners(&target, "configmaps/shop/late");
    assert!(
        late.contains(&format!("apps/v1 web {web} controller")),
        "{late:?}"
    );
    assert_eq!(owners(&target, "secrets/shop/early"), Vec::<String>::new());
}

#[tokio::test]
async fn what_a_restore_could_not_name_the_next_one_names() {
    let vault = vault().await;
    let target = target();
    // Without the Deployment.
    let first = RestoreSpec::from_backup("shop")
        .with_name("first")
        .with_resource("configmaps")
        .with_resource("serviceaccounts");
    let report = restore(&vault, &target, &first).await;
    let warnings: Vec<String> = report.warnings.iter().map(ToString::to_string).collect();
    assert!(
        warnings.iter().any(|warning| warning
            .starts_with("configmaps/shop/late: its owner Deployment web is not restored")),
        "{warnings:?}"
    );
    assert_eq!(owners(&target, "configmaps/shop/late").len(), 1);
    // One owner is named already: it stays as it is, as everything that exists does.
    let only = RestoreSpec::from_backup("shop")
        .with_name("only")
        .with_resource("configmaps");
    let empty = MemoryCluster::new();
    restore(&vault, &empty, &only).await;
    assert!(owners(&empty, "configmaps/shop/late").is_empty());
    restore(
        &vault,
        &empty,
        &RestoreSpec::from_backup("shop").with_name("rest"),
    )
    .await;
    let web = uid(&empty, "deployments.apps/shop/web");
    let late = owners(&empty, "configmaps/shop/late");
    assert!(
        late.contains(&format!("apps/v1 web {web} controller")),
        "{late:?}"
    );
}

//! What the target does not have and a restore needs is known at once, before anything is written.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use csdr_core::{
    backup::Backup,
    memory::{Deny, MemoryCluster, MemoryVault},
    report::{Outcome, RunOptions},
    restore::{Restore, RestorePlan},
    spec::{BackupSpec, ClusterScope, Existing, RestoreSpec},
    vault::Vault,
};

const SHOP: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: fast}, provisioner: none}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a, namespace: shop}, spec: {storageClassName: fast}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: b, namespace: shop}, spec: {storageClassName: fast}}
---
{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: web, namespace: shop}, spec: {ingressClassName: nginx}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  serviceName: db
  selector: {matchLabels: {a: b}}
  template: {metadata: {labels: {a: b}}, spec: {priorityClassName: high, runtimeClassName: kata, containers: [{name: c, image: i}]}}
  volumeClaimTemplates: [{metadata: {name: d}, spec: {storageClassName: slow}}]
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: prices, namespace: shop}, data: {tea: '3'}}
";

async fn vault() -> Vault {
    let source = MemoryCluster::new();
    source.load_yaml(SHOP).unwrap();
    let vault = Vault::create(MemoryVault::new()).await.unwrap();
    let backup = Backup::new(source, vault.clone());
    let spec = BackupSpec::named("shop")
        .with_namespace("shop")
        .with_cluster_scoped(ClusterScope::Include);
    let plan = backup.plan(&spec).await.unwrap();
    let report = backup.run(plan, &RunOptions::default()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    vault
}

async fn plan(vault: &Vault, target: &MemoryCluster, spec: &RestoreSpec) -> RestorePlan {
    let restore = Restore::new(vault.clone(), target.clone(), target.clone());
    restore.plan(spec).await.unwrap()
}

fn needs(plan: &RestorePlan) -> Vec<String> {
    let needs = plan.needs().iter();
    needs
        .map(|need| format!("{} ({})", need.what, need.objects))
        .collect()
}

#[tokio::test]
async fn r261_classes_that_objects_name_and_that_are_nowhere_are_needed() {
    let vault = vault().await;
    let target = MemoryCluster::new();
    let spec = RestoreSpec::from_backup("shop").with_namespace("shop");
    let advice = ": make it, or map it to another; claims stay Pending unless a volume of this class is there";
    let expected = [
        "IngressClass nginx (1)".to_owned(),
        "RuntimeClass kata (1)".to_owned(),
        "PriorityClass high (1)".to_owned(),
        format!("StorageClass fast{advice} (2)"),
        format!("StorageClass slow{advice} (1)"),
    ];
    let first = plan(&vault, &target, &spec).await;
    assert_eq!(needs(&first), expected, "{first}");
    assert!(
        first
            .to_string()
            .contains("needs     IngressClass nginx (1 objects)"),
        "{first}"
    );

    // One is restored with them, the others are there.
    for yaml in [
        "{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: nginx}, spec: {controller: a/b}}",
        "{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: high}, value: 1}",
        "{apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {name: kata}, handler: kata}",
        "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: slow}, provisioner: none}",
    ] {
        target.load_yaml(yaml).unwrap();
    }
    let whole = plan(&vault, &target, &RestoreSpec::from_backup("shop")).await;
    assert_eq!(needs(&whole), Vec::<String>::new(), "{whole}");

    // What exists already needs nothing.
    let report = Restore::new(vault.clone(), target.clone(), target.clone())
        .run(whole, &RunOptions::default())
        .await
        .unwrap();
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    let again = plan(&vault, &target, &spec.with_name("again")).await;
    assert_eq!(needs(&again), Vec::<String>::new(), "{again}");
}

#[tokio::test]
async fn a_quota_without_room_is_needed() {
    let vault = vault().await;
    let target = MemoryCluster::new();
    target.load_yaml("
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: ResourceQuota, metadata: {name: q, namespace: shop}, spec: {hard: {persistentvolumeclaims: '2'}}, status: {hard: {persistentvolumeclaims: '2', count/statefulsets.apps: '0', configmaps: 1k, pods: '0', requests.cpu: '1'}, used: {persistentvolumeclaims: '1', configmaps: '5'}}}
---
{apiVersion: v1, kind: ResourceQuota, metadata: {name: scoped, namespace: shop}, spec: {scopes: [BestEffort], hard: {configmaps: '0'}}, status: {hard: {configmaps: '0'}}}
").unwrap();
    let spec = RestoreSpec::from_backup("shop")
        .with_resource("persistentvolumeclaims")
        .with_resource("statefulsets.apps")
        .with_resource("configmaps")
        .with_resource("storageclasses.storage.k8s.io");
    let planned = plan(&vault, &target, &spec).await;
    let quotas: Vec<String> = needs(&planned)
        .into_iter()
        .filter(|need| need.starts_with("room"))
        .collect();
    let expected = [
        "room in ResourceQuota shop/q: count/statefulsets.apps allows 0, 0 are used (1)",
        "room in ResourceQuota shop/q: persistentvolumeclaims allows 2, 1 are used (2)",
    ];
    assert_eq!(quotas, expected, "{planned}");
}

#[tokio::test]
async fn rights_that_the_run_will_need_are_asked_for_all_at_once() {
    let vault = vault().await;
    let target = MemoryCluster::new();
    target
        .load_yaml(
            "
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {a: b}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: prices, namespace: shop}, data: {tea: '4'}}
",
        )
        .unwrap();
    let deny = |verb: &str, resource: &str, namespace: Option<&str>| Deny {
        verbs: vec![verb.to_owned()],
        resource: Some(resource.parse().unwrap()),
        namespace: namespace.map(str::to_owned),
    };
    target.deny(deny("create", "persistentvolumeclaims", Some("shop")));
    target.deny(deny("patch", "configmaps", None));
    target.deny(deny("create", "storageclasses.storage.k8s.io", None));
    // Not where it is needed, or not needed.
    target.deny(deny("create", "statefulsets.apps", Some("other")));
    target.deny(deny("delete", "configmaps", None));
    let spec = RestoreSpec::from_backup("shop").with_existing(Existing::Update);
    let planned = plan(&vault, &target, &spec).await;
    let rights: Vec<String> = needs(&planned)
        .into_iter()
        .filter(|need| need.starts_with("the right"))
        .collect();
    let reason = "(denied by a rule of this cluster)";
    let expected = [
        format!("the right to create persistentvolumeclaims in namespace shop {reason} (2)"),
        format!("the right to create storageclasses.storage.k8s.io {reason} (1)"),
        format!("the right to patch configmaps in namespace shop {reason} (1)"),
    ];
    assert_eq!(rights, expected, "{planned}");

    let recreate = plan(&vault, &target, &spec.with_existing(Existing::Recreate)).await;
    assert!(
        needs(&recreate)
            .iter()
            .any(|need| need.starts_with("the right to delete configmaps in namespace shop")),
        "{recreate}"
    );

    // A namespace that must be made.
    let bare = MemoryCluster::new();
    bare.deny(deny("create", "namespaces", None));
    let mapped = RestoreSpec::from_backup("shop")
        .with_resource("configmaps")
        .with_namespace_mapping("shop", "copy");
    let planned = plan(&vault, &bare, &mapped).await;
    assert!(
        needs(&planned)
            .iter()
            .any(|need| need.starts_with("the right to create namespaces")),
        "{planned}"
    );
}

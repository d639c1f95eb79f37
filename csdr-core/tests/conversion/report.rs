//! The compatibility report of a stored backup.

use csdr_core::{
    backup::Backup,
    conversion::{BuiltinConverter, TargetApis},
    lifecycle::report,
    memory::{MemoryCluster, MemoryVault},
    report::RunOptions,
    spec::BackupSpec,
    vault::Vault,
};

const SHOP: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.shop.io}
spec:
  group: shop.io
  scope: Namespaced
  names: {plural: widgets, kind: Widget}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly, namespace: shop}
spec: {schedule: '0 1 * * *', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: b}]}}}}}
---
apiVersion: shop.io/v1
kind: Widget
metadata: {name: one, namespace: shop}
---
apiVersion: shop.io/v1
kind: Widget
metadata: {name: two, namespace: shop}
"#;

#[tokio::test]
async fn a_backup_is_judged_from_its_index() {
    let cluster = MemoryCluster::new();
    cluster.load_yaml(SHOP).unwrap();
    let vault = Vault::create(MemoryVault::new()).await.unwrap();
    let backup = Backup::new(cluster, vault.clone());
    let plan = backup.plan(&BackupSpec::named("nightly")).await.unwrap();
    backup.run(plan, &RunOptions::default()).await.unwrap();

    let stored = vault.backup("nightly").await.unwrap();
    let targets: Vec<(String, TargetApis)> = [20, 34]
        .map(|minor| {
            (
                format!("1.{minor}"),
                TargetApis::kubernetes(1, minor).unwrap(),
            )
        })
        .to_vec();
    let report = report(&stored, &targets, &BuiltinConverter::new())
        .await
        .unwrap();
    let text = report.to_string();
    let line = |kind: &str| {
        let line = text
            .lines()
            .find(|line| line.contains(kind))
            .unwrap_or_default();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        line("CronJob"),
        "1 batch/v1 CronJob → batch/v1beta1 unchanged"
    );
    // The backup's own definition brings the kind.
    assert_eq!(line("Widget"), "2 shop.io/v1 Widget unchanged unchanged");
    let [unchanged, converted, skipped, no_route] = report.totals(0);
    assert_eq!((converted, skipped, no_route), (1, 0, 0), "{text}");
    assert!(unchanged >= 4, "{text}");
}

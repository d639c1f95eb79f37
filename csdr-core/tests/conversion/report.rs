//! The compatibility report of a stored backup.

use csdr_core::{
    backup::Backup,
    conversion::{BuiltinConverter, TargetApis},
    lifecycle::{ObjectLimits, report, report_objects},
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

const PROBED: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{port: 80}], trafficDistribution: PreferClose}
";

/// A Deployment of two containers that both have a probe that 1.20 does not know.
fn probed(name: &str) -> String {
    let container =
        |name| format!("{{name: {name}, image: b, livenessProbe: {{grpc: {{port: 9000}}}}}}");
    let (one, two) = (container("one"), container("two"));
    format!(
        "---\n{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: {name}, namespace: shop}}, spec: {{selector: {{matchLabels: {{a: b}}}}, template: {{metadata: {{labels: {{a: b}}}}, spec: {{containers: [{one}, {two}]}}}}}}}}\n"
    )
}

#[tokio::test]
async fn what_single_objects_lose_is_counted_and_shown_by_examples() {
    let cluster = MemoryCluster::new();
    cluster.load_yaml(PROBED).unwrap();
    for name in ["a", "b", "c"] {
        cluster.load_yaml(&probed(name)).unwrap();
    }
    let vault = Vault::create(MemoryVault::new()).await.unwrap();
    let backup = Backup::new(cluster, vault.clone());
    let plan = backup.plan(&BackupSpec::named("nightly")).await.unwrap();
    backup.run(plan, &RunOptions::default()).await.unwrap();

    let stored = vault.backup("nightly").await.unwrap();
    let targets = [20, 34].map(|minor| {
        let apis = TargetApis::kubernetes(1, minor).unwrap();
        (format!("1.{minor}"), apis)
    });
    let limits = |examples, remarks| ObjectLimits { examples, remarks };
    let converter = BuiltinConverter::new();
    let report = report_objects(&stored, &targets, &converter, &limits(2, 100))
        .await
        .unwrap();
    let text = report.to_string();
    let [old, new] = &report.objects[..] else {
        panic!("{text}");
    };
    assert_eq!((new.remarks.len(), new.beyond), (0, 0), "{text}");
    let told: Vec<_> = old
        .remarks
        .iter()
        .map(|remark| {
            (
                remark.path.as_str(),
                remark.objects,
                remark.examples.join(" "),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                "/spec/template/spec/containers/*/livenessProbe/grpc",
                3,
                "deployments.apps/shop/a deployments.apps/shop/b".to_owned()
            ),
            (
                "/spec/trafficDistribution",
                1,
                "services/shop/web".to_owned()
            ),
        ],
        "{text}"
    );
    assert!(
        text.contains("deployments.apps/shop/b and 1 more)"),
        "{text}"
    );
    // What is beyond the limit is counted.
    let report = report_objects(&stored, &targets, &converter, &limits(0, 1))
        .await
        .unwrap();
    assert_eq!(
        (report.objects[0].remarks.len(), report.objects[0].beyond),
        (1, 1)
    );
    assert!(
        report.to_string().contains("1.20: 1 remarks more"),
        "{report}"
    );
}

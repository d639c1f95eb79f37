//! From Kubernetes 1.21 to the present: what both serve moves, what the new one serves in another version is converted, what it has no
//! successor for is said beforehand.

use crate::world::{Cluster, bucket};
use csdr_core::{
    report::{Outcome, RunOptions},
    restore::{Action, ObjectOutcome, Restore},
    spec::{BackupSpec, ClusterScope, RestoreSpec},
    vault::VerifyLevel,
};
use csdr_k8s::{KubeApplier, KubeTarget};
use csdr_testenv::KubeVersion;

const OLD: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: prices, namespace: shop}
data: {tea: '3'}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: 'example.invalid/web:1'}]}}
---
apiVersion: extensions/v1beta1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{host: shop.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {serviceName: web, servicePort: 80}}]}}]}
---
apiVersion: batch/v1beta1
kind: CronJob
metadata: {name: nightly, namespace: shop}
spec:
  schedule: '0 0 * * *'
  suspend: true
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: 'example.invalid/a:1'}]}}}}
---
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: open}
spec:
  seLinux: {rule: RunAsAny}
  runAsUser: {rule: RunAsAny}
  fsGroup: {rule: RunAsAny}
  supplementalGroups: {rule: RunAsAny}
---
apiVersion: flowcontrol.apiserver.k8s.io/v1beta1
kind: FlowSchema
metadata: {name: shop}
spec: {priorityLevelConfiguration: {name: workload-low}}
";

#[tokio::test]
async fn what_both_versions_serve_moves_and_the_rest_is_converted_or_said() {
    if let Some(reason) = KubeVersion::V1_21.left_out() {
        eprintln!("left out: {reason}");
        return;
    }
    let (_server, vault) = bucket().await;
    let source = Cluster::version(KubeVersion::V1_21).await;
    source.apply_yaml(OLD).await;
    let spec = BackupSpec::named("old")
        .with_namespace("shop")
        .with_cluster_scoped(ClusterScope::Include);
    let report = source.back_up(&vault, &spec).await;
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    let backup = vault.backup("old").await.unwrap();
    let proof = backup.verify(VerifyLevel::Objects).await.unwrap();
    assert!(proof.is_sound(), "{proof}");
    let policy = "podsecuritypolicies.policy/open".parse().unwrap();
    assert!(backup.object(&policy).await.unwrap().is_some());
    source.plane.stop().await;

    let target = Cluster::start().await;
    let client = target.client().await;
    let (reader, writer) = (KubeTarget::new(client.clone()), KubeApplier::new(client));
    let restore = Restore::new(vault.clone(), reader, writer);
    let spec = RestoreSpec::from_backup("old").with_namespace_mapping("shop", "copy");
    let plan = restore
        .plan(&spec.with_cluster_scoped(ClusterScope::Include))
        .await
        .unwrap();
    assert_eq!(plan.count(Action::Blocked), 0, "{plan}");
    let skipped: Vec<String> = plan
        .rows()
        .filter(|row| row.action == Action::Skip)
        .map(|row| row.source.to_string())
        .collect();
    assert_eq!(skipped, ["podsecuritypolicies.policy/open"], "{plan}");
    let converted: Vec<_> = plan.rows().filter_map(|row| row.conversion).collect();
    let (old, new) = (
        "flowcontrol.apiserver.k8s.io/v1beta1",
        "flowcontrol.apiserver.k8s.io/v1",
    );
    assert_eq!(converted, [(old.to_owned(), new.to_owned())], "{plan}");
    let report = restore.run(plan, &RunOptions::default()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    assert_eq!(report.count(ObjectOutcome::Skipped), 1, "{report}");
    let warnings: Vec<String> = report.warnings.iter().map(ToString::to_string).collect();
    let told = |line: &String| line.starts_with("podsecuritypolicies.policy/open: removed");
    assert!(warnings.iter().any(told), "{warnings:?}");
    for (path, at, text) in [
        (
            "/api/v1/namespaces/copy/configmaps/prices",
            "/data/tea",
            "3",
        ),
        (
            "/apis/apps/v1/namespaces/copy/deployments/web",
            "/spec/template/spec/containers/0/image",
            "example.invalid/web:1",
        ),
        (
            "/apis/networking.k8s.io/v1/namespaces/copy/ingresses/web",
            "/spec/rules/0/http/paths/0/backend/service/name",
            "web",
        ),
        (
            "/apis/batch/v1/namespaces/copy/cronjobs/nightly",
            "/spec/schedule",
            "0 0 * * *",
        ),
        (
            "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/shop",
            "/spec/priorityLevelConfiguration/name",
            "workload-low",
        ),
    ] {
        let there = target
            .get(path)
            .await
            .unwrap_or_else(|| panic!("{path} is missing"));
        assert_eq!(there.pointer(at).unwrap(), text, "{path}");
    }
}

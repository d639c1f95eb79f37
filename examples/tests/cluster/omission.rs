//! What a backup leaves out is recorded, and what it may not see is a gap.

use crate::world::{Cluster, back_up, bucket, client};
use csdr_core::{
    report::Outcome,
    select::{LeftOut, LeftOutReason},
    spec::BackupSpec,
    vault::Vault,
};
use csdr_k8s::KubeCollector;
use futures::TryStreamExt;

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
metadata: {name: held, namespace: shop, finalizers: [example.com/hold]}
---
apiVersion: v1
kind: Secret
metadata: {name: key, namespace: shop}
stringData: {a: b}
";

async fn left_out(vault: &Vault, name: &str) -> Vec<LeftOut> {
    let backup = vault.backup(name).await.unwrap();
    backup.left_out().try_collect().await.unwrap()
}

async fn ids(vault: &Vault, name: &str) -> Vec<String> {
    let backup = vault.backup(name).await.unwrap();
    let rows: Vec<_> = backup.rows().try_collect().await.unwrap();
    rows.iter().map(|row| row.id.to_string()).collect()
}

#[tokio::test]
async fn system_namespaces_and_objects_being_deleted_are_left_out_with_a_reason() {
    let cluster = Cluster::start().await;
    cluster.apply_yaml(SHOP).await;
    let held = "/api/v1/namespaces/shop/configmaps/held";
    cluster.call("DELETE", held, "").await;
    assert!(cluster.get(held).await.unwrap()["metadata"]["deletionTimestamp"].is_string());
    let (_server, vault) = bucket().await;
    let report = cluster.back_up(&vault, &BackupSpec::named("all")).await;
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    let left = left_out(&vault, "all").await;
    for namespace in ["kube-system", "kube-public", "kube-node-lease"] {
        let expected = LeftOut::rule(
            format!("namespace {namespace}"),
            LeftOutReason::SystemNamespace,
            "",
        );
        assert!(left.contains(&expected), "{namespace}: {left:?}");
    }
    let deleting: Vec<&LeftOut> = left
        .iter()
        .filter(|left| left.reason == LeftOutReason::BeingDeleted)
        .collect();
    let what: Vec<&str> = deleting.iter().map(|left| left.what.as_str()).collect();
    assert_eq!(what, ["configmaps/shop/held"]);
    assert_eq!(report.left_out[&LeftOutReason::BeingDeleted], 1);
    let ids = ids(&vault, "all").await;
    assert!(
        ids.contains(&"configmaps/shop/prices".to_owned()),
        "{ids:?}"
    );
    assert!(ids.iter().all(|id| !id.contains("/kube-")), "{ids:?}");
    assert!(!ids.contains(&"configmaps/shop/held".to_owned()));

    // A system namespace that is named is meant.
    let spec = BackupSpec::named("named").with_namespace("kube-public");
    assert_eq!(
        cluster.back_up(&vault, &spec).await.outcome,
        Outcome::Completed
    );
    assert!(
        self::ids(&vault, "named")
            .await
            .contains(&"namespaces/kube-public".to_owned())
    );
}

const AUDITOR: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: auditor}
rules:
- {apiGroups: [''], resources: [namespaces, configmaps, services, serviceaccounts, pods], verbs: [get, list]}
- {apiGroups: [apps], resources: ['*'], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: auditor}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: auditor}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: auditor}]
";

#[tokio::test]
async fn a_forbidden_kind_is_a_gap_and_a_failure_only_where_it_was_named() {
    let cluster = Cluster::start().await;
    cluster.apply_yaml(SHOP).await;
    cluster.apply_yaml(AUDITOR).await;
    let auditor = client(&cluster.plane.user("auditor", &[]).unwrap()).await;
    let (_server, vault) = bucket().await;
    let gap = |left: &[LeftOut]| {
        let forbidden = left
            .iter()
            .filter(|left| left.reason == LeftOutReason::Forbidden);
        forbidden
            .filter(|left| left.what.starts_with("secrets"))
            .cloned()
            .collect::<Vec<_>>()
    };

    let all = BackupSpec::named("all").with_namespace("shop");
    let report = back_up(KubeCollector::new(auditor.clone()), &vault, &all).await;
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    assert!(report.errors.is_empty(), "{report}");
    let warned = report
        .warnings
        .iter()
        .any(|note| note.about.starts_with("secrets"));
    assert!(warned, "{report}");
    let gaps = gap(&left_out(&vault, "all").await);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(
        gaps[0].detail.contains("auditor"),
        "says who may not: {}",
        gaps[0].detail
    );

    let named = BackupSpec::named("named")
        .with_namespace("shop")
        .with_resource("configmaps")
        .with_resource("secrets");
    let report = back_up(KubeCollector::new(auditor), &vault, &named).await;
    assert_eq!(report.outcome, Outcome::PartiallyFailed, "{report}");
    assert!(
        report
            .errors
            .iter()
            .any(|note| note.about.starts_with("secrets")),
        "{report}"
    );
    assert_eq!(gap(&left_out(&vault, "named").await).len(), 1);
    assert!(
        ids(&vault, "named")
            .await
            .contains(&"configmaps/shop/prices".to_owned())
    );
    let error = report.require_complete().unwrap_err();
    assert!(error.to_string().contains("secrets"), "{error}");
}

const STALE: &str = "
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.nowhere.example.com}
spec:
  group: nowhere.example.com
  version: v1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {name: nothing, namespace: shop}
";

#[tokio::test]
async fn a_stale_api_group_is_a_recorded_gap() {
    let cluster = Cluster::start().await;
    cluster.apply_yaml(SHOP).await;
    cluster.apply_yaml(STALE).await;
    let (_server, vault) = bucket().await;
    let spec = BackupSpec::named("all").with_namespace("shop");
    let report = cluster.back_up(&vault, &spec).await;
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    let left = left_out(&vault, "all").await;
    let gap = left
        .iter()
        .find(|left| left.reason == LeftOutReason::Undiscovered);
    let gap = gap.unwrap_or_else(|| panic!("no gap: {left:?}"));
    assert!(gap.what.contains("nowhere.example.com"), "{gap}");
    let warned = report
        .warnings
        .iter()
        .any(|note| note.about.contains("nowhere.example.com"));
    assert!(warned, "{report}");
    assert!(
        ids(&vault, "all")
            .await
            .contains(&"secrets/shop/key".to_owned())
    );
}

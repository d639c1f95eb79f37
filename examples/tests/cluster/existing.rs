//! What a real server makes of the policies for existing objects, and of webhooks that are created open.

use crate::world::{Cluster, PATIENCE, bucket};
use csdr_core::{
    report::Outcome,
    restore::{Action, ObjectOutcome, Restore},
    spec::{ApplySettings, BackupSpec, ClusterScope, Existing, ExistingOverride, RestoreSpec},
    vault::Vault,
};
use csdr_k8s::{KubeApplier, KubeTarget};
use serde_json::Value;
use std::time::{Duration, Instant};

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
kind: ServiceAccount
metadata: {name: till, namespace: shop}
imagePullSecrets: [{name: ours}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {tier: front}}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: 'example.invalid/web:1'}]}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: disk, namespace: shop, labels: {l: x}}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}, storageClassName: none}
";

const PRICES: &str = "/api/v1/namespaces/shop/configmaps/prices";
const WEB: &str = "/apis/apps/v1/namespaces/shop/deployments/web";
const SERVICE: &str = "/api/v1/namespaces/shop/services/web";
const TILL: &str = "/api/v1/namespaces/shop/serviceaccounts/till";
const DISK: &str = "/api/v1/namespaces/shop/persistentvolumeclaims/disk";

/// The shop, backed up, and then changed by a person and by controllers.
async fn changed() -> (Cluster, Vault, csdr_testkit::s3::S3Server) {
    let cluster = Cluster::start().await;
    cluster.apply_yaml(SHOP).await;
    // The Deployment's controller has seen it.
    wait(
        &cluster,
        WEB,
        "/metadata/annotations/deployment.kubernetes.io~1revision",
        "1",
    )
    .await;
    let (server, vault) = bucket().await;
    let spec = BackupSpec::named("shop").with_namespace("shop");
    cluster
        .back_up(&vault, &spec)
        .await
        .require_complete()
        .unwrap();
    for (path, patch) in [
        (
            PRICES,
            r#"{"data":{"tea":"4","milk":"1"},"metadata":{"labels":{"added":"x"}}}"#,
        ),
        (TILL, r#"{"imagePullSecrets":[{"name":"theirs"}]}"#),
        (
            SERVICE,
            r#"{"spec":{"ports":[{"port":80,"targetPort":8080,"protocol":"TCP"}]}}"#,
        ),
        (
            WEB,
            r#"{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"example.invalid/web:2"}]}}}}"#,
        ),
        (DISK, r#"{"metadata":{"labels":{"added":"x"}}}"#),
    ] {
        cluster
            .call("PATCH", &format!("{path}?fieldManager=kubectl-edit"), patch)
            .await;
    }
    // As an autoscaler does.
    let scale = r#"{"spec":{"replicas":2}}"#;
    cluster
        .call(
            "PATCH",
            &format!("{WEB}/scale?fieldManager=kube-controller-manager"),
            scale,
        )
        .await;
    wait(
        &cluster,
        WEB,
        "/metadata/annotations/deployment.kubernetes.io~1revision",
        "2",
    )
    .await;
    (cluster, vault, server)
}

async fn wait(cluster: &Cluster, path: &str, pointer: &str, text: &str) {
    let deadline = Instant::now() + PATIENCE;
    while cluster
        .get(path)
        .await
        .unwrap_or_default()
        .pointer(pointer)
        .and_then(Value::as_str)
        != Some(text)
    {
        assert!(
            Instant::now() < deadline,
            "{path}{pointer} never becomes {text}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

async fn restore(cluster: &Cluster, vault: &Vault) -> Restore {
    let client = cluster.client().await;
    Restore::new(
        vault.clone(),
        KubeTarget::new(client.clone()),
        KubeApplier::new(client),
    )
}

#[tokio::test]
async fn an_update_brings_the_backups_fields_back_and_leaves_what_is_the_servers_and_the_controllers()
 {
    let (cluster, vault, _server) = changed().await;
    let address = text(&cluster.get(SERVICE).await.unwrap(), "/spec/clusterIP").to_owned();
    let spec = RestoreSpec::from_backup("shop").with_existing(Existing::Update);
    let restore = restore(&cluster, &vault).await;
    let plan = restore.plan(&spec).await.unwrap();
    let updates: Vec<String> = plan
        .rows()
        .filter(|row| matches!(row.action, Action::Update | Action::Merge))
        .map(|row| format!("{} {}", row.action, row.source))
        .collect();
    let expected = [
        "update configmaps/shop/prices",
        "update deployments.apps/shop/web",
        "merge serviceaccounts/shop/till",
        "update services/shop/web",
    ];
    assert_eq!(updates, expected, "{plan}");
    let report = cluster.restore(&vault, &spec).await;
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    assert_eq!(report.count(ObjectOutcome::Updated), 4, "{report}");

    let prices = cluster.get(PRICES).await.unwrap();
    assert_eq!(
        (
            text(&prices, "/data/tea"),
            text(&prices, "/data/milk"),
            text(&prices, "/metadata/labels/added")
        ),
        ("3", "1", "x")
    );
    let web = cluster.get(WEB).await.unwrap();
    assert_eq!(
        text(&web, "/spec/template/spec/containers/0/image"),
        "example.invalid/web:1"
    );
    assert_eq!(web["spec"]["replicas"], 2, "the autoscaler's: {web:#}");
    let service = cluster.get(SERVICE).await.unwrap();
    assert_eq!(service["spec"]["ports"][0]["targetPort"], 80);
    assert_eq!(text(&service, "/spec/clusterIP"), address);
    let till = cluster.get(TILL).await.unwrap();
    assert_eq!(
        till["imagePullSecrets"],
        serde_json::json!([{"name": "theirs"}, {"name": "ours"}])
    );

    let again = restore.plan(&spec.with_name("again")).await.unwrap();
    let writes = again.rows().filter(|row| row.action.writes()).count();
    assert_eq!(writes, 0, "{again}");
}

#[tokio::test]
async fn server_side_apply_says_whose_the_fields_are_and_takes_them_when_told() {
    let (cluster, vault, _server) = changed().await;
    let settings = |force| ApplySettings {
        field_manager: "deployer".into(),
        force,
    };
    let spec = RestoreSpec::from_backup("shop").with_existing(Existing::Apply);
    let report = cluster
        .restore(
            &vault,
            &spec.clone().with_name("asks").with_apply(settings(false)),
        )
        .await;
    assert_eq!(report.outcome, Outcome::PartiallyFailed, "{report}");
    let errors: Vec<String> = report.errors.iter().map(ToString::to_string).collect();
    assert!(
        errors
            .iter()
            .any(|error| error.starts_with("configmaps/shop/prices: ")
                && error.contains("kubectl-edit")),
        "{errors:?}"
    );
    assert_eq!(text(&cluster.get(PRICES).await.unwrap(), "/data/tea"), "4");

    let report = cluster
        .restore(&vault, &spec.with_name("takes").with_apply(settings(true)))
        .await;
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    let prices = cluster.get(PRICES).await.unwrap();
    assert_eq!(text(&prices, "/data/tea"), "3");
    let managers = prices["metadata"]["managedFields"].as_array().unwrap();
    assert!(
        managers
            .iter()
            .any(|entry| entry["manager"] == "deployer" && entry["operation"] == "Apply"),
        "{prices:#}"
    );
    let web = cluster.get(WEB).await.unwrap();
    assert_eq!(
        text(&web, "/spec/template/spec/containers/0/image"),
        "example.invalid/web:1"
    );
}

#[tokio::test]
async fn what_is_recreated_gets_another_uid_and_claims_only_where_they_are_named() {
    let (cluster, vault, _server) = changed().await;
    let uid =
        async |path: &str| text(&cluster.get(path).await.unwrap(), "/metadata/uid").to_owned();
    let (prices, web, disk) = (uid(PRICES).await, uid(WEB).await, uid(DISK).await);
    cluster
        .call("PATCH", DISK, r#"{"metadata":{"labels":{"l":"y"}}}"#)
        .await;
    let spec = RestoreSpec::from_backup("shop").with_existing(Existing::Recreate);
    let report = cluster.restore(&vault, &spec).await;
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    assert_eq!(report.count(ObjectOutcome::Recreated), 3, "{report}");
    assert!(prices != uid(PRICES).await && web != uid(WEB).await);
    assert_eq!(disk, uid(DISK).await);
    let found = cluster.get(PRICES).await.unwrap();
    assert_eq!(
        (text(&found, "/data/tea"), text(&found, "/data/milk")),
        ("3", "")
    );
    let web = cluster.get(WEB).await.unwrap();
    assert_eq!(web["spec"]["replicas"], 0, "{web:#}");
    let fails = RestoreSpec::from_backup("shop")
        .with_name("fails")
        .with_existing_override(ExistingOverride::new(Existing::Fail).with_resource("configmaps"));
    cluster
        .call("PATCH", PRICES, r#"{"data":{"tea":"9"}}"#)
        .await;
    let report = cluster.restore(&vault, &fails).await;
    assert_eq!(report.outcome, Outcome::PartiallyFailed, "{report}");
    assert_eq!(report.count(ObjectOutcome::Failed), 1, "{report}");
}

const GUARDED: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: guarded}
---
apiVersion: v1
kind: Service
metadata: {name: guard, namespace: guarded}
spec: {ports: [{port: 443}]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: guard}
webhooks:
- name: guard.example.com
  clientConfig: {service: {namespace: guarded, name: guard}}
  rules: [{apiGroups: ['nothing.example.com'], apiVersions: ['*'], operations: [CREATE], resources: [things]}]
  sideEffects: None
  admissionReviewVersions: [v1]
";

const GUARD: &str = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/guard";

#[tokio::test]
async fn a_webhook_is_open_until_its_service_has_an_endpoint() {
    let (source, target) = tokio::join!(Cluster::start(), Cluster::start());
    source.apply_yaml(GUARDED).await;
    let (_server, vault) = bucket().await;
    let spec = BackupSpec::named("guarded")
        .with_namespace("guarded")
        .with_cluster_scoped(ClusterScope::Include);
    source
        .back_up(&vault, &spec)
        .await
        .require_complete()
        .unwrap();
    let spec = RestoreSpec::from_backup("guarded")
        .with_resource("namespaces")
        .with_resource("services")
        .with_resource("validatingwebhookconfigurations.admissionregistration.k8s.io");
    let answers = async {
        wait(&target, GUARD, "/webhooks/0/failurePolicy", "Ignore").await;
        let slice = "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: guard-1, namespace: guarded, labels: {kubernetes.io/service-name: guard}}, addressType: IPv4, endpoints: [{addresses: [10.1.2.3], conditions: {ready: true}}], ports: [{port: 443}]}";
        target.apply_yaml(slice).await;
    };
    let (report, ()) = tokio::join!(target.restore(&vault, &spec), answers);
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    assert_eq!(report.rearmed.len(), 1, "{report}");
    assert!(report.rearmed[0].silent.is_empty(), "{report}");
    assert_eq!(
        text(
            &target.get(GUARD).await.unwrap(),
            "/webhooks/0/failurePolicy"
        ),
        "Fail"
    );

    // Nobody answers: armed all the same, and said.
    target.call("DELETE", GUARD, "").await;
    target
        .call(
            "DELETE",
            "/apis/discovery.k8s.io/v1/namespaces/guarded/endpointslices/guard-1",
            "",
        )
        .await;
    let report = target.restore(&vault, &spec.with_name("again")).await;
    assert_eq!(report.count(ObjectOutcome::NotReady), 1, "{report}");
    assert_eq!(
        text(
            &target.get(GUARD).await.unwrap(),
            "/webhooks/0/failurePolicy"
        ),
        "Fail"
    );
}

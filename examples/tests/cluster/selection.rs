//! Restores of a part.

use crate::world::{Cluster, bucket};
use csdr_core::{
    report::Outcome,
    restore::ObjectOutcome,
    spec::{BackupSpec, RestoreSpec},
};

const TEAMS: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: red, labels: {team: red}}
---
apiVersion: v1
kind: Namespace
metadata: {name: blue, labels: {team: blue}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: red, labels: {app: web}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: job, namespace: red, labels: {app: job}}
---
apiVersion: v1
kind: Secret
metadata: {name: web, namespace: red, labels: {app: web}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: job, namespace: blue, labels: {app: job}}
";

/// Names of ConfigMaps and Secrets in a namespace; `None` if there is no such namespace.
async fn content(cluster: &Cluster, namespace: &str) -> Option<Vec<String>> {
    cluster
        .get(&format!("/api/v1/namespaces/{namespace}"))
        .await?;
    let mut names = Vec::new();
    for plural in ["configmaps", "secrets"] {
        let list = cluster
            .get(&format!("/api/v1/namespaces/{namespace}/{plural}"))
            .await
            .unwrap();
        for item in list["items"].as_array().unwrap() {
            let name = item["metadata"]["name"].as_str().unwrap();
            if name != "kube-root-ca.crt" {
                names.push(format!("{plural}/{name}"));
            }
        }
    }
    Some(names)
}

fn texts(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

#[tokio::test]
async fn namespaces_labels_and_resources_choose_what_is_restored() {
    let cluster = Cluster::start().await;
    cluster.apply_yaml(TEAMS).await;
    let (_server, vault) = bucket().await;
    let spec = BackupSpec::named("teams")
        .with_namespace("red")
        .with_namespace("blue");
    cluster
        .back_up(&vault, &spec)
        .await
        .require_complete()
        .unwrap();
    let restore = |name: &str| {
        RestoreSpec::from_backup("teams")
            .with_name(name)
            .with_namespace_mapping("red", format!("{name}-red"))
            .with_namespace_mapping("blue", format!("{name}-blue"))
    };

    let labels = restore("labels").with_selector("app=web".parse().unwrap());
    let report = cluster.restore(&vault, &labels).await;
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    assert_eq!(
        content(&cluster, "labels-red").await,
        texts(&["configmaps/web", "secrets/web"])
    );
    assert_eq!(
        content(&cluster, "labels-blue").await,
        None,
        "owns nothing selected"
    );
    let red = cluster.get("/api/v1/namespaces/labels-red").await.unwrap();
    assert_eq!(
        red["metadata"]["labels"]["team"], "red",
        "as it was, not bare"
    );
    assert_eq!(
        red["metadata"]["labels"]["kubernetes.io/metadata.name"],
        "labels-red"
    );

    let resources = restore("resources").with_resource("secrets");
    cluster
        .restore(&vault, &resources)
        .await
        .require_complete()
        .unwrap();
    assert_eq!(
        content(&cluster, "resources-red").await,
        texts(&["secrets/web"])
    );

    let excluded = restore("excluded")
        .without_resource("secrets")
        .without_namespace("blue");
    cluster
        .restore(&vault, &excluded)
        .await
        .require_complete()
        .unwrap();
    assert_eq!(
        content(&cluster, "excluded-red").await,
        texts(&["configmaps/job", "configmaps/web"])
    );
    assert_eq!(content(&cluster, "excluded-blue").await, None);

    let nameless = restore("bare")
        .without_resource("namespaces")
        .with_namespace("blue");
    let report = cluster.restore(&vault, &nameless).await;
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    assert!(report.count(ObjectOutcome::Created) >= 1, "{report}");
    assert_eq!(
        content(&cluster, "bare-blue").await,
        texts(&["configmaps/job"])
    );
    let bare = cluster.get("/api/v1/namespaces/bare-blue").await.unwrap();
    assert!(
        bare["metadata"]["labels"].get("team").is_none(),
        "made bare"
    );
}

#[tokio::test]
async fn a_backup_by_labels_restores_alone() {
    let cluster = Cluster::start().await;
    cluster.apply_yaml(TEAMS).await;
    let (_server, vault) = bucket().await;
    let spec = BackupSpec::named("jobs").with_selector("app=job".parse().unwrap());
    cluster
        .back_up(&vault, &spec)
        .await
        .require_complete()
        .unwrap();
    let spec = RestoreSpec::from_backup("jobs")
        .with_namespace_mapping("red", "crimson")
        .with_namespace_mapping("blue", "navy");
    cluster
        .restore(&vault, &spec)
        .await
        .require_complete()
        .unwrap();
    assert_eq!(
        content(&cluster, "crimson").await,
        texts(&["configmaps/job"])
    );
    assert_eq!(content(&cluster, "navy").await, texts(&["configmaps/job"]));
}

//! The examples do what they say.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    dead_code,
    reason = "an example's main is not called here"
)]

#[path = "../examples/back_up_namespace.rs"]
mod back_up_namespace;
#[path = "../examples/own_collector.rs"]
mod own_collector;
#[path = "../examples/own_transform.rs"]
mod own_transform;
#[path = "../examples/plan_and_approve.rs"]
mod plan_and_approve;
#[path = "../examples/read_velero_bucket.rs"]
mod read_velero_bucket;
#[path = "../examples/restore_renamed.rs"]
mod restore_renamed;

use csdr_core::{
    memory::{MemoryCluster, MemoryVault},
    port::{PutMode, VaultBackend, VaultBackendExt, VaultKey},
    restore::ObjectOutcome,
    vault::Vault,
};
use csdr_storage::OpendalVault;
use std::{collections::BTreeSet, path::Path, sync::Arc};

/// Every example is run by a test here, the quickstart by `cargo xtask test quickstart`.
#[test]
fn no_example_is_left_out() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let names: BTreeSet<String> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    let known = [
        "back_up_namespace.rs",
        "own_collector.rs",
        "own_transform.rs",
        "plan_and_approve.rs",
        "quickstart.rs",
        "read_velero_bucket.rs",
        "restore_renamed.rs",
    ];
    assert_eq!(names, known.map(str::to_owned).into());
}

#[tokio::test]
async fn back_up_a_namespace() {
    let work = tempfile::tempdir().unwrap();
    let report = back_up_namespace::back_up(work.path()).await.unwrap();
    // The namespace, its default account, config map, service and nothing of the other one.
    assert_eq!(report.objects, 4, "{report}");
    let vault = Vault::open(OpendalVault::fs(work.path())).await.unwrap();
    let stored = vault.backup("shop-1").await.unwrap();
    let other = "configmaps/other/theirs".parse().unwrap();
    assert!(stored.object(&other).await.unwrap().is_none());
}

#[tokio::test]
async fn restore_renamed() {
    let cluster = restore_renamed::restore_renamed().await.unwrap();
    let id = "rolebindings.rbac.authorization.k8s.io/shop-copy/reader";
    let copy = cluster.object(&id.parse().unwrap()).unwrap();
    let json: serde_json::Value = serde_json::from_slice(copy.json()).unwrap();
    assert_eq!(json["subjects"][0]["namespace"], "shop-copy");
    let id = "rolebindings.rbac.authorization.k8s.io/shop/reader";
    assert!(cluster.object(&id.parse().unwrap()).is_some());
}

#[tokio::test]
async fn plan_and_approve() {
    let report = plan_and_approve::plan_and_approve().await.unwrap();
    assert_eq!(report.count(ObjectOutcome::Created), 3, "{report}");
}

#[tokio::test]
async fn own_transform() {
    let cluster = own_transform::rehearse().await.unwrap();
    let web = cluster.object(&"deployments.apps/shop/web".parse().unwrap());
    assert!(web.unwrap().text().contains(r#""replicas":1"#));
    let scratch = "configmaps/shop/scratch".parse().unwrap();
    assert!(cluster.object(&scratch).is_none());
}

#[tokio::test]
async fn own_collector() {
    let vault = own_collector::back_up_settings().await.unwrap();
    let stored = vault.backup("settings-1").await.unwrap();
    let id = "configmaps/settings/color".parse().unwrap();
    let object = stored.object(&id).await.unwrap().unwrap();
    assert!(object.text().contains(r#""value":"blue""#));
}

#[tokio::test]
async fn read_a_bucket_of_velero_s() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../csdr-core/tests/data/velero/default/clusters/one");
    let bucket = OpendalVault::fs(folder);
    let copy = Arc::new(MemoryVault::new());
    for file in bucket.keys(&VaultKey::root(), 1_000).await.unwrap() {
        let body = bucket.read(&file.key, file.size).await.unwrap();
        let put = copy.put(&file.key, body, PutMode::CreateNew);
        put.await.unwrap();
    }
    read_velero_bucket::look(copy.clone()).await.unwrap();
    let cluster = MemoryCluster::new();
    read_velero_bucket::restore(copy, cluster.clone())
        .await
        .unwrap();
    let id = "configmaps/rich-copy/settings".parse().unwrap();
    assert!(cluster.object(&id).is_some());
}

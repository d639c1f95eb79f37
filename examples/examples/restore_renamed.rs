//! Restore an application under another name, beside the one that it was backed up from.
//!
//! ```text
//! cargo run --example restore_renamed
//! ```
//!
//! The namespace is mapped, and with it what names it. The cluster is one in memory: for a real one, put
//! [`KubeTarget`](csdr_k8s::KubeTarget) and [`KubeApplier`](csdr_k8s::KubeApplier) in its two places.

#![expect(
    clippy::print_stdout,
    reason = "an example tells its reader what it does"
)]

use csdr_core::{
    Result,
    backup::Backup,
    memory::{MemoryCluster, MemoryVault},
    report::RunOptions,
    restore::Restore,
    spec::{BackupSpec, RestoreSpec},
    vault::Vault,
};

/// A worker that may read its own namespace's settings.
const APPLICATION: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {team: blue}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: worker, namespace: shop}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shop}
rules: [{apiGroups: [''], resources: [configmaps], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: worker, namespace: shop}]
";

#[tokio::main]
async fn main() -> Result<()> {
    restore_renamed().await.map(drop)
}

/// Backs `shop` up and restores it as `shop-copy` into the same cluster, which is what comes back.
pub(crate) async fn restore_renamed() -> Result<MemoryCluster> {
    let cluster = MemoryCluster::new();
    cluster.load_yaml(APPLICATION)?;
    let vault = Vault::create(MemoryVault::new()).await?;
    let backup = Backup::new(cluster.clone(), vault.clone());
    let plan = backup
        .plan(&BackupSpec::named("shop-1").with_namespace("shop"))
        .await?;
    backup
        .run(plan, &RunOptions::default())
        .await?
        .require_complete()?;

    let restore = Restore::new(vault, cluster.clone(), cluster.clone());
    let spec = RestoreSpec::from_backup("shop-1")
        .with_name("shop-copy")
        .with_namespace_mapping("shop", "shop-copy");
    let plan = restore.plan(&spec).await?;
    print!("{plan}");
    let report = restore.run(plan, &RunOptions::default()).await?;
    println!("{report}");
    report.require_complete()?;

    for object in cluster.all_objects() {
        if object.id().namespace() == Some("shop-copy") {
            println!("{}", object.id());
        }
    }
    Ok(cluster)
}

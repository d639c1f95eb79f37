//! Back up one namespace, and prove that the backup is whole.
//!
//! ```text
//! cargo run --example back_up_namespace
//! ```
//!
//! The source here is a cluster in memory and the vault is a folder, so that it runs anywhere. For a real cluster, put
//! [`KubeCollector`](csdr_k8s::KubeCollector) where [`MemoryCluster`] stands; for a bucket, `OpendalVault::s3(config)` where
//! `OpendalVault::fs(folder)` stands. Nothing else changes.

#![expect(
    clippy::print_stdout,
    reason = "an example tells its reader what it does"
)]

use csdr_core::{
    Error, Result,
    backup::{Backup, BackupReport},
    memory::MemoryCluster,
    report::RunOptions,
    spec::BackupSpec,
    vault::{Vault, VerifyLevel},
};
use csdr_storage::OpendalVault;
use std::path::Path;

/// What is in the cluster: a shop, and somebody else's namespace.
const APPLICATION: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Namespace
metadata: {name: other}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: prices, namespace: shop}
data: {tea: '3'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: theirs, namespace: other}
data: {a: b}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80}]}
";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let work = tempfile::tempdir()?;
    back_up(work.path()).await?;
    Ok(())
}

/// Backs the namespace `shop` up into a vault in `folder`.
pub(crate) async fn back_up(folder: &Path) -> Result<BackupReport> {
    let cluster = MemoryCluster::new();
    cluster.load_yaml(APPLICATION)?;
    // `create` makes a vault, `open` opens one that is there: neither happens by accident.
    let vault = Vault::create(OpendalVault::fs(folder)).await?;

    let backup = Backup::new(cluster, vault.clone());
    let spec = BackupSpec::named("shop-1").with_namespace("shop");
    // A plan only reads. It shows what the backup will hold, and what it leaves out, with the reasons.
    let plan = backup.plan(&spec).await?;
    print!("{plan}");

    let report = backup.run(plan, &RunOptions::default()).await?;
    println!("{report}");
    // Gaps are data until the caller says that they are an error.
    let report = report.require_complete()?;

    // Every byte is read again and compared with the hashes that were stored beside it.
    let proof = vault
        .backup("shop-1")
        .await?
        .verify(VerifyLevel::Objects)
        .await?;
    println!("{proof}");
    if !proof.is_sound() {
        return Err(Error::corrupt("the backup is damaged"));
    }
    Ok(report)
}

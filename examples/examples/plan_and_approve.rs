//! Plan in one process, let somebody approve, run in another.
//!
//! ```text
//! cargo run --example plan_and_approve
//! ```
//!
//! A plan is data: it is written as JSON, read by people and programs, and carries a digest. A run refuses a plan that was changed on its
//! way, or that was made for another backup, vault or cluster. What is approved is what is done.

#![expect(
    clippy::print_stdout,
    reason = "an example tells its reader what it does"
)]

use csdr_core::{
    Error, ErrorKind, Result,
    backup::Backup,
    manifest::ManifestDir,
    memory::{MemoryCluster, MemoryVault},
    port::{PutMode, VaultBackend, VaultKey},
    report::RunOptions,
    restore::{Action, Restore, RestorePlan, RestoreReport},
    spec::{BackupSpec, RestoreSpec},
    vault::Vault,
};
use std::sync::Arc;

const APPLICATION: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: prices, namespace: shop}
data: {tea: '3'}
---
apiVersion: extensions/v1beta1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{host: shop.example.com, http: {paths: [{path: /, backend: {serviceName: web, servicePort: 80}}]}}]}
";

#[tokio::main]
async fn main() -> Result<()> {
    plan_and_approve().await.map(drop)
}

/// Plans, approves and runs a restore; comes back with its report.
pub(crate) async fn plan_and_approve() -> Result<RestoreReport> {
    let vault = backed_up().await?;
    let cluster = MemoryCluster::new();
    // The first process.
    let restore = Restore::new(vault.clone(), cluster.clone(), cluster.clone());
    let plan = restore.plan(&RestoreSpec::from_backup("shop-1")).await?;
    let paper = serde_json::to_string(&plan).map_err(unreadable)?;

    // Whoever approves: a person reads what `Display` shows, a program asks.
    let plan: RestorePlan = serde_json::from_str(&paper).map_err(unreadable)?;
    print!("{plan}");
    if let Some(need) = plan.needs().first() {
        return Err(
            Error::new(ErrorKind::Incompatible, "the cluster lacks something")
                .with_context("need", &need.what),
        );
    }
    if plan.count(Action::Blocked) > 0 {
        return Err(Error::new(
            ErrorKind::Incompatible,
            "some objects cannot be restored",
        ));
    }
    for (object, loss) in plan.losses() {
        println!("approved: {object} {}: {}", loss.path, loss.text);
    }

    // The second process.
    let restore = Restore::new(vault, cluster.clone(), cluster);
    let forged = paper
        .replace("shop.example.com", "evil.example.com")
        .replacen("prices", "secret", 1);
    let forged: RestorePlan = serde_json::from_str(&forged).map_err(unreadable)?;
    match restore.run(forged, &RunOptions::default()).await {
        Err(error) => println!("refused: {error}"),
        Ok(_) => return Err(Error::new(ErrorKind::Unexpected, "a changed plan was run")),
    }
    let report = restore.run(plan, &RunOptions::default()).await?;
    println!("{report}");
    report.require_complete()
}

/// A vault with a backup of an application whose Ingress is of a version that no cluster serves any more.
async fn backed_up() -> Result<Vault> {
    // The manifests of the old application: no cluster of today would hold them.
    let folder = Arc::new(MemoryVault::new());
    let file = VaultKey::parse("shop.yaml")?;
    folder
        .put(&file, APPLICATION.into(), PutMode::CreateNew)
        .await?;
    let source = ManifestDir::new(folder, file);
    let vault = Vault::create(MemoryVault::new()).await?;
    let backup = Backup::new(source, vault.clone());
    let plan = backup
        .plan(&BackupSpec::named("shop-1").with_namespace("shop"))
        .await?;
    let report = backup.run(plan, &RunOptions::default()).await?;
    report.require_complete()?;
    Ok(vault)
}

fn unreadable(error: serde_json::Error) -> Error {
    Error::invalid("plan is not JSON").with_source(error)
}

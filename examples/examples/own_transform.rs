//! Change objects on their way into a cluster with a rule of your own.
//!
//! ```text
//! cargo run --example own_transform
//! ```
//!
//! A [`Transform`] is pure: it sees an object as the target will get it, and edits it through an item that records every edit. So a plan
//! shows what the rule will do before anything is written.

#![expect(
    clippy::print_stdout,
    reason = "an example tells its reader what it does"
)]

use csdr_core::{
    Result,
    backup::Backup,
    memory::{MemoryCluster, MemoryVault},
    port::Transform,
    report::RunOptions,
    restore::Restore,
    spec::{BackupSpec, RestoreSpec},
    transform::{TransformItem, Verdict},
    vault::Vault,
};

const APPLICATION: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 9
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: 'registry.example.com/web:1'}]}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: scratch, namespace: shop, labels: {temporary: 'true'}}
data: {a: b}
";

/// For a rehearsal: one replica of everything, and nothing that calls itself temporary.
#[derive(Debug)]
pub(crate) struct Rehearsal;

impl Transform for Rehearsal {
    fn name(&self) -> &str {
        "rehearsal"
    }

    fn transform(&self, item: &mut TransformItem<'_>) -> Result<Verdict> {
        if item.text(&["metadata", "labels", "temporary"]) == Some("true") {
            return Ok(Verdict::skip("is temporary"));
        }
        if item.kind() == ("apps", "deployments") {
            item.set(&["spec", "replicas"], 1, "a rehearsal needs one");
        }
        Ok(Verdict::Restore)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    rehearse().await.map(drop)
}

/// Backs the application up and restores it for a rehearsal, into the cluster that comes back.
pub(crate) async fn rehearse() -> Result<MemoryCluster> {
    let source = MemoryCluster::new();
    source.load_yaml(APPLICATION)?;
    let vault = Vault::create(MemoryVault::new()).await?;
    let backup = Backup::new(source, vault.clone());
    let plan = backup
        .plan(&BackupSpec::named("shop-1").with_namespace("shop"))
        .await?;
    backup
        .run(plan, &RunOptions::default())
        .await?
        .require_complete()?;

    let target = MemoryCluster::new();
    // Built-in transforms run first, then those of the caller, in the order in which they were given.
    let restore = Restore::new(vault, target.clone(), target.clone()).with_transform(Rehearsal);
    let plan = restore.plan(&RestoreSpec::from_backup("shop-1")).await?;
    print!("{plan}");
    for (object, note) in plan.notes() {
        println!("{object}: {}", note.text);
    }
    let report = restore.run(plan, &RunOptions::default()).await?;
    println!("{report}");
    report.require_complete()?;
    Ok(target)
}

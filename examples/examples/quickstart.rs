//! The main job, once, on your own machine: no cluster and no bucket.
//!
//! ```text
//! cargo run --release --example quickstart
//! ```
//!
//! A real application's manifests lie in `examples/data/`. This backs the application up into a vault in a folder, proves every byte of it,
//! and restores it under another namespace twice: into a cluster in memory, and into a folder of YAML.
//!
//! Put [`KubeCollector`](csdr_k8s::KubeCollector), [`KubeTarget`](csdr_k8s::KubeTarget) and
//! [`KubeApplier`](csdr_k8s::KubeApplier) where the folder and the cluster in memory stand here, and a bucket where the vault's folder
//! is named, and it is the real thing: nothing else changes.

#![expect(
    clippy::print_stdout,
    reason = "an example tells its reader what it does"
)]

use csdr_core::{
    Error, Result,
    backup::Backup,
    manifest::ManifestDir,
    memory::MemoryCluster,
    port::VaultKey,
    report::RunOptions,
    restore::{ObjectOutcome, Restore},
    spec::{BackupSpec, RestoreSpec},
    vault::{Host, Vault, VerifyLevel},
};
use csdr_storage::{BlockingCompute, OpendalVault};
use futures::TryStreamExt;
use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

#[tokio::main]
async fn main() -> ExitCode {
    match quickstart().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line a layer: an error of csdr says itself what to do next, and shows no secret.
            println!("\nerror: {}", error.chain());
            ExitCode::FAILURE
        }
    }
}

async fn quickstart() -> Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifests = here.join("data");
    let work = fresh(here.join("../target/quickstart"))?;
    let vault_folder = work.join("vault");
    let rendered_folder = fresh(work.join("rendered"))?;

    title("1. Where the application comes from, and where its backup goes");
    // A source: every object of the folder, those without a namespace in `boutique`. What cannot be read would be a gap in the report.
    let source = ManifestDir::new(Arc::new(OpendalVault::fs(&manifests)), VaultKey::root())
        .with_default_namespace("boutique")?;
    // A vault: bytes by key. `open_url("s3://bucket/prefix")` instead of `fs` makes it a bucket.
    let host = Host::default().with_compute(Arc::new(BlockingCompute::default()));
    let vault = Vault::create_with(Arc::new(OpendalVault::fs(&vault_folder)), host).await?;
    println!("manifests  {}", manifests.display());
    println!("vault      {}", vault_folder.display());

    title("2. Plan the backup: reads only, so a dry run is a plan that nobody runs");
    let backup = Backup::new(source, vault.clone());
    let spec = BackupSpec::named("boutique-1").with_namespace("boutique");
    let plan = backup.plan(&spec).await?;
    print!("{plan}");

    title("3. Back up");
    let began = Instant::now();
    // A report tells of every gap; `require_complete` makes an error of a backup that is not whole.
    let report = backup
        .run(plan, &RunOptions::default())
        .await?
        .require_complete()?;
    println!("{report}");
    println!("took {}", milliseconds(began.elapsed()));

    title("4. Prove it: read every byte again, compare every hash, open every object");
    let began = Instant::now();
    let stored = vault.backup("boutique-1").await?;
    let proof = stored.verify(VerifyLevel::Objects).await?;
    println!("{proof}");
    println!("took {}", milliseconds(began.elapsed()));
    if !proof.is_sound() {
        return Err(Error::corrupt(
            "the backup is damaged; make a new one under another name",
        ));
    }

    title("5. What was left out, and why: stored with the backup");
    let left_out: Vec<_> = stored.left_out().try_collect().await?;
    for left in &left_out {
        println!("{left}");
    }
    if left_out.is_empty() {
        println!("nothing");
    }

    title("6. Plan a restore into another namespace of a cluster");
    let cluster = MemoryCluster::new();
    let restore = Restore::new(vault.clone(), cluster.clone(), cluster.clone());
    let spec = RestoreSpec::from_backup("boutique-1")
        .with_name("into-memory")
        .with_namespace_mapping("boutique", "boutique-copy");
    let plan = restore.plan(&spec).await?;
    print!("{plan}");

    title("7. Restore it");
    let began = Instant::now();
    let report = restore
        .run(plan, &RunOptions::default())
        .await?
        .require_complete()?;
    println!("{report}");
    println!("took {}", milliseconds(began.elapsed()));
    let moved = cluster
        .all_objects()
        .iter()
        .filter(|object| object.id().namespace() == Some("boutique-copy"))
        .count();
    println!("the cluster now holds {moved} objects in namespace boutique-copy");

    title("8. The same into a folder of YAML, for a repository");
    let folder = ManifestDir::new(
        Arc::new(OpendalVault::fs(&rendered_folder)),
        VaultKey::root(),
    );
    let restore = Restore::new(vault, folder.clone(), folder);
    let plan = restore.plan(&spec.with_name("into-yaml")).await?;
    let report = restore
        .run(plan, &RunOptions::default())
        .await?
        .require_complete()?;
    println!("{report}");

    title("Where the files lie");
    println!(
        "backup     {}",
        vault_folder.join("backups/boutique-1").display()
    );
    println!(
        "archive    tar tzf {}",
        vault_folder
            .join("backups/boutique-1/boutique-1.tar.gz")
            .display()
    );
    println!(
        "rendered   {} ({} files)",
        rendered_folder.display(),
        report.count(ObjectOutcome::Created)
    );
    Ok(())
}

/// An empty folder: what an earlier run left is removed.
fn fresh(folder: PathBuf) -> Result<PathBuf> {
    let failed = |error: std::io::Error| {
        Error::new(
            csdr_core::ErrorKind::Unavailable,
            "cannot make an empty folder; check who owns it",
        )
        .with_context("folder", folder.display())
        .with_source(error)
    };
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
        _ => std::fs::create_dir_all(&folder).map_err(failed)?,
    }
    folder.canonicalize().map_err(failed)
}

fn title(text: &str) {
    println!("\n=== {text}");
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

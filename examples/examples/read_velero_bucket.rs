//! Read a bucket that Velero wrote: list, describe, verify, and restore from it.
//!
//! ```text
//! cargo run --example read_velero_bucket
//! cargo run --example read_velero_bucket -- /path/to/bucket/prefix
//! ```
//!
//! Without an argument it reads a bucket that lies in this repository, written by Velero 1.18. Nothing that Velero wrote is changed. A
//! restore is recorded, so the place becomes a vault of csdr as well: one small file beside Velero's folders, which Velero does not mind.

#![expect(
    clippy::print_stdout,
    reason = "an example tells its reader what it does"
)]

use csdr_core::{
    Result,
    memory::{MemoryCluster, MemoryVault},
    port::{PutMode, VaultBackend, VaultBackendExt, VaultKey},
    report::RunOptions,
    restore::{Restore, RestoreReport},
    spec::RestoreSpec,
    vault::{BackupOrigin, Host, Vault, VerifyLevel},
};
use csdr_storage::OpendalVault;
use std::{path::PathBuf, sync::Arc};

/// Written by Velero itself, below the prefix `clusters/one`.
const BUCKET: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../csdr-core/tests/data/velero/default/clusters/one"
);

#[tokio::main]
async fn main() -> Result<()> {
    let folder = std::env::args().nth(1).map(PathBuf::from);
    // A bucket works the same: `csdr_storage::open_url("s3://bucket/clusters/one")`.
    let bucket = Arc::new(OpendalVault::fs(folder.unwrap_or_else(|| BUCKET.into())));
    look(bucket.clone()).await?;
    // The first restore is tried on a copy of the bucket, into a cluster in memory.
    let copy = Arc::new(MemoryVault::new());
    for file in bucket.keys(&VaultKey::root(), 100_000).await? {
        let body = bucket.read(&file.key, file.size).await?;
        copy.put(&file.key, body, PutMode::CreateNew).await?;
    }
    restore(copy, MemoryCluster::new()).await.map(drop)
}

/// Lists, describes and verifies. Reads only.
pub(crate) async fn look(bucket: Arc<dyn VaultBackend>) -> Result<()> {
    let vault = Vault::open_with(bucket, Host::default()).await?;
    for entry in vault.backups().await? {
        println!("{} {} by {:?}", entry.name, entry.phase, entry.origin);
        if entry.origin != BackupOrigin::Velero {
            continue;
        }
        let backup = vault.backup(&entry.name).await?;
        // What Velero's own files tell. Old releases wrote fewer of them: what is missing is said, and is no error.
        if let Some(told) = backup.velero().await? {
            println!("  expires {:?}, {:?} items", told.expires, told.items);
            for volume in &told.volumes {
                println!("  {volume}");
            }
        }
        // Velero keeps no hashes: this proves that every file opens, and that every listed object is in the archive.
        println!("{}", backup.verify(VerifyLevel::Objects).await?);
    }
    Ok(())
}

/// Restores the backup `rich` as namespace `rich-copy`.
pub(crate) async fn restore(
    bucket: Arc<dyn VaultBackend>,
    cluster: MemoryCluster,
) -> Result<RestoreReport> {
    let vault = Vault::open_or_create(bucket, Host::default()).await?;
    // Velero's archive is one stream without an index: it is read once, through a scratch store.
    let scratch = Arc::new(MemoryVault::new());
    let restore = Restore::new(vault, cluster.clone(), cluster).with_scratch(scratch);
    let spec = RestoreSpec::from_backup("rich")
        .with_name("rich-by-csdr")
        .with_namespace_mapping("rich", "rich-copy");
    let plan = restore.plan(&spec).await?;
    print!("{plan}");
    // The data of volumes lies in Velero's stores: the plan names each volume that comes back without it.
    for left in plan.left_out() {
        println!("not restored: {left}");
    }
    let report = restore.run(plan, &RunOptions::default()).await?;
    println!("{report}");
    report.require_complete()
}

//! csdr as a program would link it.

use crate::{Result, args::VaultArgs, process::peak_rss_mib, sample::Sample, workload::PREFIX};
use csdr_core::{
    backup::Backup,
    report::{Limits, RunOptions},
    restore::{ObjectOutcome, Restore},
    spec::{BackupSpec, RestoreSpec},
    vault::{Host, Vault},
};
use csdr_k8s::{ClusterClient, ConnectOptions, KubeApplier, KubeCollector, KubeTarget};
use csdr_storage::{BlockingCompute, OpendalVault};
use std::{path::Path, sync::Arc, time::Instant};

/// Plans and runs a backup of the workload's namespaces.
pub(crate) async fn backup(args: &VaultArgs) -> Result<Sample> {
    let started = Instant::now();
    let backup = Backup::new(
        KubeCollector::new(client(args).await?),
        vault(&args.vault).await?,
    );
    let plan = backup.plan(&backup_spec(args)).await?;
    let planned = started.elapsed().as_secs_f64();
    let report = backup.run(plan, &options(args)).await?.require_complete()?;
    let seconds = started.elapsed().as_secs_f64();
    Ok(Sample {
        seconds,
        objects: report.objects,
        archive_bytes: report.archive_bytes,
        peak_rss_mib: peak_rss_mib()?,
        phases: phases(planned, seconds),
        ..Sample::default()
    })
}

/// Plans and runs a restore into namespaces of another name.
pub(crate) async fn restore(args: &VaultArgs) -> Result<Sample> {
    let started = Instant::now();
    let restore = restorer(args).await?;
    let plan = restore.plan(&restore_spec(args)).await?;
    let planned = started.elapsed().as_secs_f64();
    let report = restore
        .run(plan, &RunOptions::default())
        .await?
        .require_complete()?;
    let seconds = started.elapsed().as_secs_f64();
    Ok(Sample {
        seconds,
        objects: report.count(ObjectOutcome::Created) - args.namespaces as u64,
        archive_bytes: 0,
        peak_rss_mib: peak_rss_mib()?,
        phases: phases(planned, seconds),
        ..Sample::default()
    })
}

fn options(args: &VaultArgs) -> RunOptions {
    let mut limits = Limits::default();
    limits.page_bytes = args.page_bytes.unwrap_or(limits.page_bytes);
    limits.lists = args.lists.unwrap_or(limits.lists);
    RunOptions::default().with_limits(limits)
}

fn phases(planned: f64, seconds: f64) -> std::collections::BTreeMap<String, f64> {
    [
        ("plan".to_owned(), planned),
        ("run".to_owned(), seconds - planned),
    ]
    .into()
}

pub(crate) fn backup_spec(args: &VaultArgs) -> BackupSpec {
    BackupSpec::named(&args.name).with_namespace(format!("{PREFIX}-*"))
}

pub(crate) fn restore_spec(args: &VaultArgs) -> RestoreSpec {
    let spec = RestoreSpec::from_backup(&args.name).with_name(&args.target);
    (0..args.namespaces).fold(spec, |spec, number| {
        spec.with_namespace_mapping(
            format!("{PREFIX}-{number}"),
            format!("{}-{number}", args.target),
        )
    })
}

pub(crate) async fn restorer(args: &VaultArgs) -> Result<Restore> {
    let client = client(args).await?;
    let vault = vault(&args.vault).await?;
    Ok(Restore::new(
        vault,
        KubeTarget::new(client.clone()),
        KubeApplier::new(client),
    ))
}

pub(crate) async fn client(args: &VaultArgs) -> Result<ClusterClient> {
    Ok(ClusterClient::from_kubeconfig(Some(&args.kubeconfig), &ConnectOptions::default()).await?)
}

pub(crate) async fn vault(folder: &Path) -> Result<Vault> {
    let host = Host::default().with_compute(Arc::new(BlockingCompute::default()));
    Ok(Vault::open_or_create(Arc::new(OpendalVault::fs(folder)), host).await?)
}

//! `cancel`: how long a running operation takes to answer when its token falls.

use crate::{
    Result,
    args::{CancelArgs, CancelledArgs, Output},
    child,
    objects::{progress, start},
    process::peak_rss_mib,
    product,
    sample::{Sample, largest, median},
};
use csdr_core::{
    backup::Backup,
    port::{Event, Observer},
    report::{Outcome, RunOptions},
};
use csdr_k8s::KubeCollector;
use serde_json::json;
use std::{
    io::{self, Write},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use tokio_util::sync::CancellationToken;

const CONNECTIONS: usize = 32;

/// Fills a cluster, cancels backups and restores of it at several points, and prints how soon each answered.
pub(crate) async fn run(args: &CancelArgs) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let cluster = start().await?;
    let common = |command: &str| {
        vec![
            command.to_owned(),
            format!("--kubeconfig={}", cluster.kubeconfig().path().display()),
            format!("--namespaces={}", args.namespaces),
        ]
    };
    let vaulted = |command: &str, name: &str| {
        let mut arguments = common(command);
        arguments.push(format!("--vault={}", folder.path().join("csdr").display()));
        arguments.push(format!("--name={name}"));
        arguments
    };
    let mut fill = common("fill");
    fill.push(format!("--count={}", args.count));
    fill.push(format!("--connections={CONNECTIONS}"));
    child::run(&fill).await?;
    child::run(&vaulted("csdr-backup", "whole")).await?;

    let (mut backup, mut restore) = (Vec::new(), Vec::new());
    for round in 0..args.rounds {
        // A third of the way, two thirds …
        let after = args.count * (round + 1) / (args.rounds + 1);
        let mut arguments = vaulted("cancel-backup", &format!("cut-{round}"));
        arguments.push(format!("--after={after}"));
        backup.push(answered("backup", &child::run(&arguments).await?));
        let mut arguments = vaulted("cancel-restore", "whole");
        arguments.push(format!("--after={after}"));
        arguments.push(format!("--target=cut-{round}"));
        restore.push(answered("restore", &child::run(&arguments).await?));
    }
    cluster.stop().await;

    let mut out = io::stdout().lock();
    for (what, seconds) in [("backup", &backup), ("restore", &restore)] {
        let (middle, most) = (
            median(seconds.iter().copied()),
            largest(seconds.iter().copied()),
        );
        let count = args.count;
        writeln!(
            out,
            "cancelled {what} of {count} objects answered after {middle:.3} s (median), {most:.3} s (longest)"
        )?;
    }
    if args.output == Output::Json {
        let line = json!({
            "count": args.count,
            "backup": { "seconds": backup },
            "restore": { "seconds": restore },
        });
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn answered(what: &str, sample: &Sample) -> f64 {
    progress(&format!(
        "{what:<8} answered {:.4} s after {} objects",
        sample.seconds, sample.objects
    ));
    sample.seconds
}

/// A backup that is cancelled on its way; `seconds` is from the token's fall to the report.
pub(crate) async fn backup(args: &CancelledArgs) -> Result<Sample> {
    let collector = KubeCollector::new(product::client(&args.vault).await?);
    let backup = Backup::new(collector, product::vault(&args.vault.vault).await?);
    let plan = backup.plan(&product::backup_spec(&args.vault)).await?;
    let fuse = Arc::new(Fuse::new(args.after));
    let options = RunOptions::default()
        .with_cancel(fuse.token.clone())
        .with_observer(fuse.clone());
    let report = backup.run(plan, &options).await?;
    fuse.answer(report.outcome)
}

/// As [`backup`], of a restore.
pub(crate) async fn restore(args: &CancelledArgs) -> Result<Sample> {
    let restore = product::restorer(&args.vault).await?;
    let plan = restore.plan(&product::restore_spec(&args.vault)).await?;
    let fuse = Arc::new(Fuse::new(args.after));
    let options = RunOptions::default()
        .with_cancel(fuse.token.clone())
        .with_observer(fuse.clone());
    let report = restore.run(plan, &options).await?;
    fuse.answer(report.outcome)
}

/// Lets the token fall after so many objects, and remembers when.
#[derive(Debug)]
struct Fuse {
    token: CancellationToken,
    after: u64,
    done: AtomicU64,
    fell: OnceLock<Instant>,
}

impl Fuse {
    fn new(after: u64) -> Self {
        Self {
            token: CancellationToken::new(),
            after,
            done: AtomicU64::new(0),
            fell: OnceLock::new(),
        }
    }

    fn answer(&self, outcome: Outcome) -> Result<Sample> {
        let ended = Instant::now();
        let fell = self
            .fell
            .get()
            .ok_or("the operation ended before it was to be cancelled")?;
        if outcome != Outcome::Cancelled {
            return Err(format!("the operation ended as {outcome}, not as Cancelled").into());
        }
        Ok(Sample {
            seconds: ended.duration_since(*fell).as_secs_f64(),
            objects: self.done.load(Ordering::Relaxed),
            peak_rss_mib: peak_rss_mib()?,
            ..Sample::default()
        })
    }
}

impl Observer for Fuse {
    fn observe(&self, event: &Event<'_>) {
        let objects = match event {
            Event::ObjectDone { .. } => 1,
            Event::ObjectsDone { objects, .. } => *objects,
            _ => return,
        };
        let before = self.done.fetch_add(objects, Ordering::Relaxed);
        if before + objects >= self.after {
            self.fell.get_or_init(Instant::now);
            self.token.cancel();
        }
    }
}

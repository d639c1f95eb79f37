//! `csdr restore …`.

use super::{
    Exit,
    args::{Arm, RestoreCreate, RestorePlan as PlanArgs},
    backup::after,
    context::{Context, scratch_store},
    convert, folder, planned, spec,
    table::{table, time, took},
};
use csdr_core::{
    Error, Result,
    conversion::TargetApis,
    report::Outcome,
    restore::{ObjectOutcome, Restore, RestorePlan, RestoreReport},
    spec::RestoreSpec,
    vault::StoredBackup,
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use tempfile::TempDir;

/// Reports that are read at the same time.
const READERS: usize = 8;

/// A plan writes nothing, not even the folder that it is for.
#[derive(Clone, Copy)]
enum Purpose {
    Plan,
    Run,
}

/// Everything that a restore needs; Velero's backup lies in the temporary folder as long as this lives.
struct Prepared {
    restore: Restore,
    spec: RestoreSpec,
    _scratch: TempDir,
}

async fn prepared(cx: &Context, args: &PlanArgs, purpose: Purpose) -> Result<Prepared> {
    let spec = spec::restore(args)?;
    let vault = cx.vault().await?;
    let opened = cx.open(&vault, &spec.backup_name, &args.scratch).await?;
    if let (Some(to), Purpose::Run) = (&args.to, purpose) {
        folder::make(to)?;
    }
    let target = cx
        .target(args.to.as_deref(), &args.cluster, &opened.backup)
        .await?;
    let later = later(cx, args, &opened.backup).await?;
    let (store, folder) = scratch_store(&args.scratch)?;
    let restore = Restore::new(vault, target.target, target.applier)
        .with_scratch(store)
        .with_converter(args.choices.converter());
    let restore = match target.hooks {
        Some(hooks) => restore.with_hooks(hooks),
        None => restore,
    };
    Ok(Prepared {
        restore: match later {
            Some(apis) => restore.with_target_apis(apis),
            None => restore,
        },
        spec,
        _scratch: folder,
    })
}

/// What a folder is rendered for. A release says nothing of custom kinds: those that the backup does not define are taken as they are.
async fn later(cx: &Context, args: &PlanArgs, backup: &StoredBackup) -> Result<Option<TargetApis>> {
    let (release, file) = (args.later.target_release, &args.later.target_apis);
    let Some(apis) = convert::target(release, file.as_deref())? else {
        return Ok(None);
    };
    if release.is_none() {
        return Ok(Some(apis));
    }
    let mut discovery = apis.discovery().clone();
    let declared = cx.unless_cancelled("read backup", folder::declared(backup));
    discovery.resources.extend(declared.await?);
    Ok(Some(TargetApis::from_discovery(discovery.sorted())))
}

async fn plan_of(cx: &Context, prepared: &Prepared) -> Result<RestorePlan> {
    let planning = prepared.restore.plan(&prepared.spec);
    cx.unless_cancelled("plan restore", planning).await
}

pub(super) async fn plan(cx: &Context, args: &PlanArgs) -> Result<Exit> {
    let plan = plan_of(cx, &prepared(cx, args, Purpose::Plan).await?).await?;
    show(cx, &plan)
}

fn show(cx: &Context, plan: &RestorePlan) -> Result<Exit> {
    let shown = planned::Shown::new(plan);
    cx.console
        .show(cx.output, &shown, || shown.text(cx.console.is_verbose()))?;
    if plan.is_empty() {
        return Err(Error::invalid(
            "nothing is selected; check namespaces, resources and label selector",
        )
        .with_operation("plan restore")
        .with_context("backup", &plan.spec().backup_name));
    }
    cx.console.line("nothing was changed");
    Ok(Exit::Complete)
}

pub(super) async fn create(cx: &Context, args: &RestoreCreate) -> Result<Exit> {
    let purpose = if args.dry_run {
        Purpose::Plan
    } else {
        Purpose::Run
    };
    let prepared = prepared(cx, &args.plan, purpose).await?;
    let plan = plan_of(cx, &prepared).await?;
    if args.dry_run {
        return show(cx, &plan);
    }
    let (options, progress) = cx.run_options(&args.bounds);
    let ended = prepared.restore.run(plan, &options).await;
    progress.end();
    let report = ended?;
    cx.console.show(cx.output, &report, || told(&report))?;
    after(
        cx,
        report.outcome,
        report.failure.as_ref().map(|failure| failure.to_error()),
    );
    Ok(report.outcome.into())
}

fn told(report: &RestoreReport) -> String {
    let seconds = took(Some(report.started), Some(report.ended));
    format!("{report}\n  took {seconds}, operation {}", report.operation)
}

/// One line of `list`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    name: String,
    /// `None`: it runs, or was killed or cancelled.
    outcome: Option<Outcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<RestoreReport>,
}

pub(super) async fn list(cx: &Context) -> Result<Exit> {
    let vault = cx.vault().await?;
    let reading = async {
        stream::iter(vault.restores().await?)
            .map(|entry| {
                let vault = vault.clone();
                async move {
                    let report = match entry.ended {
                        true => Some(vault.restore_report(&entry.name).await?),
                        false => None,
                    };
                    Ok::<_, Error>(Listed {
                        name: entry.name,
                        outcome: report.as_ref().map(|report| report.outcome),
                        report,
                    })
                }
            })
            .buffered(READERS)
            .try_collect::<Vec<_>>()
            .await
    };
    let restores = cx.unless_cancelled("list restores", reading).await?;
    cx.console.show(cx.output, &restores, || {
        if restores.is_empty() {
            return "no restores".to_owned();
        }
        table(
            &[
                "NAME", "BACKUP", "OUTCOME", "CREATED", "CHANGED", "EXISTED", "SKIPPED", "FAILED",
                "STARTED", "TOOK",
            ],
            restores.iter().map(row),
        )
    })?;
    Ok(Exit::Complete)
}

fn row(listed: &Listed) -> Vec<String> {
    let Some(report) = &listed.report else {
        return vec![listed.name.clone(), String::new(), "Unfinished".to_owned()];
    };
    // A table for people has few columns: the report itself tells more apart.
    let count = |outcomes: &[ObjectOutcome]| {
        let all: u64 = outcomes.iter().map(|own| report.count(*own)).sum();
        all.to_string()
    };
    vec![
        listed.name.clone(),
        report.backup.clone(),
        report.outcome.to_string(),
        count(&[ObjectOutcome::Created]),
        count(&[ObjectOutcome::Updated, ObjectOutcome::Recreated]),
        count(&[ObjectOutcome::Existed, ObjectOutcome::Unchanged]),
        count(&[ObjectOutcome::Skipped]),
        count(&[ObjectOutcome::Failed, ObjectOutcome::NotReady]),
        time(Some(report.started)),
        took(Some(report.started), Some(report.ended)),
    ]
}

pub(super) async fn describe(cx: &Context, name: &str) -> Result<Exit> {
    let vault = cx.vault().await?;
    let report = cx
        .unless_cancelled("describe restore", vault.restore_report(name))
        .await?;
    cx.console.show(cx.output, &report, || told(&report))?;
    Ok(Exit::Complete)
}

pub(super) async fn arm(cx: &Context, args: &Arm) -> Result<Exit> {
    let vault = cx.vault().await?;
    let target = cx.cluster_target(&args.cluster).await?;
    let (options, progress) = cx.run_options(&args.bounds);
    let restore = Restore::new(vault, target.target, target.applier);
    let armed = restore.rearm(&args.name, &options).await;
    progress.end();
    let armed = armed?;
    cx.console
        .show(cx.output, &armed, || match armed.as_slice() {
            [] => "no webhooks are open".to_owned(),
            armed => {
                let lines = armed.iter().map(|own| format!("{}: {own}", own.object));
                lines.collect::<Vec<_>>().join("\n")
            }
        })?;
    Ok(Exit::Complete)
}

//! `csdr backup …`, but for `export`.

mod velero;

use super::{
    Exit,
    args::{BackupCreate, Delete, Explain, Stored, Verify},
    context::{Context, Source},
    spec,
    table::{bytes, facts, list as joined, table, time, took},
};
use csdr_core::{
    Error, ErrorKind, Result,
    backup::{Backup, BackupPlan, BackupReport},
    memory::MemoryVault,
    report::Outcome,
    select::LeftOut,
    spec::BackupSpec,
    vault::{BackupOrigin, StoredBackup, Vault, VeleroDetails},
};
use futures::TryStreamExt;
use serde::Serialize;
use std::{collections::BTreeMap, fmt::Write};

/// Most lines of what was left out that a description shows.
const LEFT_OUT: usize = 1_000;

pub(super) async fn create(cx: &Context, args: &BackupCreate) -> Result<Exit> {
    let spec = spec::backup(args)?;
    let source = cx.source(args).await?;
    let found = cx.vault_if_any().await?;
    // Where there is no vault yet, one in memory stands in: a source that does not answer must not leave an empty vault behind.
    let vault = match &found {
        Some(vault) => vault.clone(),
        None => Vault::create(MemoryVault::new()).await?,
    };
    let backup = backup_of(&source, vault);
    let plan = cx
        .unless_cancelled("plan backup", backup.plan(&spec))
        .await?;
    if args.dry_run {
        cx.console.show(cx.output, &plan, || plan.to_string())?;
        if found.is_none() {
            cx.console
                .line("there is no vault yet; without --dry-run it is made");
        }
        require_something(&plan)?;
        cx.console.line("nothing was changed");
        return Ok(Exit::Complete);
    }
    require_something(&plan)?;
    if found.is_some() {
        return run(cx, args, &backup, plan).await;
    }
    let backup = backup_of(&source, cx.make_vault().await?);
    let plan = cx
        .unless_cancelled("plan backup", backup.plan(&spec))
        .await?;
    run(cx, args, &backup, plan).await
}

/// Says why objects are in what `create` would take, or in a stored backup, or why not.
pub(super) async fn explain(cx: &Context, args: &Explain) -> Result<Exit> {
    let work = async {
        if args.stored {
            let stored = cx.vault().await?.backup(&args.backup.name).await?;
            let mut said = Vec::new();
            for id in &args.objects {
                said.push(stored.explain(id).await?);
            }
            return Ok((Vec::new(), said));
        }
        let spec = spec::backup(&args.backup)?;
        let source = cx.source(&args.backup).await?;
        // Nothing is written: a vault in memory stands in.
        let backup = backup_of(&source, Vault::create(MemoryVault::new()).await?);
        let plan = backup.plan(&spec).await?;
        let mut said = Vec::new();
        for id in &args.objects {
            said.push(backup.explain(&plan, id).await?);
        }
        Ok::<_, Error>((plan.warnings, said))
    };
    let (warnings, said) = cx.unless_cancelled("explain", work).await?;
    for warning in warnings {
        cx.console.line(&format!("warning: {warning}"));
    }
    let lines = || {
        let lines: Vec<String> = said.iter().map(ToString::to_string).collect();
        lines.join("\n")
    };
    cx.console.show(cx.output, &said, lines)?;
    Ok(Exit::Complete)
}

fn backup_of(source: &Source, vault: Vault) -> Backup {
    let backup = Backup::new(source.collector.clone(), vault);
    match &source.hooks {
        Some(hooks) => backup.with_hooks(hooks.clone()),
        None => backup,
    }
}

async fn run(cx: &Context, args: &BackupCreate, backup: &Backup, plan: BackupPlan) -> Result<Exit> {
    let (options, progress) = cx.run_options(&args.bounds);
    let ended = backup.run(plan, &options).await;
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

/// What a person does next when a run has not come to its end.
pub(super) fn after(cx: &Context, outcome: Outcome, failure: Option<Error>) {
    if let Some(error) = failure {
        cx.console.error(&error);
    }
    if matches!(outcome, Outcome::Failed | Outcome::Cancelled) {
        cx.console
            .line("the same command again goes on with it; `csdr vault gc` removes what it left");
    }
}

/// A selection of nothing is most often a typing error; what could not be read may be the cause as well.
fn require_something(plan: &BackupPlan) -> Result<()> {
    if !plan.is_empty() {
        return Ok(());
    }
    let error =
        Error::invalid("nothing is selected; check namespaces, resources and label selector")
            .with_operation("back up")
            .with_context("backup", &plan.spec.name);
    let mut gaps = plan.left_out.iter().filter(|left| left.reason.is_gap());
    Err(match gaps.next() {
        Some(gap) => error.with_context("could not be read", gap),
        None => error,
    })
}

fn told(report: &BackupReport) -> String {
    let seconds = took(Some(report.started), Some(report.ended));
    format!("{report}\n  took {seconds}, operation {}", report.operation)
}

pub(super) async fn list(cx: &Context) -> Result<Exit> {
    let vault = cx.vault().await?;
    let backups = cx.unless_cancelled("list backups", vault.backups()).await?;
    cx.console.show(cx.output, &backups, || {
        if backups.is_empty() {
            return "no backups".to_owned();
        }
        table(
            &[
                "NAME",
                "PHASE",
                "OBJECTS",
                "WARNINGS",
                "ERRORS",
                "STARTED",
                "TOOK",
                "NAMESPACES",
                "BY",
            ],
            backups.iter().map(|backup| {
                vec![
                    backup.name.clone(),
                    backup.phase.clone(),
                    backup
                        .objects
                        .map(|count| count.to_string())
                        .unwrap_or_default(),
                    backup.warnings.to_string(),
                    backup.errors.to_string(),
                    time(backup.started),
                    took(backup.started, backup.completed),
                    joined(&backup.included_namespaces, "*"),
                    by(backup.origin).to_owned(),
                ]
            }),
        )
    })?;
    Ok(Exit::Complete)
}

fn by(origin: BackupOrigin) -> &'static str {
    match origin {
        BackupOrigin::Csdr => "csdr",
        BackupOrigin::Velero => "velero",
    }
}

/// What `describe` says.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Description {
    name: String,
    origin: BackupOrigin,
    phase: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    objects: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    root_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spec: Option<BackupSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<BackupReport>,
    /// By resource; for backups without a report.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    kinds: BTreeMap<String, u64>,
    left_out: Vec<LeftOut>,
    /// There is more that was left out than is shown.
    left_out_cut: bool,
    /// What Velero's own files tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    velero: Option<VeleroDetails>,
    /// Why Velero's archive cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<String>,
}

pub(super) async fn describe(cx: &Context, args: &Stored) -> Result<Exit> {
    let vault = cx.vault().await?;
    let opening = vault.backup(&args.name);
    let backup = cx.unless_cancelled("open backup", opening).await?;
    let (opened, unread) = match cx.open(&vault, &args.name, &args.scratch).await {
        Ok(opened) => (Some(opened), None),
        // The files beside Velero's archive tell what became of it.
        Err(error) if matches!(error.kind(), ErrorKind::Incomplete | ErrorKind::Corrupt) => {
            (None, Some(error.chain()))
        }
        Err(error) => return Err(error),
    };
    let backup = opened.as_ref().map_or(&backup, |opened| &opened.backup);
    let said = cx
        .unless_cancelled("describe backup", description(backup, unread))
        .await?;
    cx.console.show(cx.output, &said, || written(&said))?;
    Ok(Exit::Complete)
}

async fn description(backup: &StoredBackup, unread: Option<String>) -> Result<Description> {
    let own = backup.origin() == BackupOrigin::Csdr;
    let (spec, report) = if own {
        (Some(backup.spec().await?), Some(backup.report().await?))
    } else {
        (None, None)
    };
    let readable = unread.is_none();
    let mut kinds = BTreeMap::new();
    if !own && readable {
        let mut rows = backup.rows();
        while let Some(row) = rows.try_next().await? {
            if row.preferred {
                *kinds
                    .entry(row.id.resource().with_version(row.version).to_string())
                    .or_default() += 1;
            }
        }
    }
    let (mut left_out, mut left_out_cut) = (backup.gaps().to_vec(), false);
    let mut rows = backup.left_out();
    while let Some(row) = rows.try_next().await? {
        left_out_cut = left_out.len() >= LEFT_OUT;
        if left_out_cut {
            break;
        }
        left_out.push(row);
    }
    Ok(Description {
        name: backup.name().to_owned(),
        origin: backup.origin(),
        phase: backup.phase().to_owned(),
        objects: readable.then(|| backup.objects()).transpose()?,
        root_hash: readable
            .then(|| backup.root_hash())
            .transpose()?
            .map(|hash| hash.to_string()),
        spec,
        report,
        kinds,
        left_out,
        left_out_cut,
        velero: backup.velero().await?,
        unread,
    })
}

fn written(said: &Description) -> String {
    let mut rows = vec![
        ("Name", said.name.clone()),
        ("Phase", said.phase.clone()),
        ("Written by", by(said.origin).to_owned()),
    ];
    if let Some(objects) = said.objects {
        rows.push(("Objects", objects.to_string()));
    }
    if let Some(unread) = &said.unread {
        rows.push(("Archive", unread.clone()));
    }
    if let Some(told) = &said.velero {
        rows.extend(velero::facts(told));
    }
    if let Some(report) = &said.report {
        rows.push((
            "Bytes",
            format!(
                "{}, in an archive of {}",
                bytes(report.bytes),
                bytes(report.archive_bytes)
            ),
        ));
        rows.push(("Started", time(Some(report.started))));
        rows.push(("Took", took(Some(report.started), Some(report.ended))));
        rows.push(("Operation", report.operation.to_string()));
    }
    rows.extend(said.root_hash.clone().map(|hash| ("Root hash", hash)));
    if let Some(spec) = &said.spec {
        rows.push(("Namespaces", joined(&spec.included_namespaces, "*")));
        rows.push(("Without", joined(&spec.excluded_namespaces, "")));
        rows.push(("Resources", joined(&spec.included_resources, "*")));
        rows.push(("Without", joined(&spec.excluded_resources, "")));
        rows.push(("Selector", spec.label_selector.to_string()));
        let any_of: Vec<String> = spec
            .or_label_selectors
            .iter()
            .map(ToString::to_string)
            .collect();
        rows.push(("One of", any_of.join("; ")));
        rows.push(("Labelled", spec.namespace_selector.to_string()));
        let masks = spec.masked_fields.iter();
        let masks = masks.map(|mask| format!("{}:{}", mask.resource, mask.fields.join(",")));
        rows.push(("Masked", masks.collect::<Vec<_>>().join("; ")));
    }
    let mut text = facts(rows);
    let kinds: Vec<Vec<String>> = match &said.report {
        Some(report) => report
            .kinds
            .iter()
            .map(|kind| {
                vec![
                    kind.resource.to_string(),
                    kind.objects.to_string(),
                    bytes(kind.bytes),
                ]
            })
            .collect(),
        None => said
            .kinds
            .iter()
            .map(|(kind, objects)| vec![kind.clone(), objects.to_string(), String::new()])
            .collect(),
    };
    if !kinds.is_empty() {
        text.push_str("\n\n");
        text.push_str(&table(&["RESOURCE", "OBJECTS", "BYTES"], kinds));
    }
    let mut section = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            // Writing into a string does not fail.
            let _ = write!(text, "\n\n{title}:\n  {}", lines.join("\n  "));
        }
    };
    let mut left: Vec<String> = said.left_out.iter().map(ToString::to_string).collect();
    if said.left_out_cut {
        left.push("… and more, in the backup's left-out lists".to_owned());
    }
    section("Left out", left);
    if let Some(report) = &said.report
        && !report.hooks.is_empty()
    {
        section(
            "Hooks",
            report
                .hooks
                .to_string()
                .lines()
                .map(str::to_owned)
                .collect(),
        );
    }
    if let Some(report) = &said.report {
        section(
            "Errors",
            report.errors.iter().map(ToString::to_string).collect(),
        );
        section(
            "Warnings",
            report.warnings.iter().map(ToString::to_string).collect(),
        );
    }
    if let Some(told) = &said.velero {
        for (title, lines) in velero::sections(told) {
            section(title, lines);
        }
    }
    text
}

pub(super) async fn verify(cx: &Context, args: &Verify) -> Result<Exit> {
    let vault = cx.vault().await?;
    let backup = cx
        .unless_cancelled("open backup", vault.backup(&args.name))
        .await?;
    let report = cx
        .unless_cancelled("verify backup", backup.verify(args.level.into()))
        .await?;
    cx.console.show(cx.output, &report, || report.to_string())?;
    if report.is_sound() {
        return Ok(Exit::Complete);
    }
    cx.console.line(&format!(
        "error: backup {} is damaged; restore from another one, and make a new one under another name",
        args.name
    ));
    Ok(Exit::Failed)
}

pub(super) async fn delete(cx: &Context, args: &Delete) -> Result<Exit> {
    let vault = cx.vault().await?;
    if args.dry_run {
        cx.unless_cancelled("delete backup", vault.check_deletable(&args.name))
            .await?;
        cx.console
            .print(&format!("backup {} would be deleted", args.name))?;
        return Ok(Exit::Complete);
    }
    cx.unless_cancelled("delete backup", vault.delete(&args.name))
        .await?;
    cx.console
        .print(&format!("backup {} is deleted", args.name))?;
    Ok(Exit::Complete)
}

//! `csdr vault …`.

use super::{Exit, args::Gc, context::Context, table::facts};
use csdr_core::{
    Error, ErrorKind, Result,
    port::VaultBackend,
    vault::{BackupOrigin, GcOptions, GcReport, Vault, VerifyLevel},
};
use csdr_storage::probe;
use serde::Serialize;
use std::fmt::Write;

pub(super) async fn create(cx: &Context) -> Result<Exit> {
    let creating = Vault::create_with(cx.backend()?, Context::host());
    let vault = cx.unless_cancelled("create vault", creating).await?;
    cx.console
        .print(&format!("made vault {} at {vault}", id(&vault)))?;
    Ok(Exit::Complete)
}

/// What `check` says.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    vault: String,
    id: String,
    atomic_create: bool,
    range_read: bool,
    deletes: bool,
    backups: usize,
    problems: Vec<String>,
}

pub(super) async fn check(cx: &Context) -> Result<Exit> {
    let vault = cx.vault().await?;
    let checked = cx.unless_cancelled("check vault", checked(&vault)).await?;
    cx.console.show(cx.output, &checked, || told(&checked))?;
    if checked.problems.is_empty() {
        return Ok(Exit::Complete);
    }
    cx.console.line(&format!(
        "error: {} problems; `csdr backup verify NAME` shows how far one backup is damaged",
        checked.problems.len()
    ));
    Ok(Exit::Failed)
}

async fn checked(vault: &Vault) -> Result<Checked> {
    let backend = vault.backend();
    let found = probe(backend, &*vault.host().entropy).await?;
    let promised = backend.capabilities();
    let mut problems = Vec::new();
    if promised.conditional_create && !(found.conditional_create && found.conditional_finish) {
        problems.push(
            "the store replaces objects that it was told to keep; an s3:// vault takes ?conditional_create=never".to_owned(),
        );
    }
    if promised.range_read && !found.range_read {
        problems.push("the store does not read parts of objects".to_owned());
    }
    let backups = vault.backups().await?;
    for backup in backups
        .iter()
        .filter(|backup| backup.origin == BackupOrigin::Csdr)
    {
        match verified(vault, &backup.name).await {
            Ok(found) => problems.extend(found),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::Corrupt | ErrorKind::NotFound | ErrorKind::Incompatible
                ) =>
            {
                problems.push(error.to_string());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Checked {
        vault: vault.to_string(),
        id: id(vault),
        atomic_create: found.conditional_create && found.conditional_finish,
        range_read: found.range_read,
        deletes: found.delete,
        backups: backups.len(),
        problems,
    })
}

async fn verified(vault: &Vault, name: &str) -> Result<Vec<String>, Error> {
    let report = vault
        .backup(name)
        .await?
        .verify(VerifyLevel::Manifest)
        .await?;
    let problems = report.problems.iter();
    Ok(problems
        .map(|problem| format!("backup {name}: {}: {}", problem.file, problem.message))
        .collect())
}

fn id(vault: &Vault) -> String {
    vault.id().map_or_else(
        || "none: only Velero has written here".to_owned(),
        |id| id.to_string(),
    )
}

fn told(checked: &Checked) -> String {
    let word = |good: bool| if good { "yes" } else { "no" }.to_owned();
    let mut text = facts([
        ("Vault", checked.vault.clone()),
        ("Id", checked.id.clone()),
        ("Creates only what is new", word(checked.atomic_create)),
        ("Reads parts", word(checked.range_read)),
        ("Deletes", word(checked.deletes)),
        ("Backups", checked.backups.to_string()),
    ]);
    for problem in &checked.problems {
        // Writing into a string does not fail.
        let _ = write!(text, "\nproblem: {problem}");
    }
    text
}

pub(super) async fn gc(cx: &Context, args: &Gc) -> Result<Exit> {
    let vault = cx.vault().await?;
    let default = GcOptions::default();
    let options = GcOptions {
        dry_run: args.dry_run,
        claim_expiry: args.claim_expiry.unwrap_or(default.claim_expiry),
        hooks: cx.thawing(&args.cluster).await?,
    };
    let report = cx
        .unless_cancelled("collect leftovers", vault.gc(&options))
        .await?;
    cx.console
        .show(cx.output, &report, || listed(&report, args.dry_run))?;
    Ok(if report.failed.is_empty() {
        Exit::Complete
    } else {
        Exit::Partial
    })
}

fn listed(report: &GcReport, dry_run: bool) -> String {
    let removed = if dry_run {
        "would be removed"
    } else {
        "removed"
    };
    let groups = [
        (removed, &report.removed),
        ("kept", &report.kept),
        ("failed", &report.failed),
        ("thawed", &report.thawed),
    ];
    let lines: Vec<String> = groups
        .iter()
        .flat_map(|(word, folders)| {
            folders
                .iter()
                .map(move |folder| format!("{word}: {folder}"))
        })
        .collect();
    if lines.is_empty() {
        "nothing to remove".to_owned()
    } else {
        lines.join("\n")
    }
}

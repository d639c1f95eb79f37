//! The last stage: side files → report → manifest → commit record.

use super::{BackupPlan, BackupReport};
use crate::{
    Error, ErrorKind, Result,
    archive::{ArchiveSummary, Digest},
    port::VaultBackend,
    vault::{
        BackupLayout, Claim, FORMAT, Files, IndexPartRecord, Manifest, Vault, commit_record,
        encode_document, gzip, put_once, results,
    },
};
use std::fmt::Write;

pub(super) struct Seal<'a> {
    pub(super) vault: &'a Vault,
    pub(super) layout: &'a BackupLayout,
    pub(super) claim: &'a Claim,
    pub(super) plan: &'a BackupPlan,
    pub(super) archive: ArchiveSummary,
    pub(super) index: Vec<IndexPartRecord>,
}

impl Seal<'_> {
    /// Writes everything that makes the archive a backup; the commit record comes last.
    pub(super) async fn run(
        self,
        mut files: Files<'_>,
        report: BackupReport,
    ) -> Result<BackupReport> {
        let mut side = vec![
            ("logs.gz", gzip(log(self.plan, &report).as_bytes())?),
            (
                "results.gz",
                gzip(
                    results(&report.errors, &report.warnings)
                        .to_string()
                        .as_bytes(),
                )?,
            ),
        ];
        for empty in [
            "volumesnapshots.json.gz",
            "podvolumebackups.json.gz",
            "itemoperations.json.gz",
        ] {
            side.push((empty, gzip(b"[]")?));
        }
        let mut bodies: Vec<_> = side
            .into_iter()
            .map(|(name, body)| (self.layout.side_path(name), body))
            .collect();
        bodies.push(("csdr/report.json".to_owned(), encode_document(&report)?));
        self.claim.guard().await?;
        files.put_all(bodies).await?;
        let files = files.into_records();
        let archive_size = self.archive.size;
        let manifest = Manifest {
            format: FORMAT,
            backup: report.name.clone(),
            operation: report.operation,
            created: report.ended,
            archive: self.archive,
            root_hash: Manifest::hash_of(&files),
            files,
            index: self.index,
        };
        let manifest = encode_document(&manifest)?;
        let backend = &**self.vault.backend();
        self.claim.check().await?;
        put_once(backend, &self.layout.manifest()?, manifest.clone()).await?;
        let record = commit_record(
            &self.plan.spec,
            &report,
            &self.plan.server_version,
            &Digest::of(&manifest).to_string(),
        )?;
        self.claim.check().await?;
        check_archive(self.vault, self.layout, archive_size).await?;
        put_once(backend, &self.layout.commit()?, encode_document(&record)?).await?;
        Ok(report)
    }
}

/// Makes sure that the archive is still there: while this operation stood still, another may have removed what it had written.
async fn check_archive(vault: &Vault, layout: &BackupLayout, size: u64) -> Result<()> {
    let key = layout.file(&layout.archive_path())?;
    let gone = Error::new(
        ErrorKind::Conflict,
        "the archive has gone meanwhile, or is another; run the same command again",
    )
    .with_context("key", &key);
    match vault.backend().stat(&key).await {
        Ok(meta) if meta.size == size => Ok(()),
        Ok(_) => Err(gone),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(gone.with_source(error)),
        Err(error) => Err(error),
    }
}

/// The log that `velero backup logs` shows.
fn log(plan: &BackupPlan, report: &BackupReport) -> String {
    let mut text = String::new();
    let mut line = |level: &str, message: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "time={:?} level={level} msg={message:?}",
            report.ended.to_string()
        );
    };
    line(
        "info",
        format!(
            "csdr {} backed up {} kinds of {} namespaces",
            plan.csdr,
            plan.kinds.len(),
            plan.namespaces.len()
        ),
    );
    for kind in &report.kinds {
        line(
            "info",
            format!(
                "{}: {} objects, {} bytes",
                kind.resource, kind.objects, kind.bytes
            ),
        );
    }
    for note in report.warnings.iter() {
        line("warning", note.to_string());
    }
    for note in report.errors.iter() {
        line("error", note.to_string());
    }
    line(
        "info",
        format!(
            "{}: {} objects, archive of {} bytes",
            report.outcome, report.objects, report.archive_bytes
        ),
    );
    text
}

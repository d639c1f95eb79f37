//! Running a backup.

use super::{
    Backup, BackupPlan, BackupReport, ObjectsSummary,
    objects::{Archived, ObjectsStage},
    seal::Seal,
};
use crate::{
    Error, ErrorKind, Result,
    port::{Event, VaultBackend, VaultBackendExt, VaultKey, operation_id},
    report::{Failure, Outcome, RunOptions, unless_cancelled},
    vault::{
        BackupLayout, Claim, ClaimRequest, Files, Journal, JournalEntry, ObjectsArchived,
        encode_document,
    },
};
use jiff::Timestamp;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Most files of one backup.
const MAX_FILES: usize = 1_000_000;

impl Backup {
    /// Runs a plan. `Err` only before the name is claimed: nothing was changed. After that the report says how it ended.
    ///
    /// The same spec again over a dead operation's name continues it: an archive that is whole is taken over, the rest is made anew.
    ///
    /// # Errors
    /// `InvalidInput` for a plan that was changed, or that selects nothing; `AlreadyExists` for a name that is taken; the store's.
    ///
    /// # Cancellation
    /// When the token falls, no request starts any more and the report says `Cancelled`; the vault is as after a kill, except that an
    /// archive's multipart upload is still ended on the store, in the background (`AbortMultipartUpload`).
    /// Dropping the future does the same without a report.
    pub async fn run(&self, plan: BackupPlan, options: &RunOptions) -> Result<BackupReport> {
        let about = |error: Error| {
            error
                .with_operation("back up")
                .with_context("backup", &plan.spec.name)
        };
        plan.check(self.vault.writable_id()?)?;
        let layout = self.vault.layout(&plan.spec.name)?;
        let started = self.vault.host().clock.now();
        if options.cancel.is_cancelled() {
            return Err(Error::cancelled("back up"));
        }
        let this = &self.until(&options.cancel);
        let claimed = unless_cancelled(&options.cancel, this.claim(&plan, &layout, options)).await;
        let (claim, continued) = claimed
            .ok_or_else(|| Error::cancelled("back up"))?
            .map_err(about)?;
        let run = Run {
            backup: this,
            plan: &plan,
            layout: &layout,
            operation: claim.operation(),
            claim: &claim,
            options,
            started,
            continued,
        };
        let work = async {
            let ended = claim.hold(run.stages()).await;
            if ended.is_err() {
                // Whoever comes next need not wait; if this fails as well, the claim expires by itself.
                let _ = claim.release().await;
            }
            ended
        };
        let ended = unless_cancelled(&options.cancel, work).await;
        let unfinished = |outcome, error| run.report(ObjectsSummary::default(), outcome, error);
        Ok(match ended {
            None => unfinished(Outcome::Cancelled, None),
            Some(Ok(report)) => report,
            Some(Err(error)) => unfinished(Outcome::Failed, Some(&about(error))),
        })
    }

    /// Takes the name. The second value is whether a dead operation is continued.
    async fn claim(
        &self,
        plan: &BackupPlan,
        layout: &BackupLayout,
        options: &RunOptions,
    ) -> Result<(Claim, bool)> {
        let (backend, host) = (self.vault.backend(), self.vault.host());
        if backend.exists(&layout.commit()?).await? {
            return Err(exists());
        }
        let digest = plan.spec.digest()?;
        let request = ClaimRequest {
            folder: layout.csdr()?,
            operation: operation_id(&*host.clock, &*host.entropy)?,
            purpose: "backup",
            spec_digest: &digest,
            expiry: options.limits.claim_expiry,
            take_any: false,
        };
        let (claim, continued) = Claim::take(backend.clone(), host.clone(), request).await?;
        if !continued {
            return Ok((claim, false));
        }
        // Between the look above and the claim a running operation may have ended and its claim expired.
        let refusal = match backend.exists(&layout.commit()?).await {
            Ok(false) => return Ok((claim, true)),
            Ok(true) => exists(),
            Err(error) => error,
        };
        // Whoever comes next need not wait; if this fails as well, the claim expires by itself.
        let _ = claim.give_back().await;
        Err(refusal)
    }
}

/// Source: R364.
fn exists() -> Error {
    Error::new(
        ErrorKind::AlreadyExists,
        "backup already exists in OSS bucket; use a new name",
    )
}

/// One running backup.
struct Run<'a> {
    backup: &'a Backup,
    plan: &'a BackupPlan,
    layout: &'a BackupLayout,
    claim: &'a Claim,
    options: &'a RunOptions,
    started: Timestamp,
    operation: Uuid,
    continued: bool,
}

impl Run<'_> {
    /// The stages in their order.
    async fn stages(&self) -> Result<BackupReport> {
        let backend = &**self.backup.vault.backend();
        let journal = &mut Journal::new(backend, &self.layout.csdr()?, self.operation)?;
        let mut files = Files::new(backend, self.layout);
        let adopted = if self.continued {
            self.adopt(journal).await?
        } else {
            None
        };
        files
            .put(
                "csdr/spec.json".to_owned(),
                encode_document(&self.plan.spec)?,
            )
            .await?;
        files
            .put("csdr/plan.json".to_owned(), encode_document(self.plan)?)
            .await?;
        let archived = match adopted {
            Some(archived) => archived,
            None => {
                self.stage(
                    "objects",
                    Some(self.plan.objects().0),
                    self.objects(journal),
                )
                .await?
            }
        };
        for record in archived.files {
            files.record(record);
        }
        let outcome = if archived.summary.errors.is_empty() {
            Outcome::Completed
        } else {
            Outcome::PartiallyFailed
        };
        let report = self.report(archived.summary, outcome, None);
        let seal = Seal {
            vault: &self.backup.vault,
            layout: self.layout,
            claim: self.claim,
            plan: self.plan,
            archive: archived.archive,
            index: archived.index,
        };
        self.stage("seal", None, seal.run(files, report)).await
    }

    async fn stage<T>(
        &self,
        stage: &'static str,
        objects: Option<u64>,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.options
            .observer
            .observe(&Event::StageStarted { stage, objects });
        let done = work.await?;
        self.options.observer.observe(&Event::StageEnded { stage });
        Ok(done)
    }

    async fn objects(&self, journal: &mut Journal<'_>) -> Result<Archived> {
        let stage = ObjectsStage {
            collector: &self.backup.collector,
            vault: &self.backup.vault,
            layout: self.layout,
            claim: self.claim,
            plan: self.plan,
            options: self.options,
        };
        let archived = stage.run().await?;
        let entry = ObjectsArchived {
            archive: archived.archive.clone(),
            files: archived.files.clone(),
            index: archived.index.clone(),
            summary: archived.summary.clone(),
        };
        journal
            .write(&JournalEntry::ObjectsArchived(Box::new(entry)))
            .await?;
        Ok(archived)
    }

    /// Takes over what a dead operation finished, and removes everything else that it left.
    async fn adopt(&self, journal: &Journal<'_>) -> Result<Option<Archived>> {
        let backend = &**self.backup.vault.backend();
        let mut adopted = None;
        for entry in journal.read().await? {
            let JournalEntry::ObjectsArchived(entry) = entry;
            if self.is_whole(backend, &entry).await? {
                adopted = Some(Archived {
                    archive: entry.archive,
                    files: entry.files,
                    index: entry.index,
                    summary: entry.summary,
                });
            }
        }
        let csdr = self.layout.csdr()?;
        let kept: BTreeSet<&str> = adopted
            .iter()
            .flat_map(|archived| &archived.files)
            .map(|file| file.path.as_str())
            .collect();
        for meta in backend.keys(self.layout.folder(), MAX_FILES).await? {
            let path = meta.key.below(self.layout.folder()).unwrap_or_default();
            let needed = path.starts_with("csdr/claim-")
                || path.starts_with("csdr/journal/") && adopted.is_some()
                || kept.contains(path);
            if !needed {
                self.remove_leftover(backend, &meta.key, &csdr).await?;
            }
        }
        Ok(adopted)
    }

    async fn remove_leftover(
        &self,
        backend: &dyn VaultBackend,
        key: &VaultKey,
        csdr: &VaultKey,
    ) -> Result<()> {
        self.claim.guard().await?;
        backend.delete(key).await.map_err(|error| {
            Error::new(error.kind(), "the name is spent: a dead operation left files that the store does not let go; use a new name")
                .with_context("file", key)
                .with_context("folder", csdr)
                .with_source(error)
        })
    }

    /// Whether every file of the entry is in the vault with its size and hash.
    async fn is_whole(&self, backend: &dyn VaultBackend, entry: &ObjectsArchived) -> Result<bool> {
        for file in &entry.files {
            let key = self.layout.file(&file.path)?;
            match crate::vault::check_file(backend, &key, file).await {
                Ok(None) => {}
                Ok(Some(_)) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn report(
        &self,
        summary: ObjectsSummary,
        outcome: Outcome,
        error: Option<&Error>,
    ) -> BackupReport {
        let mut warnings = summary.warnings;
        for warning in &self.plan.warnings {
            warnings.push(crate::report::Note::new("", warning.clone()));
        }
        BackupReport {
            name: self.plan.spec.name.clone(),
            operation: self.operation,
            outcome,
            started: self.started,
            ended: self.backup.vault.host().clock.now(),
            continued: self.continued,
            objects: summary.objects,
            related: summary.related,
            bytes: summary.bytes,
            archive_bytes: summary.archive_bytes,
            kinds: summary.kinds,
            left_out: summary.left_out,
            warnings,
            errors: summary.errors,
            failure: error.map(Failure::new),
        }
    }
}

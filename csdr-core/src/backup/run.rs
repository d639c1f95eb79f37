//! Running a backup.

use super::{
    Backup, BackupPlan, BackupReport, ObjectsSummary,
    freeze::{FreezeStage, Freezer, FrozenObjects},
    objects::{Archived, ObjectsStage},
    seal::Seal,
};
use crate::{
    Error, ErrorKind, Result,
    port::{Event, VaultBackend, VaultBackendExt, VaultKey, operation_id},
    report::{Failure, Outcome, RunOptions, unless_cancelled},
    vault::{
        BackupLayout, Claim, ClaimRequest, Files, Journal, JournalEntry, ObjectsArchived,
        encode_document, still_frozen, thaw_dead,
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
    /// archive's multipart upload is still ended on the store, in the background (`AbortMultipartUpload`), and that pods which are frozen at
    /// that moment are thawed: their post hooks run, each within its own time, before the report comes.
    /// Dropping the future does the same without a report and without thawing; the next run of the spec, or `gc`, thaws then.
    pub async fn run(&self, plan: BackupPlan, options: &RunOptions) -> Result<BackupReport> {
        let about = |error: Error| {
            error
                .with_operation("back up")
                .with_context("backup", &plan.spec.name)
        };
        plan.check(self.vault.writable_id()?)?;
        if !plan.hooks.is_empty() && self.hooks.is_none() {
            return Err(about(Error::invalid(
                "the plan has hooks, and nothing runs them; set a hook executor",
            )));
        }
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
        // Not the one that stops with the token.
        let thawer = self.hooks.as_deref();
        let freezer = Freezer::new(thawer, &*self.vault.host().clock, &*options.observer);
        let run = Run {
            freezer: &freezer,
            backup: this,
            plan: &plan,
            layout: &layout,
            operation: claim.operation(),
            claim: &claim,
            options,
            started,
            continued,
        };
        let ended = unless_cancelled(&options.cancel, claim.hold(run.stages())).await;
        // However it ended: before the name is given up, so that nobody thaws beside us.
        freezer.thaw_rest().await;
        if let Some(Err(_)) = &ended {
            // Whoever comes next need not wait; if this fails as well, the claim expires by itself.
            let _ = unless_cancelled(&options.cancel, claim.release()).await;
        }
        let unfinished = |outcome, error| {
            let mut summary = ObjectsSummary::default();
            freezer.drain(&mut summary);
            run.report(summary, outcome, error)
        };
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
    freezer: &'a Freezer<'a>,
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
        let mut archived = match adopted {
            Some(archived) => archived,
            None => {
                let frozen = self.freeze(journal).await?;
                self.stage(
                    "objects",
                    Some(self.plan.objects().0),
                    self.objects(journal, &frozen),
                )
                .await?
            }
        };
        self.freezer.drain(&mut archived.summary);
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

    /// Freezes, reads and thaws the pods with hooks.
    async fn freeze(&self, journal: &mut Journal<'_>) -> Result<FrozenObjects> {
        let Some(executor) = self.backup.hooks.as_deref() else {
            return Ok(FrozenObjects::default());
        };
        if self.plan.hooks.is_empty() {
            return Ok(FrozenObjects::default());
        }
        let stage = FreezeStage {
            collector: &self.backup.collector,
            executor,
            freezer: self.freezer,
            claim: self.claim,
            plan: self.plan,
            operation: self.operation,
        };
        self.stage("hooks", None, stage.run(journal)).await
    }

    async fn objects(&self, journal: &mut Journal<'_>, frozen: &FrozenObjects) -> Result<Archived> {
        let stage = ObjectsStage {
            collector: &self.backup.collector,
            vault: &self.backup.vault,
            layout: self.layout,
            claim: self.claim,
            plan: self.plan,
            options: self.options,
            frozen,
        };
        let mut archived = stage.run().await?;
        for block in self.freezer.thaw_stuck().await {
            journal.write(&JournalEntry::Thawed(block)).await?;
        }
        self.freezer.drain(&mut archived.summary);
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
    async fn adopt(&self, journal: &mut Journal<'_>) -> Result<Option<Archived>> {
        let backend = &**self.backup.vault.backend();
        let entries = journal.read().await?;
        let frozen = still_frozen(&entries);
        let executor = self.backup.hooks.as_deref();
        let clock = &*self.backup.vault.host().clock;
        let thawed = thaw_dead(executor, clock, &frozen, journal).await?;
        self.freezer.thawed_dead(thawed);
        let mut adopted = None;
        for entry in entries {
            let JournalEntry::ObjectsArchived(entry) = entry else {
                continue;
            };
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
            hooks: summary.hooks,
            warnings,
            errors: summary.errors,
            failure: error.map(Failure::new),
        }
    }
}

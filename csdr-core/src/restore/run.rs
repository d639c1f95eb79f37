//! Running a restore.

use super::{
    Action, Rearmed, Restore, RestorePlan, RestoreReport, Wave,
    apply::{Writer, manager_of},
    before::Before,
    hooks::RestoreHooksStage,
    meet::Meeting,
    policy::Policies,
    ready::Ready,
    record::{Record, check_not_ended},
    report::{ObjectOutcome, Outcomes},
    row::Row,
    webhook::Disarmed,
};
use crate::{
    Error, ErrorKind, Result,
    conversion::TargetApis,
    hook::{HookReport, RestoreHookRules},
    model::{Discovery, Object, ObjectId},
    port::{Event, WriteOptions, operation_id},
    report::{Failure, Note, Outcome, RunOptions, unless_cancelled},
    transform::Chain,
    vault::{Claim, ClaimRequest, RestoreLayout, StoredBackup},
};
use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, Either, pending, select},
    stream::{self, FuturesUnordered},
};
use jiff::Timestamp;
use link::Link;
use std::{
    collections::BTreeSet,
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

mod link;
mod object;
mod prerequisite;
mod quarantine;

/// How many members of the archive are read ahead.
const MEMBERS_AHEAD: usize = 2;

impl Restore {
    /// Runs a plan. `Err` only before the restore's name is claimed: nothing was changed. After that the report says how it ended.
    ///
    /// The same spec again over a dead operation's name continues it: what that one created is recognised by its field manager.
    ///
    /// # Errors
    /// `Conflict` for a plan that was changed or is for another backup, vault or target; `InvalidInput` for one that selects nothing;
    /// `AlreadyExists` for a name that is taken; the store's and target's.
    ///
    /// # Cancellation
    /// When the token falls, no request starts any more and the report says `Cancelled`; vault and target are as after a kill.
    /// Dropping the future does the same without a report.
    pub async fn run(&self, mut plan: RestorePlan, options: &RunOptions) -> Result<RestoreReport> {
        if options.cancel.is_cancelled() {
            return Err(Error::cancelled("restore"));
        }
        if self.hooks.is_none() && plan.head.spec.hooks.has_commands() {
            return Err(Error::invalid(
                "the spec has hooks that are commands, and nothing runs them; set a hook executor",
            )
            .with_operation("restore"));
        }
        let name = plan.head.spec.name.clone();
        let about = |error: Error| {
            error
                .with_operation("restore")
                .with_context("restore", &name)
        };
        let started = self.vault.host().clock.now();
        let layout = RestoreLayout::new(&name)?;
        let chain = self
            .chain(&plan.head.spec, &plan.head.known)
            .map_err(about)?;
        let policies = Policies::new(&plan.head.spec).map_err(about)?;
        let this = &self.until(&options.cancel);
        let begun =
            unless_cancelled(&options.cancel, this.begin(&mut plan, &layout, options)).await;
        let begun = begun
            .ok_or_else(|| Error::cancelled("restore"))?
            .map_err(about)?;
        let Begun {
            backup,
            apis,
            discovery,
            claim,
            continued,
            ours,
        } = begun;
        let operation = claim.operation();
        let writer = Writer {
            applier: &*this.applier,
            target: &*this.target,
            host: this.vault.host(),
            options: WriteOptions {
                field_manager: manager_of(operation),
                dry_run: false,
            },
            ours,
            attempts: options.limits.attempts,
        };
        let before = Before::new(&**this.vault.backend(), &claim, &layout, operation)?;
        let run = Run {
            restore: this,
            outcomes: Mutex::new(Outcomes::new(plan.rows.len())),
            hooked: Mutex::default(),
            hooks: Mutex::default(),
            plan: &plan,
            backup,
            apis,
            chain,
            meeting: Meeting {
                writer: &writer,
                policies: &policies,
                before: &before,
                apply: &plan.head.spec.apply,
                ready: Ready {
                    target: &*this.target,
                    host: this.vault.host(),
                    limit: options.limits.ready_wait,
                },
            },
            claim: &claim,
            record: Record {
                vault: &this.vault,
                layout: &layout,
                claim: &claim,
            },
            options,
            open: Mutex::default(),
            rearmed: Mutex::default(),
            links: Mutex::default(),
            discovery,
            started,
            operation,
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
        Ok(match unless_cancelled(&options.cancel, work).await {
            None => run.report(Outcome::Cancelled, None),
            Some(Ok(report)) => report,
            Some(Err(error)) => run.report(Outcome::Failed, Some(&about(error))),
        })
    }

    /// Checks the plan against what is there now, and takes the name.
    async fn begin(
        &self,
        plan: &mut RestorePlan,
        layout: &RestoreLayout,
        options: &RunOptions,
    ) -> Result<Begun> {
        let backup = self.open(&plan.head.spec.backup_name).await?;
        let discovery = self.target.discover().await?;
        let target = self.target_uid(&discovery).await?;
        plan.check(self.vault.writable_id()?, backup.root_hash()?, &target)?;
        if plan.head.spec.refuse_stale {
            plan.check_fresh(&self.plan(&plan.head.spec).await?)?;
        }
        let planned = plan.definitions();
        let (apis, _) = self
            .target_apis(&backup, &discovery, |id| planned.contains(id.name()))
            .await?;
        let apis = self
            .with_services(
                apis,
                &backup,
                &discovery,
                &plan.head.spec,
                &plan.ingresses(),
            )
            .await?;
        let host = self.vault.host();
        let operation = operation_id(&*host.clock, &*host.entropy)?;
        let ours = self.earlier_managers(&plan.head.spec.name).await?;
        check_not_ended(&self.vault, layout).await?;
        let digest = plan.head.spec.digest()?;
        let request = ClaimRequest {
            folder: layout.csdr()?,
            operation,
            purpose: "restore",
            spec_digest: &digest,
            expiry: options.limits.claim_expiry,
            take_any: false,
        };
        let (claim, continued) =
            Claim::take(self.vault.backend().clone(), host.clone(), request).await?;
        // Between the look above and the claim a running operation may have ended and its claim expired.
        if continued && let Err(error) = check_not_ended(&self.vault, layout).await {
            // Whoever comes next need not wait; if this fails as well, the claim expires by itself.
            let _ = claim.give_back().await;
            return Err(error);
        }
        Ok(Begun {
            backup,
            apis,
            discovery,
            claim,
            continued,
            ours,
        })
    }
}

struct Begun {
    backup: StoredBackup,
    apis: TargetApis,
    discovery: Discovery,
    claim: Claim,
    continued: bool,
    ours: std::collections::BTreeSet<String>,
}

/// One running restore.
struct Run<'a> {
    restore: &'a Restore,
    plan: &'a RestorePlan,
    backup: StoredBackup,
    apis: TargetApis,
    /// What every object goes through, as in the plan.
    chain: Chain,
    meeting: Meeting<'a>,
    claim: &'a Claim,
    record: Record<'a>,
    options: &'a RunOptions,
    outcomes: Mutex<Outcomes>,
    /// Rows of pods whose annotations ask for hooks.
    hooked: Mutex<BTreeSet<usize>>,
    hooks: Mutex<HookReport>,
    /// What was created open so far.
    open: Mutex<Vec<Disarmed>>,
    rearmed: Mutex<Vec<Rearmed>>,
    /// Objects whose owners are not all there yet.
    links: Mutex<Vec<Link>>,
    discovery: Discovery,
    started: Timestamp,
    operation: Uuid,
    continued: bool,
}

impl Run<'_> {
    fn outcomes(&self) -> MutexGuard<'_, Outcomes> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stages in their order.
    async fn stages(&self) -> Result<RestoreReport> {
        if self.continued {
            self.record.clear().await?;
        }
        self.record.begin(self.operation, self.plan).await?;
        self.settle_what_is_decided();
        if self.continued {
            self.remember_links().await?;
        }
        for wave in Wave::ALL {
            self.wave(wave).await?;
            self.link().await?;
            match wave {
                Wave::Definitions => self.wait_for_definitions().await?,
                Wave::Namespaces => self.bare_namespaces().await?,
                Wave::Workloads => self.wait_for_converters().await?,
                _ => {}
            }
        }
        self.arm().await?;
        self.run_hooks().await?;
        let outcome = if self.outcomes().errors.is_empty() {
            Outcome::Completed
        } else {
            Outcome::PartiallyFailed
        };
        let report = self.report(outcome, None);
        let rows: Vec<ObjectOutcome> = self.outcomes().rows().to_vec();
        self.record.end(self.plan, &rows, &report).await?;
        Ok(report)
    }

    /// Rows whose outcome the plan knows.
    fn settle_what_is_decided(&self) {
        for (at, row) in self.plan.rows.iter().enumerate() {
            let outcome = match row.action {
                Action::Create
                | Action::Update
                | Action::Merge
                | Action::Apply
                | Action::Recreate => continue,
                // It may have been created without it.
                Action::CreatedBefore if self.plan.restores_status(row) => continue,
                Action::SkipExisting => ObjectOutcome::Existed,
                Action::Equal => ObjectOutcome::Unchanged,
                Action::CreatedBefore => ObjectOutcome::Created,
                Action::Blocked | Action::Fail => ObjectOutcome::Failed,
                Action::Skip => ObjectOutcome::Skipped,
            };
            let kind = self.plan.kind(row).ok();
            let blocked = kind.and_then(|kind| kind.blocked.clone());
            let message = match row.action {
                Action::Blocked | Action::Skip | Action::SkipExisting | Action::Fail => self
                    .plan
                    .reason(at)
                    .map(|note| note.text.clone())
                    .or(blocked),
                _ => None,
            };
            match self.plan.source_id(row) {
                Ok(id) => self.settle(at, &id, outcome, message, u64::from(row.size)),
                Err(error) => {
                    self.outcomes()
                        .set(at, ObjectOutcome::Failed, "", Some(error.chain()))
                }
            }
        }
    }

    fn settle(
        &self,
        row: usize,
        id: &ObjectId,
        outcome: ObjectOutcome,
        message: Option<String>,
        bytes: u64,
    ) {
        if let Some(message) = &message {
            self.options.observer.observe(&Event::Noted {
                message: &format!("{id}: {message}"),
            });
        }
        self.outcomes().set(row, outcome, id, message);
        self.options.observer.observe(&Event::ObjectDone {
            id,
            outcome: outcome.as_str(),
            bytes,
        });
    }

    /// Brings the objects of one wave into the target, in parallel.
    async fn wave(&self, wave: Wave) -> Result<()> {
        let rows: Vec<u32> = self.rows_of(wave);
        if rows.is_empty() {
            return Ok(());
        }
        self.claim.guard().await?;
        self.options.observer.observe(&Event::StageStarted {
            stage: wave.stage(),
            objects: Some(rows.len() as u64),
        });
        let reads: Vec<BoxFuture<'_, _>> = rows
            .chunk_by(|a, b| self.member_of(*a) == self.member_of(*b))
            .map(|group| self.objects(group).boxed())
            .collect();
        let objects = stream::iter(reads).buffered(MEMBERS_AHEAD);
        let mut objects = pin!(objects.flat_map(stream::iter).fuse());
        let mut writes = FuturesUnordered::new();
        let limit = self.options.limits.writes.max(1);
        while !(objects.is_done() && writes.is_empty()) {
            let (room, open) = (
                !objects.is_done() && writes.len() < limit,
                !writes.is_empty(),
            );
            let read = async {
                if room {
                    objects.next().await
                } else {
                    pending().await
                }
            };
            let write = async {
                if open {
                    writes.next().await
                } else {
                    pending().await
                }
            };
            match select(pin!(write), pin!(read)).await {
                Either::Left((Some(Err((row, error))), _)) => self.unread(row, error)?,
                Either::Left(_) | Either::Right((None, _)) => {}
                Either::Right((Some((row, Err(error))), _)) => self.unread(row, error)?,
                Either::Right((Some((row, Ok((id, object)))), _)) => {
                    writes.push(self.restore_one(row, id, object).boxed());
                }
            }
        }
        self.options.observer.observe(&Event::StageEnded {
            stage: wave.stage(),
        });
        Ok(())
    }

    fn member_of(&self, row: u32) -> u64 {
        self.plan.rows[row as usize].member
    }

    /// Settles a row whose object could not be read. `Err` if nothing that follows could be read either.
    fn unread(&self, row: usize, error: Error) -> Result<()> {
        if !matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::InvalidInput) {
            return Err(error);
        }
        let id = self.plan.source_id(&self.plan.rows[row])?;
        self.settle(row, &id, ObjectOutcome::Failed, Some(error.chain()), 0);
        Ok(())
    }

    fn rows_of(&self, wave: Wave) -> Vec<u32> {
        let wanted = |row: &Row| {
            (row.action.writes() || row.action == Action::CreatedBefore)
                && self.plan.kind(row).is_ok_and(|kind| kind.wave == wave)
        };
        let outcomes = self.outcomes();
        let pending = |at: usize| outcomes.rows().get(at) == Some(&ObjectOutcome::Pending);
        let rows = self
            .plan
            .rows
            .iter()
            .enumerate()
            .filter(|(at, row)| wanted(row) && pending(*at));
        rows.filter_map(|(at, _)| u32::try_from(at).ok()).collect()
    }

    /// The stored objects of rows that lie in one member.
    async fn objects(&self, rows: &[u32]) -> Vec<(usize, Result<(ObjectId, Object)>)> {
        let Some(first) = rows.first().map(|row| &self.plan.rows[*row as usize]) else {
            return Vec::new();
        };
        let read = |row: &Row| -> Result<_> {
            Ok(row.index_row(
                self.plan.source_id(row)?,
                self.plan.kind(row)?.resource.version.clone(),
            ))
        };
        let span = read(first).map(|row| row.member);
        let member = match span {
            Ok(span) => self.backup.member(span).await,
            Err(error) => Err(error),
        };
        let mut failed = member
            .as_ref()
            .err()
            .map(|error| Error::new(error.kind(), error.chain()));
        rows.iter()
            .map(|row| {
                let at = *row as usize;
                let row = &self.plan.rows[at];
                let object = match &member {
                    Ok(member) => {
                        read(row).and_then(|index| Ok((index.id.clone(), member.object(&index)?)))
                    }
                    Err(error) => Err(failed
                        .take()
                        .unwrap_or_else(|| Error::new(error.kind(), error.chain()))),
                };
                (at, object)
            })
            .collect()
    }

    fn ready(&self) -> &Ready<'_> {
        &self.meeting.ready
    }

    /// The hooks of pods that this restore made, now or before it died.
    async fn run_hooks(&self) -> Result<()> {
        let spec = &self.plan.head.spec.hooks;
        let hooked =
            std::mem::take(&mut *self.hooked.lock().unwrap_or_else(PoisonError::into_inner));
        let mut pods = Vec::new();
        for (at, row) in self.plan.rows.iter().enumerate() {
            let made = matches!(
                self.outcomes().rows().get(at),
                Some(ObjectOutcome::Created | ObjectOutcome::Recreated)
            );
            // What a dead operation made was not read again: its pods are asked.
            let asks =
                spec.has_commands() || hooked.contains(&at) || row.action == Action::CreatedBefore;
            if made && asks {
                let id = self.plan.target_id(row)?;
                pods.extend(is_pod(&id).then_some(id));
            }
        }
        let Some(first) = pods.first() else {
            return Ok(());
        };
        let Some(executor) = self.restore.hooks.as_deref() else {
            if !hooked.is_empty() {
                let message = "pods have hooks in their annotations that were not run, this is the first: nothing runs hooks";
                let note = Note::new(first, format!("{} {message}", hooked.len()));
                self.outcomes().warnings.push(note);
            }
            return Ok(());
        };
        self.options.observer.observe(&Event::StageStarted {
            stage: "hooks",
            objects: None,
        });
        let stage = RestoreHooksStage {
            target: &*self.restore.target,
            executor,
            host: self.restore.vault.host(),
            rules: RestoreHookRules::new(spec)?,
            stopped: Default::default(),
            ended: Mutex::default(),
        };
        stage.run(pods).await?;
        let ended = stage
            .ended
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let mut outcomes = self.outcomes();
        let outcomes = &mut *outcomes;
        for (notes, kept) in [
            (ended.errors, &mut outcomes.errors),
            (ended.warnings, &mut outcomes.warnings),
        ] {
            for note in notes {
                self.options.observer.observe(&Event::Noted {
                    message: &note.to_string(),
                });
                kept.push(note);
            }
        }
        *self.hooks.lock().unwrap_or_else(PoisonError::into_inner) = ended.report;
        self.options
            .observer
            .observe(&Event::StageEnded { stage: "hooks" });
        Ok(())
    }

    fn report(&self, outcome: Outcome, error: Option<&Error>) -> RestoreReport {
        let outcomes = self.outcomes();
        RestoreReport {
            name: self.plan.head.spec.name.clone(),
            backup: self.plan.head.spec.backup_name.clone(),
            operation: self.operation,
            outcome,
            started: self.started,
            ended: self.restore.vault.host().clock.now(),
            continued: self.continued,
            objects: outcomes.counts(),
            hooks: self
                .hooks
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            warnings: outcomes.warnings.clone(),
            errors: outcomes.errors.clone(),
            rearmed: self
                .rearmed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            failure: error.map(Failure::new),
        }
    }
}

fn is_pod(id: &ObjectId) -> bool {
    id.resource().group().is_empty() && id.resource().resource() == "pods"
}

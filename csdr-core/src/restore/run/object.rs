//! The way of one object: version, transforms, what is there already, status.

use super::{Run, is_pod};
use crate::{
    Error, Result,
    conversion::Severity,
    model::{Object, ObjectId},
    report::Note,
    restore::{
        Action, ObjectOutcome,
        convert::Fitted,
        meet::{Ended, Guest},
    },
    transform::{Passage, Verdict},
};
use std::sync::PoisonError;

impl Run<'_> {
    /// Brings one object into the target. `Err` only for what concerns reading the vault.
    pub(super) async fn restore_one(
        &self,
        at: usize,
        source: ObjectId,
        object: Object,
    ) -> Result<(), (usize, Error)> {
        let row = &self.plan.rows[at];
        let size = object.json().len() as u64;
        if is_pod(&source) && object.text().contains("post.hook.restore.") {
            self.hooked
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(at);
        }
        let target = self.plan.target_id(row).map_err(|error| (at, error))?;
        let fitted = match self.fit(at, &source, object.clone()) {
            Ok(object) => object,
            Err((outcome, message)) => {
                self.settle(at, &source, outcome, Some(message), size);
                return Ok(());
            }
        };
        let passage = self.chain.pass(&object, &fitted, target);
        drop(fitted);
        let ended = match passage {
            Ok(passage) => match passage.verdict() {
                Verdict::Skip { reason } => Ended {
                    outcome: ObjectOutcome::Skipped,
                    message: Some(reason.to_string()),
                },
                Verdict::Restore => {
                    self.warn(&source, &passage);
                    self.write(at, &object, &passage)
                        .await
                        .map_err(|error| (at, error))?
                }
            },
            Err(error) => Ended::failed(&error),
        };
        self.settle(at, &source, ended.outcome, ended.message, size);
        Ok(())
    }

    /// The object in the version that the plan says; what that loses is a warning of the report.
    fn fit(
        &self,
        row: usize,
        source: &ObjectId,
        object: Object,
    ) -> Result<Object, (ObjectOutcome, String)> {
        let failed = |error: Error| (ObjectOutcome::Failed, error.chain());
        let kind = self.plan.kind(&self.plan.rows[row]).map_err(failed)?;
        match self.restore.fit(object, &self.apis).map_err(failed)? {
            Fitted::Object(fit) if fit.to == kind.target => {
                let told = fit
                    .losses
                    .iter()
                    .filter(|loss| loss.severity > Severity::Info);
                for loss in told {
                    let note = Note::new(source, loss.to_string());
                    self.outcomes().warnings.push(note);
                }
                Ok(fit.object)
            }
            Fitted::Object(fit) => Err((
                ObjectOutcome::Failed,
                format!(
                    "the target takes it as {} now, not as {} as planned; plan again",
                    fit.to, kind.target
                ),
            )),
            Fitted::Skipped(reason) => Err((ObjectOutcome::Skipped, reason.to_string())),
            Fitted::NoRoute(reason) => Err((ObjectOutcome::Failed, reason.to_string())),
        }
    }

    /// What the transforms say of an object is a warning of the report, as what its conversion loses.
    fn warn(&self, source: &ObjectId, passage: &Passage<'_>) {
        for loss in passage.steps().flat_map(|step| step.losses) {
            if loss.severity > Severity::Info {
                let note = Note::new(source, loss.to_string());
                self.outcomes().warnings.push(note);
            }
        }
    }

    /// Writes an object that the transforms let pass, and its status if the plan says so. `Err` only for what concerns the vault.
    async fn write(&self, at: usize, stored: &Object, passage: &Passage<'_>) -> Result<Ended> {
        let row = &self.plan.rows[at];
        let object = match passage.object() {
            Ok(object) => object,
            Err(error) => return Ok(Ended::failed(&error)),
        };
        let ended = match row.action {
            Action::CreatedBefore => Ended {
                outcome: ObjectOutcome::Created,
                message: None,
            },
            _ => self.bring(at, stored, &object).await?,
        };
        let created = matches!(
            ended.outcome,
            ObjectOutcome::Created | ObjectOutcome::Recreated
        );
        let status = passage
            .status()
            .filter(|_| created && self.plan.restores_status(row));
        if let Some(status) = status
            && let Err(error) = self.meeting.writer.write_status(&object, status).await
        {
            // Source: velero.md section 3.10: a status that cannot be written is a warning.
            let message = format!("its status was not restored: {}", error.chain());
            let note = Note::new(object.id(), message);
            self.outcomes().warnings.push(note);
        }
        Ok(ended)
    }

    /// Brings an object into the target, with its owners, and so that nothing is switched on before somebody answers for it.
    async fn bring(&self, at: usize, stored: &Object, object: &Object) -> Result<Ended> {
        let row = &self.plan.rows[at];
        if let Some(ended) = self.unanswered(row.action, object).await {
            return Ok(ended);
        }
        let wanted = match row.action {
            Action::Create | Action::Recreate => {
                match self.owned(at, stored, object.clone()).await {
                    Ok(wanted) => wanted,
                    Err(error) => return Ok(Ended::failed(&error)),
                }
            }
            Action::Merge => {
                self.link_later(at, stored)?;
                object.clone()
            }
            _ => object.clone(),
        };
        let open = self.opened(at, &wanted).await?;
        let guest = Guest {
            action: row.action,
            state: row.state,
            from: stored.id().resource(),
            stored: Some(stored),
            wanted: &wanted,
            first: open.as_ref(),
        };
        self.meeting.bring(&guest).await
    }
}

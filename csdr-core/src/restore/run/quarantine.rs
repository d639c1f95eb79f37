//! What is switched on only once somebody answers for it: webhooks and aggregated APIs.

use super::Run;
use crate::{
    Error, Result,
    model::{Object, ObjectId},
    report::Note,
    restore::{
        Action, Wave,
        arm::{Arming, api_backend, converter},
        backend::Answer,
        meet::Ended,
        record::Record,
        report::ObjectOutcome,
        row::Row,
        webhook::{self, by_object, disarm, is_webhooks, noted},
    },
};
use std::{collections::BTreeSet, sync::PoisonError};

impl Run<'_> {
    /// Why an aggregated API is not registered yet: before somebody answers for it, it would only break discovery, and with it the
    /// deletion of every namespace.
    pub(super) async fn unanswered(&self, action: Action, api: &Object) -> Option<Ended> {
        let creates = matches!(action, Action::Create | Action::Recreate);
        if !self.is_live() || !creates || api.id().resource().group() != "apiregistration.k8s.io" {
            return None;
        }
        let answer = async {
            match api_backend(api)? {
                None => Ok(None),
                Some(backend) => {
                    let answer = self.ready().answered(&self.discovery, &backend).await?;
                    Ok((answer != Answer::Ready).then_some((backend, answer)))
                }
            }
        };
        let (outcome, message) = match answer.await {
            Ok(None) => return None,
            Ok(Some((backend, answer))) => (
                ObjectOutcome::NotReady,
                format!(
                    "not created: {backend} {} after {} s; restore it again once it answers",
                    answer.reason(),
                    self.options.limits.ready_wait.as_secs()
                ),
            ),
            Err(error) => (ObjectOutcome::Failed, Error::chain(&error)),
        };
        Some(Ended {
            outcome,
            message: Some(message),
        })
    }

    /// Waits until what converts custom resources between their versions answers: the server asks it for every object that is not written
    /// in the stored version. What does not answer in time is told, and the objects are written all the same.
    pub(super) async fn wait_for_converters(&self) -> Result<()> {
        let Some(definitions) = self
            .discovery
            .kind("apiextensions.k8s.io", "CustomResourceDefinition")
        else {
            return Ok(());
        };
        if !self.is_live() {
            return Ok(());
        }
        let written = self.plan.rows.iter().filter(|row| row.action.writes());
        let written: BTreeSet<u16> = written.map(|row| row.kind).collect();
        let kinds = written
            .iter()
            .filter_map(|kind| self.plan.head.kinds.get(usize::from(*kind)));
        let names: BTreeSet<String> = kinds
            .filter(|kind| kind.wave == Wave::Custom)
            .map(|kind| kind.target.group_resource().to_string())
            .collect();
        let version = definitions.preferred().version;
        for name in names {
            let id = ObjectId::new(definitions.resource.clone(), None, name)?;
            // A kind without definition is another server's.
            let Some(definition) = self.restore.target.get(&id, &version).await? else {
                continue;
            };
            let Some(backend) = converter(&definition)? else {
                continue;
            };
            let answer = self.ready().answered(&self.discovery, &backend).await?;
            if answer != Answer::Ready {
                let message = format!("{backend}, which converts its objects, {}", answer.reason());
                self.outcomes().warnings.push(Note::new(id, message));
            }
        }
        Ok(())
    }

    /// A webhook configuration that lets everything pass, to be created first; noted in the vault. `None` for all that is created as it is.
    pub(super) async fn opened(&self, at: usize, wanted: &Object) -> Result<Option<Object>> {
        let creates = matches!(self.plan.rows[at].action, Action::Create | Action::Recreate);
        if !self.is_live() || !creates || !is_webhooks(wanted.id()) {
            return Ok(None);
        }
        let Some((open, disarmed)) = disarm(wanted)? else {
            return Ok(None);
        };
        self.claim.guard().await?;
        let Record { vault, layout, .. } = &self.record;
        webhook::note(&**vault.backend(), layout, self.operation, at, &disarmed).await?;
        let mut open_now = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open_now.push(disarmed);
        Ok(Some(open))
    }

    /// Arms what this run, or a dead one before it, has created open.
    pub(super) async fn arm(&self) -> Result<()> {
        let open = match self.continued {
            true => {
                let noted = noted(&**self.record.vault.backend(), self.record.layout).await?;
                noted.into_iter().map(|(_, disarmed)| disarmed).collect()
            }
            false => std::mem::take(&mut *self.open.lock().unwrap_or_else(PoisonError::into_inner)),
        };
        if open.is_empty() {
            return Ok(());
        }
        self.claim.guard().await?;
        let arming = Arming {
            writer: self.meeting.writer,
            ready: self.ready(),
            discovery: &self.discovery,
        };
        let armed = arming.arm(by_object(open)).await?;
        for done in armed.done {
            if !done.silent.is_empty() {
                let row = self.row_of(&done.object);
                let mut outcomes = self.outcomes();
                outcomes
                    .warnings
                    .push(Note::new(&done.object, done.to_string()));
                if let Some(row) = row {
                    outcomes.set(row, ObjectOutcome::NotReady, &done.object, None);
                }
            }
            self.rearmed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(done);
        }
        for (id, error) in armed.failed {
            let message = format!("its webhooks stay open: {}", error.chain());
            self.outcomes().errors.push(Note::new(id, message));
        }
        Ok(())
    }

    /// The row of a webhook configuration; there are few.
    fn row_of(&self, target: &ObjectId) -> Option<usize> {
        let is = |row: &Row| {
            self.plan
                .kind(row)
                .is_ok_and(|kind| kind.wave == Wave::Admission)
                && self.plan.target_id(row).is_ok_and(|id| id == *target)
        };
        self.plan.rows.iter().position(is)
    }

    /// Whether the target is a cluster, where what was created comes to life; not a folder.
    pub(super) fn is_live(&self) -> bool {
        !self.discovery.server_version.is_empty()
    }
}

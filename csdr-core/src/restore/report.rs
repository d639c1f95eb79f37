//! How a restore ended.

use super::Rearmed;
use crate::{
    Result,
    hook::HookReport,
    report::{Failure, Note, Notes, Outcome, require_complete},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};
use uuid::Uuid;

/// What became of one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ObjectOutcome {
    /// The run did not come to it.
    Pending,
    /// It is in the target, made by this restore.
    Created,
    /// The target had one that differs; it was left as it is (R256).
    Existed,
    /// The target had all of it already.
    Unchanged,
    /// The target's was changed, by this restore: updated, merged or applied.
    Updated,
    /// The target's was deleted and the backup's created.
    Recreated,
    /// The Service that it stands on did not answer in time. An APIService is not created then; webhooks are, and refuse what nobody
    /// answers for.
    NotReady,
    /// It is of a sort that is not restored; a warning says which.
    Skipped,
    /// It could not be restored; an error says why.
    Failed,
}

impl ObjectOutcome {
    /// The word of Velero's resource list: `created`, `updated`, `skipped` or `failed`; there are no others (velero.md section 1.1).
    pub(super) fn in_velero(self) -> &'static str {
        match self {
            Self::Pending | Self::NotReady => "failed",
            other => other.as_str(),
        }
    }

    /// What a person reads.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Created | Self::Recreated => "created",
            Self::Updated => "updated",
            Self::Existed | Self::Unchanged | Self::Skipped => "skipped",
            Self::NotReady => "not ready",
            Self::Failed => "failed",
        }
    }
}

/// How a restore ended; stored as `csdr/<operation>/report.json`. The outcome of every object is in Velero's
/// `restore-<name>-resource-list.json.gz` beside it; what each object was before the restore changed or deleted it is in
/// `csdr/<operation>/before/<number>.json.gz`: `{"objects": […]}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoreReport {
    /// The restore's name.
    pub name: String,
    /// The backup that was restored.
    pub backup: String,
    /// The operation that ended.
    pub operation: Uuid,
    /// How.
    pub outcome: Outcome,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Whether it went on from what a dead operation left.
    pub continued: bool,
    /// How many objects ended how.
    pub objects: BTreeMap<ObjectOutcome, u64>,
    /// Hooks that were run in restored pods.
    #[serde(default, skip_serializing_if = "HookReport::is_empty")]
    pub hooks: HookReport,
    /// What a person should know.
    pub warnings: Notes,
    /// What could not be restored.
    pub errors: Notes,
    /// Webhook configurations that were created open and are armed again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rearmed: Vec<Rearmed>,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
}

impl RestoreReport {
    /// How many objects ended so.
    pub fn count(&self, outcome: ObjectOutcome) -> u64 {
        self.objects.get(&outcome).copied().unwrap_or_default()
    }

    /// This report if everything is done, else the error that a caller may want to stop with.
    ///
    /// # Errors
    /// `Incomplete` if something could not be restored, `Cancelled`, or what made it fail.
    pub fn require_complete(self) -> Result<Self> {
        require_complete(self.outcome, self.failure.as_ref(), &self.errors, "restore")?;
        Ok(self)
    }
}

impl fmt::Display for RestoreReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Restore {} of backup {}: {}",
            self.name, self.backup, self.outcome
        )?;
        for (outcome, count) in &self.objects {
            write!(f, ", {count} {}", format!("{outcome:?}").to_lowercase())?;
        }
        for rearmed in &self.rearmed {
            write!(f, "\n  {}: {rearmed}", rearmed.object)?;
        }
        if !self.hooks.is_empty() {
            let text = self.hooks.to_string().replace('\n', "\n  ");
            write!(f, "\n  hooks: {text}")?;
        }
        for note in self.errors.iter() {
            write!(f, "\n  error: {note}")?;
        }
        for note in self.warnings.iter() {
            write!(f, "\n  warning: {note}")?;
        }
        if let Some(failure) = &self.failure {
            write!(f, "\n  failed: {}", failure.message)?;
        }
        Ok(())
    }
}

/// Outcomes as they come in.
#[derive(Debug)]
pub(super) struct Outcomes {
    rows: Vec<ObjectOutcome>,
    pub(super) warnings: Notes,
    pub(super) errors: Notes,
}

impl Outcomes {
    pub(super) fn new(rows: usize) -> Self {
        Self {
            rows: vec![ObjectOutcome::Pending; rows],
            warnings: Notes::default(),
            errors: Notes::default(),
        }
    }

    pub(super) fn set(
        &mut self,
        row: usize,
        outcome: ObjectOutcome,
        about: impl fmt::Display,
        message: Option<String>,
    ) {
        if let Some(place) = self.rows.get_mut(row) {
            *place = outcome;
        }
        if let Some(message) = message {
            let note = Note::new(about, message);
            if matches!(outcome, ObjectOutcome::Failed | ObjectOutcome::NotReady) {
                self.errors.push(note)
            } else {
                self.warnings.push(note)
            }
        }
    }

    pub(super) fn rows(&self) -> &[ObjectOutcome] {
        &self.rows
    }

    pub(super) fn counts(&self) -> BTreeMap<ObjectOutcome, u64> {
        let mut counts = BTreeMap::new();
        for outcome in &self.rows {
            *counts.entry(*outcome).or_default() += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn velero_1_1_the_resource_list_has_four_words() {
        for outcome in [
            ObjectOutcome::Pending,
            ObjectOutcome::Created,
            ObjectOutcome::Existed,
            ObjectOutcome::Unchanged,
            ObjectOutcome::Updated,
            ObjectOutcome::Recreated,
            ObjectOutcome::NotReady,
            ObjectOutcome::Skipped,
            ObjectOutcome::Failed,
        ] {
            let word = outcome.in_velero();
            assert!(
                ["created", "updated", "failed", "skipped"].contains(&word),
                "{word}"
            );
        }
    }
}

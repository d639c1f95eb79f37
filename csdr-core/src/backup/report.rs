//! How a backup ended.

use crate::{
    Error, Result,
    hook::HookReport,
    model::GroupVersionResource,
    report::{Failure, Notes, Outcome, require_complete},
    select::LeftOutReason,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};
use uuid::Uuid;

/// How a backup ended; stored as `csdr/report.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupReport {
    /// The backup's name.
    pub name: String,
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
    /// Objects in the archive.
    pub objects: u64,
    /// Of these, objects that the filters did not select and that were taken because others need them.
    #[serde(default)]
    pub related: u64,
    /// Bytes of their JSON.
    pub bytes: u64,
    /// Bytes of the archive.
    pub archive_bytes: u64,
    /// The same by kind.
    pub kinds: Vec<KindCount>,
    /// How many objects or rules left something out, by reason; `left-out-<n>.jsonl.gz` lists each.
    pub left_out: BTreeMap<LeftOutReason, u64>,
    /// Hooks that were run, and how long pods were frozen.
    #[serde(default, skip_serializing_if = "HookReport::is_empty")]
    pub hooks: HookReport,
    /// What a person should know.
    pub warnings: Notes,
    /// What is missing.
    pub errors: Notes,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
}

/// Objects of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindCount {
    /// Resource and version.
    pub resource: GroupVersionResource,
    /// How many.
    pub objects: u64,
    /// Bytes of their JSON.
    pub bytes: u64,
}

/// What the objects stage did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ObjectsSummary {
    pub(crate) objects: u64,
    #[serde(default)]
    pub(crate) related: u64,
    pub(crate) bytes: u64,
    pub(crate) archive_bytes: u64,
    pub(crate) kinds: Vec<KindCount>,
    pub(crate) left_out: BTreeMap<LeftOutReason, u64>,
    #[serde(default, skip_serializing_if = "HookReport::is_empty")]
    pub(crate) hooks: HookReport,
    pub(crate) warnings: Notes,
    pub(crate) errors: Notes,
}

impl BackupReport {
    /// This report if everything is done, else the error that a caller may want to stop with.
    ///
    /// # Errors
    /// `Incomplete` if something is missing, `Cancelled`, or what made it fail.
    pub fn require_complete(self) -> Result<Self, Error> {
        require_complete(self.outcome, self.failure.as_ref(), &self.errors, "back up")?;
        Ok(self)
    }
}

impl fmt::Display for BackupReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Backup {}: {}, {} objects, {} bytes in an archive of {} bytes",
            self.name, self.outcome, self.objects, self.bytes, self.archive_bytes
        )?;
        if self.related > 0 {
            write!(f, "\n  taken because others need them: {}", self.related)?;
        }
        if !self.hooks.is_empty() {
            let text = self.hooks.to_string().replace('\n', "\n  ");
            write!(f, "\n  hooks: {text}")?;
        }
        for (reason, count) in &self.left_out {
            write!(f, "\n  left out: {count} × {reason}")?;
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

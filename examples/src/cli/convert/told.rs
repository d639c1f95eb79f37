//! What happened to the objects, for people and programs.

use crate::cli::table::table;
use csdr_core::conversion::{Change, Edit, Loss, NoRouteReason, Severity, SkipReason, Stage};
use serde::Serialize;

/// What became of one object.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    /// File and line.
    pub(super) place: String,
    /// `Ingress shop/web`.
    pub(super) object: String,
    /// The version in which it came.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) from: String,
    /// The version in which it goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<String>,
    #[serde(flatten)]
    pub(super) outcome: Outcome,
    pub(super) changes: Vec<Change>,
    pub(super) losses: Vec<Loss>,
}

/// What became of an object.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "outcome")]
pub(super) enum Outcome {
    /// Not one byte is touched.
    Unchanged,
    /// Another version, something mended, or a reference rewritten.
    Converted,
    /// Nobody knows whether the target takes it; it stays as it is.
    Unknown { reason: NoRouteReason },
    /// It should not be restored; left out.
    Skipped { reason: SkipReason },
    /// The target serves no version of it; left out.
    NoRoute { reason: NoRouteReason },
    /// It could not be read; left out.
    Failed { error: String },
}

impl Row {
    /// Whether it is missing in what is written.
    pub(super) fn is_left_out(&self) -> bool {
        matches!(
            self.outcome,
            Outcome::Skipped { .. } | Outcome::NoRoute { .. } | Outcome::Failed { .. }
        )
    }

    fn line(&self, severity: impl ToString, what: impl Into<String>) -> Vec<String> {
        vec![self.object.clone(), severity.to_string(), what.into()]
    }

    fn lines(&self, verbose: bool) -> Vec<Vec<String>> {
        let head = match &self.outcome {
            Outcome::Unchanged if self.losses.is_empty() => return Vec::new(),
            Outcome::Unchanged => "stays as it is".to_owned(),
            Outcome::Converted => match &self.to {
                Some(to) if *to != self.from => format!("{} → {to}", self.from),
                _ => format!("stays {}", self.from),
            },
            Outcome::Unknown { reason } => {
                return vec![self.line(Severity::Info, format!("stays as it is: {reason}"))];
            }
            Outcome::Skipped { reason } => {
                return vec![self.line(Severity::Warning, format!("left out: {reason}"))];
            }
            Outcome::NoRoute { reason } => {
                return vec![self.line(Severity::Error, format!("left out: {reason}"))];
            }
            Outcome::Failed { error } => {
                let text = format!("left out: {}: {error}", self.place);
                return vec![self.line(Severity::Error, text)];
            }
        };
        let (told, defaults): (Vec<&Change>, Vec<&Change>) = self
            .changes
            .iter()
            .partition(|change| verbose || !is_default(change));
        let head = match defaults.len() {
            0 => head,
            1 => format!("{head}, 1 default made explicit"),
            count => format!("{head}, {count} defaults made explicit"),
        };
        let mut lines = vec![self.line(Severity::Info, head)];
        let told = told
            .into_iter()
            .filter(|change| change.path != "/apiVersion");
        lines.extend(told.map(|change| self.line(change.severity, change.to_string())));
        lines.extend(self.losses.iter().map(|loss| {
            let path = if loss.path.is_empty() {
                "/"
            } else {
                &loss.path
            };
            self.line(loss.severity, format!("{path}: {}", loss.reason))
        }));
        lines
    }
}

/// What the server would have written by itself: many, and mostly of no interest.
fn is_default(change: &Change) -> bool {
    change.stage == Stage::Faithful
        && change.edit == Edit::Added
        && change.severity == Severity::Info
}

/// One line an object, a change and a loss; empty if there is nothing to tell.
pub(super) fn listed(rows: &[Row], verbose: bool) -> String {
    let lines: Vec<_> = rows.iter().flat_map(|row| row.lines(verbose)).collect();
    if lines.is_empty() {
        return String::new();
    }
    table(&["OBJECT", "SEVERITY", "WHAT"], lines)
}

/// How many became what.
pub(super) fn counted(rows: &[Row]) -> String {
    let count = |which: fn(&Row) -> bool| rows.iter().filter(|row| which(row)).count();
    let converted = count(|row| matches!(row.outcome, Outcome::Converted));
    let left_out = count(Row::is_left_out);
    format!(
        "{} objects: {converted} converted, {} unchanged, {left_out} left out",
        rows.len(),
        rows.len() - converted - left_out,
    )
}

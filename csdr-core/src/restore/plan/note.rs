//! What a plan has to say about single objects, compactly: a text is kept once, an object's remark takes eight bytes.

use crate::conversion::{Change, Loss, LossKind, Severity};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, fmt};

/// Most different remarks that a plan keeps; what is beyond is counted.
const MAX_TEXTS: usize = 20_000;
/// Remarks that a plan keeps besides four for each of its objects.
const MAX_REMARKS: usize = 10_000;

/// One remark about an object of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanNote {
    /// How much a person should care.
    pub severity: Severity,
    /// What is lost, if something is; otherwise the text says what is changed at the path or, without a path, why the object is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<LossKind>,
    /// JSON pointer in the stored object; empty for the whole of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// What it means, and what to do.
    pub text: String,
}

impl PlanNote {
    /// Why the whole object is left out.
    pub(in crate::restore) fn whole(severity: Severity, text: impl fmt::Display) -> Self {
        Self {
            severity,
            loss: None,
            path: String::new(),
            text: text.to_string(),
        }
    }
}

impl From<&Loss> for PlanNote {
    fn from(loss: &Loss) -> Self {
        Self {
            severity: loss.severity,
            loss: Some(loss.kind),
            path: loss.path.clone(),
            text: loss.reason.to_string(),
        }
    }
}

impl From<&Change> for PlanNote {
    fn from(change: &Change) -> Self {
        Self {
            severity: change.severity,
            loss: None,
            path: change.path.clone(),
            text: change.reason.to_string(),
        }
    }
}

impl fmt::Display for PlanNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.severity)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.text)
    }
}

/// Remarks as they come in.
#[derive(Debug, Default)]
pub(super) struct NoteTable {
    places: HashMap<PlanNote, u32>,
    pub(super) texts: Vec<PlanNote>,
    /// Row and text, in the order of rows.
    pub(super) remarks: Vec<(u32, u32)>,
    pub(super) beyond: u64,
}

impl NoteTable {
    pub(super) fn push(&mut self, row: usize, rows: usize, note: PlanNote) {
        let full = self.remarks.len() >= 4 * rows + MAX_REMARKS;
        let place = match self.places.get(&note) {
            Some(place) => Some(*place),
            None if full || self.texts.len() >= MAX_TEXTS => None,
            None => u32::try_from(self.texts.len()).ok().inspect(|place| {
                self.places.insert(note.clone(), *place);
                self.texts.push(note);
            }),
        };
        match (place, u32::try_from(row)) {
            (Some(place), Ok(row)) if !full => self.remarks.push((row, place)),
            _ => self.beyond += 1,
        }
    }
}

//! What a person, or a program, sees of a restore's plan.

use csdr_core::restore::{Action, PlanNote, RestorePlan, RowView};
use serde::{Serialize, Serializer};
use std::fmt::Write;

/// A plan, and what it says about each object; the plan's own rows are compact.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    #[serde(flatten)]
    plan: &'a RestorePlan,
    #[serde(serialize_with = "objects")]
    objects: &'a RestorePlan,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Planned<'a> {
    source: String,
    target: String,
    action: Action,
    #[serde(skip_serializing_if = "Option::is_none")]
    convert: Option<Conversion>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    transformed_by: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<&'a PlanNote>,
}

#[derive(Serialize)]
struct Conversion {
    from: String,
    to: String,
}

/// One object after the other: a plan may have a million.
fn objects<S: Serializer>(plan: &&RestorePlan, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(rows(plan).map(|(row, notes)| Planned {
        source: row.source.to_string(),
        target: row.target.to_string(),
        action: row.action,
        convert: row.conversion.map(|(from, to)| Conversion { from, to }),
        transformed_by: row.transformed_by,
        notes,
    }))
}

/// Every row with its notes.
fn rows(plan: &RestorePlan) -> impl Iterator<Item = (RowView, Vec<&PlanNote>)> {
    let mut notes = plan.notes().peekable();
    plan.rows().map(move |row| {
        let mut own = Vec::new();
        while let Some((_, note)) = notes.next_if(|(id, _)| *id == row.source) {
            own.push(note);
        }
        (row, own)
    })
}

impl<'a> Shown<'a> {
    pub(super) fn new(plan: &'a RestorePlan) -> Self {
        Self {
            plan,
            objects: plan,
        }
    }

    /// For a person: the plan; on request with each object that is written in another version, and what that loses.
    pub(super) fn text(&self, verbose: bool) -> String {
        let mut text = self.plan.to_string();
        if !verbose {
            return text;
        }
        for (row, notes) in rows(self.plan) {
            let Some((from, to)) = &row.conversion else {
                continue;
            };
            if matches!(row.action, Action::Skip | Action::Blocked) {
                continue;
            }
            // Writing into a string does not fail.
            let _ = writeln!(text, "  {}: convert {from} → {to}", row.source);
            for note in notes {
                let _ = writeln!(text, "    {note}");
            }
        }
        text
    }
}

//! What Velero tells of its backup, for a person.

use super::super::table::{time, took};
use csdr_core::{
    report::Notes,
    vault::{VeleroCount, VeleroDetails},
};
use serde_json::Value;

/// One line each.
pub(super) fn facts(told: &VeleroDetails) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    let mut push = |name, value: Option<String>| {
        rows.extend(value.map(|value| (name, value)));
    };
    push("Format", told.format_version.clone());
    push("Kubernetes", told.server_version.clone());
    push("Started", told.started.map(|at| time(Some(at))));
    push(
        "Took",
        told.completed.map(|_| took(told.started, told.completed)),
    );
    push("Velero deletes it", told.expires.map(|at| time(Some(at))));
    push("Items", items(told));
    push("Hooks", count(&told.hooks));
    push("Volume snapshots", count(&told.volume_snapshots));
    push("CSI snapshots", count(&told.csi_snapshots));
    push("Plugins' operations", count(&told.item_operations));
    rows
}

fn items(told: &VeleroDetails) -> Option<String> {
    match (told.items, told.total_items) {
        (None, None) => None,
        (items, None) => items.map(|items| items.to_string()),
        (items, Some(total)) => Some(format!("{} of {total}", items.unwrap_or_default())),
    }
}

fn count(count: &VeleroCount) -> Option<String> {
    if count.attempted == 0 {
        return None;
    }
    let mut text = count.attempted.to_string();
    for (number, word) in [(count.completed, "completed"), (count.failed, "failed")] {
        if let Some(number) = number {
            text.push_str(&format!(", {number} {word}"));
        }
    }
    Some(text)
}

/// Lists with their titles; those without lines are not shown.
pub(super) fn sections(told: &VeleroDetails) -> Vec<(&'static str, Vec<String>)> {
    let mut volumes: Vec<String> = told.volumes.iter().map(ToString::to_string).collect();
    if told.volumes_beyond > 0 {
        volumes.push(format!("… and {} more", told.volumes_beyond));
    }
    vec![
        ("What Velero was asked", asked(told)),
        ("Volumes' data", volumes),
        ("Failures", told.failures.clone()),
        ("Errors", lines(&told.errors)),
        ("Warnings", lines(&told.warnings)),
        ("Files that are not there", told.missing_files.clone()),
        ("Files that cannot be read", told.unreadable_files.clone()),
    ]
}

/// The spec's fields that say something, in Velero's own names.
fn asked(told: &VeleroDetails) -> Vec<String> {
    let says = |value: &&Value| match value {
        Value::Null => false,
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    };
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(list) if list.iter().all(Value::is_string) => {
            let words: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            words.join(", ")
        }
        other => other.to_string(),
    };
    let fields = told.spec.iter().filter(|(_, value)| says(value));
    fields
        .map(|(name, value)| format!("{name}: {}", text(value)))
        .collect()
}

fn lines(notes: &Notes) -> Vec<String> {
    let mut lines: Vec<String> = notes.iter().map(ToString::to_string).collect();
    if notes.dropped() > 0 {
        lines.push(format!("… and {} more", notes.dropped()));
    }
    lines
}

//! Tables and numbers for people.

use comfy_table::{ContentArrangement, Table, presets};
use jiff::Timestamp;

/// A table without lines, as kubectl's.
pub(super) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header.iter().copied());
    for row in rows {
        table.add_row(row);
    }
    trimmed(&table)
}

/// Names and values in two columns.
pub(super) fn facts<'a>(rows: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    for (name, value) in rows {
        if !value.is_empty() {
            table.add_row([format!("{name}:"), value]);
        }
    }
    trimmed(&table)
}

/// Without the blanks that a table has left and right.
fn trimmed(table: &Table) -> String {
    let lines: Vec<String> = table
        .lines()
        .map(|line| {
            line.strip_prefix(' ')
                .unwrap_or(&line)
                .trim_end()
                .to_owned()
        })
        .collect();
    lines.join("\n")
}

/// Bytes in the largest unit that leaves a whole part.
pub(super) fn bytes(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

pub(super) fn time(time: Option<Timestamp>) -> String {
    time.map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
        .unwrap_or_default()
}

/// From one time to another, in seconds.
pub(super) fn took(from: Option<Timestamp>, to: Option<Timestamp>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => format!(
            "{:.1}s",
            (to - from).total(jiff::Unit::Second).unwrap_or_default()
        ),
        _ => String::new(),
    }
}

/// A list on one line; `all` where it is empty.
pub(super) fn list(names: &[String], all: &str) -> String {
    if names.is_empty() {
        all.to_owned()
    } else {
        names.join(",")
    }
}

//! From `xtask/data/gvk_lifecycle.json` to csdr-core's lifecycle table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use super::data;

const HEAD: &str = "\
//! The rows, sorted by (kind, group, version). Written by `cargo xtask lifecycle` from `xtask/data/gvk_lifecycle.json`; do not edit.

use super::{Lifecycle, lifecycles};

// group, version, kind, plural, scope (`-`: never a resource of its own), stored, served by default, family,
// minors of introduction, deprecation and removal, replacement.
";

/// (group, version, kind)
type Key<'a> = (&'a str, &'a str, &'a str);

/// Where the data are known to be wrong: group, version, kinds (none: all), the right minor of introduction. Source: the release
/// notes; the annotations of the Go types came later than the types.
const INTRODUCED: &[(&str, &str, &[&str], u32)] = &[
    ("authorization.k8s.io", "v1", &[], 6),
    ("discovery.k8s.io", "v1beta1", &["EndpointSlice"], 17),
];

/// Plurals that the data spell wrongly. Source: the resources that the releases served.
const PLURALS: &[(&str, &str)] = &[
    ("ResourceClaimParameters", "resourceclaimparameters"),
    ("ResourceClassParameters", "resourceclassparameters"),
];

/// Kinds whose objects are the same in two groups though no replacement says so. Source: api-versions.md, section 0.14.
const SAME: &[(Key<'_>, Key<'_>)] = &[(("", "v1", "Event"), ("events.k8s.io", "v1", "Event"))];

#[derive(Debug, Clone, PartialEq, Eq)]
struct Row<'a> {
    key: Key<'a>,
    plural: &'a str,
    scope: Option<&'a str>,
    stored: bool,
    default_on: bool,
    introduced: u32,
    deprecated: Option<u32>,
    removed: Option<u32>,
    /// Group and version.
    replacement: Option<(&'a str, &'a str)>,
}

pub(super) fn table() -> Result<String, String> {
    let text = data("gvk_lifecycle.json")?;
    let value: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let rows = read(&value)?;
    Ok(write(&rows))
}

/// Group, version and kind of every stored row that has others in its family.
pub(super) fn convertible() -> Result<Vec<(String, String, String)>, String> {
    let text = data("gvk_lifecycle.json")?;
    let value: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let rows = read(&value)?;
    let families = families(&rows);
    let alone = |at: usize| {
        let own = families.get(&at);
        families
            .values()
            .filter(|family| Some(*family) == own)
            .count()
            < 2
    };
    Ok(rows
        .iter()
        .enumerate()
        .filter(|(at, row)| row.stored && !alone(*at))
        .map(|(_, row)| {
            let (group, version, kind) = row.key;
            (group.to_owned(), version.to_owned(), kind.to_owned())
        })
        .collect())
}

fn read(value: &Value) -> Result<Vec<Row<'_>>, String> {
    let list = value.as_array().ok_or("gvk_lifecycle.json: not a list")?;
    let mut rows = list.iter().map(row).collect::<Result<Vec<_>, String>>()?;
    rows.sort_by_key(|row| (row.key.2, row.key.0, row.key.1));
    let known: BTreeSet<Key<'_>> = rows.iter().map(|row| row.key).collect();
    for row in &mut rows {
        let kind = row.key.2;
        // A replacement that never existed (`apps/v1 DeploymentRollback`) says nothing.
        row.replacement = row
            .replacement
            .filter(|(group, version)| known.contains(&(*group, *version, kind)));
    }
    Ok(rows)
}

fn row(value: &Value) -> Result<Row<'_>, String> {
    let wrong = || format!("gvk_lifecycle.json: no row of the known shape: {value}");
    let text = |name: &str| value.get(name).and_then(Value::as_str).ok_or_else(wrong);
    let flag = |name: &str| value.get(name).and_then(Value::as_bool).ok_or_else(wrong);
    let minor = |name: &str| match value.get(name) {
        Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => text
            .strip_prefix("1.")
            .and_then(|minor| minor.parse().ok())
            .map(Some)
            .ok_or_else(wrong),
        _ => Err(wrong()),
    };
    let key = (text("group")?, text("version")?, text("kind")?);
    let introduced = INTRODUCED
        .iter()
        .find(|(group, version, kinds, _)| {
            (*group, *version) == (key.0, key.1) && (kinds.is_empty() || kinds.contains(&key.2))
        })
        .map(|(.., minor)| *minor);
    let replacement = value.get("replacement").and_then(Value::as_str);
    Ok(Row {
        key,
        plural: match PLURALS.iter().find(|(kind, _)| *kind == key.2) {
            Some((_, plural)) => plural,
            None => text("plural")?,
        },
        scope: value.get("scope").and_then(Value::as_str),
        stored: flag("stored")?,
        default_on: flag("default_on")?,
        introduced: match introduced {
            Some(minor) => minor,
            None => minor("introduced")?.ok_or_else(wrong)?,
        },
        deprecated: minor("deprecated")?,
        removed: minor("removed")?,
        replacement: replacement
            .map(|text| replaced_by(text, key.2).ok_or_else(wrong))
            .transpose()?,
    })
}

/// `group/version/Kind`, or `version/Kind` of the core group.
fn replaced_by<'a>(text: &'a str, kind: &str) -> Option<(&'a str, &'a str)> {
    let (api_version, of) = text.rsplit_once('/')?;
    (of == kind).then(|| api_version.rsplit_once('/').unwrap_or(("", api_version)))
}

/// Numbers the families of each kind: versions between which there is a conversion. Versions of one group and kind are one family,
/// apart from those that were removed without a replacement; a replacement joins two.
fn families(rows: &[Row<'_>]) -> BTreeMap<usize, usize> {
    let mut family: Vec<usize> = (0..rows.len()).collect();
    let successors: BTreeSet<Key<'_>> = rows
        .iter()
        .filter_map(|row| {
            row.replacement
                .map(|(group, version)| (group, version, row.key.2))
        })
        .collect();
    let island = |row: &Row<'_>| {
        // A removal that lies beyond the data is only planned: its successor may be yet to come.
        row.replacement.is_none()
            && row.removed.is_some_and(|minor| minor <= NEWEST)
            && !successors.contains(&row.key)
    };
    let mut join = |one: usize, other: usize| {
        let (one, other) = (family[one], family[other]);
        for number in &mut family {
            if *number == one.max(other) {
                *number = one.min(other);
            }
        }
    };
    for (at, row) in rows.iter().enumerate() {
        for (other_at, other) in rows.iter().enumerate().skip(at + 1) {
            let succeeds = |one: &Row<'_>, two: &Row<'_>| {
                one.replacement == Some((two.key.0, two.key.1)) && one.key.2 == two.key.2
            };
            let same_kind = (row.key.0, row.key.2) == (other.key.0, other.key.2)
                && !island(row)
                && !island(other);
            let said = SAME
                .iter()
                .any(|(one, two)| (row.key, other.key) == (*one, *two));
            if same_kind || said || succeeds(row, other) || succeeds(other, row) {
                join(at, other_at);
            }
        }
    }
    family.into_iter().enumerate().collect()
}

/// The newest release whose removals are facts and not plans.
const NEWEST: u32 = 37;

fn write(rows: &[Row<'_>]) -> String {
    let families = families(rows);
    let mut text = String::from(HEAD);
    text.push_str("pub(super) static ROWS: &[Lifecycle] = lifecycles! {\n");
    for (at, row) in rows.iter().enumerate() {
        // Counted within the kind: 0 for the first family of it.
        let first = |at: &usize| rows[*at].key.2 == row.key.2;
        let own: BTreeSet<usize> = families
            .iter()
            .filter(|(at, _)| first(at))
            .map(|(_, family)| *family)
            .collect();
        let family = families.get(&at).copied().unwrap_or(at);
        let family = own.iter().position(|number| *number == family).unwrap_or(0);
        let minor = |minor: Option<u32>| minor.map_or_else(|| "-".to_owned(), |m| m.to_string());
        let (group, version, kind) = row.key;
        let scope = match row.scope {
            Some("Cluster") => "cluster",
            Some(_) => "namespaced",
            None => "-",
        };
        let replacement = row.replacement.map_or_else(
            || "-".to_owned(),
            |(group, version)| format!("({group:?}, {version:?})"),
        );
        // Writing into a String cannot fail.
        let _ = writeln!(
            text,
            "    {group:?} {version:?} {kind:?} {:?} {scope} {} {} {family} {} {} {} {replacement};",
            row.plural,
            if row.stored { "stored" } else { "-" },
            if row.default_on { "on" } else { "-" },
            row.introduced,
            minor(row.deprecated),
            minor(row.removed),
        );
    }
    text.push_str("};\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Value {
        let row = |group: &str, version: &str, removed: Value, replacement: Value| {
            serde_json::json!({"group": group, "version": version, "kind": "Ingress", "plural": "ingresses",
                "scope": "Namespaced", "stored": true, "default_on": true, "introduced": "1.14",
                "deprecated": null, "removed": removed, "replacement": replacement})
        };
        serde_json::json!([
            row("networking.k8s.io", "v1", Value::Null, Value::Null),
            row(
                "extensions",
                "v1beta1",
                "1.22".into(),
                "networking.k8s.io/v1/Ingress".into()
            ),
            row("networking.k8s.io", "v1alpha1", "1.20".into(), Value::Null),
        ])
    }

    #[test]
    fn rows_are_written_with_their_families() {
        let value = sample();
        let text = write(&read(&value).unwrap());
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| line.contains("Ingress"))
            .collect();
        assert_eq!(
            lines,
            [
                r#"    "extensions" "v1beta1" "Ingress" "ingresses" namespaced stored on 0 14 - 22 ("networking.k8s.io", "v1");"#,
                r#"    "networking.k8s.io" "v1" "Ingress" "ingresses" namespaced stored on 0 14 - - -;"#,
                // Removed without a replacement: nothing converts it.
                r#"    "networking.k8s.io" "v1alpha1" "Ingress" "ingresses" namespaced stored on 1 14 - 20 -;"#,
            ]
        );
    }

    #[test]
    fn other_shapes_are_refused() {
        for broken in [
            serde_json::json!({}),
            serde_json::json!([{"group": ""}]),
            serde_json::json!([1]),
        ] {
            assert!(read(&broken).is_err());
        }
    }
}

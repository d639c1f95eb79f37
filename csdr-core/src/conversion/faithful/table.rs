//! Rows of a table test: an object, the version that is wanted, what comes out.

use super::super::{draft::Log, outcome::Edit};
use crate::model::{ApiVersion, Tree};

/// Checks every row, that a second conversion changes nothing, and that nothing is dropped silently: a leaf that is not in the
/// result at its place lies under the path of a change or of a loss.
#[track_caller]
pub(super) fn check(rows: &[(&str, &str, &str)]) {
    for (object, to, expected) in rows {
        let before = Tree::parse(object.as_bytes()).unwrap();
        let (after, log) = convert(&before, to);
        let expected = Tree::parse(expected.as_bytes()).unwrap();
        assert!(
            after == expected,
            "{object}\nto {to}\nexpected {expected}\nis       {after}"
        );
        let (again, log_again) = convert(&after, to);
        assert!(again == after && log_again.changes.is_empty() && log_again.losses.is_empty());
        let changed = log.changes.iter().flat_map(|change| match &change.edit {
            Edit::Moved { from } => vec![change.path.as_str(), from.as_str()],
            _ => vec![change.path.as_str()],
        });
        let places: Vec<&str> = changed
            .chain(log.losses.iter().map(|loss| loss.path.as_str()))
            .collect();
        let mut missing = Vec::new();
        leaves(&before, Some(&after), "", &mut missing);
        for place in missing {
            let said = places
                .iter()
                .any(|path| place == **path || place.starts_with(&format!("{path}/")));
            assert!(said, "{object}\nto {to}: {place} was dropped silently");
        }
    }
}

/// Converts an object.
#[track_caller]
pub(super) fn convert(object: &Tree, to: &str) -> (Tree, Log) {
    let to: ApiVersion = to.parse().unwrap();
    let (mut tree, mut log) = (object.clone(), Log::default());
    super::convert(&mut tree, &to, &mut log).unwrap();
    (tree, log)
}

/// The leaves of one tree that another does not have at the same place.
fn leaves(before: &Tree, after: Option<&Tree>, path: &str, missing: &mut Vec<String>) {
    match before {
        Tree::Object(map) => {
            for (key, value) in map {
                let after = after.and_then(|after| after.as_object()?.get(key));
                let key = key.replace('~', "~0").replace('/', "~1");
                leaves(value, after, &format!("{path}/{key}"), missing);
            }
        }
        Tree::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                let after = after.and_then(|after| after.as_array()?.get(at));
                leaves(value, after, &format!("{path}/{at}"), missing);
            }
        }
        Tree::Null => {}
        leaf if after == Some(leaf) => {}
        _ => missing.push(path.to_owned()),
    }
}

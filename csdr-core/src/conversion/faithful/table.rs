//! Tables of conversions for the tests of the families.

use crate::{
    conversion::{
        draft::Log,
        outcome::{Change, Edit, Loss},
    },
    model::Tree,
};

/// An object, the version that is wanted, and what the server makes of it.
pub(super) type Row<'a> = (&'a str, &'a str, &'a str);

/// Converts an object.
pub(super) fn convert(object: &str, to: &str) -> crate::Result<(Tree, Log)> {
    let mut tree = Tree::parse(object.as_bytes()).unwrap();
    let mut log = Log::default();
    super::convert(&mut tree, &to.parse().unwrap(), &mut log)?;
    Ok((tree, log))
}

/// Looks that every row comes out as it says, that nothing of its object is dropped silently, and that a second conversion changes
/// nothing.
#[track_caller]
pub(super) fn check(rows: &[Row<'_>]) {
    for (object, to, expected) in rows {
        let (tree, log) = convert(object, to).unwrap_or_else(|error| panic!("{object}: {error}"));
        let expected = Tree::parse(expected.as_bytes()).unwrap();
        assert_eq!(tree, expected, "{object} as {to} is {tree}");
        let object = Tree::parse(object.as_bytes()).unwrap();
        let dropped = dropped_silently(&object, &tree, &log);
        assert!(dropped.is_empty(), "{object} as {to}: {dropped:?}");
        let (again, log) = convert(&tree.to_string(), to).unwrap();
        assert!(again == tree && log.changes.is_empty() && log.losses.is_empty());
    }
}

/// Leaves that are neither in the result nor spoken of.
pub(super) fn dropped_silently(object: &Tree, result: &Tree, log: &Log) -> Vec<String> {
    let mut leaves = Vec::new();
    collect(object, String::new(), &mut leaves);
    // Items of a list may stand elsewhere in it.
    let mut found = Vec::new();
    collect(result, String::new(), &mut found);
    let name = |path: &str| path.rsplit('/').next().map(ToOwned::to_owned);
    let kept = |path: &str, leaf: &Tree| {
        found
            .iter()
            .any(|(place, value)| *value == leaf && name(place) == name(path))
    };
    let above = |place: &str, path: &str| {
        path.strip_prefix(place)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let told = |path: &str| {
        let by_change = |change: &Change| match &change.edit {
            Edit::Moved { from } => above(from, path) || above(&change.path, path),
            _ => above(&change.path, path),
        };
        log.changes.iter().any(by_change)
            || log.losses.iter().any(|loss: &Loss| above(&loss.path, path))
    };
    leaves
        .into_iter()
        .filter(|(path, leaf)| !kept(path, leaf) && !told(path))
        .map(|(path, leaf)| format!("{path}: {leaf}"))
        .collect()
}

fn collect<'a>(tree: &'a Tree, path: String, leaves: &mut Vec<(String, &'a Tree)>) {
    match tree {
        Tree::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                collect(value, format!("{path}/{key}"), leaves);
            }
        }
        Tree::Array(items) if !items.is_empty() => {
            for (at, value) in items.iter().enumerate() {
                collect(value, format!("{path}/{at}"), leaves);
            }
        }
        // An empty one may be filled.
        Tree::Null | Tree::Object(_) => {}
        leaf => leaves.push((path, leaf)),
    }
}

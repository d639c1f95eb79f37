//! Who wrote which field: `metadata.managedFields`, and the conflicts of server-side apply.
//!
//! Maps are entered, arrays are leaves: a real server knows the merge keys of built-in lists (containers by name) from its schema,
//! this one takes each list as one value.

use crate::model::{Tree, TreeMap};
use std::collections::{BTreeMap, BTreeSet};

/// Keys from the root to a leaf.
pub(super) type Path = Vec<String>;

/// One entry of `managedFields`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Manager {
    pub(super) who: Who,
    pub(super) api_version: String,
    pub(super) time: String,
    pub(super) paths: BTreeSet<Path>,
}

/// What tells two entries apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) name: String,
    pub(super) operation: Operation,
    /// `status`, or empty.
    pub(super) subresource: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Apply,
    Update,
}

/// Fields of metadata that nobody owns. Source: `stripMeta` of `k8s.io/apimachinery/pkg/util/managedfields`.
const SYSTEM: [&str; 10] = [
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "generation",
    "managedFields",
    "resourceVersion",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

/// The leaves of an object that somebody can own: scalars, arrays and empty maps by their paths.
pub(super) fn leaves(object: &Tree) -> BTreeMap<Path, &Tree> {
    let mut out = BTreeMap::new();
    for (key, value) in object.as_object().into_iter().flatten() {
        match key {
            "apiVersion" | "kind" => {}
            "metadata" => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    if !SYSTEM.contains(&key) {
                        enter(vec!["metadata".to_owned(), key.to_owned()], value, &mut out);
                    }
                }
            }
            _ => enter(vec![key.to_owned()], value, &mut out),
        }
    }
    out
}

fn enter<'a>(path: Path, value: &'a Tree, out: &mut BTreeMap<Path, &'a Tree>) {
    match value.as_object() {
        Some(map) if !map.is_empty() => {
            for (key, value) in map {
                let mut path = path.clone();
                path.push(key.to_owned());
                enter(path, value, out);
            }
        }
        _ => {
            out.insert(path, value);
        }
    }
}

/// Records an update (create, replace, patch) by `who`: what it changed is now its own alone, what is gone is nobody's.
pub(super) fn record_update(
    managers: &mut Vec<Manager>,
    who: &Who,
    api_version: &str,
    time: &str,
    old: &BTreeMap<Path, &Tree>,
    new: &BTreeMap<Path, &Tree>,
) {
    let changed: BTreeSet<Path> = new
        .iter()
        .filter(|(path, value)| old.get(*path) != Some(value))
        .map(|(path, _)| path.clone())
        .collect();
    for manager in &mut *managers {
        manager.paths.retain(|path| {
            new.contains_key(path) && !(manager.who != *who && changed.contains(path))
        });
    }
    if !changed.is_empty() {
        own(managers, who, api_version, time, changed, false);
    }
    managers.retain(|manager| !manager.paths.is_empty());
}

/// Adds paths to (or, if `replace`, makes them all of) an entry, and drops entries that own nothing.
fn own(
    managers: &mut Vec<Manager>,
    who: &Who,
    api_version: &str,
    time: &str,
    paths: BTreeSet<Path>,
    replace: bool,
) {
    match managers.iter_mut().find(|manager| manager.who == *who) {
        Some(manager) => {
            // An update is only recorded where it changed something; an apply may have changed nothing.
            let same = replace && manager.paths == paths && manager.api_version == api_version;
            if replace {
                manager.paths = paths;
            } else {
                manager.paths.extend(paths);
            }
            if !same {
                time.clone_into(&mut manager.time);
                api_version.clone_into(&mut manager.api_version);
            }
        }
        None => managers.push(Manager {
            who: who.clone(),
            api_version: api_version.to_owned(),
            time: time.to_owned(),
            paths,
        }),
    }
    managers.retain(|manager| !manager.paths.is_empty());
}

/// A field that somebody else owns with another value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FieldConflict {
    pub(super) path: Path,
    pub(super) manager: String,
}

/// Server-side apply of `config` on `live`.
///
/// # Errors
/// The conflicts, unless `force`; nothing is changed then.
pub(super) fn apply(
    live: &mut Tree,
    managers: &mut Vec<Manager>,
    config: &Tree,
    who: &Who,
    api_version: &str,
    time: &str,
    force: bool,
) -> Result<(), Vec<FieldConflict>> {
    let wanted: BTreeMap<Path, &Tree> = leaves(config)
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .collect();
    let conflicts = conflicts(live, managers, &wanted, who);
    if !conflicts.is_empty() && !force {
        return Err(conflicts);
    }
    for manager in &mut *managers {
        if manager.who != *who {
            manager.paths.retain(|path| {
                !conflicts
                    .iter()
                    .any(|conflict| related(path, &conflict.path))
            });
        }
    }
    // What this manager applied before and no longer names goes, unless somebody else wants it too.
    let before = managers
        .iter()
        .find(|manager| manager.who == *who)
        .map(|manager| manager.paths.clone())
        .unwrap_or_default();
    for path in &before {
        let kept = wanted.contains_key(path)
            || managers
                .iter()
                .any(|manager| manager.who != *who && manager.paths.contains(path));
        if !kept {
            remove_and_prune(live, path);
        }
    }
    for (path, value) in &wanted {
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        let empty_map = value.as_object().is_some_and(TreeMap::is_empty);
        let is_map = live.at(&keys).and_then(Tree::as_object).is_some();
        if !(empty_map && is_map) {
            live.set(&keys, (*value).clone());
        }
    }
    own(
        managers,
        who,
        api_version,
        time,
        wanted.into_keys().collect(),
        true,
    );
    Ok(())
}

fn conflicts(
    live: &Tree,
    managers: &[Manager],
    wanted: &BTreeMap<Path, &Tree>,
    who: &Who,
) -> Vec<FieldConflict> {
    let mut out = Vec::new();
    for (path, value) in wanted {
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        let there = live.at(&keys);
        let empty_map = value.as_object().is_some_and(TreeMap::is_empty);
        if there == Some(*value) || (empty_map && there.and_then(Tree::as_object).is_some()) {
            continue;
        }
        out.extend(
            managers
                .iter()
                .filter(|manager| manager.who != *who)
                .filter(|manager| manager.paths.iter().any(|other| related(path, other)))
                .map(|manager| FieldConflict {
                    path: path.clone(),
                    manager: manager.who.name.clone(),
                }),
        );
    }
    out
}

/// Whether one path is the other or lies below it.
fn related(a: &Path, b: &Path) -> bool {
    a.iter().zip(b).all(|(a, b)| a == b)
}

/// Takes a leaf away, and the maps that it leaves empty.
fn remove_and_prune(tree: &mut Tree, path: &Path) {
    let mut keys: Vec<&str> = path.iter().map(String::as_str).collect();
    tree.remove(&keys);
    while keys.pop().is_some() && keys.len() > 1 {
        if tree
            .at(&keys)
            .and_then(Tree::as_object)
            .is_some_and(TreeMap::is_empty)
        {
            tree.remove(&keys);
        } else {
            break;
        }
    }
}

/// `metadata.managedFields`.
pub(super) fn render(managers: &[Manager]) -> Tree {
    let entries: Vec<Tree> = managers
        .iter()
        .map(|manager| {
            let operation = match manager.who.operation {
                Operation::Apply => "Apply",
                Operation::Update => "Update",
            };
            let mut fields = Tree::object();
            for path in &manager.paths {
                let keys: Vec<String> = path.iter().map(|key| format!("f:{key}")).collect();
                let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                fields.set(&keys, Tree::object());
            }
            let mut entry: Tree = [
                ("manager", Tree::from(manager.who.name.as_str())),
                ("operation", operation.into()),
                ("apiVersion", manager.api_version.as_str().into()),
                ("time", manager.time.as_str().into()),
                ("fieldsType", "FieldsV1".into()),
                ("fieldsV1", fields),
            ]
            .into_iter()
            .collect();
            if !manager.who.subresource.is_empty() {
                entry.set(&["subresource"], manager.who.subresource.into());
            }
            entry
        })
        .collect();
    entries.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(name: &str, operation: Operation) -> Who {
        Who {
            name: name.into(),
            operation,
            subresource: "",
        }
    }

    fn tree(json: &str) -> Tree {
        Tree::parse(json.as_bytes()).unwrap()
    }

    fn put(
        live: &mut Tree,
        managers: &mut Vec<Manager>,
        config: &str,
        name: &str,
        force: bool,
    ) -> Result<(), Vec<FieldConflict>> {
        apply(
            live,
            managers,
            &tree(config),
            &who(name, Operation::Apply),
            "v1",
            "t",
            force,
        )
    }

    #[test]
    fn apply_conflicts_on_scalars_shares_equal_values_and_removes_what_is_no_longer_named() {
        let (mut live, mut managers) = (tree(r#"{"data":{}}"#), Vec::new());
        put(
            &mut live,
            &mut managers,
            r#"{"data":{"a":"1","b":"2"}}"#,
            "one",
            false,
        )
        .unwrap();
        put(
            &mut live,
            &mut managers,
            r#"{"data":{"a":"1"}}"#,
            "two",
            false,
        )
        .unwrap();
        let conflicts = put(
            &mut live,
            &mut managers,
            r#"{"data":{"a":"9"}}"#,
            "two",
            false,
        )
        .unwrap_err();
        assert_eq!(conflicts.len(), 1);
        assert_eq!(conflicts[0].manager, "one");
        assert_eq!(live.to_string(), r#"{"data":{"a":"1","b":"2"}}"#);
        put(
            &mut live,
            &mut managers,
            r#"{"data":{"a":"9"}}"#,
            "two",
            true,
        )
        .unwrap();
        assert_eq!(live.to_string(), r#"{"data":{"a":"9","b":"2"}}"#);
        // `a` is two's alone now: one may leave it out without taking it away.
        put(
            &mut live,
            &mut managers,
            r#"{"data":{"c":"3"}}"#,
            "one",
            false,
        )
        .unwrap();
        assert_eq!(live.to_string(), r#"{"data":{"a":"9","c":"3"}}"#);
        let rendered = render(&managers).to_string();
        assert!(
            rendered.contains(r#""manager":"two","operation":"Apply""#),
            "{rendered}"
        );
        assert!(rendered.contains(r#""f:data":{"f:a":{}}"#), "{rendered}");
    }

    #[test]
    fn an_update_takes_fields_over_and_then_conflicts_with_apply() {
        let (mut live, mut managers) = (tree("{}"), Vec::new());
        put(
            &mut live,
            &mut managers,
            r#"{"data":{"a":"1"},"spec":{"x":{"y":1}}}"#,
            "one",
            false,
        )
        .unwrap();
        let changed = tree(r#"{"data":{"a":"2"},"spec":{"x":{"y":1}}}"#);
        record_update(
            &mut managers,
            &who("edit", Operation::Update),
            "v1",
            "t",
            &leaves(&live),
            &leaves(&changed),
        );
        live = changed.clone();
        assert!(
            put(
                &mut live,
                &mut managers,
                r#"{"data":{"a":"1"}}"#,
                "one",
                false
            )
            .is_err()
        );
        // A scalar where somebody owns a map below is a conflict too.
        assert!(put(&mut live, &mut managers, r#"{"data":"x"}"#, "three", false).is_err());
        put(
            &mut live,
            &mut managers,
            r#"{"data":{"a":"2"},"spec":{}}"#,
            "one",
            false,
        )
        .unwrap();
    }
}

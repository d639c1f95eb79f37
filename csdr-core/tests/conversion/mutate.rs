//! Every-field objects, and what can be done to them.

use csdr_core::model::{GroupResource, Object, Tree};
use flate2::read::GzDecoder;
use std::{io::Read, sync::LazyLock};

/// One object a kind and version with every field filled: testdata of kubernetes/api, for kinds with several versions.
pub(crate) static EVERY_FIELD: LazyLock<Vec<Tree>> = LazyLock::new(|| {
    let packed = include_bytes!("../data/conversion/every-field.jsonl.gz");
    unpacked(packed)
        .lines()
        .map(|line| Tree::parse(line.as_bytes()).unwrap())
        .collect()
});

pub(crate) fn unpacked(packed: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(packed).read_to_string(&mut text).unwrap();
    text
}

/// What is done at one place of an object.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    /// The member or item goes.
    Remove,
    /// The member is `null`; an item goes.
    Clear,
    /// Another value stands there.
    Replace(Tree),
    /// An item comes twice.
    Double,
    /// The member has another name.
    Rename(String),
}

/// A place is counted among all places of the object, in order.
pub(crate) fn edit(tree: &mut Tree, place: usize, edit: &Edit) {
    let count = places(tree);
    if count > 0 {
        let _ = at(tree, &mut (place % count), edit);
    }
}

/// Members and items below a value.
pub(crate) fn places(tree: &Tree) -> usize {
    let below = |tree: &Tree| 1 + places(tree);
    match tree {
        Tree::Object(members) => members.values().map(below).sum(),
        Tree::Array(items) => items.iter().map(below).sum(),
        _ => 0,
    }
}

/// Whether it is done.
fn at(tree: &mut Tree, place: &mut usize, edit: &Edit) -> bool {
    match tree {
        Tree::Object(members) => {
            for index in 0..members.len() {
                if *place == 0 {
                    let (key, value) = members.get_index(index).unwrap();
                    let (key, value) = (key.to_owned(), value.clone());
                    match edit {
                        Edit::Remove => drop(members.shift_remove(&key)),
                        Edit::Clear => drop(members.insert(key, Tree::Null)),
                        Edit::Replace(value) => drop(members.insert(key, value.clone())),
                        Edit::Double => {
                            let copy = format!("{key}Again");
                            drop(members.insert(copy, value));
                        }
                        Edit::Rename(name) => {
                            members.shift_remove(&key);
                            members.insert(name.clone(), value);
                        }
                    }
                    return true;
                }
                *place -= 1;
                let (_, value) = members.get_index_mut(index).unwrap();
                if at(value, place, edit) {
                    return true;
                }
            }
        }
        Tree::Array(items) => {
            for index in 0..items.len() {
                if *place == 0 {
                    match edit {
                        Edit::Remove | Edit::Clear => drop(items.remove(index)),
                        Edit::Replace(value) => items[index] = value.clone(),
                        Edit::Double | Edit::Rename(_) => {
                            let copy = items[index].clone();
                            items.push(copy);
                        }
                    }
                    return true;
                }
                *place -= 1;
                if at(&mut items[index], place, edit) {
                    return true;
                }
            }
        }
        _ => {}
    }
    false
}

/// The object of a tree, if it still is one.
pub(crate) fn object(tree: &Tree) -> Option<Object> {
    let api_version = tree.text_at(&["apiVersion"])?;
    let kind = tree.text_at(&["kind"])?;
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let plural = csdr_core::lifecycle::row(group, version, kind)?.plural;
    let resource = GroupResource::new(group, plural).ok()?;
    Object::from_tree(resource, tree).ok()
}

/// Members that are null say nothing; they go, at every level.
pub(crate) fn without_nulls(tree: &Tree) -> Tree {
    match tree {
        Tree::Object(members) => Tree::Object(
            members
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, without_nulls(value)))
                .collect(),
        ),
        Tree::Array(items) => Tree::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}

/// Every scalar with its JSON pointer; `null` is none.
pub(crate) fn leaves(tree: &Tree) -> Vec<(String, Tree)> {
    fn walk(tree: &Tree, path: &mut String, found: &mut Vec<(String, Tree)>) {
        let len = path.len();
        match tree {
            Tree::Object(members) => {
                for (key, value) in members {
                    path.push('/');
                    path.push_str(&key.replace('~', "~0").replace('/', "~1"));
                    walk(value, path, found);
                    path.truncate(len);
                }
            }
            Tree::Array(items) => {
                for (at, value) in items.iter().enumerate() {
                    path.push_str(&format!("/{at}"));
                    walk(value, path, found);
                    path.truncate(len);
                }
            }
            Tree::Null => {}
            scalar => found.push((path.clone(), scalar.clone())),
        }
    }
    let mut found = Vec::new();
    walk(tree, &mut String::new(), &mut found);
    found
}

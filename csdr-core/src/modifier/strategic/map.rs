//! Merging of objects.

use super::{Field, How, Misfit, field, list, misfit};
use crate::model::{Tree, TreeMap};
use std::collections::BTreeSet;

/// In an object or in an item of a list: what becomes of it.
pub(super) const DIRECTIVE: &str = "$patch";
/// The keys that stay.
const RETAIN: &str = "$retainKeys";
/// `$setElementOrder/<field>`: the order of the items.
const ORDER: &str = "$setElementOrder";
/// `$deleteFromPrimitiveList/<field>`: values that go.
const DELETION: &str = "$deleteFromPrimitiveList";

/// Merges a patch into an object of a shape.
pub(super) fn merge(map: &mut TreeMap, patch: &TreeMap, shape: u16) -> Result<(), Misfit> {
    if let Some(directive) = patch.get(DIRECTIVE) {
        match directive.as_str() {
            Some("replace") => *map = kept_map(patch),
            Some("delete") => map.clear(),
            _ => return misfit("`$patch` is `replace` or `delete` here").map_err(at(DIRECTIVE)),
        }
        return Ok(());
    }
    retain(map, patch)?;
    let mut ordered = BTreeSet::new();
    for (key, order) in patch {
        if key.starts_with(ORDER) {
            let name = parallel(key, ORDER)?;
            if self::order(map, patch, name, order, shape).map_err(at(name))? {
                ordered.insert(name);
            }
        }
    }
    for (key, value) in patch {
        if key == RETAIN || key.starts_with(ORDER) || ordered.contains(key) {
            continue;
        }
        match key.starts_with(DELETION) {
            true => delete(map, parallel(key, DELETION)?, value)?,
            false => set(map, key, value, field(shape, key)).map_err(at(key))?,
        }
    }
    Ok(())
}

fn at(key: &str) -> impl Fn(Misfit) -> Misfit {
    move |misfit| misfit.below(key)
}

/// The field that a directive beside it is for.
fn parallel<'a>(key: &'a str, prefix: &str) -> Result<&'a str, Misfit> {
    match key
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('/'))
    {
        Some(name) => Ok(name),
        None => misfit(format!("the directive is written `{prefix}/<field>`")).map_err(at(key)),
    }
}

/// Takes away what `$retainKeys` does not name; the patch must not set anything else either.
fn retain(map: &mut TreeMap, patch: &TreeMap) -> Result<(), Misfit> {
    let Some(directive) = patch.get(RETAIN) else {
        return Ok(());
    };
    let Some(keys) = directive.as_array() else {
        return misfit("`$retainKeys` is a list of keys").map_err(at(RETAIN));
    };
    let keys: BTreeSet<&str> = keys.iter().filter_map(Tree::as_str).collect();
    for (key, value) in patch {
        let is_directive = key == RETAIN || key.starts_with(DELETION) || key.starts_with(ORDER);
        if !value.is_null() && !is_directive && !keys.contains(key) {
            return misfit("the patch sets a key that `$retainKeys` does not name")
                .map_err(at(key));
        }
    }
    map.retain(|key, _| keys.contains(key));
    Ok(())
}

/// Merges a list of the patch into that of the object, and orders the result. Answers whether there was a list at all.
fn order(
    map: &mut TreeMap,
    patch: &TreeMap,
    name: &str,
    order: &Tree,
    shape: u16,
) -> Result<bool, Misfit> {
    let Some(order) = order.as_array() else {
        return misfit("`$setElementOrder` is a list");
    };
    let list_of = |map: &'_ TreeMap| match map.get(name) {
        None | Some(Tree::Null) => Ok(None),
        Some(Tree::Array(items)) => Ok(Some(items.clone())),
        Some(_) => misfit("`$setElementOrder` is for a list, and this is none"),
    };
    let field = field(shape, name);
    let (own, new) = (list_of(map)?, list_of(patch)?);
    let (how, key) = (field.1, field.2);
    list::check_order(new.as_deref().unwrap_or_default(), order, key)?;
    let merged = match (&own, &new) {
        (None, None) => return Ok(false),
        (Some(own), None) => own.clone(),
        (None, Some(new)) => new.iter().filter_map(added).collect(),
        (Some(own), Some(new)) if how == How::Merge => list::merge(own, new, field)?,
        (Some(_), Some(new)) => new.iter().map(kept).collect(),
    };
    let before = own.unwrap_or_default();
    let sorted = list::arrange(merged, order, &before, key)?;
    map.insert(name.to_owned(), Tree::Array(sorted));
    Ok(true)
}

/// Takes values out of a list of plain values.
fn delete(map: &mut TreeMap, name: &str, values: &Tree) -> Result<(), Misfit> {
    match (map.get_mut(name), values) {
        (Some(_), Tree::Null) => {
            map.shift_remove(name);
        }
        (Some(Tree::Array(items)), Tree::Array(gone)) => {
            list::delete(items, gone).map_err(at(name))?;
        }
        _ => {}
    }
    Ok(())
}

fn set(map: &mut TreeMap, key: &str, value: &Tree, field: Field) -> Result<(), Misfit> {
    if value.is_null() {
        map.shift_remove(key);
        return Ok(());
    }
    let (_, how, _, shape) = field;
    match (map.get_mut(key), value) {
        (Some(Tree::Object(own)), Tree::Object(new)) => match how {
            How::Replace => *own = kept_map(new),
            How::Descend | How::Merge => merge(own, new, shape)?,
        },
        (Some(Tree::Array(own)), Tree::Array(new)) => {
            *own = match how {
                How::Merge => list::merge(own, new, field)?,
                How::Descend | How::Replace => new.iter().map(kept).collect(),
            };
        }
        _ => match added(value) {
            Some(value) => {
                map.insert(key.to_owned(), value);
            }
            None => {
                map.shift_remove(key);
            }
        },
    }
    Ok(())
}

fn is_directive(key: &str) -> bool {
    key == DIRECTIVE || key == RETAIN || key.starts_with(ORDER) || key.starts_with(DELETION)
}

/// A value of the patch where the object has none: nulls, and objects with a directive, are left out.
pub(super) fn added(value: &Tree) -> Option<Tree> {
    match value {
        Tree::Object(map) if map.contains_key(DIRECTIVE) => None,
        Tree::Object(map) => {
            let members = map
                .iter()
                .filter(|(key, value)| !value.is_null() && !is_directive(key));
            let members = members.filter_map(|(key, value)| Some((key, added(value)?)));
            Some(Tree::Object(members.collect()))
        }
        Tree::Array(items) => Some(Tree::Array(items.iter().filter_map(added).collect())),
        value => Some(value.clone()),
    }
}

/// A value of the patch as it stands, without what is no field.
pub(super) fn kept(value: &Tree) -> Tree {
    match value {
        Tree::Object(map) => Tree::Object(kept_map(map)),
        Tree::Array(items) => Tree::Array(items.iter().map(kept).collect()),
        value => value.clone(),
    }
}

fn kept_map(map: &TreeMap) -> TreeMap {
    map.iter()
        .filter(|(key, value)| !value.is_null() && !is_directive(key))
        .map(|(key, value)| (key, kept(value)))
        .collect()
}

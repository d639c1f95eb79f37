//! Merging of lists: those of objects by the key of their items, those of plain values as sets.

use super::{
    Field, Misfit, map,
    map::{DIRECTIVE, kept},
    misfit,
};
use crate::model::{Tree, TreeMap};
use std::{
    collections::{HashMap, HashSet},
    mem::{Discriminant, discriminant},
};

/// What an item is known by: the text of its key or of itself.
type Name = String;

fn name(item: &Tree, key: &str) -> Result<Name, Misfit> {
    if key.is_empty() {
        return match item {
            Tree::Object(_) | Tree::Array(_) => {
                misfit("items of a list without a key are plain values")
            }
            plain => Ok(plain.to_string()),
        };
    }
    match item.as_object() {
        Some(map) => name_of(map, key),
        None => misfit("an item of a list with a key is no object"),
    }
}

fn name_of(map: &TreeMap, key: &str) -> Result<Name, Misfit> {
    match map.get(key) {
        Some(value) => Ok(value.to_string()),
        None => misfit(format!(
            "an item has no `{key}`, by which the list is merged"
        )),
    }
}

fn names(items: &[Tree], key: &str) -> Result<Vec<Name>, Misfit> {
    items.iter().map(|item| name(item, key)).collect()
}

/// The place of the first item of each name.
fn places(names: Vec<Name>) -> HashMap<Name, usize> {
    let mut places = HashMap::with_capacity(names.len());
    for (at, name) in names.into_iter().enumerate() {
        places.entry(name).or_insert(at);
    }
    places
}

/// All items must be of one type, and none a list.
fn type_of(lists: [&[Tree]; 2]) -> Result<Option<Discriminant<Tree>>, Misfit> {
    let mut first = None;
    for item in lists.into_iter().flatten() {
        if item.as_array().is_some() {
            return misfit("lists of lists are not merged");
        }
        if *first.get_or_insert(discriminant(item)) != discriminant(item) {
            return misfit("items of the list are of several types");
        }
    }
    Ok(first)
}

/// Merges the list of a patch into that of an object.
pub(super) fn merge(own: &[Tree], new: &[Tree], field: Field) -> Result<Vec<Tree>, Misfit> {
    let (_, _, key, shape) = field;
    let Some(kind) = type_of([own, new])? else {
        return Ok(Vec::new());
    };
    if kind != discriminant(&Tree::object()) {
        let mut seen = HashSet::new();
        let both = own.iter().chain(new);
        let both = both.filter(|item| seen.insert(item.to_string()));
        return arrange(both.cloned().collect(), new, own, key);
    }
    if key.is_empty() {
        return misfit("the list has no key by which it could be merged");
    }
    let patch = Patch::of(new, key)?;
    if patch.replaces {
        for item in &patch.items {
            name_of(item, key)?;
        }
        let items = patch.items.into_iter().cloned().map(Tree::Object);
        return Ok(items.map(|item| kept(&item)).collect());
    }
    let before: Vec<Tree> = match patch.deleted.is_empty() {
        true => own.to_vec(),
        false => {
            let is_kept = |item: &&Tree| {
                let value = item.at(&[key]).map(Tree::to_string);
                value.is_none_or(|value| !patch.deleted.contains(&value))
            };
            own.iter().filter(is_kept).cloned().collect()
        }
    };
    let mut merged = before.clone();
    // An item without the key is nobody's, until the end.
    let mut known: HashMap<Name, usize> = HashMap::new();
    for (at, item) in merged.iter().enumerate() {
        if let Some(value) = item.at(&[key]) {
            known.entry(value.to_string()).or_insert(at);
        }
    }
    for item in &patch.items {
        let name = name_of(item, key)?;
        let place = known.get(&name).and_then(|at| merged.get_mut(*at));
        match place.and_then(Tree::as_object_mut) {
            Some(own) => {
                map::merge(own, item, shape).map_err(|misfit| misfit.below(plain(&name)))?
            }
            None => {
                known.insert(name, merged.len());
                merged.push(kept(&Tree::Object((*item).clone())));
            }
        }
    }
    let order: Vec<Tree> = patch.items.into_iter().cloned().map(Tree::Object).collect();
    arrange(merged, &order, &before, key)
}

/// A name as it stands in a path: a string without its quotes.
fn plain(name: &str) -> &str {
    name.trim_matches('"')
}

/// The list of a patch taken apart.
struct Patch<'a> {
    /// Items without a directive.
    items: Vec<&'a TreeMap>,
    deleted: HashSet<Name>,
    replaces: bool,
}

impl<'a> Patch<'a> {
    fn of(list: &'a [Tree], key: &str) -> Result<Self, Misfit> {
        let mut patch = Self {
            items: Vec::new(),
            deleted: HashSet::new(),
            replaces: false,
        };
        for item in list.iter().filter_map(Tree::as_object) {
            match item.get(DIRECTIVE) {
                None => patch.items.push(item),
                Some(directive) => match directive.as_str() {
                    Some("delete") => {
                        patch.deleted.insert(name_of(item, key)?);
                    }
                    Some("replace") => patch.replaces = true,
                    _ => return misfit("`$patch` is `replace` or `delete` in a list"),
                },
            }
        }
        Ok(patch)
    }
}

/// Items whose names stand in `order` in that order, the others in the order of `before`, both woven into each other by it.
pub(super) fn arrange(
    items: Vec<Tree>,
    order: &[Tree],
    before: &[Tree],
    key: &str,
) -> Result<Vec<Tree>, Misfit> {
    let wanted = places(names(order, key)?);
    let stood = places(names(before, key)?);
    let (mut new, mut old) = (Vec::new(), Vec::new());
    for item in items {
        let name = name(&item, key)?;
        let standing = stood.get(&name).copied();
        match wanted.get(&name) {
            Some(at) => new.push((*at, standing, item)),
            None => old.push((standing, item)),
        }
    }
    new.sort_by_key(|(at, ..)| *at);
    old.sort_by_key(|(standing, _)| standing.unwrap_or(usize::MAX));
    let mut arranged = Vec::with_capacity(new.len() + old.len());
    let mut old = old.into_iter().peekable();
    for (_, place, item) in new {
        // An old one stands in front only if it is known to have stood there.
        while let (Some((Some(standing), _)), Some(place)) = (old.peek(), place)
            && *standing < place
        {
            arranged.extend(old.next().map(|(_, item)| item));
        }
        arranged.push(item);
    }
    arranged.extend(old.map(|(_, item)| item));
    Ok(arranged)
}

/// The items of a patch must be named in the order that it sets, and in that order; those that it deletes are not asked.
pub(super) fn check_order(new: &[Tree], order: &[Tree], key: &str) -> Result<(), Misfit> {
    if new.is_empty() || order.is_empty() {
        return Ok(());
    }
    let items = new.iter().filter(|item| item.at(&[DIRECTIVE]).is_none());
    let items: Vec<Tree> = items.cloned().collect();
    let mut order = names(order, key)?.into_iter();
    for name in names(&items, key)? {
        if !order.any(|wanted| wanted == name) {
            return misfit(
                "the items of the patch do not stand in the order of `$setElementOrder`",
            );
        }
    }
    Ok(())
}

/// Takes plain values out of a list.
pub(super) fn delete(items: &mut Vec<Tree>, gone: &[Tree]) -> Result<(), Misfit> {
    if type_of([items.as_slice(), gone])? == Some(discriminant(&Tree::object())) {
        return misfit("`$deleteFromPrimitiveList` is for lists of plain values");
    }
    let gone: HashSet<Name> = gone.iter().map(Tree::to_string).collect();
    items.retain(|item| !gone.contains(&item.to_string()));
    Ok(())
}

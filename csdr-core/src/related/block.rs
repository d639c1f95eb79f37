//! What is captured together.

use crate::model::ObjectId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Objects that are captured together: pods, the claims that they mount, and the volumes of these (velero.md section 2.6). Pods that
/// share a claim are in one block.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemBlock {
    /// The objects: those that the spec orders first, the others by their ids.
    pub items: Vec<ObjectId>,
}

/// Brings pairs together into blocks. The objects of `ordered` make the first blocks, one after the other; other blocks follow by their
/// first id.
pub(crate) fn blocks(pairs: &[(ObjectId, ObjectId)], ordered: &[ObjectId]) -> Vec<ItemBlock> {
    let mut places: BTreeMap<&ObjectId, usize> = BTreeMap::new();
    for id in ordered.iter().chain(pairs.iter().flat_map(|(a, b)| [a, b])) {
        let next = places.len();
        places.entry(id).or_insert(next);
    }
    let mut parents: Vec<usize> = (0..places.len()).collect();
    for (one, other) in pairs {
        if let (Some(one), Some(other)) = (places.get(one), places.get(other)) {
            let (one, other) = (root(&mut parents, *one), root(&mut parents, *other));
            if let Some(parent) = parents.get_mut(one.max(other)) {
                *parent = one.min(other);
            }
        }
    }
    // The rank of an ordered object is its place; all others come after them, by id.
    let rank = |id: &ObjectId| ordered.iter().position(|own| own == id);
    let mut sets: BTreeMap<usize, Vec<(usize, &ObjectId)>> = BTreeMap::new();
    for (id, place) in &places {
        let is_ordered = *place < ordered.len();
        let rank = rank_of(is_ordered, || rank(id));
        sets.entry(root(&mut parents, *place))
            .or_default()
            .push((rank, id));
    }
    let mut sets: Vec<Vec<(usize, &ObjectId)>> = sets.into_values().collect();
    for set in &mut sets {
        set.sort();
    }
    sets.sort();
    sets.into_iter()
        .map(|set| ItemBlock {
            items: set.into_iter().map(|(_, id)| id.clone()).collect(),
        })
        .collect()
}

fn rank_of(is_ordered: bool, rank: impl Fn() -> Option<usize>) -> usize {
    is_ordered.then(rank).flatten().unwrap_or(usize::MAX)
}

fn root(parents: &mut [usize], mut at: usize) -> usize {
    while let Some(parent) = parents.get(at).copied().filter(|parent| *parent != at) {
        // Halves the way for whoever comes next.
        let above = parents.get(parent).copied().unwrap_or(parent);
        if let Some(own) = parents.get_mut(at) {
            *own = above;
        }
        at = above;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> ObjectId {
        let (letter, name) = text.split_at(1);
        match letter {
            "p" => format!("pods/a/{name}"),
            "c" => format!("persistentvolumeclaims/a/{name}"),
            _ => format!("persistentvolumes/{name}"),
        }
        .parse()
        .unwrap()
    }

    #[test]
    fn velero_2_6_pods_claims_and_volumes_are_one_block() {
        for (pairs, ordered, expected) in [
            ("", "", ""),
            ("p1-c1 c1-v1 p2-c2", "", "c1 v1 p1 | c2 p2"),
            ("p1-c1 p2-c1 p2-c2", "", "c1 c2 p1 p2"),
            ("p1-c1 p2-c2 p3-c3", "p3 p2", "p3 c3 | p2 c2 | c1 p1"),
            ("p1-c1 p2-c1", "p2", "p2 c1 p1"),
            ("p2-c1 c1-v1", "p1 v1", "p1 | v1 c1 p2"),
        ] {
            let pairs: Vec<_> = pairs
                .split_whitespace()
                .filter_map(|pair| pair.split_once('-'))
                .map(|(one, other)| (id(one), id(other)))
                .collect();
            let ordered: Vec<_> = ordered.split_whitespace().map(id).collect();
            let expected: Vec<Vec<ObjectId>> = expected
                .split('|')
                .filter(|block| !block.trim().is_empty())
                .map(|block| block.split_whitespace().map(id).collect())
                .collect();
            let found: Vec<Vec<ObjectId>> = blocks(&pairs, &ordered)
                .into_iter()
                .map(|block| block.items)
                .collect();
            assert_eq!(found, expected);
        }
    }
}

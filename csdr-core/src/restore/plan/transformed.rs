//! By which transforms objects are changed: each set of them is kept once, a row has its number.

use std::collections::HashMap;

/// The word in a set for a status that is restored too.
pub(in crate::restore) const STATUS: &str = "status";

/// Sets as they come in.
#[derive(Debug)]
pub(super) struct TransformSets {
    places: HashMap<Vec<String>, u16>,
    sets: Vec<Vec<String>>,
}

impl Default for TransformSets {
    fn default() -> Self {
        let none = Vec::new();
        Self {
            places: HashMap::from([(none.clone(), 0)]),
            sets: vec![none],
        }
    }
}

impl TransformSets {
    /// The number of a set, made if it is new. Beyond what rows can count the last set stands for all new ones.
    pub(super) fn place(&mut self, set: Vec<String>) -> u16 {
        if let Some(place) = self.places.get(&set) {
            return *place;
        }
        let Ok(place) = u16::try_from(self.sets.len()) else {
            return u16::MAX;
        };
        self.sets.push(set.clone());
        self.places.insert(set, place);
        place
    }

    pub(super) fn into_sets(self) -> Vec<Vec<String>> {
        self.sets
    }
}

//! The members of an object: few are searched through, many have an index.

use super::{KeyHashing, Tree, key::Key};
use indexmap::IndexMap;
use std::{fmt, slice, vec};

/// The members of a JSON object in their order. An empty one is `TreeMap::default()`.
///
/// Most objects have few members: these lie in one piece and are found by comparing; the names that most objects have are not copied. From [`TreeMap::FEW`] on there is an index, so
/// that an object of any size is read in time that grows with its size alone.
///
/// Two maps are equal if they hold the same values at the same keys; their order does not count. `Debug` shows no content.
///
/// ```
/// use csdr_core::model::{Tree, TreeMap};
/// let mut map: TreeMap = [("b", 1), ("a", 2)].map(|(key, value)| (key.to_owned(), Tree::from(value))).into_iter().collect();
/// map.insert("c".to_owned(), Tree::from(3));
/// map.shift_remove("b");
/// assert_eq!(map.keys().collect::<Vec<_>>(), ["a", "c"]);
/// assert_eq!(map.get("c").and_then(Tree::as_i64), Some(3));
/// ```
#[derive(Clone)]
pub struct TreeMap(Members);

#[derive(Clone)]
enum Members {
    Few(Vec<(Key, Tree)>),
    Many(Box<Indexed>),
}

type Indexed = IndexMap<Key, Tree, KeyHashing>;

impl Default for TreeMap {
    fn default() -> Self {
        Self(Members::Few(Vec::new()))
    }
}

impl TreeMap {
    /// Most members that are searched through.
    pub const FEW: usize = 16;

    /// An empty one with room for so many members.
    pub fn with_capacity(members: usize) -> Self {
        Self(if members <= Self::FEW {
            Members::Few(Vec::with_capacity(members))
        } else {
            Members::Many(Box::new(Indexed::with_capacity_and_hasher(
                members, KeyHashing,
            )))
        })
    }

    /// How many members it has.
    pub fn len(&self) -> usize {
        match &self.0 {
            Members::Few(list) => list.len(),
            Members::Many(map) => map.len(),
        }
    }

    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a key is there.
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Tree> {
        match &self.0 {
            Members::Few(list) => list.iter().find(|(own, _)| own.as_str() == key),
            Members::Many(map) => return map.get(key),
        }
        .map(|(_, value)| value)
    }

    /// The value of a key.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Tree> {
        match &mut self.0 {
            Members::Few(list) => list.iter_mut().find(|(own, _)| own.as_str() == key),
            Members::Many(map) => return map.get_mut(key),
        }
        .map(|(_, value)| value)
    }

    /// The place of a key in the order, counted from 0.
    pub fn get_index_of(&self, key: &str) -> Option<usize> {
        match &self.0 {
            Members::Few(list) => list.iter().position(|(own, _)| own.as_str() == key),
            Members::Many(map) => map.get_index_of(key),
        }
    }

    /// The member at a place.
    pub fn get_index(&self, at: usize) -> Option<(&str, &Tree)> {
        match &self.0 {
            Members::Few(list) => list.get(at).map(|(key, value)| (key, value)),
            Members::Many(map) => map.get_index(at),
        }
        .map(|(key, value)| (key.as_str(), value))
    }

    /// The member at a place.
    pub fn get_index_mut(&mut self, at: usize) -> Option<(&str, &mut Tree)> {
        match &mut self.0 {
            Members::Few(list) => list.get_mut(at).map(|(key, value)| (&*key, value)),
            Members::Many(map) => map.get_index_mut(at),
        }
        .map(|(key, value)| (key.as_str(), value))
    }

    /// Puts a value at a key and answers the one that stood there. The place of an existing key is kept, a new one goes last.
    pub fn insert(&mut self, key: String, value: Tree) -> Option<Tree> {
        self.put(key.into(), value)
    }

    fn put(&mut self, key: Key, value: Tree) -> Option<Tree> {
        if let Some(own) = self.get_mut(key.as_str()) {
            return Some(std::mem::replace(own, value));
        }
        self.push(key, value);
        None
    }

    /// Puts a value at a key and the key at a place, moved there if it stood elsewhere. A place beyond the end is the last one.
    pub fn shift_insert(&mut self, at: usize, key: String, value: Tree) -> Option<Tree> {
        let before = self.shift_remove(&key);
        let at = at.min(self.len());
        self.push(key.into(), value);
        let last = self.len().saturating_sub(1);
        match &mut self.0 {
            Members::Few(list) => {
                if let Some(moved) = list.get_mut(at..) {
                    moved.rotate_right(1);
                }
            }
            Members::Many(map) => map.move_index(last, at),
        }
        before
    }

    /// Takes a key away; the order of the others is kept.
    pub fn shift_remove(&mut self, key: &str) -> Option<Tree> {
        match &mut self.0 {
            Members::Few(list) => {
                let at = list.iter().position(|(own, _)| own.as_str() == key)?;
                Some(list.remove(at).1)
            }
            Members::Many(map) => map.shift_remove(key),
        }
    }

    /// The place of a key, whether it is there or not.
    pub fn entry(&mut self, key: String) -> Entry<'_> {
        Entry { map: self, key }
    }

    /// The members in their order.
    pub fn iter(&self) -> Iter<'_> {
        Iter(match &self.0 {
            Members::Few(list) => Either::Few(list.iter()),
            Members::Many(map) => Either::Many(map.iter()),
        })
    }

    /// The members in their order.
    pub fn iter_mut(&mut self) -> IterMut<'_> {
        IterMut(match &mut self.0 {
            Members::Few(list) => Either::Few(list.iter_mut()),
            Members::Many(map) => Either::Many(map.iter_mut()),
        })
    }

    /// The keys in their order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator + Clone {
        self.iter().map(|(key, _)| key)
    }

    /// The values in the order of their keys.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Tree> + DoubleEndedIterator + Clone {
        self.iter().map(|(_, value)| value)
    }

    /// The values in the order of their keys.
    pub fn values_mut(
        &mut self,
    ) -> impl ExactSizeIterator<Item = &mut Tree> + DoubleEndedIterator {
        self.iter_mut().map(|(_, value)| value)
    }

    /// Keeps the members for which `keep` holds, in their order.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &mut Tree) -> bool) {
        match &mut self.0 {
            Members::Few(list) => list.retain_mut(|(key, value)| keep(key.as_str(), value)),
            Members::Many(map) => map.retain(|key, value| keep(key.as_str(), value)),
        }
    }

    /// What stands at a key, a `null` that is put there last if nothing did.
    pub(super) fn slot(&mut self, key: &str) -> &mut Tree {
        match self.get_index_of(key) {
            Some(at) => self.place(at),
            None => self.push(key.into(), Tree::Null),
        }
    }

    /// The value at a place that is there.
    fn place(&mut self, at: usize) -> &mut Tree {
        match &mut self.0 {
            Members::Few(list) => &mut list[at].1,
            Members::Many(map) => &mut map[at],
        }
    }

    /// Adds a member last whose key is not there.
    fn push(&mut self, key: Key, value: Tree) -> &mut Tree {
        match &mut self.0 {
            Members::Few(list) if list.len() < Self::FEW => list.push((key, value)),
            Members::Few(list) => {
                let mut map: Indexed = std::mem::take(list).into_iter().collect();
                map.insert(key, value);
                self.0 = Members::Many(Box::new(map));
            }
            Members::Many(map) => {
                map.insert(key, value);
            }
        }
        self.place(self.len() - 1)
    }

    /// Of these members, made in its size; none if a key comes twice: then that member was the last one to be taken.
    pub(super) fn of_members(
        members: impl ExactSizeIterator<Item = (Key, Tree)>,
    ) -> Option<Self> {
        if members.len() > Self::FEW {
            let mut map = Indexed::with_capacity_and_hasher(members.len(), KeyHashing);
            for (key, value) in members {
                if map.insert(key, value).is_some() {
                    return None;
                }
            }
            return Some(Self(Members::Many(Box::new(map))));
        }
        let mut list: Vec<(Key, Tree)> = Vec::with_capacity(members.len());
        for (key, value) in members {
            if list.iter().any(|(own, _)| *own == key) {
                return None;
            }
            list.push((key, value));
        }
        Some(Self(Members::Few(list)))
    }
}

/// The place of a key in a [`TreeMap`].
pub struct Entry<'a> {
    map: &'a mut TreeMap,
    key: String,
}

impl<'a> Entry<'a> {
    /// What stands there; `value` if nothing did.
    pub fn or_insert(self, value: Tree) -> &'a mut Tree {
        self.or_insert_with(|| value)
    }

    /// What stands there; `null` if nothing did.
    pub fn or_default(self) -> &'a mut Tree {
        self.or_insert_with(Tree::default)
    }

    /// What stands there; the answer of `value` if nothing did.
    pub fn or_insert_with(self, value: impl FnOnce() -> Tree) -> &'a mut Tree {
        let Self { map, key } = self;
        match map.get_index_of(&key) {
            Some(at) => map.place(at),
            None => map.push(key.into(), value()),
        }
    }
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({:?})", self.map)
    }
}

impl fmt::Debug for TreeMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TreeMap({} keys)", self.len())
    }
}

impl PartialEq for TreeMap {
    fn eq(&self, other: &Self) -> bool {
        let mut members = self.iter();
        self.len() == other.len() && members.all(|(key, value)| other.get(key) == Some(value))
    }
}

impl Eq for TreeMap {}

impl<K: AsRef<str>> Extend<(K, Tree)> for TreeMap {
    fn extend<I: IntoIterator<Item = (K, Tree)>>(&mut self, members: I) {
        for (key, value) in members {
            self.put(key.as_ref().into(), value);
        }
    }
}

impl<K: AsRef<str>> FromIterator<(K, Tree)> for TreeMap {
    fn from_iter<I: IntoIterator<Item = (K, Tree)>>(members: I) -> Self {
        let members = members.into_iter();
        let mut map = Self::with_capacity(members.size_hint().0.min(Self::FEW));
        map.extend(members);
        map
    }
}

/// One of two iterators.
#[derive(Clone)]
enum Either<F, M> {
    Few(F),
    Many(M),
}

macro_rules! iterator {
    ($(#[$doc:meta])* $name:ident<$($life:lifetime)?>, $few:ty, $many:ty, $item:ty, $split:expr) => {
        $(#[$doc])*
        pub struct $name<$($life)?>(Either<$few, $many>);

        impl<$($life)?> Iterator for $name<$($life)?> {
            type Item = $item;

            fn next(&mut self) -> Option<Self::Item> {
                match &mut self.0 {
                    Either::Few(members) => members.next().map($split),
                    Either::Many(members) => members.next().map($split),
                }
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                match &self.0 {
                    Either::Few(members) => members.size_hint(),
                    Either::Many(members) => members.size_hint(),
                }
            }
        }

        impl<$($life)?> DoubleEndedIterator for $name<$($life)?> {
            fn next_back(&mut self) -> Option<Self::Item> {
                match &mut self.0 {
                    Either::Few(members) => members.next_back().map($split),
                    Either::Many(members) => members.next_back().map($split),
                }
            }
        }

        impl<$($life)?> ExactSizeIterator for $name<$($life)?> {}

        impl<$($life)?> fmt::Debug for $name<$($life)?> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} left)"), self.len())
            }
        }
    };
}

iterator!(
    /// The members of a [`TreeMap`].
    #[derive(Clone)]
    Iter<'a>,
    slice::Iter<'a, (Key, Tree)>,
    indexmap::map::Iter<'a, Key, Tree>,
    (&'a str, &'a Tree),
    |(key, value)| (key.as_str(), value)
);
iterator!(
    /// The members of a [`TreeMap`], whose values may be changed.
    IterMut<'a>,
    slice::IterMut<'a, (Key, Tree)>,
    indexmap::map::IterMut<'a, Key, Tree>,
    (&'a str, &'a mut Tree),
    |(key, value)| (key.as_str(), value)
);
iterator!(
    /// The members that a [`TreeMap`] had.
    IntoIter<>,
    vec::IntoIter<(Key, Tree)>,
    indexmap::map::IntoIter<Key, Tree>,
    (String, Tree),
    |(key, value)| (key.into(), value)
);

impl<'a> IntoIterator for &'a TreeMap {
    type Item = (&'a str, &'a Tree);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a mut TreeMap {
    type Item = (&'a str, &'a mut Tree);
    type IntoIter = IterMut<'a>;

    fn into_iter(self) -> IterMut<'a> {
        self.iter_mut()
    }
}

impl IntoIterator for TreeMap {
    type Item = (String, Tree);
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        IntoIter(match self.0 {
            Members::Few(list) => Either::Few(list.into_iter()),
            Members::Many(map) => Either::Many(map.into_iter()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(keys: impl IntoIterator<Item = usize>) -> TreeMap {
        keys.into_iter()
            .map(|key| (format!("k{key}"), Tree::from(key as i64)))
            .collect()
    }

    fn keys(map: &TreeMap) -> Vec<&str> {
        map.keys().collect()
    }

    /// The same steps on a map of every size around the bound, against a list that is searched.
    #[test]
    fn few_and_many_members_behave_alike() {
        for size in [0, 1, 2, TreeMap::FEW - 1, TreeMap::FEW, TreeMap::FEW + 1, 100] {
            let mut map = of(0..size);
            let mut list: Vec<String> = (0..size).map(|key| format!("k{key}")).collect();
            assert_eq!(map.insert("new".into(), Tree::Null), None);
            list.push("new".into());
            assert_eq!(map.insert("new".into(), Tree::from(1)), Some(Tree::Null));
            *map.entry("new".into()).or_insert(Tree::Null) = Tree::from(2);
            *map.entry("other".into()).or_default() = Tree::from(3);
            list.push("other".into());
            *map.slot("third") = Tree::from(4);
            *map.slot("new") = Tree::from(5);
            list.push("third".into());
            assert_eq!(keys(&map), list, "{size}");
            assert_eq!(map.shift_insert(0, "new".into(), Tree::from(6)), Some(Tree::from(5)));
            list.retain(|key| key != "new");
            list.insert(0, "new".into());
            assert_eq!(map.shift_insert(1, "k0".into(), Tree::Null).is_some(), size > 0);
            list.retain(|key| key != "k0");
            list.insert(1, "k0".into());
            assert_eq!(map.shift_insert(usize::MAX, "end".into(), Tree::Null), None);
            list.push("end".into());
            assert_eq!(map.shift_remove("k1").is_some(), size > 1);
            list.retain(|key| key != "k1");
            assert_eq!(map.shift_remove("nobody"), None);
            assert_eq!(keys(&map), list, "{size}");
            assert_eq!((map.len(), map.is_empty()), (list.len(), false));
            for (at, key) in list.iter().enumerate() {
                assert_eq!(map.get_index_of(key), Some(at));
                assert_eq!(map.get_index(at).map(|(own, _)| own), Some(key.as_str()));
                let (own, value) = map.get_index_mut(at).unwrap();
                assert_eq!(own, key);
                *value = Tree::from(at as i64);
                assert_eq!(map.get_mut(key), Some(&mut Tree::from(at as i64)));
            }
            assert_eq!(map.get_index_mut(list.len()), None);
            let back: Vec<i64> = map.values().rev().filter_map(Tree::as_i64).collect();
            assert!(back.into_iter().eq((0..list.len() as i64).rev()));
            map.values_mut().for_each(|value| *value = Tree::from(7));
            assert!((&map).into_iter().all(|(_, value)| *value == Tree::from(7)));
            (&mut map).into_iter().for_each(|(_, value)| *value = Tree::Null);
            map.retain(|key, value| key.starts_with('k') && value.is_null());
            list.retain(|key| key.starts_with('k'));
            assert_eq!(keys(&map), list);
            assert_eq!(map.iter().len(), list.len());
            assert!(map.into_iter().map(|(key, _)| key).eq(list));
        }
    }

    #[test]
    fn the_order_does_not_count() {
        for size in [3, TreeMap::FEW, TreeMap::FEW + 1, 40] {
            assert_eq!(of(0..size), of((0..size).rev()));
            assert_ne!(of(0..size), of(1..size + 1));
            assert_ne!(of(0..size), of(0..size + 1));
            let mut shrunk = of(0..size + 20);
            shrunk.retain(|_, value| value.as_i64().is_some_and(|value| value < size as i64));
            assert_eq!(shrunk, of(0..size), "an index that was made stays");
        }
    }

    #[test]
    fn an_object_of_many_members_has_an_index() {
        let map = |size| match of(0..size).0 {
            Members::Few(_) => false,
            Members::Many(_) => true,
        };
        assert!(!map(TreeMap::FEW) && map(TreeMap::FEW + 1) && map(100_000));
        let json = |size: usize| {
            let members: Vec<String> = (0..size).map(|key| format!("\"k{key}\":{key}")).collect();
            format!("{{{}}}", members.join(","))
        };
        for (size, indexed) in [(TreeMap::FEW, false), (TreeMap::FEW + 1, true), (100_000, true)] {
            let Tree::Object(read) = Tree::parse(json(size).as_bytes()).unwrap() else {
                panic!("an object")
            };
            assert_eq!(matches!(read.0, Members::Many(_)), indexed, "{size}");
            assert_eq!(read.len(), size);
        }
    }

    #[test]
    fn nothing_is_shown() {
        let mut map = of(0..2);
        let shown = format!("{map:?} {:?} {:?}", map.iter(), map.clone().into_iter());
        assert_eq!(shown, "TreeMap(2 keys) Iter(2 left) IntoIter(2 left)");
        assert_eq!(format!("{:?}", map.entry("a".into())), "Entry(TreeMap(2 keys))");
    }

    /// A value and its key are moved often: they stay small.
    #[test]
    fn a_value_is_of_four_words() {
        assert_eq!(size_of::<Tree>(), 4 * size_of::<usize>());
    }
}

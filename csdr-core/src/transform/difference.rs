//! What differs between two trees, place by place.

use crate::{conversion::Edit, model::Tree};
use std::fmt::Write as _;

/// One place; `null` counts as absent.
#[derive(Debug)]
pub(super) struct Difference<'a> {
    /// JSON pointer.
    pub(super) path: String,
    pub(super) before: Option<&'a Tree>,
    pub(super) after: Option<&'a Tree>,
}

impl Difference<'_> {
    pub(super) fn edit(&self) -> Edit {
        match (self.before, self.after) {
            (None, _) => Edit::Added,
            (_, None) => Edit::Removed,
            _ => Edit::Replaced,
        }
    }
}

/// A step of a path.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    Key(&'a str),
    Item(usize),
}

impl<'a> Step<'a> {
    pub(super) fn key(&self) -> Option<&'a str> {
        match self {
            Self::Key(key) => Some(key),
            Self::Item(_) => None,
        }
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.key() == Some(name)
    }
}

/// A path as a JSON pointer.
pub(super) fn pointer(path: &[Step<'_>]) -> String {
    let mut text = String::new();
    for step in path {
        // Writing into a String cannot fail.
        let _ = match step {
            Step::Key(key) => write!(text, "/{}", key.replace('~', "~0").replace('/', "~1")),
            Step::Item(at) => write!(text, "/{at}"),
        };
    }
    text
}

/// The smallest values that differ. Lists are compared item by item where they are equally long, and as a whole otherwise.
pub(super) fn find<'a>(
    before: Option<&'a Tree>,
    after: Option<&'a Tree>,
    path: &mut Vec<Step<'a>>,
    found: &mut Vec<Difference<'a>>,
) {
    let here = |value: Option<&'a Tree>| value.filter(|value| !value.is_null());
    let (before, after) = (here(before), here(after));
    match (before, after) {
        (None, None) => {}
        (Some(Tree::Object(old)), Some(Tree::Object(new))) => {
            let gone = old.keys().filter(|key| !new.contains_key(key));
            for key in gone.chain(new.keys()) {
                path.push(Step::Key(key));
                find(old.get(key), new.get(key), path, found);
                path.pop();
            }
        }
        (Some(Tree::Array(old)), Some(Tree::Array(new))) if old.len() == new.len() => {
            for (at, (old, new)) in old.iter().zip(new).enumerate() {
                path.push(Step::Item(at));
                find(Some(old), Some(new), path, found);
                path.pop();
            }
        }
        (before, after) if before == after => {}
        (before, after) => found.push(Difference {
            path: pointer(path),
            before,
            after,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_values_that_differ() {
        let old = Tree::parse(
            br#"{"a":{"b":1,"c/d":2,"gone":3,"null":null},"list":[{"x":1},{"x":2}],"short":[1]}"#,
        );
        let new = Tree::parse(br#"{"a":{"c/d":5,"b":1,"new":{"y":[]}},"list":[{"x":1},{"x":3}],"short":[1,2],"null":null}"#);
        let (old, new) = (old.unwrap(), new.unwrap());
        let mut found = Vec::new();
        find(Some(&old), Some(&new), &mut Vec::new(), &mut found);
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.path.as_str(), one.edit()))
            .collect();
        assert_eq!(
            told,
            [
                ("/a/gone", Edit::Removed),
                ("/a/c~1d", Edit::Replaced),
                ("/a/new", Edit::Added),
                ("/list/1/x", Edit::Replaced),
                ("/short", Edit::Replaced),
            ]
        );
    }
}

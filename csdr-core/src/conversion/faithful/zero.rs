//! Objects as Go's types read them: a struct that is not behind a pointer always exists, and a plain field cannot tell `""` or `0`
//! from nothing.
//!
//! Every step here leaves a value of another type alone, with all that is below it.

use super::super::draft::{DEFAULT, Node};
use crate::model::Tree;

/// Writes the default of a plain field: where nothing, `""` or `0` stands.
pub(super) fn fill(node: &mut Node<'_>, key: &str, value: impl Into<Tree>) {
    let zero = match node.get(&[key]) {
        None => true,
        Some(Tree::String(text)) => text.is_empty(),
        Some(Tree::Number(number)) => number.as_i64() == Some(0),
        Some(_) => false,
    };
    if zero && is_object(node) {
        node.set(&[key], value, DEFAULT);
    }
}

/// Writes the default of a field behind a pointer: where nothing stands.
pub(super) fn default(node: &mut Node<'_>, key: &str, value: impl Into<Tree>) {
    if is_object(node) {
        node.default(&[key], value);
    }
}

/// Goes into a struct that always exists; an empty one is written where nothing stands.
pub(super) fn within(node: &mut Node<'_>, key: &str, rule: impl FnOnce(&mut Node<'_>)) {
    default(node, key, Tree::object());
    inside(node, &[key], rule);
}

/// Goes to the object at a path, if there is one.
pub(super) fn inside(node: &mut Node<'_>, path: &[&str], rule: impl FnOnce(&mut Node<'_>)) {
    node.at(path, |object| {
        if is_object(object) {
            rule(object);
        }
    });
}

/// Goes through the objects of the array at a path.
pub(super) fn each(node: &mut Node<'_>, path: &[&str], mut rule: impl FnMut(&mut Node<'_>)) {
    node.each(path, |item| {
        if is_object(item) {
            rule(item);
        }
    });
}

/// Takes a map away that has become empty: Go's encoder leaves it out.
pub(super) fn drop_empty(node: &mut Node<'_>, path: &[&str]) {
    let empty = |tree: &Tree| tree.as_object().is_some_and(|members| members.is_empty());
    if node.get(path).is_some_and(empty) {
        node.tree_mut().remove(path);
    }
}

fn is_object(node: &Node<'_>) -> bool {
    node.tree().as_object().is_some()
}

#[cfg(test)]
mod tests {
    use super::super::super::draft::Log;
    use super::*;

    #[test]
    fn what_go_cannot_tell_from_nothing_is_filled_and_other_types_are_left_alone() {
        let mut tree = Tree::parse(
            br#"{"empty":"","zero":0,"null":null,"set":"x","one":1,"float":0.5,"no":false,"list":[],"map":{}}"#,
        )
        .unwrap();
        let mut log = Log::default();
        let mut node = Node::root(&mut tree, &mut log);
        for key in [
            "empty", "zero", "null", "absent", "set", "one", "float", "no", "list", "map",
        ] {
            fill(&mut node, key, "d");
        }
        within(&mut node, "set", |_| panic!("not an object"));
        within(&mut node, "new", |new| default(new, "a", 1));
        assert_eq!(
            tree.to_string(),
            r#"{"empty":"d","zero":"d","null":"d","set":"x","one":1,"float":0.5,"no":false,"list":[],"map":{},"absent":"d","new":{"a":1}}"#
        );
        for json in [r#""text""#, "[1]", "7", "null"] {
            let mut tree = Tree::parse(json.as_bytes()).unwrap();
            let mut node = Node::root(&mut tree, &mut log);
            fill(&mut node, "a", "d");
            default(&mut node, "a", "d");
            within(&mut node, "a", |_| panic!("not an object"));
            assert_eq!(tree.to_string(), json);
        }
    }
}

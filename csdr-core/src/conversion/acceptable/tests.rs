//! Every rule by example, and what must hold for all of them.

mod rows;

use super::{Context, InTree, IngressClassChoice, MendOptions, concerns, mend, metadata};
use crate::{
    conversion::{
        draft::{Log, Node},
        outcome::{Edit, SkipReason, Stage},
        service_port::ServicePorts,
    },
    model::{ApiVersion, Tree},
};
use proptest::prelude::*;
use rows::Row;

/// The object after the mends, and what was said: changes, then losses.
fn run(json: &str, minor: u32, options: &MendOptions) -> Result<(Tree, Vec<String>), SkipReason> {
    let mut tree = Tree::parse(json.as_bytes()).unwrap();
    let log = mend_tree(&mut tree, minor, options)?;
    let changes = log.changes.iter().map(ToString::to_string);
    let losses = log.losses.iter().map(ToString::to_string);
    let said = changes.chain(losses).collect();
    Ok((tree, said))
}

fn mend_tree(tree: &mut Tree, minor: u32, options: &MendOptions) -> Result<Log, SkipReason> {
    let mut log = Log {
        stage: Stage::Acceptable,
        ..Log::default()
    };
    let api_version: ApiVersion = tree.text_at(&["apiVersion"]).unwrap().parse().unwrap();
    let kind = tree.text_at(&["kind"]).unwrap().to_owned();
    let mut services = ServicePorts::default();
    let known = br#"{"metadata":{"name":"known"},"spec":{"ports":[{"name":"a-port-with-a-long-name","port":8443}]}}"#;
    services.add("d", &Tree::parse(known).unwrap());
    let context = Context {
        api_version: &api_version,
        kind: &kind,
        minor,
        options,
        services: &services,
    };
    mend(&mut Node::root(tree, &mut log), &context)?;
    Ok(log)
}

fn is_concerned(tree: &Tree, minor: u32) -> bool {
    let api_version: ApiVersion = tree.text_at(&["apiVersion"]).unwrap().parse().unwrap();
    concerns(
        api_version.group(),
        tree.text_at(&["kind"]).unwrap(),
        minor,
        &tree.to_json(),
    )
}

fn options(row: &Row) -> MendOptions {
    MendOptions {
        in_tree: if row.source.contains("[csi]") {
            InTree::Csi
        } else {
            InTree::Keep
        },
        ingress_class: if row.source.contains("[field]") {
            IngressClassChoice::Field
        } else {
            IngressClassChoice::Annotation
        },
        scale_to_zero: row.source.contains("[zero]"),
        ..MendOptions::default()
    }
}

/// What is wrong with an example.
fn wrong(row: &Row) -> Option<String> {
    let (tree, notes) = match run(row.before, row.minor, &options(row)) {
        Err(reason) => {
            let reason = reason.to_string();
            let right = row.after.is_empty()
                && !row.said.is_empty()
                && row.said.iter().all(|part| reason.contains(part));
            return (!right).then_some(reason);
        }
        Ok(done) => done,
    };
    let after = if row.after.is_empty() {
        row.before
    } else {
        row.after
    };
    if tree != Tree::parse(after.as_bytes()).unwrap() {
        return Some(tree.to_string());
    }
    let said = notes.len() == row.said.len()
        && notes
            .iter()
            .zip(row.said)
            .all(|(note, said)| note.starts_with(said));
    if !said {
        return Some(format!("{notes:#?}"));
    }
    // What was mended is taken: nothing is left to do.
    match run(after, row.minor, &options(row)) {
        Ok((again, _)) if again == tree => None,
        other => Some(format!("not stable: {other:?}")),
    }
}

#[test]
fn every_rule_by_example() {
    let wrong: Vec<String> = rows::rows()
        .filter_map(|row| Some(format!("{}: {}", row.source, wrong(row)?)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_has_no_needle_is_not_changed() {
    for row in rows::rows() {
        let tree = Tree::parse(row.before.as_bytes()).unwrap();
        for minor in 16..=37 {
            for options in [options(row), MendOptions::default()] {
                assert_needles(&tree, minor, &options, row.source);
            }
        }
    }
}

fn assert_needles(before: &Tree, minor: u32, options: &MendOptions, source: &str) {
    let mut tree = before.clone();
    if let Ok(log) = mend_tree(&mut tree, minor, options) {
        let silent = log.changes.is_empty() && log.losses.is_empty();
        assert!(
            !silent || without_nulls(tree) == without_nulls(before.clone()),
            "{source}: changed without a word"
        );
        assert!(
            silent || is_concerned(before, minor),
            "{source} at 1.{minor} has no needle: {:#?} {:#?}",
            log.changes,
            log.losses
        );
    }
}

/// `null` counts as absent.
fn without_nulls(tree: Tree) -> Tree {
    match tree {
        Tree::Object(map) => map
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_nulls(value)))
            .collect(),
        Tree::Array(items) => Tree::Array(items.into_iter().map(without_nulls).collect()),
        leaf => leaf,
    }
}

/// Objects as clusters hold them: no rule for 1.36 may look at one of these.
#[test]
fn ordinary_objects_are_not_looked_at() {
    for json in rows::ORDINARY {
        let tree = Tree::parse(json.as_bytes()).unwrap();
        assert!(!is_concerned(&tree, 36), "{json}");
        let (after, said) = run(json, 36, &MendOptions::default()).unwrap();
        assert_eq!((after.to_string().as_str(), said.len()), (*json, 0));
    }
    assert!(!concerns("example.com", "Anything", 36, b"{\"spec\":{}}"));
    assert!(concerns(
        "example.com",
        "Anything",
        36,
        b"{\"metadata\":{\"clusterName\":\"x\"}}"
    ));
    assert_eq!(metadata::NEEDLES.len(), 1);
}

fn leaves(tree: &Tree, all: &mut Vec<String>) {
    match tree {
        Tree::Object(map) => map.values().for_each(|value| leaves(value, all)),
        Tree::Array(items) => items.iter().for_each(|value| leaves(value, all)),
        Tree::Null => {}
        leaf => all.push(leaf.to_string()),
    }
}

/// Whether something was taken away whose value is not shown.
fn is_secret(log: &Log) -> bool {
    let mut removed = log
        .changes
        .iter()
        .filter(|change| change.edit == Edit::Removed);
    removed.any(|change| change.before.is_none())
}

/// A value that stands for another in a mutated object.
fn odd_value() -> impl Strategy<Value = Tree> {
    prop_oneof![
        Just(Tree::Null),
        Just(Tree::object()),
        Just(Tree::Array(Vec::new())),
        Just(Tree::Array(vec![
            Tree::Null,
            Tree::from("x"),
            Tree::object()
        ])),
        Just(Tree::from(true)),
        Just(Tree::from(0)),
        Just(Tree::from(-1)),
        Just(Tree::from("")),
        Just(Tree::from("010.0.0.1")),
        Just(Tree::from("10.0.0.1/08")),
        Just(Tree::from("b c")),
        Just(Tree::from("8080")),
        Just(Tree::from("1.2.3.4")),
        Just(Tree::from("localhost/p")),
        Just(Tree::from("CRON_TZ=UTC 0 1 * * *")),
        Just(Tree::from("ä\"\\/x")),
    ]
}

/// Puts `value` at the place that `seed` points to.
fn mutate(tree: &mut Tree, seed: usize, value: Tree) {
    let mut place = tree;
    let mut seed = seed;
    loop {
        let count = match place {
            Tree::Object(map) => map.len(),
            Tree::Array(items) => items.len(),
            _ => 0,
        };
        if count == 0 || seed.is_multiple_of(7) {
            *place = value;
            return;
        }
        let at = (seed / 7) % count;
        seed = seed / 7 / count + seed % 5;
        place = match place {
            Tree::Object(map) => map.get_index_mut(at).unwrap().1,
            Tree::Array(items) => &mut items[at],
            _ => return,
        };
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    /// Whatever stands anywhere: no panic, the same twice, every leaf in the object or in what is said, and no change without a
    /// needle.
    #[test]
    fn mutated_objects_lose_nothing_silently(
        row in 0..rows::rows().count(),
        edits in prop::collection::vec((1usize..1_000_000, odd_value()), 0..3),
        minor in 15u32..38,
        csi in any::<bool>(),
    ) {
        let row = rows::rows().nth(row).unwrap();
        let mut before = Tree::parse(row.before.as_bytes()).unwrap();
        let head = ["apiVersion", "kind"].map(|key| (key, before.at(&[key]).unwrap().clone()));
        for (seed, value) in edits {
            mutate(&mut before, seed, value);
        }
        for (key, value) in head {
            before.set(&[key], value);
        }
        let options = MendOptions {
            in_tree: if csi { InTree::Csi } else { InTree::Keep },
            ..options(row)
        };
        let mut after = before.clone();
        if let Ok(log) = mend_tree(&mut after, minor, &options) {
            let mut again = before.clone();
            let second = mend_tree(&mut again, minor, &options).unwrap();
            prop_assert_eq!(&again, &after);
            prop_assert_eq!(second.changes, log.changes.clone());
            let mut said = Vec::new();
            leaves(&after, &mut said);
            for value in log.changes.iter().flat_map(|change| &change.before)
                .chain(log.losses.iter().flat_map(|loss| &loss.value)) {
                leaves(value, &mut said);
            }
            let mut had = Vec::new();
            leaves(&before, &mut had);
            for leaf in had {
                prop_assert!(
                    said.contains(&leaf) || is_secret(&log),
                    "{} of {} is gone without a word", leaf, before.to_string()
                );
            }
            assert_needles(&before, minor, &options, row.source);
        }
    }
}

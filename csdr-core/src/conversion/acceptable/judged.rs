//! Stage two against the verdicts of a real API server.
//!
//! `tests/data/conversion/judged.jsonl` has one case a line: `object`, whether a `dryRun=All` POST to Kubernetes 1.36.3 took it as it
//! is (`taken`), and our answer: `refused` with the place, or `after` (absent where nothing was changed), which the same server took,
//! with the places of changes and losses. What the server takes is not touched, except to keep unknown fields.

use crate::conversion::{
    BuiltinConverter, LossKind, MendOptions, Severity, SkipReason, TargetApis,
};
use crate::model::Tree;

const JUDGED: &str = include_str!("../../../tests/data/conversion/judged.jsonl");

fn newest() -> TargetApis {
    TargetApis::kubernetes(1, 36).unwrap()
}

fn texts(tree: &Tree, key: &str) -> Vec<String> {
    tree.at(&[key])
        .and_then(Tree::as_array)
        .unwrap_or_default()
        .iter()
        .filter_map(|text| text.as_str().map(ToOwned::to_owned))
        .collect()
}

#[test]
fn answers_are_those_that_were_judged() {
    let converter = BuiltinConverter::new();
    let mut cases = 0;
    for line in JUDGED.lines() {
        let case = Tree::parse(line.as_bytes()).unwrap();
        let id = case.text_at(&["id"]).unwrap();
        let object = case.at(&["object"]).unwrap();
        let taken = case.at(&["taken"]).and_then(Tree::as_bool).unwrap();
        let answer = converter.acceptable(object.clone(), &newest()).unwrap();
        cases += 1;
        match (answer, case.text_at(&["refused"])) {
            (Err(SkipReason::Unacceptable { path, .. }), Some(place)) => {
                assert!(!taken, "{id}: the server takes it");
                assert_eq!(path, place, "{id}");
            }
            (Ok(done), None) => {
                let after = case.at(&["after"]).unwrap_or(object);
                assert_eq!(done.tree.to_string(), after.to_string(), "{id}");
                let changes: Vec<String> = done
                    .changes
                    .iter()
                    .map(|change| change.path.clone())
                    .collect();
                assert_eq!(changes, texts(&case, "changes"), "{id}");
                let losses: Vec<String> =
                    done.losses.iter().map(|loss| loss.path.clone()).collect();
                assert_eq!(losses, texts(&case, "losses"), "{id}");
                assert!(
                    !taken || case.at(&["after"]).is_none(),
                    "{id}: touched although the server takes it"
                );
                let again = converter
                    .acceptable(done.tree.clone(), &newest())
                    .unwrap()
                    .unwrap();
                assert_eq!(
                    again.tree.to_string(),
                    done.tree.to_string(),
                    "{id}: not stable"
                );
                assert!(
                    again.changes.is_empty() && again.losses.is_empty(),
                    "{id}: not stable"
                );
            }
            (answer, place) => panic!("{id}: {answer:?} instead of {place:?}"),
        }
    }
    assert!(cases > 300, "{cases}");
}

#[test]
fn side_effects_are_the_authors_to_state() {
    let json = br#"{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingWebhookConfiguration","metadata":{"name":"w"},
        "webhooks":[{"name":"a.b.c","sideEffects":"Some","admissionReviewVersions":["v1"],"clientConfig":{"url":"https://x/y"}}]}"#;
    for (vouched, value, losses) in [
        (None, "None", 1),
        (Some("NoneOnDryRun"), "NoneOnDryRun", 0),
        (Some("None"), "None", 0),
        (Some("Unknown"), "None", 1),
    ] {
        let mends = MendOptions {
            side_effects: vouched
                .map(|vouched| ("a.b.c".to_owned(), vouched.to_owned()))
                .into_iter()
                .collect(),
            ..MendOptions::default()
        };
        let converter = BuiltinConverter::new().with_mends(mends);
        let done = converter
            .acceptable(Tree::parse(json).unwrap(), &newest())
            .unwrap()
            .unwrap();
        assert!(
            done.tree
                .to_string()
                .contains(&format!(r#""sideEffects":"{value}""#)),
            "{vouched:?}"
        );
        assert_eq!(done.losses.len(), losses, "{vouched:?}");
        for loss in &done.losses {
            assert_eq!(
                (loss.kind, loss.severity),
                (LossKind::Assumed, Severity::Warning)
            );
            assert!(loss.reason.contains("a.b.c"), "{}", loss.reason);
            assert_eq!(loss.value, Some("Some".into()));
        }
    }
}

#[test]
fn junk_does_not_panic() {
    let junk = [
        r#"1"#,
        r#""x""#,
        r#"[]"#,
        r#"[1,null,{}]"#,
        r#"{}"#,
        r#"{"a":[{}]}"#,
        "null",
        "true",
    ];
    for line in JUDGED.lines().step_by(7) {
        let case = Tree::parse(line.as_bytes()).unwrap();
        let object = case.at(&["object"]).unwrap();
        for at in 0..places(object) {
            let mut object = object.clone();
            let mut left = at;
            replace(
                &mut object,
                &mut left,
                &Tree::parse(junk[at % junk.len()].as_bytes()).unwrap(),
            );
            let _ = BuiltinConverter::new().acceptable(object, &newest());
        }
    }
}

fn places(tree: &Tree) -> usize {
    1 + match tree {
        Tree::Object(members) => members.values().map(places).sum(),
        Tree::Array(items) => items.iter().map(places).sum(),
        _ => 0,
    }
}

/// Puts a value at the place that is reached after `left` others.
fn replace(tree: &mut Tree, left: &mut usize, value: &Tree) {
    if *left == 0 {
        tree.clone_from(value);
        *left = usize::MAX;
        return;
    }
    if *left == usize::MAX {
        return;
    }
    *left -= 1;
    match tree {
        Tree::Object(members) => members
            .values_mut()
            .for_each(|tree| replace(tree, left, value)),
        Tree::Array(items) => items.iter_mut().for_each(|tree| replace(tree, left, value)),
        _ => {}
    }
}

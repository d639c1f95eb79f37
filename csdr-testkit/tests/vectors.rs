//! Every vector: what the API server's own code makes of an object is what csdr makes of it.

use csdr_testkit::vectors::{Verdict, judge};

fn passes(file: &str, at_least: usize) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/vectors");
    let text = std::fs::read_to_string(format!("{folder}/{file}.jsonl")).unwrap();
    let judged: Vec<_> = text.lines().map(|line| judge(line).unwrap()).collect();
    assert!(judged.len() >= at_least, "{} vectors", judged.len());
    let failed: Vec<String> = judged
        .iter()
        .filter_map(|judged| match &judged.verdict {
            Verdict::Failed(why) => Some(format!("{}: {why}", judged.id)),
            Verdict::Passed | Verdict::Apart(_) => None,
        })
        .collect();
    assert!(
        failed.is_empty(),
        "{} failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

#[test]
fn rules_one_by_one() {
    passes("hand", 53);
}

#[test]
fn every_field_upwards() {
    passes("golden", 66);
}

#[test]
fn every_field_downwards() {
    passes("down", 36);
}

#[test]
fn alphas_that_only_1_33_knew() {
    passes("extra", 2);
}

#[test]
fn definitions_of_custom_resources() {
    passes("crds", 3);
}

#[test]
fn what_a_create_takes_and_refuses() {
    passes("create", 124);
}

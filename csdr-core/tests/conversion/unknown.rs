//! Unknown fields are those that the API server's strict decoding names.

use csdr_core::{
    conversion::{BuiltinConverter, LossKind},
    model::{ApiVersion, Tree},
};
use std::{collections::BTreeSet, fs, path::Path};

/// `/spec/rules/0/http` as the server writes it: `spec.rules[0].http`.
fn dotted(pointer: &str) -> String {
    let mut text = String::new();
    for step in pointer.split('/').skip(1) {
        if step.bytes().all(|byte| byte.is_ascii_digit()) {
            text.push_str(&format!("[{step}]"));
        } else {
            let dot = if text.is_empty() { "" } else { "." };
            text.push_str(&format!("{dot}{step}"));
        }
    }
    text
}

/// Source: the vectors' `strict`.
fn strict(result: &Tree) -> BTreeSet<String> {
    let messages = result.at(&["strict"]).and_then(Tree::as_array);
    messages
        .into_iter()
        .flatten()
        .filter_map(|message| Some(message.as_str()?.split('"').nth(1)?.to_owned()))
        .collect()
}

#[test]
fn unknown_fields_are_those_of_the_servers_strict_decoding() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../csdr-testkit/tests/data/vectors");
    let mut seen = 0;
    for name in ["hand", "golden", "extra", "down", "crds"] {
        let text = fs::read_to_string(folder.join(format!("{name}.jsonl"))).unwrap();
        for line in text.lines() {
            let row = Tree::parse(line.as_bytes()).unwrap();
            let result = row.at(&["result"]).unwrap();
            let id = row.text_at(&["job", "id"]).unwrap();
            let (Some(to), Some(true)) = (
                row.text_at(&["job", "to"]),
                result.at(&["ok"]).and_then(Tree::as_bool),
            ) else {
                continue;
            };
            let object = row.at(&["job", "object"]).unwrap().clone();
            // An object whose version stays is not looked at.
            if object.text_at(&["apiVersion"]) == Some(to) {
                continue;
            }
            let to: ApiVersion = to.parse().unwrap();
            let done = BuiltinConverter::new().faithful(object, &to).unwrap();
            let unknown: BTreeSet<String> = done
                .losses
                .iter()
                .filter(|loss| loss.kind == LossKind::UnknownField && loss.value.is_none())
                .map(|loss| dotted(&loss.path))
                .collect();
            assert_eq!(unknown, strict(result), "{name} {id}");
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen}");
}

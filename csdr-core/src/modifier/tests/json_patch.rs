//! JSON patches by the table.

use super::*;
use crate::modifier::{
    json_patch::{Operation, PatchRefusal, apply},
    pointer::Pointer,
};

fn read(patch: &str) -> Vec<Operation> {
    let patch = tree(patch);
    let operations = patch.as_array().unwrap().iter();
    operations
        .map(|one| {
            let at = |key: &str| Pointer::parse(one.text_at(&[key]).unwrap()).unwrap();
            let value = || one.at(&["value"]).unwrap().clone();
            match one.text_at(&["op"]).unwrap() {
                "add" => Operation::Add(at("path"), value()),
                "remove" => Operation::Remove(at("path")),
                "replace" => Operation::Replace(at("path"), value()),
                "move" => Operation::Move {
                    from: at("from"),
                    to: at("path"),
                },
                "copy" => Operation::Copy {
                    from: at("from"),
                    to: at("path"),
                },
                "test" => Operation::Test(at("path"), value()),
                other => panic!("{other}"),
            }
        })
        .collect()
}

fn patched(document: &str, patch: &str) -> Result<String, PatchRefusal> {
    apply(&read(patch), &tree(document)).map(|tree| tree.to_string())
}

#[test]
fn rfc_6902_appendix_a() {
    for (document, patch, result) in [
        (
            r#"{"foo":"bar"}"#,
            r#"[{"op":"add","path":"/baz","value":"qux"}]"#,
            r#"{"foo":"bar","baz":"qux"}"#,
        ),
        (
            r#"{"foo":["bar","baz"]}"#,
            r#"[{"op":"add","path":"/foo/1","value":"qux"}]"#,
            r#"{"foo":["bar","qux","baz"]}"#,
        ),
        (
            r#"{"baz":"qux","foo":"bar"}"#,
            r#"[{"op":"remove","path":"/baz"}]"#,
            r#"{"foo":"bar"}"#,
        ),
        (
            r#"{"foo":["bar","qux","baz"]}"#,
            r#"[{"op":"remove","path":"/foo/1"}]"#,
            r#"{"foo":["bar","baz"]}"#,
        ),
        (
            r#"{"baz":"qux","foo":"bar"}"#,
            r#"[{"op":"replace","path":"/baz","value":"boo"}]"#,
            r#"{"baz":"boo","foo":"bar"}"#,
        ),
        (
            r#"{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}"#,
            r#"[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]"#,
            r#"{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}"#,
        ),
        (
            r#"{"foo":["all","grass","cows","eat"]}"#,
            r#"[{"op":"move","from":"/foo/1","path":"/foo/3"}]"#,
            r#"{"foo":["all","cows","eat","grass"]}"#,
        ),
        (
            r#"{"baz":"qux","foo":["a",2,"c"]}"#,
            r#"[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]"#,
            r#"{"baz":"qux","foo":["a",2,"c"]}"#,
        ),
        (
            r#"{"foo":"bar"}"#,
            r#"[{"op":"add","path":"/child","value":{"grandchild":{}}}]"#,
            r#"{"foo":"bar","child":{"grandchild":{}}}"#,
        ),
        (
            r#"{"foo":"bar"}"#,
            r#"[{"op":"add","path":"/baz","value":"qux","xyz":123}]"#,
            r#"{"foo":"bar","baz":"qux"}"#,
        ),
        (
            r#"{"/":9,"~1":10}"#,
            r#"[{"op":"test","path":"/~01","value":10}]"#,
            r#"{"/":9,"~1":10}"#,
        ),
        (
            r#"{"foo":["bar"]}"#,
            r#"[{"op":"add","path":"/foo/-","value":["abc","def"]}]"#,
            r#"{"foo":["bar",["abc","def"]]}"#,
        ),
        // Beyond the appendix.
        (
            r#"{"a":{"b":1}}"#,
            r#"[{"op":"copy","from":"/a","path":"/a/b"}]"#,
            r#"{"a":{"b":{"b":1}}}"#,
        ),
        (
            r#"{"a":1}"#,
            r#"[{"op":"add","path":"/a","value":null}]"#,
            r#"{"a":null}"#,
        ),
        (
            r#"{"a":1}"#,
            r#"[{"op":"move","from":"/a","path":"/a"}]"#,
            r#"{"a":1}"#,
        ),
        (
            r#"{"a":[]}"#,
            r#"[{"op":"add","path":"/a/0","value":1}]"#,
            r#"{"a":[1]}"#,
        ),
        (
            r#"{"a":10,"b":1.10}"#,
            r#"[{"op":"test","path":"/a","value":1e1},{"op":"test","path":"/b","value":1.1}]"#,
            r#"{"a":10,"b":1.10}"#,
        ),
        (
            r#"{"a":{"x":1,"y":[2]}}"#,
            r#"[{"op":"test","path":"/a","value":{"y":[2.0],"x":1}}]"#,
            r#"{"a":{"x":1,"y":[2]}}"#,
        ),
        (
            r#"{"a":1}"#,
            r#"[{"op":"test","path":"/b/c","value":null}]"#,
            r#"{"a":1}"#,
        ),
    ] {
        assert_eq!(patched(document, patch).unwrap(), result, "{patch}");
    }
}

#[test]
fn operations_that_do_not_fit_say_number_and_path_and_change_nothing() {
    use RefusalKind::{Missing, TestFailed, Unfit};
    for (document, patch, kind, number, path) in [
        (
            r#"{"baz":"qux"}"#,
            r#"[{"op":"test","path":"/baz","value":"bar"}]"#,
            TestFailed,
            1,
            "/baz",
        ),
        (
            r#"{"/":9,"~1":10}"#,
            r#"[{"op":"test","path":"/~01","value":"10"}]"#,
            TestFailed,
            1,
            "/~01",
        ),
        (
            r#"{"a":1}"#,
            r#"[{"op":"test","path":"/b","value":1}]"#,
            TestFailed,
            1,
            "/b",
        ),
        (
            r#"{"a":18446744073709551617}"#,
            r#"[{"op":"test","path":"/a","value":18446744073709551616}]"#,
            TestFailed,
            1,
            "/a",
        ),
        (
            r#"{"foo":"bar"}"#,
            r#"[{"op":"add","path":"/baz/bat","value":"qux"}]"#,
            Missing,
            1,
            "/baz",
        ),
        (
            r#"{"foo":null}"#,
            r#"[{"op":"add","path":"/foo/bat","value":"qux"}]"#,
            Missing,
            1,
            "/foo",
        ),
        (
            r#"{"foo":"bar"}"#,
            r#"[{"op":"add","path":"/foo/bat","value":"qux"}]"#,
            Unfit,
            1,
            "/foo/bat",
        ),
        (
            r#"{"a":1}"#,
            r#"[{"op":"remove","path":"/a"},{"op":"remove","path":"/a"}]"#,
            Missing,
            2,
            "/a",
        ),
        (
            r#"{"a":1}"#,
            r#"[{"op":"replace","path":"/b","value":1}]"#,
            Missing,
            1,
            "/b",
        ),
        (
            r#"{"a":[1]}"#,
            r#"[{"op":"add","path":"/a/2","value":1}]"#,
            Unfit,
            1,
            "/a/2",
        ),
        (
            r#"{"a":[1]}"#,
            r#"[{"op":"add","path":"/a/-1","value":1}]"#,
            Unfit,
            1,
            "/a/-1",
        ),
        (
            r#"{"a":[1]}"#,
            r#"[{"op":"add","path":"/a/00","value":1}]"#,
            Unfit,
            1,
            "/a/00",
        ),
        (
            r#"{"a":[1]}"#,
            r#"[{"op":"replace","path":"/a/-","value":1}]"#,
            Missing,
            1,
            "/a/-",
        ),
        (
            r#"{"a":[1]}"#,
            r#"[{"op":"remove","path":"/a/-"}]"#,
            Missing,
            1,
            "/a/-",
        ),
        (
            r#"{"a":{"b":1}}"#,
            r#"[{"op":"move","from":"/a","path":"/a/b"}]"#,
            Unfit,
            1,
            "/a/b",
        ),
        (
            r#"{"a":1}"#,
            r#"[{"op":"copy","from":"/b","path":"/c"}]"#,
            Missing,
            1,
            "/b",
        ),
    ] {
        let refusal = patched(document, patch).unwrap_err();
        assert_eq!(
            (refusal.kind, refusal.patch, refusal.path.as_str()),
            (kind, number, path),
            "{patch}: {refusal}"
        );
    }
}

#[test]
fn copies_do_not_grow_without_bound() {
    let double = r#"{"op":"copy","from":"/a","path":"/a/-"}"#;
    let wide = format!("[{}]", [double; 60].join(","));
    let refusal = patched(r#"{"a":["some text that grows"]}"#, &wide).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Unfit);
    // Short, and deep: a tree is walked by recursion.
    let deep: Vec<String> = (0..200)
        .map(|depth| {
            format!(
                r#"{{"op":"add","path":"/a{}","value":{{}}}}"#,
                "/a".repeat(depth)
            )
        })
        .collect();
    let refusal = patched(r#"{"a":{}}"#, &format!("[{}]", deep.join(","))).unwrap_err();
    assert!(refusal.reason.contains("128 levels"), "{refusal}");
}

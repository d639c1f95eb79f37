use super::{YamlLimits, documents, items, number::decimal, to_yaml};
use crate::model::Tree;
use proptest::prelude::{ProptestConfig, any, proptest};

fn one(text: &str) -> crate::Result<Tree> {
    let mut documents = documents(text, &YamlLimits::default());
    assert_eq!(documents.len(), 1, "{text:?}");
    documents.remove(0).tree
}

#[test]
fn scalars_are_read_as_kubectl_reads_them() {
    // Source: answers of sigs.k8s.io/yaml v1.6.0 (YAMLToJSON), where the third column is empty; else where csdr keeps more.
    for (yaml, json) in [
        ("y", "true"),
        ("Y", "true"),
        ("yes", "true"),
        ("on", "true"),
        ("off", "false"),
        ("n", "false"),
        ("NO", "false"),
        ("true", "true"),
        ("TRUE", "true"),
        ("tRue", "\"tRue\""),
        ("null", "null"),
        ("~", "null"),
        ("", "null"),
        ("nil", "\"nil\""),
        ("0", "0"),
        ("-0", "0"),
        ("00", "0"),
        ("007", "7"),
        ("0644", "420"),
        ("08", "8"),
        ("0x1F", "31"),
        ("0X1f", "31"),
        ("0o17", "15"),
        ("0b101", "5"),
        ("-0b101", "-5"),
        ("-0x1f", "-31"),
        ("+1", "1"),
        ("+0x10", "16"),
        ("1_000", "1000"),
        ("1_000.5", "1000.5"),
        ("0_7", "7"),
        ("_1", "\"_1\""),
        ("1e3", "1000"),
        ("1E3", "1000"),
        ("1e+3", "1000"),
        ("1.5e300", "1.5e+300"),
        ("1.0", "1"),
        ("0.10", "0.1"),
        (".5", "0.5"),
        ("5.", "5"),
        ("-.5", "-0.5"),
        ("+.5", "0.5"),
        (".", "\".\""),
        ("..", "\"..\""),
        (".e3", "\".e3\""),
        ("1e", "\"1e\""),
        ("1.e3", "1000"),
        ("12:30", "\"12:30\""),
        ("1:30:45", "\"1:30:45\""),
        ("2024-01-02", "\"2024-01-02\""),
        ("2024-01-02T03:04:05Z", "\"2024-01-02T03:04:05Z\""),
        ("2024", "2024"),
        ("18446744073709551615", "18446744073709551615"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("9223372036854775808", "9223372036854775808"),
        ("1e21", "1e+21"),
        ("1e20", "100000000000000000000"),
        ("123456789e20", "1.23456789e+28"),
        ("1e-6", "0.000001"),
        ("1e-7", "1e-7"),
        ("0.0000001", "1e-7"),
        ("-0.0", "-0"),
        ("0.0", "0"),
        ("=", "\"=\""),
        ("1.2.3", "\"1.2.3\""),
        ("100m", "\"100m\""),
        ("0x", "\"0x\""),
        ("0b", "\"0b\""),
        ("0b2", "\"0b2\""),
        ("0o8", "\"0o8\""),
        ("1-2", "\"1-2\""),
        ("0xg", "\"0xg\""),
        ("1__0", "10"),
        ("0.1_0", "0.1"),
        ("._5", "\"._5\""),
        ("+", "\"+\""),
        ("1e1_0", "10000000000"),
        ("inf", "\"inf\""),
        ("NaN", "\"NaN\""),
        ("0x1p3", "\"0x1p3\""),
        ("!!str 1", "\"1\""),
        ("!!int \"3\"", "3"),
        ("!!float 3", "3"),
        ("!!bool yes", "true"),
        ("! 12", "\"12\""),
        ("!!timestamp 2024-01-02", "\"2024-01-02\""),
        ("\"1\"", "\"1\""),
        ("'yes'", "\"yes\""),
        // kubectl rounds these to 18446744073709552000, 1.2345678901234568e+29, 0.12345678901234568; csdr keeps what is written.
        ("18446744073709551616", "18446744073709551616"),
        (
            "123456789012345678901234567890",
            "123456789012345678901234567890",
        ),
        ("-9223372036854775809", "-9223372036854775809"),
        ("0.1234567890123456789", "0.1234567890123456789"),
        // kubectl reads the string "1e400": JSON has the number.
        ("1e400", "1e400"),
    ] {
        let tree = one(&format!("k: {yaml}\n")).unwrap();
        assert_eq!(tree.to_string(), format!("{{\"k\":{json}}}"), "{yaml:?}");
    }
}

#[test]
fn what_has_no_certain_meaning_is_refused_and_never_shown() {
    for text in [
        "k: .inf",
        "k: .nan",
        "k: !secret hunter2",
        "k: !!binary aGVsbG8=",
        "a: 1\na: hunter2",
        "k: [1",
        "k: !!int hunter2",
        "? [a]\n: hunter2",
        "~: 1",
        "k: *unknown",
        "k: &a [*a]",
        "k: {<<: 1}",
        "a: 1\n...\nb: hunter2",
        "k: \"hunter2",
        "{{ .Values.hunter2 }}",
        "a: b: hunter2",
        "k: !!set {a}",
    ] {
        let error = one(text).unwrap_err();
        assert!(
            !error.chain().contains("hunter2"),
            "{text:?}: {}",
            error.chain()
        );
    }
}

#[test]
fn documents_are_apart() {
    let text = "\u{feff}# head\n%YAML 1.1\n---\na: |\n  --- not a marker\n  x\n--- # comment\nb: [\n---\n---\n...\n--- {c: 3}\n---\nd: '-----BEGIN'\n";
    let documents = documents(text, &YamlLimits::default());
    let lines: Vec<usize> = documents.iter().map(|document| document.line).collect();
    assert_eq!(lines, [3, 7, 12, 13]);
    let trees: Vec<Option<String>> = documents
        .into_iter()
        .map(|d| d.tree.ok().map(|tree| tree.to_string()))
        .collect();
    assert_eq!(
        trees,
        [
            Some(r#"{"a":"--- not a marker\nx\n"}"#.to_owned()),
            None,
            Some(r#"{"c":3}"#.to_owned()),
            Some(r#"{"d":"-----BEGIN"}"#.to_owned())
        ]
    );
    assert!(super::documents("", &YamlLimits::default()).is_empty());
    assert!(super::documents("---\n# nothing\n---\nnull\n", &YamlLimits::default()).is_empty());
    // Windows' line ends.
    assert_eq!(
        one("a: 1\r\nb: |\r\n  x\r\n").unwrap().to_string(),
        r#"{"a":1,"b":"x\n"}"#
    );
}

#[test]
fn anchors_and_merges() {
    let text = "base: &b {u: 1, v: 2}\nmore: &m {u: 7, w: 3}\na: {<<: *b, v: 9}\nb: {<<: [*b, *m]}\nc: {\"<<\": 5}\n1: k\nyes: k\n";
    assert_eq!(
        one(text).unwrap().to_string(),
        r#"{"base":{"u":1,"v":2},"more":{"u":7,"w":3},"a":{"v":9,"u":1},"b":{"u":1,"v":2,"w":3},"c":{"<<":5},"1":"k","true":"k"}"#
    );
}

#[test]
fn bombs_end_at_the_limits() {
    let mut laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for i in 1..12 {
        let row = vec![format!("*a{}", i - 1); 9].join(", ");
        laughs.push_str(&format!("a{i}: &a{i} [{row}]\n"));
    }
    assert!(one(&laughs).unwrap_err().message().contains("aliases"));
    // One long text, used often.
    let long = format!(
        "a: &a {}\nb: [{}]\n",
        "x".repeat(100_000),
        vec!["*a"; 10_000].join(", ")
    );
    assert!(one(&long).unwrap_err().message().contains("aliases"));
    assert!(one(&"[".repeat(100_000)).is_err());
    assert!(one(&format!("{}1{}", "[".repeat(101), "]".repeat(101))).is_err());
    assert!(one(&"- ".repeat(100_000)).is_err());
    assert!(one("a: &a {<<: *a}\n").is_err());
}

#[test]
fn lists_are_opened() {
    let tree =
        one("kind: List\nitems:\n- {kind: ConfigMap}\n- {kind: PodList, items: [{kind: Pod}]}\n")
            .unwrap();
    let kinds: Vec<String> = items(tree).iter().map(ToString::to_string).collect();
    assert_eq!(kinds, [r#"{"kind":"ConfigMap"}"#, r#"{"kind":"Pod"}"#]);
    // A kind that only ends so, without items, is an object.
    assert_eq!(items(one("kind: AllowList").unwrap()).len(), 1);
}

#[test]
fn strings_that_look_like_something_else_are_quoted() {
    for text in [
        "",
        "y",
        "No",
        "oN",
        "~",
        "null",
        "1",
        "-1",
        "0x10",
        "017",
        "0o17",
        "1e3",
        ".5",
        "1_000",
        "12:30",
        "1:30:45",
        "2024-01-02",
        "2024-01-02T03:04:05Z",
        ".inf",
        "<<",
        "=",
        "- a",
        "-",
        "?",
        ":",
        "a: b",
        "a:",
        "a #b",
        "#a",
        "*a",
        "&a",
        "!a",
        "|",
        ">",
        "@a",
        "`a",
        "%a",
        "[a",
        "{a",
        "'a",
        "\"a",
        " a",
        "a ",
        "a\tb",
        "---",
        "...",
        "\r",
        "\u{85}",
        "\u{feff}a",
        "\u{2028}",
        "\n",
        "\n\n",
        "1.",
        "+1",
        "infinity",
        "NaN",
        "a,b",
        "日本",
        "0b1",
        "1E",
        "1Ei",
        "-.5",
        "--",
        "-1m",
        "é",
    ] {
        let tree: Tree = [("k", Tree::from(text))].into_iter().collect();
        let yaml = to_yaml(&tree);
        assert_eq!(yaml.lines().count(), 1, "{yaml}");
        assert!(yaml.starts_with("k: \""), "{yaml}");
        assert_eq!(one(&yaml).unwrap(), tree);
    }
    for text in [
        "nginx:1.27",
        "--config=/etc/a b",
        "-c",
        "100m",
        "1.5Gi",
        "shop/web",
        "a=b",
        "$(NAME)",
        "/bin/sh",
    ] {
        let tree: Tree = [("k", Tree::from(text))].into_iter().collect();
        assert_eq!(to_yaml(&tree), format!("k: {text}\n"));
    }
}

#[test]
fn texts_become_blocks() {
    for (text, yaml) in [
        ("a\nb", "k:\n- |-\n  a\n  b\n"),
        ("a\n\n  b\n", "k:\n- |\n  a\n\n    b\n"),
        ("a\n\n\n", "k:\n- |+\n  a\n\n\n"),
        ("a \nb", "k:\n- \"a \\nb\"\n"),
        (" a\nb", "k:\n- \" a\\nb\"\n"),
        ("a\r\nb", "k:\n- \"a\\r\\nb\"\n"),
    ] {
        let tree: Tree = [("k", Tree::Array(vec![text.into()]))]
            .into_iter()
            .collect();
        assert_eq!(to_yaml(&tree), yaml);
        assert_eq!(one(yaml).unwrap(), tree);
    }
}

/// Equal, where numbers count by their value: the reader writes them as kubectl does.
fn same(a: &Tree, b: &Tree) -> bool {
    match (a, b) {
        (Tree::Number(a), Tree::Number(b)) => decimal(a.as_str()) == decimal(b.as_str()),
        (Tree::Array(a), Tree::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Tree::Object(a), Tree::Object(b)) => {
            a.keys().eq(b.keys()) && a.values().zip(b.values()).all(|(a, b)| same(a, b))
        }
        (a, b) => a == b,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_written_is_read_again(tree in crate::model::tree::tests::any_tree()) {
        let tree: Tree = [("root", tree), ("next", Tree::from("x"))].into_iter().collect();
        let yaml = to_yaml(&tree);
        let again = one(&yaml).unwrap_or_else(|error| panic!("{}\n{yaml}", error.chain()));
        assert!(same(&again, &tree), "{yaml}\n{again}\n{tree}");
        assert_eq!(to_yaml(&tree), yaml);
    }

    #[test]
    fn any_string_survives_and_other_readers_agree(text in any::<String>(), key in "[^\u{0}]{1,20}") {
        let tree: Tree = [(key.as_str(), Tree::Array(vec![text.as_str().into()]))].into_iter().collect();
        let yaml = to_yaml(&tree);
        assert_eq!(one(&yaml).unwrap(), tree);
        let theirs: std::collections::BTreeMap<String, Vec<String>> = serde_saphyr::from_str(&yaml).unwrap();
        assert_eq!(theirs[&key], [text]);
    }

    #[test]
    fn no_text_breaks_the_reader(text in "[a-z0-9:{}\\[\\]&*!|>'\"%#?,. \n\t-]{0,60}") {
        for document in documents(&text, &YamlLimits::default()) {
            let _ = document.tree;
        }
    }
}

use super::{Comparison, MAY_DIFFER, altered, differences, leaves};
use csdr_core::model::{GroupResource, Tree};
use std::collections::BTreeSet;

const SERVICE: &str = r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"shop","uid":"u1",
    "resourceVersion":"7","creationTimestamp":"2026-01-01T00:00:00Z","labels":{"app":"web"},"managedFields":[{"manager":"kubectl"}]},
    "spec":{"clusterIP":"10.0.0.7","clusterIPs":["10.0.0.7"],"ports":[{"name":"http","port":80,"nodePort":30080}],
    "selector":{"app":"web"},"ipFamilies":["IPv4"]},"status":{"loadBalancer":{}}}"#;

fn tree(text: &str) -> Tree {
    Tree::parse(text.as_bytes()).unwrap()
}

fn services() -> GroupResource {
    "services".parse().unwrap()
}

fn restored() -> Tree {
    let text = SERVICE
        .replace("u1", "u2")
        .replace("\"7\"", "\"9\"")
        .replace("10.0.0.7", "10.0.0.9")
        .replace("2026-01", "2026-02")
        .replace("shop", "copy");
    tree(&text)
}

#[test]
fn a_restored_object_is_equal_but_for_what_the_server_owns() {
    let comparison = Comparison::new([("shop", "copy")]);
    assert_eq!(
        comparison.compare(&services(), &tree(SERVICE), &restored()),
        []
    );
    let unmapped = Comparison::default().compare(&services(), &tree(SERVICE), &restored());
    assert_eq!(unmapped.len(), 1);
    assert_eq!(
        unmapped[0].to_string(),
        "/metadata/namespace: Tree(string, 4 bytes) became Tree(string, 4 bytes)"
    );
}

/// Every leaf is altered, removed, and given a neighbour, one at a time: what no row names is found, and found there.
#[test]
fn any_other_altered_field_is_found() {
    let comparison = Comparison::new([("shop", "copy")]);
    let (stored, good) = (tree(SERVICE), restored());
    let free = [
        "/metadata/uid",
        "/metadata/resourceVersion",
        "/metadata/creationTimestamp",
        "/metadata/managedFields",
        "/status",
    ];
    let mut found_at = BTreeSet::new();
    for leaf in leaves(&good) {
        let is_free = free.iter().any(|free| leaf.starts_with(free));
        let bad = altered(&good, &leaf, Some("altered".into())).unwrap();
        let found = comparison.compare(&services(), &stored, &bad);
        if is_free {
            assert_eq!(found, [], "{leaf}");
            continue;
        }
        assert_eq!(found.len(), 1, "{leaf} altered");
        assert_eq!(found[0].pointer, leaf);
        found_at.insert(leaf.clone());
        let bad = altered(&good, &leaf, None).unwrap();
        assert!(
            !comparison.compare(&services(), &stored, &bad).is_empty(),
            "{leaf} removed"
        );
        let neighbour = format!("{leaf}x");
        if let Some(bad) = altered(&good, &neighbour, Some(true.into())) {
            let found = comparison.compare(&services(), &stored, &bad);
            assert_eq!(found.len(), 1, "{neighbour} added");
            assert_eq!(found[0].pointer, neighbour);
        }
    }
    for must in [
        "/metadata/namespace",
        "/spec/clusterIP",
        "/spec/clusterIPs/0",
        "/spec/ports/0/nodePort",
        "/kind",
    ] {
        assert!(found_at.contains(must), "{must} is covered");
    }
}

#[test]
fn empty_is_not_missing_and_numbers_keep_their_text() {
    let a = tree(r#"{"a":{},"b":[],"c":null,"d":0.10,"e":{"x":{}}}"#);
    let b = tree(r#"{"d":0.1}"#);
    let found = differences(&a, &b);
    let at: Vec<&str> = found.iter().map(|found| found.pointer.as_str()).collect();
    assert_eq!(at, ["/a", "/b", "/c", "/d", "/e/x"]);
}

#[test]
fn an_address_may_not_become_none() {
    let stored = tree(r#"{"spec":{"clusterIP":"10.0.0.1"}}"#);
    let none = tree(r#"{"spec":{"clusterIP":"None"}}"#);
    for (a, b) in [(&stored, &none), (&none, &stored)] {
        assert_eq!(Comparison::default().compare(&services(), a, b).len(), 1);
    }
    let other: GroupResource = "configmaps".parse().unwrap();
    let changed = tree(r#"{"spec":{"clusterIP":"10.0.0.2"}}"#);
    assert_eq!(
        Comparison::default()
            .compare(&other, &stored, &changed)
            .len(),
        1,
        "only of services"
    );
}

#[test]
fn every_row_has_a_reason_and_none_covers_a_whole_object() {
    for row in MAY_DIFFER {
        assert!(row.reason.len() > 8, "{row:?}");
        assert!(
            row.pointer.starts_with('/') && !row.pointer.ends_with('/'),
            "{row:?}"
        );
        for whole in [
            "/metadata",
            "/spec",
            "/data",
            "/*",
            "/metadata/labels",
            "/metadata/annotations",
        ] {
            assert_ne!(row.pointer, whole);
        }
    }
}

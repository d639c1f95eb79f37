//! Restores into folders.

use crate::world::{World, files};
use std::fs;

#[test]
fn a_second_restore_leaves_what_exists() {
    let world = World::new();
    world.back_up("b");
    let to = ["--backup", "b", "-n", "shop", "--to", "rendered"];
    world.ok(&[&["restore", "create", "one"], &to[..]].concat());
    let mine = world.path("rendered/shop/services/frontend.yaml");
    let changed = fs::read_to_string(&mine)
        .unwrap()
        .replace("port: 80", "port: 81");
    fs::write(&mine, &changed).unwrap();
    let before = files(&world.path("rendered"));
    let second = world.ok(&[&["restore", "create", "two", "-o", "json"], &to[..]].concat());
    let report: serde_json::Value = serde_json::from_str(&second.out).unwrap();
    assert_eq!(
        report["objects"]["created"],
        serde_json::Value::Null,
        "{report}"
    );
    assert_eq!(
        files(&world.path("rendered")),
        before,
        "existing objects stay as they are"
    );
    world
        .csdr(&[&["restore", "create", "two"], &to[..]].concat())
        .refuses(1, &["two"]);
}

#[test]
fn selects_and_maps() {
    let world = World::new();
    world.back_up("b");
    world.ok(&[
        "restore",
        "create",
        "r",
        "--backup",
        "b",
        "--to",
        "out",
        "-n",
        "shop,monitoring",
        "--include-resource",
        "services",
        "--map-namespace",
        "shop:a",
        "--map-namespace",
        "monitoring:b",
    ]);
    let mut names: Vec<String> = files(&world.path("out")).into_keys().collect();
    // No manifest describes the namespaces: they are made bare.
    names.retain(|name| !name.starts_with("_cluster/namespaces/"));
    assert!(
        names
            .iter()
            .all(|name| name.starts_with("a/services/") || name.starts_with("b/services/")),
        "{names:?}"
    );
    assert_eq!(names.len(), 13, "{names:?}");
    let spec = "name: s\nbackupName: b\nincludedNamespaces: [shop]\nnamespaceMapping: {shop: c}\n";
    world.write("spec.yaml", spec);
    world.ok(&[
        "restore",
        "create",
        "s",
        "--spec",
        "spec.yaml",
        "--to",
        "out",
    ]);
    assert!(world.path("out/c/deployments.apps/frontend.yaml").exists());
}

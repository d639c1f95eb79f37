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

#[test]
fn a_backup_of_velero_is_read_through_scratch() {
    let world = World::new();
    let velero = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../csdr-core/tests/data/velero/default/clusters/one/backups/rich"
    );
    let record: serde_json::Value =
        serde_json::from_slice(&fs::read(format!("{velero}/velero-backup.json")).unwrap()).unwrap();
    let name = record["metadata"]["name"].as_str().unwrap();
    let folder = world.path(&format!("vault/backups/{name}"));
    fs::create_dir_all(&folder).unwrap();
    fs::copy(
        format!("{velero}/velero-backup.json"),
        folder.join("velero-backup.json"),
    )
    .unwrap();
    fs::copy(
        format!("{velero}/rich.tar.gz"),
        folder.join(format!("{name}.tar.gz")),
    )
    .unwrap();

    let before = world.vault_files();
    let scratch = world.path("scratch");
    fs::create_dir(&scratch).unwrap();
    assert_eq!(world.listed(), [name]);
    let said = world.ok(&["backup", "describe", name, "--scratch", "scratch"]);
    assert!(said.out.contains("velero"), "{said:?}");
    world.ok(&["backup", "verify", name]);
    world.ok(&[
        "backup",
        "export",
        name,
        "--to",
        "out",
        "--scratch",
        "scratch",
    ]);
    assert!(!files(&world.path("out")).is_empty());
    assert_eq!(world.vault_files(), before, "reading writes nothing");
    assert!(files(&scratch).is_empty(), "what was put aside is removed");
    world
        .csdr(&["backup", "delete", name])
        .refuses(1, &["Velero"]);
}

#[test]
fn velero_3_8_resource_modifiers_of_a_file_change_what_is_written() {
    let world = World::new();
    world.back_up("b");
    let rules = "version: v1\nresourceModifierRules:\n- conditions:\n    groupResource: deployments.apps\n    resourceNameRegex: ^frontend$\n    namespaces: [shop]\n  strategicPatches:\n  - patchData: |\n      spec:\n        template:\n          spec:\n            containers:\n            - name: server\n              image: registry.example/frontend:2\n";
    world.write("rules.yaml", rules);
    let indented = rules.replace('\n', "\n    ");
    world.write(
        "map.yaml",
        &format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m}}\ndata:\n  rules: |\n    {indented}\n"),
    );
    for (name, file) in [("one", "rules.yaml"), ("two", "map.yaml")] {
        world.ok(&[
            "restore",
            "create",
            name,
            "--backup",
            "b",
            "-n",
            "shop",
            "--to",
            name,
            "--resource-modifiers",
            file,
        ]);
        let folder = world.path(name);
        let image = |deployment: &str| {
            let file = folder.join(format!("shop/deployments.apps/{deployment}.yaml"));
            let text = fs::read_to_string(file).unwrap();
            text.contains("registry.example/frontend:2")
        };
        assert!(image("frontend") && !image("cartservice"), "{name}");
    }
    world.write("bad.yaml", &rules.replace("^frontend$", "("));
    world
        .csdr(&[
            "restore",
            "plan",
            "r",
            "--backup",
            "b",
            "--to",
            "out",
            "--resource-modifiers",
            "bad.yaml",
        ])
        .refuses(
            2,
            &["rule=1", "field=conditions.resourceNameRegex", "bad.yaml"],
        );
}

#[test]
fn velero_3_9_what_names_a_mapped_namespace_follows() {
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
        "--map-namespace",
        "monitoring:watch",
    ]);
    let mut seen = 0;
    for (path, bytes) in files(&world.path("out")) {
        let is_rbac = [
            "rolebindings.rbac",
            "clusterrolebindings.rbac",
            "apiservices.",
        ];
        if is_rbac.iter().any(|kind| path.contains(kind)) {
            let text = String::from_utf8(bytes).unwrap();
            assert!(!text.contains("namespace: monitoring"), "{path}\n{text}");
            seen += usize::from(text.contains("namespace: watch"));
        }
    }
    assert!(seen > 0, "{seen}");
}

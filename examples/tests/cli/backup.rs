//! What a backup takes, and how it comes out again.

use crate::world::{World, data, files};
use std::fs;

/// What one namespace of a server would give: server-owned fields, a custom resource, and its definition.
const CUSTOM: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.shop.io}
spec:
  group: shop.io
  scope: Namespaced
  names: {plural: widgets, kind: Widget}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
---
apiVersion: shop.io/v1
kind: Widget
metadata: {name: w, namespace: shop, uid: 7f0c7a5e-0000-4000-8000-000000000000, resourceVersion: '12'}
spec: {size: 18446744073709551617}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: prices, namespace: shop, labels: {app: shop}}
data: {tea: '3'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: other, namespace: shop}
data: {tea: '4'}
";

#[test]
fn export_gives_back_what_was_backed_up() {
    let world = World::new();
    world.write("m/all.yaml", CUSTOM);
    world.ok(&["backup", "create", "b", "--from", "m"]);
    let widget = world.ok(&[
        "backup",
        "export",
        "b",
        "--object",
        "widgets.shop.io/shop/w",
    ]);
    assert_eq!(
        widget.out,
        "apiVersion: shop.io/v1\nkind: Widget\nmetadata:\n  name: w\n  namespace: shop\nspec:\n  size: 18446744073709551617\n"
    );
    world.ok(&["backup", "export", "b", "--to", "all"]);
    let names: Vec<String> = files(&world.path("all")).into_keys().collect();
    assert_eq!(
        names,
        [
            "_cluster/customresourcedefinitions.apiextensions.k8s.io/widgets.shop.io.yaml",
            "shop/configmaps/other.yaml",
            "shop/configmaps/prices.yaml",
            "shop/widgets.shop.io/w.yaml"
        ]
    );
    world.ok(&[
        "backup",
        "export",
        "b",
        "--object",
        "configmaps/shop/prices",
        "--to",
        "one",
    ]);
    assert_eq!(files(&world.path("one")).len(), 1);
    // What was exported is a source again, and gives the same objects.
    world.ok(&["backup", "create", "again", "--from", "all"]);
    let same = world.ok(&[
        "backup",
        "export",
        "again",
        "--object",
        "widgets.shop.io/shop/w",
    ]);
    assert_eq!(same.out, widget.out);

    let before = files(&world.path("all"));
    world
        .csdr(&["backup", "export", "b", "--to", "all"])
        .refuses(2, &["not empty", "nothing is overwritten"]);
    assert_eq!(files(&world.path("all")), before);
    world
        .csdr(&["backup", "export", "b", "--object", "configmaps/shop/none"])
        .refuses(1, &["does not hold this object", "configmaps/shop/none"]);
    world.csdr(&["backup", "export", "b"]).refuses(2, &["--to"]);
}

#[test]
fn custom_resources_come_out_without_their_definition() {
    let world = World::new();
    world.write("m/all.yaml", CUSTOM);
    // Without cluster-scoped objects, the definition is not taken along either.
    world.ok(&[
        "backup",
        "create",
        "b",
        "--from",
        "m",
        "-n",
        "shop",
        "--cluster-scoped",
        "exclude",
    ]);
    let widget = world.ok(&[
        "backup",
        "export",
        "b",
        "--object",
        "widgets.shop.io/shop/w",
    ]);
    assert!(widget.out.contains("kind: Widget"), "{widget:?}");
    world.ok(&[
        "restore",
        "create",
        "r",
        "--backup",
        "b",
        "--to",
        "rendered",
        "--map-namespace",
        "shop:copy",
    ]);
    let rendered = fs::read_to_string(world.path("rendered/copy/widgets.shop.io/w.yaml")).unwrap();
    assert!(
        rendered.contains("size: 18446744073709551617"),
        "{rendered}"
    );
}

#[test]
fn export_takes_what_a_restore_would_select() {
    let world = World::new();
    world.write("m/all.yaml", CUSTOM);
    world.ok(&["backup", "create", "b", "--from", "m"]);
    for (number, flags, expected) in [
        (
            0,
            vec!["-l", "app=shop"],
            vec!["shop/configmaps/prices.yaml"],
        ),
        (
            1,
            vec![
                "--include-resource",
                "configmaps",
                "--include-name",
                "configmaps/o*",
            ],
            vec!["shop/configmaps/other.yaml"],
        ),
        (
            2,
            vec!["--with-needs-of", "widgets.shop.io/shop/w"],
            vec![
                "_cluster/customresourcedefinitions.apiextensions.k8s.io/widgets.shop.io.yaml",
                "shop/widgets.shop.io/w.yaml",
            ],
        ),
        (
            3,
            vec!["--or-selector", "app=shop", "--or-selector", "app=none"],
            vec!["shop/configmaps/prices.yaml"],
        ),
    ] {
        let to = format!("out-{number}");
        let mut args = vec!["backup", "export", "b", "--to", &to];
        args.extend(&flags);
        world.ok(&args);
        let names: Vec<String> = files(&world.path(&to)).into_keys().collect();
        assert_eq!(names, expected, "{flags:?}");
    }
    world
        .csdr(&["backup", "export", "b", "--to", "none", "-l", "app=none"])
        .refuses(2, &["nothing is selected"]);
    world
        .csdr(&[
            "backup",
            "export",
            "b",
            "--to",
            "no",
            "--with-needs-of",
            "widgets.shop.io/shop/v",
        ])
        .refuses(1, &["did you mean widgets.shop.io/shop/w?"]);
}

#[test]
fn explain_names_the_rule_and_writes_nothing() {
    let world = World::new();
    world.write("m/all.yaml", CUSTOM);
    let ran = world.ok(&[
        "backup",
        "explain",
        "b",
        "--from",
        "m",
        "-n",
        "shop",
        "--exclude-resource",
        "configmapz",
        "--exclude-name",
        "cm/other",
        "--mask",
        "cm:/data",
        "--object",
        "configmaps/shop/prices",
        "--object",
        "configmaps/shop/other",
        "--object",
        "customresourcedefinitions.apiextensions.k8s.io/widgets.shop.io",
    ]);
    assert_eq!(
        ran.out,
        "configmaps/shop/prices: in: namespace shop and configmaps are selected, and its labels and name match; masked: /data emptied\n\
         configmaps/shop/other: out: its name is not asked for\n\
         customresourcedefinitions.apiextensions.k8s.io/widgets.shop.io: in: needed by widgets.shop.io (definitions)\n"
    );
    assert!(ran.err.contains("did you mean configmap?"), "{ran:?}");
    assert!(world.vault_files().is_empty());
}

#[test]
fn flags_and_spec_select_the_same() {
    let world = World::new();
    world.write("m/all.yaml", CUSTOM);
    let spec = "name: two\nincludedNamespaces: [sh*]\nlabelSelector: {matchLabels: {app: shop}}\nexcludedResources: [widgets]\n";
    world.write("spec.yaml", spec);
    world.ok(&[
        "backup",
        "create",
        "one",
        "--from",
        "m/all.yaml",
        "-n",
        "sh*",
        "-l",
        "app=shop",
        "--exclude-resource",
        "widgets",
    ]);
    world.ok(&[
        "backup",
        "create",
        "two",
        "--from",
        "m",
        "--spec",
        "spec.yaml",
    ]);
    for name in ["one", "two"] {
        let ran = world.ok(&["backup", "describe", name, "-o", "json"]);
        let said: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(said["report"]["objects"], 1, "{said}");
        assert_eq!(
            said["spec"]["labelSelector"]["matchLabels"]["app"], "shop",
            "{said}"
        );
    }
    // Every flag of a backup has its field.
    let spec = "name: four\norLabelSelectors: [{matchLabels: {app: shop}}, {matchLabels: {app: tea}}]\nnamespaceSelector: {matchExpressions: [{key: quiet, operator: DoesNotExist}]}\nincludedClusterScopedResources: [crd]\nexcludedNamespaceScopedResources: [secrets]\nnames: [{resource: cm, included: ['p*'], excluded: [pears]}]\norderedResources: {cm: [shop/prices, shop/other]}\nmaskedFields: [{resource: cm, fields: [/data]}]\n";
    world.write("four.yaml", spec);
    let from_file = [
        "backup",
        "create",
        "four",
        "--from",
        "m",
        "--spec",
        "four.yaml",
        "--dry-run",
        "-o",
        "json",
    ];
    let from_flags = [
        "backup",
        "create",
        "four",
        "--from",
        "m",
        "--dry-run",
        "-o",
        "json",
        "--or-selector",
        "app=shop",
        "--or-selector",
        "app=tea",
        "--namespace-selector",
        "!quiet",
        "--include-cluster-resource",
        "crd",
        "--exclude-namespaced-resource",
        "secrets",
        "--include-name",
        "cm/p*",
        "--exclude-name",
        "cm/pears",
        "--order",
        "cm=shop/prices,shop/other",
        "--mask",
        "cm:/data",
    ];
    let specs = [&from_file[..], &from_flags[..]].map(|args| {
        let said: serde_json::Value = serde_json::from_str(&world.ok(args).out).unwrap();
        said["spec"].clone()
    });
    assert_eq!(specs[0], specs[1]);
    world
        .csdr(&[
            "backup",
            "create",
            "five",
            "--from",
            "m",
            "--include-cluster-resource",
            "crd",
            "--include-resource",
            "cm",
        ])
        .refuses(2, &["families"]);
    world.ok(&[
        "backup",
        "create",
        "three",
        "--from",
        "m",
        "-n",
        "shop",
        "--cluster-scoped",
        "include",
        "--include-resource",
        "crd,widgets",
    ]);
    let ran = world.ok(&["backup", "describe", "three", "-o", "json"]);
    let said: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(said["objects"], 2, "{said}");
}

#[test]
fn a_document_that_cannot_be_read_is_said() {
    let world = World::new();
    world.write("m/all.yaml", CUSTOM);
    world.write("m/broken.yaml", "apiVersion: v1\nkind: [\n");
    // Nothing was named: what the file held is a warning.
    let ran = world.csdr(&["backup", "create", "b", "--from", "m"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let said = world.ok(&["backup", "describe", "b"]);
    assert!(said.out.contains("broken.yaml"), "{}", said.out);
    let report = report_of(&world, "b");
    assert_eq!(report["outcome"], "Completed", "{report}");
    assert_eq!(report["errors"]["total"], 0, "{report}");
    assert_eq!(report["warnings"]["total"], 1, "{report}");

    // What was named and is found is complete; what was named and may lie in that file is not.
    for (name, resources, code, errors) in [
        ("found", "configmaps,widgets.shop.io", 0, 0),
        ("hidden", "configmaps,gadgets.shop.io", 3, 1),
    ] {
        let arguments = [
            "backup",
            "create",
            name,
            "--from",
            "m",
            "--include-resource",
            resources,
        ];
        let ran = world.csdr(&arguments);
        assert_eq!(ran.code, Some(code), "{name}: {ran:?}");
        let report = report_of(&world, name);
        assert_eq!(report["errors"]["total"], errors, "{report}");
        assert!(ran.out.contains("broken.yaml"), "{ran:?}");
        assert_eq!(ran.out.contains("gadgets.shop.io"), code == 3, "{ran:?}");
    }
}

fn report_of(world: &World, backup: &str) -> serde_json::Value {
    let ran = world.ok(&["backup", "describe", backup, "-o", "json"]);
    let said: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    said["report"].clone()
}

#[test]
fn verify_goes_as_far_as_it_is_told() {
    let world = World::new();
    world.back_up("b");
    for (level, objects) in [("manifest", 0), ("hashes", 0), ("objects", 41)] {
        let ran = world.ok(&["backup", "verify", "b", "--level", level, "-o", "json"]);
        let said: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(said["objects"], objects, "{said}");
        assert_eq!(said["problems"], serde_json::json!([]));
    }
    let check = world.ok(&["vault", "check", "-o", "json"]);
    let said: serde_json::Value = serde_json::from_str(&check.out).unwrap();
    assert_eq!(
        (&said["backups"], &said["atomicCreate"]),
        (&1.into(), &true.into()),
        "{said}"
    );
    assert!(
        world
            .vault_files()
            .keys()
            .all(|name| !name.contains("probe")),
        "the probe goes"
    );
    assert_eq!(data(), concat!(env!("CARGO_MANIFEST_DIR"), "/data"));
}

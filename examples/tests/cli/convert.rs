//! `csdr convert` and `csdr lifecycle`.

use crate::{
    golden::check,
    world::{Ran, World},
};
use serde_json::Value;
use std::{
    io::Write,
    process::{Command, Stdio},
};

pub(crate) const MIXED: &str = "# Everything of the shop.
apiVersion: v1
kind: ConfigMap   # kept as it is
metadata:
    name: prices
data: {a: \"1\"}
---
# Source: web/templates/cron.yaml
apiVersion: batch/v1beta1
kind: CronJob
metadata:
  name: nightly
  namespace: shop
spec:
  schedule: \"0 1 * * *\"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
          - name: a
            image: b
---
apiVersion: v1
kind: List
items:
- apiVersion: rbac.authorization.k8s.io/v1beta1
  kind: Role
  metadata: {name: reader, namespace: shop}
  rules:
  - apiGroups: [extensions]
    resources: [deployments]
    verbs: [get]
- apiVersion: v1
  kind: Service
  metadata: {name: web, namespace: shop}
---
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata:
  name: narrow
---
apiVersion: example.org/v1
kind: Thing
metadata:
  generateName: thing-
";

/// Runs with a text as standard input.
fn fed(mut command: Command, text: &str) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that refuses its arguments does not read.
    let _ = stdin.write_all(text.as_bytes());
    drop(stdin);
    child.wait_with_output().unwrap().into()
}

#[test]
fn yaml_as_yaml_and_what_is_left_out_is_told() {
    let world = World::new();
    world.write("shop.yaml", MIXED);
    let ran = world.csdr(&["convert", "shop.yaml", "--to", "1.34"]);
    assert_eq!(ran.code, Some(3), "the policy is left out: {ran:?}");
    check("convert-yaml", &ran.out);
    check("convert-yaml-told", &ran.err);
    assert!(!world.vault().exists());

    let piped = fed(world.command(&["convert", "--to", "v1.34.2"]), MIXED);
    assert_eq!(piped.out, ran.out);

    let told = world.csdr(&["convert", "shop.yaml", "--to", "1.34", "-o", "json"]);
    let rows: Value = serde_json::from_str(&told.err).unwrap();
    let outcomes: Vec<_> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["outcome"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        outcomes,
        [
            "unchanged",
            "converted",
            "converted",
            "unchanged",
            "skipped",
            "unknown"
        ]
    );
}

#[test]
fn what_needs_nothing_is_written_byte_for_byte() {
    let world = World::new();
    let json = "{\"apiVersion\":\"v1\", \"kind\":\"ConfigMap\",\n \"metadata\":{\"name\":\"a\"},\"data\":{\"n\":\"1e3\"}}\n";
    for text in [&MIXED[..MIXED.find("---").unwrap()], json] {
        let ran = fed(world.command(&["convert", "--to", "1.36"]), text);
        assert_eq!((ran.code, ran.out.as_str()), (Some(0), text), "{ran:?}");
    }
}

#[test]
fn json_as_json_lists_among_it() {
    let world = World::new();
    let list = r#"{"apiVersion":"batch/v1beta1","kind":"CronJobList","items":[{"metadata":{"name":"a"},"spec":{"schedule":"0 1 * * *","big":1e3,"jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"a","image":"b"}]}}}}}}]}"#;
    let ran = fed(
        world.command(&["convert", "-", "--to", "1.34"]),
        &format!(
            "{list}\n{{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{{\"name\":\"p\"}}}}"
        ),
    );
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 2, "{ran:?}");
    let first: Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!(first["kind"], "List");
    assert_eq!(first["apiVersion"], "v1");
    assert_eq!(first["items"][0]["apiVersion"], "batch/v1");
    assert!(lines[0].contains("1e3"), "numbers keep their text");
    assert_eq!(
        lines[1],
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"}}"#
    );
}

#[test]
fn a_folder_with_its_definitions() {
    let world = World::new();
    world.write(
        "in/b.yaml",
        "apiVersion: example.org/v1beta1\nkind: Thing\nmetadata: {name: a}\n",
    );
    world.write(
        "in/a/crd.json",
        r#"{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"things.example.org"},"spec":{"group":"example.org","scope":"Namespaced","names":{"plural":"things","kind":"Thing","singular":"thing"},"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}}]}}"#,
    );
    world.write("in/.hidden.yaml", "{{ no");
    world.write("in/notes.txt", "no manifest");
    let ran = world.ok(&["convert", "in", "--to", "1.34"]);
    assert!(ran.out.contains("apiVersion: example.org/v1\n"), "{ran:?}");
}

#[test]
fn wishes_and_choices() {
    let world = World::new();
    let hpa = "apiVersion: autoscaling/v1\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\nspec:\n  scaleTargetRef: {apiVersion: extensions/v1beta1, kind: Deployment, name: a}\n  maxReplicas: 2\n";
    for (args, version) in [
        (&["--policy", "keep"][..], "autoscaling/v1\n"),
        (&["--policy", "preferred"][..], "autoscaling/v2\n"),
        (
            &["--version-of", "HorizontalPodAutoscaler=autoscaling/v2"][..],
            "autoscaling/v2\n",
        ),
    ] {
        let all = [&["convert", "--to", "1.34"], args].concat();
        let ran = fed(world.command(&all), hpa);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.out.contains(version), "{args:?}: {ran:?}");
        assert!(ran.out.contains("apiVersion: apps/v1"), "{ran:?}");
    }
    let applied = r#"{"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"a","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"apiVersion\":\"batch/v1beta1\",\"kind\":\"CronJob\"}"}}}"#;
    for (choice, found) in [
        (
            "convert",
            Some(r#"{"apiVersion":"batch/v1","kind":"CronJob"}"#),
        ),
        ("drop", None),
        (
            "keep",
            Some(r#"{"apiVersion":"batch/v1beta1","kind":"CronJob"}"#),
        ),
    ] {
        let args = ["convert", "--to", "1.34", "--last-applied", choice];
        let ran = fed(world.command(&args), applied);
        let object: Value = serde_json::from_str(&ran.out).unwrap();
        let text =
            &object["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"];
        assert_eq!(text.as_str(), found, "{choice}");
    }
}

const JOBS: &str = r#"{"id":"bare","to":"batch/v1","object":{"apiVersion":"batch/v1beta1","kind":"CronJob","metadata":{"name":"a"},"spec":{"schedule":"* * * * *","n":1e3}}}
{"job":{"id":"vector","to":"rbac.authorization.k8s.io/v1","object":{"apiVersion":"rbac.authorization.k8s.io/v1beta1","kind":"Role","metadata":{"name":"a"},"rules":[]}},"result":{"ok":true}}

{"id":7,"to":"v1","object":{"kind":"Pod"}}
{"id":"no object"}
not json
{"id":"last","to":"batch/v1","object":{"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"a"}}}
"#;

#[test]
fn jobs_are_answered_in_their_order() {
    let world = World::new();
    world.write("jobs.jsonl", JOBS);
    let ran = world.csdr(&["convert", "--jobs", "jobs.jsonl"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(ran.err, "");
    for stdin in ["-", "/dev/stdin"] {
        let piped = fed(world.command(&["convert", "--jobs", stdin]), JOBS);
        assert_eq!(piped.out, ran.out);
    }
    let rows: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row["id"].clone(), row["ok"].as_bool().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("bare".into(), true),
            ("vector".into(), true),
            (7.into(), false),
            ("no object".into(), false),
            (Value::Null, false),
            ("last".into(), true),
        ]
    );
    for row in &rows {
        assert!(row["changes"].is_array() && row["losses"].is_array());
        assert_eq!(row["ok"].as_bool(), Some(row.get("object").is_some()));
        assert_eq!(row["ok"].as_bool(), Some(row.get("error").is_none()));
    }
    assert!(ran.out.contains(r#""n":1e3"#), "numbers keep their text");
    assert_eq!(rows[5]["object"]["apiVersion"], "batch/v1");
    assert_eq!(rows[5]["changes"].as_array().unwrap().len(), 0);
    check("convert-jobs-vector", ran.out.lines().nth(1).unwrap());
}

#[test]
fn jobs_up_to_what_a_release_accepts() {
    let world = World::new();
    let jobs = concat!(
        r#"{"id":"mended","to":"batch/v1","object":{"apiVersion":"batch/v1beta1","kind":"CronJob","metadata":{"name":"a"},"spec":{"schedule":"TZ=UTC 0 1 * * *","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"a","image":"b"}]}}}}}}}"#,
        "\n",
        r#"{"id":"refused","to":"scheduling.k8s.io/v1","object":{"apiVersion":"scheduling.k8s.io/v1","kind":"PriorityClass","metadata":{"name":"system-mine"},"value":1}}"#,
        "\n"
    );
    let args = [
        "convert",
        "--jobs",
        "-",
        "--stage",
        "acceptable",
        "--target",
        "1.36",
    ];
    let ran = fed(world.command(&args), jobs);
    let rows: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows[0]["ok"], true, "{ran:?}");
    assert_eq!(rows[0]["object"]["spec"]["timeZone"], "UTC", "{ran:?}");
    assert_eq!(rows[1]["ok"], false, "{ran:?}");
    assert!(!rows[1]["error"].as_str().unwrap().is_empty());
    assert_eq!(ran.code, Some(3));
}

#[test]
fn words_that_cannot_be_meant() {
    let world = World::new();
    world.write("a.yaml", MIXED);
    world.write("apis.json", "{}");
    world.write("latin.yaml", "a: 1");
    std::fs::write(world.path("latin.yaml"), b"a: \xff").unwrap();
    for (args, code, parts) in [
        (&["convert", "a.yaml"][..], 2, &["--to"][..]),
        (&["convert", "a.yaml", "--to", "new"][..], 2, &["1.34"][..]),
        (&["convert", "a.yaml", "--to", "1.99"][..], 2, &["1.36"][..]),
        (
            &["convert", "a.yaml", "--to", "1.34", "--jobs", "j"][..],
            2,
            &["--jobs"][..],
        ),
        (
            &["convert", "none.yaml", "--to", "1.34"][..],
            1,
            &["none.yaml", "check the path"][..],
        ),
        (&["convert", "--to", "1.34"][..], 2, &["no manifests"][..]),
        (
            &["convert", "latin.yaml", "--to", "1.34"][..],
            2,
            &["latin.yaml", "UTF-8"][..],
        ),
        (
            &["convert", "a.yaml", "--target-apis", "apis.json"][..],
            2,
            &["apis.json"][..],
        ),
        (
            &["convert", "--jobs", "none.jsonl"][..],
            1,
            &["none.jsonl"][..],
        ),
        (
            &["convert", "--jobs", "a.yaml", "--stage", "acceptable"][..],
            2,
            &["--target"][..],
        ),
        (
            &["convert", "--stage", "acceptable", "--to", "1.34"][..],
            2,
            &["--jobs"][..],
        ),
        (
            &[
                "convert",
                "a.yaml",
                "--to",
                "1.34",
                "--version-of",
                "Ingress",
            ][..],
            2,
            &["KIND=GROUP/VERSION"][..],
        ),
        (
            &["lifecycle", "--targets", "1.34"][..],
            2,
            &["--backup"][..],
        ),
    ] {
        let ran = world.csdr(args);
        ran.refuses(code, parts);
        assert_eq!(ran.out, "");
    }
}

#[test]
fn a_recorded_target() {
    let world = World::new();
    world.write(
        "apis.json",
        r#"{"resources":[{"resource":"cronjobs.batch","kind":"CronJob","namespaced":true,"versions":[{"version":"v1beta1","verbs":["create"]}]}],"server_version":"v1.20.4"}"#,
    );
    let cron = "apiVersion: batch/v1
kind: CronJob
metadata: {name: a}
spec:
  schedule: 0 1 * * *
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: b}]}}}}
";
    let args = ["convert", "--target-apis", "apis.json"];
    let ran = fed(world.command(&args), cron);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.out.starts_with("apiVersion: batch/v1beta1\n"),
        "{ran:?}"
    );
    let custom = "apiVersion: example.org/v1\nkind: Thing\nmetadata: {name: a}\n";
    let ran = fed(world.command(&args), custom);
    assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""), "{ran:?}");
}

#[test]
fn what_a_backup_becomes() {
    let world = World::new();
    world.write("in/shop.yaml", MIXED);
    world.ok(&[
        "backup",
        "create",
        "old",
        "--from",
        "in",
        "--default-namespace",
        "shop",
    ]);
    let ran = world.ok(&["lifecycle", "--backup", "old", "--targets", "1.20,1.34"]);
    check("lifecycle", &ran.out);
    let json = world.ok(&[
        "lifecycle",
        "--backup",
        "old",
        "--targets",
        "1.34",
        "-o",
        "json",
    ]);
    let report: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(report["targets"][0], "1.34");
    world
        .csdr(&["lifecycle", "--backup", "none", "--targets", "1.34"])
        .refuses(1, &["none"]);
}

#[test]
fn what_single_objects_of_a_backup_lose() {
    let world = World::new();
    let deployment = |name: &str| {
        format!(
            "---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{containers: [{{name: a, image: b, livenessProbe: {{grpc: {{port: 9000}}}}}}]}}
"
        )
    };
    let manifests: String = ["a", "b", "c"].map(deployment).concat();
    world.write("in/shop.yaml", &manifests);
    let from = ["--from", "in", "--default-namespace", "shop"];
    world.ok(&[&["backup", "create", "new"], &from[..]].concat());
    let lifecycle = ["lifecycle", "--backup", "new", "--targets", "1.20,1.34"];
    let more = ["--objects", "--examples", "2"];
    let ran = world.ok(&[&lifecycle[..], &more].concat());
    check("lifecycle-objects", &ran.out);
    world
        .csdr(&[&lifecycle[..], &["--examples", "2"]].concat())
        .refuses(2, &["--objects"]);
}

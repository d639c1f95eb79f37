//! Restores that are rendered for another release of Kubernetes, and their plans.

use crate::{convert::MIXED, world::World};
use serde_json::{Value, json};
use std::fs;

/// A backup `old` of objects in old versions.
fn old() -> World {
    let world = World::new();
    world.write("in/shop.yaml", MIXED);
    let from = ["--from", "in", "--default-namespace", "shop"];
    world.ok(&[&["backup", "create", "old"], &from[..]].concat());
    world
}

const TO: [&str; 4] = ["--backup", "old", "--to", "out"];

#[test]
fn a_plan_shows_what_is_converted() {
    let world = old();
    let plan = |more: &[&str]| world.ok(&[&["restore", "plan", "r"], &TO[..], more].concat());
    let said = plan(&["--target-release", "1.34", "--verbose"]).out;
    for part in [
        "batch/v1beta1/cronjobs  convert batch/v1beta1 → batch/v1",
        "\n  cronjobs.batch/shop/nightly: convert batch/v1beta1 → batch/v1\n",
        "podsecuritypolicies.policy/narrow: warning: removed in Kubernetes 1.25",
        "namespace shop: its pods meet the Pod Security level baseline (not restricted: cronjobs.batch/shop/nightly allows privilege \
         escalation in container a); label it pod-security.kubernetes.io/enforce=baseline",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    let short = plan(&["--target-release", "1.34"]).out;
    assert!(!short.contains("nightly: convert"), "{short}");

    let shown = plan(&["--target-release", "1.34", "-o", "json"]).out;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let objects = shown["objects"].as_array().unwrap();
    let of = |id: &str| {
        let mut own = objects.iter().filter(|object| object["source"] == id);
        own.next().unwrap_or_else(|| panic!("{id} in {objects:?}"))
    };
    let cron = of("cronjobs.batch/shop/nightly");
    let way = json!({"from": "batch/v1beta1", "to": "batch/v1"});
    assert_eq!(
        (&cron["convert"], &cron["action"]),
        (&way, &json!("create"))
    );
    assert_eq!(of("services/shop/web")["convert"], Value::Null);
    let policy = of("podsecuritypolicies.policy/narrow");
    assert_eq!(policy["action"], "skip");
    assert_eq!(policy["notes"][0]["severity"], "warning");
    assert_eq!(shown["head"]["advice"][0]["level"], "baseline");
    assert!(!world.path("out").exists());
}

#[test]
fn a_folder_is_rendered_for_the_release_that_is_named() {
    let world = old();
    // The same folder twice: what exists stays, and is no cluster that the second one is for.
    for (name, release, version) in [
        ("new", "1.34", "batch/v1"),
        ("old", "1.20", "batch/v1beta1"),
    ] {
        let to = ["--backup", "old", "--target-release", release, "--to", name];
        world.ok(&[&["restore", "create", name], &to[..]].concat());
        let cron = world.path(name).join("shop/cronjobs.batch/nightly.yaml");
        let cron = fs::read_to_string(cron).unwrap();
        assert!(cron.contains(&format!("apiVersion: {version}\n")), "{cron}");
        let policy = world
            .path(name)
            .join("_cluster/podsecuritypolicies.policy/narrow.yaml");
        assert_eq!(policy.exists(), release == "1.20");
    }
    let to = ["--backup", "old", "--target-release", "1.20", "--to", "old"];
    let plan = world.ok(&[&["restore", "plan", "again"], &to[..]].concat());
    assert!(!plan.out.contains("blocked"), "{plan:?}");

    world.write(
        "apis.json",
        r#"{"resources":[{"resource":"cronjobs.batch","kind":"CronJob","namespaced":true,"versions":[{"version":"v1beta1","verbs":["create"]}]}],"server_version":"v1.20.4"}"#,
    );
    let to = ["--backup", "old", "--include-resource", "cronjobs"];
    let to = [&to[..], &["--target-apis", "apis.json", "--to", "out"]].concat();
    world.ok(&[&["restore", "create", "r"], &to[..]].concat());
    let cron = fs::read_to_string(world.path("out/shop/cronjobs.batch/nightly.yaml")).unwrap();
    assert!(cron.contains("apiVersion: batch/v1beta1\n"), "{cron}");
}

#[test]
fn a_version_for_one_kind() {
    let world = old();
    let wanted = [
        "--version-of",
        "Role=rbac.authorization.k8s.io/v1",
        "--version-of",
        "CronJob=batch/v1",
    ];
    let args = [
        &["restore", "plan", "r", "--verbose"],
        &TO[..],
        &wanted,
        &["--target-release", "1.21"],
    ];
    let said = world.ok(&args.concat()).out;
    let part = "cronjobs.batch/shop/nightly: convert batch/v1beta1 → batch/v1";
    assert!(said.contains(part), "{said}");
}

#[test]
fn what_needs_a_folder_or_a_cluster_says_so() {
    let world = old();
    for (args, code, part) in [
        (
            &[
                "restore",
                "plan",
                "r",
                "--backup",
                "old",
                "--target-release",
                "1.34",
            ][..],
            2,
            "--to",
        ),
        (
            &[
                "restore",
                "plan",
                "r",
                "--backup",
                "old",
                "--target-apis",
                "x",
            ][..],
            2,
            "--to",
        ),
        (
            &[
                "restore",
                "plan",
                "r",
                "--backup",
                "old",
                "--to",
                "o",
                "--target-release",
                "1.9",
            ][..],
            2,
            "1.16",
        ),
        (
            &[
                "restore",
                "plan",
                "r",
                "--backup",
                "old",
                "--to",
                "o",
                "--target-apis",
                "none",
            ][..],
            1,
            "none",
        ),
        (&["lifecycle", "--backup", "old"][..], 1, "kubeconfig"),
        (&["target-apis"][..], 1, "kubeconfig"),
    ] {
        let ran = world.csdr(args);
        ran.refuses(code, &[part]);
        assert_eq!(ran.out, "");
    }
}

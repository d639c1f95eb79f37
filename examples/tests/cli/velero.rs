//! Buckets that Velero itself wrote, on a file system, with and without a prefix.

use crate::world::{World, files};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The buckets of `csdr-core/tests/data/velero`; each lies below the prefix `clusters/one`.
const FLAVOURS: [&str; 2] = ["default", "apigroupversions"];

fn bucket(flavour: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../csdr-core/tests/data/velero")
        .join(flavour)
}

/// Copies a bucket to where the vault is, below `prefix` of it.
fn copy(world: &World, flavour: &str, prefix: &str) {
    let from = bucket(flavour).join("clusters/one");
    for (name, body) in files(&from) {
        let to = world.vault().join(prefix).join(name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, body).unwrap();
    }
}

#[test]
fn a_bucket_of_velero_s_is_listed_described_verified_planned_and_restored() {
    for flavour in FLAVOURS {
        for prefix in ["", "clusters/one"] {
            let world = World::new();
            copy(&world, flavour, prefix);
            let vault = world.vault().join(prefix).display().to_string();
            let at = |args: &[&str]| world.ok(&[args, &["--vault", &vault]].concat());
            fs::create_dir(world.path("scratch")).unwrap();
            let before = world.vault_files();
            let list = at(&["backup", "list"]);
            assert!(
                list.out.contains("rich") && list.out.contains("velero"),
                "{list:?}"
            );
            let said = at(&["backup", "describe", "rich", "--scratch", "scratch"]);
            assert!(said.out.contains("rich-pv-0): not backed up"), "{said:?}");
            let proof = at(&["backup", "verify", "rich"]);
            assert!(proof.out.contains("sound"), "{proof:?}");
            at(&[
                "backup",
                "export",
                "rich",
                "--to",
                "yaml",
                "--scratch",
                "scratch",
            ]);
            assert!(files(&world.path("yaml")).len() > 10);
            assert_eq!(world.vault_files(), before, "reading writes nothing");
            assert!(
                files(&world.path("scratch")).is_empty(),
                "what was put aside is removed"
            );

            // A restore is recorded: the place becomes a vault of csdr as well.
            at(&["vault", "create"]);
            let restore = [
                "--backup",
                "rich",
                "--map-namespace",
                "rich:copy",
                "--to",
                "out",
            ];
            let plan = at(&[&["restore", "plan", "r"], &restore[..]].concat());
            assert!(plan.out.contains("not restored with its claim"), "{plan:?}");
            at(&[&["restore", "create", "r"], &restore[..]].concat());
            assert!(world.path("out/copy/configmaps/settings.yaml").exists());
            let refused = world.csdr(&["backup", "delete", "rich", "--vault", &vault]);
            refused.refuses(1, &["Velero"]);
            at(&["vault", "gc"]);
            let after = world.vault_files();
            for (name, body) in before {
                assert!(after[&name] == body, "{name} was changed");
            }
        }
    }
}

#[test]
fn what_is_told_of_a_backup_of_velero_s() {
    let world = World::new();
    copy(&world, "default", "");
    let said = world.ok(&["backup", "describe", "rich"]);
    for part in [
        "v1.36.3",
        "41 of 41",
        "2026-12-20T20:48:38Z",
        "ttl: 720h0m0s",
        "excludedNamespaceScopedResources: volumesnapshots.snapshot.storage.k8s.io",
        "claim rich/data-db-0 (volume rich-pv-0): not backed up: podvolume: opted out",
        "v1/events",
    ] {
        assert!(said.out.contains(part), "{part}: {said:?}");
    }
    let json = world.ok(&["backup", "describe", "rich", "-o", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(
        json["velero"]["volumes"][0]["volume"], "rich-pv-0",
        "{json}"
    );
    // Unfinished: the archive is not read, the rest is told.
    let record = world.path("vault/backups/rich/velero-backup.json");
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, text.replace("\"Completed\"", "\"InProgress\"")).unwrap();
    let said = world.ok(&["backup", "describe", "rich"]);
    assert!(
        said.out.contains("has not finished") && said.out.contains("41 of 41"),
        "{said:?}"
    );
    let args = ["restore", "plan", "r", "--backup", "rich", "--to", "out"];
    world
        .csdr(&args)
        .refuses(1, &["has not finished", "InProgress"]);
}

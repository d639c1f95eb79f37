//! Bytes that are not what was stored.

use crate::world::{World, config_maps, files};
use std::{fs, path::Path};

fn flip(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 0x10;
    fs::write(file, bytes).unwrap();
}

#[test]
fn a_flipped_byte_of_the_archive_is_found_and_named() {
    let world = World::new();
    world.back_up("b");
    world.back_up("whole");
    let archive = world.path("vault/backups/b/b.tar.gz");
    let size = fs::metadata(&archive).unwrap().len() as usize;
    flip(&archive, size / 2);
    let before = world.vault_files();

    let ran = world.csdr(&["backup", "verify", "b"]);
    ran.refuses(1, &["backup b is damaged", "new one under another name"]);
    assert!(
        ran.out.contains("DAMAGED") && ran.out.contains("b.tar.gz: "),
        "{ran:?}"
    );
    let json = world.csdr(&["backup", "verify", "b", "-o", "json"]);
    let said: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(said["problems"][0]["file"], "b.tar.gz", "{said}");
    world.ok(&["backup", "verify", "whole"]);

    // Whoever reads an object of it is told which bytes are wrong, and gets none.
    let ran = world.csdr(&["backup", "export", "b", "--to", "out"]);
    ran.refuses(1, &["b.tar.gz"]);
    let ran = world.csdr(&[
        "restore", "create", "r", "--backup", "b", "--to", "rendered",
    ]);
    // All of its objects lie in the one member that is damaged: each fails, none comes out, and that is a partial failure.
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.out.contains("b.tar.gz"), "{ran:?}");
    assert!(files(&world.path("rendered")).is_empty(), "{ran:?}");
    let now = world.vault_files();
    assert!(
        before
            .iter()
            .all(|(name, bytes)| now.get(name) == Some(bytes)),
        "a damaged backup is not touched"
    );
    assert_eq!(world.listed(), ["b", "whole"]);
}

/// An archive of several members, one of them damaged: what lies in the others comes out, and the program says so with code 3.
#[test]
fn a_restore_brings_what_lies_in_whole_members_and_ends_with_3() {
    const OBJECTS: usize = 4000;
    let world = World::new();
    world.write("m/all.yaml", &config_maps(0..OBJECTS, 1000));
    world.ok(&["backup", "create", "b", "--from", "m"]);
    let archive = world.path("vault/backups/b/b.tar.gz");
    let size = fs::metadata(&archive).unwrap().len() as usize;
    flip(&archive, size / 2);

    // `verify` finds exactly the objects that a restore cannot bring.
    let ran = world.csdr(&["backup", "verify", "b", "-o", "json"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let to = ["--backup", "b", "--to", "rendered"];
    let ran = world.csdr(&[&["restore", "plan", "r", "-o", "json"], &to[..]].concat());
    assert_eq!(ran.code, Some(0), "a plan changes nothing: {}", ran.err);
    let ran = world.csdr(&[&["restore", "create", "r", "-o", "json"], &to[..]].concat());
    assert_eq!(ran.code, Some(3), "{}", ran.err);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["outcome"], "PartiallyFailed", "{}", ran.err);
    assert_eq!(report["errors"]["total"], report["objects"]["failed"]);
    let count = |outcome: &str| report["objects"][outcome].as_u64().unwrap_or(0) as usize;
    let (created, failed) = (count("created"), count("failed"));
    assert_eq!(created + failed, OBJECTS, "{}", report["objects"]);
    assert!(failed > 0 && created > failed, "{}", report["objects"]);

    // Everything before and behind the damaged member, and nothing of it.
    let mut names: Vec<String> = files(&world.path("rendered/many/configmaps"))
        .into_keys()
        .collect();
    names.sort();
    assert_eq!(names.len(), created);
    let numbers: Vec<usize> = names
        .iter()
        .map(|name| {
            name.trim_matches(|c: char| !c.is_ascii_digit())
                .parse()
                .unwrap()
        })
        .collect();
    assert_eq!(
        (numbers.first(), numbers.last()),
        (Some(&0), Some(&(OBJECTS - 1)))
    );
    let holes = numbers.windows(2).filter(|pair| pair[1] != pair[0] + 1);
    assert_eq!(holes.count(), 1, "one run of objects is missing");
    // The report is kept, and `describe` reads it.
    let said = world.ok(&["restore", "describe", "r", "-o", "json"]);
    let said: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(said, report);
}

#[test]
fn a_missing_file_is_found_at_every_level() {
    let world = World::new();
    world.back_up("b");
    fs::remove_file(world.path("vault/backups/b/b-logs.gz")).unwrap();
    for level in ["manifest", "hashes", "objects"] {
        let ran = world.csdr(&["backup", "verify", "b", "--level", level]);
        ran.refuses(1, &["backup b is damaged"]);
        assert!(ran.out.contains("b-logs.gz: is missing"), "{ran:?}");
    }
    let ran = world.csdr(&["vault", "check"]);
    ran.refuses(1, &["1 problems", "csdr backup verify"]);
    assert!(
        ran.out.contains("backup b: b-logs.gz: is missing"),
        "{ran:?}"
    );
}

#[test]
fn a_changed_manifest_is_not_the_one_that_was_sealed() {
    let world = World::new();
    world.back_up("b");
    flip(&world.path("vault/backups/b/csdr/manifest.json"), 30);
    world
        .csdr(&["backup", "verify", "b"])
        .refuses(1, &["manifest is not the one", "backup=b"]);
    let ran = world.csdr(&["restore", "create", "r", "--backup", "b", "--to", "out"]);
    ran.refuses(1, &["manifest is not the one"]);
    assert!(files(&world.path("out")).is_empty());
}

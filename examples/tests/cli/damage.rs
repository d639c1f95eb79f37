//! Bytes that are not what was stored.

use crate::world::{World, files};
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
    assert!(matches!(ran.code, Some(1 | 3)), "{ran:?}");
    assert!(ran.out.contains("b.tar.gz"), "{ran:?}");
    let now = world.vault_files();
    assert!(
        before
            .iter()
            .all(|(name, bytes)| now.get(name) == Some(bytes)),
        "a damaged backup is not touched"
    );
    assert_eq!(world.listed(), ["b", "whole"]);
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

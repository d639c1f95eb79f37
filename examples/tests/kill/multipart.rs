//! A backup whose archive is larger than one part of an upload is killed while the upload is open.

use crate::{
    process::{CLAIM, Csdr, Point, Store},
    result, results,
    vault::{Left, gc, look},
};
use csdr_core::report::Outcome;
use std::{fmt::Write, fs, path::Path, thread, time::Instant};

/// A part of an upload has 8 MiB, and the client sends the first one once the second is full.
const PART: usize = 8 << 20;
/// Each is stored twice, as Velero stores it: under its resource, and under the version of that as well.
const OBJECTS: usize = 24;
/// One of so many calls is tried.
const STEP: usize = 3;

/// Config maps of half a megabyte that hardly compress, each in a file of JSON.
fn write_manifests(folder: &Path) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for at in 0..OBJECTS {
        let mut value = String::with_capacity(512 << 10);
        while value.len() < 512 << 10 {
            // xorshift64: any bytes will do, the same each time.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            for shift in (0..60).step_by(6) {
                value.push(char::from(ALPHABET[(state >> shift & 63) as usize]));
            }
        }
        let mut text = String::new();
        write!(
            text,
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"c-{at:02}","namespace":"big"}},"data":{{"v":"{value}"}}}}"#
        )
        .unwrap();
        fs::write(folder.join(format!("c-{at:02}.json")), text).unwrap();
    }
}

/// Kills before some calls of the last two thirds, until the upload is done; answers those kills that left an open upload: the first, one in the
/// middle, and the last.
fn kills_in_the_upload(csdr: &Csdr<'_>, store: &Store, calls: usize) -> Vec<Point> {
    let mut open = Vec::new();
    for call in (calls / 3..=calls).step_by(STEP) {
        let point = Point {
            side: "vault",
            moment: "before",
            call,
        };
        let before = open_uploads(store);
        csdr.killed(&point.name(), &point);
        if open_uploads(store) > before {
            open.push(point);
        } else if !open.is_empty() {
            break;
        }
    }
    if open.len() > 3 {
        let last = open.len() - 1;
        open = vec![open[0].clone(), open[last / 2].clone(), open[last].clone()];
    }
    open
}

#[test]
fn a_backup_is_killed_in_the_middle_of_a_multipart_upload() {
    let folder = tempfile::tempdir().unwrap();
    write_manifests(folder.path());
    let store = Store::bucket();
    let claim = format!("{}s", CLAIM.as_secs());
    let arguments = [
        "backup",
        "create",
        "app",
        "--claim-expiry",
        &claim,
        "--from",
        folder.path().to_str().unwrap(),
    ];
    let csdr = Csdr {
        store: &store,
        arguments: arguments.map(str::to_owned).to_vec(),
    };
    let counts = csdr.counted("calm");
    let (calm, report) = result(&store, "calm");
    assert_eq!(
        (report.objects, report.outcome),
        (OBJECTS as u64, Outcome::Completed)
    );
    assert!(report.archive_bytes as usize > 2 * PART, "{report}");
    assert_eq!(
        open_uploads(&store),
        0,
        "an undisturbed run ends its upload"
    );

    let points = kills_in_the_upload(&csdr, &store, counts.vault);
    let expired = Instant::now() + CLAIM;
    assert!(
        !points.is_empty(),
        "some kill comes while the upload is open"
    );
    // A process that is killed cannot end its upload; no list of the vault shows it, and nobody takes its parts for an object.
    let left = open_uploads(&store);
    assert!(left >= points.len());
    for point in &points {
        let vault = point.name();
        assert_eq!(look(&store, &vault, "app"), Left::Unfinished, "{point}");
        let archive = store.files(&vault).into_keys();
        let archive: Vec<String> = archive.filter(|name| name.ends_with(".tar.gz")).collect();
        assert_eq!(archive, [""; 0], "{point}: half an archive");
        store.copy(&vault, &format!("{vault}-gc"));
    }

    for point in &points {
        let vault = format!("{}-gc", point.name());
        let report = gc(&store, &vault);
        assert!(
            report.failed.is_empty() && report.kept.is_empty(),
            "{point}: {report:?}"
        );
        let names: Vec<String> = store.files(&vault).into_keys().collect();
        assert_eq!(names, ["csdr-vault.json"], "{point}");
    }
    thread::sleep(expired.saturating_duration_since(Instant::now()));
    for point in &points {
        let vault = point.name();
        let ended = csdr.run(&vault);
        assert_eq!(ended.status.code(), Some(0), "{point}: {}", ended.stderr);
        assert_eq!(look(&store, &vault, "app"), Left::Complete, "{point}");
        assert_eq!(result(&store, &vault).0, calm, "{point}");
        assert_eq!(results(&store, &vault), results(&store, "calm"), "{point}");
    }
    // Neither the second run nor `gc` ends a dead process's upload, and the second run leaves none of its own: that is what the
    // lifecycle rule of SECURITY.md is for.
    assert_eq!(
        open_uploads(&store),
        left,
        "uploads that the killed processes left"
    );
}

/// Multipart uploads of the bucket that nobody has ended.
fn open_uploads(store: &Store) -> usize {
    match store {
        Store::Folder(_) => 0,
        Store::Bucket(server) => server.open_uploads(),
    }
}

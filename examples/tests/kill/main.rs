//! A backup of 300 objects is killed before and after each of its calls, by SIGKILL to a real process.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod multipart;
mod process;
mod vault;

use csdr_core::{
    archive::Digest,
    backup::BackupReport,
    report::Outcome,
    vault::{FileRecord, Host, Vault},
};
use process::{CLAIM, Csdr, Store, block_on, each, written};
use std::{collections::BTreeSet, fmt::Write, thread, time::Instant};
use vault::{Left, gc, look, visible};

const OBJECTS: usize = 300;

/// 300 objects of several kinds in three namespaces.
fn manifests() -> String {
    let mut text = String::new();
    for at in 0..OBJECTS {
        let namespace = format!("team-{}", at % 3);
        let body = match at {
            0..3 => format!("kind: Namespace\nmetadata: {{name: {namespace}}}"),
            _ if at % 4 == 0 => format!(
                "kind: Secret\nmetadata: {{name: s-{at:03}, namespace: {namespace}}}\nstringData: {{key: 'v{at}'}}"
            ),
            _ if at % 5 == 0 => format!(
                "kind: Service\nmetadata: {{name: w-{at:03}, namespace: {namespace}}}\nspec: {{ports: [{{port: {}}}]}}",
                1000 + at
            ),
            _ => format!(
                "kind: ConfigMap\nmetadata: {{name: c-{at:03}, namespace: {namespace}}}\ndata: {{n: '{at}'}}"
            ),
        };
        writeln!(text, "---\napiVersion: v1\n{body}").unwrap();
    }
    text
}

/// What must be the same however often a backup was interrupted.
#[derive(Debug, PartialEq)]
struct Result {
    archive: Digest,
    /// Index, left-out lists, resource list: everything that says nothing of time or attempt.
    files: Vec<FileRecord>,
    outcome: Outcome,
    counts: (u64, u64, u64),
    kinds: String,
    names: BTreeSet<String>,
}

/// The vault's files without what tells one attempt from another.
fn results(store: &Store, vault: &str) -> BTreeSet<String> {
    let mut names = visible(store, vault);
    names.retain(|name| !name.contains("/csdr/claim-") && !name.contains("/csdr/journal/"));
    names
}

fn result(store: &Store, vault: &str) -> (Result, BackupReport) {
    let (manifest, report) = block_on(async {
        let opened = Vault::open_with(store.backend(vault), Host::default())
            .await
            .unwrap();
        let backup = opened.backup("app").await.unwrap();
        let manifest = backup.manifest().unwrap().clone();
        (manifest, backup.report().await.unwrap())
    });
    let timeless = |file: &FileRecord| {
        let path = &file.path;
        path.contains("index-")
            || path.contains("left-out-")
            || path.contains("resource-list")
            || path.ends_with(".tar.gz")
    };
    let result = Result {
        archive: manifest.archive.sha256,
        files: manifest.files.into_iter().filter(timeless).collect(),
        outcome: report.outcome,
        counts: (report.objects, report.bytes, report.archive_bytes),
        kinds: format!("{:?} {:?}", report.kinds, report.left_out),
        names: results(store, vault),
    };
    (result, report)
}

fn kill_at_every_call(store: &Store) {
    let (_folder, path) = written(&manifests());
    let claim = format!("{}s", CLAIM.as_secs());
    let arguments = [
        "backup",
        "create",
        "app",
        "--claim-expiry",
        &claim,
        "--from",
        path.to_str().unwrap(),
        "--include-resource",
        "configmaps,secrets,services",
        // Several pages a list.
        "--page-bytes",
        "4096",
    ];
    let csdr = Csdr {
        store,
        arguments: arguments.map(str::to_owned).to_vec(),
    };
    let counts = csdr.counted("calm");
    let (calm, report) = result(store, "calm");
    assert_eq!(
        (report.objects, report.outcome),
        (OBJECTS as u64, Outcome::Completed)
    );
    let points = counts.points();
    assert!(counts.vault > 20 && counts.cluster > 5, "{counts:?}");

    let left = each(&points, |point| {
        let vault = point.name();
        csdr.killed(&vault, point);
        let left = look(store, &vault, "app");
        store.copy(&vault, &format!("{vault}-gc"));
        left
    });
    let expired = Instant::now() + CLAIM;
    let unfinished = left
        .iter()
        .filter(|left| **left == Left::Unfinished)
        .count();
    assert!(
        unfinished > points.len() / 2,
        "most kills come in the middle"
    );

    let both: Vec<_> = points.iter().zip(&left).collect();
    each(&both, |(point, left)| {
        let vault = format!("{}-gc", point.name());
        match left {
            Left::Nothing => {}
            Left::Unfinished => {
                let report = gc(store, &vault);
                assert!(
                    report.failed.is_empty() && report.kept.is_empty(),
                    "{point}: {report:?}"
                );
                let names: Vec<String> = store.files(&vault).into_keys().collect();
                assert_eq!(
                    names,
                    ["csdr-vault.json"],
                    "{point}: gc leaves the vault alone"
                );
            }
            Left::Complete => {
                let before = visible(store, &vault);
                assert!(gc(store, &vault).removed.is_empty(), "{point}");
                assert_eq!(visible(store, &vault), before, "{point}");
            }
        }
    });

    thread::sleep(expired.saturating_duration_since(Instant::now()));
    each(&both, |(point, left)| {
        let vault = point.name();
        let ended = csdr.run(&vault);
        let complete = **left == Left::Complete;
        assert_eq!(
            ended.status.code(),
            Some(i32::from(complete)),
            "{point}: {}",
            ended.stderr
        );
        let exists = ended.stderr.contains("already exists");
        assert_eq!(exists, complete, "{point}: {}", ended.stderr);
        let (result, _) = result(store, &vault);
        assert_eq!(result, calm, "{point}");
        assert_eq!(look(store, &vault, "app"), Left::Complete, "{point}");
        let files = store.files(&vault);
        let temporary = files.keys().find(|name| name.starts_with(".csdr-tmp-"));
        assert!(complete || temporary.is_none(), "{point}: {temporary:?}");
    });
}

#[test]
fn a_backup_into_a_folder_is_killed_at_every_call() {
    kill_at_every_call(&Store::folder());
}

#[test]
fn a_backup_into_a_bucket_is_killed_at_every_call() {
    kill_at_every_call(&Store::bucket());
}

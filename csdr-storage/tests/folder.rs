//! Vaults in folders where users have trouble: other processes, kills, full disks, missing rights.
//!
//! Some tests start this test binary again as another process; [`as_another_process`] is what runs there.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]
#![cfg(unix)]

use bytes::Bytes;
use csdr_core::{
    Error, ErrorKind,
    port::{PutMode, VaultBackend, VaultBackendExt, VaultKey},
};
use csdr_storage::OpendalVault;
use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::{
        fs::{PermissionsExt, symlink},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

const ROLE: &str = "CSDR_TEST_ROLE";
const FOLDER: &str = "CSDR_TEST_FOLDER";

fn key(text: &str) -> VaultKey {
    VaultKey::parse(text).unwrap()
}

fn is_root() -> bool {
    // Only root may change what belongs to root: /proc/self belongs to the process's user.
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}

async fn keys(vault: &OpendalVault) -> Vec<String> {
    let rows = vault.keys(&VaultKey::root(), 1000).await.unwrap();
    rows.into_iter().map(|row| row.key.into()).collect()
}

/// The names in a folder, hidden ones too.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// This binary as another process that plays `role` on `folder`; it waits for a line on its standard input.
fn play(role: &str, folder: &Path) -> Child {
    playing(Command::new(env::current_exe().unwrap()), role, folder)
}

fn playing(mut command: Command, role: &str, folder: &Path) -> Child {
    command
        .args([
            "--exact",
            "as_another_process",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(ROLE, role)
        .env(FOLDER, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The rest of the first line of a child's output that starts with `answer: `.
fn answer(child: &mut Child) -> String {
    let output = BufReader::new(child.stdout.as_mut().unwrap());
    for line in output.lines() {
        // The test harness may have written the test's name before it on the line.
        if let Some((_, answer)) = line.unwrap().split_once("answer: ") {
            return answer.to_owned();
        }
    }
    panic!("the other process gave no answer");
}

/// Not a test of its own: what other processes run. Without a role there is nothing to do.
#[test]
fn as_another_process() {
    let (Ok(role), Some(folder)) = (env::var(ROLE), env::var_os(FOLDER)) else {
        return;
    };
    let vault = OpendalVault::fs(PathBuf::from(folder));
    let say = |text: &str| {
        println!("answer: {text}");
        std::io::stdout().flush().unwrap();
    };
    let wait = || {
        let mut line = [0];
        let _ = std::io::stdin().read(&mut line);
    };
    let said = |result: Result<(), Error>| match result {
        Ok(()) => "done".to_owned(),
        Err(error) => format!("{}: {error}", error.kind()),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let body = Bytes::from(vec![b'x'; 5 << 20]);
        match role.as_str() {
            "race" => {
                wait();
                let me = std::process::id().to_string().into();
                say(&said(
                    vault
                        .put(&key("a/claim"), me, PutMode::CreateNew)
                        .await
                        .map(drop),
                ));
            }
            "stream" => {
                let mut writer = vault
                    .writer(&key("a/archive"), PutMode::CreateNew)
                    .await
                    .unwrap();
                writer.write(body).await.unwrap();
                say("streaming");
                wait();
                say(&said(writer.finish().await.map(drop)));
            }
            "put" => say(&said(
                vault
                    .put(&key("a/b"), body, PutMode::CreateNew)
                    .await
                    .map(drop),
            )),
            "read" => say(&said(vault.read(&key("a/b"), 1 << 30).await.map(drop))),
            "list" => say(&said(vault.keys(&VaultKey::root(), 10).await.map(drop))),
            role => panic!("no such role: {role}"),
        }
    });
}

#[tokio::test]
async fn of_sixteen_processes_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    let mut racers: Vec<_> = (0..16).map(|_| play("race", folder.path())).collect();
    for racer in &mut racers {
        // The line that they all wait for.
        racer.stdin.take().unwrap().write_all(b"\n").unwrap();
    }
    let mut winners = Vec::new();
    for racer in &mut racers {
        let answer = answer(racer);
        racer.wait().unwrap();
        match answer.as_str() {
            "done" => winners.push(racer.id()),
            lost => assert!(lost.starts_with("already exists"), "{lost}"),
        }
    }
    assert_eq!(winners.len(), 1);
    let vault = OpendalVault::fs(folder.path());
    let stored = vault.read(&key("a/claim"), 100).await.unwrap();
    assert_eq!(stored, winners[0].to_string());
    assert_eq!(names(folder.path()), ["a"]);
}

#[tokio::test]
async fn a_killed_writer_leaves_nothing_visible_and_the_next_one_cleans_up() {
    let folder = tempfile::tempdir().unwrap();
    let vault = OpendalVault::fs(folder.path());
    let mut writer = play("stream", folder.path());
    assert_eq!(answer(&mut writer), "streaming");
    assert_eq!(
        vault.sweep().await.unwrap(),
        0,
        "a living writer's file was taken"
    );
    assert!(keys(&vault).await.is_empty());

    // SIGKILL
    writer.kill().unwrap();
    writer.wait().unwrap();
    assert!(keys(&vault).await.is_empty());
    assert_eq!(names(folder.path()).len(), 1, "the killed writer's file");

    vault
        .put(&key("b"), "x".into(), PutMode::CreateNew)
        .await
        .unwrap();
    assert_eq!(names(folder.path()), ["b"]);
}

#[tokio::test]
async fn a_writer_killed_between_its_link_and_its_clean_up_left_a_whole_object() {
    let folder = tempfile::tempdir().unwrap();
    let vault = OpendalVault::fs(folder.path());
    vault
        .put(&key("a"), "whole".into(), PutMode::CreateNew)
        .await
        .unwrap();
    fs::hard_link(
        folder.path().join("a"),
        folder.path().join(".csdr-tmp-0123"),
    )
    .unwrap();
    assert_eq!(keys(&vault).await, ["a"]);
    assert_eq!(vault.sweep().await.unwrap(), 1);
    assert_eq!(vault.read(&key("a"), 100).await.unwrap(), "whole");
    assert_eq!(names(folder.path()), ["a"]);
}

/// A file system of 4 MiB, unmounted when dropped; `None` where that is not allowed.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "csdr-test"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_leaves_nothing() {
    let Some(disk) = SmallDisk::mount() else {
        println!("left out: a full disk needs the right to mount a tmpfs (root)");
        return;
    };
    let folder = disk.0.path();
    let vault = OpendalVault::fs(folder);
    vault
        .put(&key("a/small"), "x".into(), PutMode::CreateNew)
        .await
        .unwrap();
    let body = Bytes::from(vec![b'x'; 6 << 20]);

    let put = vault
        .put(&key("b/large"), body.clone(), PutMode::CreateNew)
        .await;
    let mut writer = vault
        .writer(&key("c/large"), PutMode::CreateNew)
        .await
        .unwrap();
    let streamed = match writer.write(body).await {
        Ok(()) => writer.finish().await.map(drop),
        Err(error) => {
            drop(writer);
            Err(error)
        }
    };
    for error in [put.map(drop).unwrap_err(), streamed.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Exhausted, "{}", error.chain());
        assert!(error.to_string().contains("disk is full"), "{error}");
    }
    assert_eq!(keys(&vault).await, ["a/small"]);
    assert_eq!(names(folder), ["a"], "something was left behind");
    // What fits, fits again.
    vault
        .put(&key("b/large"), vec![0; 2 << 20].into(), PutMode::CreateNew)
        .await
        .unwrap();
}

#[tokio::test]
async fn missing_rights_are_told_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let vault = OpendalVault::fs(folder.path());
    vault
        .put(&key("a/b"), "secret".into(), PutMode::CreateNew)
        .await
        .unwrap();
    for (path, mode) in [("a/b", 0o600), ("a", 0o700)] {
        let meta = fs::metadata(folder.path().join(path)).unwrap();
        assert_eq!(meta.permissions().mode() & 0o777, mode, "{path}");
    }
    // Everybody may look into the vault's folder; what lies in it is another user's.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    if !is_root() {
        println!("left out: another user's rights need root to become that user");
        return;
    }
    for role in ["put", "read", "list"] {
        // This very program, whose own path the other user may not be allowed to walk.
        let mut command = Command::new("/proc/self/exe");
        command.uid(65534).gid(65534).current_dir("/");
        let mut child = playing(command, role, folder.path());
        let answer = answer(&mut child);
        child.wait().unwrap();
        assert!(answer.starts_with("permission denied"), "{role}: {answer}");
        assert!(
            answer.contains("let the user that runs csdr"),
            "{role}: {answer}"
        );
    }
    assert_eq!(names(folder.path()), ["a"]);
    assert_eq!(keys(&vault).await, ["a/b"]);
}

#[tokio::test]
async fn a_missing_folder_is_told_by_readers_and_made_by_the_first_write() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("not/yet");
    let vault = OpendalVault::fs(&root);
    for error in [
        vault.stat(&key("a")).await.map(drop).unwrap_err(),
        vault.read(&key("a"), 10).await.map(drop).unwrap_err(),
        vault
            .keys(&VaultKey::root(), 10)
            .await
            .map(drop)
            .unwrap_err(),
        vault.delete(&key("a")).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(
            error.to_string().contains("folder does not exist"),
            "{error}"
        );
    }
    assert!(!root.exists());
    vault
        .put(&key("a/b/c"), "x".into(), PutMode::CreateNew)
        .await
        .unwrap();
    assert_eq!(keys(&vault).await, ["a/b/c"]);
}

#[tokio::test]
async fn empty_folders_go_with_their_last_object() {
    let folder = tempfile::tempdir().unwrap();
    let vault = OpendalVault::fs(folder.path());
    for text in ["a/b/c", "a/d"] {
        vault
            .put(&key(text), "x".into(), PutMode::CreateNew)
            .await
            .unwrap();
    }
    vault.delete(&key("a/b/c")).await.unwrap();
    assert_eq!(names(&folder.path().join("a")), ["d"]);
    vault.delete(&key("a/d")).await.unwrap();
    assert!(names(folder.path()).is_empty());
}

#[tokio::test]
async fn writers_and_deleters_of_one_folder_do_not_hinder_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let vault = OpendalVault::fs(folder.path());
    let work = (0..8).map(|i| {
        let vault = vault.clone();
        tokio::spawn(async move {
            for _ in 0..40 {
                let key = key(&format!("deep/er/object-{i}"));
                vault.put(&key, "x".into(), PutMode::CreateNew).await?;
                vault.delete(&key).await?;
            }
            Ok::<_, Error>(())
        })
    });
    for done in futures::future::join_all(work).await {
        done.unwrap().unwrap();
    }
    assert!(names(folder.path()).is_empty());
}

#[tokio::test]
async fn links_are_neither_listed_nor_followed() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::NamedTempFile::new().unwrap();
    fs::write(outside.path(), "outside").unwrap();
    symlink(outside.path(), folder.path().join("link")).unwrap();
    let vault = OpendalVault::fs(folder.path());
    assert!(keys(&vault).await.is_empty());
    for error in [
        vault.read(&key("link"), 100).await.map(drop).unwrap_err(),
        vault.stat(&key("link")).await.map(drop).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{}", error.chain());
    }
    // Replacing it replaces the link, not what it points to.
    vault
        .put(&key("link"), "inside".into(), PutMode::Overwrite)
        .await
        .unwrap();
    assert_eq!(fs::read(outside.path()).unwrap(), b"outside");
    assert_eq!(vault.read(&key("link"), 100).await.unwrap(), "inside");
}

#[tokio::test]
async fn keys_that_a_file_system_cannot_hold_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let vault = OpendalVault::fs(folder.path());
    vault
        .put(&key("a/b"), "x".into(), PutMode::CreateNew)
        .await
        .unwrap();
    let long = "x".repeat(256);
    for text in [
        "a",
        "a/b/c",
        ".csdr-tmp-mine",
        "a/.csdr-tmp-mine/b",
        long.as_str(),
    ] {
        for mode in [PutMode::CreateNew, PutMode::Overwrite] {
            let error = vault.put(&key(text), "x".into(), mode).await.unwrap_err();
            assert_eq!(
                error.kind(),
                ErrorKind::InvalidInput,
                "{text}: {}",
                error.chain()
            );
        }
    }
    assert_eq!(keys(&vault).await, ["a/b"]);
    assert_eq!(names(folder.path()), ["a"]);
}

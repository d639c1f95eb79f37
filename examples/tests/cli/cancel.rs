//! Ctrl-C and SIGTERM.

use crate::world::{World, config_maps, is_committed};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// Long enough for a slow machine, and an end for a broken program.
const PATIENCE: Duration = Duration::from_secs(60);

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// A backup in the midst of its objects, told to stop; how it ended, and what it said.
fn interrupted(world: &World, signal: Signal) -> (ExitStatus, String) {
    let mut child = world
        .command(&[
            "backup",
            "create",
            "b",
            "--from",
            "m",
            "--claim-expiry",
            "1s",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    // The claim is taken, and the objects are on their way.
    while !said.lines().any(|line| line.starts_with("objects:")) {
        assert_ne!(lines.read_line(&mut said).unwrap(), 0, "{said}");
    }
    send(&child, signal);
    lines.read_to_string(&mut said).unwrap();
    (child.wait().unwrap(), said)
}

/// Claims expire by the clock: asks again until the collector finds them expired.
fn collected(world: &World) -> String {
    let began = Instant::now();
    loop {
        let out = world.ok(&["vault", "gc"]).out;
        if !out.starts_with("kept") || began.elapsed() > PATIENCE {
            return out;
        }
    }
}

#[test]
fn a_cancelled_backup_is_as_a_killed_one() {
    let world = World::new();
    // A file of manifests has at most 16 MiB.
    for part in 0..6 {
        world.write(
            &format!("m/{part}.yaml"),
            &config_maps(part * 1_000..(part + 1) * 1_000, 3_000),
        );
    }
    world.ok(&["vault", "create"]);
    for signal in [Signal::INT, Signal::TERM] {
        let (status, said) = interrupted(&world, signal);
        assert_eq!(status.code(), Some(130), "{said}");
        assert!(
            said.contains("cancelling; once more stops at once"),
            "{said}"
        );
        assert!(
            said.contains("`csdr vault gc` removes what it left"),
            "{said}"
        );
        assert!(world.listed().is_empty());
        assert!(!is_committed(&world.vault_files(), "b"));
        assert_eq!(collected(&world), "removed: backups/b\n");
        let left: Vec<String> = world.vault_files().into_keys().collect();
        assert_eq!(left, ["csdr-vault.json"]);
    }
    // The same command again, instead of gc, ends what was begun.
    let (status, said) = interrupted(&world, Signal::INT);
    assert_eq!(status.code(), Some(130), "{said}");
    let create = [
        "backup",
        "create",
        "b",
        "--from",
        "m",
        "--claim-expiry",
        "1s",
    ];
    let began = Instant::now();
    while world.csdr(&create).code != Some(0) {
        assert!(began.elapsed() < PATIENCE);
    }
    world.ok(&["backup", "verify", "b"]);
}

#[test]
fn the_second_signal_stops_at_once() {
    let world = World::new();
    world.write("m.yaml", &config_maps(0..3_000, 16));
    world.ok(&["backup", "create", "b", "--from", "m.yaml"]);
    // More than a pipe holds, and nobody reads on: the program cannot come to its end by itself.
    let mut child = world
        .command(&[
            "restore", "plan", "r", "--backup", "b", "--to", "out", "-o", "json",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut [0]).unwrap();
    send(&child, Signal::INT);
    let mut said = String::new();
    BufReader::new(child.stderr.as_mut().unwrap())
        .read_line(&mut said)
        .unwrap();
    assert!(said.starts_with("cancelling"), "{said}");
    send(&child, Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn signals_are_heard_where_nobody_reads_what_is_said() {
    let world = World::new();
    world.write("m.yaml", &config_maps(0..3_000, 16));
    world.ok(&["backup", "create", "b", "--from", "m.yaml"]);
    let (reader, writer) = std::io::pipe().unwrap();
    let mut filler = writer.try_clone().unwrap();
    // Ends when the reader goes.
    let filling = std::thread::spawn(move || while filler.write_all(&[b'.'; 512]).is_ok() {});
    let mut child = world
        .command(&[
            "restore", "plan", "r", "--backup", "b", "--to", "out", "-o", "json",
        ])
        .stdout(Stdio::piped())
        .stderr(writer)
        .spawn()
        .unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    let began = Instant::now();
    let status = loop {
        send(&child, Signal::INT);
        std::thread::sleep(Duration::from_millis(100));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("no signal was heard");
        }
    };
    assert_eq!(status.code(), Some(130));
    drop(reader);
    filling.join().unwrap();
}

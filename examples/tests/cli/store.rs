//! Stores that refuse: a taken name, no rights, no space.

use crate::world::{Ran, World, config_maps, data, is_committed};
use std::{fs, path::Path, process::Command};

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn of_many_who_want_a_name_one_gets_it() {
    let world = World::new();
    world.back_up("held");
    // Each asks for something else, so that nobody may continue another's work.
    let namespaces = ["shop", "monitoring", "sh*", "s*"];
    let running: Vec<_> = namespaces
        .map(|namespace| {
            let args = [
                "backup",
                "create",
                "b",
                "--from",
                data(),
                "--default-namespace",
                "shop",
                "-n",
                namespace,
            ];
            let mut command = world.command(&args);
            command
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped());
            command.spawn().unwrap()
        })
        .into_iter()
        .collect();
    let ended: Vec<Ran> = running
        .into_iter()
        .map(|child| child.wait_with_output().unwrap().into())
        .collect();
    let won = ended.iter().filter(|ran| ran.code == Some(0)).count();
    assert_eq!(won, 1, "{ended:?}");
    for lost in ended.iter().filter(|ran| ran.code != Some(0)) {
        lost.refuses(1, &["use a new name", "backup=b"]);
    }
    assert_eq!(world.listed(), ["b", "held"]);
    world.ok(&["backup", "verify", "b"]);
    world.ok(&["backup", "verify", "held"]);
    world
        .csdr(&["backup", "create", "held", "--from", data()])
        .refuses(1, &["backup already exists", "use a new name"]);
    assert_eq!(world.ok(&["vault", "gc"]).out, "nothing to remove\n");
}

#[cfg(unix)]
#[test]
fn a_vault_that_may_not_be_written() {
    use std::os::unix::fs::PermissionsExt;
    let mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let world = World::new();
    world.back_up("held");
    // Everybody may read; nobody but root may write.
    let mut folders = vec![world.path(".")];
    let mut shut = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                mode(&entry.path(), 0o444);
            }
        }
        mode(&folder, 0o555);
        shut.push(folder);
    }
    let before = world.vault_files();
    let create = ["backup", "create", "b", "--from", data()];
    let mut command = if is_root() {
        // The copy lies where another user may read it, wherever the build folder is.
        let program = world.path("csdr");
        mode(&world.path("."), 0o755);
        fs::copy(env!("CARGO_BIN_EXE_csdr"), &program).unwrap();
        mode(&program, 0o755);
        let manifests = world.write("m.yaml", &config_maps(0..3, 10));
        mode(&manifests, 0o444);
        mode(&world.path("."), 0o555);
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command
            .arg(program)
            .args(["backup", "create", "b", "--from", "m.yaml"]);
        command
    } else {
        world.command(&create)
    };
    world.prepare(&mut command);
    let ran = match command.output() {
        Ok(output) => Ran::from(output),
        Err(error) => {
            println!("left out: root needs setpriv to be another user ({error})");
            return;
        }
    };
    // The folder can go again.
    for folder in &shut {
        mode(folder, 0o755);
    }
    ran.refuses(
        1,
        &[
            "no permission",
            "let the user that runs csdr read and write",
        ],
    );
    assert_eq!(
        world.vault_files(),
        before,
        "nothing lost, nothing half-written"
    );
    assert!(!is_committed(&before, "b"));
}

/// A small file system of its own, unmounted when dropped.
struct SmallDisk<'a>(&'a Path);

impl SmallDisk<'_> {
    fn mount(path: &Path, kib: u32) -> Option<SmallDisk<'_>> {
        fs::create_dir_all(path).unwrap();
        let size = format!("size={kib}k");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "csdr-test"])
            .arg(path)
            .output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then_some(SmallDisk(path))
    }

    fn grow(&self, kib: u32) {
        let size = format!("remount,size={kib}k");
        assert!(
            Command::new("mount")
                .args(["-o", &size])
                .arg(self.0)
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn a_disk_that_is_full() {
    let world = World::new();
    let vault = world.vault();
    let Some(disk) = SmallDisk::mount(&vault, 512) else {
        println!("left out: only root can mount a small file system here");
        return;
    };
    world.back_up("held");
    world.write("m.yaml", &config_maps(0..400, 4000));
    let create = [
        "backup",
        "create",
        "b",
        "--from",
        "m.yaml",
        "--claim-expiry",
        "1s",
    ];
    let before = world.vault_files();
    let ran = world.csdr(&create);
    ran.refuses(1, &["space"]);
    let after = world.vault_files();
    assert!(!is_committed(&after, "b"), "no half backup");
    assert!(
        before
            .iter()
            .all(|(name, bytes)| after.get(name) == Some(bytes)),
        "nothing lost"
    );
    assert_eq!(world.listed(), ["held"]);
    world.ok(&["backup", "verify", "held"]);

    // With more space the same command ends what it began.
    disk.grow(16 << 10);
    world.ok(&create);
    world.ok(&["backup", "verify", "b"]);
    assert_eq!(world.listed(), ["b", "held"]);
}

//! The tar program of this machine, if there is one.

use crate::world::{block_on, config_maps, object, write};
use csdr_core::{archive::ArchiveLimits, port::InlineCompute};
use std::{
    io::Write as _,
    process::{Command, Stdio},
    sync::Arc,
};

#[test]
fn tar_lists_and_unpacks_the_same() {
    let Ok(found) = Command::new("tar").arg("--version").output() else {
        println!("no tar program on this machine: nothing compared");
        return;
    };
    let gnu = String::from_utf8_lossy(&found.stdout).contains("GNU tar");
    let mut objects = config_maps(50, 2000);
    // A path that needs ustar's prefix, and one that needs a PAX record.
    objects.push((
        object(
            "deployments.apps",
            "v1",
            &"n".repeat(60),
            &"l".repeat(60),
            "x",
        ),
        true,
    ));
    objects.push((
        object(
            "deployments.apps",
            "v1",
            &"n".repeat(60),
            &"m".repeat(250),
            "x",
        ),
        true,
    ));
    let limits = ArchiveLimits {
        member_target: 20_000,
        ..ArchiveLimits::default()
    };
    let written = block_on(write(&objects, Arc::new(InlineCompute), limits)).unwrap();
    assert!(written.done.summary.members > 5);

    let run = |arguments: &[&str]| {
        let mut child = Command::new("tar")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut stdin, bytes) = (child.stdin.take().unwrap(), written.bytes.clone());
        let feeder = std::thread::spawn(move || stdin.write_all(&bytes));
        let output = child.wait_with_output().unwrap();
        feeder.join().unwrap().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(
            output.stderr.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    };
    let listed = String::from_utf8(run(&["tzf", "-"])).unwrap();
    let mut expected = vec!["metadata/version".to_owned()];
    for (object, _) in &objects {
        let id = object.id();
        let scope = format!("namespaces/{}/{}.json", id.namespace().unwrap(), id.name());
        expected.push(format!("resources/{}/{scope}", id.resource()));
        expected.push(format!(
            "resources/{}/v1-preferredversion/{scope}",
            id.resource()
        ));
    }
    assert_eq!(listed.lines().collect::<Vec<_>>(), expected);
    if gnu {
        let content = String::from_utf8(run(&["xzOf", "-"])).unwrap();
        let mut expected = "1.1.0\n".to_owned();
        for (object, _) in &objects {
            expected.push_str(object.text());
            expected.push_str(object.text());
        }
        assert!(content == expected, "tar unpacks other content");
    }
}

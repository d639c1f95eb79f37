//! What lies in a Secret stands in the archive of its backup, and in nothing else that csdr writes or prints.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "cli/world.rs"]
#[allow(dead_code, reason = "each test target uses a part of it")]
mod world;

use csdr_testkit::secret::Canary;
use flate2::read::MultiGzDecoder;
use std::io::Read;
use world::{Ran, World, files};

/// A Secret that holds the canary as text and encoded, in the annotation that kubectl leaves, and in what csdr has to convert.
fn manifests(canary: &Canary) -> String {
    let secret = canary.expose();
    format!(
        "
apiVersion: v1
kind: Namespace
metadata: {{name: shop}}
---
apiVersion: v1
kind: Secret
metadata:
  name: key
  namespace: shop
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{{\"stringData\":{{\"a\":\"{secret}\"}}}}'
stringData: {{password: '{secret}'}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: prices, namespace: shop}}
data: {{tea: '3'}}
"
    )
}

/// The bytes, and what they hold if they are compressed.
fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut text = bytes.to_vec();
    let mut inner = Vec::new();
    if MultiGzDecoder::new(bytes).read_to_end(&mut inner).is_ok() {
        text.extend(inner);
    }
    text
}

fn assert_silent(canary: &Canary, arguments: &[&str], ran: &Ran) {
    let name = arguments.join(" ");
    canary.assert_absent([
        (format!("stdout of {name}").as_str(), ran.out.as_str()),
        (format!("stderr of {name}").as_str(), ran.err.as_str()),
    ]);
}

#[test]
fn a_secret_shows_nowhere_but_in_the_archive_and_in_what_is_restored() {
    let canary = Canary::new("value of a Secret").unwrap();
    let world = World::new();
    world.write("m/all.yaml", &manifests(&canary));
    // A document beside it that cannot be read, and one that is refused: their messages show no content either.
    world.write(
        "m/broken.yaml",
        &format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: b}}\nstringData: {{a: [{}\n",
            canary.expose()
        ),
    );
    world.write(
        "m/odd.yaml",
        &format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: [{0}]}}\nstringData: {{a: {0}}}\n",
            canary.expose()
        ),
    );
    let mut backups = Vec::new();
    for (at, output) in ["table", "json", "yaml"].into_iter().enumerate() {
        for verbose in [&[][..], &["-v"]] {
            let name = format!("b{at}{}", verbose.len());
            let out = format!("out-{name}");
            let restore = [
                "--backup",
                &name,
                "--map-namespace",
                "shop:copy",
                "--to",
                &out,
            ];
            for (arguments, last) in [
                (
                    &["backup", "create", &name, "--from", "m", "--dry-run"][..],
                    &[][..],
                ),
                (&["backup", "create", &name, "--from", "m"], &[]),
                (&["backup", "verify", &name], &[]),
                (&["backup", "describe", &name], &[]),
                (&["backup", "list"], &[]),
                (&["restore", "plan", &name], &restore),
                (&["restore", "create", &name], &restore),
                // Once more under another name: everything exists.
                (&["restore", "create", &format!("{name}-again")], &restore),
                (&["restore", "describe", &name], &[]),
                (&["restore", "list"], &[]),
                (&["lifecycle", "--targets", "1.36", "--backup", &name], &[]),
                (&["vault", "check"], &[]),
                (&["vault", "gc"], &[]),
            ] {
                let arguments = [arguments, last, &["-o", output], verbose].concat();
                let ran = world.ok(&arguments);
                assert_silent(&canary, &arguments, &ran);
            }
            // It went where it belongs.
            let restored = files(&world.path(&out));
            let restored = &restored["copy/secrets/key.yaml"];
            assert!(canary.found_in_bytes(restored), "the Secret is restored");
            backups.push(name);
        }
    }

    // Commands that fail show it no more than others.
    for arguments in [
        &["backup", "create", "b00", "--from", "m", "-v"][..],
        &[
            "backup",
            "export",
            "b00",
            "--object",
            "secrets/shop/none",
            "-v",
        ],
        &[
            "restore",
            "create",
            "b00",
            "--backup",
            "b00",
            "--to",
            "elsewhere",
            "-v",
        ],
    ] {
        let ran = world.csdr(arguments);
        assert_ne!(ran.code, Some(0), "{arguments:?}");
        assert_silent(&canary, arguments, &ran);
    }

    let kept = world.vault_files();
    let mut looked_at = 0;
    for (path, bytes) in &kept {
        let shows = canary.found_in_bytes(&unpacked(bytes));
        let archive = backups
            .iter()
            .any(|name| *path == format!("backups/{name}/{name}.tar.gz"));
        assert_eq!(shows, archive, "{path}");
        looked_at += usize::from(!archive);
    }
    // Reports, plans, manifests, logs, lists and indexes of all of them.
    for part in [
        "report.json",
        "plan.json",
        "manifest.json",
        "-logs.gz",
        "left-out-",
        "index-",
    ] {
        assert!(kept.keys().any(|path| path.contains(part)), "{part}");
    }
    assert!(looked_at > 20, "{looked_at}");
}

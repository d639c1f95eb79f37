//! A machine without assets and without Go.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::Command;

/// The program itself, in an environment that holds nothing: before anything is built or run, one message says both ways out.
#[test]
fn without_assets_and_go_the_tests_end_with_one_message_that_says_both_ways_out() {
    let empty = tempfile::tempdir().unwrap();
    for arguments in [
        &["test"][..],
        &["test", "cluster"],
        &["test", "testenv", "unit"],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(arguments)
            .env_clear()
            .env("PATH", empty.path())
            .env("HOME", empty.path())
            .env("CSDR_TESTENV_CACHE", empty.path().join("cache"))
            .current_dir(empty.path())
            .output()
            .unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {out}{err}");
        assert_eq!(out, "", "nothing was begun");
        assert_eq!(err.lines().count(), 1, "{err}");
        for part in [
            "no Kubernetes binaries for the tests",
            "install Go 1.26 or newer",
            "https://go.dev/dl",
            "or set KUBEBUILDER_ASSETS to a folder that holds etcd, kube-apiserver and kube-controller-manager",
        ] {
            assert!(err.contains(part), "{part:?} in {err}");
        }
    }
}

//! What the program says when the cluster cannot be used, and that nothing was written then.

use crate::world::Cluster;
use csdr_testenv::Kubeconfig;
use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

/// Runs csdr against a cluster with a vault in a folder.
fn csdr(vault: &Path, kubeconfig: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_csdr"))
        .args(arguments)
        .arg("--vault")
        .arg(vault)
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .env_remove("KUBECONFIG")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// It failed with one line that holds these parts, and left the vault as it was.
fn assert_says(output: &Output, parts: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 1, "{said}");
    for part in parts {
        assert!(lines[0].contains(part), "{part:?} in {said}");
    }
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// Backups and restores say this, and write nothing.
fn refused(kubeconfig: &Kubeconfig, parts: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("kubeconfig");
    // The control plane takes its own file with it when it stops.
    std::fs::write(&text, kubeconfig.yaml()).unwrap();
    let vault = folder.path().join("vault");
    let output = csdr(&vault, &text, &["backup", "create", "a"]);
    assert_says(&output, parts);
    let begun = names(&vault);
    assert!(
        begun.iter().all(|name| name == "csdr-vault.json"),
        "{begun:?}"
    );
}

#[tokio::test]
async fn expired_certificates_and_unreachable_servers_are_named() {
    let cluster = Cluster::start().await;
    cluster.make_namespace("shop").await;
    let folder = tempfile::tempdir().unwrap();
    let vault = folder.path().join("vault");
    let good = cluster.plane.kubeconfig().clone();
    let backup = csdr(
        &vault,
        good.path(),
        &["backup", "create", "shop", "--namespace", "shop"],
    );
    assert!(
        backup.status.success(),
        "{}",
        String::from_utf8_lossy(&backup.stderr)
    );
    let before = names(&vault);

    let expired = cluster
        .plane
        .expired_user("admin", &["system:masters"])
        .unwrap();
    refused(
        &expired,
        &["certificate", "expired", "get a new kubeconfig"],
    );
    let restore = [
        "restore",
        "create",
        "copy",
        "--backup",
        "shop",
        "--map-namespace",
        "shop:copy",
    ];
    let output = csdr(&vault, expired.path(), &restore);
    assert_says(&output, &["certificate", "expired"]);
    assert_eq!(names(&vault), before, "no restore was begun");
    assert!(cluster.get("/api/v1/namespaces/copy").await.is_none());

    let nobody = cluster.plane.user("nobody", &[]).unwrap();
    let output = csdr(&vault, nobody.path(), &["backup", "create", "b"]);
    assert_says(&output, &["nobody", "namespaces"]);

    let kept = folder.path().join("kubeconfig");
    std::fs::write(&kept, good.yaml()).unwrap();
    let url = cluster.plane.server_url().to_owned();
    cluster.plane.stop().await;
    refused(
        &good,
        &["nothing listens at the API server's address", &url],
    );
    let output = csdr(&vault, &kept, &restore);
    assert_says(&output, &["nothing listens at the API server's address"]);
    assert_eq!(names(&vault), before);
}

//! `csdr target-apis` and `csdr lifecycle` against a control plane.

use crate::world::Cluster;
use csdr_core::{
    backup::Backup,
    manifest::ManifestDir,
    memory::MemoryVault,
    port::{PutMode, VaultBackend, VaultKey},
    report::RunOptions,
    spec::BackupSpec,
    vault::Vault,
};
use csdr_storage::OpendalVault;
use serde_json::Value;
use std::{fs, path::Path, process::Command, sync::Arc};

/// An old object, and custom resources in a version that the target's definitions do not serve. The backup's own definitions say of both
/// that they convert by name.
const STORED: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.shop.example.com}
spec:
  group: shop.example.com
  names: {kind: Gadget, plural: gadgets}
  scope: Namespaced
  versions: [{name: v1alpha1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gizmos.shop.example.com}
spec:
  group: shop.example.com
  names: {kind: Gizmo, plural: gizmos}
  scope: Namespaced
  versions: [{name: v1alpha1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
---
apiVersion: batch/v1beta1
kind: CronJob
metadata: {name: nightly, namespace: shop}
spec: {schedule: '0 1 * * *', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: 'example.invalid/a:1'}]}}}}}
---
apiVersion: shop.example.com/v1alpha1
kind: Gadget
metadata: {name: a, namespace: shop}
---
apiVersion: shop.example.com/v1alpha1
kind: Gizmo
metadata: {name: a, namespace: shop}
";

/// Runs `csdr` in a folder of its own; answers its exit code and what it wrote.
fn csdr(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let ran = Command::new(env!("CARGO_BIN_EXE_csdr"))
        .args(args)
        .current_dir(folder)
        .env_remove("KUBECONFIG")
        .env_remove("CSDR_VAULT")
        .output()
        .unwrap();
    let out = String::from_utf8(ran.stdout).unwrap();
    let story = format!("{out}{}", String::from_utf8_lossy(&ran.stderr));
    let text = if ran.status.success() { out } else { story };
    (ran.status.code(), text)
}

async fn back_up(store: &Path) {
    let files = Arc::new(MemoryVault::new());
    let key = VaultKey::parse("old/all.yaml").unwrap();
    files
        .put(&key, STORED.into(), PutMode::CreateNew)
        .await
        .unwrap();
    let source = ManifestDir::new(files, VaultKey::parse("old").unwrap());
    let vault = Vault::create(OpendalVault::fs(store)).await.unwrap();
    let backup = Backup::new(source, vault);
    let plan = backup.plan(&BackupSpec::named("old")).await.unwrap();
    let report = backup.run(plan, &RunOptions::default()).await.unwrap();
    report.require_complete().unwrap();
}

/// The cluster has the definitions of Gadgets (by name) and Gizmos (by webhook), both in v1.
pub(super) async fn assert_programs(target: &Cluster) {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let config = target.plane.kubeconfig().path().to_str().unwrap();
    back_up(&at.join("vault")).await;

    let record = ["target-apis", "--kubeconfig", config, "--to", "apis.json"];
    let (code, said) = csdr(at, &record);
    assert_eq!(code, Some(0), "{said}");
    let recorded = fs::read(at.join("apis.json")).unwrap();
    let recorded: Value = serde_json::from_slice(&recorded).unwrap();
    let conversions = &recorded["conversions"];
    assert_eq!(
        conversions["gadgets.shop.example.com"], "None",
        "{conversions}"
    );
    assert_eq!(
        conversions["gizmos.shop.example.com"], "Webhook",
        "{conversions}"
    );

    // The cluster itself, and what was recorded of it, say the same.
    let lifecycle = [
        "--vault",
        "vault",
        "lifecycle",
        "--backup",
        "old",
        "--objects",
        "-o",
        "json",
    ];
    let live = [&lifecycle[..], &["--kubeconfig", config]].concat();
    let file = [&lifecycle[..], &["--target-apis", "apis.json"]].concat();
    let [live, file] = [live, file].map(|args| {
        let (code, said) = csdr(at, &args);
        assert_eq!(code, Some(0), "{said}");
        serde_json::from_str::<Value>(&said).unwrap()
    });
    assert_eq!(live["rows"], file["rows"]);
    assert_eq!(live["objects"], file["objects"]);
    let version = recorded["server_version"].as_str().unwrap();
    assert_eq!(live["targets"][0], format!("cluster ({version})"));
    let verdict = |kind: &str| {
        let rows = live["rows"].as_array().unwrap();
        let row = rows.iter().find(|row| row["kind"] == kind).unwrap();
        row["verdicts"][0].clone()
    };
    assert_eq!(verdict("CronJob")["to"], "batch/v1");
    assert_eq!(verdict("Gadget")["to"], "shop.example.com/v1");
    let reason = verdict("Gizmo")["reason"].clone();
    assert_eq!(reason["noRoute"], "needsWebhook", "{reason}");
}

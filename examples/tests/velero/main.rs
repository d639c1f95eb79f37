//! What csdr writes, judged by Velero's own code: a Go program of the test environment that imports Velero's packages.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed; one that is left out says so"
)]

use csdr_core::{
    backup::Backup,
    manifest::ManifestDir,
    memory::{Deny, MemoryCluster, MemoryHooks},
    port::VaultKey,
    report::{Outcome, RunOptions},
    restore::{ObjectOutcome, Restore},
    spec::{BackupSpec, ClusterScope, RestoreSpec},
    vault::Vault,
};
use csdr_storage::OpendalVault;
use csdr_testenv::{JudgedFile, VeleroJudge};
use flate2::{Compression, write::GzEncoder};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};
use tempfile::TempDir;

/// The prefix of the vaults below their folders.
const PREFIX: &str = "clusters/one";

/// An application with what Velero looks at: a claimed volume, a custom resource of two versions, labels.
const APPLICATION: &str = r#"
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {team: blue}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.demo.example.com}
spec:
  group: demo.example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
  - {name: v1beta1, served: true, storage: false, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
---
apiVersion: demo.example.com/v1
kind: Widget
metadata: {name: one, namespace: shop}
spec: {size: 3}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: prices, namespace: shop, labels: {app: web}}
data: {tea: "ü<&>"}
---
apiVersion: v1
kind: Secret
metadata: {name: key, namespace: shop}
data: {a: YQ==}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: pv-0, labels: {zone: a}}
spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], persistentVolumeReclaimPolicy: Retain, claimRef: {namespace: shop, name: data}, hostPath: {path: /a}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop}
spec: {accessModes: [ReadWriteOnce], volumeName: pv-0, resources: {requests: {storage: 1Gi}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: shop-reader}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get]}]
---
apiVersion: v1
kind: Namespace
metadata: {name: empty}
"#;

const SCOPED: &str = "
name: scoped
includedNamespaces: [shop]
includedNamespaceScopedResources: [configmaps, pods]
excludedNamespaceScopedResources: [events]
includedClusterScopedResources: [persistentvolumes]
orLabelSelectors: [{matchLabels: {app: web}}, {matchExpressions: [{key: zone, operator: Exists}]}]
orderedResources: {configmaps: [shop/prices]}
hooks:
  resources:
  - name: data
    includedNamespaces: [shop]
    labelSelector: {matchLabels: {app: db}}
    pre: [{exec: {container: db, command: [fsfreeze, --freeze, /data], onError: Continue, timeout: 1m30s}}]
    post: [{exec: {command: [fsfreeze, --unfreeze, /data]}}]
";

fn judge() -> Option<VeleroJudge> {
    if let Some(reason) = VeleroJudge::left_out() {
        eprintln!("left out: {reason}");
        return None;
    }
    Some(VeleroJudge::locate().unwrap())
}

/// A folder with a vault of four backups and two restores below [`PREFIX`].
async fn written() -> TempDir {
    let folder = TempDir::new().unwrap();
    let store = OpendalVault::fs(folder.path().join(PREFIX));
    let vault = Vault::create(store).await.unwrap();
    let source = MemoryCluster::new();
    source.load_yaml(APPLICATION).unwrap();
    let everything = BackupSpec::named("all").with_cluster_scoped(ClusterScope::Include);
    back_up(&vault, &source, &everything, Outcome::Completed).await;
    // Every field of the record that a spec has, and a gap in what it names.
    let chosen = BackupSpec::named("chosen")
        .with_namespace("sh*")
        .without_namespace("empty")
        .with_resource("configmaps")
        .with_resource("secrets")
        .without_resource("events")
        .with_selector("app=web,tier notin (a,b),!canary".parse().unwrap())
        .with_cluster_scoped(ClusterScope::Exclude);
    // The other family of filters, and hooks.
    let scoped = BackupSpec::from_yaml(SCOPED).unwrap();
    back_up(&vault, &source, &scoped, Outcome::Completed).await;
    source.deny(denied("list"));
    back_up(&vault, &source, &chosen, Outcome::PartiallyFailed).await;
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let manifests = ManifestDir::new(
        Arc::new(OpendalVault::fs(data)),
        VaultKey::parse("kube-prometheus").unwrap(),
    );
    let manifests = manifests.with_default_namespace("monitoring").unwrap();
    let real = BackupSpec::named("real").with_cluster_scoped(ClusterScope::Include);
    back_up(&vault, &manifests, &real, Outcome::Completed).await;

    let target = MemoryCluster::new();
    target
        .load_yaml("{apiVersion: v1, kind: Namespace, metadata: {name: copy}}")
        .unwrap();
    target.deny(denied("create"));
    let spec = RestoreSpec::from_backup("all")
        .with_name("copy")
        .with_namespace_mapping("shop", "copy")
        .with_cluster_scoped(ClusterScope::Include);
    for (spec, outcomes) in [
        (&spec, [ObjectOutcome::Created, ObjectOutcome::Failed]),
        (
            &spec.clone().with_name("again"),
            [ObjectOutcome::Unchanged, ObjectOutcome::Failed],
        ),
    ] {
        let restore = Restore::new(vault.clone(), target.clone(), target.clone());
        let plan = restore.plan(spec).await.unwrap();
        let report = restore.run(plan, &RunOptions::default()).await.unwrap();
        for outcome in outcomes {
            assert!(report.count(outcome) > 0, "{outcome:?}\n{report}");
        }
    }
    folder
}

/// Secrets may not be so treated.
fn denied(verb: &str) -> Deny {
    Deny {
        verbs: vec![verb.to_owned()],
        resource: Some("secrets".parse().unwrap()),
        namespace: None,
    }
}

async fn back_up(
    vault: &Vault,
    source: &(impl csdr_core::port::ResourceCollector + Clone),
    spec: &BackupSpec,
    expected: Outcome,
) {
    let backup = Backup::new(source.clone(), vault.clone())
        .with_hooks(MemoryHooks::new(MemoryCluster::new()));
    let plan = backup.plan(spec).await.unwrap();
    let report = backup.run(plan, &RunOptions::default()).await.unwrap();
    assert_eq!(report.outcome, expected, "{report}");
    assert!(report.objects > 0, "{report}");
}

fn of_verdict<'a>(files: &'a [JudgedFile], verdict: &str) -> Vec<&'a JudgedFile> {
    files
        .iter()
        .filter(|file| file.verdict == verdict)
        .collect()
}

#[tokio::test]
async fn velero_1_6_every_file_that_csdr_writes_is_one_that_velero_reads() {
    let Some(judge) = judge() else { return };
    let folder = written().await;
    let files = judge.judge(folder.path(), PREFIX).unwrap();
    let story: Vec<String> = files.iter().map(ToString::to_string).collect();
    let story = story.join("\n");
    assert!(of_verdict(&files, "refused").is_empty(), "{story}");
    assert!(of_verdict(&files, "absent").is_empty(), "{story}");
    let foreign = of_verdict(&files, "foreign");
    assert!(
        foreign.iter().all(|file| file.file.contains("/csdr/")),
        "{story}"
    );
    let accepted: Vec<&str> = of_verdict(&files, "accepted")
        .iter()
        .map(|file| file.file.as_str())
        .collect();
    let mut expected = vec![PREFIX.to_owned()];
    for backup in ["all", "scoped", "chosen", "real"] {
        for file in [
            "velero-backup.json".to_owned(),
            format!("{backup}.tar.gz"),
            format!("{backup}-logs.gz"),
            format!("{backup}-results.gz"),
            format!("{backup}-resource-list.json.gz"),
            format!("{backup}-volumeinfo.json.gz"),
            format!("{backup}-volumesnapshots.json.gz"),
            format!("{backup}-podvolumebackups.json.gz"),
            format!("{backup}-itemoperations.json.gz"),
        ] {
            expected.push(format!("{PREFIX}/backups/{backup}/{file}"));
        }
    }
    for restore in ["copy", "again"] {
        for file in [
            format!("restore-{restore}-logs.gz"),
            format!("restore-{restore}-results.gz"),
            format!("restore-{restore}-resource-list.json.gz"),
            format!("restore-{restore}-itemoperations.json.gz"),
            format!("{restore}-volumeinfo.json.gz"),
        ] {
            expected.push(format!("{PREFIX}/restores/{restore}/{file}"));
        }
    }
    for file in &expected {
        assert!(accepted.contains(&file.as_str()), "{file}\n{story}");
    }
    assert_eq!(accepted.len(), expected.len(), "{story}");
    // That the judge looks: what it says that it saw.
    let detail = |path: &str| {
        let path = format!("{PREFIX}/{path}");
        let file = files.iter().find(|file| file.file == path);
        file.unwrap().detail.as_str()
    };
    assert_eq!(
        detail("backups/all/all-volumeinfo.json.gz"),
        "1 of -volumeinfo.json.gz"
    );
    assert!(
        detail("backups/all/all.tar.gz")
            .starts_with("13 objects of 9 resources, 14 with a version"),
        "{story}"
    );
}

#[test]
fn what_velero_itself_wrote_is_accepted() {
    let Some(judge) = judge() else { return };
    for flavour in ["default", "apigroupversions"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../csdr-core/tests/data/velero")
            .join(flavour);
        let files = judge.judge(&folder, PREFIX).unwrap();
        let others: Vec<_> = files
            .iter()
            .filter(|file| file.verdict != "accepted")
            .collect();
        assert!(others.is_empty(), "{others:?}");
        assert_eq!(files.len(), 15, "{files:?}");
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

/// A judge that could not refuse would prove nothing.
#[tokio::test]
async fn a_file_that_velero_would_not_read_is_refused() {
    let Some(judge) = judge() else { return };
    let folder = written().await;
    let root = folder.path().join(PREFIX);
    let record = fs::read_to_string(root.join("backups/all/velero-backup.json")).unwrap();
    let archive = fs::read(root.join("backups/all/all.tar.gz")).unwrap();
    let list = r#"{"v1/ConfigMap":["shop/prices"]}"#;
    let replaced = |from: &str, to: &str| {
        assert!(record.contains(from), "{from}\n{record}");
        record.replacen(from, to, 1).into_bytes()
    };
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        (
            "backups/all/velero-backup.json",
            replaced("\"version\": 1", "\"finished\": 1"),
            "finished",
        ),
        (
            "backups/all/velero-backup.json",
            replaced("\"formatVersion\"", "\"FormatVersion\""),
            "FormatVersion",
        ),
        (
            "backups/all/velero-backup.json",
            replaced("\"Completed\"", "\"InProgress\""),
            "InProgress",
        ),
        (
            "backups/all/velero-backup.json",
            replaced("\"1.1.0\"", "\"1.0.0\""),
            "older",
        ),
        (
            "backups/all/velero-backup.json",
            replaced("\"name\": \"all\"", "\"name\": \"other\""),
            "names backup",
        ),
        ("backups/all/velero-backup.json", b"{}".to_vec(), "Kind"),
        (
            "backups/all/all.tar.gz",
            archive[..archive.len() / 2].to_vec(),
            "unexpected EOF",
        ),
        ("backups/all/all.tar.gz", gzip("no tar"), "unexpected EOF"),
        (
            "backups/all/all-resource-list.json.gz",
            gzip(r#"{"v1/ConfigMap":[1]}"#),
            "number",
        ),
        (
            "backups/all/all-volumeinfo.json.gz",
            gzip(r#"[{"abc":1}]"#),
            "abc",
        ),
        (
            "backups/all/all-volumeinfo.json.gz",
            gzip(r#"[{"nativeSnapshotInfo":{"phase":"x"}}]"#),
            "phase",
        ),
        (
            "backups/all/all-results.gz",
            gzip(r#"{"errors":{"csdr":[]}}"#),
            "csdr",
        ),
        (
            "backups/all/all-results.gz",
            b"this is not compressed".to_vec(),
            "gzip",
        ),
        (
            "backups/all/all-itemoperations.json.gz",
            gzip(r#"[{"spec":{"resourceIdentifier":{"group":"a"}}}]"#),
            "group",
        ),
        (
            "backups/all/all-podvolumebackups.json.gz",
            gzip(r#"[{"spec":{"pods":{}}}]"#),
            "pods",
        ),
        (
            "backups/all/all-csi-volumesnapshots.json.gz",
            gzip(r#"[{"spec":{"sources":{}}}]"#),
            "sources",
        ),
        ("backups/all/all-logs.gz", b"".to_vec(), "EOF"),
        ("backups/all/all-extra.json.gz", gzip("[]"), "no reader"),
        (
            "restores/copy/restore-copy-resource-list.json.gz",
            gzip(r#"{"v1/Pod":["a/b(pending)"]}"#),
            "no outcome",
        ),
        (
            "restores/copy/copy-volumeinfo.json.gz",
            gzip(r#"[{"backupMethod":"x"}]"#),
            "backupMethod",
        ),
        (
            "restores/copy/restore-copy-results.gz",
            gzip(r#"[]"#),
            "array",
        ),
    ];
    for (path, body, said) in cases {
        let file = root.join(path);
        let good = fs::read(&file).ok();
        fs::write(&file, body).unwrap();
        refuses(&judge, folder.path(), &format!("{PREFIX}/{path}"), said);
        match good {
            Some(good) => fs::write(&file, good).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
    }
    // The archive holds more than its list says.
    let file = root.join("backups/all/all-resource-list.json.gz");
    let good = fs::read(&file).unwrap();
    fs::write(&file, gzip(list)).unwrap();
    let archive = format!("{PREFIX}/backups/all/all.tar.gz");
    refuses(&judge, folder.path(), &archive, "the resource list says");
    fs::write(&file, good).unwrap();
    // A folder of one's own makes the whole location unavailable.
    fs::create_dir(root.join("csdr")).unwrap();
    fs::write(root.join("csdr/a"), "").unwrap();
    refuses(
        &judge,
        folder.path(),
        PREFIX,
        "invalid top-level directories",
    );
    fs::remove_dir_all(root.join("csdr")).unwrap();
    let files = judge.judge(folder.path(), PREFIX).unwrap();
    assert!(of_verdict(&files, "refused").is_empty(), "{files:?}");
}

#[track_caller]
fn refuses(judge: &VeleroJudge, folder: &Path, file: &str, said: &str) {
    let files = judge.judge(folder, PREFIX).unwrap();
    let refused = of_verdict(&files, "refused");
    let found = refused
        .iter()
        .any(|refused| refused.file == file && refused.detail.contains(said));
    assert!(found, "{file}: {said:?} in {refused:?}");
}

//! Backups that Velero itself wrote: listed, described, verified as far as they can be, restored through scratch, never changed.

use crate::bucket::{FLAVOURS, files, gzip, put, store, with_record};
use csdr_core::{
    ErrorKind,
    backup::Backup,
    memory::{MemoryCluster, MemoryVault},
    port::{VaultBackendExt, VaultKey},
    report::RunOptions,
    restore::{ObjectOutcome, Restore},
    select::LeftOutReason,
    spec::{BackupSpec, RestoreSpec},
    vault::{BackupOrigin, GcOptions, Vault, VerifyLevel, VerifyReport},
};
use flate2::{Compression, read::GzDecoder};
use std::{collections::BTreeMap, io::Read as _, sync::Arc};

type Files = BTreeMap<String, Vec<u8>>;

const SHOP: &str = "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}";
const RECORD: &str = "backups/rich/velero-backup.json";
const ARCHIVE: &str = "backups/rich/rich.tar.gz";

async fn opened(files: &Files) -> Vault {
    Vault::open(store(files).await).await.unwrap()
}

async fn verified(files: &Files) -> VerifyReport {
    let backup = opened(files).await.backup("rich").await.unwrap();
    backup.verify(VerifyLevel::Objects).await.unwrap()
}

fn restore_into(vault: Vault, target: &MemoryCluster) -> Restore {
    Restore::new(vault, target.clone(), target.clone()).with_scratch(Arc::new(MemoryVault::new()))
}

#[tokio::test]
async fn a_backup_of_velero_lists_verifies_and_restores() {
    for flavour in FLAVOURS {
        let files = files(flavour);
        let store = store(&files).await;
        let vault = Vault::open(store.clone()).await.unwrap();
        let entry = &vault.backups().await.unwrap()[0];
        assert_eq!(
            (entry.name.as_str(), entry.origin, entry.phase.as_str()),
            ("rich", BackupOrigin::Velero, "Completed")
        );
        let backup = vault.backup("rich").await.unwrap();
        let proof = backup.verify(VerifyLevel::Objects).await.unwrap();
        assert!(proof.is_sound() && proof.objects == 41, "{proof}");
        // That there are no hashes; the archive holds what the resource list says.
        assert_eq!(proof.notes.len(), 1, "{proof}");
        assert_eq!(backup.objects().unwrap_err().kind(), ErrorKind::Unsupported);

        // Restores are recorded, so the place must be a vault of csdr as well; Velero's own files stay as they are.
        let vault = Vault::create(store.clone()).await.unwrap();
        let target = MemoryCluster::new();
        let restore = restore_into(vault.clone(), &target);
        let spec = RestoreSpec::from_backup("rich")
            .with_name("copy")
            .with_namespace_mapping("rich", "rich-copy");
        let plan = restore.plan(&spec).await.unwrap();
        assert!(plan.len() > 10, "{plan}");
        let report = restore.run(plan, &RunOptions::default()).await.unwrap();
        assert_eq!(report.count(ObjectOutcome::Failed), 0, "{report}");
        let there = target.all_objects();
        let settings = there
            .iter()
            .find(|object| object.id().to_string() == "configmaps/rich-copy/settings");
        assert!(settings.unwrap().text().contains("AAECAwQF/w=="));
    }
}

#[tokio::test]
async fn what_velero_tells_of_its_backup_is_told() {
    let vault = opened(&files("default")).await;
    let told = vault.backup("rich").await.unwrap().velero().await.unwrap();
    let told = told.unwrap();
    assert_eq!((told.items, told.total_items), (Some(41), Some(41)));
    assert_eq!(told.format_version.as_deref(), Some("1.1.0"));
    assert_eq!(told.server_version.as_deref(), Some("v1.36.3"));
    assert_eq!(told.expires.unwrap().to_string(), "2026-12-20T20:48:38Z");
    assert_eq!(told.spec["includedNamespaces"][0], "rich");
    assert_eq!(told.resources["v1/Event"], 6);
    assert!(told.errors.is_empty() && told.warnings.is_empty());
    assert_eq!(
        (told.missing_files, told.unreadable_files),
        (vec![], vec![])
    );
    let volumes: Vec<String> = told.volumes.iter().map(ToString::to_string).collect();
    assert_eq!(
        volumes,
        [
            "claim rich/data-db-0 (volume rich-pv-0): not backed up: podvolume: opted out due to annotation in pod \
          db-0;volumeSnapshot: no applicable volumesnapshotter found"
        ]
    );
}

#[tokio::test]
async fn nothing_that_velero_wrote_is_ever_changed() {
    let files = files("default");
    let store = store(&files).await;
    let vault = Vault::create(store.clone()).await.unwrap();
    let unchanged = async || {
        for (key, body) in &files {
            let key = VaultKey::parse(key.as_str()).unwrap();
            let found = store.read(&key, 1 << 20).await.unwrap();
            assert_eq!(found, body, "{key}");
        }
    };
    let error = vault.delete("rich").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    // A mark and a claim in the folder, whoever put them there, make it nobody else's.
    put(&store, "backups/rich/csdr/deleting", b"{}".to_vec()).await;
    let error = vault.delete("rich").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let error = vault.check_deletable("rich").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let report = vault.gc(&GcOptions::default()).await.unwrap();
    assert_eq!(report.removed, Vec::<String>::new());
    unchanged().await;
    let source = MemoryCluster::new();
    source.load_yaml(SHOP).unwrap();
    let backup = Backup::new(source, vault.clone());
    let plan = backup.plan(&BackupSpec::named("rich")).await.unwrap();
    let error = backup.run(plan, &RunOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    unchanged().await;
    let claim = serde_json::json!({
        "operation": "0190a6a2-0000-7000-8000-000000000000", "purpose": "delete", "specDigest": "delete",
        "expires": "2020-01-01T00:00:00Z", "csdr": "0.1.0",
    });
    put(
        &store,
        "backups/rich/csdr/claim-1.json",
        claim.to_string().into_bytes(),
    )
    .await;
    let report = vault.gc(&GcOptions::default()).await.unwrap();
    assert_eq!(report.removed, Vec::<String>::new());
    assert_eq!(report.kept, ["backups/rich: Velero wrote this backup"]);
    unchanged().await;
    let target = MemoryCluster::new();
    let spec = RestoreSpec::from_backup("rich").with_name("copy");
    let error = restore_into(vault, &target).plan(&spec).await.unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::NotFound,
        "a marked backup is not restored: {error}"
    );
    unchanged().await;
}

#[tokio::test]
async fn a_name_that_velero_has_restored_under_is_taken() {
    let store = store(&files("default")).await;
    let vault = Vault::create(store.clone()).await.unwrap();
    let target = MemoryCluster::new();
    let before = (target.all_objects().len(), store.len());
    let restore = restore_into(vault, &target);
    let spec = RestoreSpec::from_backup("rich").with_name("rich-copy");
    let plan = restore.plan(&spec).await.unwrap();
    let error = restore.run(plan, &RunOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
    assert!(error.to_string().contains("Velero has restored"), "{error}");
    // Said before anything was done.
    assert_eq!((target.all_objects().len(), store.len()), before);
}

#[tokio::test]
async fn velero_2_10_a_phase_decides_what_can_be_restored() {
    for (phase, archive, expected) in [
        ("Completed", true, Ok(false)),
        ("PartiallyFailed", true, Ok(true)),
        ("Failed", true, Ok(true)),
        ("Failed", false, Err("no archive")),
        ("FailedValidation", false, Err("no archive")),
        ("New", false, Err("not finished")),
        ("", true, Err("not finished")),
        ("InProgress", false, Err("not finished")),
        ("WaitingForPluginOperations", true, Err("not finished")),
        ("FinalizingPartiallyFailed", true, Err("not finished")),
        ("Deleting", true, Err("not finished")),
    ] {
        let mut files = files("default");
        with_record(&mut files, |record| {
            record["status"]["phase"] = phase.into();
            record["status"]["errors"] = 2.into();
            record["status"]["failureReason"] = "the disk is full".into();
        });
        if !archive {
            files.remove(ARCHIVE);
        }
        let vault = opened(&files).await;
        let listed = vault.backups().await.unwrap();
        assert_eq!(listed[0].phase, phase);
        let backup = vault.backup("rich").await.unwrap();
        let told = backup.velero().await.unwrap().unwrap();
        assert_eq!(told.failures, ["the disk is full"]);
        assert_eq!(
            told.errors.len(),
            1,
            "the count is told where no file tells more"
        );
        let proof = backup.verify(VerifyLevel::Manifest).await.unwrap();
        assert_eq!(proof.is_sound(), archive, "{phase}: {proof}");
        let said = phase == "Completed" || proof.to_string().contains("Velero says that");
        assert!(said, "{phase}: {proof}");
        let read = backup.with_scratch(Arc::new(MemoryVault::new())).await;
        match (read, expected) {
            (Ok(backup), Ok(partial)) => {
                let mut gaps = backup.gaps().iter();
                let found = gaps.any(|gap| gap.reason == LeftOutReason::PartialBackup);
                assert_eq!(found, partial, "{phase}: {:?}", backup.gaps());
            }
            (Err(error), Err(expected)) => {
                assert_eq!(error.kind(), ErrorKind::Incomplete, "{phase}: {error}");
                let chain = error.chain();
                assert!(
                    chain.contains(expected) && chain.contains(phase),
                    "{phase}: {chain}"
                );
            }
            (read, _) => panic!("{phase}: {read:?}"),
        }
    }
}

#[tokio::test]
async fn what_velero_could_not_back_up_stands_in_the_plan() {
    let mut files = files("default");
    with_record(&mut files, |record| {
        record["status"]["phase"] = "PartiallyFailed".into();
    });
    let results =
        br#"{"errors":{"namespaces":{"rich":["error of a hook"]}},"warnings":{"velero":["w"]}}"#;
    let path = "backups/rich/rich-results.gz";
    files.insert(path.to_owned(), gzip(results, Compression::fast()));
    let store = store(&files).await;
    let vault = Vault::create(store).await.unwrap();
    let spec = RestoreSpec::from_backup("rich").with_name("copy");
    let plan = restore_into(vault, &MemoryCluster::new()).plan(&spec).await;
    let left: Vec<String> = plan
        .unwrap()
        .left_out()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        left[..2],
        [
            "backup rich: the backup itself is not whole (Velero says PartiallyFailed, 1 errors; first: namespace rich: error of a hook)",
            "data of claim rich/data-db-0 (volume rich-pv-0): not backed up: podvolume: opted out due to annotation in pod \
             db-0;volumeSnapshot: no applicable volumesnapshotter found: not restored with its claim",
        ]
    );
}

/// Each release's files, and what is told of its volumes.
#[tokio::test]
async fn velero_1_5_older_releases_wrote_fewer_files() {
    let volumeinfo = r#"[
        {"pvcName":"a","pvcNamespace":"n","pvName":"pv-a","backupMethod":"CSISnapshot","snapshotDataMoved":true,"result":"succeeded",
         "csiSnapshotInfo":{"snapshotHandle":"unknown","size":1},"snapshotDataMovementInfo":{"snapshotHandle":"h1","size":7,"Phase":"Completed"},"later":1},
        {"pvName":"pv-b","backupMethod":"NativeSnapshot","nativeSnapshotInfo":{"snapshotHandle":"h2","iops":"100","Phase":"Failed"}},
        {"pvcName":"c","pvcNamespace":"n","backupMethod":"PodVolumeBackup","pvbInfo":{"snapshotHandle":"h3","size":9},"result":"failed"}]"#;
    let native = r#"[{"spec":{"persistentVolumeName":"pv-b"},"status":{"providerSnapshotID":"h2","phase":"Completed"}}]"#;
    let pods = r#"[{"metadata":{"annotations":{"velero.io/pvc-name":"c"}},"spec":{"pod":{"namespace":"n","name":"p"},"volume":"v"},
         "status":{"phase":"Completed","snapshotID":"h3","progress":{"totalBytes":9}}},
        {"metadata":{},"spec":{"pod":{"namespace":"n","name":"p"},"volume":"cache"},"status":{}}]"#;
    let csi = r#"[{"metadata":{"namespace":"n","name":"s"},"spec":{"source":{"persistentVolumeClaimName":"a"}},
         "status":{"boundVolumeSnapshotContentName":"vsc-1","readyToUse":true}}]"#;
    for (release, side, expected) in [
        (
            "1.13",
            vec![("volumeinfo", volumeinfo), ("volumesnapshots", native)],
            vec![
                "claim n/a (volume pv-a): CSISnapshot, data moved, 7 bytes, handle h1, succeeded",
                "volume pv-b: NativeSnapshot, handle h2, Failed",
                "claim n/c: PodVolumeBackup, 9 bytes, handle h3, failed",
            ],
        ),
        (
            "1.4",
            vec![
                ("volumesnapshots", native),
                ("podvolumebackups", pods),
                ("csi-volumesnapshots", csi),
            ],
            vec![
                "volume pv-b: NativeSnapshot, handle h2, Completed",
                "claim n/c: PodVolumeBackup, 9 bytes, handle h3, Completed",
                "volume cache of pod n/p: PodVolumeBackup",
                "claim n/a: CSISnapshot, handle vsc-1, ready",
            ],
        ),
        (
            "nothing but null",
            vec![("volumesnapshots", "null")],
            vec![],
        ),
    ] {
        let mut files = files("default");
        files.retain(|key, _| [RECORD, ARCHIVE].contains(&key.as_str()));
        with_record(&mut files, |record| {
            let status = record["status"].as_object_mut().unwrap();
            status.remove("progress");
            status.remove("hookStatus");
            if release == "1.4" {
                status.remove("formatVersion");
            }
        });
        for (name, json) in side {
            let key = format!("backups/rich/rich-{name}.json.gz");
            files.insert(key, gzip(json.as_bytes(), Compression::fast()));
        }
        let vault = opened(&files).await;
        let backup = vault.backup("rich").await.unwrap();
        let told = backup.velero().await.unwrap().unwrap();
        let volumes: Vec<String> = told.volumes.iter().map(ToString::to_string).collect();
        assert_eq!(volumes, expected, "{release}");
        assert!(told.missing_files.contains(&"rich-logs.gz".to_owned()));
        let proof = backup.verify(VerifyLevel::Objects).await.unwrap();
        assert!(
            proof.is_sound() && proof.objects == 41,
            "{release}: {proof}"
        );
        assert!(
            proof
                .to_string()
                .contains("whether the archive holds all of them"),
            "{proof}"
        );
        let backup = backup
            .with_scratch(Arc::new(MemoryVault::new()))
            .await
            .unwrap();
        assert_eq!(backup.gaps().len(), expected.len(), "{:?}", backup.gaps());
        assert_eq!(backup.objects().unwrap(), 41);
    }
}

#[tokio::test]
async fn a_side_file_that_cannot_be_read_is_said_and_stops_nothing() {
    let mut files = files("default");
    let path = "backups/rich/rich-volumeinfo.json.gz";
    files.insert(path.to_owned(), gzip(b"{\"a\":1}", Compression::fast()));
    let vault = opened(&files).await;
    let backup = vault.backup("rich").await.unwrap();
    let told = backup.velero().await.unwrap().unwrap();
    assert_eq!(told.unreadable_files.len(), 1);
    let backup = backup
        .with_scratch(Arc::new(MemoryVault::new()))
        .await
        .unwrap();
    let gap = &backup.gaps()[0];
    assert_eq!(gap.reason, LeftOutReason::Unreadable);
    assert!(gap.what.starts_with("rich-volumeinfo.json.gz: "), "{gap}");
}

#[tokio::test]
async fn an_object_of_the_resource_list_that_the_archive_lacks_is_missed() {
    let mut files = files("default");
    let list =
        r#"{"v1/ConfigMap":["rich/kube-root-ca.crt","rich/lost","rich/settings"],"v1/Node":null}"#;
    let path = "backups/rich/rich-resource-list.json.gz";
    files.insert(path.to_owned(), gzip(list.as_bytes(), Compression::fast()));
    let proof = verified(&files).await;
    assert_eq!(proof.problems.len(), 1, "{proof}");
    assert_eq!(
        proof.problems[0].message,
        "v1/ConfigMap rich/lost is in the resource list, and not in the archive"
    );
    assert!(
        proof
            .to_string()
            .contains("entries are of objects that the resource list does not have")
    );
    // Velero lists what an action failed for; then its phase says so.
    with_record(&mut files, |record| {
        record["status"]["phase"] = "PartiallyFailed".into();
    });
    let proof = verified(&files).await;
    assert!(
        proof.is_sound() && proof.to_string().contains("rich/lost"),
        "{proof}"
    );
}

#[tokio::test]
async fn a_cut_archive_of_velero_is_damaged() {
    let mut files = files("default");
    let archive = files.get_mut(ARCHIVE).unwrap();
    archive.truncate(archive.len() - 100);
    let proof = verified(&files).await;
    assert!(!proof.is_sound());
    assert_eq!(proof.problems[0].file, "rich.tar.gz");
}

#[tokio::test]
async fn a_large_log_of_velero_is_not_damage_and_a_cut_one_is() {
    let store = store(&files("default")).await;
    let vault = Vault::open(store.clone()).await.unwrap();
    // More than 16 MiB compressed, more than 256 MiB unpacked, in two members.
    let stored = gzip(&vec![7; 17 << 20], Compression::none());
    let dense = gzip(&vec![7; 300 << 20], Compression::fast());
    let log = [stored, dense].concat();
    put(&store, "backups/rich/rich-logs.gz", log.clone()).await;
    let verified = async || {
        let backup = vault.backup("rich").await.unwrap();
        backup.verify(VerifyLevel::Hashes).await.unwrap()
    };
    let proof = verified().await;
    assert!(proof.is_sound(), "{proof}");
    for bad in [&log[..log.len() - 1], &[&log[..], b"rest"].concat(), b""] {
        put(&store, "backups/rich/rich-logs.gz", bad.to_vec()).await;
        let proof = verified().await;
        assert_eq!(proof.problems.len(), 1, "{} bytes: {proof}", bad.len());
        assert_eq!(proof.problems[0].file, "rich-logs.gz", "{proof}");
    }
}

#[tokio::test]
async fn every_entry_of_velero_s_archive_that_is_another_object_is_named() {
    let json = |name: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}","namespace":"n"}}}}"#
        )
    };
    let mut tar = tar::Builder::new(Vec::new());
    for (name, data) in [
        ("a", json("a")),
        ("b", json("x")),
        ("c", json("c")),
        ("d", "{".to_owned()),
    ] {
        for version in ["", "v1-preferredversion/"] {
            let mut header = tar::Header::new_gnu();
            header.set_size(data.len() as u64);
            let path = format!("resources/configmaps/{version}namespaces/n/{name}.json");
            tar.append_data(&mut header, path, data.as_bytes()).unwrap();
        }
    }
    let mut files = files("default");
    files.retain(|key, _| key == RECORD);
    let archive = gzip(&tar.into_inner().unwrap(), Compression::fast());
    files.insert(ARCHIVE.to_owned(), archive);
    let proof = verified(&files).await;
    assert_eq!((proof.problems.len(), proof.objects), (4, 2), "{proof}");
    for name in ["b", "d"] {
        assert!(
            proof
                .to_string()
                .contains(&format!("namespaces/n/{name}.json")),
            "{proof}"
        );
    }
}

#[tokio::test]
async fn a_backup_of_velero_s_that_was_made_anew_is_read_anew() {
    let files = files("default");
    let store = store(&files).await;
    let vault = Vault::create(store.clone()).await.unwrap();
    let restore = restore_into(vault, &MemoryCluster::new());
    let spec = RestoreSpec::from_backup("rich").with_name("copy");
    let first = restore.plan(&spec).await.unwrap();
    assert_eq!(restore.plan(&spec).await.unwrap(), first);
    // Velero has deleted the backup, and another one of the same name is there.
    let mut raw = Vec::new();
    GzDecoder::new(&files[ARCHIVE][..])
        .read_to_end(&mut raw)
        .unwrap();
    put(&store, ARCHIVE, gzip(&raw, Compression::none())).await;
    put(&store, RECORD, [&files[RECORD][..], b"\n"].concat()).await;
    assert_ne!(restore.plan(&spec).await.unwrap(), first);
    let error = restore
        .run(first, &RunOptions::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
}

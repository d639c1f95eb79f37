//! Every deprecated version that 1.21 serves goes up to the present, what the present serves goes down to 1.21, and what 1.21 no longer
//! serves comes from an archive: the real servers take it, or the plan says beforehand why not.

use crate::{
    equality::stored,
    versions::manifest::{Manifest, archive, make, read, wait_for},
    world::{Cluster, bucket},
};
use csdr_core::{
    memory::MemoryVault,
    model::Tree,
    report::{Outcome, RunOptions},
    restore::{Action, ObjectOutcome, Restore, RestorePlan, RestoreReport},
    spec::{ApiVersions, BackupSpec, ClusterScope, RestoreSpec},
    vault::Vault,
};
use csdr_k8s::{KubeApplier, KubeTarget};
use csdr_testenv::KubeVersion;
use csdr_testkit::compare::Comparison;
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

mod beside;
mod manifest;
mod program;
mod table;

/// Objects that are not restored, and a part of the reason that is stated.
type Left = &'static [(&'static str, Action, &'static str)];
/// Where an object lies, a JSON pointer into it, and the JSON that stands there; `null` for nothing.
type Facts = &'static [(&'static str, &'static str, &'static str)];

/// Whether this machine lacks the old control plane.
fn left_out() -> bool {
    let reason = KubeVersion::V1_21.left_out();
    if let Some(reason) = &reason {
        eprintln!("left out: {reason}");
    }
    reason.is_some()
}

fn spec(name: &str, versions: ApiVersions) -> BackupSpec {
    BackupSpec::named(name)
        .with_namespace("shop")
        .with_cluster_scoped(ClusterScope::Include)
        .with_api_versions(versions)
}

async fn restore(
    target: &Cluster,
    vault: &Vault,
    backup: &str,
    name: &str,
) -> (RestorePlan, RestoreReport) {
    let client = target.client().await;
    let (reader, writer) = (KubeTarget::new(client.clone()), KubeApplier::new(client));
    let restore =
        Restore::new(vault.clone(), reader, writer).with_scratch(Arc::new(MemoryVault::new()));
    let spec = RestoreSpec::from_backup(backup)
        .with_name(name)
        .with_namespace("shop")
        .with_cluster_scoped(ClusterScope::Include);
    let plan = restore.plan(&spec).await.unwrap();
    let report = restore
        .run(plan.clone(), &RunOptions::default())
        .await
        .unwrap();
    (plan, report)
}

/// What the plan promised is what the server did: everything that was to be created is, and nothing is left out but for its stated reason.
fn assert_as_planned(plan: &RestorePlan, report: &RestoreReport, left: Left) {
    let story = format!("{plan}\n{report}");
    let mut reasons: BTreeMap<&str, String> = BTreeMap::new();
    for note in report.errors.iter().chain(report.warnings.iter()) {
        let said = reasons.entry(note.about.as_str()).or_default();
        said.push_str(&note.message);
        said.push('\n');
    }
    let found: BTreeMap<String, Action> = plan
        .rows()
        .filter(|row| row.action != Action::Create)
        .map(|row| (row.source.to_string(), row.action))
        .collect();
    let expected: BTreeMap<String, Action> = left
        .iter()
        .map(|(id, action, _)| ((*id).to_owned(), *action))
        .collect();
    assert_eq!(found, expected, "{story}");
    for (id, _, reason) in left {
        let said = reasons.get(id).map(String::as_str).unwrap_or_default();
        assert!(said.contains(reason), "{id}: {reason:?}\n{story}");
    }
    let blocked = plan.count(Action::Blocked);
    assert_eq!(report.count(ObjectOutcome::Failed), blocked, "{story}");
    assert_eq!(report.errors.iter().count() as u64, blocked, "{story}");
    // The ServiceAccount that every namespace gets may be there first.
    let there = report.count(ObjectOutcome::Unchanged) + report.count(ObjectOutcome::Updated);
    assert!(there <= 1, "{story}");
    // Nobody answers for the webhooks.
    let created = report.count(ObjectOutcome::Created) + report.count(ObjectOutcome::NotReady);
    assert_eq!(created + there, plan.count(Action::Create), "{story}");
}

async fn assert_facts(target: &Cluster, facts: Facts, about: &str) {
    for (path, pointer, expected) in facts {
        let object = target.get(path).await;
        let object = object.unwrap_or_else(|| panic!("{about}: {path} is missing"));
        let expected: Value = serde_json::from_str(expected).unwrap();
        let found = object.pointer(pointer).unwrap_or(&Value::Null);
        assert_eq!(found, &expected, "{about}: {path} {pointer}\n{object:#}");
    }
}

/// The definition is structural and established.
async fn assert_established(target: &Cluster, name: &str) {
    let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}");
    let definition = target.get(&path).await.unwrap();
    let conditions = definition["status"]["conditions"].as_array().unwrap();
    let status = |kind: &str| {
        let mut found = conditions.iter().filter(|one| one["type"] == kind);
        found.next().and_then(|one| one["status"].as_str())
    };
    assert_eq!(status("Established"), Some("True"), "{definition:#}");
    assert_ne!(
        status("NonStructuralSchema"),
        Some("True"),
        "{definition:#}"
    );
}

/// What stands in a stored object, does not stand in the restored one, and is told nowhere. Of converted objects only the server's own
/// tests can tell.
async fn silently_dropped(target: &Cluster, vault: &Vault, plan: &RestorePlan) -> Vec<String> {
    let stored = stored(&vault.backup(&plan.spec().backup_name).await.unwrap()).await;
    let comparison = Comparison::new([]);
    let mut silent = Vec::new();
    for row in plan.rows() {
        let id = row.source.to_string();
        if row.action != Action::Create || row.conversion.is_some() {
            continue;
        }
        let found = &stored[&id];
        let path = Manifest::new(found.tree.clone()).path();
        // What was restored from another stored version is of other fields.
        let Some(there) = target.get(&path).await else {
            continue;
        };
        let there = Tree::parse(there.to_string().as_bytes()).unwrap();
        let told: Vec<String> = plan
            .losses()
            .filter(|(about, _)| *about == row.source)
            .map(|(_, note)| note.path.clone())
            .collect();
        for difference in comparison.compare(&found.resource, &found.tree, &there) {
            let pointer = &difference.pointer;
            let is_told = told.iter().any(|path| pointer.starts_with(path.as_str()));
            // What ties a Job to its uid is left out in any version.
            let is_uid = pointer.contains("controller-uid");
            if difference.stored.is_some() && !is_told && !is_uid {
                silent.push(format!("{id} {pointer}"));
            }
        }
    }
    silent
}

#[tokio::test]
async fn every_deprecated_version_of_the_old_server_goes_up_to_the_newest() {
    if left_out() {
        return;
    }
    let (_server, vault) = bucket().await;
    let source = Cluster::version(KubeVersion::V1_21).await;
    let old = read(include_str!("versions/old.yaml"));
    make(&source, &old).await;
    for (name, versions) in [
        ("all", ApiVersions::AllServed),
        ("preferred", ApiVersions::Preferred),
    ] {
        let report = source.back_up(&vault, &spec(name, versions)).await;
        assert_eq!(report.outcome, Outcome::Completed, "{report}");
    }
    // As the server gives them in their deprecated versions, and in no other: every object is converted.
    let mut stored = Vec::new();
    for manifest in &old {
        let object = source.get(&manifest.path()).await.unwrap();
        stored.push((manifest, object.to_string()));
    }
    let only_old = archive("old", &stored).await;
    source.plane.stop().await;
    for (vault, backup, left) in [
        (&vault, "all", table::UP_LEFT),
        (&vault, "preferred", table::UP_LEFT),
        (&only_old, "old", table::UP_LEFT),
    ] {
        let target = Cluster::start().await;
        let (plan, report) = restore(&target, vault, backup, backup).await;
        assert_as_planned(&plan, &report, left);
        assert_facts(&target, table::UP, backup).await;
        assert_established(&target, "widgets.shop.example.com").await;
        target.plane.stop().await;
    }
}

#[tokio::test]
async fn what_the_newest_server_has_goes_down_to_the_old_one() {
    if left_out() {
        return;
    }
    let (_server, vault) = bucket().await;
    let source = Cluster::start().await;
    make(&source, &read(include_str!("versions/new.yaml"))).await;
    for (name, versions) in [
        ("all", ApiVersions::AllServed),
        ("preferred", ApiVersions::Preferred),
    ] {
        let report = source.back_up(&vault, &spec(name, versions)).await;
        assert_eq!(report.outcome, Outcome::Completed, "{report}");
    }
    source.plane.stop().await;
    for backup in ["all", "preferred"] {
        let target = Cluster::version(KubeVersion::V1_21).await;
        let (plan, report) = restore(&target, &vault, backup, backup).await;
        assert_as_planned(&plan, &report, table::DOWN_LEFT);
        assert_facts(&target, table::DOWN, backup).await;
        let silent = silently_dropped(&target, &vault, &plan).await;
        assert_eq!(silent, table::DOWN_SILENT, "{plan}");
        assert_established(&target, "widgets.shop.example.com").await;
        target.plane.stop().await;
    }
}

#[tokio::test]
async fn what_no_server_of_today_serves_comes_from_an_archive_of_velero_s() {
    let old = read(include_str!("versions/removed.yaml"));
    let stored: Vec<(&Manifest, String)> = old
        .iter()
        .map(|manifest| (manifest, manifest.tree.to_string()))
        .collect();
    let vault = archive("old", &stored).await;
    let target = Cluster::start().await;
    // The target's own definitions: the backup has none.
    make(&target, &read(table::DEFINITIONS)).await;
    for plural in ["gadgets", "gizmos"] {
        wait_for(&target, &format!("/apis/shop.example.com/v1/{plural}")).await;
    }
    let (plan, report) = restore(&target, &vault, "old", "old").await;
    assert_as_planned(&plan, &report, table::REMOVED_LEFT);
    assert_facts(&target, table::REMOVED, "removed").await;
    beside::assert_what_lies_beside(&target).await;
    program::assert_programs(&target).await;
}

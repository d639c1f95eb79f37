//! Real applications move into another namespace of another cluster, whole.

use crate::{
    census::{Census, Found},
    world::{Cluster, PATIENCE, application, bucket},
};
use csdr_core::{
    model::Tree,
    report::Outcome,
    restore::ObjectOutcome,
    spec::{BackupSpec, RestoreSpec},
    vault::{StoredBackup, Vault, VerifyLevel},
};
use csdr_testkit::compare::{Comparison, altered, leaves};
use futures::TryStreamExt;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// Backs a namespace up while nothing changes in it, and answers what was in it at that time.
async fn back_up_at_rest(
    cluster: &Cluster,
    vault: &Vault,
    name: &str,
    namespace: &str,
) -> (String, Census) {
    let deadline = Instant::now() + PATIENCE;
    for round in 0.. {
        let before = cluster.census(&[namespace]).await;
        let backup = format!("{name}-{round}");
        let spec = BackupSpec::named(&backup).with_namespace(namespace);
        let report = cluster.back_up(vault, &spec).await;
        assert_eq!(report.outcome, Outcome::Completed, "{report}");
        if cluster.census(&[namespace]).await == before {
            return (backup, before);
        }
        assert!(Instant::now() < deadline, "{namespace} never comes to rest");
        vault.delete(&backup).await.unwrap();
    }
    unreachable!()
}

/// What the backup holds, by id.
async fn stored(backup: &StoredBackup) -> BTreeMap<String, Found> {
    let rows: Vec<_> = backup.rows().try_collect().await.unwrap();
    let mut stored = BTreeMap::new();
    for row in rows {
        let object = backup.object(&row.id).await.unwrap().unwrap();
        let found = Found {
            resource: row.id.resource().clone(),
            tree: Tree::parse(object.json()).unwrap(),
        };
        stored.insert(row.id.to_string(), found);
    }
    stored
}

/// Everything that was there is stored to the letter, or left out with a reason.
async fn assert_whole(backup: &StoredBackup, census: &Census) {
    let stored = stored(backup).await;
    let left: Vec<_> = backup.left_out().try_collect().await.unwrap();
    let left: BTreeSet<&str> = left.iter().map(|left| left.what.as_str()).collect();
    for (id, found) in census {
        match stored.get(id) {
            Some(stored) => assert_eq!(stored.tree, found.tree, "{id} is stored as it was"),
            None => {
                let kind = id.split('/').next().unwrap();
                let said = left.contains(id.as_str()) || left.contains(kind);
                assert!(said, "{id} is neither stored nor left out with a reason");
            }
        }
    }
    for id in stored.keys() {
        assert!(census.contains_key(id), "{id} is stored and was not there");
    }
}

/// Differences of every stored object to what the target has, by the target's id.
async fn damage(
    target: &Cluster,
    stored: &BTreeMap<String, Found>,
    comparison: &Comparison,
) -> Vec<String> {
    let mut damage = Vec::new();
    for (id, found) in stored {
        let text = |path: &[&str]| found.tree.text_at(path).map(str::to_owned);
        let name = text(&["metadata", "name"]).unwrap();
        let namespace = text(&["metadata", "namespace"]);
        let resource = found.resource.to_string();
        let name = if resource == "namespaces" {
            comparison.map_namespace(&name).to_owned()
        } else {
            name
        };
        let namespace = namespace
            .as_deref()
            .map(|namespace| comparison.map_namespace(namespace));
        let api_version = text(&["apiVersion"]).unwrap();
        match target
            .object(&resource, namespace, &name, &api_version)
            .await
        {
            None => damage.push(format!("{id} is missing")),
            Some(there) => {
                let differences = comparison.compare(&found.resource, &found.tree, &there);
                damage.extend(
                    differences
                        .iter()
                        .map(|difference| format!("{id} {difference}")),
                );
            }
        }
    }
    damage
}

/// Waits until the target's controllers have brought everything to where it was.
async fn assert_equal(target: &Cluster, stored: &BTreeMap<String, Found>, comparison: &Comparison) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let damage = damage(target, stored, comparison).await;
        if damage.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "{}", damage.join("\n"));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn guestbook_moves_into_another_namespace_of_another_cluster() {
    let source = Cluster::start().await;
    source.make_namespace("guestbook").await;
    source
        .apply(&application("guestbook.yaml", "guestbook"))
        .await;
    let (_server, vault) = bucket().await;
    let (name, census) = back_up_at_rest(&source, &vault, "guestbook", "guestbook").await;
    source.plane.stop().await;

    let backup = vault.backup(&name).await.unwrap();
    let proof = backup.verify(VerifyLevel::Objects).await.unwrap();
    assert!(proof.is_sound(), "{proof}");
    assert_whole(&backup, &census).await;
    let stored = stored(&backup).await;

    let target = Cluster::start().await;
    let spec = RestoreSpec::from_backup(&name).with_namespace_mapping("guestbook", "copy");
    let report = target.restore(&vault, &spec).await;
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    eprintln!("{report}");
    let comparison = Comparison::new([("guestbook", "copy")]);
    assert_equal(&target, &stored, &comparison).await;
    let there = target.census(&["copy"]).await;
    for id in there.keys() {
        eprintln!("{id}");
    }
    let _ = (
        leaves(&Tree::object()),
        altered(&Tree::object(), "/a", None),
        ObjectOutcome::Created,
    );
}

//! Whether a backup is all that was there, and a target all that was stored.

use crate::{
    census::{Census, Found},
    world::{Cluster, PATIENCE},
};
use csdr_core::{
    model::Tree,
    report::Outcome,
    select::LeftOutReason,
    spec::BackupSpec,
    vault::{StoredBackup, Vault},
};
use csdr_testkit::compare::Comparison;
use futures::{StreamExt, TryStreamExt, stream};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// How many objects are asked for at the same time.
pub(crate) const AT_ONCE: usize = 16;

/// What a backup holds, by id.
pub(crate) type Stored = BTreeMap<String, Found>;

/// Backs up while nothing changes in the namespaces, and answers what was there at that time.
pub(crate) async fn back_up_at_rest(
    cluster: &Cluster,
    vault: &Vault,
    spec: &BackupSpec,
    namespaces: &[&str],
) -> (StoredBackup, Census) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let before = cluster.census(namespaces).await;
        let report = cluster.back_up(vault, spec).await;
        assert_eq!(report.outcome, Outcome::Completed, "{report}");
        if cluster.census(namespaces).await == before {
            return (vault.backup(&spec.name).await.unwrap(), before);
        }
        assert!(
            Instant::now() < deadline,
            "{namespaces:?} never come to rest"
        );
        vault.delete(&spec.name).await.unwrap();
    }
}

pub(crate) async fn stored(backup: &StoredBackup) -> Stored {
    let rows: Vec<_> = backup.rows().try_collect().await.unwrap();
    let mut stored = Stored::new();
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

/// Everything that was there is stored to the letter, or left out with a reason; nothing else is stored.
pub(crate) async fn assert_whole(backup: &StoredBackup, stored: &Stored, census: &Census) {
    let left: Vec<_> = backup.left_out().try_collect().await.unwrap();
    // One rule leaves out whatever is cluster-scoped, where the spec does not take it.
    let unscoped = left
        .iter()
        .any(|left| left.reason == LeftOutReason::ClusterScoped);
    let left: BTreeSet<&str> = left.iter().map(|left| left.what.as_str()).collect();
    for (id, found) in census {
        match stored.get(id) {
            Some(stored) => assert!(stored.tree == found.tree, "{id} is not stored as it was"),
            None => {
                let kind = id.split('/').next().unwrap();
                let cluster_scoped = id.split('/').count() == 2 && kind != "namespaces";
                let said = left.contains(id.as_str())
                    || left.contains(kind)
                    || (unscoped && cluster_scoped);
                assert!(said, "{id} is neither stored nor left out with a reason");
            }
        }
    }
    for id in stored.keys() {
        assert!(census.contains_key(id), "{id} is stored and was not there");
    }
}

/// A stored object as the target has it.
async fn counterpart(target: &Cluster, found: &Found, comparison: &Comparison) -> Option<Tree> {
    let text = |path: &[&str]| found.tree.text_at(path);
    let mut name = text(&["metadata", "name"]).unwrap();
    let namespace = text(&["metadata", "namespace"]);
    let resource = found.resource.to_string();
    if resource == "namespaces" {
        name = comparison.map_namespace(name);
    }
    let namespace = namespace.map(|namespace| comparison.map_namespace(namespace));
    let api_version = text(&["apiVersion"]).unwrap();
    target.object(&resource, namespace, name, api_version).await
}

/// Every stored object with what the target has of it.
pub(crate) async fn pairs<'a>(
    target: &Cluster,
    stored: &'a Stored,
    comparison: &Comparison,
) -> Vec<(&'a String, &'a Found, Option<Tree>)> {
    let pair = async |(id, found)| (id, found, counterpart(target, found, comparison).await);
    stream::iter(stored)
        .map(pair)
        .buffered(AT_ONCE)
        .collect()
        .await
}

/// What of the stored objects the target does not have, or not equal.
pub(crate) async fn damage(
    target: &Cluster,
    stored: &Stored,
    comparison: &Comparison,
) -> Vec<String> {
    let mut damage = Vec::new();
    for (id, found, there) in pairs(target, stored, comparison).await {
        match there {
            None => damage.push(format!("{id} is missing")),
            Some(there) => {
                let found = comparison.compare(&found.resource, &found.tree, &there);
                damage.extend(found.iter().map(|difference| format!("{id} {difference}")));
            }
        }
    }
    damage
}

/// Waits until the target's controllers have brought everything to where it was.
pub(crate) async fn assert_equal(target: &Cluster, stored: &Stored, comparison: &Comparison) {
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

//! Real applications move into other namespaces of another cluster, whole.

use crate::{
    equality::{Stored, assert_equal, assert_whole, back_up_at_rest, damage, pairs, stored},
    world::{Cluster, application, bucket},
};
use csdr_core::{
    model::Tree,
    restore::ObjectOutcome,
    spec::{BackupSpec, ClusterScope, RestoreSpec},
    vault::VerifyLevel,
};
use csdr_testkit::compare::{Comparison, altered, leaves};
use std::collections::BTreeSet;

/// Files of `tests/data`, the namespace that they are put into, and the one that they are restored to.
const APPLICATIONS: [(&str, &str, &str); 4] = [
    ("online-boutique.yaml", "boutique", "boutique-copy"),
    ("guestbook.yaml", "guestbook", "visitors"),
    ("cassandra.yaml", "cassandra", "ring"),
    ("kube-prometheus", "monitoring", "watchers"),
];

/// What a namespace gets from its cluster, and no backup brings.
const MADE_BY_CLUSTER: [&str; 4] = [
    "configmaps",
    "endpoints",
    "endpointslices.discovery.k8s.io",
    "pods",
];

/// Where an altered field is not found: the checker's list of what may differ, written down a second time.
const FREE: [&str; 7] = [
    "/metadata/uid",
    "/metadata/resourceVersion",
    "/metadata/creationTimestamp",
    "/metadata/generation",
    "/metadata/managedFields",
    "/metadata/ownerReferences",
    "/status",
];

fn spec(name: &str, namespace: &str) -> BackupSpec {
    let spec = BackupSpec::named(name).with_namespace(namespace);
    match namespace {
        // Its definitions, roles and aggregated API are cluster-scoped.
        "monitoring" => spec.with_cluster_scoped(ClusterScope::Include),
        "cassandra" => spec
            .with_resource("*")
            .with_resource("storageclasses.storage.k8s.io"),
        _ => spec,
    }
}

#[tokio::test]
async fn applications_move_into_other_namespaces_of_another_cluster() {
    let source = Cluster::start().await;
    for (file, namespace, _) in APPLICATIONS {
        source.make_namespace(namespace).await;
        source.apply(&application(file, namespace)).await;
    }
    let (_server, vault) = bucket().await;
    let mut backups = Vec::new();
    for (_, namespace, copy) in APPLICATIONS {
        let spec = spec(namespace, namespace);
        let (backup, census) = back_up_at_rest(&source, &vault, &spec, &[namespace]).await;
        let proof = backup.verify(VerifyLevel::Objects).await.unwrap();
        assert!(proof.is_sound(), "{proof}");
        let stored = stored(&backup).await;
        assert_whole(&backup, &stored, &census).await;
        assert!(stored.len() > 5, "{namespace}: {}", stored.len());
        backups.push((backup, namespace, copy, stored));
    }
    source.plane.stop().await;

    let target = Cluster::start().await;
    for (backup, namespace, copy, mut stored) in backups {
        let spec = RestoreSpec::from_backup(backup.name()).with_namespace_mapping(namespace, copy);
        let report = target.restore(&vault, &spec).await;
        // Pods of a ReplicaSet that is restored are made by it, under other names.
        let all = stored.len();
        stored.retain(|id, _| !id.starts_with("pods/"));
        assert_eq!(
            report.count(ObjectOutcome::Skipped),
            (all - stored.len()) as u64,
            "{report}"
        );
        // Nobody answers for an aggregated API here: it is not registered, and all the rest is there.
        let all = stored.len();
        stored.retain(|id, _| !id.starts_with("apiservices."));
        let silent = all - stored.len();
        assert_eq!(silent, usize::from(namespace == "monitoring"));
        assert_eq!(
            report.count(ObjectOutcome::NotReady),
            silent as u64,
            "{report}"
        );
        assert_eq!(report.errors.len(), silent as u64, "{report}");
        let outcomes = [
            ObjectOutcome::Created,
            ObjectOutcome::Existed,
            ObjectOutcome::Unchanged,
            ObjectOutcome::Updated,
        ];
        let outcomes: u64 = outcomes.map(|outcome| report.count(outcome)).iter().sum();
        assert_eq!(outcomes, stored.len() as u64, "{report}");
        let comparison = Comparison::new([(namespace, copy)]);
        assert_equal(&target, &stored, &comparison).await;
        assert_nothing_else(&target, &stored, namespace, copy).await;
        alter_each_field(&target, &stored, &comparison).await;
    }
}

/// The target's controllers found their objects and made no others.
async fn assert_nothing_else(target: &Cluster, stored: &Stored, namespace: &str, copy: &str) {
    let (from, to) = (format!("/{copy}"), format!("/{namespace}"));
    for id in target.census(&[copy]).await.into_keys() {
        let kind = id.split('/').next().unwrap();
        let namespaced = id.contains(&format!("{from}/")) || id == format!("namespaces{from}");
        let known = stored.contains_key(&id.replacen(&from, &to, 1));
        assert!(
            !namespaced || known || MADE_BY_CLUSTER.contains(&kind) || kind.starts_with("events"),
            "{id} is there and was not stored"
        );
    }
}

/// The checker that found no difference finds every one that is made: each field is altered, one at a time.
async fn alter_each_field(target: &Cluster, stored: &Stored, comparison: &Comparison) {
    let mut found_at = BTreeSet::new();
    for (id, found, there) in pairs(target, stored, comparison).await {
        let there = there.unwrap();
        let leaves = leaves(&there);
        // A definition has tens of thousands: some of them will do.
        let step = leaves.len() / 150 + 1;
        for leaf in leaves.iter().step_by(step) {
            let bad = altered(&there, leaf, Some(Tree::from("altered"))).unwrap();
            let differences = comparison.compare(&found.resource, &found.tree, &bad);
            if FREE.iter().any(|free| leaf.starts_with(free)) {
                continue;
            }
            let at: Vec<&str> = differences
                .iter()
                .map(|found| found.pointer.as_str())
                .collect();
            assert_eq!(at, [leaf], "{id}");
            found_at.insert(format!("{id}{leaf}"));
        }
    }
    assert!(found_at.len() > 150, "{}", found_at.len());
}

#[tokio::test]
async fn a_field_that_is_altered_in_the_target_is_named() {
    let (source, cluster) = tokio::join!(Cluster::start(), Cluster::start());
    source.make_namespace("guestbook").await;
    source
        .apply(&application("guestbook.yaml", "guestbook"))
        .await;
    let (_server, vault) = bucket().await;
    let spec = BackupSpec::named("guestbook")
        .with_namespace("guestbook")
        .with_resource("services")
        .with_resource("deployments");
    let (backup, _) = back_up_at_rest(&source, &vault, &spec, &["guestbook"]).await;
    let stored = stored(&backup).await;
    let spec = RestoreSpec::from_backup("guestbook").with_namespace_mapping("guestbook", "copy");
    cluster
        .restore(&vault, &spec)
        .await
        .require_complete()
        .unwrap();
    let comparison = Comparison::new([("guestbook", "copy")]);
    assert_equal(&cluster, &stored, &comparison).await;
    let service = "/api/v1/namespaces/copy/services/frontend";
    let deployment = "/apis/apps/v1/namespaces/copy/deployments/frontend";
    for (path, patch, damaged) in [
        (
            service,
            r#"{"metadata":{"labels":{"tier":"altered"}}}"#,
            "services/guestbook/frontend /metadata/labels/tier",
        ),
        (
            service,
            r#"{"metadata":{"annotations":{"a":"b"}}}"#,
            "services/guestbook/frontend /metadata/annotations/a",
        ),
        (
            deployment,
            r#"{"spec":{"paused":true}}"#,
            "deployments.apps/guestbook/frontend /spec/paused",
        ),
    ] {
        cluster.call("PATCH", path, patch).await;
        let damage = damage(&cluster, &stored, &comparison).await;
        assert!(
            damage.iter().any(|line| line.starts_with(damaged)),
            "{damaged}: {damage:?}"
        );
    }
    cluster.call("DELETE", service, "").await;
    let damage = damage(&cluster, &stored, &comparison).await;
    assert!(
        damage.contains(&"services/guestbook/frontend is missing".to_owned()),
        "{damage:?}"
    );
}

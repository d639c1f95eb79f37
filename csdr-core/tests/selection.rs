//! What a spec selects, on the parts in memory: filters, what objects need, explanations, and the same of a restore.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use csdr_core::{
    ErrorKind, Result,
    backup::{Backup, BackupPlan, BackupReport},
    memory::{Deny, MemoryCluster, MemoryHooks, MemoryVault},
    model::ObjectId,
    port::ResourceTarget,
    report::{Outcome, RunOptions},
    restore::{Restore, selected},
    select::{LeftOut, LeftOutReason},
    spec::{BackupSpec, FieldMask, NameFilter, NamespaceFilter, RestoreSpec},
    vault::Vault,
};
use futures::TryStreamExt;
use std::collections::BTreeSet;

const SHOP: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: tea}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: other, labels: {team: coffee}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: private, labels: {team: tea, velero.io/exclude-from-backup: 'true'}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: prices, namespace: shop, labels: {app: shop}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: hours, namespace: shop, labels: {app: hours}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: scratch, namespace: shop, labels: {csdr.alibabacloud.com/exclude-from-backup: 'true', app: shop}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: kept, namespace: shop, labels: {velero.io/exclude-from-backup: 'yes'}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: prices, namespace: other, labels: {app: shop}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: prices, namespace: private}}
---
{apiVersion: v1, kind: Secret, metadata: {name: key, namespace: shop, annotations: {kubectl.kubernetes.io/last-applied-configuration: 'Y2FuYXJ5'}}, data: {a: Y2FuYXJ5, b: Y2FuYXJ5}}
---
{apiVersion: v1, kind: Secret, metadata: {name: oss, namespace: shop}, data: {k: eA==}}
---
{apiVersion: v1, kind: Secret, metadata: {name: oss, namespace: other}, data: {k: eA==}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: web, namespace: shop}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: shop}}
spec:
  serviceAccountName: web
  priorityClassName: high
  containers: [{name: web, image: 'example.invalid/web:1'}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
---
apiVersion: v1
kind: Pod
metadata: {name: idle, namespace: shop, labels: {app: idle}}
spec:
  containers: [{name: web, image: 'example.invalid/web:1'}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: spare}}]
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data, namespace: shop}, spec: {volumeName: pv-data, storageClassName: fast, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: spare, namespace: shop}, spec: {volumeName: pv-spare, storageClassName: fast, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
---
{apiVersion: v1, kind: PersistentVolume, metadata: {name: pv-data}, spec: {storageClassName: fast, accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}, csi: {driver: oss, volumeHandle: a, nodePublishSecretRef: {name: oss, namespace: shop}}}}
---
{apiVersion: v1, kind: PersistentVolume, metadata: {name: pv-spare}, spec: {storageClassName: fast, accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}, csi: {driver: oss, volumeHandle: b, nodePublishSecretRef: {name: oss, namespace: other}}}}
---
{apiVersion: v1, kind: PersistentVolume, metadata: {name: pv-unused}, spec: {storageClassName: fast, accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}, csi: {driver: oss, volumeHandle: c}}}
---
{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: fast}, provisioner: oss}
---
{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: high}, value: 1000}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: reader}, rules: []}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: unused}, rules: []}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: web-reads}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}, subjects: [{kind: ServiceAccount, name: web, namespace: shop}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: strangers}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: unused}, subjects: [{kind: ServiceAccount, name: web, namespace: other}]}
";

fn cluster() -> MemoryCluster {
    let cluster = MemoryCluster::new();
    cluster.load_yaml(SHOP).unwrap();
    cluster
}

struct Done {
    plan: BackupPlan,
    report: BackupReport,
    ids: Vec<String>,
    left_out: Vec<LeftOut>,
    vault: Vault,
}

async fn run(cluster: &MemoryCluster, spec: &BackupSpec) -> Result<Done> {
    let vault = Vault::create(MemoryVault::new()).await?;
    let backup = Backup::new(cluster.clone(), vault.clone());
    let plan = backup.plan(spec).await?;
    let report = backup.run(plan.clone(), &RunOptions::default()).await?;
    let stored = vault.backup(&spec.name).await?;
    let rows: Vec<_> = stored.rows().try_collect().await?;
    let ids: BTreeSet<String> = rows.iter().map(|row| row.id.to_string()).collect();
    let left_out = stored.left_out().try_collect().await?;
    Ok(Done {
        plan,
        report,
        ids: ids.into_iter().collect(),
        left_out,
        vault,
    })
}

fn spec(yaml: &str) -> BackupSpec {
    BackupSpec::from_yaml(&format!("{{name: one, {yaml}}}")).unwrap()
}

/// The ids of some kinds.
fn of<'a>(ids: &'a [String], kinds: &[&str]) -> Vec<&'a str> {
    ids.iter()
        .map(String::as_str)
        .filter(|id| kinds.contains(&id.split('/').next().unwrap()))
        .collect()
}

#[tokio::test]
async fn velero_2_2_filters_choose_objects() {
    let cluster = cluster();
    for (yaml, expected) in [
        (
            "includedResources: [cm], orLabelSelectors: [{matchLabels: {app: shop}}, {matchLabels: {app: hours}}]",
            "other/prices shop/hours shop/prices",
        ),
        (
            "includedResources: [cm], orLabelSelectors: [{matchLabels: {app: hours}}, {matchExpressions: [{key: velero.io/exclude-from-backup, operator: Exists}]}]",
            "shop/hours shop/kept",
        ),
        (
            "includedResources: [cm], namespaceSelector: {matchLabels: {team: coffee}}",
            "other/prices",
        ),
        (
            "includedResources: [cm], namespaceSelector: {matchLabels: {team: tea}}",
            "shop/hours shop/kept shop/prices",
        ),
        (
            "includedResources: [cm], names: [{resource: cm, included: ['p*', 'h*'], excluded: [hours]}]",
            "other/prices shop/prices",
        ),
        (
            "includedNamespaces: [shop, other], includedResources: [secrets], namespaceFilters: [{namespaces: ['sh*'], includedResources: [configmaps], labelSelector: {matchLabels: {app: hours}}}]",
            "shop/hours",
        ),
        (
            "includedNamespaceScopedResources: [configmaps], includedNamespaces: [other]",
            "other/prices",
        ),
    ] {
        let done = run(&cluster, &spec(yaml)).await.unwrap();
        assert_eq!(done.report.outcome, Outcome::Completed, "{}", done.report);
        let found = of(&done.ids, &["configmaps"])
            .join(" ")
            .replace("configmaps/", "");
        assert_eq!(found, expected, "{yaml}\n{}", done.plan);
        let (planned, exact) = done.plan.objects();
        // Under a selector of its own a server does not say how many follow; csdr counts where it must look at objects itself.
        assert_eq!(
            exact,
            !yaml.contains("labelSelector"),
            "{yaml}\n{}",
            done.plan
        );
        assert!(
            !exact || planned >= done.report.objects,
            "{yaml}\n{}",
            done.plan
        );
    }
}

#[tokio::test]
async fn velero_2_4_labels_leave_objects_and_namespaces_out_with_a_reason() {
    let done = run(&cluster(), &spec("includedResources: [configmaps]"))
        .await
        .unwrap();
    assert_eq!(
        of(&done.ids, &["configmaps", "namespaces"]),
        [
            "configmaps/other/prices",
            "configmaps/shop/hours",
            "configmaps/shop/kept",
            "configmaps/shop/prices",
            "namespaces/default",
            "namespaces/other",
            "namespaces/shop",
        ]
    );
    let opted: Vec<String> = done
        .left_out
        .iter()
        .filter(|left| left.reason == LeftOutReason::OptedOut)
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        opted,
        [
            "namespace private: labelled to be left out of backups (label velero.io/exclude-from-backup)",
            "configmaps/shop/scratch: labelled to be left out of backups (label csdr.alibabacloud.com/exclude-from-backup)",
        ]
    );
    // Naming it does not help: its owner has said so.
    let error = run(&cluster(), &spec("includedNamespaces: [private]"))
        .await
        .map(|_| ())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn r196_a_list_of_namespaces_that_are_all_gone_fails() {
    for (yaml, advice) in [
        ("includedNamespaces: [shopp]", "did you mean shop?"),
        ("includedNamespaces: [gone, lost]", "included namespaces"),
        ("excludedNamespaces: [gone]", "excluded namespaces"),
    ] {
        let error = run(&cluster(), &spec(yaml)).await.map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{yaml}");
        let text = error.to_string();
        assert!(
            text.contains("get target namespace failed") && text.contains(advice),
            "{text}"
        );
    }
    for yaml in [
        "includedNamespaces: [gone, shop]",
        "includedNamespaces: ['gone*', shop]",
        "excludedNamespaces: [gone, shop]",
        "excludedNamespaces: ['gone*']",
        "includedNamespaces: [shop], excludedNamespaces: [gone]",
    ] {
        let done = run(&cluster(), &spec(yaml)).await.unwrap();
        assert_eq!(done.report.outcome, Outcome::Completed, "{yaml}");
    }
}

#[tokio::test]
async fn a_name_that_means_nothing_is_a_warning_with_advice() {
    let yaml = "includedNamespaces: [shop, othr], includedResources: [configmapz, cm, pods], excludedResources: [secretz],
        names: [{resource: cm, included: [prises]}, {resource: podz, included: [web]}],
        namespaceFilters: [{namespaces: [shopp], includedResources: [cm, pods]}],
        orderedResources: {pods: [shop/web, shop/gone]}, maskedFields: [{resource: sekrets, fields: [/data]}]";
    let vault = Vault::create(MemoryVault::new()).await.unwrap();
    let plan = Backup::new(cluster(), vault)
        .plan(&spec(yaml))
        .await
        .unwrap();
    let text = plan.warnings.join("\n");
    for warning in [
        "namespace othr is named, but does not exist; did you mean other?",
        "resource configmapz is named, but the source does not serve it; did you mean configmap?",
        "resource secretz is named, but the source does not serve it; did you mean secret?",
        "resource podz is named, but the source does not serve it; did you mean pod?",
        "resource sekrets is named, but the source does not serve it; did you mean secrets?",
        "configmaps/prises is named, but does not exist; did you mean prices?",
        "no namespace exists for the filter of shopp; did you mean shop?",
        "pods/shop/gone is ordered, but the plan does not take such an object",
    ] {
        assert!(text.contains(warning), "{warning}\n{text}");
    }
}

const RELATED: [&str; 8] = [
    "persistentvolumeclaims",
    "persistentvolumes",
    "storageclasses.storage.k8s.io",
    "priorityclasses.scheduling.k8s.io",
    "serviceaccounts",
    "clusterrolebindings.rbac.authorization.k8s.io",
    "clusterroles.rbac.authorization.k8s.io",
    "secrets",
];

#[tokio::test]
async fn velero_2_6_r163_what_selected_objects_need_comes_along() {
    let everything = [
        "clusterrolebindings.rbac.authorization.k8s.io/web-reads",
        "clusterroles.rbac.authorization.k8s.io/reader",
    ];
    // A namespace: its cluster-scoped objects.
    let done = run(&cluster(), &spec("includedNamespaces: [shop]"))
        .await
        .unwrap();
    let mut expected = everything.to_vec();
    expected.extend([
        "persistentvolumeclaims/shop/data",
        "persistentvolumeclaims/shop/spare",
        "persistentvolumes/pv-data",
        "persistentvolumes/pv-spare",
        "priorityclasses.scheduling.k8s.io/high",
        "secrets/shop/key",
        "secrets/shop/oss",
        "serviceaccounts/shop/default",
        "serviceaccounts/shop/web",
        "storageclasses.storage.k8s.io/fast",
    ]);
    assert_eq!(of(&done.ids, &RELATED), expected, "{}", done.plan);
    assert_eq!(done.report.outcome, Outcome::Completed, "{}", done.report);
    assert_eq!(done.report.related, 6, "{}", done.report);
    let text = done.plan.to_string();
    assert!(
        text.contains("2  persistentvolumes (needed by claims)"),
        "{text}"
    );
    // The Secret of another namespace that a volume names is outside, and that is said.
    assert!(text.contains("1 secrets that captured objects need: excluded by the spec (secrets/other/oss by persistentvolumes/pv-spare; its namespace is not selected)"), "{text}");

    // Labels: only what hangs on the labelled objects.
    let done = run(
        &cluster(),
        &spec("labelSelector: {matchLabels: {app: shop}}"),
    )
    .await
    .unwrap();
    let mut expected = everything.to_vec();
    expected.extend([
        "persistentvolumeclaims/shop/data",
        "persistentvolumes/pv-data",
        "priorityclasses.scheduling.k8s.io/high",
        "secrets/shop/oss",
        "serviceaccounts/shop/web",
        "storageclasses.storage.k8s.io/fast",
    ]);
    assert_eq!(of(&done.ids, &RELATED), expected, "{}", done.plan);
    assert_eq!(
        of(&done.ids, &["configmaps", "pods"]),
        [
            "configmaps/other/prices",
            "configmaps/shop/prices",
            "pods/shop/web"
        ]
    );
    let blocks: Vec<Vec<String>> = done
        .plan
        .blocks
        .iter()
        .map(|block| block.items.iter().map(ToString::to_string).collect())
        .collect();
    assert_eq!(
        blocks,
        [[
            "persistentvolumeclaims/shop/data",
            "persistentvolumes/pv-data",
            "pods/shop/web"
        ]]
    );

    // The filters keep the last word.
    for (yaml, absent) in [
        (
            "includedNamespaces: [shop], excludedResources: [pvc, pv]",
            "persistentvolumes",
        ),
        (
            "includedNamespaces: [shop], excludedResources: [pvc, pv]",
            "persistentvolumeclaims",
        ),
        (
            "includedNamespaces: [shop], clusterScoped: exclude",
            "persistentvolumes",
        ),
        (
            "includedNamespaces: [shop], excludedClusterScopedResources: ['*']",
            "clusterroles.rbac.authorization.k8s.io",
        ),
        (
            "includedNamespaces: [shop], includedResources: [pods]",
            "persistentvolumeclaims",
        ),
    ] {
        let done = run(&cluster(), &spec(yaml)).await.unwrap();
        assert!(
            of(&done.ids, &[absent]).is_empty(),
            "{yaml}: {:?}",
            done.ids
        );
        assert_eq!(done.report.outcome, Outcome::Completed, "{yaml}");
    }
}

#[tokio::test]
async fn what_is_named_and_not_there_or_may_not_be_read_is_recorded() {
    let cluster = MemoryCluster::new();
    cluster
        .load_yaml(
            "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a, namespace: shop}, spec: {volumeName: gone, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}",
        )
        .unwrap();
    let done = run(&cluster, &spec("includedNamespaces: [shop]"))
        .await
        .unwrap();
    let missing: Vec<String> = done.left_out.iter().map(ToString::to_string).collect();
    assert!(
        missing.contains(&"persistentvolumes/gone: named by a captured object, but not there (needed by persistentvolumeclaims/shop/a)".to_owned()),
        "{missing:?}"
    );
    assert_eq!(done.report.outcome, Outcome::Completed);
    cluster.load_yaml("{apiVersion: v1, kind: PersistentVolume, metadata: {name: gone}, spec: {accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}, csi: {driver: a, volumeHandle: b}}}").unwrap();
    cluster.deny(Deny {
        verbs: vec!["get".to_owned()],
        resource: Some("persistentvolumes".parse().unwrap()),
        namespace: None,
    });
    let done = run(&cluster, &spec("includedNamespaces: [shop]"))
        .await
        .unwrap();
    let left = done
        .left_out
        .iter()
        .find(|left| left.what == "persistentvolumes/gone")
        .unwrap();
    assert_eq!(left.reason, LeftOutReason::Forbidden);
    assert!(
        left.reason.is_gap()
            && left
                .detail
                .contains("needed by persistentvolumeclaims/shop/a"),
        "{left}"
    );
}

#[tokio::test]
async fn ordered_resources_make_the_first_blocks_and_leave_the_archive_alone() {
    let yaml = "orderedResources: {pods: [shop/web, shop/idle]}";
    let done = run(&cluster(), &spec(yaml)).await.unwrap();
    let first: Vec<String> = done
        .plan
        .blocks
        .iter()
        .map(|block| block.items.first().unwrap().to_string())
        .collect();
    assert_eq!(first, ["pods/shop/web", "pods/shop/idle"]);
    let plain = run(&cluster(), &spec("")).await.unwrap();
    assert!(plain.plan.blocks.is_empty());
    assert_eq!(done.ids, plain.ids);
}

#[tokio::test]
async fn velero_2_5_hooks_run_in_the_order_of_the_spec() {
    let pod = |name: &str| {
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, namespace: shop, annotations: {{pre.hook.backup.velero.io/command: 'true'}}}}, spec: {{containers: [{{name: db, image: 'example.invalid/db:1'}}]}}, status: {{phase: Running}}}}"
        )
    };
    let cluster = MemoryCluster::new();
    let yaml = ["a", "b", "c"].map(pod).join("\n---\n");
    let namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}";
    cluster
        .load_yaml(&format!("{namespace}\n---\n{yaml}"))
        .unwrap();
    let vault = Vault::create(MemoryVault::new()).await.unwrap();
    let backup = Backup::new(cluster.clone(), vault).with_hooks(MemoryHooks::new(cluster));
    for (yaml, expected) in [
        ("includedNamespaces: [shop]", "a b c"),
        (
            "includedNamespaces: [shop], orderedResources: {po: [shop/c, shop/a]}",
            "c a b",
        ),
    ] {
        let plan = backup.plan(&spec(yaml)).await.unwrap();
        let pods = plan.hooks.iter().flat_map(|block| &block.pods);
        let names: Vec<&str> = pods.map(|pod| pod.name.as_str()).collect();
        assert_eq!(names.join(" "), expected, "{yaml}\n{plan}");
    }
}

#[tokio::test]
async fn masked_fields_are_not_stored_and_the_restore_says_so() {
    let masks =
        spec("includedNamespaces: [shop]").with_masked_field(FieldMask::of("secret", "/data"));
    let done = run(&cluster(), &masks).await.unwrap();
    assert_eq!(done.report.left_out[&LeftOutReason::Masked], 2);
    let stored = done.vault.backup("one").await.unwrap();
    let object = stored
        .object(&"secrets/shop/key".parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert!(!object.text().contains("Y2FuYXJ5"), "{}", object.text());
    assert!(
        object.text().contains(r#""data":{"a":"","b":""}"#),
        "{}",
        object.text()
    );
    let target = MemoryCluster::new();
    let restore = Restore::new(done.vault, target.clone(), target);
    let plan = restore
        .plan(&RestoreSpec::from_backup("one").with_resource("secrets"))
        .await
        .unwrap();
    let text = plan.to_string();
    assert!(text.contains("secrets/shop/key: fields of it are masked (/data emptied, kubectl's last-applied annotation removed)"), "{text}");
}

#[tokio::test]
async fn explanations_name_the_rule() {
    let cluster = cluster();
    let vault = Vault::create(MemoryVault::new()).await.unwrap();
    let backup = Backup::new(cluster, vault);
    let yaml = "includedNamespaces: [shop, private], excludedResources: [secrets], labelSelector: {matchLabels: {app: shop}}, names: [{resource: pods, excluded: [web]}]";
    let plan = backup.plan(&spec(yaml)).await.unwrap();
    for (id, expected) in [
        (
            "configmaps/shop/prices",
            "in: namespace shop and configmaps are selected, and its labels and name match",
        ),
        (
            "configmaps/shop/hours",
            "out: its labels do not match the selector",
        ),
        (
            "configmaps/shop/scratch",
            "out: labelled to be left out of backups (label csdr.alibabacloud.com/exclude-from-backup)",
        ),
        (
            "configmaps/shop/none",
            "out: it does not exist in the source",
        ),
        (
            "configmaps/other/prices",
            "out: namespace other: not selected, or it does not exist, or nothing in it is selected",
        ),
        (
            "configmaps/private/prices",
            "out: namespace private: labelled to be left out of backups (label velero.io/exclude-from-backup)",
        ),
        ("pods/shop/web", "out: its name is not asked for"),
        ("secrets/shop/key", "out: secrets: excluded by the spec"),
        (
            "events/shop/x",
            "out: events: a cluster makes these itself (a record of what happened, gone after an hour)",
        ),
        (
            "persistentvolumes/pv-data",
            "out: persistentvolumes: cluster-scoped, and the spec does not take those; no captured object needs this one",
        ),
        (
            "namespaces/shop",
            "in: namespaces are selected, and its labels and name match",
        ),
        (
            "widgets.shop.io/shop/x",
            "out: widgets.shop.io: the source does not serve such a resource",
        ),
    ] {
        let said = backup.explain(&plan, &id.parse().unwrap()).await.unwrap();
        assert_eq!(said.to_string(), format!("{id}: {expected}"));
    }
    let plan = backup
        .plan(&spec("includedNamespaces: [shop]"))
        .await
        .unwrap();
    let said = backup
        .explain(&plan, &"persistentvolumes/pv-data".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(
        said.to_string(),
        "persistentvolumes/pv-data: in: needed by persistentvolumeclaims/shop/data (claims)"
    );
}

#[tokio::test]
async fn a_stored_backup_explains_itself() {
    let yaml = "includedNamespaces: [shop, private], excludedResources: [configmaps], maskedFields: [{resource: secrets, fields: [/data], names: [key]}]";
    let done = run(&cluster(), &spec(yaml)).await.unwrap();
    let stored = done.vault.backup("one").await.unwrap();
    for (id, expected) in [
        ("pods/shop/web", "in: namespace shop and pods are selected"),
        (
            "secrets/shop/key",
            "in: namespace shop and secrets are selected; masked: /data emptied, kubectl's last-applied annotation removed",
        ),
        (
            "persistentvolumes/pv-data",
            "in: needed by persistentvolumeclaims/shop/data (claims)",
        ),
        (
            "configmaps/shop/prices",
            "out: configmaps: excluded by the spec",
        ),
        (
            "secrets/private/x",
            "out: namespace private: labelled to be left out of backups (label velero.io/exclude-from-backup)",
        ),
        (
            "persistentvolumes/pv-unused",
            "out: the filters did not select it, or it did not exist at that time",
        ),
    ] {
        let said = stored.explain(&id.parse().unwrap()).await.unwrap();
        assert_eq!(said.to_string(), format!("{id}: {expected}"));
    }
}

async fn restored(vault: &Vault, spec: &RestoreSpec) -> Vec<String> {
    let target = MemoryCluster::new();
    let discovery = ResourceTarget::discover(&target).await.unwrap();
    let stored = vault.backup("one").await.unwrap();
    let ids = selected(&stored, spec, &discovery).await.unwrap();
    let restore = Restore::new(vault.clone(), target.clone(), target);
    let plan = restore.plan(spec).await.unwrap();
    let planned: BTreeSet<ObjectId> = plan.rows().map(|row| row.source).collect();
    assert_eq!(planned, ids);
    ids.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_restore_selects_by_the_same_filters() {
    let done = run(&cluster(), &spec("")).await.unwrap();
    let one = || RestoreSpec::from_backup("one");
    for (spec, expected) in [
        (
            one()
                .with_resource("configmaps")
                .with_or_selector("app=shop".parse().unwrap())
                .with_or_selector("app=hours".parse().unwrap()),
            "configmaps/other/prices configmaps/shop/hours configmaps/shop/prices namespaces/other namespaces/shop",
        ),
        (
            one()
                .with_resource("cm")
                .with_names(NameFilter::of("configmaps").with_name("h*")),
            "configmaps/shop/hours namespaces/shop",
        ),
        (
            one()
                .with_namespace("shop")
                .with_namespace("other")
                .with_resource("secrets")
                .with_namespace_filter(
                    NamespaceFilter::of("shop").with_resource("serviceaccounts"),
                ),
            "namespaces/other namespaces/shop secrets/other/oss serviceaccounts/shop/default serviceaccounts/shop/web",
        ),
    ] {
        assert_eq!(restored(&done.vault, &spec).await.join(" "), expected);
    }
}

#[tokio::test]
async fn a_restore_of_one_object_brings_all_that_it_needs() {
    let done = run(&cluster(), &spec("")).await.unwrap();
    let spec = RestoreSpec::from_backup("one").with_roots(["pods/shop/web".parse().unwrap()]);
    let expected = [
        "clusterrolebindings.rbac.authorization.k8s.io/web-reads",
        "clusterroles.rbac.authorization.k8s.io/reader",
        "namespaces/shop",
        "persistentvolumeclaims/shop/data",
        "persistentvolumes/pv-data",
        "pods/shop/web",
        "priorityclasses.scheduling.k8s.io/high",
        "secrets/shop/oss",
        "serviceaccounts/shop/web",
        "storageclasses.storage.k8s.io/fast",
    ];
    assert_eq!(restored(&done.vault, &spec).await, expected);
    let spec = spec.without_resource("pv");
    let without: Vec<&str> = expected
        .iter()
        .copied()
        .filter(|id| !id.starts_with("persistentvolumes/"))
        .collect();
    assert_eq!(restored(&done.vault, &spec).await, without);
    let target = MemoryCluster::new();
    let restore = Restore::new(done.vault, target.clone(), target);
    let spec = RestoreSpec::from_backup("one").with_roots(["pods/shop/webb".parse().unwrap()]);
    let error = restore.plan(&spec).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error.to_string().contains("did you mean pods/shop/web?"),
        "{error}"
    );
}

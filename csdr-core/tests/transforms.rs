//! What a restore makes of objects on their way: the plan says it, the run does it, and the target has it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use csdr_core::{
    Result,
    backup::Backup,
    memory::{MemoryCluster, MemoryVault},
    model::{Object, ObjectId, Tree},
    port::Transform,
    report::{Outcome, RunOptions},
    restore::{Action, ObjectOutcome, Restore, RestorePlan, RestoreReport},
    spec::{BackupSpec, ClusterScope, RestoreSpec, StatusRestore},
    transform::{TransformItem, Verdict},
    vault::Vault,
};

/// A vault with one backup, `all`, of a cluster with these manifests.
async fn stored(yaml: &str) -> (MemoryCluster, Vault) {
    let source = MemoryCluster::new();
    source.load_yaml(yaml).unwrap();
    let vault = Vault::create(MemoryVault::new()).await.unwrap();
    let backup = Backup::new(source.clone(), vault.clone());
    let spec = BackupSpec {
        cluster_scoped: ClusterScope::Include,
        ..BackupSpec::named("all")
    };
    let plan = backup.plan(&spec).await.unwrap();
    let report = backup.run(plan, &RunOptions::default()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    (source, vault)
}

/// Plans and runs; what the plan says of a row is what the report says.
async fn restored(
    vault: &Vault,
    target: &MemoryCluster,
    spec: &RestoreSpec,
) -> (RestorePlan, RestoreReport) {
    let restore = Restore::new(vault.clone(), target.clone(), target.clone());
    let plan = restore.plan(spec).await.unwrap();
    let report = restore
        .run(plan.clone(), &RunOptions::default())
        .await
        .unwrap();
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    for row in plan.rows().filter(|row| row.action == Action::Create) {
        assert!(
            target.object(&row.target).is_some(),
            "{}\n{plan}\n{report}",
            row.target
        );
    }
    assert_eq!(
        report.count(ObjectOutcome::Skipped),
        plan.count(Action::Skip),
        "{plan}\n{report}"
    );
    (plan, report)
}

fn tree(cluster: &MemoryCluster, id: &str) -> Tree {
    let object: Option<Object> = cluster.object(&id.parse::<ObjectId>().unwrap());
    object
        .unwrap_or_else(|| panic!("{id} is not there"))
        .tree()
        .unwrap()
}

fn exists(cluster: &MemoryCluster, id: &str) -> bool {
    cluster.object(&id.parse().unwrap()).is_some()
}

fn text(tree: &Tree, path: &[&str]) -> String {
    tree.at(path).map(ToString::to_string).unwrap_or_default()
}

#[tokio::test]
async fn velero_3_4_kinds_that_are_not_restored_are_rows_that_say_so() {
    let yaml = "
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web-1, namespace: shop}, spec: {replicas: 1, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: i}]}}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web-1-a, namespace: shop, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-1, uid: u-1, controller: true}]}, spec: {nodeName: x, containers: [{name: c, image: i}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: alone, namespace: shop}, spec: {nodeName: x, containers: [{name: c, image: i}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: static, namespace: shop, annotations: {kubernetes.io/config.mirror: m}}, spec: {nodeName: x, containers: [{name: c, image: i}]}}
---
{apiVersion: batch/v1, kind: Job, metadata: {name: done, namespace: shop}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}, status: {completionTime: '2024-01-01T00:00:00Z'}}
---
{apiVersion: batch/v1, kind: Job, metadata: {name: failed, namespace: shop}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}, status: {conditions: [{type: Failed, status: 'True'}]}}
---
{apiVersion: batch/v1, kind: Job, metadata: {name: running, namespace: shop}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}
";
    let (_, vault) = stored(yaml).await;
    let target = MemoryCluster::new();
    let spec = RestoreSpec::from_backup("all").with_namespace("shop");
    let (plan, _) = restored(&vault, &target, &spec).await;
    let skipped: Vec<String> = plan
        .rows()
        .filter(|row| row.action == Action::Skip)
        .map(|row| row.source.to_string())
        .collect();
    let expected = [
        "jobs.batch/shop/done",
        "jobs.batch/shop/failed",
        "pods/shop/static",
        "pods/shop/web-1-a",
    ];
    // Whether a mirror pod is backed up at all is the backup's choice.
    let expected = expected
        .iter()
        .filter(|id| skipped.contains(&(**id).to_owned()) || **id != "pods/shop/static");
    assert_eq!(
        skipped.iter().map(String::as_str).collect::<Vec<_>>(),
        expected.copied().collect::<Vec<_>>(),
        "{plan}"
    );
    let text = plan.to_string();
    assert!(
        text.contains("jobs.batch/shop/failed: info: job has ended"),
        "{text}"
    );
    assert!(
        text.contains("pods/shop/web-1-a: info: its ReplicaSet web-1 is restored and makes it"),
        "{text}"
    );
    let restore = Restore::new(vault.clone(), target.clone(), target.clone());
    let owned = restore
        .explain(&plan, &"pods/shop/web-1-a".parse().unwrap())
        .await
        .unwrap();
    assert!(
        owned
            .to_string()
            .contains("not restored: its ReplicaSet web-1 is restored"),
        "{owned}"
    );
    assert!(exists(&target, "pods/shop/alone") && exists(&target, "jobs.batch/shop/running"));
    assert!(!exists(&target, "pods/shop/web-1-a") && !exists(&target, "jobs.batch/shop/done"));
    // Without its controller the pod is restored.
    let alone = MemoryCluster::new();
    let spec = RestoreSpec::from_backup("all")
        .with_name("pods")
        .with_namespace("shop")
        .with_resource("pods");
    restored(&vault, &alone, &spec).await;
    assert!(exists(&alone, "pods/shop/web-1-a"));
}

const VOLUMES: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: other}}
---
{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: disk}, provisioner: diskplugin.csi.alibabacloud.com}
---
{apiVersion: v1, kind: PersistentVolume, metadata: {name: pv-keep}, spec: {persistentVolumeReclaimPolicy: Retain, accessModes: [ReadWriteMany], capacity: {storage: 5Gi}, csi: {driver: nas, volumeHandle: h}, claimRef: {namespace: shop, name: keep, uid: u-1}}}
---
{apiVersion: v1, kind: PersistentVolume, metadata: {name: pv-new}, spec: {persistentVolumeReclaimPolicy: Delete, accessModes: [ReadWriteOnce], capacity: {storage: 5Gi}, csi: {driver: disk, volumeHandle: h}, claimRef: {namespace: shop, name: new, uid: u-2}}}
---
{apiVersion: v1, kind: PersistentVolume, metadata: {name: pv-other}, spec: {persistentVolumeReclaimPolicy: Retain, capacity: {storage: 5Gi}, csi: {driver: nas, volumeHandle: h}, claimRef: {namespace: other, name: far, uid: u-3}}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: keep, namespace: shop, annotations: {pv.kubernetes.io/bind-completed: 'yes'}}, spec: {volumeName: pv-keep, storageClassName: '', accessModes: [ReadWriteMany], resources: {requests: {storage: 5Gi}}}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: new, namespace: shop}, spec: {volumeName: pv-new, storageClassName: disk, accessModes: [ReadWriteMany], resources: {requests: {storage: 5Gi}}}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: far, namespace: other}, spec: {volumeName: pv-other}}
";

#[tokio::test]
async fn velero_3_6_r263_to_r268_volumes_without_data() {
    let (_, vault) = stored(VOLUMES).await;
    let target = MemoryCluster::new();
    target
        .load_yaml("{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: disk}, provisioner: diskplugin.csi.alibabacloud.com}")
        .unwrap();
    let spec = RestoreSpec::from_backup("all").with_namespace("shop");
    let (plan, _) = restored(&vault, &target, &spec).await;
    // A volume comes with its claim; that of another namespace does not.
    let volumes: Vec<_> = plan
        .rows()
        .filter(|row| row.source.resource().resource() == "persistentvolumes")
        .map(|row| (row.source.name().to_owned(), row.action))
        .collect();
    assert_eq!(
        volumes,
        [
            ("pv-keep".to_owned(), Action::Create),
            ("pv-new".to_owned(), Action::Skip)
        ],
        "{plan}"
    );
    let kept = tree(&target, "persistentvolumes/pv-keep");
    assert_eq!(
        text(&kept, &["spec", "claimRef"]),
        r#"{"namespace":"shop","name":"keep"}"#
    );
    let keep = tree(&target, "persistentvolumeclaims/shop/keep");
    assert_eq!(text(&keep, &["spec", "volumeName"]), "\"pv-keep\"");
    assert_eq!(
        text(&keep, &["spec", "resources", "requests", "storage"]),
        "\"5Gi\""
    );
    let new = tree(&target, "persistentvolumeclaims/shop/new");
    assert_eq!(text(&new, &["spec", "volumeName"]), "");
    assert_eq!(
        text(&new, &["spec", "resources", "requests", "storage"]),
        "\"20Gi\""
    );
    assert_eq!(text(&new, &["spec", "accessModes"]), r#"["ReadWriteOnce"]"#);
    let said = plan.to_string();
    for part in [
        "claim shop/new gets a new, empty volume (R264)",
        "a disk has at least 20 GiB (R268)",
        "transformed by: storage classes 1, volumes 2",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
}

#[tokio::test]
async fn velero_3_6_a_copy_beside_its_source_gets_volumes_of_its_own_names() {
    let (source, vault) = stored(VOLUMES).await;
    let spec = RestoreSpec::from_backup("all")
        .with_namespace("shop")
        .with_namespace_mapping("shop", "copy");
    let (plan, _) = restored(&vault, &source, &spec).await;
    let row = plan
        .rows()
        .find(|row| row.source.name() == "pv-keep")
        .unwrap();
    assert_eq!(row.action, Action::Create, "{plan}");
    let name = row.target.name().to_owned();
    assert!(name.starts_with("csdr-clone-"), "{name}");
    let volume = tree(&source, &format!("persistentvolumes/{name}"));
    assert_eq!(
        text(&volume, &["spec", "claimRef"]),
        r#"{"namespace":"copy","name":"keep"}"#
    );
    assert_eq!(
        text(
            &volume,
            &["metadata", "annotations", "velero.io/original-pv-name"]
        ),
        "\"pv-keep\""
    );
    let claim = tree(&source, "persistentvolumeclaims/copy/keep");
    assert_eq!(text(&claim, &["spec", "volumeName"]), format!("\"{name}\""));
    // The same again finds its own volume.
    let restore = Restore::new(vault, source.clone(), source.clone());
    let again = restore.plan(&spec.with_name("again")).await.unwrap();
    let row = again
        .rows()
        .find(|row| row.source.name() == "pv-keep")
        .unwrap();
    assert_eq!(
        (row.target.name(), row.action),
        (name.as_str(), Action::Equal),
        "{again}"
    );
}

const SERVICES: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: Service, metadata: {name: node, namespace: shop}, spec: {type: NodePort, clusterIP: 10.0.0.7, clusterIPs: [10.0.0.7], ports: [{port: 80, nodePort: 30080}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: balanced, namespace: shop, labels: {service.beta.kubernetes.io/hash: h}, annotations: {service.beta.kubernetes.io/alibaba-cloud-loadbalancer-id: lb-1}}, spec: {type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 31000, ports: [{port: 80, nodePort: 30081}]}, status: {loadBalancer: {ingress: [{ip: 1.2.3.4}]}}}
---
{apiVersion: v1, kind: Service, metadata: {name: headless, namespace: shop}, spec: {clusterIP: None}}
";

#[tokio::test]
async fn r269_to_r273_services() {
    let (_, vault) = stored(SERVICES).await;
    let target = MemoryCluster::new();
    let spec = RestoreSpec::from_backup("all").with_namespace("shop");
    let (plan, report) = restored(&vault, &target, &spec).await;
    let node = tree(&target, "services/shop/node");
    assert_eq!(
        text(&node, &["spec"]),
        r#"{"type":"NodePort","ports":[{"port":80,"nodePort":30080}]}"#
    );
    // Whoever made this one set the health check's port: its managedFields say so.
    let balanced = tree(&target, "services/shop/balanced");
    assert_eq!(
        text(&balanced, &["spec"]),
        r#"{"type":"LoadBalancer","externalTrafficPolicy":"Local","healthCheckNodePort":31000,"ports":[{"port":80}]}"#
    );
    let force = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-force-override-listeners";
    assert_eq!(
        text(&balanced, &["metadata", "annotations", force]),
        "\"false\""
    );
    assert_eq!(text(&balanced, &["metadata", "labels"]), "{}");
    let headless = tree(&target, "services/shop/headless");
    assert_eq!(text(&headless, &["spec", "clusterIP"]), "\"None\"");
    let said = plan.to_string();
    assert!(said.contains("transformed by: services 2"), "{said}");
    assert!(said.contains("warning: /metadata/annotations/service.beta.kubernetes.io~1alibaba-cloud-loadbalancer-id: keeps the existing load balancer"), "{said}");
    assert!(report.to_string().contains("R273"), "{report}");
    // With its ports.
    let kept = MemoryCluster::new();
    let spec = spec.with_name("kept").with_preserve_node_ports(true);
    restored(&vault, &kept, &spec).await;
    let balanced = tree(&kept, "services/shop/balanced");
    assert_eq!(text(&balanced, &["spec", "healthCheckNodePort"]), "31000");
    assert_eq!(
        text(&balanced, &["spec", "ports"]),
        r#"[{"port":80,"nodePort":30081}]"#
    );
}

#[tokio::test]
async fn r320_images_and_a_transform_of_the_caller() {
    #[derive(Debug)]
    struct Replicas;
    impl Transform for Replicas {
        fn name(&self) -> &str {
            "replicas"
        }
        fn transform(&self, item: &mut TransformItem<'_>) -> Result<Verdict> {
            if item.kind() == ("", "secrets") {
                return Ok(Verdict::skip("secrets come from elsewhere"));
            }
            if item.kind() == ("apps", "deployments") {
                item.set(&["spec", "replicas"], 0, "started by hand");
            }
            Ok(Verdict::Restore)
        }
    }
    let yaml = "
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: Secret, metadata: {name: key, namespace: shop}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, spec: {replicas: 3, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: 'nginx:1'}, {name: side, image: 'quay.io/side:1'}]}}}}
";
    let (_, vault) = stored(yaml).await;
    let target = MemoryCluster::new();
    let restore = Restore::new(vault, target.clone(), target.clone()).with_transform(Replicas);
    let spec = RestoreSpec::from_backup("all")
        .with_namespace("shop")
        .with_image_registry("docker.io/library/", "r.cn/my/");
    let plan = restore.plan(&spec).await.unwrap();
    let row = plan.rows().find(|row| row.source.name() == "web").unwrap();
    assert_eq!(row.transformed_by, ["images", "replicas"], "{plan}");
    let said = plan.to_string();
    for part in [
        "transformed by: images 1, replicas 1",
        "deployments.apps/shop/web: info: /spec/template/spec/containers/0/image: nginx:1 → r.cn/my/nginx:1",
        "deployments.apps/shop/web: info: /spec/replicas: started by hand",
        "secrets/shop/key: info: secrets come from elsewhere",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    let explained = restore
        .explain(&plan, &"deployments.apps/shop/web".parse().unwrap())
        .await
        .unwrap();
    let steps: Vec<_> = explained
        .steps
        .iter()
        .map(|step| step.name.as_str())
        .collect();
    assert_eq!(
        steps,
        ["server fields", "images", "replicas"],
        "{explained}"
    );
    assert!(
        explained
            .to_string()
            .contains("    - \"nginx:1\"\n    + \"r.cn/my/nginx:1\"\n"),
        "{explained}"
    );
    // A plan goes through JSON, and is the same.
    let json = serde_json::to_string(&plan).unwrap();
    let read: RestorePlan = serde_json::from_str(&json).unwrap();
    assert_eq!(read, plan);
    let report = restore.run(read, &RunOptions::default()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    let web = tree(&target, "deployments.apps/shop/web");
    assert_eq!(text(&web, &["spec", "replicas"]), "0");
    assert!(
        web.to_string()
            .contains(r#""image":"r.cn/my/nginx:1"},{"name":"side","image":"quay.io/side:1""#)
    );
    assert!(!exists(&target, "secrets/shop/key"));
}

const WIDGETS: &str = "
{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: widgets.shop.io}, spec: {group: shop.io, scope: Namespaced, names: {plural: widgets, kind: Widget}, versions: [{name: v1, served: true, storage: true, subresources: {status: {}}, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: shop.io/v1, kind: Widget, metadata: {name: ready, namespace: shop}, status: {phase: Ready}}
---
{apiVersion: shop.io/v1, kind: Widget, metadata: {name: not, namespace: shop, annotations: {velero.io/restore-status: 'false'}}, status: {phase: Ready}}
---
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, status: {phase: Odd}}
---
{apiVersion: v1, kind: Service, metadata: {name: asked, namespace: shop, annotations: {velero.io/restore-status: 'TRUE'}}, status: {phase: Odd}}
";

#[tokio::test]
async fn velero_3_10_status_is_written_after_the_object_where_it_is_asked_for() {
    let (_, vault) = stored(WIDGETS).await;
    let target = MemoryCluster::new();
    let spec = RestoreSpec::from_backup("all").with_status(StatusRestore {
        included_resources: vec!["widgets.shop.io".into()],
        ..StatusRestore::default()
    });
    let (plan, _) = restored(&vault, &target, &spec).await;
    for (id, status) in [
        ("widgets.shop.io/shop/ready", r#"{"phase":"Ready"}"#),
        ("widgets.shop.io/shop/not", ""),
        ("services/shop/asked", r#"{"phase":"Odd"}"#),
    ] {
        assert_eq!(text(&tree(&target, id), &["status"]), status, "{id}");
    }
    let web = tree(&target, "services/shop/web");
    assert!(!web.to_string().contains("Odd"));
    let said = plan.to_string();
    assert!(
        said.contains("widgets  create 2  transformed by: status 1"),
        "{said}"
    );
}

//! Real applications from Kubernetes 1.21 to the present, under other namespaces: what the plan says is what there is afterwards.

use crate::{
    census::Found,
    equality::{AT_ONCE, stored},
    world::{Cluster, PATIENCE, application, bucket, objects},
};
use csdr_core::{
    conversion::{BuiltinConverter, Conversion, TargetApis},
    manifest::ManifestDir,
    model::{Object, Tree},
    port::{ApiVersionConverter, ResourceTarget},
    report::{Limits, Outcome, RunOptions},
    restore::{Action, ObjectOutcome, Restore, RestorePlan, RowView},
    spec::{ApiVersions, BackupSpec, ClusterScope, RestoreSpec},
    vault::Vault,
};
use csdr_k8s::{KubeApplier, KubeTarget};
use csdr_testenv::KubeVersion;
use csdr_testkit::compare::Comparison;
use futures::{StreamExt, stream};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// Beside the boutique, in versions that are gone today.
const OLD: &str = "
apiVersion: extensions/v1beta1
kind: Ingress
metadata: {name: frontend, namespace: boutique}
spec: {rules: [{host: shop.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {serviceName: frontend, servicePort: 80}}]}}]}
---
apiVersion: policy/v1beta1
kind: PodDisruptionBudget
metadata: {name: frontend, namespace: boutique}
spec: {minAvailable: 1, selector: {matchLabels: {app: frontend}}}
---
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: boutique}
spec:
  seLinux: {rule: RunAsAny}
  runAsUser: {rule: RunAsAny}
  fsGroup: {rule: RunAsAny}
  supplementalGroups: {rule: RunAsAny}
";

/// What the old server does not take of the applications.
const NOT_ON_1_21: [&str; 0] = [];

/// What the plan does not restore, and a part of what it says.
const LEFT: [(&str, &str); 1] = [("podsecuritypolicies.policy/boutique", "removed")];

/// Fields that a server of today writes into objects that come without them; no plan knows them.
const NEW_DEFAULTS: [(&str, &str); 1] = [
    // Since 1.22; 1.21 has it behind a gate.
    ("services", "/spec/internalTrafficPolicy"),
];

/// Makes every object through its own endpoint, as a client of that server's time would: fields that it does not know are dropped.
/// Answers what it refused.
async fn make(cluster: &Cluster, manifests: &ManifestDir) -> Vec<String> {
    let mut objects = objects(manifests).await;
    objects.sort_by_key(|object| match object.id().resource().resource() {
        "namespaces" => 0,
        "customresourcedefinitions" => 1,
        _ => 2,
    });
    let mut refused = Vec::new();
    for object in objects {
        let (id, path) = (object.id().to_string(), collection(&object));
        let deadline = Instant::now() + PATIENCE;
        loop {
            let reply = cluster.plane.call("POST", &path, object.text()).await;
            let reply = reply.unwrap();
            match reply.status {
                200 | 201 => break,
                // A kind is served a moment after its definition.
                404 if object.id().resource().group().contains("coreos")
                    && Instant::now() < deadline =>
                {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                status => {
                    refused.push(format!("{id}: {status} {}", reply.body));
                    break;
                }
            }
        }
    }
    refused
}

fn collection(object: &Object) -> String {
    let version = object.resource_version_path();
    let root = match version.group.as_str() {
        "" => format!("/api/{}", version.version),
        group => format!("/apis/{group}/{}", version.version),
    };
    match object.id().namespace() {
        Some(namespace) => format!("{root}/namespaces/{namespace}/{}", version.resource),
        None => format!("{root}/{}", version.resource),
    }
}

#[tokio::test]
async fn applications_move_from_1_21_to_the_present_under_other_namespaces() {
    if let Some(reason) = KubeVersion::V1_21.left_out() {
        eprintln!("left out: {reason}");
        return;
    }
    let (_server, vault) = bucket().await;
    let source = Cluster::version(KubeVersion::V1_21).await;
    let mut refused = Vec::new();
    for (file, namespace) in [
        ("online-boutique.yaml", "boutique"),
        ("kube-prometheus", "monitoring"),
    ] {
        source.make_namespace(namespace).await;
        refused.extend(make(&source, &application(file, namespace)).await);
    }
    assert_eq!(refused, NOT_ON_1_21);
    source.apply_yaml(OLD).await;
    let spec = BackupSpec::named("both")
        .with_namespace("boutique")
        .with_namespace("monitoring")
        .with_cluster_scoped(ClusterScope::Include)
        .with_api_versions(ApiVersions::Preferred);
    let report = source.back_up(&vault, &spec).await;
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    source.plane.stop().await;

    let target = Cluster::start().await;
    let client = target.client().await;
    let reader = KubeTarget::new(client.clone());
    let before = TargetApis::from_discovery(reader.discover().await.unwrap());
    let restore = Restore::new(vault.clone(), reader, KubeApplier::new(client));
    let spec = RestoreSpec::from_backup("both")
        .with_namespace_mapping("boutique", "shop")
        .with_namespace_mapping("monitoring", "watchers")
        .with_cluster_scoped(ClusterScope::Include);
    let plan = restore.plan(&spec).await.unwrap();
    assert_announced(&plan);
    // Nothing runs on these control planes: what waits for a server waits in vain.
    let limits = Limits {
        ready_wait: Duration::from_secs(10),
        ..Limits::default()
    };
    let options = RunOptions::default().with_limits(limits);
    let report = restore.run(plan.clone(), &options).await.unwrap();
    let story = format!("{plan}\n{report}");
    // Nobody answers for the aggregated API of the metrics: it is not registered, and all the rest is there.
    assert_eq!(report.count(ObjectOutcome::NotReady), 1, "{story}");
    assert_eq!(report.errors.len(), 1, "{story}");
    assert_eq!(report.count(ObjectOutcome::Failed), 0, "{story}");
    assert_only_what_was_announced(&target, &vault, &plan, &before).await;
}

/// The plan says what is converted, mapped and left out.
fn assert_announced(plan: &RestorePlan) {
    assert_eq!(plan.count(Action::Blocked), 0, "{plan}");
    let left: Vec<String> = plan
        .rows()
        .filter(|row| row.action == Action::Skip)
        .map(|row| row.source.to_string())
        .collect();
    for (id, said) in LEFT {
        assert!(left.iter().any(|left| left == id), "{id}\n{plan}");
        let mut notes = plan.notes().filter(|(about, _)| about.to_string() == id);
        assert!(
            notes.any(|(_, note)| note.text.contains(said)),
            "{id}\n{plan}"
        );
    }
    let converted: BTreeSet<(String, String)> =
        plan.rows().filter_map(|row| row.conversion).collect();
    let ingress = (
        "extensions/v1beta1".to_owned(),
        "networking.k8s.io/v1".to_owned(),
    );
    let budget = ("policy/v1beta1".to_owned(), "policy/v1".to_owned());
    assert!(
        converted.contains(&ingress) && converted.contains(&budget),
        "{converted:?}\n{plan}"
    );
    for (from, to) in [("boutique", "shop"), ("monitoring", "watchers")] {
        assert!(
            plan.to_string()
                .contains(&format!("namespace {from} → {to}")),
            "{plan}"
        );
        let mapped = |row: &RowView| {
            row.source.namespace() == Some(from) && row.target.namespace() == Some(to)
        };
        assert!(plan.rows().filter(mapped).count() > 10, "{plan}");
    }
}

/// Whether what is there differs from what was stored only where the plan said so, the comparison's list lets it, or the younger server
/// fills something in.
async fn assert_only_what_was_announced(
    target: &Cluster,
    vault: &Vault,
    plan: &RestorePlan,
    before: &TargetApis,
) {
    let backup = vault.backup("both").await.unwrap();
    let stored = stored(&backup).await;
    let comparison = Comparison::new([("boutique", "shop"), ("monitoring", "watchers")]);
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (about, note) in plan.notes() {
        told.entry(about.to_string())
            .or_default()
            .push(note.path.clone());
    }
    let rows: Vec<RowView> = plan
        .rows()
        .filter(|row| row.action == Action::Create)
        .filter(|row| !row.source.to_string().starts_with("apiservices."))
        .collect();
    assert!(rows.len() > 150, "{plan}");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let look = async |row: &RowView| {
            let id = row.source.to_string();
            let announced = told.get(&id).map(Vec::as_slice).unwrap_or_default();
            unannounced(target, row, &stored[&id], announced, &comparison, before).await
        };
        let found: Vec<Vec<String>> = stream::iter(&rows)
            .map(look)
            .buffered(AT_ONCE)
            .collect()
            .await;
        let found = found.concat();
        if found.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "{}", found.join("\n"));
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

async fn unannounced(
    target: &Cluster,
    row: &RowView,
    stored: &Found,
    announced: &[String],
    comparison: &Comparison,
    before: &TargetApis,
) -> Vec<String> {
    let expected = match &row.conversion {
        None => stored.tree.clone(),
        // Its shape is another: the converter's own tests compare it with the server's code.
        Some(_) => {
            let json = stored.tree.to_json();
            let object = Object::parse(stored.resource.clone(), json).unwrap();
            match BuiltinConverter::new().convert(&object, before).unwrap() {
                Conversion::Converted { object, .. } => Tree::parse(object.json()).unwrap(),
                other => panic!("{}: {other:?}", row.source),
            }
        }
    };
    let id = &row.target;
    let api_version = expected.text_at(&["apiVersion"]).unwrap();
    let resource = id.resource().to_string();
    let there = target
        .object(&resource, id.namespace(), id.name(), api_version)
        .await;
    let Some(there) = there else {
        return vec![format!("{id} is missing")];
    };
    let differences = comparison.compare(id.resource(), &expected, &there);
    let is_known = |pointer: &str| {
        let new = NEW_DEFAULTS.iter();
        let mut new = new.filter(|(kind, at)| *kind == resource && pointer.starts_with(at));
        new.next().is_some()
            || announced
                .iter()
                .any(|path| !path.is_empty() && pointer.starts_with(path.as_str()))
    };
    differences
        .iter()
        .filter(|difference| !is_known(&difference.pointer))
        .map(|difference| format!("{id} {difference}"))
        .collect()
}

//! Both pipelines on the parts in memory.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use csdr_core::{
    ErrorKind, Result,
    backup::{Backup, BackupReport},
    manifest::ManifestDir,
    memory::{Deny, MemoryCluster, MemoryVault},
    model::{DiscoveryGap, GapExtent},
    port::{PutMode, ResourceTarget, VaultBackend, VaultKey},
    report::{Outcome, RunOptions},
    restore::{Action, ObjectOutcome, Restore},
    select::LeftOutReason,
    spec::{ApiVersions, BackupSpec, RestoreSpec},
    vault::{GcOptions, Vault, VerifyLevel},
};
use futures::TryStreamExt;
use std::sync::Arc;

const SHOP: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {team: tea}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: prices, namespace: shop, labels: {app: shop}}
data: {tea: '3'}
---
apiVersion: v1
kind: Secret
metadata: {name: key, namespace: shop}
stringData: {a: b}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: shop}}
spec:
  replicas: 0
  selector: {matchLabels: {app: shop}}
  template: {metadata: {labels: {app: shop}}, spec: {containers: [{name: web, image: 'example.invalid/web:1'}]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: shop-reader}
rules: []
";

async fn shop() -> MemoryCluster {
    let cluster = MemoryCluster::new();
    cluster.load_yaml(SHOP).unwrap();
    cluster
}

async fn back_up(
    cluster: &MemoryCluster,
    vault: &Vault,
    spec: &BackupSpec,
) -> Result<BackupReport> {
    let backup = Backup::new(cluster.clone(), vault.clone());
    let plan = backup.plan(spec).await?;
    backup.run(plan, &RunOptions::default()).await
}

#[tokio::test]
async fn an_application_moves_into_another_namespace_of_another_cluster() {
    let source = shop().await;
    let vault = Vault::create(MemoryVault::new()).await.unwrap();
    let report = back_up(
        &source,
        &vault,
        &BackupSpec::named("one").with_namespace("shop"),
    )
    .await
    .unwrap();
    assert_eq!(report.outcome, Outcome::Completed, "{report}");

    let stored = vault.backup("one").await.unwrap();
    let proof = stored.verify(VerifyLevel::Objects).await.unwrap();
    assert!(proof.is_sound(), "{proof}");
    assert_eq!(proof.objects, report.objects);
    assert!(
        stored
            .object(&"configmaps/shop/prices".parse().unwrap())
            .await
            .unwrap()
            .is_some()
    );
    let left: Vec<_> = stored.left_out().try_collect().await.unwrap();
    assert!(
        left.iter()
            .any(|left| left.reason == LeftOutReason::ClusterScoped),
        "{left:?}"
    );
    assert_eq!(stored.report().await.unwrap(), report);

    let target = MemoryCluster::new();
    let restore = Restore::new(vault.clone(), target.clone(), target.clone());
    let spec = RestoreSpec::from_backup("one").with_namespace_mapping("shop", "copy");
    let plan = restore.plan(&spec).await.unwrap();
    let again: csdr_core::restore::RestorePlan =
        serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
    assert_eq!(again, plan);
    assert_eq!(plan.count(Action::Blocked), 0, "{plan}");
    let report = restore.run(again, &RunOptions::default()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    let web = target
        .get(&"deployments.apps/copy/web".parse().unwrap(), "v1")
        .await
        .unwrap()
        .unwrap();
    assert!(web.text().contains("example.invalid/web:1"));
    assert_eq!(vault.restore_report("one").await.unwrap(), report);

    let second = restore
        .plan(&spec.clone().with_name("again"))
        .await
        .unwrap();
    assert_eq!(second.count(Action::Create), 0, "{second}");
    let report = restore.run(second, &RunOptions::default()).await.unwrap();
    assert_eq!(report.count(ObjectOutcome::Created), 0, "{report}");
    let taken = restore
        .run(restore.plan(&spec).await.unwrap(), &RunOptions::default())
        .await
        .unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn a_name_is_taken_once_and_free_after_deletion() {
    let source = shop().await;
    let store = Arc::new(MemoryVault::new());
    let vault = Vault::create(store.clone()).await.unwrap();
    let spec = BackupSpec::named("one").with_namespace("shop");
    back_up(&source, &vault, &spec).await.unwrap();
    let error = back_up(&source, &vault, &spec).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert!(
        error
            .to_string()
            .contains("backup already exists in OSS bucket"),
        "R364: {error}"
    );
    vault.delete("one").await.unwrap();
    let left: Vec<_> = store
        .list(&csdr_core::port::VaultKey::root())
        .try_collect()
        .await
        .unwrap();
    assert_eq!(
        left.len(),
        1,
        "only the vault's own document stays: {left:?}"
    );
    back_up(&source, &vault, &spec).await.unwrap();
    assert!(
        vault
            .gc(&GcOptions::default())
            .await
            .unwrap()
            .removed
            .is_empty()
    );
}

#[tokio::test]
async fn same_objects_same_bytes() {
    let source = shop().await;
    let mut archives = Vec::new();
    for _ in 0..2 {
        let vault = Vault::create(MemoryVault::new()).await.unwrap();
        back_up(&source, &vault, &BackupSpec::named("one"))
            .await
            .unwrap();
        archives.push(
            vault
                .backup("one")
                .await
                .unwrap()
                .manifest()
                .unwrap()
                .archive
                .sha256,
        );
    }
    assert_eq!(archives[0], archives[1]);
}

#[tokio::test]
async fn a_selection_of_nothing_fails_before_the_claim() {
    let source = shop().await;
    let store = Arc::new(MemoryVault::new());
    let vault = Vault::create(store.clone()).await.unwrap();
    let spec = BackupSpec::named("one")
        .with_namespace("shop")
        .with_selector("app=other".parse().unwrap());
    let error = back_up(&source, &vault, &spec).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("nothing is selected"), "{error}");
    let left: Vec<_> = store
        .list(&csdr_core::port::VaultKey::root())
        .try_collect()
        .await
        .unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
}

/// A gap by its group and extent, the resources that the spec names, and how the backup ends.
#[tokio::test]
async fn a_gap_in_what_was_named_or_in_a_whole_root_is_no_complete_backup() {
    use Outcome::{Completed, PartiallyFailed};
    for (group, extent, named, outcome, message) in [
        // Under a wildcard, one group is a warning.
        ("metrics.k8s.io", GapExtent::Group, &[][..], Completed, ""),
        (
            "metrics.k8s.io",
            GapExtent::Group,
            &["configmaps"],
            Completed,
            "",
        ),
        // Not served, and no gap that could hide it.
        (
            "metrics.k8s.io",
            GapExtent::Group,
            &["configmaps", "widgets.shop.io"],
            Completed,
            "",
        ),
        // The gap may hide it.
        (
            "shop.io",
            GapExtent::Group,
            &["configmaps", "widgets.shop.io"],
            PartiallyFailed,
            "widgets.shop.io: could not be discovered (API shop.io may hold it: no answer)",
        ),
        (
            "shop.io",
            GapExtent::Group,
            &["configmaps", "widgets"],
            PartiallyFailed,
            "widgets: could not be discovered",
        ),
        (
            "apps",
            GapExtent::Group,
            &["configmaps", "deployments"],
            PartiallyFailed,
            "deployments: could not be discovered",
        ),
        // Most of a cluster.
        (
            "*",
            GapExtent::Root,
            &[],
            PartiallyFailed,
            "API of every group but the core one: could not be discovered",
        ),
        (
            "",
            GapExtent::Root,
            &[],
            PartiallyFailed,
            "API of the core group: could not be discovered",
        ),
        (
            "",
            GapExtent::Root,
            &["deployments", "configmaps"],
            PartiallyFailed,
            "configmaps: could not be discovered",
        ),
    ] {
        let source = shop().await;
        source.set_gap(DiscoveryGap {
            group: group.to_owned(),
            version: None,
            reason: "no answer".to_owned(),
            extent,
        });
        let vault = Vault::create(MemoryVault::new()).await.unwrap();
        let mut spec = BackupSpec::named("one").with_namespace("shop");
        for name in named {
            spec = spec.with_resource(*name);
        }
        let report = back_up(&source, &vault, &spec).await.unwrap();
        assert_eq!(report.outcome, outcome, "{group} {named:?}: {report}");
        let errors: Vec<String> = report.errors.iter().map(ToString::to_string).collect();
        match message {
            "" => assert_eq!(errors, [""; 0], "{group} {named:?}"),
            message => assert!(
                errors.iter().any(|error| error.starts_with(message)),
                "{group} {named:?}: {errors:?}"
            ),
        }
        // The named namespace needs no discovery: what can be read is stored.
        assert!(report.objects > 0, "{group} {named:?}: {report}");
        let stored = vault.backup("one").await.unwrap();
        let left: Vec<_> = stored.left_out().try_collect().await.unwrap();
        let undiscovered = |named: bool| {
            left.iter()
                .filter(|left| left.reason == LeftOutReason::Undiscovered && left.named == named)
                .count()
        };
        assert_eq!(undiscovered(true), errors.len(), "{left:?}");
        assert_eq!(
            undiscovered(true) + undiscovered(false),
            1 + errors
                .iter()
                .filter(|error| !error.starts_with("API"))
                .count(),
            "{left:?}"
        );
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_may_hold_what_was_named() {
    let folder = Arc::new(MemoryVault::new());
    for (name, body) in [
        (
            "a.yaml",
            &b"{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}}"[..],
        ),
        ("b.yaml", &b"\xff\xfe"[..]),
    ] {
        let key = VaultKey::parse(name).unwrap();
        let body = body.to_vec().into();
        folder.put(&key, body, PutMode::CreateNew).await.unwrap();
    }
    for (named, outcome) in [
        (None, Outcome::Completed),
        (Some("widgets.shop.io"), Outcome::PartiallyFailed),
    ] {
        let vault = Vault::create(MemoryVault::new()).await.unwrap();
        let backup = Backup::new(
            ManifestDir::new(folder.clone(), VaultKey::root()),
            vault.clone(),
        );
        let mut spec = BackupSpec::named("one").with_resource("configmaps");
        if let Some(named) = named {
            spec = spec.with_resource(named);
        }
        let plan = backup.plan(&spec).await.unwrap();
        let report = backup.run(plan, &RunOptions::default()).await.unwrap();
        assert_eq!(report.outcome, outcome, "{report}");
        assert!(report.to_string().contains("b.yaml"), "{report}");
    }
}

#[tokio::test]
async fn label_selectors_take_objects_and_their_namespace() {
    let source = shop().await;
    let vault = Vault::create(MemoryVault::new()).await.unwrap();
    let spec = BackupSpec::named("one").with_selector("app=shop".parse().unwrap());
    back_up(&source, &vault, &spec).await.unwrap();
    let rows: Vec<_> = vault
        .backup("one")
        .await
        .unwrap()
        .rows()
        .try_collect()
        .await
        .unwrap();
    let ids: Vec<String> = rows.iter().map(|row| row.id.to_string()).collect();
    assert_eq!(
        ids,
        [
            "configmaps/shop/prices",
            "deployments.apps/shop/web",
            "namespaces/shop"
        ]
    );
}

#[test]
fn futures_of_the_pipelines_can_go_to_other_threads() {
    fn is_send<T: Send>(_: T) {}
    let vault = futures::executor::block_on(Vault::create(MemoryVault::new())).unwrap();
    let cluster = MemoryCluster::new();
    let backup = Backup::new(cluster.clone(), vault.clone());
    let spec = BackupSpec::named("one");
    is_send(backup.plan(&spec));
    is_send(async {
        let plan = backup.plan(&spec).await?;
        backup.run(plan, &RunOptions::default()).await
    });
    let restore = Restore::new(vault.clone(), cluster.clone(), cluster);
    is_send(async {
        let plan = restore.plan(&RestoreSpec::from_backup("one")).await?;
        restore.run(plan, &RunOptions::default()).await
    });
    is_send(vault.gc(&GcOptions::default()));
    is_send(vault.delete("one"));
}

#[tokio::test]
async fn a_folder_without_namespace_manifests_is_backed_up_and_its_namespaces_are_made() {
    use csdr_core::{
        manifest::ManifestDir,
        port::{PutMode, VaultKey},
    };
    let folder = Arc::new(MemoryVault::new());
    let yaml = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}\n";
    let key = VaultKey::parse("app.yaml").unwrap();
    folder
        .put(&key, yaml.into(), PutMode::CreateNew)
        .await
        .unwrap();
    let vault = Vault::create(MemoryVault::new()).await.unwrap();
    let backup = Backup::new(ManifestDir::new(folder, VaultKey::root()), vault.clone());
    let plan = backup.plan(&BackupSpec::named("one")).await.unwrap();
    assert_eq!(plan.namespaces, ["default", "shop"]);
    let report = backup.run(plan, &RunOptions::default()).await.unwrap();
    assert_eq!(
        (report.outcome, report.objects),
        (Outcome::Completed, 2),
        "{report}"
    );
    let target = MemoryCluster::new();
    let restore = Restore::new(vault, target.clone(), target.clone());
    let spec = RestoreSpec::from_backup("one").with_namespace_mapping("default", "copy");
    let plan = restore.plan(&spec).await.unwrap();
    let report = restore.run(plan, &RunOptions::default()).await.unwrap();
    assert_eq!(report.count(ObjectOutcome::Created), 2, "{report}");
    assert!(
        target
            .object(&"configmaps/copy/b".parse().unwrap())
            .is_some()
    );
}

/// Objects of old servers in a folder: Kubernetes 1.16 to 1.24 wrote them so.
const OLD: &str = "
apiVersion: extensions/v1beta1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {rules: [{http: {paths: [{path: /, backend: {serviceName: web, servicePort: 80}}]}}]}
---
apiVersion: networking.k8s.io/v1beta1
kind: Ingress
metadata: {name: api, namespace: shop}
spec: {backend: {serviceName: api, servicePort: http}}
---
apiVersion: extensions/v1beta1
kind: Ingress
metadata: {name: api, namespace: shop}
spec: {backend: {serviceName: api, servicePort: http}}
---
apiVersion: batch/v1beta1
kind: CronJob
metadata: {name: nightly, namespace: shop}
spec:
  schedule: '0 1 * * *'
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: 'example.invalid/a:1'}]}}}}
---
apiVersion: policy/v1beta1
kind: PodSecurityPolicy
metadata: {name: strict}
spec: {}
---
apiVersion: apiextensions.k8s.io/v1beta1
kind: CustomResourceDefinition
metadata: {name: widgets.shop.io}
spec:
  group: shop.io
  names: {plural: widgets, kind: Widget}
  scope: Namespaced
  versions: [{name: v1, served: true, storage: true}, {name: v1alpha1, served: true, storage: false}]
---
apiVersion: shop.io/v1alpha1
kind: Widget
metadata: {name: a, namespace: shop}
size: 3
---
apiVersion: shop.io/v1
kind: Widget
metadata: {name: b, namespace: shop}
";

#[tokio::test]
async fn objects_of_old_servers_are_restored_in_the_versions_of_the_target() {
    let files = Arc::new(MemoryVault::new());
    let key = VaultKey::parse("old/all.yaml").unwrap();
    files
        .put(&key, OLD.into(), PutMode::CreateNew)
        .await
        .unwrap();
    let source = ManifestDir::new(files, VaultKey::parse("old").unwrap());
    let vault = Vault::create(MemoryVault::new()).await.unwrap();
    let backup = Backup::new(source, vault.clone());
    let plan = backup.plan(&BackupSpec::named("old")).await.unwrap();
    let report = backup.run(plan, &RunOptions::default()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    assert_eq!(report.objects, 8, "{report}");

    let target = MemoryCluster::new();
    let restore = Restore::new(vault.clone(), target.clone(), target.clone());
    let plan = restore
        .plan(&RestoreSpec::from_backup("old"))
        .await
        .unwrap();
    let text = plan.to_string();
    for part in [
        "extensions/v1beta1/ingresses  convert extensions/v1beta1 → networking.k8s.io/v1",
        "batch/v1beta1/cronjobs  convert batch/v1beta1 → batch/v1",
        "removed in Kubernetes 1.25",
        "the same object is stored under its present group as well",
        "namespace shop: its pods meet the Pod Security level baseline (not restricted: cronjobs.batch/shop/nightly allows privilege \
         escalation in container a); label it pod-security.kubernetes.io/enforce=baseline",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert_eq!(plan.count(Action::Blocked), 0, "{text}");
    assert_eq!(plan.count(Action::Skip), 2, "{text}");
    // A run finds a row's remarks by bisection.
    let rows: Vec<_> = plan.rows().map(|row| row.source).collect();
    let places = plan
        .notes()
        .map(|(id, _)| rows.iter().position(|own| *own == id));
    assert!(places.is_sorted(), "{text}");

    let report = restore.run(plan, &RunOptions::default()).await.unwrap();
    let report = report.require_complete().unwrap();
    assert_eq!(report.count(ObjectOutcome::Created), 6, "{report}");
    for (id, version, part) in [
        (
            "ingresses.networking.k8s.io/shop/web",
            "v1",
            r#""service":{"name":"web","port":{"number":80}}"#,
        ),
        (
            "ingresses.networking.k8s.io/shop/api",
            "v1",
            r#""defaultBackend":{"service""#,
        ),
        ("cronjobs.batch/shop/nightly", "v1", r#""schedule""#),
        (
            "customresourcedefinitions.apiextensions.k8s.io/widgets.shop.io",
            "v1",
            r#""x-kubernetes-preserve-unknown-fields":true"#,
        ),
        ("widgets.shop.io/shop/a", "v1alpha1", r#""size":3"#),
        ("widgets.shop.io/shop/b", "v1", ""),
    ] {
        let object = target.get(&id.parse().unwrap(), version).await.unwrap();
        let object = object.unwrap_or_else(|| panic!("{id} is not there"));
        assert!(object.text().contains(part), "{}", object.text());
    }
}

#[tokio::test]
async fn objects_are_stored_in_all_served_versions_and_restored_from_one_that_the_target_serves() {
    let definition = |versions: &str| {
        format!(
            "{{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {{name: widgets.shop.io}}, spec: {{group: shop.io, scope: Namespaced, names: {{plural: widgets, kind: Widget}}, versions: [{versions}]}}}}"
        )
    };
    let version = |name: &str, storage: bool| {
        format!(
            "{{name: {name}, served: true, storage: {storage}, schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}}}"
        )
    };
    let source = MemoryCluster::new();
    let both = format!("{}, {}", version("v2", true), version("v1", false));
    source.load_yaml(&definition(&both)).unwrap();
    source
        .load_yaml("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}")
        .unwrap();
    source
        .load_yaml(
            "{apiVersion: shop.io/v2, kind: Widget, metadata: {name: a, namespace: shop}, size: 3}",
        )
        .unwrap();
    let vault = Vault::create(MemoryVault::new()).await.unwrap();
    for (name, versions, stored) in [
        ("all", ApiVersions::AllServed, vec!["v1", "v2*"]),
        ("one", ApiVersions::Preferred, vec!["v2*"]),
    ] {
        let spec = BackupSpec::named(name)
            .with_namespace("shop")
            .with_resource("widgets")
            .with_api_versions(versions);
        let report = back_up(&source, &vault, &spec).await.unwrap();
        // With the Namespace, and the definition that the custom resource needs.
        assert_eq!((report.objects, report.related), (3, 1), "{report}");
        let backup = vault.backup(name).await.unwrap();
        let rows: Vec<_> = backup.rows().try_collect().await.unwrap();
        let widgets = rows
            .iter()
            .filter(|row| row.id.to_string().starts_with("widgets"));
        let widgets: Vec<String> = widgets
            .map(|row| format!("{}{}", row.version, if row.preferred { "*" } else { "" }))
            .collect();
        assert_eq!(widgets, stored);
        let proof = backup.verify(VerifyLevel::Objects).await.unwrap();
        assert!(proof.is_sound(), "{proof}");
    }
    // A target that serves the older version only takes that one as it was stored.
    let target = MemoryCluster::new();
    target.load_yaml(&definition(&version("v1", true))).unwrap();
    let restore = Restore::new(vault.clone(), target.clone(), target.clone());
    let plan = restore
        .plan(&RestoreSpec::from_backup("all"))
        .await
        .unwrap();
    assert!(plan.rows().all(|row| row.conversion.is_none()), "{plan}");
    let report = restore.run(plan, &RunOptions::default()).await.unwrap();
    report.require_complete().unwrap();
    let id = "widgets.shop.io/shop/a".parse().unwrap();
    let object = target.get(&id, "v1").await.unwrap().unwrap();
    assert!(object.text().contains(r#""size":3"#));
}

/// A CustomResourceDefinition of `Widget` in one version, whose conversion is `strategy`.
fn widgets_in(version: &str, strategy: &str) -> String {
    let webhook = match strategy {
        "Webhook" => {
            ", webhook: {conversionReviewVersions: [v1], clientConfig: {url: 'https://example.invalid'}}"
        }
        _ => "",
    };
    format!(
        "{{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {{name: widgets.shop.io}}, spec: {{group: shop.io, scope: Namespaced, names: {{plural: widgets, kind: Widget}}, conversion: {{strategy: {strategy}{webhook}}}, versions: [{{name: {version}, served: true, storage: true, schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}}}]}}}}"
    )
}

#[tokio::test]
async fn the_target_s_own_definition_says_how_its_kind_converts() {
    let source = MemoryCluster::new();
    source.load_yaml(&widgets_in("v1", "None")).unwrap();
    source
        .load_yaml("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}")
        .unwrap();
    source
        .load_yaml(
            "{apiVersion: shop.io/v1, kind: Widget, metadata: {name: a, namespace: shop}, size: 3}",
        )
        .unwrap();
    let vault = Vault::create(MemoryVault::new()).await.unwrap();
    back_up(&source, &vault, &BackupSpec::named("one"))
        .await
        .unwrap();
    let id = "widgets.shop.io/shop/a".parse().unwrap();
    let deny_lists = Deny {
        verbs: vec!["list".into()],
        resource: Some(
            "customresourcedefinitions.apiextensions.k8s.io"
                .parse()
                .unwrap(),
        ),
        namespace: None,
    };
    for (name, strategy, deny, reason) in [
        ("by-name", "None", None, None),
        (
            "webhook",
            "Webhook",
            None,
            Some("only the definition's webhook can convert"),
        ),
        // Nobody knows how: that is said, and guessed by nobody.
        (
            "forbidden",
            "None",
            Some(deny_lists),
            Some("no rule makes it into what the target serves"),
        ),
    ] {
        let target = MemoryCluster::new();
        target.load_yaml(&widgets_in("v2", strategy)).unwrap();
        let target = target.restricted(deny.into_iter().collect::<Vec<_>>());
        let restore = Restore::new(vault.clone(), target.clone(), target.clone());
        let spec = RestoreSpec::from_backup("one").with_name(name);
        let plan = restore.plan(&spec).await.unwrap();
        let needs: Vec<&str> = plan.needs().iter().map(|need| need.what.as_str()).collect();
        match reason {
            Some(reason) => {
                assert!(
                    needs.len() == 1 && needs[0].contains(reason),
                    "{name}: {plan}"
                );
            }
            None => {
                assert!(needs.is_empty(), "{name}: {plan}");
                let report = restore.run(plan, &RunOptions::default()).await.unwrap();
                report.require_complete().unwrap();
                let object = target.get(&id, "v2").await.unwrap().unwrap();
                assert!(object.text().contains(r#""size":3"#), "{}", object.text());
            }
        }
    }
}

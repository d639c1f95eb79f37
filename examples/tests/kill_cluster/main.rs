//! A restore of 40 objects into a real control plane is killed before and after each of its calls, by SIGKILL to a real process.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

#[path = "../kill/process.rs"]
mod process;
#[path = "../kill/vault.rs"]
mod vault;

use csdr_core::{
    backup::Backup,
    manifest::ManifestDir,
    model::Tree,
    report::{Outcome, RunOptions},
    restore::RestoreReport,
    spec::BackupSpec,
    vault::{Host, Vault},
};
use csdr_storage::OpendalVault;
use csdr_testenv::ControlPlane;
use csdr_testkit::compare::Comparison;
use process::{CLAIM, Csdr, Point, Store, block_on, each, written};
use serde_json::Value;
use std::{collections::BTreeMap, fmt::Write, sync::Arc, thread, time::Instant};
use vault::{Left, gc, look, visible};

const OBJECTS: usize = 40;
const KINDS: [(&str, &str); 6] = [
    ("configmaps", "/api/v1"),
    ("secrets", "/api/v1"),
    ("services", "/api/v1"),
    ("serviceaccounts", "/api/v1"),
    ("deployments.apps", "/apis/apps/v1"),
    (
        "roles.rbac.authorization.k8s.io",
        "/apis/rbac.authorization.k8s.io/v1",
    ),
];

/// 40 objects: a namespace and what is in it.
fn manifests() -> String {
    let mut text =
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: app, labels: {team: tea}}\n".to_owned();
    for at in 1..OBJECTS {
        let meta = format!("metadata: {{name: o-{at:02}, namespace: app, labels: {{at: '{at}'}}}}");
        let body = match at % 8 {
            0 => format!("apiVersion: v1\nkind: Secret\n{meta}\nstringData: {{key: 'v{at}'}}"),
            1 => format!(
                "apiVersion: v1\nkind: Service\n{meta}\nspec: {{ports: [{{port: {}}}]}}",
                1000 + at
            ),
            2 => format!("apiVersion: v1\nkind: ServiceAccount\n{meta}"),
            3 => format!(
                "apiVersion: apps/v1\nkind: Deployment\n{meta}\nspec: {{replicas: 0, selector: {{matchLabels: {{at: '{at}'}}}}, \
                 template: {{metadata: {{labels: {{at: '{at}'}}}}, spec: {{containers: [{{name: a, image: 'example.invalid/a:1'}}]}}}}}}"
            ),
            4 => format!("apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\n{meta}\nrules: []"),
            _ => format!("apiVersion: v1\nkind: ConfigMap\n{meta}\ndata: {{n: '{at}'}}"),
        };
        writeln!(text, "---\n{body}").unwrap();
    }
    text
}

/// A vault with the backup.
fn back_up(store: &Store) {
    block_on(async {
        let (folder, _) = written(&manifests());
        let source = Arc::new(OpendalVault::fs(folder.path()));
        let source = ManifestDir::new(source, csdr_core::port::VaultKey::root());
        let vault = Vault::open_or_create(store.backend("stored"), Host::default());
        let backup = Backup::new(source, vault.await.unwrap());
        let spec = BackupSpec::named("app").with_namespace("app");
        let plan = backup.plan(&spec).await.unwrap();
        let report = backup.run(plan, &RunOptions::default()).await.unwrap();
        assert_eq!(
            (report.outcome, report.objects),
            (Outcome::Completed, OBJECTS as u64),
            "{report}"
        );
    });
}

/// What the API server has of it, read without csdr.
fn there(plane: &ControlPlane, namespace: &str) -> BTreeMap<String, Tree> {
    block_on(async {
        let mut found = BTreeMap::new();
        let get = async |path: String| {
            let reply = plane.call("GET", &path, "").await.unwrap();
            assert_eq!(reply.status, 200, "{path}: {}", reply.body);
            reply.body
        };
        let body = get(format!("/api/v1/namespaces/{namespace}")).await;
        found.insert(
            "namespaces/app".to_owned(),
            Tree::parse(body.as_bytes()).unwrap(),
        );
        for (resource, folder) in KINDS {
            let plural = resource.split('.').next().unwrap();
            let list: Value = serde_json::from_str(
                &get(format!("{folder}/namespaces/{namespace}/{plural}")).await,
            )
            .unwrap();
            for item in list["items"].as_array().unwrap() {
                let name = item["metadata"]["name"].as_str().unwrap();
                // What every namespace gets from its cluster, a moment after it was made.
                if name != "default" && name != "kube-root-ca.crt" {
                    found.insert(
                        format!("{resource}/{name}"),
                        Tree::parse(item.to_string().as_bytes()).unwrap(),
                    );
                }
            }
        }
        found
    })
}

/// The report's counts, and each object's outcome with the target's namespace as `app`.
fn result(store: &Store, vault: &str, namespace: &str) -> (RestoreReport, String) {
    block_on(async {
        let opened = Vault::open_with(store.backend(vault), Host::default())
            .await
            .unwrap();
        let report = opened.restore_report("app").await.unwrap();
        let files = store.files(vault);
        let list = &files["restores/app/restore-app-resource-list.json.gz"];
        let mut text = String::new();
        std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(&list[..]), &mut text)
            .unwrap();
        (report, text.replace(namespace, "app"))
    })
}

fn csdr<'a>(store: &'a Store, plane: &ControlPlane, namespace: &str) -> Csdr<'a> {
    let claim = format!("{}s", CLAIM.as_secs());
    let arguments = [
        "restore",
        "create",
        "app",
        "--backup",
        "app",
        "--claim-expiry",
        &claim,
        "--kubeconfig",
        plane.kubeconfig().path().to_str().unwrap(),
        "--map-namespace",
        &format!("app:{namespace}"),
        // A few at a time: the calls of one process stand in about one order.
        "--writes",
        "4",
    ];
    Csdr {
        store,
        arguments: arguments.map(str::to_owned).to_vec(),
    }
}

fn kill_at_every_call(store: &Store) {
    let plane = ControlPlane::builder().start_blocking().unwrap();
    back_up(store);
    store.copy("stored", "calm");
    let counts = csdr(store, &plane, "calm").counted("calm");
    let (report, outcomes) = result(store, "calm", "calm");
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    let calm = there(&plane, "calm");
    assert_eq!(calm.len(), OBJECTS);
    assert_eq!(outcomes.matches("(created)").count(), OBJECTS, "{outcomes}");
    let points = counts.points();
    assert!(counts.vault > 15 && counts.cluster > OBJECTS, "{counts:?}");

    let ended: Vec<bool> = each(&points, |point| {
        let vault = point.name();
        store.copy("stored", &vault);
        csdr(store, &plane, &vault).killed(&vault, point);
        assert_eq!(
            look(store, &vault, "app"),
            Left::Complete,
            "{point}: the backup stands"
        );
        store.copy(&vault, &format!("{vault}-gc"));
        has_ended(store, &vault)
    });
    let expired = Instant::now() + CLAIM;
    assert!(ended.iter().filter(|ended| !**ended).count() > points.len() / 2);

    let both: Vec<(&Point, bool)> = points.iter().zip(ended).collect();
    each(&both, |(point, ended)| {
        let vault = format!("{}-gc", point.name());
        let report = gc(store, &vault);
        assert!(
            report.failed.is_empty() && report.kept.is_empty(),
            "{point}: {report:?}"
        );
        let left = store.files(&vault).into_keys();
        let left = left.filter(|name| !name.starts_with("backups/") && name != "csdr-vault.json");
        assert_eq!(
            left.count() > 0,
            *ended,
            "{point}: gc leaves backups and ended restores"
        );
        assert_eq!(look(store, &vault, "app"), Left::Complete, "{point}");
    });

    thread::sleep(expired.saturating_duration_since(Instant::now()));
    each(&both, |(point, ended)| {
        let vault = point.name();
        let again = csdr(store, &plane, &vault).run(&vault);
        assert_eq!(
            again.status.code(),
            Some(i32::from(*ended)),
            "{point}: {}",
            again.stderr
        );
        let has_ended = again.stderr.contains("a restore of this name has ended");
        assert_eq!(has_ended, *ended, "{point}: {}", again.stderr);
        let (own, own_outcomes) = result(store, &vault, &vault);
        assert_eq!(own_outcomes, outcomes, "{point}");
        assert_eq!(
            (own.outcome, &own.objects),
            (report.outcome, &report.objects),
            "{point}"
        );
        let found = there(&plane, &vault);
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            calm.keys().collect::<Vec<_>>(),
            "{point}"
        );
        let comparison = Comparison::new([("calm", vault.as_str())]);
        for (id, object) in &found {
            let resource = id.split('/').next().unwrap().parse().unwrap();
            let differences = comparison.compare(&resource, &calm[id], object);
            assert!(differences.is_empty(), "{point}: {id}: {}", differences[0]);
        }
        let names = visible(store, &vault);
        assert!(
            names.iter().all(|name| !name.contains("tmp")),
            "{point}: {names:?}"
        );
    });
}

fn has_ended(store: &Store, vault: &str) -> bool {
    let files = store.files(vault);
    files
        .keys()
        .any(|name| name.starts_with("restores/app/csdr/") && name.ends_with("/report.json"))
}

#[test]
fn a_restore_from_a_folder_is_killed_at_every_call() {
    kill_at_every_call(&Store::folder());
}

#[test]
fn a_restore_from_a_bucket_is_killed_at_every_call() {
    kill_at_every_call(&Store::bucket());
}

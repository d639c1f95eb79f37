//! Commands in containers, through the API server and kwok; backups that freeze; hooks of restores.

use crate::plane::{client, client_with, eventually, hasty};
use csdr_core::{
    ErrorKind,
    backup::Backup,
    memory::MemoryVault,
    port::{ExecRequest, ExecStatus, HookExecutor},
    report::{Outcome, RunOptions},
    restore::Restore,
    spec::{BackupSpec, RestoreSpec},
    vault::Vault,
};
use csdr_k8s::{KubeApplier, KubeCollector, KubeTarget, PodExec};
use csdr_testenv::{ControlPlane, NodeBinaries};
use csdr_testkit::hook::conformance::{Act, Fixture};
use serde_json::{Value, json};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

/// One control plane with a node for all tests here; none where there can be no nodes.
async fn plane() -> Option<&'static ControlPlane> {
    static PLANE: OnceLock<Option<ControlPlane>> = OnceLock::new();
    let start = || {
        PLANE
            .get_or_init(|| {
                if let Some(reason) = NodeBinaries::left_out() {
                    eprintln!("left out: tests on nodes — {reason}");
                    return None;
                }
                let plane = ControlPlane::builder().with_nodes(1).start_blocking();
                Some(plane.unwrap_or_else(|error| panic!("{}", error.chain())))
            })
            .as_ref()
    };
    tokio::task::spawn_blocking(start).await.unwrap()
}

async fn make(plane: &ControlPlane, path: &str, body: &Value) -> Value {
    let reply = plane.call("POST", path, &body.to_string()).await.unwrap();
    assert_eq!(reply.status, 201, "{}", reply.body);
    serde_json::from_str(&reply.body).unwrap()
}

async fn namespace(plane: &ControlPlane, name: &str) {
    let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    make(plane, "/api/v1/namespaces", &body).await;
    let account = format!("/api/v1/namespaces/{name}/serviceaccounts/default");
    eventually(async || plane.call("GET", &account, "").await.unwrap().status == 200).await;
}

/// A pod with the containers `first` and `second`, which the scheduler places and kwok lets run; `selector` may keep it from that.
async fn pod(
    plane: &ControlPlane,
    namespace: &str,
    name: &str,
    annotations: Value,
    runs: bool,
) -> String {
    let selector = if runs {
        json!({})
    } else {
        json!({"no": "where"})
    };
    let containers =
        ["first", "second"].map(|name| json!({"name": name, "image": "example.invalid/a:1"}));
    let body = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations},
        "spec": {"containers": containers, "nodeSelector": selector, "terminationGracePeriodSeconds": 0}});
    let path = format!("/api/v1/namespaces/{namespace}/pods");
    let made = make(plane, &path, &body).await;
    if runs {
        running(plane, namespace, name).await;
    }
    made["metadata"]["uid"].as_str().unwrap().to_owned()
}

async fn running(plane: &ControlPlane, namespace: &str, name: &str) {
    let path = format!("/api/v1/namespaces/{namespace}/pods/{name}");
    eventually(async || {
        let reply = plane.call("GET", &path, "").await.unwrap();
        reply.body.contains(r#""phase":"Running""#)
    })
    .await;
}

fn command(act: Act) -> Vec<String> {
    let shell = |script: &str| vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()];
    match act {
        Act::Succeed => vec!["true".to_owned()],
        Act::Exit3 => shell("exit 3"),
        Act::WriteBoth => shell("echo out; echo err >&2"),
        Act::Flood => shell("head -c 300000 /dev/zero"),
        Act::Hang => vec!["sleep".to_owned(), "100".to_owned()],
        Act::Words => ["printf", "[%s]", "a b", "$HOME", ";"]
            .map(str::to_owned)
            .into(),
        Act::Container => shell(r#"printf %s "$CONTAINER""#),
    }
}

/// One pair of pods for all rules. Without nodes there is nothing to run them on: then the commands in memory stand in, and the line
/// above says what was left out.
async fn fixture() -> Fixture {
    static PODS: tokio::sync::OnceCell<String> = tokio::sync::OnceCell::const_new();
    let Some(plane) = plane().await else {
        return csdr_testkit::hook::conformance::memory().await;
    };
    let uid = PODS.get_or_init(|| async {
        namespace(plane, "exec").await;
        pod(plane, "exec", "waiting", json!({}), false).await;
        pod(plane, "exec", "a", json!({}), true).await
    });
    Fixture {
        executor: Arc::new(PodExec::new(client(plane.kubeconfig().yaml()).await)),
        namespace: "exec".to_owned(),
        pod: "a".to_owned(),
        uid: uid.await.clone(),
        pending: "waiting".to_owned(),
        command,
        // kwok tells the API server no exit code.
        exit_codes: false,
        kept: Vec::new(),
    }
}

mod conformance {
    csdr_testkit::hook_conformance!(super::fixture);
}

fn request(namespace: &str, command: &[&str]) -> ExecRequest {
    ExecRequest {
        namespace: namespace.to_owned(),
        pod: "a".to_owned(),
        uid: None,
        container: None,
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        timeout: Duration::from_secs(30),
        output_bytes: 1000,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_told_apart() {
    let Some(plane) = plane().await else { return };
    namespace(plane, "refused").await;
    pod(plane, "refused", "a", json!({}), true).await;
    let user = plane.user("exec-nobody", &[]).unwrap();
    let stranger = PodExec::new(client(user.yaml()).await);
    let error = stranger
        .exec(&request("refused", &["true"]))
        .await
        .unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::PermissionDenied,
        "{}",
        error.chain()
    );
    assert_eq!(stranger.cluster().await.unwrap(), None);
    // May read pods, and not run commands in them.
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "exec-reader"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]});
    make(
        plane,
        "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        &role,
    )
    .await;
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "exec-reader"},
        "subjects": [{"kind": "User", "name": "exec-nobody", "apiGroup": "rbac.authorization.k8s.io"}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "exec-reader"}});
    make(
        plane,
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        &binding,
    )
    .await;
    eventually(async || {
        let error = stranger
            .exec(&request("refused", &["true"]))
            .await
            .unwrap_err();
        error.chain().contains("pods/exec")
    })
    .await;
    let error = stranger
        .exec(&request("refused", &["true"]))
        .await
        .unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::PermissionDenied,
        "{}",
        error.chain()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_not_there_is_a_failure_without_its_arguments() {
    let Some(plane) = plane().await else { return };
    namespace(plane, "missing-program").await;
    pod(plane, "missing-program", "a", json!({}), true).await;
    let exec = PodExec::new(client(plane.kubeconfig().yaml()).await);
    let command = ["no-such-program", "-phunter2"];
    let output = exec
        .exec(&request("missing-program", &command))
        .await
        .unwrap();
    let ExecStatus::Failed(said) = output.status else {
        panic!("{:?}", output.status);
    };
    assert!(
        said.contains("no-such-program") && !said.contains("hunter2"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_silent_ends_the_hook_in_its_time() {
    let Some(_) = plane().await else { return };
    let own = ControlPlane::start().await.unwrap();
    let exec = PodExec::new(client_with(own.kubeconfig().yaml(), hasty()).await);
    own.pause().unwrap();
    let mut request = request("default", &["true"]);
    request.timeout = Duration::from_millis(800);
    let error = exec.exec(&request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{}", error.chain());
    own.resume().unwrap();
}

/// From annotations to the file system: a backup freezes, reads and thaws a real pod's containers; the restored pod runs its hook.
#[tokio::test(flavor = "multi_thread")]
async fn a_backup_freezes_and_thaws_and_a_restore_runs_its_hook() {
    let Some(plane) = plane().await else { return };
    namespace(plane, "shop").await;
    let folder = plane.folder().join("shop");
    std::fs::create_dir_all(&folder).unwrap();
    let log = folder.join("log");
    let say = |word: &str| {
        let script = format!("echo {word} >> {}", log.display());
        json!(["sh", "-c", script]).to_string()
    };
    let annotations = json!({
        "pre.hook.backup.velero.io/command": say("freeze"),
        "pre.hook.backup.velero.io/container": "second",
        "post.hook.backup.velero.io/command": say("thaw"),
        "post.hook.restore.velero.io/command": say("warm"),
        "post.hook.restore.velero.io/wait-for-ready": "true",
        "post.hook.restore.velero.io/on-error": "Fail",
    });
    pod(plane, "shop", "a", annotations, true).await;
    let client = client(plane.kubeconfig().yaml()).await;
    let vault = Vault::create(MemoryVault::new()).await.unwrap();
    let hooks = PodExec::new(client.clone());
    let backup =
        Backup::new(KubeCollector::new(client.clone()), vault.clone()).with_hooks(hooks.clone());
    let plan = backup
        .plan(&BackupSpec::named("shop-1").with_namespace("shop"))
        .await
        .unwrap();
    assert!(
        plan.to_string()
            .contains("shop/a: pre `sh` in container second"),
        "{plan}"
    );
    let report = backup.run(plan, &RunOptions::default()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    assert_eq!((report.hooks.attempted, report.hooks.failed), (2, 0));
    assert!(report.hooks.blocks[0].frozen_millis > 0, "{report}");
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "freeze\nthaw\n");

    let restore = Restore::new(
        vault,
        KubeTarget::new(client.clone()),
        KubeApplier::new(client),
    )
    .with_hooks(hooks);
    let spec = RestoreSpec::from_backup("shop-1").with_namespace_mapping("shop", "shop-copy");
    let plan = restore.plan(&spec).await.unwrap();
    let report = restore.run(plan, &RunOptions::default()).await.unwrap();
    assert_eq!(report.outcome, Outcome::Completed, "{report}");
    assert_eq!(
        (report.hooks.attempted, report.hooks.failed),
        (1, 0),
        "{report}"
    );
    assert_eq!(
        std::fs::read_to_string(&log).unwrap(),
        "freeze\nthaw\nwarm\n"
    );
}

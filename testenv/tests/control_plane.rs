//! The harness on real control planes: what it starts works, and what it leaves is nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests, and helpers that only tests call"
)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use csdr_testenv::{ControlPlane, KubeVersion, Kubeconfig, NodeBinaries, Reply};

/// Whether a process still runs; a zombie does not.
fn runs(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(") ").next().unwrap_or("Z").starts_with('Z'))
}

fn wait_until_gone(pids: &[u32], folder: &Path) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while pids.iter().any(|pid| runs(*pid)) || folder.exists() {
        assert!(
            Instant::now() < deadline,
            "left behind: {pids:?} or {}",
            folder.display()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn pids(plane: &ControlPlane) -> Vec<u32> {
    plane.processes().into_iter().map(|(_, pid)| pid).collect()
}

async fn make_namespace(plane: &ControlPlane, name: &str) -> Reply {
    let body =
        format!(r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{name}"}}}}"#);
    plane
        .call("POST", "/api/v1/namespaces", &body)
        .await
        .unwrap()
}

#[tokio::test]
async fn it_serves_and_is_gone_when_dropped() {
    let plane = ControlPlane::start().await.unwrap();
    assert!(
        plane.server_version().starts_with("v1."),
        "{}",
        plane.server_version()
    );
    assert_eq!(make_namespace(&plane, "shop").await.status, 201);
    assert_eq!(
        plane
            .call("GET", "/api/v1/namespaces/shop", "")
            .await
            .unwrap()
            .status,
        200
    );
    let (pids, folder) = (pids(&plane), plane.folder().to_owned());
    assert_eq!(pids.len(), 3);
    assert!(pids.iter().all(|pid| runs(*pid)));
    plane.stop().await;
    assert!(
        !pids.iter().any(|pid| runs(*pid)),
        "stop returns when all are gone"
    );
    assert!(!folder.exists());
}

#[tokio::test]
async fn two_at_a_time_do_not_see_each_other() {
    let (a, b) = tokio::join!(ControlPlane::start(), ControlPlane::start());
    let (a, b) = (a.unwrap(), b.unwrap());
    assert_ne!(a.server_url(), b.server_url());
    assert_eq!(make_namespace(&a, "only-in-a").await.status, 201);
    assert_eq!(
        b.call("GET", "/api/v1/namespaces/only-in-a", "")
            .await
            .unwrap()
            .status,
        404
    );
    // The certificates are each one's own, and a deleted namespace ends.
    assert_ne!(a.ca_pem(), b.ca_pem());
    assert_eq!(
        a.call("DELETE", "/api/v1/namespaces/only-in-a", "")
            .await
            .unwrap()
            .status,
        200
    );
    let deadline = Instant::now() + Duration::from_secs(60);
    while a
        .call("GET", "/api/v1/namespaces/only-in-a", "")
        .await
        .unwrap()
        .status
        != 404
    {
        assert!(
            Instant::now() < deadline,
            "the namespace hangs in Terminating"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The status of a GET by a real client library, which reads the kubeconfig.
async fn status_for(kubeconfig: &Kubeconfig, path: &str) -> u16 {
    let from_file = fs::read_to_string(kubeconfig.path()).unwrap();
    assert_eq!(from_file, kubeconfig.yaml());
    let parsed = kube::config::Kubeconfig::from_yaml(kubeconfig.yaml()).unwrap();
    let options = kube::config::KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(parsed, &options);
    let client = kube::Client::try_from(config.await.unwrap()).unwrap();
    let request = http::Request::get(path).body(Vec::new()).unwrap();
    match client.request_text(request).await {
        Ok(_) => 200,
        Err(kube::Error::Api(status)) => status.code,
        Err(error) => panic!("no answer: {error:?}"),
    }
}

#[tokio::test]
async fn users_are_told_apart() {
    let plane = ControlPlane::start().await.unwrap();
    let secrets = "/api/v1/secrets";
    assert_eq!(status_for(plane.kubeconfig(), secrets).await, 200);
    assert_eq!(
        status_for(&plane.user("nobody", &[]).unwrap(), secrets).await,
        403
    );
    let reader = plane.user("reader", &["team-a", "team-b"]).unwrap();
    assert_eq!(status_for(&reader, secrets).await, 403);
    let binding = r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding",
        "metadata":{"name":"team-b"},"subjects":[{"kind":"Group","name":"team-b"}],
        "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"cluster-admin"}}"#;
    let path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
    let reply = plane.call("POST", path, binding).await.unwrap();
    assert_eq!(reply.status, 201, "{}", reply.body);
    let deadline = Instant::now() + Duration::from_secs(30);
    while status_for(&reader, secrets).await != 200 {
        assert!(Instant::now() < deadline, "the group has no effect");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let expired = plane.expired_user("admin", &["system:masters"]).unwrap();
    assert_eq!(status_for(&expired, secrets).await, 401);
}

#[tokio::test]
async fn a_panic_leaves_nothing() {
    let plane = ControlPlane::start().await.unwrap();
    let (pids, folder) = (pids(&plane), plane.folder().to_owned());
    let task = tokio::spawn(async move {
        let _plane = plane;
        panic!("a test that fails");
    });
    assert!(task.await.unwrap_err().is_panic());
    wait_until_gone(&pids, &folder);
}

#[tokio::test]
async fn a_server_that_does_not_start_says_why() {
    let error = ControlPlane::builder()
        .api_server_argument("--no-such-flag")
        .start()
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("kube-apiserver ended with status 1"),
        "{text}"
    );
    assert!(text.contains("unknown flag: --no-such-flag"), "{text}");
}

#[tokio::test]
async fn a_paused_server_answers_later() {
    let plane = ControlPlane::start().await.unwrap();
    plane.pause().unwrap();
    let call = plane.call("GET", "/readyz", "");
    let silent = tokio::time::timeout(Duration::from_millis(500), call).await;
    assert!(silent.is_err(), "a stopped server answered");
    plane.resume().unwrap();
    assert_eq!(plane.call("GET", "/readyz", "").await.unwrap().status, 200);
}

/// `csdr-testenv` as the process that dies.
struct Subject {
    process: Child,
    pids: Vec<u32>,
    folder: PathBuf,
}

fn subject() -> Subject {
    let mut process = Command::new(env!("CARGO_BIN_EXE_csdr-testenv"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut pids, mut folder) = (Vec::new(), None);
    for line in BufReader::new(process.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some(path) = line.strip_prefix("export KUBECONFIG=") {
            folder = Path::new(path).parent().map(Path::to_owned);
        } else if let Some((_, pid)) = line.split_once(": process ") {
            pids.push(pid.parse().unwrap());
        } else if line.starts_with("Ctrl-C") {
            break;
        }
    }
    let folder = folder.expect("the subject prints where its kubeconfig lies");
    assert_eq!(pids.len(), 3);
    assert!(pids.iter().all(|pid| runs(*pid)) && folder.exists());
    Subject {
        process,
        pids,
        folder,
    }
}

/// A kill gives the process no chance to do anything; an interrupt ends it by its handler.
#[test]
fn a_process_that_is_killed_or_interrupted_leaves_nothing() {
    for signal in ["KILL", "INT"] {
        let mut subject = subject();
        let pid = subject.process.id().to_string();
        let sent = Command::new("sh")
            .args(["-c", "kill -\"$1\" \"$2\"", "kill", signal, &pid])
            .status()
            .unwrap();
        assert!(sent.success());
        assert!(!subject.process.wait().unwrap().success());
        wait_until_gone(&subject.pids, &subject.folder);
    }
}

/// A process that is killed while its control plane is still starting.
#[test]
fn a_process_killed_in_the_middle_of_a_start_leaves_nothing() {
    for millis in [30, 400, 1500] {
        let temp = tempfile::tempdir().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_csdr-testenv"))
            .env("TMPDIR", temp.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(millis));
        process.kill().unwrap();
        process.wait().unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        let marker = temp.path().display().to_string();
        while fs::read_dir(temp.path()).unwrap().count() > 0
            || command_lines().iter().any(|line| line.contains(&marker))
        {
            assert!(
                Instant::now() < deadline,
                "left behind after {millis} ms in {marker}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The command lines of every process; a zombie has none.
fn command_lines() -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| fs::read_to_string(entry.path().join("cmdline")).ok())
        .collect()
}

#[tokio::test]
async fn the_old_version_serves_what_later_ones_removed() {
    if let Some(reason) = KubeVersion::V1_21.left_out() {
        eprintln!("left out: tests on Kubernetes 1.21 — {reason}");
        return;
    }
    let plane = ControlPlane::builder()
        .version(KubeVersion::V1_21)
        .start()
        .await
        .unwrap();
    assert_eq!(plane.server_version(), "v1.21.14");
    assert_eq!(make_namespace(&plane, "old").await.status, 201);
    let ingress = r#"{"apiVersion":"extensions/v1beta1","kind":"Ingress","metadata":{"name":"web"},
        "spec":{"backend":{"serviceName":"web","servicePort":80}}}"#;
    let path = "/apis/extensions/v1beta1/namespaces/old/ingresses";
    let reply = plane.call("POST", path, ingress).await.unwrap();
    assert_eq!(reply.status, 201, "{}", reply.body);
    let newer = plane
        .call(
            "GET",
            "/apis/networking.k8s.io/v1/namespaces/old/ingresses/web",
            "",
        )
        .await
        .unwrap();
    assert!(newer.body.contains("defaultBackend"), "{}", newer.body);
}

#[tokio::test]
async fn with_nodes_workloads_become_ready_and_jobs_end() {
    if let Some(reason) = NodeBinaries::left_out() {
        eprintln!("left out: tests on nodes — {reason}");
        return;
    }
    let plane = ControlPlane::builder().with_nodes(2).start().await.unwrap();
    let (pids, folder) = (pids(&plane), plane.folder().to_owned());
    assert_eq!(pids.len(), 5);
    let template = r#"{"metadata":{"labels":{"app":"a"}},"spec":{"restartPolicy":"POLICY","containers":[{"name":"a","image":"example.invalid/a:1"}]}}"#;
    let deployment = format!(
        r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"a"}},"spec":{{"replicas":3,"selector":{{"matchLabels":{{"app":"a"}}}},"template":{}}}}}"#,
        template.replace("POLICY", "Always")
    );
    let job = format!(
        r#"{{"apiVersion":"batch/v1","kind":"Job","metadata":{{"name":"b"}},"spec":{{"template":{}}}}}"#,
        template.replace("POLICY", "Never")
    );
    for (group, kind, body) in [("apps", "deployments", deployment), ("batch", "jobs", job)] {
        let path = format!("/apis/{group}/v1/namespaces/default/{kind}");
        let reply = plane.call("POST", &path, &body).await.unwrap();
        assert_eq!(reply.status, 201, "{}", reply.body);
    }
    for (path, told) in [
        (
            "/apis/apps/v1/namespaces/default/deployments/a",
            "\"readyReplicas\":3",
        ),
        (
            "/apis/batch/v1/namespaces/default/jobs/b",
            "\"succeeded\":1",
        ),
    ] {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let reply = plane.call("GET", path, "").await.unwrap();
            if reply.body.contains(told) {
                break;
            }
            assert!(Instant::now() < deadline, "{path}: {}", reply.body);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    plane.stop().await;
    assert!(!pids.iter().any(|pid| runs(*pid)) && !folder.exists());
}

#[tokio::test]
async fn nodes_are_refused_for_the_old_version() {
    if KubeVersion::V1_21.left_out().is_some() {
        return;
    }
    let old = ControlPlane::builder()
        .version(KubeVersion::V1_21)
        .with_nodes(1);
    let error = old.start().await.unwrap_err();
    assert!(
        error.to_string().contains("current version only"),
        "{error}"
    );
}

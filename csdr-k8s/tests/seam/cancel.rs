//! A backup that is cancelled while its lists run: pages are fetched by tasks of their own, and none of them asks for another.

use crate::{
    list::{item, page},
    server::{Log, Reply, Seen, limits, serve_async},
};
use csdr_core::{
    ErrorKind,
    backup::Backup,
    memory::MemoryVault,
    report::{Limits, Outcome, RunOptions},
    spec::BackupSpec,
    vault::Vault,
};
use csdr_k8s::{ClusterClient, KubeCollector};
use futures::FutureExt;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Never reached: the run is not disturbed.
const NEVER: usize = usize::MAX;

/// Lets the token fall while the nth request arrives, once that is set.
#[derive(Clone, Default)]
struct Fall {
    cancel: CancellationToken,
    count: Arc<AtomicUsize>,
    at: Arc<AtomicUsize>,
}

impl Fall {
    fn request(&self) {
        if self.count.fetch_add(1, SeqCst) + 1 == self.at.load(SeqCst) {
            self.cancel.cancel();
        }
    }
}

fn resource(plural: &str, kind: &str, scope: &str) -> Value {
    json!({
        "resource": plural, "responseKind": {"group": "", "version": "", "kind": kind}, "scope": scope,
        "verbs": ["list", "create", "get", "delete"],
    })
}

fn discovery(groups: Value) -> Reply {
    Reply::json(
        json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": groups}),
    )
}

/// Two namespaces with two kinds of 40 objects each; every `busy`th list is answered "later" first.
fn answer(seen: &Seen, calls: usize, busy: usize) -> Reply {
    match seen.path.as_str() {
        "/version" => Reply::json(json!({"gitVersion": "v1.36.3"})),
        "/api" => discovery(
            json!([{"metadata": {}, "versions": [{"version": "v1", "resources": [
                resource("configmaps", "ConfigMap", "Namespaced"),
                resource("namespaces", "Namespace", "Cluster"),
                resource("secrets", "Secret", "Namespaced"),
            ]}]}]),
        ),
        "/apis" => discovery(json!([])),
        "/api/v1/namespaces" => {
            let items = ["m", "n"].map(|name| format!(r#"{{"metadata":{{"name":"{name}"}}}}"#));
            Reply::json(page(&items, seen))
        }
        _ if calls % busy == busy - 1 => {
            Reply::status(429, "TooManyRequests", json!({})).with_header("retry-after", 1)
        }
        path => {
            let one = path
                .strip_prefix("/api/v1/namespaces/")
                .and_then(|rest| rest.split_once('/'));
            let namespaces = ["m", "n"]
                .into_iter()
                .filter(|name| one.is_none_or(|(one, _)| one == *name));
            let items: Vec<_> = namespaces
                .flat_map(|namespace| {
                    (0..40).map(move |n| item(namespace, &format!("c{n:03}"), 1000))
                })
                .collect();
            Reply::json(page(&items, seen))
        }
    }
}

fn cluster(fall: &Fall, busy: usize) -> (ClusterClient, Log) {
    let (calls, fall) = (AtomicUsize::new(0), fall.clone());
    serve_async(limits(), move |seen| {
        fall.request();
        let reply = answer(&seen, calls.fetch_add(1, SeqCst), busy);
        async move {
            // Several requests are under way at a time.
            tokio::time::sleep(Duration::from_millis(3)).await;
            reply
        }
        .boxed()
    })
}

/// How a run ended whose nth request made the token fall, and the requests until it ended.
async fn cancelled_at(at: usize, busy: usize) -> (Outcome, usize) {
    let fall = Fall::default();
    let (client, log) = cluster(&fall, busy);
    let vault = Vault::create(MemoryVault::new()).await.unwrap();
    let backup = Backup::new(KubeCollector::new(client), vault);
    let plan = backup.plan(&BackupSpec::named("all")).await.unwrap();
    let planned = log.lock().unwrap().len();
    fall.count.store(0, SeqCst);
    fall.at.store(at, SeqCst);
    let options = RunOptions::default()
        .with_cancel(fall.cancel.clone())
        .with_limits(Limits {
            page_bytes: 8192,
            ..Limits::default()
        });
    let outcome = match backup.run(plan, &options).await {
        Ok(report) => report.outcome,
        Err(error) if error.kind() == ErrorKind::Cancelled => Outcome::Cancelled,
        Err(error) => panic!("{at}: {error}"),
    };
    let until = log.lock().unwrap().len();
    // Whatever is left of it had its turn, and every pause of it is over.
    for _ in 0..20 {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    let log = log.lock().unwrap();
    let late: Vec<&str> = log[until..].iter().map(|seen| seen.path.as_str()).collect();
    assert!(
        late.is_empty(),
        "cancelled at request {at}: these came after the run had ended: {late:?}"
    );
    (outcome, until - planned)
}

async fn cancel_at_every_request() {
    // Without refusals, and with requests that wait for their repetition.
    for busy in [1_000_000, 5] {
        let (outcome, requests) = cancelled_at(NEVER, busy).await;
        assert_eq!(outcome, Outcome::Completed);
        assert!(requests > 30, "several pages a list: {requests}");
        for at in 1..=requests {
            let (outcome, until) = cancelled_at(at, busy).await;
            // The last pages may all be there when the token falls, and the run not be disturbed by it any more.
            assert_eq!(outcome, Outcome::Cancelled, "{at} of {requests}");
            assert!(until >= at, "{at}: {until}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_request_starts_after_a_cancelled_backup_has_answered() {
    cancel_at_every_request().await;
}

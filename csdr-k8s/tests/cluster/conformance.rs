//! The conformance suites of csdr-testkit on a real server.

use crate::plane::{client, plane};
use async_trait::async_trait;
use csdr_core::{
    ErrorKind, Result,
    model::Object,
    port::{ResourceApplier, WriteOptions},
};
use csdr_k8s::{ClusterClient, KubeApplier, KubeCollector, KubeTarget};
use csdr_testenv::{ControlPlane, KubeVersion};
use csdr_testkit::cluster::{Adapters, ClusterFixture, Promises};
use serde_json::{Value, json};
use std::{
    borrow::Borrow,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// A namespace of its own on a control plane.
struct KubeFixture<P> {
    plane: P,
    client: ClusterClient,
    stranger: ClusterClient,
    namespace: String,
    /// Whether the plane forgets old versions within seconds.
    forgets: bool,
}

impl<P> fmt::Debug for KubeFixture<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KubeFixture({})", self.namespace)
    }
}

impl<P: Borrow<ControlPlane>> KubeFixture<P> {
    async fn new(plane: P, forgets: bool) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let stranger = plane.borrow().user("conformance", &[]).unwrap();
        let namespace = format!("conformance-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let body =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        let made = plane
            .borrow()
            .call("POST", "/api/v1/namespaces", &body.to_string())
            .await
            .unwrap();
        assert_eq!(made.status, 201);
        Self {
            client: client(plane.borrow().kubeconfig().yaml()).await,
            stranger: client(stranger.yaml()).await,
            plane,
            namespace,
            forgets,
        }
    }
}

fn adapters(client: &ClusterClient) -> Adapters {
    Adapters {
        collector: Arc::new(KubeCollector::new(client.clone())),
        target: Arc::new(KubeTarget::new(client.clone())),
        applier: Arc::new(KubeApplier::new(client.clone())),
    }
}

#[async_trait]
impl<P: Borrow<ControlPlane> + Send + Sync + 'static> ClusterFixture for KubeFixture<P> {
    fn adapters(&self) -> Adapters {
        adapters(&self.client)
    }

    fn restricted(&self) -> Option<Adapters> {
        Some(adapters(&self.stranger))
    }

    fn namespace(&self) -> &str {
        &self.namespace
    }

    async fn seed(&self, objects: &[Object]) -> Result<()> {
        let applier = KubeApplier::new(self.client.clone());
        let options = WriteOptions {
            field_manager: "seed".into(),
            dry_run: false,
        };
        for object in objects {
            match applier.create(object, &options).await {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    async fn expire_tokens(&self) -> Result<bool> {
        if !self.forgets {
            return Ok(false);
        }
        let plane = self.plane.borrow();
        let list = "/api/v1/configmaps?limit=1";
        let first = plane.call("GET", list, "").await.unwrap();
        let first: Value = serde_json::from_str(&first.body).unwrap();
        let token = first["metadata"]["continue"].as_str().unwrap();
        let gone = async {
            loop {
                let rest = plane
                    .call("GET", &format!("{list}&continue={token}"), "")
                    .await;
                if rest.unwrap().status == 410 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(self.patience(), gone).await.unwrap();
        Ok(true)
    }

    async fn expire_watches(&self) -> Result<bool> {
        // The server's cache keeps versions as long as it has room; there is no way to make it forget.
        Ok(false)
    }

    fn promises(&self) -> Promises {
        Promises::ALL
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(60)
    }
}

async fn shared() -> KubeFixture<&'static ControlPlane> {
    KubeFixture::new(plane(KubeVersion::V1_36).await, false).await
}

mod collector {
    csdr_testkit::collector_conformance!(super::shared);
}

mod target {
    csdr_testkit::target_conformance!(super::shared);
}

mod applier {
    csdr_testkit::applier_conformance!(super::shared);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_really_expire() {
    // A plane of its own: its tokens expire under every test.
    let plane = ControlPlane::builder()
        .api_server_argument("--etcd-compaction-interval=1s")
        .start()
        .await
        .unwrap();
    let fixture = KubeFixture::new(plane, true).await;
    csdr_testkit::cluster::conformance::collector::expired_tokens_go_on_and_say_so(&fixture)
        .await
        .unwrap();
}

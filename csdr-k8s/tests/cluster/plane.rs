//! One control plane a version for all tests, each test in a namespace of its own.

use csdr_core::{
    Error, Result,
    model::{Object, ObjectId},
    port::{ListRequest, Page, ResourceApplier, ResourceCollector, WriteOptions},
};
use csdr_k8s::{
    ClusterClient, ClusterLimits, ConnectOptions, KubeApplier, KubeCollector, KubeTarget,
};
use csdr_testenv::{ControlPlane, KubeVersion};
use futures::StreamExt;
use serde_json::{Value, json};
use std::{sync::OnceLock, time::Duration};

/// The control plane of `version`, started by the first test that asks and gone with the process.
pub(crate) async fn plane(version: KubeVersion) -> &'static ControlPlane {
    static NEW: OnceLock<ControlPlane> = OnceLock::new();
    static OLD: OnceLock<ControlPlane> = OnceLock::new();
    let slot = match version {
        KubeVersion::V1_21 => &OLD,
        _ => &NEW,
    };
    let start = move || {
        slot.get_or_init(|| {
            let builder = ControlPlane::builder().version(version);
            builder
                .start_blocking()
                .unwrap_or_else(|error| panic!("{}", error.chain()))
        })
    };
    tokio::task::spawn_blocking(start).await.unwrap()
}

pub(crate) async fn client(yaml: &str) -> ClusterClient {
    client_with(yaml, ClusterLimits::default()).await
}

pub(crate) async fn client_with(yaml: &str, limits: ClusterLimits) -> ClusterClient {
    let options = ConnectOptions {
        limits,
        ..ConnectOptions::default()
    };
    ClusterClient::from_yaml(yaml, &options).await.unwrap()
}

/// A namespace of the current version's plane, as its administrator.
pub(crate) struct Room {
    pub(crate) plane: &'static ControlPlane,
    pub(crate) namespace: String,
    pub(crate) collector: KubeCollector,
    pub(crate) target: KubeTarget,
    pub(crate) applier: KubeApplier,
}

impl Room {
    pub(crate) async fn new(namespace: &str) -> Self {
        let plane = plane(KubeVersion::V1_36).await;
        let client = client(plane.kubeconfig().yaml()).await;
        let room = Self {
            plane,
            namespace: namespace.to_owned(),
            collector: KubeCollector::new(client.clone()),
            target: KubeTarget::new(client.clone()),
            applier: KubeApplier::new(client),
        };
        let body =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        room.create("namespaces", body).await.unwrap();
        room
    }

    pub(crate) async fn create(&self, resource: &str, json: Value) -> Result<Object> {
        self.applier
            .create(&object(resource, &json), &options())
            .await
    }

    pub(crate) fn config_map(&self, name: &str) -> Value {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": self.namespace}, "data": {"k": "v"},
        })
    }

    pub(crate) fn id(&self, resource: &str, name: &str) -> ObjectId {
        format!("{resource}/{}/{name}", self.namespace)
            .parse()
            .unwrap()
    }
}

pub(crate) fn object(resource: &str, json: &Value) -> Object {
    Object::parse(resource.parse().unwrap(), json.to_string().into_bytes()).unwrap()
}

pub(crate) fn options() -> WriteOptions {
    WriteOptions {
        field_manager: "csdr-test".into(),
        dry_run: false,
    }
}

pub(crate) fn config_maps(namespace: Option<&str>, page_bytes: usize) -> ListRequest {
    request("v1", "configmaps", "ConfigMap", namespace, page_bytes)
}

pub(crate) fn request(
    api_version: &str,
    resource: &str,
    kind: &str,
    namespace: Option<&str>,
    page_bytes: usize,
) -> ListRequest {
    let api_version: csdr_core::model::ApiVersion = api_version.parse().unwrap();
    ListRequest {
        resource: csdr_core::model::GroupVersionResource {
            group: api_version.group().into(),
            version: api_version.version().into(),
            resource: resource.into(),
        },
        kind: csdr_core::model::GroupVersionKind {
            api_version,
            kind: kind.into(),
        },
        namespace: namespace.map(str::to_owned),
        selector: Default::default(),
        page_bytes,
        from: None,
    }
}

pub(crate) async fn pages(
    collector: &KubeCollector,
    request: ListRequest,
) -> (Vec<Page>, Option<Error>) {
    let mut stream = collector.list(request);
    let mut pages = Vec::new();
    while let Some(page) = stream.next().await {
        match page {
            Ok(page) => pages.push(page),
            Err(error) => return (pages, Some(error)),
        }
    }
    (pages, None)
}

pub(crate) fn ids(pages: &[Page]) -> Vec<ObjectId> {
    let objects = pages.iter().flat_map(|page| &page.objects);
    objects.map(|object| object.id().clone()).collect()
}

/// Asks until `ready` says yes, at most a minute: for what a controller does in its own time.
pub(crate) async fn eventually(mut ready: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !ready().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asking)
        .await
        .unwrap();
}

/// Shortens what a test of a dead server waits for.
pub(crate) fn hasty() -> ClusterLimits {
    let mut limits = ClusterLimits {
        request_timeout: Duration::from_secs(2),
        ..ClusterLimits::default()
    };
    limits.repeat.attempts = 2;
    limits
}

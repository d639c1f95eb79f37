//! Discovery of a new server, of an old one, and of one with a dead API service.

use crate::plane::{client, eventually, plane};
use csdr_core::{model::Discovery, port::ResourceCollector};
use csdr_k8s::KubeCollector;
use csdr_testenv::{ControlPlane, KubeVersion};
use serde_json::json;

async fn discover(plane: &ControlPlane) -> Discovery {
    let client = client(plane.kubeconfig().yaml()).await;
    KubeCollector::new(client).discover().await.unwrap()
}

fn versions(discovery: &Discovery, resource: &str) -> Vec<String> {
    let row = discovery.resource(&resource.parse().unwrap());
    let versions = &row
        .unwrap_or_else(|| panic!("{resource} is served"))
        .versions;
    versions
        .iter()
        .map(|served| served.version.clone())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_new_server_tells_all_versions() {
    let plane = plane(KubeVersion::V1_36).await;
    let discovery = discover(plane).await;
    assert!(discovery.gaps.is_empty(), "{:?}", discovery.gaps);
    assert_eq!(discovery.server_version, plane.server_version());
    assert_eq!(versions(&discovery, "pods"), ["v1"]);
    assert_eq!(
        versions(&discovery, "horizontalpodautoscalers.autoscaling"),
        ["v2", "v1"]
    );
    let deployments = discovery.kind("apps", "Deployment").unwrap();
    assert!(deployments.namespaced && deployments.can(&["create", "get", "list", "patch"]));
    assert_eq!(discovery.resolve("deploy").len(), 1);
    assert!(!discovery.kind("", "Namespace").unwrap().namespaced);
    assert!(
        discovery
            .resources
            .iter()
            .all(|row| !row.resource.resource().contains('/'))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_server_tells_all_versions_too() {
    let plane = plane(KubeVersion::V1_21).await;
    let discovery = discover(plane).await;
    assert!(discovery.gaps.is_empty(), "{:?}", discovery.gaps);
    assert_eq!(discovery.server_version, plane.server_version());
    assert_eq!(versions(&discovery, "ingresses.extensions"), ["v1beta1"]);
    assert_eq!(
        versions(&discovery, "ingresses.networking.k8s.io"),
        ["v1", "v1beta1"]
    );
    assert_eq!(versions(&discovery, "cronjobs.batch"), ["v1", "v1beta1"]);
    // Its server prefers v1 there, and orders the others itself.
    let autoscalers = versions(&discovery, "horizontalpodautoscalers.autoscaling");
    assert_eq!(autoscalers[0], "v1");
    assert_eq!(autoscalers.len(), 3);
    assert!(discovery.kind("", "Pod").unwrap().namespaced);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_api_service_is_a_gap() {
    // A plane of its own: a dead API service disturbs every other discovery.
    for version in [KubeVersion::V1_36, KubeVersion::V1_21] {
        let plane = ControlPlane::builder()
            .version(version)
            .start()
            .await
            .unwrap();
        let body = json!({
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
            "metadata": {"name": "v1.dead.example.com"},
            "spec": {
                "group": "dead.example.com", "version": "v1", "insecureSkipTLSVerify": true,
                "groupPriorityMinimum": 1000, "versionPriority": 10,
                "service": {"namespace": "default", "name": "nobody"},
            },
        });
        let path = "/apis/apiregistration.k8s.io/v1/apiservices";
        assert_eq!(
            plane
                .call("POST", path, &body.to_string())
                .await
                .unwrap()
                .status,
            201
        );
        // The aggregator notices the new service in its own time.
        let mut last = Discovery::default();
        eventually(async || {
            last = discover(&plane).await;
            !last.gaps.is_empty()
        })
        .await;
        let [gap] = &last.gaps[..] else {
            panic!("one gap: {:?}", last.gaps)
        };
        assert_eq!(
            (&*gap.group, gap.version.as_deref()),
            ("dead.example.com", Some("v1"))
        );
        assert!(last.kind("", "Pod").is_some());
        plane.stop().await;
    }
}

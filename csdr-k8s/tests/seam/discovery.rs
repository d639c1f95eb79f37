//! Discovery: both forms of the documents, and what does not answer.

use crate::server::{Reply, Seen, limits, serve};
use csdr_core::{
    ErrorKind,
    model::{ApiResource, Discovery, DiscoveryGap, GapExtent},
    port::ResourceCollector,
};
use csdr_k8s::{KubeCollector, RepeatPolicy};
use serde_json::{Value, json};

async fn discover(
    answer: impl Fn(Seen) -> Reply + Send + Sync + 'static,
) -> csdr_core::Result<Discovery> {
    let mut limits = limits();
    limits.repeat = RepeatPolicy {
        attempts: 1,
        ..RepeatPolicy::default()
    };
    let (client, log) = serve(limits, answer);
    let discovery = KubeCollector::new(client).discover().await;
    for seen in log
        .lock()
        .unwrap()
        .iter()
        .filter(|seen| seen.path == "/apis")
    {
        let accept = seen.headers["accept"].to_str().unwrap();
        assert!(
            accept.starts_with(
                "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
            )
        );
    }
    discovery
}

fn version(seen: &Seen) -> Option<Reply> {
    (seen.path == "/version").then(|| Reply::json(json!({"gitVersion": "v1.36.3", "major": "1"})))
}

fn resource(plural: &str, kind: &str, scope: &str) -> Value {
    json!({
        "resource": plural, "responseKind": {"group": "", "version": "", "kind": kind}, "scope": scope,
        "singularResource": kind.to_lowercase(), "verbs": ["watch", "get", "list"],
        "subresources": [{"subresource": "status"}],
    })
}

fn group(name: &str, versions: Value) -> Value {
    json!({"metadata": {"name": name, "creationTimestamp": null}, "versions": versions})
}

fn aggregated(items: Value) -> Reply {
    Reply::json(
        json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}),
    )
}

fn gap(group: &str, version: Option<&str>) -> impl Fn(&DiscoveryGap) -> bool {
    let (group, version) = (group.to_owned(), version.map(str::to_owned));
    move |gap| gap.group == group && gap.version == version
}

/// The groups of the gaps that hide a whole root.
fn root_gaps(discovery: &Discovery) -> Vec<&str> {
    let root = discovery
        .gaps
        .iter()
        .filter(|gap| gap.extent == GapExtent::Root);
    root.map(|gap| gap.group.as_str()).collect()
}

fn shown(row: &ApiResource) -> String {
    let versions: Vec<_> = row
        .versions
        .iter()
        .map(|served| served.version.as_str())
        .collect();
    format!(
        "{} {} {} {}",
        row.resource,
        row.kind,
        row.namespaced,
        versions.join(",")
    )
}

#[tokio::test]
async fn aggregated_documents_give_all_versions_and_stale_ones_are_gaps() {
    let discovery = discover(|seen| {
        version(&seen).unwrap_or_else(|| match seen.path.as_str() {
            "/api" => aggregated(json!([{
                "metadata": {"creationTimestamp": null},
                "versions": [{"version": "v1", "freshness": "Current", "resources": [resource("pods", "Pod", "Namespaced"), resource("nodes", "Node", "Cluster")]}],
            }])),
            _ => aggregated(json!([
                group("autoscaling", json!([
                    {"version": "v2", "freshness": "Current", "resources": [resource("horizontalpodautoscalers", "HorizontalPodAutoscaler", "Namespaced")]},
                    {"version": "v1", "resources": [resource("horizontalpodautoscalers", "HorizontalPodAutoscaler", "Namespaced"), resource("olds", "Old", "Cluster")]},
                ])),
                group("metrics.k8s.io", json!([
                    {"version": "v1", "freshness": "Stale", "resources": [resource("pods", "PodMetrics", "Namespaced")]},
                    {"version": "v1beta1", "freshness": "Stale"},
                ])),
                group("odd.example.com", json!([
                    {"version": "v1", "resources": [{"resource": "nameless", "verbs": []}, resource("UPPER", "Upper", "Cluster"), resource("fine", "Fine", "Cluster")]},
                ])),
                group("empty.example.com", Value::Null),
            ])),
        })
    })
    .await
    .unwrap();
    let rows: Vec<_> = discovery.resources.iter().map(shown).collect();
    assert_eq!(
        rows,
        [
            "fine.odd.example.com Fine false v1",
            "horizontalpodautoscalers.autoscaling HorizontalPodAutoscaler true v2,v1",
            "nodes Node false v1",
            "olds.autoscaling Old false v1",
            "pods Pod true v1",
        ]
    );
    assert_eq!(discovery.server_version, "v1.36.3");
    let pods = discovery.resolve("pod");
    assert_eq!(pods.len(), 1);
    assert_eq!(pods[0].versions[0].verbs, ["get", "list", "watch"]);
    assert_eq!(discovery.gaps.len(), 4);
    for expected in [
        gap("metrics.k8s.io", Some("v1")),
        gap("metrics.k8s.io", Some("v1beta1")),
    ] {
        assert!(
            discovery
                .gaps
                .iter()
                .any(|gap| expected(gap) && gap.reason.contains("stale"))
        );
    }
    let odd = gap("odd.example.com", Some("v1"));
    assert_eq!(discovery.gaps.iter().filter(|gap| odd(gap)).count(), 2);
}

fn legacy(seen: &Seen) -> Reply {
    let row = |name: &str, kind: &str, namespaced: bool| json!({"name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": ["list", "get"], "shortNames": ["x"]});
    let list = |rows: Value| Reply::json(json!({"kind": "APIResourceList", "resources": rows}));
    match seen.path.as_str() {
        "/api" => Reply::json(json!({"kind": "APIVersions", "versions": ["v1"]})),
        "/apis" => Reply::json(json!({"kind": "APIGroupList", "groups": [
            {"name": "apps", "versions": [{"version": "v1beta1"}, {"version": "v1"}], "preferredVersion": {"version": "v1"}},
            {"name": "dead.example.com", "versions": [{"version": "v1"}], "preferredVersion": {"version": "v1"}},
        ]})),
        "/api/v1" => list(json!([
            row("pods", "Pod", true),
            row("pods/log", "Pod", true),
            row("nodes", "Node", false)
        ])),
        "/apis/apps/v1" => list(json!([
            row("deployments", "Deployment", true),
            row("deployments/scale", "Scale", true)
        ])),
        "/apis/apps/v1beta1" => list(json!([row("deployments", "Deployment", true)])),
        _ => Reply::status(503, "ServiceUnavailable", json!({})),
    }
}

#[tokio::test]
async fn old_servers_are_asked_group_by_group_and_a_silent_one_is_a_gap() {
    let discovery = discover(|seen| version(&seen).unwrap_or_else(|| legacy(&seen)))
        .await
        .unwrap();
    let rows: Vec<_> = discovery.resources.iter().map(shown).collect();
    assert_eq!(
        rows,
        [
            "deployments.apps Deployment true v1,v1beta1",
            "nodes Node false v1",
            "pods Pod true v1"
        ]
    );
    assert_eq!(discovery.resources[0].short_names, ["x"]);
    assert_eq!(discovery.gaps.len(), 1);
    assert!(gap("dead.example.com", Some("v1"))(&discovery.gaps[0]));
    assert_eq!(root_gaps(&discovery), [""; 0]);
    assert!(
        discovery.gaps[0].reason.contains("ServiceUnavailable"),
        "{}",
        discovery.gaps[0].reason
    );
}

#[tokio::test]
async fn half_of_an_api_is_a_gap_and_none_is_an_error() {
    let down = || Reply::status(500, "InternalError", json!({}));
    let discovery = discover(move |seen| match seen.path.as_str() {
        "/api" | "/version" => down(),
        _ => legacy(&seen),
    })
    .await
    .unwrap();
    assert_eq!(root_gaps(&discovery), [""]);
    assert_eq!(discovery.server_version, "");

    let discovery = discover(move |seen| match seen.path.as_str() {
        "/apis" => down(),
        _ => legacy(&seen),
    })
    .await
    .unwrap();
    assert_eq!(root_gaps(&discovery), ["*"]);

    // The roots answer, what is below them does not.
    let discovery = discover(move |seen| match seen.path.as_str() {
        "/api/v1" => down(),
        _ => legacy(&seen),
    })
    .await
    .unwrap();
    assert_eq!(root_gaps(&discovery), [""]);
    let stale = json!([group(
        "apps",
        json!([{"version": "v1", "freshness": "Stale"}])
    )]);
    let discovery = discover(move |seen| match seen.path.as_str() {
        "/apis" => aggregated(stale.clone()),
        _ => legacy(&seen),
    })
    .await
    .unwrap();
    assert_eq!(root_gaps(&discovery), ["*"]);

    let error = discover(move |_| Reply::status(401, "Unauthorized", json!({})))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    let error = discover(move |_| Reply::json("<html>")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

//! Lists of a real server: pages, bytes, order, rights, tokens that expire.

use crate::plane::{Room, client, config_maps, eventually, ids, pages, request};
use csdr_core::{ErrorKind, model::Object, port::ResourceCollector};
use csdr_k8s::KubeCollector;
use csdr_testenv::ControlPlane;
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::json;

/// Makes `count` ConfigMaps of about `size` bytes in the room's namespace.
async fn fill(room: &Room, count: usize, size: usize) {
    stream::iter(0..count)
        .map(|n| async move {
            let mut map = room.config_map(&format!("c{n:05}"));
            map["data"]["k"] = json!("x".repeat(size));
            map["metadata"]["labels"] = json!({"odd": (n % 2).to_string()});
            room.create("configmaps", map).await
        })
        .buffer_unordered(32)
        .try_for_each(|_| async { Ok(()) })
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_objects_come_once_and_in_order_whatever_the_page() {
    let room = Room::new("list-many").await;
    fill(&room, 3000, 500).await;
    for page_bytes in [16 << 10, 128 << 10, 4 << 20] {
        let (pages, error) =
            pages(&room.collector, config_maps(Some("list-many"), page_bytes)).await;
        assert!(error.is_none(), "{error:?}");
        let ids = ids(&pages);
        // And kube-root-ca.crt, of the controller.
        assert_eq!(ids.len(), 3001);
        assert!(ids.is_sorted_by(|a, b| a < b));
        assert!(
            pages
                .iter()
                .all(|page| !page.inconsistent && page.unreadable.is_empty())
        );
        for page in &pages {
            let bytes: usize = page.objects.iter().map(|object| object.json().len()).sum();
            assert!(bytes <= 2 * page_bytes, "{bytes} for {page_bytes}");
        }
    }
    let mut selected = config_maps(Some("list-many"), 1 << 20);
    selected.selector = "odd=1".parse().unwrap();
    let (pages, _) = pages(&room.collector, selected).await;
    assert_eq!(ids(&pages).len(), 1500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_and_a_get_have_the_same_bytes() {
    let room = Room::new("list-bytes").await;
    room.create("configmaps", room.config_map("a"))
        .await
        .unwrap();
    let (pages, _) = pages(&room.collector, config_maps(Some("list-bytes"), 1 << 20)).await;
    let listed: Vec<&Object> = pages.iter().flat_map(|page| &page.objects).collect();
    let listed = listed
        .iter()
        .find(|object| object.id().name() == "a")
        .unwrap();
    let got = room
        .collector
        .get(listed.id(), "v1")
        .await
        .unwrap()
        .unwrap();
    // A single object writes kind before apiVersion; the rest is byte for byte the same.
    let rest = |object: &Object| {
        object
            .text()
            .split_once(r#""metadata""#)
            .unwrap()
            .1
            .to_owned()
    };
    assert_eq!(rest(listed), rest(&got));
    assert_eq!(listed.meta(), got.meta());
    assert_eq!(
        room.collector
            .get(&room.id("configmaps", "b"), "v1")
            .await
            .unwrap(),
        None
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn custom_resources_keep_unknown_fields_and_the_text_of_numbers() {
    let room = Room::new("list-custom").await;
    let crd = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "blobs.list.example.com"},
        "spec": {
            "group": "list.example.com", "scope": "Namespaced",
            "names": {"plural": "blobs", "kind": "Blob", "listKind": "ManyBlobs"},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
            }],
        },
    });
    room.create("customresourcedefinitions.apiextensions.k8s.io", crd)
        .await
        .unwrap();
    let made = async |name: &str| {
        let text = format!(
            r#"{{"apiVersion":"list.example.com/v1","kind":"Blob","metadata":{{"name":"{name}","namespace":"list-custom"}},"spec":{{"n":9007199254740993,"unknown":{{"deep":[1,"x"]}}}}}}"#
        );
        let object =
            Object::parse("blobs.list.example.com".parse().unwrap(), text.into_bytes()).unwrap();
        csdr_core::port::ResourceApplier::create(&room.applier, &object, &crate::plane::options())
            .await
    };
    eventually(async || made("a").await.is_ok()).await;
    for n in 0..20 {
        made(&format!("b{n:02}")).await.unwrap();
    }
    // Lists of custom resources have their metadata behind the items; and this one's kind does not end in List.
    let list = request(
        "list.example.com/v1",
        "blobs",
        "Blob",
        Some("list-custom"),
        4096,
    );
    let (pages, error) = pages(&room.collector, list).await;
    assert!(error.is_none(), "{error:?}");
    assert!(pages.len() > 2);
    assert_eq!(ids(&pages).len(), 21);
    for object in pages.iter().flat_map(|page| &page.objects) {
        assert!(
            object.text().contains(r#""n":9007199254740993"#),
            "{}",
            object.text()
        );
        assert!(object.text().contains(r#""unknown":{"deep":[1,"x"]}"#));
        assert_eq!(object.meta().kind.to_string(), "list.example.com/v1/Blob");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_namespaces_stand_in_order() {
    let rooms = [
        Room::new("order").await,
        Room::new("order-a").await,
        Room::new("order-a-b").await,
        Room::new("order0").await,
    ];
    for room in &rooms {
        fill(room, 15, 100).await;
    }
    for page_bytes in [4096, 1 << 20] {
        let (pages, error) = pages(&rooms[0].collector, config_maps(None, page_bytes)).await;
        assert!(error.is_none(), "{error:?}");
        let mut ids = ids(&pages);
        assert!(ids.is_sorted_by(|a, b| a < b));
        ids.retain(|id| id.namespace().is_some_and(|name| name.starts_with("order")));
        assert_eq!(ids.len(), 4 * 16);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_read_is_told_and_a_missing_namespace_is_empty() {
    let room = Room::new("list-rights").await;
    let user = room.plane.user("nobody", &[]).unwrap();
    let nobody = KubeCollector::new(client(user.yaml()).await);
    for namespace in [Some("list-rights"), None] {
        let (seen, error) = pages(&nobody, config_maps(namespace, 1 << 20)).await;
        assert!(seen.is_empty());
        let error = error.unwrap();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(
            error
                .to_string()
                .contains(r#"User "nobody" cannot list resource "configmaps""#),
            "{error}"
        );
    }
    // Discovery is for everybody.
    assert!(nobody.discover().await.unwrap().kind("", "Pod").is_some());
    assert_eq!(
        nobody
            .get(&room.id("configmaps", "a"), "v1")
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::PermissionDenied
    );

    let (seen, error) = pages(
        &room.collector,
        config_maps(Some("no-such-namespace"), 1 << 20),
    )
    .await;
    assert!(error.is_none() && ids(&seen).is_empty() && seen.len() == 1);
    let (_, error) = pages(
        &room.collector,
        request("v9", "configmaps", "ConfigMap", None, 1 << 20),
    )
    .await;
    assert_eq!(error.unwrap().kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_goes_on_and_says_so() {
    // A plane of its own, whose etcd forgets old versions within seconds.
    let plane = ControlPlane::builder()
        .api_server_argument("--etcd-compaction-interval=1s")
        .start()
        .await
        .unwrap();
    let collector = KubeCollector::new(client(plane.kubeconfig().yaml()).await);
    for n in 0..40 {
        let name = format!("c{n:02}");
        let map = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name},
            "data": {"k": "x".repeat(500)},
        });
        let path = "/api/v1/namespaces/default/configmaps";
        assert_eq!(
            plane
                .call("POST", path, &map.to_string())
                .await
                .unwrap()
                .status,
            201
        );
    }
    let (before, _) = pages(&collector, config_maps(Some("default"), 8192)).await;
    let mut rest = config_maps(Some("default"), 8192);
    rest.from = before[0].next.clone();
    let mut after = Vec::new();
    eventually(async || {
        let (seen, error) = pages(&collector, rest.clone()).await;
        assert!(error.is_none(), "{error:?}");
        after = seen;
        after[0].inconsistent
    })
    .await;
    assert_eq!(ids(&after), ids(&before[1..]));
    assert!(after[1..].iter().all(|page| !page.inconsistent));
    plane.stop().await;
}

use super::*;
use crate::{
    ErrorKind, Retry,
    model::{LabelSelector, Tree},
    port::Propagation,
};
use futures::{StreamExt, TryStreamExt};

fn object(json: &str) -> Object {
    let tree = Tree::parse(json.as_bytes()).unwrap();
    let kind = tree.text_at(&["kind"]).unwrap();
    let version = tree.text_at(&["apiVersion"]).unwrap();
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let resource = builtin::kind(group, kind).map_or_else(
        || GroupResource::new(group, format!("{}s", kind.to_lowercase())).unwrap(),
        |row| row.resource().unwrap(),
    );
    Object::parse(resource, json.as_bytes().to_vec()).unwrap()
}

fn config_map(namespace: &str, name: &str, data: &str) -> Object {
    object(&format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}","namespace":"{namespace}"}},"data":{data}}}"#
    ))
}

fn with(object: &Object, path: &[&str], value: &str) -> Object {
    let mut tree = object.tree().unwrap();
    tree.set(path, Tree::parse(value.as_bytes()).unwrap());
    Object::from_tree(object.id().resource().clone(), &tree).unwrap()
}

fn me() -> WriteOptions {
    WriteOptions {
        field_manager: "csdr-1".into(),
        dry_run: false,
    }
}

fn dry() -> WriteOptions {
    WriteOptions {
        dry_run: true,
        ..me()
    }
}

fn request(resource: &str, namespace: Option<&str>) -> ListRequest {
    let resource: GroupResource = resource.parse().unwrap();
    let row = builtin::resource(&resource).unwrap();
    ListRequest {
        resource: resource.with_version(row.served()[0]),
        kind: crate::model::GroupVersionKind {
            api_version: crate::model::ApiVersion::new(row.group, row.served()[0]).unwrap(),
            kind: row.kind.into(),
        },
        namespace: namespace.map(str::to_owned),
        selector: LabelSelector::default(),
        page_bytes: 1,
        from: None,
    }
}

fn kind<T: fmt::Debug>(result: Result<T>) -> ErrorKind {
    let error = result.unwrap_err();
    assert_eq!(error.retry(), Retry::Never);
    error.kind()
}

async fn get(cluster: &MemoryCluster, object: &Object) -> Option<Object> {
    ResourceTarget::get(
        cluster,
        object.id(),
        object.meta().kind.api_version.version(),
    )
    .await
    .unwrap()
}

#[tokio::test]
async fn system_fields_are_the_servers_and_the_rest_keeps_its_text() {
    let cluster = MemoryCluster::new();
    let asked = object(
        r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"default","uid":"mine","generation":9,"creationTimestamp":"2001-01-01T00:00:00Z"},"spec":{"replicas":1e0,"x":18446744073709551617},"status":{"readyReplicas":1}}"#,
    );
    let made = cluster.create(&asked, &me()).await.unwrap();
    let tree = made.tree().unwrap();
    assert_ne!(made.meta().uid, "mine");
    assert_eq!(
        tree.at(&["metadata", "generation"]).and_then(Tree::as_i64),
        Some(1)
    );
    assert_eq!(
        tree.text_at(&["metadata", "creationTimestamp"]),
        Some("2024-01-01T00:00:00Z")
    );
    assert_eq!(tree.at(&["status"]).unwrap().to_string(), "{}");
    assert_eq!(
        tree.at(&["spec"]).unwrap().to_string(),
        r#"{"replicas":1e0,"x":18446744073709551617}"#
    );
    let managed = tree.at(&["metadata", "managedFields"]).unwrap().to_string();
    assert_eq!(
        managed,
        r#"[{"manager":"csdr-1","operation":"Update","apiVersion":"apps/v1","time":"2024-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:replicas":{},"f:x":{}}}}]"#
    );
    assert_eq!(get(&cluster, &made).await.unwrap(), made);

    // The status has its own door, and the main door does not touch it.
    let with_status = with(&made, &["status"], r#"{"readyReplicas":1}"#);
    let same = cluster.replace(&with_status, &me()).await.unwrap();
    assert_eq!(
        same, made,
        "nothing but the status changed: nothing is written"
    );
    let ready = cluster.replace_status(&with_status, &me()).await.unwrap();
    assert_eq!(
        ready
            .tree()
            .unwrap()
            .at(&["status", "readyReplicas"])
            .and_then(Tree::as_i64),
        Some(1)
    );
    assert_eq!(
        ready
            .tree()
            .unwrap()
            .at(&["metadata", "generation"])
            .and_then(Tree::as_i64),
        Some(1)
    );
    assert!(ready.text().contains(r#""subresource":"status""#));
    let scaled = cluster
        .replace(&with(&ready, &["spec", "replicas"], "2"), &me())
        .await
        .unwrap();
    assert_eq!(
        scaled
            .tree()
            .unwrap()
            .at(&["metadata", "generation"])
            .and_then(Tree::as_i64),
        Some(2)
    );
    assert_eq!(
        scaled
            .tree()
            .unwrap()
            .at(&["status", "readyReplicas"])
            .and_then(Tree::as_i64),
        Some(1)
    );
    assert_eq!(
        kind(
            cluster
                .replace_status(&config_map("default", "a", "{}"), &me())
                .await
        ),
        ErrorKind::NotFound
    );
}

#[tokio::test]
async fn refusals_have_their_kinds() {
    let cluster = MemoryCluster::new();
    let made = cluster
        .create(&config_map("default", "a", r#"{"k":"1"}"#), &me())
        .await
        .unwrap();
    assert_eq!(
        kind(
            cluster
                .create(&config_map("default", "a", "{}"), &me())
                .await
        ),
        ErrorKind::AlreadyExists
    );
    assert_eq!(
        kind(cluster.create(&made, &me()).await),
        ErrorKind::InvalidInput
    );
    assert_eq!(
        kind(
            cluster
                .create(&config_map("nowhere", "a", "{}"), &me())
                .await
        ),
        ErrorKind::NotFound
    );
    assert_eq!(
        kind(
            cluster
                .create(&config_map("default", "A_b", "{}"), &me())
                .await
        ),
        ErrorKind::InvalidInput
    );
    let labelled = with(
        &config_map("default", "b", "{}"),
        &["metadata", "labels"],
        r#"{"a":"b c"}"#,
    );
    assert_eq!(
        kind(cluster.create(&labelled, &me()).await),
        ErrorKind::InvalidInput
    );
    let unknown = object(
        r#"{"apiVersion":"shop.io/v1","kind":"Widget","metadata":{"name":"w","namespace":"default"}}"#,
    );
    assert_eq!(
        kind(cluster.create(&unknown, &me()).await),
        ErrorKind::NotFound
    );
    assert_eq!(get(&cluster, &unknown).await, None);
    assert_eq!(
        kind(
            cluster
                .replace(&config_map("default", "c", "{}"), &me())
                .await
        ),
        ErrorKind::NotFound
    );
    let changed = cluster
        .replace(&with(&made, &["data", "k"], "\"2\""), &me())
        .await
        .unwrap();
    assert_eq!(
        kind(
            cluster
                .replace(&with(&made, &["data", "k"], "\"3\""), &me())
                .await
        ),
        ErrorKind::Conflict
    );
    assert_ne!(
        changed.meta().resource_version,
        made.meta().resource_version
    );
    let long = WriteOptions {
        field_manager: "m".repeat(129),
        dry_run: false,
    };
    assert_eq!(
        kind(
            cluster
                .create(&config_map("default", "d", "{}"), &long)
                .await
        ),
        ErrorKind::InvalidInput
    );
    let wrong = Object::parse("secrets".parse().unwrap(), made.json().clone()).unwrap();
    assert_eq!(
        kind(cluster.replace(&wrong, &me()).await),
        ErrorKind::InvalidInput
    );
}

#[tokio::test]
async fn dry_runs_store_nothing() {
    let cluster = MemoryCluster::new();
    let asked = config_map("default", "a", r#"{"k":"1"}"#);
    let before = format!("{cluster:?}");
    cluster.create(&asked, &dry()).await.unwrap();
    cluster
        .apply(
            &asked,
            &ApplyOptions {
                write: dry(),
                force: false,
            },
        )
        .await
        .unwrap();
    assert_eq!(format!("{cluster:?}"), before);
    let made = cluster.create(&asked, &me()).await.unwrap();
    assert_eq!(
        kind(cluster.create(&asked, &dry()).await),
        ErrorKind::AlreadyExists
    );
    cluster
        .replace(&with(&made, &["data", "k"], "\"2\""), &dry())
        .await
        .unwrap();
    cluster
        .merge_patch(
            made.id(),
            "v1",
            Bytes::from_static(b"{\"data\":null}"),
            &dry(),
        )
        .await
        .unwrap();
    cluster
        .delete(
            made.id(),
            "v1",
            &DeleteOptions {
                dry_run: true,
                ..Default::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(get(&cluster, &made).await, Some(made));
}

#[tokio::test]
async fn finalizers_hold_and_preconditions_guard() {
    let cluster = MemoryCluster::new();
    let asked = with(
        &config_map("default", "a", "{}"),
        &["metadata", "finalizers"],
        r#"["csdr.io/hold"]"#,
    );
    let made = cluster.create(&asked, &me()).await.unwrap();
    let other = DeleteOptions {
        uid: Some("other".into()),
        ..Default::default()
    };
    assert_eq!(
        kind(cluster.delete(made.id(), "v1", &other).await),
        ErrorKind::Conflict
    );
    cluster
        .delete(made.id(), "v1", &DeleteOptions::default())
        .await
        .unwrap();
    let held = get(&cluster, &made).await.unwrap();
    assert!(held.meta().deleting);
    assert_eq!(
        kind(cluster.create(&asked, &me()).await),
        ErrorKind::AlreadyExists
    );
    assert_eq!(
        kind(
            cluster
                .replace(
                    &with(
                        &held,
                        &["metadata", "finalizers"],
                        r#"["csdr.io/hold","b"]"#
                    ),
                    &me()
                )
                .await
        ),
        ErrorKind::InvalidInput
    );
    cluster
        .replace(&with(&held, &["metadata", "finalizers"], "[]"), &me())
        .await
        .unwrap();
    assert_eq!(get(&cluster, &made).await, None);
    assert_eq!(
        kind(
            cluster
                .delete(made.id(), "v1", &DeleteOptions::default())
                .await
        ),
        ErrorKind::NotFound
    );
}

#[tokio::test]
async fn namespaces_are_filled_and_emptied() {
    let cluster = MemoryCluster::new();
    let namespace = object(r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}}"#);
    cluster.create(&namespace, &me()).await.unwrap();
    for id in [
        "configmaps/shop/kube-root-ca.crt",
        "serviceaccounts/shop/default",
    ] {
        assert!(cluster.object(&id.parse().unwrap()).is_some(), "{id}");
    }
    let held = with(
        &config_map("shop", "held", "{}"),
        &["metadata", "finalizers"],
        r#"["x.io/y"]"#,
    );
    cluster.create(&held, &me()).await.unwrap();
    cluster
        .delete(namespace.id(), "v1", &DeleteOptions::default())
        .await
        .unwrap();
    let terminating = get(&cluster, &namespace).await.unwrap();
    assert!(terminating.meta().deleting && terminating.text().contains("Terminating"));
    assert_eq!(
        kind(
            cluster
                .create(&config_map("shop", "late", "{}"), &me())
                .await
        ),
        ErrorKind::Conflict
    );
    assert_eq!(
        cluster
            .objects(&"configmaps".parse().unwrap())
            .iter()
            .filter(|o| o.id().namespace() == Some("shop"))
            .count(),
        1
    );
    let patch = Bytes::from_static(br#"{"metadata":{"finalizers":null}}"#);
    cluster
        .merge_patch(held.id(), "v1", patch, &me())
        .await
        .unwrap();
    assert_eq!(get(&cluster, &namespace).await, None);
    cluster.create(&namespace, &me()).await.unwrap();
    assert_eq!(
        kind(
            cluster
                .delete(
                    &"namespaces/kube-system".parse().unwrap(),
                    "v1",
                    &DeleteOptions::default()
                )
                .await
        ),
        ErrorKind::PermissionDenied
    );
}

#[tokio::test]
async fn dependents_follow_their_owners() {
    for (propagation, stands) in [
        (Propagation::Background, false),
        (Propagation::Foreground, false),
        (Propagation::Orphan, true),
    ] {
        let cluster = MemoryCluster::new();
        let owner = cluster
            .create(&config_map("default", "owner", "{}"), &me())
            .await
            .unwrap();
        let mut uid = owner.meta().uid.clone();
        for name in ["child", "grandchild"] {
            let references =
                format!(r#"[{{"apiVersion":"v1","kind":"ConfigMap","name":"x","uid":"{uid}"}}]"#);
            let child = with(
                &config_map("default", name, "{}"),
                &["metadata", "ownerReferences"],
                &references,
            );
            uid = cluster
                .create(&child, &me())
                .await
                .unwrap()
                .meta()
                .uid
                .clone();
        }
        cluster
            .delete(
                owner.id(),
                "v1",
                &DeleteOptions {
                    propagation,
                    ..Default::default()
                },
            )
            .await
            .unwrap();
        assert_eq!(get(&cluster, &owner).await, None, "{propagation:?}");
        for name in ["child", "grandchild"] {
            assert_eq!(
                get(&cluster, &config_map("default", name, "{}"))
                    .await
                    .is_some(),
                stands,
                "{propagation:?} {name}"
            );
        }
    }
}

const CRD: &str = r#"{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"widgets.shop.io"},"spec":{"group":"shop.io","scope":"Namespaced","names":{"plural":"widgets","kind":"Widget"},"versions":[{"name":"v1alpha1","served":true,"storage":false,"schema":{}},{"name":"v1","served":true,"storage":true,"subresources":{"status":{}},"schema":{}}]}}"#;

#[tokio::test]
async fn definitions_bring_their_kind_and_take_it_along() {
    let cluster = MemoryCluster::new();
    cluster.hold_definitions();
    let definition = object(CRD);
    cluster.create(&definition, &me()).await.unwrap();
    let widget = object(
        r#"{"apiVersion":"shop.io/v1","kind":"Widget","metadata":{"name":"w","namespace":"default"},"spec":{"n":0.10},"status":{"x":1}}"#,
    );
    assert_eq!(
        kind(cluster.create(&widget, &me()).await),
        ErrorKind::NotFound
    );
    assert!(
        ResourceTarget::discover(&cluster)
            .await
            .unwrap()
            .kind("shop.io", "Widget")
            .is_none()
    );
    cluster.establish_definitions().unwrap();
    assert!(
        get(&cluster, &definition)
            .await
            .unwrap()
            .text()
            .contains(r#""type":"Established","status":"True""#)
    );
    let discovery = ResourceTarget::discover(&cluster).await.unwrap();
    let row = discovery.kind("shop.io", "Widget").unwrap();
    assert_eq!(row.preferred().version, "v1");
    assert!(row.serves("v1alpha1"));
    let made = cluster.create(&widget, &me()).await.unwrap();
    assert!(!made.text().contains("\"status\""));
    let old = ResourceTarget::get(&cluster, made.id(), "v1alpha1")
        .await
        .unwrap()
        .unwrap();
    assert!(old.text().contains("shop.io/v1alpha1") && old.text().contains("0.10"));
    let bare = with(&widget, &["spec", "n"], "1");
    assert_eq!(
        kind(cluster.replace(&bare, &me()).await),
        ErrorKind::InvalidInput
    );
    cluster
        .delete(definition.id(), "v1", &DeleteOptions::default())
        .await
        .unwrap();
    assert!(
        ResourceTarget::discover(&cluster)
            .await
            .unwrap()
            .kind("shop.io", "Widget")
            .is_none()
    );
    assert_eq!(get(&cluster, &definition).await, None);
}

#[tokio::test]
async fn pages_are_one_snapshot_until_the_token_expires() {
    let cluster = MemoryCluster::new();
    for name in ["a", "b", "c", "d"] {
        cluster
            .create(&config_map("default", name, "{}"), &me())
            .await
            .unwrap();
    }
    let names = |pages: &[Page]| -> Vec<String> {
        pages
            .iter()
            .flat_map(|page| &page.objects)
            .map(|object| object.id().name().to_owned())
            .collect()
    };
    let first = ResourceCollector::list(&cluster, request("configmaps", Some("default")))
        .try_next()
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (names(std::slice::from_ref(&first)), first.remaining),
        (vec!["a".to_owned()], Some(4))
    );
    cluster
        .create(&config_map("default", "aa", "{}"), &me())
        .await
        .unwrap();
    let rest = ListRequest {
        from: first.next.clone(),
        page_bytes: 1 << 20,
        ..request("configmaps", Some("default"))
    };
    let pages: Vec<Page> = ResourceCollector::list(&cluster, rest.clone())
        .try_collect()
        .await
        .unwrap();
    assert_eq!(names(&pages), ["b", "c", "d", "kube-root-ca.crt"]);
    assert!(!pages[0].inconsistent);
    cluster.expire_tokens();
    let pages: Vec<Page> = ResourceCollector::list(&cluster, rest)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(names(&pages), ["aa", "b", "c", "d", "kube-root-ca.crt"]);
    assert!(pages[0].inconsistent);
    // In the middle of a stream, too: only the page behind the expiry is marked.
    let mut stream = ResourceCollector::list(&cluster, request("configmaps", None));
    let mut marks = Vec::new();
    while let Some(page) = stream.try_next().await.unwrap() {
        if marks.len() == 1 {
            cluster.expire_tokens();
        }
        marks.push(page.inconsistent);
    }
    assert_eq!(
        marks,
        [false, false, true, false, false, false, false, false, false]
    );
    let bad = ListRequest {
        from: Some("nonsense".into()),
        ..request("configmaps", None)
    };
    assert_eq!(
        kind(ResourceCollector::list(&cluster, bad).try_next().await),
        ErrorKind::InvalidInput
    );
}

#[tokio::test]
async fn rights_and_gaps() {
    let cluster = MemoryCluster::new();
    cluster.deny(Deny {
        verbs: vec!["list".into()],
        resource: Some("secrets".parse().unwrap()),
        namespace: None,
    });
    let mut stream = ResourceCollector::list(&cluster, request("secrets", None));
    assert_eq!(kind(stream.try_next().await), ErrorKind::PermissionDenied);
    assert!(
        stream.next().await.is_none(),
        "the stream ends behind its error"
    );
    let ask = |verb: &str| AccessRequest {
        verb: verb.into(),
        resource: request("secrets", None).resource,
        namespace: None,
        name: None,
    };
    assert!(!cluster.can_i(&ask("list")).await.unwrap().allowed);
    assert!(cluster.can_i(&ask("create")).await.unwrap().allowed);
    cluster.allow_all();
    assert!(cluster.can_i(&ask("list")).await.unwrap().allowed);
    cluster.set_gap(DiscoveryGap {
        group: "apps".into(),
        version: None,
        reason: "stale".into(),
        ..Default::default()
    });
    let discovery = ResourceCollector::discover(&cluster).await.unwrap();
    assert!(discovery.kind("apps", "Deployment").is_none() && discovery.gaps.len() == 1);
    let error = ResourceCollector::list(&cluster, request("deployments.apps", None))
        .try_next()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn watches_show_what_stands_then_what_changes() {
    let cluster = MemoryCluster::new();
    let made = cluster
        .create(&config_map("default", "a", "{}"), &me())
        .await
        .unwrap();
    let mut watch = cluster.watch(WatchRequest {
        resource: made.resource_version_path(),
        namespace: Some("default".into()),
        name: Some("a".into()),
    });
    assert!(
        matches!(watch.try_next().await.unwrap(), Some(WatchEvent::Applied(object)) if object == made)
    );
    // The waiter sleeps before the change comes.
    let waiter = tokio::spawn(async move { (watch.try_next().await, watch) });
    tokio::task::yield_now().await;
    cluster
        .create(&config_map("default", "b", "{}"), &me())
        .await
        .unwrap();
    let changed = cluster
        .replace(&with(&made, &["data"], r#"{"k":"v"}"#), &me())
        .await
        .unwrap();
    let (event, mut watch) = waiter.await.unwrap();
    assert!(matches!(event.unwrap(), Some(WatchEvent::Applied(object)) if object == changed));
    cluster
        .delete(made.id(), "v1", &DeleteOptions::default())
        .await
        .unwrap();
    assert!(
        matches!(watch.try_next().await.unwrap(), Some(WatchEvent::Deleted(object)) if object.meta().uid == made.meta().uid)
    );
    cluster.expire_watches();
    assert_eq!(kind(watch.try_next().await), ErrorKind::Expired);
    assert!(watch.next().await.is_none());
}

#[tokio::test]
async fn seeding_keeps_what_is_given() {
    let cluster = MemoryCluster::new();
    let count = cluster.load_yaml("kind: Widget\napiVersion: shop.io/v1\nmetadata: {name: w, namespace: shop}\nstatus: {x: 1}\n---\n".to_owned().as_str());
    assert_eq!(kind(count), ErrorKind::NotFound);
    let yaml = format!(
        "kind: Widget\napiVersion: shop.io/v1\nmetadata: {{name: w, namespace: shop, uid: u1}}\nstatus: {{x: 1}}\n---\n{CRD}\n---\nkind: List\nitems:\n- {{apiVersion: v1, kind: Secret, metadata: {{name: s}}}}\n"
    );
    assert_eq!(cluster.load_yaml(&yaml).unwrap(), 3);
    let widget = cluster
        .object(&"widgets.shop.io/shop/w".parse().unwrap())
        .unwrap();
    assert_eq!(widget.meta().uid, "u1");
    assert!(widget.text().contains(r#""status":{"x":1}"#));
    assert!(
        cluster
            .object(&"secrets/default/s".parse().unwrap())
            .is_some()
    );
    assert!(
        cluster
            .object(&"configmaps/shop/kube-root-ca.crt".parse().unwrap())
            .is_some()
    );
    assert_eq!(
        cluster.load_yaml(&yaml).unwrap(),
        3,
        "seeding again replaces"
    );
}

#[tokio::test]
async fn the_same_steps_give_the_same_bytes() {
    async fn fill() -> Vec<Object> {
        let cluster = MemoryCluster::new();
        for name in ["x", "y"] {
            cluster
                .create(&config_map("default", name, r#"{"k":"v"}"#), &me())
                .await
                .unwrap();
        }
        cluster.all_objects()
    }
    let (first, second) = (fill().await, fill().await);
    assert_eq!(first, second);
    assert!(first.iter().map(Object::id).is_sorted());
}

#[tokio::test]
async fn apply_creates_conflicts_and_forces() {
    let cluster = MemoryCluster::new();
    let by = |name: &str, force| ApplyOptions {
        write: WriteOptions {
            field_manager: name.into(),
            dry_run: false,
        },
        force,
    };
    cluster
        .apply(
            &config_map("default", "a", r#"{"k":"1"}"#),
            &by("one", false),
        )
        .await
        .unwrap();
    let other = config_map("default", "a", r#"{"k":"2"}"#);
    let error = cluster.apply(&other, &by("two", false)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains(r#".data.k of "one""#), "{error}");
    let forced = cluster.apply(&other, &by("two", true)).await.unwrap();
    assert!(forced.text().contains(r#""k":"2""#));
    assert_eq!(
        kind(cluster.apply(&other, &by("", true)).await),
        ErrorKind::InvalidInput
    );
    assert_eq!(
        kind(cluster.apply(&forced, &by("two", true)).await),
        ErrorKind::InvalidInput
    );
}

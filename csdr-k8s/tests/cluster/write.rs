//! Writes, rights and watches on a real server.

use crate::plane::{Room, client, eventually, object, options, plane};
use csdr_core::{
    ErrorKind,
    model::GroupVersionResource,
    port::{
        AccessRequest, ApplyOptions, DeleteOptions, ResourceApplier, ResourceCollector,
        ResourceTarget, WatchEvent, WatchRequest, WriteOptions,
    },
};
use csdr_k8s::{FieldValidation, KubeApplier, KubeTarget};
use csdr_testenv::KubeVersion;
use futures::StreamExt;
use serde_json::{Value, json};

fn parsed(object: &csdr_core::model::Object) -> Value {
    serde_json::from_str(object.text()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn create_answers_the_object_and_never_changes_an_existing_one() {
    let room = Room::new("write-create").await;
    let made = room
        .create("configmaps", room.config_map("a"))
        .await
        .unwrap();
    assert!(!made.meta().uid.is_empty() && !made.meta().resource_version.is_empty());
    let managers = &parsed(&made)["metadata"]["managedFields"];
    assert_eq!(managers[0]["manager"], "csdr-test");

    let error = room
        .create("configmaps", room.config_map("a"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(
        error.to_string(),
        format!(
            "create object: configmaps \"a\" already exists (status=409, server={}/, object=configmaps/write-create/a)",
            room.plane.server_url()
        )
    );
    let still = room.collector.get(made.id(), "v1").await.unwrap().unwrap();
    assert_eq!(still.meta().resource_version, made.meta().resource_version);

    let dry = WriteOptions {
        dry_run: true,
        ..options()
    };
    let checked = object("configmaps", &room.config_map("dry"));
    room.applier.create(&checked, &dry).await.unwrap();
    assert_eq!(room.collector.get(checked.id(), "v1").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_have_their_kinds_and_no_content() {
    let room = Room::new("write-refused").await;
    let mut invalid = room.config_map("a");
    invalid["data"] = json!({"not a key": "hunter2"});
    let error = room.create("configmaps", invalid).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(
        error
            .to_string()
            .contains("a valid config key must consist of"),
        "{error}"
    );
    assert!(!error.chain().contains("hunter2"));

    let mut wrong = room.config_map("a");
    wrong["data"] = json!({"k": {"hunter2": 1}});
    let error = room.create("configmaps", wrong).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(!error.chain().contains("hunter2"), "{error}");

    let mut elsewhere = room.config_map("a");
    elsewhere["metadata"]["namespace"] = json!("no-such-namespace");
    let error = room.create("configmaps", elsewhere).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);

    let user = room.plane.user("stranger", &[]).unwrap();
    let stranger = KubeApplier::new(client(user.yaml()).await);
    let error = stranger
        .create(&object("configmaps", &room.config_map("a")), &options())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);

    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q", "namespace": room.namespace},
        "spec": {"hard": {"count/secrets": "0"}},
    });
    room.create("resourcequotas", quota).await.unwrap();
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": room.namespace}});
    let secret = object("secrets", &secret);
    // The quota's admission counts only once its status is there.
    let mut kind = ErrorKind::Unexpected;
    eventually(async || {
        let dry = WriteOptions {
            dry_run: true,
            ..options()
        };
        match room.applier.create(&secret, &dry).await {
            Ok(_) => false,
            Err(error) => {
                kind = error.kind();
                true
            }
        }
    })
    .await;
    assert!(
        matches!(kind, ErrorKind::Exhausted | ErrorKind::PermissionDenied),
        "{kind:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_fields_are_refused_unless_the_caller_lets_them_go() {
    let room = Room::new("write-unknown").await;
    let mut map = room.config_map("a");
    map["dataa"] = json!({"k": "hunter2"});
    let map = object("configmaps", &map);
    let error = room.applier.create(&map, &options()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(
        error.to_string().contains(r#"unknown field "dataa""#),
        "{error}"
    );
    let relaxed = room
        .applier
        .clone()
        .with_field_validation(FieldValidation::Warn);
    let made = relaxed.create(&map, &options()).await.unwrap();
    assert!(!made.text().contains("dataa"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_is_being_deleted_is_a_conflict() {
    let room = Room::new("write-ending").await;
    let mut held = room.config_map("held");
    held["metadata"]["finalizers"] = json!(["example.com/hold"]);
    let held = room.create("configmaps", held).await.unwrap();
    let namespace = "namespaces/write-ending".parse().unwrap();
    room.applier
        .delete(&namespace, "v1", &DeleteOptions::default())
        .await
        .unwrap();
    let mut last = None;
    eventually(async || {
        last = room
            .create("configmaps", room.config_map("late"))
            .await
            .err();
        last.is_some()
    })
    .await;
    let error = last.unwrap();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("is being terminated"), "{error}");
    let patch = br#"{"metadata":{"finalizers":null}}"#.as_slice();
    room.applier
        .merge_patch(held.id(), "v1", patch.into(), &options())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn apply_conflicts_with_other_managers_unless_forced() {
    let room = Room::new("write-apply").await;
    let map = |value: &str| {
        let mut map = room.config_map("a");
        map["data"]["k"] = json!(value);
        object("configmaps", &map)
    };
    let by = |manager: &str, force| ApplyOptions {
        write: WriteOptions {
            field_manager: manager.into(),
            dry_run: false,
        },
        force,
    };
    room.applier
        .apply(&map("one"), &by("first", false))
        .await
        .unwrap();
    let error = room
        .applier
        .apply(&map("hunter2"), &by("second", false))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(
        error
            .to_string()
            .contains(r#"conflict with "first": .data.k"#),
        "{error}"
    );
    assert!(!error.chain().contains("hunter2"));
    let taken = room
        .applier
        .apply(&map("two"), &by("second", true))
        .await
        .unwrap();
    assert_eq!(parsed(&taken)["data"]["k"], "two");
}

#[tokio::test(flavor = "multi_thread")]
async fn replace_wants_the_present_version_and_status_has_its_own_door() {
    let room = Room::new("write-replace").await;
    let made = room
        .create("configmaps", room.config_map("a"))
        .await
        .unwrap();
    let mut newer = parsed(&made);
    newer["data"]["k"] = json!("two");
    let newer = object("configmaps", &newer);
    let replaced = room.applier.replace(&newer, &options()).await.unwrap();
    assert_eq!(parsed(&replaced)["data"]["k"], "two");
    let error = room.applier.replace(&newer, &options()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);

    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": room.namespace},
        "spec": {
            "replicas": 0, "paused": true, "selector": {"matchLabels": {"a": "b"}},
            "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "example.invalid/c:1"}]}},
        },
    });
    let made = room.create("deployments.apps", deployment).await.unwrap();
    let mut with_status = parsed(&made);
    with_status["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("resourceVersion");
    with_status["spec"]["replicas"] = json!(7);
    with_status["status"]["collisionCount"] = json!(5);
    let with_status = object("deployments.apps", &with_status);
    let answered = parsed(
        &room
            .applier
            .replace_status(&with_status, &options())
            .await
            .unwrap(),
    );
    assert_eq!(answered["status"]["collisionCount"], 5);
    assert_eq!(answered["spec"]["replicas"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn delete_holds_its_preconditions() {
    let room = Room::new("write-delete").await;
    let made = room
        .create("configmaps", room.config_map("a"))
        .await
        .unwrap();
    let other = DeleteOptions {
        uid: Some("00000000-0000-0000-0000-000000000000".into()),
        ..DeleteOptions::default()
    };
    let error = room
        .applier
        .delete(made.id(), "v1", &other)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let dry = DeleteOptions {
        dry_run: true,
        ..DeleteOptions::default()
    };
    room.applier.delete(made.id(), "v1", &dry).await.unwrap();
    let own = DeleteOptions {
        uid: Some(made.meta().uid.clone()),
        resource_version: Some(made.meta().resource_version.clone()),
        ..DeleteOptions::default()
    };
    room.applier.delete(made.id(), "v1", &own).await.unwrap();
    let error = room
        .applier
        .delete(made.id(), "v1", &own)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_are_those_of_the_identity() {
    let room = Room::new("write-rights").await;
    let user = room.plane.user("guest", &[]).unwrap();
    let guest = KubeTarget::new(client(user.yaml()).await);
    let request = AccessRequest {
        verb: "create".into(),
        resource: GroupVersionResource {
            group: "apps".into(),
            version: "v1".into(),
            resource: "deployments".into(),
        },
        namespace: Some(room.namespace.clone()),
        name: None,
    };
    assert!(room.target.can_i(&request).await.unwrap().allowed);
    assert!(!guest.can_i(&request).await.unwrap().allowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_shows_what_is_there_and_what_changes() {
    let room = Room::new("write-watch").await;
    room.create("configmaps", room.config_map("a"))
        .await
        .unwrap();
    let mut watch = room.target.watch(WatchRequest {
        resource: GroupVersionResource {
            group: String::new(),
            version: "v1".into(),
            resource: "configmaps".into(),
        },
        namespace: Some(room.namespace.clone()),
        name: Some("a".into()),
    });
    let applied = |event: Option<csdr_core::Result<WatchEvent>>| match event.unwrap().unwrap() {
        WatchEvent::Applied(object) => object,
        WatchEvent::Deleted(object) => panic!("{object:?} was not deleted"),
    };
    let first = applied(watch.next().await);
    assert_eq!(first.meta().kind.to_string(), "v1/ConfigMap");
    room.create("configmaps", room.config_map("other"))
        .await
        .unwrap();
    let patch = br#"{"data":{"k":"two"}}"#.as_slice();
    room.applier
        .merge_patch(first.id(), "v1", patch.into(), &options())
        .await
        .unwrap();
    assert_eq!(parsed(&applied(watch.next().await))["data"]["k"], "two");
    room.applier
        .delete(first.id(), "v1", &DeleteOptions::default())
        .await
        .unwrap();
    assert!(
        matches!(watch.next().await.unwrap().unwrap(), WatchEvent::Deleted(object) if object.id() == first.id())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_server_takes_the_same_requests() {
    let plane = plane(KubeVersion::V1_21).await;
    let client = client(plane.kubeconfig().yaml()).await;
    let (applier, target) = (KubeApplier::new(client.clone()), KubeTarget::new(client));
    let json = |value: &str| {
        json!({
            "apiVersion": "extensions/v1beta1", "kind": "Ingress",
            "metadata": {"name": "old", "namespace": "default", "labels": {"v": value}},
            "spec": {"backend": {"serviceName": "s", "servicePort": 80}},
        })
    };
    let ingress = |value: &str| object("ingresses.extensions", &json(value));
    let made = applier.create(&ingress("1"), &options()).await.unwrap();
    assert_eq!(made.meta().kind.to_string(), "extensions/v1beta1/Ingress");
    let error = applier.create(&ingress("1"), &options()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    let apply = ApplyOptions {
        write: options(),
        force: true,
    };
    let applied = applier.apply(&ingress("2"), &apply).await.unwrap();
    assert_eq!(applied.meta().labels["v"], "2");

    let mut bad = json("3");
    bad["spec"]["backend"]["serviceName"] = json!({"hunter2": 1});
    let bad = object("ingresses.extensions", &bad);
    let error = applier.replace(&bad, &options()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    // Its decoder quotes the bytes around the mistake.
    assert!(!error.chain().contains("hunter2"), "{error}");

    let mut watch = target.watch(WatchRequest {
        resource: made.resource_version_path(),
        namespace: Some("default".into()),
        name: None,
    });
    let first = watch.next().await.unwrap().unwrap();
    assert!(matches!(&first, WatchEvent::Applied(object) if object.id() == made.id()));
    applier
        .delete(made.id(), "v1beta1", &DeleteOptions::default())
        .await
        .unwrap();
    let second = watch.next().await.unwrap().unwrap();
    assert!(matches!(&second, WatchEvent::Deleted(object) if object.id() == made.id()));
}

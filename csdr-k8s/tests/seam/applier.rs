//! Writes and rights: what is sent, what is repeated, what refusals become.

use crate::server::{Log, Piece, Reply, limits, serve, serve_async};
use csdr_core::{
    ErrorKind, Retry,
    model::Object,
    port::{
        AccessRequest, ApplyOptions, DeleteOptions, Propagation, ResourceApplier,
        ResourceCollector, ResourceTarget, WriteOptions,
    },
};
use csdr_k8s::{ClusterClient, FieldValidation, KubeApplier, KubeCollector, KubeTarget};
use futures::FutureExt;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use tokio::time::Instant;

const JSON: &str = r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","namespace":"n"},"x":1e3}"#;

fn object() -> Object {
    Object::parse(
        "deployments.apps".parse().unwrap(),
        JSON.as_bytes().to_vec(),
    )
    .unwrap()
}

fn options() -> WriteOptions {
    WriteOptions {
        field_manager: "csdr-1".into(),
        dry_run: false,
    }
}

fn echo() -> (ClusterClient, Log) {
    serve(limits(), |_| Reply::json(JSON))
}

fn line(log: &Log) -> String {
    let log = log.lock().unwrap();
    let seen = log.last().unwrap();
    let query: Vec<_> = seen
        .query
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let kind = seen
        .headers
        .get("content-type")
        .map_or("", |value| value.to_str().unwrap());
    format!("{} {} {} {kind}", seen.method, seen.path, query.join(" "))
}

#[tokio::test]
async fn each_verb_is_one_request_with_the_objects_own_bytes() {
    let (client, log) = echo();
    let applier = KubeApplier::new(client);
    let path = "/apis/apps/v1/namespaces/n/deployments";
    let common = "fieldManager=csdr-1 fieldValidation=Strict";

    let made = applier.create(&object(), &options()).await.unwrap();
    assert_eq!(made.text(), JSON);
    assert_eq!(log.lock().unwrap()[0].body, JSON);
    assert_eq!(line(&log), format!("POST {path} {common} application/json"));

    let force = ApplyOptions {
        write: options(),
        force: true,
    };
    applier.apply(&object(), &force).await.unwrap();
    assert_eq!(
        line(&log),
        format!("PATCH {path}/d {common} force=true application/apply-patch+yaml")
    );

    let patch = br#"{"data":{"a":null}}"#.as_slice();
    applier
        .merge_patch(object().id(), "v1", patch.into(), &options())
        .await
        .unwrap();
    assert_eq!(
        line(&log),
        format!("PATCH {path}/d {common} application/merge-patch+json")
    );
    assert_eq!(log.lock().unwrap().last().unwrap().body, patch);

    applier.replace(&object(), &options()).await.unwrap();
    assert_eq!(
        line(&log),
        format!("PUT {path}/d {common} application/json")
    );

    let dry = WriteOptions {
        dry_run: true,
        ..options()
    };
    applier.replace_status(&object(), &dry).await.unwrap();
    assert_eq!(
        line(&log),
        format!("PUT {path}/d/status dryRun=All {common} application/json")
    );

    let relaxed = applier.clone().with_field_validation(FieldValidation::Warn);
    relaxed
        .create(&object(), &WriteOptions::default())
        .await
        .unwrap();
    assert_eq!(
        line(&log),
        format!("POST {path} fieldValidation=Warn application/json")
    );

    let delete = DeleteOptions {
        uid: Some("u".into()),
        resource_version: Some("7".into()),
        propagation: Propagation::Orphan,
        dry_run: true,
    };
    applier.delete(object().id(), "v1", &delete).await.unwrap();
    assert_eq!(line(&log), format!("DELETE {path}/d  application/json"));
    let body: Value = serde_json::from_slice(&log.lock().unwrap().last().unwrap().body).unwrap();
    assert_eq!(
        body,
        json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Orphan", "dryRun": ["All"],
            "preconditions": {"uid": "u", "resourceVersion": "7"},
        })
    );
}

#[tokio::test(start_paused = true)]
async fn a_write_is_repeated_after_429_only() {
    let calls = AtomicUsize::new(0);
    let (client, log) = serve(limits(), move |_| match calls.fetch_add(1, SeqCst) {
        0 => Reply::status(429, "TooManyRequests", json!({})).with_header("retry-after", 3),
        _ => Reply::json(JSON),
    });
    let start = Instant::now();
    KubeApplier::new(client)
        .create(&object(), &options())
        .await
        .unwrap();
    assert_eq!(
        (start.elapsed().as_secs(), log.lock().unwrap().len()),
        (3, 2)
    );

    for (code, reason, kind) in [
        (503, "ServiceUnavailable", ErrorKind::Unavailable),
        (504, "Timeout", ErrorKind::Timeout),
        (500, "ServerTimeout", ErrorKind::Timeout),
    ] {
        let (client, log) = serve(limits(), move |_| Reply::status(code, reason, json!({})));
        let error = KubeApplier::new(client)
            .create(&object(), &options())
            .await
            .unwrap_err();
        assert_eq!((error.kind(), error.retry()), (kind, Retry::After(None)));
        assert_eq!(log.lock().unwrap().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_not_certain_and_not_repeated() {
    let (client, log) = serve(limits(), |_| {
        Reply::pieces(vec![Piece::Data("{".into()), Piece::Break])
    });
    let error = KubeApplier::new(client)
        .create(&object(), &options())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.retry()),
        (ErrorKind::Unavailable, Retry::After(None))
    );
    assert_eq!(log.lock().unwrap().len(), 1);

    let (client, log) = serve_async(limits(), |_| std::future::pending().boxed());
    let start = Instant::now();
    let error = KubeApplier::new(client)
        .create(&object(), &options())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.retry()),
        (ErrorKind::Timeout, Retry::After(None))
    );
    assert_eq!(
        (start.elapsed().as_secs(), log.lock().unwrap().len()),
        (10, 1)
    );
}

#[tokio::test]
async fn errors_name_the_object_and_never_its_content() {
    let (client, _) = serve(limits(), |_| {
        Reply::status(
            422,
            "Invalid",
            json!({
                "message": "Deployment.apps \"d\" is invalid: spec.x: Invalid value: \"hunter2\": must be odd",
                "details": {"causes": [{"reason": "FieldValueInvalid", "field": "spec.x", "message": "Invalid value: \"hunter2\": must be odd"}]},
            }),
        )
    });
    let error = KubeApplier::new(client)
        .create(&object(), &options())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(
        error.to_string(),
        "create object: Deployment.apps \"d\" is invalid: spec.x: Invalid value: …: must be odd (status=422, object=deployments.apps/n/d)"
    );
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[tokio::test]
async fn an_answer_about_another_object_is_refused() {
    let (client, _) = serve(limits(), |_| Reply::json(JSON.replace("\"d\"", "\"e\"")));
    let error = KubeApplier::new(client)
        .create(&object(), &options())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn get_tells_a_missing_object_from_a_missing_kind() {
    let (client, _) = serve(limits(), |seen| match seen.path.as_str() {
        "/apis/apps/v1/namespaces/n/deployments/d" => Reply::status(
            404,
            "NotFound",
            json!({"details": {"name": "d", "kind": "deployments"}}),
        ),
        _ => Reply {
            status: 404,
            ..Reply::json("404 page not found\n")
        },
    });
    let collector = KubeCollector::new(client);
    assert_eq!(collector.get(object().id(), "v1").await.unwrap(), None);
    let error = collector.get(object().id(), "v9").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn rights_are_asked_for_with_their_subresource() {
    let (client, log) = serve(limits(), |_| {
        Reply::json(json!({"status": {"allowed": true, "reason": "RBAC"}}))
    });
    let request = AccessRequest {
        verb: "create".into(),
        resource: csdr_core::model::GroupVersionResource {
            group: String::new(),
            version: "v1".into(),
            resource: "pods/exec".into(),
        },
        namespace: Some("n".into()),
        name: None,
    };
    let access = KubeTarget::new(client).can_i(&request).await.unwrap();
    assert_eq!((access.allowed, access.reason.as_str()), (true, "RBAC"));
    let body: Value = serde_json::from_slice(&log.lock().unwrap()[0].body).unwrap();
    assert_eq!(body["spec"]["resourceAttributes"]["resource"], "pods");
    assert_eq!(body["spec"]["resourceAttributes"]["subresource"], "exec");
}

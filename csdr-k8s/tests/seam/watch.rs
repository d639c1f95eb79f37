//! Watches: present objects, changes, ends.

use crate::{
    list::{item, page},
    server::{Piece, Reply, limits, serve},
};
use csdr_core::{
    Error, ErrorKind,
    port::{ResourceTarget, WatchEvent, WatchRequest},
};
use csdr_k8s::KubeTarget;
use futures::StreamExt;
use serde_json::json;

fn request(name: Option<&str>) -> WatchRequest {
    WatchRequest {
        resource: crate::list::request(None, 1).resource,
        namespace: Some("n".into()),
        name: name.map(str::to_owned),
    }
}

/// All events as `+name`, `-name`, and the error.
async fn events(target: &KubeTarget, name: Option<&str>) -> (Vec<String>, Option<Error>) {
    let mut stream = target.watch(request(name));
    let mut seen = Vec::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(WatchEvent::Applied(object)) => seen.push(format!("+{}", object.id().name())),
            Ok(WatchEvent::Deleted(object)) => seen.push(format!("-{}", object.id().name())),
            Err(error) => return (seen, Some(error)),
        }
    }
    (seen, None)
}

fn event(kind: &str, name: &str) -> String {
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "n"}});
    format!("{}\n", json!({"type": kind, "object": object}))
}

#[tokio::test]
async fn present_objects_come_first_and_lines_may_be_cut_anywhere() {
    let (client, log) = serve(limits(), |seen| {
        if seen.query("watch").is_empty() {
            return Reply::json(page(&[item("n", "a", 1), item("n", "b", 1)], &seen));
        }
        let bookmark =
            json!({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9"}}});
        let text = [
            event("ADDED", "c"),
            format!("{bookmark}\n"),
            event("MODIFIED", "a"),
            event("DELETED", "b"),
        ]
        .concat();
        let pieces = text.as_bytes().chunks(7);
        Reply::pieces(
            pieces
                .map(|piece| Piece::Data(String::from_utf8(piece.to_vec()).unwrap()))
                .collect(),
        )
    });
    let (seen, error) = events(&KubeTarget::new(client), Some("a")).await;
    assert_eq!(seen, ["+a", "+b", "+c", "+a", "-b"]);
    assert!(error.is_none(), "{error:?}");
    let log = log.lock().unwrap();
    assert!(
        log.iter()
            .all(|seen| seen.query("fieldSelector") == "metadata.name=a")
    );
    assert_eq!(log[1].query("resourceVersion"), "7");
    assert_eq!(log[1].query("timeoutSeconds"), "240");
    assert_eq!(log[1].query("allowWatchBookmarks"), "true");
}

#[tokio::test]
async fn an_expired_version_is_told_either_way() {
    let gone = json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"});
    for inside in [true, false] {
        let gone = gone.clone();
        let (client, _) = serve(limits(), move |seen| match (seen.query("watch"), inside) {
            ("", _) => Reply::json(page(&[], &seen)),
            (_, true) => Reply::json(format!("{}\n", json!({"type": "ERROR", "object": gone}))),
            (_, false) => Reply::status(410, "Expired", json!({})),
        });
        let (seen, error) = events(&KubeTarget::new(client), None).await;
        assert!(seen.is_empty());
        assert_eq!(error.unwrap().kind(), ErrorKind::Expired);
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_breaks_or_falls_silent_ends_without_an_error() {
    for hang in [true, false] {
        let (client, _) = serve(limits(), move |seen| match seen.query("watch") {
            "" => Reply::json(page(&[], &seen)),
            _ => Reply::pieces(vec![
                Piece::Data(event("ADDED", "c")),
                if hang {
                    Piece::Hang(Box::new(()))
                } else {
                    Piece::Break
                },
            ]),
        });
        let (seen, error) = events(&KubeTarget::new(client), None).await;
        assert_eq!(seen, ["+c"]);
        assert!(error.is_none(), "{error:?}");
    }
}

#[tokio::test]
async fn a_forbidden_list_is_told() {
    let (client, _) = serve(limits(), |_| Reply::status(403, "Forbidden", json!({})));
    let (_, error) = events(&KubeTarget::new(client), None).await;
    assert_eq!(error.unwrap().kind(), ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn a_line_without_end_is_bounded() {
    let mut limits = limits();
    limits.body_bytes = 1000;
    let (client, _) = serve(limits, |seen| match seen.query("watch") {
        "" => Reply::json(page(&[], &seen)),
        _ => Reply::pieces((0..20).map(|_| Piece::Data("x".repeat(100))).collect()),
    });
    let (_, error) = events(&KubeTarget::new(client), None).await;
    assert_eq!(error.unwrap().kind(), ErrorKind::Exhausted);
}

//! Lists: pages, items, tokens.

use crate::server::{Piece, Reply, Seen, limits, serve};
use csdr_core::{
    Error, ErrorKind,
    port::{ListRequest, Page, ResourceCollector},
};
use csdr_k8s::{ClusterClient, KubeCollector};
use futures::StreamExt;
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};
use tokio::sync::Notify;

pub(crate) fn request(namespace: Option<&str>, page_bytes: usize) -> ListRequest {
    ListRequest {
        resource: csdr_core::model::GroupVersionResource {
            group: String::new(),
            version: "v1".into(),
            resource: "configmaps".into(),
        },
        kind: csdr_core::model::GroupVersionKind {
            api_version: "v1".parse().unwrap(),
            kind: "ConfigMap".into(),
        },
        namespace: namespace.map(str::to_owned),
        selector: Default::default(),
        page_bytes,
        from: None,
    }
}

/// An item of about `size` bytes with what parsers like to lose.
pub(crate) fn item(namespace: &str, name: &str, size: usize) -> String {
    format!(
        r#"{{"metadata":{{"name":"{name}","namespace":"{namespace}","x-unknown":[1e3]}},"n":18446744073709551617,"f":0.10,"data":{{"k":"{}"}}}}"#,
        "x".repeat(size)
    )
}

/// The page of `items` that `seen` asks for; a token is `v<offset>`.
pub(crate) fn page(items: &[String], seen: &Seen) -> String {
    let start = seen
        .query("continue")
        .strip_prefix('v')
        .map_or(0, |n| n.parse().unwrap());
    let end = (start + seen.limit()).min(items.len());
    let left = items.len() - end;
    let next = match left {
        0 => String::new(),
        _ => format!(r#","continue":"v{end}","remainingItemCount":{left}"#),
    };
    format!(
        r#"{{"kind":"ConfigMapList","apiVersion":"v1","metadata":{{"resourceVersion":"7"{next}}},"items":[{}]}}"#,
        items[start..end].join(",")
    )
}

pub(crate) fn names(pages: &[Page]) -> Vec<String> {
    let objects = pages.iter().flat_map(|page| &page.objects);
    objects.map(|object| object.id().to_string()).collect()
}

/// All pages until the end or the first error.
pub(crate) async fn all(
    client: &ClusterClient,
    request: ListRequest,
) -> (Vec<Page>, Option<Error>) {
    let mut stream = KubeCollector::new(client.clone()).list(request);
    let mut pages = Vec::new();
    while let Some(page) = stream.next().await {
        match page {
            Ok(page) => pages.push(page),
            Err(error) => {
                assert!(
                    stream.next().await.is_none(),
                    "a stream ends with its error"
                );
                return (pages, Some(error));
            }
        }
    }
    (pages, None)
}

pub(crate) async fn whole(client: &ClusterClient, request: ListRequest) -> Vec<Page> {
    let (pages, error) = all(client, request).await;
    assert!(error.is_none(), "{error:?}");
    pages
}

pub(crate) fn many(count: usize, size: usize) -> Vec<String> {
    (0..count)
        .map(|n| item("n", &format!("c{n:05}"), size))
        .collect()
}

#[tokio::test]
async fn a_look_at_one_object_asks_for_no_more_than_it_is_asked_for() {
    let items = many(3, 10);
    let served = items.clone();
    let (client, log) = serve(limits(), move |seen| Reply::json(page(&served, &seen)));
    let mut pages = KubeCollector::new(client).list(request(Some("n"), 1));
    for asked in 1..=3u64 {
        let page = pages.next().await.unwrap().unwrap();
        assert_eq!((page.objects.len(), page.remaining), (1, Some(3 - asked)));
        // Whatever would ask for the next page had its turn.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(log.lock().unwrap().len() as u64, asked);
    }
    assert!(pages.next().await.is_none());
}

#[tokio::test]
async fn pages_hold_every_item_with_its_bytes_and_grow_to_page_bytes() {
    let items = many(5000, 100);
    let served = items.clone();
    let (client, log) = serve(limits(), move |seen| Reply::json(page(&served, &seen)));
    let pages = whole(&client, request(Some("n"), 64 << 10)).await;

    let objects: Vec<_> = pages.iter().flat_map(|page| &page.objects).collect();
    assert_eq!(objects.len(), items.len());
    for (object, item) in objects.iter().zip(&items) {
        assert_eq!(
            object.text(),
            format!(r#"{{"apiVersion":"v1","kind":"ConfigMap",{}"#, &item[1..])
        );
    }
    for page in &pages {
        let bytes: usize = page.objects.iter().map(|object| object.json().len()).sum();
        assert!(bytes < 100 << 10, "a page of {bytes} bytes");
        assert_eq!(page.resource_version, "7");
        assert!(!page.inconsistent);
    }
    assert!(
        log.lock().unwrap().len() < 25,
        "pages grow: {}",
        log.lock().unwrap().len()
    );
    assert_eq!(pages.last().unwrap().next, None);
    assert_eq!(pages.last().unwrap().remaining, Some(0));
    assert_eq!(
        pages[0].remaining,
        Some((items.len() - pages[0].objects.len()) as u64)
    );
    let seen = log.lock().unwrap()[0].clone();
    assert_eq!(seen.path, "/api/v1/namespaces/n/configmaps");
    assert!(
        seen.headers["user-agent"]
            .to_str()
            .unwrap()
            .starts_with("csdr/")
    );
}

#[tokio::test]
async fn from_goes_on_behind_a_page() {
    let items = many(50, 100);
    let (client, _) = serve(limits(), move |seen| Reply::json(page(&items, &seen)));
    let first = whole(&client, request(Some("n"), 4096)).await;
    for at in 0..first.len() - 1 {
        let mut again = request(Some("n"), 4096);
        again.from = first[at].next.clone();
        assert_eq!(names(&whole(&client, again).await), names(&first[at + 1..]));
    }
}

#[tokio::test]
async fn the_selector_is_sent() {
    let (client, log) = serve(limits(), |seen| Reply::json(page(&[], &seen)));
    let mut request = request(Some("n"), 4096);
    request.selector = "app=shop,tier in (web,api)".parse().unwrap();
    whole(&client, request).await;
    assert_eq!(
        log.lock().unwrap()[0].query("labelSelector"),
        "app=shop,tier in (api,web)"
    );
}

#[tokio::test(start_paused = true)]
async fn the_next_page_is_asked_for_while_a_page_still_arrives() {
    let items = many(10, 4000);
    let asked = Arc::new(Notify::new());
    let (client, _) = serve(limits(), move |seen| {
        let body = page(&items, &seen);
        if !seen.query("continue").is_empty() {
            asked.notify_one();
        }
        if !body.contains("continue") {
            return Reply::json(body);
        }
        // The items come only once the next page was asked for: a client that waits for them times out.
        let cut = body.find("\"items\"").unwrap();
        let (head, rest) = body.split_at(cut);
        Reply::pieces(vec![
            Piece::Data(head.to_owned()),
            Piece::Wait(Arc::clone(&asked)),
            Piece::Data(rest.to_owned()),
        ])
    });
    assert_eq!(
        names(&whole(&client, request(Some("n"), 8192)).await).len(),
        10
    );
}

#[tokio::test]
async fn metadata_may_stand_behind_the_items() {
    let items = many(100, 200);
    let (client, _) = serve(limits(), move |seen| {
        let body = page(&items, &seen);
        let meta = body.find(r#""metadata""#).unwrap();
        let list = body.find(r#","items":"#).unwrap();
        let (kind, metadata, list) = (
            &body[..meta],
            &body[meta..list],
            &body[list + 1..body.len() - 1],
        );
        Reply::json(format!("{kind}{list},{metadata}}}"))
    });
    assert_eq!(
        names(&whole(&client, request(Some("n"), 4096)).await).len(),
        100
    );
}

#[tokio::test]
async fn one_bad_item_is_told_and_the_rest_comes() {
    let bad = r#"{"metadata":{"name":"b","namespace":"n","labels":["hunter2"]}}"#;
    let worse = r#"{"metadata":{"name":1},"data":{"k":"hunter2"}}"#;
    let items = [
        item("n", "a", 1),
        bad.to_owned(),
        worse.to_owned(),
        item("n", "z", 1),
    ];
    let (client, _) = serve(limits(), move |seen| Reply::json(page(&items, &seen)));
    let pages = whole(&client, request(Some("n"), 1 << 20)).await;
    assert_eq!(names(&pages), ["configmaps/n/a", "configmaps/n/z"]);
    let told: Vec<_> = pages[0]
        .unreadable
        .iter()
        .map(|item| item.at.as_str())
        .collect();
    assert_eq!(told, ["n/b", "item 2 of the page"]);
    assert!(!format!("{:?}", pages[0].unreadable).contains("hunter2"));
}

#[tokio::test]
async fn an_expired_token_goes_on_with_the_token_of_the_answer() {
    let items = many(30, 4000);
    let expired = AtomicUsize::new(0);
    let (client, _) = serve(limits(), move |mut seen| {
        if seen.query("continue") == "v10" && expired.fetch_add(1, SeqCst) == 0 {
            return Reply::status(410, "Expired", json!({"metadata": {"continue": "fresh"}}));
        }
        if seen.query("continue") == "fresh" {
            seen.query.insert("continue".into(), "v10".into());
        }
        let limit = seen.limit().min(5).to_string();
        seen.query.insert("limit".into(), limit);
        Reply::json(page(&items, &seen))
    });
    let pages = whole(&client, request(Some("n"), 64 << 10)).await;
    assert_eq!(names(&pages).len(), 30);
    let flags: Vec<bool> = pages.iter().map(|page| page.inconsistent).collect();
    assert_eq!(flags, [false, false, true, false, false, false]);
}

#[tokio::test]
async fn an_expired_token_without_successor_never_begins_again() {
    let items = many(30, 4000);
    let (client, log) = serve(limits(), move |seen| match seen.query("continue") {
        "" => Reply::json(page(&items, &seen)),
        _ => Reply::status(410, "Expired", json!({})),
    });
    let (pages, error) = all(&client, request(Some("n"), 16 << 10)).await;
    assert_eq!(pages.len(), 1);
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Expired);
    let starts = log
        .lock()
        .unwrap()
        .iter()
        .filter(|seen| seen.query("continue").is_empty())
        .count();
    assert_eq!(starts, 1);
}

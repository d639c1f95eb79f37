//! Lists over all namespaces stand in the order (namespace, name), which is not the order of the server's keys.

use crate::{
    list::{all, item, names, page, request},
    server::{Log, Reply, limits, serve},
};
use csdr_core::{ErrorKind, model::ObjectId};
use csdr_k8s::ClusterClient;
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// A server with `per` objects in each namespace, in the order of its keys, as etcd has it.
fn cluster(namespaces: &'static [&'static str], per: usize) -> (ClusterClient, Log) {
    serve(limits(), move |seen| {
        if seen.path == "/api/v1/namespaces" {
            let items: Vec<_> = namespaces
                .iter()
                .map(|name| format!(r#"{{"metadata":{{"name":"{name}"}}}}"#))
                .collect();
            return Reply::json(page(&items, &seen));
        }
        let mut keys: Vec<_> = namespaces
            .iter()
            .flat_map(|namespace| (0..per).map(move |n| format!("{namespace}/c{n:03}")))
            .collect();
        keys.sort();
        let rest = seen.path.strip_prefix("/api/v1/").unwrap();
        let one = rest
            .strip_prefix("namespaces/")
            .and_then(|rest| rest.strip_suffix("/configmaps"));
        let items: Vec<_> = keys
            .iter()
            .filter_map(|key| key.split_once('/'))
            .filter(|(namespace, _)| one.is_none_or(|one| one == *namespace))
            .map(|(namespace, name)| item(namespace, name, 1000))
            .collect();
        Reply::json(page(&items, &seen))
    })
}

async fn listed(
    client: &ClusterClient,
    from: Option<String>,
    page_bytes: usize,
) -> (Vec<ObjectId>, Vec<Option<String>>) {
    let mut request = request(None, page_bytes);
    request.from = from;
    let (pages, error) = all(client, request).await;
    assert!(error.is_none(), "{error:?}");
    let ids = names(&pages).iter().map(|id| id.parse().unwrap()).collect();
    (ids, pages.into_iter().map(|page| page.next).collect())
}

#[tokio::test]
async fn order_and_every_token_hold_however_namespaces_are_called() {
    for namespaces in [
        &["a", "a-b", "a-b-c", "a0", "b"][..],
        &["a", "b", "c"],
        &["shop", "shop-copy"],
        &["one"],
    ] {
        let (client, _) = cluster(namespaces, 12);
        for page_bytes in [3000, 8192, 64 << 10, 1 << 20] {
            let (ids, tokens) = listed(&client, None, page_bytes).await;
            assert_eq!(ids.len(), 12 * namespaces.len());
            assert!(
                ids.is_sorted_by(|a, b| a < b),
                "{namespaces:?} {page_bytes}: {ids:?}"
            );
            // Behind the page of each token come exactly the objects of the pages behind it.
            let mut counts = std::collections::BTreeSet::new();
            for token in tokens.iter().flatten() {
                let (rest, _) = listed(&client, Some(token.clone()), page_bytes).await;
                assert!(ids.ends_with(&rest), "{namespaces:?} {token}");
                counts.insert(rest.len());
            }
            assert_eq!(
                counts.len(),
                tokens.len() - 1,
                "each token goes on elsewhere"
            );
        }
    }
}

#[tokio::test]
async fn one_list_is_enough_where_names_allow_it() {
    let (client, log) = cluster(&["a", "b"], 30);
    listed(&client, None, 16 << 10).await;
    let log = log.lock().unwrap();
    assert!(log.iter().all(|seen| !seen.path.contains("/namespaces/")));
}

#[tokio::test]
async fn who_may_not_list_namespaces_never_gets_a_wrong_order() {
    let keys = ["a-b/x", "a-b/y", "a/x", "a/y"];
    let (client, _) = serve(limits(), move |seen| match seen.path.as_str() {
        "/api/v1/namespaces" => Reply::status(403, "Forbidden", json!({})),
        _ => {
            let items: Vec<_> = keys
                .iter()
                .filter_map(|key| key.split_once('/'))
                .map(|(namespace, name)| item(namespace, name, 10))
                .collect();
            Reply::json(page(&items, &seen))
        }
    });
    // One page is sorted.
    let (ids, _) = listed(&client, None, 1 << 20).await;
    assert!(ids.is_sorted_by(|a, b| a < b) && ids.len() == 4);
    // Several cannot be, wherever the order breaks.
    let (pages, error) = all(&client, request(None, 3 * 4096)).await;
    assert!(pages.is_empty());
    assert_eq!(error.unwrap().kind(), ErrorKind::Incompatible);
    let (pages, error) = all(&client, request(None, 1)).await;
    assert_eq!(names(&pages), ["configmaps/a-b/x", "configmaps/a-b/y"]);
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Incompatible);
    assert!(
        error.message().contains("list one namespace at a time"),
        "{error}"
    );
}

/// The namespaces of the objects in the order of keys, those that exist when they are asked for the nth time (the last row for
/// every later time), what is listed, and what is taken out. A page has two objects, and each namespace `per` of them.
#[tokio::test]
async fn a_namespace_that_vanishes_while_the_list_runs_is_taken_out_and_the_rest_stays() {
    struct Case {
        objects: &'static [&'static str],
        existing: &'static [&'static [&'static str]],
        listed: &'static [&'static str],
        taken_out: &'static [&'static str],
    }
    for case in [
        // It was there when the list began, and gone when the namespaces were asked for: the list shows it behind the first page.
        Case {
            objects: &["0", "a-b", "a", "b"],
            existing: &[&["0", "a", "b"]],
            listed: &["0", "a", "b"],
            taken_out: &["a-b"],
        },
        Case {
            objects: &["0", "a-b", "a", "b"],
            existing: &[&["0", "a-b", "b"]],
            listed: &["0", "a-b", "b"],
            taken_out: &["a"],
        },
        // Neither exists any more: one of them must go to keep the order.
        Case {
            objects: &["0", "a-b", "a", "b"],
            existing: &[&["0", "b"]],
            listed: &["0", "a-b", "b"],
            taken_out: &["a"],
        },
        // On the first page already: the existing ones are listed one at a time.
        Case {
            objects: &["a-b", "a", "b"],
            existing: &[&["a", "b"]],
            listed: &["a", "b"],
            taken_out: &[],
        },
        // Nothing hangs on this one: it is listed as the server had it.
        Case {
            objects: &["0", "a", "b"],
            existing: &[&["0", "b"]],
            listed: &["0", "a", "b"],
            taken_out: &[],
        },
    ] {
        let (client, log) = vanishing(case.objects, case.existing, false);
        let (pages, error) = all(&client, request(None, 2 * 4096)).await;
        assert!(error.is_none(), "{:?} {error:?}", case.objects);
        let expected = |namespaces: &[&str]| -> Vec<String> {
            let names = namespaces
                .iter()
                .flat_map(|namespace| (0..PER).map(move |n| format!("{namespace}/c{n:03}")));
            names.collect()
        };
        let listed: Vec<String> = names(&pages)
            .iter()
            .map(|id| id.replace("configmaps/", ""))
            .collect();
        assert_eq!(listed, expected(case.listed), "{:?}", case.objects);
        let unreadable: Vec<_> = pages.iter().flat_map(|page| &page.unreadable).collect();
        let at: Vec<String> = unreadable.iter().map(|item| item.at.clone()).collect();
        assert_eq!(at, expected(case.taken_out), "{:?}", case.objects);
        for item in unreadable {
            assert_eq!(item.reason, "its namespace was deleted while the list ran");
        }
        for page in &pages {
            assert_eq!(page.inconsistent, !page.unreadable.is_empty());
        }
        let asked = log.lock().unwrap();
        let asked = asked
            .iter()
            .filter(|seen| seen.path == "/api/v1/namespaces");
        assert!(
            asked.count() <= 3,
            "namespaces are not asked for page by page"
        );
    }
}

/// What a server cannot put into order stays an error, whatever its namespaces.
#[tokio::test]
async fn an_order_that_is_wrong_among_existing_namespaces_is_incompatible() {
    // A namespace that comes to be while the list goes on from a newer state.
    let existing: &[&[&str]] = &[&["0", "a", "b"], &["0", "a", "a-b", "b"]];
    let (client, _) = vanishing(&["0", "a-b", "a", "b"], existing, false);
    let (pages, error) = all(&client, request(None, 2 * 4096)).await;
    assert_eq!(error.unwrap().kind(), ErrorKind::Incompatible);
    assert!(pages.iter().all(|page| page.unreadable.is_empty()));
    // A server without an order.
    let (client, _) = vanishing(&["0", "b", "a"], &[&["0", "a", "b"]], false);
    let (_, error) = all(&client, request(None, 2 * 4096)).await;
    assert_eq!(error.unwrap().kind(), ErrorKind::Incompatible);
    // Namespaces may not be listed.
    let (client, _) = vanishing(&["0", "a-b", "a", "b"], &[&["0", "a", "b"]], true);
    let (_, error) = all(&client, request(None, 2 * 4096)).await;
    assert_eq!(error.unwrap().kind(), ErrorKind::Incompatible);
}

/// Objects of each namespace of [`vanishing`].
const PER: usize = 4;

/// A list that shows `objects`, of a server whose namespaces are `existing`, by how often they were asked for.
fn vanishing(
    objects: &'static [&'static str],
    existing: &'static [&'static [&'static str]],
    forbidden: bool,
) -> (ClusterClient, Log) {
    let asked = AtomicUsize::new(0);
    serve(limits(), move |seen| {
        if seen.path == "/api/v1/namespaces" && forbidden {
            return Reply::status(403, "Forbidden", json!({}));
        }
        if seen.path == "/api/v1/namespaces" {
            let time = asked.fetch_add(1, SeqCst).min(existing.len() - 1);
            let items: Vec<_> = existing[time]
                .iter()
                .map(|name| format!(r#"{{"metadata":{{"name":"{name}"}}}}"#))
                .collect();
            return Reply::json(page(&items, &seen));
        }
        let rest = seen.path.strip_prefix("/api/v1/").unwrap();
        let one = rest
            .strip_prefix("namespaces/")
            .and_then(|rest| rest.strip_suffix("/configmaps"));
        let namespaces = objects
            .iter()
            .filter(|name| one.is_none_or(|one| one == **name));
        let items: Vec<_> = namespaces
            .flat_map(|namespace| (0..PER).map(move |n| item(namespace, &format!("c{n:03}"), 10)))
            .collect();
        // Small pages, whatever is asked for.
        let mut seen = seen;
        let limit = seen.limit().min(2);
        seen.query.insert("limit".into(), limit.to_string());
        Reply::json(page(&items, &seen))
    })
}

#[tokio::test]
async fn a_foreign_token_is_refused() {
    let (client, log) = cluster(&["a"], 1);
    let mut request = request(None, 4096);
    request.from = Some("v10".into());
    let (_, error) = all(&client, request).await;
    assert_eq!(error.unwrap().kind(), ErrorKind::InvalidInput);
    assert!(log.lock().unwrap().is_empty());
}

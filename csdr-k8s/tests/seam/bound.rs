//! Lists: what is repeated, what ends, what is bounded.

use crate::{
    list::{all, item, many, names, page, request, whole},
    server::{Piece, Reply, limits, serve, serve_async},
};
use csdr_core::{
    ErrorKind, Result, Retry,
    port::{Page, ResourceCollector},
};
use csdr_k8s::{ClusterLimits, KubeCollector, RepeatPolicy};
use futures::{FutureExt, StreamExt};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

#[tokio::test(start_paused = true)]
async fn retry_after_is_respected_and_repeats_are_bounded() {
    let calls = AtomicUsize::new(0);
    let items = many(3, 10);
    let (client, log) = serve(limits(), move |seen| match calls.fetch_add(1, SeqCst) {
        0 => Reply::status(429, "TooManyRequests", json!({})).with_header("retry-after", 7),
        1 => Reply::status(
            503,
            "ServiceUnavailable",
            json!({"details": {"retryAfterSeconds": 5}}),
        ),
        2 => Reply::json(page(&items, &seen)),
        _ => Reply::status(429, "TooManyRequests", json!({})),
    });
    let start = Instant::now();
    let pages = whole(&client, request(Some("n"), 1 << 20)).await;
    assert_eq!(names(&pages).len(), 3);
    assert_eq!(start.elapsed().as_secs(), 12);

    let (_, error) = all(&client, request(Some("n"), 4096)).await;
    let error = error.unwrap();
    assert_eq!(
        (error.kind(), error.retry()),
        (ErrorKind::RateLimited, Retry::Exhausted)
    );
    assert_eq!(log.lock().unwrap().len(), 3 + 3);
}

#[tokio::test(start_paused = true)]
async fn a_pause_longer_than_allowed_is_the_callers() {
    let (client, log) = serve(limits(), |_| {
        Reply::status(429, "TooManyRequests", json!({})).with_header("retry-after", 3600)
    });
    let (_, error) = all(&client, request(Some("n"), 4096)).await;
    assert_eq!(
        error.unwrap().retry(),
        Retry::After(Some(Duration::from_secs(3600)))
    );
    assert_eq!(log.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_broken_page_is_asked_for_again_and_yielded_once() {
    let items = many(40, 2000);
    let breaks = AtomicUsize::new(0);
    let (client, _) = serve(limits(), move |seen| {
        let body = page(&items, &seen);
        if breaks.fetch_add(1, SeqCst).is_multiple_of(2) {
            let (head, _) = body.split_at(body.len() / 2);
            return Reply::pieces(vec![Piece::Data(head.to_owned()), Piece::Break]);
        }
        Reply::json(body)
    });
    let mut got = names(&whole(&client, request(Some("n"), 16 << 10)).await);
    assert_eq!(got.len(), 40);
    got.dedup();
    assert_eq!(got.len(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_ends_early_is_an_error() {
    let (client, _) = serve(limits(), |_| {
        Reply::json(r#"{"metadata":{},"items":[{"metadata":"#)
    });
    let (pages, error) = all(&client, request(Some("n"), 4096)).await;
    assert!(pages.is_empty());
    assert_eq!(error.unwrap().kind(), ErrorKind::Corrupt);
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_times_out() {
    let mut limits = limits();
    limits.repeat.attempts = 1;
    for hang_after_head in [false, true] {
        let (client, _) = serve_async(limits.clone(), move |_| {
            async move {
                if !hang_after_head {
                    std::future::pending::<()>().await;
                }
                Reply::pieces(vec![
                    Piece::Data(r#"{"metadata":{"#.into()),
                    Piece::Hang(Box::new(())),
                ])
            }
            .boxed()
        });
        let start = Instant::now();
        let (_, error) = all(&client, request(Some("n"), 4096)).await;
        let error = error.unwrap();
        assert_eq!(
            (error.kind(), error.retry()),
            (ErrorKind::Timeout, Retry::After(None))
        );
        assert_eq!(start.elapsed().as_secs(), 10);
    }
}

#[tokio::test]
async fn pages_of_large_objects_are_asked_for_again_smaller() {
    let items: Vec<_> = many(64, 100)
        .into_iter()
        .chain((0..16).map(|n| item("n", &format!("d{n:05}"), 50_000)))
        .collect();
    let (client, _) = serve(limits(), move |seen| Reply::json(page(&items, &seen)));
    let pages = whole(&client, request(Some("n"), 64 << 10)).await;
    assert_eq!(names(&pages).len(), 80);
    for page in &pages {
        let bytes: usize = page.objects.iter().map(|object| object.json().len()).sum();
        assert!(bytes < 140 << 10, "a page of {bytes} bytes");
    }
}

#[tokio::test]
async fn an_object_beyond_the_bound_is_an_error_that_names_it() {
    let limits = ClusterLimits {
        body_bytes: 10_000,
        ..limits()
    };
    let items = [item("n", "a", 20_000)];
    let (client, _) = serve(limits, move |seen| Reply::json(page(&items, &seen)));
    let (_, error) = all(&client, request(Some("n"), 4096)).await;
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Exhausted);
    assert!(
        error
            .to_string()
            .contains("raise ClusterLimits::body_bytes"),
        "{error}"
    );
}

#[tokio::test]
async fn refusals_have_their_kinds() {
    for (code, reason, kind) in [
        (401, "Unauthorized", ErrorKind::Unauthenticated),
        (403, "Forbidden", ErrorKind::PermissionDenied),
        (404, "NotFound", ErrorKind::NotFound),
        (405, "MethodNotAllowed", ErrorKind::Unsupported),
    ] {
        let (client, log) = serve(limits(), move |_| Reply::status(code, reason, json!({})));
        let (_, error) = all(&client, request(Some("n"), 4096)).await;
        let error = error.unwrap();
        assert_eq!(error.kind(), kind);
        assert!(
            error
                .to_string()
                .contains("resource=v1/configmaps, namespace=n"),
            "{error}"
        );
        assert_eq!(log.lock().unwrap().len(), 1, "not repeated");
    }
}

#[tokio::test]
async fn paths_cannot_be_led_elsewhere() {
    let (client, log) = serve(limits(), |seen| Reply::json(page(&[], &seen)));
    let mut bad = request(Some(".."), 4096);
    assert_eq!(
        all(&client, bad.clone()).await.1.unwrap().kind(),
        ErrorKind::InvalidInput
    );
    bad.namespace = None;
    bad.resource.resource = "../secrets".into();
    assert_eq!(
        all(&client, bad).await.1.unwrap().kind(),
        ErrorKind::InvalidInput
    );
    assert!(log.lock().unwrap().is_empty());
}

/// Says that it was dropped.
struct Guard(Arc<AtomicBool>, Arc<Notify>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
        self.1.notify_one();
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_the_stream_stops_its_request() {
    let (dropped, told) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
    let asked = Arc::new(Notify::new());
    let (flag, notify, begun) = (Arc::clone(&dropped), Arc::clone(&told), Arc::clone(&asked));
    let (client, log) = serve(limits(), move |_| {
        begun.notify_one();
        let guard = Guard(Arc::clone(&flag), Arc::clone(&notify));
        Reply::pieces(vec![Piece::Data("{".into()), Piece::Hang(Box::new(guard))])
    });
    let mut stream = KubeCollector::new(client).list(request(Some("n"), 4096));
    tokio::select! {
        _ = stream.next() => unreachable!("the server never ends its answer"),
        () = asked.notified() => {}
    }
    assert!(!dropped.load(SeqCst));
    drop(stream);
    tokio::time::timeout(Duration::from_secs(1), told.notified())
        .await
        .unwrap();
    assert!(dropped.load(SeqCst));
    assert_eq!(log.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn at_most_two_pages_are_under_way_before_the_consumer_asks() {
    let items = many(100, 4000);
    let (client, log) = serve(limits(), move |seen| Reply::json(page(&items, &seen)));
    let mut stream = KubeCollector::new(client).list(request(Some("n"), 8192));
    let first: Result<Page> = stream.next().await.unwrap();
    first.unwrap();
    // Every task that could still ask gets its turn.
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    let asked = log.lock().unwrap().len();
    assert!(
        asked <= 4,
        "the read page, one in the channel, two under way: {asked}"
    );
}

/// A server that takes eight requests at a time, and a client that may make sixteen: once it was refused, it keeps to what the
/// server takes.
#[tokio::test(start_paused = true)]
async fn refusals_narrow_what_runs_at_once() {
    const TAKEN: usize = 8;
    let running = Arc::new(AtomicUsize::new(0));
    let (most, refused) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let limits = ClusterLimits {
        parallel: 16,
        repeat: RepeatPolicy {
            attempts: 10,
            ..RepeatPolicy::default()
        },
        ..limits()
    };
    let (seen_most, seen_refused) = (Arc::clone(&most), Arc::clone(&refused));
    let (client, _) = serve_async(limits, move |seen| {
        let running = Arc::clone(&running);
        let (most, refused) = (Arc::clone(&seen_most), Arc::clone(&seen_refused));
        async move {
            let now = running.fetch_add(1, SeqCst) + 1;
            most.fetch_max(now, SeqCst);
            tokio::time::sleep(Duration::from_millis(50)).await;
            running.fetch_sub(1, SeqCst);
            if now <= TAKEN {
                return Reply::json(page(&[], &seen));
            }
            refused.fetch_add(1, SeqCst);
            Reply::status(429, "TooManyRequests", json!({})).with_header("retry-after", 1)
        }
        .boxed()
    });
    let mut rounds = Vec::new();
    for _ in 0..2 {
        let lists = (0..64).map(|_| whole(&client, request(Some("n"), 4096)));
        futures::future::join_all(lists).await;
        rounds.push((most.swap(0, SeqCst), refused.swap(0, SeqCst)));
    }
    let [(first_most, first_refused), (second_most, second_refused)] = rounds[..] else {
        panic!("two rounds: {rounds:?}");
    };
    assert_eq!(first_most, 16, "it begins at its ceiling");
    assert!(first_refused >= 16 - TAKEN, "{rounds:?}");
    // It feels for one or two more now and then, and is refused one or two at a time.
    assert!(second_most <= TAKEN + 2, "{rounds:?}");
    assert!(second_refused < first_refused, "{rounds:?}");
}

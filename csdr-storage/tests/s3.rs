//! The S3 side against a real server over loopback: lost answers, broken connections, refusals, and what they are called.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use bytes::Bytes;
use csdr_core::{
    Error, ErrorKind,
    port::{PutMode, ReadRange, VaultBackend, VaultBackendExt, VaultKey},
};
use csdr_storage::{OpendalVault, S3Addressing, S3Config, S3Credentials, StorageLimits, open_url};
use csdr_testkit::{
    s3::{Conditional, RequestFilter, S3Failure, S3Fault, S3Options, S3Server},
    secret::Canary,
};
use futures::StreamExt;
use std::{num::NonZeroU32, time::Duration};

fn key(text: &str) -> VaultKey {
    VaultKey::parse(text).unwrap()
}

/// Quick repetition, so that tests of it are quick.
fn limits() -> StorageLimits {
    StorageLimits {
        connect_timeout: Duration::from_secs(2),
        operation_timeout: Duration::from_secs(5),
        io_timeout: Duration::from_secs(5),
        attempts: NonZeroU32::new(3).unwrap(),
        backoff_min: Duration::from_millis(1),
        backoff_max: Duration::from_millis(2),
        part_bytes: 5 << 20,
        part_concurrency: 3,
    }
}

fn config(server: &S3Server) -> S3Config {
    let options = server.options();
    S3Config::new(&options.bucket)
        .with_endpoint(server.endpoint())
        .with_addressing(S3Addressing::Path)
        .with_credentials(S3Credentials::keys(
            &options.access_key_id,
            options.secret_access_key.as_str(),
        ))
        .with_limits(limits())
}

async fn start(options: S3Options) -> (S3Server, OpendalVault) {
    let server = S3Server::start(options).await.unwrap();
    let vault = OpendalVault::s3(config(&server)).unwrap();
    (server, vault)
}

fn count(server: &S3Server, method: &str) -> usize {
    let requests = server.requests();
    requests
        .iter()
        .filter(|request| request.method == method)
        .count()
}

fn body(len: usize) -> Bytes {
    (0..len)
        .map(|i| (i / 251) as u8 ^ i as u8)
        .collect::<Vec<_>>()
        .into()
}

async fn stream(vault: &OpendalVault, at: &str, body: &Bytes) -> Result<(), Error> {
    let mut writer = vault.writer(&key(at), PutMode::CreateNew).await?;
    for start in (0..body.len()).step_by(1_000_000) {
        writer
            .write(body.slice(start..body.len().min(start + 1_000_000)))
            .await?;
    }
    writer.finish().await.map(|_| ())
}

#[tokio::test]
async fn a_put_is_one_request_and_small_streams_too() {
    let (server, vault) = start(S3Options::default()).await;
    vault
        .put(&key("a"), body(20 << 20), PutMode::CreateNew)
        .await
        .unwrap();
    assert_eq!(server.request_count(), 1);
    stream(&vault, "b", &body(3 << 20)).await.unwrap();
    // One HEAD tells early that the key is free.
    assert_eq!((server.request_count(), count(&server, "PUT")), (3, 2));
}

#[tokio::test]
async fn a_lost_answer_to_a_create_is_found_out() {
    let (server, vault) = start(S3Options::default()).await;
    server.inject(S3Fault::next(S3Failure::LoseAnswer).on(RequestFilter::method("PUT")));
    vault
        .put(&key("a"), "ours".into(), PutMode::CreateNew)
        .await
        .unwrap();
    assert_eq!(server.object("a").unwrap(), b"ours");
    assert_eq!(count(&server, "PUT"), 2);
}

#[tokio::test]
async fn a_lost_race_after_a_failure_is_still_lost_even_with_an_equal_body() {
    let (server, vault) = start(S3Options::default()).await;
    server.set_object("a", Some(b"same"));
    server.inject(S3Fault::next(S3Failure::Error(503, "SlowDown")));
    let error = vault
        .put(&key("a"), "same".into(), PutMode::CreateNew)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn a_lost_answer_to_the_end_of_an_upload_is_found_out() {
    let (server, vault) = start(S3Options::default()).await;
    let body = body(13 << 20);
    let complete = RequestFilter::method("POST").containing("uploadId=");
    server.inject(S3Fault::next(S3Failure::LoseAnswer).on(complete));
    stream(&vault, "a", &body).await.unwrap();
    assert_eq!(server.object("a").unwrap(), body);
    assert_eq!(server.open_uploads(), 0);
}

#[tokio::test]
async fn parts_are_sent_again() {
    let failures = [
        S3Failure::Error(500, "InternalError"),
        S3Failure::Error(503, "SlowDown"),
        S3Failure::Close,
        S3Failure::LoseAnswer,
    ];
    for failure in failures {
        for skip in 0..3 {
            let (server, vault) = start(S3Options::default()).await;
            let body = body(13 << 20);
            let part = RequestFilter::method("PUT").containing("partNumber=");
            server.inject(S3Fault::next(failure.clone()).on(part).after(skip));
            stream(&vault, "a", &body)
                .await
                .unwrap_or_else(|error| panic!("{failure:?} of part {skip}: {}", error.chain()));
            assert_eq!(
                server.object("a").unwrap(),
                body,
                "{failure:?} of part {skip}"
            );
        }
    }
}

#[tokio::test]
async fn an_upload_that_fails_leaves_nothing() {
    let (server, vault) = start(S3Options::default()).await;
    let part = RequestFilter::method("PUT").containing("partNumber=2");
    server.inject(
        S3Fault::next(S3Failure::Error(403, "AccessDenied"))
            .on(part)
            .always(),
    );
    let error = stream(&vault, "a", &body(30 << 20)).await.unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::PermissionDenied,
        "{}",
        error.chain()
    );
    assert_eq!((server.open_uploads(), server.keys().len()), (0, 0));
}

#[tokio::test]
async fn a_lost_race_for_a_long_object_leaves_no_upload() {
    let (server, vault) = start(S3Options::default()).await;
    let mut writer = vault.writer(&key("a"), PutMode::CreateNew).await.unwrap();
    writer.write(body(12 << 20)).await.unwrap();
    server.set_object("a", Some(b"quicker"));
    let error = writer.finish().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(
        (server.open_uploads(), server.object("a").unwrap()),
        (0, b"quicker".to_vec())
    );
}

#[tokio::test]
async fn a_dropped_writer_ends_its_upload() {
    let (server, vault) = start(S3Options::default()).await;
    let mut writer = vault.writer(&key("a"), PutMode::CreateNew).await.unwrap();
    writer.write(body(18 << 20)).await.unwrap();
    assert_eq!(server.open_uploads(), 1);
    drop(writer);
    let ended = async {
        while server.open_uploads() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), ended)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_broken_download_goes_on_where_it_stopped() {
    let (server, vault) = start(S3Options::default()).await;
    let body = body(3 << 20);
    server.set_object("a", Some(&body));
    for cut in [0, 1, 1 << 20, (3 << 20) - 1] {
        server.inject(S3Fault::next(S3Failure::CutBody(cut)).on(RequestFilter::method("GET")));
        assert_eq!(
            vault.read(&key("a"), 4 << 20).await.unwrap(),
            body,
            "cut after {cut}"
        );
        server.inject(S3Fault::next(S3Failure::CutBody(cut)).on(RequestFilter::method("GET")));
        let part = vault.read_range(&key("a"), 5, (3 << 20) - 5).await.unwrap();
        assert_eq!(part, body.slice(5..), "range cut after {cut}");
    }
    // Twice as many as calls, less the range that ends before its cut.
    assert_eq!(count(&server, "GET"), 15);
}

#[tokio::test]
async fn a_download_never_mixes_two_versions() {
    let (server, vault) = start(S3Options::default()).await;
    server.set_object("a", Some(&body(3 << 20)));
    server.inject(S3Fault::next(S3Failure::CutBody(1 << 20)).on(RequestFilter::method("GET")));
    let mut stream = vault.get(&key("a"), ReadRange::Full).await.unwrap();
    stream.next().await.unwrap().unwrap();
    server.set_object("a", Some(&vec![0; 3 << 20]));
    let error = loop {
        match stream
            .next()
            .await
            .expect("the cut stream must not end well")
        {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Conflict, "{}", error.chain());
}

#[tokio::test]
async fn a_list_goes_on_after_a_failed_page() {
    let options = S3Options {
        page_keys: 10,
        ..S3Options::default()
    };
    let (server, vault) = start(options).await;
    for i in 0..35 {
        server.set_object(&format!("p/{i:03}"), Some(b""));
    }
    let page = RequestFilter::method("GET").containing("continuation-token=");
    server.inject(
        S3Fault::next(S3Failure::Error(500, "InternalError"))
            .on(page)
            .after(1)
            .times(2),
    );
    assert_eq!(vault.keys(&key("p"), 100).await.unwrap().len(), 35);
}

#[tokio::test]
async fn every_wait_is_bounded() {
    let server = S3Server::start(S3Options::default()).await.unwrap();
    let short = StorageLimits {
        operation_timeout: Duration::from_millis(100),
        io_timeout: Duration::from_millis(100),
        attempts: NonZeroU32::new(2).unwrap(),
        ..limits()
    };
    let vault = OpendalVault::s3(config(&server).with_limits(short)).unwrap();
    server.inject(S3Fault::next(S3Failure::Hang).always());
    let calls = async {
        let root = VaultKey::root();
        [
            vault.stat(&key("a")).await.err(),
            vault.read(&key("a"), 10).await.err(),
            vault
                .put(&key("a"), "x".into(), PutMode::CreateNew)
                .await
                .err(),
            vault
                .put(&key("a"), "x".into(), PutMode::Overwrite)
                .await
                .err(),
            vault.delete(&key("a")).await.err(),
            vault.keys(&root, 10).await.err(),
            stream(&vault, "a", &body(12 << 20)).await.err(),
        ]
    };
    let errors = tokio::time::timeout(Duration::from_secs(30), calls)
        .await
        .unwrap();
    for (i, error) in errors.into_iter().enumerate() {
        let error = error.unwrap();
        assert_eq!(
            error.kind(),
            ErrorKind::Timeout,
            "call {i}: {}",
            error.chain()
        );
        assert_eq!(error.retry(), csdr_core::Retry::Exhausted, "call {i}");
    }
}

#[tokio::test]
async fn a_store_without_conditional_create_is_found_out() {
    for conditional in [Conditional::NotImplemented, Conditional::Ignored] {
        let options = S3Options {
            conditional,
            ..S3Options::default()
        };
        let (server, vault) = start(options).await;
        assert!(vault.capabilities().conditional_create);
        let probe = vault.probe().await.unwrap();
        assert!(
            !probe.conditional_create && !probe.conditional_finish,
            "{conditional:?}"
        );
        assert!(probe.range_read && probe.delete);
        assert!(!vault.capabilities().conditional_create);
        let error = vault
            .put(&key("a"), "x".into(), PutMode::CreateNew)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(
            server.keys().is_empty(),
            "the probe left {:?}",
            server.keys()
        );
    }
    let (server, vault) = start(S3Options::default()).await;
    assert!(vault.probe().await.unwrap().is_full());
    assert!(server.keys().is_empty());
}

#[tokio::test]
async fn a_store_that_says_so_when_asked_loses_the_capability() {
    let options = S3Options {
        conditional: Conditional::NotImplemented,
        ..S3Options::default()
    };
    let (_server, vault) = start(options).await;
    let error = vault
        .put(&key("a"), "x".into(), PutMode::CreateNew)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{}", error.chain());
    assert!(!vault.capabilities().conditional_create);
}

/// What the store answers, what it is called, and a piece of the advice.
#[tokio::test]
async fn refusals_say_what_to_do() {
    use ErrorKind as Kind;
    let table = [
        (404, "NoSuchBucket", Kind::NotFound, "bucket does not exist"),
        (403, "AccessDenied", Kind::PermissionDenied, "s3:PutObject"),
        (
            403,
            "InvalidAccessKeyId",
            Kind::Unauthenticated,
            "access key",
        ),
        (
            403,
            "SignatureDoesNotMatch",
            Kind::Unauthenticated,
            "secret access key",
        ),
        (400, "ExpiredToken", Kind::Unauthenticated, "has expired"),
        (403, "RequestTimeTooSkewed", Kind::Unauthenticated, "clock"),
        (
            400,
            "AuthorizationHeaderMalformed",
            Kind::InvalidInput,
            "region",
        ),
        (301, "PermanentRedirect", Kind::InvalidInput, "region"),
        (503, "SlowDown", Kind::RateLimited, "slow down"),
        (500, "InternalError", Kind::Unavailable, "not ready"),
        (507, "XMinioStorageFull", Kind::Exhausted, "no space"),
        (418, "SomethingNew", Kind::Unexpected, "the store failed"),
    ];
    let (server, vault) = start(S3Options::default()).await;
    for (status, code, kind, advice) in table {
        server.inject(S3Fault::next(S3Failure::Error(status, code)).always());
        let error = vault
            .put(&key("a"), "x".into(), PutMode::CreateNew)
            .await
            .unwrap_err();
        server.clear_faults();
        assert_eq!(error.kind(), kind, "{code}: {}", error.chain());
        assert!(
            error.to_string().contains(advice) || advice == "s3:PutObject",
            "{code}: {error}"
        );
        assert!(!error.to_string().contains('\n'));
    }
    assert!(server.keys().is_empty());
}

#[tokio::test]
async fn a_full_store_takes_nothing() {
    let options = S3Options {
        capacity_bytes: 8 << 20,
        ..S3Options::default()
    };
    let (server, vault) = start(options).await;
    let put = vault
        .put(&key("a"), body(9 << 20), PutMode::CreateNew)
        .await;
    let streamed = stream(&vault, "b", &body(20 << 20)).await;
    assert_eq!(streamed.unwrap_err().kind(), ErrorKind::Exhausted);
    assert!(put.is_err());
    assert_eq!((server.keys().len(), server.open_uploads()), (0, 0));
}

#[tokio::test]
async fn who_cannot_be_reached_is_named() {
    let (server, vault) = start(S3Options::default()).await;
    let wrong = |config: S3Config| OpendalVault::s3(config).unwrap();
    let nowhere = wrong(config(&server).with_endpoint("http://store.invalid"));
    let tls = wrong(config(&server).with_endpoint(server.endpoint().replace("http:", "https:")));
    let other_bucket = S3Config::new("another")
        .with_endpoint(server.endpoint())
        .with_addressing(S3Addressing::Path)
        .with_credentials(S3Credentials::keys("AKIDCSDRTEST", "csdr-test-only"));
    let error = wrong(other_bucket)
        .keys(&VaultKey::root(), 10)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(
        error.to_string().contains("bucket does not exist"),
        "{error}"
    );

    let error = nowhere.keys(&VaultKey::root(), 10).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{}", error.chain());
    assert!(
        error.to_string().contains("cannot be resolved"),
        "{}",
        error.chain()
    );

    let error = tls.keys(&VaultKey::root(), 10).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{}", error.chain());

    drop(server);
    let refused = async {
        loop {
            // The server's task ends a moment after the drop.
            let error = vault.keys(&VaultKey::root(), 10).await.unwrap_err();
            if error.to_string().contains("refuses connections") {
                return error;
            }
        }
    };
    let error = tokio::time::timeout(Duration::from_secs(20), refused)
        .await
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn wrong_credentials_are_named_and_never_shown() {
    let secret = Canary::new("secret access key").unwrap();
    let token = Canary::new("session token").unwrap();
    let server = S3Server::start(S3Options {
        session_token: Some("another token".to_owned()),
        ..S3Options::default()
    })
    .await
    .unwrap();
    let with = |credentials| {
        let config = config(&server).with_credentials(credentials);
        let debug = format!("{config:?}");
        (OpendalVault::s3(config).unwrap(), debug)
    };
    let id = "AKIDCSDRTEST";
    for credentials in [
        S3Credentials::keys(id, secret.expose()),
        S3Credentials::session(id, secret.expose(), token.expose()),
        S3Credentials::session(id, secret.expose(), "another token"),
        S3Credentials::session("AKIDOTHER", secret.expose(), "another token"),
    ] {
        let (vault, config_debug) = with(credentials);
        let error = vault
            .put(&key("a"), "x".into(), PutMode::CreateNew)
            .await
            .unwrap_err();
        assert!(
            matches!(
                error.kind(),
                ErrorKind::Unauthenticated | ErrorKind::PermissionDenied
            ),
            "{}",
            error.chain()
        );
        for canary in [&secret, &token] {
            canary.assert_absent([
                ("configuration", config_debug.as_str()),
                ("vault", &format!("{vault:?} {vault}")),
                ("error", &error.chain()),
                ("error's Debug", &format!("{error:?} {error:#?}")),
            ]);
        }
    }
    assert!(server.keys().is_empty());
}

#[test]
fn urls_and_configurations_are_checked() {
    let refused = [
        "s3://",
        "s3://bucket:9000/x",
        "s3://bucket?region=",
        "s3://bucket?endpoint=nonsense",
        "s3://bucket?endpoint=https://user:pass@host",
        "s3://bucket?endpoint=https://host/path",
        "s3://bucket?path_style=maybe",
        "s3://bucket?secret_access_key=x",
        "s3://bucket?unknown=x",
        "s3://bucket/a//b",
        "s3://user@bucket",
        "s3://bucket#x",
        "file://relative/path",
        "file:///x?y=z",
        "memory://?x=y",
        "ftp://host/x",
        "/plain/path",
        "",
    ];
    for url in refused {
        let error = open_url(url).map(|vault| vault.to_string()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{url}");
        assert!(!error.chain().contains("pass@"), "{error}");
    }
    for (url, shown) in [
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket/a/b/", "s3://bucket/a/b"),
        (
            "s3://bucket/a%20b+c?path_style=true&region=x&endpoint=http://127.0.0.1:9000",
            "s3://bucket/a b+c",
        ),
        (
            "s3://bucket?conditional_create=never&checksum=crc32c",
            "s3://bucket",
        ),
        ("file:///tmp/vault%201", "file:///tmp/vault 1"),
        ("memory://", "memory://"),
    ] {
        assert_eq!(open_url(url).unwrap().to_string(), shown);
    }
    let never = open_url("s3://bucket?conditional_create=never").unwrap();
    assert!(!never.capabilities().conditional_create);
    let limits = StorageLimits {
        part_bytes: 1 << 20,
        ..StorageLimits::default()
    };
    assert!(OpendalVault::s3(S3Config::new("bucket").with_limits(limits)).is_err());
}

#[test]
fn a_server_runs_on_a_thread_of_its_own() {
    let server = S3Server::start_thread(S3Options::default()).unwrap();
    let vault = OpendalVault::s3(config(&server)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        vault
            .put(&key("a"), "x".into(), PutMode::CreateNew)
            .await
            .unwrap();
    });
    assert_eq!(server.keys(), ["a"]);
}

//! `Retry` over a vault that fails at every possible call.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use bytes::Bytes;
use csdr_core::{
    ErrorKind, Result,
    memory::MemoryVault,
    port::{PutMode, ReadRange, VaultBackend, VaultBackendExt, VaultKey},
};
use csdr_storage::{Retry, RetryPolicy};
use csdr_testkit::fault::{Fault, Faulty, Moment, Plan};
use futures::TryStreamExt;

fn key(text: &str) -> VaultKey {
    VaultKey::parse(text).unwrap()
}

/// A little of everything that can be repeated.
async fn work(vault: &dyn VaultBackend) -> Result<()> {
    vault
        .put(&key("a"), "first".into(), PutMode::CreateNew)
        .await?;
    vault
        .put(&key("b"), "second".into(), PutMode::Overwrite)
        .await?;
    let mut writer = vault.writer(&key("c"), PutMode::CreateNew).await?;
    writer.finish().await?;
    writer = vault.writer(&key("d"), PutMode::CreateNew).await?;
    writer.abort().await?;
    assert_eq!(vault.read(&key("a"), 100).await?, "first");
    assert_eq!(vault.read_range(&key("b"), 1, 3).await?, "eco");
    vault.stat(&key("c")).await?;
    assert_eq!(vault.keys(&VaultKey::root(), 10).await?.len(), 3);
    vault.delete(&key("b")).await
}

#[tokio::test(start_paused = true)]
async fn one_failure_anywhere_changes_nothing() {
    let counting = Plan::new();
    work(&Faulty::new(MemoryVault::new(), counting.clone()))
        .await
        .unwrap();
    for moment in [Moment::Before, Moment::After] {
        for n in 1..=counting.count() + 4 {
            let memory = MemoryVault::new();
            let plan = Plan::new().at(n, moment, Fault::unavailable());
            let vault = Retry::new(
                Faulty::new(memory.clone(), plan.clone()),
                RetryPolicy::default(),
            );
            let answer = work(&vault).await;
            let struck = plan.calls().get(n - 1).map(|call| call.verb);
            let unrepeatable = match moment {
                Moment::Before => matches!(struck, Some("finish" | "abort")),
                Moment::After => struck == Some("abort"),
            };
            if unrepeatable {
                assert_eq!(
                    answer.unwrap_err().kind(),
                    ErrorKind::Unavailable,
                    "{moment:?} {n}"
                );
                continue;
            }
            answer.unwrap_or_else(|error| panic!("{moment:?} call {n} ({struck:?}): {error}"));
            let left: Vec<String> = memory
                .keys(&VaultKey::root(), 10)
                .await
                .unwrap()
                .into_iter()
                .map(|row| row.key.into())
                .collect();
            assert_eq!(left, ["a", "c"], "{moment:?} call {n} ({struck:?})");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_not_taken_for_a_lost_race_nor_the_other_way_round() {
    let memory = MemoryVault::new();
    let lost = || Plan::new().at_verb("put", 1, Moment::After, Fault::unavailable());
    let ours = Retry::new(Faulty::new(memory.clone(), lost()), RetryPolicy::default());
    ours.put(&key("a"), "ours".into(), PutMode::CreateNew)
        .await
        .unwrap();

    // The first attempt never arrived, and somebody else was quicker.
    let before = Plan::new().at_verb("put", 1, Moment::Before, Fault::unavailable());
    let late = Retry::new(Faulty::new(memory.clone(), before), RetryPolicy::default());
    let error = late
        .put(&key("a"), "late".into(), PutMode::CreateNew)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(memory.read(&key("a"), 10).await.unwrap(), "ours");

    // An equal body is not ours where no answer was lost.
    let plain = Retry::new(memory, RetryPolicy::default());
    let error = plain
        .put(&key("a"), "ours".into(), PutMode::CreateNew)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
}

#[tokio::test(start_paused = true)]
async fn attempts_are_bounded_and_final_errors_are_not_repeated() {
    for (fault, calls, retry) in [
        (Fault::unavailable(), 5, csdr_core::Retry::Exhausted),
        (
            Fault::fail(ErrorKind::PermissionDenied),
            1,
            csdr_core::Retry::Never,
        ),
    ] {
        let plan = Plan::new().from(1, Moment::Before, fault);
        let vault = Retry::new(
            Faulty::new(MemoryVault::new(), plan.clone()),
            RetryPolicy::default(),
        );
        let error = vault.stat(&key("a")).await.unwrap_err();
        assert_eq!((plan.count(), error.retry()), (calls, retry));
    }
}

#[tokio::test]
async fn dropping_a_call_ends_it() {
    let plan = Plan::new().from(1, Moment::Before, Fault::unavailable());
    let vault = Retry::new(
        Faulty::new(MemoryVault::new(), plan.clone()),
        RetryPolicy::default(),
    );
    let a = key("a");
    let put = vault.put(&a, Bytes::new(), PutMode::CreateNew);
    // The first attempt fails at once; the future then waits for its pause, and is dropped.
    assert!(futures::poll!(put).is_pending());
    assert_eq!(plan.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_never_continued_with_another_version() {
    let memory = MemoryVault::new();
    memory
        .put(&key("a"), "old".into(), PutMode::Overwrite)
        .await
        .unwrap();
    let vault = Retry::new(memory.clone(), RetryPolicy::default());
    let stream = vault.get(&key("a"), ReadRange::Full).await.unwrap();
    memory
        .put(&key("a"), "new version".into(), PutMode::Overwrite)
        .await
        .unwrap();
    let body: Vec<Bytes> = stream.try_collect().await.unwrap();
    assert_eq!(body.concat(), b"old");
}

//! Rules of `CreateNew`.

use super::{Fixture, LIMIT, Verdict, demand, demand_kind, key};
use bytes::Bytes;
use csdr_core::{
    ErrorKind, Result,
    port::{PutMode, VaultBackend, VaultBackendExt, VaultKey},
};
use futures::future::join_all;
use std::sync::Arc;

/// How many race for one key.
const RACERS: usize = 16;

/// `CreateNew` never changes an object that exists, not even an empty one: `AlreadyExists`.
///
/// # Errors
/// How the rule is broken.
pub async fn create_new_keeps_the_existing(fixture: &Fixture) -> Verdict {
    let vault = fixture.vault();
    if !promised(&vault) {
        return Ok(());
    }
    for old in ["", "old"] {
        let key = key(&format!("folder/object-{old}"))?;
        vault.put(&key, old.into(), PutMode::CreateNew).await?;
        demand_kind(
            vault
                .put(&key, Bytes::from_static(b"newer"), PutMode::CreateNew)
                .await,
            ErrorKind::AlreadyExists,
            "put with CreateNew over an existing object",
        )?;
        demand_kind(
            stream(vault.clone(), key.clone(), "newer".into()).await,
            ErrorKind::AlreadyExists,
            "a writer with CreateNew over an existing object",
        )?;
        let body = vault.read(&key, LIMIT).await?;
        demand!(body == old, "CreateNew changed {old:?} into {body:?}");
    }
    // Taken between opening and finishing.
    let key = key("late")?;
    let writer = vault.writer(&key, PutMode::CreateNew).await?;
    vault
        .put(&key, "quicker".into(), PutMode::CreateNew)
        .await?;
    demand_kind(
        writer.finish().await,
        ErrorKind::AlreadyExists,
        "finish of a writer whose key was taken meanwhile",
    )?;
    let body = vault.read(&key, LIMIT).await?;
    demand!(
        body == "quicker",
        "a late writer changed the object into {body:?}"
    );
    Ok(())
}

/// Of sixteen `put`s with `CreateNew` that race for one key exactly one wins, and the object is its.
///
/// # Errors
/// How the rule is broken.
pub async fn create_new_has_one_winner(fixture: &Fixture) -> Verdict {
    race(fixture, |vault, key, body| async move {
        vault.put(&key, body, PutMode::CreateNew).await.map(|_| ())
    })
    .await
}

/// As [`create_new_has_one_winner`], of sixteen writers.
///
/// # Errors
/// How the rule is broken.
pub async fn streamed_create_new_has_one_winner(fixture: &Fixture) -> Verdict {
    race(fixture, stream).await
}

async fn stream(vault: Arc<dyn VaultBackend>, key: VaultKey, body: Bytes) -> Result<()> {
    let mut writer = vault.writer(&key, PutMode::CreateNew).await?;
    writer.write(body).await?;
    writer.finish().await.map(|_| ())
}

async fn race<F: Future<Output = Result<()>>>(
    fixture: &Fixture,
    write: impl Fn(Arc<dyn VaultBackend>, VaultKey, Bytes) -> F,
) -> Verdict {
    let vault = fixture.vault();
    if !promised(&vault) {
        return Ok(());
    }
    for round in 0..4 {
        let key = key(&format!("round-{round}/claim"))?;
        let racers = (0..RACERS).map(|i| write(vault.clone(), key.clone(), body(i)));
        let mut winners = Vec::new();
        for (i, answer) in join_all(racers).await.into_iter().enumerate() {
            match answer {
                Ok(()) => winners.push(i),
                Err(error) => demand_kind::<()>(
                    Err(error),
                    ErrorKind::AlreadyExists,
                    "CreateNew of one who lost a race",
                )?,
            }
        }
        demand!(
            winners.len() == 1,
            "of {RACERS} racing for one key {winners:?} won"
        );
        let stored = vault.read(&key, LIMIT).await?;
        demand!(
            winners.iter().all(|&i| stored == body(i)),
            "{winners:?} won the race, and the object is {stored:?}"
        );
    }
    Ok(())
}

fn body(racer: usize) -> Bytes {
    format!("racer {racer}").into()
}

fn promised(vault: &dyn VaultBackend) -> bool {
    let capabilities = vault.capabilities();
    capabilities.write && capabilities.conditional_create
}

//! Writing one object, and knowing whose it is.

use crate::{
    Error, ErrorKind, Result, Retry,
    model::{Object, ObjectId, Tree},
    port::{ResourceApplier, ResourceTarget, WriteOptions},
    vault::Host,
};
use futures::{FutureExt, future::BoxFuture};
use serde::Deserialize;
use std::{collections::BTreeSet, time::Duration};
use uuid::Uuid;

/// The field manager under which an operation writes: how "ours" is recognised after a lost answer, a crash, or in a second run.
pub(super) fn manager_of(operation: Uuid) -> String {
    format!("csdr-{operation}")
}

#[derive(Deserialize)]
struct Managed {
    metadata: ManagedMetadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ManagedMetadata {
    #[serde(default)]
    managed_fields: Option<Vec<ManagedEntry>>,
}

#[derive(Deserialize)]
struct ManagedEntry {
    #[serde(default)]
    manager: String,
}

/// Who has written fields of an object.
pub(super) fn managers(object: &Object) -> Vec<String> {
    let read: Option<Managed> = serde_json::from_slice(object.json()).ok();
    read.and_then(|read| read.metadata.managed_fields)
        .unwrap_or_default()
        .into_iter()
        .map(|entry| entry.manager)
        .collect()
}

/// The first wait for an object that somebody else was writing.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// Writes objects under one operation's name.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    pub(super) applier: &'a dyn ResourceApplier,
    pub(super) target: &'a dyn ResourceTarget,
    pub(super) host: &'a Host,
    /// This operation's manager.
    pub(super) options: WriteOptions,
    /// Managers of this restore's earlier operations.
    pub(super) ours: BTreeSet<String>,
    pub(super) attempts: u32,
}

/// How a create ended.
#[derive(Debug)]
pub(super) enum Made {
    /// It is created.
    New,
    /// It is there, made by this restore: a create whose answer was lost was repeated.
    Before,
    /// Somebody else's is there.
    There(Box<Object>),
}

impl Writer<'_> {
    /// Creates an object; tries again where the server was busy or its answer was lost.
    pub(super) async fn create(&self, object: &Object) -> Result<Made> {
        let create = || self.applier.create(object, &self.options).boxed();
        match self.repeated(create).await {
            Ok(_) => Ok(Made::New),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                self.whose(object, error).await
            }
            Err(error) => Err(error),
        }
    }

    /// Makes a call, and makes it again where the server was busy or its answer was lost.
    pub(super) async fn repeated<'c, T>(
        &self,
        call: impl Fn() -> BoxFuture<'c, Result<T>>,
    ) -> Result<T> {
        let mut attempt = 1;
        loop {
            let error = match call().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let Some(wait) = self.wait(&error, attempt) else {
                return Err(error);
            };
            self.host.clock.sleep(wait).await;
            attempt += 1;
        }
    }

    /// Whether this restore, in this run or a dead one before it, has written an object.
    pub(super) fn is_ours(&self, object: &Object) -> bool {
        managers(object)
            .iter()
            .any(|by| *by == self.options.field_manager || self.ours.contains(by))
    }

    /// Writes a status over that of an object that is there. Tries again where the object has moved on, and as a create does.
    pub(super) async fn write_status(&self, object: &Object, status: &Tree) -> Result<()> {
        let mut attempt = 1;
        loop {
            let Err(error) = self.try_status(object, status).await else {
                return Ok(());
            };
            let moved_on = error.kind() == ErrorKind::Conflict && attempt < self.attempts;
            let wait = self.wait(&error, attempt);
            let Some(wait) = wait.or(moved_on.then_some(FIRST_WAIT)) else {
                return Err(error);
            };
            self.host.clock.sleep(wait).await;
            attempt += 1;
        }
    }

    async fn try_status(&self, object: &Object, status: &Tree) -> Result<()> {
        let id = object.id();
        let version = object.meta().kind.api_version.version();
        let Some(there) = self.target.get(id, version).await? else {
            return Err(
                Error::new(ErrorKind::NotFound, "object was deleted meanwhile")
                    .with_context("object", id),
            );
        };
        let mut tree = there.tree()?;
        if tree.at(&["status"]) == Some(status) {
            return Ok(());
        }
        tree.set(&["status"], status.clone());
        let wanted = Object::from_tree(id.resource().clone(), &tree)?;
        self.applier
            .replace_status(&wanted, &self.options)
            .await
            .map(drop)
    }

    /// An object that exists is ours if this restore wrote it: a create whose answer was lost was repeated below or above.
    async fn whose(&self, object: &Object, error: Error) -> Result<Made> {
        let id: &ObjectId = object.id();
        let there = self
            .target
            .get(id, object.meta().kind.api_version.version())
            .await?;
        match there {
            Some(there) if self.is_ours(&there) => Ok(Made::Before),
            Some(there) => Ok(Made::There(Box::new(there))),
            // It was deleted between the two calls: the caller's report shows the server's answer.
            None => Err(error),
        }
    }

    fn wait(&self, error: &Error, attempt: u32) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let backoff = Duration::from_millis(100 << attempt.min(6));
        match error.retry() {
            Retry::After(Some(wait)) => Some(wait.min(Duration::from_secs(30))),
            Retry::After(None) => Some(backoff),
            // Source: the ServiceAccount admission refuses pods of a namespace whose account has not appeared yet.
            _ if error.kind() == ErrorKind::PermissionDenied
                && error.message().contains("error looking up service account") =>
            {
                Some(backoff)
            }
            _ => None,
        }
    }
}

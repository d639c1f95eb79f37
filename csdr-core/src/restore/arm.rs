//! Arming webhooks that were created open.

use super::{
    Restore,
    apply::{Writer, manager_of},
    backend::{Answer, Backend},
    ready::Ready,
    webhook::{Disarmed, arm, by_object, noted},
};
use crate::{
    Error, ErrorKind, Result,
    model::{Discovery, Object, ObjectId},
    port::WriteOptions,
    report::RunOptions,
    vault::RestoreLayout,
};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt, time::Duration};

/// How often an object that somebody else changes at the same time is looked at.
const LOOKS: u32 = 5;

/// A webhook configuration that was created open and is armed again: its webhooks refuse what nobody answers for, as in the backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rearmed {
    /// The configuration.
    pub object: ObjectId,
    /// Its webhooks that were open.
    pub webhooks: BTreeSet<String>,
    /// What does not answer although the time is up; empty if every Service does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silent: Vec<String>,
}

impl fmt::Display for Rearmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.webhooks.iter().map(String::as_str).collect();
        write!(
            f,
            "webhooks {} refuse again what nobody answers for",
            names.join(", ")
        )?;
        match self.silent.as_slice() {
            [] => Ok(()),
            silent => write!(f, ", and {}", silent.join("; ")),
        }
    }
}

/// Arms webhooks under one operation's name.
#[derive(Debug)]
pub(super) struct Arming<'a> {
    pub(super) writer: &'a Writer<'a>,
    pub(super) ready: &'a Ready<'a>,
    pub(super) discovery: &'a Discovery,
}

/// What arming has come to.
#[derive(Debug, Default)]
pub(super) struct Armed {
    pub(super) done: Vec<Rearmed>,
    /// Configurations that stay open, and why.
    pub(super) failed: Vec<(ObjectId, Error)>,
}

/// One look at a configuration.
enum Look {
    /// Its webhooks are as they should be, or it is not there, or not ours.
    Nothing,
    /// Somebody does not answer yet.
    Waits,
    Armed(Rearmed),
}

impl Arming<'_> {
    /// Arms each configuration as soon as every Service behind it answers, and all that are left when the time is up.
    ///
    /// # Errors
    /// Where the target cannot be reached: then some may still be open.
    pub(super) async fn arm(&self, mut open: Vec<Disarmed>) -> Result<Armed> {
        let mut armed = Armed::default();
        let mut waited = Duration::ZERO;
        let mut in_time = true;
        loop {
            let mut still = Vec::new();
            for disarmed in open {
                match self.look(&disarmed, in_time).await {
                    Ok(Look::Nothing) => {}
                    Ok(Look::Waits) => still.push(disarmed),
                    Ok(Look::Armed(done)) => armed.done.push(done),
                    Err(error) if is_out_of_reach(&error) => return Err(error),
                    Err(error) => armed.failed.push((disarmed.id()?, error)),
                }
            }
            open = still;
            if open.is_empty() {
                return Ok(armed);
            }
            in_time = self.ready.pause(&mut waited).await;
        }
    }

    async fn look(&self, disarmed: &Disarmed, in_time: bool) -> Result<Look> {
        let (id, version) = (disarmed.id()?, disarmed.version.as_str());
        for _ in 0..LOOKS {
            let Some(live) = self.writer.target.get(&id, version).await? else {
                return Ok(Look::Nothing);
            };
            if !self.writer.is_ours(&live) {
                return Ok(Look::Nothing);
            }
            let Some((patch, backends)) = arm(&live, disarmed)? else {
                return Ok(Look::Nothing);
            };
            let mut silent = Vec::new();
            for backend in backends {
                let answer = self.ready.answer(self.discovery, &backend).await?;
                if answer == Answer::NoEndpoint && in_time {
                    return Ok(Look::Waits);
                }
                if answer != Answer::Ready {
                    silent.push(format!("{backend} {}", answer.reason()));
                }
            }
            let body = patch.to_json();
            let (applier, options) = (self.writer.applier, &self.writer.options);
            let write = || {
                applier
                    .merge_patch(&id, version, body.clone(), options)
                    .boxed()
            };
            match self.writer.repeated(write).await {
                Ok(_) => {
                    return Ok(Look::Armed(Rearmed {
                        object: id,
                        webhooks: disarmed.webhooks.clone(),
                        silent,
                    }));
                }
                // Somebody has changed or deleted it since it was read.
                Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => {
                }
                Err(error) => return Err(error),
            }
        }
        let message = "it changes again and again while it is armed";
        Err(Error::new(ErrorKind::Conflict, message).with_context("object", id))
    }
}

/// Whether an error says nothing about the object.
pub(super) fn is_out_of_reach(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unavailable
            | ErrorKind::Timeout
            | ErrorKind::RateLimited
            | ErrorKind::Unauthenticated
            | ErrorKind::Cancelled
    )
}

/// The Service that an APIService stands on; `None` for one that the API server itself answers.
pub(super) fn api_backend(api: &Object) -> Result<Option<Backend>> {
    let tree = api.tree()?;
    Ok(tree.at(&["spec", "service"]).and_then(Backend::of))
}

/// The Service that converts the objects of a definition; `None` if nothing has to.
pub(super) fn converter(definition: &Object) -> Result<Option<Backend>> {
    let tree = definition.tree()?;
    let webhook = tree.at(&["spec", "conversion", "webhook", "clientConfig", "service"]);
    let asks = tree.text_at(&["spec", "conversion", "strategy"]) == Some("Webhook");
    Ok(webhook.filter(|_| asks).and_then(Backend::of))
}

impl Restore {
    /// Arms the webhooks that a dead operation of a restore has left open, without going on with it. The same restore run again does the
    /// same at its end. Afterwards [`Vault::gc`](crate::vault::Vault::gc) removes what the operation left.
    ///
    /// # Errors
    /// `AlreadyExists` if the restore is running; the target's and the store's. Configurations that cannot be armed: the first of their
    /// errors, after all were tried.
    pub async fn rearm(&self, name: &str, options: &RunOptions) -> Result<Vec<Rearmed>> {
        let about = |error: Error| {
            error
                .with_operation("arm webhooks")
                .with_context("restore", name)
        };
        let this = self.until(&options.cancel);
        this.rearmed(name, options).await.map_err(about)
    }

    async fn rearmed(&self, name: &str, options: &RunOptions) -> Result<Vec<Rearmed>> {
        let layout = RestoreLayout::new(name)?;
        let backend = &**self.vault.backend();
        if noted(backend, &layout).await?.is_empty() {
            return Ok(Vec::new());
        }
        let expiry = options.limits.claim_expiry;
        let claim = self.vault.claim_for(layout.csdr()?, "gc", expiry).await?;
        let work = claim.hold(async {
            let notes = noted(backend, &layout).await?;
            let (files, notes): (Vec<_>, Vec<_>) = notes.into_iter().unzip();
            let writer = Writer {
                applier: &*self.applier,
                target: &*self.target,
                host: self.vault.host(),
                options: WriteOptions {
                    field_manager: manager_of(claim.operation()),
                    dry_run: false,
                },
                ours: self.earlier_managers(name).await?,
                attempts: options.limits.attempts,
            };
            let arming = Arming {
                writer: &writer,
                ready: &Ready {
                    target: &*self.target,
                    host: self.vault.host(),
                    limit: options.limits.ready_wait,
                },
                discovery: &self.target.discover().await?,
            };
            let armed = arming.arm(by_object(notes)).await?;
            if let Some((_, error)) = armed.failed.into_iter().next() {
                return Err(error);
            }
            for file in files {
                claim.guard().await?;
                backend.delete(&file).await?;
            }
            Ok(armed.done)
        });
        let ended = work.await;
        // Whoever comes next need not wait; if this fails as well, the claim expires by itself.
        let _ = claim.release().await;
        ended
    }
}

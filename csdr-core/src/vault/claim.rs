//! Taking a name.

use super::{
    Host, MAX_DOCUMENT, decode_document, encode_document, put_once, store::lost_conditional_create,
};
use crate::{
    Error, ErrorKind, Result,
    port::{PutMode, VaultBackend, VaultBackendExt, VaultKey},
};
use bytes::Bytes;
use futures::future::{Either, select};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use uuid::Uuid;

/// Most claim files of one name.
const MAX_CLAIM_FILES: usize = 100_000;

/// How often a claim is tried again on a store without atomic create before it is given up.
const ROUNDS: u32 = 12;

/// Who is writing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClaimDocument {
    operation: Uuid,
    /// `backup`, `restore`, `gc` or `delete`.
    purpose: String,
    spec_digest: String,
    expires: Timestamp,
    csdr: String,
}

/// A later expiry of a claim; one in the past gives it up.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct RenewalDocument {
    operation: Uuid,
    expires: Timestamp,
}

/// What to claim.
#[derive(Clone, Debug)]
pub(crate) struct ClaimRequest<'a> {
    /// The folder of the claim files: `…/csdr`.
    pub(crate) folder: VaultKey,
    pub(crate) operation: Uuid,
    pub(crate) purpose: &'static str,
    pub(crate) spec_digest: &'a str,
    /// How long the claim holds after its last renewal.
    pub(crate) expiry: Duration,
    /// Whether an expired claim of another spec may be taken over (gc and delete do that).
    pub(crate) take_any: bool,
}

/// A held claim. Invariant: nobody else holds an unexpired claim of the same folder with a higher number.
#[derive(Debug)]
pub(crate) struct Claim {
    backend: Arc<dyn VaultBackend>,
    host: Host,
    folder: VaultKey,
    number: u64,
    operation: Uuid,
    expiry: Duration,
    expires: Mutex<Timestamp>,
    renewals: AtomicU64,
}

/// The newest claim of a folder.
#[derive(Debug)]
pub(crate) struct Holder {
    pub(crate) number: u64,
    pub(crate) operation: Uuid,
    pub(crate) spec_digest: String,
    pub(crate) purpose: String,
    pub(crate) expires: Timestamp,
}

/// Creates a claim file atomically; an equal body means that an earlier try of this operation was answered late.
async fn put_new(backend: &dyn VaultBackend, key: &VaultKey, body: &Bytes) -> Result<()> {
    match backend.put(key, body.clone(), PutMode::CreateNew).await {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let own = backend.read(key, MAX_DOCUMENT).await? == *body;
            if own { Ok(()) } else { Err(error) }
        }
        Err(error) => Err(error),
    }
}

/// Reads who holds a folder's name; `None` if nobody ever did.
pub(crate) async fn holder(
    backend: &dyn VaultBackend,
    folder: &VaultKey,
) -> Result<Option<Holder>> {
    let files = claim_files(backend, folder).await?;
    let Some(number) = files.iter().map(|file| file.number).max() else {
        return Ok(None);
    };
    let of = |renewal: bool| {
        files
            .iter()
            .filter(move |file| file.number == number && file.renewal.is_some() == renewal)
    };
    let Some(first) = of(false).min_by_key(|file| file.key.clone()) else {
        return Err(Error::corrupt("claim has a renewal but no claim file")
            .with_context("folder", folder)
            .with_context("claim", number));
    };
    let claim: ClaimDocument =
        decode_document(&first.key, &backend.read(&first.key, MAX_DOCUMENT).await?)?;
    let mut expires = claim.expires;
    if let Some(last) = of(true).max_by_key(|file| file.renewal) {
        let renewal: RenewalDocument =
            decode_document(&last.key, &backend.read(&last.key, MAX_DOCUMENT).await?)?;
        expires = renewal.expires;
    }
    Ok(Some(Holder {
        number,
        operation: claim.operation,
        spec_digest: claim.spec_digest,
        purpose: claim.purpose,
        expires,
    }))
}

#[derive(Debug)]
struct ClaimFile {
    key: VaultKey,
    number: u64,
    renewal: Option<u64>,
}

async fn claim_files(backend: &dyn VaultBackend, folder: &VaultKey) -> Result<Vec<ClaimFile>> {
    let rows = backend.keys(folder, MAX_CLAIM_FILES).await?;
    Ok(rows
        .into_iter()
        .filter_map(|meta| parse_claim_key(folder, meta.key))
        .collect())
}

/// `claim-<n>.json`, `claim-<n>-<operation>.json` (stores without atomic create) and `claim-<n>-renew-<m>.json`.
fn parse_claim_key(folder: &VaultKey, key: VaultKey) -> Option<ClaimFile> {
    let rest = key
        .below(folder)?
        .strip_prefix("claim-")?
        .strip_suffix(".json")?
        .to_owned();
    let (number, tail) = rest
        .split_once('-')
        .map_or((rest.as_str(), None), |(number, tail)| (number, Some(tail)));
    let number = number.parse().ok()?;
    let renewal = match tail.and_then(|tail| tail.strip_prefix("renew-")) {
        Some(renewal) => Some(renewal.parse().ok()?),
        None => None,
    };
    Some(ClaimFile {
        key,
        number,
        renewal,
    })
}

/// Whether a key is a claim's.
pub(super) fn is_claim_key(folder: &VaultKey, key: &VaultKey) -> bool {
    parse_claim_key(folder, key.clone()).is_some()
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

impl Claim {
    /// Takes the name, or says who has it. The second value is whether an earlier, dead operation is continued.
    ///
    /// # Errors
    /// `AlreadyExists` if somebody else holds it, or held it for another spec.
    pub(crate) async fn take(
        backend: Arc<dyn VaultBackend>,
        host: Host,
        request: ClaimRequest<'_>,
    ) -> Result<(Self, bool)> {
        let taken = |holder: &Holder| {
            let error = Error::new(
                ErrorKind::AlreadyExists,
                "backup already exists in OSS bucket; use a new name",
            )
            .with_context("folder", &request.folder)
            .with_context("claimed by", holder.operation);
            if holder.expires > host.clock.now() {
                Error::new(
                    ErrorKind::AlreadyExists,
                    format!(
                        "name is being used by a running {}; wait for it, or use a new name",
                        holder.purpose
                    ),
                )
                .with_context("folder", &request.folder)
                .with_context("claimed by", holder.operation)
                .with_context("until", holder.expires)
            } else {
                error
            }
        };
        let before = holder(&*backend, &request.folder).await?;
        if let Some(holder) = &before {
            let same = holder.spec_digest == request.spec_digest
                || holder.purpose == "gc"
                || request.take_any;
            if holder.operation != request.operation && (holder.expires > host.clock.now() || !same)
            {
                return Err(taken(holder));
            }
        }
        let number = before.as_ref().map_or(1, |holder| holder.number + 1);
        let expires = later(host.clock.now(), request.expiry);
        let document = ClaimDocument {
            operation: request.operation,
            purpose: request.purpose.to_owned(),
            spec_digest: request.spec_digest.to_owned(),
            expires,
            csdr: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let body = encode_document(&document)?;
        let mut taken_atomically = false;
        if backend.capabilities().conditional_create {
            let key = request.folder.join(&format!("claim-{number}.json"))?;
            match put_new(&*backend, &key, &body).await {
                Ok(()) => taken_atomically = true,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    return Err(match holder(&*backend, &request.folder).await? {
                        Some(holder) => taken(&holder).with_source(error),
                        None => error,
                    });
                }
                // A store may only say at its first use that it cannot create atomically.
                Err(error) if lost_conditional_create(&*backend, &error) => {}
                Err(error) => return Err(error),
            }
        }
        if !taken_atomically {
            Self::take_alone(&*backend, &host, &request, number, body).await?;
        }
        let claim = Self {
            backend,
            host,
            folder: request.folder,
            number,
            operation: request.operation,
            expiry: request.expiry,
            expires: Mutex::new(expires),
            renewals: AtomicU64::new(0),
        };
        Ok((claim, before.is_some()))
    }

    /// On a store without atomic create: a claim under a unique key is won only if it stands alone; otherwise it is withdrawn and
    /// tried again after a random wait, so that of racing writers at most one wins, and one soon does.
    async fn take_alone(
        backend: &dyn VaultBackend,
        host: &Host,
        request: &ClaimRequest<'_>,
        number: u64,
        body: Bytes,
    ) -> Result<()> {
        if !backend.capabilities().list_consistent {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the store has neither atomic create nor consistent lists; a name cannot be taken safely",
            ));
        }
        let own = request
            .folder
            .join(&format!("claim-{number}-{}.json", request.operation))?;
        let lost = || {
            Error::new(
                ErrorKind::AlreadyExists,
                "backup already exists in OSS bucket; another writer is claiming the name",
            )
            .with_context("folder", &request.folder)
        };
        for round in 0..ROUNDS {
            let others = |files: Vec<ClaimFile>| {
                files
                    .into_iter()
                    .any(|file| file.number >= number && file.key != own)
            };
            if !others(claim_files(backend, &request.folder).await?) {
                backend.put(&own, body.clone(), PutMode::Overwrite).await?;
                if !others(claim_files(backend, &request.folder).await?) {
                    return Ok(());
                }
                backend.delete(&own).await?;
            } else if round > ROUNDS / 2 {
                return Err(lost());
            }
            let mut random = [0u8; 2];
            host.entropy.fill(&mut random)?;
            host.clock
                .sleep(Duration::from_millis(
                    5 + u64::from(u16::from_le_bytes(random)) * u64::from(round + 1) / 2048,
                ))
                .await;
        }
        Err(lost())
    }

    pub(crate) fn operation(&self) -> Uuid {
        self.operation
    }

    fn expires(&self) -> Timestamp {
        *self.expires.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write_renewal(&self, expires: Timestamp) -> Result<()> {
        let renewal = self.renewals.fetch_add(1, Ordering::SeqCst) + 1;
        let key = self
            .folder
            .join(&format!("claim-{}-renew-{renewal}.json", self.number))?;
        put_once(
            &*self.backend,
            &key,
            encode_document(&RenewalDocument {
                operation: self.operation,
                expires,
            })?,
        )
        .await?;
        *self.expires.lock().unwrap_or_else(PoisonError::into_inner) = expires;
        Ok(())
    }

    /// Makes sure that the claim still holds; called before what must not happen twice.
    ///
    /// # Errors
    /// `Conflict` if a newer claim was taken.
    pub(crate) async fn check(&self) -> Result<()> {
        match holder(&*self.backend, &self.folder).await? {
            Some(holder) if holder.number == self.number && holder.operation == self.operation => {
                Ok(())
            }
            holder => {
                let error = Error::new(
                    ErrorKind::Conflict,
                    "the claim was lost: it expired and another operation took the name",
                )
                .with_context("folder", &self.folder);
                Err(holder.map_or(error, |holder| {
                    Error::new(
                        ErrorKind::Conflict,
                        "the claim was lost: it expired and another operation took the name",
                    )
                    .with_context("folder", &self.folder)
                    .with_context("claimed by", holder.operation)
                }))
            }
        }
    }

    /// Before a write: cheap while the claim is fresh; once its time is up, looks who holds it and renews.
    pub(crate) async fn guard(&self) -> Result<()> {
        if self.host.clock.now() < self.expires() {
            return Ok(());
        }
        self.check().await?;
        self.write_renewal(later(self.host.clock.now(), self.expiry))
            .await
    }

    /// Works while the claim is kept alive; ends with an error when it is lost.
    pub(crate) async fn hold<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        match select(pin!(work), pin!(self.keep())).await {
            Either::Left((done, _)) => done,
            Either::Right((lost, _)) => Err(lost),
        }
    }

    /// Renews for ever; ends with the error that makes the operation stop.
    async fn keep(&self) -> Error {
        loop {
            self.host.clock.sleep(self.expiry / 3).await;
            let renewed = async {
                self.check().await?;
                self.write_renewal(later(self.host.clock.now(), self.expiry))
                    .await
            };
            if let Err(error) = renewed.await {
                let lost =
                    error.kind() == ErrorKind::Conflict || self.host.clock.now() >= self.expires();
                if lost {
                    return error;
                }
                // The claim still holds for a while: the store may come back until then.
            }
        }
    }

    /// Gives the name up, so that the same command need not wait.
    pub(crate) async fn release(&self) -> Result<()> {
        self.check().await?;
        self.write_renewal(self.host.clock.now()).await
    }
}

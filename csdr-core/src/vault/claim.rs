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
use serde::{Deserialize, Serialize, de::DeserializeOwned};
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
const ROUNDS: u32 = 40;

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
    /// Written under a unique key and not confirmed: its writer may still withdraw it.
    pub(crate) tentative: bool,
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
    let of_number = || files.iter().filter(|file| file.number == number);
    let last = of_number()
        .filter(|file| file.renewal.is_some())
        .max_by_key(|file| file.renewal);
    let renewal: Option<RenewalDocument> = match last {
        None => None,
        Some(file) => Some(read(backend, &file.key).await?),
    };
    // Beside a confirmed claim others of the same number may stand for a moment, about to be withdrawn.
    let confirmed = |file: &&ClaimFile| {
        let by = renewal.as_ref().map(|renewal| renewal.operation);
        by.is_none() || file.operation.is_none() || file.operation == by
    };
    let first = of_number()
        .filter(|file| file.renewal.is_none())
        .find(confirmed);
    let Some(first) = first else {
        return Err(Error::corrupt("claim has a renewal but no claim file")
            .with_context("folder", folder)
            .with_context("claim", number));
    };
    let claim: ClaimDocument = match read(backend, &first.key).await {
        Ok(claim) => claim,
        // Withdrawn between the list and here: whoever asks looks again.
        Err(error) if error.kind() == ErrorKind::NotFound && first.operation.is_some() => {
            return Ok(Some(Holder {
                number,
                operation: first.operation.unwrap_or_default(),
                spec_digest: String::new(),
                purpose: "backup".to_owned(),
                expires: Timestamp::MAX,
                tentative: true,
            }));
        }
        Err(error) => return Err(error),
    };
    Ok(Some(Holder {
        number,
        operation: claim.operation,
        spec_digest: claim.spec_digest,
        purpose: claim.purpose,
        tentative: first.operation.is_some() && renewal.is_none(),
        expires: renewal.map_or(claim.expires, |renewal| renewal.expires),
    }))
}

async fn read<T: DeserializeOwned>(backend: &dyn VaultBackend, key: &VaultKey) -> Result<T> {
    decode_document(key, &backend.read(key, MAX_DOCUMENT).await?)
}

#[derive(Debug)]
struct ClaimFile {
    key: VaultKey,
    number: u64,
    renewal: Option<u64>,
    /// In the key of a claim on a store without atomic create.
    operation: Option<Uuid>,
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
    let (renewal, operation) = match tail.map(|tail| (tail, tail.strip_prefix("renew-"))) {
        None => (None, None),
        Some((_, Some(renewal))) => (Some(renewal.parse().ok()?), None),
        Some((operation, None)) => (None, Some(operation.parse().ok()?)),
    };
    Some(ClaimFile {
        key,
        number,
        renewal,
        operation,
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
            let running = holder.expires > host.clock.now();
            if holder.operation != request.operation && !holder.tentative && (running || !same) {
                return Err(taken(holder));
            }
        }
        let number = match &before {
            None => 1,
            // Not won yet: one of those who race for this number will be.
            Some(holder) if holder.tentative && holder.expires > host.clock.now() => holder.number,
            Some(holder) => holder.number + 1,
        };
        let expires = later(host.clock.now(), request.expiry);
        let document = ClaimDocument {
            operation: request.operation,
            purpose: request.purpose.to_owned(),
            spec_digest: request.spec_digest.to_owned(),
            expires,
            csdr: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let body = encode_document(&document)?;
        let mut atomic = false;
        if backend.capabilities().conditional_create {
            let key = request.folder.join(&format!("claim-{number}.json"))?;
            match put_new(&*backend, &key, &body).await {
                Ok(()) => atomic = true,
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
        if !atomic {
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
        if !atomic {
            // From here on racers know that this number is won, and stop.
            claim.write_renewal(expires).await?;
        }
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
        for round in 1..=ROUNDS {
            let others: Vec<ClaimFile> = claim_files(backend, &request.folder)
                .await?
                .into_iter()
                .filter(|file| file.number >= number)
                .collect();
            if others.iter().any(|file| file.renewal.is_some()) {
                return Err(lost());
            }
            if others.is_empty() {
                backend.put(&own, body.clone(), PutMode::Overwrite).await?;
                let files = claim_files(backend, &request.folder).await?;
                if files
                    .iter()
                    .all(|file| file.number < number || file.key == own)
                {
                    return Ok(());
                }
                backend.delete(&own).await?;
            }
            let mut random = [0u8; 2];
            host.entropy.fill(&mut random)?;
            let spread = u64::from(u16::from_le_bytes(random)) * u64::from(round.min(16)) / 2048;
            host.clock.sleep(Duration::from_millis(5 + spread)).await;
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

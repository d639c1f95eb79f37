//! Taking a name, and keeping it.

use super::{Host, MAX_DOCUMENT, encode_document, put_once, store::lost_conditional_create};
use crate::{
    Error, ErrorKind, Result,
    port::{PutMode, VaultBackend, VaultBackendExt, VaultKey},
};
use bytes::Bytes;
use futures::future::{Either, select};
use jiff::Timestamp;
use std::{
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use uuid::Uuid;

mod holder;

use holder::{ClaimDocument, ClaimFile, RenewalDocument, claim_files};
pub(super) use holder::{Holder, holder, removal_rank};

/// How often a claim is tried again on a store without atomic create before it is given up.
const ROUNDS: u32 = 40;

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
    /// Whether an expired claim of another spec may be taken over (gc does that).
    pub(crate) take_any: bool,
}

impl ClaimRequest<'_> {
    /// What cannot be had. Source of the backup's words: R364.
    fn refusal(&self, why: impl std::fmt::Display) -> Error {
        let what = match self.purpose {
            "backup" => "backup already exists in OSS bucket",
            _ => "name is taken",
        };
        Error::new(ErrorKind::AlreadyExists, format!("{what}: {why}"))
            .with_context("folder", &self.folder)
    }

    /// Why the name cannot be had from its holder, and what to do.
    fn taken(&self, holder: &Holder, now: Timestamp) -> Error {
        let error = if holder.is_running(now) {
            let by = &holder.purpose;
            let message =
                format!("name is being used by a running {by}; wait for it, or use a new name");
            Error::new(ErrorKind::AlreadyExists, message)
                .with_context("folder", &self.folder)
                .with_context("until", holder.expires)
        } else {
            self.refusal(format_args!(
                "a {} of another spec died here; use a new name, or let `vault gc` remove what it left",
                holder.purpose
            ))
        };
        error.with_context("claimed by", holder.operation)
    }
}

/// A held claim. Invariant: nobody else holds an unexpired claim of the same folder with a higher number.
#[derive(Debug)]
pub(crate) struct Claim {
    backend: Arc<dyn VaultBackend>,
    host: Host,
    folder: VaultKey,
    key: VaultKey,
    number: u64,
    operation: Uuid,
    expiry: Duration,
    expires: Mutex<Timestamp>,
    renewals: AtomicU64,
}

/// Creates a claim file atomically; an equal body means that an earlier try of this operation was answered late, or not at all.
async fn put_new(backend: &dyn VaultBackend, key: &VaultKey, body: &Bytes) -> Result<()> {
    let Err(error) = backend.put(key, body.clone(), PutMode::CreateNew).await else {
        return Ok(());
    };
    let uncertain = matches!(
        error.kind(),
        ErrorKind::AlreadyExists
            | ErrorKind::Unavailable
            | ErrorKind::Timeout
            | ErrorKind::RateLimited
    );
    if uncertain
        && let Ok(Some(there)) = backend.read_if_exists(key, MAX_DOCUMENT).await
        && there == *body
    {
        return Ok(());
    }
    Err(error)
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
        let before = holder(&*backend, &request.folder).await?;
        let now = host.clock.now();
        if let Some(holder) = &before {
            let same = holder.spec_digest == request.spec_digest
                || holder.purpose == "gc"
                || request.take_any;
            let others = holder.operation != request.operation && !holder.tentative;
            if others && (holder.is_running(now) || !same) {
                return Err(request.taken(holder, now));
            }
        }
        let number = match &before {
            None => 1,
            // Not won yet: one of those who race for this number will be.
            Some(holder) if holder.tentative && holder.is_running(now) => holder.number,
            Some(holder) => holder.number + 1,
        };
        let expires = later(host.clock.now(), request.expiry);
        let body = encode_document(&ClaimDocument {
            operation: request.operation,
            purpose: request.purpose.to_owned(),
            spec_digest: request.spec_digest.to_owned(),
            expires,
            csdr: env!("CARGO_PKG_VERSION").to_owned(),
        })?;
        let at_once = Self::take_at_once(&*backend, &host, &request, number, &body).await?;
        let confirmed = at_once.is_some();
        let key = match at_once {
            Some(key) => key,
            None => Self::take_alone(&*backend, &host, &request, number, body).await?,
        };
        let claim = Self {
            backend,
            host,
            folder: request.folder,
            number,
            operation: request.operation,
            expiry: request.expiry,
            expires: Mutex::new(expires),
            renewals: AtomicU64::new(0),
            key,
        };
        // With a renewal racers know that this number is won, and stop.
        if !confirmed && let Err(error) = claim.write_renewal(expires).await {
            // Whoever comes next need not wait; the first error is the one to report.
            let _ = claim.give_back().await;
            return Err(error);
        }
        Ok((claim, before.is_some()))
    }

    /// By atomic create; `None` where the store has none.
    async fn take_at_once(
        backend: &dyn VaultBackend,
        host: &Host,
        request: &ClaimRequest<'_>,
        number: u64,
        body: &Bytes,
    ) -> Result<Option<VaultKey>> {
        if !backend.capabilities().conditional_create {
            return Ok(None);
        }
        let key = request.folder.join(&format!("claim-{number}.json"))?;
        match put_new(backend, &key, body).await {
            Ok(()) => Ok(Some(key)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(match holder(backend, &request.folder).await? {
                    Some(holder) => request.taken(&holder, host.clock.now()).with_source(error),
                    None => error,
                })
            }
            // A store may only say at its first use that it cannot create atomically.
            Err(error) if lost_conditional_create(backend, &error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// On a store without atomic create: a claim under a unique key is won only if it stands alone; otherwise it is withdrawn and
    /// tried again after a random wait, so that of racing writers at most one wins, and one soon does.
    async fn take_alone(
        backend: &dyn VaultBackend,
        host: &Host,
        request: &ClaimRequest<'_>,
        number: u64,
        body: Bytes,
    ) -> Result<VaultKey> {
        if !backend.capabilities().list_consistent {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the store has neither atomic create nor consistent lists; a name cannot be taken safely",
            ));
        }
        let own = request
            .folder
            .join(&format!("claim-{number}-{}.json", request.operation))?;
        let lost = || request.refusal("another writer is claiming the name; use a new name");
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
                let alone = async {
                    backend.put(&own, body.clone(), PutMode::Overwrite).await?;
                    let files = claim_files(backend, &request.folder).await?;
                    let older = |file: &ClaimFile| file.number < number || file.key == own;
                    Ok::<_, Error>(files.iter().all(older))
                };
                match alone.await {
                    Ok(true) => return Ok(own),
                    Ok(false) => backend.delete(&own).await?,
                    Err(error) => {
                        // It may stand there; whoever comes next need not wait for it.
                        let _ = backend.delete(&own).await;
                        return Err(error);
                    }
                }
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

    fn renewal_key(&self, renewal: u64) -> Result<VaultKey> {
        self.folder
            .join(&format!("claim-{}-renew-{renewal}.json", self.number))
    }

    async fn write_renewal(&self, expires: Timestamp) -> Result<()> {
        let renewal = self.renewals.fetch_add(1, Ordering::SeqCst) + 1;
        let body = encode_document(&RenewalDocument {
            operation: self.operation,
            expires,
        })?;
        put_once(&*self.backend, &self.renewal_key(renewal)?, body).await?;
        *self.expires.lock().unwrap_or_else(PoisonError::into_inner) = expires;
        Ok(())
    }

    /// Looks whether nobody has taken the name over.
    async fn look(&self) -> Result<()> {
        let holder = holder(&*self.backend, &self.folder).await?;
        let ours =
            |holder: &Holder| holder.number == self.number && holder.operation == self.operation;
        if holder.as_ref().is_some_and(ours) {
            return Ok(());
        }
        let lost = Error::new(
            ErrorKind::Conflict,
            "the claim was lost: it expired and another operation took the name",
        )
        .with_context("folder", &self.folder);
        Err(match holder {
            Some(holder) => lost.with_context("claimed by", holder.operation),
            None => lost,
        })
    }

    /// Makes sure that the claim holds, and goes on to hold for at least half its time; called before what must not happen twice.
    ///
    /// # Errors
    /// `Conflict` if a newer claim was taken.
    pub(crate) async fn check(&self) -> Result<()> {
        self.look().await?;
        let (now, expires) = (self.host.clock.now(), self.expires());
        if later(now, self.expiry / 2) <= expires {
            return Ok(());
        }
        self.write_renewal(later(now, self.expiry)).await?;
        if now < expires {
            return Ok(());
        }
        // It had expired: between the look and the renewal another operation may have come.
        self.look().await
    }

    /// Before a write: cheap while the claim is fresh; once its time is up, looks who holds it and renews.
    pub(crate) async fn guard(&self) -> Result<()> {
        if self.host.clock.now() < self.expires() {
            return Ok(());
        }
        self.check().await
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
                self.look().await?;
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
        self.look().await?;
        self.write_renewal(self.host.clock.now()).await
    }

    /// Takes the claim away again, as if it had never been taken: for a name that turns out to have been used up meanwhile. Where the
    /// store lets nothing go, it is released.
    pub(crate) async fn give_back(&self) -> Result<()> {
        let removal = async {
            for renewal in 1..=self.renewals.load(Ordering::SeqCst) {
                self.backend.delete(&self.renewal_key(renewal)?).await?;
            }
            self.backend.delete(&self.key).await
        };
        match removal.await {
            Ok(()) => Ok(()),
            Err(_) => self.release().await,
        }
    }
}

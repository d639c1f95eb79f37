//! A vault: named backups and restores on a [`VaultBackend`], each written once, complete or invisible.
//!
//! The layout is that of Velero with csdr's own files beside it; the rules are those of the format page (ARCHITECTURE.md names it):
//! a name is taken by a claim, a backup exists when its commit record does, and every file is in a manifest with its hash.

mod claim;
mod damage;
mod delete;
mod document;
mod foreign;
mod gc;
mod host;
mod journal;
mod layout;
mod list;
mod manifest;
mod store;
mod stored;
mod thaw;
mod velero;
mod verify;

pub(crate) use claim::{Claim, ClaimRequest};
pub(crate) use document::{MAX_DOCUMENT, decode_document, encode_document, gunzip, gzip};
pub use gc::{GcOptions, GcReport};
pub use host::Host;
pub(crate) use journal::{
    BlockId, FrozenPod, FrozenPods, Journal, JournalEntry, ObjectsArchived, still_frozen,
};
pub(crate) use layout::{BackupLayout, RestoreLayout};
pub use list::{BackupEntry, BackupOrigin, RestoreEntry};
pub use manifest::{FileRecord, IndexPartRecord, Manifest};
pub(crate) use store::{Files, put_once};
pub use stored::StoredBackup;
pub(crate) use thaw::{thaw_dead, thaw_pods, told as thaw_told};
pub use velero::{VeleroCount, VeleroDetails, VeleroVolume};
pub(crate) use velero::{commit_record, results};
pub(crate) use verify::check_file;
pub use verify::{Problem, VerifyLevel, VerifyReport};

use crate::{
    Error, ErrorKind, Result,
    cancel::Until,
    port::{VaultBackend, VaultBackendExt, operation_id},
};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The newest format of a vault that this version reads and writes.
pub const FORMAT: u32 = 1;

/// A vault: where backups and restores are kept.
///
/// Cheap to clone. Opening never writes.
///
/// ```
/// # tokio_test();
/// # fn tokio_test() { tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use csdr_core::{memory::MemoryVault, vault::Vault};
/// use std::sync::Arc;
///
/// let store = Arc::new(MemoryVault::new());
/// assert!(Vault::open(store.clone()).await.is_err(), "nothing there yet");
/// let vault = Vault::create(store.clone()).await.unwrap();
/// assert_eq!(Vault::open(store).await.unwrap().id(), vault.id());
/// assert!(vault.backups().await.unwrap().is_empty());
/// # }) }
/// ```
#[derive(Clone)]
pub struct Vault {
    backend: Arc<dyn VaultBackend>,
    id: Option<Uuid>,
    host: Host,
}

/// `csdr-vault.json`.
#[derive(Debug, Serialize, Deserialize)]
struct VaultDocument {
    format: u32,
    id: Uuid,
    csdr: String,
}

impl Vault {
    /// Makes a new vault; a prefix that Velero uses already may become one.
    ///
    /// # Errors
    /// `AlreadyExists` if there is one; else the backend's.
    pub async fn create(backend: impl VaultBackend) -> Result<Self> {
        Self::create_with(Arc::new(backend), Host::default()).await
    }

    /// As [`Vault::create`] with the host's own clock, randomness and threads.
    ///
    /// # Errors
    /// As [`Vault::create`].
    pub async fn create_with(backend: Arc<dyn VaultBackend>, host: Host) -> Result<Self> {
        let id = operation_id(&*host.clock, &*host.entropy)?;
        let document = VaultDocument {
            format: FORMAT,
            id,
            csdr: env!("CARGO_PKG_VERSION").to_owned(),
        };
        put_once(
            &*backend,
            &layout::vault_document(),
            encode_document(&document)?,
        )
        .await
        .map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Error::new(
                ErrorKind::AlreadyExists,
                "there is a vault already; open it",
            )
            .with_operation("create vault")
            .with_source(error),
            _ => vault_error("create vault", &*backend, error),
        })?;
        Ok(Self {
            backend,
            id: Some(id),
            host,
        })
    }

    /// Opens a vault, or reads a prefix that only Velero has written to. Never writes.
    ///
    /// # Errors
    /// `NotFound` if there is neither; `Incompatible` for a newer format; else the backend's.
    pub async fn open(backend: impl VaultBackend) -> Result<Self> {
        Self::open_with(Arc::new(backend), Host::default()).await
    }

    /// As [`Vault::open`] with the host's own clock, randomness and threads.
    ///
    /// # Errors
    /// As [`Vault::open`].
    pub async fn open_with(backend: Arc<dyn VaultBackend>, host: Host) -> Result<Self> {
        let key = layout::vault_document();
        let body = backend
            .read_if_exists(&key, MAX_DOCUMENT)
            .await
            .map_err(|error| vault_error("open vault", &*backend, error))?;
        let Some(body) = body else {
            let mut foreign = backend.list(&layout::backups());
            while let Some(meta) = foreign
                .try_next()
                .await
                .map_err(|error| vault_error("open vault", &*backend, error))?
            {
                if meta.key.name() == layout::COMMIT_RECORD {
                    return Ok(Self {
                        backend: backend.clone(),
                        id: None,
                        host,
                    });
                }
            }
            return Err(Error::new(
                ErrorKind::NotFound,
                "there is no vault here; create one, or check bucket and prefix",
            )
            .with_operation("open vault")
            .with_context("vault", &backend));
        };
        let document: VaultDocument = decode_document(&key, &body)?;
        if document.format > FORMAT {
            return Err(Error::new(
                ErrorKind::Incompatible,
                "the vault was made by a newer csdr; use that one",
            )
            .with_operation("open vault")
            .with_context("format", document.format)
            .with_context("newest known", FORMAT));
        }
        Ok(Self {
            backend,
            id: Some(document.id),
            host,
        })
    }

    /// Opens the vault, or makes it if there is none. Racing callers end with the same one.
    ///
    /// # Errors
    /// As [`Vault::open`] and [`Vault::create`].
    pub async fn open_or_create(backend: Arc<dyn VaultBackend>, host: Host) -> Result<Self> {
        match Self::open_with(backend.clone(), host.clone()).await {
            Ok(vault) if vault.id.is_some() => return Ok(vault),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        match Self::create_with(backend.clone(), host.clone()).await {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Self::open_with(backend, host).await
            }
            result => result,
        }
    }

    /// The vault's id; `None` for a prefix that only Velero has written to: such a vault can be read, not written.
    pub fn id(&self) -> Option<Uuid> {
        self.id
    }

    /// The store below.
    pub fn backend(&self) -> &Arc<dyn VaultBackend> {
        &self.backend
    }

    /// Clock, randomness and threads.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The id, or an error that says how to get one.
    pub(crate) fn writable_id(&self) -> Result<Uuid> {
        self.id.ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                "only Velero has written here; create a csdr vault at this place first",
            )
            .with_context("vault", &self.backend)
        })
    }

    /// The same vault, making no call any more once the token has fallen.
    pub(crate) fn until(&self, cancel: &CancellationToken) -> Self {
        Self {
            backend: Arc::new(Until::new(self.backend.clone(), cancel)),
            ..self.clone()
        }
    }

    /// The files of a backup.
    pub(crate) fn layout(&self, name: &str) -> Result<BackupLayout> {
        BackupLayout::new(name)
    }
}

/// Says what a person knows from the backup center: `VaultError` (R352).
fn vault_error(operation: &'static str, backend: &dyn VaultBackend, error: Error) -> Error {
    Error::new(error.kind(), format!("VaultError: {}", error.message()))
        .with_operation(operation)
        .with_context("vault", backend)
        .with_retry(error.retry())
        .with_source(error)
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("backend", &self.backend)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.backend.fmt(f)
    }
}

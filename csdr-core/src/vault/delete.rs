//! Deleting a backup.

use super::{
    BackupLayout, Claim, ClaimRequest, MAX_DOCUMENT, Vault,
    claim::removal_rank,
    layout::{COMMIT_RECORD, MARK, is_own_file},
    put_once,
    velero::CommitRecord,
};
use crate::{
    Error, ErrorKind, Result,
    port::{VaultBackend, VaultBackendExt, VaultKey, operation_id},
};
use bytes::Bytes;
use futures::TryStreamExt;
use std::time::Duration;

/// Most files of one backup.
const MAX_FILES: usize = 1_000_000;

impl Vault {
    /// Deletes a backup that csdr wrote, a damaged one as well. Order (format rule 5): the mark `csdr/deleting`, files, commit record,
    /// the mark again, claims: a crash in between is finished by the next call or by [`Vault::gc`].
    ///
    /// # Errors
    /// `NotFound` if there is no such backup, `Unsupported` for Velero's (never modified), `PermissionDenied` where the store keeps it.
    pub async fn delete(&self, name: &str) -> Result<()> {
        let layout = self.layout(name)?;
        let about = |error: Error| {
            error
                .with_operation("delete backup")
                .with_context("backup", name)
        };
        if !self.deletable(&layout).await.map_err(about)? {
            let mark = Bytes::from_static(b"{}\n");
            put_once(&*self.backend, &layout.deleting()?, mark)
                .await
                .map_err(about)?;
        }
        let backend = &*self.backend;
        let removal = async {
            let csdr = layout.csdr()?;
            let keys = folder_keys(backend, layout.folder()).await?;
            remove_files(backend, layout.folder(), &csdr, keys).await?;
            remove_claims(backend, &csdr).await
        };
        removal.await.map_err(about)
    }

    /// Whether [`Vault::delete`] would begin: reads only.
    ///
    /// # Errors
    /// Those of [`Vault::delete`].
    pub async fn check_deletable(&self, name: &str) -> Result<()> {
        let about = |error: Error| {
            error
                .with_operation("delete backup")
                .with_context("backup", name)
        };
        let deletable = self.deletable(&self.layout(name)?).await;
        deletable.map(drop).map_err(about)
    }

    /// Whether its deletion has begun already; an error if it must not begin.
    async fn deletable(&self, layout: &BackupLayout) -> Result<bool> {
        self.writable_id()?;
        let marked = self.backend.exists(&layout.deleting()?).await?;
        match self.check_written_here(layout).await {
            // Whoever put a mark beside Velero's record, it is not csdr's; without a record a deletion came that far.
            Err(error) if !(marked && error.kind() == ErrorKind::NotFound) => Err(error),
            _ => Ok(marked),
        }
    }

    /// Whether there is a backup of this name, and csdr wrote it.
    async fn check_written_here(&self, layout: &BackupLayout) -> Result<()> {
        let key = layout.commit()?;
        let Some(body) = self.backend.read_if_exists(&key, MAX_DOCUMENT).await? else {
            return Err(Error::new(
                ErrorKind::NotFound,
                "there is no such backup; `list` shows what there is",
            ));
        };
        // A damaged record says nothing: then the other files do.
        let signed = CommitRecord::decode(&key, &body).is_ok_and(|record| record.is_signed());
        if signed || self.has_own_files(layout).await? {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Unsupported,
            "Velero wrote this backup; delete it with Velero",
        ))
    }

    /// Whether files of a backup's folder are such as only csdr writes: a claim or a manifest.
    pub(super) async fn has_own_files(&self, layout: &BackupLayout) -> Result<bool> {
        let csdr = layout.csdr()?;
        let mut keys = self.backend.list(&csdr);
        while let Some(meta) = keys.try_next().await? {
            if is_own_file(meta.key.below(layout.folder()).unwrap_or_default()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes a folder's claim for `purpose`, whoever held it before.
    pub(crate) async fn claim_for(
        &self,
        folder: VaultKey,
        purpose: &'static str,
        expiry: Duration,
    ) -> Result<Claim> {
        let operation = operation_id(&*self.host.clock, &*self.host.entropy)?;
        let request = ClaimRequest {
            folder,
            operation,
            purpose,
            spec_digest: purpose,
            expiry,
            take_any: true,
        };
        Ok(
            Claim::take(self.backend.clone(), self.host.clone(), request)
                .await?
                .0,
        )
    }
}

/// Deletes the files among `keys`, all of one folder: the commit record after the others, then the mark `csdr/deleting`. Claims stay.
pub(super) async fn remove_files(
    backend: &dyn VaultBackend,
    folder: &VaultKey,
    csdr: &VaultKey,
    keys: impl IntoIterator<Item = VaultKey>,
) -> Result<()> {
    let rank = |key: &VaultKey| match key.below(folder) {
        Some(MARK) => 2,
        Some(COMMIT_RECORD) => 1,
        _ => 0,
    };
    let mut keys: Vec<VaultKey> = keys
        .into_iter()
        .filter(|key| removal_rank(csdr, key).is_none())
        .collect();
    keys.sort_by_cached_key(|key| (rank(key), key.clone()));
    for key in keys {
        backend.delete(&key).await?;
    }
    Ok(())
}

/// Deletes the claims of a folder of which nothing else is left.
pub(super) async fn remove_claims(backend: &dyn VaultBackend, csdr: &VaultKey) -> Result<()> {
    let mut claims: Vec<_> = folder_keys(backend, csdr)
        .await?
        .into_iter()
        .filter_map(|key| Some((removal_rank(csdr, &key)?, key)))
        .collect();
    claims.sort();
    for (_, key) in claims {
        backend.delete(&key).await?;
    }
    Ok(())
}

pub(super) async fn folder_keys(
    backend: &dyn VaultBackend,
    folder: &VaultKey,
) -> Result<Vec<VaultKey>> {
    let rows = backend.keys(folder, MAX_FILES).await?;
    Ok(rows.into_iter().map(|meta| meta.key).collect())
}

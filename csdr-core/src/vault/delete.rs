//! Deleting a backup.

use super::{BackupLayout, Claim, ClaimRequest, Vault, claim::is_claim_key, layout::COMMIT_RECORD};
use crate::{
    Error, ErrorKind, Result,
    port::{VaultBackend, VaultBackendExt, VaultKey, operation_id},
};
use bytes::Bytes;
use std::time::Duration;

/// Most files of one backup.
const MAX_FILES: usize = 1_000_000;

impl Vault {
    /// Deletes a backup that csdr wrote. Order (format rule 5): the mark `csdr/deleting`, files, commit record and claims last: a
    /// crash in between is finished by the next call or by [`Vault::gc`].
    ///
    /// # Errors
    /// `NotFound` if there is no such backup, `Unsupported` for Velero's (never modified), `PermissionDenied` where the store keeps it.
    pub async fn delete(&self, name: &str) -> Result<()> {
        self.writable_id()?;
        let layout = self.layout(name)?;
        let operation = "delete backup";
        let about = |error: Error| error.with_operation(operation).with_context("backup", name);
        let committed = self
            .backend
            .exists(&layout.commit()?)
            .await
            .map_err(about)?;
        let marked = self
            .backend
            .exists(&layout.deleting()?)
            .await
            .map_err(about)?;
        if !committed && !marked {
            return Err(about(Error::new(
                ErrorKind::NotFound,
                "there is no such backup; `list` shows what there is",
            )));
        }
        if !marked
            && !self
                .backend
                .exists(&layout.manifest()?)
                .await
                .map_err(about)?
        {
            return Err(about(Error::new(
                ErrorKind::Unsupported,
                "Velero wrote this backup; delete it with Velero",
            )));
        }
        self.backend
            .put(
                &layout.deleting()?,
                Bytes::from_static(b"{}\n"),
                crate::port::PutMode::Overwrite,
            )
            .await
            .map_err(about)?;
        self.remove_files(&layout).await.map_err(about)
    }

    /// Removes every file of a folder: the commit record, then the mark, then claims last.
    pub(super) async fn remove_files(&self, layout: &BackupLayout) -> Result<()> {
        let (commit, mark) = (layout.commit()?, layout.deleting()?);
        remove_in_order(&*self.backend, layout.folder(), &layout.csdr()?, |key| {
            if *key == mark {
                2
            } else if *key == commit || key.name() == COMMIT_RECORD {
                1
            } else {
                0
            }
        })
        .await
    }

    /// Takes a folder's claim for `purpose`, whoever held it before.
    pub(super) async fn claim_for(
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

/// Deletes all files below `folder` in the order of `rank`; claims of `csdr` come after everything else.
pub(super) async fn remove_in_order(
    backend: &dyn VaultBackend,
    folder: &VaultKey,
    csdr: &VaultKey,
    rank: impl Fn(&VaultKey) -> u8,
) -> Result<()> {
    let mut keys: Vec<VaultKey> = backend
        .keys(folder, MAX_FILES)
        .await?
        .into_iter()
        .map(|meta| meta.key)
        .collect();
    keys.sort_by_cached_key(|key| (is_claim_key(csdr, key), rank(key), key.clone()));
    for key in keys {
        backend.delete(&key).await?;
    }
    Ok(())
}

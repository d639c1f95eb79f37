//! Removing what dead operations left.

use super::{BackupLayout, RestoreLayout, Vault, claim, delete::remove_in_order, layout};
use crate::{Error, Result, port::VaultBackend};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// How to collect.
///
/// ```
/// use csdr_core::vault::GcOptions;
/// let options = GcOptions { dry_run: true, ..GcOptions::default() };
/// assert_eq!(options.claim_expiry.as_secs(), 120);
/// ```
#[derive(Clone, Debug)]
pub struct GcOptions {
    /// Only say what would be removed.
    pub dry_run: bool,
    /// How long the collector's own claim of a folder holds.
    pub claim_expiry: Duration,
}

impl Default for GcOptions {
    fn default() -> Self {
        Self {
            dry_run: false,
            claim_expiry: Duration::from_secs(120),
        }
    }
}

/// What was removed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GcReport {
    /// Folders of dead operations, or of begun deletions, that were removed: `backups/shop-1`.
    pub removed: Vec<String>,
    /// Folders without commit record that are being written, with the reason.
    pub kept: Vec<String>,
    /// Folders that could not be removed, with the reason.
    pub failed: Vec<String>,
}

#[derive(Default)]
struct Folder {
    committed: bool,
    deleting: bool,
    claimed: bool,
}

impl Vault {
    /// Removes what dead operations left: folders with an expired csdr claim and no commit record, and begun deletions.
    /// Never touches Velero's backups, complete ones, or a running operation (format rule 3).
    ///
    /// # Errors
    /// The backend's, while listing. A folder that cannot be removed is in the report.
    pub async fn gc(&self, options: &GcOptions) -> Result<GcReport> {
        self.writable_id()?;
        let mut report = GcReport::default();
        let root = layout::backups();
        for (name, folder) in self
            .folders(&root, |path| path == layout::COMMIT_RECORD)
            .await?
        {
            if folder.claimed && (folder.deleting || !folder.committed) {
                let layout = BackupLayout::new(&name)?;
                let removal =
                    self.collect(layout.csdr()?, folder.deleting, options, async |vault| {
                        vault.remove_files(&layout).await
                    });
                note(&mut report, format!("backups/{name}"), removal.await);
            }
        }
        let root = layout::restores();
        for (name, folder) in self
            .folders(&root, |path| {
                path.starts_with("csdr/") && path.ends_with("/report.json")
            })
            .await?
        {
            if folder.claimed && !folder.committed {
                let layout = RestoreLayout::new(&name)?;
                let csdr = layout.csdr()?;
                let removal = self.collect(csdr.clone(), false, options, async |vault| {
                    remove_in_order(&*vault.backend, layout.folder(), &csdr, |_| 0).await
                });
                note(&mut report, format!("restores/{name}"), removal.await);
            }
        }
        Ok(report)
    }

    async fn folders(
        &self,
        root: &crate::port::VaultKey,
        is_commit: impl Fn(&str) -> bool,
    ) -> Result<BTreeMap<String, Folder>> {
        let mut folders: BTreeMap<String, Folder> = BTreeMap::new();
        let mut keys = self.backend.list(root);
        while let Some(meta) = keys.try_next().await? {
            let Some((name, path)) = meta.key.below(root).and_then(|rest| rest.split_once('/'))
            else {
                continue;
            };
            let folder = folders.entry(name.to_owned()).or_default();
            folder.committed |= is_commit(path);
            folder.deleting |= path == "csdr/deleting";
            folder.claimed |= path.starts_with("csdr/claim-");
        }
        Ok(folders)
    }

    /// Removes one folder under a claim of its own, so that no continuation begins meanwhile. `Ok(Some)` says why it was kept.
    async fn collect(
        &self,
        csdr: crate::port::VaultKey,
        deleting: bool,
        options: &GcOptions,
        remove: impl AsyncFnOnce(&Self) -> Result<()>,
    ) -> Result<Option<String>> {
        if let Some(holder) = claim::holder(&*self.backend, &csdr).await?
            && !deleting
            && holder.expires > self.host.clock.now()
        {
            let (purpose, until) = (holder.purpose, holder.expires);
            return Ok(Some(format!(
                "a {purpose} is running, claimed until {until}"
            )));
        }
        if options.dry_run {
            return Ok(None);
        }
        if !deleting {
            self.claim_for(csdr, "gc", options.claim_expiry).await?;
        }
        remove(self).await?;
        Ok(None)
    }
}

fn note(report: &mut GcReport, folder: String, result: Result<Option<String>, Error>) {
    match result {
        Ok(None) => report.removed.push(folder),
        Ok(Some(reason)) => report.kept.push(format!("{folder}: {reason}")),
        Err(error) => report.failed.push(format!("{folder}: {}", error.chain())),
    }
}

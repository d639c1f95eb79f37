//! Removing what dead operations left.

use super::{
    BackupLayout, Journal, MAX_DOCUMENT, RestoreLayout, Vault, claim,
    delete::{folder_keys, remove_claims, remove_files},
    layout::{self, COMMIT_RECORD, MARK},
    still_frozen, thaw_dead,
    velero::CommitRecord,
};
use crate::{
    Error, ErrorKind, Result,
    port::{HookExecutor, VaultBackend, VaultBackendExt, VaultKey},
    restore::is_note,
};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

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
    /// Thaws pods that a dead backup left frozen, in the cluster that it was made from. Without it, or with one of another cluster, such
    /// a folder is kept: it is the only record of them.
    pub hooks: Option<Arc<dyn HookExecutor>>,
}

impl GcOptions {
    /// Thaws what dead backups of this cluster left frozen.
    #[must_use]
    pub fn with_hooks(mut self, executor: impl HookExecutor) -> Self {
        self.hooks = Some(Arc::new(executor));
        self
    }
}

impl Default for GcOptions {
    fn default() -> Self {
        Self {
            dry_run: false,
            claim_expiry: Duration::from_secs(120),
            hooks: None,
        }
    }
}

/// What was removed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GcReport {
    /// Folders of dead operations, or of begun deletions, that were removed: `backups/shop-1`.
    pub removed: Vec<String>,
    /// Folders that are not dead after all: an operation is running there, or has ended meanwhile.
    pub kept: Vec<String>,
    /// Folders that could not be removed, with the reason.
    pub failed: Vec<String>,
    /// Pods that were thawed, with how that ended: `shop/db-0: post hook …`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thawed: Vec<String>,
}

/// Why a folder is kept whose operation has come to its end after all.
const ENDED: &str = "it has ended meanwhile";

/// Why a folder is kept that says which webhooks of a cluster must be armed: only it knows.
const OPEN: &str =
    "it has left webhooks of its target open; run the same restore again, or arm them";

#[derive(Default)]
struct Folder {
    committed: bool,
    deleting: bool,
    claimed: bool,
    /// Webhooks of a cluster may be open because of it.
    open: bool,
}

impl Vault {
    /// Removes what dead operations left: folders with an expired csdr claim and no commit record, and begun deletions.
    /// Never touches Velero's backups, complete ones, or a running operation (format rule 3). A restore that may have left webhooks of
    /// its target open is kept until they are armed ([`Restore::rearm`](crate::restore::Restore::rearm)).
    ///
    /// # Errors
    /// The backend's, while listing. A folder that cannot be removed is in the report.
    pub async fn gc(&self, options: &GcOptions) -> Result<GcReport> {
        self.writable_id()?;
        let mut report = GcReport::default();
        let root = layout::backups();
        for (name, folder) in self.folders(&root, is_backup).await? {
            if folder.claimed && (folder.deleting || !folder.committed) {
                let layout = BackupLayout::new(&name)?;
                let place = Place {
                    folder: layout.folder(),
                    csdr: layout.csdr()?,
                    commit: Some(layout.commit()?),
                    is_commit: is_backup,
                };
                let removal = self.collect(place, options, &mut report.thawed).await;
                note(&mut report, format!("backups/{name}"), removal);
            }
        }
        let root = layout::restores();
        for (name, folder) in self.folders(&root, is_restore).await? {
            if folder.claimed && !folder.committed {
                let layout = RestoreLayout::new(&name)?;
                let place = Place {
                    folder: layout.folder(),
                    csdr: layout.csdr()?,
                    commit: None,
                    is_commit: is_restore,
                };
                let removal = self.collect(place, options, &mut report.thawed).await;
                note(&mut report, format!("restores/{name}"), removal);
            }
        }
        Ok(report)
    }

    async fn folders(
        &self,
        root: &VaultKey,
        is_commit: fn(&str) -> bool,
    ) -> Result<BTreeMap<String, Folder>> {
        let mut folders: BTreeMap<String, Folder> = BTreeMap::new();
        let mut keys = self.backend.list(root);
        while let Some(meta) = keys.try_next().await? {
            let Some((name, path)) = meta.key.below(root).and_then(|rest| rest.split_once('/'))
            else {
                continue;
            };
            let folder = folders.entry(name.to_owned()).or_default();
            folder.see(path, is_commit);
        }
        Ok(folders)
    }

    /// Removes one folder under a claim of its own, so that no continuation begins meanwhile. `Ok(Some)` says why it was kept.
    ///
    /// The list that found the folder may be old by now: what it said is looked at again, and under the claim once more.
    async fn collect(
        &self,
        place: Place<'_>,
        options: &GcOptions,
        thawed: &mut Vec<String>,
    ) -> Result<Option<String>> {
        let backend = &*self.backend;
        let (folder, keys) = self.look(&place).await?;
        if folder.deleting {
            if self.is_veleros(&place).await? {
                return Ok(Some("Velero wrote this backup".to_owned()));
            }
            if !options.dry_run {
                remove_files(backend, place.folder, &place.csdr, keys).await?;
                remove_claims(backend, &place.csdr).await?;
            }
            return Ok(None);
        }
        if folder.committed {
            return Ok(Some(ENDED.to_owned()));
        }
        if folder.open {
            return Ok(Some(OPEN.to_owned()));
        }
        let Some(holder) = claim::holder(backend, &place.csdr).await? else {
            return Ok(Some("nothing of it is left by now".to_owned()));
        };
        if holder.is_running(self.host.clock.now()) {
            let (purpose, until) = (holder.purpose, holder.expires);
            return Ok(Some(format!(
                "a {purpose} is running, claimed until {until}"
            )));
        }
        if options.dry_run {
            return Ok(None);
        }
        let claim = match self
            .claim_for(place.csdr.clone(), "gc", options.claim_expiry)
            .await
        {
            Ok(claim) => claim,
            // Another collection, or the same command again.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Ok(Some(error.to_string()));
            }
            Err(error) => return Err(error),
        };
        let removal = claim.hold(async {
            let (folder, _) = self.look(&place).await?;
            if folder.committed {
                return Ok(Some(ENDED));
            }
            if folder.open {
                return Ok(Some(OPEN));
            }
            let mut journal = Journal::new(backend, &place.csdr, claim.operation())?;
            // An entry that cannot be read was never whole: what it would have named was not begun.
            let entries = journal.read_whole().await?;
            let frozen = still_frozen(&entries);
            let outcomes = thaw_dead(
                options.hooks.as_deref(),
                &*self.host.clock,
                &frozen,
                &mut journal,
            );
            thawed.extend(
                outcomes
                    .await?
                    .iter()
                    .map(|outcome| format!("{}: {outcome}", outcome.pod)),
            );
            // The journal has grown.
            let (_, keys) = self.look(&place).await?;
            remove_files(backend, place.folder, &place.csdr, keys).await?;
            Ok(None)
        });
        match removal.await {
            Ok(None) => {
                remove_claims(backend, &place.csdr).await?;
                Ok(None)
            }
            Ok(Some(kept)) => {
                claim.give_back().await?;
                Ok(Some(kept.to_owned()))
            }
            Err(error) => {
                // Whoever comes next need not wait; if this fails as well, the claim expires by itself.
                let _ = claim.release().await;
                Err(error)
            }
        }
    }

    /// Whether the commit record is one that csdr did not sign: a mark beside it is not csdr's either, whoever put it there.
    async fn is_veleros(&self, place: &Place<'_>) -> Result<bool> {
        let Some(commit) = &place.commit else {
            return Ok(false);
        };
        let body = self.backend.read_if_exists(commit, MAX_DOCUMENT).await?;
        let record = body.and_then(|body| CommitRecord::decode(commit, &body).ok());
        Ok(record.is_some_and(|record| !record.is_signed()))
    }

    /// What a folder holds now.
    async fn look(&self, place: &Place<'_>) -> Result<(Folder, Vec<VaultKey>)> {
        let keys = folder_keys(&*self.backend, place.folder).await?;
        let mut folder = Folder::default();
        for path in keys.iter().filter_map(|key| key.below(place.folder)) {
            folder.see(path, place.is_commit);
        }
        if let Some(commit) = &place.commit
            && !folder.committed
        {
            folder.committed = self.backend.exists(commit).await?;
        }
        Ok((folder, keys))
    }
}

/// Where a dead operation has left something.
struct Place<'a> {
    folder: &'a VaultKey,
    csdr: VaultKey,
    /// The one file that ends the operation, where its name is known.
    commit: Option<VaultKey>,
    is_commit: fn(&str) -> bool,
}

fn is_backup(path: &str) -> bool {
    path == COMMIT_RECORD
}

fn is_restore(path: &str) -> bool {
    path.starts_with("csdr/") && path.ends_with("/report.json")
}

impl Folder {
    fn see(&mut self, path: &str, is_commit: fn(&str) -> bool) {
        self.committed |= is_commit(path);
        self.deleting |= path == MARK;
        self.claimed |= path.starts_with("csdr/claim-");
        self.open |= is_note(path);
    }
}

fn note(report: &mut GcReport, folder: String, result: Result<Option<String>, Error>) {
    match result {
        Ok(None) => report.removed.push(folder),
        Ok(Some(reason)) => report.kept.push(format!("{folder}: {reason}")),
        Err(error) => report.failed.push(format!("{folder}: {}", error.chain())),
    }
}

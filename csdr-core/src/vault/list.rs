//! What a vault holds.

use super::{MAX_DOCUMENT, Vault, layout, velero::CommitRecord};
use crate::{
    Error, Result,
    port::{VaultBackend, VaultBackendExt},
};
use futures::TryStreamExt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most names that a list may hold.
const MAX_NAMES: usize = 1_000_000;

/// One backup of a vault.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupEntry {
    /// Its name.
    pub name: String,
    /// Who wrote it.
    pub origin: BackupOrigin,
    /// `Completed` or `PartiallyFailed`; Velero's other phases as they are.
    pub phase: String,
    /// When it began.
    pub started: Option<Timestamp>,
    /// When it was sealed.
    pub completed: Option<Timestamp>,
    /// How many objects.
    pub objects: Option<u64>,
    /// How many warnings its report has.
    pub warnings: u64,
    /// How many errors its report has.
    pub errors: u64,
    /// The namespaces that were asked for.
    pub included_namespaces: Vec<String>,
}

/// Who wrote a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BackupOrigin {
    /// csdr: with manifest and index.
    Csdr,
    /// Velero.
    Velero,
}

/// One restore of a vault.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoreEntry {
    /// Its name.
    pub name: String,
    /// Whether it ended: it has a report.
    pub ended: bool,
}

#[derive(Default)]
struct Seen {
    committed: bool,
    deleting: bool,
}

impl Vault {
    /// Every complete backup, by name. Unfinished ones, and those whose deletion has begun, are not listed.
    ///
    /// # Errors
    /// The backend's. A commit record that cannot be read is listed with the phase `Unreadable`.
    pub async fn backups(&self) -> Result<Vec<BackupEntry>> {
        let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
        let root = layout::backups();
        let mut keys = self.backend.list(&root);
        while let Some(meta) = keys.try_next().await? {
            let Some((name, path)) = meta.key.below(&root).and_then(|rest| rest.split_once('/'))
            else {
                continue;
            };
            if seen.len() >= MAX_NAMES {
                return Err(
                    Error::corrupt("vault holds more backups than can be listed")
                        .with_context("limit", MAX_NAMES),
                );
            }
            match path {
                layout::COMMIT_RECORD => seen.entry(name.to_owned()).or_default().committed = true,
                "csdr/deleting" => seen.entry(name.to_owned()).or_default().deleting = true,
                _ => {}
            }
        }
        let mut entries = Vec::new();
        for (name, seen) in seen {
            if seen.committed && !seen.deleting {
                entries.push(self.entry(name).await?);
            }
        }
        Ok(entries)
    }

    async fn entry(&self, name: String) -> Result<BackupEntry> {
        let key = self.layout(&name)?.commit()?;
        let body = self.backend.read(&key, MAX_DOCUMENT).await?;
        let entry = |origin, phase| BackupEntry {
            name: name.clone(),
            origin,
            phase,
            started: None,
            completed: None,
            objects: None,
            warnings: 0,
            errors: 0,
            included_namespaces: Vec::new(),
        };
        Ok(match CommitRecord::decode(&key, &body) {
            Err(_) => entry(BackupOrigin::Velero, "Unreadable".to_owned()),
            Ok(record) => {
                let origin = if record.manifest_sha256.is_some() {
                    BackupOrigin::Csdr
                } else {
                    BackupOrigin::Velero
                };
                BackupEntry {
                    started: record.started,
                    completed: record.completed,
                    objects: record.objects,
                    warnings: record.warnings,
                    errors: record.errors,
                    included_namespaces: record.included_namespaces,
                    ..entry(origin, record.phase)
                }
            }
        })
    }

    /// Every restore that csdr made or began, by name.
    ///
    /// # Errors
    /// The backend's.
    pub async fn restores(&self) -> Result<Vec<RestoreEntry>> {
        let mut ended: BTreeMap<String, bool> = BTreeMap::new();
        let root = layout::restores();
        let mut keys = self.backend.list(&root);
        while let Some(meta) = keys.try_next().await? {
            let Some((name, path)) = meta.key.below(&root).and_then(|rest| rest.split_once('/'))
            else {
                continue;
            };
            if path.starts_with("csdr/") {
                *ended.entry(name.to_owned()).or_default() |= path.ends_with("/report.json");
            }
        }
        Ok(ended
            .into_iter()
            .map(|(name, ended)| RestoreEntry { name, ended })
            .collect())
    }
}

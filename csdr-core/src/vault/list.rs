//! What a vault holds.

use super::{MAX_DOCUMENT, Vault, layout, velero::CommitRecord};
use crate::{
    Error, ErrorKind, Result,
    port::{VaultBackend, VaultBackendExt},
};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most names that a list may hold.
const MAX_NAMES: usize = 1_000_000;

/// How many commit records are read at the same time.
const READERS: usize = 8;

/// One backup of a vault.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupEntry {
    /// Its name.
    pub name: String,
    /// Who wrote it.
    pub origin: BackupOrigin,
    /// `Completed` or `PartiallyFailed`; Velero's other phases as they are; `Unreadable` if the commit record is damaged.
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
    /// A file is there that only csdr writes.
    own: bool,
}

impl Vault {
    /// Every complete backup, by name. Unfinished ones, and those whose deletion has begun, are not listed.
    ///
    /// # Errors
    /// The backend's. A backup whose commit record is damaged is listed with the phase `Unreadable`.
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
            let seen = seen.entry(name.to_owned()).or_default();
            seen.committed |= path == layout::COMMIT_RECORD;
            seen.deleting |= path == layout::MARK;
            seen.own |= layout::is_own_file(path);
        }
        let listed = seen
            .into_iter()
            .filter(|(_, seen)| seen.committed && !seen.deleting);
        stream::iter(listed.map(|(name, seen)| self.entry(name, seen.own)))
            .buffered(READERS)
            .try_filter_map(async |entry| Ok(entry))
            .try_collect()
            .await
    }

    /// One line of the list; `None` if the backup was deleted meanwhile. `own` says that csdr's files lie beside the commit record.
    async fn entry(&self, name: String, own: bool) -> Result<Option<BackupEntry>> {
        let key = self.layout(&name)?.commit()?;
        let read = match self.backend.read(&key, MAX_DOCUMENT).await {
            Ok(body) => CommitRecord::decode(&key, &body),
            Err(error) => Err(error),
        };
        let record = match read {
            Ok(record) => Some(record),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Corrupt => None,
            Err(error) => return Err(error),
        };
        let csdr = own || record.as_ref().is_some_and(CommitRecord::is_signed);
        let entry = BackupEntry {
            name,
            origin: if csdr {
                BackupOrigin::Csdr
            } else {
                BackupOrigin::Velero
            },
            phase: "Unreadable".to_owned(),
            started: None,
            completed: None,
            objects: None,
            warnings: 0,
            errors: 0,
            included_namespaces: Vec::new(),
        };
        Ok(Some(match record {
            // csdr's own that does not vouch for its manifest does not open either.
            Some(record) if !csdr || record.manifest_sha256.is_some() => BackupEntry {
                phase: record.phase,
                started: record.started,
                completed: record.completed,
                objects: record.objects,
                warnings: record.warnings,
                errors: record.errors,
                included_namespaces: record.included_namespaces,
                ..entry
            },
            _ => entry,
        }))
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

//! What a continuation must know.

use super::{
    FileRecord, IndexPartRecord, MAX_DOCUMENT, decode_document, encode_document, put_once,
};
use crate::{
    Result,
    hook::{HookCommand, HookTarget},
    port::{VaultBackend, VaultBackendExt, VaultKey},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Most journal files of one name.
const MAX_ENTRIES: usize = 100_000;

/// One thing that has happened and that a continuation goes on from.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "entry")]
pub(crate) enum JournalEntry {
    /// Archive, index, left-out lists and resource list are whole in the vault.
    ObjectsArchived(Box<ObjectsArchived>),
    /// Pods are about to be frozen: written before the first of their pre hooks.
    Frozen(FrozenPods),
    /// What a [`Frozen`](Self::Frozen) entry names is thawed.
    Thawed(BlockId),
}

/// Names a block of pods that were frozen together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BlockId {
    /// The operation that froze it.
    pub(crate) operation: Uuid,
    /// Its number.
    pub(crate) block: u32,
}

/// Pods that are, or may be, frozen, and how they are thawed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FrozenPods {
    pub(crate) id: BlockId,
    /// The cluster, by its executor's id; none if that could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cluster: Option<String>,
    pub(crate) pods: Vec<FrozenPod>,
}

/// One pod of [`FrozenPods`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FrozenPod {
    pub(crate) target: HookTarget,
    /// Its post hooks.
    pub(crate) hooks: Vec<HookCommand>,
}

/// The result of the objects stage.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ObjectsArchived {
    /// Files that the stage wrote.
    pub(crate) files: Vec<FileRecord>,
    /// What the archive holds.
    pub(crate) archive: crate::archive::ArchiveSummary,
    /// The index.
    pub(crate) index: Vec<IndexPartRecord>,
    /// What the report says of the stage.
    pub(crate) summary: crate::backup::ObjectsSummary,
}

/// Writes entries of one operation and reads those of all.
#[derive(Debug)]
pub(crate) struct Journal<'a> {
    backend: &'a dyn VaultBackend,
    folder: VaultKey,
    operation: Uuid,
    next: u64,
}

impl<'a> Journal<'a> {
    /// `folder` is the `…/csdr` folder of the backup or restore.
    pub(crate) fn new(
        backend: &'a dyn VaultBackend,
        folder: &VaultKey,
        operation: Uuid,
    ) -> Result<Self> {
        Ok(Self {
            backend,
            folder: folder.join("journal")?,
            operation,
            next: 0,
        })
    }

    pub(crate) async fn write(&mut self, entry: &JournalEntry) -> Result<()> {
        let key = self
            .folder
            .join(&format!("{}/{:06}.json", self.operation, self.next))?;
        self.next += 1;
        put_once(self.backend, &key, encode_document(entry)?).await
    }

    /// Every entry of every operation, oldest first: operation ids sort by time.
    pub(crate) async fn read(&self) -> Result<Vec<JournalEntry>> {
        let mut entries = Vec::new();
        for meta in self.backend.keys(&self.folder, MAX_ENTRIES).await? {
            entries.push(decode_document(
                &meta.key,
                &self.backend.read(&meta.key, MAX_DOCUMENT).await?,
            )?);
        }
        Ok(entries)
    }

    /// As [`read`](Self::read), without those that cannot be decoded: a write that broke off in a store that leaves halves.
    pub(crate) async fn read_whole(&self) -> Result<Vec<JournalEntry>> {
        let mut entries = Vec::new();
        for meta in self.backend.keys(&self.folder, MAX_ENTRIES).await? {
            let body = self.backend.read(&meta.key, MAX_DOCUMENT).await?;
            entries.extend(decode_document::<JournalEntry>(&meta.key, &body).ok());
        }
        Ok(entries)
    }
}

/// What the entries say is frozen and not thawed.
pub(crate) fn still_frozen(entries: &[JournalEntry]) -> Vec<&FrozenPods> {
    let thawed = |id: BlockId| {
        let thaws = |entry: &JournalEntry| matches!(entry, JournalEntry::Thawed(own) if *own == id);
        entries.iter().any(thaws)
    };
    entries
        .iter()
        .filter_map(|entry| match entry {
            JournalEntry::Frozen(frozen) if !thawed(frozen.id) => Some(frozen),
            _ => None,
        })
        .collect()
}

//! What a continuation must know.

use super::{
    FileRecord, IndexPartRecord, MAX_DOCUMENT, decode_document, encode_document, put_once,
};
use crate::{
    Result,
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
}

//! Which file lies where.

use crate::{Error, Result, port::VaultKey};
use uuid::Uuid;

/// Name of the commit record of a backup.
pub(super) const COMMIT_RECORD: &str = "velero-backup.json";

/// Path of the mark of a begun deletion.
pub(super) const MARK: &str = "csdr/deleting";

/// Whether a path inside of a backup's folder is that of a file that only csdr writes.
pub(super) fn is_own_file(path: &str) -> bool {
    path == "csdr/manifest.json" || path.starts_with("csdr/claim-")
}

fn fixed(text: &str) -> VaultKey {
    // Invariant: only called with the literals of this file, which are keys; a test reads them all.
    VaultKey::parse(text).unwrap_or_else(|_| VaultKey::root())
}

pub(super) fn vault_document() -> VaultKey {
    fixed("csdr-vault.json")
}

pub(super) fn backups() -> VaultKey {
    fixed("backups")
}

pub(super) fn restores() -> VaultKey {
    fixed("restores")
}

/// The files of one backup.
#[derive(Clone, Debug)]
pub(crate) struct BackupLayout {
    name: String,
    folder: VaultKey,
}

impl BackupLayout {
    /// The files of backup `name`.
    ///
    /// # Errors
    /// `InvalidInput` if the name cannot be a folder.
    pub(crate) fn new(name: &str) -> Result<Self> {
        if name.contains('/') || name.is_empty() {
            return Err(
                Error::invalid("not a backup's name").with_context("name", name.escape_debug())
            );
        }
        Ok(Self {
            name: name.to_owned(),
            folder: backups().join(name)?,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn folder(&self) -> &VaultKey {
        &self.folder
    }

    /// A file by its path inside the folder.
    pub(crate) fn file(&self, path: &str) -> Result<VaultKey> {
        self.folder.join(path)
    }

    pub(crate) fn csdr(&self) -> Result<VaultKey> {
        self.file("csdr")
    }

    pub(crate) fn commit(&self) -> Result<VaultKey> {
        self.file(COMMIT_RECORD)
    }

    pub(crate) fn manifest(&self) -> Result<VaultKey> {
        self.file("csdr/manifest.json")
    }

    pub(crate) fn deleting(&self) -> Result<VaultKey> {
        self.file(MARK)
    }

    /// Path of the archive inside the folder.
    pub(crate) fn archive_path(&self) -> String {
        format!("{}.tar.gz", self.name)
    }

    /// Path of one of Velero's side files: `logs.gz`, `results.gz` …
    pub(crate) fn side_path(&self, suffix: &str) -> String {
        format!("{}-{suffix}", self.name)
    }
}

/// The files of one restore.
#[derive(Clone, Debug)]
pub(crate) struct RestoreLayout {
    name: String,
    folder: VaultKey,
}

impl RestoreLayout {
    pub(crate) fn new(name: &str) -> Result<Self> {
        if name.contains('/') || name.is_empty() {
            return Err(
                Error::invalid("not a restore's name").with_context("name", name.escape_debug())
            );
        }
        Ok(Self {
            name: name.to_owned(),
            folder: restores().join(name)?,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn folder(&self) -> &VaultKey {
        &self.folder
    }

    pub(crate) fn file(&self, path: &str) -> Result<VaultKey> {
        self.folder.join(path)
    }

    pub(crate) fn csdr(&self) -> Result<VaultKey> {
        self.file("csdr")
    }

    /// A file of one attempt.
    pub(crate) fn attempt(&self, operation: Uuid, path: &str) -> Result<VaultKey> {
        self.file(&format!("csdr/{operation}/{path}"))
    }

    /// Velero's name of a side file.
    pub(crate) fn side(&self, suffix: &str) -> Result<VaultKey> {
        self.file(&format!("restore-{}-{suffix}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_keys_are_keys() {
        for key in [vault_document(), backups(), restores()] {
            assert_ne!(key, VaultKey::root());
        }
        assert!(BackupLayout::new("../x").is_err());
        assert!(BackupLayout::new("..").is_err());
    }
}

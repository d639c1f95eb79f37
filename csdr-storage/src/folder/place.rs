//! Where keys lie: paths, folders that come and go, flushes.

use super::temporary::PREFIX;
use crate::error;
use csdr_core::{Error, Result, port::VaultKey};
use std::{
    fs::{self, DirBuilder, File},
    io,
    path::{Path, PathBuf},
};

/// How often a folder may vanish under a writer because another process removed it as empty.
const RACES: usize = 64;

/// The folder of a vault.
#[derive(Debug)]
pub(super) struct Place {
    root: PathBuf,
}

impl Place {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The path of an object.
    pub(super) fn path(&self, key: &VaultKey) -> Result<PathBuf> {
        if key.as_str().is_empty() {
            return Err(Error::invalid("the root is a prefix, not an object"));
        }
        let mut path = self.root.clone();
        for segment in key.as_str().split('/') {
            if segment.starts_with(PREFIX) {
                return Err(Error::invalid(
                    "names that start with .csdr-tmp- are kept for files being written",
                )
                .with_context("key", key));
            }
            path.push(segment);
        }
        Ok(path)
    }

    /// Translates an error of the file system, with what this vault knows of the cause.
    pub(super) fn error(&self, source: io::Error, key: &VaultKey) -> Error {
        if source.kind() == io::ErrorKind::NotFound && !self.root.is_dir() {
            return error::folder_missing(&self.root, source);
        }
        error::io(source, &self.root).with_context("key", key)
    }

    /// Runs `work` with the folder of `path` in place; makes it, and those above it, where missing.
    ///
    /// A concurrent `remove` prunes empty folders, so that a folder made here may be gone before it is used: then again.
    pub(super) fn with_parent<T>(
        &self,
        path: &Path,
        mut work: impl FnMut() -> io::Result<T>,
    ) -> io::Result<T> {
        let parent = path.parent().unwrap_or(&self.root);
        let mut races = 0;
        loop {
            match work() {
                Err(missing) if missing.kind() == io::ErrorKind::NotFound && races < RACES => {
                    races += 1;
                    match make_folder(parent) {
                        Err(again) if again.kind() == io::ErrorKind::NotFound => {}
                        made => made?,
                    }
                }
                result => return result,
            }
        }
    }

    /// Removes an object and the folders that become empty.
    pub(super) fn remove(&self, key: &VaultKey) -> Result<()> {
        let path = self.path(key)?;
        match fs::symlink_metadata(&path) {
            // A folder is not an object, and whatever lies in it has keys of its own.
            Ok(meta) if meta.is_dir() => return Ok(()),
            Ok(_) => {}
            Err(source) if absent(&source) => return self.require_root(key),
            Err(source) => return Err(self.error(source, key)),
        }
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(source) if absent(&source) => return Ok(()),
            Err(source) => return Err(self.error(source, key)),
        }
        self.prune(&path).map_err(|source| self.error(source, key))
    }

    /// A missing key is no error, a missing vault is one.
    fn require_root(&self, key: &VaultKey) -> Result<()> {
        match fs::metadata(&self.root) {
            Ok(_) => Ok(()),
            Err(source) => Err(self.error(source, key)),
        }
    }

    /// Removes empty folders from that of `path` upwards and flushes the first that stays.
    pub(super) fn prune(&self, path: &Path) -> io::Result<()> {
        let mut folder = path.parent();
        while let Some(here) = folder {
            if here == self.root || fs::remove_dir(here).is_err() {
                return match flush_folder(here) {
                    Err(gone) if gone.kind() == io::ErrorKind::NotFound => Ok(()),
                    result => result,
                };
            }
            folder = here.parent();
        }
        Ok(())
    }
}

/// Whether an error says that there is nothing at the path.
pub(super) fn absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// Makes a folder and those above it, each flushed into the one above, so that a power cut cannot drop the way to an object.
fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    match builder.create(folder) {
        Ok(()) => {}
        Err(source) if source.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        Err(source) if source.kind() == io::ErrorKind::NotFound => {
            let above = folder.parent().ok_or(source)?;
            make_folder(above)?;
            match builder.create(folder) {
                Err(source) if source.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
                made => made?,
            }
        }
        Err(source) => return Err(source),
    }
    match folder.parent() {
        Some(above) if above != Path::new("") => flush_folder(above),
        _ => Ok(()),
    }
}

/// Flushes the names in a folder.
pub(super) fn flush_folder(folder: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        // Elsewhere a folder cannot be opened as a file; the file systems there keep names in their journal.
        return Ok(());
    }
    match File::open(folder)?.sync_all() {
        // Some network file systems cannot flush a folder and say so: they write names through.
        Err(source) if source.kind() == io::ErrorKind::InvalidInput => Ok(()),
        result => result,
    }
}

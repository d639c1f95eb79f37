//! Listing a vault in the order of its keys.

use super::{
    blocking,
    place::{Place, absent},
    temporary::PREFIX,
};
use crate::error;
use csdr_core::{
    Result,
    port::{VaultKey, VaultMeta},
};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use std::{collections::VecDeque, fs, sync::Arc};

/// Lists every object below a prefix. One folder at a time is held in memory, and those above it.
pub(super) fn list(place: Arc<Place>, prefix: VaultKey) -> BoxStream<'static, Result<VaultMeta>> {
    let start = Walk {
        place,
        levels: Vec::new(),
        next: Some(prefix),
    };
    stream::try_unfold(start, |walk| async move {
        blocking("list", move || walk.batch()).await
    })
    .map(|batch| match batch {
        Ok(rows) => stream::iter(rows.into_iter().map(Ok).collect::<Vec<_>>()),
        Err(error) => stream::iter(vec![Err(error)]),
    })
    .flatten()
    .boxed()
}

/// Where a listing stands.
struct Walk {
    place: Arc<Place>,
    /// What is left of each open folder, outermost first.
    levels: Vec<VecDeque<Entry>>,
    /// The folder to read next.
    next: Option<VaultKey>,
}

enum Entry {
    Object(VaultMeta),
    Folder(VaultKey),
}

impl Walk {
    /// The next rows, until the next folder must be read.
    fn batch(mut self) -> Result<Option<(Vec<VaultMeta>, Self)>> {
        let mut rows = Vec::new();
        if let Some(folder) = self.next.take() {
            let entries = self.read(&folder)?;
            self.levels.push(entries);
        }
        while let Some(level) = self.levels.last_mut() {
            match level.pop_front() {
                None => {
                    self.levels.pop();
                }
                Some(Entry::Object(row)) => rows.push(row),
                Some(Entry::Folder(folder)) => {
                    self.next = Some(folder);
                    break;
                }
            }
        }
        let ended = rows.is_empty() && self.next.is_none();
        Ok((!ended).then_some((rows, self)))
    }

    /// One folder's entries in the order of keys.
    fn read(&self, folder: &VaultKey) -> Result<VecDeque<Entry>> {
        let at_root = folder.as_str().is_empty();
        let path = if at_root {
            self.place.root().to_path_buf()
        } else {
            self.place.path(folder)?
        };
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            // A prefix without objects, or a folder that was pruned meanwhile. A missing vault is an error.
            Err(source) if absent(&source) && self.place.root().is_dir() => {
                return Ok(VecDeque::new());
            }
            Err(source) => return Err(self.place.error(source, folder)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|source| self.place.error(source, folder))?;
            let name = entry.file_name();
            // Names that no key can have are not csdr's.
            let Some(name) = name.to_str().filter(|name| !name.starts_with(PREFIX)) else {
                continue;
            };
            let Ok(key) = folder.join(name) else {
                continue;
            };
            let meta = match entry.metadata() {
                Ok(meta) => meta,
                Err(source) if absent(&source) => continue,
                Err(source) => return Err(self.place.error(source, &key)),
            };
            if meta.is_dir() {
                // The folder of fsck at the root of a disk can only be read by root.
                if !(at_root && name == "lost+found") {
                    // A folder stands where its objects' keys stand: after `name-x`, before `name0`.
                    found.push((format!("{name}/"), Entry::Folder(key)));
                }
            } else if meta.is_file() {
                let row = VaultMeta {
                    key,
                    size: meta.len(),
                    modified: error::time(&meta),
                };
                found.push((name.to_owned(), Entry::Object(row)));
            }
        }
        found.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Ok(found.into_iter().map(|(_, entry)| entry).collect())
    }
}

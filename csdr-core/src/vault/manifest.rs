//! What a backup consists of.

use super::FORMAT;
use crate::{
    Error, ErrorKind, Result,
    archive::{ArchiveSummary, Digest},
    model::ObjectId,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// Most bytes of a manifest.
const MAX_MANIFEST: usize = 16 << 20;

/// `csdr/manifest.json`: every file of a backup with its size and SHA-256. The commit record holds this file's own SHA-256, so that
/// one hash vouches for every byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Format of the vault when it was written.
    pub format: u32,
    /// The backup's name.
    pub backup: String,
    /// The operation that wrote it.
    pub operation: Uuid,
    /// When it was sealed.
    pub created: Timestamp,
    /// What the archive holds.
    pub archive: ArchiveSummary,
    /// Every file but this one, the commit record, claims and journals; sorted by path.
    pub files: Vec<FileRecord>,
    /// The index, in order.
    pub index: Vec<IndexPartRecord>,
    /// SHA-256 over `path`, NUL, size, NUL, hash, LF of every file.
    pub root_hash: Digest,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Path inside the backup's folder.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256.
    pub sha256: Digest,
}

/// One part of the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexPartRecord {
    /// Path inside the backup's folder.
    pub path: String,
    /// How many rows.
    pub rows: u64,
    /// Its first object.
    pub first: ObjectId,
    /// Its last object.
    pub last: ObjectId,
}

impl Manifest {
    /// The hash over all file records.
    pub fn hash_of(files: &[FileRecord]) -> Digest {
        let mut hash = Sha256::new();
        for file in files {
            hash.update(format!("{}\0{}\0{}\n", file.path, file.size, file.sha256));
        }
        hash.into()
    }

    /// Reads and checks a manifest. Unknown fields are tolerated.
    ///
    /// # Errors
    /// `Corrupt` if it is not one, or contradicts itself; `Incompatible` for a newer format.
    pub fn decode(body: &[u8]) -> Result<Self> {
        let bad = |what: &str, at: &str| {
            Err(Error::corrupt(format!("manifest: {what}")).with_context("at", at.escape_debug()))
        };
        if body.len() > MAX_MANIFEST {
            return bad("larger than allowed", "csdr/manifest.json");
        }
        let manifest: Self = serde_json::from_slice(body)
            .map_err(|error| Error::corrupt("manifest: not readable").with_source(error))?;
        if manifest.format > FORMAT {
            return Err(Error::new(
                ErrorKind::Incompatible,
                "backup was written by a newer csdr; use that one",
            )
            .with_context("format", manifest.format));
        }
        for pair in manifest.files.windows(2) {
            if pair[0].path >= pair[1].path {
                return bad("files are not sorted, or one comes twice", &pair[1].path);
            }
        }
        for file in &manifest.files {
            if crate::port::VaultKey::parse(file.path.as_str()).is_err() || file.path.is_empty() {
                return bad("bad path", &file.path);
            }
        }
        let mut last: Option<&ObjectId> = None;
        let mut rows = 0u64;
        for part in &manifest.index {
            if part.first > part.last || last.is_some_and(|last| *last > part.first) {
                return bad("index parts are not in order", &part.path);
            }
            if manifest.file(&part.path).is_none() {
                return bad("index part is not among the files", &part.path);
            }
            last = Some(&part.last);
            rows = rows.saturating_add(part.rows);
        }
        if rows != manifest.archive.rows || manifest.archive.objects > rows {
            return bad(
                "index and archive do not hold the same number of objects",
                "index",
            );
        }
        if Self::hash_of(&manifest.files) != manifest.root_hash {
            return bad("root hash does not fit the files", "rootHash");
        }
        Ok(manifest)
    }

    /// The record of a file.
    pub fn file(&self, path: &str) -> Option<&FileRecord> {
        self.files
            .binary_search_by(|file| file.path.as_str().cmp(path))
            .ok()
            .map(|at| &self.files[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_record_is_detected() {
        let files = vec![FileRecord {
            path: "a.tar.gz".into(),
            size: 3,
            sha256: Digest::of(b"a"),
        }];
        let manifest = Manifest {
            format: FORMAT,
            backup: "a".into(),
            operation: Uuid::nil(),
            created: Timestamp::UNIX_EPOCH,
            archive: ArchiveSummary {
                size: 3,
                sha256: Digest::of(b"a"),
                objects: 0,
                rows: 0,
                entries: 1,
                members: 1,
                raw: 1024,
            },
            root_hash: Manifest::hash_of(&files),
            files,
            index: Vec::new(),
        };
        let json = serde_json::to_string(&manifest).unwrap();
        assert_eq!(Manifest::decode(json.as_bytes()).unwrap(), manifest);
        for (from, to) in [
            (
                "\"path\":\"a.tar.gz\",\"size\":3",
                "\"path\":\"a.tar.gz\",\"size\":4",
            ),
            ("a.tar", "b.tar"),
            ("\"format\":1", "\"format\":9"),
            ("\"sha256\":\"", "\"sha256\":\"00"),
        ] {
            assert!(
                Manifest::decode(json.replace(from, to).as_bytes()).is_err(),
                "{from}"
            );
        }
    }
}

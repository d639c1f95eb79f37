//! Proving that a backup is what was stored.

use super::{FileRecord, Manifest, StoredBackup, layout::COMMIT_RECORD};
use crate::{
    Error, ErrorKind, Result,
    archive::{Digest, verify_archive},
    port::{ReadRange, VaultBackend, VaultBackendExt, VaultKey},
    report::Notes,
};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeSet, fmt};

/// How far a backup is verified; each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum VerifyLevel {
    /// Commit record, manifest and root hash fit; every file is there with its size. Reads no file.
    Manifest,
    /// Every file has its SHA-256. Reads every byte.
    Hashes,
    /// The archive opens, and every object is the one that the index names, under every path. Reads and unpacks every byte. Where
    /// that fails, every object that cannot be read is named (1,000 at most, the rest is counted).
    Objects,
}

/// What verifying found.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerifyReport {
    /// The backup.
    pub backup: String,
    /// How far it was verified.
    pub level: VerifyLevel,
    /// Files looked at.
    pub files: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Objects read; 0 below [`VerifyLevel::Objects`].
    pub objects: u64,
    /// What is wrong; empty if nothing is.
    pub problems: Vec<Problem>,
    /// What could not be proven, and why: a backup of Velero has no hashes.
    pub notes: Notes,
}

/// One thing that is not as it was stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The file inside the backup's folder.
    pub file: String,
    /// What is wrong; names the entry where it is one.
    pub message: String,
}

impl VerifyReport {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }
}

impl fmt::Display for VerifyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_sound() { "sound" } else { "DAMAGED" };
        write!(
            f,
            "Backup {}: {verdict} ({} files, {} bytes, {} objects)",
            self.backup, self.files, self.bytes, self.objects
        )?;
        for problem in &self.problems {
            write!(f, "\n  {}: {}", problem.file, problem.message)?;
        }
        for note in self.notes.iter() {
            write!(f, "\n  note: {note}")?;
        }
        Ok(())
    }
}

/// Whether an error of reading is about the bytes that were read; a range beyond the end of a file that was cut is `InvalidInput`.
pub(super) fn is_damage(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Corrupt
            | ErrorKind::NotFound
            | ErrorKind::Incompatible
            | ErrorKind::InvalidInput
    )
}

/// What is wrong with a file's bytes.
pub(super) fn check_body(body: &[u8], record: &FileRecord) -> Option<String> {
    if body.len() as u64 != record.size {
        return Some(format!("has {} bytes, not {}", body.len(), record.size));
    }
    (Digest::of(body) != record.sha256)
        .then(|| "is not what was stored: its SHA-256 differs".to_owned())
}

/// Streams a file and says what is wrong with it, if anything.
pub(crate) async fn check_file(
    backend: &dyn VaultBackend,
    key: &VaultKey,
    record: &FileRecord,
) -> Result<Option<String>> {
    let (mut hash, mut size) = (Sha256::new(), 0u64);
    let mut chunks = match backend.get(key, ReadRange::Full).await {
        Ok(chunks) => chunks,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(Some("is missing".to_owned()));
        }
        Err(error) => return Err(error),
    };
    while let Some(chunk) = chunks.try_next().await? {
        hash.update(&chunk);
        size += chunk.len() as u64;
        if size > record.size {
            break;
        }
    }
    if size != record.size {
        return Ok(Some(format!(
            "has {size} bytes or more, not {}",
            record.size
        )));
    }
    Ok((Digest::from(hash) != record.sha256)
        .then(|| "is not what was stored: its SHA-256 differs".to_owned()))
}

impl StoredBackup {
    /// Verifies the backup. What is wrong is in the report; an error means that it could not be looked at.
    ///
    /// # Errors
    /// The backend's.
    pub async fn verify(&self, level: VerifyLevel) -> Result<VerifyReport> {
        let mut report = VerifyReport {
            backup: self.name().to_owned(),
            level,
            files: 0,
            bytes: 0,
            objects: 0,
            problems: Vec::new(),
            notes: Notes::default(),
        };
        match &self.manifest {
            Some(manifest) => {
                for record in &manifest.files {
                    self.verify_file(record, level, &mut report).await?;
                }
                self.verify_record(manifest, level, &mut report).await?;
                if level == VerifyLevel::Objects {
                    self.verify_objects(manifest, &mut report).await?;
                }
            }
            None => self.verify_foreign(level, &mut report).await?,
        }
        Ok(report)
    }

    /// Compares what the commit record tells of the backup with what the files tell that the manifest vouches for.
    async fn verify_record(
        &self,
        manifest: &Manifest,
        level: VerifyLevel,
        report: &mut VerifyReport,
    ) -> Result<()> {
        let record = &self.record;
        let mut facts = vec![
            (
                "operation",
                record.operation.as_deref() == Some(manifest.operation.to_string().as_str()),
            ),
            (
                "number of objects",
                record.objects == Some(manifest.archive.objects),
            ),
            ("completion", record.completed == Some(manifest.created)),
        ];
        if level >= VerifyLevel::Hashes {
            let told = Self::readable("csdr/report.json", self.report().await, report)?;
            let spec = Self::readable("csdr/spec.json", self.spec().await, report)?;
            if let (Some(told), Some(spec)) = (told, spec) {
                facts.extend(record.facts_of(&told, &spec));
            }
        }
        let differs: BTreeSet<&str> = facts
            .into_iter()
            .filter_map(|(fact, equal)| (!equal).then_some(fact))
            .collect();
        report
            .problems
            .extend(differs.into_iter().map(|fact| Problem {
                file: COMMIT_RECORD.to_owned(),
                message: format!(
                    "tells another {fact} than the files that the manifest vouches for"
                ),
            }));
        Ok(())
    }

    /// What a file says; `None` if it is damaged, which is noted unless its hash has told so already.
    fn readable<T>(file: &str, read: Result<T>, report: &mut VerifyReport) -> Result<Option<T>> {
        let noted = report.problems.iter().any(|problem| problem.file == file);
        match read {
            Ok(read) => Ok(Some(read)),
            Err(error) if noted && is_damage(&error) => Ok(None),
            Err(error) => Self::damaged(report, file, error).map(|()| None),
        }
    }

    /// Proves every object; where something is wrong, finds which.
    async fn verify_objects(&self, manifest: &Manifest, report: &mut VerifyReport) -> Result<()> {
        let (path, backend) = (self.layout.archive_path(), self.vault.backend());
        let key = self.layout.file(&path)?;
        let is_bad = |path: &str| report.problems.iter().any(|problem| problem.file == path);
        if is_bad(&path) || manifest.index.iter().any(|part| is_bad(&part.path)) {
            // Without archive every object is lost, and the file's own problem says so.
            return match backend.exists(&key).await? {
                true => self.find_damage(report).await,
                false => Ok(()),
            };
        }
        let archive = backend.get(&key, ReadRange::Full).await?;
        let compute = self.vault.host.compute.clone();
        let parts = self.parts()?;
        match verify_archive(archive, parts, &manifest.archive, compute, self.limits).await {
            Ok(()) => report.objects = manifest.archive.objects,
            Err(error) => {
                Self::damaged(report, &path, error)?;
                self.find_damage(report).await?;
            }
        }
        Ok(())
    }

    async fn verify_file(
        &self,
        record: &FileRecord,
        level: VerifyLevel,
        report: &mut VerifyReport,
    ) -> Result<()> {
        let key = self.layout.file(&record.path)?;
        let backend = &**self.vault.backend();
        let problem = if level == VerifyLevel::Manifest {
            match backend.stat(&key).await {
                Ok(meta) if meta.size == record.size => None,
                Ok(meta) => Some(format!("has {} bytes, not {}", meta.size, record.size)),
                Err(error) if error.kind() == ErrorKind::NotFound => Some("is missing".to_owned()),
                Err(error) => return Err(error),
            }
        } else {
            report.bytes += record.size;
            check_file(backend, &key, record).await?
        };
        report.files += 1;
        report.problems.extend(problem.map(|message| Problem {
            file: record.path.clone(),
            message,
        }));
        Ok(())
    }

    /// Notes what is wrong with an error that reading the archive gave; hands on one that is not about the bytes.
    pub(super) fn damaged(report: &mut VerifyReport, file: &str, error: Error) -> Result<()> {
        if !is_damage(&error) {
            return Err(error);
        }
        report.problems.push(Problem {
            file: file.to_owned(),
            message: error.chain(),
        });
        Ok(())
    }
}

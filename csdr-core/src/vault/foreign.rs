//! Backups that Velero wrote: an archive without index, side files without hashes.

mod listed;

use super::{IndexPartRecord, Problem, StoredBackup, VeleroDetails, VerifyLevel, VerifyReport};
use crate::{
    Error, ErrorKind, Result,
    archive::{ArchiveReader, EntryPath, ForeignArchive, Layout, ObjectPath, PathVersion},
    model::Object,
    port::{ComputeExt, ReadRange, VaultBackend, VaultBackendExt, VaultKey, operation_id},
    report::Note,
    select::{LeftOut, LeftOutReason},
};
use flate2::write::MultiGzDecoder;
use futures::TryStreamExt;
use listed::Listed;
use std::{io::Write, sync::Arc};

/// How many bad entries of an archive are named; the others are counted.
const MAX_BAD_ENTRIES: usize = 1_000;

impl StoredBackup {
    /// Reads a backup that Velero wrote once, and rewrites its archive into `scratch` as members with an index: then it reads like
    /// csdr's own. Backups that csdr wrote come back as they are.
    ///
    /// What of the backup a restore from here does not bring back is in [`StoredBackup::gaps`].
    ///
    /// # Errors
    /// `Incomplete` for a backup that Velero has not finished, or is deleting, and for a failed one without an archive; `Corrupt` for a
    /// damaged archive; the vault's and the scratch's.
    pub async fn with_scratch(mut self, scratch: Arc<dyn VaultBackend>) -> Result<Self> {
        if self.is_indexed() {
            return Ok(self);
        }
        let about = |error: Error| {
            error
                .with_operation("read Velero's backup")
                .with_context("backup", self.layout.name())
        };
        if self.record.is_unfinished() {
            return Err(about(self.unusable("Velero has not finished this backup, or is deleting it; wait for its end, or take another one")));
        }
        let key = self.layout.file(&self.layout.archive_path())?;
        let archive = match self.vault.backend.get(&key, ReadRange::Full).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let missing = self.unusable("Velero's backup has no archive; take another one");
                return Err(about(missing.with_context("key", key).with_source(error)));
            }
            read => read.map_err(about)?,
        };
        // A folder of its own each time: what an earlier, dropped reading left there is not taken for this one's.
        let reading = operation_id(&*self.vault.host.clock, &*self.vault.host.entropy)?;
        let prefix = VaultKey::parse(format!("velero/{}/{reading}", self.layout.name()))?;
        let compute = self.vault.host.compute.clone();
        let foreign =
            ForeignArchive::adopt(archive, scratch.clone(), &prefix, compute, self.limits)
                .await
                .map_err(about)?;
        let index = foreign.parts().iter().map(|part| {
            let record = IndexPartRecord {
                path: part.key.to_string(),
                rows: part.rows,
                first: part.first.clone(),
                last: part.last.clone(),
            };
            (part.key.clone(), record)
        });
        let (index, summary) = (index.collect(), foreign.summary());
        let (data, sha256, rows) = (foreign.data().clone(), summary.archive.sha256, summary.rows);
        self.gaps = foreign
            .gaps()
            .iter()
            .map(|gap| LeftOut::rule(&gap.entry, LeftOutReason::Unreadable, &gap.reason))
            .collect();
        if let Some(told) = self.velero().await? {
            self.gaps.extend(gaps_of(self.name(), &told));
        }
        self.set_source(scratch, data, sha256, index, rows);
        Ok(self)
    }

    fn unusable(&self, message: &'static str) -> Error {
        Error::new(ErrorKind::Incomplete, message)
            .with_context("phase", self.record.phase.escape_debug())
    }

    /// Verifies what can be: that every file unpacks, and that every object of the archive is one.
    pub(super) async fn verify_foreign(
        &self,
        level: VerifyLevel,
        report: &mut VerifyReport,
    ) -> Result<()> {
        report.notes.push(Note::new(
            self.name(),
            "Velero stores no hashes: a changed file that still opens cannot be told",
        ));
        if let Some(said) = self.said_of_phase() {
            report.notes.push(Note::new(self.name(), said));
        }
        let backend = &**self.vault.backend();
        let archive = self.layout.file(&self.layout.archive_path())?;
        for meta in backend.keys(self.layout.folder(), 10_000).await? {
            report.files += 1;
            report.bytes += meta.size;
            let path = meta
                .key
                .below(self.layout.folder())
                .unwrap_or_default()
                .to_owned();
            if level == VerifyLevel::Manifest || meta.key == archive || !path.ends_with(".gz") {
                continue;
            }
            if let Err(error) = self.unpack(&meta.key).await {
                Self::damaged(report, &path, error)?;
            }
        }
        if level >= VerifyLevel::Hashes {
            if let Err(error) = self.verify_foreign_archive(&archive, report).await {
                Self::damaged(report, &self.layout.archive_path(), error)?;
            }
        } else if !backend.exists(&archive).await? {
            report.problems.push(Problem {
                file: self.layout.archive_path(),
                message: "is missing".to_owned(),
            });
        }
        Ok(())
    }

    /// What the phase says of the archive, if it is not a whole one.
    fn said_of_phase(&self) -> Option<String> {
        let phase = self.record.phase.escape_debug();
        match self.record.phase.as_str() {
            "Completed" => None,
            "PartiallyFailed" | "Failed" | "FailedValidation" => Some(format!(
                "Velero says that this backup is {phase}, with {} errors: objects may be missing",
                self.record.errors
            )),
            _ => Some(format!(
                "Velero says that this backup is {phase}: it is not finished, or being deleted, and cannot be restored"
            )),
        }
    }

    /// Unpacks one of Velero's side files as it streams by: a log may have any size, and none of it is kept.
    async fn unpack(&self, key: &VaultKey) -> Result<()> {
        let mut chunks = self.vault.backend.get(key, ReadRange::Full).await?;
        let compute = &self.vault.host.compute;
        let mut decoder = MultiGzDecoder::new(std::io::sink());
        let bad = |error: std::io::Error| {
            Error::corrupt("file is not gzip, or is cut").with_source(error)
        };
        while let Some(chunk) = chunks.try_next().await? {
            let job = move || decoder.write_all(&chunk).map(|()| decoder).map_err(bad);
            decoder = compute
                .call(job)
                .await
                .map_err(|error| error.with_context("key", key))?;
        }
        match decoder.finish() {
            Ok(_) => Ok(()),
            Err(error) => Err(bad(error).with_context("key", key)),
        }
    }

    /// Reads the whole archive; an entry that is not the object that its path says is a problem of its own (1,000 at most, the rest
    /// is counted), and the next one is looked at.
    async fn verify_foreign_archive(
        &self,
        key: &VaultKey,
        report: &mut VerifyReport,
    ) -> Result<()> {
        let stream = self.vault.backend.get(key, ReadRange::Full).await?;
        let mut reader = ArchiveReader::new(
            stream,
            Layout::Stream,
            self.vault.host.compute.clone(),
            self.limits,
        );
        let mut listed = Listed::read(self).await?;
        // Velero ≥ 1.4 writes each object twice, without version and in the preferred one; older ones only the first.
        let (mut plain, mut preferred, mut bad) = (0u64, 0u64, 0usize);
        while let Some(entry) = reader.next().await? {
            let EntryPath::Object(path) = &entry.path else {
                continue;
            };
            match check_entry(path, entry.data.clone()) {
                Ok(object) => {
                    match path.version {
                        PathVersion::Plain => plain += 1,
                        PathVersion::Preferred(_) => preferred += 1,
                        PathVersion::Served(_) => {}
                    }
                    listed.found(&object);
                }
                Err(error) => {
                    bad += 1;
                    if bad <= MAX_BAD_ENTRIES {
                        let entry = entry.path.to_string();
                        let error = error.with_context("entry", entry.escape_debug());
                        Self::damaged(report, &self.layout.archive_path(), error)?;
                    }
                }
            }
            report.objects = plain.max(preferred);
        }
        if bad > MAX_BAD_ENTRIES {
            report.problems.push(Problem {
                file: self.layout.archive_path(),
                message: format!("{} more entries are bad", bad - MAX_BAD_ENTRIES),
            });
        }
        listed.end(&self.layout.archive_path(), &self.record.phase, report);
        Ok(())
    }
}

/// What a restore does not bring back, as Velero's files tell it.
fn gaps_of(name: &str, told: &VeleroDetails) -> Vec<LeftOut> {
    let mut gaps = Vec::new();
    let whole = |reason, detail: String| LeftOut::rule(format!("backup {name}"), reason, detail);
    if told.phase != "Completed" {
        let first = told.errors.iter().next().map(ToString::to_string);
        let why = first.or_else(|| told.failures.first().cloned());
        let why = why.map(|why| format!("; first: {why}")).unwrap_or_default();
        let detail = format!(
            "Velero says {}, {} errors{why}",
            told.phase,
            told.errors.len()
        );
        gaps.push(whole(LeftOutReason::PartialBackup, detail));
    }
    for file in &told.unreadable_files {
        gaps.push(LeftOut::rule(file, LeftOutReason::Unreadable, ""));
    }
    for volume in &told.volumes {
        let what = format!("data of {volume}");
        gaps.push(LeftOut::rule(what, LeftOutReason::VolumeData, ""));
    }
    if told.volumes_beyond > 0 {
        let detail = format!("{} more volumes", told.volumes_beyond);
        gaps.push(whole(LeftOutReason::VolumeData, detail));
    }
    gaps
}

/// The object of an entry, if it is the one that its path names.
fn check_entry(path: &ObjectPath, json: bytes::Bytes) -> Result<Object> {
    let object = Object::parse(path.id.resource().clone(), json)?;
    if *object.id() == path.id {
        return Ok(object);
    }
    Err(Error::corrupt(
        "entry holds another object than its path says",
    ))
}

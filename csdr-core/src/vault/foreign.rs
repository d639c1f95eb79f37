//! Backups that Velero wrote: an archive without index, side files without hashes.

use super::{IndexPartRecord, Problem, StoredBackup, VerifyLevel, VerifyReport};
use crate::{
    Error, Result,
    archive::{ArchiveReader, EntryPath, ForeignArchive, Layout, ObjectPath, PathVersion},
    model::Object,
    port::{ComputeExt, ReadRange, VaultBackend, VaultBackendExt, VaultKey, operation_id},
    report::Note,
    select::{LeftOut, LeftOutReason},
};
use flate2::write::MultiGzDecoder;
use futures::TryStreamExt;
use std::{io::Write, sync::Arc};

/// How many bad entries of an archive are named; the others are counted.
const MAX_BAD_ENTRIES: usize = 1_000;

impl StoredBackup {
    /// Reads a backup that Velero wrote once, and rewrites its archive into `scratch` as members with an index: then it reads like
    /// csdr's own. Backups that csdr wrote come back as they are.
    ///
    /// # Errors
    /// `Corrupt` for a damaged archive; the vault's and the scratch's.
    pub async fn with_scratch(mut self, scratch: Arc<dyn VaultBackend>) -> Result<Self> {
        if self.is_indexed() {
            return Ok(self);
        }
        let about = |error: Error| {
            error
                .with_operation("read Velero's backup")
                .with_context("backup", self.layout.name())
        };
        let key = self.layout.file(&self.layout.archive_path())?;
        let archive = self
            .vault
            .backend
            .get(&key, ReadRange::Full)
            .await
            .map_err(about)?;
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
        self.unreadable = foreign
            .gaps()
            .iter()
            .map(|gap| LeftOut::rule(&gap.entry, LeftOutReason::Unreadable, &gap.reason))
            .collect();
        self.set_source(scratch, data, sha256, index, rows);
        Ok(self)
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
        // Velero ≥ 1.4 writes each object twice, without version and in the preferred one; older ones only the first.
        let (mut plain, mut preferred, mut bad) = (0u64, 0u64, 0usize);
        while let Some(entry) = reader.next().await? {
            let EntryPath::Object(path) = &entry.path else {
                continue;
            };
            match check_entry(path, entry.data.clone()) {
                Ok(()) => match path.version {
                    PathVersion::Plain => plain += 1,
                    PathVersion::Preferred(_) => preferred += 1,
                    PathVersion::Served(_) => {}
                },
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
        Ok(())
    }
}

/// Whether an entry's JSON is the object that its path names.
fn check_entry(path: &ObjectPath, json: bytes::Bytes) -> Result<()> {
    let object = Object::parse(path.id.resource().clone(), json)?;
    if *object.id() == path.id {
        return Ok(());
    }
    Err(Error::corrupt(
        "entry holds another object than its path says",
    ))
}

//! Backups that Velero wrote: an archive without index, side files without hashes.

use super::{
    IndexPartRecord, MAX_DOCUMENT, Problem, StoredBackup, VerifyLevel, VerifyReport,
    document::gunzip,
};
use crate::{
    Error, Result,
    archive::{ArchiveReader, EntryPath, ForeignArchive, Layout},
    model::Object,
    port::{ReadRange, VaultBackend, VaultBackendExt, VaultKey, operation_id},
    report::Note,
    select::{LeftOut, LeftOutReason},
};
use std::{collections::BTreeSet, sync::Arc};

/// Most bytes of one of Velero's side files, unpacked.
const MAX_SIDE_FILE: u64 = 256 << 20;

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
            let opened = async {
                gunzip(
                    &meta.key,
                    &backend.read(&meta.key, MAX_DOCUMENT).await?,
                    MAX_SIDE_FILE,
                )
            };
            if let Err(error) = opened.await {
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
        let mut seen = BTreeSet::new();
        while let Some(entry) = reader.next().await? {
            let EntryPath::Object(path) = &entry.path else {
                continue;
            };
            let object = Object::parse(path.id.resource().clone(), entry.data.clone())?;
            if object.id() != &path.id {
                return Err(
                    Error::corrupt("entry holds another object than its path says")
                        .with_context("entry", &entry.path),
                );
            }
            if seen.len() < 1_000_000 {
                seen.insert(path.id.clone());
            }
        }
        report.objects = seen.len() as u64;
        Ok(())
    }
}

//! One backup of a vault, opened for reading.

use super::{
    BackupLayout, BackupOrigin, IndexPartRecord, MAX_DOCUMENT, Manifest, Vault, decode_document,
    gunzip, velero::CommitRecord, verify::check_body,
};
use crate::{
    Error, ErrorKind, Result,
    archive::{ArchiveLimits, Digest, IndexPart, IndexRow, Member, MemberSpan, decode_member},
    backup::{BackupPlan, BackupReport},
    cancel::Until,
    model::{GroupResource, Object, ObjectId},
    port::{ComputeExt, VaultBackend, VaultBackendExt, VaultKey},
    select::LeftOut,
    spec::BackupSpec,
};
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Most bytes of one left-out list, unpacked.
const MAX_LEFT_OUT: u64 = 64 << 20;

/// A complete backup. Reading one object costs the commit record and manifest (once), one index part and one range of the archive.
///
/// A backup that Velero wrote has no index: [`StoredBackup::with_scratch`] reads it once into a scratch store.
#[derive(Clone, Debug)]
pub struct StoredBackup {
    pub(super) vault: Vault,
    pub(super) layout: BackupLayout,
    pub(super) record: CommitRecord,
    pub(super) manifest: Option<Manifest>,
    pub(super) limits: ArchiveLimits,
    /// What a foreign backup does not give back.
    pub(super) gaps: Vec<LeftOut>,
    source: Option<Source>,
}

/// Where archive and index lie: in the vault, or in a scratch store.
#[derive(Clone, Debug)]
struct Source {
    backend: Arc<dyn VaultBackend>,
    archive: VaultKey,
    archive_sha256: Digest,
    index: Vec<(VaultKey, IndexPartRecord)>,
    objects: u64,
}

impl Vault {
    /// Opens a complete backup.
    ///
    /// # Errors
    /// `NotFound` if there is none of this name, or its deletion has begun; `Corrupt` if commit record and manifest do not fit.
    pub async fn backup(&self, name: &str) -> Result<StoredBackup> {
        self.backup_within(name, ArchiveLimits::default()).await
    }

    /// As [`Vault::backup`] within these bounds.
    ///
    /// # Errors
    /// As [`Vault::backup`].
    pub async fn backup_within(&self, name: &str, limits: ArchiveLimits) -> Result<StoredBackup> {
        let about = |error: Error| {
            error
                .with_operation("open backup")
                .with_context("backup", name)
        };
        let layout = self.layout(name)?;
        let missing = || {
            about(Error::new(
                ErrorKind::NotFound,
                "there is no such backup; `list` shows what there is",
            ))
        };
        let key = layout.commit()?;
        let body = self
            .backend
            .read_if_exists(&key, MAX_DOCUMENT)
            .await
            .map_err(about)?
            .ok_or_else(missing)?;
        if self
            .backend
            .exists(&layout.deleting()?)
            .await
            .map_err(about)?
        {
            return Err(about(Error::new(
                ErrorKind::NotFound,
                "the backup is being deleted; `delete` or `gc` ends that",
            )));
        }
        let record = CommitRecord::decode(&key, &body).map_err(about)?;
        let manifest = match &record.manifest_sha256 {
            Some(expected) => Some(self.read_manifest(&layout, expected).await.map_err(about)?),
            // Velero's has neither; one of csdr's that has lost its annotation must not pass for one without hashes.
            None if record.is_signed() || self.has_own_files(&layout).await.map_err(about)? => {
                return Err(about(
                    Error::corrupt("commit record does not vouch for the manifest")
                        .with_context("key", key),
                ));
            }
            None => None,
        };
        let source = match &manifest {
            None => None,
            Some(manifest) => Some(self.source(&layout, manifest).map_err(about)?),
        };
        Ok(StoredBackup {
            vault: self.clone(),
            layout,
            record,
            manifest,
            limits,
            gaps: Vec::new(),
            source,
        })
    }

    async fn read_manifest(&self, layout: &BackupLayout, expected: &str) -> Result<Manifest> {
        let key = layout.manifest()?;
        let body = self.backend.read(&key, MAX_DOCUMENT).await?;
        if Digest::of(&body).to_string() != *expected {
            return Err(Error::corrupt(
                "manifest is not the one that the commit record vouches for",
            )
            .with_context("key", key));
        }
        let manifest = Manifest::decode(&body)?;
        if manifest.backup != layout.name() {
            return Err(Error::corrupt("manifest is that of another backup")
                .with_context("key", key)
                .with_context("backup", manifest.backup));
        }
        Ok(manifest)
    }

    fn source(&self, layout: &BackupLayout, manifest: &Manifest) -> Result<Source> {
        let path = layout.archive_path();
        let file = manifest.file(&path).ok_or_else(|| {
            Error::corrupt("manifest names no archive").with_context("file", &path)
        })?;
        let index = manifest
            .index
            .iter()
            .map(|part| Ok((layout.file(&part.path)?, part.clone())))
            .collect::<Result<_>>()?;
        Ok(Source {
            backend: self.backend.clone(),
            archive: layout.file(&path)?,
            archive_sha256: file.sha256,
            index,
            objects: manifest.archive.objects,
        })
    }
}

impl StoredBackup {
    /// The same, making no call any more once the token has fallen.
    pub(crate) fn until(&self, cancel: &CancellationToken) -> Self {
        let mut own = self.clone();
        own.vault = self.vault.until(cancel);
        if let Some(source) = &mut own.source {
            source.backend = Arc::new(Until::new(source.backend.clone(), cancel));
        }
        own
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.layout.name()
    }

    /// Whether both were opened by the same commit record: of one name there may be another backup by now.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.name() == other.name() && self.record == other.record
    }

    /// Who wrote it.
    pub fn origin(&self) -> BackupOrigin {
        if self.manifest.is_some() {
            BackupOrigin::Csdr
        } else {
            BackupOrigin::Velero
        }
    }

    /// `Completed`, `PartiallyFailed`; Velero's other phases as they are.
    pub fn phase(&self) -> &str {
        &self.record.phase
    }

    /// Its manifest; `None` for Velero's.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// What identifies its content: the manifest's root hash, or the SHA-256 of Velero's archive.
    ///
    /// # Errors
    /// `Unsupported` for Velero's without scratch.
    pub fn root_hash(&self) -> Result<Digest> {
        match &self.manifest {
            Some(manifest) => Ok(manifest.root_hash),
            None => Ok(self.indexed()?.archive_sha256),
        }
    }

    /// How many objects it holds.
    ///
    /// # Errors
    /// `Unsupported` for Velero's without scratch.
    pub fn objects(&self) -> Result<u64> {
        Ok(self.indexed()?.objects)
    }

    fn indexed(&self) -> Result<&Source> {
        self.source.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "Velero wrote this backup, it has no index; give a scratch store to read it through")
                .with_context("backup", self.name())
        })
    }

    /// What a backup read through scratch does not give back, each with its reason: entries of the archive that are no readable objects,
    /// what Velero itself could not back up, and the volumes' data, which lies in Velero's stores.
    pub fn gaps(&self) -> &[LeftOut] {
        &self.gaps
    }

    /// Whether its objects can be read: csdr's own always, Velero's once it was read through a scratch store.
    pub fn is_indexed(&self) -> bool {
        self.source.is_some()
    }

    pub(super) fn set_source(
        &mut self,
        backend: Arc<dyn VaultBackend>,
        archive: VaultKey,
        archive_sha256: Digest,
        index: Vec<(VaultKey, IndexPartRecord)>,
        objects: u64,
    ) {
        self.source = Some(Source {
            backend,
            archive,
            archive_sha256,
            index,
            objects,
        });
    }

    /// One part of the index, checked against its record.
    pub(crate) async fn index_part(&self, part: usize) -> Result<IndexPart> {
        let source = self.indexed()?;
        let Some((key, record)) = source.index.get(part) else {
            return Err(Error::new(ErrorKind::NotFound, "no such part of the index")
                .with_context("part", part));
        };
        let body = source.backend.read(key, self.limits.part).await?;
        let file = self
            .manifest
            .as_ref()
            .and_then(|manifest| manifest.file(&record.path));
        if let Some(problem) = file.and_then(|file| check_body(&body, file)) {
            return Err(Error::corrupt(problem).with_context("key", key));
        }
        let limits = self.limits;
        let part = self
            .vault
            .host
            .compute
            .call(move || IndexPart::decode(&body, &limits))
            .await
            .map_err(|error| error.with_context("key", key))?;
        if part.rows().len() as u64 != record.rows
            || part.first().id != record.first
            || part.last().id != record.last
        {
            return Err(
                Error::corrupt("index part is not the one that the manifest describes")
                    .with_context("key", key),
            );
        }
        Ok(part)
    }

    /// One member of the archive.
    pub(crate) async fn member(&self, span: MemberSpan) -> Result<Member> {
        let source = self.indexed()?;
        if span.len > self.limits.member {
            return Err(
                Error::corrupt("index names a member that is larger than allowed")
                    .with_context("key", &source.archive)
                    .with_context("offset", span.offset)
                    .with_context("len", span.len),
            );
        }
        let body = source
            .backend
            .read_range(&source.archive, span.offset, span.len)
            .await?;
        let limits = self.limits;
        self.vault
            .host
            .compute
            .call(move || decode_member(&body, &limits))
            .await
            .map_err(|error| {
                error
                    .with_context("key", &source.archive)
                    .with_context("member", span.offset)
            })
    }

    /// The parts of the index, one after the other.
    pub(super) fn parts(&self) -> Result<BoxStream<'static, Result<IndexPart>>> {
        let this = self.clone();
        let part = move |part| {
            let this = this.clone();
            async move { this.index_part(part).await }
        };
        Ok(futures::stream::iter(0..self.indexed()?.index.len())
            .then(part)
            .boxed())
    }

    /// Every row of the index, in order; memory holds one part.
    pub fn rows(&self) -> BoxStream<'static, Result<IndexRow>> {
        let parts = match self.parts() {
            Ok(parts) => parts,
            Err(error) => return futures::stream::once(async { Err(error) }).boxed(),
        };
        parts
            .flat_map(|part| {
                let rows: Vec<Result<IndexRow>> = match part {
                    Ok(part) => part.into_rows().into_iter().map(Ok).collect(),
                    Err(error) => vec![Err(error)],
                };
                futures::stream::iter(rows)
            })
            .boxed()
    }

    /// The rows of one resource, in order; only the parts of the index that hold some are read.
    pub(crate) fn rows_of(
        &self,
        resource: &GroupResource,
    ) -> Result<BoxStream<'static, Result<IndexRow>>> {
        let parts: Vec<usize> = self
            .indexed()?
            .index
            .iter()
            .enumerate()
            .filter(|(_, (_, part))| {
                part.first.resource() <= resource && resource <= part.last.resource()
            })
            .map(|(at, _)| at)
            .collect();
        let (this, resource) = (self.clone(), resource.clone());
        Ok(futures::stream::iter(parts)
            .then(move |part| {
                let (this, resource) = (this.clone(), resource.clone());
                async move {
                    let rows = this.index_part(part).await?.into_rows();
                    let own = rows
                        .into_iter()
                        .filter(move |row| *row.id.resource() == resource)
                        .map(Ok);
                    Ok::<_, Error>(futures::stream::iter(own))
                }
            })
            .try_flatten()
            .boxed())
    }

    /// One object, in the version that its server preferred.
    ///
    /// # Errors
    /// `Corrupt` if its bytes are not those that were stored; `Unsupported` for Velero's without scratch.
    pub async fn object(&self, id: &ObjectId) -> Result<Option<Object>> {
        let source = self.indexed()?;
        let parts = source
            .index
            .iter()
            .enumerate()
            .filter(|(_, (_, part))| part.first <= *id && *id <= part.last);
        let mut found: Option<IndexRow> = None;
        for (at, _) in parts {
            for row in self.index_part(at).await?.versions(id) {
                if found.is_none() || row.preferred {
                    found = Some(row.clone());
                }
            }
        }
        let Some(row) = found else { return Ok(None) };
        self.member(row.member).await?.object(&row).map(Some)
    }

    /// Every object in the order of the index, preferred versions only; memory holds one member.
    pub fn all_objects(&self) -> BoxStream<'static, Result<Object>> {
        let this = self.clone();
        let state = (self.rows(), None::<(MemberSpan, Member)>);
        futures::stream::try_unfold(state, move |(mut rows, mut held)| {
            let this = this.clone();
            async move {
                while let Some(row) = rows.next().await {
                    let row = row?;
                    if !row.preferred {
                        continue;
                    }
                    let member = match held.take() {
                        Some((span, member)) if span == row.member => member,
                        _ => this.member(row.member).await?,
                    };
                    let object = member.object(&row)?;
                    return Ok(Some((object, (rows, Some((row.member, member))))));
                }
                Ok(None)
            }
        })
        .boxed()
    }

    async fn csdr_file(&self, path: &str, limit: u64) -> Result<bytes::Bytes> {
        let key = self.layout.file(path)?;
        let Some(record) = self
            .manifest
            .as_ref()
            .and_then(|manifest| manifest.file(path))
        else {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "only backups that csdr wrote have this file",
            )
            .with_context("backup", self.name())
            .with_context("file", path));
        };
        let body = self.vault.backend.read(&key, limit).await?;
        match check_body(&body, record) {
            Some(problem) => Err(Error::corrupt(problem).with_context("key", key)),
            None => Ok(body),
        }
    }

    /// The report of the run that wrote it.
    ///
    /// # Errors
    /// `Unsupported` for Velero's; `Corrupt` if it is not the stored one.
    pub async fn report(&self) -> Result<BackupReport> {
        decode_document(
            &self.layout.file("csdr/report.json")?,
            &self.csdr_file("csdr/report.json", MAX_DOCUMENT).await?,
        )
    }

    /// What was asked.
    ///
    /// # Errors
    /// `Unsupported` for Velero's; `Corrupt` if it is not the stored one.
    pub async fn spec(&self) -> Result<BackupSpec> {
        decode_document(
            &self.layout.file("csdr/spec.json")?,
            &self.csdr_file("csdr/spec.json", MAX_DOCUMENT).await?,
        )
    }

    /// What was planned.
    ///
    /// # Errors
    /// `Unsupported` for Velero's; `Corrupt` if it is not the stored one.
    pub async fn plan(&self) -> Result<BackupPlan> {
        decode_document(
            &self.layout.file("csdr/plan.json")?,
            &self.csdr_file("csdr/plan.json", MAX_DOCUMENT).await?,
        )
    }

    /// Everything that was left out, with its reason; one list of 10,000 lines in memory.
    pub fn left_out(&self) -> BoxStream<'static, Result<LeftOut>> {
        let this = self.clone();
        let paths: Vec<String> = (0..)
            .map(|part| format!("csdr/left-out-{part}.jsonl.gz"))
            .take_while(|path| {
                self.manifest
                    .as_ref()
                    .is_some_and(|manifest| manifest.file(path).is_some())
            })
            .collect();
        futures::stream::iter(paths)
            .then(move |path| {
                let this = this.clone();
                async move { this.left_out_part(&path).await }
            })
            .flat_map(|part| {
                let lines: Vec<Result<LeftOut>> = match part {
                    Ok(lines) => lines.into_iter().map(Ok).collect(),
                    Err(error) => vec![Err(error)],
                };
                futures::stream::iter(lines)
            })
            .boxed()
    }

    async fn left_out_part(&self, path: &str) -> Result<Vec<LeftOut>> {
        let key = self.layout.file(path)?;
        let text = gunzip(
            &key,
            &self.csdr_file(path, MAX_LEFT_OUT).await?,
            MAX_LEFT_OUT,
        )?;
        text.split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| decode_document(&key, line))
            .collect()
    }
}

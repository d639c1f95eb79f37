//! What a restore writes into the vault.

use super::{RestorePlan, RestoreReport, report::ObjectOutcome};
use crate::{
    Error, ErrorKind, Result,
    port::{PutMode, VaultBackend, VaultBackendExt, VaultKey},
    vault::{Claim, RestoreLayout, Vault, encode_document, gzip, put_once, results},
};
use bytes::Bytes;
use flate2::{Compression, GzBuilder};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
};
use uuid::Uuid;

/// Rows of a plan that are written at once.
const ROWS: usize = 5_000;

#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) vault: &'a Vault,
    pub(super) layout: &'a RestoreLayout,
    pub(super) claim: &'a Claim,
}

impl Record<'_> {
    fn backend(&self) -> &dyn VaultBackend {
        &**self.vault.backend()
    }

    /// Removes the result files that a dead operation may have begun to write; its folder stays: it says what is ours.
    pub(super) async fn clear(&self) -> Result<()> {
        for meta in self.backend().keys(self.layout.folder(), 1_000_000).await? {
            let path = meta.key.below(self.layout.folder()).unwrap_or_default();
            if !path.starts_with("csdr/") {
                self.claim.guard().await?;
                self.backend().delete(&meta.key).await.map_err(|error| {
                    Error::new(error.kind(), "the name is spent: a dead operation left files that the store does not let go; use a new name")
                        .with_context("file", &meta.key)
                        .with_source(error)
                })?;
            }
        }
        Ok(())
    }

    /// Spec and plan of this attempt.
    pub(super) async fn begin(&self, operation: Uuid, plan: &RestorePlan) -> Result<()> {
        let spec = self.layout.attempt(operation, "spec.json")?;
        put_once(self.backend(), &spec, encode_document(plan.spec())?).await?;
        self.write_plan(&self.layout.attempt(operation, "plan.json")?, plan)
            .await
    }

    /// Streams the plan: its size follows the number of objects, memory does not.
    async fn write_plan(&self, key: &VaultKey, plan: &RestorePlan) -> Result<()> {
        let conditional = self.backend().capabilities().conditional_create;
        let mode = if conditional {
            PutMode::CreateNew
        } else {
            PutMode::Overwrite
        };
        let unwritable =
            |error| Error::invalid("plan cannot be written as JSON").with_source(error);
        let mut writer = self.backend().writer(key, mode).await?;
        let head = serde_json::to_string(&plan.head).map_err(unwritable)?;
        writer
            .write(Bytes::from(format!("{{\"head\":{head},\"rows\":[")))
            .await?;
        for (at, rows) in plan.rows.chunks(ROWS).enumerate() {
            let json = serde_json::to_string(rows).map_err(unwritable)?;
            let lead = if at == 0 { "" } else { "," };
            // The brackets of each chunk go, so that all chunks make one array.
            writer
                .write(Bytes::from(format!("{lead}{}", &json[1..json.len() - 1])))
                .await?;
        }
        let remarks = serde_json::to_string(&plan.remarks).map_err(unwritable)?;
        writer
            .write(Bytes::from(format!("],\"remarks\":{remarks}}}\n")))
            .await?;
        writer.finish().await.map(drop)
    }

    /// Velero's result files, then the report: with it the restore has ended.
    pub(super) async fn end(
        &self,
        plan: &RestorePlan,
        rows: &[ObjectOutcome],
        report: &RestoreReport,
    ) -> Result<()> {
        let list = resource_list(plan, rows)?;
        let results = results(&report.errors, &report.warnings);
        let files = [
            (
                self.layout.side("logs.gz")?,
                gzip(format!("{report}\n").as_bytes())?,
            ),
            (
                self.layout.side("results.gz")?,
                gzip(results.to_string().as_bytes())?,
            ),
            (self.layout.side("resource-list.json.gz")?, list),
            (self.layout.side("itemoperations.json.gz")?, gzip(b"[]")?),
            (
                self.layout
                    .file(&format!("{}-volumeinfo.json.gz", self.layout.name()))?,
                gzip(b"[]")?,
            ),
        ];
        for (key, body) in files {
            self.claim.guard().await?;
            put_once(self.backend(), &key, body).await?;
        }
        self.claim.check().await?;
        put_once(
            self.backend(),
            &self.layout.attempt(report.operation, "report.json")?,
            encode_document(report)?,
        )
        .await
    }
}

/// Velero's `restore-<name>-resource-list.json.gz`: `{"apps/v1/Deployment": ["ns/a(created)", …]}`, every object with its outcome.
fn resource_list(plan: &RestorePlan, rows: &[ObjectOutcome]) -> Result<Bytes> {
    let failed =
        |error: std::io::Error| Error::new(ErrorKind::Unexpected, "gzip failed").with_source(error);
    let mut encoder = GzBuilder::new()
        .mtime(0)
        .operating_system(255)
        .write(Vec::new(), Compression::new(6));
    // Several kinds of the plan may become one of the target: each has one list.
    let mut kinds: BTreeMap<String, BTreeSet<u16>> = BTreeMap::new();
    for (at, kind) in plan.head.kinds.iter().enumerate() {
        // The kind of what could not be read is not known: its plural stands for it.
        let name = if kind.kind.is_empty() {
            &kind.target.resource
        } else {
            &kind.kind
        };
        let name = format!("{}/{name}", kind.target.api_version());
        kinds
            .entry(name)
            .or_default()
            .extend(u16::try_from(at).ok());
    }
    let mut text = String::from("{");
    let mut lists = 0;
    for (name, own) in kinds {
        let rows = plan
            .rows
            .iter()
            .zip(rows)
            .filter(|(row, _)| own.contains(&row.kind));
        for (at, (row, outcome)) in rows.enumerate() {
            let id = plan.target_id(row)?;
            let name_of = id.namespace().map_or_else(
                || id.name().to_owned(),
                |namespace| format!("{namespace}/{}", id.name()),
            );
            if at == 0 {
                let lead = if lists == 0 { "" } else { "]," };
                text.push_str(&format!("{lead}{}:[", json!(name)));
                lists += 1;
            } else {
                text.push(',');
            }
            text.push_str(&json!(format!("{name_of}({})", outcome.in_velero())).to_string());
            encoder.write_all(text.as_bytes()).map_err(failed)?;
            text.clear();
        }
    }
    text.push_str(if lists == 0 { "}" } else { "]}" });
    encoder.write_all(text.as_bytes()).map_err(failed)?;
    encoder.finish().map(Bytes::from).map_err(failed)
}

/// Refuses the name of a restore that has ended, and one that Velero has used: its files are never touched.
pub(super) async fn check_not_ended(vault: &Vault, layout: &RestoreLayout) -> Result<()> {
    let backend = vault.backend();
    let taken = |message: &'static str, key: VaultKey| {
        Err(Error::new(ErrorKind::AlreadyExists, message).with_context("file", key))
    };
    let (mut own, mut foreign) = (false, None);
    for meta in backend.keys(layout.folder(), 1_000_000).await? {
        let path = meta.key.below(layout.folder()).unwrap_or_default();
        if !path.starts_with("csdr/") {
            foreign = Some(meta.key);
        } else if meta.key.name() == "report.json" {
            return taken("a restore of this name has ended; use a new name", meta.key);
        } else {
            own = true;
        }
    }
    match foreign {
        Some(key) if !own => taken("Velero has restored under this name; use a new name", key),
        _ => Ok(()),
    }
}

impl Vault {
    /// The report of a restore that has ended.
    ///
    /// # Errors
    /// `NotFound` if there is no such restore, or it has not ended.
    pub async fn restore_report(&self, name: &str) -> Result<RestoreReport> {
        let layout = RestoreLayout::new(name)?;
        let keys = self.backend().keys(&layout.csdr()?, 1_000_000).await?;
        let Some(found) = keys
            .iter()
            .rev()
            .find(|meta| meta.key.name() == "report.json")
        else {
            return Err(Error::new(
                ErrorKind::NotFound,
                "there is no ended restore of this name; `restore list` shows what there is",
            )
            .with_operation("describe restore")
            .with_context("restore", name));
        };
        let body = self
            .backend()
            .read(&found.key, crate::vault::MAX_DOCUMENT)
            .await?;
        crate::vault::decode_document(&found.key, &body)
    }
}

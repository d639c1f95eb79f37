//! What Velero's files tell of a backup beside its objects.

use super::volume::{self, VeleroVolume};
use crate::{
    Error, ErrorKind, Result,
    archive::Digest,
    port::{VaultBackendExt, VaultKey},
    report::{Note, Notes},
    vault::{MAX_DOCUMENT, StoredBackup, decode_document, gunzip, layout::COMMIT_RECORD},
};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;

/// Most bytes of a side file, unpacked.
const MAX_SIDE_FILE: u64 = 64 << 20;

/// Side files that every Velero of today writes. Source: velero.md section 1.1.
const SIDE_FILES: [&str; 7] = [
    "logs.gz",
    "resource-list.json.gz",
    "results.gz",
    "volumeinfo.json.gz",
    "volumesnapshots.json.gz",
    "podvolumebackups.json.gz",
    "itemoperations.json.gz",
];

/// What Velero tells of a backup that it wrote, from `velero-backup.json` and the files beside the archive.
///
/// Files that are not there are no damage: older releases wrote fewer (velero.md section 1.5).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VeleroDetails {
    /// Velero's phase.
    pub phase: String,
    /// `1.1.0` since Velero 1.4; `None` before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format_version: Option<String>,
    /// Version of the server that was backed up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_version: Option<String>,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed: Option<Timestamp>,
    /// When Velero will delete it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Items that were to be backed up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_items: Option<u64>,
    /// Items that were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<u64>,
    /// Why it failed, and what its validation found.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub failures: Vec<String>,
    /// Velero's `spec`: what was included and excluded, hooks, timeouts.
    pub spec: serde_json::Map<String, serde_json::Value>,
    /// Commands run in containers.
    pub hooks: VeleroCount,
    /// Snapshots by Velero's plugins.
    pub volume_snapshots: VeleroCount,
    /// CSI snapshots.
    pub csi_snapshots: VeleroCount,
    /// Operations of plugins, such as moving data.
    pub item_operations: VeleroCount,
    /// What became of the volumes' data; 10,000 at most.
    pub volumes: Vec<VeleroVolume>,
    /// Volumes beyond those.
    pub volumes_beyond: u64,
    /// Objects by `apiVersion/Kind`, from the resource list.
    pub resources: BTreeMap<String, u64>,
    /// The errors that Velero recorded, or how many, where there is no file of them.
    pub errors: Notes,
    /// The warnings.
    pub warnings: Notes,
    /// Side files that Velero of today writes and that are not there.
    pub missing_files: Vec<String>,
    /// Side files that cannot be read, and why.
    pub unreadable_files: Vec<String>,
}

/// How often something was tried, and how it went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VeleroCount {
    /// How often.
    pub attempted: u64,
    /// Of these ended well; `None` where Velero does not count them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed: Option<u64>,
    /// Of these failed; `None` where Velero does not count them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<u64>,
}

#[derive(Deserialize)]
struct Record {
    metadata: Metadata,
    #[serde(default, deserialize_with = "or_default")]
    spec: serde_json::Map<String, serde_json::Value>,
    #[serde(default, deserialize_with = "or_default")]
    status: Status,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default, deserialize_with = "or_default")]
    annotations: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    format_version: Option<String>,
    expiration: Option<Timestamp>,
    failure_reason: Option<String>,
    #[serde(deserialize_with = "or_default")]
    validation_errors: Vec<String>,
    warnings: Option<u64>,
    errors: Option<u64>,
    #[serde(deserialize_with = "or_default")]
    progress: Progress,
    volume_snapshots_attempted: Option<u64>,
    volume_snapshots_completed: Option<u64>,
    csi_volume_snapshots_attempted: Option<u64>,
    csi_volume_snapshots_completed: Option<u64>,
    backup_item_operations_attempted: Option<u64>,
    backup_item_operations_completed: Option<u64>,
    backup_item_operations_failed: Option<u64>,
    #[serde(deserialize_with = "or_default")]
    hook_status: HookStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Progress {
    total_items: Option<u64>,
    items_backed_up: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct HookStatus {
    hooks_attempted: Option<u64>,
    hooks_failed: Option<u64>,
}

/// Velero's `-results.gz`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Results {
    #[serde(deserialize_with = "or_default")]
    errors: Side,
    #[serde(deserialize_with = "or_default")]
    warnings: Side,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Side {
    #[serde(deserialize_with = "or_default")]
    velero: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    cluster: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    namespaces: BTreeMap<String, Vec<String>>,
}

impl Side {
    /// As notes; where there is no file, `count` says how many there were.
    fn notes(self, count: Option<u64>) -> Notes {
        let mut notes = Notes::default();
        let whole = self.velero.into_iter().map(|text| (String::new(), text));
        let cluster = self.cluster.into_iter().map(|text| (String::new(), text));
        let namespaces = self.namespaces.into_iter().flat_map(|(name, texts)| {
            texts
                .into_iter()
                .map(move |text| (format!("namespace {name}"), text))
        });
        for (about, text) in whole.chain(cluster).chain(namespaces) {
            notes.push(Note::new(about, text));
        }
        if let Some(count) = count.filter(|count| *count > 0 && notes.is_empty()) {
            notes.push(Note::new(
                "",
                format!("Velero counts {count}, and tells none of them; its log may"),
            ));
        }
        notes
    }
}

/// A list that Go writes as `null` when it is empty.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> std::result::Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Reads the side files of one backup; what is missing or unreadable is remembered.
#[derive(Debug)]
pub(super) struct SideFiles<'a> {
    backup: &'a StoredBackup,
    pub(super) unreadable: Vec<String>,
}

impl SideFiles<'_> {
    /// One gzipped JSON file; `None` if it is not there, says `null`, or cannot be read.
    pub(super) async fn read<T: DeserializeOwned>(&mut self, suffix: &str) -> Result<Option<T>> {
        let path = self.backup.layout.side_path(suffix);
        match side_file(self.backup, &path).await {
            Ok(document) => Ok(document),
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                self.unreadable.push(format!("{path}: {}", error.chain()));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

async fn side_file<T: DeserializeOwned>(backup: &StoredBackup, path: &str) -> Result<Option<T>> {
    let key = backup.layout.file(path)?;
    let backend = &**backup.vault.backend();
    let Some(body) = backend.read_if_exists(&key, MAX_DOCUMENT).await? else {
        return Ok(None);
    };
    decode_document(&key, &gunzip(&key, &body, MAX_SIDE_FILE)?)
}

impl StoredBackup {
    /// What Velero tells of the backup; `None` for one that csdr wrote.
    ///
    /// Reads the commit record and the side files, at most 16 MiB each, never the archive. A side file that is missing or cannot be read
    /// is named in what comes back.
    ///
    /// # Errors
    /// `Corrupt` for a commit record that is not Velero's; `Conflict` if the backup was made anew meanwhile; the backend's.
    pub async fn velero(&self) -> Result<Option<VeleroDetails>> {
        if self.manifest.is_some() {
            return Ok(None);
        }
        let about = |error: Error| {
            error
                .with_operation("describe Velero's backup")
                .with_context("backup", self.name())
        };
        self.details().await.map(Some).map_err(about)
    }

    async fn details(&self) -> Result<VeleroDetails> {
        let record = self.velero_record().await?;
        let status = record.status;
        let mut files = SideFiles {
            backup: self,
            unreadable: Vec::new(),
        };
        let (volumes, volumes_beyond) = volume::of(&mut files).await?;
        let results: Results = files.read("results.gz").await?.unwrap_or_default();
        let resources: BTreeMap<String, Option<Vec<String>>> = files
            .read("resource-list.json.gz")
            .await?
            .unwrap_or_default();
        let unreadable_files = files.unreadable;
        let count = |attempted: Option<u64>, completed, failed| VeleroCount {
            attempted: attempted.unwrap_or_default(),
            completed,
            failed,
        };
        let failures = status
            .failure_reason
            .into_iter()
            .filter(|text| !text.is_empty());
        Ok(VeleroDetails {
            phase: self.record.phase.clone(),
            format_version: status.format_version,
            server_version: record
                .metadata
                .annotations
                .get("velero.io/source-cluster-k8s-gitversion")
                .cloned(),
            started: self.record.started,
            completed: self.record.completed,
            expires: status.expiration,
            total_items: status.progress.total_items,
            items: status.progress.items_backed_up,
            failures: failures.chain(status.validation_errors).collect(),
            spec: record.spec,
            hooks: count(status.hook_status.hooks_attempted, None, {
                let failed = status.hook_status.hooks_failed;
                Some(failed.unwrap_or_default())
            }),
            volume_snapshots: count(
                status.volume_snapshots_attempted,
                Some(status.volume_snapshots_completed.unwrap_or_default()),
                None,
            ),
            csi_snapshots: count(
                status.csi_volume_snapshots_attempted,
                Some(status.csi_volume_snapshots_completed.unwrap_or_default()),
                None,
            ),
            item_operations: count(
                status.backup_item_operations_attempted,
                Some(status.backup_item_operations_completed.unwrap_or_default()),
                Some(status.backup_item_operations_failed.unwrap_or_default()),
            ),
            volumes,
            volumes_beyond,
            resources: resources
                .into_iter()
                .map(|(kind, names)| (kind, names.map_or(0, |names| names.len() as u64)))
                .collect(),
            errors: results.errors.notes(status.errors),
            warnings: results.warnings.notes(status.warnings),
            missing_files: self.missing_files().await?,
            unreadable_files,
        })
    }

    async fn velero_record(&self) -> Result<Record> {
        let key: VaultKey = self.layout.file(COMMIT_RECORD)?;
        let body = self.vault.backend().read(&key, MAX_DOCUMENT).await?;
        if Digest::of(&body) != self.record.sha256 {
            return Err(Error::new(
                ErrorKind::Conflict,
                "the backup was made anew meanwhile; open it again",
            ));
        }
        decode_document(&key, &body)
    }

    async fn missing_files(&self) -> Result<Vec<String>> {
        let mut missing = Vec::new();
        let archive = self.layout.archive_path();
        let side = SIDE_FILES.map(|suffix| self.layout.side_path(suffix));
        for path in [archive].into_iter().chain(side) {
            if !self
                .vault
                .backend()
                .exists(&self.layout.file(&path)?)
                .await?
            {
                missing.push(path);
            }
        }
        Ok(missing)
    }

    /// The names of Velero's resource list by `apiVersion/Kind`; `None` where there is none that can be read.
    pub(in crate::vault) async fn resource_list(
        &self,
    ) -> Result<Option<BTreeMap<String, Option<Vec<String>>>>> {
        let path = self.layout.side_path("resource-list.json.gz");
        match side_file(self, &path).await {
            Err(error) if error.kind() == ErrorKind::Corrupt => Ok(None),
            read => read,
        }
    }
}

//! The commit record: Velero's `velero-backup.json`, and what its files tell.

mod details;
mod results;
mod volume;

pub use details::{VeleroCount, VeleroDetails};
pub(crate) use results::results;
pub use volume::VeleroVolume;

use super::layout::COMMIT_RECORD;
use crate::{
    Error, Result,
    archive::Digest,
    backup::BackupReport,
    port::VaultKey,
    report::Outcome,
    spec::{BackupSpec, ClusterScope},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Annotation that holds the manifest's SHA-256.
const MANIFEST_HASH: &str = "csdr.alibabacloud.com/manifest-sha256";
/// Annotation that holds the id of the operation that wrote the backup.
const OPERATION: &str = "csdr.alibabacloud.com/operation";

/// What csdr reads of a commit record, its own or Velero's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommitRecord {
    /// SHA-256 of the record itself.
    pub(crate) sha256: Digest,
    pub(crate) manifest_sha256: Option<String>,
    pub(crate) operation: Option<String>,
    pub(crate) phase: String,
    pub(crate) started: Option<Timestamp>,
    pub(crate) completed: Option<Timestamp>,
    pub(crate) objects: Option<u64>,
    pub(crate) warnings: u64,
    pub(crate) errors: u64,
    pub(crate) included_namespaces: Vec<String>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default, rename = "apiVersion")]
    api_version: String,
    kind: String,
    metadata: Metadata,
    #[serde(default)]
    spec: Option<Spec>,
    #[serde(default)]
    status: Option<Status>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default)]
    included_namespaces: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(default)]
    phase: Option<String>,
    #[serde(default)]
    start_timestamp: Option<Timestamp>,
    #[serde(default)]
    completion_timestamp: Option<Timestamp>,
    #[serde(default)]
    warnings: Option<u64>,
    #[serde(default)]
    errors: Option<u64>,
    #[serde(default)]
    progress: Option<Progress>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    #[serde(default)]
    items_backed_up: Option<u64>,
}

impl CommitRecord {
    pub(crate) fn decode(key: &VaultKey, body: &[u8]) -> Result<Self> {
        let document: Document = super::decode_document(key, body)?;
        // Source: velero.md section 1.5: since 1.0 only velero.io/v1.
        if document.kind != "Backup" || document.api_version != "velero.io/v1" {
            return Err(
                Error::corrupt(format!("{COMMIT_RECORD} is not a velero.io/v1 Backup"))
                    .with_context("key", key)
                    .with_context("kind", document.kind.escape_debug()),
            );
        }
        let status = document.status.unwrap_or_default();
        let mut annotations = document.metadata.annotations.unwrap_or_default();
        Ok(Self {
            sha256: Digest::of(body),
            manifest_sha256: annotations.remove(MANIFEST_HASH),
            operation: annotations.remove(OPERATION),
            phase: status.phase.unwrap_or_default(),
            started: status.start_timestamp,
            completed: status.completion_timestamp,
            objects: status
                .progress
                .and_then(|progress| progress.items_backed_up),
            warnings: status.warnings.unwrap_or_default(),
            errors: status.errors.unwrap_or_default(),
            included_namespaces: document
                .spec
                .and_then(|spec| spec.included_namespaces)
                .unwrap_or_default(),
        })
    }

    /// What the record tells besides the manifest's hash, each with whether the run's report and spec tell the same.
    pub(super) fn facts_of(
        &self,
        report: &BackupReport,
        spec: &BackupSpec,
    ) -> [(&'static str, bool); 6] {
        [
            ("phase", self.phase == phase_of(report.outcome)),
            ("number of objects", self.objects == Some(report.objects)),
            ("start", self.started == Some(report.started)),
            ("number of warnings", self.warnings == report.warnings.len()),
            ("number of errors", self.errors == report.errors.len()),
            (
                "choice of namespaces",
                self.included_namespaces == namespaces_of(spec),
            ),
        ]
    }

    /// Whether Velero is still writing or deleting it: its archive may be missing, and may be another one tomorrow.
    ///
    /// Source: velero.md sections 1.2 and 2.10.
    pub(super) fn is_unfinished(&self) -> bool {
        !matches!(
            self.phase.as_str(),
            "Completed" | "PartiallyFailed" | "Failed" | "FailedValidation"
        )
    }

    /// Whether it says of itself that csdr wrote it.
    pub(super) fn is_signed(&self) -> bool {
        self.manifest_sha256.is_some() || self.operation.is_some()
    }
}

fn phase_of(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Completed => "Completed",
        _ => "PartiallyFailed",
    }
}

fn namespaces_of(spec: &BackupSpec) -> Vec<String> {
    if spec.included_namespaces.is_empty() {
        vec!["*".to_owned()]
    } else {
        spec.included_namespaces.clone()
    }
}

/// Filters that Velero's spec has under the same name and in the same form.
const AS_IN_VELERO: [&str; 9] = [
    "excludedNamespaces",
    "includedResources",
    "excludedResources",
    "includedClusterScopedResources",
    "excludedClusterScopedResources",
    "includedNamespaceScopedResources",
    "excludedNamespaceScopedResources",
    "labelSelector",
    "orLabelSelectors",
];

/// Writes the commit record as Velero ≥ 1.4 reads it (velero.md sections 1.6 and 8.3). Without `status.expiration`: Velero's
/// collector would delete the backup and orphan its volumes. The spec that a restore of csdr's goes by is `csdr/spec.json`: this one
/// tells Velero's users what was asked, as far as Velero has words for it.
///
/// # Errors
/// Never for a spec that was validated.
pub(crate) fn commit_record(
    spec: &BackupSpec,
    report: &BackupReport,
    server_version: &str,
    manifest_sha256: &str,
) -> Result<Value> {
    let asked = serde_json::to_value(spec)
        .map_err(|error| Error::invalid("spec cannot be written as JSON").with_source(error))?;
    let mut velero = json!({
        "metadata": {},
        "includedNamespaces": namespaces_of(spec),
        "hooks": spec.hooks,
        "storageLocation": "default",
    });
    for name in AS_IN_VELERO {
        if let Some(value) = asked.get(name) {
            velero[name] = value.clone();
        }
    }
    if let Some(ordered) = asked.get("orderedResources").and_then(Value::as_object) {
        let joined = |names: &Value| {
            let names = names.as_array().into_iter().flatten();
            names
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(",")
        };
        let ordered = ordered.iter().map(|(kind, names)| (kind, joined(names)));
        velero["orderedResources"] = json!(ordered.collect::<BTreeMap<_, _>>());
    }
    match spec.cluster_scoped {
        ClusterScope::Auto => {}
        ClusterScope::Include => velero["includeClusterResources"] = json!(true),
        ClusterScope::Exclude => velero["includeClusterResources"] = json!(false),
    }
    let mut annotations =
        json!({ MANIFEST_HASH: manifest_sha256, OPERATION: report.operation.to_string() });
    if !server_version.is_empty() {
        let [major, minor] = release(server_version);
        let mut annotate = |name: &str, value: &str| {
            annotations[format!("velero.io/source-cluster-k8s-{name}")] = json!(value);
        };
        annotate("gitversion", server_version);
        annotate("major-version", major);
        annotate("minor-version", minor);
    }
    let mut record = json!({
        "kind": "Backup",
        "apiVersion": "velero.io/v1",
        "metadata": {
            "name": spec.name,
            "namespace": "velero",
            "labels": { "velero.io/storage-location": "default" },
            "annotations": annotations,
        },
        "spec": velero,
        "status": {
            "version": 1,
            "formatVersion": "1.1.0",
            "phase": phase_of(report.outcome),
            "startTimestamp": report.started.to_string(),
            "completionTimestamp": report.ended.to_string(),
            "warnings": report.warnings.len(),
            "errors": report.errors.len(),
            "progress": { "totalItems": report.objects, "itemsBackedUp": report.objects },
            "hookStatus": {},
        },
    });
    if !report.hooks.is_empty() {
        record["status"]["hookStatus"] = json!({
            "hooksAttempted": report.hooks.attempted,
            "hooksFailed": report.hooks.failed,
        });
    }
    Ok(record)
}

/// Major and minor number of `v1.36.3`.
fn release(version: &str) -> [&str; 2] {
    let mut numbers = version.trim_start_matches('v').split('.');
    [(); 2].map(|()| numbers.next().unwrap_or_default())
}

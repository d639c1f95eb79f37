//! What became of the volumes' data in a backup of Velero's.

use super::details::{SideFiles, or_default};
use crate::Result;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// Most volumes of one backup that are told.
const MAX_VOLUMES: usize = 10_000;

/// One volume of a backup of Velero's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VeleroVolume {
    /// The claim as `namespace/name`; empty if not told.
    pub claim: String,
    /// The persistent volume; empty if not told.
    pub volume: String,
    /// `NativeSnapshot`, `PodVolumeBackup` or `CSISnapshot`; empty if its data was not backed up.
    pub method: String,
    /// Whether the data was moved out of the snapshot.
    pub moved: bool,
    /// The snapshot's handle in its storage or repository; empty if not told.
    pub handle: String,
    /// Bytes; 0 if not told.
    pub size: u64,
    /// `succeeded`, `failed`, or the phase that an older Velero tells.
    pub result: String,
    /// Why its data was not backed up.
    pub skipped: String,
}

impl fmt::Display for VeleroVolume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.claim.as_str(), self.volume.as_str()) {
            ("", volume) => write!(f, "volume {volume}")?,
            (claim, "") => write!(f, "claim {claim}")?,
            (claim, volume) => write!(f, "claim {claim} (volume {volume})")?,
        }
        if self.method.is_empty() {
            return write!(
                f,
                ": not backed up{}",
                lead(": ", self.skipped.trim_end_matches(';'))
            );
        }
        write!(f, ": {}", self.method)?;
        if self.moved {
            f.write_str(", data moved")?;
        }
        if self.size > 0 {
            write!(f, ", {} bytes", self.size)?;
        }
        f.write_str(&lead(", handle ", &self.handle))?;
        f.write_str(&lead(", ", &self.result))
    }
}

fn lead(lead: &str, text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("{lead}{text}")
    }
}

/// `-volumeinfo.json.gz`, since Velero 1.13.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Info {
    pvc_name: String,
    pvc_namespace: String,
    pv_name: String,
    backup_method: String,
    snapshot_data_moved: bool,
    skipped: bool,
    skipped_reason: String,
    result: String,
    #[serde(deserialize_with = "or_default")]
    csi_snapshot_info: Snapshot,
    #[serde(deserialize_with = "or_default")]
    snapshot_data_movement_info: Snapshot,
    #[serde(deserialize_with = "or_default")]
    native_snapshot_info: Snapshot,
    #[serde(deserialize_with = "or_default")]
    pvb_info: Snapshot,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Snapshot {
    snapshot_handle: String,
    size: i64,
    /// Without a tag in Go: capitalised.
    #[serde(rename = "Phase", alias = "phase")]
    phase: String,
}

impl From<Info> for VeleroVolume {
    fn from(info: Info) -> Self {
        let snapshot = match info.backup_method.as_str() {
            _ if info.snapshot_data_moved => info.snapshot_data_movement_info,
            "NativeSnapshot" => info.native_snapshot_info,
            "PodVolumeBackup" => info.pvb_info,
            _ => info.csi_snapshot_info,
        };
        let result = if info.result.is_empty() {
            snapshot.phase
        } else {
            info.result
        };
        Self {
            claim: claim(&info.pvc_namespace, &info.pvc_name),
            volume: info.pv_name,
            method: if info.skipped {
                String::new()
            } else {
                info.backup_method
            },
            moved: info.snapshot_data_moved,
            handle: snapshot.snapshot_handle,
            size: u64::try_from(snapshot.size).unwrap_or_default(),
            result,
            skipped: info.skipped_reason,
        }
    }
}

/// `-volumesnapshots.json.gz`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Native {
    #[serde(deserialize_with = "or_default")]
    spec: NativeSpec,
    #[serde(deserialize_with = "or_default")]
    status: NativeStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NativeSpec {
    persistent_volume_name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NativeStatus {
    #[serde(rename = "providerSnapshotID")]
    provider_snapshot_id: String,
    phase: String,
}

/// `-podvolumebackups.json.gz` and `-csi-volumesnapshots.json.gz`: whole objects.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Whole {
    #[serde(deserialize_with = "or_default")]
    metadata: WholeMetadata,
    #[serde(deserialize_with = "or_default")]
    spec: WholeSpec,
    #[serde(deserialize_with = "or_default")]
    status: WholeStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WholeMetadata {
    namespace: String,
    #[serde(deserialize_with = "or_default")]
    annotations: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WholeSpec {
    #[serde(deserialize_with = "or_default")]
    pod: Pod,
    volume: String,
    #[serde(deserialize_with = "or_default")]
    source: SnapshotSource,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pod {
    namespace: String,
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SnapshotSource {
    #[serde(deserialize_with = "or_default")]
    persistent_volume_claim_name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WholeStatus {
    phase: String,
    #[serde(rename = "snapshotID")]
    snapshot_id: String,
    #[serde(deserialize_with = "or_default")]
    progress: Bytes,
    #[serde(deserialize_with = "or_default")]
    bound_volume_snapshot_content_name: String,
    ready_to_use: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Bytes {
    total_bytes: i64,
}

/// Every volume that the files tell of, and how many there are beyond the bound. Before 1.13 there is no volumeinfo: then the lists of
/// snapshots and pod volumes tell. Source: velero.md section 1.5.
pub(super) async fn of(files: &mut SideFiles<'_>) -> Result<(Vec<VeleroVolume>, u64)> {
    let mut volumes: Vec<VeleroVolume> = Vec::new();
    let infos: Option<Vec<Info>> = files.read("volumeinfo.json.gz").await?;
    if let Some(infos) = infos {
        volumes.extend(infos.into_iter().map(VeleroVolume::from));
    } else {
        let native: Option<Vec<Native>> = files.read("volumesnapshots.json.gz").await?;
        volumes.extend(native.into_iter().flatten().map(native_volume));
        let pods: Option<Vec<Whole>> = files.read("podvolumebackups.json.gz").await?;
        volumes.extend(pods.into_iter().flatten().map(pod_volume));
        let csi: Option<Vec<Whole>> = files.read("csi-volumesnapshots.json.gz").await?;
        volumes.extend(csi.into_iter().flatten().map(csi_volume));
    }
    let beyond = volumes.len().saturating_sub(MAX_VOLUMES) as u64;
    volumes.truncate(MAX_VOLUMES);
    Ok((volumes, beyond))
}

fn native_volume(snapshot: Native) -> VeleroVolume {
    VeleroVolume {
        volume: snapshot.spec.persistent_volume_name,
        method: "NativeSnapshot".to_owned(),
        handle: snapshot.status.provider_snapshot_id,
        result: snapshot.status.phase,
        ..VeleroVolume::default()
    }
}

fn pod_volume(backup: Whole) -> VeleroVolume {
    let pod = &backup.spec.pod;
    let name = backup.metadata.annotations.get("velero.io/pvc-name");
    VeleroVolume {
        claim: claim(&pod.namespace, name.map_or("", String::as_str)),
        volume: match name {
            Some(_) => String::new(),
            // A volume of a pod without a claim.
            None => format!(
                "{} of pod {}/{}",
                backup.spec.volume, pod.namespace, pod.name
            ),
        },
        method: "PodVolumeBackup".to_owned(),
        handle: backup.status.snapshot_id,
        size: u64::try_from(backup.status.progress.total_bytes).unwrap_or_default(),
        result: backup.status.phase,
        ..VeleroVolume::default()
    }
}

fn csi_volume(snapshot: Whole) -> VeleroVolume {
    let ready = match snapshot.status.ready_to_use {
        Some(true) => "ready",
        _ => "not ready",
    };
    VeleroVolume {
        claim: claim(
            &snapshot.metadata.namespace,
            &snapshot.spec.source.persistent_volume_claim_name,
        ),
        method: "CSISnapshot".to_owned(),
        handle: snapshot.status.bound_volume_snapshot_content_name,
        result: ready.to_owned(),
        ..VeleroVolume::default()
    }
}

fn claim(namespace: &str, name: &str) -> String {
    if name.is_empty() {
        String::new()
    } else {
        format!("{namespace}/{name}")
    }
}

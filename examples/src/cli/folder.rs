//! Folders of manifests, as source and as target.

use super::context::whole_path;
use csdr_core::{
    Error, ErrorKind, Result,
    manifest::ManifestDir,
    memory::MemoryVault,
    model::{ApiResource, GroupResource, ObjectId, ServedVersion, builtin},
    port::{VaultBackend, VaultKey},
    vault::StoredBackup,
};
use csdr_storage::OpendalVault;
use futures::TryStreamExt;
use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

/// A folder of manifests, or one file.
pub(super) fn source(path: &Path) -> Result<ManifestDir> {
    let whole = whole_path(path)?;
    let about = |error: Error| {
        error
            .with_operation("read manifests")
            .with_context("path", path.display())
    };
    let meta = fs::metadata(&whole).map_err(|source| {
        about(
            from_io(&source, "there are no manifests at this path; check --from")
                .with_source(source),
        )
    })?;
    if meta.is_dir() {
        return Ok(ManifestDir::new(
            Arc::new(OpendalVault::fs(whole)),
            VaultKey::root(),
        ));
    }
    let (Some(folder), Some(name)) = (whole.parent(), whole.file_name()) else {
        return Err(about(Error::invalid("neither a folder nor a file")));
    };
    let name = name
        .to_str()
        .ok_or_else(|| about(Error::invalid("a file's name must be UTF-8; rename it")))?;
    let key = VaultKey::parse(name).map_err(about)?;
    Ok(ManifestDir::new(Arc::new(OpendalVault::fs(folder)), key))
}

/// Makes a folder that objects are rendered into.
pub(super) fn make(path: &Path) -> Result<()> {
    fs::create_dir_all(whole_path(path)?).map_err(|source| {
        from_io(&source, "cannot make the folder; check --to")
            .with_operation("render manifests")
            .with_context("path", path.display())
            .with_source(source)
    })
}

/// A folder that objects are rendered into; where there is none yet, an empty one stands in for the plan. Kinds of the backup that are neither built in nor defined by it are
/// known there as well: a folder need not serve what it holds.
pub(super) async fn target(path: &Path, backup: &StoredBackup) -> Result<ManifestDir> {
    let whole = whole_path(path)?;
    let store: Arc<dyn VaultBackend> = if whole.exists() {
        Arc::new(OpendalVault::fs(whole))
    } else {
        Arc::new(MemoryVault::new())
    };
    let folder = ManifestDir::new(store, VaultKey::root());
    Ok(declared(backup)
        .await?
        .into_iter()
        .fold(folder, ManifestDir::with_resource))
}

/// Kinds of the backup that are neither built in nor defined by it: a backup of a namespace holds custom resources without their
/// definition.
pub(super) async fn declared(backup: &StoredBackup) -> Result<Vec<ApiResource>> {
    let mut seen = BTreeSet::new();
    let mut unknown: Vec<(ObjectId, String)> = Vec::new();
    let mut rows = backup.rows();
    while let Some(row) = rows.try_next().await? {
        let resource = row.id.resource();
        if row.preferred && !seen.contains(resource) {
            seen.insert(resource.clone());
            if builtin::resource(resource).is_none() {
                unknown.push((row.id, row.version));
            }
        }
    }
    let mut kinds = Vec::new();
    for (id, version) in unknown {
        let resource = id.resource();
        if backup.object(&definition_of(resource)?).await?.is_some() {
            continue;
        }
        if let Some(object) = backup.object(&id).await? {
            kinds.push(ApiResource {
                resource: resource.clone(),
                kind: object.meta().kind.kind.clone(),
                namespaced: id.namespace().is_some(),
                versions: vec![ServedVersion {
                    version,
                    verbs: [
                        "create", "delete", "get", "list", "patch", "update", "watch",
                    ]
                    .map(str::to_owned)
                    .to_vec(),
                }],
                short_names: Vec::new(),
            });
        }
    }
    Ok(kinds)
}

/// The CustomResourceDefinition of a resource; its name is `<plural>.<group>`.
pub(super) fn definition_of(resource: &GroupResource) -> Result<ObjectId> {
    let definitions = GroupResource::new("apiextensions.k8s.io", "customresourcedefinitions")?;
    let name = format!("{}.{}", resource.resource(), resource.group());
    ObjectId::new(definitions, None, name)
}

/// Whether a folder has no visible file; one that does not exist has none.
pub(super) fn is_empty(path: &Path) -> Result<bool> {
    let failed = |source: std::io::Error| {
        from_io(&source, "cannot look into the folder; check --to")
            .with_context("path", path.display())
            .with_source(source)
    };
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        if !entry
            .map_err(failed)?
            .file_name()
            .as_encoded_bytes()
            .starts_with(b".")
        {
            return Ok(false);
        }
    }
    Ok(true)
}

fn from_io(error: &std::io::Error, message: &str) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NotFound,
        std::io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorKind::Exhausted,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, message)
}

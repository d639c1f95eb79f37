//! `csdr backup export`.

use super::{
    Exit,
    args::Export,
    context::Context,
    folder::{self, declared, definition_of},
    spec,
};
use csdr_core::{
    Error, ErrorKind, Result,
    manifest::{ManifestDir, yaml::to_yaml},
    memory::MemoryVault,
    model::{Object, ObjectId, builtin},
    port::{ResourceApplier, ResourceTarget, VaultKey, WriteOptions},
    restore::selected,
    spec::RestoreSpec,
    vault::StoredBackup,
};
use futures::TryStreamExt;
use std::{collections::BTreeSet, path::Path, sync::Arc};

/// Objects go the way of a restore into a folder: without what belongs to a server, and without a plan, a mapping or a record.
pub(super) async fn export(cx: &Context, args: &Export) -> Result<Exit> {
    let vault = cx.vault().await?;
    let opened = cx.open(&vault, &args.name, &args.scratch).await?;
    let backup = &opened.backup;
    match (&args.object, &args.to) {
        (Some(id), None) => {
            let object = cx.unless_cancelled("export", rendered(backup, id)).await?;
            cx.console.print(to_yaml(&object.tree()?).trim_end())?;
            Ok(Exit::Complete)
        }
        (Some(id), Some(to)) => {
            let folder = empty_folder(to, backup).await?;
            let writing = async {
                define(&folder, backup, id).await?;
                write(&folder, &object(backup, id).await?).await
            };
            cx.unless_cancelled("export", writing).await?;
            cx.console
                .print(&format!("1 object is written into {}", to.display()))?;
            Ok(Exit::Complete)
        }
        (None, Some(to)) => {
            let folder = empty_folder(to, backup).await?;
            let writing = async {
                let chosen = match spec::export(args)? {
                    Some(spec) => Some(chosen(&folder, backup, &spec).await?),
                    None => None,
                };
                all(cx, &folder, backup, chosen.as_ref()).await
            };
            let ended = cx.unless_cancelled("export", writing).await?;
            cx.console.print(&format!(
                "{} objects are written into {}",
                ended.written,
                to.display()
            ))?;
            if ended.failed == 0 {
                return Ok(Exit::Complete);
            }
            cx.console.line(&format!(
                "error: {} objects could not be written; the lines above say why",
                ended.failed
            ));
            Ok(Exit::Partial)
        }
        (None, None) => Err(Error::invalid(
            "where to? write --to DIR, or --object ID for one object",
        )),
    }
}

#[derive(Default)]
struct Ended {
    written: u64,
    failed: u64,
}

/// The objects that a restore of this spec would select.
async fn chosen(
    folder: &ManifestDir,
    backup: &StoredBackup,
    spec: &RestoreSpec,
) -> Result<BTreeSet<ObjectId>> {
    let discovery = ResourceTarget::discover(folder).await?;
    let chosen = selected(backup, spec, &discovery).await?;
    if chosen.is_empty() {
        return Err(Error::invalid(
            "nothing is selected; check namespaces, resources, labels and names",
        )
        .with_operation("export")
        .with_context("backup", backup.name()));
    }
    Ok(chosen)
}

async fn all(
    cx: &Context,
    folder: &ManifestDir,
    backup: &StoredBackup,
    chosen: Option<&BTreeSet<ObjectId>>,
) -> Result<Ended> {
    let mut ended = Ended::default();
    // Definitions first: the folder takes objects of kinds that it knows.
    for definitions in [true, false] {
        let mut objects = backup.all_objects();
        while let Some(object) = objects.try_next().await? {
            let wanted = chosen.is_none_or(|chosen| chosen.contains(object.id()));
            if !wanted || is_definition(object.id()) != definitions {
                continue;
            }
            match write(folder, &object).await {
                Ok(_) => ended.written += 1,
                // One object that no file can hold does not keep the others; a full disk does.
                Err(error)
                    if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::NotFound) =>
                {
                    ended.failed += 1;
                    cx.console.error(&error.with_context("object", object.id()));
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(ended)
}

async fn empty_folder(to: &Path, backup: &StoredBackup) -> Result<ManifestDir> {
    if !folder::is_empty(to)? {
        return Err(Error::invalid(
            "the folder is not empty; name a new one, nothing is overwritten",
        )
        .with_operation("export")
        .with_context("folder", to.display()));
    }
    folder::make(to)?;
    folder::target(to, backup).await
}

async fn rendered(backup: &StoredBackup, id: &ObjectId) -> Result<Object> {
    let object = object(backup, id).await?;
    let mut folder = ManifestDir::new(Arc::new(MemoryVault::new()), VaultKey::root());
    if builtin::resource(id.resource()).is_none() {
        folder = declared(backup)
            .await?
            .into_iter()
            .fold(folder, ManifestDir::with_resource);
    }
    define(&folder, backup, id).await?;
    write(&folder, &object).await
}

/// Brings in the definition of a custom object, if the backup has it.
async fn define(folder: &ManifestDir, backup: &StoredBackup, id: &ObjectId) -> Result<()> {
    if builtin::resource(id.resource()).is_none()
        && let Some(definition) = backup.object(&definition_of(id.resource())?).await?
    {
        write(folder, &definition).await?;
    }
    Ok(())
}

async fn object(backup: &StoredBackup, id: &ObjectId) -> Result<Object> {
    backup.object(id).await?.ok_or_else(|| {
        Error::new(
            ErrorKind::NotFound,
            "the backup does not hold this object; write it as resource[.group]/[namespace/]name, plural and in full",
        )
        .with_operation("export")
        .with_context("object", id)
        .with_context("backup", backup.name())
    })
}

/// Writes one object; a resourceVersion is the server's own and goes first.
async fn write(folder: &ManifestDir, object: &Object) -> Result<Object> {
    let mut tree = object.tree()?;
    tree.remove(&["metadata", "resourceVersion"]);
    let object = Object::from_tree(object.id().resource().clone(), &tree)?;
    folder.create(&object, &WriteOptions::default()).await
}

fn is_definition(id: &ObjectId) -> bool {
    let resource = id.resource();
    resource.resource() == "customresourcedefinitions" && resource.group() == "apiextensions.k8s.io"
}

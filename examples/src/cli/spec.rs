//! From flags or a file to a spec.

use super::args::{BackupCreate, Export, RestorePlan, Roots, Selection};
use csdr_core::{
    Error, ErrorKind, Result,
    modifier::ResourceModifierSpec,
    spec::{BackupSpec, RestoreSpec},
};
use std::{io::Read, path::Path};

/// More than any spec may have; the reader of specs refuses it with its own words.
const SPEC_BYTES: u64 = (1 << 20) + 1;

/// What to back up.
pub(super) fn backup(args: &BackupCreate) -> Result<BackupSpec> {
    let selection = &args.selection;
    let spec = match &selection.spec {
        Some(file) => {
            let spec = BackupSpec::from_yaml(&text(file)?).map_err(|error| in_file(error, file))?;
            same("backup", "name", &args.name, &spec.name, file)?;
            spec
        }
        None => {
            let mut spec = BackupSpec {
                name: args.name.clone(),
                included_namespaces: selection.namespaces.clone(),
                excluded_namespaces: selection.excluded_namespaces.clone(),
                included_resources: selection.resources.clone(),
                excluded_resources: selection.excluded_resources.clone(),
                label_selector: selection.selector.clone().unwrap_or_default(),
                cluster_scoped: scope(selection),
                api_versions: args.api_versions.map(Into::into).unwrap_or_default(),
                ..BackupSpec::default()
            };
            selection.objects.of_backup(&mut spec);
            args.filters.of_backup(&mut spec);
            spec
        }
    };
    spec.validate()
        .map_err(|error| error.with_operation("read command line"))?;
    Ok(spec)
}

/// What to restore.
pub(super) fn restore(args: &RestorePlan) -> Result<RestoreSpec> {
    let selection = &args.selection;
    let spec = match &selection.spec {
        Some(file) => {
            let spec =
                RestoreSpec::from_yaml(&text(file)?).map_err(|error| in_file(error, file))?;
            same("restore", "name", &args.name, &spec.name, file)?;
            if let Some(backup) = &args.backup {
                same("backup", "backupName", backup, &spec.backup_name, file)?;
            }
            spec
        }
        None => {
            let mut mapping = std::collections::BTreeMap::new();
            for pair in &args.mapping {
                if mapping.insert(pair.from.clone(), pair.to.clone()).is_some() {
                    return Err(Error::invalid(
                        "one namespace is mapped twice; say once where it goes",
                    )
                    .with_operation("read command line")
                    .with_context("from", &pair.from));
                }
            }
            let mut spec = selected(&args.name, selection, &args.roots);
            spec.backup_name = args.backup.clone().unwrap_or_default();
            spec.namespace_mapping = mapping;
            spec.resource_modifiers = modifiers(args.resource_modifiers.as_deref())?;
            args.transforms.write(&mut spec)?;
            spec.existing = args.existing.map(Into::into).unwrap_or_default();
            spec
        }
    };
    spec.validate()
        .map_err(|error| error.with_operation("read command line"))?;
    Ok(spec)
}

/// The rules of a file.
fn modifiers(file: Option<&Path>) -> Result<Option<ResourceModifierSpec>> {
    let read =
        |file| ResourceModifierSpec::from_yaml(&text(file)?).map_err(|error| in_file(error, file));
    file.map(read).transpose()
}

/// What of a backup is exported; none if nothing is chosen.
pub(super) fn export(args: &Export) -> Result<Option<RestoreSpec>> {
    let selection = &args.selection;
    let mut spec = match &selection.spec {
        Some(file) => {
            let spec =
                RestoreSpec::from_yaml(&text(file)?).map_err(|error| in_file(error, file))?;
            same("backup", "backupName", &args.name, &spec.backup_name, file)?;
            spec
        }
        None => selected(&args.name, selection, &args.roots),
    };
    spec.backup_name.clone_from(&args.name);
    if spec == RestoreSpec::from_backup(&args.name) {
        return Ok(None);
    }
    spec.validate()
        .map_err(|error| error.with_operation("read command line"))?;
    Ok(Some(spec))
}

fn selected(name: &str, selection: &Selection, roots: &Roots) -> RestoreSpec {
    let mut spec = RestoreSpec {
        name: name.to_owned(),
        included_namespaces: selection.namespaces.clone(),
        excluded_namespaces: selection.excluded_namespaces.clone(),
        included_resources: selection.resources.clone(),
        excluded_resources: selection.excluded_resources.clone(),
        label_selector: selection.selector.clone().unwrap_or_default(),
        cluster_scoped: scope(selection),
        roots: roots.roots.clone(),
        ..RestoreSpec::default()
    };
    selection.objects.of_restore(&mut spec);
    spec
}

fn scope(selection: &Selection) -> csdr_core::spec::ClusterScope {
    selection.cluster_scoped.map(Into::into).unwrap_or_default()
}

/// The command line and the file must not speak of two things.
fn same(what: &str, field: &'static str, said: &str, written: &str, file: &Path) -> Result<()> {
    if said == written {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the command line names {what} {}, the spec {}; make them one",
        said.escape_debug(),
        written.escape_debug()
    ))
    .with_operation("read spec")
    .with_context("field", field)
    .with_context("file", file.display()))
}

fn in_file(error: Error, file: &Path) -> Error {
    error.with_context("file", file.display())
}

fn text(file: &Path) -> Result<String> {
    let mut text = String::new();
    std::fs::File::open(file)
        .and_then(|open| open.take(SPEC_BYTES).read_to_string(&mut text))
        .map_err(|source| {
            let kind = match source.kind() {
                std::io::ErrorKind::NotFound => ErrorKind::NotFound,
                std::io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
                _ => ErrorKind::InvalidInput,
            };
            Error::new(
                kind,
                format!("the spec cannot be read ({source}); check its path"),
            )
            .with_operation("read spec")
            .with_context("file", file.display())
            .with_source(source)
        })?;
    Ok(text)
}

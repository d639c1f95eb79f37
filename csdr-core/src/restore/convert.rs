//! Which API versions the target takes, and what becomes of one object for it.

use super::Restore;
use crate::{
    Error, ErrorKind, Result,
    archive::IndexRow,
    conversion::{Conversion, Loss, NoRouteReason, SkipReason, TargetApis},
    lifecycle,
    model::{
        CustomKind, Discovery, GroupResource, GroupVersionKind, GroupVersionResource,
        LabelSelector, Object, ObjectId,
    },
    port::ListRequest,
    vault::StoredBackup,
};
use futures::TryStreamExt;

/// Definitions are large: this is a few hundred of them.
const PAGE_BYTES: usize = 8 << 20;

/// What becomes of a stored object.
pub(super) enum Fitted {
    Object(Box<Fit>),
    Skipped(SkipReason),
    NoRoute(NoRouteReason),
}

/// An object for the target.
pub(super) struct Fit {
    pub(super) object: Object,
    /// Where it goes.
    pub(super) to: GroupVersionResource,
    /// What that loses.
    pub(super) losses: Vec<Loss>,
}

impl Restore {
    /// The object in a version that the target takes.
    pub(super) fn fit(&self, object: Object, apis: &TargetApis) -> Result<Fitted> {
        let conversion = self
            .converter
            .convert(&object, apis)
            .map_err(|error| error.with_context("object", object.id()))?;
        Ok(match conversion {
            Conversion::Unchanged => {
                let to = object.resource_version_path();
                Fitted::Object(Box::new(Fit {
                    object,
                    to,
                    losses: Vec::new(),
                }))
            }
            Conversion::Converted {
                object: converted,
                losses,
                ..
            } => {
                same(&object, &converted)?;
                // A restore writes neither status nor what the server owns.
                let counts = |loss: &Loss| {
                    !loss.path.starts_with("/status")
                        && !loss.path.starts_with("/metadata/managedFields")
                };
                Fitted::Object(Box::new(Fit {
                    to: converted.resource_version_path(),
                    object: converted,
                    losses: losses.into_iter().filter(counts).collect(),
                }))
            }
            Conversion::Skipped { reason } => Fitted::Skipped(reason),
            Conversion::NoRoute { reason } => Fitted::NoRoute(reason),
        })
    }

    /// What the target serves now, and what it will serve once the definitions of the backup that `takes` chooses are restored.
    /// Answers the names of those definitions as well: `<plural>.<group>`.
    pub(super) async fn target_apis(
        &self,
        backup: &StoredBackup,
        discovery: &Discovery,
        takes: impl Fn(&ObjectId) -> bool,
    ) -> Result<(TargetApis, Vec<GroupResource>)> {
        let apis = match &self.apis {
            Some(apis) => apis.clone(),
            None => TargetApis::from_discovery(discovery.clone())
                .with_definitions(&self.own_definitions(discovery).await?),
        };
        let definitions: GroupResource =
            "customresourcedefinitions.apiextensions.k8s.io".parse()?;
        let mut rows = backup.rows_of(&definitions)?;
        let mut kinds: Vec<CustomKind> = Vec::new();
        let mut held: Vec<IndexRow> = Vec::new();
        loop {
            let row = rows.try_next().await?;
            if let Some(first) = held.first()
                && row.as_ref().is_none_or(|row| row.id != first.id)
            {
                let best = best_version(&held, &apis);
                let object = backup.member(best.member).await?.object(best);
                // One that cannot be read or converted is told of with its own row.
                if let Ok(Fitted::Object(fit)) = object.and_then(|object| self.fit(object, &apis))
                    && let Ok(kind) = fit
                        .object
                        .tree()
                        .and_then(|tree| CustomKind::from_crd(&tree))
                {
                    kinds.push(kind);
                }
                held.clear();
            }
            match row {
                Some(row) if takes(&row.id) => held.push(row),
                Some(_) => {}
                None => break,
            }
        }
        let names = kinds.iter().map(|kind| kind.resource.resource.clone());
        let names: Vec<GroupResource> = names.collect();
        // A definition that the target has already stays as it is there (R256). What a folder holds is no target's.
        let own = match &self.apis {
            Some(apis) => apis.discovery(),
            None => discovery,
        };
        kinds.retain(|kind| own.resource(&kind.resource.resource).is_none());
        Ok((apis.with_definitions(&kinds), names))
    }

    /// What the target's own definitions say of its custom kinds: how the versions of those convert is not in its discovery. Where they
    /// may not be read, a custom resource is restored only in a version that the target serves.
    async fn own_definitions(&self, discovery: &Discovery) -> Result<Vec<CustomKind>> {
        let own = |group: &str| !group.is_empty() && !lifecycle::is_builtin_group(group);
        let mut rows = discovery.resources.iter();
        if !rows.any(|row| own(row.resource.group())) {
            return Ok(Vec::new());
        }
        let Some(row) = discovery.kind("apiextensions.k8s.io", "CustomResourceDefinition") else {
            return Ok(Vec::new());
        };
        let resource = row.preferred();
        let request = ListRequest {
            kind: GroupVersionKind {
                api_version: resource.api_version().parse()?,
                kind: row.kind.clone(),
            },
            resource,
            namespace: None,
            selector: LabelSelector::default(),
            page_bytes: PAGE_BYTES,
            from: None,
        };
        let mut kinds = Vec::new();
        let mut pages = self.target.list(request);
        loop {
            match pages.try_next().await {
                Ok(None) => return Ok(kinds),
                Ok(Some(page)) => {
                    let trees = page.objects.iter().filter_map(|object| object.tree().ok());
                    let own = trees.filter_map(|tree| CustomKind::from_crd(&tree).ok());
                    // One that is not established brings nothing yet.
                    let served =
                        |kind: &CustomKind| discovery.resource(&kind.resource.resource).is_some();
                    kinds.extend(own.filter(served));
                }
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::PermissionDenied | ErrorKind::NotFound
                    ) =>
                {
                    return Ok(kinds);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// Of the versions in which one object is stored, the one to restore: the source's preferred one if the target serves it, else the
/// best one that the target serves, else the preferred one, to be converted.
pub(super) fn best_version<'a>(stored: &'a [IndexRow], apis: &TargetApis) -> &'a IndexRow {
    let served = |row: &&IndexRow| {
        let served = apis.discovery().resource(row.id.resource());
        served.is_some_and(|served| served.serves(&row.version))
    };
    let preferred = stored.iter().find(|row| row.preferred);
    let best = stored
        .iter()
        .filter(served)
        .max_by(|a, b| crate::model::compare_versions(&a.version, &b.version));
    preferred
        .filter(served)
        .or(best)
        .or(preferred)
        .unwrap_or(&stored[0])
}

/// A converter must hand back the object that it was given.
fn same(stored: &Object, converted: &Object) -> Result<()> {
    let (old, new) = (stored.id(), converted.id());
    if old.name() == new.name() && old.namespace() == new.namespace() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unexpected,
        "the converter answered another object than it was given",
    )
    .with_context("object", old)
    .with_context("answer", new))
}

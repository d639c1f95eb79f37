//! Which API versions the target takes, and what becomes of one object for it.

use super::Restore;
use crate::{
    Error, ErrorKind, Result,
    archive::IndexRow,
    conversion::{Conversion, Loss, NoRouteReason, SkipReason, TargetApis},
    model::{CustomKind, Discovery, GroupResource, GroupVersionResource, Object, ObjectId},
    vault::StoredBackup,
};
use futures::TryStreamExt;
use std::collections::BTreeMap;

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
                Fitted::Object(Box::new(Fit {
                    to: converted.resource_version_path(),
                    object: converted,
                    losses: losses.into_iter().filter(is_restored).collect(),
                }))
            }
            Conversion::Skipped { reason } => Fitted::Skipped(reason),
            Conversion::NoRoute { reason } => Fitted::NoRoute(reason),
        })
    }

    /// What the target serves now, and what it will serve once the definitions of the backup that `takes` chooses are restored.
    /// Answers as well where those definitions are stored, by the resource that they define.
    pub(super) async fn target_apis(
        &self,
        backup: &StoredBackup,
        discovery: &Discovery,
        takes: impl Fn(&ObjectId) -> bool,
    ) -> Result<(TargetApis, BTreeMap<GroupResource, IndexRow>)> {
        let apis = match &self.apis {
            Some(apis) => apis.clone(),
            None => TargetApis::of_target(&*self.target, discovery.clone()).await?,
        };
        let definitions: GroupResource =
            "customresourcedefinitions.apiextensions.k8s.io".parse()?;
        let mut rows = backup.rows_of(&definitions)?;
        let mut kinds: Vec<CustomKind> = Vec::new();
        let mut stored: BTreeMap<GroupResource, IndexRow> = BTreeMap::new();
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
                    stored.insert(kind.resource.resource.clone(), best.clone());
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
        // A definition that the target has already stays as it is there (R256). What a folder holds is no target's.
        let own = match &self.apis {
            Some(apis) => apis.discovery(),
            None => discovery,
        };
        kinds.retain(|kind| own.resource(&kind.resource.resource).is_none());
        Ok((apis.with_definitions(&kinds), stored))
    }
}

/// Whether a loss is of something that a restore would write: it writes neither status nor what the server owns.
pub(crate) fn is_restored(loss: &Loss) -> bool {
    !loss.path.starts_with("/status") && !loss.path.starts_with("/metadata/managedFields")
}

/// Of the versions in which one object is stored, the one to restore: the source's preferred one if the target serves it, else the
/// best one that the target serves, else the preferred one, to be converted.
pub(crate) fn best_version<'a>(stored: &'a [IndexRow], apis: &TargetApis) -> &'a IndexRow {
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

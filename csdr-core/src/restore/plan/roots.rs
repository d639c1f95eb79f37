//! Some objects of a backup, and all that they need.

use crate::{
    Error, ErrorKind, Result,
    model::{Discovery, GroupResource, ObjectId},
    port::ItemAction,
    related::{Closure, needed},
    select::{LeftOut, LeftOutReason, closest},
    vault::StoredBackup,
};
use futures::TryStreamExt;
use std::{collections::BTreeSet, sync::Arc};

/// Most objects that are followed.
const MAX_OBJECTS: usize = 1_000_000;

/// The objects to restore, and what of their needs the backup does not hold.
#[derive(Debug)]
pub(super) struct Rooted {
    pub(super) ids: BTreeSet<ObjectId>,
    pub(super) left_out: Vec<LeftOut>,
}

/// Follows what `roots` need through the backup.
///
/// # Errors
/// `NotFound` for a root that the backup does not hold; the backup's.
pub(super) async fn rooted(
    backup: &StoredBackup,
    discovery: &Discovery,
    roots: &[ObjectId],
) -> Result<Rooted> {
    let actions: Vec<Arc<dyn ItemAction>> = needed();
    let mut closure = Closure::new(&actions, discovery, MAX_OBJECTS);
    let mut ids = BTreeSet::new();
    let mut left_out = Vec::new();
    for id in roots {
        let Some(object) = backup.object(id).await? else {
            return Err(not_held(backup, id).await?);
        };
        closure.captured(&object)?;
        ids.insert(id.clone());
    }
    // Once they were looked at, whatever is found later finds those that serve it.
    for resource in resources_of_servants(backup, &closure).await? {
        let mut rows = backup.rows_of(&resource)?;
        while let Some(row) = rows.try_next().await? {
            if row.preferred {
                let object = backup.member(row.member).await?.object(&row)?;
                closure.candidate(&object, &|_| false)?;
            }
        }
    }
    loop {
        let found = closure.take();
        if found.is_empty() {
            break;
        }
        for found in found {
            match backup.object(&found.id).await? {
                Some(object) => {
                    closure.captured(&object)?;
                    ids.insert(found.id);
                }
                None => {
                    let mut left = LeftOut::object(&found.id, LeftOutReason::Missing);
                    left.detail = format!("needed by {}; the backup does not hold it", found.by);
                    left_out.push(left);
                }
            }
        }
    }
    for (target, (by, _)) in &closure.unknown {
        let detail = format!("the target does not serve its kind; needed by {by}");
        left_out.push(LeftOut::rule(
            target.to_string(),
            LeftOutReason::Missing,
            detail,
        ));
    }
    for (id, error) in &closure.unread {
        let mut left = LeftOut::object(id, LeftOutReason::Unreadable);
        left.detail = format!("what it needs is not known: {}", error.chain());
        left_out.push(left);
    }
    let namespaces: BTreeSet<ObjectId> = ids
        .iter()
        .filter_map(|id| ObjectId::new("namespaces".parse().ok()?, None, id.namespace()?).ok())
        .collect();
    ids.extend(namespaces);
    Ok(Rooted { ids, left_out })
}

/// Resources of the backup whose objects may serve others.
async fn resources_of_servants(
    backup: &StoredBackup,
    closure: &Closure<'_>,
) -> Result<BTreeSet<GroupResource>> {
    let mut found = BTreeSet::new();
    let mut last: Option<GroupResource> = None;
    let mut rows = backup.rows();
    while let Some(row) = rows.try_next().await? {
        let resource = row.id.resource();
        if last.as_ref() != Some(resource) {
            if closure.wanted(resource).all {
                found.insert(resource.clone());
            }
            last = Some(resource.clone());
        }
    }
    Ok(found)
}

async fn not_held(backup: &StoredBackup, id: &ObjectId) -> Result<Error> {
    let mut names = BTreeSet::new();
    let mut rows = backup.rows();
    while let Some(row) = rows.try_next().await? {
        if names.len() < MAX_OBJECTS {
            names.insert(row.id.to_string());
        }
    }
    let near = closest(&id.to_string(), names.iter().map(String::as_str));
    let advice = near.map(|near| format!("; did you mean {near}?"));
    Ok(Error::new(
        ErrorKind::NotFound,
        format!(
            "the backup does not hold this object; write it as resource[.group]/[namespace/]name{}",
            advice.unwrap_or_default()
        ),
    )
    .with_operation("plan restore")
    .with_context("object", id)
    .with_context("backup", backup.name()))
}

//! What a plan finds out about volumes and classes before it looks at single objects.

use super::existing::list_request;
use crate::{
    Error, ErrorKind, Result,
    archive::{IndexRow, Member, MemberSpan},
    model::{Discovery, GroupResource, GroupVersionResource, Object, ObjectId, Tree},
    restore::{Restore, row::Row},
    spec::RestoreSpec,
    transform::{ClassFacts, Surroundings, VolumeFacts, VolumeFate},
    vault::StoredBackup,
};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// How many volumes are asked for at the same time.
const LOOKS: usize = 8;

/// Volumes and classes of the backup.
#[derive(Debug)]
pub(super) struct Stored {
    /// Those whose claim is selected, and those that nobody has claimed.
    volumes: Vec<VolumeFacts>,
    /// Those that are selected.
    classes: BTreeMap<String, ClassFacts>,
}

impl Stored {
    /// Reads them; one that is damaged is told of with its own row.
    pub(super) async fn read(
        backup: &StoredBackup,
        takes: impl Fn(&ObjectId) -> bool,
    ) -> Result<Self> {
        let claims: GroupResource = "persistentvolumeclaims".parse()?;
        let mut volumes = Vec::new();
        each(
            backup,
            &"persistentvolumes".parse()?,
            |_| true,
            |tree| {
                let volume = VolumeFacts::of(tree);
                let taken = match &volume.claim {
                    None => true,
                    Some((namespace, name)) => {
                        ObjectId::new(claims.clone(), Some(namespace.clone()), name.as_str())
                            .is_ok_and(|claim| takes(&claim))
                    }
                };
                if taken {
                    volumes.push(volume);
                }
            },
        )
        .await?;
        let mut classes = BTreeMap::new();
        each(
            backup,
            &"storageclasses.storage.k8s.io".parse()?,
            takes,
            |tree| {
                let name = tree.text_at(&["metadata", "name"]).unwrap_or_default();
                classes.insert(name.to_owned(), ClassFacts::of(tree));
            },
        )
        .await?;
        Ok(Self { volumes, classes })
    }

    /// Volumes with the namespace and name of their claim.
    pub(super) fn bound(&self) -> Arc<BTreeMap<String, (String, String)>> {
        let bound = self.volumes.iter();
        let bound = bound.filter_map(|volume| Some((volume.name.clone(), volume.claim.clone()?)));
        Arc::new(bound.collect())
    }

    /// What the transforms must know: nothing if no row has to do with volumes.
    pub(super) async fn known(
        self,
        restore: &Restore,
        spec: &RestoreSpec,
        discovery: &Discovery,
        stored: &[GroupVersionResource],
        rows: &[Row],
    ) -> Result<Surroundings> {
        let has_claims = |kind: &GroupVersionResource| {
            matches!(
                (&*kind.group, &*kind.resource),
                ("", "persistentvolumeclaims" | "persistentvolumes") | ("apps", "statefulsets")
            )
        };
        if !stored.iter().any(has_claims) {
            return Ok(Surroundings::default());
        }
        let is_volume = |row: &&Row| {
            let kind = stored.get(usize::from(row.kind));
            kind.is_some_and(|kind| kind.group.is_empty() && kind.resource == "persistentvolumes")
        };
        let selected: BTreeSet<&str> = rows
            .iter()
            .filter(is_volume)
            .map(|row| &*row.name)
            .collect();
        let there = restore
            .volumes_there(spec, &self.volumes, &selected)
            .await?;
        let mut volumes = BTreeMap::new();
        for volume in &self.volumes {
            let fate = VolumeFate::of(volume, there.get(&volume.name), |namespace| {
                spec.map_namespace(namespace)
            });
            // One that is neither restored nor made anew is not the restore's.
            if fate == VolumeFate::Provision || selected.contains(volume.name.as_str()) {
                volumes.insert(volume.name.clone(), fate);
            }
        }
        Ok(Surroundings {
            volumes,
            classes: restore.classes(discovery, self.classes).await?,
            ..Surroundings::default()
        })
    }
}

/// Goes through the stored objects of a resource that a filter lets pass.
async fn each(
    backup: &StoredBackup,
    resource: &GroupResource,
    takes: impl Fn(&ObjectId) -> bool,
    mut look: impl FnMut(&Tree),
) -> Result<()> {
    let mut rows = backup.rows_of(resource)?;
    let mut held: Option<(MemberSpan, Member)> = None;
    while let Some(row) = rows.try_next().await? {
        if !row.preferred || !takes(&row.id) {
            continue;
        }
        let member = match held.take() {
            Some((span, member)) if span == row.member => Ok(member),
            _ => backup.member(row.member).await,
        };
        let member = match member {
            Ok(member) => member,
            Err(error) if is_damage(&error) => continue,
            Err(error) => return Err(error),
        };
        if let Ok(tree) = tree_of(&member, &row) {
            look(&tree);
        }
        held = Some((row.member, member));
    }
    Ok(())
}

fn tree_of(member: &Member, row: &IndexRow) -> Result<Tree> {
    member.object(row)?.tree()
}

fn is_damage(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::InvalidInput)
}

impl Restore {
    /// The target's volumes of the same names, where that decides something: the claim goes into another namespace.
    async fn volumes_there(
        &self,
        spec: &RestoreSpec,
        volumes: &[VolumeFacts],
        selected: &BTreeSet<&str>,
    ) -> Result<BTreeMap<String, VolumeFacts>> {
        let asked = volumes.iter().filter(|volume| {
            let mapped = volume
                .claim
                .as_ref()
                .is_some_and(|(namespace, _)| spec.map_namespace(namespace) != namespace);
            mapped && volume.reclaim_policy != "Delete" && selected.contains(volume.name.as_str())
        });
        let looks: Vec<_> = asked
            .map(|volume| self.volume_there(volume.name.clone()).boxed())
            .collect();
        let found: Vec<Option<VolumeFacts>> =
            stream::iter(looks).buffered(LOOKS).try_collect().await?;
        let found = found.into_iter().flatten();
        Ok(found.map(|volume| (volume.name.clone(), volume)).collect())
    }

    async fn volume_there(&self, name: String) -> Result<Option<VolumeFacts>> {
        let id = ObjectId::new("persistentvolumes".parse()?, None, name)?;
        let object = or_unknown(self.target.get(&id, "v1").await)?.flatten();
        let tree = object.as_ref().map(Object::tree).transpose()?;
        Ok(tree.as_ref().map(VolumeFacts::of))
    }

    /// Classes of the target, and those that the restore brings; nothing if the target's are not known.
    async fn classes(
        &self,
        discovery: &Discovery,
        own: BTreeMap<String, ClassFacts>,
    ) -> Result<Option<BTreeMap<String, ClassFacts>>> {
        let Some(row) = discovery.kind("storage.k8s.io", "StorageClass") else {
            return Ok(None);
        };
        // What a later cluster will have is not in the folder that it is made from.
        if self.apis.is_some() {
            return Ok(None);
        }
        let request = list_request(&row.preferred(), &row.kind, None)?;
        let pages: Result<Vec<_>> = self.target.list(request).try_collect().await;
        let Some(pages) = or_unknown(pages)? else {
            return Ok(None);
        };
        let mut classes = own;
        for object in pages.iter().flat_map(|page| &page.objects) {
            // The target's own stays as it is (R256).
            classes.insert(
                object.id().name().to_owned(),
                ClassFacts::of(&object.tree()?),
            );
        }
        Ok(Some(classes))
    }
}

/// What may not be read, or is not served, is not known.
fn or_unknown<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::PermissionDenied | ErrorKind::NotFound
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

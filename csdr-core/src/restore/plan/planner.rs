//! From an index to rows.

use super::roots::rooted;
use crate::{
    Error, ErrorKind, Result,
    archive::{IndexRow, Member, MemberSpan},
    conversion::TargetApis,
    model::{Discovery, GroupResource, GroupVersionResource, ObjectId},
    restore::{Action, convert::best_version, row::Row},
    select::{
        Asked, LeftOut, LeftOutReason, ObjectTest, Selection, is_system_namespace, never_restored,
    },
    spec::{ClusterScope, RestoreSpec},
    vault::StoredBackup,
};
use futures::TryStreamExt;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// The objects of a backup that a restore of this spec selects, whatever becomes of them in a target; `discovery` says which kinds a
/// name of the spec may mean.
///
/// # Errors
/// `InvalidInput` for a bad spec, `NotFound` for a root that the backup does not hold, `Unsupported` for a backup without index;
/// `Corrupt` for a damaged one.
pub async fn selected(
    backup: &StoredBackup,
    spec: &RestoreSpec,
    discovery: &Discovery,
) -> Result<BTreeSet<ObjectId>> {
    spec.validate()?;
    let apis = TargetApis::from_discovery(discovery.clone());
    let mut planner = Planner::new(spec, discovery)?;
    planner.follow_roots(backup).await?;
    planner.select(backup, &apis).await?;
    let ids = planner.rows.iter().map(|row| planner.id(row));
    ids.collect()
}

/// Goes through the index and makes rows of what is selected.
pub(super) struct Planner<'a> {
    spec: &'a RestoreSpec,
    discovery: &'a Discovery,
    selection: Selection,
    /// If only some objects are restored: these.
    rooted: Option<BTreeSet<ObjectId>>,
    /// Resources and versions of the rows.
    pub(super) kinds: Vec<GroupVersionResource>,
    pub(super) namespaces: Vec<String>,
    /// Where each of them stands.
    places: HashMap<String, usize>,
    pub(super) rows: Vec<Row>,
    pub(super) left_out: BTreeSet<LeftOut>,
    /// Volumes that claims of selected namespaces are bound to, with namespace and name of the claim: they come with their claim.
    pub(super) bound: Arc<BTreeMap<String, (String, String)>>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(spec: &'a RestoreSpec, discovery: &'a Discovery) -> Result<Self> {
        Ok(Self {
            spec,
            discovery,
            selection: spec.selection()?,
            rooted: None,
            kinds: Vec::new(),
            namespaces: Vec::new(),
            places: HashMap::new(),
            rows: Vec::new(),
            left_out: BTreeSet::new(),
            bound: Arc::default(),
        })
    }

    /// Finds what the spec's roots need, if it names some.
    pub(super) async fn follow_roots(&mut self, backup: &StoredBackup) -> Result<()> {
        if !self.spec.roots.is_empty() {
            let found = rooted(backup, self.discovery, &self.spec.roots).await?;
            self.rooted = Some(found.ids);
            self.left_out.extend(found.left_out);
        }
        Ok(())
    }

    /// Goes through the index once; under a label selector through the archive as well.
    pub(super) async fn select(&mut self, backup: &StoredBackup, apis: &TargetApis) -> Result<()> {
        self.rows
            .reserve_exact(usize::try_from(backup.objects()?.min(1 << 24)).unwrap_or_default());
        let mut rows = backup.rows();
        let mut held: Option<(MemberSpan, Member)> = None;
        let mut versions: Vec<IndexRow> = Vec::new();
        loop {
            // Rows of one object stand together, one a version.
            let next = rows.try_next().await?;
            let ended = next.is_none();
            let row = match (versions.first(), &next) {
                (None, _) => None,
                (Some(own), Some(next)) if own.id == next.id => None,
                _ => Some(best_version(&versions, apis).clone()),
            };
            if row.is_some() {
                versions.clear();
            }
            versions.extend(next);
            let Some(row) = row else {
                if ended {
                    break;
                }
                continue;
            };
            if !self.takes(&row.id) {
                continue;
            }
            let test = self.test(&row.id);
            if !test.is_all() && !self.is_bound(&row.id) {
                let member = match held.take() {
                    Some((span, member)) if span == row.member => member,
                    _ => backup.member(row.member).await?,
                };
                let object = member.object(&row)?;
                held = Some((row.member, member));
                if test.misses(row.id.name(), object.meta()).is_some() {
                    continue;
                }
            }
            self.push(&row)?;
        }
        if self.rooted.is_none() && self.selection.tests_objects() {
            self.drop_empty_namespaces();
        }
        self.drop_unclaimed();
        self.rows.shrink_to_fit();
        Ok(())
    }

    /// Whether the spec takes an object, without a record of what it leaves out.
    pub(super) fn would_take(&self, id: &ObjectId) -> bool {
        self.decide(id).is_ok()
    }

    fn takes(&mut self, id: &ObjectId) -> bool {
        match self.decide(id) {
            Ok(()) => true,
            Err(left) => {
                self.left_out.extend(left);
                false
            }
        }
    }

    /// Whether an object's kind and place are taken; if not, what is recorded of it.
    fn decide(&self, id: &ObjectId) -> std::result::Result<(), Option<LeftOut>> {
        let resource = id.resource();
        let plain = resource.to_string();
        let spellings = self.spellings(resource);
        let is_namespace = is_namespace(id);
        let left = |reason, why: &str| Err(Some(LeftOut::rule(&plain, reason, why)));
        let asked = match id.namespace() {
            Some(namespace) => self.selection.asks_in(&spellings, namespace),
            None => self.selection.asks(&spellings, false),
        };
        if asked == Asked::Excluded {
            return left(LeftOutReason::Excluded, "");
        }
        if let Some(rooted) = &self.rooted {
            let excludes = |name: &str| self.selection.namespaces().excludes(name);
            let taken = rooted.contains(id)
                && !id.namespace().is_some_and(excludes)
                && never_restored(resource).is_none();
            return if taken { Ok(()) } else { Err(None) };
        }
        if asked == Asked::No && !is_namespace {
            return Err(None);
        }
        if let Some(why) = never_restored(resource) {
            return left(LeftOutReason::MadeByCluster, why);
        }
        let namespace = if is_namespace {
            Some(id.name())
        } else {
            id.namespace()
        };
        match namespace {
            Some(namespace) => self.decide_namespace(namespace),
            None if self.is_bound(id) && self.spec.cluster_scoped != ClusterScope::Exclude => {
                Ok(())
            }
            None if self.selection.takes_cluster_scoped(&spellings) => Ok(()),
            None => left(LeftOutReason::ClusterScoped, ""),
        }
    }

    /// Whether it is a volume that a claim of a selected namespace is bound to.
    fn is_bound(&self, id: &ObjectId) -> bool {
        let resource = id.resource();
        resource.group().is_empty()
            && resource.resource() == "persistentvolumes"
            && self.bound.contains_key(id.name())
    }

    fn decide_namespace(&self, namespace: &str) -> std::result::Result<(), Option<LeftOut>> {
        let left = |reason| {
            let what = format!("namespace {namespace}");
            Err(Some(LeftOut::rule(what, reason, "")))
        };
        let names = self.selection.namespaces();
        if names.excludes(namespace) {
            left(LeftOutReason::Excluded)
        } else if !names.includes(namespace) {
            Err(None)
        } else if is_system_namespace(namespace) && !names.names(namespace) {
            left(LeftOutReason::SystemNamespace)
        } else {
            Ok(())
        }
    }

    /// What an object must be, beyond its kind and place.
    fn test(&self, id: &ObjectId) -> ObjectTest {
        if self.rooted.is_some() || !self.selection.tests_objects() || is_namespace(id) {
            return ObjectTest::default();
        }
        let spellings = self.spellings(id.resource());
        self.selection.test(&spellings, id.namespace())
    }

    fn spellings(&self, resource: &GroupResource) -> Vec<String> {
        match self.discovery.resource(resource) {
            Some(row) => row.spellings(),
            None => vec![resource.resource().to_owned(), resource.to_string()],
        }
    }

    /// Volumes that would only come with their claim are left out where that is not selected.
    fn drop_unclaimed(&mut self) {
        if self.bound.is_empty() {
            return;
        }
        let (kinds, namespaces) = (&self.kinds, &self.namespaces);
        let is = |row: &Row, plural: &str| {
            let kind = kinds.get(usize::from(row.kind));
            kind.is_some_and(|kind| kind.group.is_empty() && kind.resource == plural)
        };
        let namespace = |row: &Row| namespaces.get((row.namespace as usize).checked_sub(1)?);
        let claims: BTreeSet<(String, String)> = self
            .rows
            .iter()
            .filter(|row| is(row, "persistentvolumeclaims"))
            .filter_map(|row| Some((namespace(row)?.clone(), row.name.to_string())))
            .collect();
        let alone = self.selection.namespaces().is_all() && !self.selection.tests_objects()
            || self.spec.cluster_scoped == ClusterScope::Include;
        let bound = self.bound.clone();
        self.rows.retain(|row| {
            alone
                || !is(row, "persistentvolumes")
                || bound
                    .get(&*row.name)
                    .is_none_or(|claim| claims.contains(claim))
        });
    }

    fn push(&mut self, row: &IndexRow) -> Result<()> {
        let too_large = |what: &str| {
            Error::new(
                ErrorKind::Exhausted,
                format!("{what} beyond what a plan can hold"),
            )
            .with_context("object", &row.id)
        };
        let resource = row.id.resource().with_version(&row.version);
        // Rows come sorted by resource, so the place is one of the last.
        let kind = match self.kinds.iter().rposition(|kind| *kind == resource) {
            Some(kind) => kind,
            None => {
                self.kinds.push(resource);
                self.kinds.len() - 1
            }
        };
        let namespace = match row.id.namespace() {
            None => 0,
            Some(namespace) => 1 + self.intern(namespace),
        };
        self.rows.push(Row {
            name: row.id.name().into(),
            sha256: row.sha256,
            member: row.member.offset,
            member_len: u32::try_from(row.member.len).map_err(|_| too_large("member"))?,
            entry: u32::try_from(row.entry).map_err(|_| too_large("entry"))?,
            size: u32::try_from(row.size).map_err(|_| too_large("object"))?,
            namespace: u32::try_from(namespace).map_err(|_| too_large("namespaces"))?,
            kind: u16::try_from(kind).map_err(|_| too_large("kinds"))?,
            preferred: row.preferred,
            action: Action::Create,
            transforms: 0,
            state: 0,
        });
        Ok(())
    }

    fn id(&self, row: &Row) -> Result<ObjectId> {
        let lost = || Error::new(ErrorKind::Unexpected, "a row names what is not there");
        let kind = self.kinds.get(usize::from(row.kind)).ok_or_else(lost)?;
        let namespace = match (row.namespace as usize).checked_sub(1) {
            None => None,
            Some(at) => Some(self.namespaces.get(at).ok_or_else(lost)?.clone()),
        };
        ObjectId::new(kind.group_resource(), namespace, &*row.name)
    }

    fn intern(&mut self, namespace: &str) -> usize {
        if let Some(at) = self.places.get(namespace) {
            return *at;
        }
        let at = self.namespaces.len();
        self.namespaces.push(namespace.to_owned());
        self.places.insert(namespace.to_owned(), at);
        at
    }

    /// Under a label selector, Namespace objects that own nothing selected are left out.
    fn drop_empty_namespaces(&mut self) {
        let namespaces: BTreeSet<&str> = self.namespaces.iter().map(String::as_str).collect();
        let kinds = &self.kinds;
        self.rows.retain(|row| {
            !is_namespaces(&kinds[usize::from(row.kind)]) || namespaces.contains(&*row.name)
        });
    }
}

fn is_namespace(id: &ObjectId) -> bool {
    id.resource().group().is_empty() && id.resource().resource() == "namespaces"
}

fn is_namespaces(resource: &GroupVersionResource) -> bool {
    resource.group.is_empty() && resource.resource == "namespaces"
}

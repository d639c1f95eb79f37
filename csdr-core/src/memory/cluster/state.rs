//! What a [`MemoryCluster`](super::MemoryCluster) holds, and the few steps that change it.

use super::{Deny, field::Manager, verb_error};
use crate::{
    Error, ErrorKind, Result,
    conversion::BuiltinConverter,
    model::{
        ApiResource, ApiVersion, CustomKind, DiscoveryGap, GroupResource, GroupVersionResource,
        Object, Tree, builtin,
    },
    port::Clock,
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};
use tokio::sync::watch;

/// Namespace (empty if cluster-scoped) and name.
pub(super) type Key = (String, String);

/// A kind that is served.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    pub(super) api: ApiResource,
    pub(super) has_generation: bool,
    status: Status,
}

#[derive(Clone, Debug)]
enum Status {
    Builtin(bool),
    Custom(Box<CustomKind>),
}

impl Kind {
    pub(super) fn builtin(row: &builtin::BuiltinKind) -> Result<Self> {
        Ok(Self {
            api: row.api_resource(row.served())?,
            has_generation: row.has_generation,
            status: Status::Builtin(row.has_status),
        })
    }

    pub(super) fn custom(kind: CustomKind) -> Self {
        Self {
            api: kind.resource.clone(),
            has_generation: true,
            status: Status::Custom(Box::new(kind)),
        }
    }

    pub(super) fn is_custom(&self) -> bool {
        matches!(self.status, Status::Custom(_))
    }

    pub(super) fn has_status(&self, version: &str) -> bool {
        match &self.status {
            Status::Builtin(has) => *has,
            Status::Custom(kind) => kind.has_status(version),
        }
    }
}

/// One stored object with its owners, in the version in which it was last written.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) object: Object,
    pub(super) managers: Vec<Manager>,
    pub(super) owners: Vec<String>,
    pub(super) finalized: bool,
}

/// One change, for watches.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) version: u64,
    pub(super) resource: GroupResource,
    pub(super) stored: Arc<Stored>,
    pub(super) deleted: bool,
}

/// How many changes are kept for watches; who is further behind gets `Expired`.
const LOG: usize = 10_000;
/// How many unfinished lists keep their snapshot; the token of an older one has expired.
const LISTS: usize = 64;

#[derive(Debug)]
pub(super) struct State {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) kinds: BTreeMap<GroupResource, Kind>,
    pub(super) deny: Vec<Deny>,
    /// Denials of whoever asks now.
    pub(super) identity: Arc<[Deny]>,
    pub(super) gaps: Vec<DiscoveryGap>,
    pub(super) hold_crds: bool,
    pub(super) terminating_namespaces: BTreeSet<String>,
    pub(super) terminating_crds: BTreeSet<String>,
    objects: BTreeMap<GroupResource, BTreeMap<Key, Arc<Stored>>>,
    dependents: BTreeMap<String, BTreeSet<(GroupResource, Key)>>,
    deleting: BTreeSet<(GroupResource, Key)>,
    standing: BTreeSet<String>,
    seed: u32,
    uids: u64,
    version: u64,
    log: VecDeque<Change>,
    /// Changes up to this version are no longer in the log.
    forgotten: u64,
    lists: VecDeque<(u64, Arc<Vec<Arc<Stored>>>)>,
    next_list: u64,
    changed: watch::Sender<u64>,
}

impl State {
    pub(super) fn new(clock: Arc<dyn Clock>, seed: u32) -> Self {
        let kinds = builtin::kinds()
            .iter()
            .filter(|row| !row.served().is_empty())
            .filter_map(|row| Some((row.resource().ok()?, Kind::builtin(row).ok()?)))
            .collect();
        Self {
            clock,
            kinds,
            deny: Vec::new(),
            identity: Arc::default(),
            gaps: Vec::new(),
            hold_crds: false,
            terminating_namespaces: BTreeSet::new(),
            terminating_crds: BTreeSet::new(),
            objects: BTreeMap::new(),
            dependents: BTreeMap::new(),
            deleting: BTreeSet::new(),
            standing: BTreeSet::new(),
            seed,
            uids: 0,
            version: 0,
            log: VecDeque::new(),
            forgotten: 0,
            lists: VecDeque::new(),
            next_list: 0,
            changed: watch::Sender::new(0),
        }
    }

    /// The kind that serves this path.
    pub(super) fn served(&self, path: &GroupVersionResource) -> Result<&Kind> {
        let gap = self.gaps.iter().find(|gap| {
            gap.covers(&path.group) && gap.version.as_ref().is_none_or(|v| *v == path.version)
        });
        if let Some(gap) = gap {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "the server is currently unable to handle the request",
            )
            .with_context("resource", path)
            .with_context("reason", &gap.reason));
        }
        self.kinds
            .get(&path.group_resource())
            .filter(|kind| kind.api.serves(&path.version))
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::NotFound,
                    "the server could not find the requested resource; is its CustomResourceDefinition installed?",
                )
                .with_context("resource", path)
            })
    }

    pub(super) fn denies(
        &self,
        verb: &str,
        resource: &GroupResource,
        namespace: Option<&str>,
    ) -> bool {
        self.deny
            .iter()
            .chain(&*self.identity)
            .any(|rule| rule.covers(verb, resource, namespace))
    }

    /// Refuses what a rule denies and what the kind does not offer.
    pub(super) fn authorise(
        &self,
        verb: &'static str,
        path: &GroupVersionResource,
        namespace: Option<&str>,
    ) -> Result<()> {
        let resource = path.group_resource();
        if self.denies(verb, &resource, namespace) {
            return Err(verb_error(verb, &resource, namespace));
        }
        if !self.served(path)?.api.can(&[verb]) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("the server does not allow `{verb}` on this resource"),
            )
            .with_context("resource", path));
        }
        Ok(())
    }

    pub(super) fn find(&self, resource: &GroupResource, key: &Key) -> Option<Arc<Stored>> {
        self.objects.get(resource)?.get(key).cloned()
    }

    /// The objects of one resource in order, of one namespace or all.
    pub(super) fn all(
        &self,
        resource: &GroupResource,
        namespace: Option<&str>,
    ) -> Vec<Arc<Stored>> {
        let Some(objects) = self.objects.get(resource) else {
            return Vec::new();
        };
        match namespace {
            None => objects.values().cloned().collect(),
            Some(namespace) => objects
                .range((namespace.to_owned(), String::new())..)
                .take_while(|((own, _), _)| own == namespace)
                .map(|(_, stored)| stored.clone())
                .collect(),
        }
    }

    /// The resources that have objects.
    pub(super) fn filled(&self) -> Vec<GroupResource> {
        self.objects
            .iter()
            .filter(|(_, objects)| !objects.is_empty())
            .map(|(resource, _)| resource.clone())
            .collect()
    }

    pub(super) fn dependents(&self, uid: &str) -> Vec<(GroupResource, Key)> {
        self.dependents
            .get(uid)
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }

    /// Whether an object with this uid stands.
    pub(super) fn stands(&self, uid: &str) -> bool {
        self.standing.contains(uid)
    }

    /// The objects that wait for their end.
    pub(super) fn deleting(&self) -> Vec<Arc<Stored>> {
        self.deleting
            .iter()
            .filter_map(|(resource, key)| self.find(resource, key))
            .collect()
    }

    pub(super) fn new_uid(&mut self) -> String {
        self.uids += 1;
        format!("{:08x}-0000-4000-8000-{:012x}", self.seed, self.uids)
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn next_version(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    /// The present time as the server writes it.
    pub(super) fn time(&self) -> String {
        self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// Stores a finished object, under the version that its `resourceVersion` names.
    pub(super) fn insert(
        &mut self,
        resource: &GroupResource,
        key: Key,
        stored: Stored,
    ) -> Arc<Stored> {
        let stored = Arc::new(stored);
        let old = self
            .objects
            .entry(resource.clone())
            .or_default()
            .insert(key.clone(), stored.clone());
        if let Some(old) = old {
            self.unlink(&old, resource, &key);
        }
        for owner in &stored.owners {
            self.dependents
                .entry(owner.clone())
                .or_default()
                .insert((resource.clone(), key.clone()));
        }
        if stored.object.meta().deleting {
            self.deleting.insert((resource.clone(), key));
        }
        self.standing.insert(stored.object.meta().uid.clone());
        self.announce(resource, &stored, false);
        stored
    }

    /// Takes an object away. Its last state goes to the watches under a version of its own.
    pub(super) fn take(&mut self, resource: &GroupResource, key: &Key) -> Option<Arc<Stored>> {
        let old = self.objects.get_mut(resource)?.remove(key)?;
        self.unlink(&old, resource, key);
        self.standing.remove(&old.object.meta().uid);
        self.deleting.remove(&(resource.clone(), key.clone()));
        let version = self.next_version();
        let mut tree = old.object.tree().ok()?;
        tree.set(&["metadata", "resourceVersion"], version.to_string().into());
        let last = Arc::new(Stored {
            object: Object::from_tree(resource.clone(), &tree).ok()?,
            managers: Vec::new(),
            owners: Vec::new(),
            finalized: true,
        });
        self.announce(resource, &last, true);
        Some(old)
    }

    fn unlink(&mut self, old: &Stored, resource: &GroupResource, key: &Key) {
        for owner in &old.owners {
            if let Some(rows) = self.dependents.get_mut(owner) {
                rows.remove(&(resource.clone(), key.clone()));
                if rows.is_empty() {
                    self.dependents.remove(owner);
                }
            }
        }
    }

    fn announce(&mut self, resource: &GroupResource, stored: &Arc<Stored>, deleted: bool) {
        self.log.push_back(Change {
            version: self.version,
            resource: resource.clone(),
            stored: stored.clone(),
            deleted,
        });
        if self.log.len() > LOG
            && let Some(change) = self.log.pop_front()
        {
            self.forgotten = change.version;
        }
        self.changed.send_replace(self.version);
    }

    /// The changes after `version`; `None` if some of them are no longer known.
    pub(super) fn changes(&self, version: u64) -> Option<Vec<Change>> {
        if version < self.forgotten {
            return None;
        }
        let start = self.log.partition_point(|change| change.version <= version);
        Some(self.log.range(start..).cloned().collect())
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Forgets what watches that stand now would need next.
    pub(super) fn forget_changes(&mut self) {
        self.next_version();
        self.log.clear();
        self.forgotten = self.version;
        self.changed.send_replace(self.version);
    }

    /// Keeps the snapshot of a list that goes on.
    pub(super) fn keep_list(&mut self, rows: Arc<Vec<Arc<Stored>>>) -> u64 {
        self.next_list += 1;
        self.lists.push_back((self.next_list, rows));
        if self.lists.len() > LISTS {
            self.lists.pop_front();
        }
        self.next_list
    }

    pub(super) fn kept_list(&self, id: u64) -> Option<Arc<Vec<Arc<Stored>>>> {
        self.lists
            .iter()
            .find(|(own, _)| *own == id)
            .map(|(_, rows)| rows.clone())
    }

    pub(super) fn forget_lists(&mut self) {
        self.lists.clear();
    }

    /// The object in `version`: converted as a server does it if its kind is built in; of custom resources only `apiVersion` changes,
    /// as without a conversion webhook.
    pub(super) fn in_version(stored: &Stored, version: &str) -> Result<Object> {
        let object = &stored.object;
        if object.meta().kind.api_version.version() == version {
            return Ok(object.clone());
        }
        let resource = object.id().resource();
        let mut tree = object.tree()?;
        if builtin::resource(resource).is_some() {
            let to = ApiVersion::new(resource.group(), version)?;
            tree = BuiltinConverter::new().faithful(tree, &to)?.tree;
        } else {
            let path = resource.with_version(version);
            tree.set(&["apiVersion"], Tree::from(path.api_version()));
        }
        Object::from_tree(resource.clone(), &tree)
    }
}

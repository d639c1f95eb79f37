//! A cluster in memory.

mod admit;
mod delete;
mod field;
mod list;
mod right;
mod seed;
mod state;
mod store;
mod watching;
mod write;

use crate::{
    Result,
    model::{Discovery, DiscoveryGap, GroupResource, Object, ObjectId, builtin},
    port::{
        Access, AccessRequest, ApplyOptions, Clock, DeleteOptions, ListRequest, Page,
        ResourceApplier, ResourceCollector, ResourceTarget, WatchEvent, WatchRequest, WriteOptions,
    },
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use jiff::Timestamp;
use right::verb_error;
use state::State;
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

pub use right::Deny;

/// A cluster that lives as long as its last clone; clones share their objects. It is a source, a target and an applier.
///
/// It behaves as an API server 1.36 with its core controllers does, as far as a backup or a restore can see it:
/// * it serves the built-in kinds and those of the CustomResourceDefinitions created in it, which become `Established` at once
///   (or when told, see [`hold_definitions`](Self::hold_definitions));
/// * every write moves `resourceVersion` and records its field manager; `uid`, `creationTimestamp` and `generation` are the server's;
///   a create drops the status of kinds with a status subresource, a replace ignores it;
/// * a namespace must exist (`default`, `kube-system`, `kube-public` and `kube-node-lease` do), gets its `default` ServiceAccount and
///   `kube-root-ca.crt`, refuses new content while it is being deleted, and goes when its content has gone;
/// * finalizers hold objects, dependents follow their owners; server-side apply knows who owns which field;
/// * lists come in pages of one snapshot; tokens expire when told ([`expire_tokens`](Self::expire_tokens)).
///
/// It is simpler than the real one in this: nothing is defaulted or checked by a kind's schema (`stringData` stays, a Service gets no
/// address) and unknown fields stay; an array is one
/// field to server-side apply; between versions of a kind only `apiVersion` changes; controllers act before the call answers.
/// It is deterministic: uids and versions are counted, and unless a clock is handed in, the time stands at 2024-01-01T00:00:00Z.
///
/// ```
/// use csdr_core::{
///     memory::MemoryCluster,
///     model::Object,
///     port::{ResourceApplier, ResourceTarget, WriteOptions},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> csdr_core::Result<()> {
/// let cluster = MemoryCluster::new();
/// cluster.load_yaml("
/// apiVersion: v1
/// kind: Namespace
/// metadata: {name: shop}
/// ")?;
/// let json = br#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"shop"},"data":{"n":"1"}}"#;
/// let object = Object::parse("configmaps".parse()?, json.to_vec())?;
/// let options = WriteOptions { field_manager: "csdr-0190".into(), dry_run: false };
/// cluster.create(&object, &options).await?;
///
/// let stored = cluster.get(object.id(), "v1").await?.unwrap();
/// assert!(!stored.meta().uid.is_empty());
/// assert!(stored.text().contains(r#""manager":"csdr-0190""#));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MemoryCluster {
    state: Arc<Mutex<State>>,
    /// What is denied to this identity beside what is denied to everybody.
    own: Arc<[Deny]>,
}

/// How to make a [`MemoryCluster`].
///
/// ```
/// use csdr_core::{memory::{MemoryCluster, MemoryClusterOptions}, port::ResourceTarget};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> csdr_core::Result<()> {
/// let source = MemoryCluster::new();
/// let target = MemoryCluster::with(MemoryClusterOptions { seed: 1, ..Default::default() });
/// let id = "namespaces/kube-system".parse()?;
/// let uid = |object: Option<csdr_core::model::Object>| object.unwrap().meta().uid.clone();
/// assert_ne!(uid(ResourceTarget::get(&source, &id, "v1").await?), uid(ResourceTarget::get(&target, &id, "v1").await?));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MemoryClusterOptions {
    /// Where times come from.
    pub clock: Arc<dyn Clock>,
    /// The first part of every uid: clusters with different seeds have no uid in common.
    pub seed: u32,
}

impl Default for MemoryClusterOptions {
    fn default() -> Self {
        Self {
            clock: Arc::new(StandingClock),
            seed: 0,
        }
    }
}

/// It is always 2024-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug)]
struct StandingClock;

#[async_trait]
impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        Timestamp::constant(1_704_067_200, 0)
    }

    async fn sleep(&self, _: Duration) {
        // Nothing in this cluster waits.
    }
}

impl Default for MemoryCluster {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryCluster {
    /// A fresh cluster with the default [`MemoryClusterOptions`].
    pub fn new() -> Self {
        Self::with(MemoryClusterOptions::default())
    }

    /// A fresh cluster.
    pub fn with(options: MemoryClusterOptions) -> Self {
        let mut state = State::new(options.clock, options.seed);
        state.boot();
        Self {
            state: Arc::new(Mutex::new(state)),
            own: Arc::default(),
        }
    }

    /// The same cluster, asked by somebody to whom `rules` deny what they cover.
    #[must_use]
    pub fn restricted(&self, rules: impl Into<Arc<[Deny]>>) -> Self {
        Self {
            state: self.state.clone(),
            own: rules.into(),
        }
    }

    /// Adds or replaces an object as it is, as a source's past would have left it there: with its status, its finalizers and the
    /// uid, creation time and owners that it names. Its namespace is made if it is missing; without one it goes to `default`.
    ///
    /// # Errors
    /// `NotFound` if its kind is not served, `InvalidInput` if the server would refuse its name or labels, `Corrupt` if it is not readable.
    pub fn add(&self, json: &str) -> Result<Object> {
        self.state().add(json.as_bytes())
    }

    /// As [`add`](Self::add), for every document of a YAML text: definitions first, then namespaces, then the rest. How many there were.
    ///
    /// # Errors
    /// As [`add`](Self::add); also `InvalidInput` for a document that cannot be read. Earlier documents stay.
    pub fn load_yaml(&self, yaml: &str) -> Result<usize> {
        self.state().load_yaml(yaml)
    }

    /// Every object of a resource, in order.
    pub fn objects(&self, resource: &GroupResource) -> Vec<Object> {
        self.state()
            .all(resource, None)
            .iter()
            .map(|stored| stored.object.clone())
            .collect()
    }

    /// Every object of every kind, in the order of ids.
    pub fn all_objects(&self) -> Vec<Object> {
        let state = self.state();
        let mut resources = state.filled();
        resources.sort();
        resources
            .iter()
            .flat_map(|resource| state.all(resource, None))
            .map(|stored| stored.object.clone())
            .collect()
    }

    /// One object, in the version in which it was last written.
    pub fn object(&self, id: &ObjectId) -> Option<Object> {
        let key = (
            id.namespace().unwrap_or_default().to_owned(),
            id.name().to_owned(),
        );
        let stored = self.state().find(id.resource(), &key)?;
        Some(stored.object.clone())
    }

    /// From now on the tokens of lists that have begun are expired: the next page goes on from where they stood, in the cluster as it
    /// is then, and is marked as inconsistent.
    pub fn expire_tokens(&self) {
        self.state().forget_lists();
    }

    /// Ends every watch that stands with an error of kind `Expired`.
    pub fn expire_watches(&self) {
        self.state().forget_changes();
    }

    /// Denies what `rule` covers, to requests and to `can_i`; rules add up.
    pub fn deny(&self, rule: Deny) {
        self.state().deny.push(rule);
    }

    /// Takes all denials back.
    pub fn allow_all(&self) {
        self.state().deny.clear();
    }

    /// A group or version whose server does not answer: its resources are missing in discovery, which names the gap, and requests for
    /// them are `Unavailable`.
    pub fn set_gap(&self, gap: DiscoveryGap) {
        self.state().gaps.push(gap);
    }

    /// Every group answers again.
    pub fn clear_gaps(&self) {
        self.state().gaps.clear();
    }

    /// From now on definitions stay as they were created, without conditions and unserved, until
    /// [`establish_definitions`](Self::establish_definitions).
    pub fn hold_definitions(&self) {
        self.state().hold_crds = true;
    }

    /// Serves every definition that is held, and holds no further one.
    ///
    /// # Errors
    /// None for definitions that this cluster took.
    pub fn establish_definitions(&self) -> Result<()> {
        self.state().establish_all()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic of another thread left the maps whole: each step is one insertion.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.identity = self.own.clone();
        state
    }

    fn discovery(&self) -> Discovery {
        let state = self.state();
        let gone = |group: &str, version: &str| {
            state.gaps.iter().any(|gap| {
                gap.covers(group) && gap.version.as_deref().is_none_or(|own| own == version)
            })
        };
        let resources = state
            .kinds
            .values()
            .map(|kind| {
                let mut api = kind.api.clone();
                api.versions
                    .retain(|row| !gone(api.resource.group(), &row.version));
                api
            })
            .filter(|api| !api.versions.is_empty())
            .collect();
        Discovery {
            resources,
            gaps: state.gaps.clone(),
            server_version: builtin::SERVER_VERSION.to_owned(),
        }
        .sorted()
    }

    fn read(&self, id: &ObjectId, version: &str) -> Result<Option<Object>> {
        let state = self.state();
        let path = id.resource().with_version(version);
        match state.authorise("get", &path, id.namespace()) {
            // An object of a kind that is not served does not exist.
            Err(error) if error.kind() == crate::ErrorKind::NotFound => return Ok(None),
            other => other?,
        }
        let key = (
            id.namespace().unwrap_or_default().to_owned(),
            id.name().to_owned(),
        );
        state
            .find(id.resource(), &key)
            .map(|stored| State::in_version(&stored, version))
            .transpose()
    }
}

impl fmt::Debug for MemoryCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        let objects: usize = state
            .filled()
            .iter()
            .map(|resource| state.all(resource, None).len())
            .sum();
        write!(
            f,
            "MemoryCluster({objects} objects, version {})",
            state.version()
        )
    }
}

#[async_trait]
impl ResourceCollector for MemoryCluster {
    async fn discover(&self) -> Result<Discovery> {
        Ok(self.discovery())
    }

    fn list(&self, request: ListRequest) -> BoxStream<'static, Result<Page>> {
        list::pages(self.clone(), request)
    }

    async fn get(&self, id: &ObjectId, version: &str) -> Result<Option<Object>> {
        self.read(id, version)
    }
}

#[async_trait]
impl ResourceTarget for MemoryCluster {
    async fn discover(&self) -> Result<Discovery> {
        Ok(self.discovery())
    }

    fn list(&self, request: ListRequest) -> BoxStream<'static, Result<Page>> {
        list::pages(self.clone(), request)
    }

    async fn get(&self, id: &ObjectId, version: &str) -> Result<Option<Object>> {
        self.read(id, version)
    }

    async fn can_i(&self, request: &AccessRequest) -> Result<Access> {
        let resource = request.resource.group_resource();
        let denied = self
            .state()
            .denies(&request.verb, &resource, request.namespace.as_deref());
        Ok(Access {
            allowed: !denied,
            reason: if denied {
                "denied by a rule of this cluster".to_owned()
            } else {
                String::new()
            },
        })
    }

    fn watch(&self, request: WatchRequest) -> BoxStream<'static, Result<WatchEvent>> {
        watching::watch(self.clone(), request)
    }
}

#[async_trait]
impl ResourceApplier for MemoryCluster {
    async fn create(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        self.state()
            .create(object, options)
            .map_err(|error| error.with_operation("create"))
    }

    async fn apply(&self, object: &Object, options: &ApplyOptions) -> Result<Object> {
        self.state()
            .apply(object, options)
            .map_err(|error| error.with_operation("apply"))
    }

    async fn merge_patch(
        &self,
        id: &ObjectId,
        version: &str,
        patch: Bytes,
        options: &WriteOptions,
    ) -> Result<Object> {
        self.state()
            .merge_patch(id, version, &patch, options)
            .map_err(|error| error.with_operation("patch"))
    }

    async fn replace(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        self.state()
            .replace(object, options)
            .map_err(|error| error.with_operation("replace"))
    }

    async fn replace_status(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        self.state()
            .replace_status(object, options)
            .map_err(|error| error.with_operation("replace status"))
    }

    async fn delete(&self, id: &ObjectId, version: &str, options: &DeleteOptions) -> Result<()> {
        self.state()
            .delete(id, version, options)
            .map_err(|error| error.with_operation("delete"))
    }
}

#[cfg(test)]
mod tests;

//! A folder of manifests.

use super::{
    folder::{Folder, Key, Known, Manifest},
    load::{ManifestLimits, load},
};
use crate::{
    Error, ErrorKind, Result,
    model::{ApiResource, Discovery, GroupResource, GroupVersionResource, Object, ObjectId},
    port::{
        Access, AccessRequest, ListRequest, Page, ResourceCollector, ResourceTarget, VaultBackend,
        VaultKey, WatchEvent, WatchRequest,
    },
};
use async_trait::async_trait;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A folder of YAML and JSON manifests in a vault: a source for a backup, a target that a restore is rendered into.
///
/// **As a source** it reads every `*.yaml`, `*.yml` and `*.json` below its prefix (or the one file that the prefix names), but not in
/// folders whose name begins with a dot: several documents a file, `List`s, as kubectl reads them (see [`yaml`](super::yaml)). Its kinds
/// are the built-in ones of every release, those of the CustomResourceDefinitions in the folder, and declared ones
/// ([`with_resource`](Self::with_resource)). Nothing is guessed and nothing fails for one bad file: a document that cannot be read, or whose kind is
/// not known, is a gap of the discovery that names file and line; an object without a usable name is an unreadable item of its kind's
/// list. Two different objects of one name are an error that names both files; the same object twice counts once.
/// An object without namespace goes to `default` ([`with_default_namespace`](Self::with_default_namespace)).
/// Nothing converts here: a resource is served in the versions in which its objects are written, and the list of each version has the
/// objects that are written in it.
///
/// **As a target** it holds one object a file, `<namespace or _cluster>/<resource[.group]>/<name>.yaml`, and takes any version that a
/// current API server or the folder itself has. Namespaces need not be there. What it promises of
/// [`ResourceApplier`](crate::port::ResourceApplier):
///
/// | verb | |
/// |---|---|
/// | `create` | yes; fields of the server and, where it is a subresource, the status are left out |
/// | `replace`, `merge_patch`, `delete` | of objects that have a file of their own at their place; others are `Unsupported`: nobody's hand-written file is edited |
/// | `apply`, `replace_status` | `Unsupported`: a file knows no owners of fields, and no status |
/// | `dry_run` | yes |
///
/// `field_manager` is not recorded. `create` is atomic where the vault's `CreateNew` is; the other verbs expect one writer.
///
/// The folder is read when it is first needed and again by each `discover`.
///
/// ```
/// use csdr_core::{
///     manifest::ManifestDir,
///     memory::MemoryVault,
///     port::{PutMode, ResourceCollector, VaultBackend, VaultKey},
/// };
/// use std::sync::Arc;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> csdr_core::Result<()> {
/// let vault = Arc::new(MemoryVault::new());
/// let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {on: '1'}\n";
/// vault.put(&VaultKey::parse("app/a.yaml")?, yaml.into(), PutMode::CreateNew).await?;
///
/// let folder = ManifestDir::new(vault, VaultKey::parse("app")?);
/// let object = ResourceCollector::get(&folder, &"configmaps/default/a".parse()?, "v1").await?.unwrap();
/// assert_eq!(object.text(), r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"default"},"data":{"true":"1"}}"#);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ManifestDir {
    pub(super) vault: Arc<dyn VaultBackend>,
    pub(super) prefix: VaultKey,
    namespace: String,
    resources: Vec<ApiResource>,
    limits: ManifestLimits,
    /// Held shared by writers and alone by a reload, so that a reload never forgets what was just written.
    pub(super) gate: Arc<tokio::sync::RwLock<()>>,
    pub(super) writes: Arc<tokio::sync::Mutex<()>>,
    folder: Arc<Mutex<Option<Folder>>>,
}

impl ManifestDir {
    /// The manifests below `prefix`; nothing is read yet.
    pub fn new(vault: Arc<dyn VaultBackend>, prefix: VaultKey) -> Self {
        Self {
            vault,
            prefix,
            namespace: "default".to_owned(),
            resources: Vec::new(),
            limits: ManifestLimits::default(),
            gate: Arc::default(),
            writes: Arc::default(),
            folder: Arc::default(),
        }
    }

    /// Where objects of namespaced kinds go that name no namespace.
    ///
    /// # Errors
    /// `InvalidInput` if it cannot be a namespace.
    pub fn with_default_namespace(mut self, namespace: impl Into<String>) -> Result<Self> {
        let namespace = namespace.into();
        // The id has the same rules for names as the folder.
        ObjectId::new("namespaces".parse()?, None, namespace.as_str())?;
        self.namespace = namespace;
        Ok(self.fresh())
    }

    /// How much may be read.
    #[must_use]
    pub fn with_limits(mut self, limits: ManifestLimits) -> Self {
        self.limits = limits;
        self.fresh()
    }

    /// A kind that is neither built in nor defined in the folder.
    #[must_use]
    pub fn with_resource(mut self, resource: ApiResource) -> Self {
        self.resources.push(resource);
        self.fresh()
    }

    /// A clone with other options must not share what was read with these.
    fn fresh(mut self) -> Self {
        self.folder = Arc::default();
        self
    }

    /// The file of an object, if it is there.
    ///
    /// # Errors
    /// As [`ResourceCollector::list`].
    pub async fn file_of(&self, id: &ObjectId) -> Result<Option<VaultKey>> {
        self.read().await?;
        Ok(self.with(|folder| {
            folder
                .find(id.resource(), &key(id))
                .map(|manifest| manifest.file.clone())
        }))
    }

    /// Reads the folder if that has not happened yet.
    pub(super) async fn read(&self) -> Result<()> {
        if self.lock().is_some() {
            return Ok(());
        }
        let _gate = self.gate.write().await;
        if self.lock().is_none() {
            self.reload().await?;
        }
        Ok(())
    }

    async fn reload(&self) -> Result<()> {
        let folder = load(
            &self.vault,
            &self.prefix,
            &self.namespace,
            &self.resources,
            &self.limits,
        )
        .await
        .map_err(|error| error.with_operation("read manifests"))?;
        *self.lock() = Some(folder);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Folder>> {
        // A panic of another thread left the maps whole: each step is one insertion.
        self.folder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works on what was read.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Folder) -> T) -> T {
        work(
            self.lock()
                .get_or_insert_with(|| Folder::new(&self.resources)),
        )
    }

    async fn discovery(&self, target: bool) -> Result<Discovery> {
        let _gate = self.gate.write().await;
        self.reload().await?;
        Ok(self.with(|folder| folder.discovery(target)))
    }

    /// The kind of a path.
    pub(super) fn served(&self, path: &GroupVersionResource) -> Result<Known> {
        self.with(|folder| folder.resource(&path.group_resource()))
            .filter(|known| known.api.serves(&path.version))
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::NotFound,
                    "the kind is neither built in nor defined by a CustomResourceDefinition in the folder",
                )
                .with_context("resource", path)
                .with_context("folder", self)
            })
    }

    async fn page(&self, request: &ListRequest) -> Result<Page> {
        self.read().await?;
        let known = self.served(&request.resource)?;
        let after = request.from.as_deref().map(parse_token).transpose()?;
        // The path of a cluster-scoped resource has no place for a namespace.
        let namespace = request
            .namespace
            .as_deref()
            .filter(|_| known.api.namespaced);
        let resource = known.api.resource;
        Ok(self.with(|folder| page(folder, request, &resource, namespace, after.as_ref())))
    }

    fn pages(&self, request: ListRequest) -> BoxStream<'static, Result<Page>> {
        stream::unfold(Some((self.clone(), request)), |next| async move {
            let (folder, mut request) = next?;
            let page = folder.page(&request).await;
            let rest = match &page {
                Ok(Page {
                    next: Some(token), ..
                }) => {
                    request.from = Some(token.clone());
                    Some((folder, request))
                }
                _ => None,
            };
            Some((page, rest))
        })
        .boxed()
    }

    async fn find(&self, id: &ObjectId, version: &str) -> Result<Option<Object>> {
        self.read().await?;
        let Some(manifest) = self.with(|folder| folder.find(id.resource(), &key(id)).cloned())
        else {
            return Ok(None);
        };
        let written = manifest.object.meta().kind.api_version.version();
        if written == version {
            return Ok(Some(manifest.object));
        }
        Err(Error::new(
            ErrorKind::Incompatible,
            "the manifest is written in another version, and a folder does not convert; ask for that one",
        )
        .with_context("object", id)
        .with_context("asked", version)
        .with_context("written", written)
        .with_context("file", &manifest.file))
    }
}

fn page(
    folder: &Folder,
    request: &ListRequest,
    resource: &GroupResource,
    namespace: Option<&str>,
    after: Option<&Key>,
) -> Page {
    let mut page = Page::default();
    let version = request.resource.version.as_str();
    let preferred = folder.preferred(resource).is_some_and(|own| own == version);
    if after.is_none() && preferred {
        page.unreadable = folder.unreadable(resource, namespace).collect();
    }
    let wanted = |manifest: &&Manifest| {
        let object = &manifest.object;
        namespace.is_none_or(|namespace| object.id().namespace() == Some(namespace))
            && request.selector.matches(&object.meta().labels)
            && object.meta().kind.api_version.version() == version
    };
    let (mut bytes, mut last) = (0, None);
    let mut rest = folder.range(resource, after).filter(wanted);
    while let Some(manifest) = rest.next() {
        let object = &manifest.object;
        let size = object.json().len();
        if !page.objects.is_empty() && bytes + size > request.page_bytes {
            page.next = last;
            page.remaining = Some(1 + rest.count() as u64);
            break;
        }
        bytes += size;
        let id = object.id();
        last = Some(format!(
            "{}/{}",
            id.namespace().unwrap_or_default(),
            id.name()
        ));
        page.objects.push(object.clone());
    }
    page
}

fn parse_token(token: &str) -> Result<Key> {
    token
        .split_once('/')
        .map(|(namespace, name)| (namespace.to_owned(), name.to_owned()))
        .ok_or_else(|| Error::invalid("continue token is not one of this folder"))
}

pub(super) fn key(id: &ObjectId) -> Key {
    (
        id.namespace().unwrap_or_default().to_owned(),
        id.name().to_owned(),
    )
}

impl fmt::Display for ManifestDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.vault)?;
        if self.prefix != VaultKey::root() {
            write!(f, " {}", self.prefix)?;
        }
        Ok(())
    }
}

impl fmt::Debug for ManifestDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ManifestDir({self})")
    }
}

#[async_trait]
impl ResourceCollector for ManifestDir {
    async fn discover(&self) -> Result<Discovery> {
        self.discovery(false).await
    }

    fn list(&self, request: ListRequest) -> BoxStream<'static, Result<Page>> {
        self.pages(request)
    }

    async fn get(&self, id: &ObjectId, version: &str) -> Result<Option<Object>> {
        self.find(id, version).await
    }
}

#[async_trait]
impl ResourceTarget for ManifestDir {
    async fn discover(&self) -> Result<Discovery> {
        self.discovery(true).await
    }

    fn list(&self, request: ListRequest) -> BoxStream<'static, Result<Page>> {
        self.pages(request)
    }

    async fn get(&self, id: &ObjectId, version: &str) -> Result<Option<Object>> {
        self.find(id, version).await
    }

    async fn can_i(&self, request: &AccessRequest) -> Result<Access> {
        let reads = matches!(request.verb.as_str(), "get" | "list" | "watch");
        let allowed = reads || self.vault.capabilities().write;
        Ok(Access {
            allowed,
            reason: if allowed {
                "a folder has no rights of its own".to_owned()
            } else {
                "the vault is read-only".to_owned()
            },
        })
    }

    /// Yields what stands and ends: a folder tells of no changes.
    fn watch(&self, request: WatchRequest) -> BoxStream<'static, Result<WatchEvent>> {
        let folder = self.clone();
        stream::once(async move {
            folder.read().await?;
            let known = folder.served(&request.resource)?;
            let resource = known.api.resource;
            let is = |asked: &Option<String>, own: Option<&str>| {
                asked.is_none() || asked.as_deref() == own
            };
            let objects: Vec<Result<WatchEvent>> = folder.with(|folder| {
                folder
                    .range(&resource, None)
                    .map(|manifest| &manifest.object)
                    .filter(|object| {
                        let id = object.id();
                        object.meta().kind.api_version.version() == request.resource.version
                            && (id.namespace().is_none() || is(&request.namespace, id.namespace()))
                            && is(&request.name, Some(id.name()))
                    })
                    .map(|object| Ok(WatchEvent::Applied(object.clone())))
                    .collect()
            });
            Ok(stream::iter(objects))
        })
        .map(|events: Result<_>| match events {
            Ok(events) => events.boxed(),
            Err(error) => stream::iter([Err(error)]).boxed(),
        })
        .flatten()
        .boxed()
    }
}

#[cfg(test)]
mod tests;

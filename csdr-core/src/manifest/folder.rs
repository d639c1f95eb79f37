//! What a folder of manifests holds.

use crate::{
    Error, Result,
    model::{
        ApiResource, ApiVersion, CustomKind, Discovery, DiscoveryGap, GapExtent, GroupResource,
        Object, ServedVersion, Tree, builtin,
    },
    port::{UnreadableItem, VaultKey},
};
use std::collections::BTreeMap;

/// Namespace (empty if cluster-scoped) and name.
pub(super) type Key = (String, String);

/// Verbs of a folder as a source.
const READ: [&str; 2] = ["get", "list"];
/// Verbs of a folder as a target.
const WRITE: [&str; 7] = [
    "create", "delete", "get", "list", "patch", "update", "watch",
];

#[derive(Debug, Default)]
pub(super) struct Folder {
    objects: BTreeMap<GroupResource, BTreeMap<Key, Manifest>>,
    unreadable: BTreeMap<GroupResource, Vec<Unreadable>>,
    /// Kinds beyond the built-in ones.
    kinds: BTreeMap<GroupResource, Known>,
    gaps: Vec<DiscoveryGap>,
}

/// One object and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Manifest {
    pub(super) object: Object,
    pub(super) file: VaultKey,
    /// Whether the file holds nothing else.
    pub(super) alone: bool,
}

#[derive(Debug)]
struct Unreadable {
    namespace: String,
    item: UnreadableItem,
}

/// A kind, with what a manifest needs of it.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) api: ApiResource,
    status: Vec<String>,
}

impl Known {
    fn custom(kind: &CustomKind) -> Self {
        Self {
            status: kind
                .resource
                .versions
                .iter()
                .filter(|row| kind.has_status(&row.version))
                .map(|row| row.version.clone())
                .collect(),
            api: kind.resource.clone(),
        }
    }

    fn builtin(row: &builtin::BuiltinKind) -> Option<Self> {
        let mut versions = row.served();
        versions.append(&mut row.older());
        Some(Self {
            api: row.api_resource(versions.iter().copied()).ok()?,
            status: versions
                .into_iter()
                .filter(|_| row.has_status)
                .map(str::to_owned)
                .collect(),
        })
    }

    pub(super) fn has_status(&self, version: &str) -> bool {
        self.status.iter().any(|own| own == version)
    }
}

impl Folder {
    /// An empty folder that knows `resources` beside the built-in kinds.
    pub(super) fn new(resources: &[ApiResource]) -> Self {
        let kinds = resources
            .iter()
            .map(|api| {
                let known = Known {
                    api: api.clone(),
                    status: Vec::new(),
                };
                (api.resource.clone(), known)
            })
            .collect();
        Self {
            kinds,
            ..Self::default()
        }
    }

    pub(super) fn define(&mut self, kind: &CustomKind) {
        self.kinds
            .insert(kind.resource.resource.clone(), Known::custom(kind));
    }

    pub(super) fn add_gap(&mut self, api_version: Option<&ApiVersion>, reason: String) {
        self.gaps.push(DiscoveryGap {
            group: api_version.map_or_else(String::new, |version| version.group().to_owned()),
            version: api_version.map(|version| version.version().to_owned()),
            reason,
            extent: match api_version {
                Some(_) => GapExtent::Group,
                None => GapExtent::Entry,
            },
        });
    }

    pub(super) fn add_unreadable(
        &mut self,
        resource: GroupResource,
        namespace: String,
        item: UnreadableItem,
    ) {
        self.unreadable
            .entry(resource)
            .or_default()
            .push(Unreadable { namespace, item });
    }

    /// Adds an object.
    ///
    /// # Errors
    /// `InvalidInput` if another file holds another object of this id.
    pub(super) fn add(&mut self, manifest: Manifest) -> Result<()> {
        let objects = self
            .objects
            .entry(manifest.object.id().resource().clone())
            .or_default();
        let key = key_of(&manifest.object);
        match objects.get(&key) {
            None => {
                objects.insert(key, manifest);
                Ok(())
            }
            // The same object twice (a Namespace in every file) is one object.
            Some(first) if first.object.tree().ok() == manifest.object.tree().ok() => Ok(()),
            Some(first) => Err(Error::invalid(
                "two manifests hold different objects of one name; leave one of them out",
            )
            .with_context("object", manifest.object.id())
            .with_context("first", &first.file)
            .with_context("second", &manifest.file)),
        }
    }

    pub(super) fn put(&mut self, manifest: Manifest) {
        self.objects
            .entry(manifest.object.id().resource().clone())
            .or_default()
            .insert(key_of(&manifest.object), manifest);
    }

    pub(super) fn take(&mut self, resource: &GroupResource, key: &Key) {
        if let Some(objects) = self.objects.get_mut(resource) {
            objects.remove(key);
        }
    }

    pub(super) fn find(&self, resource: &GroupResource, key: &Key) -> Option<&Manifest> {
        self.objects.get(resource)?.get(key)
    }

    /// The objects of a resource behind `after`, in order.
    pub(super) fn range(
        &self,
        resource: &GroupResource,
        after: Option<&Key>,
    ) -> impl Iterator<Item = &Manifest> {
        use std::ops::Bound::{Excluded, Unbounded};
        let start = after.map_or(Unbounded, Excluded);
        self.objects
            .get(resource)
            .into_iter()
            .flat_map(move |objects| objects.range::<Key, _>((start, Unbounded)))
            .map(|(_, manifest)| manifest)
    }

    pub(super) fn unreadable(
        &self,
        resource: &GroupResource,
        namespace: Option<&str>,
    ) -> impl Iterator<Item = UnreadableItem> {
        self.unreadable
            .get(resource)
            .into_iter()
            .flatten()
            .filter(move |row| namespace.is_none_or(|namespace| row.namespace == namespace))
            .map(|row| row.item.clone())
    }

    /// The kind of `api_version` and `kind`, if it is built in (in any release), defined in the folder, or was declared.
    pub(super) fn kind(&self, api_version: &ApiVersion, kind: &str) -> Option<Known> {
        let (group, version) = (api_version.group(), api_version.version());
        self.kinds
            .values()
            .find(|known| known.api.resource.group() == group && known.api.kind == kind)
            .cloned()
            .or_else(|| Known::builtin(builtin::kind(group, kind)?))
            .filter(|known| known.api.serves(version))
    }

    pub(super) fn resource(&self, resource: &GroupResource) -> Option<Known> {
        self.kinds
            .get(resource)
            .cloned()
            .or_else(|| Known::builtin(builtin::resource(resource)?))
            .filter(|known| known.api.can(&["list"]) || self.kinds.contains_key(resource))
    }

    /// Versions in which objects of a resource are written.
    fn present(&self, resource: &GroupResource) -> Vec<String> {
        let mut versions: Vec<String> = Vec::new();
        for manifest in self.range(resource, None) {
            let version = manifest.object.meta().kind.api_version.version();
            if !versions.iter().any(|own| own == version) {
                versions.push(version.to_owned());
            }
        }
        versions
    }

    /// The version of a resource that a backup lists: the best one in which objects are written, else the preferred one.
    pub(super) fn preferred(&self, resource: &GroupResource) -> Option<String> {
        let row = self.row(resource, false)?;
        Some(row.versions.first()?.version.clone())
    }

    /// As a source, a resource has the versions in which its objects are written: nothing here converts. As a target it has these
    /// and all that a current server takes.
    fn row(&self, resource: &GroupResource, target: bool) -> Option<ApiResource> {
        let known = self.resource(resource)?;
        let present = self.present(resource);
        let served: Vec<&str> = match builtin::resource(resource) {
            Some(row) if !self.kinds.contains_key(resource) => row.served(),
            _ => known
                .api
                .versions
                .iter()
                .map(|row| row.version.as_str())
                .collect(),
        };
        let verbs: &[&str] = if target { &WRITE } else { &READ };
        let versions: Vec<ServedVersion> = known
            .api
            .versions
            .iter()
            .map(|row| row.version.as_str())
            .filter(|version| {
                let written = present.iter().any(|own| own == version);
                let taken = served.contains(version) && (target || present.is_empty());
                written || taken
            })
            .map(|version| ServedVersion {
                version: version.to_owned(),
                verbs: verbs.iter().map(|verb| (*verb).to_owned()).collect(),
            })
            .collect();
        (!versions.is_empty()).then_some(ApiResource {
            versions,
            ..known.api
        })
    }

    pub(super) fn discovery(&self, target: bool) -> Discovery {
        let builtins = builtin::kinds()
            .iter()
            .filter_map(|row| row.resource().ok())
            .filter(|resource| !self.kinds.contains_key(resource));
        Discovery {
            resources: builtins
                .chain(self.kinds.keys().cloned())
                .filter_map(|resource| self.row(&resource, target))
                .collect(),
            gaps: self.gaps.clone(),
            server_version: String::new(),
        }
        .sorted()
    }
}

pub(super) fn key_of(object: &Object) -> Key {
    let id = object.id();
    (
        id.namespace().unwrap_or_default().to_owned(),
        id.name().to_owned(),
    )
}

/// Brings an object to where its kind lives: into `default` if it names no namespace, into none if the kind has none.
pub(super) fn place(known: &Known, tree: &mut Tree, default: &str) -> String {
    if !known.api.namespaced {
        tree.remove(&["metadata", "namespace"]);
        return String::new();
    }
    match tree.text_at(&["metadata", "namespace"]) {
        Some(namespace) if !namespace.is_empty() => namespace.to_owned(),
        _ => {
            tree.set(&["metadata", "namespace"], default.into());
            default.to_owned()
        }
    }
}

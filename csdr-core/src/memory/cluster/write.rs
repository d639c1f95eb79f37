//! Creates and updates.

use super::{
    admit,
    field::{self, FieldConflict, Manager, Operation, Who},
    state::{Key, Kind, State, Stored},
};
use crate::{
    Error, ErrorKind, Result,
    model::{GroupResource, GroupVersionResource, Object, ObjectId, Tree},
    port::{ApplyOptions, WriteOptions},
};
use std::sync::Arc;

/// One write on its way: where it goes and under which name.
pub(super) struct Write {
    pub(super) path: GroupVersionResource,
    pub(super) resource: GroupResource,
    pub(super) key: Key,
    pub(super) id: ObjectId,
    pub(super) kind: Kind,
    pub(super) dry_run: bool,
}

/// Fields of metadata that an update cannot change.
const KEPT: [&str; 5] = [
    "uid",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

impl State {
    pub(super) fn create(&mut self, object: &Object, options: &WriteOptions) -> Result<Object> {
        let write = self.begin(
            "create",
            object.id(),
            &object.resource_version_path(),
            options,
        )?;
        let mut tree = self.incoming(&write, object)?;
        if !object.meta().resource_version.is_empty() {
            return Err(Error::invalid(
                "metadata.resourceVersion: should not be set on objects to be created",
            )
            .with_context("object", &write.id));
        }
        self.home_of(&write)?;
        tree.strip_system_metadata();
        admit::metadata(&write.kind, write.id.name(), &tree)?;
        if self.find(&write.resource, &write.key).is_some() {
            return Err(exists(&write));
        }
        self.store_new(
            &write,
            tree,
            &who(&options.field_manager, Operation::Update),
        )
    }

    pub(super) fn apply(&mut self, object: &Object, options: &ApplyOptions) -> Result<Object> {
        if options.write.field_manager.is_empty() {
            return Err(Error::invalid("fieldManager is required for apply"));
        }
        let path = object.resource_version_path();
        let write = self.begin("patch", object.id(), &path, &options.write)?;
        let mut config = self.incoming(&write, object)?;
        if config.at(&["metadata", "managedFields"]).is_some() {
            return Err(Error::invalid("metadata.managedFields must be nil"));
        }
        admit::metadata(&write.kind, write.id.name(), &config)?;
        let who = who(&options.write.field_manager, Operation::Apply);
        let Some(old) = self.find(&write.resource, &write.key) else {
            self.authorise("create", &write.path, write.id.namespace())?;
            // A version is not demanded of an object that does not exist; a uid is.
            if !object.meta().uid.is_empty() {
                return Err(modified(&write));
            }
            self.home_of(&write)?;
            config.strip_system_metadata();
            return self.store_new(&write, config, &who);
        };
        preconditions(&write, &old, object)?;
        if write.kind.has_status(&write.path.version) {
            config.remove(&["status"]);
        }
        let mut tree = self.current(&write, &old)?;
        let mut managers = old.managers.clone();
        let (api_version, time) = (write.path.api_version(), self.time());
        field::apply(
            &mut tree,
            &mut managers,
            &config,
            &who,
            &api_version,
            &time,
            options.force,
        )
        .map_err(|conflicts| apply_conflict(&write, &conflicts))?;
        self.store_changed(&write, &old, tree, managers)
    }

    pub(super) fn merge_patch(
        &mut self,
        id: &ObjectId,
        version: &str,
        patch: &[u8],
        options: &WriteOptions,
    ) -> Result<Object> {
        let path = id.resource().with_version(version);
        let write = self.begin("patch", id, &path, options)?;
        admit::size(patch.len())?;
        let patch = Tree::parse(patch)
            .map_err(|error| Error::invalid("the patch is not JSON").with_source(error))?;
        if patch.as_object().is_none() {
            return Err(Error::invalid(
                "a merge patch of an object must be a JSON object",
            ));
        }
        let old = self
            .find(&write.resource, &write.key)
            .ok_or_else(|| missing(&write.id))?;
        let mut tree = self.current(&write, &old)?;
        let before = tree.clone();
        tree.merge(&patch);
        for path in [
            &["apiVersion"][..],
            &["kind"],
            &["metadata", "name"],
            &["metadata", "namespace"],
            &["metadata", "uid"],
        ] {
            if tree.at(path) != before.at(path) {
                return Err(
                    Error::invalid(format!("a patch cannot change {}", path.join(".")))
                        .with_context("object", &write.id),
                );
            }
        }
        let object = Object::from_tree(write.resource.clone(), &tree).map_err(|error| {
            Error::invalid("the patched object is not readable").with_source(error)
        })?;
        preconditions(&write, &old, &object)?;
        self.update(
            &write,
            &old,
            tree,
            &who(&options.field_manager, Operation::Update),
        )
    }

    pub(super) fn replace(&mut self, object: &Object, options: &WriteOptions) -> Result<Object> {
        let path = object.resource_version_path();
        let write = self.begin("update", object.id(), &path, options)?;
        let tree = self.incoming(&write, object)?;
        let old = self
            .find(&write.resource, &write.key)
            .ok_or_else(|| missing(&write.id))?;
        if write.kind.is_custom() && object.meta().resource_version.is_empty() {
            return Err(Error::invalid(
                "metadata.resourceVersion: must be specified for an update of a custom resource",
            )
            .with_context("object", &write.id));
        }
        preconditions(&write, &old, object)?;
        self.update(
            &write,
            &old,
            tree,
            &who(&options.field_manager, Operation::Update),
        )
    }

    pub(super) fn replace_status(
        &mut self,
        object: &Object,
        options: &WriteOptions,
    ) -> Result<Object> {
        let path = object.resource_version_path();
        let write = self.begin("update", object.id(), &path, options)?;
        if !write.kind.has_status(&write.path.version) {
            return Err(Error::new(
                ErrorKind::NotFound,
                "the server could not find the requested resource: the kind has no status subresource",
            )
            .with_context("resource", &write.path));
        }
        let incoming = self.incoming(&write, object)?;
        let old = self
            .find(&write.resource, &write.key)
            .ok_or_else(|| missing(&write.id))?;
        preconditions(&write, &old, object)?;
        let mut tree = self.current(&write, &old)?;
        match incoming.at(&["status"]) {
            Some(status) => tree.set(&["status"], status.clone()),
            None => {
                tree.remove(&["status"]);
            }
        }
        let who = Who {
            subresource: "status",
            ..who(&options.field_manager, Operation::Update)
        };
        let managers = self.recorded(&write, &old, &tree, &who)?;
        self.store_changed(&write, &old, tree, managers)
    }

    /// Rights, the kind, the field manager.
    fn begin(
        &self,
        verb: &'static str,
        id: &ObjectId,
        path: &GroupVersionResource,
        options: &WriteOptions,
    ) -> Result<Write> {
        self.authorise(verb, path, id.namespace())
            .map_err(|error| error.with_context("object", id))?;
        admit::manager(&options.field_manager)?;
        let kind = self.served(path)?.clone();
        if kind.api.namespaced && id.namespace().is_none() {
            return Err(
                Error::invalid("an empty namespace may not be set for a namespaced kind")
                    .with_context("object", id),
            );
        }
        // A cluster-scoped object's namespace is cleared, as the server does.
        let namespace = id.namespace().filter(|_| kind.api.namespaced);
        Ok(Write {
            path: path.clone(),
            resource: path.group_resource(),
            key: (
                namespace.unwrap_or_default().to_owned(),
                id.name().to_owned(),
            ),
            id: ObjectId::new(
                path.group_resource(),
                namespace.map(str::to_owned),
                id.name(),
            )?,
            kind,
            dry_run: options.dry_run,
        })
    }

    /// The tree of an object that a client sends.
    fn incoming(&self, write: &Write, object: &Object) -> Result<Tree> {
        admit::size(object.json().len())?;
        if object.meta().kind.kind != write.kind.api.kind {
            return Err(Error::invalid(format!(
                "the object is a {}, the resource holds {}",
                object.meta().kind.kind,
                write.kind.api.kind
            ))
            .with_context("object", &write.id));
        }
        let mut tree = object
            .tree()
            .map_err(|error| Error::invalid("the object is not readable").with_source(error))?;
        if !write.kind.api.namespaced {
            tree.remove(&["metadata", "namespace"]);
        }
        Ok(tree)
    }

    /// Whether the place for a new object stands: its namespace, its kind's definition.
    fn home_of(&self, write: &Write) -> Result<()> {
        let (namespace, _) = &write.key;
        let namespaces = GroupResource::new("", "namespaces")?;
        if !namespace.is_empty()
            && self
                .find(&namespaces, &(String::new(), namespace.clone()))
                .is_none()
        {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("namespaces \"{namespace}\" not found"),
            )
            .with_context("object", &write.id));
        }
        if self.terminating_namespaces.contains(namespace) {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!("unable to create new content in namespace {namespace} because it is being terminated"),
            )
            .with_context("object", &write.id));
        }
        if self.terminating_crds.contains(&write.resource.to_string()) {
            return Err(Error::new(
                ErrorKind::Conflict,
                "create not allowed while custom resource definition is terminating",
            )
            .with_context("object", &write.id));
        }
        Ok(())
    }

    /// The stored object in the version of the write, without `managedFields`.
    pub(super) fn current(&self, write: &Write, old: &Stored) -> Result<Tree> {
        let mut tree = Self::in_version(old, &write.path.version)?.tree()?;
        tree.remove(&["metadata", "managedFields"]);
        Ok(tree)
    }

    /// An update of everything but the status (where that is a subresource) and the server's own fields.
    fn update(
        &mut self,
        write: &Write,
        old: &Arc<Stored>,
        mut tree: Tree,
        who: &Who,
    ) -> Result<Object> {
        admit::metadata(&write.kind, write.id.name(), &tree)?;
        let current = self.current(write, old)?;
        let mut keep = |path: &[&str]| match current.at(path) {
            Some(value) => tree.set(path, value.clone()),
            None => {
                tree.remove(path);
            }
        };
        for name in KEPT {
            keep(&["metadata", name]);
        }
        keep(&["metadata", "resourceVersion"]);
        if write.kind.has_status(&write.path.version) {
            keep(&["status"]);
        }
        if write.is("", "Namespace") {
            keep(&["spec", "finalizers"]);
        }
        tree.remove(&["metadata", "managedFields"]);
        let managers = self.recorded(write, old, &tree, who)?;
        self.store_changed(write, old, tree, managers)
    }

    fn recorded(
        &self,
        write: &Write,
        old: &Stored,
        tree: &Tree,
        who: &Who,
    ) -> Result<Vec<Manager>> {
        let current = self.current(write, old)?;
        let mut managers = old.managers.clone();
        field::record_update(
            &mut managers,
            who,
            &write.path.api_version(),
            &self.time(),
            &field::leaves(&current),
            &field::leaves(tree),
        );
        Ok(managers)
    }
}

fn who(name: &str, operation: Operation) -> Who {
    Who {
        name: if name.is_empty() { "unknown" } else { name }.to_owned(),
        operation,
        subresource: "",
    }
}

fn preconditions(write: &Write, old: &Stored, object: &Object) -> Result<()> {
    let (asked, there) = (object.meta(), old.object.meta());
    let version =
        asked.resource_version.is_empty() || asked.resource_version == there.resource_version;
    let uid = asked.uid.is_empty() || asked.uid == there.uid;
    if version && uid {
        Ok(())
    } else {
        Err(modified(write))
    }
}

fn modified(write: &Write) -> Error {
    Error::new(
        ErrorKind::Conflict,
        "the object has been modified; read it again and apply the change to its latest version",
    )
    .with_context("object", &write.id)
}

fn exists(write: &Write) -> Error {
    Error::new(ErrorKind::AlreadyExists, "the object already exists")
        .with_context("object", &write.id)
}

pub(super) fn missing(id: &ObjectId) -> Error {
    Error::new(ErrorKind::NotFound, "the object does not exist").with_context("object", id)
}

fn apply_conflict(write: &Write, conflicts: &[FieldConflict]) -> Error {
    let rows: Vec<String> = conflicts
        .iter()
        .take(10)
        .map(|conflict| format!(".{} of \"{}\"", conflict.path.join("."), conflict.manager))
        .collect();
    Error::new(
        ErrorKind::Conflict,
        format!(
            "apply failed with {} conflicts: {}; apply with force to take the fields over",
            conflicts.len(),
            rows.join(", ")
        ),
    )
    .with_context("object", &write.id)
}

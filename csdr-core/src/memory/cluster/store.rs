//! The last steps of a write: what the server adds, the next version, and what follows from it.

use super::{
    admit,
    field::{self, Manager, Who},
    state::{Key, Kind, State, Stored},
    write::Write,
};
use crate::{
    Error, Result,
    model::{CustomKind, GroupResource, Object, Tree},
};
use std::{collections::BTreeMap, sync::Arc};

impl State {
    pub(super) fn store_new(&mut self, write: &Write, mut tree: Tree, who: &Who) -> Result<Object> {
        if write.kind.has_status(&write.path.version) {
            tree.remove(&["status"]);
        }
        let mut managers = Vec::new();
        let time = self.time();
        field::record_update(
            &mut managers,
            who,
            &write.path.api_version(),
            &time,
            &BTreeMap::new(),
            &field::leaves(&tree),
        );
        if let Some((namespace, _)) =
            Some(&write.key).filter(|(namespace, _)| !namespace.is_empty())
        {
            tree.set(&["metadata", "namespace"], namespace.as_str().into());
        }
        let custom = write.custom(&tree)?;
        let uid = self.new_uid();
        tree.set(&["metadata", "uid"], uid.into());
        if write.kind.has_generation {
            tree.set(&["metadata", "generation"], 1.into());
        }
        tree.set(&["metadata", "creationTimestamp"], time.into());
        if write.is("", "Namespace") {
            admit::complete_namespace(write.id.name(), &mut tree);
        }
        if write.kind.has_status(&write.path.version)
            && let Some(status) = admit::first_status(&write.kind)
        {
            tree.set(&["status"], status);
        }
        if let Some(custom) = &custom
            && !self.hold_crds
        {
            self.establish(custom, &mut tree);
        }
        if write.dry_run {
            tree.set(&["metadata", "managedFields"], field::render(&managers));
            return Object::from_tree(write.resource.clone(), &tree);
        }
        let object = self.put(write, tree, managers)?;
        if write.is("", "Namespace") {
            self.fill_namespace(write.id.name())?;
        }
        if let Some(custom) = custom.filter(|_| !self.hold_crds) {
            self.kinds
                .insert(custom.resource.resource.clone(), Kind::custom(custom));
        }
        Ok(object)
    }

    pub(super) fn store_changed(
        &mut self,
        write: &Write,
        old: &Arc<Stored>,
        mut tree: Tree,
        managers: Vec<Manager>,
    ) -> Result<Object> {
        let mut current = self.current(write, old)?;
        let custom = write.custom(&tree)?;
        let deleting = current.at(&["metadata", "deletionTimestamp"]).is_some();
        let finalizers = admit::finalizers(&tree);
        if deleting {
            let before = admit::finalizers(&current);
            if finalizers.iter().any(|own| !before.contains(own)) {
                return Err(Error::invalid(
                    "metadata.finalizers: no new finalizers can be added if the object is being deleted",
                )
                .with_context("object", &write.id));
            }
        }
        if tree == current && managers == old.managers {
            return Self::in_version(old, &write.path.version);
        }
        if write.kind.has_generation && content(&mut tree.clone()) != content(&mut current) {
            let generation = old
                .object
                .tree()?
                .at(&["metadata", "generation"])
                .and_then(Tree::as_i64)
                .unwrap_or_default();
            tree.set(&["metadata", "generation"], (generation + 1).into());
        }
        if write.dry_run {
            tree.set(&["metadata", "managedFields"], field::render(&managers));
            return Object::from_tree(write.resource.clone(), &tree);
        }
        let object = self.put(write, tree, managers)?;
        if let Some(custom) = custom
            && self.kinds.contains_key(&custom.resource.resource)
        {
            self.kinds
                .insert(custom.resource.resource.clone(), Kind::custom(custom));
        }
        if deleting && finalizers.is_empty() {
            self.settle()?;
        }
        Ok(object)
    }

    /// Stores under the next version.
    fn put(&mut self, write: &Write, tree: Tree, managers: Vec<Manager>) -> Result<Object> {
        self.put_tree(&write.resource, write.key.clone(), tree, managers)
    }

    /// Stores a tree under the next version, with its `managedFields` rendered.
    pub(super) fn put_tree(
        &mut self,
        resource: &GroupResource,
        key: Key,
        mut tree: Tree,
        managers: Vec<Manager>,
    ) -> Result<Object> {
        // The object must be readable before the version is taken.
        Object::from_tree(resource.clone(), &tree)
            .map_err(|error| Error::invalid("the object is not readable").with_source(error))?;
        let version = self.next_version();
        tree.set(&["metadata", "resourceVersion"], version.to_string().into());
        tree.set(&["metadata", "managedFields"], field::render(&managers));
        let object = Object::from_tree(resource.clone(), &tree)?;
        let stored = Stored {
            object,
            managers,
            owners: admit::owners(&tree),
            finalized: admit::finalizers(&tree).is_empty(),
        };
        Ok(self.insert(resource, key, stored).object.clone())
    }

    /// What the controllers write into a definition that they accept.
    pub(super) fn establish(&self, custom: &CustomKind, tree: &mut Tree) {
        let time = self.time();
        let condition = |kind: &str, reason: &str, message: &str| {
            [
                ("type", kind),
                ("status", "True"),
                ("lastTransitionTime", time.as_str()),
                ("reason", reason),
                ("message", message),
            ]
            .map(|(key, text)| (key, Tree::from(text)))
            .into_iter()
            .collect::<Tree>()
        };
        let kind = custom.resource.kind.as_str();
        for (name, default) in [
            ("singular", kind.to_ascii_lowercase()),
            ("listKind", format!("{kind}List")),
        ] {
            if tree.at(&["spec", "names", name]).is_none() {
                tree.set(&["spec", "names", name], default.into());
            }
        }
        let names = tree.at(&["spec", "names"]).cloned().unwrap_or_default();
        // Source: naming and establishing controllers of apiextensions-apiserver.
        let conditions = vec![
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition(
                "Established",
                "InitialNamesAccepted",
                "the initial names have been accepted",
            ),
        ];
        tree.set(&["status", "conditions"], conditions.into());
        tree.set(&["status", "acceptedNames"], names);
        tree.set(
            &["status", "storedVersions"],
            Tree::Array(vec![custom.storage.as_str().into()]),
        );
    }
}

impl Write {
    pub(super) fn is(&self, group: &str, kind: &str) -> bool {
        self.resource.group() == group && self.kind.api.kind == kind
    }

    /// The kind that a CustomResourceDefinition brings.
    fn custom(&self, tree: &Tree) -> Result<Option<CustomKind>> {
        if !self.is("apiextensions.k8s.io", "CustomResourceDefinition") {
            return Ok(None);
        }
        CustomKind::from_crd(tree).map(Some)
    }
}

/// Everything that counts for `generation`.
fn content(tree: &mut Tree) -> Tree {
    tree.remove(&["metadata"]);
    tree.remove(&["status"]);
    tree.remove(&["apiVersion"]);
    std::mem::take(tree)
}

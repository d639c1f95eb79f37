//! Deletion: finalizers, dependents, and the content of namespaces and definitions.

use super::{
    admit,
    state::{Key, State, Stored},
    write::missing,
};
use crate::{
    Error, ErrorKind, Result,
    model::{GroupResource, ObjectId, Tree},
    port::{DeleteOptions, Propagation},
};
use std::sync::Arc;

const FOREGROUND: &str = "foregroundDeletion";
/// Source: the NamespaceLifecycle admission's immortal namespaces.
const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

impl State {
    pub(super) fn delete(
        &mut self,
        id: &ObjectId,
        version: &str,
        options: &DeleteOptions,
    ) -> Result<()> {
        let path = id.resource().with_version(version);
        self.authorise("delete", &path, id.namespace())?;
        let resource = id.resource();
        let key = (
            id.namespace().unwrap_or_default().to_owned(),
            id.name().to_owned(),
        );
        let old = self.find(resource, &key).ok_or_else(|| missing(id))?;
        let meta = old.object.meta();
        let holds = |asked: &Option<String>, there: &str| {
            asked.as_deref().is_none_or(|asked| asked == there)
        };
        if !holds(&options.uid, &meta.uid)
            || !holds(&options.resource_version, &meta.resource_version)
        {
            return Err(Error::new(
                ErrorKind::Conflict,
                "a precondition of the deletion does not hold: the object is another one, or was changed",
            )
            .with_context("object", id));
        }
        if is_namespaces(resource) && IMMORTAL.contains(&id.name()) {
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                "this namespace may not be deleted",
            )
            .with_context("object", id));
        }
        if options.dry_run {
            return Ok(());
        }
        match options.propagation {
            Propagation::Background => {}
            Propagation::Orphan => self.orphan(&meta.uid)?,
            Propagation::Foreground => {
                if !self.dependents(&meta.uid).is_empty() {
                    self.add_finalizer(resource, &key, FOREGROUND)?;
                }
            }
        }
        self.mark(resource, &key)?;
        self.settle()
    }

    /// Sets `deletionTimestamp`, or takes the object away at once if nothing holds it.
    fn mark(&mut self, resource: &GroupResource, key: &Key) -> Result<()> {
        let Some(old) = self.find(resource, key) else {
            return Ok(());
        };
        let namespace = is_namespaces(resource);
        let definition = is_definitions(resource);
        if old.finalized && !namespace && !definition {
            self.collect(resource, key);
            return Ok(());
        }
        if old.object.meta().deleting {
            return Ok(());
        }
        let mut tree = old.object.tree()?;
        tree.set(&["metadata", "deletionTimestamp"], self.time().into());
        if namespace {
            tree.set(&["status", "phase"], "Terminating".into());
            self.terminating_namespaces.insert(key.1.clone());
        } else {
            tree.set(&["metadata", "deletionGracePeriodSeconds"], 0.into());
        }
        if definition {
            self.terminating_crds.insert(key.1.clone());
        }
        self.put_tree(resource, key.clone(), tree, old.managers.clone())?;
        Ok(())
    }

    /// Takes an object away and marks those that it alone owned. Each level marks further ones, so that chains are followed.
    fn collect(&mut self, resource: &GroupResource, key: &Key) {
        let mut gone = vec![(resource.clone(), key.clone())];
        while let Some((resource, key)) = gone.pop() {
            let Some(old) = self.take(&resource, &key) else {
                continue;
            };
            for (resource, key) in self.dependents(&old.object.meta().uid) {
                if self.owners_are_gone(&resource, &key) {
                    match self.find(&resource, &key) {
                        Some(dependent) if dependent.finalized => gone.push((resource, key)),
                        // A dependent that something holds is only marked; it was readable when it was stored.
                        _ => {
                            let _ = self.mark(&resource, &key);
                        }
                    }
                }
            }
        }
    }

    fn owners_are_gone(&self, resource: &GroupResource, key: &Key) -> bool {
        let Some(stored) = self.find(resource, key) else {
            return false;
        };
        !stored.owners.iter().any(|uid| self.stands(uid))
    }

    fn orphan(&mut self, uid: &str) -> Result<()> {
        for (resource, key) in self.dependents(uid) {
            let Some(old) = self.find(&resource, &key) else {
                continue;
            };
            let mut tree = old.object.tree()?;
            if let Some(Tree::Array(owners)) = tree.at_mut(&["metadata", "ownerReferences"]) {
                owners.retain(|owner| owner.text_at(&["uid"]) != Some(uid));
            }
            self.put_tree(&resource, key, tree, old.managers.clone())?;
        }
        Ok(())
    }

    fn add_finalizer(&mut self, resource: &GroupResource, key: &Key, name: &str) -> Result<()> {
        if let Some(old) = self.find(resource, key) {
            let mut tree = old.object.tree()?;
            let mut finalizers = admit::finalizers(&tree);
            finalizers.push(name.to_owned());
            let finalizers: Vec<Tree> = finalizers.into_iter().map(Tree::from).collect();
            tree.set(&["metadata", "finalizers"], finalizers.into());
            self.put_tree(resource, key.clone(), tree, old.managers.clone())?;
        }
        Ok(())
    }

    /// Does what the controllers of a cluster would do in time, until nothing moves: empties namespaces and kinds that are being
    /// deleted, waits for the dependents of a foreground deletion, and takes away what nothing holds any more.
    pub(super) fn settle(&mut self) -> Result<()> {
        loop {
            let before = self.version();
            for stored in self.deleting() {
                // An earlier one of this round may have taken it along.
                if self.stands(&stored.object.meta().uid) {
                    self.advance(&stored)?;
                }
            }
            if self.version() == before {
                return Ok(());
            }
        }
    }

    fn advance(&mut self, stored: &Arc<Stored>) -> Result<()> {
        let id = stored.object.id();
        let resource = id.resource();
        let key = (
            id.namespace().unwrap_or_default().to_owned(),
            id.name().to_owned(),
        );
        let mut held = !stored.finalized;
        if is_namespaces(resource) {
            held |= self.empty(|_, key| key.0 == id.name())?;
        }
        if is_definitions(resource) {
            let kind: GroupResource = id.name().parse()?;
            held |= self.empty(|resource, _| *resource == kind)?;
            if !held {
                self.kinds.remove(&kind);
            }
        }
        let uid = &stored.object.meta().uid;
        let mut tree = stored.object.tree()?;
        let mut finalizers = admit::finalizers(&tree);
        if finalizers.iter().any(|own| own == FOREGROUND) {
            for (resource, key) in self.dependents(uid) {
                self.mark(&resource, &key)?;
            }
            if self.dependents(uid).is_empty() {
                finalizers.retain(|own| own != FOREGROUND);
                held = !finalizers.is_empty();
                let finalizers: Vec<Tree> = finalizers.into_iter().map(Tree::from).collect();
                tree.set(&["metadata", "finalizers"], finalizers.into());
                self.put_tree(resource, key.clone(), tree, stored.managers.clone())?;
            }
        }
        if !held {
            self.terminating_namespaces
                .retain(|name| !(is_namespaces(resource) && name == id.name()));
            self.terminating_crds
                .retain(|name| !(is_definitions(resource) && name == id.name()));
            self.collect(resource, &key);
        }
        Ok(())
    }

    /// Marks every object that `picked` names; whether some still stand.
    fn empty(&mut self, picked: impl Fn(&GroupResource, &Key) -> bool) -> Result<bool> {
        let mut stand = false;
        for resource in self.filled() {
            for stored in self.all(&resource, None) {
                let id = stored.object.id();
                let key = (
                    id.namespace().unwrap_or_default().to_owned(),
                    id.name().to_owned(),
                );
                if picked(&resource, &key) {
                    self.mark(&resource, &key)?;
                    stand |= self.find(&resource, &key).is_some();
                }
            }
        }
        Ok(stand)
    }
}

fn is_namespaces(resource: &GroupResource) -> bool {
    resource.group().is_empty() && resource.resource() == "namespaces"
}

fn is_definitions(resource: &GroupResource) -> bool {
    resource.group() == "apiextensions.k8s.io" && resource.resource() == "customresourcedefinitions"
}

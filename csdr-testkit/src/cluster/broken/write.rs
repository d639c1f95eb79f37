//! What breaks in writing.

use super::{Broken, Defect};
use async_trait::async_trait;
use bytes::Bytes;
use csdr_core::{
    Error, ErrorKind, Result,
    model::{Object, ObjectId, Tree},
    port::{
        ApplyOptions, DeleteOptions, Propagation, ResourceApplier, ResourceCollector, WriteOptions,
    },
};

impl Broken {
    fn namespace_stands(&self, id: &ObjectId) -> bool {
        id.namespace()
            .and_then(|namespace| format!("namespaces/{namespace}").parse().ok())
            .is_none_or(|id: ObjectId| self.inner.object(&id).is_some())
    }

    async fn make_namespace(&self, id: &ObjectId, options: &WriteOptions) -> Result<()> {
        let json = format!(
            r#"{{"apiVersion":"v1","kind":"Namespace","metadata":{{"name":"{}"}}}}"#,
            id.namespace().unwrap_or_default()
        );
        let namespace = Object::parse("namespaces".parse()?, json)?;
        self.inner.create(&namespace, options).await?;
        Ok(())
    }
}

fn edited(object: &Object, edit: impl FnOnce(&mut Tree)) -> Result<Object> {
    let mut tree = object.tree()?;
    edit(&mut tree);
    Object::from_tree(object.id().resource().clone(), &tree)
}

/// The object with the resource version of another.
fn at_version_of(object: &Object, other: &Object) -> Result<Object> {
    let version = other.meta().resource_version.as_str();
    edited(object, |tree| {
        tree.set(&["metadata", "resourceVersion"], version.into());
    })
}

fn other_kind(error: Error, from: ErrorKind, to: ErrorKind) -> Error {
    if error.kind() == from {
        Error::new(to, "told as another kind").with_source(error)
    } else {
        error
    }
}

#[async_trait]
impl ResourceApplier for Broken {
    async fn create(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        let id = object.id();
        let nameless = WriteOptions {
            field_manager: String::new(),
            ..options.clone()
        };
        let options = match self.defect {
            Defect::ForgetsTheManager => &nameless,
            _ => options,
        };
        let answer = self.inner.create(object, options).await;
        let Err(error) = answer else {
            return match self.defect {
                Defect::AnswersTheRequest => Ok(object.clone()),
                _ => answer,
            };
        };
        let kinds = match (self.defect, error.kind()) {
            (Defect::CreateReplaces, ErrorKind::AlreadyExists) if !options.dry_run => {
                return self.inner.replace(object, options).await;
            }
            (Defect::MakesNamespaces, ErrorKind::NotFound) if !self.namespace_stands(id) => {
                self.make_namespace(id, options).await?;
                return self.inner.create(object, options).await;
            }
            (Defect::TerminatingIsForbidden, _) => {
                (ErrorKind::Conflict, ErrorKind::PermissionDenied)
            }
            (Defect::InvalidIsUnexpected, _) => (ErrorKind::InvalidInput, ErrorKind::Unexpected),
            (Defect::UnknownIsUnsupported, _) if self.namespace_stands(id) => {
                (ErrorKind::NotFound, ErrorKind::Unsupported)
            }
            (Defect::ForbiddenIsNotFound, _) => (ErrorKind::PermissionDenied, ErrorKind::NotFound),
            _ => return Err(error),
        };
        Err(other_kind(error, kinds.0, kinds.1))
    }

    async fn apply(&self, object: &Object, options: &ApplyOptions) -> Result<Object> {
        let mut options = options.clone();
        let version = object.meta().kind.api_version.version();
        let live = ResourceCollector::get(&self.inner, object.id(), version).await?;
        let mut object = object.clone();
        match (self.defect, live) {
            (Defect::ApplyNeedsExisting, None) => {
                return Err(Error::new(ErrorKind::NotFound, "no such object"));
            }
            (Defect::ApplyKeeps, Some(live)) => {
                let live = live.tree()?;
                object = edited(&object, |tree| {
                    for (key, value) in live
                        .at(&["data"])
                        .and_then(Tree::as_object)
                        .into_iter()
                        .flatten()
                    {
                        if tree.at(&["data", key]).is_none() {
                            tree.set(&["data", key], value.clone());
                        }
                    }
                })?;
            }
            (Defect::AlwaysForces, _) => options.force = true,
            (Defect::NeverForces, _) if !options.write.dry_run => options.force = false,
            _ => {}
        }
        self.inner.apply(&object, &options).await
    }

    async fn merge_patch(
        &self,
        id: &ObjectId,
        version: &str,
        patch: Bytes,
        options: &WriteOptions,
    ) -> Result<Object> {
        let mut tree = Tree::parse(&patch)?;
        match self.defect {
            Defect::NullsAreDropped => {
                if let Some(data) = tree.at_mut(&["data"]).and_then(Tree::as_object_mut) {
                    data.retain(|_, value| !value.is_null());
                }
            }
            Defect::PatchForgetsTheVersion => {
                tree.remove(&["metadata", "resourceVersion"]);
            }
            _ => {}
        }
        let answer = self
            .inner
            .merge_patch(id, version, tree.to_json(), options)
            .await;
        match self.defect {
            Defect::PatchMissingIsConflict => {
                answer.map_err(|error| other_kind(error, ErrorKind::NotFound, ErrorKind::Conflict))
            }
            _ => answer,
        }
    }

    async fn replace(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        let id = object.id();
        match self.defect {
            Defect::ReplaceMerges => {
                let version = object.meta().kind.api_version.version();
                let patch = object.json().clone();
                self.inner.merge_patch(id, version, patch, options).await
            }
            Defect::ForgetsTheVersion if id.resource().group().is_empty() => {
                let object = edited(object, |tree| {
                    tree.remove(&["metadata", "resourceVersion"]);
                })?;
                self.inner.replace(&object, options).await
            }
            Defect::ReplaceCreates => match self.inner.replace(object, options).await {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    self.inner.create(object, options).await
                }
                answer => answer,
            },
            Defect::ReplaceWritesStatus => {
                let answer = self.inner.replace(object, options).await?;
                let object = at_version_of(object, &answer)?;
                match self.inner.replace_status(&object, options).await {
                    Err(error) if error.kind() == ErrorKind::NotFound => Ok(answer),
                    answer => answer,
                }
            }
            _ => self.inner.replace(object, options).await,
        }
    }

    async fn replace_status(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        match (
            self.defect,
            self.inner.replace_status(object, options).await,
        ) {
            (Defect::StatusWritesAll, Ok(answer)) => {
                let object = at_version_of(object, &answer)?;
                self.inner.replace(&object, options).await
            }
            (Defect::StatusOfAnything, Err(error)) if error.kind() == ErrorKind::NotFound => {
                self.inner.replace(object, options).await
            }
            (_, answer) => answer,
        }
    }

    async fn delete(&self, id: &ObjectId, version: &str, options: &DeleteOptions) -> Result<()> {
        let mut options = options.clone();
        match self.defect {
            Defect::DeletesDry => options.dry_run = false,
            Defect::ForegroundStays if options.propagation == Propagation::Foreground => {
                return Ok(());
            }
            Defect::IgnoresPreconditions => {
                options.uid = None;
                options.resource_version = None;
            }
            Defect::BreaksFinalizers => {
                let patch = Bytes::from_static(br#"{"metadata":{"finalizers":null}}"#);
                let writer = WriteOptions {
                    dry_run: options.dry_run,
                    ..WriteOptions::default()
                };
                self.inner.merge_patch(id, version, patch, &writer).await?;
            }
            _ => {}
        }
        match self.inner.delete(id, version, &options).await {
            Err(error)
                if self.has(Defect::DeleteMissingWorks) && error.kind() == ErrorKind::NotFound =>
            {
                Ok(())
            }
            answer => answer,
        }
    }
}

//! Writes objects as files.

use super::{
    dir::{ManifestDir, key},
    folder::{Known, Manifest, place},
    yaml,
};
use crate::{
    Error, ErrorKind, Result,
    model::{CustomKind, Object, ObjectId, Tree},
    port::{
        ApplyOptions, DeleteOptions, PutMode, ResourceApplier, VaultBackendExt, VaultKey,
        WriteOptions,
    },
};
use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest, Sha256};

/// Names beyond this are cut and end in a hash: file systems take 255 bytes a name.
const NAME: usize = 200;

impl ManifestDir {
    /// Where an object is written: `<namespace or _cluster>/<resource[.group]>/<name>.yaml`.
    ///
    /// # Errors
    /// `InvalidInput` if the key would be longer than a vault takes.
    pub fn place_of(&self, id: &ObjectId) -> Result<VaultKey> {
        let mut name = id.name().to_owned();
        if name.len() > NAME {
            let hash = hex::encode(Sha256::digest(&name));
            let cut = (0..=NAME - 20)
                .rev()
                .find(|at| name.is_char_boundary(*at))
                .unwrap_or_default();
            name.truncate(cut);
            name = format!("{name}-{}", &hash[..16]);
        }
        let folder = id.namespace().unwrap_or("_cluster");
        self.prefix
            .join(&format!("{folder}/{}/{name}.yaml", id.resource()))
    }

    /// The kind, the tree and the id of an object that is to be written.
    fn prepare(&self, object: &Object) -> Result<(Known, Tree, ObjectId)> {
        let known = self.served(&object.resource_version_path())?;
        let id = object.id();
        if object.meta().kind.kind != known.api.kind {
            return Err(Error::invalid(format!(
                "the object is a {}, the resource holds {}",
                object.meta().kind.kind,
                known.api.kind
            ))
            .with_context("object", id));
        }
        if known.api.namespaced && id.namespace().is_none() {
            return Err(
                Error::invalid("an object of a namespaced kind needs a namespace")
                    .with_context("object", id),
            );
        }
        let mut tree = object
            .tree()
            .map_err(|error| Error::invalid("the object is not readable").with_source(error))?;
        let namespace = place(&known, &mut tree, "");
        let id = ObjectId::new(
            id.resource().clone(),
            Some(namespace).filter(|namespace| !namespace.is_empty()),
            id.name(),
        )?;
        Ok((known, tree, id))
    }

    /// What will be read again from the text that is written.
    fn rendered(&self, id: &ObjectId, tree: &Tree, file: VaultKey) -> Result<(Bytes, Manifest)> {
        let text = yaml::to_yaml(tree);
        let mut documents = yaml::documents(&text, &yaml::YamlLimits::default());
        let read = match (documents.pop(), documents.is_empty()) {
            (Some(document), true) => document.tree?,
            _ => return Err(Error::invalid("the object is empty").with_context("object", id)),
        };
        let manifest = Manifest {
            object: Object::from_tree(id.resource().clone(), &read)?,
            file,
            alone: true,
        };
        Ok((text.into(), manifest))
    }

    /// Notes a written object, and the kind that it defines.
    fn note(&self, manifest: Manifest) -> Result<()> {
        let custom = match manifest.object.meta().kind.kind.as_str() {
            "CustomResourceDefinition" => Some(CustomKind::from_crd(&manifest.object.tree()?)?),
            _ => None,
        };
        self.with(|folder| {
            if let Some(custom) = custom {
                folder.define(&custom);
            }
            folder.put(manifest);
        });
        Ok(())
    }

    /// An object that has a file of its own at its place.
    fn own(&self, id: &ObjectId, version: &str) -> Result<Manifest> {
        self.served(&id.resource().with_version(version))?;
        let manifest = self
            .with(|folder| folder.find(id.resource(), &key(id)).cloned())
            .ok_or_else(|| {
                Error::new(ErrorKind::NotFound, "the object does not exist")
                    .with_context("object", id)
            })?;
        if manifest.alone && manifest.file == self.place_of(id)? {
            Ok(manifest)
        } else {
            Err(unsupported(
                "the object stands in a file that csdr did not write; change it by hand",
                id,
            )
            .with_context("file", &manifest.file))
        }
    }

    async fn overwrite(
        &self,
        old: &Manifest,
        id: &ObjectId,
        mut tree: Tree,
        known: &Known,
        dry_run: bool,
    ) -> Result<Object> {
        let version = old.object.meta().kind.api_version.version();
        clean(&mut tree, known, version);
        let (body, manifest) = self.rendered(id, &tree, old.file.clone())?;
        let object = manifest.object.clone();
        if !dry_run && object != old.object {
            self.vault.put(&old.file, body, PutMode::Overwrite).await?;
            self.note(manifest)?;
        }
        Ok(object)
    }
}

/// Takes away what belongs to a server.
fn clean(tree: &mut Tree, known: &Known, version: &str) {
    tree.strip_system_metadata();
    if known.has_status(version) {
        tree.remove(&["status"]);
    }
}

fn unsupported(message: &str, id: &ObjectId) -> Error {
    Error::new(ErrorKind::Unsupported, message).with_context("object", id)
}

fn exists(id: &ObjectId, file: &VaultKey) -> Error {
    Error::new(ErrorKind::AlreadyExists, "the object already exists")
        .with_context("object", id)
        .with_context("file", file)
}

/// A manifest has neither uid nor version: who demands one means another object.
fn precondition(asked: &[&str], there: &Manifest, id: &ObjectId) -> Result<()> {
    let meta = there.object.meta();
    if asked.iter().all(|asked| {
        asked.is_empty() || [&meta.uid, &meta.resource_version].contains(&&(*asked).to_owned())
    }) {
        Ok(())
    } else {
        Err(Error::new(
            ErrorKind::Conflict,
            "a manifest has no uid and no resourceVersion that could be demanded",
        )
        .with_context("object", id))
    }
}

#[async_trait]
impl ResourceApplier for ManifestDir {
    async fn create(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        self.read().await?;
        let _gate = self.gate.read().await;
        let (known, mut tree, id) = self.prepare(object)?;
        if !object.meta().resource_version.is_empty() {
            return Err(Error::invalid(
                "metadata.resourceVersion: should not be set on objects to be created",
            )
            .with_context("object", &id));
        }
        let version = object.meta().kind.api_version.version();
        clean(&mut tree, &known, version);
        if let Some(file) = self.with(|folder| {
            folder
                .find(id.resource(), &key(&id))
                .map(|manifest| manifest.file.clone())
        }) {
            return Err(exists(&id, &file).with_operation("create"));
        }
        let file = self.place_of(&id)?;
        let (body, manifest) = self.rendered(&id, &tree, file.clone())?;
        if manifest.object.meta().kind.kind == "CustomResourceDefinition" {
            // Refused before it is written, as a server would.
            CustomKind::from_crd(&tree)?;
        }
        let written = manifest.object.clone();
        let atomic = self.vault.capabilities().conditional_create;
        if (options.dry_run || !atomic) && self.vault.exists(&file).await? {
            return Err(exists(&id, &file).with_operation("create"));
        }
        if !options.dry_run {
            let mode = if atomic {
                PutMode::CreateNew
            } else {
                PutMode::Overwrite
            };
            self.vault
                .put(&file, body, mode)
                .await
                .map_err(|error| match error.kind() {
                    ErrorKind::AlreadyExists => exists(&id, &file).with_source(error),
                    _ => error.with_context("object", &id),
                })
                .map_err(|error| error.with_operation("create"))?;
            self.note(manifest)?;
        }
        Ok(written)
    }

    /// `Unsupported`: a file does not know who owns which field.
    async fn apply(&self, object: &Object, _: &ApplyOptions) -> Result<Object> {
        Err(unsupported(
            "a folder of manifests has no server-side apply; create or replace the object",
            object.id(),
        ))
    }

    async fn merge_patch(
        &self,
        id: &ObjectId,
        version: &str,
        patch: Bytes,
        options: &WriteOptions,
    ) -> Result<Object> {
        self.read().await?;
        let (_gate, _writes) = (self.gate.read().await, self.writes.lock().await);
        let old = self.own(id, version)?;
        let patch = Tree::parse(&patch)
            .map_err(|error| Error::invalid("the patch is not JSON").with_source(error))?;
        if patch.as_object().is_none() {
            return Err(Error::invalid(
                "a merge patch of an object must be a JSON object",
            ));
        }
        if old.object.meta().kind.api_version.version() != version {
            return Err(unsupported(
                "the manifest is written in another version",
                id,
            ));
        }
        let mut tree = old.object.tree()?;
        tree.merge(&patch);
        let object = Object::from_tree(id.resource().clone(), &tree).map_err(|error| {
            Error::invalid("the patched object is not readable").with_source(error)
        })?;
        if object.id() != old.object.id() || object.meta().kind != old.object.meta().kind {
            return Err(
                Error::invalid("a patch cannot change kind, name or namespace")
                    .with_context("object", id),
            );
        }
        let meta = object.meta();
        precondition(&[&meta.uid, &meta.resource_version], &old, id)?;
        let (known, tree, _) = self.prepare(&object)?;
        self.overwrite(&old, id, tree, &known, options.dry_run)
            .await
    }

    async fn replace(&self, object: &Object, options: &WriteOptions) -> Result<Object> {
        self.read().await?;
        let (_gate, _writes) = (self.gate.read().await, self.writes.lock().await);
        let (known, tree, id) = self.prepare(object)?;
        let old = self.own(&id, object.meta().kind.api_version.version())?;
        let meta = object.meta();
        precondition(&[&meta.uid, &meta.resource_version], &old, &id)?;
        self.overwrite(&old, &id, tree, &known, options.dry_run)
            .await
    }

    /// `Unsupported`: a manifest has no status.
    async fn replace_status(&self, object: &Object, _: &WriteOptions) -> Result<Object> {
        Err(unsupported(
            "a folder of manifests keeps no status",
            object.id(),
        ))
    }

    async fn delete(&self, id: &ObjectId, version: &str, options: &DeleteOptions) -> Result<()> {
        self.read().await?;
        let (_gate, _writes) = (self.gate.read().await, self.writes.lock().await);
        let old = self.own(id, version)?;
        let uid = options.uid.as_deref().unwrap_or_default();
        let resource_version = options.resource_version.as_deref().unwrap_or_default();
        precondition(&[uid, resource_version], &old, id)?;
        if !options.dry_run {
            self.vault.delete(&old.file).await?;
            self.with(|folder| folder.take(id.resource(), &key(id)));
        }
        Ok(())
    }
}

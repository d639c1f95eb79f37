//! How a cluster begins, and how a test fills it.

use super::{
    admit,
    field::{self, Operation, Who},
    state::{Key, Kind, State},
};
use crate::{
    Error, ErrorKind, Result,
    manifest::yaml,
    model::{ApiVersion, CustomKind, GroupResource, Object, Tree},
};
use std::collections::BTreeMap;

/// Under which name seeded objects were written, as if somebody had used kubectl.
const SEEDER: &str = "kubectl-create";

impl State {
    /// What a fresh cluster holds.
    pub(super) fn boot(&mut self) {
        for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
            // Invariant: these names are well-formed, so that nothing can be refused.
            let _ = self.make_namespace(name);
        }
    }

    fn make_namespace(&mut self, name: &str) -> Result<()> {
        let mut namespace = new_object("v1", "Namespace", name, None);
        admit::complete_namespace(name, &mut namespace);
        namespace.set(&["status", "phase"], "Active".into());
        self.seed(namespace)?;
        self.fill_namespace(name)
    }

    /// What the controllers put into every new namespace.
    pub(super) fn fill_namespace(&mut self, name: &str) -> Result<()> {
        let mut bundle = new_object("v1", "ConfigMap", "kube-root-ca.crt", Some(name));
        bundle.set(
            &["metadata", "annotations", "kubernetes.io/description"],
            "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.".into(),
        );
        bundle.set(
            &["data", "ca.crt"],
            "-----BEGIN CERTIFICATE-----\nMemoryCluster\n-----END CERTIFICATE-----\n".into(),
        );
        for object in [
            bundle,
            new_object("v1", "ServiceAccount", "default", Some(name)),
        ] {
            self.put_seed(object, "kube-controller-manager", false)?;
        }
        Ok(())
    }

    pub(super) fn add(&mut self, json: &[u8]) -> Result<Object> {
        self.seed(Tree::parse(json)?)
    }

    pub(super) fn load_yaml(&mut self, text: &str) -> Result<usize> {
        let mut trees = Vec::new();
        for document in yaml::documents(text, &yaml::YamlLimits::default()) {
            let tree = document.tree.map_err(|error| {
                Error::invalid("a document cannot be read")
                    .with_context("line", document.line)
                    .with_source(error)
            })?;
            trees.extend(yaml::items(tree));
        }
        trees.sort_by_key(|tree| match tree.text_at(&["kind"]) {
            Some("CustomResourceDefinition") => 0,
            Some("Namespace") => 1,
            _ => 2,
        });
        let count = trees.len();
        for tree in trees {
            self.seed(tree)?;
        }
        Ok(count)
    }

    fn seed(&mut self, tree: Tree) -> Result<Object> {
        self.put_seed(tree, SEEDER, true)
    }

    /// Stores an object as it is; `replace` says what becomes of one that stands there already.
    fn put_seed(&mut self, mut tree: Tree, manager: &str, replace: bool) -> Result<Object> {
        let (resource, kind) = self.kind_of(&tree)?;
        let name = tree
            .text_at(&["metadata", "name"])
            .ok_or_else(|| Error::invalid("object has no name"))?
            .to_owned();
        admit::metadata(&kind, &name, &tree)?;
        let namespace = match tree.text_at(&["metadata", "namespace"]) {
            _ if !kind.api.namespaced => {
                tree.remove(&["metadata", "namespace"]);
                String::new()
            }
            Some(namespace) if !namespace.is_empty() => namespace.to_owned(),
            _ => {
                tree.set(&["metadata", "namespace"], "default".into());
                "default".to_owned()
            }
        };
        let namespaces = GroupResource::new("", "namespaces")?;
        if !namespace.is_empty()
            && self
                .find(&namespaces, &(String::new(), namespace.clone()))
                .is_none()
        {
            self.make_namespace(&namespace)?;
        }
        let key: Key = (namespace, name.clone());
        let old = self.find(&resource, &key);
        if let (Some(old), false) = (&old, replace) {
            return Ok(old.object.clone());
        }
        let is_new_namespace = resource == namespaces && old.is_none();
        if resource == namespaces {
            admit::complete_namespace(&name, &mut tree);
            if tree.text_at(&["status", "phase"]).is_none() {
                tree.set(&["status", "phase"], "Active".into());
            }
        }
        tree.remove(&["metadata", "managedFields"]);
        if tree.text_at(&["metadata", "uid"]).is_none() {
            let uid = match &old {
                Some(old) => old.object.meta().uid.clone(),
                None => self.new_uid(),
            };
            tree.set(&["metadata", "uid"], uid.into());
        }
        if tree.text_at(&["metadata", "creationTimestamp"]).is_none() {
            tree.set(&["metadata", "creationTimestamp"], self.time().into());
        }
        if kind.has_generation && tree.at(&["metadata", "generation"]).is_none() {
            tree.set(&["metadata", "generation"], 1.into());
        }
        let custom = (kind.api.kind == "CustomResourceDefinition")
            .then(|| CustomKind::from_crd(&tree))
            .transpose()?;
        if let Some(custom) = &custom
            && !self.hold_crds
        {
            self.establish(custom, &mut tree);
        }
        let mut managers = Vec::new();
        let who = Who {
            name: manager.to_owned(),
            operation: Operation::Update,
            subresource: "",
        };
        let api_version = tree.text_at(&["apiVersion"]).unwrap_or_default().to_owned();
        field::record_update(
            &mut managers,
            &who,
            &api_version,
            &self.time(),
            &BTreeMap::new(),
            &field::leaves(&tree),
        );
        let object = self.put_tree(&resource, key, tree, managers)?;
        if let Some(custom) = custom.filter(|_| !self.hold_crds) {
            self.kinds
                .insert(custom.resource.resource.clone(), Kind::custom(custom));
        }
        if is_new_namespace {
            self.fill_namespace(&name)?;
        }
        Ok(object)
    }

    fn kind_of(&self, tree: &Tree) -> Result<(GroupResource, Kind)> {
        let api_version: ApiVersion = tree
            .text_at(&["apiVersion"])
            .ok_or_else(|| Error::invalid("object has no apiVersion"))?
            .parse()?;
        let kind = tree.text_at(&["kind"]).unwrap_or_default();
        self.kinds
            .iter()
            .find(|(resource, row)| {
                resource.group() == api_version.group()
                    && row.api.kind == kind
                    && row.api.serves(api_version.version())
            })
            .map(|(resource, row)| (resource.clone(), row.clone()))
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::NotFound,
                    "the kind is not served; add its CustomResourceDefinition first",
                )
                .with_context("kind", format!("{api_version}/{}", kind.escape_debug()))
            })
    }

    pub(super) fn establish_all(&mut self) -> Result<()> {
        self.hold_crds = false;
        let definitions = GroupResource::new("apiextensions.k8s.io", "customresourcedefinitions")?;
        for stored in self.all(&definitions, None) {
            let mut tree = stored.object.tree()?;
            let custom = CustomKind::from_crd(&tree)?;
            let resource = custom.resource.resource.clone();
            if self.kinds.contains_key(&resource) {
                continue;
            }
            self.establish(&custom, &mut tree);
            let key = (String::new(), stored.object.id().name().to_owned());
            self.put_tree(&definitions, key, tree, stored.managers.clone())?;
            self.kinds.insert(resource, Kind::custom(custom));
        }
        Ok(())
    }
}

fn new_object(api_version: &str, kind: &str, name: &str, namespace: Option<&str>) -> Tree {
    let mut tree: Tree = [("apiVersion", api_version), ("kind", kind)]
        .map(|(key, text)| (key, Tree::from(text)))
        .into_iter()
        .collect();
    tree.set(&["metadata", "name"], name.into());
    if let Some(namespace) = namespace {
        tree.set(&["metadata", "namespace"], namespace.into());
    }
    tree
}

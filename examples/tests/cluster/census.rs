//! Everything that an API server has, read without csdr's client, discovery or lists.

use crate::{equality::AT_ONCE, world::Cluster};
use csdr_core::model::{GroupResource, Tree};
use futures::{StreamExt, stream};
use serde_json::Value;
use std::collections::BTreeMap;

/// Objects by `plural[.group]/[namespace/]name`.
pub(crate) type Census = BTreeMap<String, Found>;

/// One object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) resource: GroupResource,
    pub(crate) tree: Tree,
}

/// One kind, as the server's own discovery shows it.
#[derive(Clone)]
struct Kind {
    folder: String,
    group: String,
    plural: String,
    kind: String,
    api_version: String,
    namespaced: bool,
}

impl Cluster {
    /// All objects in these namespaces, these Namespaces, and everything else that is cluster-scoped.
    pub(crate) async fn census(&self, namespaces: &[&str]) -> Census {
        let mut folders = Vec::new();
        for kind in self.kinds().await {
            let (folder, plural) = (&kind.folder, &kind.plural);
            if kind.namespaced {
                let folder = |namespace| format!("{folder}/namespaces/{namespace}/{plural}");
                let paths: Vec<String> = namespaces.iter().map(folder).collect();
                folders.extend(paths.into_iter().map(|path| (kind.clone(), path)));
            } else {
                folders.push((kind.clone(), format!("{folder}/{plural}")));
            }
        }
        let found = stream::iter(folders).map(|(kind, path)| async move {
            let list = self.get(&path).await;
            items(&kind, list)
        });
        let found: Vec<Census> = found.buffered(AT_ONCE).collect().await;
        let mut census: Census = found.into_iter().flatten().collect();
        census.retain(|id, _| {
            id.strip_prefix("namespaces/")
                .is_none_or(|name| namespaces.contains(&name))
        });
        census
    }

    /// One object in the version that `api_version` of `like` has.
    pub(crate) async fn object(
        &self,
        resource: &str,
        namespace: Option<&str>,
        name: &str,
        api_version: &str,
    ) -> Option<Tree> {
        let folder = folder(api_version);
        let plural = resource.split('.').next().unwrap();
        let path = match namespace {
            Some(namespace) => format!("{folder}/namespaces/{namespace}/{plural}/{name}"),
            None => format!("{folder}/{plural}/{name}"),
        };
        let reply = self.plane.call("GET", &path, "").await.unwrap();
        match reply.status {
            200 => Some(Tree::parse(reply.body.as_bytes()).unwrap()),
            404 => None,
            status => panic!("GET {path}: {status} {}", reply.body),
        }
    }

    async fn kinds(&self) -> Vec<Kind> {
        let mut kinds = Vec::new();
        let mut versions = vec!["v1".to_owned()];
        let groups = self.get("/apis").await.unwrap();
        for group in groups["groups"].as_array().unwrap() {
            versions.push(
                group["preferredVersion"]["groupVersion"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
            );
        }
        for version in versions {
            let folder = folder(&version);
            let reply = self.plane.call("GET", &folder, "").await.unwrap();
            // An aggregated API without a backend has nothing.
            if reply.status == 503 {
                continue;
            }
            assert_eq!(reply.status, 200, "{folder}: {}", reply.body);
            let list: Value = serde_json::from_str(&reply.body).unwrap();
            for row in list["resources"].as_array().unwrap() {
                let plural = row["name"].as_str().unwrap();
                let verbs = row["verbs"].as_array().unwrap();
                let has = |verb: &str| verbs.iter().any(|own| own == verb);
                if plural.contains('/') || !has("list") || !has("create") {
                    continue;
                }
                kinds.push(Kind {
                    folder: folder.clone(),
                    group: version
                        .rsplit_once('/')
                        .map_or("", |(group, _)| group)
                        .to_owned(),
                    plural: plural.to_owned(),
                    kind: row["kind"].as_str().unwrap().to_owned(),
                    api_version: version.clone(),
                    namespaced: row["namespaced"].as_bool().unwrap(),
                });
            }
        }
        kinds
    }
}

fn folder(api_version: &str) -> String {
    if api_version.contains('/') {
        format!("/apis/{api_version}")
    } else {
        format!("/api/{api_version}")
    }
}

/// The objects of a list, each complete.
fn items(kind: &Kind, list: Option<Value>) -> Census {
    let mut census = Census::new();
    let list = list.unwrap_or_default();
    for item in list["items"].as_array().into_iter().flatten() {
        let mut object = item.clone();
        object["apiVersion"] = Value::from(&*kind.api_version);
        object["kind"] = Value::from(&*kind.kind);
        add(kind, object, &mut census);
    }
    census
}

fn add(kind: &Kind, object: Value, census: &mut Census) {
    let resource = if kind.group.is_empty() {
        kind.plural.clone()
    } else {
        format!("{}.{}", kind.plural, kind.group)
    };
    let name = object["metadata"]["name"].as_str().unwrap();
    let id = match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("{resource}/{namespace}/{name}"),
        None => format!("{resource}/{name}"),
    };
    let found = Found {
        resource: resource.parse().unwrap(),
        tree: Tree::parse(object.to_string().as_bytes()).unwrap(),
    };
    census.insert(id, found);
}

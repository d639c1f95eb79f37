//! Everything that an API server has, read without csdr's client, discovery or lists.

use crate::world::Cluster;
use csdr_core::model::{GroupResource, Tree};
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
        let mut census = Census::new();
        for kind in self.kinds().await {
            if kind.namespaced {
                for namespace in namespaces {
                    let path = format!("{}/namespaces/{namespace}/{}", kind.folder, kind.plural);
                    self.take(&kind, &path, &mut census).await;
                }
            } else if kind.plural == "namespaces" {
                for namespace in namespaces {
                    if let Some(object) = self.get(&format!("/api/v1/namespaces/{namespace}")).await
                    {
                        add(&kind, object, &mut census);
                    }
                }
            }
        }
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

    async fn take(&self, kind: &Kind, path: &str, census: &mut Census) {
        let Some(list) = self.get(path).await else {
            return;
        };
        for mut item in list["items"].as_array().unwrap().iter().cloned() {
            item["apiVersion"] = Value::from(&*kind.api_version);
            item["kind"] = Value::from(&*kind.kind);
            add(kind, item, census);
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

//! `metadata.ownerReferences` of stored objects.

use super::apply::managers;
use crate::model::{Object, Tree};
use serde::Deserialize;

/// One owner, as the source names it. Source: `meta/v1 OwnerReference`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OwnerReference {
    api_version: Box<str>,
    pub(super) kind: Box<str>,
    pub(super) name: Box<str>,
    #[serde(default)]
    controller: Option<bool>,
    #[serde(default)]
    block_owner_deletion: Option<bool>,
}

impl OwnerReference {
    /// The owner's API group.
    pub(super) fn group(&self) -> &str {
        self.api_version
            .rsplit_once('/')
            .map_or("", |(group, _)| group)
    }

    /// The same relation to the owner as it stands in the target.
    pub(super) fn to(&self, owner: &Object) -> Tree {
        let meta = owner.meta();
        let mut tree: Tree = [
            ("apiVersion", meta.kind.api_version.to_string()),
            ("kind", meta.kind.kind.clone()),
            ("name", owner.id().name().to_owned()),
            ("uid", meta.uid.clone()),
        ]
        .map(|(key, text)| (key, Tree::from(text)))
        .into_iter()
        .collect();
        for (key, flag) in [
            ("controller", self.controller),
            ("blockOwnerDeletion", self.block_owner_deletion),
        ] {
            if let Some(flag) = flag {
                tree.set(&[key], flag.into());
            }
        }
        tree
    }
}

#[derive(Deserialize)]
struct Owned {
    metadata: OwnedMetadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OwnedMetadata {
    #[serde(default)]
    owner_references: Option<Vec<OwnerReference>>,
}

/// The owners of an object; those that are not readable are none.
pub(super) fn owner_references(object: &Object) -> Vec<OwnerReference> {
    // Most objects have no owner: they are not read again.
    if !object.text().contains("\"ownerReferences\"") {
        return Vec::new();
    }
    let read: Option<Owned> = serde_json::from_slice(object.json()).ok();
    read.and_then(|read| read.metadata.owner_references)
        .unwrap_or_default()
}

/// Whether an object that a restore has created still has to be told its owners: they came after it, and that restore did not get so far.
pub(super) fn lacks_owners(stored: &Object, live: &Object) -> bool {
    is_csdrs(live) && !owner_references(stored).is_empty() && owner_references(live).is_empty()
}

/// Whether an operation of csdr has written an object.
pub(super) fn is_csdrs(object: &Object) -> bool {
    managers(object).iter().any(|by| by.starts_with("csdr-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_named_by_their_uid_in_the_target() {
        let json = r#"{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"a","namespace":"n","ownerReferences":[{"apiVersion":"extensions/v1beta1","kind":"Deployment","name":"web","uid":"old","controller":true}]}}"#;
        let object = Object::parse("replicasets.apps".parse().unwrap(), json).unwrap();
        let owners = owner_references(&object);
        assert_eq!(
            (owners.len(), owners[0].group(), &*owners[0].name),
            (1, "extensions", "web")
        );
        let there = r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"n","uid":"new"}}"#;
        let there = Object::parse("deployments.apps".parse().unwrap(), there).unwrap();
        assert_eq!(
            owners[0].to(&there).to_string(),
            r#"{"apiVersion":"apps/v1","kind":"Deployment","name":"web","uid":"new","controller":true}"#
        );
        let core = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"n","annotations":{"x":"\"ownerReferences\""}}}"#;
        assert!(
            owner_references(&Object::parse("pods".parse().unwrap(), core).unwrap()).is_empty()
        );
    }
}

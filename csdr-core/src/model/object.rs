//! One object: the server's bytes and the few fields that decide.

use super::{GroupResource, GroupVersionKind, GroupVersionResource, ObjectId, Tree};
use crate::{Error, Result};
use bytes::Bytes;
use serde::Deserialize;
use std::{borrow::Cow, collections::BTreeMap, fmt};

/// An object as its server wrote it. The bytes are never re-encoded: unknown fields, key order and big numbers survive.
///
/// Cheap to clone in its bytes. `Debug` shows the id and the size, never the content (it may be a Secret).
///
/// ```
/// use csdr_core::model::Object;
/// let json = br#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"shop"},"data":{"n":"1e3"}}"#;
/// let object = Object::parse("configmaps".parse()?, json.to_vec())?;
/// assert_eq!(object.id().to_string(), "configmaps/shop/a");
/// assert_eq!(&object.json()[..], json);
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Object {
    id: ObjectId,
    meta: ObjectMeta,
    json: Bytes,
}

/// The fields of an object that csdr decides by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectMeta {
    /// `apiVersion` and `kind`.
    pub kind: GroupVersionKind,
    /// `metadata.uid`, empty if there is none.
    pub uid: String,
    /// `metadata.resourceVersion`, empty if there is none.
    pub resource_version: String,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// Whether `metadata.deletionTimestamp` is set.
    pub deleting: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head<'a> {
    #[serde(borrow, default)]
    api_version: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    metadata: Metadata<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    namespace: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    uid: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    resource_version: Option<Cow<'a, str>>,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
    #[serde(default, rename = "deletionTimestamp")]
    deletion_timestamp: Option<serde::de::IgnoredAny>,
}

impl<'a> Head<'a> {
    /// Of an object in a tree; none if something has another type than it should.
    pub(super) fn of(tree: &'a Tree) -> Option<Self> {
        let text = |tree: &'a Tree, key: &str| match tree.at(&[key]) {
            None | Some(Tree::Null) => Some(None),
            Some(value) => value.as_str().map(|text| Some(Cow::Borrowed(text))),
        };
        let metadata = tree.at(&["metadata"])?;
        let labels = match metadata.at(&["labels"]) {
            None | Some(Tree::Null) => None,
            Some(labels) => {
                let labels = labels.as_object()?.iter();
                let labels =
                    labels.map(|(key, value)| Some((key.to_owned(), value.as_str()?.to_owned())));
                Some(labels.collect::<Option<_>>()?)
            }
        };
        let deleting = metadata.at(&["deletionTimestamp"]);
        Some(Self {
            api_version: text(tree, "apiVersion")?,
            kind: text(tree, "kind")?,
            metadata: Metadata {
                name: text(metadata, "name")??,
                namespace: text(metadata, "namespace")?,
                uid: text(metadata, "uid")?,
                resource_version: text(metadata, "resourceVersion")?,
                labels,
                deletion_timestamp: deleting
                    .filter(|value| !value.is_null())
                    .map(|_| serde::de::IgnoredAny),
            },
        })
    }
}

impl Object {
    /// From one complete JSON object with `apiVersion` and `kind`.
    ///
    /// # Errors
    /// `Corrupt` if the bytes are not one JSON object with a usable name; never shows the content.
    pub fn parse(resource: GroupResource, json: impl Into<Bytes>) -> Result<Self> {
        let json = json.into();
        // A handle of its own, as the head borrows from the bytes.
        let bytes = json.clone();
        let head: Head<'_> =
            serde_json::from_slice(&bytes).map_err(|error| unreadable(&resource, &error))?;
        Self::of(resource, head, json)
    }

    /// The object of these bytes, whose head was read.
    pub(super) fn of(resource: GroupResource, head: Head<'_>, json: Bytes) -> Result<Self> {
        let (Some(api_version), Some(kind)) = (&head.api_version, &head.kind) else {
            return Err(Error::corrupt("object has no apiVersion or kind")
                .with_context("resource", &resource));
        };
        let kind = GroupVersionKind {
            api_version: api_version.parse()?,
            kind: kind.clone().into_owned(),
        };
        let (id, meta) = split(resource, kind, head.metadata)?;
        Ok(Self { id, meta, json })
    }

    /// From an item of a typed list, which carries no `apiVersion` and `kind`: they are spliced in front, the rest stays as it is.
    ///
    /// # Errors
    /// `Corrupt` as [`Object::parse`].
    pub fn from_list_item(
        resource: GroupResource,
        kind: &GroupVersionKind,
        item: &str,
    ) -> Result<Self> {
        let head: Head<'_> =
            serde_json::from_str(item).map_err(|error| unreadable(&resource, &error))?;
        let rest = item.trim_start().strip_prefix('{').unwrap_or_default();
        let json = match (&head.api_version, &head.kind) {
            (Some(_), Some(_)) => Bytes::copy_from_slice(item.as_bytes()),
            (None, None) => {
                let mut json = Vec::with_capacity(item.len() + kind.kind.len() + 64);
                json.extend_from_slice(
                    format!(
                        r#"{{"apiVersion":"{}","kind":"{}","#,
                        kind.api_version, kind.kind
                    )
                    .as_bytes(),
                );
                json.extend_from_slice(rest.as_bytes());
                json.into()
            }
            _ => {
                return Err(Error::corrupt("object has only one of apiVersion and kind")
                    .with_context("resource", &resource));
            }
        };
        let own = match (&head.api_version, &head.kind) {
            (Some(api_version), Some(kind)) => GroupVersionKind {
                api_version: api_version.parse()?,
                kind: kind.clone().into_owned(),
            },
            _ => kind.clone(),
        };
        let (id, meta) = split(resource, own, head.metadata)?;
        Ok(Self { id, meta, json })
    }

    /// Its id.
    pub fn id(&self) -> &ObjectId {
        &self.id
    }

    /// The fields that decide.
    pub fn meta(&self) -> &ObjectMeta {
        &self.meta
    }

    /// The server's bytes.
    pub fn json(&self) -> &Bytes {
        &self.json
    }

    /// The same bytes as text.
    pub fn text(&self) -> &str {
        // Invariant: the bytes were parsed as JSON, which serde_json only takes as UTF-8.
        std::str::from_utf8(&self.json).unwrap_or_default()
    }

    /// The resource in the object's own version: where a write of it goes.
    pub fn resource_version_path(&self) -> GroupVersionResource {
        self.id
            .resource()
            .with_version(self.meta.kind.api_version.version())
    }
}

fn unreadable(resource: &GroupResource, error: &serde_json::Error) -> Error {
    // serde_json's message names a field or position; only its data errors could quote a value, so those are cut to their place.
    let place = format!("line {} column {}", error.line(), error.column());
    let what = match error.classify() {
        serde_json::error::Category::Data => {
            "does not have the shape of a Kubernetes object".to_owned()
        }
        _ => format!("is not JSON: {error}"),
    };
    Error::corrupt(format!("object {what}"))
        .with_context("resource", resource)
        .with_context("at", place)
}

fn split(
    resource: GroupResource,
    kind: GroupVersionKind,
    metadata: Metadata<'_>,
) -> Result<(ObjectId, ObjectMeta)> {
    let namespace = metadata
        .namespace
        .filter(|text| !text.is_empty())
        .map(Cow::into_owned);
    let id = ObjectId::new(resource, namespace, metadata.name)
        .map_err(|error| Error::corrupt("object has no usable name").with_source(error))?;
    let meta = ObjectMeta {
        kind,
        uid: metadata.uid.map(Cow::into_owned).unwrap_or_default(),
        resource_version: metadata
            .resource_version
            .map(Cow::into_owned)
            .unwrap_or_default(),
        labels: metadata.labels.unwrap_or_default(),
        deleting: metadata.deletion_timestamp.is_some(),
    };
    Ok((id, meta))
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Object({} {}, {} bytes)",
            self.meta.kind,
            self.id,
            self.json.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config_maps() -> (GroupResource, GroupVersionKind) {
        let kind = GroupVersionKind {
            api_version: "v1".parse().unwrap(),
            kind: "ConfigMap".into(),
        };
        ("configmaps".parse().unwrap(), kind)
    }

    #[test]
    fn list_items_keep_their_bytes_behind_the_spliced_head() {
        let (resource, kind) = config_maps();
        let item = r#"{"metadata":{"name":"a","namespace":"n","x-unknown":1e3},"data":{"z":"1","a":"2"},"n":18446744073709551617}"#;
        let object = Object::from_list_item(resource.clone(), &kind, item).unwrap();
        assert_eq!(
            object.text(),
            format!(r#"{{"apiVersion":"v1","kind":"ConfigMap",{}"#, &item[1..])
        );
        assert_eq!(
            Object::parse(resource, object.json().clone()).unwrap(),
            object
        );
    }

    #[test]
    fn errors_do_not_show_content() {
        let (resource, _) = config_maps();
        for json in [
            r#"{"metadata":{"name":["hunter2"]}}"#,
            r#"{"metadata":{"name":"a/../hunter2"}}"#,
            r#"{"metadata""#,
            "[]",
        ] {
            let error = Object::parse(resource.clone(), json.as_bytes().to_vec()).unwrap_err();
            assert!(!error.chain().contains("[\"hunter2"), "{}", error.chain());
            assert_eq!(error.kind(), crate::ErrorKind::Corrupt);
        }
    }
}

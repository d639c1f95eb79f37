//! Reading kinds and objects from a source.

use crate::{
    Error, Result,
    model::{Discovery, GroupVersionKind, GroupVersionResource, LabelSelector, Object, ObjectId},
};
use async_trait::async_trait;
use futures::stream::BoxStream;
use std::{fmt, sync::Arc};

/// Reads kinds and objects from a source: a cluster, a folder of manifests, a backup.
///
/// # Contract
/// * `discover` lists every served resource with *all* its served versions, sorted; what could not be discovered is a gap in the
///   answer. It fails only if nothing can be discovered.
/// * `list` yields pages of objects of exactly the asked resource and version, namespace and selector: inside one namespace
///   ordered by name; over all namespaces by (namespace, name), or by the text `namespace/name` as the API server's store does.
///   A page carries its unreadable items, and the stream goes on. A page's objects together hold about `page_bytes`, or are one
///   object.
/// * After an error the stream ends. `from` of a failed page continues where it stood; without expired tokens no object comes twice.
/// * An expired token goes on with the token that the answer carries; the page after it has `inconsistent` set.
/// * A namespace that does not exist lists nothing.
/// * `get` answers `None` for an object that does not exist.
///
/// # Errors
/// | kind | when |
/// |---|---|
/// | `PermissionDenied` | the kind may not be read |
/// | `NotFound` | `list` of a resource or version that is not served |
/// | `Unavailable`, `Timeout`, `RateLimited` | the source does not answer, after the adapter's own repeats |
///
/// # Cancellation
/// Dropping a future or stream stops its request; nothing was changed.
#[async_trait]
pub trait ResourceCollector: fmt::Debug + Send + Sync + 'static {
    /// Every served resource with all its versions, and what could not be discovered.
    async fn discover(&self) -> Result<Discovery>;

    /// The objects of one resource, page by page.
    fn list(&self, request: ListRequest) -> BoxStream<'static, Result<Page>>;

    /// One object in `version`.
    async fn get(&self, id: &ObjectId, version: &str) -> Result<Option<Object>>;
}

/// What to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRequest {
    /// Resource and version.
    pub resource: GroupVersionResource,
    /// Its kind; spliced into items that carry none.
    pub kind: GroupVersionKind,
    /// One namespace; `None` is all (or a cluster-scoped resource).
    pub namespace: Option<String>,
    /// Labels that the objects must have.
    pub selector: LabelSelector,
    /// About how many bytes a page may hold.
    pub page_bytes: usize,
    /// Continue after a page's `next`.
    pub from: Option<String>,
}

/// Some objects of a list.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// In order of (namespace, name).
    pub objects: Vec<Object>,
    /// Items that could not be read.
    pub unreadable: Vec<UnreadableItem>,
    /// The token to continue with; `None` on the last page.
    pub next: Option<String>,
    /// How many objects follow, where the source knows.
    pub remaining: Option<u64>,
    /// The source's version of this list, empty where there is none.
    pub resource_version: String,
    /// The list went on after an expired token: it is not one point in time.
    pub inconsistent: bool,
}

/// An item of a list that is not a readable object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableItem {
    /// Its name as far as it could be told: `namespace/name`, or its place in the page.
    pub at: String,
    /// What is wrong, without content.
    pub reason: String,
}

impl UnreadableItem {
    /// From the error that reading it gave.
    pub fn new(at: impl Into<String>, error: &Error) -> Self {
        Self {
            at: at.into(),
            reason: error.chain(),
        }
    }
}

#[async_trait]
impl<T: ResourceCollector + ?Sized> ResourceCollector for Arc<T> {
    async fn discover(&self) -> Result<Discovery> {
        (**self).discover().await
    }

    fn list(&self, request: ListRequest) -> BoxStream<'static, Result<Page>> {
        (**self).list(request)
    }

    async fn get(&self, id: &ObjectId, version: &str) -> Result<Option<Object>> {
        (**self).get(id, version).await
    }
}

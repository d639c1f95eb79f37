//! What a restore may read of its target.

use super::{ListRequest, Page};
use crate::{
    Result,
    model::{Discovery, GroupVersionResource, Object, ObjectId},
};
use async_trait::async_trait;
use futures::stream::BoxStream;
use std::{fmt, sync::Arc};

/// What a restore may *read* of the cluster that it will write to. A plan is only handed this.
///
/// # Contract
/// * `discover`, `list`, `get`: as [`ResourceCollector`](super::ResourceCollector). `discover` asks the server anew on every call.
/// * `can_i` answers for the identity that the adapter writes with.
/// * `watch` first yields the present objects as `Applied`, then changes as they come; it ends with an error of kind `Expired`
///   when its version is too old, and may end at any time without error: the caller watches again.
///
/// # Errors
/// As [`ResourceCollector`](super::ResourceCollector).
///
/// # Cancellation
/// Dropping a future or stream stops its request; nothing was changed.
#[async_trait]
pub trait ResourceTarget: fmt::Debug + Send + Sync + 'static {
    /// Every served resource with all its versions, asked anew.
    async fn discover(&self) -> Result<Discovery>;

    /// The objects of one resource, page by page.
    fn list(&self, request: ListRequest) -> BoxStream<'static, Result<Page>>;

    /// One object in `version`.
    async fn get(&self, id: &ObjectId, version: &str) -> Result<Option<Object>>;

    /// Whether the writer may do this.
    async fn can_i(&self, request: &AccessRequest) -> Result<Access>;

    /// Present objects and their changes.
    fn watch(&self, request: WatchRequest) -> BoxStream<'static, Result<WatchEvent>>;
}

/// One right to ask for. Source: `authorization.k8s.io/v1 SelfSubjectAccessReview`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRequest {
    /// `create`, `patch`, `get` …
    pub verb: String,
    /// On what.
    pub resource: GroupVersionResource,
    /// In one namespace; `None` is all, or cluster-scoped.
    pub namespace: Option<String>,
    /// On one object; `None` is all.
    pub name: Option<String>,
}

/// The answer to an [`AccessRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Whether it is allowed.
    pub allowed: bool,
    /// The server's reason; may be empty.
    pub reason: String,
}

/// What to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchRequest {
    /// Resource and version.
    pub resource: GroupVersionResource,
    /// One namespace; `None` is all.
    pub namespace: Option<String>,
    /// One object's name; `None` is all.
    pub name: Option<String>,
}

/// One change.
#[derive(Clone, Debug)]
pub enum WatchEvent {
    /// Is there, or has changed.
    Applied(Object),
    /// Was deleted; its last state.
    Deleted(Object),
}

#[async_trait]
impl<T: ResourceTarget + ?Sized> ResourceTarget for Arc<T> {
    async fn discover(&self) -> Result<Discovery> {
        (**self).discover().await
    }

    fn list(&self, request: ListRequest) -> BoxStream<'static, Result<Page>> {
        (**self).list(request)
    }

    async fn get(&self, id: &ObjectId, version: &str) -> Result<Option<Object>> {
        (**self).get(id, version).await
    }

    async fn can_i(&self, request: &AccessRequest) -> Result<Access> {
        (**self).can_i(request).await
    }

    fn watch(&self, request: WatchRequest) -> BoxStream<'static, Result<WatchEvent>> {
        (**self).watch(request)
    }
}

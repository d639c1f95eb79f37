//! [`ResourceTarget`] on a live cluster.

use crate::{ClusterClient, access, discovery, list, read, watch};
use async_trait::async_trait;
use csdr_core::{
    Result,
    model::{Discovery, Object, ObjectId},
    port::{Access, AccessRequest, ListRequest, Page, ResourceTarget, WatchEvent, WatchRequest},
};
use futures::stream::BoxStream;

/// Reads what a restore must know of the live cluster that it will write to. Keeps nothing: every call asks the server.
///
/// `discover`, `list` and `get` are those of [`KubeCollector`](crate::KubeCollector). `can_i` is a SelfSubjectAccessReview, for the
/// client's identity: give the applier the same client. `watch` lists, and then watches from the list's version for at most
/// [`watch_timeout`](crate::ClusterLimits::watch_timeout); changes made while it lists may be seen twice.
///
/// ```no_run
/// use csdr_core::port::{AccessRequest, ResourceTarget};
/// use csdr_k8s::{ClusterClient, ConnectOptions, KubeTarget};
/// # async fn doc() -> csdr_core::Result<()> {
/// let client = ClusterClient::from_kubeconfig(None, &ConnectOptions::default()).await?;
/// let target = KubeTarget::new(client);
/// let discovery = target.discover().await?;
/// if let Some(deployments) = discovery.kind("apps", "Deployment") {
///     let access = target.can_i(&AccessRequest {
///         verb: "create".into(),
///         resource: deployments.preferred(),
///         namespace: Some("shop".into()),
///         name: None,
///     }).await?;
///     assert!(access.allowed, "{}", access.reason);
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct KubeTarget {
    client: ClusterClient,
}

impl KubeTarget {
    /// Reads as the client's identity.
    pub fn new(client: ClusterClient) -> Self {
        Self { client }
    }
}

#[async_trait]
impl ResourceTarget for KubeTarget {
    async fn discover(&self) -> Result<Discovery> {
        discovery::discover(&self.client).await
    }

    fn list(&self, request: ListRequest) -> BoxStream<'static, Result<Page>> {
        list::list(&self.client, request)
    }

    async fn get(&self, id: &ObjectId, version: &str) -> Result<Option<Object>> {
        read::get(&self.client, id, version).await
    }

    async fn can_i(&self, request: &AccessRequest) -> Result<Access> {
        access::can_i(&self.client, request).await
    }

    fn watch(&self, request: WatchRequest) -> BoxStream<'static, Result<WatchEvent>> {
        watch::watch(&self.client, request)
    }
}

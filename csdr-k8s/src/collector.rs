//! [`ResourceCollector`] on a live cluster.

use crate::{ClusterClient, discovery, list, read};
use async_trait::async_trait;
use csdr_core::{
    Result,
    model::{Discovery, Object, ObjectId},
    port::{ListRequest, Page, ResourceCollector},
};
use futures::stream::BoxStream;

/// Reads kinds and objects of a live cluster for a backup.
///
/// * Discovery reads the aggregated documents (`apidiscovery.k8s.io`), and group by group where a server has none (before 1.26).
///   A version that the server itself calls stale is a gap. Where `/apis` does not answer at all, the gap's group is `*`.
/// * Lists are raw bytes in pages of about `page_bytes`; the next page is asked for as soon as its token has arrived. A page
///   whose body grows past twice that is asked for again with fewer objects; a single object may have
///   [`body_bytes`](crate::ClusterLimits::body_bytes).
/// * A list over all namespaces is one list where the server's order is that of (namespace, name), and otherwise one list a
///   namespace, each with its own `resource_version`; then an object whose namespace does not exist is not seen.
/// * 429, 502, 503, 504 and broken connections are repeated as [`RepeatPolicy`](crate::RepeatPolicy) says.
///
/// ```no_run
/// use csdr_core::port::ResourceCollector;
/// use csdr_k8s::{ClusterClient, ConnectOptions, KubeCollector};
/// # async fn doc() -> csdr_core::Result<()> {
/// let client = ClusterClient::from_kubeconfig(None, &ConnectOptions::default()).await?;
/// let discovery = KubeCollector::new(client).discover().await?;
/// for gap in &discovery.gaps {
///     eprintln!("{}: {}", gap.group, gap.reason);
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct KubeCollector {
    client: ClusterClient,
}

impl KubeCollector {
    /// Reads as the client's identity.
    pub fn new(client: ClusterClient) -> Self {
        Self { client }
    }
}

#[async_trait]
impl ResourceCollector for KubeCollector {
    async fn discover(&self) -> Result<Discovery> {
        discovery::discover(&self.client).await
    }

    fn list(&self, request: ListRequest) -> BoxStream<'static, Result<Page>> {
        list::list(&self.client, request)
    }

    async fn get(&self, id: &ObjectId, version: &str) -> Result<Option<Object>> {
        read::get(&self.client, id, version).await
    }
}

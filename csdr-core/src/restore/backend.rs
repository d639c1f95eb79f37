//! Services that must answer before something that stands on them is switched on.

use super::ready::Ready;
use crate::{
    Result,
    model::{ApiVersion, Discovery, GroupVersionKind, LabelSelector, ObjectId, Tree},
    port::ListRequest,
};
use futures::TryStreamExt;
use std::{collections::BTreeMap, fmt, time::Duration};

/// A Service by its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Backend {
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Backend {
    /// Of a service reference.
    pub(super) fn of(reference: &Tree) -> Option<Self> {
        Some(Self {
            namespace: reference.text_at(&["namespace"])?.to_owned(),
            name: reference.text_at(&["name"])?.to_owned(),
        })
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Service {}/{}", self.namespace, self.name)
    }
}

/// Whether a Service answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It has a ready endpoint, or stands for a name outside.
    Ready,
    /// It has none.
    NoEndpoint,
    /// There is no such Service.
    NoService,
}

impl Answer {
    /// Why nobody answers, as a sentence's end.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Ready => "is ready",
            Self::NoEndpoint => "has no ready endpoint",
            Self::NoService => "does not exist",
        }
    }
}

impl Ready<'_> {
    /// Looks once.
    pub(super) async fn answer(&self, discovery: &Discovery, backend: &Backend) -> Result<Answer> {
        let id = |resource: &str| {
            ObjectId::new(
                resource.parse()?,
                Some(backend.namespace.clone()),
                &*backend.name,
            )
        };
        let Some(service) = self.target.get(&id("services")?, "v1").await? else {
            return Ok(Answer::NoService);
        };
        if service.tree()?.text_at(&["spec", "type"]) == Some("ExternalName") {
            return Ok(Answer::Ready);
        }
        let ready = match discovery.kind("discovery.k8s.io", "EndpointSlice") {
            Some(kind) => {
                let resource = kind.preferred();
                let request = ListRequest {
                    kind: GroupVersionKind {
                        api_version: ApiVersion::new(&*resource.group, &*resource.version)?,
                        kind: kind.kind.clone(),
                    },
                    resource,
                    namespace: Some(backend.namespace.clone()),
                    selector: LabelSelector {
                        match_labels: BTreeMap::from([(
                            "kubernetes.io/service-name".to_owned(),
                            backend.name.clone(),
                        )]),
                        ..LabelSelector::default()
                    },
                    page_bytes: 1 << 20,
                    from: None,
                };
                let mut pages = self.target.list(request);
                let mut ready = false;
                while let (false, Some(page)) = (ready, pages.try_next().await?) {
                    for slice in &page.objects {
                        ready |= has_ready_endpoint(&slice.tree()?);
                    }
                }
                ready
            }
            None => match self.target.get(&id("endpoints")?, "v1").await? {
                Some(endpoints) => has_address(&endpoints.tree()?),
                None => false,
            },
        };
        Ok(if ready {
            Answer::Ready
        } else {
            Answer::NoEndpoint
        })
    }

    /// Looks until the Service answers, it cannot any more, or the time is up.
    pub(super) async fn answered(
        &self,
        discovery: &Discovery,
        backend: &Backend,
    ) -> Result<Answer> {
        let mut waited = Duration::ZERO;
        loop {
            let answer = self.answer(discovery, backend).await?;
            if answer != Answer::NoEndpoint || !self.pause(&mut waited).await {
                return Ok(answer);
            }
        }
    }
}

/// Source: `discovery.k8s.io` `conditions.ready`: absent is to be taken as true.
fn has_ready_endpoint(slice: &Tree) -> bool {
    let endpoints = slice.at(&["endpoints"]).and_then(Tree::as_array);
    endpoints.into_iter().flatten().any(|endpoint| {
        let ready = endpoint
            .at(&["conditions", "ready"])
            .and_then(Tree::as_bool);
        let addresses = endpoint.at(&["addresses"]).and_then(Tree::as_array);
        ready != Some(false) && addresses.is_some_and(|addresses| !addresses.is_empty())
    })
}

/// Source: core/v1 Endpoints: `addresses` are the ready ones.
fn has_address(endpoints: &Tree) -> bool {
    let subsets = endpoints.at(&["subsets"]).and_then(Tree::as_array);
    subsets.into_iter().flatten().any(|subset| {
        let addresses = subset.at(&["addresses"]).and_then(Tree::as_array);
        addresses.is_some_and(|addresses| !addresses.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{memory::MemoryCluster, port::ResourceTarget, vault::Host};

    const SERVICES: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: ns}}
---
{apiVersion: v1, kind: Service, metadata: {name: none, namespace: ns}, spec: {}}
---
{apiVersion: v1, kind: Service, metadata: {name: ready, namespace: ns}, spec: {}}
---
{apiVersion: v1, kind: Service, metadata: {name: starts, namespace: ns}, spec: {}}
---
{apiVersion: v1, kind: Service, metadata: {name: outside, namespace: ns}, spec: {type: ExternalName, externalName: x}}
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: a, namespace: ns, labels: {kubernetes.io/service-name: ready}}, endpoints: [{addresses: [10.0.0.1], conditions: {ready: false}}, {addresses: [10.0.0.2]}]}
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: b, namespace: ns, labels: {kubernetes.io/service-name: starts}}, endpoints: [{addresses: [10.0.0.3], conditions: {ready: false}}]}
---
{apiVersion: v1, kind: Endpoints, metadata: {name: ready, namespace: ns}, subsets: [{addresses: [{ip: 10.0.0.2}]}]}
---
{apiVersion: v1, kind: Endpoints, metadata: {name: starts, namespace: ns}, subsets: [{notReadyAddresses: [{ip: 10.0.0.3}]}]}
";

    #[tokio::test(start_paused = true)]
    async fn a_service_answers_once_it_has_a_ready_endpoint_and_waiting_ends() {
        let cluster = MemoryCluster::new();
        cluster.load_yaml(SERVICES).unwrap();
        let host = Host::default();
        let ready = Ready {
            target: &cluster,
            host: &host,
            limit: Duration::from_secs(5),
        };
        let slices = ResourceTarget::discover(&cluster).await.unwrap();
        let mut endpoints = slices.clone();
        endpoints
            .resources
            .retain(|row| row.kind != "EndpointSlice");
        for discovery in [slices, endpoints] {
            for (name, expected) in [
                ("none", Answer::NoEndpoint),
                ("ready", Answer::Ready),
                ("starts", Answer::NoEndpoint),
                ("outside", Answer::Ready),
                ("missing", Answer::NoService),
            ] {
                let backend = Backend {
                    namespace: "ns".to_owned(),
                    name: name.to_owned(),
                };
                let answer = ready.answered(&discovery, &backend).await.unwrap();
                assert_eq!(answer, expected, "{name}");
            }
        }
    }
}

//! What the server serves: from the aggregated documents, and where there are none, group by group.
//!
//! kube's own discovery hides a stale group; here it is a gap.

mod aggregated;
mod legacy;

use crate::{
    ClusterClient,
    error::{Failure, malformed},
    transport::{Call, Effect},
};
use csdr_core::{
    Error, Result,
    model::{ApiResource, Discovery, DiscoveryGap, GapExtent, GroupResource, ServedVersion},
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Source: client-go's `discovery.AcceptV2`, its beta for 1.26 to 1.29, and plain JSON for what is older.
const ACCEPT: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// The core group's document and that of all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Root {
    Core,
    Groups,
}

impl Root {
    const ALL: [Self; 2] = [Self::Core, Self::Groups];

    fn path(self) -> &'static str {
        match self {
            Self::Core => "/api",
            Self::Groups => "/apis",
        }
    }

    /// What a gap calls it.
    fn group(self) -> &'static str {
        match self {
            Self::Core => "",
            Self::Groups => "*",
        }
    }

    fn serves(self, group: &str) -> bool {
        (self == Self::Core) == group.is_empty()
    }
}

/// One resource in one version, as a document tells it. Documents are read in the order of preference.
#[derive(Debug)]
struct Row {
    group: String,
    version: String,
    resource: String,
    kind: String,
    namespaced: bool,
    verbs: Vec<String>,
    short_names: Vec<String>,
}

/// What the documents told so far.
#[derive(Debug, Default)]
struct Found {
    rows: Vec<Row>,
    gaps: Vec<DiscoveryGap>,
}

impl Found {
    fn gap(&mut self, group: &str, version: Option<&str>, reason: impl Into<String>) {
        self.gaps.push(DiscoveryGap {
            group: group.to_owned(),
            version: version.map(str::to_owned),
            reason: reason.into(),
            extent: GapExtent::Group,
        });
    }

    /// Nothing of what `root` serves is known.
    fn root_gap(&mut self, root: Root, reason: String) {
        self.gaps.push(DiscoveryGap {
            group: root.group().to_owned(),
            version: None,
            reason,
            extent: GapExtent::Root,
        });
    }

    /// Records a root whose document came, but of whose group versions none answered.
    fn note_silent_root(&mut self, root: Root) {
        let silent = !self.rows.iter().any(|row| root.serves(&row.group));
        let gap = self.gaps.iter().find(|gap| root.serves(&gap.group));
        if let Some(gap) = gap.filter(|_| silent) {
            let reason = format!("none of its versions answers; the first: {}", gap.reason);
            self.root_gap(root, reason);
        }
    }

    /// Brings the versions of each resource together, in the order in which they came.
    fn into_discovery(mut self, server_version: String) -> Discovery {
        let mut resources: BTreeMap<GroupResource, ApiResource> = BTreeMap::new();
        for row in std::mem::take(&mut self.rows) {
            // Subresources are not listed.
            if row.resource.contains('/') {
                continue;
            }
            let resource = match GroupResource::new(&*row.group, &*row.resource) {
                Ok(resource) if !row.kind.is_empty() => resource,
                Ok(_) => {
                    let reason = format!("the server names no kind for {}", row.resource);
                    self.gap(&row.group, Some(&row.version), reason);
                    continue;
                }
                Err(error) => {
                    self.gap(&row.group, Some(&row.version), error.to_string());
                    continue;
                }
            };
            let mut verbs = row.verbs;
            verbs.sort();
            verbs.dedup();
            let served = ServedVersion {
                version: row.version,
                verbs,
            };
            let entry = resources.entry(resource.clone()).or_insert(ApiResource {
                resource,
                kind: row.kind,
                namespaced: row.namespaced,
                versions: Vec::new(),
                short_names: row.short_names,
            });
            if !entry.serves(&served.version) {
                entry.versions.push(served);
            }
        }
        Discovery {
            resources: resources.into_values().collect(),
            gaps: self.gaps,
            server_version,
        }
        .sorted()
    }
}

/// Short names and the singular, without repetition.
fn names(short: Option<Vec<String>>, singular: Option<String>) -> Vec<String> {
    let mut names = short.unwrap_or_default();
    if let Some(singular) = singular.filter(|name| !name.is_empty())
        && !names.contains(&singular)
    {
        names.push(singular);
    }
    names
}

/// The document's kind decides which of the two forms it has.
#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

/// Asks the server anew.
pub(crate) async fn discover(client: &ClusterClient) -> Result<Discovery> {
    let roots = Root::ALL.map(|root| async move { (root, root_document(client, root).await) });
    let (roots, version) =
        futures::future::join(futures::future::join_all(roots), version(client)).await;
    // Who may not read the version may still read everything else.
    let server_version = version.unwrap_or_default();

    let mut found = Found::default();
    let mut broken = Vec::new();
    for (root, document) in roots {
        let read = match document {
            Ok(document) => read(client, root, &document, &mut found).await,
            Err(failure) => Err(client.explain(failure)),
        };
        match read {
            Ok(()) => found.note_silent_root(root),
            Err(error) => broken.push((root, error)),
        }
    }
    // Half of an API is a gap that no backup is complete with; none is an error.
    if broken.len() == Root::ALL.len()
        && let Some((_, error)) = broken.pop()
    {
        return Err(error.with_operation("discover the cluster's resources"));
    }
    for (root, error) in broken {
        found.root_gap(root, error.chain());
    }
    Ok(found.into_discovery(server_version))
}

async fn root_document(client: &ClusterClient, root: Root) -> Result<bytes::Bytes, Failure> {
    let mut call = Call::get(root.path());
    call.accept = ACCEPT;
    client.bytes(&call, Effect::Read).await
}

async fn read(
    client: &ClusterClient,
    root: Root,
    document: &[u8],
    found: &mut Found,
) -> Result<()> {
    let kind = serde_json::from_slice::<Kind>(document)
        .map_err(|error| malformed("to a discovery request is not JSON").with_source(error))?;
    match kind.kind.as_deref() {
        Some("APIGroupDiscoveryList") => aggregated::read(document, found),
        Some("APIVersions") => legacy::read_core(client, document, found).await,
        Some("APIGroupList") => legacy::read_groups(client, document, found).await,
        other => Err(malformed("to a discovery request is of an unknown kind")
            .with_context("kind", other.unwrap_or("none").escape_debug())
            .with_context("path", root.path())),
    }
}

/// `gitVersion` of the server.
pub(crate) async fn version(client: &ClusterClient) -> Result<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Version {
        git_version: String,
    }
    let said = client.bytes(&Call::get("/version"), Effect::Read).await;
    let said = said.map_err(|failure| client.explain(failure))?;
    serde_json::from_slice::<Version>(&said)
        .map(|version| version.git_version)
        .map_err(|error| {
            Error::new(
                csdr_core::ErrorKind::Incompatible,
                "what listens at the address is not a Kubernetes API server; check the address in the kubeconfig",
            )
            .with_source(error)
        })
}

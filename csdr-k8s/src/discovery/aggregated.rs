//! The aggregated document: `apidiscovery.k8s.io` v2 and v2beta1, which have the same fields.

use super::{Found, Row, names};
use crate::error::malformed;
use csdr_core::Result;
use serde::Deserialize;

#[derive(Deserialize)]
struct Groups {
    #[serde(default)]
    items: Option<Vec<Group>>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    versions: Option<Vec<Version>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    /// Left out for the core group.
    name: Option<String>,
}

#[derive(Deserialize)]
struct Version {
    version: String,
    #[serde(default)]
    resources: Option<Vec<Resource>>,
    #[serde(default)]
    freshness: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    resource: String,
    #[serde(default)]
    response_kind: Option<ResponseKind>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    singular_resource: Option<String>,
    #[serde(default)]
    verbs: Option<Vec<String>>,
    #[serde(default)]
    short_names: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct ResponseKind {
    #[serde(default)]
    kind: Option<String>,
}

/// Reads one document. Groups, and versions in them, stand in the server's order of preference.
pub(super) fn read(document: &[u8], found: &mut Found) -> Result<()> {
    let groups: Groups = serde_json::from_slice(document).map_err(|error| {
        malformed("to a discovery request has an unknown shape").with_source(error)
    })?;
    for group in groups.items.unwrap_or_default() {
        let name = group.metadata.name.unwrap_or_default();
        for version in group.versions.unwrap_or_default() {
            // Source: client-go takes a stale version for failed, whatever resources the document still remembers of it.
            if version.freshness.as_deref() == Some("Stale") {
                let reason = "the server's knowledge of it is stale: the API service behind it does not answer; see `kubectl get apiservices`";
                found.gap(&name, Some(&version.version), reason);
                continue;
            }
            for resource in version.resources.unwrap_or_default() {
                let kind = resource.response_kind.and_then(|kind| kind.kind);
                found.rows.push(Row {
                    group: name.clone(),
                    version: version.version.clone(),
                    resource: resource.resource,
                    kind: kind.unwrap_or_default(),
                    namespaced: resource.scope.as_deref() == Some("Namespaced"),
                    verbs: resource.verbs.unwrap_or_default(),
                    short_names: names(resource.short_names, resource.singular_resource),
                });
            }
        }
    }
    Ok(())
}

//! Discovery of servers before 1.26: one document a group version.

use super::{Found, Row, names};
use crate::{
    ClusterClient,
    error::malformed,
    transport::{Call, Effect},
};
use csdr_core::{Result, model::ApiVersion};
use futures::{StreamExt, stream};
use serde::{Deserialize, de::DeserializeOwned};

/// Documents asked for at once.
const PARALLEL: usize = 16;

#[derive(Deserialize)]
struct CoreVersions {
    #[serde(default)]
    versions: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Groups {
    #[serde(default)]
    groups: Option<Vec<Group>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    name: String,
    #[serde(default)]
    versions: Option<Vec<GroupVersion>>,
    #[serde(default)]
    preferred_version: Option<GroupVersion>,
}

#[derive(Deserialize)]
struct GroupVersion {
    version: String,
}

#[derive(Deserialize)]
struct Resources {
    #[serde(default)]
    resources: Option<Vec<Resource>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    name: String,
    #[serde(default)]
    singular_name: Option<String>,
    #[serde(default)]
    namespaced: bool,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    verbs: Option<Vec<String>>,
    #[serde(default)]
    short_names: Option<Vec<String>>,
}

fn parse<T: DeserializeOwned>(document: &[u8]) -> Result<T> {
    serde_json::from_slice(document).map_err(|error| {
        malformed("to a discovery request has an unknown shape").with_source(error)
    })
}

/// Reads `/api`.
pub(super) async fn read_core(
    client: &ClusterClient,
    document: &[u8],
    found: &mut Found,
) -> Result<()> {
    let core: CoreVersions = parse(document)?;
    let versions = core.versions.unwrap_or_default();
    let versions = versions.into_iter().map(|version| (String::new(), version));
    read_versions(client, versions.collect(), found).await;
    Ok(())
}

/// Reads `/apis`.
pub(super) async fn read_groups(
    client: &ClusterClient,
    document: &[u8],
    found: &mut Found,
) -> Result<()> {
    let groups: Groups = parse(document)?;
    let mut versions = Vec::new();
    for group in groups.groups.unwrap_or_default() {
        let preferred = group.preferred_version.into_iter();
        for row in preferred.chain(group.versions.unwrap_or_default()) {
            let row = (group.name.clone(), row.version);
            if !versions.contains(&row) {
                versions.push(row);
            }
        }
    }
    read_versions(client, versions, found).await;
    Ok(())
}

/// Asks for each group version; one that does not answer is a gap.
async fn read_versions(client: &ClusterClient, versions: Vec<(String, String)>, found: &mut Found) {
    let documents = stream::iter(versions)
        .map(|(group, version)| async move {
            let resources = read_version(client, &group, &version).await;
            (group, version, resources)
        })
        .buffered(PARALLEL);
    let mut documents = std::pin::pin!(documents);
    while let Some((group, version, resources)) = documents.next().await {
        match resources {
            Ok(resources) => found.rows.extend(resources.into_iter().map(|resource| Row {
                group: group.clone(),
                version: version.clone(),
                resource: resource.name,
                kind: resource.kind.unwrap_or_default(),
                namespaced: resource.namespaced,
                verbs: resource.verbs.unwrap_or_default(),
                short_names: names(resource.short_names, resource.singular_name),
            })),
            Err(error) => found.gap(&group, Some(&version), error.chain()),
        }
    }
}

async fn read_version(client: &ClusterClient, group: &str, version: &str) -> Result<Vec<Resource>> {
    ApiVersion::new(group, version)?;
    let path = match group {
        "" => format!("/api/{version}"),
        group => format!("/apis/{group}/{version}"),
    };
    let document = client.bytes(&Call::get(path), Effect::Read).await;
    let document = document.map_err(|failure| client.explain(failure))?;
    Ok(parse::<Resources>(&document)?.resources.unwrap_or_default())
}

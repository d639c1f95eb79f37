//! What a server serves.

use super::{GroupResource, GroupVersionResource};
use serde::{Deserialize, Serialize};

/// Everything that a source or target serves, and what it could not tell.
///
/// Sorted by (resource, group), so that the same server gives the same bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discovery {
    /// Every served resource; subresources are not listed.
    pub resources: Vec<ApiResource>,
    /// Groups or versions that could not be discovered (a dead APIService, a stale answer): never silence.
    #[serde(default)]
    pub gaps: Vec<DiscoveryGap>,
    /// `gitVersion` of the server, as `v1.36.3`; empty for a source without a server.
    #[serde(default)]
    pub server_version: String,
}

/// One resource with *all* its served versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiResource {
    /// Group and plural.
    pub resource: GroupResource,
    /// CamelCase kind, in the preferred version.
    pub kind: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Served versions, the server's preferred one first. Never empty.
    pub versions: Vec<ServedVersion>,
    /// Short names and the singular, as kubectl accepts them.
    #[serde(default)]
    pub short_names: Vec<String>,
}

/// One served version of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedVersion {
    /// The version without its group.
    pub version: String,
    /// Verbs that the server offers, sorted.
    pub verbs: Vec<String>,
}

/// A part of the API that could not be discovered.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DiscoveryGap {
    /// The group (`""` for core, `*` for all others).
    pub group: String,
    /// The version, where the gap is one version's.
    pub version: Option<String>,
    /// What the server said, on one line.
    pub reason: String,
    /// How much may be missing.
    #[serde(default)]
    pub extent: GapExtent,
}

/// How much a [`DiscoveryGap`] hides.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub enum GapExtent {
    /// A group, or one of its versions.
    #[default]
    Group,
    /// All that one of a server's two roots serves: the core group, or every other one (`group` is `*`).
    Root,
    /// A file of a folder, or a part of one: nobody knows what it held.
    Entry,
}

impl DiscoveryGap {
    /// Whether the gap may hide the resource that a person named, as `plural` or `plural.group`.
    pub fn may_hide(&self, name: &str) -> bool {
        match (self.extent, name.split_once('.')) {
            (GapExtent::Entry, _) => true,
            (GapExtent::Root, Some((_, group))) => (self.group == "*") != group.is_empty(),
            (GapExtent::Group, Some((_, group))) => self.group == group,
            // Any group may have it.
            (_, None) => true,
        }
    }

    /// Whether resources of `group` may be missing, of a server's groups.
    pub fn covers(&self, group: &str) -> bool {
        match self.extent {
            GapExtent::Root => (self.group == "*") != group.is_empty(),
            GapExtent::Group => self.group == group,
            // A folder serves nothing.
            GapExtent::Entry => false,
        }
    }
}

impl ApiResource {
    /// The version that the server prefers.
    pub fn preferred(&self) -> GroupVersionResource {
        let version = self
            .versions
            .first()
            .map_or("v1", |version| version.version.as_str());
        self.resource.with_version(version)
    }

    /// Every way in which a person may name it: plural, `plural.group`, lower-case kind, singular and short names.
    pub fn spellings(&self) -> Vec<String> {
        spellings(&self.resource, &self.kind, &self.short_names)
    }

    /// Whether the preferred version offers every one of `verbs`.
    pub fn can(&self, verbs: &[&str]) -> bool {
        self.versions.first().is_some_and(|served| {
            verbs
                .iter()
                .all(|verb| served.verbs.iter().any(|offered| offered == verb))
        })
    }

    /// Whether `version` is served.
    pub fn serves(&self, version: &str) -> bool {
        self.versions.iter().any(|served| served.version == version)
    }
}

/// Every way in which a person may name a kind.
pub(crate) fn spellings(
    resource: &GroupResource,
    kind: &str,
    short_names: &[String],
) -> Vec<String> {
    let mut names = vec![
        resource.resource().to_owned(),
        resource.to_string(),
        kind.to_ascii_lowercase(),
    ];
    names.extend(short_names.iter().cloned());
    names
}

impl Discovery {
    /// Brings rows into their one order and merges nothing; adapters call it last.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.resources.sort_by(|a, b| a.resource.cmp(&b.resource));
        self.gaps.sort();
        self.gaps.dedup();
        self
    }

    /// The resource with this group and plural.
    pub fn resource(&self, resource: &GroupResource) -> Option<&ApiResource> {
        self.resources.iter().find(|row| row.resource == *resource)
    }

    /// The resource that serves `kind` of `group`.
    pub fn kind(&self, group: &str, kind: &str) -> Option<&ApiResource> {
        self.resources
            .iter()
            .find(|row| row.resource.group() == group && row.kind == kind)
    }

    /// Every resource that a person may mean by `name`: plural, singular, short name, kind (any case), or `plural.group`.
    pub fn resolve(&self, name: &str) -> Vec<&ApiResource> {
        let (plain, group) = name
            .split_once('.')
            .map_or((name, None), |(plain, group)| (plain, Some(group)));
        let plain = plain.to_ascii_lowercase();
        self.resources
            .iter()
            .filter(|row| group.is_none_or(|group| row.resource.group() == group))
            .filter(|row| {
                row.resource.resource() == plain
                    || row.kind.to_ascii_lowercase() == plain
                    || row.short_names.contains(&plain)
            })
            .collect()
    }
}

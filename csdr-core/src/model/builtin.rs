//! The kinds that are built into Kubernetes: what a source without a server must know of them.
//!
//! ```
//! use csdr_core::model::builtin;
//! let deployment = builtin::kind("apps", "Deployment").unwrap();
//! assert_eq!((deployment.plural, deployment.served()), ("deployments", vec!["v1"]));
//! let old = builtin::kind("extensions", "Ingress").unwrap();
//! assert!(old.served().is_empty() && old.older().contains(&"v1beta1"));
//! assert!(builtin::discovery().kind("extensions", "Ingress").is_none());
//! ```

mod table;

use super::{
    ApiResource, Discovery, GroupResource, KeyHashing, ServedVersion, version::compare_versions,
};
use crate::{
    Result,
    lifecycle::{self, Lifecycle},
};
use std::{collections::HashMap, sync::LazyLock};

/// `gitVersion` of the server that the table describes.
pub const SERVER_VERSION: &str = "v1.36.3";

/// One kind that is built into Kubernetes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuiltinKind {
    /// The group; `""` for core.
    pub group: &'static str,
    /// The kind, in CamelCase.
    pub kind: &'static str,
    /// The plural name.
    pub plural: &'static str,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Short names, as kubectl accepts them.
    pub short_names: &'static [&'static str],
    /// Verbs, sorted.
    pub verbs: &'static [&'static str],
    /// Whether the status is written through a subresource of its own: a create drops it, a replace ignores it.
    pub has_status: bool,
    /// Whether the server counts `metadata.generation`.
    pub has_generation: bool,
}

impl BuiltinKind {
    /// The singular: the kind in lower case.
    pub fn singular(&self) -> String {
        self.kind.to_ascii_lowercase()
    }

    /// Group and plural.
    ///
    /// # Errors
    /// None for a row of the table.
    pub fn resource(&self) -> Result<GroupResource> {
        GroupResource::new(self.group, self.plural)
    }

    /// Versions that 1.36 serves by default, the preferred one first; empty if it serves none.
    pub fn served(&self) -> Vec<&'static str> {
        self.served_in(lifecycle::NEWEST)
    }

    /// Versions that release 1.`minor` serves by default, the preferred one first; empty if it serves none.
    pub fn served_in(&self, minor: u32) -> Vec<&'static str> {
        let mut served: Vec<&str> = self
            .versions()
            .filter(|row| row.served_in(minor))
            .map(|row| row.version)
            .collect();
        served.sort_by(|one, other| lifecycle::compare_preferred(self.group, one, other));
        served
    }

    /// Other versions of 1.8 to 1.36: what a manifest or an older server may carry, the better one first.
    pub fn older(&self) -> Vec<&'static str> {
        let mut older: Vec<&str> = self
            .versions()
            .filter(|row| row.introduced <= lifecycle::NEWEST && !row.served_in(lifecycle::NEWEST))
            .map(|row| row.version)
            .collect();
        older.sort_by(|one, other| compare_versions(other, one));
        older
    }

    fn versions(&self) -> impl Iterator<Item = &'static Lifecycle> + use<> {
        let group = self.group;
        lifecycle::of_kind(self.kind)
            .iter()
            .filter(move |row| row.group == group)
    }

    /// Whether 1.36 or an older release has `version`.
    pub fn knows(&self, version: &str) -> bool {
        lifecycle::row(self.group, version, self.kind)
            .is_some_and(|row| row.introduced <= lifecycle::NEWEST)
    }

    /// As a row of a discovery that serves `versions`.
    ///
    /// # Errors
    /// None for a row of the table.
    pub fn api_resource<'a>(
        &self,
        versions: impl IntoIterator<Item = &'a str>,
    ) -> Result<ApiResource> {
        let versions = versions
            .into_iter()
            .map(|version| ServedVersion {
                version: version.to_owned(),
                verbs: self.verbs.iter().map(|verb| (*verb).to_owned()).collect(),
            })
            .collect();
        let mut short_names: Vec<String> = self
            .short_names
            .iter()
            .map(|name| (*name).to_owned())
            .collect();
        short_names.push(self.singular());
        Ok(ApiResource {
            resource: self.resource()?,
            kind: self.kind.to_owned(),
            namespaced: self.namespaced,
            versions,
            short_names,
        })
    }
}

/// Every row, sorted by (plural, group); kinds that 1.36 no longer serves among them.
pub fn kinds() -> &'static [BuiltinKind] {
    table::KINDS
}

/// The rows by their kind: each object is looked up.
static OF_KIND: LazyLock<HashMap<&'static str, Vec<&'static BuiltinKind>, KeyHashing>> =
    LazyLock::new(|| {
        let mut rows: HashMap<_, Vec<_>, _> = HashMap::default();
        for row in kinds() {
            rows.entry(row.kind).or_default().push(row);
        }
        rows
    });

/// The row of a kind.
pub fn kind(group: &str, kind: &str) -> Option<&'static BuiltinKind> {
    let mut rows = OF_KIND.get(kind)?.iter().copied();
    rows.find(|row| row.group == group)
}

/// The row of a resource.
pub fn resource(resource: &GroupResource) -> Option<&'static BuiltinKind> {
    kinds()
        .iter()
        .find(|row| row.group == resource.group() && row.plural == resource.resource())
}

/// What a fresh API server 1.36 serves by default.
pub fn discovery() -> Discovery {
    Discovery {
        server_version: SERVER_VERSION.to_owned(),
        ..discovery_of(lifecycle::NEWEST)
    }
}

/// What a fresh API server of release 1.`minor` serves by default; [`lifecycle::OLDEST`] to [`lifecycle::NEWEST`] are known.
pub fn discovery_of(minor: u32) -> Discovery {
    let resources = kinds()
        .iter()
        .map(|row| (row, row.served_in(minor)))
        .filter(|(_, served)| !served.is_empty())
        // Invariant: every row's names are well-formed; a test reads each of them.
        .filter_map(|(row, served)| row.api_resource(served).ok())
        .collect();
    Discovery {
        resources,
        gaps: Vec::new(),
        server_version: format!("v1.{minor}.0"),
    }
    .sorted()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_unique_and_well_formed() {
        let keys: Vec<_> = kinds().iter().map(|row| (row.plural, row.group)).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
        for row in kinds() {
            assert!(row.verbs.is_sorted());
            let (served, older) = (row.served(), row.older());
            assert!(!served.is_empty() || !older.is_empty(), "{row:?}");
            assert!(served.iter().all(|version| !older.contains(version)));
            for life in row.versions() {
                assert_eq!(life.plural, row.plural, "{life}");
                // `bindings` alone has a path of its own though it is a request.
                assert_eq!(life.namespaced.unwrap_or(true), row.namespaced, "{life}");
            }
            let api = row.api_resource(served.iter().copied()).unwrap();
            for version in served.iter().chain(&older) {
                api.resource
                    .with_version(*version)
                    .api_version()
                    .parse::<crate::model::ApiVersion>()
                    .unwrap();
            }
            assert!(
                older.is_sorted_by(|a, b| compare_versions(a, b).is_ge()),
                "{row:?}"
            );
        }
        assert_eq!(
            discovery().resources.len(),
            kinds()
                .iter()
                .filter(|row| !row.served().is_empty())
                .count()
        );
    }

    #[test]
    fn preferred_versions_come_first() {
        let discovery = discovery();
        let hpa = discovery
            .kind("autoscaling", "HorizontalPodAutoscaler")
            .unwrap();
        assert_eq!(hpa.preferred().version, "v2");
        assert!(hpa.serves("v1"));
        assert_eq!(discovery.resolve("deploy")[0].kind, "Deployment");
        assert_eq!(discovery.resolve("endpoints").len(), 1);
    }
}

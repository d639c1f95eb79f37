//! Kinds that a CustomResourceDefinition brings.

use super::{ApiResource, GroupResource, ServedVersion, Tree, version::compare_versions};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What a CustomResourceDefinition (`apiextensions.k8s.io/v1` or `v1beta1`) says of its kind.
///
/// ```
/// use csdr_core::model::{CustomKind, Tree};
/// let crd = Tree::parse(br#"{"metadata":{"name":"widgets.shop.io"},"spec":{"group":"shop.io","scope":"Namespaced",
///   "names":{"plural":"widgets","kind":"Widget","singular":"widget","shortNames":["wd"]},
///   "versions":[{"name":"v1alpha1","served":true,"storage":false},{"name":"v1","served":true,"storage":true,"subresources":{"status":{}}}]}}"#)?;
/// let kind = CustomKind::from_crd(&crd)?;
/// assert_eq!(kind.resource.resource.to_string(), "widgets.shop.io");
/// assert_eq!(kind.resource.preferred().version, "v1");
/// assert!(kind.has_status("v1") && !kind.has_status("v1alpha1"));
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomKind {
    /// Its row of a discovery: served versions, the one that a server prefers first.
    pub resource: ApiResource,
    /// The version in which a server stores its objects.
    pub storage: String,
    /// How a server makes one version of an object into another.
    pub conversion: CustomConversion,
    /// Served versions with a status subresource.
    status: BTreeSet<String>,
}

/// How a server converts between the versions of a custom kind: `spec.conversion.strategy`, and written as that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CustomConversion {
    /// `None`: only `apiVersion` changes.
    #[serde(rename = "None")]
    ByName,
    /// By a webhook: nobody else knows how.
    Webhook,
}

/// Source: `customresource_discovery_controller.go`.
const VERBS: [&str; 8] = [
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];

impl CustomKind {
    /// Reads a CustomResourceDefinition.
    ///
    /// # Errors
    /// `InvalidInput` if group, names or scope are missing or malformed, the name is not `<plural>.<group>`, no version is served,
    /// or not exactly one is stored.
    pub fn from_crd(crd: &Tree) -> Result<Self> {
        let name = crd.text_at(&["metadata", "name"]).unwrap_or_default();
        let bad = |what: &str| {
            Error::invalid(format!("CustomResourceDefinition {what}"))
                .with_context("name", name.escape_debug())
        };
        let text = |path: &[&str]| crd.text_at(path).filter(|text| !text.is_empty());
        let (Some(group), Some(plural), Some(kind)) = (
            text(&["spec", "group"]),
            text(&["spec", "names", "plural"]),
            text(&["spec", "names", "kind"]),
        ) else {
            return Err(bad("names no group, plural or kind"));
        };
        let resource = GroupResource::new(group, plural)?;
        if name != resource.to_string() {
            return Err(bad("is not called `<plural>.<group>`"));
        }
        let namespaced = match text(&["spec", "scope"]) {
            Some("Namespaced") => true,
            Some("Cluster") => false,
            // v1beta1 defaults the scope.
            None if crd.text_at(&["apiVersion"]) == Some("apiextensions.k8s.io/v1beta1") => true,
            _ => return Err(bad("has a scope other than Namespaced and Cluster")),
        };
        let versions = versions(crd);
        let mut served: Vec<&str> = versions
            .iter()
            .filter(|row| row.served)
            .map(|row| row.name)
            .collect();
        served.sort_by(|a, b| compare_versions(b, a));
        served.dedup();
        if served.is_empty() {
            return Err(bad("serves no version"));
        }
        for version in &served {
            super::ApiVersion::new(group, *version)?;
        }
        let mut stored = versions.iter().filter(|row| row.storage);
        let (Some(storage), None) = (stored.next(), stored.next()) else {
            return Err(bad("must store exactly one version"));
        };
        let mut short_names: Vec<String> = crd
            .at(&["spec", "names", "shortNames"])
            .and_then(Tree::as_array)
            .into_iter()
            .flatten()
            .filter_map(|short| Some(short.as_str()?.to_owned()))
            .collect();
        short_names.push(
            text(&["spec", "names", "singular"])
                .map_or_else(|| kind.to_ascii_lowercase(), str::to_owned),
        );
        Ok(Self {
            storage: storage.name.to_owned(),
            conversion: match text(&["spec", "conversion", "strategy"]) {
                // Absent and empty are `None`. Source: SetDefaults_CustomResourceDefinitionSpec.
                None | Some("None") => CustomConversion::ByName,
                Some(_) => CustomConversion::Webhook,
            },
            status: versions
                .iter()
                .filter(|row| row.status)
                .map(|row| row.name.to_owned())
                .collect(),
            resource: ApiResource {
                resource,
                kind: kind.to_owned(),
                namespaced,
                versions: served
                    .into_iter()
                    .map(|version| ServedVersion {
                        version: version.to_owned(),
                        verbs: VERBS.map(str::to_owned).to_vec(),
                    })
                    .collect(),
                short_names,
            },
        })
    }

    /// Whether `version` has a status subresource.
    pub fn has_status(&self, version: &str) -> bool {
        self.status.contains(version)
    }
}

struct Version<'a> {
    name: &'a str,
    served: bool,
    storage: bool,
    status: bool,
}

/// `spec.versions`, or v1beta1's `spec.version`; v1beta1 may state the subresources once for all versions.
fn versions(crd: &Tree) -> Vec<Version<'_>> {
    let common = crd.at(&["spec", "subresources", "status"]).is_some();
    let rows: Vec<Version<'_>> = crd
        .at(&["spec", "versions"])
        .and_then(Tree::as_array)
        .into_iter()
        .flatten()
        .filter_map(|row| {
            let flag = |key| row.at(&[key]).and_then(Tree::as_bool).unwrap_or_default();
            Some(Version {
                name: row.text_at(&["name"])?,
                served: flag("served"),
                storage: flag("storage"),
                status: common || row.at(&["subresources", "status"]).is_some(),
            })
        })
        .collect();
    match crd.text_at(&["spec", "version"]) {
        Some(name) if rows.is_empty() => vec![Version {
            name,
            served: true,
            storage: true,
            status: common,
        }],
        _ => rows,
    }
}

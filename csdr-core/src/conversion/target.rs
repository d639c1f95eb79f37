//! What a target serves.

use super::service_port::ServicePorts;
use crate::{
    Error, Result, lifecycle,
    model::{
        ApiResource, ApiVersion, CustomConversion, CustomKind, Discovery, GroupResource,
        GroupVersionKind, KeyHashing, Tree, builtin,
    },
};
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

mod live;

pub(crate) use live::look;

/// The API versions that a target serves: from its live discovery, from a recorded one, or what a release of Kubernetes serves by
/// default, so that a migration can be judged before its target exists.
///
/// ```
/// use csdr_core::conversion::TargetApis;
/// let target = TargetApis::kubernetes(1, 22)?;
/// assert_eq!(target.preferred("batch", "CronJob").unwrap().to_string(), "batch/v1");
/// assert!(target.preferred("extensions", "Ingress").is_none());
/// // Recorded, and read again.
/// assert_eq!(TargetApis::from_json(&target.to_json()?)?, target);
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetApis {
    discovery: Discovery,
    minor: u32,
    /// How custom kinds convert, as far as their definitions are known.
    conversions: BTreeMap<GroupResource, CustomConversion>,
    services: ServicePorts,
    /// Places of a kind's rows in the discovery: an object is looked up in it, and there are many.
    kinds: HashMap<String, Vec<usize>, KeyHashing>,
}

/// A recorded discovery: a [`Discovery`], and how its custom kinds convert.
#[derive(Deserialize, Serialize)]
struct Recorded<'a> {
    #[serde(flatten)]
    discovery: Cow<'a, Discovery>,
    /// `spec.conversion.strategy` of each custom kind whose definition is known, by `<plural>.<group>`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    conversions: BTreeMap<GroupResource, CustomConversion>,
}

impl TargetApis {
    /// Most bytes of a recorded discovery. A cluster with a thousand custom kinds has one of a few megabytes.
    pub const MAX_JSON: usize = 64 << 20;

    /// From a target's discovery. A server that does not say its version is taken for the newest release that csdr knows.
    pub fn from_discovery(discovery: Discovery) -> Self {
        let minor = minor_of(&discovery.server_version).unwrap_or(lifecycle::NEWEST);
        let mut target = Self {
            discovery,
            minor,
            conversions: BTreeMap::new(),
            services: ServicePorts::default(),
            kinds: HashMap::default(),
        };
        target.index();
        target
    }

    /// What Kubernetes `major.minor` serves by default.
    ///
    /// # Errors
    /// `InvalidInput` for a release before 1.16 or after the newest that csdr knows.
    pub fn kubernetes(major: u32, minor: u32) -> Result<Self> {
        if major != 1 || !(lifecycle::OLDEST..=lifecycle::NEWEST).contains(&minor) {
            return Err(Error::invalid(format!(
                "Kubernetes 1.{} to 1.{} are known, not {major}.{minor}; record the discovery of such a target",
                lifecycle::OLDEST,
                lifecycle::NEWEST
            )));
        }
        Ok(Self::from_discovery(builtin::discovery_of(minor)))
    }

    /// From a recorded discovery: what [`TargetApis::to_json`] wrote. The file may come from anywhere.
    ///
    /// # Errors
    /// `InvalidInput` beyond [`TargetApis::MAX_JSON`] bytes, or if it is no discovery: a resource without versions, names that no
    /// server has.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        if json.len() > Self::MAX_JSON {
            return Err(Error::invalid("recorded discovery is too large")
                .with_context("bytes", json.len())
                .with_context("limit", Self::MAX_JSON));
        }
        let Recorded {
            discovery,
            conversions,
        } = serde_json::from_slice(json)
            .map_err(|error| Error::invalid(format!("not a recorded discovery: {error}")))?;
        for row in &discovery.resources {
            let refuse = |what: &str| {
                Err(Error::invalid(format!("recorded discovery {what}"))
                    .with_context("resource", &row.resource))
            };
            if row.versions.is_empty() {
                return refuse("serves a resource in no version");
            }
            if row.kind.is_empty() || !row.kind.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return refuse("names a kind that no server has");
            }
            for served in &row.versions {
                ApiVersion::new(row.resource.group(), served.version.as_str())?;
            }
        }
        let mut target = Self::from_discovery(discovery.into_owned().sorted());
        target.conversions = conversions;
        Ok(target)
    }

    /// The discovery, to be recorded, with how custom kinds convert as far as their definitions are known. What
    /// [`TargetApis::with_definitions`] brought in is in it; Services are not.
    ///
    /// # Errors
    /// None for a discovery that a server gave.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let recorded = Recorded {
            discovery: Cow::Borrowed(&self.discovery),
            conversions: self.conversions.clone(),
        };
        let mut json = serde_json::to_vec_pretty(&recorded)
            .map_err(|error| Error::invalid(format!("discovery cannot be written: {error}")))?;
        json.push(b'\n');
        Ok(json)
    }

    /// With the custom kinds of these definitions.
    ///
    /// Kinds that the target does not serve yet are added to it: a restore brings their definitions first. Those that it serves stay as
    /// they are; the definition says how their versions convert. Of several definitions of one kind the first counts, so the target's
    /// own ones come before those of a backup.
    #[must_use]
    pub fn with_definitions<'a>(mut self, kinds: impl IntoIterator<Item = &'a CustomKind>) -> Self {
        for kind in kinds {
            let row = &kind.resource;
            self.conversions
                .entry(row.resource.clone())
                .or_insert(kind.conversion);
            if self.discovery.resource(&row.resource).is_none() {
                self.discovery.resources.push(row.clone());
            }
        }
        self.discovery = self.discovery.sorted();
        self.index();
        self
    }

    /// With Services (`v1`) that the objects will find there, each with the namespace under which its Ingresses are converted: an
    /// Ingress may name a port by a name that no newer server takes, and the Service tells its number. Of several Services of one name
    /// the first counts. Only such ports are kept; they are no part of what is recorded.
    ///
    /// ```
    /// use csdr_core::{conversion::TargetApis, model::Tree};
    /// let service = Tree::parse(br#"{"metadata":{"name":"web"},"spec":{"ports":[{"name":"metrics-of-the-shop","port":9090}]}}"#)?;
    /// let target = TargetApis::kubernetes(1, 34)?.with_services([("shop", &service)]);
    /// assert_eq!(target.port_number("shop", "web", "metrics-of-the-shop"), Some(9090));
    /// # Ok::<(), csdr_core::Error>(())
    /// ```
    #[must_use]
    pub fn with_services<'a>(
        mut self,
        services: impl IntoIterator<Item = (&'a str, &'a Tree)>,
    ) -> Self {
        for (namespace, service) in services {
            self.add_service(namespace, service);
        }
        self
    }

    /// As [`TargetApis::with_services`], one by one.
    pub(crate) fn add_service(&mut self, namespace: &str, service: &Tree) {
        self.services.add(namespace, service);
    }

    /// The number of a Service's port that has a name which no Ingress of `networking.k8s.io/v1` can hold, if the Service is known.
    pub fn port_number(&self, namespace: &str, service: &str, port: &str) -> Option<i64> {
        self.services.number(namespace, service, port)
    }

    pub(super) fn services(&self) -> &ServicePorts {
        &self.services
    }

    fn index(&mut self) {
        self.kinds.clear();
        for (at, row) in self.discovery.resources.iter().enumerate() {
            self.kinds.entry(row.kind.clone()).or_default().push(at);
        }
    }

    /// The minor of Kubernetes 1.
    pub fn minor(&self) -> u32 {
        self.minor
    }

    /// What it serves.
    pub fn discovery(&self) -> &Discovery {
        &self.discovery
    }

    /// The resource that serves a kind of a group.
    pub fn resource(&self, group: &str, kind: &str) -> Option<&ApiResource> {
        self.kinds
            .get(kind)?
            .iter()
            .filter_map(|at| self.discovery.resources.get(*at))
            .find(|row| row.resource.group() == group)
    }

    /// Whether it serves this version of this kind.
    pub fn serves(&self, kind: &GroupVersionKind) -> bool {
        self.has(
            kind.api_version.group(),
            kind.api_version.version(),
            &kind.kind,
        )
    }

    /// As [`TargetApis::serves`], from the parts.
    pub(super) fn has(&self, group: &str, version: &str, kind: &str) -> bool {
        self.resource(group, kind)
            .is_some_and(|row| row.serves(version))
    }

    /// The version that it prefers for a kind of a group, if it serves the kind.
    pub fn preferred(&self, group: &str, kind: &str) -> Option<ApiVersion> {
        let version = self.resource(group, kind)?.versions.first()?;
        ApiVersion::new(group, version.version.as_str()).ok()
    }

    /// How the versions of a custom kind convert, if its definition is known.
    pub(super) fn conversion(&self, resource: &GroupResource) -> Option<CustomConversion> {
        self.conversions.get(resource).copied()
    }
}

/// The minor in `v1.30.1-aliyun.1`, `v1.24+`, `1.28`; none where there is no such thing.
fn minor_of(version: &str) -> Option<u32> {
    let mut parts = version.trim().trim_start_matches('v').split('.');
    let (major, minor) = (parts.next()?, parts.next()?);
    let end = minor
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(minor.len());
    (major == "1").then(|| minor.get(..end)?.parse().ok())?
}

#[cfg(test)]
mod tests;

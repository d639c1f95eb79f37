//! From a spec and a source to a plan.

use super::{BackupPlan, PlannedKind, PlannedUnit, planned};
use crate::{
    Error, ErrorKind, Result,
    model::{ApiResource, Discovery, DiscoveryGap, GapExtent, LabelSelector},
    port::ResourceCollector,
    select::{LeftOut, LeftOutReason, Patterns, ResourceChoice, is_system_namespace},
    spec::{ApiVersions, BackupSpec, ClusterScope},
};
use futures::TryStreamExt;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Most namespaces that a plan names.
const MAX_NAMESPACES: usize = 200_000;

pub(super) struct Planner<'a> {
    pub(super) collector: &'a dyn ResourceCollector,
    pub(super) spec: &'a BackupSpec,
    pub(super) names: Patterns,
    pub(super) resources: Patterns,
    pub(super) discovery: &'a Discovery,
    /// Whether hooks can be run.
    pub(super) executor: bool,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) warnings: Vec<String>,
}

impl Planner<'_> {
    pub(super) async fn plan(mut self, vault: Uuid) -> Result<BackupPlan> {
        self.record_gaps();
        let chosen = self.select_resources();
        let implied = self.implied_namespaces(&chosen).await?;
        let namespaces = self.select_namespaces(implied).await?;
        let mut kinds = Vec::new();
        for (resource, planned) in self.count(chosen, &namespaces).await {
            if resource.namespaced || resource.resource.to_string() != "namespaces" {
                kinds.push(planned);
            }
        }
        let hooks = self.hooks(&kinds).await?;
        let namespaces = self.owning(namespaces, &kinds);
        self.push_namespace_objects(&namespaces, &mut kinds);
        kinds.sort_by_cached_key(|kind| kind.resource.group_resource());
        self.left_out
            .sort_by(|a, b| (a.reason, &a.what).cmp(&(b.reason, &b.what)));
        BackupPlan {
            csdr: env!("CARGO_PKG_VERSION").to_owned(),
            vault,
            spec: self.spec.clone(),
            server_version: self.discovery.server_version.clone(),
            namespaces,
            kinds,
            hooks,
            left_out: self.left_out,
            warnings: self.warnings,
            digest: String::new(),
        }
        .sealed()
    }

    /// What the source could not tell of its API. One group is a warning; a whole root hides most of a cluster, whatever was asked.
    fn record_gaps(&mut self) {
        for gap in &self.discovery.gaps {
            let left = LeftOut::rule(api_of(gap), LeftOutReason::Undiscovered, &gap.reason);
            self.left_out
                .push(left.with_named(gap.extent == GapExtent::Root));
        }
    }

    /// The namespaces that exist and are selected; as they are named, where listing them is forbidden or undiscovered.
    async fn select_namespaces(&mut self, implied: BTreeSet<String>) -> Result<Vec<String>> {
        let undiscovered = || self.discovery.kind("", "Namespace").is_none() && !self.is_folder();
        if self.names.is_literal() && undiscovered() {
            return Ok(self.named_namespaces("namespaces are not discovered"));
        }
        let mut found = match self.described_namespaces().await {
            Ok(found) => found,
            Err(error)
                if error.kind() == ErrorKind::PermissionDenied && self.names.is_literal() =>
            {
                return Ok(self.named_namespaces(&format!("namespaces may not be listed: {error}")));
            }
            Err(error) => return Err(error),
        };
        for namespace in implied {
            found.entry(namespace).or_insert(false);
        }
        if found.len() > MAX_NAMESPACES {
            let message = "more namespaces than one backup can hold";
            return Err(
                Error::new(ErrorKind::Exhausted, message).with_context("limit", MAX_NAMESPACES)
            );
        }
        for name in self.names.literal_names() {
            if !found.contains_key(name) && name != "*" {
                self.warnings
                    .push(format!("namespace {name} is named, but does not exist"));
            }
        }
        let namespaces = found.into_iter();
        Ok(namespaces
            .filter(|(name, deleting)| self.takes_namespace(name, *deleting))
            .map(|(name, _)| name)
            .collect())
    }

    /// The namespaces that the spec names, unseen.
    fn named_namespaces(&mut self, why: &str) -> Vec<String> {
        self.warnings.push(format!(
            "the named namespaces are taken as they are ({why})"
        ));
        let names: BTreeSet<&str> = self.names.literal_names().collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// Every Namespace object, and whether it is being deleted.
    async fn described_namespaces(&self) -> Result<BTreeMap<String, bool>> {
        let mut found = BTreeMap::new();
        let Some(resource) = self.discovery.kind("", "Namespace") else {
            return Ok(found);
        };
        let unit = PlannedUnit {
            namespace: None,
            objects: None,
        };
        let kind = planned(resource, false);
        let version = &kind.resource.version;
        let request = kind.request(version, &unit, &LabelSelector::default(), 1 << 20)?;
        let mut pages = self.collector.list(request);
        while let Some(page) = pages.try_next().await? {
            for object in page.objects {
                found.insert(object.id().name().to_owned(), object.meta().deleting);
            }
        }
        Ok(found)
    }

    fn takes_namespace(&mut self, name: &str, deleting: bool) -> bool {
        let reason = if self.names.excludes(name) {
            LeftOutReason::Excluded
        } else if !self.names.includes(name) {
            // Not asked for: the spec itself records that.
            return false;
        } else if is_system_namespace(name) && !self.names.names(name) {
            LeftOutReason::SystemNamespace
        } else if deleting {
            LeftOutReason::BeingDeleted
        } else {
            return true;
        };
        let what = format!("namespace {name}");
        self.left_out.push(LeftOut::rule(what, reason, ""));
        false
    }

    /// Namespaces that objects of a folder lie in, whether or not a manifest describes them. A server has them all.
    async fn implied_namespaces(&self, chosen: &[ApiResource]) -> Result<BTreeSet<String>> {
        let mut namespaces = BTreeSet::new();
        if !self.is_folder() {
            return Ok(namespaces);
        }
        for resource in chosen.iter().filter(|resource| resource.namespaced) {
            let unit = PlannedUnit {
                namespace: None,
                objects: None,
            };
            let kind = self.planned(resource);
            for version in kind.versions() {
                let request = kind.request(version, &unit, &LabelSelector::default(), 1 << 20)?;
                let mut pages = self.collector.list(request);
                while let Some(page) = pages.try_next().await? {
                    let names = page
                        .objects
                        .iter()
                        .filter_map(|object| object.id().namespace());
                    namespaces.extend(names.map(str::to_owned));
                }
            }
        }
        Ok(namespaces)
    }

    /// A kind as the spec wants it stored.
    pub(super) fn planned(&self, resource: &ApiResource) -> PlannedKind {
        let mut kind = planned(resource, self.is_named(resource));
        // A folder has each object in one version only: all of them are taken.
        if self.spec.api_versions == ApiVersions::AllServed || self.is_folder() {
            let others = resource.versions.iter().skip(1);
            kind.other_versions = others
                .filter(|served| served.verbs.iter().any(|verb| verb == "list"))
                .map(|served| served.version.clone())
                .collect();
        }
        kind
    }

    /// Whether the source is no server: each of its objects is there in one version.
    pub(super) fn is_folder(&self) -> bool {
        self.discovery.server_version.is_empty()
    }

    fn select_resources(&mut self) -> Vec<ApiResource> {
        let mut chosen = Vec::new();
        let mut unscoped = 0usize;
        for resource in &self.discovery.resources {
            match ResourceChoice::of(resource, self.discovery, &self.resources) {
                ResourceChoice::NotAsked => {}
                ResourceChoice::LeftOut(left)
                    if left.reason == LeftOutReason::NotStorable && !self.is_named(resource) => {}
                ResourceChoice::LeftOut(left) => self.left_out.push(left),
                ResourceChoice::Taken
                    if resource.namespaced || self.takes_cluster_scoped(resource) =>
                {
                    chosen.push(resource.clone())
                }
                ResourceChoice::Taken => {
                    unscoped += usize::from(resource.resource.to_string() != "namespaces")
                }
            }
        }
        if unscoped > 0 {
            let detail = "take them with clusterScoped: include";
            self.left_out.push(LeftOut::rule(
                format!("{unscoped} cluster-scoped resources"),
                LeftOutReason::ClusterScoped,
                detail,
            ));
        }
        for name in self.resources.literal_names() {
            if name == "*" || !self.discovery.resolve(name).is_empty() {
                continue;
            }
            match self.discovery.gaps.iter().find(|gap| gap.may_hide(name)) {
                Some(gap) => {
                    let detail = format!("{} may hold it: {}", api_of(gap), gap.reason);
                    let left = LeftOut::rule(name, LeftOutReason::Undiscovered, detail);
                    self.left_out.push(left.with_named(true));
                }
                None => self.warnings.push(format!(
                    "resource {name} is named, but the source does not serve it"
                )),
            }
        }
        chosen
    }

    pub(super) fn is_named(&self, resource: &ApiResource) -> bool {
        resource
            .spellings()
            .iter()
            .any(|spelling| self.resources.names(spelling))
    }

    fn takes_cluster_scoped(&self, resource: &ApiResource) -> bool {
        match self.spec.cluster_scoped {
            ClusterScope::Include => true,
            ClusterScope::Exclude => false,
            ClusterScope::Auto => self.names.is_all() || self.is_named(resource),
        }
    }

    /// Under a label selector, the namespaces that own something selected.
    fn owning(&self, namespaces: Vec<String>, kinds: &[PlannedKind]) -> Vec<String> {
        if self.spec.label_selector.is_empty() {
            return namespaces;
        }
        let units = kinds
            .iter()
            .flat_map(|kind| &kind.units)
            .filter(|unit| unit.objects != Some(0));
        let owners: BTreeSet<&str> = units.filter_map(|unit| unit.namespace.as_deref()).collect();
        namespaces
            .into_iter()
            .filter(|name| owners.contains(name.as_str()))
            .collect()
    }

    fn push_namespace_objects(&self, namespaces: &[String], kinds: &mut Vec<PlannedKind>) {
        let Some(resource) = self.discovery.kind("", "Namespace") else {
            return;
        };
        let excluded = matches!(
            ResourceChoice::of(resource, self.discovery, &self.resources),
            ResourceChoice::LeftOut(_)
        );
        if !excluded && !namespaces.is_empty() {
            let mut kind = planned(resource, false);
            kind.units.push(PlannedUnit {
                namespace: None,
                objects: Some(namespaces.len() as u64),
            });
            kinds.push(kind);
        }
    }
}

/// A gap's part of the API, in words.
fn api_of(gap: &DiscoveryGap) -> String {
    let version = gap.version.as_ref();
    match (gap.extent, gap.group.as_str()) {
        (GapExtent::Root, "") => "API of the core group".to_owned(),
        (GapExtent::Root, _) => "API of every group but the core one".to_owned(),
        (GapExtent::Entry, _) => "part of the folder".to_owned(),
        (GapExtent::Group, group) => version.map_or_else(
            || format!("API {group}"),
            |version| format!("API {group}/{version}"),
        ),
    }
}

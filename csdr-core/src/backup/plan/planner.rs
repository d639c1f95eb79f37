//! From a spec and a source to a plan.

use super::{
    BackupPlan, PlannedKind, PlannedUnit, namespaces::Namespaces, planned, related::namespaces_of,
};
use crate::{
    Result,
    model::{ApiResource, Discovery, DiscoveryGap, GapExtent},
    port::{ItemAction, ResourceCollector},
    select::{FieldMasks, LeftOut, LeftOutReason, ResourceChoice, Selection},
    spec::{ApiVersions, BackupSpec},
};
use std::{collections::BTreeSet, sync::Arc};
use uuid::Uuid;

pub(super) struct Planner<'a> {
    pub(super) collector: &'a dyn ResourceCollector,
    pub(super) spec: &'a BackupSpec,
    pub(super) selection: Selection,
    pub(super) masks: FieldMasks,
    pub(super) actions: &'a [Arc<dyn ItemAction>],
    /// Whether blocks are wanted although nothing else is to be followed.
    pub(super) blocks: bool,
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
        let together = self.relate(&mut kinds, &namespaces).await?;
        let namespaces = self.owning(namespaces, &kinds, &namespaces_of(&together.related));
        let hooks = self.hooks(&kinds).await?;
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
            related: together.related,
            blocks: together.blocks,
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
            match ResourceChoice::of(resource, self.discovery, &self.selection) {
                ResourceChoice::NotAsked => {}
                ResourceChoice::LeftOut(left)
                    if left.reason == LeftOutReason::NotStorable && !self.is_named(resource) => {}
                ResourceChoice::LeftOut(left) => self.left_out.push(left),
                ResourceChoice::Taken
                    if resource.namespaced
                        || self.selection.takes_cluster_scoped(&resource.spellings()) =>
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
        self.resolve_resources();
        chosen
    }

    pub(super) fn is_named(&self, resource: &ApiResource) -> bool {
        self.selection.names(&resource.spellings())
    }

    /// Under a filter of objects, the namespaces that own something selected or match the label selector themselves (velero.md section
    /// 2.3).
    fn owning(
        &self,
        namespaces: Namespaces,
        kinds: &[PlannedKind],
        related: &BTreeSet<&str>,
    ) -> Vec<String> {
        let all = !self.selection.tests_objects();
        let units = kinds
            .iter()
            .flat_map(|kind| &kind.units)
            .filter(|unit| unit.objects != Some(0));
        let owners: BTreeSet<&str> = units.filter_map(|unit| unit.namespace.as_deref()).collect();
        let by_label = self.selection.has_labels();
        namespaces
            .into_iter()
            .filter(|(name, facts)| {
                all || owners.contains(name.as_str())
                    || related.contains(name.as_str())
                    || by_label && facts.labelled
            })
            .map(|(name, _)| name)
            .collect()
    }

    fn push_namespace_objects(&self, namespaces: &[String], kinds: &mut Vec<PlannedKind>) {
        let Some(resource) = self.discovery.kind("", "Namespace") else {
            return;
        };
        let excluded = self
            .selection
            .excludes_namespace_objects(&resource.spellings());
        if !excluded && !namespaces.is_empty() {
            let mut kind = planned(resource, false);
            kind.units
                .push(PlannedUnit::list(None, Some(namespaces.len() as u64)));
            kinds.push(kind);
        }
    }
}

/// A gap's part of the API, in words.
pub(super) fn api_of(gap: &DiscoveryGap) -> String {
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

//! What a backup will do: kinds and namespaces with counts, and what is left out.

use super::Backup;
use crate::{
    Error, ErrorKind, Result,
    model::{
        ApiResource, ApiVersion, Discovery, GroupVersionKind, GroupVersionResource, LabelSelector,
    },
    port::{ListRequest, Page, ResourceCollector},
    select::{LeftOut, LeftOutReason, Patterns, ResourceChoice, is_system_namespace},
    spec::{BackupSpec, ClusterScope},
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt};
use uuid::Uuid;

/// How many counts are asked at the same time.
const PROBES: usize = 16;
/// Most namespaces that a plan names.
const MAX_NAMESPACES: usize = 200_000;

/// What a backup will do. Nobody needs to run it: a plan is the dry run.
///
/// Its size follows kinds × namespaces, never the number of objects. A deserialised plan is checked before it is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupPlan {
    /// Version of csdr that planned.
    pub csdr: String,
    /// The vault that it is for.
    pub vault: Uuid,
    /// What was asked.
    pub spec: BackupSpec,
    /// `gitVersion` of the source; empty for a folder of manifests.
    pub server_version: String,
    /// Selected namespaces, sorted.
    pub namespaces: Vec<String>,
    /// What will be listed, in the order of the archive.
    pub kinds: Vec<PlannedKind>,
    /// What rules leave out, and gaps that are known already.
    pub left_out: Vec<LeftOut>,
    /// What a person should know before.
    pub warnings: Vec<String>,
    /// SHA-256 in hex over everything else.
    #[serde(default)]
    pub digest: String,
}

/// One resource that will be listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedKind {
    /// Resource and version.
    pub resource: GroupVersionResource,
    /// Its kind.
    pub kind: String,
    /// Whether the spec names it, not only a pattern or nothing: then a gap in it makes the backup `PartiallyFailed`.
    pub named: bool,
    /// The lists.
    pub units: Vec<PlannedUnit>,
}

/// One list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedUnit {
    /// Of one namespace; `None` for cluster-scoped resources, and for resources of which no namespace had an object.
    pub namespace: Option<String>,
    /// How many objects there were; `None` if the server does not say (under a selector).
    pub objects: Option<u64>,
}

impl BackupPlan {
    /// How many objects there were, and whether that is all of them.
    pub fn objects(&self) -> (u64, bool) {
        let counts = || {
            self.kinds
                .iter()
                .flat_map(|kind| &kind.units)
                .map(|unit| unit.objects)
        };
        (
            counts().flatten().sum(),
            counts().all(|count| count.is_some()),
        )
    }

    /// Whether nothing is selected.
    pub fn is_empty(&self) -> bool {
        self.objects() == (0, true)
    }

    pub(super) fn sealed(mut self) -> Result<Self> {
        self.digest = String::new();
        self.digest = crate::spec::digest(&self)?;
        Ok(self)
    }

    /// Checks a plan that may have been changed on its way.
    pub(super) fn check(&self, vault: Uuid) -> Result<()> {
        self.spec.validate()?;
        if self.vault != vault {
            return Err(
                Error::invalid("the plan was made for another vault; plan again")
                    .with_context("planned for", self.vault),
            );
        }
        if self.clone().sealed()?.digest != self.digest {
            return Err(Error::invalid(
                "the plan was changed after it was made; plan again",
            ));
        }
        if self.is_empty() {
            return Err(Error::invalid(
                "nothing is selected; check namespaces, resources and label selector",
            )
            .with_operation("back up")
            .with_context("backup", &self.spec.name));
        }
        Ok(())
    }
}

impl PlannedKind {
    /// The request of one of its units.
    pub(super) fn request(
        &self,
        unit: &PlannedUnit,
        selector: &LabelSelector,
        page_bytes: usize,
    ) -> Result<ListRequest> {
        let is_namespace = self.resource.group.is_empty() && self.resource.resource == "namespaces";
        Ok(ListRequest {
            resource: self.resource.clone(),
            kind: GroupVersionKind {
                api_version: ApiVersion::new(&*self.resource.group, &*self.resource.version)?,
                kind: self.kind.clone(),
            },
            namespace: unit.namespace.clone(),
            // Namespaces are stored when they own something selected, whatever their own labels (velero.md section 2.3).
            selector: if is_namespace {
                LabelSelector::default()
            } else {
                selector.clone()
            },
            page_bytes,
            from: None,
        })
    }
}

impl fmt::Display for BackupPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (objects, exact) = self.objects();
        let about = if exact { "" } else { "at least " };
        writeln!(
            f,
            "Backup {} into vault {}: {about}{objects} objects, {} namespaces",
            self.spec.name,
            self.vault,
            self.namespaces.len()
        )?;
        for kind in &self.kinds {
            let known: u64 = kind.units.iter().filter_map(|unit| unit.objects).sum();
            let open = kind.units.iter().any(|unit| unit.objects.is_none());
            if known > 0 || open {
                let count = if open {
                    format!("{}+", known.max(1))
                } else {
                    known.to_string()
                };
                writeln!(f, "  {count:>8}  {}", kind.resource)?;
            }
        }
        for left in &self.left_out {
            writeln!(f, "  left out  {left}")?;
        }
        for warning in &self.warnings {
            writeln!(f, "  warning   {warning}")?;
        }
        Ok(())
    }
}

impl Backup {
    /// Looks at the source and says what a run would do. Reads only.
    ///
    /// # Errors
    /// `InvalidInput` for a bad spec; the collector's, if the source cannot be discovered at all.
    pub async fn plan(&self, spec: &BackupSpec) -> Result<BackupPlan> {
        spec.validate()
            .map_err(|error| error.with_operation("plan backup"))?;
        let vault = self.vault.writable_id()?;
        let discovery = self.collector.discover().await?;
        Planner {
            collector: &*self.collector,
            spec,
            names: Patterns::new(
                "namespaces",
                &spec.included_namespaces,
                &spec.excluded_namespaces,
            )?,
            resources: Patterns::new(
                "resources",
                &spec.included_resources,
                &spec.excluded_resources,
            )?,
            discovery: &discovery,
            left_out: Vec::new(),
            warnings: Vec::new(),
        }
        .plan(vault)
        .await
    }
}

struct Planner<'a> {
    collector: &'a dyn ResourceCollector,
    spec: &'a BackupSpec,
    names: Patterns,
    resources: Patterns,
    discovery: &'a Discovery,
    left_out: Vec<LeftOut>,
    warnings: Vec<String>,
}

/// What asking for a count gave.
enum Count {
    Known(Option<u64>),
    Refused(Error),
}

impl Planner<'_> {
    async fn plan(mut self, vault: Uuid) -> Result<BackupPlan> {
        for gap in &self.discovery.gaps {
            let what = gap.version.as_ref().map_or_else(
                || gap.group.clone(),
                |version| format!("{}/{version}", gap.group),
            );
            self.left_out.push(LeftOut::rule(
                format!("API {what}"),
                LeftOutReason::Undiscovered,
                &gap.reason,
            ));
        }
        let namespaces = self.select_namespaces().await?;
        let chosen = self.select_resources();
        let mut kinds = Vec::new();
        for (resource, planned) in self.count(chosen, &namespaces).await {
            if resource.namespaced || resource.resource.to_string() != "namespaces" {
                kinds.push(planned);
            }
        }
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
            left_out: self.left_out,
            warnings: self.warnings,
            digest: String::new(),
        }
        .sealed()
    }

    /// The namespaces that exist and are selected; as they are named, where listing them is forbidden.
    async fn select_namespaces(&mut self) -> Result<Vec<String>> {
        let Some(resource) = self.discovery.kind("", "Namespace") else {
            return Ok(Vec::new());
        };
        let unit = PlannedUnit {
            namespace: None,
            objects: None,
        };
        let request =
            planned(resource, false).request(&unit, &LabelSelector::default(), 1 << 20)?;
        let pages: Result<Vec<Page>> = self.collector.list(request).try_collect().await;
        let pages = match pages {
            Err(error)
                if error.kind() == ErrorKind::PermissionDenied && self.names.is_literal() =>
            {
                self.warnings.push(format!(
                    "namespaces may not be listed; the named ones are taken as they are ({error})"
                ));
                return Ok(self
                    .names
                    .literal_names()
                    .map(str::to_owned)
                    .collect::<BTreeSet<_>>()
                    .into_iter()
                    .collect());
            }
            pages => pages?,
        };
        let mut selected = Vec::new();
        let mut seen = BTreeSet::new();
        for object in pages.iter().flat_map(|page| &page.objects) {
            let name = object.id().name();
            seen.insert(name);
            let left = |reason| LeftOut::rule(format!("namespace {name}"), reason, "");
            if self.names.excludes(name) {
                self.left_out.push(left(LeftOutReason::Excluded));
            } else if !self.names.includes(name) {
                // Not asked for: the spec itself records that.
            } else if is_system_namespace(name) && !self.names.names(name) {
                self.left_out.push(left(LeftOutReason::SystemNamespace));
            } else if object.meta().deleting {
                self.left_out.push(left(LeftOutReason::BeingDeleted));
            } else {
                selected.push(name.to_owned());
            }
        }
        if selected.len() > MAX_NAMESPACES {
            return Err(Error::new(
                ErrorKind::Exhausted,
                "more namespaces than one backup can hold",
            )
            .with_context("limit", MAX_NAMESPACES));
        }
        for name in self.names.literal_names() {
            if !seen.contains(name) && name != "*" {
                self.warnings
                    .push(format!("namespace {name} is named, but does not exist"));
            }
        }
        // Objects of a folder of manifests may lie in namespaces that have no manifest of their own.
        Ok(selected)
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
            if name != "*" && self.discovery.resolve(name).is_empty() {
                self.warnings.push(format!(
                    "resource {name} is named, but the source does not serve it"
                ));
            }
        }
        chosen
    }

    fn is_named(&self, resource: &ApiResource) -> bool {
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

    /// Asks how many objects each resource has, and in which namespaces.
    async fn count(
        &mut self,
        chosen: Vec<ApiResource>,
        namespaces: &[String],
    ) -> Vec<(ApiResource, PlannedKind)> {
        let totals: Vec<(ApiResource, PlannedKind, Count)> = stream::iter(chosen)
            .map(|resource| {
                let kind = planned(&resource, self.is_named(&resource));
                let this = &*self;
                async move {
                    let count = this.probe(&kind, None).await;
                    (resource, kind, count)
                }
            })
            .buffered(PROBES)
            .collect()
            .await;
        let mut rows = Vec::new();
        for (resource, mut kind, count) in totals {
            match count {
                Count::Known(Some(0)) => kind.units.push(PlannedUnit {
                    namespace: None,
                    objects: Some(0),
                }),
                Count::Known(objects) if !resource.namespaced => kind.units.push(PlannedUnit {
                    namespace: None,
                    objects,
                }),
                Count::Refused(error) if !resource.namespaced || !self.names.is_literal() => {
                    self.left_out
                        .push(refused(&kind.resource.group_resource().to_string(), &error));
                    continue;
                }
                Count::Known(_) | Count::Refused(_) => {
                    kind.units = self.count_namespaces(&kind, namespaces).await
                }
            }
            rows.push((resource, kind));
        }
        rows
    }

    async fn count_namespaces(
        &mut self,
        kind: &PlannedKind,
        namespaces: &[String],
    ) -> Vec<PlannedUnit> {
        let this = &*self;
        let counts: Vec<(String, Count)> = stream::iter(namespaces.to_vec())
            .map(|namespace| async move {
                let count = this.probe(kind, Some(namespace.clone())).await;
                (namespace, count)
            })
            .buffered(PROBES)
            .collect()
            .await;
        let mut units = Vec::new();
        for (namespace, count) in counts {
            match count {
                Count::Known(objects) => units.push(PlannedUnit {
                    namespace: Some(namespace),
                    objects,
                }),
                Count::Refused(error) => {
                    self.left_out.push(refused(
                        &format!(
                            "{} in namespace {namespace}",
                            kind.resource.group_resource()
                        ),
                        &error,
                    ));
                }
            }
        }
        units
    }

    async fn probe(&self, kind: &PlannedKind, namespace: Option<String>) -> Count {
        let unit = PlannedUnit {
            namespace,
            objects: None,
        };
        // A page of one byte is one object: enough to learn how many follow.
        let request = match kind.request(&unit, &self.spec.label_selector, 1) {
            Ok(request) => request,
            Err(error) => return Count::Refused(error),
        };
        match self.collector.list(request).next().await {
            None => Count::Known(Some(0)),
            Some(Err(error)) => Count::Refused(error),
            Some(Ok(page)) => {
                let here = (page.objects.len() + page.unreadable.len()) as u64;
                Count::Known(match (page.next, page.remaining) {
                    (None, _) => Some(here),
                    (Some(_), Some(remaining)) => Some(here + remaining),
                    (Some(_), None) => None,
                })
            }
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

fn planned(resource: &ApiResource, named: bool) -> PlannedKind {
    PlannedKind {
        resource: resource.preferred(),
        kind: resource.kind.clone(),
        named,
        units: Vec::new(),
    }
}

/// A list that the server refuses, as a recorded gap.
pub(super) fn refused(what: &str, error: &Error) -> LeftOut {
    let reason = match error.kind() {
        ErrorKind::PermissionDenied => LeftOutReason::Forbidden,
        _ => LeftOutReason::Unlisted,
    };
    LeftOut::rule(what, reason, error.chain())
}

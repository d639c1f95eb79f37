//! What a backup will do: kinds and namespaces with counts, and what is left out.

mod count;
mod hook;
mod planner;

pub(super) use hook::is_pods;
pub use hook::{HookedPod, PlannedBlock};

use planner::Planner;

use super::Backup;
use crate::{
    Error, ErrorKind, Result,
    model::{ApiResource, ApiVersion, GroupVersionKind, GroupVersionResource, LabelSelector},
    port::ListRequest,
    select::{LeftOut, LeftOutReason, Patterns},
    spec::BackupSpec,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

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
    /// Hooks that will run, block by block.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<PlannedBlock>,
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
    /// Resource and preferred version.
    pub resource: GroupVersionResource,
    /// Other served versions in which its objects are stored as well (R177), the better one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_versions: Vec<String>,
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
    /// Every version in which its objects are stored, the best one first.
    pub(super) fn versions(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.resource.version)
            .chain(&self.other_versions)
            .map(String::as_str)
    }

    /// The request of one of its units, in one of its versions.
    pub(super) fn request(
        &self,
        version: &str,
        unit: &PlannedUnit,
        selector: &LabelSelector,
        page_bytes: usize,
    ) -> Result<ListRequest> {
        let is_namespace = self.resource.group.is_empty() && self.resource.resource == "namespaces";
        Ok(ListRequest {
            resource: self.resource.group_resource().with_version(version),
            kind: GroupVersionKind {
                api_version: ApiVersion::new(&*self.resource.group, version)?,
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
                write!(f, "  {count:>8}  {}", kind.resource)?;
                if !kind.other_versions.is_empty() {
                    write!(f, "  also as {}", kind.other_versions.join(", "))?;
                }
                writeln!(f)?;
            }
        }
        for block in &self.hooks {
            block.fmt(f)?;
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
            executor: self.hooks.is_some(),
            left_out: Vec::new(),
            warnings: Vec::new(),
        }
        .plan(vault)
        .await
    }
}

/// A kind as it will be listed, in the preferred version only.
fn planned(resource: &ApiResource, named: bool) -> PlannedKind {
    PlannedKind {
        resource: resource.preferred(),
        other_versions: Vec::new(),
        kind: resource.kind.clone(),
        named,
        units: Vec::new(),
    }
}

/// A list that the server refuses, as a recorded gap in a kind that the spec names or not.
pub(super) fn refused(what: &str, error: &Error, named: bool) -> LeftOut {
    let reason = match error.kind() {
        ErrorKind::PermissionDenied => LeftOutReason::Forbidden,
        _ => LeftOutReason::Unlisted,
    };
    LeftOut::rule(what, reason, error.chain()).with_named(named)
}

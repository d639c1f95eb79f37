//! What a backup will do: kinds and namespaces with counts, and what is left out.

mod count;
mod hook;
mod namespaces;
mod planner;
mod related;
mod unresolved;

pub(super) use hook::is_pods;
pub use hook::{HookedPod, PlannedBlock};

use planner::Planner;

use super::Backup;
use crate::{
    Error, ErrorKind, Result,
    model::{
        ApiResource, ApiVersion, GroupVersionKind, GroupVersionResource, LabelSelector, ObjectId,
        spellings,
    },
    port::ListRequest,
    related::ItemBlock,
    select::{LeftOut, LeftOutReason, Selection},
    spec::BackupSpec,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};
use uuid::Uuid;

/// What a backup will do. Nobody needs to run it: a plan is the dry run.
///
/// Its size follows kinds × namespaces and the objects that are taken because selected ones need them, never the number of objects. A deserialised plan is checked before it is run.
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
    /// Objects that the filters do not select and that are taken because captured ones need them, sorted by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<RelatedObject>,
    /// What is captured together, in the order in which it is: pods, the claims that they mount and the volumes of these. Known if
    /// the plan followed what objects need, if the spec orders objects, or [if asked for](Backup::with_item_blocks).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<ItemBlock>,
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
    /// Short names and the singular, by which a spec may name it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub short_names: Vec<String>,
    /// Whether its objects live in namespaces.
    #[serde(default)]
    pub namespaced: bool,
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
    /// Nothing is listed: only the related objects here are read.
    #[serde(default, rename = "byName", skip_serializing_if = "std::ops::Not::not")]
    pub by_name: bool,
}

/// One object that is taken because a captured one needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RelatedObject {
    /// The object.
    pub id: ObjectId,
    /// The first object found that needs it, or the resource of which all objects do.
    pub by: String,
    /// The action that said so.
    pub action: String,
}

impl PlannedUnit {
    pub(super) fn list(namespace: Option<String>, objects: Option<u64>) -> Self {
        Self {
            namespace,
            objects,
            by_name: false,
        }
    }
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

    /// The related objects of one unit, sorted by name.
    pub(super) fn related_in(&self, kind: &PlannedKind, unit: &PlannedUnit) -> &[RelatedObject] {
        let resource = kind.resource.group_resource();
        let place = (&resource, unit.namespace.as_deref());
        let of = |one: &RelatedObject| (one.id.resource(), one.id.namespace()).cmp(&place);
        let start = self.related.partition_point(|one| of(one).is_lt());
        let end = self.related.partition_point(|one| of(one).is_le());
        self.related.get(start..end).unwrap_or_default()
    }

    /// Whether an object is taken because a captured one needs it.
    pub(super) fn related_to(&self, id: &ObjectId) -> Option<&RelatedObject> {
        let at = self.related.binary_search_by(|one| one.id.cmp(id)).ok()?;
        self.related.get(at)
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
                "nothing is selected; check namespaces, resources, labels and names",
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

    /// Every way in which a spec may name it.
    pub(super) fn spellings(&self) -> Vec<String> {
        spellings(
            &self.resource.group_resource(),
            &self.kind,
            &self.short_names,
        )
    }

    /// Whether it is the kind of Namespace objects.
    pub(super) fn is_namespaces(&self) -> bool {
        self.resource.group.is_empty() && self.resource.resource == "namespaces"
    }

    /// Its resource, and the namespace if it is one's.
    pub(super) fn in_namespace(&self, namespace: Option<&str>) -> String {
        let resource = self.resource.group_resource();
        match namespace {
            Some(namespace) => format!("{resource} in namespace {namespace}"),
            None => resource.to_string(),
        }
    }

    /// The request of one of its units, in one of its versions.
    pub(super) fn request(
        &self,
        version: &str,
        unit: &PlannedUnit,
        selection: &Selection,
        page_bytes: usize,
    ) -> Result<ListRequest> {
        Ok(ListRequest {
            resource: self.resource.group_resource().with_version(version),
            kind: GroupVersionKind {
                api_version: ApiVersion::new(&*self.resource.group, version)?,
                kind: self.kind.clone(),
            },
            namespace: unit.namespace.clone(),
            // Namespaces are stored when they own something selected, whatever their own labels (velero.md section 2.3).
            selector: if self.is_namespaces() {
                LabelSelector::default()
            } else {
                selection.request(self.namespaced, unit.namespace.as_deref())
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
        let mut needed: BTreeMap<(String, &str), u64> = BTreeMap::new();
        for one in &self.related {
            let key = (one.id.resource().to_string(), one.action.as_str());
            *needed.entry(key).or_default() += 1;
        }
        for ((resource, action), count) in needed {
            writeln!(f, "  + {count:>6}  {resource} (needed by {action})")?;
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
            selection: spec.selection()?,
            masks: spec.masks()?,
            actions: &self.actions,
            blocks: self.blocks,
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
        short_names: resource.short_names.clone(),
        namespaced: resource.namespaced,
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

//! What a restore will do.

use super::{
    Action, Restore, RestoreKind, Wave, members::Members, policy::Policies, row::Row,
    service::ingress_namespaces,
};
use crate::{
    Error, ErrorKind, Result,
    archive::Digest,
    model::{Discovery, GroupVersionResource, ObjectId},
    select::LeftOut,
    spec::RestoreSpec,
    transform::{Owners, StatusRule, Surroundings, VolumeFate},
    vault::StoredBackup,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
};
use uuid::Uuid;

mod advice;
mod custom;
mod existing;
mod judge;
mod masked;
mod need;
mod note;
mod planner;
mod roots;
mod stale;
mod transformed;
mod volumes;

pub use advice::PodSecurityAdvice;
pub use need::Need;
pub use note::PlanNote;
pub use planner::selected;

use advice::PodLevels;
use custom::CustomCheck;
use judge::Judge;
use need::{Demands, Needs};
use note::NoteTable;
use planner::Planner;
use transformed::TransformSets;

/// Remarks that a plan shows a person; the document has more.
const SHOWN_NOTES: usize = 100;

/// What a restore will do: one compact row an object. Nobody needs to run it: a plan is the dry run.
///
/// A deserialised plan is untrusted: a run checks its digest, the backup's root hash and the target's identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestorePlan {
    pub(super) head: PlanHead,
    pub(super) rows: Vec<Row>,
    /// Row and note, in the order of rows.
    pub(super) remarks: Vec<(u32, u32)>,
}

/// Everything of a plan but its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PlanHead {
    pub(super) csdr: String,
    pub(super) vault: Uuid,
    pub(super) root_hash: Digest,
    /// uid of the target's `kube-system`; empty for a folder.
    pub(super) target: String,
    pub(super) spec: RestoreSpec,
    pub(super) kinds: Vec<RestoreKind>,
    /// Namespaces of the backup, as rows name them.
    pub(super) namespaces: Vec<String>,
    /// Namespaces of the target that nothing in the backup describes and that are made bare.
    pub(super) bare_namespaces: Vec<String>,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) needs: Vec<Need>,
    /// Sets of transforms by which objects are changed, as rows name them; the first is empty.
    #[serde(default)]
    pub(super) transforms: Vec<Vec<String>>,
    /// What the transforms must know.
    #[serde(default)]
    pub(super) known: Surroundings,
    /// What to do about PodSecurityPolicies that are skipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) advice: Vec<PodSecurityAdvice>,
    /// What is said about objects, each text once.
    pub(super) notes: Vec<PlanNote>,
    /// Remarks that were too many to keep.
    pub(super) notes_beyond: u64,
    pub(super) digest: String,
}

/// One row of a plan, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowView {
    /// The object in the backup.
    pub source: ObjectId,
    /// The object in the target.
    pub target: ObjectId,
    /// What will be done.
    pub action: Action,
    /// `apiVersion` as stored and as it will be written, where these differ.
    pub conversion: Option<(String, String)>,
    /// Transforms that change it, without those that touch every object.
    pub transformed_by: Vec<String>,
}

impl RestorePlan {
    /// What was asked.
    pub fn spec(&self) -> &RestoreSpec {
        &self.head.spec
    }

    /// The kinds, in the order of the backup.
    pub fn kinds(&self) -> &[RestoreKind] {
        &self.head.kinds
    }

    /// What rules leave out.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.head.left_out
    }

    /// Every unmet need at once.
    pub fn needs(&self) -> &[Need] {
        &self.head.needs
    }

    /// If PodSecurityPolicies are skipped, because the target's release knows none: the Pod Security level that each namespace's pods
    /// meet, so that it can be labelled with it.
    pub fn advice(&self) -> &[PodSecurityAdvice] {
        &self.head.advice
    }

    /// How many objects it has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nothing is selected.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many objects with this action.
    pub fn count(&self, action: Action) -> u64 {
        self.rows.iter().filter(|row| row.action == action).count() as u64
    }

    /// Every row in the order of the backup. A row that names something impossible (a changed plan) is left out; a run refuses it.
    pub fn rows(&self) -> impl Iterator<Item = RowView> + '_ {
        self.rows.iter().filter_map(|row| {
            let source = self.source_id(row).ok()?;
            let target = self.target_id(row).ok()?;
            let kind = self.kind(row).ok()?;
            Some(RowView {
                source,
                target,
                action: row.action,
                conversion: kind
                    .is_converted()
                    .then(|| (kind.resource.api_version(), kind.target.api_version())),
                transformed_by: self.transformed_by(row).to_vec(),
            })
        })
    }

    pub(super) fn transformed_by(&self, row: &Row) -> &[String] {
        let set = self.head.transforms.get(usize::from(row.transforms));
        set.map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether an object's status is written after it was created.
    pub(super) fn restores_status(&self, row: &Row) -> bool {
        self.transformed_by(row)
            .iter()
            .any(|name| name == transformed::STATUS)
    }

    /// What is said about single objects: losses of a conversion, and why an object is left out.
    pub fn notes(&self) -> impl Iterator<Item = (ObjectId, &PlanNote)> + '_ {
        self.remarks.iter().filter_map(|(row, note)| {
            let row = self.rows.get(*row as usize)?;
            let note = self.head.notes.get(*note as usize)?;
            Some((self.source_id(row).ok()?, note))
        })
    }

    /// What conversions lose.
    pub fn losses(&self) -> impl Iterator<Item = (ObjectId, &PlanNote)> + '_ {
        self.notes().filter(|(_, note)| note.loss.is_some())
    }

    /// How many remarks there were beyond those that a plan keeps.
    pub fn notes_beyond(&self) -> u64 {
        self.head.notes_beyond
    }

    /// Names of the definitions that are to be made: `<plural>.<group>`.
    pub(super) fn definitions(&self) -> BTreeSet<String> {
        self.rows
            .iter()
            .filter(|row| {
                row.action != Action::Skip
                    && self
                        .kind(row)
                        .is_ok_and(|kind| kind.wave == Wave::Definitions)
            })
            .map(|row| row.name.to_string())
            .collect()
    }

    /// Namespaces of the backup whose Ingresses are restored.
    pub(super) fn ingresses(&self) -> BTreeSet<&str> {
        let kind = |kind: u16| Some(&self.head.kinds.get(usize::from(kind))?.resource);
        ingress_namespaces(&self.rows, &self.head.namespaces, kind)
    }

    /// What was said last about a whole object, losses apart: why its action is what it is.
    pub(super) fn reason(&self, row: usize) -> Option<&PlanNote> {
        let row = u32::try_from(row).ok()?;
        let start = self.remarks.partition_point(|(at, _)| *at < row);
        let end = self.remarks.partition_point(|(at, _)| *at <= row);
        let own = self.remarks.get(start..end)?.iter();
        own.rev()
            .filter_map(|(_, note)| self.head.notes.get(*note as usize))
            .find(|note| note.loss.is_none() && note.path.is_empty())
    }

    pub(super) fn kind(&self, row: &Row) -> Result<&RestoreKind> {
        self.head
            .kinds
            .get(usize::from(row.kind))
            .ok_or_else(|| Error::invalid("plan names a kind that it does not have"))
    }

    fn namespace(&self, row: &Row) -> Result<Option<&str>> {
        match (row.namespace as usize).checked_sub(1) {
            None => Ok(None),
            Some(at) => {
                let namespace = self.head.namespaces.get(at);
                Ok(Some(namespace.ok_or_else(|| {
                    Error::invalid("plan names a namespace that it does not have")
                })?))
            }
        }
    }

    pub(super) fn source_id(&self, row: &Row) -> Result<ObjectId> {
        let resource = self.kind(row)?.resource.group_resource();
        ObjectId::new(
            resource,
            self.namespace(row)?.map(str::to_owned),
            &*row.name,
        )
    }

    pub(super) fn target_id(&self, row: &Row) -> Result<ObjectId> {
        let kind = self.kind(row)?;
        target_of(
            &self.head.spec,
            &self.head.known,
            kind,
            self.namespace(row)?,
            &row.name,
        )
    }

    fn digest(&mut self) -> Result<String> {
        self.head.digest = String::new();
        crate::spec::digest(self)
    }

    fn sealed(mut self) -> Result<Self> {
        self.head.digest = self.digest()?;
        Ok(self)
    }

    /// Checks a plan that may have been changed on its way.
    pub(super) fn check(&mut self, vault: Uuid, root_hash: Digest, target: &str) -> Result<()> {
        self.head.spec.validate()?;
        let said = std::mem::take(&mut self.head.digest);
        self.head.digest = self.digest()?;
        let problem = if self.head.digest != said {
            "the plan was changed after it was made"
        } else if self.head.vault != vault {
            "the plan was made for another vault"
        } else if self.head.root_hash != root_hash {
            "the plan was made for another backup of this name"
        } else if self.head.target != target {
            "the plan was made for another target cluster"
        } else if self.is_empty() {
            return Err(Error::invalid(
                "nothing is selected; check namespaces, resources and label selector",
            )
            .with_operation("restore")
            .with_context("backup", &self.head.spec.backup_name));
        } else {
            return Ok(());
        };
        Err(
            Error::new(ErrorKind::Conflict, format!("{problem}; plan again"))
                .with_operation("restore"),
        )
    }
}

/// Where an object of the backup goes.
pub(super) fn target_of(
    spec: &RestoreSpec,
    known: &Surroundings,
    kind: &RestoreKind,
    namespace: Option<&str>,
    name: &str,
) -> Result<ObjectId> {
    let namespace = namespace.map(|namespace| spec.map_namespace(namespace).to_owned());
    let name = match (kind.wave, known.volumes.get(name)) {
        (Wave::Namespaces, _) => spec.map_namespace(name),
        (Wave::Volumes, Some(VolumeFate::Rename(new))) => new,
        _ => name,
    };
    ObjectId::new(kind.target.group_resource(), namespace, name)
}

impl fmt::Display for RestorePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spec = &self.head.spec;
        writeln!(
            f,
            "Restore {} of backup {}: {} objects",
            spec.name,
            spec.backup_name,
            self.rows.len()
        )?;
        for (from, to) in &spec.namespace_mapping {
            writeln!(f, "  namespace {from} → {to}")?;
        }
        let mut counts: BTreeMap<(Wave, u16), BTreeMap<Action, u64>> = BTreeMap::new();
        let mut transformed: BTreeMap<u16, BTreeMap<&str, u64>> = BTreeMap::new();
        for row in &self.rows {
            if row.action.writes() {
                for name in self.transformed_by(row) {
                    let own = transformed.entry(row.kind).or_default();
                    *own.entry(name.as_str()).or_default() += 1;
                }
            }
            let wave = self
                .head
                .kinds
                .get(usize::from(row.kind))
                .map_or(Wave::Workloads, |kind| kind.wave);
            let own = counts.entry((wave, row.kind)).or_default();
            *own.entry(row.action).or_default() += 1;
        }
        for ((_, at), own) in counts {
            let Some(kind) = self.head.kinds.get(usize::from(at)) else {
                continue;
            };
            let all: u64 = own.values().sum();
            write!(f, "  {all:>8}  {}", kind.resource)?;
            if kind.is_converted() {
                write!(f, "  convert {}", kind.resource.api_version())?;
                write!(f, " → {}", kind.target.api_version())?;
            }
            for (action, count) in own {
                write!(f, "  {action} {count}")?;
            }
            let by = transformed.get(&at).into_iter().flatten();
            for (place, (name, count)) in by.enumerate() {
                let lead = if place == 0 {
                    "  transformed by: "
                } else {
                    ", "
                };
                write!(f, "{lead}{name} {count}")?;
            }
            writeln!(f)?;
        }
        for namespace in &self.head.bare_namespaces {
            writeln!(
                f,
                "  namespace {namespace} is made bare: the backup does not describe it"
            )?;
        }
        for need in &self.head.needs {
            writeln!(f, "  needs     {} ({} objects)", need.what, need.objects)?;
        }
        for advice in &self.head.advice {
            writeln!(f, "  {advice}")?;
        }
        for left in &self.head.left_out {
            writeln!(f, "  left out  {left}")?;
        }
        for (id, note) in self.notes().take(SHOWN_NOTES) {
            writeln!(f, "  {id}: {note}")?;
        }
        let more = (self.remarks.len().saturating_sub(SHOWN_NOTES)) as u64 + self.head.notes_beyond;
        if more > 0 {
            writeln!(f, "  and {more} remarks more")?;
        }
        Ok(())
    }
}

impl Restore {
    /// Reads the backup and the target, and says what a run would do. Every selected object is read, its hash checked, and converted, so
    /// that what is damaged, lost or not taken is known before anything is written.
    ///
    /// # Errors
    /// `InvalidInput` for a bad spec, `NotFound` without such a backup, `Corrupt` for a damaged index; the target's, if it cannot
    /// be discovered.
    pub async fn plan(&self, spec: &RestoreSpec) -> Result<RestorePlan> {
        spec.validate()
            .map_err(|error| error.with_operation("plan restore"))?;
        let vault = self.vault.writable_id()?;
        let backup = self.open(&spec.backup_name).await?;
        let discovery = self.target.discover().await?;
        let target = self.target_uid(&discovery).await?;
        let mut planner = Planner::new(spec, &discovery)?;
        planner.follow_roots(&backup).await?;
        let (apis, defined) = self
            .target_apis(&backup, &discovery, |id| planner.would_take(id))
            .await?;
        let stored_volumes = volumes::Stored::read(&backup, |id| planner.would_take(id)).await?;
        planner.bound = stored_volumes.bound();
        planner.select(&backup, &apis).await?;
        let masked = planner.masked(&backup).await?;
        let Planner {
            kinds: stored,
            namespaces,
            mut rows,
            left_out,
            ..
        } = planner;
        let ingresses =
            ingress_namespaces(&rows, &namespaces, |kind| stored.get(usize::from(kind)));
        let apis = self
            .with_services(apis, &backup, &discovery, spec, &ingresses)
            .await?;
        let mut known = Surroundings {
            owners: owners(&stored, &namespaces, &rows),
            ..stored_volumes
                .known(self, spec, &discovery, &stored, &rows)
                .await?
        };
        let chain = self.chain(spec, &known)?;
        let mut judge = Judge {
            restore: self,
            backup: &backup,
            discovery: &discovery,
            apis: &apis,
            defined: &defined,
            namespaces: &namespaces,
            stored: &stored,
            kinds: Vec::new(),
            places: HashMap::new(),
            notes: NoteTable::default(),
            spec,
            levels: PodLevels::wanted(&stored, apis.minor()),
            demands: Demands::default(),
            custom: CustomCheck::default(),
            chain: &chain,
            known: &known,
            status: StatusRule::new(spec.restore_status.as_ref())?,
            transforms: TransformSets::default(),
        };
        judge.judge(&mut rows).await?;
        let Judge {
            kinds,
            mut notes,
            demands,
            levels,
            transforms,
            ..
        } = judge;
        // What they decided stands in the rows.
        known.owners = Owners::default();
        let is_skipped = |row: &Row| {
            let kind = kinds.get(usize::from(row.kind));
            row.action == Action::Skip && kind.is_some_and(|kind| advice::is_policy(&kind.resource))
        };
        let advice = levels
            .filter(|_| rows.iter().any(is_skipped))
            .map(PodLevels::into_advice)
            .unwrap_or_default();
        let mut plan = RestorePlan {
            head: PlanHead {
                csdr: env!("CARGO_PKG_VERSION").to_owned(),
                vault,
                root_hash: backup.root_hash()?,
                target,
                spec: spec.clone(),
                kinds,
                namespaces,
                bare_namespaces: Vec::new(),
                left_out: backup
                    .gaps()
                    .iter()
                    .cloned()
                    .chain(left_out)
                    .chain(masked)
                    .collect(),
                needs: Vec::new(),
                transforms: transforms.into_sets(),
                known,
                advice,
                notes: Vec::new(),
                notes_beyond: 0,
                digest: String::new(),
            },
            rows,
            remarks: Vec::new(),
        };
        existing::Existing {
            restore: self,
            discovery: &discovery,
            policies: Policies::new(spec)?,
            members: Members::new(&backup),
            apis: &apis,
            chain: &chain,
        }
        .look(&mut plan, &mut notes)
        .await?;
        // A reader looks for a row's remarks by bisection.
        notes.remarks.sort_by_key(|(row, _)| *row);
        plan.head.notes = notes.texts;
        plan.head.notes_beyond = notes.beyond;
        plan.remarks = notes.remarks;
        let needs = Needs {
            restore: self,
            discovery: &discovery,
            demands,
        };
        plan.head.needs = needs.of(&plan).await?;
        plan.sealed()
    }

    /// The backup, ready to be read. An archive without index is read through scratch once, for plan and run.
    pub(super) async fn open(&self, name: &str) -> Result<StoredBackup> {
        let backup = self.vault.backup(name).await?;
        let Some(scratch) = self.scratch.as_ref().filter(|_| !backup.is_indexed()) else {
            return Ok(backup);
        };
        let mut adopted = self.adopted.lock().await;
        if let Some(adopted) = adopted.as_ref().filter(|adopted| adopted.is_same(&backup)) {
            return Ok(adopted.clone());
        }
        let backup = backup.with_scratch(scratch.clone()).await?;
        *adopted = Some(backup.clone());
        Ok(backup)
    }

    /// uid of `kube-system`: what tells clusters apart. Empty where there is none or it may not be read.
    pub(super) async fn target_uid(&self, discovery: &Discovery) -> Result<String> {
        let Some(namespaces) = discovery.kind("", "Namespace") else {
            return Ok(String::new());
        };
        let id = ObjectId::new(namespaces.resource.clone(), None, "kube-system")?;
        match self.target.get(&id, &namespaces.preferred().version).await {
            Ok(object) => Ok(object
                .map(|object| object.meta().uid.clone())
                .unwrap_or_default()),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::PermissionDenied | ErrorKind::NotFound
                ) =>
            {
                Ok(String::new())
            }
            Err(error) => Err(error),
        }
    }
}

/// Controllers among the rows that would make the pods of others; none if there are no pods.
fn owners(stored: &[GroupVersionResource], namespaces: &[String], rows: &[Row]) -> Owners {
    let pods = |kind: &GroupVersionResource| kind.group.is_empty() && kind.resource == "pods";
    if !stored.iter().any(pods) {
        return Owners::default();
    }
    Owners::of(rows.iter().filter_map(|row| {
        let kind = stored.get(usize::from(row.kind))?;
        let namespace = namespaces.get((row.namespace as usize).checked_sub(1)?)?;
        Some((
            &*kind.group,
            &*kind.resource,
            namespace.as_str(),
            &*row.name,
        ))
    }))
}

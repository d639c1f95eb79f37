//! What the target has already.

use super::{PlanNote, Restore, RestorePlan, note::NoteTable};
use crate::{
    Error, ErrorKind, Result,
    conversion::{Severity, TargetApis},
    model::{ApiVersion, Discovery, GroupVersionKind, LabelSelector, Object, ObjectId, Tree},
    port::{ListRequest, ResourceTarget, VaultBackendExt},
    restore::{
        Action, Wave,
        apply::managers,
        convert::Fitted,
        members::Members,
        owner::lacks_owners,
        policy::{Decision, Policies},
        row::{Row, state_of},
    },
    transform::{Chain, Verdict},
    vault::RestoreLayout,
};
use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};
use std::collections::BTreeSet;

/// How many units are looked at at the same time.
const LOOKS: usize = 8;
/// Up to so many objects of one kind and namespace are asked for one by one instead of by a list.
const FEW: usize = 4;

pub(super) struct Existing<'a> {
    pub(super) restore: &'a Restore,
    pub(super) discovery: &'a Discovery,
    pub(super) policies: Policies,
    pub(super) members: Members<'a>,
    pub(super) apis: &'a TargetApis,
    pub(super) chain: &'a Chain,
}

/// What becomes of a row whose object the target has, or cannot take.
struct Found {
    row: usize,
    action: Action,
    /// Of the target's object, 0 if there is none.
    state: u16,
    note: Option<PlanNote>,
}

/// Rows `start..end` of one kind and namespace.
struct Unit {
    start: usize,
    end: usize,
}

impl Existing<'_> {
    /// Sets the action of every row, and the namespaces that must be made.
    pub(super) async fn look(&self, plan: &mut RestorePlan, notes: &mut NoteTable) -> Result<()> {
        let ours = self.restore.earlier_managers(&plan.head.spec.name).await?;
        let namespaces = self.namespaces().await?;
        let units = units(plan)?;
        let shared = &*plan;
        let looks: Vec<BoxFuture<'_, Result<Vec<Found>>>> = units
            .into_iter()
            .map(|unit| self.unit(shared, unit, namespaces.as_ref(), &ours).boxed())
            .collect();
        let found: Vec<Vec<Found>> = stream::iter(looks).buffered(LOOKS).try_collect().await?;
        let count = plan.rows.len();
        for found in found.into_iter().flatten() {
            let row = &mut plan.rows[found.row];
            row.action = found.action;
            row.state = found.state;
            if let Some(note) = found.note {
                notes.push(found.row, count, note);
            }
        }
        plan.head.bare_namespaces = bare_namespaces(plan, namespaces.as_ref())?;
        Ok(())
    }

    /// The target's namespaces; `None` where they may not be listed or there are none.
    async fn namespaces(&self) -> Result<Option<BTreeSet<String>>> {
        let Some(resource) = self.discovery.kind("", "Namespace") else {
            return Ok(None);
        };
        let gvr = resource.preferred();
        let request = list_request(&gvr, &resource.kind, None)?;
        let pages: Result<Vec<_>> = self.restore.target.list(request).try_collect().await;
        match pages {
            Ok(pages) => Ok(Some(
                pages
                    .iter()
                    .flat_map(|page| &page.objects)
                    .map(|object| object.id().name().to_owned())
                    .collect(),
            )),
            Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Rows of one unit that are not simply created.
    async fn unit(
        &self,
        plan: &RestorePlan,
        unit: Unit,
        namespaces: Option<&BTreeSet<String>>,
        ours: &BTreeSet<String>,
    ) -> Result<Vec<Found>> {
        let rows = &plan.rows[unit.start..unit.end];
        let Some(first) = rows.first() else {
            return Ok(Vec::new());
        };
        let kind = plan.kind(first)?;
        if kind.blocked.is_some() {
            let blocked =
                (unit.start..unit.end).filter(|row| plan.rows[*row].action == Action::Create);
            return Ok(blocked
                .map(|row| Found {
                    row,
                    action: Action::Blocked,
                    state: 0,
                    note: None,
                })
                .collect());
        }
        let first_id = plan.target_id(first)?;
        let missing = first_id
            .namespace()
            .is_some_and(|namespace| namespaces.is_some_and(|all| !all.contains(namespace)));
        if kind.defined_by_backup || missing {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        // Their names in the target are not sorted as the rows are.
        let renamed = kind.wave == Wave::Namespaces && !plan.head.spec.namespace_mapping.is_empty()
            || kind.wave == Wave::Volumes && plan.head.known.renames_volumes();
        if rows.len() <= FEW || renamed {
            for at in unit.start..unit.end {
                let id = plan.target_id(&plan.rows[at])?;
                let there = self.restore.target.get(&id, &kind.target.version).await?;
                if let Some(live) = there {
                    found.extend(self.found(plan, at, &live, ours).await?);
                }
            }
            return Ok(found);
        }
        let request = list_request(
            &kind.target,
            &kind.kind,
            first_id.namespace().map(str::to_owned),
        )?;
        let mut pages = self.restore.target.list(request);
        let mut at = 0;
        // Both sides are sorted by name: one walk.
        while let Some(page) = pages
            .try_next()
            .await
            .map_err(|error| self.unreadable(&first_id, error))?
        {
            for live in &page.objects {
                let name = live.id().name();
                while rows.get(at).is_some_and(|row: &Row| &*row.name < name) {
                    at += 1;
                }
                if rows.get(at).is_some_and(|row| &*row.name == name) {
                    found.extend(self.found(plan, unit.start + at, live, ours).await?);
                    at += 1;
                }
            }
            if at == rows.len() {
                break;
            }
        }
        Ok(found)
    }

    /// What becomes of a row whose object the target has.
    async fn found(
        &self,
        plan: &RestorePlan,
        at: usize,
        live: &Object,
        ours: &BTreeSet<String>,
    ) -> Result<Option<Found>> {
        let row = &plan.rows[at];
        if row.action != Action::Create {
            return Ok(None);
        }
        let found = |action, note: Option<(Severity, String)>| {
            Some(Found {
                row: at,
                action,
                state: state_of(live).unwrap_or_default(),
                note: note.map(|(severity, text)| PlanNote::whole(severity, text)),
            })
        };
        if live.meta().deleting {
            let text = "the target's is being deleted; a run waits until it is gone".to_owned();
            return Ok(found(Action::Create, Some((Severity::Info, text))));
        }
        let is_ours = !ours.is_empty() && managers(live).iter().any(|by| ours.contains(by));
        Ok(match self.decide(plan, row, live).await {
            // A run says why.
            Ok(None) => None,
            Ok(Some(
                Decision::Equal | Decision::Leave(_) | Decision::Refuse(_) | Decision::Recreate(_),
            )) if is_ours => found(Action::CreatedBefore, None),
            Ok(Some(decision)) => found(decision.action(), decision.remark()),
            Err(_) if is_ours => found(Action::CreatedBefore, None),
            Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::InvalidInput) => {
                let text = format!(
                    "exists and cannot be compared, left as it is: {}",
                    error.chain()
                );
                found(Action::SkipExisting, Some((Severity::Warning, text)))
            }
            Err(error) => return Err(error),
        })
    }

    /// Compares; `None` if the object is not restored at all.
    async fn decide(
        &self,
        plan: &RestorePlan,
        row: &Row,
        live: &Object,
    ) -> Result<Option<Decision>> {
        let kind = plan.kind(row)?;
        let index = row.index_row(plan.source_id(row)?, kind.resource.version.clone());
        let stored = self.members.get(row.member_span()).await?.object(&index)?;
        let Fitted::Object(fit) = self.restore.fit(stored.clone(), self.apis)? else {
            return Ok(None);
        };
        let passage = self
            .chain
            .pass(&stored, &fit.object, plan.target_id(row)?)?;
        if *passage.verdict() != Verdict::Restore {
            return Ok(None);
        }
        let wanted = passage.object()?;
        let from = kind.resource.group_resource();
        let decision = self.policies.decide(&from, &wanted, live)?;
        Ok(Some(match decision {
            Decision::Equal if lacks_owners(&stored, live) => Decision::Merge(Tree::object()),
            decision => decision,
        }))
    }

    fn unreadable(&self, id: &ObjectId, error: Error) -> Error {
        Error::new(
            error.kind(),
            "the target's objects cannot be listed; a restore must know what exists",
        )
        .with_operation("plan restore")
        .with_context("resource", id.resource())
        .with_retry(error.retry())
        .with_source(error)
    }
}

pub(super) fn list_request(
    resource: &crate::model::GroupVersionResource,
    kind: &str,
    namespace: Option<String>,
) -> Result<ListRequest> {
    Ok(ListRequest {
        resource: resource.clone(),
        kind: GroupVersionKind {
            api_version: ApiVersion::new(&*resource.group, &*resource.version)?,
            kind: kind.to_owned(),
        },
        namespace,
        selector: LabelSelector::default(),
        page_bytes: 1 << 20,
        from: None,
    })
}

/// Runs of rows of one kind and namespace.
fn units(plan: &RestorePlan) -> Result<Vec<Unit>> {
    let mut units: Vec<Unit> = Vec::new();
    for (at, row) in plan.rows.iter().enumerate() {
        plan.kind(row)?;
        match units.last_mut() {
            Some(unit)
                if plan.rows[unit.start].kind == row.kind
                    && plan.rows[unit.start].namespace == row.namespace =>
            {
                unit.end = at + 1
            }
            _ => units.push(Unit {
                start: at,
                end: at + 1,
            }),
        }
    }
    Ok(units)
}

/// Namespaces that objects need, that the target does not have, and that no row describes.
fn bare_namespaces(plan: &RestorePlan, existing: Option<&BTreeSet<String>>) -> Result<Vec<String>> {
    let Some(existing) = existing else {
        return Ok(Vec::new());
    };
    let mut needed = BTreeSet::new();
    let mut described = BTreeSet::new();
    for row in &plan.rows {
        let id = plan.target_id(row)?;
        if plan.kind(row)?.wave == Wave::Namespaces {
            described.insert(id.name().to_owned());
        } else if let (Some(namespace), Action::Create) = (id.namespace(), row.action)
            && !needed.contains(namespace)
        {
            needed.insert(namespace.to_owned());
        }
    }
    Ok(needed
        .into_iter()
        .filter(|name| !existing.contains(name) && !described.contains(name))
        .collect())
}

impl Restore {
    /// Field managers of this restore's earlier, dead operations.
    pub(in crate::restore) async fn earlier_managers(
        &self,
        name: &str,
    ) -> Result<BTreeSet<String>> {
        let csdr = RestoreLayout::new(name)?.csdr()?;
        let mut managers = BTreeSet::new();
        for meta in self.vault.backend().keys(&csdr, 1_000_000).await? {
            let folder = meta
                .key
                .below(&csdr)
                .and_then(|path| path.split_once('/'))
                .map(|(folder, _)| folder);
            if let Some(operation) = folder.and_then(|folder| folder.parse::<uuid::Uuid>().ok()) {
                managers.insert(crate::restore::apply::manager_of(operation));
            }
        }
        Ok(managers)
    }
}

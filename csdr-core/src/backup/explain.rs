//! Why an object is in a backup, or is not.

use super::{Backup, BackupPlan, PlannedKind};
use crate::{
    Result,
    model::ObjectId,
    select::{Asked, LeftOut, LeftOutReason, Missed, Selection, never_stored, object_left_out},
    vault::StoredBackup,
};
use futures::TryStreamExt;
use serde::Serialize;
use std::fmt;

/// Why a backup takes an object, or does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The object.
    pub id: ObjectId,
    /// Whether a run of the plan takes it.
    pub taken: bool,
    /// The rule that decides, in words.
    pub rule: String,
    /// The object that pulls it in, or the resource of which all objects do; none if the filters take it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needed_by: Option<String>,
    /// What of it is not stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub masked: Option<String>,
}

impl Explanation {
    fn out(id: &ObjectId, rule: impl Into<String>) -> Self {
        Self {
            id: id.clone(),
            taken: false,
            rule: rule.into(),
            needed_by: None,
            masked: None,
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.taken { "in" } else { "out" };
        write!(f, "{}: {verdict}: {}", self.id, self.rule)?;
        if let Some(masked) = &self.masked {
            write!(f, "; masked: {masked}")?;
        }
        Ok(())
    }
}

impl Backup {
    /// Why a run of the plan takes an object, or does not: which rule decides, and which object needs it. Reads the object and what the
    /// source serves, nothing else.
    ///
    /// ```
    /// # futures::executor::block_on(async {
    /// use csdr_core::{backup::Backup, memory::{MemoryCluster, MemoryVault}, spec::BackupSpec, vault::Vault};
    /// let cluster = MemoryCluster::new();
    /// cluster.load_yaml("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}")?;
    /// cluster.load_yaml("{apiVersion: v1, kind: ConfigMap, metadata: {name: prices, namespace: shop}}")?;
    /// let backup = Backup::new(cluster, Vault::create(MemoryVault::new()).await?);
    /// let plan = backup.plan(&BackupSpec::named("shop-1").with_namespace("shop").without_resource("configmaps")).await?;
    /// let said = backup.explain(&plan, &"configmaps/shop/prices".parse()?).await?;
    /// assert_eq!(said.to_string(), "configmaps/shop/prices: out: configmaps: excluded by the spec");
    /// # Ok::<(), csdr_core::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` for a plan with a bad spec; the collector's, if the object cannot be read.
    pub async fn explain(&self, plan: &BackupPlan, id: &ObjectId) -> Result<Explanation> {
        let selection = plan.spec.selection()?;
        let kind = plan.kinds.iter().find(|kind| {
            kind.resource.group == id.resource().group()
                && kind.resource.resource == id.resource().resource()
        });
        if let Some(rule) = recorded(plan, &id.to_string()) {
            return Ok(Explanation::out(id, rule));
        }
        let Some(kind) = kind else {
            return Ok(Explanation::out(
                id,
                self.unplanned(plan, &selection, id).await?,
            ));
        };
        if let Some(rule) = outside(plan, &selection, kind, id) {
            return Ok(Explanation::out(id, rule));
        }
        let mut object = None;
        for version in kind.versions() {
            object = self.collector.get(id, version).await?;
            if object.is_some() {
                break;
            }
        }
        let Some(object) = object else {
            return Ok(Explanation::out(id, "it does not exist in the source"));
        };
        if let Some(left) = object_left_out(&object) {
            return Ok(Explanation::out(
                id,
                said(&left.reason.to_string(), &left.detail),
            ));
        }
        let spellings = kind.spellings();
        let masks = plan.spec.masks()?.of(&spellings);
        let masked = masks.apply(&object)?.map(|(_, detail)| detail);
        let mut explanation = Explanation {
            id: id.clone(),
            taken: true,
            rule: selected(&selection, id),
            needed_by: None,
            masked,
        };
        if let Some(related) = plan.related_to(id) {
            explanation.rule = format!("needed by {} ({})", related.by, related.action);
            explanation.needed_by = Some(related.by.clone());
            return Ok(explanation);
        }
        let test = selection.test(&spellings, id.namespace());
        let missed = test
            .misses(id.name(), object.meta())
            .filter(|_| !kind.is_namespaces());
        Ok(match missed {
            None => explanation,
            Some(Missed::Labels) => Explanation::out(id, "its labels do not match the selector"),
            Some(Missed::Name) => Explanation::out(id, "its name is not asked for"),
        })
    }

    /// Why a kind is not in the plan.
    async fn unplanned(
        &self,
        plan: &BackupPlan,
        selection: &Selection,
        id: &ObjectId,
    ) -> Result<String> {
        let resource = id.resource();
        if let Some(rule) = recorded(plan, &resource.to_string()) {
            return Ok(format!("{resource}: {rule}"));
        }
        let discovery = self.collector.discover().await?;
        let Some(row) = discovery.resource(resource) else {
            return Ok(format!(
                "{resource}: the source does not serve such a resource"
            ));
        };
        let spellings = row.spellings();
        Ok(match selection.asks(&spellings, row.namespaced) {
            Asked::No => format!("{resource}: not on the list of included resources"),
            Asked::Excluded => format!("{resource}: excluded by the spec"),
            Asked::Yes if !row.namespaced && !selection.takes_cluster_scoped(&spellings) => {
                format!(
                    "{resource}: cluster-scoped, and the spec does not take those; no captured object needs this one"
                )
            }
            Asked::Yes => match never_stored(resource) {
                Some(why) => format!("{resource}: {why}"),
                None => format!("{resource}: nothing of it is in the plan"),
            },
        })
    }
}

impl StoredBackup {
    /// Why this backup holds an object, or does not, by what its run recorded. Reads the index, the plan and the left-out lists.
    ///
    /// # Errors
    /// `Unsupported` for a backup that csdr did not write; `Corrupt` for a damaged one.
    pub async fn explain(&self, id: &ObjectId) -> Result<Explanation> {
        let plan = self.plan().await?;
        let selection = plan.spec.selection()?;
        let taken = self.object(id).await?.is_some();
        let (resource, own) = (id.resource().to_string(), id.to_string());
        let place = match id.namespace() {
            Some(namespace) => format!("namespace {namespace}"),
            None => format!("namespace {}", id.name()),
        };
        let mut about: [Option<LeftOut>; 3] = [None, None, None];
        let mut masked = None;
        let mut lines = self.left_out();
        while let Some(left) = lines.try_next().await? {
            let at = match left.what.as_str() {
                what if what == own && left.reason == LeftOutReason::Masked => {
                    masked = Some(left.detail);
                    continue;
                }
                what if what == own => 0,
                what if what == resource => 1,
                what if what == place => 2,
                _ => continue,
            };
            if let Some(slot) = about.get_mut(at) {
                slot.get_or_insert(left);
            }
        }
        if taken {
            let related = plan.related_to(id);
            return Ok(Explanation {
                id: id.clone(),
                taken,
                rule: related.map_or_else(
                    || selected(&selection, id),
                    |related| format!("needed by {} ({})", related.by, related.action),
                ),
                needed_by: related.map(|related| related.by.clone()),
                masked,
            });
        }
        let rule = match about.into_iter().flatten().next() {
            Some(left) if left.what == own => said(&left.reason.to_string(), &left.detail),
            Some(left) => left.to_string(),
            None => "the filters did not select it, or it did not exist at that time".to_owned(),
        };
        Ok(Explanation::out(id, rule))
    }
}

/// Why the place of an object is not in the plan; none if it is.
fn outside(
    plan: &BackupPlan,
    selection: &Selection,
    kind: &PlannedKind,
    id: &ObjectId,
) -> Option<String> {
    let namespace = match id.namespace() {
        None if kind.is_namespaces() => id.name(),
        None => return None,
        Some(namespace) => namespace,
    };
    if plan
        .namespaces
        .binary_search_by(|own| own.as_str().cmp(namespace))
        .is_err()
    {
        let rule = recorded(plan, &format!("namespace {namespace}"));
        return Some(match rule {
            Some(rule) => format!("namespace {namespace}: {rule}"),
            None => format!(
                "namespace {namespace}: not selected, or it does not exist, or nothing in it is selected"
            ),
        });
    }
    if kind.is_namespaces() || plan.related_to(id).is_some() {
        return None;
    }
    let resource = id.resource();
    match selection.asks_in(&kind.spellings(), namespace) {
        Asked::Yes => None,
        Asked::No => Some(format!(
            "{resource}: the filter of namespace {namespace} does not include it"
        )),
        Asked::Excluded => Some(format!(
            "{resource}: the filter of namespace {namespace} excludes it"
        )),
    }
}

fn selected(selection: &Selection, id: &ObjectId) -> String {
    let labels = if selection.tests_objects() {
        ", and its labels and name match"
    } else {
        ""
    };
    match id.namespace() {
        Some(namespace) => {
            format!(
                "namespace {namespace} and {} are selected{labels}",
                id.resource()
            )
        }
        None => format!("{} are selected{labels}", id.resource()),
    }
}

/// What the plan has recorded about an object, a resource or a namespace.
fn recorded(plan: &BackupPlan, what: &str) -> Option<String> {
    let mut left = plan.left_out.iter();
    let left = left.find(|left| left.what == what)?;
    Some(said(&left.reason.to_string(), &left.detail))
}

fn said(reason: &str, detail: &str) -> String {
    match detail {
        "" => reason.to_owned(),
        detail => format!("{reason} ({detail})"),
    }
}

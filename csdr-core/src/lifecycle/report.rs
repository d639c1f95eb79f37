//! What a backup would become on several releases, before any of these clusters exists.

use super::ObjectRemarks;
use crate::{
    Result,
    conversion::{BuiltinConverter, Route, TargetApis},
    model::{ApiVersion, CustomKind, GroupResource, GroupVersionKind, ObjectId, builtin},
    vault::StoredBackup,
};
use futures::TryStreamExt;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// So many objects of one kind, each stored in the same versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KindCount {
    /// The kind, in CamelCase.
    pub kind: String,
    /// The versions in which each of the objects is stored; the one that the source preferred comes first. Never empty.
    pub versions: Vec<ApiVersion>,
    /// How many objects.
    pub objects: u64,
}

/// What becomes of the objects of one row on one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// The stored version that a restore takes.
    pub from: ApiVersion,
    /// What becomes of it.
    #[serde(flatten)]
    pub route: Route,
}

/// One kind of the backup, judged for each target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CompatibilityRow {
    /// What is stored.
    #[serde(flatten)]
    pub stored: KindCount,
    /// One verdict a target, in the order of the targets.
    pub verdicts: Vec<Verdict>,
}

/// What a backup would become on several targets. `Display` is a table with the reasons below it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CompatibilityReport {
    /// Names of the targets.
    pub targets: Vec<String>,
    /// Kinds of the backup, sorted by group, kind and versions.
    pub rows: Vec<CompatibilityRow>,
    /// What single objects lose, in the order of the targets; empty if they were not read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<ObjectRemarks>,
}

/// Judges kinds for targets. Of several stored versions a restore takes the first that the target serves, else the first that can be
/// converted.
///
/// ```
/// use csdr_core::{conversion::{BuiltinConverter, TargetApis}, lifecycle::{KindCount, judge}};
/// let stored = KindCount { kind: "CronJob".into(), versions: vec!["batch/v1beta1".parse()?], objects: 3 };
/// let targets = [("1.20".to_owned(), TargetApis::kubernetes(1, 20)?), ("1.34".to_owned(), TargetApis::kubernetes(1, 34)?)];
/// let report = judge(vec![stored], &targets, &BuiltinConverter::new());
/// let told: Vec<String> = report.rows[0].verdicts.iter().map(|verdict| verdict.route.to_string()).collect();
/// assert_eq!(told, ["unchanged", "converts to batch/v1"]);
/// # Ok::<(), csdr_core::Error>(())
/// ```
pub fn judge(
    mut counts: Vec<KindCount>,
    targets: &[(String, TargetApis)],
    converter: &BuiltinConverter,
) -> CompatibilityReport {
    counts.retain(|count| !count.versions.is_empty());
    counts.sort_by(|one, other| {
        let key = |count: &KindCount| {
            let group = count
                .versions
                .first()
                .map(|version| version.group().to_owned());
            (group, count.kind.clone())
        };
        key(one)
            .cmp(&key(other))
            .then_with(|| one.versions.cmp(&other.versions))
    });
    let rows = counts
        .into_iter()
        .map(|stored| CompatibilityRow {
            verdicts: targets
                .iter()
                .filter_map(|(_, target)| verdict(&stored, target, converter))
                .collect(),
            stored,
        })
        .collect();
    CompatibilityReport {
        targets: targets.iter().map(|(name, _)| name.clone()).collect(),
        rows,
        objects: Vec::new(),
    }
}

fn verdict(
    stored: &KindCount,
    target: &TargetApis,
    converter: &BuiltinConverter,
) -> Option<Verdict> {
    let verdicts = stored.versions.iter().map(|from| {
        let kind = GroupVersionKind {
            api_version: from.clone(),
            kind: stored.kind.clone(),
        };
        Verdict {
            route: converter.route(&kind, target),
            from: from.clone(),
        }
    });
    // The first of equal ones: `min_by_key` keeps the order.
    verdicts.min_by_key(|verdict| match verdict.route {
        Route::Unchanged => 0,
        Route::Converts { .. } => 1,
        _ => 2,
    })
}

/// Judges a backup for targets, whose custom kinds are their own and those that the backup's definitions bring. Reads the backup's
/// index, its CustomResourceDefinitions, and one object of each kind that neither names.
///
/// # Errors
/// `Unsupported` for a backup without an index; what reading meets.
pub async fn report(
    backup: &StoredBackup,
    targets: &[(String, TargetApis)],
    converter: &BuiltinConverter,
) -> Result<CompatibilityReport> {
    let (report, _) = report_and_definitions(backup, targets, converter).await?;
    Ok(report)
}

/// As [`report`]; with the kinds that the backup's definitions bring.
pub(super) async fn report_and_definitions(
    backup: &StoredBackup,
    targets: &[(String, TargetApis)],
    converter: &BuiltinConverter,
) -> Result<(CompatibilityReport, Vec<CustomKind>)> {
    let (counts, definitions) = count(backup).await?;
    let targets: Vec<(String, TargetApis)> = targets
        .iter()
        .map(|(name, target)| (name.clone(), target.clone().with_definitions(&definitions)))
        .collect();
    Ok((judge(counts, &targets, converter), definitions))
}

/// A resource and the versions in which an object of it is stored.
type Stored = (GroupResource, Vec<String>);

/// Counts the objects of a backup, and reads the definitions in it.
async fn count(backup: &StoredBackup) -> Result<(Vec<KindCount>, Vec<CustomKind>)> {
    let mut counts: BTreeMap<Stored, u64> = BTreeMap::new();
    let mut examples: BTreeMap<GroupResource, ObjectId> = BTreeMap::new();
    let mut crds = Vec::new();
    // Rows of one object stand together.
    let mut current: Option<(ObjectId, Vec<String>)> = None;
    let mut close = |done: Option<(ObjectId, Vec<String>)>| {
        let Some((id, versions)) = done else { return };
        *counts.entry((id.resource().clone(), versions)).or_default() += 1;
        if id.resource().to_string() == "customresourcedefinitions.apiextensions.k8s.io" {
            crds.push(id);
        } else if !examples.contains_key(id.resource()) {
            examples.insert(id.resource().clone(), id);
        }
    };
    let mut rows = backup.rows();
    while let Some(row) = rows.try_next().await? {
        match &mut current {
            Some((id, versions)) if *id == row.id => {
                let at = if row.preferred { 0 } else { versions.len() };
                versions.insert(at, row.version);
            }
            _ => close(current.replace((row.id, vec![row.version]))),
        }
    }
    close(current);
    let mut definitions = Vec::new();
    for id in &crds {
        if let Some(object) = backup.object(id).await? {
            // A definition that cannot be read is the plan's affair; its kind is told by an object.
            definitions.extend(CustomKind::from_crd(&object.tree()?).ok());
        }
    }
    let mut kinds: BTreeMap<GroupResource, String> = BTreeMap::new();
    let resources: BTreeSet<_> = counts
        .keys()
        .map(|(resource, _)| resource.clone())
        .collect();
    for resource in resources {
        let known = builtin::resource(&resource).map(|row| row.kind.to_owned());
        let defined = || {
            let kind = definitions
                .iter()
                .find(|kind| kind.resource.resource == resource)?;
            Some(kind.resource.kind.clone())
        };
        let kind = match (known.or_else(defined), examples.get(&resource)) {
            (Some(kind), _) => kind,
            (None, Some(id)) => match backup.object(id).await? {
                Some(object) => object.meta().kind.kind.clone(),
                None => continue,
            },
            (None, None) => continue,
        };
        kinds.insert(resource, kind);
    }
    let mut found = Vec::new();
    for ((resource, versions), objects) in counts {
        let Some(kind) = kinds.get(&resource) else {
            continue;
        };
        found.push(KindCount {
            kind: kind.clone(),
            versions: versions
                .into_iter()
                .map(|version| ApiVersion::new(resource.group(), version))
                .collect::<Result<_>>()?,
            objects,
        });
    }
    Ok((found, definitions))
}

impl CompatibilityReport {
    /// Objects that stay, are converted, are skipped, and have no route, on the target at `at`.
    pub fn totals(&self, at: usize) -> [u64; 4] {
        let mut totals = [0; 4];
        for row in &self.rows {
            let Some(verdict) = row.verdicts.get(at) else {
                continue;
            };
            let [unchanged, converted, skipped, no_route] = &mut totals;
            *match verdict.route {
                Route::Unchanged => unchanged,
                Route::Converts { .. } => converted,
                Route::Skipped { .. } => skipped,
                Route::NoRoute { .. } => no_route,
            } += row.stored.objects;
        }
        totals
    }
}

fn cell(verdict: &Verdict) -> String {
    match &verdict.route {
        Route::Unchanged => "unchanged".to_owned(),
        Route::Converts { to } => format!("→ {to}"),
        Route::Skipped { .. } => "skipped".to_owned(),
        Route::NoRoute { .. } => "no route".to_owned(),
    }
}

impl fmt::Display for CompatibilityReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table: Vec<Vec<String>> = vec![
            ["objects".to_owned(), "kind".to_owned()]
                .into_iter()
                .chain(self.targets.iter().cloned())
                .collect(),
        ];
        for row in &self.rows {
            let versions: Vec<String> = row
                .stored
                .versions
                .iter()
                .map(ToString::to_string)
                .collect();
            let name = format!("{} {}", versions.join(", "), row.stored.kind);
            let cells = [row.stored.objects.to_string(), name];
            table.push(
                cells
                    .into_iter()
                    .chain(row.verdicts.iter().map(cell))
                    .collect(),
            );
        }
        let columns = self.targets.len() + 2;
        let widths: Vec<usize> = (0..columns)
            .map(|at| {
                let cells = table.iter().filter_map(|row| row.get(at));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        for row in &table {
            let cells = row.iter().zip(&widths);
            let line: Vec<String> = cells
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            writeln!(f, "{}", line.join("  ").trim_end())?;
        }
        for (at, target) in self.targets.iter().enumerate() {
            let [unchanged, converted, skipped, no_route] = self.totals(at);
            writeln!(
                f,
                "{target}: {unchanged} unchanged, {converted} converted, {skipped} skipped, {no_route} without a route"
            )?;
        }
        self.reasons(f)?;
        for (target, objects) in self.targets.iter().zip(&self.objects) {
            for remark in &objects.remarks {
                writeln!(f, "{target}: {remark}")?;
            }
            if objects.beyond > 0 {
                writeln!(f, "{target}: {} remarks more", objects.beyond)?;
            }
        }
        Ok(())
    }
}

impl CompatibilityReport {
    /// Each reason once, with the targets that it holds for.
    fn reasons(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.rows {
            let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
            for (verdict, target) in row.verdicts.iter().zip(&self.targets) {
                if matches!(verdict.route, Route::Unchanged | Route::Converts { .. }) {
                    continue;
                }
                let reason = format!("{} {} {}", verdict.from, row.stored.kind, verdict.route);
                match reasons.iter_mut().find(|(own, _)| *own == reason) {
                    Some((_, targets)) => targets.push(target),
                    None => reasons.push((reason, vec![target])),
                }
            }
            for (reason, targets) in reasons {
                writeln!(f, "{}: {reason}", targets.join(", "))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

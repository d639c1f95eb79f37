//! Which version an object is made into. Source: api-versions.md section 1.6; the choice is per kind, not per group.

mod advice;

use super::{
    outcome::{NoRouteReason, Route, SkipReason},
    target::TargetApis,
};
use crate::{
    lifecycle::{self, Lifecycle},
    model::{
        ApiResource, ApiVersion, CustomConversion, GroupResource, GroupVersionKind,
        compare_versions,
    },
};
use serde::Serialize;

/// How a version is chosen where the target serves several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum VersionPolicy {
    /// The stored version, as long as the target serves it and it is not deprecated there.
    #[default]
    Keep,
    /// The version that the target prefers.
    Preferred,
}

/// What the caller wants.
#[derive(Clone, Debug, Default)]
pub(super) struct Wishes {
    pub(super) policy: VersionPolicy,
    /// Wanted versions of single kinds, the most wanted first.
    pub(super) versions: Vec<(String, ApiVersion)>,
}

impl Wishes {
    /// Versions wanted for a kind, of those that can hold it.
    fn of<'a>(
        &'a self,
        kind: &'a str,
        can_hold: impl Fn(&ApiVersion) -> bool + 'a,
    ) -> impl Iterator<Item = &'a ApiVersion> + 'a {
        self.versions
            .iter()
            .filter(move |(wanted, version)| wanted == kind && can_hold(version))
            .map(|(_, version)| version)
    }
}

/// Chooses for one kind. `resource` is where its objects lie, if that is known.
pub(super) fn choose(
    kind: &GroupVersionKind,
    resource: Option<&GroupResource>,
    target: &TargetApis,
    wishes: &Wishes,
) -> Route {
    let group = kind.api_version.group();
    if advice::is_computed(group) {
        return skipped(SkipReason::NeverStored);
    }
    if let Some(row) = lifecycle::lookup(kind) {
        return built_in(row, target, wishes);
    }
    match target.resource(group, &kind.kind) {
        // Of a release that csdr does not know, or switched on by a distribution.
        Some(row) if lifecycle::is_builtin_group(group) => {
            if row.serves(kind.api_version.version()) {
                Route::Unchanged
            } else {
                no_rule(row)
            }
        }
        Some(row) => custom(kind, row, target, wishes),
        None => no_route(missing(kind, resource, target)),
    }
}

fn built_in(row: &'static Lifecycle, target: &TargetApis, wishes: &Wishes) -> Route {
    if !row.stored {
        return skipped(SkipReason::NeverStored);
    }
    let serves = |row: &Lifecycle| target.has(row.group, row.version, row.kind);
    let is_served = serves(row);
    let keeps = is_served && !row.deprecated_in(target.minor());
    if keeps && wishes.policy == VersionPolicy::Keep && wishes.versions.is_empty() {
        return Route::Unchanged;
    }
    let members: Vec<&'static Lifecycle> = lifecycle::family(row).collect();
    let served: Vec<_> = members.iter().copied().filter(|row| serves(row)).collect();
    let find = |version: &ApiVersion| {
        members
            .iter()
            .copied()
            .find(|row| (row.group, row.version) == (version.group(), version.version()))
    };
    let wanted: Vec<_> = wishes
        .of(row.kind, |version| find(version).is_some())
        .filter_map(find)
        .collect();
    if !wanted.is_empty() {
        return match wanted.iter().find(|row| serves(row)) {
            Some(to) => made_into(row, to),
            None => not_enabled(&wanted, target.minor()).unwrap_or_else(|| {
                no_route(NoRouteReason::NoRule {
                    served: served.iter().map(|row| row.api_version()).collect(),
                })
            }),
        };
    }
    if keeps && wishes.policy == VersionPolicy::Keep {
        return Route::Unchanged;
    }
    if let Some(advice) = advice::made_by_cluster(row.group, row.kind) {
        return if is_served {
            Route::Unchanged
        } else {
            skipped(SkipReason::MadeByCluster {
                advice: advice.into(),
            })
        };
    }
    let Some(best) = served.first() else {
        return unserved(&members, target.minor());
    };
    if wishes.policy == VersionPolicy::Preferred {
        // The group to which the kind moved comes before the one that it left.
        let preferred = served.iter().find(|row| {
            target
                .preferred(row.group, row.kind)
                .is_some_and(|version| version.version() == row.version)
        });
        return made_into(row, preferred.unwrap_or(best));
    }
    made_into(row, best)
}

fn made_into(from: &Lifecycle, to: &Lifecycle) -> Route {
    if (from.group, from.version) == (to.group, to.version) {
        return Route::Unchanged;
    }
    match ApiVersion::new(to.group, to.version) {
        Ok(to) => Route::Converts { to },
        // Invariant: every row of the table is well-formed; a test reads each of them.
        Err(_) => Route::Unchanged,
    }
}

/// The best version that the release has, switched off.
fn not_enabled(members: &[&'static Lifecycle], minor: u32) -> Option<Route> {
    let row = members.iter().find(|row| row.exists_in(minor))?;
    let resource = match row.group {
        // Only its resources can be switched on, one by one. Source: the changelog of 1.16.
        "extensions" => format!("/{}", row.plural),
        _ => String::new(),
    };
    Some(no_route(NoRouteReason::NotEnabled {
        flag: format!("--runtime-config={}{resource}=true", row.api_version()),
    }))
}

/// Why none of the versions that could hold an object is served. The first of them is the best one.
fn unserved(members: &[&'static Lifecycle], minor: u32) -> Route {
    if let Some(route) = not_enabled(members, minor) {
        return route;
    }
    let later = |on: bool| {
        members
            .iter()
            .filter(|row| row.introduced > minor && (row.default_on || !on))
            .map(|row| row.introduced)
            .min()
    };
    if let Some(since) = later(true).or_else(|| later(false)) {
        return no_route(NoRouteReason::NotYetServed { since });
    }
    let removed = members.iter().filter_map(|row| row.removed).max();
    let (group, kind) = members
        .first()
        .map_or(("", ""), |row| (row.group, row.kind));
    skipped(SkipReason::RemovedWithoutReplacement {
        removed: removed.unwrap_or(minor),
        advice: advice::instead_of(group, kind).into(),
    })
}

fn custom(
    kind: &GroupVersionKind,
    row: &ApiResource,
    target: &TargetApis,
    wishes: &Wishes,
) -> Route {
    let (group, version) = (kind.api_version.group(), kind.api_version.version());
    let wanted: Vec<&ApiVersion> = wishes
        .of(&kind.kind, |version| version.group() == group)
        .collect();
    let best = match wanted.iter().find(|wanted| row.serves(wanted.version())) {
        Some(wanted) => Some(wanted.version()),
        None if !wanted.is_empty() => return no_rule(row),
        None if wishes.policy == VersionPolicy::Keep && row.serves(version) => Some(version),
        None if wishes.policy == VersionPolicy::Keep => {
            let versions = row.versions.iter().map(|served| served.version.as_str());
            versions.max_by(|one, other| compare_versions(one, other))
        }
        None => row.versions.first().map(|served| served.version.as_str()),
    };
    let Some(best) = best else {
        return no_rule(row);
    };
    if best == version {
        return Route::Unchanged;
    }
    let by_name = || match ApiVersion::new(group, best) {
        Ok(to) => Route::Converts { to },
        Err(_) => no_rule(row),
    };
    match target.conversion(&row.resource) {
        Some(CustomConversion::ByName) => by_name(),
        None if advice::is_same(group, version) && advice::is_same(group, best) => by_name(),
        // What is wanted is out of reach, what is stored is served.
        _ if wanted.is_empty() && row.serves(version) => Route::Unchanged,
        Some(CustomConversion::Webhook) => no_route(NoRouteReason::NeedsWebhook {
            served: served(row),
        }),
        None => no_rule(row),
    }
}

/// Why the target does not know a kind that is not one of Kubernetes' own.
fn missing(
    kind: &GroupVersionKind,
    resource: Option<&GroupResource>,
    target: &TargetApis,
) -> NoRouteReason {
    let group = kind.api_version.group();
    if lifecycle::is_builtin_group(group) {
        return NoRouteReason::NoRule { served: Vec::new() };
    }
    let is_gap = target.discovery().gaps.iter().any(|gap| gap.covers(group));
    if is_gap || advice::is_aggregated(group) {
        return NoRouteReason::AggregatedApiMissing {
            group: group.to_owned(),
        };
    }
    NoRouteReason::DefinitionMissing {
        definition: resource.map_or_else(
            || format!("{}.{group}", plural_of(&kind.kind)),
            ToString::to_string,
        ),
    }
}

/// What the plural of a kind most probably is. Source: `meta.UnsafeGuessKindToResource`.
fn plural_of(kind: &str) -> String {
    let singular = kind.to_ascii_lowercase();
    match singular.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if singular.ends_with('s') => format!("{singular}es"),
        None => format!("{singular}s"),
    }
}

fn served(row: &ApiResource) -> Vec<String> {
    row.versions
        .iter()
        .map(|served| served.version.clone())
        .collect()
}

fn no_rule(row: &ApiResource) -> Route {
    no_route(NoRouteReason::NoRule {
        served: served(row),
    })
}

fn no_route(reason: NoRouteReason) -> Route {
    Route::NoRoute { reason }
}

fn skipped(reason: SkipReason) -> Route {
    Route::Skipped { reason }
}

pub(super) use advice::{made_by_cluster, made_by_cluster_object};

#[cfg(test)]
mod tests;

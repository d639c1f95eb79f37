//! Which namespaces.

use super::{PlannedUnit, planned, planner::Planner, unresolved::did_you_mean};
use crate::{
    Error, ErrorKind, Result,
    model::ApiResource,
    select::{LeftOut, LeftOutReason, closest, is_system_namespace, opted_out},
};
use futures::TryStreamExt;
use std::collections::{BTreeMap, BTreeSet};

/// Most namespaces that a plan names.
const MAX_NAMESPACES: usize = 200_000;

/// What decides about a namespace.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NamespaceFacts {
    deleting: bool,
    opted_out: Option<&'static str>,
    /// Whether the namespace selector takes its labels.
    selected: bool,
    /// Whether the label selector takes the Namespace object itself.
    pub(super) labelled: bool,
}

/// The namespaces of a plan.
pub(super) type Namespaces = BTreeMap<String, NamespaceFacts>;

impl Planner<'_> {
    /// The namespaces that exist and are selected; as they are named, where listing them is forbidden or undiscovered.
    pub(super) async fn select_namespaces(
        &mut self,
        implied: BTreeSet<String>,
    ) -> Result<Namespaces> {
        let undiscovered = || self.discovery.kind("", "Namespace").is_none() && !self.is_folder();
        let names = self.selection.namespaces();
        let unseen = names.is_literal() && self.selection.namespace_labels().is_empty();
        if unseen && undiscovered() {
            return Ok(self.named_namespaces("namespaces are not discovered"));
        }
        let mut found = match self.described_namespaces().await {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::PermissionDenied && unseen => {
                return Ok(self.named_namespaces(&format!("namespaces may not be listed: {error}")));
            }
            Err(error) => return Err(error),
        };
        // No manifest describes them: a restore would make them without labels.
        let bare = NamespaceFacts {
            selected: self.selection.namespace_labels().matches(&BTreeMap::new()),
            ..NamespaceFacts::default()
        };
        for namespace in implied {
            found.entry(namespace).or_insert(bare);
        }
        if found.len() > MAX_NAMESPACES {
            let message = "more namespaces than one backup can hold";
            return Err(
                Error::new(ErrorKind::Exhausted, message).with_context("limit", MAX_NAMESPACES)
            );
        }
        self.check_targets(&found)?;
        self.warn_of_missing(&found);
        let namespaces = found.into_iter();
        Ok(namespaces
            .filter(|(name, facts)| self.takes_namespace(name, facts))
            .collect())
    }

    /// Refuses lists that have lost all their meaning. Source: R196: a plan with `Include` whose selected namespaces are all deleted, or
    /// with `Exclude` whose excluded namespaces no longer exist, fails with this message.
    fn check_targets(&self, found: &Namespaces) -> Result<()> {
        let names = self.selection.namespaces();
        let gone = |listed: &[&str]| !listed.iter().any(|name| found.contains_key(*name));
        let failed = |list: &str, listed: &[&str]| {
            let near = listed.iter().find_map(|name| {
                let near = closest(name, found.keys().map(String::as_str))?;
                Some(did_you_mean(Some(near)))
            });
            let advice = near.unwrap_or_default();
            let message = format!(
                "get target namespace failed: none of the {list} namespaces exists; update the list{advice}"
            );
            Err(Error::invalid(message)
                .with_operation("plan backup")
                .with_context("namespaces", listed.join(", ")))
        };
        let included: Vec<&str> = names.literal_names().collect();
        if names.is_literal() && gone(&included) {
            return failed("included", &included);
        }
        let excluded: Vec<&str> = names.literal_excluded().collect();
        if names.includes_all() && names.is_literal_exclusion() && gone(&excluded) {
            return failed("excluded", &excluded);
        }
        Ok(())
    }

    fn warn_of_missing(&mut self, found: &Namespaces) {
        let names = self.selection.namespaces();
        let listed = names.literal_names().chain(names.literal_excluded());
        for name in listed.filter(|name| !found.contains_key(*name)) {
            let near = closest(name, found.keys().map(String::as_str));
            self.warnings.push(format!(
                "namespace {name} is named, but does not exist{}",
                did_you_mean(near)
            ));
        }
        for filter in self.selection.filter_namespaces() {
            if !found.keys().any(|name| filter.matches(name)) {
                let listed: Vec<&str> = filter.literal_names().collect();
                let near = listed
                    .iter()
                    .find_map(|name| closest(name, found.keys().map(String::as_str)));
                self.warnings.push(format!(
                    "no namespace exists for the filter of {}{}",
                    if listed.is_empty() {
                        "a pattern".to_owned()
                    } else {
                        listed.join(", ")
                    },
                    did_you_mean(near)
                ));
            }
        }
    }

    /// The namespaces that the spec names, unseen.
    fn named_namespaces(&mut self, why: &str) -> Namespaces {
        self.warnings.push(format!(
            "the named namespaces are taken as they are, and their labels are not known ({why})"
        ));
        let names = self.selection.namespaces().literal_names();
        names
            .map(|name| (name.to_owned(), NamespaceFacts::default()))
            .collect()
    }

    /// Every Namespace object.
    async fn described_namespaces(&self) -> Result<Namespaces> {
        let mut found = BTreeMap::new();
        let Some(resource) = self.discovery.kind("", "Namespace") else {
            return Ok(found);
        };
        let unit = PlannedUnit::list(None, None);
        let kind = planned(resource, false);
        let version = &kind.resource.version;
        let request = kind.request(version, &unit, &self.selection, 1 << 20)?;
        let mut pages = self.collector.list(request);
        let selector = self.selection.namespace_labels();
        while let Some(page) = pages.try_next().await? {
            for object in page.objects {
                let labels = &object.meta().labels;
                let facts = NamespaceFacts {
                    deleting: object.meta().deleting,
                    opted_out: opted_out(labels),
                    selected: selector.matches(labels),
                    labelled: self.selection.labels_match(labels),
                };
                found.insert(object.id().name().to_owned(), facts);
            }
        }
        Ok(found)
    }

    fn takes_namespace(&mut self, name: &str, facts: &NamespaceFacts) -> bool {
        let names = self.selection.namespaces();
        let (reason, detail) = if names.excludes(name) {
            (LeftOutReason::Excluded, String::new())
        } else if !names.includes(name) || !facts.selected {
            // Not asked for: the spec itself records that.
            return false;
        } else if is_system_namespace(name) && !names.names(name) {
            (LeftOutReason::SystemNamespace, String::new())
        } else if let Some(label) = facts.opted_out {
            (LeftOutReason::OptedOut, format!("label {label}"))
        } else if facts.deleting {
            (LeftOutReason::BeingDeleted, String::new())
        } else {
            return true;
        };
        let what = format!("namespace {name}");
        self.left_out.push(LeftOut::rule(what, reason, detail));
        false
    }

    /// Namespaces that objects of a folder lie in, whether or not a manifest describes them. A server has them all.
    pub(super) async fn implied_namespaces(
        &self,
        chosen: &[ApiResource],
    ) -> Result<BTreeSet<String>> {
        let mut namespaces = BTreeSet::new();
        if !self.is_folder() {
            return Ok(namespaces);
        }
        for resource in chosen.iter().filter(|resource| resource.namespaced) {
            let unit = PlannedUnit::list(None, None);
            let kind = self.planned(resource);
            for version in kind.versions() {
                let mut request = kind.request(version, &unit, &self.selection, 1 << 20)?;
                request.selector = crate::model::LabelSelector::default();
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
}

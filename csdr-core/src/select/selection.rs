//! What the filters of a spec select.

use super::{Patterns, labels::Labels};
use crate::{
    Error, Result,
    model::{LabelSelector, ObjectMeta},
    spec::{ClusterScope, NameFilter, NamespaceFilter},
};
use std::collections::BTreeMap;

/// The filters of a spec, as its fields say them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filters<'a> {
    pub(crate) included_namespaces: &'a [String],
    pub(crate) excluded_namespaces: &'a [String],
    pub(crate) namespace_selector: Option<&'a LabelSelector>,
    pub(crate) included_resources: &'a [String],
    pub(crate) excluded_resources: &'a [String],
    pub(crate) cluster_scoped: ClusterScope,
    pub(crate) included_cluster_scoped_resources: &'a [String],
    pub(crate) excluded_cluster_scoped_resources: &'a [String],
    pub(crate) included_namespace_scoped_resources: &'a [String],
    pub(crate) excluded_namespace_scoped_resources: &'a [String],
    pub(crate) label_selector: &'a LabelSelector,
    pub(crate) or_label_selectors: &'a [LabelSelector],
    pub(crate) names: &'a [NameFilter],
    pub(crate) namespace_filters: &'a [NamespaceFilter],
}

/// The filters of a spec, read: which namespaces, kinds and objects they take.
///
/// A kind is known by its spellings ([`ApiResource::spellings`](crate::model::ApiResource::spellings)).
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    namespaces: Patterns,
    namespace_labels: LabelSelector,
    scope: ClusterScope,
    /// Whether all cluster-scoped kinds come along if all namespaces are taken.
    come_along: bool,
    cluster: Kinds,
    rule: Rule,
    filters: Vec<(Patterns, Rule)>,
}

/// Which kinds.
#[derive(Clone, Debug)]
enum Kinds {
    Listed(Patterns),
    None,
}

/// Which kinds and objects of one namespace, or of none.
#[derive(Clone, Debug)]
struct Rule {
    kinds: Kinds,
    labels: Labels,
    names: Vec<(String, Patterns)>,
}

/// What the filters say of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Yes,
    No,
    /// It is on an exclude list.
    Excluded,
}

/// Why the filters do not take an object of a kind and namespace that they take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missed {
    Labels,
    Name,
}

/// What single objects of one kind in one namespace must be.
#[derive(Clone, Debug, Default)]
pub(crate) struct ObjectTest {
    labels: Labels,
    names: Vec<Patterns>,
}

impl Selection {
    /// Reads the filters.
    ///
    /// # Errors
    /// `InvalidInput`, naming the field.
    pub(crate) fn new(filters: &Filters<'_>) -> Result<Self> {
        let namespaces = Patterns::new(
            "namespaces",
            filters.included_namespaces,
            filters.excluded_namespaces,
        )?;
        let namespace_labels = filters.namespace_selector.cloned().unwrap_or_default();
        namespace_labels.validate()?;
        let old = !filters.included_resources.is_empty()
            || !filters.excluded_resources.is_empty()
            || filters.cluster_scoped != ClusterScope::Auto;
        let lists = [
            filters.included_cluster_scoped_resources,
            filters.excluded_cluster_scoped_resources,
            filters.included_namespace_scoped_resources,
            filters.excluded_namespace_scoped_resources,
        ];
        let scoped = lists.iter().any(|list| !list.is_empty());
        if old && scoped {
            return Err(Error::invalid(
                "two families of resource filters are mixed: use `includedResources`, `excludedResources` and `clusterScoped`, or the four lists of cluster-scoped and namespace-scoped resources",
            ));
        }
        let (cluster, kinds) = if scoped {
            (
                Kinds::scoped("cluster-scoped resources", lists[0], lists[1])?,
                Kinds::scoped("namespace-scoped resources", lists[2], lists[3])?,
            )
        } else {
            let kinds = Patterns::new(
                "resources",
                filters.included_resources,
                filters.excluded_resources,
            )?;
            (Kinds::Listed(kinds.clone()), Kinds::Listed(kinds))
        };
        // Source: velero.md section 2.2: what a cluster-scoped include list names is taken whatever the namespaces are.
        let listed = scoped && !lists[0].is_empty();
        Ok(Self {
            namespaces,
            namespace_labels,
            scope: if listed {
                ClusterScope::Include
            } else {
                filters.cluster_scoped
            },
            // The scoped family demands all namespace-scoped kinds as well.
            come_along: !scoped || kinds.is_all(),
            cluster,
            rule: Rule {
                kinds,
                labels: Labels::new(filters.label_selector, filters.or_label_selectors)?,
                names: names(filters.names)?,
            },
            filters: filters
                .namespace_filters
                .iter()
                .map(namespace_filter)
                .collect::<Result<_>>()?,
        })
    }

    /// The namespace lists.
    pub(crate) fn namespaces(&self) -> &Patterns {
        &self.namespaces
    }

    /// Labels that a Namespace object must have.
    pub(crate) fn namespace_labels(&self) -> &LabelSelector {
        &self.namespace_labels
    }

    /// Whether every namespace is selected.
    pub(crate) fn takes_all_namespaces(&self) -> bool {
        self.namespaces.is_all() && self.namespace_labels.is_empty()
    }

    /// What the lists say of a kind, in any namespace. Cluster scope is another question.
    pub(crate) fn asks(&self, spellings: &[String], namespaced: bool) -> Asked {
        if !namespaced {
            return self.cluster.asks(spellings);
        }
        let rules = self.filters.iter().map(|(_, rule)| rule);
        let said = self.rule.kinds.asks(spellings);
        match rules
            .map(|rule| rule.kinds.asks(spellings))
            .any(|asked| asked == Asked::Yes)
        {
            true => Asked::Yes,
            false => said,
        }
    }

    /// Whether objects of a namespaced kind are taken in a namespace, by the lists.
    pub(crate) fn asks_in(&self, spellings: &[String], namespace: &str) -> Asked {
        self.rule_of(Some(namespace)).kinds.asks(spellings)
    }

    /// Whether Namespace objects are left out.
    pub(crate) fn excludes_namespace_objects(&self, spellings: &[String]) -> bool {
        match &self.cluster {
            Kinds::None => false,
            Kinds::Listed(kinds) => spellings.iter().any(|name| kinds.excludes(name)),
        }
    }

    /// Whether a cluster-scoped kind that the lists [ask](Self::asks) for is taken.
    pub(crate) fn takes_cluster_scoped(&self, spellings: &[String]) -> bool {
        match self.scope {
            ClusterScope::Include => true,
            ClusterScope::Exclude => false,
            ClusterScope::Auto => {
                self.takes_all_namespaces() && self.come_along || self.cluster.names(spellings)
            }
        }
    }

    /// Whether an object that is needed by a selected one may be taken although the filters do not select it. Source: velero.md
    /// sections 2.2 and 2.4: a cluster-scoped one unless it is excluded, a namespaced one if its namespace and kind are taken. Labels
    /// and included names do not matter.
    pub(crate) fn may_add(
        &self,
        spellings: &[String],
        namespace: Option<&str>,
        name: &str,
    ) -> bool {
        let excluded_by_name = || {
            let mut names = self.rule_of(namespace).names_of(spellings);
            names.any(|names| names.excludes(name))
        };
        let by_kind = match namespace {
            Some(namespace) => self.asks_in(spellings, namespace) == Asked::Yes,
            None => {
                self.scope != ClusterScope::Exclude
                    && self.cluster.asks(spellings) != Asked::Excluded
            }
        };
        by_kind && !excluded_by_name()
    }

    /// Whether nothing that a selected object needs can be added: no filter looks at single objects, and cluster-scoped ones are all
    /// taken, or none may be.
    pub(crate) fn is_closed(&self) -> bool {
        let all = match self.scope {
            ClusterScope::Include => true,
            ClusterScope::Exclude => return !self.tests_objects(),
            ClusterScope::Auto => self.takes_all_namespaces() && self.come_along,
        };
        all && self.cluster.includes_all() && !self.tests_objects()
    }

    /// What single objects of a kind must be. Namespace objects are not tested: they come with what is in them.
    pub(crate) fn test(&self, spellings: &[String], namespace: Option<&str>) -> ObjectTest {
        let rule = self.rule_of(namespace);
        ObjectTest {
            labels: rule.labels.clone(),
            names: rule.names_of(spellings).cloned().collect(),
        }
    }

    /// The selector for a list of a kind: one namespace, or all of them or none.
    pub(crate) fn request(&self, namespaced: bool, namespace: Option<&str>) -> LabelSelector {
        if namespaced && namespace.is_none() && !self.filters.is_empty() {
            return LabelSelector::default();
        }
        self.rule_of(namespace).labels.request()
    }

    /// Whether a label selector is given that looks at Namespace objects as at any other.
    pub(crate) fn has_labels(&self) -> bool {
        !self.rule.labels.is_all() || self.filters.iter().any(|(_, rule)| !rule.labels.is_all())
    }

    /// Whether some filter looks at single objects.
    pub(crate) fn tests_objects(&self) -> bool {
        self.has_labels()
            || !self.rule.names.is_empty()
            || self.filters.iter().any(|(_, rule)| !rule.names.is_empty())
    }

    /// Whether a Namespace object with these labels matches the label selector itself (velero.md section 2.3).
    pub(crate) fn labels_match(&self, labels: &BTreeMap<String, String>) -> bool {
        self.rule.labels.matches(labels)
    }

    /// Whether a spelling stands on an include list itself, not only a pattern that it matches.
    pub(crate) fn names(&self, spellings: &[String]) -> bool {
        let rules = self.filters.iter().map(|(_, rule)| &rule.kinds);
        rules
            .chain([&self.cluster, &self.rule.kinds])
            .any(|kinds| kinds.names(spellings))
    }

    /// Every resource that is named without a pattern, with whether that is by an include list.
    pub(crate) fn named_kinds(&self) -> impl Iterator<Item = (&str, bool)> {
        let rules = || {
            self.filters
                .iter()
                .map(|(_, rule)| rule)
                .chain([&self.rule])
        };
        let lists = rules().map(|rule| &rule.kinds).chain([&self.cluster]);
        let listed = lists.flat_map(|kinds| {
            let patterns = match kinds {
                Kinds::Listed(patterns) => Some(patterns),
                Kinds::None => None,
            };
            patterns.into_iter().flat_map(|patterns| {
                let included = patterns.literal_names().map(|name| (name, true));
                included.chain(patterns.literal_excluded().map(|name| (name, false)))
            })
        });
        let named =
            rules().flat_map(|rule| rule.names.iter().map(|(resource, _)| (&**resource, true)));
        listed.chain(named)
    }

    /// The namespace lists of the filters for some namespaces.
    pub(crate) fn filter_namespaces(&self) -> impl Iterator<Item = &Patterns> {
        self.filters.iter().map(|(namespaces, _)| namespaces)
    }

    fn rule_of(&self, namespace: Option<&str>) -> &Rule {
        namespace
            .and_then(|namespace| {
                let mut filters = self.filters.iter();
                filters.find(|(namespaces, _)| namespaces.matches(namespace))
            })
            .map_or(&self.rule, |(_, rule)| rule)
    }
}

impl Rule {
    fn names_of<'a>(&'a self, spellings: &'a [String]) -> impl Iterator<Item = &'a Patterns> {
        self.names
            .iter()
            .filter(|(resource, _)| spellings.contains(resource))
            .map(|(_, names)| names)
    }
}

impl Kinds {
    /// One scope's lists. Source: velero.md section 2.2: the exclude list may be `*` alone, then nothing may be included.
    fn scoped(what: &'static str, included: &[String], excluded: &[String]) -> Result<Self> {
        match excluded {
            [all] if all == "*" && included.is_empty() => Ok(Self::None),
            _ => Ok(Self::Listed(Patterns::new(what, included, excluded)?)),
        }
    }

    fn asks(&self, spellings: &[String]) -> Asked {
        let Self::Listed(kinds) = self else {
            return Asked::Excluded;
        };
        if spellings.iter().any(|name| kinds.excludes(name)) {
            Asked::Excluded
        } else if spellings.iter().any(|name| kinds.includes(name)) {
            Asked::Yes
        } else {
            Asked::No
        }
    }

    fn names(&self, spellings: &[String]) -> bool {
        match self {
            Self::Listed(kinds) => spellings.iter().any(|name| kinds.names(name)),
            Self::None => false,
        }
    }

    fn is_all(&self) -> bool {
        matches!(self, Self::Listed(kinds) if kinds.is_all())
    }

    /// Whether every kind is taken or excluded.
    fn includes_all(&self) -> bool {
        match self {
            Self::Listed(kinds) => kinds.includes_all(),
            Self::None => true,
        }
    }
}

impl ObjectTest {
    /// Whether it takes everything.
    pub(crate) fn is_all(&self) -> bool {
        self.labels.is_all() && self.names.is_empty()
    }

    /// Whether a list under [`Selection::request`] holds nothing else than what it takes.
    pub(crate) fn is_exact(&self) -> bool {
        self.labels.is_exact() && self.names.is_empty()
    }

    /// Why an object is not taken; none if it is.
    pub(crate) fn misses(&self, name: &str, meta: &ObjectMeta) -> Option<Missed> {
        if !self.names.iter().all(|names| names.matches(name)) {
            Some(Missed::Name)
        } else if !self.labels.matches(&meta.labels) {
            Some(Missed::Labels)
        } else {
            None
        }
    }

    /// The names that it asks for without a pattern.
    pub(crate) fn literal_names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().flat_map(Patterns::literal_names)
    }
}

fn names(filters: &[NameFilter]) -> Result<Vec<(String, Patterns)>> {
    let read = |filter: &NameFilter| Ok((filter.resource.clone(), filter.patterns()?));
    filters.iter().map(read).collect()
}

fn namespace_filter(filter: &NamespaceFilter) -> Result<(Patterns, Rule)> {
    if filter.namespaces.is_empty() {
        return Err(Error::invalid(
            "namespace filter: at least one namespace or pattern is needed",
        ));
    }
    let about = |error: Error| error.with_context("namespace filter", filter.namespaces.join(","));
    let namespaces =
        Patterns::new("namespace filter: namespaces", &filter.namespaces, &[]).map_err(about)?;
    let kinds = Patterns::new(
        "resources",
        &filter.included_resources,
        &filter.excluded_resources,
    );
    let rule = Rule {
        kinds: Kinds::Listed(kinds.map_err(about)?),
        labels: Labels::new(&filter.label_selector, &filter.or_label_selectors).map_err(about)?,
        names: names(&filter.names).map_err(about)?,
    };
    Ok((namespaces, rule))
}

#[cfg(test)]
mod tests;

//! What becomes of an object that exists in the target: pure decisions, the same for plan and run.

mod account;
mod difference;
mod owner;

pub(super) use difference::Difference;
pub(super) use owner::without_controllers;

use super::row::Action;
use crate::{
    Result,
    conversion::Severity,
    model::{GroupResource, LabelSelector, Object, Tree},
    select::Patterns,
    spec::{Existing, RestoreSpec},
};
use difference::difference;
use owner::Owners;
use std::collections::BTreeMap;

/// Kinds whose deletion takes data along, or everything of a kind or namespace.
const PRECIOUS: [(&str, &str); 4] = [
    ("", "namespaces"),
    ("", "persistentvolumes"),
    ("", "persistentvolumeclaims"),
    ("apiextensions.k8s.io", "customresourcedefinitions"),
];

/// The policies of a spec, ready to be asked.
#[derive(Debug)]
pub(super) struct Policies {
    default: Existing,
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    resources: Patterns,
    labels: LabelSelector,
    policy: Existing,
}

/// The policy for one object, and whether a rule named its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Chosen {
    policy: Existing,
    named: bool,
}

/// What is to be done about an object that exists.
#[derive(Debug)]
pub(super) enum Decision {
    /// Everything of the backup's object stands in it.
    Equal,
    /// It differs and is left, for this reason.
    Leave(String),
    /// It differs, and that is an error.
    Refuse(Difference),
    /// Write what differs.
    Update(Difference),
    /// Add what it lacks; a merge patch.
    Merge(Tree),
    /// Apply the backup's on the server.
    Apply(Difference),
    /// Delete it and create the backup's.
    Recreate(Difference),
}

impl Decision {
    /// As a plan says it.
    pub(super) fn action(&self) -> Action {
        match self {
            Self::Equal => Action::Equal,
            Self::Leave(_) => Action::SkipExisting,
            Self::Refuse(_) => Action::Fail,
            Self::Update(_) => Action::Update,
            Self::Merge(_) => Action::Merge,
            Self::Apply(_) => Action::Apply,
            Self::Recreate(_) => Action::Recreate,
        }
    }

    /// What a person should know about it.
    pub(super) fn remark(&self) -> Option<(Severity, String)> {
        match self {
            Self::Equal | Self::Merge(_) => None,
            Self::Leave(why) => Some((Severity::Warning, why.clone())),
            Self::Refuse(difference) => Some((Severity::Error, format!("exists and {difference}"))),
            Self::Update(difference) | Self::Apply(difference) | Self::Recreate(difference) => {
                Some((Severity::Info, difference.to_string()))
            }
        }
    }
}

impl Policies {
    /// Those of a spec.
    pub(super) fn new(spec: &RestoreSpec) -> Result<Self> {
        let rules = spec.existing_overrides.iter().map(|rule| {
            Ok(Rule {
                resources: Patterns::new("existing override", &rule.resources, &[])?,
                labels: rule.label_selector.clone(),
                policy: rule.policy,
            })
        });
        Ok(Self {
            default: spec.existing,
            rules: rules.collect::<Result<_>>()?,
        })
    }

    /// `kinds` are the resource as stored and as written.
    fn choose(&self, kinds: [&GroupResource; 2], labels: &BTreeMap<String, String>) -> Chosen {
        let plain = kinds.map(ToString::to_string);
        let mut names: Vec<&str> = kinds.iter().map(|kind| kind.resource()).collect();
        names.extend(plain.iter().map(String::as_str));
        let rule = self.rules.iter().find(|rule| {
            names.iter().any(|name| rule.resources.includes(name)) && rule.labels.matches(labels)
        });
        match rule {
            Some(rule) => Chosen {
                policy: rule.policy,
                named: names.iter().any(|name| rule.resources.names(name)),
            },
            None => Chosen {
                policy: self.default,
                named: false,
            },
        }
    }

    /// What is to be done about `live`, where the backup has an object of the stored kind `from` that would be written as `wanted`.
    ///
    /// # Errors
    /// `Corrupt` for an object that is no Kubernetes object.
    pub(super) fn decide(
        &self,
        from: &GroupResource,
        wanted: &Object,
        live: &Object,
    ) -> Result<Decision> {
        let kind = wanted.id().resource();
        let is =
            |(group, resource): (&str, &str)| kind.group() == group && kind.resource() == resource;
        let Chosen { policy, named } = self.choose([from, kind], &wanted.meta().labels);
        let want = wanted.tree()?;
        let (bare, _) = Tree::parse_without_managed_fields(live.json())?;
        if is(("", "serviceaccounts")) && !named {
            return Ok(match account::merge(&want, &bare) {
                None => Decision::Equal,
                Some(patch) => Decision::Merge(patch),
            });
        }
        if difference(&want, &bare, None).is_none() {
            return Ok(Decision::Equal);
        }
        // Whose the differing fields are is only read where some differ.
        let owners = Owners::of(&live.tree()?);
        let Some(found) = difference(&want, &bare, Some(&owners)) else {
            return Ok(Decision::Equal);
        };
        let left = |why: &str| Ok(Decision::Leave(format!("exists and {found}; {why}")));
        if is(("", "namespaces")) && !named {
            return left("an existing namespace is left as it is");
        }
        match policy {
            Existing::Skip => left("left as it is"),
            Existing::Fail => Ok(Decision::Refuse(found)),
            Existing::Update => Ok(Decision::Update(found)),
            Existing::Apply => Ok(Decision::Apply(found)),
            Existing::Recreate if PRECIOUS.into_iter().any(is) && !named => left(
                "deleting it would take data along: left as it is; name its kind in an override to recreate it",
            ),
            Existing::Recreate => Ok(Decision::Recreate(found)),
        }
    }
}

#[cfg(test)]
mod tests;

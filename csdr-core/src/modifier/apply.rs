//! The rules at work on objects.

use super::{
    json_patch::{PatchRefusal, RefusalKind},
    rule::Rule,
    spec::{ResourceModifierSpec, reading},
};
use crate::{
    Error, Result,
    conversion::{LossKind, Severity},
    model::{Object, Tree},
    port::Transform,
    transform::{TransformItem, Verdict},
};
use std::fmt;

/// Most rules of one document.
const RULES: usize = 1000;

/// Rules that were read: a [`Transform`] that applies them.
///
/// All rules are matched before the first is applied; they are applied in their order. A rule that cannot be applied to an object
/// (a path is missing, a value has another type, the kind has no strategic merge patch) is left out as a whole for that object and told
/// as a loss of severity `Error`; the object is restored without it, as Velero does. A `test` that does not hold is no failure. A rule
/// must not make an object into another one: kind, API version, name and namespace stay.
#[derive(Debug)]
pub struct ResourceModifiers {
    rules: Vec<Rule>,
}

/// A rule whose conditions an object meets, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleMatch {
    /// The rule's number, counted from 1.
    pub rule: usize,
    /// `JSON patch`, `merge patch` or `strategic merge patch`.
    pub way: &'static str,
    /// Why it is not applied, if it is not.
    pub refusal: Option<PatchRefusal>,
    /// JSON pointers that the rule speaks of and that only the stored version has.
    pub stale_paths: Vec<String>,
}

impl fmt::Display for RuleMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {} ({})", self.rule, self.way)?;
        match &self.refusal {
            None => Ok(()),
            Some(refusal) => write!(f, ", left out: {refusal}"),
        }
    }
}

impl ResourceModifiers {
    /// Reads rules.
    ///
    /// # Errors
    /// `InvalidInput`, naming the rule by its number and the field: for a version other than `v1`, no rules, more than 1000 rules or
    /// patches of a rule, a bad pattern, regular expression (also one beyond 1 MiB when compiled), selector, JSON pointer, operation or
    /// value, and for a rule that has not exactly one kind of patches.
    pub fn new(spec: &ResourceModifierSpec) -> Result<Self> {
        let bad = |message: String| Err(reading(Error::invalid(message)));
        if !spec.version.eq_ignore_ascii_case("v1") {
            return bad("`version` must be `v1`".to_owned());
        }
        let count = spec.resource_modifier_rules.len();
        if count == 0 {
            return bad("`resourceModifierRules` has no rules".to_owned());
        }
        if count > RULES {
            return bad(format!("more than {RULES} rules"));
        }
        let one = |(at, rule)| {
            Rule::new(at, rule).map_err(|error| reading(error.with_context("rule", at)))
        };
        let rules = (1..).zip(&spec.resource_modifier_rules).map(one);
        Ok(Self {
            rules: rules.collect::<Result<_>>()?,
        })
    }

    /// Reads rules, or a ConfigMap that holds them, as YAML or JSON.
    ///
    /// # Errors
    /// As [`ResourceModifierSpec::from_yaml`].
    pub fn from_yaml(text: &str) -> Result<Self> {
        Self::new(&ResourceModifierSpec::from_yaml(text)?)
    }

    /// Reads a ConfigMap, as YAML or JSON, whose one key holds the rules.
    ///
    /// # Errors
    /// As [`ResourceModifierSpec::from_config_map`].
    pub fn from_config_map(text: &str) -> Result<Self> {
        Self::new(&ResourceModifierSpec::from_config_map(text)?)
    }

    /// Which rules are for an object, and what each would do now; nothing is changed. What a rule changes stands among the changes of
    /// the item after [`Transform::transform`], with the rule's number as the reason.
    ///
    /// # Errors
    /// `Corrupt` if the stored object cannot be read.
    pub fn matches(&self, item: &TransformItem<'_>) -> Result<Vec<RuleMatch>> {
        let mut tree = item.tree().clone();
        let matched = self.matched(item.stored(), item.tree())?.into_iter();
        Ok(matched
            .map(|(rule, stale_paths)| {
                let refusal = match patched(rule, &tree) {
                    Ok(after) => {
                        tree = after;
                        None
                    }
                    Err(refusal) => Some(refusal),
                };
                RuleMatch {
                    rule: rule.number,
                    way: rule.way(),
                    refusal,
                    stale_paths,
                }
            })
            .collect())
    }

    /// The rules that are for an object, each with the paths that only the stored version has.
    fn matched(&self, stored: &Object, converted: &Tree) -> Result<Vec<(&Rule, Vec<String>)>> {
        let rules = self.rules.iter().filter(|rule| rule.is_for(stored));
        let rules: Vec<&Rule> = rules.collect();
        if rules.is_empty() {
            return Ok(Vec::new());
        }
        let stored = stored.tree()?;
        let is_converted = stored.at(&["apiVersion"]) != converted.at(&["apiVersion"])
            || stored.at(&["kind"]) != converted.at(&["kind"]);
        let holding = rules
            .into_iter()
            .filter(|rule| rule.holds(&stored, converted));
        let told = holding.map(|rule| match is_converted {
            true => (rule, rule.stale_paths(&stored, converted)),
            false => (rule, Vec::new()),
        });
        Ok(told.collect())
    }
}

/// What makes an object the one that it is.
const IDENTITY: [&[&str]; 4] = [
    &["apiVersion"],
    &["kind"],
    &["metadata", "name"],
    &["metadata", "namespace"],
];

fn patched(rule: &Rule, tree: &Tree) -> Result<Tree, PatchRefusal> {
    let after = rule.apply(tree)?;
    for path in IDENTITY {
        if after.at(path) != tree.at(path) {
            let path = format!("/{}", path.join("/"));
            let reason = "a rule must not make an object into another one";
            return Err(PatchRefusal::unfit(path, reason));
        }
    }
    Ok(after)
}

impl Transform for ResourceModifiers {
    fn name(&self) -> &str {
        "resource modifiers"
    }

    fn transform(&self, item: &mut TransformItem<'_>) -> Result<Verdict> {
        let matched = self.matched(item.stored(), item.tree())?;
        for (rule, stale) in matched {
            let name = format!("resource modifier rule {}", rule.number);
            for path in stale {
                let version = item.text(&["apiVersion"]).unwrap_or("the target's version");
                let reason = format!(
                    "{name} speaks of a path that only the stored version has; write it for {version}"
                );
                item.tell(path, LossKind::Dangling, Severity::Warning, reason);
            }
            match patched(rule, item.tree()) {
                Ok(after) => item.replace_tree(after, name),
                // A condition of the caller's.
                Err(refusal) if refusal.kind == RefusalKind::TestFailed => {}
                Err(refusal) => {
                    let reason = format!("{name} is left out: {refusal}");
                    item.tell(refusal.path, LossKind::Refused, Severity::Error, reason);
                }
            }
        }
        Ok(Verdict::Restore)
    }
}

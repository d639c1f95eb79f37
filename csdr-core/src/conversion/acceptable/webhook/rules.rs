//! The rules of webhooks and policies: which requests they are about.
//!
//! Source: `validateRuleWithOperations`, `validateRule`, `validateResources`. What a wildcard covers is dropped beside it.

use super::{choice, each};
use crate::conversion::{
    acceptable::refuse,
    draft::Node,
    outcome::{LossKind, Severity, SkipReason},
};
use crate::model::Tree;
use std::borrow::Cow;

/// Policies are younger than the release from which selectors are checked strictly.
pub(super) const STRICT: u32 = u32::MAX;

const OPERATIONS: [&str; 5] = ["*", "CREATE", "UPDATE", "DELETE", "CONNECT"];

/// Mends a rule of a webhook.
pub(super) fn mend(rule: &mut Node<'_>) -> Result<(), SkipReason> {
    filled(rule, "operations", true)?;
    operations(rule)?;
    for (field, all) in [
        ("apiGroups", false),
        ("apiVersions", true),
        ("resources", true),
    ] {
        filled(rule, field, all)?;
    }
    for field in ["operations", "apiGroups", "apiVersions"] {
        if texts(rule, field).len() > 1 && texts(rule, field).contains(&"*") {
            only(rule, field, "*");
        }
    }
    resources(rule);
    choice(rule, &["scope"], &["*", "Cluster", "Namespaced"])
}

/// Mends the resources that a policy is about.
pub(super) fn of_policy(
    node: &mut Node<'_>,
    path: &[&str],
    mutating: bool,
) -> Result<(), SkipReason> {
    if !node.has(path) {
        return Ok(());
    }
    let field = |field| [path, &[field]].concat();
    choice(node, &field("matchPolicy"), &["Exact", "Equivalent"])?;
    for selector in ["namespaceSelector", "objectSelector"] {
        super::selector::check(node, &field(selector), STRICT)?;
    }
    for rules in ["resourceRules", "excludeResourceRules"] {
        each(node, &field(rules), |rule| {
            if mutating && rules == "resourceRules" {
                rule.retain(&["operations"], |operation| {
                    (operation.as_str() == Some("DELETE")).then_some((
                        LossKind::Refused,
                        Severity::Warning,
                        Cow::Borrowed("what is deleted cannot be mutated"),
                    ))
                });
            }
            let mut seen: Vec<Tree> = Vec::new();
            rule.retain(&["resourceNames"], |name| {
                if seen.contains(name) {
                    return Some((LossKind::Refused, Severity::Info, "named twice".into()));
                }
                seen.push(name.clone());
                None
            });
            mend(rule)
        })?;
    }
    Ok(())
}

fn texts<'a>(rule: &'a Node<'_>, field: &str) -> Vec<&'a str> {
    rule.get(&[field])
        .and_then(Tree::as_array)
        .unwrap_or_default()
        .iter()
        .filter_map(Tree::as_str)
        .collect()
}

fn filled(rule: &Node<'_>, field: &str, each: bool) -> Result<(), SkipReason> {
    let texts = texts(rule, field);
    if texts.is_empty() || (each && texts.contains(&"")) {
        return Err(refuse(
            rule,
            &[field],
            "a rule must name at least one, and none may be empty; without it the rule matches nothing",
        ));
    }
    Ok(())
}

fn operations(rule: &mut Node<'_>) -> Result<(), SkipReason> {
    let stored = texts(rule, "operations");
    let known: Option<Vec<Tree>> = stored
        .iter()
        .map(|stored| {
            OPERATIONS
                .into_iter()
                .find(|known| known.eq_ignore_ascii_case(stored))
                .map(Tree::from)
        })
        .collect();
    let Some(known) = known else {
        return Err(refuse(
            rule,
            &["operations"],
            format!("an operation must be one of {}", OPERATIONS.join(", ")),
        ));
    };
    rule.set(&["operations"], known, "the case of the letters counts");
    Ok(())
}

/// Keeps one item of a list that covers the others.
fn only(rule: &mut Node<'_>, field: &str, wildcard: &str) {
    rule.set(
        &[field],
        Tree::Array(vec![wildcard.into()]),
        "the wildcard covers the others",
    );
}

fn resources(rule: &mut Node<'_>) {
    let stored = texts(rule, "resources");
    if stored.len() > 1 && stored.contains(&"*/*") {
        only(rule, "resources", "*/*");
        return;
    }
    let plain = |resource: &&str| !resource.contains('/');
    // Source: the server looks at the last plain one only.
    let last = stored.iter().copied().rfind(plain);
    let covered = stored.contains(&"*") && last != Some("*");
    let mut kept: Vec<&str> = Vec::new();
    for resource in &stored {
        let beside = match resource.split_once('/') {
            None => covered && *resource != "*",
            Some((main, sub)) => {
                kept.iter()
                    .filter_map(|kept| kept.split_once('/'))
                    .any(|(other, part)| {
                        (part == "*" && other == main) || (other == "*" && part == sub)
                    })
            }
        };
        if !beside {
            kept.push(resource);
        }
    }
    if kept.len() != stored.len() {
        let kept: Vec<Tree> = kept.into_iter().map(Tree::from).collect();
        rule.set(&["resources"], kept, "the wildcard covers the others");
    }
}

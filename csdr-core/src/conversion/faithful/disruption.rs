//! PodDisruptionBudget, PodSecurityPolicy.
//!
//! Source: api-versions.md sections 2.6 and 2.10; Kubernetes pkg/apis/policy helper.go, v1beta1 and v1, conversion and defaults.

use super::{Family, Gv, nothing};
use crate::{
    Result,
    conversion::{
        draft::{Node, map},
        outcome::{LossKind, Severity},
    },
    model::Tree,
};

pub(super) static FAMILIES: &[Family] = &[
    Family {
        kinds: &["PodDisruptionBudget"],
        defaults: nothing,
        to_hub: budget_up,
        from_hub: budget_down,
    },
    Family {
        kinds: &["PodSecurityPolicy"],
        defaults: security_defaults,
        to_hub: nothing,
        from_hub: nothing,
    },
];

/// The key that no pod has: `Exists` selects nothing, `DoesNotExist` everything, in both versions.
const MARKER: &str = "pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match";

const SELECTOR: [&str; 2] = ["spec", "selector"];

/// An empty selector selects nothing in policy/v1beta1 and everything in policy/v1.
fn budget_up(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    let old = gv == ("policy", "v1beta1");
    match node.get(&SELECTOR).map(Selector::of) {
        Some(Selector::Empty) if old => node.set(
            &SELECTOR,
            marker("Exists"),
            "an empty selector selects nothing in policy/v1beta1 and everything in policy/v1; the marker selects nothing in both",
        ),
        Some(Selector::Marker("DoesNotExist")) if old => node.set(
            &SELECTOR,
            Tree::object(),
            "the marker of policy/v1beta1 for every pod is an empty selector in policy/v1",
        ),
        Some(Selector::Marker("Exists")) if !old => {}
        Some(Selector::Marker(_) | Selector::Other) => strip(node),
        Some(Selector::Empty | Selector::Unreadable) | None => {}
    }
    Ok(())
}

fn budget_down(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    if gv == ("policy", "v1") {
        return Ok(());
    }
    match node.get(&SELECTOR).map(Selector::of) {
        Some(Selector::Marker("Exists")) => node.set(
            &SELECTOR,
            Tree::object(),
            "the marker for no pod is an empty selector in policy/v1beta1",
        ),
        Some(Selector::Empty) => node.set(
            &SELECTOR,
            marker("DoesNotExist"),
            "an empty selector selects everything in policy/v1 and nothing in policy/v1beta1; the marker selects everything in both",
        ),
        _ => {}
    }
    Ok(())
}

/// What a selector says, as far as the marker goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Selector<'a> {
    /// `{}`, or only empty lists.
    Empty,
    /// Exactly the marker, with this operator.
    Marker(&'a str),
    Other,
    /// Not an object.
    Unreadable,
}

impl<'a> Selector<'a> {
    fn of(selector: &'a Tree) -> Self {
        if selector.as_object().is_none() {
            return Self::Unreadable;
        }
        let labels = selector.at(&["matchLabels"]);
        let expressions = selector.at(&["matchExpressions"]);
        match (labels.is_none_or(empty), expressions) {
            (true, None) => Self::Empty,
            (true, Some(expressions)) if empty(expressions) => Self::Empty,
            (true, Some(Tree::Array(expressions))) => match expressions.as_slice() {
                [only]
                    if only.text_at(&["key"]) == Some(MARKER)
                        && only.at(&["values"]).is_none_or(empty) =>
                {
                    only.text_at(&["operator"])
                        .map_or(Self::Other, Self::Marker)
                }
                _ => Self::Other,
            },
            _ => Self::Other,
        }
    }
}

fn empty(tree: &Tree) -> bool {
    match tree {
        Tree::Null => true,
        Tree::Array(items) => items.is_empty(),
        Tree::Object(members) => members.is_empty(),
        _ => false,
    }
}

fn marker(operator: &str) -> Tree {
    let expression = map([("key", MARKER.into()), ("operator", operator.into())]);
    map([("matchExpressions", vec![expression].into())])
}

/// The marker says nothing beside other requirements: the server takes it away, whatever its operator.
fn strip(node: &mut Node<'_>) {
    let place = ["spec", "selector", "matchExpressions"];
    let before = expressions(node);
    node.retain(&place, |expression| {
        (expression.text_at(&["key"]) == Some(MARKER)).then(|| {
            (
                LossKind::Meaning,
                Severity::Warning,
                "the key is reserved for the conversion of empty selectors; the server drops it beside other requirements, so look at what the selector selects now"
                    .into(),
            )
        })
    });
    if before > 0 && expressions(node) == 0 {
        node.tree_mut().remove(&place);
    }
}

fn expressions(node: &Node<'_>) -> usize {
    node.get(&["spec", "selector", "matchExpressions"])
        .and_then(Tree::as_array)
        .map_or(0, <[Tree]>::len)
}

/// Policies from before the field are as permissive as they were.
fn security_defaults(node: &mut Node<'_>, _: Gv<'_>) -> Result<()> {
    if node
        .get(&["spec"])
        .is_some_and(|spec| spec.as_object().is_some())
    {
        node.default(&["spec", "allowPrivilegeEscalation"], true);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::table::check;

    const EXISTS: &str = r#"{"matchExpressions":[{"key":"pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match","operator":"Exists"}]}"#;
    const NOT: &str = r#"{"matchExpressions":[{"key":"pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match","operator":"DoesNotExist"}]}"#;

    fn budget(version: &str, selector: &str) -> String {
        format!(
            r#"{{"apiVersion":"policy/{version}","kind":"PodDisruptionBudget","spec":{{"minAvailable":1,"selector":{selector}}}}}"#
        )
    }

    /// Source: api-versions.md section 2.6.
    #[test]
    fn a_selector_selects_the_same_pods_in_both_versions() {
        let beside = r#"{"matchLabels":{"a":"b"},"matchExpressions":[
            {"key":"pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match","operator":"Exists"},{"key":"c","operator":"Exists"}]}"#;
        let stripped =
            r#"{"matchLabels":{"a":"b"},"matchExpressions":[{"key":"c","operator":"Exists"}]}"#;
        let up = [
            ("{}", EXISTS),
            (r#"{"matchLabels":{},"matchExpressions":[]}"#, EXISTS),
            (r#"{"matchLabels":null}"#, EXISTS),
            (NOT, "{}"),
            (EXISTS, "{}"),
            (beside, stripped),
            (
                r#"{"matchLabels":{"a":"b"}}"#,
                r#"{"matchLabels":{"a":"b"}}"#,
            ),
            ("7", "7"),
        ];
        for (selector, expected) in up {
            check(&[(
                &budget("v1beta1", selector),
                "policy/v1",
                &budget("v1", expected),
            )]);
        }
        let down = [
            ("{}", NOT),
            (r#"{"matchExpressions":[]}"#, NOT),
            (EXISTS, "{}"),
            // Not one of the two marked forms of v1: the marker goes, and what is left selects everything.
            (NOT, NOT),
            (beside, stripped),
        ];
        for (selector, expected) in down {
            check(&[(
                &budget("v1", selector),
                "policy/v1beta1",
                &budget("v1beta1", expected),
            )]);
        }
    }

    #[test]
    fn no_selector_stays_none() {
        let without = |version: &str| {
            format!(
                r#"{{"apiVersion":"policy/{version}","kind":"PodDisruptionBudget","spec":{{}}}}"#
            )
        };
        check(&[
            (&without("v1beta1"), "policy/v1", &without("v1")),
            (&without("v1"), "policy/v1beta1", &without("v1beta1")),
        ]);
    }

    #[test]
    fn a_security_policy_stays_as_permissive_as_it_was() {
        check(&[(
            r#"{"apiVersion":"extensions/v1beta1","kind":"PodSecurityPolicy","spec":{"privileged":false}}"#,
            "policy/v1beta1",
            r#"{"apiVersion":"policy/v1beta1","kind":"PodSecurityPolicy","spec":{"privileged":false,"allowPrivilegeEscalation":true}}"#,
        )]);
    }
}

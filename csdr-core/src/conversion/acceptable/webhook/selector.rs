//! Label selectors of webhooks and policies. Source: `ValidateLabelSelector`; values are checked since 1.26 (api-versions.md section 4).

use crate::conversion::{
    acceptable::{label, refuse},
    draft::Node,
    outcome::SkipReason,
};
use crate::model::Tree;

/// Refuses a selector that the target would refuse: there is no other form of it, and it matched nothing.
pub(super) fn check(node: &Node<'_>, path: &[&str], minor: u32) -> Result<(), SkipReason> {
    let Some(selector) = node.get(path) else {
        return Ok(());
    };
    let no = |below: &str| {
        Err(refuse(
            node,
            &[path, &[below]].concat(),
            "not a label selector that the target takes: keys must be qualified names, values label values, operators known",
        ))
    };
    let labels = selector.at(&["matchLabels"]).and_then(Tree::as_object);
    let fits = |key: &str, value: Option<&str>| {
        label::is_qualified(key) && value.is_some_and(label::is_value)
    };
    if labels
        .into_iter()
        .flatten()
        .any(|(key, value)| !fits(key, Some(value.as_str().unwrap_or_default())))
    {
        return no("matchLabels");
    }
    let expressions = selector.at(&["matchExpressions"]).and_then(Tree::as_array);
    for expression in expressions.unwrap_or_default() {
        let values = expression
            .at(&["values"])
            .and_then(Tree::as_array)
            .unwrap_or_default();
        let operator = match expression.text_at(&["operator"]) {
            Some("In" | "NotIn") => !values.is_empty(),
            Some("Exists" | "DoesNotExist") => values.is_empty(),
            _ => false,
        };
        let key = expression.text_at(&["key"]).unwrap_or_default();
        if !operator
            || !label::is_qualified(key)
            || !(minor < label::EXPRESSIONS || values.iter().all(|value| fits(key, value.as_str())))
        {
            return no("matchExpressions");
        }
    }
    Ok(())
}

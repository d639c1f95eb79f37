//! Scale: a subresource that no server stores; it is converted because clients ask for it.
//!
//! Source: pkg/apis/extensions/v1beta1/conversion.go, the same in apps/v1beta1 and apps/v1beta2.

use super::Gv;
use crate::{
    Result,
    conversion::{
        draft::Node,
        outcome::{Edit, LossKind, Severity},
    },
    model::{LabelSelector, Tree},
};

const V1: Gv<'static> = ("autoscaling", "v1");
const SELECTOR: [&str; 2] = ["status", "selector"];
const TARGET_SELECTOR: [&str; 2] = ["status", "targetSelector"];

/// The selector as a text wins over the one as a map.
pub(super) fn up(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    if gv == V1 {
        return Ok(());
    }
    if node
        .text(&TARGET_SELECTOR)
        .is_some_and(|text| !text.is_empty())
    {
        let labels = node.tree().texts_at(&SELECTOR);
        let said = equalities(labels.iter());
        if node.text(&TARGET_SELECTOR) == Some(said.as_str()) {
            node.remove(&SELECTOR, "said by targetSelector");
        } else {
            node.lose(
                &SELECTOR,
                LossKind::NoCounterpart,
                Severity::Info,
                "targetSelector says another selector, and wins",
            );
        }
        node.rename(&TARGET_SELECTOR, &SELECTOR);
        return Ok(());
    }
    node.remove(&TARGET_SELECTOR, "an empty text says nothing");
    if node
        .get(&SELECTOR)
        .is_some_and(|selector| selector.as_object().is_some())
    {
        let labels = node.tree().texts_at(&SELECTOR);
        let text = equalities(labels.iter());
        if text.is_empty() {
            node.remove(&SELECTOR, "an empty selector is an absent text");
        } else {
            node.set(&SELECTOR, text, "autoscaling/v1 has the selector as a text");
        }
    }
    Ok(())
}

fn equalities<'a>(labels: impl Iterator<Item = (&'a String, &'a String)>) -> String {
    let parts: Vec<String> = labels
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    parts.join(",")
}

/// The text, and the map beside it where the selector is made of equalities alone.
pub(super) fn down(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    if gv == V1 {
        return Ok(());
    }
    let Some(text) = node.text(&SELECTOR) else {
        return Ok(());
    };
    let selector: LabelSelector = text.parse()?;
    node.rename(&SELECTOR, &TARGET_SELECTOR);
    if selector.match_expressions.is_empty() && !selector.match_labels.is_empty() {
        let labels: Tree = selector
            .match_labels
            .into_iter()
            .map(|(key, value)| (key, Tree::from(value)))
            .collect();
        node.record(
            &SELECTOR,
            Edit::Added,
            None,
            Some(labels.clone()),
            Severity::Info,
            "the wanted version has it as a map, too",
        );
        node.tree_mut().set(&SELECTOR, labels);
    }
    Ok(())
}

//! How the versions of a definition are converted into each other.

use crate::conversion::{
    acceptable::{client, refuse},
    draft::Node,
    outcome::{LossKind, Severity, SkipReason},
};
use crate::model::Tree;

const STRATEGY: [&str; 3] = ["spec", "conversion", "strategy"];
const WEBHOOK: [&str; 3] = ["spec", "conversion", "webhook"];

pub(super) fn mend(node: &mut Node<'_>) -> Result<(), SkipReason> {
    if !node.has(&["spec", "conversion"]) {
        return Ok(());
    }
    let strategy = node.text(&STRATEGY).unwrap_or_default();
    let known = ["None", "Webhook"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(strategy));
    match known {
        Some(known) => node.set(&STRATEGY, known, "the case of the letters counts"),
        None if strategy.is_empty() => {
            node.set(
                &STRATEGY,
                "None",
                "required; no strategy means that nothing is converted",
            );
        }
        None => {
            return Err(refuse(
                node,
                &STRATEGY,
                "the strategy must be None or Webhook",
            ));
        }
    }
    if known == Some("Webhook") {
        return webhook(node);
    }
    let said = node.get(&WEBHOOK).is_some_and(|webhook| {
        let filled = |field| webhook.at(&[field]).filter(|value| !value.is_null());
        filled("clientConfig").is_some()
            || filled("conversionReviewVersions")
                .and_then(Tree::as_array)
                .is_some_and(|versions| !versions.is_empty())
    });
    if said {
        node.remove(&WEBHOOK, "no webhook is called with the strategy None");
    }
    Ok(())
}

fn webhook(node: &mut Node<'_>) -> Result<(), SkipReason> {
    let mut path = WEBHOOK.to_vec();
    path.push("clientConfig");
    let reason = match client::check(node, &path) {
        Err(reason) => reason,
        Ok(()) => {
            path.pop();
            path.push("conversionReviewVersions");
            if client::review_versions(node, &path) {
                return Ok(());
            }
            refuse(
                node,
                &path,
                "the conversion webhook understands no version of the review that the target speaks",
            )
        }
    };
    let versions = node
        .get(&["spec", "versions"])
        .and_then(Tree::as_array)
        .unwrap_or_default();
    if versions.len() != 1 {
        return Err(reason);
    }
    node.set(
        &STRATEGY,
        "None",
        "with one version there is nothing to convert",
    );
    node.lose(
        &WEBHOOK,
        LossKind::Refused,
        Severity::Warning,
        reason.to_string(),
    );
    Ok(())
}

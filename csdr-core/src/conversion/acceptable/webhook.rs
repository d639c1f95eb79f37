//! Admission webhooks and admission policies: what their `v1` create validation refuses.
//!
//! Source: api-versions.md sections 3.3 and 3.9; `pkg/apis/admissionregistration/validation`.

mod policy;
mod rules;
mod selector;

use super::{Context, Mend, client, label, refuse};
use crate::conversion::{
    draft::Node,
    outcome::{LossKind, Severity, SkipReason},
};

const GROUP: &str = "admissionregistration.k8s.io";

pub(super) static MENDS: &[Mend] = &[
    Mend {
        group: GROUP,
        kinds: &[
            "ValidatingWebhookConfiguration",
            "MutatingWebhookConfiguration",
        ],
        needles: &[],
        mend,
    },
    Mend {
        group: GROUP,
        kinds: &["ValidatingAdmissionPolicy", "MutatingAdmissionPolicy"],
        needles: &[],
        mend: policy::mend,
    },
    Mend {
        group: GROUP,
        kinds: &[
            "ValidatingAdmissionPolicyBinding",
            "MutatingAdmissionPolicyBinding",
        ],
        needles: &[],
        mend: policy::mend_binding,
    },
];

fn mend(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    if context.api_version.version() == "v1" {
        unique_names(node)?;
        each(node, &["webhooks"], |webhook| one(webhook, context))?;
    }
    Ok(())
}

/// Goes through the items of an array until one is refused.
fn each(
    node: &mut Node<'_>,
    path: &[&str],
    mut rule: impl FnMut(&mut Node<'_>) -> Result<(), SkipReason>,
) -> Result<(), SkipReason> {
    let mut result = Ok(());
    node.each(path, |item| {
        if result.is_ok() {
            result = rule(item);
        }
    });
    result
}

/// Names need three parts, and each its own: later ones of the same name get a number at their first part.
fn unique_names(node: &mut Node<'_>) -> Result<(), SkipReason> {
    let mut seen: Vec<String> = Vec::new();
    let mut all: Vec<String> = Vec::new();
    node.each(&["webhooks"], |webhook| {
        all.extend(webhook.text(&["name"]).map(ToOwned::to_owned))
    });
    each(node, &["webhooks"], |webhook| {
        let name = webhook.text(&["name"]).unwrap_or_default().to_owned();
        if !label::is_domain(&name) || name.split('.').count() < 3 {
            return Err(refuse(
                webhook,
                &["name"],
                "the name of a webhook must be a domain with at least three parts, as in w.example.com; rename it in the source",
            ));
        }
        if !seen.contains(&name) {
            seen.push(name);
            return Ok(());
        }
        let (first, rest) = name.split_once('.').unwrap_or((&name, ""));
        let fresh = (2..)
            .map(|number: u32| format!("{first}-{number}.{rest}"))
            .find(|fresh| !all.contains(fresh) && !seen.contains(fresh));
        if let Some(fresh) = fresh {
            webhook.set(
                &["name"],
                fresh.clone(),
                "another webhook of this configuration has the name",
            );
            seen.push(fresh);
        }
        Ok(())
    })
}

fn one(webhook: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    client::check(webhook, &["clientConfig"])?;
    if !client::review_versions(webhook, &["admissionReviewVersions"]) {
        return Err(refuse(
            webhook,
            &["admissionReviewVersions"],
            "the webhook understands no version of the review that the target speaks (v1, v1beta1)",
        ));
    }
    choice(webhook, &["failurePolicy"], &["Fail", "Ignore"])?;
    choice(webhook, &["matchPolicy"], &["Exact", "Equivalent"])?;
    choice(webhook, &["reinvocationPolicy"], &["Never", "IfNeeded"])?;
    side_effects(webhook, context);
    timeout(webhook);
    for field in ["namespaceSelector", "objectSelector"] {
        selector::check(webhook, &[field], context.minor)?;
    }
    each(webhook, &["rules"], rules::mend)?;
    policy::match_conditions(webhook, &["matchConditions"])
}

/// A field that holds one of some words, or is absent.
fn choice(node: &mut Node<'_>, path: &[&str], words: &[&'static str]) -> Result<(), SkipReason> {
    let Some(stored) = node.get(path) else {
        return Ok(());
    };
    let known = stored
        .as_str()
        .and_then(|stored| words.iter().find(|word| word.eq_ignore_ascii_case(stored)));
    let Some(known) = known else {
        return Err(refuse(
            node,
            path,
            format!("must be one of {}", words.join(", ")),
        ));
    };
    node.set(path, *known, "the case of the letters counts");
    Ok(())
}

/// Source: api-versions.md section 3.3. `Unknown` and `Some` mean that a dry run is refused; `None` costs nothing but side effects
/// of dry runs, if it is wrong.
fn side_effects(webhook: &mut Node<'_>, context: &Context<'_>) {
    const PATH: [&str; 1] = ["sideEffects"];
    const ALLOWED: [&str; 2] = ["None", "NoneOnDryRun"];
    let stored = webhook.get(&PATH).cloned();
    let text = webhook.text(&PATH).unwrap_or_default();
    if ALLOWED.contains(&text) {
        return;
    }
    let name = webhook.text(&["name"]).unwrap_or_default().to_owned();
    let vouched = context
        .options
        .side_effects
        .get(&name)
        .filter(|value| ALLOWED.contains(&value.as_str()));
    if let Some(vouched) = vouched {
        webhook.set(&PATH, vouched.clone(), "chosen for this webhook");
        return;
    }
    webhook.set(&PATH, "None", "the target takes None and NoneOnDryRun only");
    webhook.loses(
        &PATH,
        LossKind::Assumed,
        stored,
        Severity::Warning,
        format!(
            "only the author of the webhook {name} knows whether it has side effects; if it has, they happen on dry runs as well \
             now: choose NoneOnDryRun for it if it honours dryRun"
        ),
    );
}

fn timeout(webhook: &mut Node<'_>) {
    const PATH: [&str; 1] = ["timeoutSeconds"];
    let Some(seconds) = webhook.get(&PATH).and_then(crate::model::Tree::as_i64) else {
        return;
    };
    webhook.set(
        &PATH,
        seconds.clamp(1, 30),
        "a webhook is given from 1 to 30 seconds",
    );
}

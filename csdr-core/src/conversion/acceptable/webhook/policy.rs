//! ValidatingAdmissionPolicy, MutatingAdmissionPolicy and their bindings. All their versions are validated alike.
//!
//! CEL expressions are not compiled here: they were, when the object was created.

use super::{choice, each, rules, selector};
use crate::conversion::{
    acceptable::{Context, label, name, refuse},
    draft::Node,
    outcome::{LossKind, Severity, SkipReason},
};
use crate::model::Tree;
use std::borrow::Cow;

pub(super) fn mend(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    const MATCH: [&str; 2] = ["spec", "matchConstraints"];
    let mutating = context.kind == "MutatingAdmissionPolicy";
    choice(node, &["spec", "failurePolicy"], &["Fail", "Ignore"])?;
    if count(node, &["spec", "matchConstraints", "resourceRules"]) == 0 {
        return Err(refuse(
            node,
            &["spec", "matchConstraints", "resourceRules"],
            "a policy must say which resources it is about",
        ));
    }
    rules::of_policy(node, &MATCH, mutating)?;
    match_conditions(node, &["spec", "matchConditions"])?;
    param_kind(node)?;
    if mutating {
        mutations(node)?;
    } else {
        validations(node)?;
    }
    Ok(())
}

pub(super) fn mend_binding(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    let mutating = context.kind == "MutatingAdmissionPolicyBinding";
    if !node
        .text(&["spec", "policyName"])
        .is_some_and(label::is_domain)
    {
        return Err(refuse(
            node,
            &["spec", "policyName"],
            "a binding must name its policy",
        ));
    }
    rules::of_policy(node, &["spec", "matchResources"], mutating)?;
    parameters(node)?;
    if !mutating {
        actions(node)?;
    }
    Ok(())
}

fn count(node: &Node<'_>, path: &[&str]) -> usize {
    node.get(path)
        .and_then(Tree::as_array)
        .map_or(0, <[Tree]>::len)
}

/// Conditions of webhooks and policies.
pub(super) fn match_conditions(node: &mut Node<'_>, path: &[&str]) -> Result<(), SkipReason> {
    if count(node, path) > 64 {
        return Err(refuse(node, path, "at most 64 conditions"));
    }
    let mut seen: Vec<String> = Vec::new();
    each(node, path, |condition| {
        let name = condition.text(&["name"]).unwrap_or_default();
        if !label::is_qualified(name) || seen.iter().any(|other| other == name) {
            return Err(refuse(
                condition,
                &["name"],
                "each condition needs a name of its own, a qualified name",
            ));
        }
        seen.push(name.to_owned());
        if condition
            .text(&["expression"])
            .is_none_or(|text| text.trim().is_empty())
        {
            return Err(refuse(
                condition,
                &["expression"],
                "a condition needs an expression",
            ));
        }
        Ok(())
    })
}

fn param_kind(node: &Node<'_>) -> Result<(), SkipReason> {
    const PATH: [&str; 2] = ["spec", "paramKind"];
    if !node.has(&PATH) {
        return Ok(());
    }
    let api_version = node
        .text(&["spec", "paramKind", "apiVersion"])
        .unwrap_or_default();
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let kind = node
        .text(&["spec", "paramKind", "kind"])
        .unwrap_or_default()
        .to_lowercase();
    let fits = (group.is_empty() || label::is_domain(group))
        && name::is_label(version)
        && name::is_label(&kind);
    if fits {
        Ok(())
    } else {
        Err(refuse(
            node,
            &PATH,
            "the kind of parameters needs an API version and a kind",
        ))
    }
}

fn validations(node: &mut Node<'_>) -> Result<(), SkipReason> {
    const REASONS: [&str; 3] = ["Forbidden", "Invalid", "RequestEntityTooLarge"];
    const VALIDATIONS: [&str; 2] = ["spec", "validations"];
    if count(node, &VALIDATIONS) == 0 && count(node, &["spec", "auditAnnotations"]) == 0 {
        return Err(refuse(
            node,
            &VALIDATIONS,
            "a policy without validations and audit annotations does nothing",
        ));
    }
    each(node, &VALIDATIONS, |validation| {
        if validation
            .text(&["expression"])
            .is_none_or(|text| text.trim().is_empty())
        {
            return Err(refuse(
                validation,
                &["expression"],
                "a validation needs an expression",
            ));
        }
        if validation
            .text(&["reason"])
            .is_some_and(|reason| !REASONS.contains(&reason))
        {
            validation.lose(
                &["reason"],
                LossKind::Refused,
                Severity::Info,
                "no reason that the target knows; it answers Invalid",
            );
        }
        for field in ["message", "messageExpression"] {
            if validation
                .text(&[field])
                .is_some_and(|text| !text.is_empty() && text.trim().is_empty())
            {
                validation.remove(&[field], "blank");
            }
        }
        let message = validation.text(&["message"]).map(str::trim);
        if let Some(message) = message.filter(|message| message.contains(['\n', '\r'])) {
            let message = message.replace(['\n', '\r'], " ");
            validation.set(&["message"], message, "a message must be one line");
        }
        Ok(())
    })
}

fn mutations(node: &mut Node<'_>) -> Result<(), SkipReason> {
    const MUTATIONS: [&str; 2] = ["spec", "mutations"];
    const AGAIN: [&str; 2] = ["spec", "reinvocationPolicy"];
    if count(node, &MUTATIONS) == 0 {
        return Err(refuse(
            node,
            &MUTATIONS,
            "a policy without mutations does nothing",
        ));
    }
    if node.text(&AGAIN).is_none_or(str::is_empty) {
        node.set(&AGAIN, "Never", "the target demands it");
        node.warn(
            &AGAIN,
            LossKind::Assumed,
            Severity::Warning,
            "not stored whether the policy is evaluated again after others; Never is what webhooks have without it",
        );
    }
    choice(node, &AGAIN, &["Never", "IfNeeded"])?;
    each(node, &MUTATIONS, |mutation| {
        choice(
            mutation,
            &["patchType"],
            &["ApplyConfiguration", "JSONPatch"],
        )?;
        let (wanted, other) = match mutation.text(&["patchType"]) {
            Some("JSONPatch") => ("jsonPatch", "applyConfiguration"),
            Some("ApplyConfiguration") => ("applyConfiguration", "jsonPatch"),
            _ => {
                return Err(refuse(
                    mutation,
                    &["patchType"],
                    "a mutation needs its patch type",
                ));
            }
        };
        if mutation
            .text(&[wanted, "expression"])
            .is_none_or(|text| text.trim().is_empty())
        {
            return Err(refuse(
                mutation,
                &[wanted],
                "a mutation needs an expression of its patch type",
            ));
        }
        mutation.lose(
            &[other],
            LossKind::Refused,
            Severity::Warning,
            "a mutation has one patch, the one of its type",
        );
        Ok(())
    })
}

/// Source: api-versions.md section 2.9: the first alpha had no such field, and denied.
fn parameters(node: &mut Node<'_>) -> Result<(), SkipReason> {
    const PATH: [&str; 2] = ["spec", "paramRef"];
    const MISSING: [&str; 3] = ["spec", "paramRef", "parameterNotFoundAction"];
    if !node.has(&PATH) {
        return Ok(());
    }
    let named = node
        .text(&["spec", "paramRef", "name"])
        .is_some_and(|name| !name.is_empty());
    let selects = node.has(&["spec", "paramRef", "selector"]);
    if named == selects {
        return Err(refuse(
            node,
            &PATH,
            "parameters are found by a name or by a selector",
        ));
    }
    selector::check(node, &["spec", "paramRef", "selector"], rules::STRICT)?;
    if node.text(&MISSING).is_none_or(str::is_empty) {
        node.set(
            &MISSING,
            "Deny",
            "required; the first alpha denied where its parameters were missing",
        );
    }
    choice(node, &MISSING, &["Allow", "Deny"])
}

/// Source: api-versions.md section 3.9: Kubernetes 1.26 had no actions, and denied.
fn actions(node: &mut Node<'_>) -> Result<(), SkipReason> {
    const PATH: [&str; 2] = ["spec", "validationActions"];
    const ACTIONS: [&str; 3] = ["Deny", "Warn", "Audit"];
    if count(node, &PATH) == 0 {
        node.set(
            &PATH,
            Tree::Array(vec!["Deny".into()]),
            "required; the first alpha knew no actions, and denied",
        );
        return Ok(());
    }
    let stored: Vec<Tree> = node
        .get(&PATH)
        .and_then(Tree::as_array)
        .unwrap_or_default()
        .to_vec();
    let mut known: Vec<Tree> = Vec::new();
    for action in &stored {
        let text = action.as_str().unwrap_or_default();
        let Some(action) = ACTIONS
            .into_iter()
            .find(|action| action.eq_ignore_ascii_case(text))
        else {
            return Err(refuse(
                node,
                &PATH,
                format!("an action must be one of {}", ACTIONS.join(", ")),
            ));
        };
        known.push(action.into());
    }
    node.set(&PATH, known.clone(), "the case of the letters counts");
    let denies = known.contains(&"Deny".into());
    let mut seen: Vec<Tree> = Vec::new();
    node.retain(&PATH, |action| {
        let reason = if seen.contains(action) {
            Cow::Borrowed("named twice")
        } else if denies && action.as_str() == Some("Warn") {
            Cow::Borrowed("who is denied needs no warning")
        } else {
            seen.push(action.clone());
            return None;
        };
        Some((LossKind::Refused, Severity::Info, reason))
    });
    Ok(())
}

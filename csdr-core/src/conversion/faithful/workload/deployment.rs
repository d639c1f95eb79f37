//! Deployment.

use super::super::super::{
    draft::{Node, map},
    outcome::{LossKind, Severity},
};
use super::super::{Family, Gv, zero};
use super::{
    annotated_number, convert_template, is_early, is_extensions, lose_foreign_field,
    set_annotation, take_annotation, template_defaults,
};
use crate::{Result, model::Tree};

pub(super) const FAMILY: Family = Family {
    kinds: &["Deployment"],
    defaults,
    to_hub,
    from_hub,
};

/// Holds in apps/v1beta2 and apps/v1 what earlier versions have as `spec.rollbackTo`.
const ROLLBACK_TO: &str = "deprecated.deployment.rollback.to";

/// What extensions/v1beta1 writes for "no limit".
const NO_LIMIT: i64 = i32::MAX as i64;

fn defaults(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    template_defaults(node, gv);
    zero::within(node, "spec", |spec| {
        zero::default(spec, "replicas", 1);
        zero::within(spec, "strategy", |strategy| {
            zero::fill(strategy, "type", "RollingUpdate");
            let step: Tree = match is_extensions(gv) {
                true => 1.into(),
                false => "25%".into(),
            };
            let fill = |update: &mut Node<'_>| {
                zero::default(update, "maxUnavailable", step.clone());
                zero::default(update, "maxSurge", step.clone());
            };
            if strategy.text(&["type"]) == Some("RollingUpdate") {
                zero::within(strategy, "rollingUpdate", fill);
            } else if is_extensions(gv) {
                zero::inside(strategy, &["rollingUpdate"], fill);
            }
        });
        let (history, deadline) = match gv {
            ("extensions", _) => (NO_LIMIT, NO_LIMIT),
            ("apps", "v1beta1") => (2, 600),
            _ => (10, 600),
        };
        zero::default(spec, "revisionHistoryLimit", history);
        zero::default(spec, "progressDeadlineSeconds", deadline);
    });
    Ok(())
}

fn to_hub(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    convert_template(node, gv)?;
    // The server's internal type has no pointers here: what no default filled becomes 0.
    zero::inside(node, &["spec", "strategy", "rollingUpdate"], |update| {
        update.add(
            &["maxUnavailable"],
            0,
            "absent counts as 0 outside RollingUpdate",
        );
        update.add(&["maxSurge"], 0, "absent counts as 0 outside RollingUpdate");
    });
    if is_early(gv) {
        annotate_rollback(node);
    }
    Ok(())
}

/// `spec.rollbackTo` becomes an annotation, which the controller of every release reads: it rolls back and takes the annotation away.
/// Source: `getRollbackTo` of the Deployment controller; a 1.36 server.
fn annotate_rollback(node: &mut Node<'_>) {
    let Some(rollback) = node.get(&["spec", "rollbackTo"]) else {
        take_annotation(
            node,
            ROLLBACK_TO,
            "stands for spec.rollbackTo, which is not set",
        );
        return;
    };
    let revision = match rollback.as_object().map(|members| members.get("revision")) {
        Some(None | Some(Tree::Null)) => 0,
        Some(Some(revision)) if revision.as_i64().is_some() => revision.as_i64().unwrap_or(0),
        _ => return,
    };
    set_annotation(
        node,
        ROLLBACK_TO,
        revision.to_string(),
        "was spec.rollbackTo.revision",
    );
    node.remove(&["spec", "rollbackTo"], "is an annotation now");
    node.warn(
        &["metadata", "annotations", ROLLBACK_TO],
        LossKind::Meaning,
        Severity::Info,
        "apps/v1 has no rollbackTo; the controller reads the annotation once: it rolls back if it finds the revision, and takes the \
         annotation away",
    );
}

fn from_hub(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    let revision = annotated_number(node, ROLLBACK_TO);
    if is_early(gv) {
        // Later versions ignore such a field; here it would start a rollback.
        lose_foreign_field(node, "rollbackTo");
    }
    if !is_early(gv) {
        // The server reads the annotation into its internal type and writes it back.
        match revision {
            Some(revision) => {
                let reason = "the number as the server writes it";
                set_annotation(node, ROLLBACK_TO, revision.to_string(), reason);
            }
            None if node.text(&["metadata", "annotations", ROLLBACK_TO]) == Some("") => {
                take_annotation(node, ROLLBACK_TO, "empty, which says nothing");
            }
            None => {}
        }
    } else if let Some(revision) = revision {
        let rollback = match revision {
            // Go's encoder leaves 0 out.
            0 => Tree::object(),
            revision => map([("revision", revision.into())]),
        };
        zero::within(node, "spec", |spec| {
            spec.set(&["rollbackTo"], rollback, "was an annotation");
        });
        take_annotation(node, ROLLBACK_TO, "is spec.rollbackTo now");
    }
    Ok(())
}

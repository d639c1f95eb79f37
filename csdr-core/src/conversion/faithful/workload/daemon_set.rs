//! DaemonSet.

use super::super::super::draft::Node;
use super::super::{Family, Gv, zero};
use super::{
    annotated_number, convert_template, is_extensions, lose_foreign_field, set_annotation,
    take_annotation, template_defaults,
};
use crate::{Result, model::Tree};

pub(super) const FAMILY: Family = Family {
    kinds: &["DaemonSet"],
    defaults,
    to_hub,
    from_hub,
};

/// Holds in apps what extensions/v1beta1 has as `spec.templateGeneration`.
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

fn defaults(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    template_defaults(node, gv);
    zero::within(node, "spec", |spec| {
        zero::within(spec, "updateStrategy", |strategy| {
            let kind = match is_extensions(gv) {
                true => "OnDelete",
                false => "RollingUpdate",
            };
            zero::fill(strategy, "type", kind);
            if strategy.text(&["type"]) == Some("RollingUpdate") {
                zero::within(strategy, "rollingUpdate", |update| {
                    zero::default(update, "maxUnavailable", 1);
                    zero::default(update, "maxSurge", 0);
                });
            }
        });
        zero::default(spec, "revisionHistoryLimit", 10);
    });
    Ok(())
}

fn to_hub(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    convert_template(node, gv)?;
    // The server's internal type has no pointers here: what no default filled becomes 0.
    zero::inside(
        node,
        &["spec", "updateStrategy", "rollingUpdate"],
        |update| {
            update.add(
                &["maxUnavailable"],
                0,
                "absent counts as 0 outside RollingUpdate",
            );
            update.add(&["maxSurge"], 0, "absent counts as 0 outside RollingUpdate");
        },
    );
    if is_extensions(gv) {
        annotate_generation(node);
    }
    Ok(())
}

/// The field wins over an annotation that stands there already, also by its absence.
fn annotate_generation(node: &mut Node<'_>) {
    let generation = match node.get(&["spec", "templateGeneration"]).map(Tree::as_i64) {
        None => 0,
        Some(Some(generation)) => generation,
        Some(None) => return,
    };
    set_annotation(
        node,
        TEMPLATE_GENERATION,
        generation.to_string(),
        "was spec.templateGeneration, which only the controller of that time read",
    );
    node.remove(&["spec", "templateGeneration"], "is an annotation now");
}

fn from_hub(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    let annotation = ["metadata", "annotations", TEMPLATE_GENERATION];
    let generation = annotated_number(node, TEMPLATE_GENERATION);
    if is_extensions(gv) {
        lose_foreign_field(node, "templateGeneration");
    }
    if !is_extensions(gv) {
        // The server reads the annotation into its internal type and writes it back, also where none stood.
        let generation = generation.or_else(|| (!node.has(&annotation)).then_some(0));
        if let Some(generation) = generation {
            let reason = "the server writes it with every conversion";
            set_annotation(node, TEMPLATE_GENERATION, generation.to_string(), reason);
        }
    } else if let Some(generation) = generation {
        // Go's encoder leaves 0 out.
        if generation != 0 {
            zero::within(node, "spec", |spec| {
                spec.set(&["templateGeneration"], generation, "was an annotation");
            });
        }
        take_annotation(node, TEMPLATE_GENERATION, "is spec.templateGeneration now");
    }
    Ok(())
}

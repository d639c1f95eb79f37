//! CustomResourceDefinition: what a create of `v1` refuses although the faithful conversion made it, or an old server stored it.
//!
//! Source: api-versions.md sections 0.10, 0.11 and 3.2; `ValidateCustomResourceDefinition` and `ValidateStructural` of
//! `k8s.io/apiextensions-apiserver`. Every rule acts only where the server would refuse: a definition that is fine is not touched.
//! What a rule changes in a schema makes it accept more, never less, except for the `type`s that a structural schema must have.

mod default;
mod junctor;
mod keyword;
mod list;
mod names;
mod pattern;
mod resource;
mod schema;
mod strategy;
mod version;

use super::{Context, Mend};
use crate::conversion::{draft::Node, outcome::SkipReason};
use crate::model::Tree;

pub(super) static MENDS: &[Mend] = &[Mend {
    group: "apiextensions.k8s.io",
    kinds: &["CustomResourceDefinition"],
    needles: &[],
    mend,
}];

fn mend(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    if context.api_version.version() == "v1" {
        let before = node.recorded();
        names::mend(node)?;
        strategy::mend(node)?;
        version::mend(node, context.minor)?;
        keep_unknown(node);
        if node.recorded() != before {
            node.remove(
                &["status"],
                "the server writes it anew when it creates the definition",
            );
        }
    }
    Ok(())
}

/// Whether the definition keeps fields that no schema knows.
fn keeps_unknown(node: &Node<'_>) -> bool {
    node.get(&["spec", "preserveUnknownFields"])
        .and_then(Tree::as_bool)
        == Some(true)
}

fn keep_unknown(node: &mut Node<'_>) {
    if keeps_unknown(node) {
        node.set(
            &["spec", "preserveUnknownFields"],
            false,
            "v1 refuses it; x-kubernetes-preserve-unknown-fields at every object of the schema says the same",
        );
    }
}

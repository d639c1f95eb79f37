//! `spec.behavior`: what a server fills in where it is said in part.

use crate::{
    conversion::draft::{Node, map},
    model::Tree,
};

/// A present behavior is completed, a half that is missing is added; an absent one stays absent. An empty list of policies is a
/// value. Source: pkg/apis/autoscaling/v2/defaults.go.
pub(super) fn defaults(node: &mut Node<'_>) {
    node.at(&["spec", "behavior"], |behavior| {
        behavior.default(&["scaleUp", "stabilizationWindowSeconds"], Tree::from(0));
        rules(behavior, "scaleUp", [("Pods", 4), ("Percent", 100)]);
        // The window for scaling down is an option of the controller: it is not filled in.
        rules(behavior, "scaleDown", [("Percent", 100)]);
    });
}

fn rules<const N: usize>(behavior: &mut Node<'_>, half: &str, policies: [(&str, i64); N]) {
    behavior.default(&[half, "selectPolicy"], "Max");
    let policies = policies.map(|(kind, value)| {
        map([
            ("type", kind.into()),
            ("value", value.into()),
            ("periodSeconds", Tree::from(15)),
        ])
    });
    behavior.default(&[half, "policies"], Vec::from(policies));
}

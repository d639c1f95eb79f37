//! PodDisruptionBudget. Source: api-versions.md section 4; `ValidatePodDisruptionBudgetSpec`.

use super::{
    Context, Mend, label,
    needle::{Needle, both, value},
    refuse,
};
use crate::conversion::{draft::Node, outcome::SkipReason};

pub(super) static MENDS: &[Mend] = &[Mend {
    group: "policy",
    kinds: &["PodDisruptionBudget"],
    needles: &[NEEDLES],
    mend,
}];

static NEEDLES: &[Needle] = &[
    value("matchLabels", label::is_no_value),
    value("values", label::is_no_value).since(label::EXPRESSIONS),
    both("minAvailable", "maxUnavailable"),
];

fn mend(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    if node.has(&["spec", "minAvailable"]) && node.has(&["spec", "maxUnavailable"]) {
        return Err(refuse(
            node,
            &["spec"],
            "minAvailable and maxUnavailable exclude each other; keep one of them",
        ));
    }
    label::check(node, &["spec", "selector"], context)
}

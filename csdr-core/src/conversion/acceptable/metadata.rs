//! What every object carries.

use super::{
    Context,
    needle::{Needle, text},
};
use crate::conversion::draft::Node;

/// Source: api-versions.md section 2.12; the field was never filled, and 1.24 removed it.
const CLUSTER_NAME: u32 = 24;

pub(super) static NEEDLES: &[Needle] = &[text("clusterName\"").since(CLUSTER_NAME)];

pub(super) fn mend(node: &mut Node<'_>, context: &Context<'_>) {
    if context.minor >= CLUSTER_NAME {
        node.remove(
            &["metadata", "clusterName"],
            "removed in Kubernetes 1.24; no server ever read it",
        );
    }
}

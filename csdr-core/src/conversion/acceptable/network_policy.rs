//! NetworkPolicy. Source: api-versions.md sections 2.12 and 4; `ValidateNetworkPolicySpec`.

use super::{
    Context, Mend, address, label,
    needle::{Needle, text, value},
};
use crate::conversion::{draft::Node, outcome::SkipReason};

pub(super) static MENDS: &[Mend] = &[Mend {
    group: "networking.k8s.io",
    kinds: &["NetworkPolicy"],
    needles: &[NEEDLES],
    mend,
}];

/// The minors that had a status.
const STATUS: std::ops::Range<u32> = 24..28;

static NEEDLES: &[Needle] = &[
    text("status\""),
    value("matchLabels", label::is_no_value),
    value("values", label::is_no_value).since(label::EXPRESSIONS),
    value("cidr", address::is_sloppy).since(address::STRICT),
    value("except", address::is_sloppy).since(address::STRICT),
];

fn mend(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    if !STATUS.contains(&context.minor) {
        node.remove(
            &["status"],
            "only Kubernetes 1.24 to 1.27 had it, and the server writes it",
        );
    }
    label::check(node, &["spec", "podSelector"], context)?;
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        node.try_each(&["spec", direction], |rule| {
            rule.try_each(&[peers], |peer| mend_peer(peer, context))
        })?;
    }
    Ok(())
}

fn mend_peer(peer: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    label::check(peer, &["podSelector"], context)?;
    label::check(peer, &["namespaceSelector"], context)?;
    peer.try_at(&["ipBlock"], |block| {
        address::mend_range(block, &["cidr"], context)?;
        block.try_each(&["except"], |range| {
            address::mend_range(range, &[], context)
        })
    })
}

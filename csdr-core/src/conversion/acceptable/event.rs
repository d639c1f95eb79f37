//! Event of events.k8s.io. Source: api-versions.md section 3.7: the new group refuses what older servers recorded.

use super::{
    Context, Mend,
    needle::{Needle, text, value},
};
use crate::conversion::{draft::Node, outcome::SkipReason};

pub(super) static MENDS: &[Mend] = &[Mend {
    group: "events.k8s.io",
    kinds: &["Event"],
    needles: &[NEEDLES],
    mend,
}];

const DEPRECATED: [&str; 4] = [
    "deprecatedCount",
    "deprecatedFirstTimestamp",
    "deprecatedLastTimestamp",
    "deprecatedSource",
];

static NEEDLES: &[Needle] = &[
    text("deprecatedCount\""),
    text("deprecatedFirstTimestamp\""),
    text("deprecatedLastTimestamp\""),
    text("deprecatedSource\""),
    value("eventTime", |value| value.starts_with(b"null")),
];

fn mend(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    let old = DEPRECATED.iter().any(|field| node.has(&[field])) || !node.has(&["eventTime"]);
    if context.api_version.version() == "v1" && old {
        return Err(SkipReason::MadeByCluster {
            advice: "an Event records what happened in its cluster and expires within hours; this one has the older form, which \
                     events.k8s.io/v1 refuses and core/v1 takes"
                .into(),
        });
    }
    Ok(())
}

//! Event: core/v1, events.k8s.io/v1beta1 and v1.

use super::{Family, Gv, nothing};
use crate::{
    Result,
    conversion::{
        draft::Node,
        outcome::{LossKind, Severity},
    },
};

pub(super) static FAMILIES: &[Family] = &[Family {
    kinds: &["Event"],
    defaults: nothing,
    to_hub,
    from_hub,
}];

/// A field of core/v1 and of events.k8s.io. Source: api-versions.md section 2.10.
const FIELDS: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

fn to_hub(node: &mut Node<'_>, (group, _): Gv<'_>) -> Result<()> {
    if group.is_empty() {
        for (core, events) in FIELDS {
            node.rename(&[core], &[events]);
        }
    }
    // Served up to 1.18, by core/v1 and v1beta1; no newer server knows it.
    if node.has(&["series", "state"]) {
        let reason = "the state of a series is gone from every version";
        node.warn(
            &["series", "state"],
            LossKind::UnknownField,
            Severity::Info,
            reason,
        );
    }
    Ok(())
}

fn from_hub(node: &mut Node<'_>, (group, _): Gv<'_>) -> Result<()> {
    if group.is_empty() {
        for (core, events) in FIELDS {
            node.rename(&[events], &[core]);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::conversion::faithful::table::check;

    const CORE: &str = r#"{"apiVersion":"v1","kind":"Event","involvedObject":{"name":"p"},"message":"m","source":{"host":"h"},
        "firstTimestamp":"2021-01-01T00:00:00Z","lastTimestamp":null,"count":1,"reportingComponent":"c","reportingInstance":"i"}"#;
    const EVENTS: &str = r#"{"apiVersion":"events.k8s.io/v1","kind":"Event","regarding":{"name":"p"},"note":"m","deprecatedSource":{"host":"h"},
        "deprecatedFirstTimestamp":"2021-01-01T00:00:00Z","deprecatedCount":1,"reportingController":"c","reportingInstance":"i"}"#;

    #[test]
    fn events() {
        let beta = EVENTS.replace("events.k8s.io/v1", "events.k8s.io/v1beta1");
        let core = CORE.replace(r#""lastTimestamp":null,"#, "");
        check(&[
            (CORE, "events.k8s.io/v1", EVENTS),
            (CORE, "events.k8s.io/v1beta1", &beta),
            (EVENTS, "v1", &core),
            (&beta, "v1", &core),
            (&beta, "events.k8s.io/v1", EVENTS),
            (EVENTS, "events.k8s.io/v1beta1", &beta),
        ]);
    }
}

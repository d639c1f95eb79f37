//! StatefulSet.

use super::super::super::draft::Node;
use super::super::{Family, Gv, claim, nothing, zero};
use super::{convert_template, is_early, template_defaults};
use crate::Result;

pub(super) const FAMILY: Family = Family {
    kinds: &["StatefulSet"],
    defaults,
    to_hub,
    from_hub: nothing,
};

fn defaults(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    template_defaults(node, gv);
    zero::within(node, "spec", |spec| {
        zero::fill(spec, "podManagementPolicy", "OrderedReady");
        zero::within(spec, "updateStrategy", |strategy| {
            update_strategy(strategy, gv);
        });
        let retention = "persistentVolumeClaimRetentionPolicy";
        zero::within(spec, retention, |retention| {
            zero::fill(retention, "whenDeleted", "Retain");
            zero::fill(retention, "whenScaled", "Retain");
        });
        zero::default(spec, "replicas", 1);
        zero::default(spec, "revisionHistoryLimit", 10);
        // No default, but no version leaves it out either.
        zero::default(spec, "serviceName", "");
        zero::each(spec, &["volumeClaimTemplates"], claim::defaults);
    });
    Ok(())
}

/// `RollingUpdate` that is written, not meant, gets no `rollingUpdate`.
fn update_strategy(strategy: &mut Node<'_>, gv: Gv<'_>) {
    let meant = strategy.text(&["type"]).unwrap_or_default().is_empty();
    if is_early(gv) {
        zero::fill(strategy, "type", "OnDelete");
    } else {
        zero::fill(strategy, "type", "RollingUpdate");
        if meant && strategy.text(&["type"]) == Some("RollingUpdate") {
            zero::within(strategy, "rollingUpdate", |_| {});
        }
    }
    if strategy.text(&["type"]) == Some("RollingUpdate") {
        zero::inside(strategy, &["rollingUpdate"], |update| {
            zero::default(update, "partition", 0);
        });
    }
}

fn to_hub(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    convert_template(node, gv)?;
    // The server's internal type has no pointer here: what no default filled becomes 0.
    zero::inside(
        node,
        &["spec", "updateStrategy", "rollingUpdate"],
        |update| {
            update.add(
                &["partition"],
                0,
                "absent counts as 0 outside RollingUpdate",
            );
        },
    );
    zero::each(node, &["spec", "volumeClaimTemplates"], claim::name_type);
    Ok(())
}

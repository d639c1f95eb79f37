//! Object counts of quotas, and APIServices of versions that are gone.

use super::{
    super::{
        draft::Node,
        outcome::{LossKind, Severity},
    },
    Rule, Sight,
    served::{EXTENSIONS, MOVED, Way, way},
};
use crate::model::{ApiVersion, builtin};

pub(super) static RULES: &[Rule] = &[
    Rule {
        group: "",
        kinds: &["ResourceQuota"],
        needles: &[".extensions\""],
        rewrite: quota,
    },
    Rule {
        group: "apiregistration.k8s.io",
        kinds: &["APIService"],
        needles: &[],
        rewrite: api_service,
    },
];

/// `count/deployments.extensions` counts nothing once the group is gone, and no server says so.
fn quota(node: &mut Node<'_>, sight: &Sight<'_>) {
    for moved in MOVED {
        let api_version = ApiVersion::new(EXTENSIONS, "v1beta1");
        let Ok(Way::To(to)) = api_version.map(|old| way(sight.target, &old, moved.kind)) else {
            continue;
        };
        let old = format!("count/{}.{EXTENSIONS}", moved.resource);
        let new = format!("count/{}.{}", moved.resource, to.group());
        if !node.has(&["spec", "hard", &old]) || to.group() == EXTENSIONS {
            continue;
        }
        if node.has(&["spec", "hard", &new]) {
            node.warn(
                &["spec", "hard", &old],
                LossKind::Inert,
                Severity::Info,
                format!("counts nothing at the target; {new} is limited as well and does"),
            );
        } else {
            node.rename(&["spec", "hard", &old], &["spec", "hard", &new]);
        }
    }
}

/// A server makes the APIServices of its own versions by itself. One for a version that it does not serve would make discovery
/// show a version that answers 404.
fn api_service(node: &mut Node<'_>, sight: &Sight<'_>) {
    if node.has(&["spec", "service"]) {
        return;
    }
    let (group, version) = (
        node.text(&["spec", "group"]).unwrap_or_default(),
        node.text(&["spec", "version"]).unwrap_or_default(),
    );
    let is_builtin = builtin::kinds()
        .iter()
        .any(|row| row.group == group && row.knows(version));
    let target = sight.target.discovery();
    let served = target
        .resources
        .iter()
        .any(|row| row.resource.group() == group && row.serves(version));
    let unsure = target.gaps.iter().any(|gap| gap.covers(group));
    if is_builtin && !served && !unsure {
        let reason = format!(
            "the target does not serve {group}/{version} and no service stands behind it; a server makes the APIServices of its own versions itself, so leave this one out"
        );
        node.warn(&["spec"], LossKind::Dangling, Severity::Warning, reason);
    }
}

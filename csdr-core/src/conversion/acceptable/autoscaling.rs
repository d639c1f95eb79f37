//! HorizontalPodAutoscaler. Source: api-versions.md section 3.4; `validateHorizontalPodAutoscalerSpec`.

use super::{
    Context, Mend,
    needle::{self, Needle, value},
    quantity, refuse,
};
use crate::{
    conversion::{
        draft::Node,
        outcome::{Edit, LossKind, Severity, SkipReason},
    },
    model::Tree,
};

pub(super) static MENDS: &[Mend] = &[Mend {
    group: "autoscaling",
    kinds: &["HorizontalPodAutoscaler"],
    needles: NEEDLES,
    mend,
}];

/// The first minor that demands a group of what is scaled.
const GROUP: u32 = 34;

static NEEDLES: &[Needle] = &[
    value("scaleTargetRef", |value| {
        memchr::memmem::find(needle::extent(value), b"\"apiVersion\"").is_none()
    })
    .since(GROUP),
    value("apiVersion", |value| {
        needle::is_text(value, |text| !text.contains(&b'/') && text != b"v1")
    })
    .since(GROUP),
    value("minReplicas", |value| value.starts_with(b"0")),
    value("value", is_not_positive),
    value("averageValue", is_not_positive),
    value("averageUtilization", is_not_positive),
];

fn is_not_positive(value: &[u8]) -> bool {
    let text = needle::extent(value);
    quantity::is_not_positive_text(text.strip_prefix(b"\"").unwrap_or(text))
}

fn mend(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    mend_target(node, context)?;
    if context.api_version.version() != "v1" {
        mend_metrics(node)?;
    }
    mend_minimum(node, context);
    Ok(())
}

/// Source: `ValidateAPIVersion`; a ReplicationController has no group, and the target knows that.
fn mend_target(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    let path = ["spec", "scaleTargetRef", "apiVersion"];
    if context.minor < GROUP || !node.has(&["spec", "scaleTargetRef"]) {
        return Ok(());
    }
    let version = node.text(&path).unwrap_or_default();
    if version.contains('/') {
        return Ok(());
    }
    match node.text(&["spec", "scaleTargetRef", "kind"]) {
        Some("Deployment" | "ReplicaSet" | "StatefulSet") => {
            node.set(
                &path,
                "apps/v1",
                "the target demands the group of what is scaled",
            );
            Ok(())
        }
        Some("ReplicationController") => Ok(()),
        _ => Err(refuse(
            node,
            &path,
            "the target demands the group of what is scaled; write group/version of this kind",
        )),
    }
}

fn mend_minimum(node: &mut Node<'_>, context: &Context<'_>) {
    let path = ["spec", "minReplicas"];
    if context.options.scale_to_zero || node.get(&path).and_then(Tree::as_i64) != Some(0) {
        return;
    }
    let before = node.get(&path).cloned();
    node.loses(
        &path,
        LossKind::Meaning,
        before.clone(),
        Severity::Warning,
        "the target scales to zero only with the feature gate HPAScaleToZero; one Pod stays",
    );
    node.record(
        &path,
        Edit::Replaced,
        before,
        Some(1.into()),
        Severity::Warning,
        "the least that the target takes",
    );
    node.tree_mut().set(&path, 1.into());
}

/// Where each kind of metric has its target.
const SOURCES: [&str; 5] = [
    "resource",
    "containerResource",
    "pods",
    "object",
    "external",
];

fn mend_metrics(node: &mut Node<'_>) -> Result<(), SkipReason> {
    node.try_each(&["spec", "metrics"], |metric| {
        if metric.has(&["containerResource"])
            && metric
                .text(&["containerResource", "container"])
                .is_none_or(str::is_empty)
        {
            return Err(refuse(
                metric,
                &["containerResource", "container"],
                "a metric of one container must name it; write the container's name",
            ));
        }
        for source in SOURCES {
            metric.try_at(&[source, "target"], mend_metric_target)?;
        }
        Ok(())
    })
}

fn mend_metric_target(target: &mut Node<'_>) -> Result<(), SkipReason> {
    let not_positive =
        |target: &Node<'_>, key: &str| target.get(&[key]).is_some_and(quantity::is_not_positive);
    // Of an object v2beta1 wrote `targetValue: 0` where only an average was meant.
    let is_average =
        target.text(&["type"]) == Some("AverageValue") && target.has(&["averageValue"]);
    if is_average && not_positive(target, "value") {
        target.remove(
            &["value"],
            "an average is meant; the zero is what older versions wrote beside it, and the target refuses it",
        );
    }
    for key in ["value", "averageValue", "averageUtilization"] {
        if not_positive(target, key) {
            return Err(refuse(
                target,
                &[key],
                "the target takes only values above zero; write the one to aim at",
            ));
        }
    }
    Ok(())
}

//! HorizontalPodAutoscaler. Source: api-versions.md section 3.4; `validateHorizontalPodAutoscalerSpec`.

use super::{
    Context, Mend,
    needle::{self, Needle, text, value},
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
    needles: &[NEEDLES],
    mend,
}];

/// The first minor that demands a group of what is scaled.
const GROUP: u32 = 34;

/// The first minor whose servers take metrics of one container by default.
const CONTAINER: u32 = 27;
/// Where v1 keeps its metrics.
const ANNOTATION: [&str; 3] = [
    "metadata",
    "annotations",
    "autoscaling.alpha.kubernetes.io/metrics",
];

static NEEDLES: &[Needle] = &[
    text("containerResource").below(CONTAINER),
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
    if context.minor < CONTAINER {
        widen_metrics(node);
    }
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

/// Source: `validateMetricSpec`, feature gate HPAContainerMetrics; a 1.21 server refuses such a metric.
fn widen_metrics(node: &mut Node<'_>) {
    node.each(&["spec", "metrics"], |metric| {
        let before = metric.get(&["containerResource"]).cloned();
        if widened(metric.tree_mut()) {
            metric.loses(
                &["containerResource"],
                LossKind::Meaning,
                before,
                Severity::Warning,
                WIDENED,
            );
            metric.record(
                &["type"],
                Edit::Replaced,
                Some("ContainerResource".into()),
                Some("Resource".into()),
                Severity::Info,
                "the target refuses a metric of one container",
            );
            metric.record(
                &["resource"],
                Edit::Moved {
                    from: metric.pointer(&["containerResource"]),
                },
                None,
                None,
                Severity::Info,
                "the target refuses a metric of one container",
            );
        }
    });
    let Some(Ok(Tree::Array(mut metrics))) = node
        .text(&ANNOTATION)
        .map(|text| Tree::parse(text.as_bytes()))
    else {
        return;
    };
    // Every one, not up to the first.
    let count = metrics
        .iter_mut()
        .filter_map(|one| widened(one).then_some(()))
        .count();
    if count > 0 {
        node.warn(&ANNOTATION, LossKind::Meaning, Severity::Warning, WIDENED);
        node.set(
            &ANNOTATION,
            Tree::Array(metrics).to_string(),
            "the target refuses a metric of one container",
        );
    }
}

const WIDENED: &str = "metrics of one container came with Kubernetes 1.20, switched on with 1.27: what the whole Pod uses is counted";

/// Makes a metric of one container into one of the Pod. All versions name the target in the same way for both.
fn widened(metric: &mut Tree) -> bool {
    let Some(Tree::Object(mut source)) = metric.at(&["containerResource"]).cloned() else {
        return false;
    };
    if metric.text_at(&["type"]) != Some("ContainerResource") || metric.at(&["resource"]).is_some()
    {
        return false;
    }
    source.shift_remove("container");
    metric.remove(&["containerResource"]);
    metric.set(&["type"], "Resource".into());
    metric.set(&["resource"], Tree::Object(source));
    true
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

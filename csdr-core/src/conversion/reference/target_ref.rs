//! References that name a kind by apiVersion: owners, scale targets, described objects.

use super::{
    super::{
        draft::Node,
        outcome::{LossKind, Severity},
    },
    Rule, Sight,
    served::{Way, split, way},
};
use crate::model::Tree;

pub(super) static RULES: &[Rule] = &[Rule {
    group: "autoscaling",
    kinds: &["HorizontalPodAutoscaler"],
    needles: &[],
    rewrite: autoscaler,
}];

/// Where custom resources that many clusters have name another object. `[]` stands for every item of a list.
///
/// Source: the CustomResourceDefinitions of these projects.
static PATHS: &[(&str, &str, &[&str])] = &[
    (
        "admissionregistration.k8s.io",
        "ValidatingAdmissionPolicy",
        &["spec.paramKind"],
    ),
    (
        "admissionregistration.k8s.io",
        "MutatingAdmissionPolicy",
        &["spec.paramKind"],
    ),
    (
        "autoscaling.k8s.io",
        "VerticalPodAutoscaler",
        &["spec.targetRef"],
    ),
    ("keda.sh", "ScaledObject", &["spec.scaleTargetRef"]),
    ("argoproj.io", "Rollout", &["spec.workloadRef"]),
    (
        "flagger.app",
        "Canary",
        &[
            "spec.targetRef",
            "spec.autoscalerRef",
            "spec.ingressRef",
            "spec.upstreamRef",
        ],
    ),
    (
        "autoscaling.alibabacloud.com",
        "CronHorizontalPodAutoscaler",
        &["spec.scaleTargetRef"],
    ),
    (
        "autoscaling.alibabacloud.com",
        "AdvancedHorizontalPodAutoscaler",
        &["spec.scaleTargetRef"],
    ),
    (
        "autoscaling.internal.knative.dev",
        "PodAutoscaler",
        &["spec.scaleTargetRef"],
    ),
    ("sources.knative.dev", "SinkBinding", &["spec.subject"]),
    (
        "sources.knative.dev",
        "ApiServerSource",
        &["spec.resources[]", "spec.owner"],
    ),
    (
        "rollouts.kruise.io",
        "Rollout",
        &["spec.workloadRef", "spec.objectRef.workloadRef"],
    ),
    (
        "rollouts.kruise.io",
        "BatchRelease",
        &["spec.workloadRef", "spec.targetReference.workloadRef"],
    ),
    ("apps.kruise.io", "WorkloadSpread", &["spec.targetRef"]),
    ("apps.kruise.io", "PersistentPodState", &["spec.targetRef"]),
    (
        "policy.kruise.io",
        "PodUnavailableBudget",
        &["spec.targetRef"],
    ),
    (
        "policy.karmada.io",
        "PropagationPolicy",
        &["spec.resourceSelectors[]"],
    ),
    (
        "policy.karmada.io",
        "ClusterPropagationPolicy",
        &["spec.resourceSelectors[]"],
    ),
    (
        "policy.karmada.io",
        "OverridePolicy",
        &["spec.resourceSelectors[]"],
    ),
    (
        "policy.karmada.io",
        "ClusterOverridePolicy",
        &["spec.resourceSelectors[]"],
    ),
    (
        "autoscaling.karmada.io",
        "FederatedHPA",
        &["spec.scaleTargetRef"],
    ),
    (
        "autoscaling.karmada.io",
        "CronFederatedHPA",
        &["spec.scaleTargetRef"],
    ),
    ("datadoghq.com", "DatadogPodAutoscaler", &["spec.targetRef"]),
];

/// The object that a scaler works on; `object.target` is the name of the described object in `autoscaling/v2beta1`.
const AUTOSCALER: [&str; 3] = [
    "spec.scaleTargetRef",
    "spec.metrics[].object.describedObject",
    "spec.metrics[].object.target",
];

/// Where `autoscaling/v1` keeps what it has no field for: a JSON list in the shape of `v2beta1`'s metrics.
const METRICS: [&str; 3] = [
    "metadata",
    "annotations",
    "autoscaling.alpha.kubernetes.io/metrics",
];

/// The places of a kind that are known to hold references.
pub(super) fn paths(group: &str, kind: &str) -> &'static [&'static str] {
    PATHS
        .iter()
        .find(|row| row.0 == group && row.1 == kind)
        .map_or(&[], |row| row.2)
}

/// Goes to every place that a path names.
pub(super) fn visit(node: &mut Node<'_>, path: &str, rule: &mut dyn FnMut(&mut Node<'_>)) {
    let keys = |path: &str| -> Vec<String> {
        path.split('.')
            .filter(|key| !key.is_empty())
            .map(str::to_owned)
            .collect()
    };
    match path.split_once("[]") {
        None => {
            let keys = keys(path);
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            node.at(&keys, rule);
        }
        Some((head, rest)) => {
            let keys = keys(head);
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            node.each(&keys, |item| visit(item, rest, rule));
        }
    }
}

/// What a reference's version becomes.
fn way_of(reference: &Node<'_>, sight: &Sight<'_>) -> Option<(String, Way)> {
    let (api_version, kind) = (reference.text(&["apiVersion"])?, reference.text(&["kind"])?);
    let parsed = api_version.parse().ok()?;
    Some((api_version.to_owned(), way(sight.target, &parsed, kind)))
}

/// Rewrites the apiVersion of one reference, or says that nothing stands behind it any more.
pub(super) fn reference(node: &mut Node<'_>, sight: &Sight<'_>) {
    match way_of(node, sight) {
        Some((old, Way::To(new))) => node.set(
            &["apiVersion"],
            new.to_string(),
            format!("the target serves this kind as {new} instead of {old}"),
        ),
        Some((old, Way::Gone)) => node.warn(
            &["apiVersion"],
            LossKind::Dangling,
            Severity::Warning,
            format!(
                "the target serves no version of the kind that is named here as {old}; point it at another object or remove it"
            ),
        ),
        Some((_, Way::Stays)) | None => {}
    }
}

/// `metadata.ownerReferences`: the garbage collector resolves an owner by group, version and kind.
pub(super) fn owners(node: &mut Node<'_>, sight: &Sight<'_>) {
    node.each(&["metadata", "ownerReferences"], |owner| {
        reference(owner, sight);
    });
}

fn autoscaler(node: &mut Node<'_>, sight: &Sight<'_>) {
    node.at(&["spec", "scaleTargetRef"], scalable);
    for path in AUTOSCALER {
        visit(node, path, &mut |found| reference(found, sight));
    }
    metrics_annotation(node, sight);
}

/// A scale target of a workload without API group: no release resolved it, and 1.34 refuses it.
/// Source: api-versions.md section 3.4.
fn scalable(node: &mut Node<'_>) {
    let group = node.text(&["apiVersion"]).map(split);
    let workload = matches!(
        node.text(&["kind"]),
        Some("Deployment" | "ReplicaSet" | "StatefulSet")
    );
    if workload && group.is_none_or(|(group, _)| group.is_empty()) {
        node.set(
            &["apiVersion"],
            "apps/v1",
            "a scale target needs its API group; this kind is in apps/v1",
        );
    }
}

fn metrics_annotation(node: &mut Node<'_>, sight: &Sight<'_>) {
    let Some(text) = node.text(&METRICS) else {
        return;
    };
    let Ok(mut metrics) = Tree::parse(text.as_bytes()) else {
        return;
    };
    // What changes in the list is said once, of the annotation.
    let mut log = super::super::draft::Log::default();
    {
        let mut root = Node::root(&mut metrics, &mut log);
        root.each(&[], |metric| {
            for path in ["object.target", "object.describedObject"] {
                visit(metric, path, &mut |found| reference(found, sight));
            }
        });
    }
    if !log.changes.is_empty() {
        node.set(
            &METRICS,
            metrics.to_string(),
            "the objects that metrics describe are named in versions that the target serves",
        );
    }
    for loss in log.losses {
        node.warn(&METRICS, loss.kind, loss.severity, loss.reason);
    }
}

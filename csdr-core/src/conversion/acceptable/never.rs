//! What no server of any release took: an object with it was never in a cluster, but a file may hold it.
//!
//! Such an object is refused here as well, so that a plan says it before anything is written. Where the bytes alone decide
//! (`concerns`) it is not looked for: the target's own message says it as well. Source: the validation of each kind.

use super::{Context, label, refuse};
use crate::{
    conversion::{draft::Node, outcome::SkipReason},
    model::Tree,
};

/// What a value must be.
enum Must {
    /// One of these texts, where it stands.
    Be(&'static [&'static str]),
    /// One of these texts, in each item of the array.
    Hold(&'static [&'static str]),
    /// It must stand there, and hold something.
    Stand,
    /// A number within these bounds, where it stands.
    Lie(i64, i64),
}

struct Rule {
    group: &'static str,
    kinds: &'static [&'static str],
    /// Keys with a point between them; `[]` after one goes through its items.
    path: &'static str,
    must: Must,
}

const fn rule(
    group: &'static str,
    kinds: &'static [&'static str],
    path: &'static str,
    must: Must,
) -> Rule {
    Rule {
        group,
        kinds,
        path,
        must,
    }
}

const MODES: &[&str] = &[
    "ReadOnlyMany",
    "ReadWriteMany",
    "ReadWriteOnce",
    "ReadWriteOncePod",
];
const PORT: Must = Must::Lie(1, 65535);
const PROTOCOLS: Must = Must::Be(&["SCTP", "TCP", "UDP"]);
const STORAGE: &str = "storage.k8s.io";
const NETWORKING: &str = "networking.k8s.io";
const FLOW: &str = "flowcontrol.apiserver.k8s.io";

static RULES: &[Rule] = &[
    rule(
        "",
        &["PersistentVolume", "PersistentVolumeClaim"],
        "spec.accessModes",
        Must::Stand,
    ),
    rule(
        "",
        &["PersistentVolume", "PersistentVolumeClaim"],
        "spec.accessModes",
        Must::Hold(MODES),
    ),
    rule(
        "",
        &["PersistentVolume", "PersistentVolumeClaim"],
        "spec.volumeMode",
        Must::Be(&["Block", "Filesystem"]),
    ),
    rule(
        "",
        &["PersistentVolume"],
        "spec.capacity.storage",
        Must::Stand,
    ),
    rule(
        "",
        &["PersistentVolume"],
        "spec.persistentVolumeReclaimPolicy",
        Must::Be(&["Delete", "Recycle", "Retain"]),
    ),
    rule(
        "",
        &["PersistentVolumeClaim"],
        "spec.resources.requests.storage",
        Must::Stand,
    ),
    rule(
        "",
        &["Service"],
        "spec.type",
        Must::Be(&["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]),
    ),
    rule(
        "",
        &["Service"],
        "spec.ipFamilyPolicy",
        Must::Be(&["PreferDualStack", "RequireDualStack", "SingleStack"]),
    ),
    rule(
        "",
        &["Service"],
        "spec.ipFamilies",
        Must::Hold(&["IPv4", "IPv6"]),
    ),
    rule(
        "",
        &["Service"],
        "spec.sessionAffinity",
        Must::Be(&["ClientIP", "None"]),
    ),
    rule("", &["Service"], "spec.ports[].port", PORT),
    rule("", &["Service"], "spec.ports[].protocol", PROTOCOLS),
    rule("", &["Endpoints"], "subsets[].ports[].port", PORT),
    rule("", &["LimitRange"], "spec.limits[].type", Must::Stand),
    rule(
        "apps",
        &["Deployment"],
        "spec.strategy.type",
        Must::Be(&["Recreate", "RollingUpdate"]),
    ),
    rule(
        "apps",
        &["DaemonSet", "StatefulSet"],
        "spec.updateStrategy.type",
        Must::Be(&["OnDelete", "RollingUpdate"]),
    ),
    rule(
        "apps",
        &["StatefulSet"],
        "spec.podManagementPolicy",
        Must::Be(&["OrderedReady", "Parallel"]),
    ),
    rule(
        "apps",
        &["Deployment", "ReplicaSet", "StatefulSet"],
        "spec.replicas",
        Must::Lie(0, i32::MAX as i64),
    ),
    rule(
        "apps",
        &["Deployment", "DaemonSet", "ReplicaSet", "StatefulSet"],
        "spec.template.spec.restartPolicy",
        Must::Be(&["Always"]),
    ),
    rule(
        "batch",
        &["Job"],
        "spec.template.spec.restartPolicy",
        Must::Be(&["Never", "OnFailure"]),
    ),
    rule(
        "batch",
        &["CronJob"],
        "spec.jobTemplate.spec.template.spec.restartPolicy",
        Must::Be(&["Never", "OnFailure"]),
    ),
    rule(
        "batch",
        &["Job"],
        "spec.template.spec.restartPolicy",
        Must::Stand,
    ),
    rule(
        "batch",
        &["CronJob"],
        "spec.jobTemplate.spec.template.spec.restartPolicy",
        Must::Stand,
    ),
    rule("batch", &["CronJob"], "spec.schedule", Must::Stand),
    rule(
        "batch",
        &["CronJob"],
        "spec.concurrencyPolicy",
        Must::Be(&["Allow", "Forbid", "Replace"]),
    ),
    rule(
        "autoscaling",
        &["HorizontalPodAutoscaler"],
        "spec.maxReplicas",
        Must::Stand,
    ),
    rule(
        "autoscaling",
        &["HorizontalPodAutoscaler"],
        "spec.maxReplicas",
        Must::Lie(1, i32::MAX as i64),
    ),
    rule(
        "autoscaling",
        &["HorizontalPodAutoscaler"],
        "spec.scaleTargetRef.kind",
        Must::Stand,
    ),
    rule(
        "autoscaling",
        &["HorizontalPodAutoscaler"],
        "spec.scaleTargetRef.name",
        Must::Stand,
    ),
    rule(
        "policy",
        &["PodDisruptionBudget"],
        "spec.unhealthyPodEvictionPolicy",
        Must::Be(&["AlwaysAllow", "IfHealthyBudget"]),
    ),
    rule(
        NETWORKING,
        &["IngressClass"],
        "spec.parameters.scope",
        Must::Be(&["Cluster", "Namespace"]),
    ),
    rule(
        NETWORKING,
        &["NetworkPolicy"],
        "spec.policyTypes",
        Must::Hold(&["Egress", "Ingress"]),
    ),
    rule(
        NETWORKING,
        &["NetworkPolicy"],
        "spec.ingress[].ports[].protocol",
        PROTOCOLS,
    ),
    rule(
        NETWORKING,
        &["NetworkPolicy"],
        "spec.egress[].ports[].protocol",
        PROTOCOLS,
    ),
    rule(
        NETWORKING,
        &["NetworkPolicy"],
        "spec.ingress[].from[].ipBlock.cidr",
        Must::Stand,
    ),
    rule(
        NETWORKING,
        &["NetworkPolicy"],
        "spec.egress[].to[].ipBlock.cidr",
        Must::Stand,
    ),
    rule(STORAGE, &["StorageClass"], "provisioner", Must::Stand),
    rule(
        STORAGE,
        &["StorageClass"],
        "reclaimPolicy",
        Must::Be(&["Delete", "Retain"]),
    ),
    rule(
        STORAGE,
        &["StorageClass"],
        "volumeBindingMode",
        Must::Be(&["Immediate", "WaitForFirstConsumer"]),
    ),
    rule(
        STORAGE,
        &["CSIDriver"],
        "spec.fsGroupPolicy",
        Must::Be(&["File", "None", "ReadWriteOnceWithFSType"]),
    ),
    rule(
        STORAGE,
        &["CSIDriver"],
        "spec.volumeLifecycleModes",
        Must::Hold(&["Ephemeral", "Persistent"]),
    ),
    rule(
        "scheduling.k8s.io",
        &["PriorityClass"],
        "preemptionPolicy",
        Must::Be(&["Never", "PreemptLowerPriority"]),
    ),
    rule(
        FLOW,
        &["FlowSchema"],
        "spec.matchingPrecedence",
        Must::Lie(1, 10_000),
    ),
    rule(
        FLOW,
        &["FlowSchema"],
        "spec.distinguisherMethod.type",
        Must::Be(&["ByNamespace", "ByUser"]),
    ),
    rule(
        FLOW,
        &["PriorityLevelConfiguration"],
        "spec.type",
        Must::Be(&["Exempt", "Limited"]),
    ),
    rule(
        FLOW,
        &["PriorityLevelConfiguration"],
        "spec.type",
        Must::Stand,
    ),
    rule(
        FLOW,
        &["PriorityLevelConfiguration"],
        "spec.limited.limitResponse.type",
        Must::Be(&["Queue", "Reject"]),
    ),
    rule(
        "discovery.k8s.io",
        &["EndpointSlice"],
        "addressType",
        Must::Be(&["FQDN", "IPv4", "IPv6"]),
    ),
    rule(
        "discovery.k8s.io",
        &["EndpointSlice"],
        "endpoints[].addresses",
        Must::Stand,
    ),
    rule(
        "discovery.k8s.io",
        &["EndpointSlice"],
        "ports[].protocol",
        PROTOCOLS,
    ),
];

/// Kinds whose names are DNS names, by group.
static NAMED: [(&str, &[&str]); 8] = [
    (
        "",
        &[
            "ConfigMap",
            "Endpoints",
            "LimitRange",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "Pod",
            "PodTemplate",
            "ReplicationController",
            "ResourceQuota",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
    ),
    (
        "apps",
        &["DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"],
    ),
    ("batch", &["CronJob", "Job"]),
    ("autoscaling", &["HorizontalPodAutoscaler"]),
    (NETWORKING, &["Ingress", "IngressClass", "NetworkPolicy"]),
    (STORAGE, &["StorageClass"]),
    ("scheduling.k8s.io", &["PriorityClass"]),
    ("discovery.k8s.io", &["EndpointSlice"]),
];

/// Refuses what no server took.
pub(super) fn check(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    let group = context.api_version.group();
    check_name(node, group, context)?;
    for rule in RULES {
        if rule.group == group && rule.kinds.contains(&context.kind) {
            let keys: Vec<&str> = rule.path.split('.').collect();
            check_at(node, &keys, &rule.must)?;
        }
    }
    Ok(())
}

fn check_name(node: &Node<'_>, group: &str, context: &Context<'_>) -> Result<(), SkipReason> {
    let named = NAMED
        .iter()
        .any(|(of, kinds)| *of == group && kinds.contains(&context.kind));
    let name = node.text(&["metadata", "name"]).unwrap_or_default();
    let given = !name.is_empty() || node.text(&["metadata", "generateName"]).is_some();
    if named && (!given || (!name.is_empty() && !label::is_domain(name))) {
        return Err(refuse(
            node,
            &["metadata", "name"],
            "no server takes this name: it must be of a-z, 0-9, - and ., with a letter or digit at both ends of each part",
        ));
    }
    Ok(())
}

fn check_at(node: &mut Node<'_>, keys: &[&str], must: &Must) -> Result<(), SkipReason> {
    let Some((first, rest)) = keys.split_first() else {
        return Ok(());
    };
    if rest.is_empty() {
        return check_value(node, first, must);
    }
    if let Some(array) = first.strip_suffix("[]") {
        return node.try_each(&[array], |item| check_at(item, rest, must));
    }
    node.try_at(&[first], |child| check_at(child, rest, must))
}

fn check_value(node: &Node<'_>, key: &str, must: &Must) -> Result<(), SkipReason> {
    let value = node.get(&[key]);
    let one_of =
        |allowed: &[&str]| format!("no server takes this; write one of {}", allowed.join(", "));
    let advice = match must {
        Must::Be(allowed) => {
            let text = value.and_then(Tree::as_str).filter(|text| !text.is_empty());
            text.filter(|text| !allowed.contains(text))
                .map(|_| one_of(allowed))
        }
        Must::Hold(allowed) => {
            let items = value.and_then(Tree::as_array).unwrap_or_default();
            let mut texts = items.iter().filter_map(Tree::as_str);
            texts
                .any(|text| !allowed.contains(&text))
                .then(|| one_of(allowed))
        }
        Must::Stand => {
            let empty = match value {
                None => true,
                Some(Tree::String(text)) => text.is_empty(),
                Some(Tree::Array(items)) => items.is_empty(),
                Some(_) => false,
            };
            empty.then(|| "every server demands it; write it".to_owned())
        }
        Must::Lie(least, most) => value
            .and_then(Tree::as_i64)
            .filter(|number| !(*least..=*most).contains(number))
            .map(|_| format!("no server takes this; write a number from {least} to {most}")),
    };
    advice.map_or(Ok(()), |advice| Err(refuse(node, &[key], advice)))
}

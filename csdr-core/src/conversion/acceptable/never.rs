//! What no server of any release took: an object with it was never in a cluster, but a file may hold it.
//!
//! Such an object is refused here as well, so that a plan says it before anything is written. Where the bytes alone decide
//! (`concerns`) it is not looked for: the target's own message says it as well. Source: the validation of each kind.

mod rules;

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

const STORAGE: &str = "storage.k8s.io";
const NETWORKING: &str = "networking.k8s.io";

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
    for rule in rules::RULES {
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
    // A LimitRange gets a name from the server.
    let given = !name.is_empty()
        || context.kind == "LimitRange"
        || node.text(&["metadata", "generateName"]).is_some();
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

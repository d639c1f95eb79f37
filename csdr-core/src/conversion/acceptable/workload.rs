//! Deployment, DaemonSet, ReplicaSet, StatefulSet. Source: api-versions.md sections 2.3, 3.11 and 4;
//! `ValidateDeploymentSpec`, `ValidateStatefulSetSpec`.

use super::{
    Context, Mend, label,
    needle::{self, Needle, both, probe, value},
    refuse,
};
use crate::{
    conversion::{
        draft::{Node, map},
        outcome::SkipReason,
    },
    model::Tree,
};

pub(super) static MENDS: &[Mend] = &[
    Mend {
        group: "apps",
        kinds: &["Deployment", "DaemonSet", "ReplicaSet", "StatefulSet"],
        needles: &[NEEDLES],
        mend,
    },
    Mend {
        group: "apps",
        kinds: &["StatefulSet"],
        needles: &[STATEFUL_NEEDLES],
        mend: check_stateful_set,
    },
];

/// The first minor whose StatefulSets have a DNS label as name of their Service.
const SERVICE_NAME: u32 = 33;
/// The first minor whose StatefulSets have a DNS label as name.
const LABEL_NAME: u32 = 27;

static NEEDLES: &[Needle] = &[
    both("Recreate", "rollingUpdate"),
    both("OnDelete", "rollingUpdate"),
    probe(lacks_selector),
    value("selector", |value| value.starts_with(b"null")),
];

static STATEFUL_NEEDLES: &[Needle] = &[
    value("serviceName", |value| {
        needle::is_text(value, |text| {
            !text.is_empty() && !std::str::from_utf8(text).is_ok_and(label::is_dns_label)
        })
    })
    .since(SERVICE_NAME),
    value("name", |value| {
        needle::is_text(value, |name| name.contains(&b'.'))
    })
    .since(LABEL_NAME),
];

fn lacks_selector(json: &[u8]) -> bool {
    memchr::memmem::find(json, b"\"selector\"").is_none()
}

fn mend(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    if context.api_version.version() != "v1" {
        return Ok(());
    }
    drop_rolling_update(node, context.kind);
    mend_selector(node, context)
}

/// How a rolling update goes says nothing where none is made, and is refused there. A DaemonSet's is taken.
fn drop_rolling_update(node: &mut Node<'_>, kind: &str) {
    let (strategy, other) = match kind {
        "Deployment" => ("strategy", "Recreate"),
        "StatefulSet" => ("updateStrategy", "OnDelete"),
        _ => return,
    };
    if node.text(&["spec", strategy, "type"]) == Some(other) {
        node.remove(
            &["spec", strategy, "rollingUpdate"],
            "says nothing beside the other strategy, and the target refuses it there",
        );
    }
}

fn mend_selector(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    let path = ["spec", "selector"];
    let labels = node
        .get(&["spec", "template", "metadata", "labels"])
        .cloned();
    let labels =
        labels.filter(|labels| labels.as_object().is_some_and(|labels| !labels.is_empty()));
    if !node.has(&path) {
        let Some(labels) = labels.clone() else {
            return Err(refuse(
                node,
                &path,
                "it has neither a selector nor labels in its template, so it could find no Pods; write both",
            ));
        };
        node.set(
            &path,
            map([("matchLabels", labels)]),
            "required; what the beta versions wrote where nothing stood: the template's labels",
        );
    }
    label::check(node, &path, context)?;
    let Some(selector) = node
        .get(&path)
        .filter(|selector| selector.as_object().is_some())
    else {
        return Ok(());
    };
    let empty = |key: &str| match selector.at(&[key]) {
        Some(Tree::Object(labels)) => labels.is_empty(),
        Some(Tree::Array(expressions)) => expressions.is_empty(),
        Some(Tree::Null) | None => true,
        Some(_) => false,
    };
    if empty("matchLabels") && empty("matchExpressions") {
        return Err(refuse(
            node,
            &path,
            "an empty selector would take every Pod of the namespace, and the target refuses it; write the template's labels into it",
        ));
    }
    if !label::matches(selector, &labels.unwrap_or_default()) {
        return Err(refuse(
            node,
            &path,
            "the selector does not pick the labels of the template, so the Pods would not be found; make them agree",
        ));
    }
    Ok(())
}

fn check_stateful_set(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    let service = node.text(&["spec", "serviceName"]).unwrap_or_default();
    if context.minor >= SERVICE_NAME && !service.is_empty() && !label::is_dns_label(service) {
        return Err(refuse(
            node,
            &["spec", "serviceName"],
            "no Service can have this name; write the name of the StatefulSet's headless Service",
        ));
    }
    let name = node.text(&["metadata", "name"]).unwrap_or_default();
    if context.minor >= LABEL_NAME && name.contains('.') {
        return Err(refuse(
            node,
            &["metadata", "name"],
            "the Pods of a StatefulSet bear its name, and no host name has a point; give it another name",
        ));
    }
    Ok(())
}

//! APIService: priorities that a create demands. Source: `ValidateAPIService` of kube-aggregator.

use super::{Context, Mend, refuse};
use crate::conversion::{
    draft::Node,
    outcome::{LossKind, Severity, SkipReason},
};
use crate::model::Tree;

pub(super) static MENDS: &[Mend] = &[Mend {
    group: "apiregistration.k8s.io",
    kinds: &["APIService"],
    needles: &[],
    mend,
}];

/// What the API server itself gives to the group of a custom resource.
/// Source: `crdregistration_controller.go`, `GroupPriorityMinimum: 1000, VersionPriority: 100`.
const PRIORITIES: [(&str, i64, i64); 2] = [
    ("groupPriorityMinimum", 1000, 20000),
    ("versionPriority", 100, 1000),
];

fn mend(node: &mut Node<'_>, _: &Context<'_>) -> Result<(), SkipReason> {
    let name = node.text(&["metadata", "name"]).unwrap_or_default();
    let version = node.text(&["spec", "version"]).unwrap_or_default();
    let group = node.text(&["spec", "group"]).unwrap_or_default();
    if version.is_empty() || name != format!("{version}.{group}") {
        return Err(refuse(
            node,
            &["metadata", "name"],
            "an APIService must be called <version>.<group>",
        ));
    }
    for (field, usual, highest) in PRIORITIES {
        priority(node, field, usual, highest);
    }
    if node.has(&["spec", "service"]) {
        return service(node);
    }
    for field in ["caBundle", "insecureSkipTLSVerify"] {
        let says = match node.get(&["spec", field]) {
            Some(Tree::String(text)) => !text.is_empty(),
            Some(Tree::Bool(value)) => *value,
            _ => false,
        };
        if says {
            node.lose(
                &["spec", field],
                LossKind::Refused,
                Severity::Info,
                "a group that the API server serves itself is not reached over TLS",
            );
        }
    }
    Ok(())
}

fn priority(node: &mut Node<'_>, field: &str, usual: i64, highest: i64) {
    let path = ["spec", field];
    let value = match node.get(&path) {
        None => usual,
        Some(value) => match value.as_i64() {
            Some(value) if value > highest => highest,
            Some(value) if value <= 0 => usual,
            _ => return,
        },
    };
    let before = node.get(&path).cloned();
    node.set(&path, value, format!("must be from 1 to {highest}"));
    node.loses(
        &path,
        LossKind::Assumed,
        before,
        Severity::Warning,
        "the stored priority is none; the one of custom resources was written, which only counts where a group is served twice",
    );
}

fn service(node: &mut Node<'_>) -> Result<(), SkipReason> {
    for field in ["namespace", "name"] {
        let path = ["spec", "service", field];
        if node.text(&path).is_none_or(str::is_empty) {
            return Err(refuse(
                node,
                &path,
                "the service of an aggregated API needs its namespace and name",
            ));
        }
    }
    let port = node.get(&["spec", "service", "port"]);
    if port.is_some_and(|port| {
        !port
            .as_i64()
            .is_some_and(|port| (1..=65535).contains(&port))
    }) {
        return Err(refuse(
            node,
            &["spec", "service", "port"],
            "not a port number",
        ));
    }
    let insecure = ["spec", "insecureSkipTLSVerify"];
    if node.get(&insecure).and_then(Tree::as_bool) == Some(true)
        && node
            .text(&["spec", "caBundle"])
            .is_some_and(|bundle| !bundle.is_empty())
    {
        node.lose(
            &insecure,
            LossKind::Refused,
            Severity::Warning,
            "either a certificate authority or no verification; the authority was kept",
        );
    }
    Ok(())
}

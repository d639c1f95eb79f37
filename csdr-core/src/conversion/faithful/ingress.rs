//! Ingress, IngressClass.
//!
//! Source: api-versions.md sections 2.1 and 2.10b; Kubernetes pkg/apis/networking/v1beta1 and pkg/apis/extensions/v1beta1, conversion
//! and defaults. What a target's *minor* does not know (path types before 1.18) is not known here: that is for the second stage.

use super::{Family, Gv, nothing};
use crate::{
    Result,
    conversion::{
        draft::Node,
        outcome::{LossKind, Severity},
    },
    model::Tree,
};

pub(super) static FAMILIES: &[Family] = &[
    Family {
        kinds: &["Ingress"],
        defaults: ingress_defaults,
        to_hub: ingress_up,
        from_hub: ingress_down,
    },
    Family {
        kinds: &["IngressClass"],
        defaults: class_defaults,
        to_hub: nothing,
        from_hub: nothing,
    },
];

/// Whether backends are written as `serviceName` and `servicePort`.
fn flat(gv: Gv<'_>) -> bool {
    gv != ("networking.k8s.io", "v1")
}

/// networking.k8s.io/v1 demands a path type and has no default for it.
fn ingress_defaults(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    if flat(gv) {
        paths(node, |path| {
            path.default(&["pathType"], "ImplementationSpecific");
        });
    }
    Ok(())
}

fn paths(node: &mut Node<'_>, mut rule: impl FnMut(&mut Node<'_>)) {
    node.each(&["spec", "rules"], |host| {
        host.each(&["http", "paths"], |path| rule(path));
    });
}

fn ingress_up(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    if flat(gv) {
        node.rename(&["spec", "backend"], &["spec", "defaultBackend"]);
        node.at(&["spec", "defaultBackend"], backend_up);
        paths(node, |path| {
            path.at(&["backend"], backend_up);
        });
    }
    Ok(())
}

/// `serviceName` and `servicePort` become `service`; where neither says anything there is none.
fn backend_up(backend: &mut Node<'_>) {
    let named = backend
        .text(&["serviceName"])
        .is_some_and(|name| !name.is_empty());
    // An empty text counts as set, the number 0 does not.
    let numbered = match backend.get(&["servicePort"]) {
        Some(Tree::Number(number)) => number.as_i64() != Some(0),
        Some(Tree::String(_)) => true,
        _ => false,
    };
    if !named && !numbered {
        for (field, empty) in [
            ("serviceName", Tree::from("")),
            ("servicePort", Tree::from(0)),
        ] {
            if backend.get(&[field]) == Some(&empty) {
                backend.remove(&[field], "names no service");
            }
        }
        if backend.has(&["service"]) {
            backend.warn(
                &["service"],
                LossKind::UnknownField,
                Severity::Info,
                "a field of networking.k8s.io/v1 that the stored version does not know; it is kept and takes effect now",
            );
        }
        return;
    }
    backend.lose(
        &["service"],
        LossKind::UnknownField,
        Severity::Warning,
        "a field of networking.k8s.io/v1 that the stored version does not know; serviceName and servicePort stand instead",
    );
    backend.rename(&["serviceName"], &["service", "name"]);
    backend.add(&["service", "name"], "", "the port names no service");
    match backend.get(&["servicePort"]) {
        Some(Tree::String(name)) if !name.is_empty() => {
            backend.rename(&["servicePort"], &["service", "port", "name"]);
        }
        Some(Tree::Number(number)) if number.as_i64() != Some(0) => {
            backend.rename(&["servicePort"], &["service", "port", "number"]);
        }
        // networking.k8s.io/v1 refuses a service without a port; nothing says which it could be.
        Some(Tree::String(_) | Tree::Number(_)) => {
            backend.remove(&["servicePort"], "names no port");
            backend.add(
                &["service", "port"],
                Tree::object(),
                "the stored version names no port",
            );
        }
        _ => backend.add(
            &["service", "port"],
            Tree::object(),
            "the stored version names no port",
        ),
    }
}

fn ingress_down(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    if flat(gv) {
        node.rename(&["spec", "defaultBackend"], &["spec", "backend"]);
        node.at(&["spec", "backend"], backend_down);
        paths(node, |path| {
            path.at(&["backend"], backend_down);
        });
    }
    Ok(())
}

fn backend_down(backend: &mut Node<'_>) {
    if backend
        .get(&["service"])
        .is_some_and(|service| service.as_object().is_some())
    {
        service_down(backend);
    }
    if backend.tree().as_object().is_some() {
        backend.add(
            &["servicePort"],
            0,
            "the wanted version always writes a port; 0 is none",
        );
    }
}

fn service_down(backend: &mut Node<'_>) {
    backend.rename(&["service", "name"], &["serviceName"]);
    let named = backend
        .text(&["service", "port", "name"])
        .is_some_and(|name| !name.is_empty());
    if named {
        backend.rename(&["service", "port", "name"], &["servicePort"]);
        backend.lose(
            &["service", "port", "number"],
            LossKind::NoCounterpart,
            Severity::Warning,
            "the wanted version holds one port; its name was taken",
        );
    } else {
        backend.remove(&["service", "port", "name"], "names no port");
        backend.rename(&["service", "port", "number"], &["servicePort"]);
    }
    for way in [&["service", "port"][..], &["service"][..]] {
        if backend.get(way).is_none_or(emptied) {
            backend.tree_mut().remove(way);
        }
    }
    if backend.has(&["service"]) {
        backend.warn(
            &["service"],
            LossKind::UnknownField,
            Severity::Info,
            "not a field of the wanted version; a server drops it",
        );
    }
}

/// An object of which everything was taken.
fn emptied(tree: &Tree) -> bool {
    tree.as_object().is_some_and(|members| members.is_empty())
}

/// The default exists in v1 alone. Source: pkg/apis/networking/v1/defaults.go.
fn class_defaults(node: &mut Node<'_>, gv: Gv<'_>) -> Result<()> {
    if !flat(gv) {
        node.at(&["spec", "parameters"], |parameters| {
            parameters.default(&["scope"], "Cluster");
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;

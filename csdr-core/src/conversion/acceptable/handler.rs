//! Probes and hooks whose handler the target does not know: it drops the handler, and refuses what is left without one.
//! Source: `validateHandler`; feature gates GRPCContainerProbe and PodLifecycleSleepAction; a 1.21 server.

use super::{Context, pod::CONTAINERS};
use crate::conversion::{
    draft::Node,
    outcome::{LossKind, Severity},
};

/// The first minor whose servers take gRPC probes by default.
const GRPC: u32 = 24;
/// The first minor whose servers take hooks that sleep by default.
const SLEEP: u32 = 30;

/// Mends the containers of a Pod's spec.
pub(super) fn mend(spec: &mut Node<'_>, context: &Context<'_>) {
    if context.minor >= SLEEP {
        return;
    }
    for containers in CONTAINERS {
        spec.each(&[containers], |container| {
            for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
                container.at(&[probe], |probe| mend_probe(probe, context));
            }
            for hook in ["preStop", "postStart"] {
                mend_hook(container, &["lifecycle", hook]);
            }
        });
    }
}

fn mend_probe(probe: &mut Node<'_>, context: &Context<'_>) {
    if context.minor >= GRPC {
        return;
    }
    let Some(port) = probe.get(&["grpc", "port"]).cloned() else {
        return;
    };
    probe.lose(
        &["grpc"],
        LossKind::Meaning,
        Severity::Warning,
        "gRPC probes came with Kubernetes 1.23, switched on with 1.24: the target only asks whether the port is open",
    );
    probe.add(
        &["tcpSocket", "port"],
        port,
        "the target refuses a probe without a handler that it knows",
    );
}

/// Only a hook that does nothing else.
fn mend_hook(container: &mut Node<'_>, path: &[&str]) {
    let only_sleeps = container
        .get(path)
        .and_then(crate::model::Tree::as_object)
        .is_some_and(|hook| hook.len() == 1 && hook.contains_key("sleep"));
    if only_sleeps {
        container.lose(
            path,
            LossKind::NoCounterpart,
            Severity::Warning,
            "hooks that sleep came with Kubernetes 1.29, switched on with 1.30, and the target refuses one that does nothing; use an \
             exec hook that sleeps",
        );
    }
}

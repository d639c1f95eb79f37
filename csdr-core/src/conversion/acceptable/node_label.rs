//! Labels and taints of nodes that newer clusters do not have: a Pod that asks for them may wait for ever.
//!
//! Source: api-versions.md section 2.13. `beta.kubernetes.io/{os,arch,instance-type}` are still set by every kubelet and stay.

use super::Context;
use crate::{
    conversion::{
        draft::Node,
        outcome::{Edit, Severity},
    },
    model::Tree,
};

/// The first minor whose nodes carry `topology.kubernetes.io/*`.
pub(super) const TOPOLOGY: u32 = 17;
/// The first minor whose control plane nodes lack the label `node-role.kubernetes.io/master` (kubeadm).
pub(super) const CONTROL_PLANE: u32 = 24;

const RENAMED: [(&str, &str, u32); 3] = [
    (
        "failure-domain.beta.kubernetes.io/zone",
        "topology.kubernetes.io/zone",
        TOPOLOGY,
    ),
    (
        "failure-domain.beta.kubernetes.io/region",
        "topology.kubernetes.io/region",
        TOPOLOGY,
    ),
    (MASTER, CONTROL, CONTROL_PLANE),
];
const MASTER: &str = "node-role.kubernetes.io/master";
const CONTROL: &str = "node-role.kubernetes.io/control-plane";

const REASON: &str = "nodes of newer clusters carry the new label, and need not carry the old one; look whether the target's do";

fn renamed(label: &str, context: &Context<'_>) -> Option<&'static str> {
    RENAMED
        .iter()
        .find(|(old, _, since)| *old == label && context.minor >= *since)
        .map(|(_, new, _)| *new)
}

/// Writes the new label where a text names the old one.
fn mend_name(node: &mut Node<'_>, key: &str, context: &Context<'_>) {
    let Some(new) = node.text(&[key]).and_then(|label| renamed(label, context)) else {
        return;
    };
    let before = node.get(&[key]).cloned();
    node.record(
        &[key],
        Edit::Replaced,
        before,
        Some(new.into()),
        Severity::Warning,
        REASON,
    );
    node.tree_mut().set(&[key], new.into());
}

/// Rewrites `nodeSelectorTerms` and preferences: the keys of their expressions.
fn mend_expressions(term: &mut Node<'_>, context: &Context<'_>) {
    term.each(&["matchExpressions"], |expression| {
        mend_name(expression, "key", context);
    });
}

/// Rewrites the node affinity of a PersistentVolume.
pub(super) fn mend_volume(spec: &mut Node<'_>, context: &Context<'_>) {
    spec.each(&["nodeAffinity", "required", "nodeSelectorTerms"], |term| {
        mend_expressions(term, context)
    });
}

/// Rewrites what a Pod, or its template, asks of nodes.
pub(super) fn mend_pod(pod: &mut Node<'_>, context: &Context<'_>) {
    const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
    const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
    pod.at(&["spec"], |spec| {
        mend_selector(spec, context);
        spec.at(&["affinity", "nodeAffinity"], |affinity| {
            affinity.each(&[REQUIRED, "nodeSelectorTerms"], |term| {
                mend_expressions(term, context);
            });
            affinity.each(&[PREFERRED], |item| {
                item.at(&["preference"], |term| mend_expressions(term, context));
            });
        });
        for kind in ["podAffinity", "podAntiAffinity"] {
            spec.at(&["affinity", kind], |affinity| {
                affinity.each(&[REQUIRED], |term| mend_name(term, "topologyKey", context));
                affinity.each(&[PREFERRED], |item| {
                    item.at(&["podAffinityTerm"], |term| {
                        mend_name(term, "topologyKey", context);
                    });
                });
            });
        }
        spec.each(&["topologySpreadConstraints"], |constraint| {
            mend_name(constraint, "topologyKey", context);
        });
        if context.minor >= CONTROL_PLANE {
            tolerate_control_plane(spec);
        }
    });
}

fn mend_selector(spec: &mut Node<'_>, context: &Context<'_>) {
    for (old, new, since) in RENAMED {
        let (from, to) = (["nodeSelector", old], ["nodeSelector", new]);
        let Some(value) = spec.get(&from).filter(|_| context.minor >= since).cloned() else {
            continue;
        };
        match spec.get(&to) {
            None => {
                spec.record(
                    &to,
                    Edit::Moved {
                        from: spec.pointer(&from),
                    },
                    None,
                    None,
                    Severity::Warning,
                    REASON,
                );
                spec.tree_mut().remove(&from);
                spec.tree_mut().set(&to, value);
            }
            Some(present) if *present == value => {
                spec.remove(&from, "the new label is asked for already");
            }
            // Nobody knows which of the two is right.
            Some(_) => {}
        }
    }
}

/// The taint of control plane nodes changed its key: who tolerates the old one tolerates the new one as well.
fn tolerate_control_plane(spec: &mut Node<'_>) {
    let tolerations = spec.get(&["tolerations"]).and_then(Tree::as_array);
    let tolerations = tolerations.unwrap_or_default();
    let missing: Vec<Tree> = tolerations
        .iter()
        .filter(|toleration| toleration.text_at(&["key"]) == Some(MASTER))
        .map(|toleration| {
            let mut toleration = toleration.clone();
            toleration.set(&["key"], CONTROL.into());
            toleration
        })
        .filter(|toleration| !tolerations.contains(toleration))
        .collect();
    for toleration in missing {
        let Some(items) = spec
            .tree_mut()
            .at_mut(&["tolerations"])
            .and_then(Tree::as_array_mut)
        else {
            return;
        };
        let at = items.len().to_string();
        items.push(toleration.clone());
        spec.record(
            &["tolerations", &at],
            Edit::Added,
            None,
            Some(toleration),
            Severity::Info,
            "the taint of control plane nodes has this key since Kubernetes 1.24",
        );
    }
}

//! ResourceQuota and LimitRange. Source: `ValidateResourceQuotaSpec`, `ValidateLimitRange`: what no server ever took.

use super::{
    Context, Mend, label,
    needle::{Needle, text},
    quantity, refuse,
};
use crate::{
    conversion::{draft::Node, outcome::SkipReason},
    model::Tree,
};

pub(super) static MENDS: &[Mend] = &[
    Mend {
        group: "",
        kinds: &["ResourceQuota"],
        needles: &[&[text("scopes\"")]],
        mend: check_quota,
    },
    Mend {
        group: "",
        kinds: &["LimitRange"],
        needles: &[NEVER],
        mend: check_limits,
    },
];

/// Nothing is changed, and what is refused no server ever stored.
static NEVER: &[Needle] = &[text("defaultRequest\"").below(0)];

/// Resources that a quota may count without a domain. Source: `standardQuotaResources`, `standardResources`.
const STANDARD: [&str; 19] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "persistentvolumeclaims",
    "configmaps",
    "services.nodeports",
    "services.loadbalancers",
];
/// Those that Pods use. Source: `podComputeQuotaResources`.
const COMPUTE: [&str; 6] = [
    "cpu",
    "memory",
    "limits.cpu",
    "limits.memory",
    "requests.cpu",
    "requests.memory",
];

fn check_quota(node: &mut Node<'_>, _context: &Context<'_>) -> Result<(), SkipReason> {
    let hard = node.get(&["spec", "hard"]).and_then(Tree::as_object);
    let names: Vec<String> = hard
        .into_iter()
        .flatten()
        .map(|(name, _)| name.to_owned())
        .collect();
    for name in &names {
        let known = if name.contains('/') {
            label::is_qualified(name)
        } else {
            STANDARD.contains(&name.as_str())
                || name.starts_with("hugepages-")
                || name.starts_with("requests.hugepages-")
        };
        if !known {
            return Err(refuse(
                node,
                &["spec", "hard", name],
                "no server counts such a resource; write a standard one, or one with its domain (count/jobs.batch)",
            ));
        }
    }
    let scopes = node.get(&["spec", "scopes"]).and_then(Tree::as_array);
    for scope in scopes.unwrap_or_default().iter().filter_map(Tree::as_str) {
        let fits = |name: &str| match scope {
            "Terminating"
            | "NotTerminating"
            | "NotBestEffort"
            | "PriorityClass"
            | "CrossNamespacePodAffinity" => name == "pods" || COMPUTE.contains(&name),
            "BestEffort" => name == "pods",
            _ => true,
        };
        let standard = names
            .iter()
            .filter(|name| STANDARD.contains(&name.as_str()));
        if let Some(name) = standard.clone().find(|name| !fits(name)) {
            return Err(refuse(
                node,
                &["spec", "scopes"],
                format!(
                    "the scope {scope} is about Pods and cannot count {name}; make two quotas of it"
                ),
            ));
        }
    }
    Ok(())
}

/// `(smaller, larger)`: no value of the first may be above that of the second.
const ORDER: [(&str, &str); 6] = [
    ("min", "max"),
    ("min", "defaultRequest"),
    ("min", "default"),
    ("defaultRequest", "default"),
    ("defaultRequest", "max"),
    ("default", "max"),
];

fn check_limits(node: &mut Node<'_>, _context: &Context<'_>) -> Result<(), SkipReason> {
    node.try_each(&["spec", "limits"], |limit| {
        for (smaller, larger) in ORDER {
            let values = limit.get(&[smaller]).and_then(Tree::as_object);
            let above = values.into_iter().flatten().find(|(name, value)| {
                limit
                    .get(&[larger, name])
                    .is_some_and(|other| quantity::is_larger(value, other))
            });
            if let Some((name, _)) = above {
                return Err(refuse(
                    limit,
                    &[smaller, name],
                    format!("{smaller} must not be above {larger}; correct one of them"),
                ));
            }
        }
        Ok(())
    })
}

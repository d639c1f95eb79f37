//! PriorityClass. Source: api-versions.md section 3.10; `ValidatePriorityClass`.

use super::{
    Context, Mend,
    needle::{self, Needle, value},
    refuse,
};
use crate::{
    conversion::{draft::Node, outcome::SkipReason},
    model::Tree,
};

pub(super) static MENDS: &[Mend] = &[Mend {
    group: "scheduling.k8s.io",
    kinds: &["PriorityClass"],
    needles: &[NEEDLES],
    mend,
}];

/// The highest that is not the system's.
const HIGHEST: i64 = 1_000_000_000;
/// The classes that every cluster makes, and their values.
const SYSTEM: [(&str, i64); 2] = [
    ("system-node-critical", 2_000_001_000),
    ("system-cluster-critical", 2_000_000_000),
];

static NEEDLES: &[Needle] = &[
    value("name", |value| {
        needle::is_text(value, |name| name.starts_with(b"system-"))
    }),
    value("value", |value| {
        value
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
            >= 10
    }),
];

fn mend(node: &mut Node<'_>, _context: &Context<'_>) -> Result<(), SkipReason> {
    let name = node.text(&["metadata", "name"]).unwrap_or_default();
    let value = node.get(&["value"]).and_then(Tree::as_i64);
    if name.starts_with("system-") {
        let known = SYSTEM.iter().find(|(system, _)| *system == name);
        return Err(match known {
            Some(_) => SkipReason::MadeByCluster {
                advice: "every cluster has this class, with the same value".into(),
            },
            None => refuse(
                node,
                &["metadata", "name"],
                "names with system- belong to Kubernetes; give it another name, and Pods that ask for it as well",
            ),
        });
    }
    if value.is_some_and(|value| value > HIGHEST) {
        return Err(refuse(
            node,
            &["value"],
            "the highest value of a class of your own is 1000000000; write a lower one, below which the order of your classes stays",
        ));
    }
    Ok(())
}

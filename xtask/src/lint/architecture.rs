//! The one direction of dependencies (ARCHITECTURE.md), held by what cargo resolves.

use std::collections::BTreeSet;

use super::Verdict;
use crate::{metadata, run};

const CORE: &str = "csdr-core";

/// What the core must not contain: it does no I/O and knows no stack.
const NOT_IN_CORE: [&str; 6] = [
    "kube",
    "k8s-openapi",
    "reqwest",
    "hyper",
    "rustls",
    "opendal",
];

/// Crates that stand side by side: each may use the core, none may use another.
const SIBLINGS: [&str; 3] = ["csdr-storage", "csdr-k8s", "csdr-testkit"];

pub(super) fn check() -> Result<Verdict, String> {
    let mut broken = Vec::new();

    let tree = lines(&[
        "tree",
        "--package",
        CORE,
        "--all-features",
        "--edges",
        "normal",
        "--prefix",
        "none",
    ])?;
    let in_core: BTreeSet<&str> = tree
        .iter()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    for name in NOT_IN_CORE
        .into_iter()
        .filter(|name| in_core.contains(name))
    {
        broken.push(format!(
            "{CORE} depends on {name}: see `cargo tree -p {CORE} -e normal -i {name}`"
        ));
    }

    let edges = [
        "tree",
        "--package",
        CORE,
        "--all-features",
        "--edges",
        "normal,features",
        "--prefix",
        "none",
    ];
    if lines(&edges)?
        .iter()
        .any(|line| line.starts_with("tokio feature \"net\""))
    {
        broken.push(format!(
            "{CORE} switches on tokio's feature `net`: it must not be able to open a socket"
        ));
    }

    let members = metadata::members()?;
    for member in &members {
        let ours = member
            .normal_dependencies
            .iter()
            .filter(|name| members.iter().any(|other| other.name == **name));
        for dependency in ours {
            if SIBLINGS.contains(&dependency.as_str()) && SIBLINGS.contains(&member.name.as_str()) {
                broken.push(format!(
                    "{} depends on its sibling {dependency}",
                    member.name
                ));
            }
            if member.name == CORE {
                broken.push(format!(
                    "{CORE} depends on {dependency}: the core comes first"
                ));
            }
        }
    }

    if broken.is_empty() {
        return Ok(Verdict::Good);
    }
    Err(format!(
        "the architecture is broken:\n  {}",
        broken.join("\n  ")
    ))
}

fn lines(arguments: &[&str]) -> Result<Vec<String>, String> {
    let text = run::capture(&mut run::cargo(arguments)?)?;
    Ok(text.lines().map(str::to_owned).collect())
}

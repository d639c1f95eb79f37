//! Licences and bans of `deny.toml`, from what cargo knows: no network, nothing to install.

use std::collections::BTreeSet;

use super::{Policy, Verdict};
use crate::{metadata, run};

/// Every dependency, on every platform and for tests too, has a licence that is allowed.
pub(super) fn check() -> Result<Verdict, String> {
    let policy = Policy::read()?;
    let mut refused = Vec::new();
    let packages = metadata::everything()?;
    for package in &packages {
        let name = format!("{} {}", package.name, package.version);
        match &package.license {
            None => refused.push(format!("{name} states no licence")),
            Some(expression) => match policy.allows(expression) {
                Ok(true) => {}
                Ok(false) => refused.push(format!("{name} is under {expression}")),
                Err(error) => refused.push(format!("{name}: {error}")),
            },
        }
    }
    if refused.is_empty() {
        println!(
            "{} packages, every licence allowed by deny.toml",
            packages.len()
        );
        return Ok(Verdict::Good);
    }
    Err(format!(
        "licences that deny.toml does not allow:\n  {}",
        refused.join("\n  ")
    ))
}

/// Nothing that is shipped contains a banned crate.
///
/// A second TLS provider makes `kube::Client` panic at run time: hence the bans.
pub(super) fn check_bans() -> Result<Verdict, String> {
    let policy = Policy::read()?;
    let arguments = [
        "tree",
        "--workspace",
        "--all-features",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ];
    let text = run::capture(&mut run::cargo(&arguments)?)?;
    let names: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let found: Vec<&str> = policy
        .banned
        .iter()
        .map(String::as_str)
        .filter(|name| names.contains(name))
        .collect();
    if found.is_empty() {
        return Ok(Verdict::Good);
    }
    let list = found.join(", ");
    Err(format!(
        "banned by deny.toml: {list}; `cargo tree --workspace --all-features -i {}` says who wants it",
        found[0]
    ))
}

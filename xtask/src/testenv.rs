//! `cargo xtask testenv`: a control plane in the foreground.

use csdr_testenv::{Binaries, KubeVersion, NodeBinaries, VeleroJudge};

use crate::run;

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let mut version = None;
    let mut build_only = false;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--build-only" => build_only = true,
            "--version" => {
                let text = rest.next().ok_or("--version needs 1.36 or 1.21")?;
                version = Some(text.parse::<KubeVersion>().map_err(|error| error.chain())?);
            }
            other => return Err(format!("unknown argument {other}; see `cargo xtask help`")),
        }
    }
    if build_only {
        return match version {
            Some(version) => locate(&[version]),
            None => locate_all(),
        };
    }
    let version = version.unwrap_or_default();
    locate(&[version])?;
    let text = version.to_string();
    let mut command = run::cargo(&["run", "--package", "csdr-testenv", "--", "--version", &text])?;
    run::pass_through(&mut command)
}

/// Makes sure of everything that the tests need, and says where it lies.
pub(crate) fn locate_all() -> Result<(), String> {
    locate(&KubeVersion::ALL)?;
    locate_nodes()?;
    if let Some(reason) = VeleroJudge::left_out() {
        println!("left out: {reason}");
        return Ok(());
    }
    let judge = VeleroJudge::locate().map_err(|error| error.chain())?;
    println!("Velero's code as a judge:\n  {}", judge.program().display());
    Ok(())
}

/// Makes sure of the binaries, and says where they lie.
fn locate(versions: &[KubeVersion]) -> Result<(), String> {
    for version in versions {
        if let Some(reason) = version.left_out() {
            println!("left out: Kubernetes {version} — {reason}");
            continue;
        }
        let binaries = Binaries::locate(*version).map_err(|error| error.chain())?;
        println!("Kubernetes {version}:");
        for program in [
            binaries.etcd(),
            binaries.api_server(),
            binaries.controller_manager(),
        ] {
            println!("  {}", program.display());
        }
    }
    Ok(())
}

/// Makes sure of kwok and kube-scheduler, and says where they lie.
fn locate_nodes() -> Result<(), String> {
    if let Some(reason) = NodeBinaries::left_out() {
        println!("left out: nodes — {reason}");
        return Ok(());
    }
    let binaries = NodeBinaries::locate().map_err(|error| error.chain())?;
    println!("Nodes:");
    for program in [binaries.scheduler(), binaries.kwok()] {
        println!("  {}", program.display());
    }
    Ok(())
}

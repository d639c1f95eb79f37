//! `cargo xtask bench`: a benchmark in release, with the binaries that it needs.

use csdr_testenv::{Binaries, KubeVersion};

use crate::run;

/// Benchmarks that need no control plane.
const IN_MEMORY: [&str; 1] = ["convert"];

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let Some(name) = arguments.first() else {
        return Err("name a benchmark: cargo xtask bench NAME [ARG…]".to_owned());
    };
    if !IN_MEMORY.contains(&name.as_str()) {
        // Now, so that no build of minutes runs beside a measurement.
        Binaries::locate(KubeVersion::default()).map_err(|error| error.chain())?;
    }
    let mut command = run::cargo(&["run", "--release", "--package", "csdr-benches", "--"])?;
    // Nothing of our own on standard output: its last line may be a result in JSON.
    run::silently(command.args(arguments))
}

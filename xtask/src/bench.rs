//! `cargo xtask bench`: a benchmark in release, with the binaries it needs.

use csdr_testenv::{Binaries, KubeVersion};

use crate::run;

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    if arguments.is_empty() {
        return Err("name a benchmark: cargo xtask bench NAME [ARG…]".to_owned());
    }
    // Now, so that no build of minutes runs beside a measurement.
    Binaries::locate(KubeVersion::default()).map_err(|error| error.chain())?;
    let mut command = run::cargo(&["run", "--release", "--package", "csdr-benches", "--"])?;
    // Nothing of our own on standard output: its last line may be a result in JSON.
    run::silently(command.args(arguments))
}

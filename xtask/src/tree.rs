//! Where things lie.

use std::env;
use std::path::PathBuf;

/// The root of the project: cargo tells a program that it runs where its package lies.
pub(crate) fn root() -> Result<PathBuf, String> {
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    package
        .and_then(|package| package.parent().map(PathBuf::from))
        .ok_or_else(|| "the project's folder is not known: run this as `cargo xtask`".to_owned())
}

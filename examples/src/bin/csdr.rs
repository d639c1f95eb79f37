//! csdr: backs up, restores and migrates Kubernetes applications.

use csdr_examples::cli::{Hooks, run};
use std::process::exit;

fn main() {
    exit(run(std::env::args_os(), Hooks::default()));
}

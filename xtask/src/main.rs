//! The developer's commands: `cargo xtask test | testenv | lint | lifecycle | bench | fuzz | vectors`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

mod bench;
mod fuzz;
mod lifecycle;
mod lint;
mod metadata;
mod run;
mod test;
mod testenv;
mod tree;
mod vectors;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test [PHASE…]        everything, on a fresh machine with Rust and Go; or only the phases
                       testenv, unit, cluster, fuzz, quickstart
  testenv [--version 1.36|1.21] [--build-only]
                       a control plane in the foreground until Ctrl-C; or only its binaries
                       (all versions, unless one is named)
  lint                 format, clippy, documentation, licences, architecture, file rules
  lifecycle [--fields FOLDER | --patches FOLDER…]
                       the tables of API versions, fields and merged lists, from xtask/data; with a
                       folder of every-field objects (testdata of kubernetes/api) or those of the Go
                       modules k8s.io/{api,apimachinery,apiextensions-apiserver,kube-aggregator},
                       from those first
  bench NAME [ARG…]    a benchmark, in release
  fuzz [--seconds N] [TARGET…]
                       the fuzz targets, each N seconds (300)
  vectors [FILE…]      compare csdr's conversions with the API server's; without FILE, the
                       project's own vectors";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let done = match command.as_str() {
        "test" => test::run(&rest),
        "testenv" => testenv::run(&rest),
        "lifecycle" => lifecycle::run(&rest),
        "lint" => lint::run(&rest),
        "bench" => bench::run(&rest),
        "fuzz" => fuzz::run(&rest),
        "vectors" => return vectors::run(&rest),
        "" | "help" | "-h" | "--help" => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        unknown => Err(format!("no command `{unknown}`\n\n{USAGE}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

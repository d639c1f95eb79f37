//! `csdr-testenv`: a control plane in the foreground, until Ctrl-C.
//!
//! Usage: `csdr-testenv [--version 1.36|1.21]`. `cargo xtask testenv` runs it.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use csdr_testenv::{ControlPlane, KubeVersion};

fn main() -> ExitCode {
    match run() {
        // What a shell says of a program that Ctrl-C ended.
        Ok(()) => ExitCode::from(130),
        Err(error) => {
            eprintln!("csdr-testenv: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let mut version = KubeVersion::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        version = match (argument.as_str(), arguments.next()) {
            ("--version", Some(text)) => text
                .parse()
                .map_err(|error: csdr_testenv::Error| error.chain())?,
            _ => return Err(unknown(&argument)),
        };
    }
    let start = Instant::now();
    let plane = ControlPlane::builder()
        .version(version)
        .start_blocking()
        .map_err(|error| error.chain())?;
    println!(
        "Kubernetes {} at {}, ready in {:.1} s",
        plane.server_version(),
        plane.server_url(),
        start.elapsed().as_secs_f64()
    );
    println!("export KUBECONFIG={}", plane.kubeconfig().path().display());
    for (name, pid) in plane.processes() {
        println!("{name}: process {pid}");
    }
    println!("Ctrl-C ends it; nothing is left behind.");
    // Whoever reads this through a pipe may be gone: the control plane is still of use.
    let _ = std::io::stdout().flush();
    // Without a handler Ctrl-C would end the process as well, and the supervisor would clean up; but whoever starts this in the
    // background of a shell hands down an ignored signal, and then only a handler hears it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime
        .block_on(tokio::signal::ctrl_c())
        .map_err(|error| error.to_string())?;
    drop(plane);
    Ok(())
}

fn unknown(argument: &str) -> String {
    format!("unknown argument {argument:?}; usage: csdr-testenv [--version 1.36|1.21]")
}

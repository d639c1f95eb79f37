//! What csdr costs, against a floor that does the same work and nothing else.
//!
//! `cargo xtask bench objects --count N` measures backup and restore on a real control plane; `cargo xtask bench cancel` measures how
//! soon a running operation answers when its token falls. Each measurement is a process of its own: this program, started again with
//! a hidden command, whose last line is its result. `cargo xtask bench convert` measures the conversion of API versions, which is pure:
//! it needs no control plane, and no process of its own.

mod args;
mod cancel;
mod child;
mod convert;
mod floor;
mod objects;
mod process;
mod product;
mod sample;
mod workload;

use clap::Parser;
use std::{error::Error, io::Write, process::ExitCode};

/// Whatever goes wrong ends the benchmark.
type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    match args::Args::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = error.to_string();
            let mut below = error.source();
            while let Some(source) = below {
                text.push_str(&format!(": {source}"));
                below = source.source();
            }
            // There is nowhere else to say it.
            let _ = writeln!(std::io::stderr(), "error: {text}");
            ExitCode::FAILURE
        }
    }
}

//! `cargo xtask lint`: everything that can be said of the source without running it.

mod architecture;
mod files;
mod licence;
mod policy;

use std::process::Command;

use crate::{lifecycle, run};
use policy::Policy;

/// What one check came to.
enum Verdict {
    Good,
    /// The machine cannot do it: why.
    LeftOut(String),
}

type Check = fn() -> Result<Verdict, String>;

/// The cheap checks first.
const CHECKS: &[(&str, Check)] = &[
    ("file rules", files::check),
    ("format", format),
    ("architecture", architecture::check),
    ("generated files", generated),
    ("licences", licence::check),
    ("banned crates", licence::check_bans),
    ("cargo deny", deny),
    ("clippy", clippy),
    ("documentation", documentation),
    ("csdr-core on WebAssembly", wasm),
];

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    if let Some(argument) = arguments.first() {
        return Err(format!("lint takes no arguments, not `{argument}`"));
    }
    let mut broken = Vec::new();
    let mut left_out = Vec::new();
    for (name, check) in CHECKS {
        println!("== {name}");
        match check() {
            Ok(Verdict::Good) => {}
            Ok(Verdict::LeftOut(reason)) => left_out.push(format!("left out: {name} — {reason}")),
            Err(error) => {
                eprintln!("xtask: {error}");
                broken.push(*name);
            }
        }
    }
    for line in left_out {
        println!("{line}");
    }
    if broken.is_empty() {
        println!("lint: all good");
        return Ok(());
    }
    Err(format!("lint failed: {}", broken.join(", ")))
}

fn format() -> Result<Verdict, String> {
    run::pass_through(&mut run::cargo(&["fmt", "--all", "--", "--check"])?)?;
    let fuzz = ["fmt", "--manifest-path", "fuzz/Cargo.toml", "--", "--check"];
    run::pass_through(&mut run::cargo(&fuzz)?)?;
    Ok(Verdict::Good)
}

fn generated() -> Result<Verdict, String> {
    match lifecycle::stale()?.as_slice() {
        [] => Ok(Verdict::Good),
        files => Err(format!(
            "not what their data make of them: {}; run `cargo xtask lifecycle`",
            files.join(", ")
        )),
    }
}

fn clippy() -> Result<Verdict, String> {
    let arguments = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ];
    run::pass_through(&mut run::cargo(&arguments)?)?;
    Ok(Verdict::Good)
}

fn documentation() -> Result<Verdict, String> {
    let mut command = run::cargo(&["doc", "--workspace", "--no-deps", "--all-features"])?;
    command.env(
        "RUSTDOCFLAGS",
        "-D warnings -D rustdoc::broken_intra_doc_links",
    );
    run::pass_through(&mut command)?;
    Ok(Verdict::Good)
}

fn deny() -> Result<Verdict, String> {
    if run::capture(&mut run::cargo(&["deny", "--version"])?).is_err() {
        let reason = "cargo-deny is not installed (cargo install cargo-deny); the licences and bans of \
            deny.toml are checked here all the same, advisories are not";
        return Ok(Verdict::LeftOut(reason.to_owned()));
    }
    run::pass_through(&mut run::cargo(&["deny", "check"])?)?;
    Ok(Verdict::Good)
}

fn wasm() -> Result<Verdict, String> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let text = run::capture(Command::new(compiler).args([
        "--print",
        "target-libdir",
        "--target",
        TARGET,
    ]))?;
    if !std::path::Path::new(text.trim()).is_dir() {
        let reason = format!("the target is not installed (rustup target add {TARGET})");
        return Ok(Verdict::LeftOut(reason));
    }
    run::pass_through(&mut run::cargo(&[
        "check",
        "--package",
        "csdr-core",
        "--target",
        TARGET,
    ])?)?;
    Ok(Verdict::Good)
}

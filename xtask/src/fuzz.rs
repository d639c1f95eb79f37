//! `cargo xtask fuzz`: builds and runs the fuzz targets with nothing installed by hand.
//!
//! What `cargo fuzz` does: coverage instrumentation by compiler flags, and libFuzzer from the
//! crate `libfuzzer-sys`. Without the address sanitizer, which needs a nightly compiler: the
//! crates forbid `unsafe`, and what is looked for is a panic, a hang or memory without bound.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{metadata, run, tree};

const MANIFEST: &str = "fuzz/Cargo.toml";

const FLAGS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
    "-Cdebug-assertions",
    "-Coverflow-checks",
    "--cfg=fuzzing",
];

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let mut seconds = 300;
    let mut wanted = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--seconds" {
            let number = rest.next().and_then(|text| text.parse().ok());
            seconds = number.ok_or("--seconds needs a whole number")?;
        } else if argument.starts_with('-') {
            return Err(format!(
                "unknown argument {argument}; see `cargo xtask help`"
            ));
        } else {
            wanted.push(argument.clone());
        }
    }
    if let Some(reason) = left_out() {
        return Err(reason);
    }
    run_targets(&wanted, seconds)
}

/// Why this machine cannot fuzz, if it cannot.
pub(crate) fn left_out() -> Option<String> {
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    let answer = run::capture(Command::new(&compiler).arg("--version"));
    answer.err().map(|_| {
        format!("libFuzzer is C++, and there is no `{compiler}` here (Debian: apt-get install g++)")
    })
}

/// Runs the targets named, or all, each for some seconds. All are run before the first failure is told.
pub(crate) fn run_targets(wanted: &[String], seconds: u32) -> Result<(), String> {
    let targets = chosen(wanted)?;
    let triple = host()?;
    let mut build = run::cargo(&["build", "--release", "--manifest-path", MANIFEST])?;
    // With --target the flags spare build scripts and macros, which could not be linked with them.
    build.args(["--target", &triple, "--target-dir", "fuzz/target", "--bins"]);
    build
        .env("RUSTFLAGS", FLAGS.join(" "))
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    run::pass_through(&mut build)?;

    let root = tree::root()?;
    let programs = root.join("fuzz/target").join(triple).join("release");
    let mut broken = Vec::new();
    for target in &targets {
        println!("fuzzing {target} for {seconds} s");
        if let Err(error) = run_target(&root, &programs.join(target), target, seconds) {
            eprintln!("xtask: {error}");
            broken.push(target.as_str());
        }
    }
    if broken.is_empty() {
        return Ok(());
    }
    let list = broken.join(", ");
    Err(format!(
        "fuzzing found something in {list}: the input lies in fuzz/artifacts/<target>/"
    ))
}

fn chosen(wanted: &[String]) -> Result<Vec<String>, String> {
    let packages = metadata::of_manifest(MANIFEST)?;
    let mut all: Vec<String> = packages
        .into_iter()
        .flat_map(|package| package.programs)
        .collect();
    all.sort();
    if let Some(unknown) = wanted.iter().find(|name| !all.contains(name)) {
        return Err(format!(
            "no fuzz target `{unknown}`: there are {}",
            all.join(", ")
        ));
    }
    if all.is_empty() {
        return Err(format!("{MANIFEST} has no fuzz targets"));
    }
    Ok(if wanted.is_empty() {
        all
    } else {
        wanted.to_vec()
    })
}

fn run_target(root: &Path, program: &Path, target: &str, seconds: u32) -> Result<(), String> {
    let folder = |path: PathBuf| {
        fs::create_dir_all(&path)
            .map_err(|error| format!("cannot make {}: {error}", path.display()))?;
        Ok::<PathBuf, String>(path)
    };
    // What is found goes into the first folder, which git does not see, and is kept from run to run.
    let found = folder(root.join("fuzz/target/corpus").join(target))?;
    let artifacts = folder(root.join("fuzz/artifacts").join(target))?;
    let committed = root.join("fuzz/corpus").join(target);
    let mut command = Command::new(program);
    command.arg(format!("-max_total_time={seconds}"));
    command.args([
        "-timeout=10",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
        "-verbosity=0",
    ]);
    command.arg(format!("-artifact_prefix={}/", artifacts.display()));
    command.arg(found);
    if committed.is_dir() {
        command.arg(committed);
    }
    let output = command.current_dir(root).output();
    let output = output.map_err(|error| format!("cannot run {}: {error}", program.display()))?;
    let text = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        println!("{target}: {}", statistics(&text));
        return Ok(());
    }
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(60)..].join("\n");
    Err(format!("{tail}\n{target} failed ({})", output.status))
}

/// What libFuzzer says of a run at its end, on one line.
fn statistics(text: &str) -> String {
    let numbers = text
        .lines()
        .filter_map(|line| line.strip_prefix("stat::")?.split_once(':'));
    let shown = numbers.map(|(name, value)| format!("{} {}", name.replace('_', " "), value.trim()));
    shown.collect::<Vec<_>>().join(", ")
}

/// The triple of this machine's compiler.
fn host() -> Result<String, String> {
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let text = run::capture(Command::new(compiler).arg("-vV"))?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| "rustc -vV names no host".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statistics_of_a_run_fit_on_a_line() {
        let text =
            "NEW_FUNC\nstat::number_of_executed_units: 36476\nstat::peak_rss_mb:              38\n";
        assert_eq!(
            statistics(text),
            "number of executed units 36476, peak rss mb 38"
        );
    }
}

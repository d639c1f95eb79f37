//! `vectors FILE…`: judges vectors (`-`: standard input), prints those that differ with the first differing path, and closes with
//! `N passed, M failed`. Ends with 1 if any failed, with 2 if a file is no vectors.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]

use csdr_testkit::vectors::{Verdict, judge};
use std::{io::Read, process::ExitCode};

fn main() -> ExitCode {
    let files: Vec<String> = std::env::args().skip(1).collect();
    match run(&files) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("vectors: {message}");
            ExitCode::from(2)
        }
    }
}

/// The number that failed.
fn run(files: &[String]) -> Result<u64, String> {
    if files.is_empty() {
        return Err("name at least one file of vectors, or - for standard input".to_owned());
    }
    let (mut passed, mut failed) = (0, 0);
    for file in files {
        let text = read(file).map_err(|error| format!("{file}: {error}"))?;
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() {
                continue;
            }
            let judged =
                judge(line).map_err(|error| format!("{file}, line {number}: {}", error.chain()))?;
            match judged.verdict {
                Verdict::Passed => passed += 1,
                Verdict::Failed(why) => {
                    failed += 1;
                    println!("{}: {why}", judged.id);
                }
                Verdict::Apart(why) => println!("{}: apart: {why}", judged.id),
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    Ok(failed)
}

fn read(file: &str) -> std::io::Result<String> {
    if file == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(file)
}

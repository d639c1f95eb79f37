//! Running other programs: passed through, captured, or watched for test results.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use crate::tree;

/// A test that leaves out a class of tests writes such a line, on either stream.
const LEFT_OUT: &str = "left out: ";

/// What a test run came to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    /// What the tests said they left out: `class — reason`.
    pub(crate) left_out: BTreeSet<String>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.left_out.extend(other.left_out);
    }
}

/// `cargo` with these arguments, in the project's root.
pub(crate) fn cargo(arguments: &[&str]) -> Result<Command, String> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(tree::root()?);
    // Tests run in their packages' folders: a relative folder would not be found from there.
    for name in ["KUBEBUILDER_ASSETS", "CSDR_TESTENV_CACHE"] {
        let set = std::env::var_os(name).filter(|folder| !folder.is_empty());
        if let Some(folder) = set.and_then(|folder| std::path::absolute(folder).ok()) {
            command.env(name, folder);
        }
    }
    Ok(command)
}

/// Runs with the terminal passed through; an unsuccessful end is the error.
pub(crate) fn pass_through(command: &mut Command) -> Result<(), String> {
    println!("$ {}", describe(command));
    silently(command)
}

/// The same without saying what is run.
pub(crate) fn silently(command: &mut Command) -> Result<(), String> {
    let status = command
        .status()
        .map_err(|error| cannot_run(command, &error))?;
    success(command, status)
}

/// Runs and gives standard output; standard error is the error's text.
pub(crate) fn capture(command: &mut Command) -> Result<String, String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| cannot_run(command, &error))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "`{}` failed:\n{}",
        describe(command),
        text.trim_end()
    ))
}

/// Runs `cargo test …`, prints what it prints, and counts.
pub(crate) fn tests(command: &mut Command) -> (Tally, Result<(), String>) {
    println!("$ {}", describe(command));
    if std::io::stderr().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => return (Tally::default(), Err(cannot_run(command, &error))),
    };
    let errors = child.stderr.take();
    let from_errors = thread::spawn(move || {
        let mut scan = Scan::default();
        each_line(errors, |line| {
            if scan.line(line) {
                eprintln!("{line}");
            }
        });
        scan.tally
    });
    let mut scan = Scan::default();
    each_line(child.stdout.take(), |line| {
        if scan.line(line) {
            println!("{line}");
        }
    });
    let mut tally = scan.tally;
    tally.add(from_errors.join().unwrap_or_default());
    let done = match child.wait() {
        Ok(status) => success(command, status),
        Err(error) => Err(cannot_run(command, &error)),
    };
    (tally, done)
}

/// Reads test output line by line.
#[derive(Debug, Default)]
struct Scan {
    tally: Tally,
    /// Inside what `--show-output` prints of tests that passed.
    in_successes: bool,
}

impl Scan {
    /// Takes a line in; whether it should be shown.
    fn line(&mut self, line: &str) -> bool {
        if let Some(result) = line.strip_prefix("test result: ") {
            self.in_successes = false;
            self.tally.passed += number_before(result, " passed");
            self.tally.failed += number_before(result, " failed");
        } else if line == "failures:" {
            self.in_successes = false;
        } else if line == "successes:" {
            self.in_successes = true;
        } else if let Some(class) = line.strip_prefix(LEFT_OUT) {
            return self.tally.left_out.insert(class.to_owned());
        }
        !self.in_successes
    }
}

fn number_before(text: &str, word: &str) -> u64 {
    let before = text.split(word).next().unwrap_or_default();
    let digits = before.rsplit(|c: char| !c.is_ascii_digit()).next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

fn each_line(stream: Option<impl Read>, mut take: impl FnMut(&str)) {
    let Some(stream) = stream else { return };
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    // A test may print anything: what is not UTF-8 must not end the reading.
    while reader
        .read_until(b'\n', &mut line)
        .is_ok_and(|length| length > 0)
    {
        take(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']));
        line.clear();
    }
}

/// The command as one would type it.
pub(crate) fn describe(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let mut text = program
        .file_stem()
        .unwrap_or_default()
        .display()
        .to_string();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.display().to_string());
    }
    text
}

fn success(command: &Command, status: ExitStatus) -> Result<(), String> {
    if status.success() {
        return Ok(());
    }
    Err(format!("`{}` failed ({status})", describe(command)))
}

fn cannot_run(command: &Command, error: &std::io::Error) -> String {
    let program = command.get_program().display();
    format!("cannot run {program}: {error}; is it installed?")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(lines: &[&str]) -> (Tally, Vec<String>) {
        let mut scan = Scan::default();
        let shown = lines.iter().filter(|line| scan.line(line));
        let shown = shown.map(|line| (*line).to_owned()).collect();
        (scan.tally, shown)
    }

    #[test]
    fn results_are_summed() {
        let (tally, _) = scan(&[
            "test result: ok. 14 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.05s",
            "test result: FAILED. 100 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out",
        ]);
        assert_eq!((tally.passed, tally.failed), (114, 3));
    }

    #[test]
    fn a_test_that_passes_is_heard_only_for_what_it_leaves_out() {
        let (tally, shown) = scan(&[
            "test a ... ok",
            "successes:",
            "noise",
            "left out: tests on Kubernetes 1.21 — no Go",
            "left out: tests on Kubernetes 1.21 — no Go",
            "successes:",
            "    a",
            "failures:",
            "why",
            "test result: ok. 1 passed; 0 failed;",
            "more",
        ]);
        assert_eq!(tally.left_out.len(), 1);
        assert_eq!(
            shown,
            [
                "test a ... ok",
                "left out: tests on Kubernetes 1.21 — no Go",
                "failures:",
                "why",
                "test result: ok. 1 passed; 0 failed;",
                "more"
            ]
        );
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let error = capture(&mut Command::new("no-such-program")).unwrap_err();
        assert!(error.starts_with("cannot run no-such-program"), "{error}");
    }
}

//! One measurement, one process.

use crate::{Result, process::cpu_seconds, sample::Sample};
use std::{
    io::Write,
    process::{Output, Stdio},
};
use tokio::process::Command;

/// Starts this program again with a hidden command, and reads the result that it prints last.
pub(crate) async fn run(arguments: &[String]) -> Result<Sample> {
    let program = std::env::current_exe()?;
    let what = arguments.first().map_or("", String::as_str);
    let Output { status, stdout, .. } = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await?;
    if !status.success() {
        return Err(format!("{what} ended with {status}").into());
    }
    let text = String::from_utf8(stdout)?;
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).map_err(|error| format!("{what} gave no result: {error}").into())
}

/// Prints the result of this process.
pub(crate) fn answer(mut sample: Sample) -> Result<()> {
    sample.cpu_seconds = cpu_seconds(std::process::id())?;
    let mut line = serde_json::to_string(&sample)?;
    line.push('\n');
    std::io::stdout().write_all(line.as_bytes())?;
    Ok(())
}

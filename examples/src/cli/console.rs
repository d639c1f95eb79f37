//! What a person, or the next program in a pipe, sees.

use super::{Hooks, Sink, args::Output};
use csdr_core::{Error, ErrorKind, Result, manifest::yaml::to_yaml, model::Tree};
use serde::Serialize;
use std::{
    io::{self, IsTerminal},
    sync::{Arc, Mutex, PoisonError},
};

/// Standard output and standard error, or what stands for them.
#[derive(Clone)]
pub(super) struct Console {
    stdout: Sink,
    stderr: Sink,
    terminal: bool,
    verbose: bool,
}

impl Console {
    pub(super) fn new(hooks: &Hooks) -> Self {
        Self {
            stdout: hooks
                .stdout
                .clone()
                .unwrap_or_else(|| Arc::new(Mutex::new(io::stdout()))),
            stderr: hooks
                .stderr
                .clone()
                .unwrap_or_else(|| Arc::new(Mutex::new(io::stderr()))),
            terminal: hooks.stderr.is_none() && io::stderr().is_terminal(),
            verbose: false,
        }
    }

    pub(super) fn set_verbose(&mut self, verbose: bool) {
        self.verbose = verbose;
    }

    pub(super) fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// Whether standard error is a terminal.
    pub(super) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// A result, to standard output. A reader that has gone (`csdr … | head`) is not an error.
    pub(super) fn print(&self, text: &str) -> Result<()> {
        self.write(&format!("{text}\n"))
    }

    /// A result as it is, without a line feed of its own.
    pub(super) fn write(&self, text: &str) -> Result<()> {
        let mut out = self.stdout.lock().unwrap_or_else(PoisonError::into_inner);
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::new(
                ErrorKind::Unavailable,
                "cannot write to standard output; check where it leads",
            )
            .with_source(error)),
            _ => Ok(()),
        }
    }

    /// What is told beside a result, in the form that was asked for, to standard error.
    pub(super) fn tell(
        &self,
        output: Output,
        document: &impl Serialize,
        table: impl FnOnce() -> String,
    ) -> Result<()> {
        let mut text = rendered(output, document, table)?;
        if !text.is_empty() {
            text.push('\n');
        }
        let mut err = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
        Ok(())
    }

    /// A result in the form that was asked for.
    pub(super) fn show(
        &self,
        output: Output,
        document: &impl Serialize,
        table: impl FnOnce() -> String,
    ) -> Result<()> {
        self.print(&rendered(output, document, table)?)
    }

    /// A line to standard error; when that is gone, nobody is left to tell.
    pub(super) fn line(&self, text: &str) {
        let mut line = text.replace(['\n', '\r'], " ");
        line.push('\n');
        let mut err = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = err.write_all(line.as_bytes()).and_then(|()| err.flush());
    }

    /// An error on one line; with `--verbose` also what the layers below said.
    pub(super) fn error(&self, error: &Error) {
        let text = if self.verbose {
            error.chain()
        } else {
            error.to_string()
        };
        self.line(&format!("error: {text}"));
    }
}

fn rendered(
    output: Output,
    document: &impl Serialize,
    table: impl FnOnce() -> String,
) -> Result<String> {
    let unwritable = |error| {
        Error::new(
            ErrorKind::Unexpected,
            "the result cannot be written as JSON",
        )
        .with_source(error)
    };
    let text = match output {
        Output::Table => table(),
        Output::Json => serde_json::to_string_pretty(document).map_err(unwritable)?,
        Output::Yaml => to_yaml(&Tree::parse(
            &serde_json::to_vec(document).map_err(unwritable)?,
        )?),
    };
    Ok(text.trim_end().to_owned())
}

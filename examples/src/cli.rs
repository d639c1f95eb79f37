//! The command line of csdr.
//!
//! ```text
//! csdr backup  create NAME | list | describe NAME | verify NAME | delete NAME | export NAME
//! csdr restore create NAME --backup BACKUP | plan NAME --backup BACKUP | list | describe NAME
//! csdr convert [PATH…] --to RELEASE | --jobs FILE
//! csdr lifecycle --backup BACKUP --targets RELEASE,…
//! csdr target-apis > FILE
//! csdr vault   create | check | gc
//! ```
//!
//! Results go to standard output, progress and errors to standard error. An error is one line that says what to do next;
//! `--verbose` shows the layers below it. Exit codes: see [`Exit`].
//!
//! | room | what stands in it |
//! |---|---|
//! | `args` | what a person may write, by clap |
//! | `context` | from these words to a vault, a source, a target |
//! | `backup`, `restore`, `vault`, `convert`, `lifecycle`, `target_apis` | one function a command |
//! | `planned`, `console`, `progress` | what a person sees |
//! | `signal` | Ctrl-C |

mod args;
mod backup;
mod console;
mod context;
mod convert;
mod exit;
mod export;
mod folder;
mod hooks;
mod lifecycle;
mod planned;
mod progress;
mod restore;
mod signal;
mod spec;
mod table;
mod target_apis;
mod vault;

pub use exit::Exit;
pub use hooks::{Hooks, Sink, Wrap};

use args::{BackupCommand, Cli, Command, RestoreCommand, VaultCommand};
use clap::Parser;
use console::Console;
use context::Context;
use csdr_core::{Error, ErrorKind, Result};
use std::{ffi::OsString, time::Duration};
use tokio::{
    runtime::{Builder, Handle},
    time::{sleep, timeout},
};

/// How long a command that did not end well may clean up behind itself: end unfinished uploads, close connections.
const GRACE: Duration = Duration::from_secs(1);

/// Runs one command line, the program's name first, and answers the exit code.
///
/// Starts a tokio runtime of its own: call it from a thread that has none.
///
/// ```
/// use csdr_examples::cli::{Hooks, run};
/// use std::sync::{Arc, Mutex};
///
/// let out = Arc::new(Mutex::new(Vec::new()));
/// let hooks = Hooks::default().with_stdout(out.clone()).with_stderr(Arc::new(Mutex::new(Vec::new())));
/// assert_eq!(run(["csdr", "--version"].map(Into::into), hooks), 0);
/// assert!(String::from_utf8_lossy(&out.lock().unwrap()).starts_with("csdr "));
/// ```
pub fn run(args: impl IntoIterator<Item = OsString>, hooks: Hooks) -> i32 {
    let mut console = Console::new(&hooks);
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return usage(&console, &error).code(),
    };
    console.set_verbose(cli.global.verbose);
    let exit = block_on(cli, hooks, console.clone()).unwrap_or_else(|error| {
        console.error(&error);
        Exit::of(&error)
    });
    exit.code()
}

/// What clap says: help and version are answers; everything else is one line.
fn usage(console: &Console, error: &clap::Error) -> Exit {
    let text = error.render().to_string();
    if !error.use_stderr() {
        return match console.print(text.trim_end()) {
            Ok(()) => Exit::Complete,
            Err(_) => Exit::Failed,
        };
    }
    let said: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .filter(|line| !line.is_empty())
        .collect();
    let line = said.join(" ");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    console.line(&format!("error: {line}; --help shows how to write it"));
    Exit::Usage
}

fn block_on(cli: Cli, hooks: Hooks, console: Console) -> Result<Exit> {
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| {
            Error::new(
                ErrorKind::Unavailable,
                "the system gives no threads; check its limits",
            )
            .with_operation("start")
            .with_source(source)
        })?;
    let ended = runtime.block_on(async {
        let cancel = signal::listen(&console)?;
        let cx = Context::new(cli.global, hooks, console, cancel);
        let ended = dispatch(&cx, cli.command).await;
        if !matches!(ended, Ok(Exit::Complete | Exit::Partial)) {
            settle().await;
        }
        ended
    });
    // What is left waits for a server or a disk that does not answer; nobody waits for that.
    runtime.shutdown_background();
    ended
}

/// Waits until only the task that listens to signals is left, and not for long: idle connections are tasks as well.
async fn settle() {
    let tasks = Handle::current();
    let quiet = async {
        while tasks.metrics().num_alive_tasks() > 1 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    // Either way the process ends now.
    let _ = timeout(GRACE, quiet).await;
}

async fn dispatch(cx: &Context, command: Command) -> Result<Exit> {
    match command {
        Command::Backup(command) => match command {
            BackupCommand::Create(args) => backup::create(cx, &args).await,
            BackupCommand::List => backup::list(cx).await,
            BackupCommand::Describe(args) => backup::describe(cx, &args).await,
            BackupCommand::Verify(args) => backup::verify(cx, &args).await,
            BackupCommand::Delete(args) => backup::delete(cx, &args).await,
            BackupCommand::Export(args) => export::export(cx, &args).await,
            BackupCommand::Explain(args) => backup::explain(cx, &args).await,
        },
        Command::Restore(command) => match command {
            RestoreCommand::Create(args) => restore::create(cx, &args).await,
            RestoreCommand::Plan(args) => restore::plan(cx, &args).await,
            RestoreCommand::List => restore::list(cx).await,
            RestoreCommand::Describe(args) => restore::describe(cx, &args.name).await,
            RestoreCommand::Arm(args) => restore::arm(cx, &args).await,
        },
        Command::Convert(args) => convert::convert(cx, *args).await,
        Command::Lifecycle(args) => lifecycle::lifecycle(cx, &args).await,
        Command::TargetApis(args) => target_apis::record(cx, &args).await,
        Command::Vault(command) => match command {
            VaultCommand::Create => vault::create(cx).await,
            VaultCommand::Check => vault::check(cx).await,
            VaultCommand::Gc(args) => vault::gc(cx, &args).await,
        },
    }
}

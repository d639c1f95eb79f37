//! Ctrl-C and SIGTERM.

use super::{Console, Exit};
use csdr_core::{Error, ErrorKind, Result};
use std::time::Duration;
use tokio::{task::spawn_blocking, time::timeout};
use tokio_util::sync::CancellationToken;

/// How long a signal waits for its line to be read.
const TOLD: Duration = Duration::from_millis(20);

/// A token that falls at the first signal; the second one ends the process at once.
pub(super) fn listen(console: &Console) -> Result<CancellationToken> {
    let cancel = CancellationToken::new();
    let (token, console) = (cancel.clone(), console.clone());
    let mut signals = Signals::new().map_err(|source| {
        Error::new(
            ErrorKind::Unavailable,
            "the system lets nobody listen to signals",
        )
        .with_operation("start")
        .with_source(source)
    })?;
    tokio::spawn(async move {
        signals.next().await;
        // In a thread of its own: if nobody reads standard error, the line waits, and neither the token nor the second signal may.
        let told = spawn_blocking(move || console.line("cancelling; once more stops at once"));
        // Where somebody reads, it is the first line of the end.
        let _ = timeout(TOLD, told).await;
        token.cancel();
        signals.next().await;
        // As after a kill: the vault shows no half backup, and `gc` or the same command again deals with the rest.
        std::process::exit(Exit::Cancelled.code());
    });
    Ok(cancel)
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

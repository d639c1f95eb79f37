//! How an operation ended.

use crate::{
    Error, ErrorKind, Result,
    port::{NoObserver, Observer},
};
use futures::future::{Either, select};
use serde::{Deserialize, Serialize};
use std::{fmt, pin::pin, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Everything that was asked for is done.
    Completed,
    /// Done but for what the report lists.
    PartiallyFailed,
    /// Not done; what it left is found by the same command again, or removed by `gc`.
    Failed,
    /// The cancellation token fell; as after a kill.
    Cancelled,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Completed => "Completed",
            Self::PartiallyFailed => "PartiallyFailed",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
        })
    }
}

/// One line of a report about one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// What it is about: an object, a kind, a namespace; empty for the whole operation.
    pub about: String,
    /// What happened.
    pub message: String,
}

impl Note {
    /// A line about one thing.
    pub fn new(about: impl fmt::Display, message: impl Into<String>) -> Self {
        Self {
            about: about.to_string(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.about.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.about, self.message)
        }
    }
}

/// Notes of which at most [`Notes::KEPT`] are kept, and all are counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    kept: Vec<Note>,
    total: u64,
}

impl Notes {
    /// How many are kept: what a person reads, and what memory may hold.
    pub const KEPT: usize = 1_000;

    /// Adds one.
    pub fn push(&mut self, note: Note) {
        if self.kept.len() < Self::KEPT {
            self.kept.push(note);
        }
        self.total += 1;
    }

    /// How many there were.
    pub fn len(&self) -> u64 {
        self.total
    }

    /// Whether there were none.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The kept ones, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Note> {
        self.kept.iter()
    }

    /// How many are not kept.
    pub fn dropped(&self) -> u64 {
        self.total - self.kept.len() as u64
    }
}

/// Why an operation failed, as it stands in a stored report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What a caller would branch on.
    pub kind: ErrorKind,
    /// The error on one line.
    pub message: String,
    /// The error and what the layers below it said, on one line; empty if they said nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub chain: String,
}

impl Failure {
    /// From the error that ended the operation.
    pub fn new(error: &Error) -> Self {
        let (message, chain) = (error.to_string(), error.chain());
        Self {
            kind: error.kind(),
            chain: if chain == message {
                String::new()
            } else {
                chain
            },
            message,
        }
    }

    /// The error again: its line, with those of the layers below as its source.
    pub fn to_error(&self) -> Error {
        let error = Error::new(self.kind, self.message.clone());
        let below = self.chain.strip_prefix(self.message.as_str());
        match below.and_then(|below| below.strip_prefix(": ")) {
            Some(below) => error.with_source(Error::new(self.kind, below)),
            None => error,
        }
    }
}

/// What an operation's end says as a `Result`: `Ok` if complete.
pub(crate) fn require_complete(
    outcome: Outcome,
    failure: Option<&Failure>,
    errors: &Notes,
    operation: &'static str,
) -> Result<()> {
    let first = || {
        errors
            .iter()
            .next()
            .map_or_else(String::new, |note| format!("; first: {note}"))
    };
    match outcome {
        Outcome::Completed => Ok(()),
        Outcome::Cancelled => Err(Error::cancelled(operation)),
        Outcome::PartiallyFailed => Err(Error::new(
            ErrorKind::Incomplete,
            format!("ended with {} errors{}", errors.len(), first()),
        )
        .with_operation(operation)),
        Outcome::Failed => Err(failure
            .map_or_else(
                || Error::new(ErrorKind::Unexpected, "failed"),
                Failure::to_error,
            )
            .with_operation(operation)),
    }
}

/// How an operation is run: all optional.
///
/// ```
/// use csdr_core::report::RunOptions;
/// use tokio_util::sync::CancellationToken;
/// let cancel = CancellationToken::new();
/// let options = RunOptions::default().with_cancel(cancel.clone());
/// cancel.cancel();
/// assert!(options.cancel.is_cancelled());
/// ```
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Ends the operation as soon as it falls: no request of a port starts after that. Two things go on: a vault that has a multipart
    /// upload open asks its store to throw the parts away (`AbortMultipartUpload`), in the background, so that they cost nothing; and a
    /// backup runs the post hooks of pods that are frozen at that moment ([`HookExecutor::exec`](crate::port::HookExecutor::exec)).
    pub cancel: CancellationToken,
    /// Is told what happens.
    pub observer: Arc<dyn Observer>,
    /// Bounds.
    pub limits: Limits,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            cancel: CancellationToken::new(),
            observer: Arc::new(NoObserver),
            limits: Limits::default(),
        }
    }
}

impl RunOptions {
    /// Can be cancelled by this token.
    #[must_use]
    pub fn with_cancel(mut self, cancel: CancellationToken) -> Self {
        self.cancel = cancel;
        self
    }

    /// Tells this observer.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// Within these bounds.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

/// Works until the token falls: then the work is dropped at once, and no request of it starts any more.
pub(crate) async fn unless_cancelled<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = T>,
) -> Option<T> {
    match select(pin!(cancel.cancelled()), pin!(work)).await {
        Either::Left(_) => None,
        Either::Right((done, _)) => Some(done),
    }
}

/// Bounds of one operation: memory and time follow them, never the size of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// About how many bytes a page of a list holds.
    pub page_bytes: usize,
    /// How many lists run at the same time.
    pub lists: usize,
    /// How many objects of a wave are written to the target at the same time.
    pub writes: usize,
    /// How often a write whose answer was lost, or that the server was too busy for, is tried.
    pub attempts: u32,
    /// How long a name stays claimed after the last sign of life.
    pub claim_expiry: Duration,
    /// How long custom resource definitions may take to be established, and a terminating namespace to go.
    pub ready_wait: Duration,
    /// Bounds of reading archives.
    pub archive: crate::archive::ArchiveLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            page_bytes: 2 << 20,
            lists: 4,
            writes: 32,
            attempts: 5,
            claim_expiry: Duration::from_secs(120),
            ready_wait: Duration::from_secs(120),
            archive: crate::archive::ArchiveLimits::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_failure_keeps_its_line_and_those_below_apart() {
        let below = Error::new(ErrorKind::Unavailable, "connection reset");
        let error = Error::new(ErrorKind::Unavailable, "cannot write")
            .with_operation("back up")
            .with_source(below);
        let failure = Failure::new(&error);
        assert_eq!(failure.message, "back up: cannot write");
        let json = serde_json::to_string(&failure).unwrap();
        let again: Failure = serde_json::from_str(&json).unwrap();
        let again = again.to_error();
        assert_eq!(again.kind(), ErrorKind::Unavailable);
        assert_eq!(again.to_string(), "back up: cannot write");
        assert_eq!(again.chain(), error.chain());
        // A failure that an older version stored, or that has nothing below it.
        let plain: Failure =
            serde_json::from_str(r#"{"kind":"corrupt","message":"a: b"}"#).unwrap();
        assert_eq!(plain.to_error().chain(), "a: b");
    }
}

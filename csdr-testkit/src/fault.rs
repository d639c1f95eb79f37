//! Faults on purpose: the n-th call fails, tears, hangs, or ends the process.

mod applier;
mod collector;
mod hook;
mod vault;

pub use vault::Faulty;

use csdr_core::{Error, ErrorKind, Retry};
use std::{
    fmt,
    future::pending,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// What happens at a call.
#[derive(Clone)]
#[non_exhaustive]
pub enum Fault {
    /// The call fails with this kind; with `Retry::After` if `retry`.
    Fail {
        /// What the caller sees.
        kind: ErrorKind,
        /// Whether the caller is told that it may try again.
        retry: bool,
    },
    /// A `put` or `finish` leaves its first half behind, as a store would that breaks its contract, and fails; at either moment.
    /// Other calls fail only. What `CreateNew` finds there already stays whole.
    Tear,
    /// The call never answers.
    Hang,
    /// The hook is called, which should end the process; if it comes back, the call hangs.
    Die(Arc<dyn Fn() + Send + Sync>),
}

impl Fault {
    /// Fails with `Unavailable`, which may be tried again.
    pub fn unavailable() -> Self {
        Self::Fail {
            kind: ErrorKind::Unavailable,
            retry: true,
        }
    }

    /// Fails for good.
    pub fn fail(kind: ErrorKind) -> Self {
        Self::Fail { kind, retry: false }
    }

    /// Ends this process with SIGKILL: nothing is flushed, dropped or told.
    #[cfg(unix)]
    pub fn kill() -> Self {
        Self::Die(Arc::new(kill_self))
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fail { kind, retry } => f
                .debug_struct("Fail")
                .field("kind", kind)
                .field("retry", retry)
                .finish(),
            Self::Tear => f.write_str("Tear"),
            Self::Hang => f.write_str("Hang"),
            Self::Die(_) => f.write_str("Die"),
        }
    }
}

/// Ends this process with SIGKILL.
#[cfg(unix)]
pub fn kill_self() {
    use rustix::process::{Signal, getpid, kill_process};
    // It cannot fail for one's own process; should it, the caller hangs and the test's bound ends it.
    let _ = kill_process(getpid(), Signal::KILL);
}

/// When a fault strikes: before the call reaches what is below, or after it took effect there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The call has no effect.
    Before,
    /// The call took effect; only its answer is lost.
    After,
}

/// A call as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The verb: `put`, `writer`, `write`, `finish`, `abort`, `get`, `stat`, `list`, `delete`; a cluster's wrapper has its own.
    pub verb: &'static str,
    /// What it was about: a key, an object's id.
    pub subject: String,
}

/// Which faults strike when, and what was called so far. Clones are one plan, so that several wrappers count together.
///
/// Calls are counted from 1.
///
/// ```
/// use csdr_testkit::fault::{Fault, Moment, Plan};
///
/// // The third call takes effect, and its answer is lost.
/// let plan = Plan::new().at(3, Moment::After, Fault::unavailable());
/// assert_eq!(plan.count(), 0);
/// ```
#[derive(Clone, Default)]
pub struct Plan {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    count: AtomicUsize,
    rules: Mutex<Vec<Rule>>,
    calls: Mutex<Vec<Call>>,
}

type Condition = dyn Fn(usize, &Call) -> bool + Send + Sync;

struct Rule {
    condition: Box<Condition>,
    moment: Moment,
    fault: Fault,
}

impl Plan {
    /// Nothing fails; calls are counted.
    pub fn new() -> Self {
        Self::default()
    }

    /// A fault at the call number `n` (from 1).
    #[must_use]
    pub fn at(self, n: usize, moment: Moment, fault: Fault) -> Self {
        self.when(moment, fault, move |number, _| number == n)
    }

    /// A fault at every call from number `n` on.
    #[must_use]
    pub fn from(self, n: usize, moment: Moment, fault: Fault) -> Self {
        self.when(moment, fault, move |number, _| number >= n)
    }

    /// A fault at the `n`-th call (from 1) of one verb.
    #[must_use]
    pub fn at_verb(self, verb: &'static str, n: usize, moment: Moment, fault: Fault) -> Self {
        let seen = AtomicUsize::new(0);
        self.when(moment, fault, move |_, call| {
            call.verb == verb && seen.fetch_add(1, Ordering::SeqCst) + 1 == n
        })
    }

    /// A fault wherever the condition holds; it is asked once a call, with the call's number. The first rule that holds strikes.
    #[must_use]
    pub fn when(
        self,
        moment: Moment,
        fault: Fault,
        condition: impl Fn(usize, &Call) -> bool + Send + Sync + 'static,
    ) -> Self {
        locked(&self.shared.rules).push(Rule {
            condition: Box::new(condition),
            moment,
            fault,
        });
        self
    }

    /// How many calls were made.
    pub fn count(&self) -> usize {
        self.shared.count.load(Ordering::SeqCst)
    }

    /// The calls in the order in which they were made.
    pub fn calls(&self) -> Vec<Call> {
        locked(&self.shared.calls).clone()
    }

    /// Notes a call and answers what is to happen at it. Wrappers call this first, then [`Strike::before`], the call itself, and
    /// [`Strike::after`].
    pub fn strike(&self, verb: &'static str, subject: impl fmt::Display) -> Strike {
        let call = Call {
            verb,
            subject: subject.to_string(),
        };
        let mut calls = locked(&self.shared.calls);
        let number = self.shared.count.fetch_add(1, Ordering::SeqCst) + 1;
        let mut struck = None;
        for rule in &*locked(&self.shared.rules) {
            // Every condition is asked, because some count.
            if (rule.condition)(number, &call) && struck.is_none() {
                struck = Some((rule.moment, rule.fault.clone()));
            }
        }
        calls.push(call.clone());
        Strike {
            call,
            number,
            struck,
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}

/// What happens at one call.
#[derive(Debug)]
#[must_use]
pub struct Strike {
    call: Call,
    number: usize,
    struck: Option<(Moment, Fault)>,
}

impl Strike {
    /// Lets a fault strike that comes before the call.
    ///
    /// # Errors
    /// The fault's error.
    pub async fn before(&self) -> Result<(), Error> {
        self.strike(Moment::Before).await
    }

    /// Lets a fault strike that comes after the call.
    ///
    /// # Errors
    /// The fault's error.
    pub async fn after(&self) -> Result<(), Error> {
        self.strike(Moment::After).await
    }

    /// As [`before`](Self::before) for calls that are not async. A fault that hangs is `true`: the caller must not answer.
    ///
    /// # Errors
    /// The fault's error.
    pub fn before_now(&self) -> Result<bool, Error> {
        match &self.struck {
            Some((Moment::Before, Fault::Hang)) => Ok(true),
            Some((Moment::Before, Fault::Die(hook))) => {
                hook();
                Ok(true)
            }
            Some((Moment::Before, Fault::Fail { .. } | Fault::Tear)) => Err(self.error()),
            _ => Ok(false),
        }
    }

    /// Whether a write is to leave its first half.
    pub fn tears(&self) -> bool {
        matches!(self.struck, Some((_, Fault::Tear)))
    }

    async fn strike(&self, now: Moment) -> Result<(), Error> {
        match &self.struck {
            Some((moment, fault)) if *moment == now => match fault {
                Fault::Fail { .. } | Fault::Tear => Err(self.error()),
                Fault::Hang => pending().await,
                Fault::Die(hook) => {
                    hook();
                    pending().await
                }
            },
            _ => Ok(()),
        }
    }

    /// What the caller is told.
    fn error(&self) -> Error {
        let (kind, retry) = match &self.struck {
            Some((_, Fault::Fail { kind, retry: true })) => (*kind, Retry::After(None)),
            Some((_, Fault::Fail { kind, retry: false })) => (*kind, Retry::Never),
            _ => (ErrorKind::Unavailable, Retry::Never),
        };
        Error::new(kind, "a fault on purpose")
            .with_operation(self.call.verb)
            .with_context("subject", &self.call.subject)
            .with_context("call", self.number)
            .with_retry(retry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn faults_strike_their_call_at_their_moment() {
        let plan = Plan::new()
            .at(2, Moment::Before, Fault::unavailable())
            .at_verb("put", 2, Moment::After, Fault::fail(ErrorKind::Exhausted));
        let mut seen = Vec::new();
        for verb in ["put", "get", "put", "put"] {
            let strike = plan.strike(verb, "a");
            let before = strike.before().await.map_err(|error| error.kind());
            let after = strike.after().await.map_err(|error| error.kind());
            seen.push((before.err(), after.err()));
        }
        let none = (None, None);
        let expected = [
            none,
            (Some(ErrorKind::Unavailable), None),
            (None, Some(ErrorKind::Exhausted)),
            none,
        ];
        assert_eq!(seen, expected);
        assert_eq!(plan.count(), 4);
        assert_eq!(plan.calls()[1].verb, "get");
    }
}

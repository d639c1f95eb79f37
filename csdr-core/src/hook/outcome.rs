//! How hooks ended.

use super::{HookCommand, OnError};
use crate::{
    Error, ErrorKind, Result,
    port::{Clock, ExecOutput, ExecRequest, ExecStatus, HookExecutor},
};
use futures::future::{Either, select};
use serde::{Deserialize, Serialize};
use std::{fmt, pin::pin, time::Duration};

/// How much of a command's output is kept: it only tells an adapter where to stop.
const OUTPUT_BYTES: usize = 4 << 10;
/// How long an executor may take beyond a hook's own time before it is given up.
const GRACE: Duration = Duration::from_secs(10);

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HookPhase {
    /// Before a block of a backup is read: freezes.
    Pre,
    /// After it, or after a restore: thaws, finishes.
    Post,
}

impl fmt::Display for HookPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pre => "pre",
            Self::Post => "post",
        })
    }
}

/// How a hook ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HookResult {
    /// With exit code 0.
    Succeeded,
    /// The command ran and failed.
    Failed,
    /// The pod or its container is gone: there is nothing to freeze or to thaw.
    Gone,
    /// Not certain whether it ran: it could not be started, or did not end in time.
    Uncertain,
    /// It was not run.
    NotRun,
}

impl HookResult {
    /// Whether the command was run, or there is nothing left that it could have run in.
    pub(crate) fn is_settled(self) -> bool {
        !matches!(self, Self::Uncertain | Self::NotRun)
    }
}

impl fmt::Display for HookResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Gone => "pod is gone",
            Self::Uncertain => "uncertain",
            Self::NotRun => "not run",
        })
    }
}

/// How one hook ended. It never holds arguments or output of the command: run it by hand to see those.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HookOutcome {
    /// `namespace/name` of the pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// The program that was run.
    pub program: String,
    /// When.
    pub phase: HookPhase,
    /// How it ended.
    pub result: HookResult,
    /// Why it did not succeed; empty if it did.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

impl fmt::Display for HookOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} hook `{}` in container {}: {}",
            self.phase,
            self.program.escape_debug(),
            self.container,
            self.result
        )?;
        if !self.message.is_empty() {
            write!(f, " ({})", self.message)?;
        }
        Ok(())
    }
}

/// Pods that were frozen together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FrozenBlock {
    /// `namespace/name` of each pod.
    pub pods: Vec<String>,
    /// From the start of the first pre hook to the end of the last post hook, in milliseconds.
    pub frozen_millis: u64,
}

/// The hooks of a backup, or of a restore.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HookReport {
    /// How many hooks were run.
    pub attempted: u64,
    /// How many of them did not succeed.
    pub failed: u64,
    /// Blocks that were frozen, in their order. A restore has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<FrozenBlock>,
    /// The first outcomes, in the order in which the hooks were run.
    pub outcomes: Vec<HookOutcome>,
}

impl HookReport {
    /// How many outcomes are kept.
    pub const KEPT: usize = 10_000;

    /// Whether there was nothing to run.
    pub fn is_empty(&self) -> bool {
        self.outcomes.is_empty() && self.blocks.is_empty()
    }

    pub(crate) fn push(&mut self, outcome: HookOutcome) {
        if outcome.result != HookResult::NotRun {
            self.attempted += 1;
            self.failed += u64::from(outcome.result != HookResult::Succeeded);
        }
        if self.outcomes.len() < Self::KEPT {
            self.outcomes.push(outcome);
        }
    }
}

impl fmt::Display for HookReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} hooks run, {} failed", self.attempted, self.failed)?;
        for block in &self.blocks {
            let (seconds, millis) = (block.frozen_millis / 1000, block.frozen_millis % 1000);
            write!(
                f,
                "\n  frozen {seconds}.{millis:03} s: {}",
                block.pods.join(", ")
            )?;
        }
        for outcome in &self.outcomes {
            write!(f, "\n  {}: {outcome}", outcome.pod)?;
        }
        Ok(())
    }
}

/// The pod that a hook runs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HookTarget {
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// Its uid; empty if it is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) uid: String,
}

impl fmt::Display for HookTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Milliseconds since `from`; 0 if the clock went back.
pub(crate) fn millis_since(clock: &dyn Clock, from: jiff::Timestamp) -> u64 {
    let millis = clock.now().as_millisecond() - from.as_millisecond();
    u64::try_from(millis).unwrap_or_default()
}

/// Runs one hook once, in bounded time whatever the executor does.
pub(crate) async fn run_hook(
    executor: &dyn HookExecutor,
    clock: &dyn Clock,
    pod: &HookTarget,
    phase: HookPhase,
    hook: &HookCommand,
) -> HookOutcome {
    let from = clock.now();
    let request = ExecRequest {
        namespace: pod.namespace.clone(),
        pod: pod.name.clone(),
        uid: Some(pod.uid.clone()).filter(|uid| !uid.is_empty()),
        container: Some(hook.container.clone()),
        command: hook.command.clone(),
        timeout: hook.timeout.get(),
        output_bytes: OUTPUT_BYTES,
    };
    let given_up = clock.sleep(request.timeout.saturating_add(GRACE));
    let ended = match select(pin!(executor.exec(&request)), pin!(given_up)).await {
        Either::Left((ended, _)) => ended,
        Either::Right(_) => Err(Error::new(
            ErrorKind::Timeout,
            "the hook's executor does not answer",
        )),
    };
    let (result, message) = judge(ended);
    HookOutcome {
        pod: pod.to_string(),
        container: hook.container.clone(),
        program: hook.program().to_owned(),
        phase,
        result,
        message,
        millis: millis_since(clock, from),
    }
}

fn judge(ended: Result<ExecOutput>) -> (HookResult, String) {
    match ended {
        Ok(output) => match output.status {
            ExecStatus::Success => (HookResult::Succeeded, String::new()),
            ExecStatus::Exit(code) => (HookResult::Failed, format!("exit code {code}")),
            ExecStatus::Failed(said) => (HookResult::Failed, said),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => (HookResult::Gone, error.chain()),
        Err(error) => (HookResult::Uncertain, error.chain()),
    }
}

impl OnError {
    /// Whether an outcome is an error of the operation, not only a warning.
    pub(crate) fn is_error(self, result: HookResult) -> bool {
        self == Self::Fail && result != HookResult::Succeeded && result != HookResult::Gone
    }
}

//! Thawing pods: at the end of a freeze, and for an operation that died under one.

use super::{FrozenPod, FrozenPods, Journal, JournalEntry};
use crate::{
    Error, ErrorKind, Result,
    hook::{HookOutcome, HookPhase, HookResult, run_hook},
    port::{Clock, HookExecutor},
};
use std::time::Duration;

/// How often a post hook is tried whose command could not be started for certain.
const ATTEMPTS: u32 = 3;
/// The pause between tries.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs the post hooks of pods, in order, each whatever became of those before it. One that may not have run is tried again: to thaw twice
/// is better than not at all.
pub(crate) async fn thaw_pods(
    executor: &dyn HookExecutor,
    clock: &dyn Clock,
    pods: &[FrozenPod],
) -> Vec<HookOutcome> {
    let mut outcomes = Vec::new();
    for pod in pods {
        for hook in &pod.hooks {
            let mut attempt = 1;
            let outcome = loop {
                let outcome = run_hook(executor, clock, &pod.target, HookPhase::Post, hook).await;
                if outcome.result.is_settled() || attempt >= ATTEMPTS {
                    break outcome;
                }
                attempt += 1;
                clock.sleep(PAUSE).await;
            };
            outcomes.push(outcome);
        }
    }
    outcomes
}

/// Thaws what a dead operation left frozen, and notes in the journal what is thawed. A pod that is gone is fine; so is a command that ran
/// and failed: the dead operation may have thawed the pod itself. The caller shows the outcomes.
///
/// # Errors
/// There is no executor, or it is of another cluster; a command that may not have run. Then the journal still says what is frozen.
pub(crate) async fn thaw_dead(
    executor: Option<&dyn HookExecutor>,
    clock: &dyn Clock,
    frozen: &[&FrozenPods],
    journal: &mut Journal<'_>,
) -> Result<Vec<HookOutcome>> {
    let mut all = Vec::new();
    if frozen.is_empty() {
        return Ok(all);
    }
    let pods = || {
        let pods = frozen.iter().flat_map(|block| &block.pods);
        let names: Vec<String> = pods.take(20).map(|pod| pod.target.to_string()).collect();
        names.join(", ")
    };
    let Some(executor) = executor else {
        return Err(Error::new(
            ErrorKind::Incomplete,
            "pods may still be frozen by an operation that died, and there is no hook executor to thaw them with",
        )
        .with_context("pods", pods()));
    };
    let cluster = executor.cluster().await?;
    for block in frozen {
        let other = |own: &String| cluster.as_ref().is_some_and(|cluster| cluster != own);
        if block.cluster.as_ref().is_some_and(other) {
            return Err(Error::new(
                ErrorKind::Incomplete,
                "pods of another cluster may still be frozen by an operation that died; thaw them from there",
            )
            .with_context("pods", pods()));
        }
        let outcomes = thaw_pods(executor, clock, &block.pods).await;
        let open = outcomes.iter().find(|outcome| !outcome.result.is_settled());
        if let Some(open) = open {
            return Err(Error::new(
                ErrorKind::Incomplete,
                "a pod may still be frozen by an operation that died, and could not be thawed",
            )
            .with_context("pod", &open.pod)
            .with_context("hook", open));
        }
        journal.write(&JournalEntry::Thawed(block.id)).await?;
        all.extend(outcomes);
    }
    Ok(all)
}

/// What a person should know of a thaw that a dead operation had left to do.
pub(crate) fn told(outcome: &HookOutcome) -> String {
    let lead = format!("left frozen by an operation that died, and thawed now: {outcome}");
    match outcome.result {
        HookResult::Failed => format!("{lead}; it may have been thawed before"),
        _ => lead,
    }
}

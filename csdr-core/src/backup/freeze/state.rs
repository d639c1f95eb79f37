//! What is frozen now, and how hooks ended so far.

use super::super::ObjectsSummary;
use crate::{
    hook::{FrozenBlock, HookOutcome, HookReport, HookResult, millis_since},
    port::{Clock, Event, HookExecutor, Observer},
    report::Note,
    vault::{BlockId, FrozenPod, thaw_pods, thaw_told},
};
use jiff::Timestamp;
use std::{
    collections::BTreeSet,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Thaws, and remembers what still has to be.
///
/// Invariant: a block stands here from before its first pre hook until its post hooks have run; whoever ends the operation calls
/// [`thaw_rest`](Self::thaw_rest).
pub(crate) struct Freezer<'a> {
    /// Goes on when the operation is cancelled: no pod stays frozen.
    executor: Option<&'a dyn HookExecutor>,
    clock: &'a dyn Clock,
    observer: &'a dyn Observer,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: Option<Block>,
    /// Blocks whose post hooks may not have run.
    stuck: Vec<Block>,
    report: HookReport,
    errors: Vec<Note>,
    warnings: Vec<Note>,
}

#[derive(Clone)]
struct Block {
    id: BlockId,
    pods: Vec<FrozenPod>,
    names: Vec<String>,
    since: Timestamp,
    /// Pods with a pre hook that failed: they may never have been frozen.
    failed: BTreeSet<String>,
}

impl<'a> Freezer<'a> {
    pub(in crate::backup) fn new(
        executor: Option<&'a dyn HookExecutor>,
        clock: &'a dyn Clock,
        observer: &'a dyn Observer,
    ) -> Self {
        Self {
            executor,
            clock,
            observer,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn clock(&self) -> &'a dyn Clock {
        self.clock
    }

    /// From here on the block must be thawed.
    pub(super) fn open(&self, id: BlockId, pods: Vec<FrozenPod>, names: Vec<String>) {
        self.state().open = Some(Block {
            id,
            pods,
            names,
            since: self.clock.now(),
            failed: BTreeSet::new(),
        });
    }

    /// How a pre hook ended, and whether that is an error. That it fails the pod is told with the pod, which is left out.
    pub(super) fn pre(&self, outcome: HookOutcome, fails: bool) {
        if outcome.result != HookResult::Succeeded {
            if fails {
                if let Some(open) = &mut self.state().open {
                    open.failed.insert(outcome.pod.clone());
                }
            } else {
                self.warning(Note::new(pod_of(&outcome), outcome.to_string()));
            }
        }
        self.state().report.push(outcome);
    }

    pub(super) fn error(&self, note: Note) {
        self.tell(&note);
        self.state().errors.push(note);
    }

    fn warning(&self, note: Note) {
        self.tell(&note);
        self.state().warnings.push(note);
    }

    fn tell(&self, note: &Note) {
        self.observer.observe(&Event::Noted {
            message: &note.to_string(),
        });
    }

    /// Runs the post hooks of the open block; `true` if none is left to run.
    pub(super) async fn thaw(&self) -> bool {
        // A block that is dropped in its middle stays open.
        let block = self.state().open.clone();
        let Some(block) = block else { return true };
        let done = self.thaw_block(&block, true).await;
        let state = &mut *self.state();
        state.open = None;
        if !done {
            state.stuck.push(block);
        }
        done
    }

    /// Tries those again that could not be thawed. Answers those that are now.
    pub(in crate::backup) async fn thaw_stuck(&self) -> Vec<BlockId> {
        // What is dropped in its middle stays stuck.
        let stuck = self.state().stuck.clone();
        let mut done = Vec::new();
        for block in stuck {
            if self.thaw_block(&block, false).await {
                self.state().stuck.retain(|own| own.id != block.id);
                let note = Note::new(block.names.join(", "), "thawed at a later attempt");
                self.warning(note);
                done.push(block.id);
            }
        }
        done
    }

    /// Thaws whatever the operation leaves frozen, however it ended. The one thing that is done after a cancellation.
    pub(in crate::backup) async fn thaw_rest(&self) {
        self.thaw().await;
        self.thaw_stuck().await;
    }

    async fn thaw_block(&self, block: &Block, first: bool) -> bool {
        let Some(executor) = self.executor else {
            return block.pods.is_empty();
        };
        let outcomes = thaw_pods(executor, self.clock, &block.pods).await;
        let hooks = block.pods.iter().flat_map(|pod| &pod.hooks);
        let mut done = true;
        for (outcome, hook) in outcomes.into_iter().zip(hooks) {
            let settled = outcome.result.is_settled();
            done &= settled;
            if !settled && first {
                let message = format!("it may still be frozen: {outcome}");
                self.error(Note::new(pod_of(&outcome), message));
            } else if outcome.result != HookResult::Succeeded {
                let note = Note::new(pod_of(&outcome), outcome.to_string());
                // A pod whose freeze failed cannot always be thawed.
                let excused = block.failed.contains(&outcome.pod) || !first;
                if hook.on_error.is_error(outcome.result) && !excused {
                    self.error(note);
                } else {
                    self.warning(note);
                }
            }
            self.state().report.push(outcome);
        }
        if first {
            self.state().report.blocks.push(FrozenBlock {
                pods: block.names.clone(),
                frozen_millis: millis_since(self.clock, block.since),
            });
        }
        done
    }

    /// What a dead operation had left frozen was thawed.
    pub(in crate::backup) fn thawed_dead(&self, outcomes: Vec<HookOutcome>) {
        for outcome in outcomes {
            self.warning(Note::new(pod_of(&outcome), thaw_told(&outcome)));
            self.state().report.push(outcome);
        }
    }

    /// Puts what was noted into a summary, once.
    pub(in crate::backup) fn drain(&self, summary: &mut ObjectsSummary) {
        let state = &mut *self.state();
        let report = std::mem::take(&mut state.report);
        summary.hooks.attempted += report.attempted;
        summary.hooks.failed += report.failed;
        summary.hooks.blocks.extend(report.blocks);
        summary.hooks.outcomes.extend(report.outcomes);
        state
            .errors
            .drain(..)
            .for_each(|note| summary.errors.push(note));
        let warnings = state.warnings.drain(..);
        warnings.for_each(|note| summary.warnings.push(note));
    }
}

fn pod_of(outcome: &HookOutcome) -> String {
    format!("pods/{}", outcome.pod)
}

impl fmt::Debug for Freezer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Freezer").finish_non_exhaustive()
    }
}

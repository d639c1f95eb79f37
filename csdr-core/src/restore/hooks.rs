//! Commands in restored pods, once their containers run.

use crate::{
    Result,
    hook::{
        HookOutcome, HookPhase, HookPod, HookReport, HookResult, HookTarget, RestoreHookRules,
        WaitingHook, run_hook,
    },
    model::{ObjectId, Tree},
    port::{HookExecutor, ResourceTarget},
    report::Note,
    vault::Host,
};
use futures::{StreamExt, stream};
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How many pods are waited for at the same time.
const PODS: usize = 8;
/// How often a pod is looked at.
const POLL: Duration = Duration::from_millis(500);

/// Runs the exec hooks of restored pods.
#[derive(Debug)]
pub(super) struct RestoreHooksStage<'a> {
    pub(super) target: &'a dyn ResourceTarget,
    pub(super) executor: &'a dyn HookExecutor,
    pub(super) host: &'a Host,
    pub(super) rules: RestoreHookRules<'a>,
    /// A hook failed that says that this is an error: no other is begun. Source: velero.md section 3.10.
    pub(super) stopped: AtomicBool,
    pub(super) ended: Mutex<Ended>,
}

/// How the hooks ended.
#[derive(Debug, Default)]
pub(super) struct Ended {
    pub(super) report: HookReport,
    pub(super) errors: Vec<Note>,
    pub(super) warnings: Vec<Note>,
}

impl RestoreHooksStage<'_> {
    /// Runs the hooks of all pods: several pods at a time, one after the other in each.
    ///
    /// Bounded: by each hook's wait and execution time.
    pub(super) async fn run(&self, pods: Vec<ObjectId>) -> Result<()> {
        let mut work = stream::iter(pods)
            .map(|id| async move { self.pod(&id).await })
            .buffer_unordered(PODS);
        while let Some(done) = work.next().await {
            done?;
        }
        let ended = &mut *self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        // Pods end in any order.
        ended.errors.sort_by(|a, b| a.about.cmp(&b.about));
        ended.warnings.sort_by(|a, b| a.about.cmp(&b.about));
        ended.report.outcomes.sort_by(|a, b| a.pod.cmp(&b.pod));
        Ok(())
    }

    async fn pod(&self, id: &ObjectId) -> Result<()> {
        let Some(object) = self.target.get(id, "v1").await? else {
            return Ok(());
        };
        let pod = HookPod::of(&object)?;
        let found = self.rules.of(&pod);
        for why in found.unreadable {
            self.note(true, Note::new(id, format!("cannot be run: {why}")));
        }
        for warning in found.warnings {
            self.note(false, Note::new(id, warning));
        }
        let target = HookTarget {
            namespace: id.namespace().unwrap_or_default().to_owned(),
            name: id.name().to_owned(),
            uid: pod.uid,
        };
        let mut waited = Duration::ZERO;
        for hook in &found.hooks {
            let outcome = self.hook(id, &target, hook, &mut waited).await?;
            self.settle(id, hook, outcome);
        }
        Ok(())
    }

    async fn hook(
        &self,
        id: &ObjectId,
        target: &HookTarget,
        hook: &WaitingHook,
        waited: &mut Duration,
    ) -> Result<HookOutcome> {
        let unrun = |result, message: &str| HookOutcome {
            pod: target.to_string(),
            container: hook.command.container.clone(),
            program: hook.command.program().to_owned(),
            phase: HookPhase::Post,
            result,
            message: message.to_owned(),
            millis: 0,
        };
        loop {
            if self.stopped.load(Ordering::SeqCst) {
                let why = "a hook with on-error Fail has failed";
                return Ok(unrun(HookResult::NotRun, why));
            }
            let there = self.target.get(id, "v1").await?;
            let Some(there) = there.filter(|pod| pod.meta().uid == target.uid) else {
                return Ok(unrun(HookResult::Gone, "it went while the hook waited"));
            };
            match state(&there.tree()?, hook) {
                State::Up => break,
                State::Over => return Ok(unrun(HookResult::Failed, "the pod has ended")),
                State::Wait if *waited >= hook.wait.get() => {
                    let wanted = if hook.ready { "ready" } else { "running" };
                    let why = format!("its container was not {wanted} within {}", hook.wait);
                    return Ok(unrun(HookResult::Failed, &why));
                }
                State::Wait => {}
            }
            self.host.clock.sleep(POLL).await;
            *waited += POLL;
        }
        let clock = &*self.host.clock;
        Ok(run_hook(self.executor, clock, target, HookPhase::Post, &hook.command).await)
    }

    fn settle(&self, id: &ObjectId, hook: &WaitingHook, outcome: HookOutcome) {
        if outcome.result != HookResult::Succeeded {
            let is_error = hook.command.on_error.is_error(outcome.result);
            if is_error {
                self.stopped.store(true, Ordering::SeqCst);
            }
            self.note(is_error, Note::new(id, outcome.to_string()));
        }
        let ended = &mut *self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.report.push(outcome);
    }

    fn note(&self, is_error: bool, note: Note) {
        let ended = &mut *self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if is_error {
            ended.errors.push(note);
        } else {
            ended.warnings.push(note);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Wait,
    Up,
    Over,
}

/// Whether a hook's container is up.
fn state(pod: &Tree, hook: &WaitingHook) -> State {
    if matches!(
        pod.text_at(&["status", "phase"]),
        Some("Succeeded" | "Failed")
    ) {
        return State::Over;
    }
    let statuses = pod
        .at(&["status", "containerStatuses"])
        .and_then(Tree::as_array)
        .unwrap_or_default();
    let own = statuses
        .iter()
        .find(|status| status.text_at(&["name"]) == Some(&*hook.command.container));
    let up = own.is_some_and(|status| {
        let running = status
            .at(&["state", "running"])
            .is_some_and(|running| !running.is_null());
        let ready = status.at(&["ready"]).and_then(Tree::as_bool) == Some(true);
        running && (ready || !hook.ready)
    });
    if up { State::Up } else { State::Wait }
}

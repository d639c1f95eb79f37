//! The hooks stage: block by block, pre hooks → what the block holds is read → post hooks.
//!
//! *Volumes belong between the read and the post hooks: they begin under the freeze, and the block is thawed when they are cut.*

mod read;
mod state;

pub(super) use read::FrozenObjects;
pub(super) use state::Freezer;

use super::{BackupPlan, HookedPod, PlannedBlock};
use crate::{
    Result,
    hook::{HookPhase, HookTarget, run_hook},
    port::{HookExecutor, ResourceCollector},
    vault::{BlockId, Claim, FrozenPod, FrozenPods, Journal, JournalEntry},
};
use std::{collections::BTreeSet, sync::Arc};
use uuid::Uuid;

/// What the stage works with.
pub(super) struct FreezeStage<'a> {
    pub(super) collector: &'a Arc<dyn ResourceCollector>,
    /// Stops with the operation: runs the pre hooks.
    pub(super) executor: &'a dyn HookExecutor,
    /// Runs the post hooks, and knows what is frozen.
    pub(super) freezer: &'a Freezer<'a>,
    pub(super) claim: &'a Claim,
    pub(super) plan: &'a BackupPlan,
    pub(super) operation: Uuid,
}

impl FreezeStage<'_> {
    /// Runs the stage. Whenever it is left, the freezer knows what still has to be thawed.
    pub(super) async fn run(&self, journal: &mut Journal<'_>) -> Result<FrozenObjects> {
        let cluster = self.executor.cluster().await?;
        let mut objects = FrozenObjects::default();
        for (number, block) in (0..).zip(&self.plan.hooks) {
            let id = BlockId {
                operation: self.operation,
                block: number,
            };
            self.block(id, block, cluster.clone(), journal, &mut objects)
                .await?;
        }
        Ok(objects)
    }

    async fn block(
        &self,
        id: BlockId,
        block: &PlannedBlock,
        cluster: Option<String>,
        journal: &mut Journal<'_>,
        objects: &mut FrozenObjects,
    ) -> Result<()> {
        let pods: Vec<FrozenPod> = block.pods.iter().filter_map(thaw_of).collect();
        let journalled = !pods.is_empty();
        if journalled {
            self.claim.guard().await?;
            let entry = FrozenPods {
                id,
                cluster,
                pods: pods.clone(),
            };
            // Invariant: nothing is frozen that the journal does not name.
            journal.write(&JournalEntry::Frozen(entry)).await?;
        }
        let names = block.pods.iter().map(|pod| target_of(pod).to_string());
        self.freezer.open(id, pods, names.collect());
        let mut failed = BTreeSet::new();
        let mut gone = BTreeSet::new();
        for (at, pod) in block.pods.iter().enumerate() {
            match self.pre(pod).await {
                Pre::Done => {}
                Pre::Gone => drop(gone.insert(at)),
                Pre::Failed(why) => {
                    failed.insert(at);
                    objects.drop_pod(pod, why)?;
                }
            }
        }
        for (at, pod) in block.pods.iter().enumerate() {
            if !failed.contains(&at) && !gone.contains(&at) {
                let notes = objects.read(self.collector, self.plan, pod).await?;
                notes.into_iter().for_each(|note| self.freezer.error(note));
            }
        }
        let thawed = self.freezer.thaw().await;
        if thawed && journalled {
            journal.write(&JournalEntry::Thawed(id)).await?;
        }
        Ok(())
    }

    /// The pre hooks of one pod, up to the first that fails and may not.
    async fn pre(&self, pod: &HookedPod) -> Pre {
        let target = target_of(pod);
        if !pod.unreadable.is_empty() {
            let why = pod.unreadable.join("; ");
            return Pre::Failed(why);
        }
        for hook in &pod.pre {
            let clock = self.freezer.clock();
            let outcome = run_hook(self.executor, clock, &target, HookPhase::Pre, hook).await;
            let result = outcome.result;
            let said = outcome.to_string();
            let fails = hook.on_error.is_error(result);
            self.freezer.pre(outcome, fails);
            if fails {
                return Pre::Failed(said);
            }
            if result == crate::hook::HookResult::Gone {
                return Pre::Gone;
            }
        }
        Pre::Done
    }
}

enum Pre {
    Done,
    Gone,
    /// The pod is not stored, for this reason. Source: velero.md section 2.8.
    Failed(String),
}

fn target_of(pod: &HookedPod) -> HookTarget {
    HookTarget {
        namespace: pod.namespace.clone(),
        name: pod.name.clone(),
        uid: pod.uid.clone(),
    }
}

/// How a pod is thawed; none if there is nothing to.
fn thaw_of(pod: &HookedPod) -> Option<FrozenPod> {
    let runs = pod.unreadable.is_empty() && !pod.post.is_empty();
    runs.then(|| FrozenPod {
        target: target_of(pod),
        hooks: pod.post.clone(),
    })
}

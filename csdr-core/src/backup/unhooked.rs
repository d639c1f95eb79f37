//! Pods whose hooks were not run: nothing ran hooks, or they came after the plan.

use super::BackupPlan;
use crate::{
    hook::{BackupHookRules, HookPod},
    model::{Object, ObjectId},
    report::Note,
    spec::BackupHooks,
};

/// How many, and the first of them.
#[derive(Debug, Default)]
pub(super) struct Unhooked {
    count: u64,
    first: Option<ObjectId>,
}

impl Unhooked {
    /// Whether a pod runs, and its annotations ask for hooks that the plan does not have.
    pub(super) fn is(pod: &Object, plan: &BackupPlan) -> bool {
        if !pod.text().contains(BackupHookRules::MARK) {
            return false;
        }
        let id = pod.id();
        let planned = plan.hooks.iter().flat_map(|block| &block.pods);
        let mut planned = planned.filter(|own| own.uid == pod.meta().uid);
        if planned.any(|own| own.name == id.name() && id.namespace() == Some(&*own.namespace)) {
            return false;
        }
        let none = BackupHooks::default();
        let (Ok(rules), Ok(pod)) = (BackupHookRules::new(&none), HookPod::of(pod)) else {
            return false;
        };
        pod.running && !rules.of(&pod).is_empty()
    }

    pub(super) fn add(&mut self, id: ObjectId) {
        self.count += 1;
        self.first.get_or_insert(id);
    }

    /// What the report says of them.
    pub(super) fn note(&self) -> Option<Note> {
        let first = self.first.as_ref()?;
        Some(Note::new(
            first,
            format!(
                "{} pods have hooks in their annotations that were not run, this is the first: nothing runs hooks, or they came after the plan",
                self.count
            ),
        ))
    }
}

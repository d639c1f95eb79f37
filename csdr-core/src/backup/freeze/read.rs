//! What a block holds, read under its freeze.

use crate::{
    Result,
    backup::{BackupPlan, HookedPod},
    hook::HookPod,
    model::{Object, ObjectId},
    port::ResourceCollector,
    report::Note,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Most bytes of objects that are kept from a freeze until their place in the archive comes.
const MAX_BYTES: usize = 64 << 20;

/// Objects as they stood under a freeze: they are stored in the place of those that the lists bring, which run later.
#[derive(Debug, Default)]
pub(in crate::backup) struct FrozenObjects {
    /// Each in the versions that are stored, in the archive's order; the best one is marked.
    objects: BTreeMap<ObjectId, Vec<(Object, bool)>>,
    /// Pods that are not stored, with the reason.
    dropped: BTreeMap<ObjectId, String>,
    bytes: usize,
}

impl FrozenObjects {
    /// The object as it stood under the freeze.
    pub(in crate::backup) fn get(&self, id: &ObjectId) -> Option<&[(Object, bool)]> {
        self.objects.get(id).map(Vec::as_slice)
    }

    /// Why a pod is not stored.
    pub(in crate::backup) fn dropped(&self, id: &ObjectId) -> Option<&str> {
        self.dropped.get(id).map(String::as_str)
    }

    pub(super) fn drop_pod(&mut self, pod: &HookedPod, why: String) -> Result<()> {
        self.dropped.insert(id_of(pod)?, why);
        Ok(())
    }

    /// Reads a pod, its claims and their volumes, as far as the plan stores their kinds; answers what could not be read. `Err` only for a
    /// name that is none.
    pub(super) async fn read(
        &mut self,
        collector: &Arc<dyn ResourceCollector>,
        plan: &BackupPlan,
        pod: &HookedPod,
    ) -> Result<Vec<Note>> {
        let mut notes = Vec::new();
        let id = id_of(pod)?;
        let mut claims = BTreeSet::new();
        if let Some(object) = self.fetch(collector, plan, &id, &mut notes).await {
            claims = HookPod::of(&object)?.claims;
        }
        for claim in claims {
            let resource = "persistentvolumeclaims".parse()?;
            let id = ObjectId::new(resource, Some(pod.namespace.clone()), claim)?;
            let Some(claim) = self.fetch(collector, plan, &id, &mut notes).await else {
                continue;
            };
            if let Some(volume) = claim.tree()?.text_at(&["spec", "volumeName"]) {
                let id = ObjectId::new("persistentvolumes".parse()?, None, volume)?;
                self.fetch(collector, plan, &id, &mut notes).await;
            }
        }
        Ok(notes)
    }

    /// Reads one object in the versions that the plan stores; answers its best one.
    async fn fetch(
        &mut self,
        collector: &Arc<dyn ResourceCollector>,
        plan: &BackupPlan,
        id: &ObjectId,
        notes: &mut Vec<Note>,
    ) -> Option<Object> {
        let is_of =
            |kind: &&crate::backup::PlannedKind| kind.resource.group_resource() == *id.resource();
        let kind = plan.kinds.iter().find(is_of)?;
        if let Some(there) = self.objects.get(id) {
            let best = there.iter().find(|(_, best)| *best);
            return best.map(|(object, _)| object.clone());
        }
        let mut found: Vec<(Object, bool)> = Vec::new();
        for version in kind.versions() {
            match collector.get(id, version).await {
                Ok(Some(object)) => found.push((object, found.is_empty())),
                Ok(None) => {}
                Err(error) => notes.push(Note::new(
                    id,
                    format!(
                        "could not be read under the freeze; stored as it was listed later: {}",
                        error.chain()
                    ),
                )),
            }
        }
        let size: usize = found.iter().map(|(object, _)| object.json().len()).sum();
        let best = found.first().map(|(object, _)| object.clone());
        if self.bytes + size > MAX_BYTES {
            notes.push(Note::new(
                id,
                format!("the objects under a freeze hold more than {MAX_BYTES} bytes; stored as it was listed later"),
            ));
            return best;
        }
        if !found.is_empty() {
            self.bytes += size;
            let version = |object: &Object| object.meta().kind.api_version.version().to_owned();
            found.sort_by_key(|(object, _)| version(object));
            self.objects.insert(id.clone(), found);
        }
        best
    }
}

fn id_of(pod: &HookedPod) -> Result<ObjectId> {
    ObjectId::new(
        "pods".parse()?,
        Some(pod.namespace.clone()),
        pod.name.as_str(),
    )
}

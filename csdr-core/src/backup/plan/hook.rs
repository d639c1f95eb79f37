//! The hooks that a backup will run.

use super::{PlannedKind, PlannedUnit, planner::Planner};
use crate::{
    Error, ErrorKind, Result,
    hook::{BackupHookRules, HookCommand, HookPod, blocks},
    select::object_left_out,
};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Most pods with hooks in one backup.
const MAX_PODS: usize = 10_000;

/// Pods that are frozen together: all pre hooks, then what they and their claims hold is read, then all post hooks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedBlock {
    /// Those that the spec orders in their order, then the others by namespace and name. Blocks stand in the order of their first pod.
    pub pods: Vec<HookedPod>,
}

/// A pod with its hooks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HookedPod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid: another pod of this name is not touched.
    pub uid: String,
    /// Before its block is read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pre: Vec<HookCommand>,
    /// After it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post: Vec<HookCommand>,
    /// Hooks that were asked for and cannot be run. Then none of the pod is run: what cannot be thawed is not frozen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<String>,
}

impl fmt::Display for PlannedBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for pod in &self.pods {
            for (phase, hooks) in [("pre", &pod.pre), ("post", &pod.post)] {
                for hook in hooks {
                    writeln!(
                        f,
                        "  hook      {}/{}: {phase} {hook}",
                        pod.namespace, pod.name
                    )?;
                }
            }
            for why in &pod.unreadable {
                writeln!(
                    f,
                    "  hook      {}/{}: cannot be run: {why}",
                    pod.namespace, pod.name
                )?;
            }
        }
        Ok(())
    }
}

/// Whether a kind is that of pods.
pub(in crate::backup) fn is_pods(kind: &PlannedKind) -> bool {
    kind.resource.group.is_empty() && kind.resource.resource == "pods"
}

impl Planner<'_> {
    /// Finds the pods that have hooks. Only pods are listed.
    pub(super) async fn hooks(&mut self, kinds: &[PlannedKind]) -> Result<Vec<PlannedBlock>> {
        let rules = BackupHookRules::new(&self.spec.hooks)?;
        if !self.executor {
            if rules.is_empty() {
                return Ok(Vec::new());
            }
            return Err(Error::invalid(
                "the spec has hooks, and nothing runs them; set a hook executor",
            )
            .with_operation("plan backup"));
        }
        let mut pods = Vec::new();
        for kind in kinds.iter().filter(|kind| is_pods(kind)) {
            let listed = |unit: &&PlannedUnit| unit.objects != Some(0) && !unit.by_name;
            for unit in kind.units.iter().filter(listed) {
                let test = self
                    .selection
                    .test(&kind.spellings(), unit.namespace.as_deref());
                let version = &kind.resource.version;
                let request = kind.request(version, unit, &self.selection, 1 << 20)?;
                let mut pages = self.collector.list(request);
                loop {
                    let page = match pages.try_next().await {
                        Ok(Some(page)) => page,
                        Ok(None) => break,
                        Err(error) => {
                            let place = unit.namespace.as_deref().unwrap_or("all namespaces");
                            self.warnings.push(format!(
                                "hooks could not be looked for in the pods of {place}: {}",
                                error.chain()
                            ));
                            break;
                        }
                    };
                    for object in page.objects {
                        let may =
                            !rules.is_empty() || object.text().contains(BackupHookRules::MARK);
                        let selected = test.misses(object.id().name(), object.meta()).is_none();
                        if may && selected && object_left_out(&object).is_none() {
                            self.hooked(&rules, HookPod::of(&object)?, &mut pods);
                        }
                    }
                    if pods.len() > MAX_PODS {
                        let message = "more pods with hooks than one backup can hold";
                        return Err(Error::new(ErrorKind::Exhausted, message)
                            .with_context("limit", MAX_PODS));
                    }
                }
            }
        }
        if pods.is_empty() && !rules.is_empty() {
            self.warnings
                .push("the spec has hooks, and no selected pod matches them".to_owned());
        }
        let order = self.pod_order();
        let rank = |pod: &HookPod| {
            let place = format!(
                "{}/{}",
                pod.id.namespace().unwrap_or_default(),
                pod.id.name()
            );
            order.get(&place).copied().unwrap_or(usize::MAX)
        };
        pods.sort_by_cached_key(|(pod, _)| rank(pod));
        let claims: Vec<_> = pods
            .iter()
            .map(|(pod, _)| (pod.id.namespace(), &pod.claims))
            .collect();
        let groups = blocks(&claims).into_iter();
        let block = |group: Vec<usize>| PlannedBlock {
            pods: group.into_iter().map(|at| pods[at].1.clone()).collect(),
        };
        Ok(groups.map(block).collect())
    }

    fn hooked(
        &mut self,
        rules: &BackupHookRules<'_>,
        pod: HookPod,
        pods: &mut Vec<(HookPod, HookedPod)>,
    ) {
        let chosen = rules.of(&pod);
        let (namespace, name) = (pod.id.namespace().unwrap_or_default(), pod.id.name());
        for warning in chosen.warnings.iter() {
            self.warnings
                .push(format!("pod {namespace}/{name}: {warning}"));
        }
        if chosen.is_empty() {
            return;
        }
        if !pod.running {
            self.warnings.push(format!(
                "pod {namespace}/{name} has hooks, and does not run: they will not be run"
            ));
            return;
        }
        let hooked = HookedPod {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid: pod.uid.clone(),
            pre: chosen.pre,
            post: chosen.post,
            unreadable: chosen.unreadable,
        };
        pods.push((pod, hooked));
    }
}

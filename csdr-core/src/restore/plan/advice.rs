//! What to do about PodSecurityPolicies that the target does not know: the Pod Security level that each namespace's pods meet.

use crate::{
    conversion::{PodSecurityLevel, pod_security, template_path},
    model::{GroupVersionResource, Object, ObjectId},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// The Pod Security level that all pods and pod templates of a namespace meet, as the target's release judges it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodSecurityAdvice {
    /// The namespace of the target.
    pub namespace: String,
    /// The strictest level that all of them meet.
    pub level: PodSecurityLevel,
    /// The first object that does not meet the next level, and why. None at the strictest one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<(ObjectId, String)>,
}

impl fmt::Display for PodSecurityAdvice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = self.level;
        write!(
            f,
            "namespace {}: its pods meet the Pod Security level {level}",
            self.namespace
        )?;
        if let (Some(next), Some((id, reason))) = (level.next(), &self.because) {
            write!(f, " (not {next}: {id} {reason})")?;
        }
        write!(f, "; label it pod-security.kubernetes.io/enforce={level}")
    }
}

/// Levels as objects come in: one and one reason a namespace.
#[derive(Debug)]
pub(super) struct PodLevels {
    minor: u32,
    namespaces: BTreeMap<String, PodSecurityAdvice>,
}

impl PodLevels {
    /// For a target of this minor; none if no PodSecurityPolicy is among what is stored: then nothing has to be looked at.
    pub(super) fn wanted(stored: &[GroupVersionResource], minor: u32) -> Option<Self> {
        stored.iter().any(is_policy).then(|| Self {
            minor,
            namespaces: BTreeMap::new(),
        })
    }

    /// Looks at an object that goes into this namespace of the target. One that cannot be read is told of elsewhere.
    pub(super) fn look(&mut self, object: &Object, namespace: &str) {
        let kind = &object.meta().kind;
        let Some(path) = template_path(kind.api_version.group(), &kind.kind) else {
            return;
        };
        let Ok(tree) = object.tree() else { return };
        let Some(template) = tree.at(path).filter(|template| !template.is_null()) else {
            return;
        };
        let met = pod_security(template, self.minor);
        let known = self.namespaces.get(namespace);
        if known.is_some_and(|known| known.level <= met.level) {
            return;
        }
        let reason = met.reasons.into_iter().next();
        let advice = PodSecurityAdvice {
            namespace: namespace.to_owned(),
            level: met.level,
            because: reason.map(|reason| (object.id().clone(), reason)),
        };
        self.namespaces.insert(namespace.to_owned(), advice);
    }

    /// One advice a namespace, sorted.
    pub(super) fn into_advice(self) -> Vec<PodSecurityAdvice> {
        self.namespaces.into_values().collect()
    }
}

/// Whether a resource holds PodSecurityPolicies.
pub(super) fn is_policy(resource: &GroupVersionResource) -> bool {
    resource.resource == "podsecuritypolicies"
        && matches!(&*resource.group, "policy" | "extensions")
}

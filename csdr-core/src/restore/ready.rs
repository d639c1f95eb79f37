//! Waiting until what was created can be used.

use crate::{
    Error, ErrorKind, Result,
    model::{Discovery, GroupVersionResource, Object, ObjectId, Tree},
    port::ResourceTarget,
    vault::Host,
};
use std::time::Duration;

/// How often is looked.
const POLL: Duration = Duration::from_millis(200);

/// Waits with a deadline.
#[derive(Debug)]
pub(super) struct Ready<'a> {
    pub(super) target: &'a dyn ResourceTarget,
    pub(super) host: &'a Host,
    pub(super) limit: Duration,
}

impl Ready<'_> {
    /// Waits until definitions are `Established`; answers those that are not when the time is up, with the reason.
    pub(super) async fn definitions(
        &self,
        mut open: Vec<(ObjectId, String)>,
    ) -> Result<Vec<(ObjectId, String)>> {
        let mut waited = Duration::ZERO;
        loop {
            let mut still = Vec::new();
            for (id, version) in open {
                let established = match self.target.get(&id, &version).await? {
                    Some(object) => is_established(&object.tree()?),
                    None => false,
                };
                if !established {
                    still.push((id, version));
                }
            }
            open = still;
            if open.is_empty() || !self.pause(&mut waited).await {
                break;
            }
        }
        let reason = |(id, _)| (id, "was not established in time".to_owned());
        Ok(open.into_iter().map(reason).collect())
    }

    /// Discovers anew until everything wanted is served or the time is up; answers the last discovery.
    pub(super) async fn served(&self, wanted: &[GroupVersionResource]) -> Result<Discovery> {
        let mut waited = Duration::ZERO;
        loop {
            let last = self.target.discover().await?;
            let all = wanted.iter().all(|gvr| is_served(&last, gvr));
            if all || !self.pause(&mut waited).await {
                return Ok(last);
            }
        }
    }

    /// Waits until an object that is being deleted is gone, or another one is in its place.
    pub(super) async fn gone(&self, object: &Object) -> Result<()> {
        let (id, meta) = (object.id(), object.meta());
        let mut waited = Duration::ZERO;
        loop {
            let there = self.target.get(id, meta.kind.api_version.version()).await?;
            let Some(there) = there.filter(|there| there.meta().uid == meta.uid) else {
                return Ok(());
            };
            if !self.pause(&mut waited).await {
                let tree = there.tree()?;
                let finalizers = tree
                    .at(&["metadata", "finalizers"])
                    .and_then(Tree::as_array);
                let finalizers: Vec<&str> = finalizers
                    .into_iter()
                    .flatten()
                    .filter_map(Tree::as_str)
                    .collect();
                let message = match id.resource().to_string() == "namespaces" {
                    true => "namespace is still being deleted; wait for it, or map to another",
                    false => "the target's is still being deleted",
                };
                return Err(Error::new(ErrorKind::Timeout, message)
                    .with_context("object", id)
                    .with_context("finalizers", finalizers.join(", "))
                    .with_context("waited seconds", self.limit.as_secs()));
            }
        }
    }

    /// Waits a little; `false` once the time is up.
    pub(super) async fn pause(&self, waited: &mut Duration) -> bool {
        if *waited >= self.limit {
            return false;
        }
        self.host.clock.sleep(POLL).await;
        *waited += POLL;
        true
    }
}

/// Whether a discovery has this resource in this version.
pub(super) fn is_served(discovery: &Discovery, gvr: &GroupVersionResource) -> bool {
    let row = discovery.resource(&gvr.group_resource());
    row.is_some_and(|row| row.serves(&gvr.version))
}

/// Source: `apiextensions.k8s.io` condition types `Established` and `NamesAccepted`.
fn is_established(definition: &Tree) -> bool {
    let conditions = definition
        .at(&["status", "conditions"])
        .and_then(Tree::as_array)
        .unwrap_or_default();
    let holds = |kind: &str| {
        conditions.iter().any(|condition| {
            condition.text_at(&["type"]) == Some(kind)
                && condition.text_at(&["status"]) == Some("True")
        })
    };
    holds("Established") && holds("NamesAccepted")
}

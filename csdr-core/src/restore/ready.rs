//! Waiting until what was created can be used.

use crate::{
    Error, ErrorKind, Result,
    model::{Discovery, ObjectId, Tree},
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
        ids: Vec<(ObjectId, String)>,
    ) -> Result<Vec<(ObjectId, String)>> {
        let mut open = ids;
        self.until(async || {
            let mut still = Vec::new();
            for (id, version) in std::mem::take(&mut open) {
                let established = match self.target.get(&id, &version).await? {
                    Some(object) => is_established(&object.tree()?),
                    None => false,
                };
                if !established {
                    still.push((id, version));
                }
            }
            open = still;
            Ok(open.is_empty())
        })
        .await?;
        Ok(open
            .into_iter()
            .map(|(id, _)| (id, "was not established in time".to_owned()))
            .collect())
    }

    /// Discovers anew until every `plural.group/version` is served; answers the last discovery.
    pub(super) async fn served(
        &self,
        wanted: &[crate::model::GroupVersionResource],
    ) -> Result<Discovery> {
        let mut last = Discovery::default();
        self.until(async || {
            last = self.target.discover().await?;
            Ok(wanted.iter().all(|gvr| {
                last.resource(&gvr.group_resource())
                    .is_some_and(|row| row.serves(&gvr.version))
            }))
        })
        .await?;
        Ok(last)
    }

    /// Waits until a namespace that is being deleted is gone.
    pub(super) async fn gone(&self, id: &ObjectId) -> Result<()> {
        let gone = self
            .until(async || {
                Ok(self
                    .target
                    .get(id, "v1")
                    .await?
                    .is_none_or(|object| !object.meta().deleting))
            })
            .await?;
        if gone {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Timeout,
            "namespace is still being deleted; wait for it, or map to another",
        )
        .with_context("namespace", id.name())
        .with_context("waited seconds", self.limit.as_secs()))
    }

    /// Asks until the answer is yes or the time is up.
    async fn until(&self, mut ask: impl AsyncFnMut() -> Result<bool>) -> Result<bool> {
        let mut waited = Duration::ZERO;
        loop {
            if ask().await? {
                return Ok(true);
            }
            if waited >= self.limit {
                return Ok(false);
            }
            self.host.clock.sleep(POLL).await;
            waited += POLL;
        }
    }
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

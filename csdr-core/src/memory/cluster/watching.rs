//! Watches.

use super::{MemoryCluster, state::State};
use crate::{
    Error, ErrorKind, Result,
    model::Object,
    port::{WatchEvent, WatchRequest},
};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use std::collections::VecDeque;
use tokio::sync::watch;

struct Watch {
    cluster: MemoryCluster,
    request: WatchRequest,
    /// Changes up to this version were seen; `None` before the first look.
    seen: Option<u64>,
    pending: VecDeque<Result<WatchEvent>>,
    changed: watch::Receiver<u64>,
    ended: bool,
}

pub(super) fn watch(
    cluster: MemoryCluster,
    request: WatchRequest,
) -> BoxStream<'static, Result<WatchEvent>> {
    let changed = cluster.state().subscribe();
    let watch = Watch {
        cluster,
        request,
        seen: None,
        pending: VecDeque::new(),
        changed,
        ended: false,
    };
    stream::unfold(watch, |mut watch| async move {
        loop {
            if let Some(event) = watch.pending.pop_front() {
                return Some((event, watch));
            }
            if watch.ended {
                return None;
            }
            // Marked as seen before the look: a change during it wakes the wait at once.
            watch.changed.borrow_and_update();
            if let Err(error) = watch.look() {
                watch.ended = true;
                watch.pending.push_back(Err(error));
            }
            if watch.pending.is_empty() && watch.changed.changed().await.is_err() {
                return None;
            }
        }
    })
    .boxed()
}

impl Watch {
    /// Takes over what has happened since the last look.
    fn look(&mut self) -> Result<()> {
        let state = self.cluster.state();
        let path = &self.request.resource;
        let resource = path.group_resource();
        match self.seen {
            None => {
                state.authorise("watch", path, self.request.namespace.as_deref())?;
                for stored in state.all(&resource, None) {
                    if self.wanted(&stored.object) {
                        let object = State::in_version(&stored, &path.version)?;
                        self.pending.push_back(Ok(WatchEvent::Applied(object)));
                    }
                }
            }
            Some(seen) => {
                let changes = state.changes(seen).ok_or_else(|| {
                    Error::new(
                        ErrorKind::Expired,
                        "too old resource version; list again and watch from there",
                    )
                    .with_operation("watch")
                    .with_context("resource", path)
                })?;
                for change in changes {
                    if change.resource != resource || !self.wanted(&change.stored.object) {
                        continue;
                    }
                    let object = State::in_version(&change.stored, &path.version)?;
                    self.pending.push_back(Ok(if change.deleted {
                        WatchEvent::Deleted(object)
                    } else {
                        WatchEvent::Applied(object)
                    }));
                }
            }
        }
        self.seen = Some(state.version());
        Ok(())
    }

    fn wanted(&self, object: &Object) -> bool {
        let id = object.id();
        let is =
            |asked: &Option<String>, own: Option<&str>| asked.is_none() || asked.as_deref() == own;
        (id.namespace().is_none() || is(&self.request.namespace, id.namespace()))
            && is(&self.request.name, Some(id.name()))
    }
}

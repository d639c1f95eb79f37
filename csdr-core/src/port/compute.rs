//! CPU work.

use crate::{Error, ErrorKind, Result};
use async_trait::async_trait;
use std::{fmt, sync::Arc};
use tokio::sync::oneshot;

/// Runs CPU work on chunks of about 1 MiB: inline, or on the host's threads.
///
/// # Contract
/// Runs every job once, in any order, or drops it when the host ends. `parallelism` is how many run at the same time.
/// From the first poll of its future on a job goes its way without further polls: pipelines wait for a later job while the
/// futures of earlier ones rest.
///
/// # Cancellation
/// Dropping the future may leave the job running to its end; its result is thrown away.
#[async_trait]
pub trait Compute: fmt::Debug + Send + Sync + 'static {
    /// Runs a job; answers when it has run or was dropped.
    async fn execute(&self, job: Box<dyn FnOnce() + Send>);

    /// How many jobs run at once; at least 1.
    fn parallelism(&self) -> usize;
}

/// Runs every job in the caller's own task.
#[derive(Clone, Copy, Debug, Default)]
pub struct InlineCompute;

#[async_trait]
impl Compute for InlineCompute {
    async fn execute(&self, job: Box<dyn FnOnce() + Send>) {
        job();
    }

    fn parallelism(&self) -> usize {
        1
    }
}

#[async_trait]
impl<T: Compute + ?Sized> Compute for Arc<T> {
    async fn execute(&self, job: Box<dyn FnOnce() + Send>) {
        (**self).execute(job).await;
    }

    fn parallelism(&self) -> usize {
        (**self).parallelism()
    }
}

/// Jobs with results.
#[async_trait]
pub trait ComputeExt: Compute {
    /// Runs `work` and hands back what it answers; `Unavailable` if the host dropped it.
    async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (sender, receiver) = oneshot::channel();
        self.execute(Box::new(move || {
            // The caller may have gone: then nobody wants the result.
            let _ = sender.send(work());
        }))
        .await;
        receiver
            .await
            .map_err(|_| Error::new(ErrorKind::Unavailable, "the host's threads have ended"))?
    }
}

impl<T: Compute + ?Sized> ComputeExt for T {}

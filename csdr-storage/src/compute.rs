//! CPU work on tokio's blocking threads.

use async_trait::async_trait;
use csdr_core::port::Compute;
use std::{num::NonZeroUsize, sync::Arc, thread};
use tokio::{sync::Semaphore, task};

/// Runs CPU work on the blocking threads of the tokio runtime, a bounded number of jobs at a time.
///
/// ```
/// use csdr_core::port::{Compute, ComputeExt};
/// use csdr_storage::BlockingCompute;
/// use std::num::NonZeroUsize;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> csdr_core::Result<()> {
/// let compute = BlockingCompute::new(NonZeroUsize::MIN);
/// assert_eq!(compute.parallelism(), 1);
/// assert_eq!(compute.call(|| Ok(6 * 7)).await?, 42);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct BlockingCompute {
    parallelism: NonZeroUsize,
    permits: Arc<Semaphore>,
}

impl BlockingCompute {
    /// At most `parallelism` jobs at a time; more wait.
    pub fn new(parallelism: NonZeroUsize) -> Self {
        Self {
            parallelism,
            permits: Arc::new(Semaphore::new(
                parallelism.get().min(Semaphore::MAX_PERMITS),
            )),
        }
    }
}

impl Default for BlockingCompute {
    /// As many jobs as the process may use processors; one where the system does not say.
    fn default() -> Self {
        Self::new(thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }
}

#[async_trait]
impl Compute for BlockingCompute {
    async fn execute(&self, job: Box<dyn FnOnce() + Send>) {
        // The semaphore is never closed; if it were, the job is dropped, which the contract allows.
        let Ok(permit) = self.permits.clone().acquire_owned().await else {
            return;
        };
        // The permit goes with the job: a dropped future does not let a further job start while this one still runs.
        let job = task::spawn_blocking(move || {
            job();
            drop(permit);
        });
        // A job that panicked or was dropped by the runtime shows as its missing result.
        let _ = job.await;
    }

    fn parallelism(&self) -> usize {
        self.parallelism.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use csdr_core::{ErrorKind, port::ComputeExt};
    use futures::future::join_all;
    use std::sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    };

    #[tokio::test]
    async fn never_more_jobs_than_allowed() {
        let compute = BlockingCompute::new(NonZeroUsize::new(2).unwrap());
        let running = Arc::new(AtomicUsize::new(0));
        let most = Arc::new(Mutex::new(0));
        let jobs = (0..32).map(|i| {
            let (running, most) = (running.clone(), most.clone());
            compute.call(move || {
                let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                let mut most = most.lock().unwrap();
                *most = now.max(*most);
                running.fetch_sub(1, Ordering::SeqCst);
                Ok(i)
            })
        });
        let answers: Vec<_> = join_all(jobs)
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
        assert_eq!(answers, (0..32).collect::<Vec<_>>());
        assert!(*most.lock().unwrap() <= 2);
    }

    #[tokio::test]
    async fn a_panicking_job_is_an_error_and_frees_its_place() {
        let compute = BlockingCompute::new(NonZeroUsize::MIN);
        let lost = compute.call::<()>(|| panic!("bug of the caller")).await;
        assert_eq!(lost.unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(compute.call(|| Ok(1)).await.unwrap(), 1);
    }
}

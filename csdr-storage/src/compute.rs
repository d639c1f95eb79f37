//! CPU work on tokio's blocking threads.

use async_trait::async_trait;
use csdr_core::port::Compute;
use std::{num::NonZeroUsize, sync::Arc, thread};
use tokio::{
    sync::Semaphore,
    task::{self, JoinHandle},
};

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
        let permits = self.permits.clone();
        // In a task of its own: a caller that waits for a later job, and meanwhile polls no earlier one, must not keep a permit
        // waiting for a future that nobody polls.
        let queued = Queued(task::spawn(async move {
            // The semaphore is never closed; if it were, the job is dropped, which the contract allows.
            let Ok(permit) = permits.acquire_owned().await else {
                return;
            };
            // The permit goes with the job: a dropped future does not let a further job start while this one still runs.
            let job = task::spawn_blocking(move || {
                job();
                drop(permit);
            });
            // A job that panicked or was dropped by the runtime shows as its missing result.
            let _ = job.await;
        }));
        queued.ended().await;
    }

    fn parallelism(&self) -> usize {
        self.parallelism.get()
    }
}

/// A job that waits for its permit or runs. One that still waits is dropped with its caller.
struct Queued(JoinHandle<()>);

impl Queued {
    async fn ended(mut self) {
        let _ = (&mut self.0).await;
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        self.0.abort();
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

    #[tokio::test]
    async fn jobs_that_nobody_polls_do_not_hold_up_those_behind_them() {
        let compute = BlockingCompute::new(NonZeroUsize::new(2).unwrap());
        let mut ahead: Vec<_> = (0..4).map(|i| compute.call(move || Ok(i))).collect();
        for job in &mut ahead {
            let _ = futures::poll!(job);
        }
        assert_eq!(compute.call(|| Ok(9)).await.unwrap(), 9);
        let answers: Vec<_> = join_all(ahead)
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
        assert_eq!(answers, [0, 1, 2, 3]);
    }

    #[tokio::test]
    async fn a_job_whose_caller_has_gone_before_it_began_never_runs() {
        let compute = BlockingCompute::new(NonZeroUsize::MIN);
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let mut running = compute.call(move || Ok(wait.recv().is_ok()));
        let _ = futures::poll!(&mut running);
        let ran = Arc::new(AtomicUsize::new(0));
        let seen = ran.clone();
        let mut queued = compute.call(move || Ok(seen.fetch_add(1, Ordering::SeqCst)));
        let _ = futures::poll!(&mut queued);
        drop(queued);
        release.send(()).unwrap();
        assert!(running.await.unwrap());
        compute.call(|| Ok(())).await.unwrap();
        assert_eq!(ran.load(Ordering::SeqCst), 0);
    }
}

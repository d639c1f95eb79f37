//! The ports of the host.

use crate::port::{Clock, Compute, Entropy, InlineCompute, SystemClock, SystemEntropy};
use std::sync::Arc;

/// Clock, randomness and threads of the program that links csdr.
///
/// ```
/// use csdr_core::{port::InlineCompute, vault::Host};
/// use std::sync::Arc;
/// let host = Host::default().with_compute(Arc::new(InlineCompute));
/// assert_eq!(host.compute.parallelism(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct Host {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// CPU work.
    pub compute: Arc<dyn Compute>,
}

impl Default for Host {
    /// The system's clock and randomness; CPU work in the caller's own task.
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            compute: Arc::new(InlineCompute),
        }
    }
}

impl Host {
    /// Another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Other randomness.
    #[must_use]
    pub fn with_entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Other threads.
    #[must_use]
    pub fn with_compute(mut self, compute: Arc<dyn Compute>) -> Self {
        self.compute = compute;
        self
    }
}

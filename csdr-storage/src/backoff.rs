//! How long to wait before a call is made again.

use csdr_core::{
    Error, Retry,
    port::{Clock, Entropy},
};
use std::{num::NonZeroU32, time::Duration};

/// Attempts, and growing pauses between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backoff {
    pub(crate) attempts: NonZeroU32,
    pub(crate) min: Duration,
    pub(crate) max: Duration,
}

impl Backoff {
    /// Waits after the attempt number `made` (from 1) failed with `error`, or hands the error back if it must not be made again.
    pub(crate) async fn wait(
        &self,
        made: u32,
        error: Error,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> Result<Error, Error> {
        let Retry::After(asked) = error.retry() else {
            return Err(error);
        };
        if made >= self.attempts.get() {
            return Err(error
                .with_retry(Retry::Exhausted)
                .with_context("attempts", made));
        }
        clock.sleep(self.pause(made, asked, entropy)).await;
        Ok(error)
    }

    /// The pause grows with each attempt, half of it at random, so that many clients do not come back at once. What the server
    /// asked for is waited at least, up to `max`.
    fn pause(&self, made: u32, asked: Option<Duration>, entropy: &dyn Entropy) -> Duration {
        let doubled = 2u32.saturating_pow(made.saturating_sub(1));
        let full = self.min.saturating_mul(doubled).min(self.max);
        let mut random = [0u8; 4];
        // Without randomness the pause is merely not random.
        let _ = entropy.fill(&mut random);
        let share = f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX);
        let jittered = full.mul_f64(1.0 - share / 2.0);
        jittered.max(asked.unwrap_or_default().min(self.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use csdr_core::Result;

    #[derive(Debug)]
    struct Constant(u8);

    impl Entropy for Constant {
        fn fill(&self, bytes: &mut [u8]) -> Result<()> {
            bytes.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn pauses_double_and_are_bounded() {
        let backoff = Backoff {
            attempts: NonZeroU32::MIN,
            min: Duration::from_secs(1),
            max: Duration::from_secs(5),
        };
        let pauses = |entropy: u8| {
            [1, 2, 3, 4, 200].map(|made| backoff.pause(made, None, &Constant(entropy)).as_millis())
        };
        assert_eq!(pauses(0), [1000, 2000, 4000, 5000, 5000]);
        assert_eq!(pauses(255), [500, 1000, 2000, 2500, 2500]);
        let asked = |seconds| backoff.pause(1, Some(Duration::from_secs(seconds)), &Constant(0));
        assert_eq!(asked(3), Duration::from_secs(3));
        assert_eq!(asked(3600), Duration::from_secs(5));
    }
}

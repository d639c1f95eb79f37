//! Bounds of everything that a cluster may answer or let wait.

use std::time::Duration;

/// Bounds of the calls of one [`ClusterClient`](crate::ClusterClient).
///
/// ```
/// use csdr_k8s::ClusterLimits;
/// use std::time::Duration;
/// let limits = ClusterLimits { parallel: 16, ..ClusterLimits::default() };
/// assert_eq!(limits.request_timeout, Duration::from_secs(60));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterLimits {
    /// One request, from its first byte to the last of its answer. Default 60 s, as the API server's own `--request-timeout`.
    pub request_timeout: Duration,
    /// Waiting for a free place among `parallel` requests. Default 120 s.
    pub queue_timeout: Duration,
    /// How long the server keeps one watch open (`timeoutSeconds`). Default 240 s.
    pub watch_timeout: Duration,
    /// Requests that run at once, over all adapters of the client; halved when the server asks to slow down, and grown again. Default 64.
    pub parallel: usize,
    /// Largest answer in bytes that is not a page of a list, and largest page of one object. Default 32 MiB.
    pub body_bytes: usize,
    /// Most objects that one page of a list may ask for. Default 10,000.
    pub page_objects: usize,
    /// How calls are repeated.
    pub repeat: RepeatPolicy,
}

impl Default for ClusterLimits {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(60),
            queue_timeout: Duration::from_secs(120),
            watch_timeout: Duration::from_secs(240),
            parallel: 64,
            body_bytes: 32 << 20,
            page_objects: 10_000,
            repeat: RepeatPolicy::default(),
        }
    }
}

/// How often and after which pauses a call is repeated.
///
/// A read is repeated after 429, 502, 503, 504 and after a broken connection; a write only after 429, the one answer that says
/// that nothing was executed. A pause is what the server's `Retry-After` says, and else doubles from `first_pause`.
///
/// ```
/// use csdr_k8s::RepeatPolicy;
/// let policy = RepeatPolicy { attempts: 1, ..RepeatPolicy::default() };
/// assert_eq!(policy.attempts, 1); // never repeats
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepeatPolicy {
    /// Attempts in all, at least one. Default 6.
    pub attempts: u32,
    /// Pause after the first attempt where the server names none. Default 250 ms.
    pub first_pause: Duration,
    /// Longest pause; a server that asks for more gets no further attempt. Default 30 s.
    pub longest_pause: Duration,
}

impl Default for RepeatPolicy {
    fn default() -> Self {
        Self {
            attempts: 6,
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(30),
        }
    }
}

impl RepeatPolicy {
    /// The pause after attempt `attempt` (from 1) failed, or `None` if there is to be no other.
    pub(crate) fn pause(&self, attempt: u32, asked: Option<Duration>) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        match asked {
            Some(asked) => (asked <= self.longest_pause).then_some(asked),
            None => {
                let doubled = 1u32.checked_shl(attempt - 1).unwrap_or(u32::MAX);
                Some(
                    self.first_pause
                        .saturating_mul(doubled)
                        .min(self.longest_pause),
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_are_bounded_and_end() {
        let policy = RepeatPolicy {
            attempts: 5,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(3),
        };
        let pauses: Vec<_> = (1..=5)
            .map(|n| policy.pause(n, None).map(|d| d.as_secs()))
            .collect();
        assert_eq!(pauses, [Some(1), Some(2), Some(3), Some(3), None]);
        let asked = |seconds| policy.pause(1, Some(Duration::from_secs(seconds)));
        assert_eq!(asked(2), Some(Duration::from_secs(2)));
        assert_eq!(asked(4), None);
    }
}

//! How long and how much.

#[cfg(feature = "s3")]
use csdr_core::{Error, Result};
use std::{num::NonZeroU32, time::Duration};

/// Bounds on what one call to an object store may take.
///
/// ```
/// use csdr_storage::StorageLimits;
/// use std::time::Duration;
///
/// let limits = StorageLimits {
///     io_timeout: Duration::from_secs(300),
///     ..StorageLimits::default()
/// };
/// assert_eq!(limits.part_bytes, 8 << 20);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageLimits {
    /// To reach the server: name, connection, TLS. 10 s by default.
    pub connect_timeout: Duration,
    /// For one request without a body of note: stat, list page, delete. 30 s by default.
    pub operation_timeout: Duration,
    /// For one step with a body: an object or a part sent, the next bytes received. 120 s by default.
    pub io_timeout: Duration,
    /// How often one request is made before its error is the answer; 1 is no repetition. 5 by default.
    pub attempts: NonZeroU32,
    /// The pause before the first repetition; it doubles each time, and up to half of it is random. 200 ms by default.
    pub backoff_min: Duration,
    /// The longest pause. 10 s by default.
    pub backoff_max: Duration,
    /// Bytes of a part of a multipart upload. S3 takes 5 MiB to 5 GiB and 10,000 parts: 8 MiB, the default, allow 78 GiB an object.
    pub part_bytes: usize,
    /// Parts of one object that are sent at the same time; a writer holds as many parts and two more in memory. 3 by default.
    pub part_concurrency: usize,
}

impl Default for StorageLimits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            operation_timeout: Duration::from_secs(30),
            io_timeout: Duration::from_secs(120),
            attempts: NonZeroU32::MIN.saturating_add(4),
            backoff_min: Duration::from_millis(200),
            backoff_max: Duration::from_secs(10),
            part_bytes: 8 << 20,
            part_concurrency: 3,
        }
    }
}

impl StorageLimits {
    /// Refuses what no store takes or what would wait for ever.
    #[cfg(feature = "s3")]
    pub(crate) fn check(&self) -> Result<()> {
        let parts = 5 << 20..=5usize << 30;
        if !parts.contains(&self.part_bytes) {
            return Err(Error::invalid(
                "part_bytes must lie between 5 MiB and 5 GiB: S3 takes no other parts",
            )
            .with_context("part_bytes", self.part_bytes));
        }
        if !(1..=64).contains(&self.part_concurrency) {
            return Err(Error::invalid("part_concurrency must lie between 1 and 64")
                .with_context("part_concurrency", self.part_concurrency));
        }
        let timeouts = [
            self.connect_timeout,
            self.operation_timeout,
            self.io_timeout,
        ];
        if timeouts.contains(&Duration::ZERO) {
            return Err(Error::invalid("a timeout of zero lets no request through"));
        }
        Ok(())
    }
}

//! Time.

use async_trait::async_trait;
use jiff::Timestamp;
use std::{fmt, sync::Arc, time::Duration};

/// Time, so that tests need not wait.
///
/// # Contract
/// `sleep` answers when `now` has advanced by at least `duration`; `now` never goes back by more than the host's clock does.
///
/// # Cancellation
/// Dropping a sleep ends it.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The present time.
    fn now(&self) -> Timestamp;

    /// Waits.
    async fn sleep(&self, duration: Duration);
}

/// The host's clock; sleeping needs a tokio runtime with its time driver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[async_trait]
impl<T: Clock + ?Sized> Clock for Arc<T> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    async fn sleep(&self, duration: Duration) {
        (**self).sleep(duration).await;
    }
}

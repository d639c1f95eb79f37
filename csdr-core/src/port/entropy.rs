//! Randomness and the ids made of it.

use super::Clock;
use crate::Result;
use std::{fmt, sync::Arc};
use uuid::{Builder, Uuid};

/// Random bytes for ids.
///
/// # Contract
/// Fills the whole slice with bytes that no other operation gets.
///
/// # Errors
/// `Unavailable` if the host has no randomness.
pub trait Entropy: fmt::Debug + Send + Sync + 'static {
    /// Fills `bytes`.
    ///
    /// # Errors
    /// `Unavailable`, see the trait.
    fn fill(&self, bytes: &mut [u8]) -> Result<()>;
}

/// The host's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        getrandom::fill(bytes).map_err(|error| {
            crate::Error::new(
                crate::ErrorKind::Unavailable,
                "the host gives no randomness",
            )
            .with_source(error.to_string())
        })
    }

    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    fn fill(&self, _: &mut [u8]) -> Result<()> {
        Err(crate::Error::new(
            crate::ErrorKind::Unavailable,
            "a browser's host must hand in its own Entropy",
        ))
    }
}

impl<T: Entropy + ?Sized> Entropy for Arc<T> {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        (**self).fill(bytes)
    }
}

/// A new operation id: a UUIDv7, so that ids sort by time.
///
/// # Errors
/// As [`Entropy::fill`].
pub fn operation_id(clock: &dyn Clock, entropy: &dyn Entropy) -> Result<Uuid> {
    let mut random = [0u8; 10];
    entropy.fill(&mut random)?;
    let millis = u64::try_from(clock.now().as_millisecond()).unwrap_or_default();
    Ok(Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
}

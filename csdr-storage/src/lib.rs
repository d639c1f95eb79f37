//! Vaults of csdr on file systems and object storage.
//!
//! A [vault](csdr_core::port::VaultBackend) is bytes by key; this crate puts them somewhere.
//!
//! * [`OpendalVault`]: a folder, a bucket, memory, or any opendal operator; [`open_url`] makes one from a URL.
//! * Decorators around any vault: [`Retry`] makes failed calls again, [`ReadOnly`] lets nobody write, [`Prefixed`] is a
//!   folder of a vault as a vault of its own.
//! * [`probe()`] tries what a store really does.
//! * [`BlockingCompute`] runs csdr's CPU work on tokio's blocking threads.
//!
//! Features: `fs` (folders) and `s3` (buckets), both on by default.

mod backoff;
mod compute;
mod error;
mod limits;
mod location;
mod operator;
mod prefixed;
mod probe;
mod read_only;
mod retry;
mod vault;

#[cfg(feature = "s3")]
mod crypto;
#[cfg(feature = "fs")]
mod folder;
#[cfg(feature = "s3")]
mod s3;

pub use compute::BlockingCompute;
pub use limits::StorageLimits;
pub use location::open_url;
pub use prefixed::Prefixed;
pub use probe::{Probe, probe};
pub use read_only::ReadOnly;
pub use retry::{Retry, RetryPolicy};
pub use vault::OpendalVault;

#[cfg(feature = "s3")]
pub use crypto::ensure_crypto_provider;
#[cfg(feature = "s3")]
pub use s3::{ConditionalCreate, S3Addressing, S3Checksum, S3Config, S3Credentials};

//! [`VaultBackend`](csdr_core::port::VaultBackend): its conformance suite, and adapters that break one rule each.

pub mod broken;
pub mod conformance;

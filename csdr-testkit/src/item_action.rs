//! [`ItemAction`](csdr_core::port::ItemAction): its conformance suite, and actions that break one rule each.

pub mod broken;
pub mod conformance;

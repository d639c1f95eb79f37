//! [`Transform`](csdr_core::port::Transform): its conformance suite, and transforms that break one rule each.

pub mod broken;
pub mod conformance;

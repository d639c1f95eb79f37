//! [`ApiVersionConverter`](csdr_core::port::ApiVersionConverter): its conformance suite, and converters that break one rule each.

pub mod broken;
pub mod conformance;

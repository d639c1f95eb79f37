//! [`HookExecutor`](csdr_core::port::HookExecutor): its conformance suite, and executors that break one rule each.

pub mod broken;
pub mod conformance;

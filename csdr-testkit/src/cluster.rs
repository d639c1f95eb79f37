//! The cluster's ports ([`ResourceCollector`](csdr_core::port::ResourceCollector), [`ResourceTarget`](csdr_core::port::ResourceTarget),
//! [`ResourceApplier`](csdr_core::port::ResourceApplier)): their conformance suites, and adapters that break one rule each.

pub mod broken;
pub mod conformance;
mod fixture;

pub use fixture::{Adapters, ClusterFixture, FolderFixture, MemoryFixture, Promises};

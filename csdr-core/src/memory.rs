//! Fakes that behave: a cluster and a vault in memory.

mod cluster;
mod vault;

pub use cluster::{Deny, MemoryCluster, MemoryClusterOptions};
pub use vault::MemoryVault;

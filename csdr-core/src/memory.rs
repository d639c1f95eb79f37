//! Fakes that behave: a cluster, the commands in its containers, and a vault in memory.

mod cluster;
mod hooks;
mod vault;

pub use cluster::{Deny, MemoryCluster, MemoryClusterOptions};
pub use hooks::{MemoryHooks, MemoryProgram};
pub use vault::MemoryVault;

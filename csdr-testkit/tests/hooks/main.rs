//! Backups and restores with hooks on the cluster in memory: what is run in which order, what is read under a freeze, and that no pod
//! stays frozen whatever fails, is cancelled or dies.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests, and helpers that only tests call"
)]

mod dying;
mod freeze;
mod restore;
mod world;

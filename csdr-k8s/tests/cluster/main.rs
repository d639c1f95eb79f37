//! The adapters on real control planes of csdr-testenv.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests, and helpers that only tests call"
)]

mod conformance;
mod connect;
mod discovery;
mod exec;
mod list;
mod plane;
mod strategic;
mod write;

//! Applications from one real API server into another, through a real S3 protocol.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on has failed; one that is left out says so"
)]

mod application;
mod census;
mod equality;
mod existing;
mod message;
mod migration;
mod omission;
mod related;
mod selection;
mod versions;
mod whose;
mod world;

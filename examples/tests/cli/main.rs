//! The `csdr` program from outside: what it prints, how it ends, and what a vault holds after something went wrong.
//!
//! No cluster and no network but loopback. Expected texts lie in `golden/`; `UPDATE=1` rewrites them.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod backup;
mod bad_input;
mod cancel;
mod convert;
mod damage;
mod golden;
mod later;
mod restore;
mod store;
mod velero;
mod world;

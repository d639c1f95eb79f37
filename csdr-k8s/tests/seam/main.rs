//! The adapters against an API server that is a function, at the HTTP seam: what no real server does on demand.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests, and helpers that only tests call"
)]

mod applier;
mod bound;
mod cancel;
mod discovery;
mod list;
mod namespaces;
mod server;
mod watch;

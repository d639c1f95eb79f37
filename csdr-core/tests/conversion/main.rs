//! Conversion from outside: real manifests, and what must hold for any object.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests are tests, though clippy only knows the functions marked as such"
)]

mod corpus;
mod mutate;
mod properties;
mod report;
mod restore;
mod unknown;

//! The rules of a vault: names, claims, continuation, collection, proof.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod claim;
mod cut;
mod proof;
mod velero;
mod world;

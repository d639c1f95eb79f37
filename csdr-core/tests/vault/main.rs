//! The rules of a vault: names, claims, continuation, collection, proof.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod bucket;
mod claim;
mod cut;
mod delete;
mod gc;
mod list;
mod proof;
mod run;
mod velero;
mod world;

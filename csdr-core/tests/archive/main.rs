//! The archive from outside: what is written can be read, and what was damaged is refused.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests are tests, though clippy only knows the functions marked as such"
)]

mod hostile;
mod properties;
mod reading;
mod tar_program;
mod velero;
mod world;
mod writing;

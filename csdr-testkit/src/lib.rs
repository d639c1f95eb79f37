//! (crate docs)
pub mod vault;

//! (crate docs)
pub mod compare;
pub mod s3;
pub mod vault;

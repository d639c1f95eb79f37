//! (crate docs)
pub mod cluster;
pub mod compare;
pub mod s3;
pub mod fault;
pub mod secret;
pub mod vault;

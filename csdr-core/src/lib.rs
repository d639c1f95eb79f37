//! The pure heart of csdr.
pub mod archive;
pub mod error;
pub mod manifest;
pub mod memory;
pub mod model;
pub mod port;
pub use error::{Error, ErrorKind, Result, Retry};

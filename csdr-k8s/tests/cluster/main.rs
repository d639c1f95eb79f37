//! The adapters on real control planes of csdr-testenv.

mod conformance;
mod connect;
mod discovery;
mod list;
mod plane;
mod write;

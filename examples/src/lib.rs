//! The example programs of csdr, as a library so that tests can call them.
//!
//! * [`cli`]: everything that the `csdr` binary does; `src/bin/csdr.rs` only calls it.
//! * `examples/quickstart.rs` is the shortest whole program.
//!
//! Nothing here is published: these are files to copy from.

pub mod cli;

/// README's Rust blocks run as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

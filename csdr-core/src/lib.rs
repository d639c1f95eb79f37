//! The pure heart of csdr: back up, restore and migrate Kubernetes applications.
//!
//! This crate decides; it does no I/O and names no cluster, cloud or network crate. What touches the world comes in through
//! [`port`]s: a source of objects, a target, a store of bytes, time, randomness, threads. Everything here is told in one line:
//!
//! a [`spec`] says what is wanted → [`select`] rules say what that means → [`backup`] plans and runs, writing an [`archive`] into a
//! [`vault`] → [`restore`] plans and runs, reading it again → a [`report`] says how it ended, object by object.
//!
//! | room | what stands in it |
//! |---|---|
//! | [`model`] | objects with their server's own bytes, ids, versions, discovery, label selectors |
//! | [`port`] | the traits that adapters implement |
//! | [`spec`], [`select`] | what a caller asks for, and the rules that leave things out with a reason |
//! | [`related`] | which objects belong together |
//! | [`archive`] | reader, writer and index of the tar |
//! | [`vault`] | claims, manifests, listing, verifying, deleting, collecting leftovers |
//! | [`backup`], [`restore`] | the pipelines: `plan` reads, `run` writes |
//! | [`hook`] | commands that freeze and thaw an application, or finish a restored one: which, from annotations and spec |
//! | [`conversion`] | an object made into another API version, as the server would have done it |
//! | [`transform`] | what happens to an object between its conversion and its creation |
//! | [`modifier`] | a caller's own rules for that, in Velero's format |
//! | [`lifecycle`] | which release of Kubernetes serves which version of which kind, and what that means for a backup |
//! | [`report`] | outcomes, options and limits of a run |
//! | [`manifest`] | folders of YAML as source and as target |
//! | [`memory`] | a cluster and a vault in memory that behave: for examples and tests |

pub mod archive;
pub mod backup;
mod cancel;
pub mod conversion;
pub mod error;
pub mod hook;
pub mod lifecycle;
pub mod manifest;
pub mod memory;
pub mod model;
pub mod modifier;
pub mod port;
pub mod related;
pub mod report;
pub mod restore;
pub mod select;
pub mod spec;
pub mod transform;
pub mod vault;

pub use error::{Error, ErrorKind, Result, Retry};

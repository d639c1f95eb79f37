//! Transforms: what happens to an object between its conversion and its creation in the target.
//!
//! A [`Transform`](crate::port::Transform) sees one [`TransformItem`] at a time and edits it. Every edit is recorded as a
//! [`Change`](crate::conversion::Change) with its JSON pointer and reason, in the same way as a conversion's.

mod difference;
mod item;
mod namespace;

pub use item::{TransformItem, Verdict};
pub use namespace::{Mention, NamespaceMapping};

//! Which namespaces, resources and objects an operation is about, and why the others are left out.

mod kind;
mod left_out;
mod pattern;

pub use kind::{
    ResourceChoice, SYSTEM_NAMESPACES, is_system_namespace, never_restored, never_stored,
    object_left_out,
};
pub use left_out::{LeftOut, LeftOutReason};
pub use pattern::Patterns;

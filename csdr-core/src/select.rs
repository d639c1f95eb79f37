//! Which namespaces, resources and objects an operation is about, and why the others are left out.

mod closest;
mod kind;
mod labels;
mod left_out;
mod mask;
mod pattern;
mod selection;

pub use closest::closest;
pub(crate) use kind::ResourceChoice;
pub use kind::{
    OPT_OUT_LABELS, SYSTEM_NAMESPACES, is_system_namespace, never_restored, never_stored,
    object_left_out, opted_out,
};
pub use left_out::{LeftOut, LeftOutReason};
pub(crate) use mask::FieldMasks;
pub use pattern::Patterns;
pub(crate) use selection::{Asked, Filters, Missed, ObjectTest, Selection};

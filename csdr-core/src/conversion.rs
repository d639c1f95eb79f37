//! API versions: an object of one version, made into the same object of another, as the API server itself would have done it.
//!
//! Three stages, each on its own:
//!
//! 1. **faithful**: what the server's own defaulting and conversion make of it. Fields that the schema does not know are kept and
//!    reported; numbers and quantities keep their text; `{}` and absent are told apart.
//! 2. **acceptable**: what the target's validation would refuse after that is mended, each time with a stated change.
//! 3. **references**: API versions *inside* other objects, rewritten where that is safe, reported where it is not.
//!
//! Nothing is dropped silently: every leaf of the stored object is in the result, in the [`Change`]s or in the [`Loss`]es.

mod acceptable;
mod builtin;
mod choose;
pub(crate) mod draft;
mod faithful;
pub mod list;
mod outcome;
mod pod_security;
mod reference;
mod schema;
mod schema_check;
mod service_port;
mod target;

pub use acceptable::{InTree, IngressClassChoice, MendOptions};
pub use builtin::{BuiltinConverter, Converted};
pub use choose::VersionPolicy;
pub use outcome::{
    Change, Conversion, Edit, Loss, LossKind, NoRouteReason, Route, Severity, SkipReason, Stage,
};
pub(crate) use pod_security::template_path;
pub use pod_security::{PodSecurity, PodSecurityLevel, pod_security};
pub use reference::{LastApplied, ReferenceOptions};
pub use schema_check::{SchemaFailure, SchemaVerdict, check_custom_resource};
pub use target::TargetApis;
pub(crate) use target::look;

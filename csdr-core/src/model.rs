//! What the rest of csdr speaks of: objects, their ids and versions, what a server serves.

mod discovery;
mod id;
mod object;
mod selector;
mod version;

pub use discovery::{ApiResource, Discovery, DiscoveryGap, ServedVersion};
pub use id::{GroupResource, GroupVersionKind, GroupVersionResource, ObjectId};
pub use object::{Object, ObjectMeta};
pub use selector::{LabelSelector, SelectorOperator, SelectorRequirement};
pub use version::ApiVersion;

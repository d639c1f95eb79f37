//! What the rest of csdr speaks of: objects, their ids and versions, what a server serves.

pub mod builtin;
mod custom;
mod discovery;
mod duration;
mod id;
mod object;
pub(crate) mod quantity;
mod selector;
pub(crate) mod tree;
mod version;

pub use custom::{CustomConversion, CustomKind};
pub(crate) use discovery::spellings;
pub use discovery::{ApiResource, Discovery, DiscoveryGap, GapExtent, ServedVersion};
pub use duration::GoDuration;
pub(crate) use id::is_object_name;
pub use id::{GroupResource, GroupVersionKind, GroupVersionResource, ObjectId};
pub use object::{Object, ObjectMeta};
pub use selector::{LabelSelector, SelectorOperator, SelectorRequirement};
pub use tree::{KeyHasher, KeyHashing, Number, Tree, TreeLimits, TreeMap};
pub use version::ApiVersion;
pub(crate) use version::compare_versions;

//! The ports: what csdr needs of the world, one trait a role.
//!
//! Rules for every port: object safe, `Debug + Send + Sync + 'static`, no default methods (a wrapper that forgets one must not
//! compile), implemented for `Arc<T>`. Conveniences live in extension traits. csdr-testkit holds a conformance suite for each.

mod applier;
mod clock;
mod collector;
mod compute;
mod converter;
mod entropy;
mod hook;
mod item_action;
mod observer;
mod target;
mod transform;
mod vault;

pub use applier::{ApplyOptions, DeleteOptions, Propagation, ResourceApplier, WriteOptions};
pub use clock::{Clock, SystemClock};
pub use collector::{ListRequest, Page, ResourceCollector, UnreadableItem};
pub use compute::{Compute, ComputeExt, InlineCompute};
pub use converter::ApiVersionConverter;
pub use entropy::{Entropy, SystemEntropy, operation_id};
pub use hook::{ExecOutput, ExecRequest, ExecStatus, HookExecutor};
pub use item_action::ItemAction;
pub use observer::{Event, NoObserver, Observer};
pub use target::{Access, AccessRequest, ResourceTarget, WatchEvent, WatchRequest};
pub use transform::Transform;
pub use vault::{
    PutMode, ReadRange, Retention, VaultBackend, VaultBackendExt, VaultCapabilities, VaultKey,
    VaultMeta, VaultWriter,
};

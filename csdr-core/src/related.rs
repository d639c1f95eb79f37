//! Which objects belong together: what an object needs, and whom it serves.
//!
//! | room | what stands in it |
//! |---|---|
//! | `relation` | [`Related`], [`Target`], [`Interest`]: the answers of an [`ItemAction`] |
//! | `workload` | pods and templates of pods: claims, service accounts, classes, configuration |
//! | `storage` | claims, volumes and their classes, Secrets that volumes name |
//! | `rbac` | bindings of service accounts, roles of bindings |
//! | `network` | Ingresses, Gateways and routes |
//! | `kind` | autoscalers' targets, definitions of custom resources |
//! | `closure` | everything that follows from some objects |
//! | `block` | what is captured together |

mod block;
mod closure;
mod kind;
mod network;
mod rbac;
mod relation;
mod storage;
mod workload;

pub use block::ItemBlock;
pub(crate) use block::blocks;
pub(crate) use closure::{Closure, Found, Wanted};
pub use kind::{Autoscalers, Definitions};
pub use network::{Gateways, Ingresses};
pub use rbac::{Bindings, ServiceAccounts};
pub use relation::{Interest, Reach, Related, Target};
pub use storage::{Claims, Volumes};
pub use workload::{Configuration, Pods, Templates};

use crate::port::ItemAction;
use std::sync::Arc;

/// What a backup takes along: what Velero takes (velero.md sections 2.6 and 2.7) and what the backup center adds (Secrets of volumes,
/// R163; IngressClasses), with classes, definitions, and targets of autoscalers.
pub fn captured_together() -> Vec<Arc<dyn ItemAction>> {
    vec![
        Arc::new(Pods),
        Arc::new(Claims),
        Arc::new(Volumes),
        Arc::new(ServiceAccounts),
        Arc::new(Bindings),
        Arc::new(Ingresses),
        Arc::new(Gateways),
        Arc::new(Autoscalers),
        Arc::new(Definitions),
    ]
}

/// What an object needs to work: [`captured_together`], and the configuration of pods, the templates of workloads with what their pods
/// need, and the Services behind Ingresses and routes.
pub fn needed() -> Vec<Arc<dyn ItemAction>> {
    let mut actions = captured_together();
    actions.push(Arc::new(Configuration));
    actions.push(Arc::new(Templates));
    actions.push(Arc::new(network::Backends));
    actions
}

#[cfg(test)]
mod tests;

//! csdr's ports on a live Kubernetes cluster.
//!
//! * [`ClusterClient`] connects: from a kubeconfig, a pod's service account, or a `kube::Client` of the caller.
//! * [`KubeCollector`] reads kinds and objects for a backup.
//! * [`KubeTarget`] reads what a restore must know of its target.
//! * [`KubeApplier`] writes, one request an object.
//! * [`PodExec`] runs commands in containers, for hooks (feature `exec`, on by default).
//!
//! All adapters of one client share its connections and one bound on parallel requests, which narrows when the server asks to
//! slow down. Every call is bounded in time and size by [`ClusterLimits`]. Errors are [`csdr_core::Error`]s on one line; they
//! say what to do next and never show an object's content or a credential.

mod access;
mod applier;
mod collector;
mod connect;
mod discovery;
mod error;
#[cfg(feature = "exec")]
mod exec;
mod gate;
mod limit;
mod list;
mod path;
mod read;
mod target;
mod transport;
mod watch;

pub use applier::{FieldValidation, KubeApplier};
pub use collector::KubeCollector;
pub use connect::{ClusterClient, ConnectOptions, ensure_crypto_provider};
#[cfg(feature = "exec")]
pub use exec::PodExec;
pub use limit::{ClusterLimits, RepeatPolicy};
pub use target::KubeTarget;

//! Real Kubernetes control planes on loopback, for tests.
//!
//! [`ControlPlane::start`] gives a test its own etcd, kube-apiserver and
//! kube-controller-manager: RBAC on, own certificates, free ports, data in a temporary
//! folder. Everything is gone when the value is dropped, and also when the test process
//! panics, is interrupted or is killed: a small supervisor process holds the other end of
//! a pipe and cleans up when the pipe closes.
//!
//! ```no_run
//! # async fn doc() -> Result<(), csdr_testenv::Error> {
//! use csdr_testenv::{ControlPlane, KubeVersion};
//!
//! let new = ControlPlane::start().await?;
//! let old = ControlPlane::builder().version(KubeVersion::V1_21).start().await?;
//! let admin = new.kubeconfig().yaml();
//! let reader = new.user("reader", &["team-a"])?;
//! let with_pods_that_run = ControlPlane::builder().with_nodes(1).start().await?;
//! # Ok(()) }
//! ```
//!
//! The binaries come from `KUBEBUILDER_ASSETS` if that is set, else they are built once
//! from Go modules into the user's cache folder ([`Binaries`]). The Go modules, with every
//! version pinned, lie in this crate's `go/` folder.
//!
//! [`VeleroJudge`] opens a vault's folder with Velero's own code.
//!
//! Features: `harness` (default) compiles the control plane; without it only the recipe
//! for the binaries is there. `cluster` switches on this crate's tests that start control planes.

mod binaries;
mod error;
mod recipe;
mod velero;
mod version;

#[cfg(feature = "harness")]
mod control_plane;
#[cfg(feature = "harness")]
mod http;
#[cfg(feature = "harness")]
mod kubeconfig;
#[cfg(feature = "harness")]
mod pki;
#[cfg(feature = "harness")]
mod supervisor;

pub use binaries::{Binaries, NodeBinaries};
pub use error::Error;
pub use velero::{JudgedFile, VeleroJudge};
pub use version::KubeVersion;

#[cfg(feature = "harness")]
pub use control_plane::{ControlPlane, ControlPlaneBuilder};
#[cfg(feature = "harness")]
pub use http::Reply;
#[cfg(feature = "harness")]
pub use kubeconfig::Kubeconfig;

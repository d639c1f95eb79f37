mod node;
mod start;

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::http::{Client, Reply};
use crate::kubeconfig::Kubeconfig;
use crate::pki::{Authority, Validity};
use crate::supervisor::Supervisor;
use crate::{Binaries, Error, KubeVersion, NodeBinaries};

pub(crate) const ETCD: &str = "etcd";
pub(crate) const API_SERVER: &str = "kube-apiserver";
pub(crate) const CONTROLLER_MANAGER: &str = "kube-controller-manager";
pub(crate) const SCHEDULER: &str = "kube-scheduler";
pub(crate) const KWOK: &str = "kwok";

/// A running Kubernetes control plane of its own: etcd, kube-apiserver, kube-controller-manager.
///
/// It listens on loopback only, with RBAC on and certificates of its own. Dropping it kills
/// the processes and removes its folder (some 0.1 s); so does the end of this process, in
/// whatever way it ends, so one may also live in a `static`.
///
/// Without [`with_nodes`](ControlPlaneBuilder::with_nodes) there is no scheduler and no node: Deployments get their Pods, and the
/// Pods stay Pending.
#[derive(Debug)]
pub struct ControlPlane {
    supervisor: Mutex<Supervisor>,
    authority: Authority,
    version: KubeVersion,
    server_version: String,
    server_url: String,
    client: Client,
    admin: Kubeconfig,
    users: AtomicU32,
}

/// What to start; made by [`ControlPlane::builder`].
#[derive(Debug, Clone, Default)]
pub struct ControlPlaneBuilder {
    version: KubeVersion,
    api_server_arguments: Vec<String>,
    nodes: u16,
}

impl ControlPlaneBuilder {
    /// The version of the API server; the current one unless said.
    #[must_use]
    pub fn version(mut self, version: KubeVersion) -> Self {
        self.version = version;
        self
    }

    /// Adds an argument to kube-apiserver, such as `--max-requests-inflight=1`.
    /// It stands after the harness's own, so it also overrides those.
    #[must_use]
    pub fn api_server_argument(mut self, argument: impl Into<String>) -> Self {
        self.api_server_arguments.push(argument.into());
        self
    }

    /// Adds kube-scheduler and kwok with this many nodes, `node-1` and on: Pods are scheduled and become ready at once, those of
    /// Jobs succeed, deleted ones go. No container runs, but `exec` does what it says: kwok runs the command as a process of this
    /// machine, whose variable `CONTAINER` is `first` or `second` for containers of these names. A command that fails comes back
    /// as the server's `InternalError`, without its exit code.
    ///
    /// The current version only.
    #[must_use]
    pub fn with_nodes(mut self, nodes: u16) -> Self {
        self.nodes = nodes;
        self
    }

    /// Starts the control plane; see [`ControlPlane::start`].
    ///
    /// # Errors
    /// See [`ControlPlane::start`].
    pub async fn start(self) -> Result<ControlPlane, Error> {
        // If the caller stops waiting, the thread goes on and drops what it started.
        in_background(move || self.start_blocking()).await
    }

    /// [`start`](Self::start) for a caller without an async runtime.
    ///
    /// # Errors
    /// See [`ControlPlane::start`].
    pub fn start_blocking(self) -> Result<ControlPlane, Error> {
        let binaries = Binaries::locate(self.version)?;
        let nodes = match (self.nodes, self.version) {
            (0, _) => None,
            (_, KubeVersion::V1_36) => Some(NodeBinaries::locate()?),
            (_, version) => {
                return Err(Error::new(format!(
                    "nodes are there for the current version only, not for {version}"
                )));
            }
        };
        start::start(&self, &binaries, nodes.as_ref())
    }
}

impl ControlPlane {
    /// Starts a control plane of the current version (3–4 s, once the binaries are built).
    ///
    /// When this returns it is usable: `/readyz` says ok, and the default namespace has its
    /// default ServiceAccount.
    ///
    /// # Errors
    /// No binaries and no way to make them; a component that ends or does not become ready
    /// in time: the error holds the last lines of its log.
    ///
    /// # Cancellation
    /// Nothing is left behind when the future is dropped.
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// Chooses what to start.
    #[must_use]
    pub fn builder() -> ControlPlaneBuilder {
        ControlPlaneBuilder::default()
    }

    /// The administrator: a client certificate of the group `system:masters`, which is
    /// exempt from RBAC and from priority and fairness.
    #[must_use]
    pub fn kubeconfig(&self) -> &Kubeconfig {
        &self.admin
    }

    /// Another user, with a client certificate of its own and no rights but those that the
    /// test gives to `name` or `groups`.
    ///
    /// # Errors
    /// The kubeconfig cannot be written.
    pub fn user(&self, name: &str, groups: &[&str]) -> Result<Kubeconfig, Error> {
        self.kubeconfig_for(name, groups, Validity::Good)
    }

    /// A user whose client certificate has expired: the server answers 401.
    ///
    /// # Errors
    /// The kubeconfig cannot be written.
    pub fn expired_user(&self, name: &str, groups: &[&str]) -> Result<Kubeconfig, Error> {
        self.kubeconfig_for(name, groups, Validity::Expired)
    }

    /// Where the API server listens: `https://127.0.0.1:<port>`.
    #[must_use]
    pub fn server_url(&self) -> &str {
        &self.server_url
    }

    /// The certificate authority of the server and of every user, as PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        self.authority.certificate()
    }

    /// The version that was asked for.
    #[must_use]
    pub fn version(&self) -> KubeVersion {
        self.version
    }

    /// The version that the server says it has, such as `v1.36.3`.
    #[must_use]
    pub fn server_version(&self) -> &str {
        &self.server_version
    }

    /// One request as the administrator, by the harness's own small client (JSON; `PATCH` is
    /// a merge patch): for preparing and checking without the client library under test.
    ///
    /// # Errors
    /// No answer. A status such as 404 is an answer.
    pub async fn call(&self, method: &str, path: &str, body: &str) -> Result<Reply, Error> {
        let client = self.client.clone();
        let [method, path, body] = [method, path, body].map(str::to_owned);
        in_background(move || client.call(&method, &path, &body)).await
    }

    /// Makes the API server hang (SIGSTOP): connections open, nothing is answered.
    ///
    /// # Errors
    /// The API server does not run.
    pub fn pause(&self) -> Result<(), Error> {
        self.supervisor().signal(API_SERVER, "STOP")
    }

    /// Lets a paused API server go on.
    ///
    /// # Errors
    /// The API server does not run.
    pub fn resume(&self) -> Result<(), Error> {
        self.supervisor().signal(API_SERVER, "CONT")
    }

    /// The last lines that a component (`etcd`, `kube-apiserver`, `kube-controller-manager`, `kube-scheduler`, `kwok`) wrote.
    #[must_use]
    pub fn log_tail(&self, component: &str, lines: usize) -> String {
        self.supervisor().log_tail(component, lines)
    }

    /// The process ids of the components that run, by component.
    #[must_use]
    pub fn processes(&self) -> Vec<(&'static str, u32)> {
        let supervisor = self.supervisor();
        [ETCD, API_SERVER, CONTROLLER_MANAGER, SCHEDULER, KWOK]
            .into_iter()
            .filter_map(|name| Some((name, supervisor.pid(name)?)))
            .collect()
    }

    /// Kills everything now and waits until it is gone, off the async threads.
    pub async fn stop(self) {
        // Dropping cannot fail, so there is no result to hand on.
        let _ = in_background(move || {
            drop(self);
            Ok(())
        })
        .await;
    }

    fn kubeconfig_for(
        &self,
        name: &str,
        groups: &[&str],
        validity: Validity,
    ) -> Result<Kubeconfig, Error> {
        let identity = self.authority.client(name, groups, validity)?;
        let number = self.users.fetch_add(1, Ordering::Relaxed);
        let path = self.folder().join(format!("user-{number}.kubeconfig"));
        Kubeconfig::write(path, &self.server_url, self.ca_pem(), &identity)
    }

    /// The folder that holds everything of this control plane; gone when it is dropped.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.admin.path().parent().unwrap_or_else(|| Path::new(""))
    }

    fn supervisor(&self) -> MutexGuard<'_, Supervisor> {
        // Nothing in it is half-changed when a holder panics.
        self.supervisor
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(Error::caused_by("the harness itself broke", error)))
}

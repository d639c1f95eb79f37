//! The flags and the order in which the components start.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicU32;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{API_SERVER, CONTROLLER_MANAGER, ControlPlane, ControlPlaneBuilder, ETCD};
use crate::http::Client;
use crate::kubeconfig::{Kubeconfig, write_private};
use crate::pki::{Authority, Identity, Validity, token_keys};
use crate::supervisor::Supervisor;
use crate::{Binaries, Error, KubeVersion, NodeBinaries};

/// How long a component may take to become ready. Seconds are normal; a machine that
/// builds and tests at the same time is slow.
const PATIENCE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(20);

/// Between choosing a free port and listening on it, another process may take it.
const ATTEMPTS: u32 = 5;

/// The controllers that today's controller-manager can run against 1.21; all of them together panic.
const CONTROLLERS_1_21: &str = "namespace-controller,serviceaccount-controller,serviceaccount-token-controller,\
    root-ca-certificate-publisher-controller,deployment-controller,replicaset-controller,\
    clusterrole-aggregation-controller";

pub(super) fn start(
    wanted: &ControlPlaneBuilder,
    binaries: &Binaries,
    nodes: Option<&NodeBinaries>,
) -> Result<ControlPlane, Error> {
    let mut attempt = 1;
    loop {
        match Starting::new()?.start(wanted, binaries, nodes) {
            Err(Failure::PortTaken(_)) if attempt < ATTEMPTS => attempt += 1,
            Err(Failure::PortTaken(error) | Failure::Other(error)) => return Err(error),
            Ok(plane) => return Ok(plane),
        }
    }
}

pub(super) enum Failure {
    PortTaken(Error),
    Other(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

pub(super) struct Starting {
    pub(super) supervisor: Supervisor,
    pub(super) authority: Authority,
}

impl Starting {
    fn new() -> Result<Self, Error> {
        Ok(Self {
            supervisor: Supervisor::start(fresh_folder()?)?,
            authority: Authority::new()?,
        })
    }

    fn start(
        mut self,
        wanted: &ControlPlaneBuilder,
        binaries: &Binaries,
        nodes: Option<&NodeBinaries>,
    ) -> Result<ControlPlane, Failure> {
        let etcd_url = self.start_etcd(binaries.etcd())?;

        let port = free_port()?;
        let server_url = format!("https://127.0.0.1:{port}");
        let admin = self
            .authority
            .client("admin", &["system:masters"], Validity::Good)?;
        let client = Client::new(port, self.authority.certificate(), &admin)?;
        let admin = self.kubeconfig("admin", &server_url, &admin)?;
        let mut arguments = self.api_server_arguments(port, &etcd_url)?;
        if nodes.is_some() {
            arguments.extend(self.kubelet_arguments()?);
        }
        arguments.extend(wanted.api_server_arguments.iter().cloned());
        self.supervisor
            .run(API_SERVER, binaries.api_server(), &arguments)?;
        self.wait(API_SERVER, "answer", || {
            client.call("GET", "/livez/ping", "").is_ok()
        })?;

        let user = self
            .authority
            .client("system:kube-controller-manager", &[], Validity::Good)?;
        let kubeconfig = self.kubeconfig("controller-manager", &server_url, &user)?;
        let arguments = self.controller_manager_arguments(wanted.version, kubeconfig.path());
        let ok = |path: &str| {
            client
                .call("GET", path, "")
                .is_ok_and(|reply| reply.status == 200)
        };
        // It gives up on an API server that does not know it yet.
        self.wait(API_SERVER, "become ready", || ok("/readyz"))?;
        self.supervisor.run(
            CONTROLLER_MANAGER,
            binaries.controller_manager(),
            &arguments,
        )?;
        self.wait(
            CONTROLLER_MANAGER,
            "make the default ServiceAccount",
            || ok("/api/v1/namespaces/default/serviceaccounts/default"),
        )?;
        if let Some(programs) = nodes {
            self.start_nodes(programs, wanted.nodes, &server_url, &client)?;
        }

        let server_version = client.call("GET", "/version", "")?.body;
        Ok(ControlPlane {
            server_version: json_text(&server_version, "gitVersion")
                .unwrap_or_default()
                .to_owned(),
            supervisor: Mutex::new(self.supervisor),
            authority: self.authority,
            version: wanted.version,
            server_url,
            client,
            admin,
            users: AtomicU32::new(0),
        })
    }

    /// etcd listens on a socket in the folder: no port to lose, and no other user of the
    /// machine can reach it.
    fn start_etcd(&mut self, program: &Path) -> Result<String, Failure> {
        let folder = self.supervisor.folder().to_owned();
        // To etcd and its clients this URL is the file `etcd:0` in the working directory.
        let socket = folder.join("etcd:0");
        let url = "unix://etcd:0";
        let arguments = [
            "--name=testenv".to_owned(),
            format!("--data-dir={}", folder.join("etcd").display()),
            format!("--listen-client-urls={url}"),
            format!("--advertise-client-urls={url}"),
            "--listen-peer-urls=http://127.0.0.1:0".to_owned(),
            "--unsafe-no-fsync".to_owned(),
            "--log-level=warn".to_owned(),
            // The default of 2 GiB is not enough for the largest benchmarks.
            "--quota-backend-bytes=8589934592".to_owned(),
        ];
        self.supervisor.run(ETCD, program, &arguments)?;
        self.wait(ETCD, "listen", || socket.exists())?;
        Ok(url.to_owned())
    }

    fn api_server_arguments(&self, port: u16, etcd_url: &str) -> Result<Vec<String>, Error> {
        let ca = self.file("ca.crt", self.authority.certificate())?;
        let server = self.authority.server()?;
        let certificate = self.file("server.crt", &server.certificate)?;
        let key = self.file("server.key", &server.key)?;
        let tokens = token_keys()?;
        let token_check = self.file("tokens.pub", &tokens.certificate)?;
        let token_key = self.file("tokens.key", &tokens.key)?;
        Ok(vec![
            "--bind-address=127.0.0.1".into(),
            "--advertise-address=127.0.0.1".into(),
            format!("--secure-port={port}"),
            format!("--etcd-servers={etcd_url}"),
            "--authorization-mode=RBAC".into(),
            format!("--client-ca-file={ca}"),
            format!("--tls-cert-file={certificate}"),
            format!("--tls-private-key-file={key}"),
            "--service-account-issuer=https://kubernetes.default.svc".into(),
            format!("--service-account-key-file={token_check}"),
            format!("--service-account-signing-key-file={token_key}"),
            // Room for the thousands of Services of a benchmark.
            "--service-cluster-ip-range=10.96.0.0/12".into(),
            "--endpoint-reconciler-type=none".into(),
            "--allow-privileged=true".into(),
        ])
    }

    fn controller_manager_arguments(&self, version: KubeVersion, kubeconfig: &Path) -> Vec<String> {
        let folder = self.supervisor.folder();
        let mut arguments = vec![
            format!("--kubeconfig={}", kubeconfig.display()),
            format!("--root-ca-file={}", folder.join("ca.crt").display()),
            format!(
                "--service-account-private-key-file={}",
                folder.join("tokens.key").display()
            ),
            // Without it namespaces hang in Terminating.
            "--use-service-account-credentials=true".into(),
            "--secure-port=0".into(),
            "--leader-elect=false".into(),
            // The default of 20 requests a second alone costs seconds of every start.
            "--kube-api-qps=1000".into(),
            "--kube-api-burst=2000".into(),
            "--concurrent-namespace-syncs=50".into(),
        ];
        if version == KubeVersion::V1_21 {
            arguments.push(format!("--controllers={CONTROLLERS_1_21}"));
        }
        arguments
    }

    pub(super) fn kubeconfig(
        &self,
        name: &str,
        server: &str,
        user: &Identity,
    ) -> Result<Kubeconfig, Error> {
        let path = self.supervisor.folder().join(format!("{name}.kubeconfig"));
        Kubeconfig::write(path, server, self.authority.certificate(), user)
    }

    pub(super) fn file(&self, name: &str, text: &str) -> Result<String, Error> {
        let path = self.supervisor.folder().join(name);
        write_private(&path, text)?;
        Ok(path.display().to_string())
    }

    /// Waits until `done`, but not longer than `component` lives.
    ///
    /// The process is looked at after the answer: two servers on one port answer for each
    /// other, and the second dies late.
    pub(super) fn wait(
        &self,
        component: &str,
        what: &str,
        mut done: impl FnMut() -> bool,
    ) -> Result<(), Failure> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let is_done = done();
            if let Some(status) = self.supervisor.exit_status(component) {
                let log = self.supervisor.log_tail(component, 400);
                let error = self.failure(
                    component,
                    &format!("ended with status {status} before it could {what}"),
                );
                return Err(if log.contains("address already in use") {
                    Failure::PortTaken(error)
                } else {
                    Failure::Other(error)
                });
            }
            if is_done {
                return Ok(());
            }
            if Instant::now() > deadline {
                let seconds = PATIENCE.as_secs();
                return Err(self
                    .failure(component, &format!("did not {what} within {seconds} s"))
                    .into());
            }
            thread::sleep(POLL);
        }
    }

    fn failure(&self, component: &str, what: &str) -> Error {
        let tail = self.supervisor.log_tail(component, 15);
        Error::new(format!("{component} {what}; the end of its log:\n{tail}"))
    }
}

/// A folder name that no other process chooses.
fn fresh_folder() -> Result<PathBuf, Error> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let number = COUNTER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let nanos = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.subsec_nanos());
    let name = format!("csdr-testenv-{}-{number}-{nanos:x}", std::process::id());
    // The components run in the folder: to them a relative name would be another place.
    std::path::absolute(std::env::temp_dir().join(name))
        .map_err(|error| Error::caused_by("cannot tell where the temporary folder is", error))
}

pub(super) fn free_port() -> Result<u16, Error> {
    let port =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    port.map(|address| address.port())
        .map_err(|error| Error::caused_by("cannot find a free port on 127.0.0.1", error))
}

/// The value of a text field in a flat JSON document whose texts hold no quotes.
fn json_text<'a>(document: &'a str, field: &str) -> Option<&'a str> {
    let after = document.split_once(&format!("\"{field}\""))?.1;
    after.split('"').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found_in_the_servers_answer() {
        let document = r#"{ "major": "1", "gitVersion": "v1.36.3", "platform": "linux/amd64" }"#;
        assert_eq!(json_text(document, "gitVersion"), Some("v1.36.3"));
        assert_eq!(json_text(document, "gitCommit"), None);
    }

    #[test]
    fn folders_differ() {
        assert_ne!(fresh_folder().unwrap(), fresh_folder().unwrap());
    }
}

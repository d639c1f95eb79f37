//! Nodes: kube-scheduler, and kwok in the place of kubelets.

use super::start::{Failure, Starting, free_port};
use super::{KWOK, SCHEDULER};
use crate::http::Client;
use crate::pki::Validity;
use crate::{Error, NodeBinaries};

/// An exec runs as a process of this machine; the variable tells which container it was for.
const EXEC: &str = "---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterExec
metadata:
  name: exec
spec:
  execs:
  - containers: [first]
    local:
      envs:
      - {name: CONTAINER, value: first}
  - containers: [second]
    local:
      envs:
      - {name: CONTAINER, value: second}
  - local:
      envs:
      - {name: CONTAINER, value: other}
";

impl Starting {
    /// What the API server needs to reach kubelets, for `exec`.
    pub(super) fn kubelet_arguments(&self) -> Result<Vec<String>, Error> {
        let client = self
            .authority
            .client("kube-apiserver-kubelet-client", &[], Validity::Good)?;
        let certificate = self.file("kubelet-client.crt", &client.certificate)?;
        let key = self.file("kubelet-client.key", &client.key)?;
        Ok(vec![
            format!("--kubelet-client-certificate={certificate}"),
            format!("--kubelet-client-key={key}"),
            "--kubelet-preferred-address-types=InternalIP".into(),
        ])
    }

    /// Starts the scheduler and kwok, makes the nodes, and waits until they are ready.
    pub(super) fn start_nodes(
        &mut self,
        programs: &NodeBinaries,
        nodes: u16,
        server_url: &str,
        client: &Client,
    ) -> Result<(), Failure> {
        let user = self
            .authority
            .client("system:kube-scheduler", &[], Validity::Good)?;
        let scheduler = self.kubeconfig("scheduler", server_url, &user)?;
        let arguments = [
            format!("--kubeconfig={}", scheduler.path().display()),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
        ];
        self.supervisor
            .run(SCHEDULER, programs.scheduler(), &arguments)?;

        let port = free_port()?;
        let arguments = self.kwok_arguments(programs, port, server_url)?;
        self.supervisor.run(KWOK, programs.kwok(), &arguments)?;
        for number in 1..=nodes {
            let body = format!(
                r#"{{"apiVersion":"v1","kind":"Node","metadata":{{"name":"node-{number}","annotations":{{"kwok.x-k8s.io/node":"fake"}},"labels":{{"kubernetes.io/hostname":"node-{number}","kubernetes.io/os":"linux"}}}}}}"#
            );
            let reply = client.call("POST", "/api/v1/nodes", &body)?;
            if reply.status != 201 {
                let text = format!("the API server does not take node-{number}: {}", reply.body);
                return Err(Error::new(text).into());
            }
        }
        let ready = || (1..=nodes).all(|number| is_usable(client, number));
        self.wait(KWOK, "make its nodes ready", ready)?;
        self.wait(SCHEDULER, "start", || true)
    }

    fn kwok_arguments(
        &self,
        programs: &NodeBinaries,
        port: u16,
        server_url: &str,
    ) -> Result<Vec<String>, Error> {
        let user = self
            .authority
            .client("kwok", &["system:masters"], Validity::Good)?;
        let kubeconfig = self.kubeconfig("kwok", server_url, &user)?;
        let stages = std::fs::read_to_string(programs.stages()).map_err(|error| {
            Error::caused_by(
                format!("cannot read {}", programs.stages().display()),
                error,
            )
        })?;
        let config = self.file("kwok.yaml", &format!("{stages}{EXEC}"))?;
        let server = self.authority.server()?;
        let certificate = self.file("kwok.crt", &server.certificate)?;
        let key = self.file("kwok.key", &server.key)?;
        Ok(vec![
            format!("--kubeconfig={}", kubeconfig.path().display()),
            format!("--config={config}"),
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake".into(),
            "--node-ip=127.0.0.1".into(),
            format!("--node-port={port}"),
            format!("--server-address=127.0.0.1:{port}"),
            format!("--tls-cert-file={certificate}"),
            format!("--tls-private-key-file={key}"),
            "--node-lease-duration-seconds=40".into(),
        ])
    }
}

/// Whether a node is ready, and pods may be scheduled onto it: a new one is tainted until its controller has seen it.
fn is_usable(client: &Client, number: u16) -> bool {
    let path = format!("/api/v1/nodes/node-{number}");
    client.call("GET", &path, "").is_ok_and(|reply| {
        reply.status == 200
            && reply.body.contains(r#""reason":"KubeletReady""#)
            && !reply.body.contains("node.kubernetes.io/not-ready")
    })
}

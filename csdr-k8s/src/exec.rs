//! Commands in containers, through the API server.

mod channel;
mod status;

use crate::{
    ClusterClient,
    error::{self, Failure, Refusal, Status},
    path, read,
};
use async_trait::async_trait;
use channel::{Ended, read_to_end};
use csdr_core::{
    Error, ErrorKind, Result,
    hook::HookPod,
    model::ObjectId,
    port::{ExecOutput, ExecRequest, HookExecutor},
};
use http::{Request, StatusCode};
use kube::client::UpgradeConnectionError;

/// Runs commands in containers of a cluster: the [`HookExecutor`] for pods, over a websocket (`v5.channel.k8s.io`, else `v4`).
///
/// Rights: `get` of `pods`, and `get` and `create` of `pods/exec` (servers from 1.35 on ask for `create`, older ones for `get`).
///
/// Where a container runtime tells no exit code the server answers `InternalError`: then the output's status is
/// [`ExecStatus::Failed`](csdr_core::port::ExecStatus::Failed) with the server's words.
///
/// ```
/// use csdr_k8s::{ClusterClient, ConnectOptions, KubeCollector, PodExec};
/// # use csdr_core::{backup::Backup, memory::MemoryVault, vault::Vault};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> csdr_core::Result<()> {
/// # let kubeconfig = "
/// # apiVersion: v1
/// # kind: Config
/// # current-context: test
/// # clusters: [{name: test, cluster: {server: 'http://127.0.0.1:1'}}]
/// # contexts: [{name: test, context: {cluster: test, user: nobody}}]
/// # ";
/// # let vault = Vault::create(MemoryVault::new()).await?;
/// let client = ClusterClient::from_yaml(kubeconfig, &ConnectOptions::default()).await?;
/// let backup = Backup::new(KubeCollector::new(client.clone()), vault).with_hooks(PodExec::new(client));
/// # let _ = backup;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct PodExec {
    client: ClusterClient,
}

impl PodExec {
    /// In the pods of this client's cluster.
    pub fn new(client: ClusterClient) -> Self {
        Self { client }
    }

    /// The container to use, after a look at the pod: `exec` itself knows neither uids nor a default.
    async fn container(&self, request: &ExecRequest) -> Result<String> {
        let id = ObjectId::new(
            "pods".parse()?,
            Some(request.namespace.clone()),
            request.pod.as_str(),
        )?;
        let missing = |message: &str| Error::new(ErrorKind::NotFound, message.to_owned());
        let object = read::get(&self.client, &id, "v1").await?;
        let object = object.ok_or_else(|| missing("there is no such pod"))?;
        let pod = HookPod::of(&object)?;
        if request.uid.as_ref().is_some_and(|uid| *uid != pod.uid) {
            return Err(missing("the pod of this name is another one by now"));
        }
        let container = match &request.container {
            Some(name) => pod.containers.iter().find(|own| *own == name),
            None => pod.containers.first(),
        };
        let container = container.ok_or_else(|| missing("the pod has no such container"))?;
        if !pod.running {
            return Err(Error::new(ErrorKind::Conflict, "the pod does not run"));
        }
        Ok(container.clone())
    }

    async fn run(&self, request: &ExecRequest) -> Result<ExecOutput> {
        if request.command.first().is_none_or(String::is_empty) {
            return Err(Error::invalid("the command is empty"));
        }
        let container = self.container(request).await?;
        let mut path = path::object(
            &ObjectId::new(
                "pods".parse()?,
                Some(request.namespace.clone()),
                request.pod.as_str(),
            )?,
            "v1",
        )?;
        path.push_str("/exec");
        path::push_query(&mut path, "container", &container);
        path::push_query(&mut path, "stdout", "true");
        path::push_query(&mut path, "stderr", "true");
        for word in &request.command {
            path::push_query(&mut path, "command", word);
        }
        let http = Request::get(path).body(Vec::new());
        let http = http.map_err(|_| Error::invalid("not a command that HTTP can carry"))?;
        let connection = self.client.client.connect(http).await;
        let connection = connection.map_err(|error| self.client.explain(refused(error)))?;
        let stream = connection.into_stream();
        let Ended { status, output } = read_to_end(stream, request.output_bytes).await?;
        status::judge(&status, &request.command).map(|status| ExecOutput { status, ..output })
    }
}

/// Why the server did not switch to a websocket.
fn refused(error: kube::Error) -> Failure {
    match error {
        kube::Error::Api(said) => {
            let code = StatusCode::from_u16(said.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let status = Status {
                message: Some(said.message),
                reason: Some(said.reason).filter(|reason| !reason.is_empty()),
                code: Some(said.code),
                ..Status::default()
            };
            Failure::Refused(Box::new(Refusal::from_status(status, code)))
        }
        kube::Error::UpgradeConnection(UpgradeConnectionError::GetPendingUpgrade(_)) => {
            Failure::Broken(Error::new(
                ErrorKind::Unavailable,
                "the connection to the API server broke",
            ))
        }
        kube::Error::UpgradeConnection(source) => Failure::Broken(
            Error::new(
                ErrorKind::Unsupported,
                "the server does not switch to a websocket; a proxy on the way must let upgrades through",
            )
            .with_source(source),
        ),
        error => Failure::Broken(error::from_kube(error)),
    }
}

#[async_trait]
impl HookExecutor for PodExec {
    async fn cluster(&self) -> Result<Option<String>> {
        let id: ObjectId = "namespaces/kube-system".parse()?;
        match read::get(&self.client, &id, "v1").await {
            Ok(namespace) => Ok(namespace.map(|namespace| namespace.meta().uid.clone())),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn exec(&self, request: &ExecRequest) -> Result<ExecOutput> {
        let ended = tokio::time::timeout(request.timeout, self.run(request)).await;
        let ended = ended.unwrap_or_else(|_| {
            Err(
                Error::new(ErrorKind::Timeout, "the command did not end in time")
                    .with_context("seconds", request.timeout.as_secs()),
            )
        });
        ended.map_err(|error| {
            error
                .with_operation("run hook")
                .with_context("pod", format_args!("{}/{}", request.namespace, request.pod))
        })
    }
}

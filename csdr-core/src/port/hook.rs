//! Running a command in a container.

use crate::Result;
use async_trait::async_trait;
use std::{fmt, sync::Arc, time::Duration};

/// Runs commands in containers of one cluster, for hooks.
///
/// # Contract
/// * `exec` starts the command exactly once; it is never repeated, also not after a broken connection.
/// * The words of the command reach the program as they are: there is no shell.
/// * Without a container it is the first one of the pod's spec.
/// * It answers when the command has ended. After `timeout`, counted from the call, it answers `Timeout`; whether the command goes on in
///   the container is open.
/// * What the command wrote is in the answer, each stream up to `output_bytes`; more is read and thrown away, so that the command does
///   not stand still.
/// * A command that ran and failed is an answer, not an error.
/// * With a `uid`, a pod of that name with another uid is `NotFound`.
///
/// # Errors
/// | kind | when |
/// |---|---|
/// | `NotFound` | there is no such pod, or no such container in it |
/// | `InvalidInput` | the command is empty |
/// | `Conflict` | the pod's container does not run |
/// | `Timeout` | the command did not end in time |
/// | `PermissionDenied`, `Unauthenticated` | rights |
/// | `Unavailable`, `RateLimited` | not certain whether it ran |
///
/// No error and no `Debug` shows what the command wrote or its arguments: either may hold a password.
///
/// # Cancellation
/// Dropping a future closes the connection; whether the command goes on in the container is open.
#[async_trait]
pub trait HookExecutor: fmt::Debug + Send + Sync + 'static {
    /// The id of the cluster: the uid of its namespace `kube-system`. `None` if it may not be read.
    async fn cluster(&self) -> Result<Option<String>>;

    /// Runs a command to its end.
    async fn exec(&self, request: &ExecRequest) -> Result<ExecOutput>;
}

/// What to run, and where. `Debug` shows the program, not its arguments.
#[derive(Clone, PartialEq, Eq)]
pub struct ExecRequest {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub pod: String,
    /// Only in the pod with this uid.
    pub uid: Option<String>,
    /// The container; `None` is the first one.
    pub container: Option<String>,
    /// Program and arguments.
    pub command: Vec<String>,
    /// How long it may take.
    pub timeout: Duration,
    /// How much of each output stream is kept.
    pub output_bytes: usize,
}

impl fmt::Debug for ExecRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecRequest")
            .field("pod", &format_args!("{}/{}", self.namespace, self.pod))
            .field("container", &self.container)
            .field("program", &self.command.first())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecStatus {
    /// With exit code 0.
    Success,
    /// With another exit code.
    Exit(i32),
    /// It failed, and the server does not say with which code; these are the server's words, without the command's output.
    Failed(String),
}

/// What a command left. `Debug` shows sizes, not the output.
#[derive(Clone, PartialEq, Eq)]
pub struct ExecOutput {
    /// How it ended.
    pub status: ExecStatus,
    /// The first bytes of its standard output.
    pub stdout: Vec<u8>,
    /// The first bytes of its standard error.
    pub stderr: Vec<u8>,
    /// Whether it wrote more than was kept.
    pub truncated: bool,
}

impl fmt::Debug for ExecOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecOutput")
            .field("status", &self.status)
            .field("stdout", &format_args!("{} bytes", self.stdout.len()))
            .field("stderr", &format_args!("{} bytes", self.stderr.len()))
            .field("truncated", &self.truncated)
            .finish()
    }
}

#[async_trait]
impl<T: HookExecutor + ?Sized> HookExecutor for Arc<T> {
    async fn cluster(&self) -> Result<Option<String>> {
        (**self).cluster().await
    }

    async fn exec(&self, request: &ExecRequest) -> Result<ExecOutput> {
        (**self).exec(request).await
    }
}

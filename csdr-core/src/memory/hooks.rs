//! Commands in the containers of a cluster in memory.

use super::MemoryCluster;
use crate::{
    Error, ErrorKind, Result,
    hook::HookPod,
    port::{Clock, ExecOutput, ExecRequest, ExecStatus, HookExecutor, ResourceTarget, SystemClock},
};
use async_trait::async_trait;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Runs commands in the pods of a [`MemoryCluster`]; clones share what was run.
///
/// It knows a few programs: `true`, `false`, `exit CODE`, `sleep SECONDS`, `yes BYTES` (writes so many), `brackets WORDS` (writes each in
/// brackets), `write-both` (`out` and `err`), `container` (writes the container's name), and `fsfreeze --freeze|--unfreeze PATH`, which as
/// the real one fails when the path is frozen, or not, already. Others are made with [`with_program`](Self::with_program); what is unknown
/// ends with 127. A pod must be in phase `Running`.
///
/// ```
/// use csdr_core::{memory::{MemoryCluster, MemoryHooks}, port::{ExecRequest, ExecStatus, HookExecutor}};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> csdr_core::Result<()> {
/// let cluster = MemoryCluster::new();
/// cluster.load_yaml("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}")?;
/// cluster.load_yaml("{apiVersion: v1, kind: Pod, metadata: {name: db, namespace: shop}, spec: {containers: [{name: db}]}, status: {phase: Running}}")?;
/// let hooks = MemoryHooks::new(cluster);
/// let request = ExecRequest {
///     namespace: "shop".into(), pod: "db".into(), uid: None, container: None,
///     command: ["fsfreeze", "--freeze", "/data"].map(Into::into).into(),
///     timeout: std::time::Duration::from_secs(30), output_bytes: 100,
/// };
/// assert_eq!(hooks.exec(&request).await?.status, ExecStatus::Success);
/// assert_eq!(hooks.frozen(), ["shop/db /data"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct MemoryHooks {
    cluster: MemoryCluster,
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

/// What a program of a [`MemoryHooks`] does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemoryProgram {
    /// Ends with this exit code.
    Exit(i32),
    /// Writes this and ends well.
    Write {
        /// To standard output.
        stdout: Vec<u8>,
        /// To standard error.
        stderr: Vec<u8>,
    },
    /// Never ends.
    Hang,
    /// Cannot be run, with this kind of error.
    Fail(ErrorKind),
}

#[derive(Default)]
struct State {
    programs: BTreeMap<String, MemoryProgram>,
    calls: Vec<String>,
    frozen: BTreeSet<String>,
}

impl MemoryHooks {
    /// In the pods of this cluster.
    pub fn new(cluster: MemoryCluster) -> Self {
        Self {
            cluster,
            clock: Arc::new(SystemClock),
            state: Arc::default(),
        }
    }

    /// With a clock of the caller.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Adds a program, or replaces one.
    #[must_use]
    pub fn with_program(self, name: impl Into<String>, program: MemoryProgram) -> Self {
        self.state().programs.insert(name.into(), program);
        self
    }

    /// What was run so far: `shop/db db: fsfreeze --freeze /data`, in order.
    pub fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    /// What is frozen now, `shop/db /data`, sorted.
    pub fn frozen(&self) -> Vec<String> {
        self.state().frozen.iter().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn pod(&self, request: &ExecRequest) -> Result<HookPod> {
        let about = |error: Error| {
            error
                .with_operation("run hook")
                .with_context("pod", format_args!("{}/{}", request.namespace, request.pod))
        };
        let id = format!("pods/{}/{}", request.namespace, request.pod).parse()?;
        let Some(object) = ResourceTarget::get(&self.cluster, &id, "v1").await? else {
            return Err(about(Error::new(
                ErrorKind::NotFound,
                "there is no such pod",
            )));
        };
        let pod = HookPod::of(&object)?;
        if request.uid.as_ref().is_some_and(|uid| *uid != pod.uid) {
            let message = "the pod of this name is another one by now";
            return Err(about(Error::new(ErrorKind::NotFound, message)));
        }
        if !pod.running {
            return Err(about(Error::new(
                ErrorKind::Conflict,
                "the pod does not run",
            )));
        }
        Ok(pod)
    }

    async fn run(
        &self,
        place: &str,
        container: &str,
        command: &[String],
        timeout: Duration,
    ) -> Result<Ran> {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let scripted = words
            .first()
            .and_then(|name| self.state().programs.get(*name).cloned());
        match scripted {
            Some(MemoryProgram::Exit(code)) => return Ok(Ran::exit(code)),
            Some(MemoryProgram::Write { stdout, stderr }) => {
                return Ok(Ran {
                    code: 0,
                    stdout,
                    stderr,
                });
            }
            Some(MemoryProgram::Fail(kind)) => {
                return Err(Error::new(kind, "a failure on purpose"));
            }
            Some(MemoryProgram::Hang) => return Err(self.late(timeout).await),
            None => {}
        }
        match words[..] {
            ["true", ..] => Ok(Ran::exit(0)),
            ["false", ..] => Ok(Ran::exit(1)),
            ["exit", code] => Ok(Ran::exit(code.parse().unwrap_or(2))),
            ["brackets", ref words @ ..] => {
                let text = words.iter().map(|word| format!("[{word}]"));
                Ok(Ran::writes(text.collect::<String>(), ""))
            }
            ["write-both"] => Ok(Ran::writes("out", "err")),
            ["container"] => Ok(Ran::writes(container, "")),
            ["yes", bytes] => Ok(Ran::writes("y".repeat(bytes.parse().unwrap_or(0)), "")),
            ["sleep", seconds] => {
                let time = seconds.parse().map(Duration::from_secs).unwrap_or_default();
                if time >= timeout {
                    return Err(self.late(timeout).await);
                }
                self.clock.sleep(time).await;
                Ok(Ran::exit(0))
            }
            ["fsfreeze", verb, path] => {
                let path = format!("{place} {path}");
                let mut state = self.state();
                let done = match verb {
                    "--freeze" | "-f" => state.frozen.insert(path),
                    "--unfreeze" | "-u" => state.frozen.remove(&path),
                    _ => false,
                };
                Ok(Ran::exit(i32::from(!done)))
            }
            _ => Ok(Ran::exit(127)),
        }
    }

    async fn late(&self, timeout: Duration) -> Error {
        self.clock.sleep(timeout).await;
        Error::new(ErrorKind::Timeout, "the command did not end in time")
            .with_context("seconds", timeout.as_secs())
    }
}

struct Ran {
    code: i32,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Ran {
    fn writes(stdout: impl Into<String>, stderr: &str) -> Self {
        Self {
            code: 0,
            stdout: stdout.into().into_bytes(),
            stderr: stderr.as_bytes().to_vec(),
        }
    }

    fn exit(code: i32) -> Self {
        Self {
            code,
            stdout: Vec::new(),
            stderr: Vec::new(),
        }
    }
}

#[async_trait]
impl HookExecutor for MemoryHooks {
    async fn cluster(&self) -> Result<Option<String>> {
        let id = "namespaces/kube-system".parse()?;
        let namespace = ResourceTarget::get(&self.cluster, &id, "v1").await?;
        Ok(namespace.map(|namespace| namespace.meta().uid.clone()))
    }

    async fn exec(&self, request: &ExecRequest) -> Result<ExecOutput> {
        if request.command.first().is_none_or(String::is_empty) {
            return Err(Error::invalid("the command is empty").with_operation("run hook"));
        }
        let pod = self.pod(request).await?;
        let container = match &request.container {
            Some(name) if !pod.containers.contains(name) => {
                return Err(
                    Error::new(ErrorKind::NotFound, "the pod has no such container")
                        .with_operation("run hook")
                        .with_context("container", name),
                );
            }
            Some(name) => name.clone(),
            None => pod.containers.first().cloned().unwrap_or_default(),
        };
        let place = format!("{}/{}", request.namespace, request.pod);
        self.state().calls.push(format!(
            "{place} {container}: {}",
            request.command.join(" ")
        ));
        let ran = self
            .run(&place, &container, &request.command, request.timeout)
            .await?;
        let limit = request.output_bytes;
        let kept = |mut bytes: Vec<u8>| {
            bytes.truncate(limit);
            bytes
        };
        Ok(ExecOutput {
            status: match ran.code {
                0 => ExecStatus::Success,
                code => ExecStatus::Exit(code),
            },
            truncated: ran.stdout.len() > limit || ran.stderr.len() > limit,
            stdout: kept(ran.stdout),
            stderr: kept(ran.stderr),
        })
    }
}

impl fmt::Debug for MemoryHooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryHooks")
            .field("frozen", &self.frozen())
            .finish_non_exhaustive()
    }
}

//! Executors that break one rule each: they prove that the suite sees it.

use super::conformance::{Fixture, memory};
use async_trait::async_trait;
use csdr_core::{
    Error, ErrorKind, Result,
    port::{ExecOutput, ExecRequest, ExecStatus, HookExecutor},
};
use std::{
    fmt,
    future::pending,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// A way to break the contract of [`HookExecutor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Defect {
    /// Success is a failure without a code.
    Pessimist,
    /// A command that failed is an error.
    FailureIsError,
    /// Standard error goes into standard output.
    MixesStreams,
    /// Keeps whatever is written.
    Unbounded,
    /// Waits for ever.
    Patient,
    /// Joins the words and splits them again, as a shell would.
    Splits,
    /// The last container is the default.
    LastContainer,
    /// Always the first container, also where another is named.
    AlwaysFirst,
    /// A missing pod is `Unavailable`.
    MissingPodIsUnavailable,
    /// A missing container is `InvalidInput`.
    MissingContainerIsInvalid,
    /// Does not look at uids.
    IgnoresUid,
    /// Says that it ran in a pod that does not run.
    RunsWhereNothingRuns,
    /// Runs nothing, well.
    RunsNothing,
    /// Its `Debug` shows what was run last.
    Talkative,
    /// Another id each time.
    ManyIds,
}

impl Defect {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Pessimist,
        Self::FailureIsError,
        Self::MixesStreams,
        Self::Unbounded,
        Self::Patient,
        Self::Splits,
        Self::LastContainer,
        Self::AlwaysFirst,
        Self::MissingPodIsUnavailable,
        Self::MissingContainerIsInvalid,
        Self::IgnoresUid,
        Self::RunsWhereNothingRuns,
        Self::RunsNothing,
        Self::Talkative,
        Self::ManyIds,
    ];

    /// The rule that it breaks.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Pessimist => "success_is_told",
            Self::FailureIsError => "a_failing_command_is_an_answer",
            Self::MixesStreams => "streams_are_kept_apart",
            Self::Unbounded => "output_is_bounded",
            Self::Patient => "a_command_ends_in_its_time",
            Self::Splits => "words_reach_the_program_as_they_are",
            Self::LastContainer => "without_a_container_it_is_the_first",
            Self::AlwaysFirst => "the_named_container_is_used",
            Self::MissingPodIsUnavailable => "a_missing_pod_is_not_found",
            Self::MissingContainerIsInvalid => "a_missing_container_is_not_found",
            Self::IgnoresUid => "another_pod_of_the_name_is_not_found",
            Self::RunsWhereNothingRuns => "a_pod_that_does_not_run_is_a_conflict",
            Self::RunsNothing => "an_empty_command_is_refused",
            Self::Talkative => "nothing_shows_arguments_or_output",
            Self::ManyIds => "the_cluster_has_one_id",
        }
    }
}

/// The fixture of the cluster in memory, behind an executor with one defect.
pub async fn broken(defect: Defect) -> Fixture {
    let mut fixture = memory().await;
    fixture.executor = Arc::new(Broken {
        inner: fixture.executor,
        defect,
        calls: AtomicU64::new(0),
        last: Mutex::default(),
    });
    fixture
}

struct Broken {
    inner: Arc<dyn HookExecutor>,
    defect: Defect,
    calls: AtomicU64,
    last: Mutex<Vec<String>>,
}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match self.defect {
            Defect::Talkative => write!(f, "Broken({last:?})"),
            _ => f.write_str("Broken"),
        }
    }
}

fn success() -> ExecOutput {
    ExecOutput {
        status: ExecStatus::Success,
        stdout: Vec::new(),
        stderr: Vec::new(),
        truncated: false,
    }
}

#[async_trait]
impl HookExecutor for Broken {
    async fn cluster(&self) -> Result<Option<String>> {
        if self.defect == Defect::ManyIds {
            let call = self.calls.fetch_add(1, Ordering::Relaxed);
            return Ok(Some(format!("cluster-{call}")));
        }
        self.inner.cluster().await
    }

    async fn exec(&self, request: &ExecRequest) -> Result<ExecOutput> {
        let limit = request.output_bytes;
        let mut request = request.clone();
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(&request.command);
        match self.defect {
            Defect::Unbounded => request.output_bytes = usize::MAX,
            Defect::Splits => {
                let line = request.command.join(" ");
                request.command = line.split_whitespace().map(str::to_owned).collect();
            }
            Defect::LastContainer => {
                request.container.get_or_insert("second".to_owned());
            }
            Defect::AlwaysFirst if request.container.as_deref() == Some("second") => {
                request.container = Some("first".to_owned());
            }
            Defect::IgnoresUid => request.uid = None,
            Defect::RunsNothing if request.command.is_empty() => return Ok(success()),
            _ => {}
        }
        let ended = self.inner.exec(&request).await;
        let is = |kind: ErrorKind| ended.as_ref().is_err_and(|error| error.kind() == kind);
        match self.defect {
            Defect::Patient if is(ErrorKind::Timeout) => pending().await,
            Defect::MissingPodIsUnavailable
                if is(ErrorKind::NotFound) && request.pod == "nobody" =>
            {
                Err(Error::new(ErrorKind::Unavailable, "no answer"))
            }
            Defect::MissingContainerIsInvalid
                if is(ErrorKind::NotFound) && request.container.as_deref() == Some("third") =>
            {
                Err(Error::invalid("no such container"))
            }
            Defect::RunsWhereNothingRuns if is(ErrorKind::Conflict) => Ok(success()),
            _ => ended.and_then(|output| self.spoiled(output, limit)),
        }
    }
}

impl Broken {
    fn spoiled(&self, mut output: ExecOutput, limit: usize) -> Result<ExecOutput> {
        match (self.defect, &output.status) {
            (Defect::Pessimist, ExecStatus::Success)
                if output.stdout.is_empty() && !output.truncated =>
            {
                output.status = ExecStatus::Failed(String::new());
            }
            (Defect::FailureIsError, ExecStatus::Exit(_) | ExecStatus::Failed(_)) => {
                return Err(Error::new(ErrorKind::Unexpected, "the command failed"));
            }
            (Defect::MixesStreams, _) => {
                let stderr = std::mem::take(&mut output.stderr);
                output.stdout.extend(stderr);
            }
            (Defect::Unbounded, _) => output.truncated = output.stdout.len() > limit,
            _ => {}
        }
        Ok(output)
    }
}

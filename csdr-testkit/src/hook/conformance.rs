//! The contract of [`HookExecutor`] as tests: one rule, one function, one name.
//!
//! An implementation runs them all with one line in its tests; each rule becomes a test of its own. The argument is an async function that
//! answers a [`Fixture`]:
//!
//! ```
//! csdr_testkit::hook_conformance!(csdr_testkit::hook::conformance::memory);
//! ```

pub use crate::vault::conformance::{Verdict, Violation};

use csdr_core::{
    ErrorKind, Result,
    memory::{MemoryCluster, MemoryHooks},
    port::{ExecOutput, ExecRequest, ExecStatus, HookExecutor},
};
use std::{any::Any, fmt, sync::Arc, time::Duration};

/// A running pod with the containers `first` and `second`, and the commands that do in it what the rules need.
pub struct Fixture {
    /// What is tested.
    pub executor: Arc<dyn HookExecutor>,
    /// The pod's namespace.
    pub namespace: String,
    /// Its name.
    pub pod: String,
    /// Its uid.
    pub uid: String,
    /// The name of a pod that does not run.
    pub pending: String,
    /// Makes the command for an [`Act`].
    pub command: fn(Act) -> Vec<String>,
    /// Whether exit codes are told. If not, a failing command is [`ExecStatus::Failed`].
    pub exit_codes: bool,
    /// What must live as long.
    pub kept: Vec<Box<dyn Any + Send + Sync>>,
}

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Fixture({:?} {}/{})",
            self.executor, self.namespace, self.pod
        )
    }
}

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Ends well and writes nothing.
    Succeed,
    /// Ends with exit code 3.
    Exit3,
    /// Writes `out` to standard output and `err` to standard error, and ends well.
    WriteBoth,
    /// Writes at least 300,000 bytes to standard output, and ends well.
    Flood,
    /// Runs for at least 100 seconds.
    Hang,
    /// Writes its arguments to standard output: `a b`, `$HOME` and `;`, each in brackets: `[a b][$HOME][;]`.
    Words,
    /// Writes the name of the container that it runs in to standard output.
    Container,
}

impl Fixture {
    fn request(&self, act: Act) -> ExecRequest {
        ExecRequest {
            namespace: self.namespace.clone(),
            pod: self.pod.clone(),
            uid: Some(self.uid.clone()),
            container: Some("first".to_owned()),
            command: (self.command)(act),
            timeout: Duration::from_secs(60),
            output_bytes: 1000,
        }
    }

    async fn exec(&self, act: Act) -> Result<ExecOutput> {
        self.executor.exec(&self.request(act)).await
    }
}

/// Runs a macro with the name of every rule.
#[doc(hidden)]
#[macro_export]
macro_rules! __hook_rules {
    ($run:path, $($first:tt)*) => {
        $run! {
            $($first)*;
            success_is_told
            a_failing_command_is_an_answer
            streams_are_kept_apart
            output_is_bounded
            a_command_ends_in_its_time
            words_reach_the_program_as_they_are
            without_a_container_it_is_the_first
            the_named_container_is_used
            a_missing_pod_is_not_found
            a_missing_container_is_not_found
            another_pod_of_the_name_is_not_found
            a_pod_that_does_not_run_is_a_conflict
            an_empty_command_is_refused
            nothing_shows_arguments_or_output
            the_cluster_has_one_id
        }
    };
}

/// One `#[tokio::test]` for each rule of the contract. The argument is an async function that makes a fixture.
#[macro_export]
macro_rules! hook_conformance {
    ($fixture:expr) => {
        $crate::__hook_rules!($crate::__hook_tests, $fixture);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __hook_tests {
    ($fixture:expr; $($rule:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $rule() {
                let fixture = $fixture().await;
                if let Err(violation) = $crate::hook::conformance::$rule(&fixture).await {
                    panic!("{}: {}", stringify!($rule), violation);
                }
            }
        )*
    };
}

macro_rules! run_all {
    (; $($rule:ident)*) => {
        /// Runs every rule; answers the rules in order with their verdicts.
        pub async fn run_all(fixture: &Fixture) -> Vec<(&'static str, Verdict)> {
            vec![$((stringify!($rule), $rule(fixture).await),)*]
        }
    };
}
__hook_rules!(run_all,);

/// Fails the rule with a text.
macro_rules! demand {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err(Violation::new(format!($($text)+)));
        }
    };
}

/// A command that ends with 0 is `Success`.
///
/// # Errors
/// The violation.
pub async fn success_is_told(fixture: &Fixture) -> Verdict {
    let output = fixture.exec(Act::Succeed).await?;
    demand!(output.status == ExecStatus::Success, "{:?}", output.status);
    demand!(
        !output.truncated,
        "nothing was written, and it was too much"
    );
    Ok(())
}

/// A command that ran and failed is no error; its exit code is told where the fixture promises that.
///
/// # Errors
/// The violation.
pub async fn a_failing_command_is_an_answer(fixture: &Fixture) -> Verdict {
    let output = fixture.exec(Act::Exit3).await;
    let status = output.map(|output| output.status);
    let told = match &status {
        Ok(ExecStatus::Exit(3)) => true,
        Ok(ExecStatus::Failed(_)) => !fixture.exit_codes,
        _ => false,
    };
    demand!(told, "exit code 3 came back as {status:?}");
    Ok(())
}

/// Standard output and standard error are not mixed.
///
/// # Errors
/// The violation.
pub async fn streams_are_kept_apart(fixture: &Fixture) -> Verdict {
    let output = fixture.exec(Act::WriteBoth).await?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    demand!(out == "out" && err == "err", "{out:?} {err:?}");
    Ok(())
}

/// No more than `output_bytes` of a stream are kept, and the command does not stand still at that bound.
///
/// # Errors
/// The violation.
pub async fn output_is_bounded(fixture: &Fixture) -> Verdict {
    let output = fixture.exec(Act::Flood).await?;
    let kept = output.stdout.len();
    demand!(output.status == ExecStatus::Success, "{:?}", output.status);
    demand!(kept == 1000, "{kept} bytes were kept of 1000");
    demand!(output.truncated, "it does not say that there was more");
    Ok(())
}

/// After `timeout` the answer is `Timeout`.
///
/// # Errors
/// The violation.
pub async fn a_command_ends_in_its_time(fixture: &Fixture) -> Verdict {
    let mut request = fixture.request(Act::Hang);
    request.timeout = Duration::from_millis(1500);
    let bound = tokio::time::timeout(Duration::from_secs(60), fixture.executor.exec(&request));
    match bound.await {
        Ok(Err(error)) if error.kind() == ErrorKind::Timeout => Ok(()),
        Ok(ended) => Err(Violation::new(format!("{ended:?}"))),
        Err(_) => Err(Violation::new("it waits on after its timeout")),
    }
}

/// There is no shell.
///
/// # Errors
/// The violation.
pub async fn words_reach_the_program_as_they_are(fixture: &Fixture) -> Verdict {
    let output = fixture.exec(Act::Words).await?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    demand!(said == "[a b][$HOME][;]", "the program saw {said}");
    Ok(())
}

async fn container_of(fixture: &Fixture, container: Option<&str>) -> Result<String, Violation> {
    let mut request = fixture.request(Act::Container);
    request.container = container.map(str::to_owned);
    let output = fixture.executor.exec(&request).await?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The first container of the pod is the default.
///
/// # Errors
/// The violation.
pub async fn without_a_container_it_is_the_first(fixture: &Fixture) -> Verdict {
    let ran = container_of(fixture, None).await?;
    demand!(ran == "first", "it ran in {ran}");
    Ok(())
}

/// Another container can be named.
///
/// # Errors
/// The violation.
pub async fn the_named_container_is_used(fixture: &Fixture) -> Verdict {
    let ran = container_of(fixture, Some("second")).await?;
    demand!(ran == "second", "it ran in {ran}");
    Ok(())
}

async fn demand_kind(
    fixture: &Fixture,
    change: impl FnOnce(&mut ExecRequest),
    kind: ErrorKind,
) -> Verdict {
    let mut request = fixture.request(Act::Succeed);
    change(&mut request);
    match fixture.executor.exec(&request).await {
        Err(error) if error.kind() == kind => Ok(()),
        ended => Err(Violation::new(format!("{ended:?}, not {kind}"))),
    }
}

/// A pod that does not exist.
///
/// # Errors
/// The violation.
pub async fn a_missing_pod_is_not_found(fixture: &Fixture) -> Verdict {
    let change = |request: &mut ExecRequest| request.pod = "nobody".to_owned();
    demand_kind(fixture, change, ErrorKind::NotFound).await
}

/// A container that the pod does not have.
///
/// # Errors
/// The violation.
pub async fn a_missing_container_is_not_found(fixture: &Fixture) -> Verdict {
    let change = |request: &mut ExecRequest| request.container = Some("third".to_owned());
    demand_kind(fixture, change, ErrorKind::NotFound).await
}

/// A pod of the same name with another uid.
///
/// # Errors
/// The violation.
pub async fn another_pod_of_the_name_is_not_found(fixture: &Fixture) -> Verdict {
    let change = |request: &mut ExecRequest| request.uid = Some("another".to_owned());
    demand_kind(fixture, change, ErrorKind::NotFound).await
}

/// A pod that is not running.
///
/// # Errors
/// The violation.
pub async fn a_pod_that_does_not_run_is_a_conflict(fixture: &Fixture) -> Verdict {
    let pending = fixture.pending.clone();
    let change = |request: &mut ExecRequest| {
        request.pod = pending;
        request.uid = None;
    };
    demand_kind(fixture, change, ErrorKind::Conflict).await
}

/// A command without a word.
///
/// # Errors
/// The violation.
pub async fn an_empty_command_is_refused(fixture: &Fixture) -> Verdict {
    let change = |request: &mut ExecRequest| request.command.clear();
    demand_kind(fixture, change, ErrorKind::InvalidInput).await
}

/// `Debug` of requests and answers, and errors, show neither arguments nor output.
///
/// # Errors
/// The violation.
pub async fn nothing_shows_arguments_or_output(fixture: &Fixture) -> Verdict {
    let output = fixture.exec(Act::WriteBoth).await?;
    let mut request = fixture.request(Act::Succeed);
    request.command.push("hunter2".to_owned());
    request.container = Some("third".to_owned());
    let error = fixture.executor.exec(&request).await.err();
    let chain = error.map(|error| format!("{error:?} {}", error.chain()));
    let shown = format!("{output:?} {request:?} {chain:?} {:?}", fixture.executor);
    demand!(!shown.contains("hunter2"), "an argument is shown: {shown}");
    let bytes = format!("{:?}", output.stdout);
    demand!(!shown.contains(&bytes), "the output is shown: {shown}");
    Ok(())
}

/// `cluster` answers the same each time, and something.
///
/// # Errors
/// The violation.
pub async fn the_cluster_has_one_id(fixture: &Fixture) -> Verdict {
    let first = fixture.executor.cluster().await?;
    let second = fixture.executor.cluster().await?;
    let some = first.as_ref().is_some_and(|id| !id.is_empty());
    demand!(some && first == second, "{first:?}, then {second:?}");
    Ok(())
}

/// The fixture of [`MemoryHooks`].
pub async fn memory() -> Fixture {
    let cluster = MemoryCluster::new();
    let pod = |name: &str, phase: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{name}","namespace":"default"}},"spec":{{"containers":[{{"name":"first"}},{{"name":"second"}}]}},"status":{{"phase":"{phase}"}}}}"#
        )
    };
    let added = [("a", "Running"), ("waiting", "Pending")].map(|(name, phase)| {
        let object = cluster.add(&pod(name, phase));
        object
            .map(|object| object.meta().uid.clone())
            .unwrap_or_default()
    });
    let [uid, _] = added;
    Fixture {
        executor: Arc::new(MemoryHooks::new(cluster)),
        namespace: "default".to_owned(),
        pod: "a".to_owned(),
        uid,
        pending: "waiting".to_owned(),
        command: |act| {
            let words: &[&str] = match act {
                Act::Succeed => &["true"],
                Act::Exit3 => &["exit", "3"],
                Act::WriteBoth => &["write-both"],
                Act::Flood => &["yes", "300000"],
                Act::Hang => &["sleep", "100"],
                Act::Words => &["brackets", "a b", "$HOME", ";"],
                Act::Container => &["container"],
            };
            words.iter().map(|word| (*word).to_owned()).collect()
        },
        exit_codes: true,
        kept: Vec::new(),
    }
}

//! An executor of hooks that fails on purpose.

use super::Faulty;
use async_trait::async_trait;
use csdr_core::{
    Result,
    port::{ExecOutput, ExecRequest, HookExecutor},
};

/// Calls are `cluster`, and `exec` with the subject `<namespace>/<pod>: <program>`: after a fault [`After`](super::Moment::After) the
/// command has run, and only the answer is lost.
///
/// ```
/// use csdr_core::{ErrorKind, memory::{MemoryCluster, MemoryHooks}, port::HookExecutor};
/// use csdr_testkit::fault::{Fault, Faulty, Moment, Plan};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let plan = Plan::new().at(1, Moment::Before, Fault::fail(ErrorKind::Unavailable));
/// let hooks = Faulty::new(MemoryHooks::new(MemoryCluster::new()), plan);
/// assert!(hooks.cluster().await.is_err());
/// assert!(hooks.cluster().await.is_ok());
/// # }
/// ```
#[async_trait]
impl<H: HookExecutor> HookExecutor for Faulty<H> {
    async fn cluster(&self) -> Result<Option<String>> {
        let strike = self.plan().strike("cluster", "");
        strike.before().await?;
        let answer = self.inner().cluster().await;
        strike.after().await?;
        answer
    }

    async fn exec(&self, request: &ExecRequest) -> Result<ExecOutput> {
        let program = request.command.first().map_or("", String::as_str);
        let subject = format!("{}/{}: {program}", request.namespace, request.pod);
        let strike = self.plan().strike("exec", subject);
        strike.before().await?;
        let answer = self.inner().exec(request).await;
        strike.after().await?;
        answer
    }
}

//! Backing up: plan, then run.
//!
//! The stages of a run, in the order of the format's rule 3. What later stages need is journalled by earlier ones.
//!
//! 1. `claim`: the name is taken (or a dead operation's continued).
//! 2. `hooks`: block by block, journal → pre hooks → read → post hooks. What was read under a freeze is stored in the place of what the
//!    lists bring later.
//! 3. `objects`: lists → left-out rules → archive, index, lists of what was left out. *Item blocks belong between lists and
//!    archive, volumes begin before the archive is closed.*
//! 4. *Volumes end here.*
//! 5. `seal`: side files → report → manifest → commit record.

mod by_name;
mod collect;
mod explain;
mod freeze;
mod listing;
mod merge;
mod objects;
mod plan;
mod report;
mod run;
mod seal;
mod unhooked;

pub use crate::related::ItemBlock;
pub use explain::Explanation;
pub use plan::{BackupPlan, HookedPod, PlannedBlock, PlannedKind, PlannedUnit, RelatedObject};
pub(crate) use report::ObjectsSummary;
pub use report::{BackupReport, KindCount};

use crate::{
    cancel::Until,
    port::{HookExecutor, ItemAction, ResourceCollector},
    related::captured_together,
    vault::Vault,
};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Backs up a source into a vault.
///
/// ```
/// # tokio_test();
/// # fn tokio_test() { tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use csdr_core::{backup::Backup, memory::{MemoryCluster, MemoryVault}, report::RunOptions, spec::BackupSpec, vault::Vault};
/// # async fn run() -> csdr_core::Result<()> {
/// let cluster = MemoryCluster::new();
/// cluster.load_yaml("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}")?;
/// cluster.load_yaml("{apiVersion: v1, kind: ConfigMap, metadata: {name: prices, namespace: shop}, data: {tea: '3'}}")?;
///
/// let vault = Vault::create(MemoryVault::new()).await?;
/// let backup = Backup::new(cluster, vault.clone());
/// let plan = backup.plan(&BackupSpec::named("shop-1").with_namespace("shop")).await?;   // reads only
/// println!("{plan}");
/// let report = backup.run(plan, &RunOptions::default()).await?.require_complete()?;
/// assert!(report.objects >= 2);
/// assert_eq!(vault.backups().await?[0].name, "shop-1");
/// # Ok(()) }
/// # run().await.unwrap();
/// # }) }
/// ```
#[derive(Clone, Debug)]
pub struct Backup {
    collector: Arc<dyn ResourceCollector>,
    vault: Vault,
    actions: Vec<Arc<dyn ItemAction>>,
    blocks: bool,
    hooks: Option<Arc<dyn HookExecutor>>,
}

impl Backup {
    /// From a source into a vault. Objects that selected ones need are taken along, as
    /// [`captured_together`] says.
    pub fn new(collector: impl ResourceCollector, vault: Vault) -> Self {
        Self {
            collector: Arc::new(collector),
            vault,
            actions: captured_together(),
            blocks: false,
            hooks: None,
        }
    }

    /// Asks another action as well what objects need.
    ///
    /// ```
    /// use csdr_core::{backup::Backup, memory::{MemoryCluster, MemoryVault}, related::Configuration, vault::Vault};
    /// # futures::executor::block_on(async {
    /// let vault = Vault::create(MemoryVault::new()).await?;
    /// // A backup of single pods has their ConfigMaps and Secrets, too.
    /// let backup = Backup::new(MemoryCluster::new(), vault).with_item_action(Configuration);
    /// # Ok::<(), csdr_core::Error>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn with_item_action(mut self, action: impl ItemAction) -> Self {
        self.actions.push(Arc::new(action));
        self
    }

    /// Asks no action: nothing is taken but what the filters select.
    #[must_use]
    pub fn without_item_actions(mut self) -> Self {
        self.actions.clear();
        self
    }

    /// Has the plan know its [blocks](BackupPlan::blocks) also where nothing is to be followed: pods and claims are read for them.
    #[must_use]
    pub fn with_item_blocks(mut self) -> Self {
        self.blocks = true;
        self
    }

    /// Runs hooks of pods, by their annotations and the spec. Without it a plan does not look for hooks, and a run says in a warning if
    /// pods had any.
    #[must_use]
    pub fn with_hooks(mut self, executor: impl HookExecutor) -> Self {
        self.hooks = Some(Arc::new(executor));
        self
    }

    /// The same, making no call any more once the token has fallen.
    fn until(&self, cancel: &CancellationToken) -> Self {
        Self {
            collector: Arc::new(Until::new(self.collector.clone(), cancel)),
            vault: self.vault.until(cancel),
            actions: self.actions.clone(),
            blocks: self.blocks,
            hooks: self
                .hooks
                .clone()
                .map(|hooks| Arc::new(Until::new(hooks, cancel)) as _),
        }
    }
}

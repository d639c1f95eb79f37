//! Restoring: plan, then run.
//!
//! A plan reads the backup and the target and has one compact row an object, with what its conversion loses. A run goes through the waves in their order;
//! inside a wave objects are written in parallel. The way of one object:
//!
//! stored bytes → conversion to a served version ([`conversion`](crate::conversion)) → transforms ([`transform`](crate::transform)), the
//! caller's own among them → create → outcome.

mod apply;
mod arm;
mod backend;
mod before;
mod convert;
mod explain;
mod hooks;
mod meet;
mod members;
mod owner;
mod plan;
mod policy;
mod ready;
mod record;
mod report;
mod row;
mod run;
mod service;
mod wave;
mod webhook;

pub use arm::Rearmed;
pub(crate) use convert::{best_version, is_restored};
pub use explain::{Explained, ExplainedStep, Explainer, Explanation};
pub use plan::{Need, PlanNote, PodSecurityAdvice, RestorePlan, RowView, selected};
pub use report::{ObjectOutcome, RestoreReport};
pub use row::{Action, RestoreKind};
pub(crate) use service::each_service;
pub use wave::Wave;
pub(crate) use webhook::is_note;

use crate::{
    Result,
    cancel::Until,
    conversion::{BuiltinConverter, TargetApis},
    port::{
        ApiVersionConverter, HookExecutor, ResourceApplier, ResourceTarget, Transform, VaultBackend,
    },
    spec::RestoreSpec,
    transform::{Chain, Surroundings, chain},
    vault::{StoredBackup, Vault},
};
use std::sync::Arc;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

/// Restores a backup into a target.
///
/// ```
/// # tokio_test();
/// # fn tokio_test() { tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// # use csdr_core::{backup::Backup, spec::BackupSpec};
/// use csdr_core::{memory::{MemoryCluster, MemoryVault}, report::RunOptions, restore::Restore, spec::RestoreSpec, vault::Vault};
/// # async fn run() -> csdr_core::Result<()> {
/// # let source = MemoryCluster::new();
/// # source.load_yaml("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}")?;
/// # source.load_yaml("{apiVersion: v1, kind: ConfigMap, metadata: {name: prices, namespace: shop}, data: {tea: '3'}}")?;
/// # let vault = Vault::create(MemoryVault::new()).await?;
/// # let backup = Backup::new(source, vault.clone());
/// # backup.run(backup.plan(&BackupSpec::named("shop-1").with_namespace("shop")).await?, &RunOptions::default()).await?;
/// let target = MemoryCluster::new();
/// let restore = Restore::new(vault, target.clone(), target.clone());
/// let spec = RestoreSpec::from_backup("shop-1").with_namespace_mapping("shop", "shop-copy");
/// let plan = restore.plan(&spec).await?;   // reads only
/// println!("{plan}");
/// let report = restore.run(plan, &RunOptions::default()).await?.require_complete()?;
/// use csdr_core::port::ResourceTarget;
/// assert!(target.get(&"configmaps/shop-copy/prices".parse()?, "v1").await?.is_some());
/// # let _ = report;
/// # Ok(()) }
/// # run().await.unwrap();
/// # }) }
/// ```
#[derive(Clone, Debug)]
pub struct Restore {
    vault: Vault,
    target: Arc<dyn ResourceTarget>,
    applier: Arc<dyn ResourceApplier>,
    converter: Arc<dyn ApiVersionConverter>,
    apis: Option<TargetApis>,
    transforms: Vec<Arc<dyn Transform>>,
    scratch: Option<Arc<dyn VaultBackend>>,
    hooks: Option<Arc<dyn HookExecutor>>,
    /// A foreign backup that was read through scratch.
    adopted: Arc<Mutex<Option<StoredBackup>>>,
}

impl Restore {
    /// From a vault into a target. A plan only uses `target`, which cannot write.
    pub fn new(vault: Vault, target: impl ResourceTarget, applier: impl ResourceApplier) -> Self {
        Self {
            vault,
            target: Arc::new(target),
            applier: Arc::new(applier),
            converter: Arc::new(BuiltinConverter::new()),
            apis: None,
            transforms: Vec::new(),
            scratch: None,
            hooks: None,
            adopted: Arc::default(),
        }
    }

    /// Another converter than [`BuiltinConverter`] with its defaults.
    #[must_use]
    pub fn with_converter(mut self, converter: impl ApiVersionConverter) -> Self {
        self.converter = Arc::new(converter);
        self
    }

    /// What the objects are converted for, instead of what the target serves: for a folder that a later cluster will be made from. The
    /// target must take what such a cluster serves.
    #[must_use]
    pub fn with_target_apis(mut self, apis: TargetApis) -> Self {
        self.apis = Some(apis);
        self
    }

    /// A transform of the caller's own, after the built-in ones for images and volumes and before namespaces are mapped; several run in
    /// the order of these calls. Plan and run must be given the same ones.
    #[must_use]
    pub fn with_transform(mut self, transform: impl Transform) -> Self {
        self.transforms.push(Arc::new(transform));
        self
    }

    /// What every object goes through.
    fn chain(&self, spec: &RestoreSpec, known: &Surroundings) -> Result<Chain> {
        chain(spec, known, &self.transforms)
    }

    /// A store in which an archive without index, as Velero writes them, is rewritten once as members with an index.
    #[must_use]
    pub fn with_scratch(mut self, scratch: Arc<dyn VaultBackend>) -> Self {
        self.scratch = Some(scratch);
        self
    }

    /// Runs hooks in restored pods, by their annotations and the spec, once their containers run. Without it pods' annotations are said in
    /// a warning, and a spec with commands is refused.
    #[must_use]
    pub fn with_hooks(mut self, executor: impl HookExecutor) -> Self {
        self.hooks = Some(Arc::new(executor));
        self
    }

    /// The same, making no call any more once the token has fallen. What it reads through scratch is not shared with `self`.
    fn until(&self, cancel: &CancellationToken) -> Self {
        let scratch = self.scratch.clone();
        let adopted = self.adopted.try_lock().ok();
        let adopted = adopted.and_then(|adopted| adopted.as_ref().map(|own| own.until(cancel)));
        Self {
            vault: self.vault.until(cancel),
            target: Arc::new(Until::new(self.target.clone(), cancel)),
            applier: Arc::new(Until::new(self.applier.clone(), cancel)),
            converter: self.converter.clone(),
            apis: self.apis.clone(),
            transforms: self.transforms.clone(),
            scratch: scratch.map(|scratch| Arc::new(Until::new(scratch, cancel)) as _),
            hooks: self
                .hooks
                .clone()
                .map(|hooks| Arc::new(Until::new(hooks, cancel)) as _),
            adopted: Arc::new(Mutex::new(adopted)),
        }
    }
}

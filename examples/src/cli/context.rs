//! From words to a vault, a source, a target.

use super::{
    Console, Hooks,
    args::{BackupCreate, Bounds, Cluster, Global, Output, Scratch},
    folder,
    hooks::wrapped,
    progress::Progress,
};
use csdr_core::{
    Error, ErrorKind, Result,
    conversion::TargetApis,
    port::{HookExecutor, ResourceApplier, ResourceCollector, ResourceTarget, VaultBackend},
    report::{Limits, RunOptions},
    vault::{Host, StoredBackup, Vault},
};
use csdr_k8s::{ClusterClient, ConnectOptions, KubeApplier, KubeCollector, KubeTarget, PodExec};
use csdr_storage::{BlockingCompute, OpendalVault, open_url};
use std::{
    path::{Path, absolute},
    sync::Arc,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// What every command needs.
pub(super) struct Context {
    pub(super) console: Console,
    pub(super) output: Output,
    vault: Option<String>,
    hooks: Hooks,
    cancel: CancellationToken,
}

/// Where a restore goes.
pub(super) struct Target {
    pub(super) target: Arc<dyn ResourceTarget>,
    pub(super) applier: Arc<dyn ResourceApplier>,
    /// Runs hooks; a folder has none.
    pub(super) hooks: Option<Arc<dyn HookExecutor>>,
}

/// What a backup is made of.
pub(super) struct Source {
    pub(super) collector: Arc<dyn ResourceCollector>,
    /// Runs hooks; a folder has none.
    pub(super) hooks: Option<Arc<dyn HookExecutor>>,
}

/// A backup that can be read by objects. What Velero wrote lies in a temporary folder as long as this lives.
pub(super) struct Opened {
    pub(super) backup: StoredBackup,
    _scratch: Option<TempDir>,
}

impl Context {
    pub(super) fn new(
        global: Global,
        hooks: Hooks,
        console: Console,
        cancel: CancellationToken,
    ) -> Self {
        Self {
            console,
            output: global.output,
            vault: global.vault,
            hooks,
            cancel,
        }
    }

    /// Works until the first signal; then the work is dropped.
    pub(super) async fn unless_cancelled<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Error::cancelled(operation)),
            done = work => done,
        }
    }

    /// The store that `--vault` names. Sends and writes nothing.
    pub(super) fn backend(&self) -> Result<Arc<dyn VaultBackend>> {
        let text = self.vault.as_deref().filter(|text| !text.is_empty()).ok_or_else(|| {
            Error::invalid("which vault? write --vault file:///path or --vault s3://bucket/prefix, or set CSDR_VAULT")
        })?;
        // OpendalVault repeats by itself what may be repeated; another backend would go into `csdr_storage::Retry` here.
        let vault = if text.contains("://") {
            open_url(text)?
        } else {
            OpendalVault::fs(whole_path(Path::new(text))?)
        };
        Ok(wrapped(self.hooks.wrap_vault.as_ref(), Arc::new(vault)))
    }

    /// The program's own threads for CPU work.
    pub(super) fn host() -> Host {
        Host::default().with_compute(Arc::new(BlockingCompute::default()))
    }

    /// The vault. Writes nothing.
    pub(super) async fn vault(&self) -> Result<Vault> {
        let backend = self.backend()?;
        self.unless_cancelled("open vault", Vault::open_with(backend, Self::host()))
            .await
    }

    /// The vault, if it is one of csdr's already.
    pub(super) async fn vault_if_any(&self) -> Result<Option<Vault>> {
        match self.vault().await {
            Ok(vault) => Ok(Some(vault).filter(|vault| vault.id().is_some())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes the vault, and says so.
    pub(super) async fn make_vault(&self) -> Result<Vault> {
        let opening = Vault::open_or_create(self.backend()?, Self::host());
        let vault = self.unless_cancelled("create vault", opening).await?;
        self.console
            .line(&format!("there was no vault at {vault}: made one"));
        Ok(vault)
    }

    /// A backup with an index; one that Velero wrote is read into a temporary folder first.
    pub(super) async fn open(
        &self,
        vault: &Vault,
        name: &str,
        scratch: &Scratch,
    ) -> Result<Opened> {
        let backup = self
            .unless_cancelled("open backup", vault.backup(name))
            .await?;
        if backup.is_indexed() {
            return Ok(Opened {
                backup,
                _scratch: None,
            });
        }
        let (store, folder) = scratch_store(scratch)?;
        let reading = backup.with_scratch(store);
        Ok(Opened {
            backup: self
                .unless_cancelled("read Velero's backup", reading)
                .await?,
            _scratch: Some(folder),
        })
    }

    /// What `backup create` reads.
    pub(super) async fn source(&self, args: &BackupCreate) -> Result<Source> {
        let (collector, hooks): (Arc<dyn ResourceCollector>, _) = match &args.from {
            Some(path) => {
                let folder = folder::source(path)?;
                let folder = match &args.default_namespace {
                    Some(namespace) => folder.with_default_namespace(namespace)?,
                    None => folder,
                };
                (Arc::new(folder), None)
            }
            None => {
                let client = self.cluster(&args.cluster).await?;
                let hooks: Arc<dyn HookExecutor> = Arc::new(PodExec::new(client.clone()));
                (Arc::new(KubeCollector::new(client)), Some(hooks))
            }
        };
        Ok(Source {
            collector: wrapped(self.hooks.wrap_collector.as_ref(), collector),
            hooks,
        })
    }

    /// What `vault gc` thaws with: the cluster that the flags name, if they name one.
    pub(super) async fn thawing(&self, args: &Cluster) -> Result<Option<Arc<dyn HookExecutor>>> {
        if args.kubeconfig.is_none() && args.context.is_none() {
            return Ok(None);
        }
        Ok(Some(Arc::new(PodExec::new(self.cluster(args).await?))))
    }

    /// Where `restore` goes: into a cluster, or into the folder `to`, in which the kinds of `backup` are known.
    pub(super) async fn target(
        &self,
        to: Option<&Path>,
        cluster: &Cluster,
        backup: &StoredBackup,
    ) -> Result<Target> {
        let Some(to) = to else {
            return self.cluster_target(cluster).await;
        };
        let preparing = folder::target(to, backup);
        let folder = self.unless_cancelled("read backup", preparing).await?;
        Ok(self.hooked(Target {
            target: Arc::new(folder.clone()),
            applier: Arc::new(folder),
            hooks: None,
        }))
    }

    /// A cluster to write into.
    pub(super) async fn cluster_target(&self, cluster: &Cluster) -> Result<Target> {
        let client = self.cluster(cluster).await?;
        Ok(self.hooked(Target {
            target: Arc::new(KubeTarget::new(client.clone())),
            applier: Arc::new(KubeApplier::new(client.clone())),
            hooks: Some(Arc::new(PodExec::new(client))),
        }))
    }

    fn hooked(&self, target: Target) -> Target {
        Target {
            target: wrapped(self.hooks.wrap_target.as_ref(), target.target),
            applier: wrapped(self.hooks.wrap_applier.as_ref(), target.applier),
            hooks: target.hooks,
        }
    }

    /// What a cluster serves now, and how its own custom kinds convert.
    pub(super) async fn apis(&self, cluster: &Cluster) -> Result<TargetApis> {
        let target = KubeTarget::new(self.cluster(cluster).await?);
        let target = wrapped(self.hooks.wrap_target.as_ref(), Arc::new(target) as _);
        let asking = async { TargetApis::of_target(&*target, target.discover().await?).await };
        self.unless_cancelled("discover cluster", asking).await
    }

    /// The cluster that the flags or the environment name; in a pod without either, the pod's own.
    async fn cluster(&self, args: &Cluster) -> Result<ClusterClient> {
        let options = ConnectOptions {
            context: args.context.clone(),
            ..ConnectOptions::default()
        };
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let named = args.kubeconfig.is_some() || args.context.is_some() || set("KUBECONFIG");
        if !named && set("KUBERNETES_SERVICE_HOST") {
            return ClusterClient::in_cluster(&options);
        }
        let connecting = ClusterClient::from_kubeconfig(args.kubeconfig.as_deref(), &options);
        self.unless_cancelled("connect to cluster", connecting)
            .await
    }

    /// How a pipeline is run; the progress must be ended with [`Progress::end`].
    pub(super) fn run_options(&self, bounds: &Bounds) -> (RunOptions, Arc<Progress>) {
        let progress = Arc::new(Progress::new(&self.console));
        let options = RunOptions::default()
            .with_cancel(self.cancel.clone())
            .with_observer(progress.clone())
            .with_limits(limits(bounds));
        (options, progress)
    }
}

/// A temporary folder as a store; it goes with the second value.
pub(super) fn scratch_store(scratch: &Scratch) -> Result<(Arc<dyn VaultBackend>, TempDir)> {
    let mut name = tempfile::Builder::new();
    name.prefix("csdr-scratch-");
    let folder = match &scratch.scratch {
        Some(parent) => name.tempdir_in(parent),
        None => name.tempdir(),
    };
    let folder = folder.map_err(|source| {
        Error::new(
            ErrorKind::Unavailable,
            "cannot make a temporary folder; name another one with --scratch",
        )
        .with_operation("prepare scratch")
        .with_source(source)
    })?;
    Ok((Arc::new(OpendalVault::fs(folder.path())), folder))
}

/// An absolute path: what a person writes is relative to where the program was started.
pub(super) fn whole_path(path: &Path) -> Result<std::path::PathBuf> {
    absolute(path).map_err(|source| {
        Error::invalid("not a path that this system knows")
            .with_context("path", path.display())
            .with_source(source)
    })
}

fn limits(bounds: &Bounds) -> Limits {
    let default = Limits::default();
    Limits {
        claim_expiry: bounds.claim_expiry.unwrap_or(default.claim_expiry),
        ready_wait: bounds.ready_wait.unwrap_or(default.ready_wait),
        lists: bounds.lists.unwrap_or(default.lists),
        writes: bounds.writes.unwrap_or(default.writes),
        page_bytes: bounds.page_bytes.unwrap_or(default.page_bytes),
        ..default
    }
}

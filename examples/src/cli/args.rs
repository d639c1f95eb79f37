//! What a person may write.

mod conversion;
mod filter;
mod transform;

pub(super) use conversion::{Choices, Convert, JobStage, Later, Lifecycle, Release, TargetApisOf};
pub(super) use filter::{BackupFilters, ObjectFilters, Roots};
pub(super) use transform::Transforms;

use clap::{Args, Parser, Subcommand, ValueEnum};
use csdr_core::{
    model::LabelSelector,
    model::ObjectId,
    spec::{ApiVersions, ClusterScope, Existing},
    vault::VerifyLevel,
};
use std::{path::PathBuf, time::Duration};

/// Backs up, restores and migrates Kubernetes applications.
#[derive(Debug, Parser)]
#[command(
    name = "csdr",
    version,
    disable_help_subcommand = true,
    after_help = "Exit codes: 0 complete, 1 failed or damaged, 2 wrong input, 3 partially failed, 130 cancelled."
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Args, Debug)]
pub(super) struct Global {
    /// Where backups are kept: file:///path, s3://bucket/prefix?region=…&endpoint=…, or a folder. Credentials come from the environment.
    #[arg(
        long,
        global = true,
        help_heading = "Global options",
        env = "CSDR_VAULT",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(super) vault: Option<String>,
    /// How results are written.
    #[arg(
        long,
        short,
        global = true,
        help_heading = "Global options",
        value_enum,
        default_value = "table"
    )]
    pub(super) output: Output,
    /// Show what the layers below said.
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub(super) verbose: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// For both.
    Yaml,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make, look at, prove, delete and export backups.
    #[command(subcommand)]
    Backup(BackupCommand),
    /// Plan and run restores, and look at them.
    #[command(subcommand)]
    Restore(RestoreCommand),
    /// Convert manifests for another release of Kubernetes. What changes and what is lost goes to standard error.
    Convert(Box<Convert>),
    /// Show what a backup would become on other releases of Kubernetes, or on a cluster.
    Lifecycle(Lifecycle),
    /// Record which APIs a cluster serves, as JSON: for --target-apis, where the cluster cannot be asked.
    TargetApis(TargetApisOf),
    /// Look after the vault itself.
    #[command(subcommand)]
    Vault(VaultCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum BackupCommand {
    /// Back up a cluster, or a folder of manifests. Makes the vault if there is none.
    Create(Box<BackupCreate>),
    /// List the complete backups of the vault.
    List,
    /// Show one backup.
    Describe(Stored),
    /// Prove that a backup is what was stored.
    Verify(Verify),
    /// Delete a backup.
    Delete(Delete),
    /// Write a backup's objects as clean YAML.
    Export(Box<Export>),
    /// Say why objects would be in a backup, or not, with the rule that decides.
    Explain(Box<Explain>),
}

#[derive(Debug, Subcommand)]
pub(super) enum RestoreCommand {
    /// Restore a backup into a cluster, or render it into a folder. Existing objects stay as they are, unless told otherwise.
    Create(Box<RestoreCreate>),
    /// Show what a restore would do.
    Plan(Box<RestorePlan>),
    /// List the restores of the vault.
    List,
    /// Show one restore.
    Describe(Named),
    /// Arm the webhooks that a killed or cancelled restore has left open, without going on with it.
    Arm(Arm),
}

#[derive(Debug, Subcommand)]
pub(super) enum VaultCommand {
    /// Make a vault.
    Create,
    /// Try what the store can do, and whether every backup is all there.
    Check,
    /// Remove what killed or cancelled commands left.
    Gc(Gc),
}

#[derive(Args, Debug)]
pub(super) struct Named {
    /// Its name.
    pub(super) name: String,
}

#[derive(Args, Debug)]
pub(super) struct Stored {
    /// The backup's name.
    pub(super) name: String,
    #[command(flatten)]
    pub(super) scratch: Scratch,
}

#[derive(Args, Debug)]
pub(super) struct Scratch {
    /// Where a backup of Velero, which has no index, is rewritten while this runs [default: the system's folder for temporary files].
    #[arg(long, value_name = "DIR")]
    pub(super) scratch: Option<PathBuf>,
}

/// Which cluster.
#[derive(Args, Debug)]
pub(super) struct Cluster {
    /// The kubeconfig [default: $KUBECONFIG, else ~/.kube/config, else the pod's service account].
    #[arg(long, value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// The kubeconfig's context.
    #[arg(long, value_name = "NAME")]
    pub(super) context: Option<String>,
}

/// What to take. Each may be given several times.
#[derive(Args, Debug)]
pub(super) struct Selection {
    /// Take this namespace, or those of a pattern (* ? [abc]).
    #[arg(
        long = "namespace",
        short,
        value_name = "NAMESPACE",
        value_delimiter = ','
    )]
    pub(super) namespaces: Vec<String>,
    /// Leave this namespace, or those of a pattern, out.
    #[arg(
        long = "exclude-namespace",
        value_name = "NAMESPACE",
        value_delimiter = ','
    )]
    pub(super) excluded_namespaces: Vec<String>,
    /// Take only objects with these labels: app=shop,tier!=test.
    #[arg(long, short = 'l', value_name = "SELECTOR")]
    pub(super) selector: Option<LabelSelector>,
    /// Take this resource: plural, kind, short name or plural.group.
    #[arg(
        long = "include-resource",
        value_name = "RESOURCE",
        value_delimiter = ','
    )]
    pub(super) resources: Vec<String>,
    /// Leave this resource out.
    #[arg(
        long = "exclude-resource",
        value_name = "RESOURCE",
        value_delimiter = ','
    )]
    pub(super) excluded_resources: Vec<String>,
    /// Whether cluster-scoped objects are taken; auto: if all namespaces are.
    #[arg(long, value_enum, value_name = "WHEN")]
    pub(super) cluster_scoped: Option<Scope>,
    #[command(flatten)]
    pub(super) objects: ObjectFilters,
    /// Read all of this from a YAML file instead.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["namespaces", "excluded_namespaces", "selector", "resources", "excluded_resources", "cluster_scoped", "or_selectors", "included_names", "excluded_names"]
    )]
    pub(super) spec: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Scope {
    /// If all namespaces are selected, or the resource is named.
    Auto,
    /// Yes.
    Include,
    /// No, but for the namespaces themselves.
    Exclude,
}

impl From<Scope> for ClusterScope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Auto => Self::Auto,
            Scope::Include => Self::Include,
            Scope::Exclude => Self::Exclude,
        }
    }
}

/// Bounds of a run, for tests and unusual machines.
#[derive(Args, Debug)]
pub(super) struct Bounds {
    /// How long a name stays claimed after the last sign of life, as 2m or 500ms.
    #[arg(long, hide = true, value_name = "DURATION", value_parser = duration)]
    pub(super) claim_expiry: Option<Duration>,
    /// How long definitions may take to be established.
    #[arg(long, hide = true, value_name = "DURATION", value_parser = duration)]
    pub(super) ready_wait: Option<Duration>,
    /// How many lists run at the same time.
    #[arg(long, hide = true, value_name = "N", value_parser = count)]
    pub(super) lists: Option<usize>,
    /// How many objects are written at the same time.
    #[arg(long, hide = true, value_name = "N", value_parser = count)]
    pub(super) writes: Option<usize>,
    /// About how many bytes a page of a list holds.
    #[arg(long, hide = true, value_name = "BYTES", value_parser = count)]
    pub(super) page_bytes: Option<usize>,
}

#[derive(Args, Debug)]
pub(super) struct BackupCreate {
    /// The backup's name, unique in its vault.
    pub(super) name: String,
    #[command(flatten)]
    pub(super) cluster: Cluster,
    /// Read manifests (a folder or a file) instead of a cluster.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["kubeconfig", "context"])]
    pub(super) from: Option<PathBuf>,
    /// The namespace of manifests that name none.
    #[arg(long, value_name = "NAMESPACE", requires = "from")]
    pub(super) default_namespace: Option<String>,
    #[command(flatten)]
    pub(super) selection: Selection,
    #[command(flatten)]
    pub(super) filters: BackupFilters,
    /// In which of its served versions an object is stored [default: all].
    #[arg(long, value_enum, value_name = "WHICH", conflicts_with = "spec")]
    pub(super) api_versions: Option<Versions>,
    /// Show the plan, change nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) bounds: Bounds,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Versions {
    /// In each: a restore finds more often one that its target serves.
    All,
    /// In the one that the server prefers.
    Preferred,
}

impl From<Versions> for ApiVersions {
    fn from(versions: Versions) -> Self {
        match versions {
            Versions::All => Self::AllServed,
            Versions::Preferred => Self::Preferred,
        }
    }
}

#[derive(Args, Debug)]
pub(super) struct RestorePlan {
    /// The restore's name, unique in its vault.
    pub(super) name: String,
    /// The backup to restore.
    #[arg(long, value_name = "BACKUP", required_unless_present = "spec")]
    pub(super) backup: Option<String>,
    #[command(flatten)]
    pub(super) cluster: Cluster,
    /// Write YAML into this folder instead of a cluster.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["kubeconfig", "context"])]
    pub(super) to: Option<PathBuf>,
    #[command(flatten)]
    pub(super) later: Later,
    #[command(flatten)]
    pub(super) selection: Selection,
    #[command(flatten)]
    pub(super) roots: Roots,
    /// Restore namespace FROM as TO.
    #[arg(
        long = "map-namespace",
        value_name = "FROM:TO",
        value_delimiter = ',',
        value_parser = mapping,
        conflicts_with = "spec"
    )]
    pub(super) mapping: Vec<Mapping>,
    /// What becomes of objects that exist in the target. For single kinds or labels: `existingOverrides` of a spec.
    #[arg(long, value_enum, value_name = "POLICY", conflicts_with = "spec")]
    pub(super) existing: Option<ExistingPolicy>,
    /// Change objects by the rules of this file: Velero's resource modifiers, or the ConfigMap that holds them.
    #[arg(long, value_name = "FILE", conflicts_with = "spec")]
    pub(super) resource_modifiers: Option<PathBuf>,
    #[command(flatten)]
    pub(super) transforms: Transforms,
    #[command(flatten)]
    pub(super) choices: Choices,
    #[command(flatten)]
    pub(super) scratch: Scratch,
}

#[derive(Args, Debug)]
pub(super) struct Arm {
    /// The restore's name.
    pub(super) name: String,
    #[command(flatten)]
    pub(super) cluster: Cluster,
    #[command(flatten)]
    pub(super) bounds: Bounds,
}

/// What becomes of objects that exist in the target.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ExistingPolicy {
    /// They stay as they are.
    Skip,
    /// One that differs is an error.
    Fail,
    /// The backup's fields are written into them.
    Update,
    /// The backup's fields are applied on the server.
    Apply,
    /// They are deleted and created anew; not namespaces, volumes, claims and definitions.
    Recreate,
}

impl From<ExistingPolicy> for Existing {
    fn from(policy: ExistingPolicy) -> Self {
        match policy {
            ExistingPolicy::Skip => Self::Skip,
            ExistingPolicy::Fail => Self::Fail,
            ExistingPolicy::Update => Self::Update,
            ExistingPolicy::Apply => Self::Apply,
            ExistingPolicy::Recreate => Self::Recreate,
        }
    }
}

#[derive(Args, Debug)]
pub(super) struct RestoreCreate {
    #[command(flatten)]
    pub(super) plan: RestorePlan,
    /// Show the plan, change nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) bounds: Bounds,
}

#[derive(Args, Debug)]
pub(super) struct Verify {
    /// The backup's name.
    pub(super) name: String,
    /// How far: is every file there, has it its hash, is every object the one that the index names.
    #[arg(long, value_enum, default_value = "objects")]
    pub(super) level: Level,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Level {
    /// Every file is there with its size; reads no file.
    Manifest,
    /// Every file has its SHA-256.
    Hashes,
    /// Every object opens and is the one that the index names.
    Objects,
}

impl From<Level> for VerifyLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Manifest => Self::Manifest,
            Level::Hashes => Self::Hashes,
            Level::Objects => Self::Objects,
        }
    }
}

#[derive(Args, Debug)]
pub(super) struct Delete {
    /// The backup's name.
    pub(super) name: String,
    /// Say what would be deleted, change nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
}

#[derive(Args, Debug)]
pub(super) struct Explain {
    #[command(flatten)]
    pub(super) backup: BackupCreate,
    /// Explain this object: configmaps/shop/prices, deployments.apps/shop/web, namespaces/shop. May be given several times.
    #[arg(long = "object", value_name = "ID", required = true)]
    pub(super) objects: Vec<ObjectId>,
    /// Ask the backup of this name in the vault, as its run recorded it, instead of planning one.
    #[arg(long, conflicts_with_all = ["kubeconfig", "context", "from", "namespaces", "excluded_namespaces", "selector", "resources", "excluded_resources", "cluster_scoped", "spec"])]
    pub(super) stored: bool,
}

#[derive(Args, Debug)]
pub(super) struct Export {
    /// The backup's name.
    pub(super) name: String,
    /// Write one file an object into this folder, which must be empty.
    #[arg(long, value_name = "DIR", required_unless_present = "object")]
    pub(super) to: Option<PathBuf>,
    /// Only this object: configmaps/shop/prices, deployments.apps/shop/web, namespaces/shop. Without --to it goes to standard output.
    #[arg(long, value_name = "ID", conflicts_with_all = ["namespaces", "excluded_namespaces", "selector", "resources", "excluded_resources", "cluster_scoped", "or_selectors", "included_names", "excluded_names", "spec", "roots"])]
    pub(super) object: Option<ObjectId>,
    #[command(flatten)]
    pub(super) selection: Selection,
    #[command(flatten)]
    pub(super) roots: Roots,
    #[command(flatten)]
    pub(super) scratch: Scratch,
}

#[derive(Args, Debug)]
pub(super) struct Gc {
    /// Say what would be removed, change nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    // The cluster in which pods are thawed that a dead backup left frozen; if none is named, such leftovers are kept.
    #[command(flatten)]
    pub(super) cluster: Cluster,
    /// How long the collector's own claim of a folder holds.
    #[arg(long, hide = true, value_name = "DURATION", value_parser = duration)]
    pub(super) claim_expiry: Option<Duration>,
}

/// From one namespace to another.
#[derive(Clone, Debug)]
pub(super) struct Mapping {
    pub(super) from: String,
    pub(super) to: String,
}

fn mapping(text: &str) -> Result<Mapping, String> {
    match text.split_once(':') {
        Some((from, to)) if !from.is_empty() && !to.is_empty() && !to.contains(':') => {
            Ok(Mapping {
                from: from.to_owned(),
                to: to.to_owned(),
            })
        }
        _ => Err("write it as FROM:TO".to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<jiff::SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| "write a duration as 2m, 90s or 500ms".to_owned())
}

fn count(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|count| *count > 0)
        .ok_or_else(|| "write a number of at least 1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn values_are_read_or_refused() {
        assert_eq!(duration("1m30s").unwrap(), Duration::from_secs(90));
        assert_eq!(duration("500ms").unwrap(), Duration::from_millis(500));
        for wrong in ["", "0s", "-1s", "5", "soon"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert_eq!(mapping("a:b").unwrap().to, "b");
        for wrong in ["", "a", "a:", ":b", "a:b:c"] {
            assert!(mapping(wrong).is_err(), "{wrong}");
        }
        assert!(count("0").is_err());
    }
}

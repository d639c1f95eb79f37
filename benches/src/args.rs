//! The command line.

use crate::{
    Result, cancel, child, convert, floor, objects, product, sample::Sample, workload::Workload,
};
use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Benchmarks of csdr.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Backup and restore of many objects, against the floor.
    Objects(ObjectsArgs),
    /// How soon a running backup and restore answer when they are cancelled.
    Cancel(CancelArgs),
    /// What the conversion of API versions costs, against a bare scan of the same JSON; without a control plane.
    Convert(ConvertArgs),
    /// One measurement in a process of its own.
    #[command(flatten)]
    Child(ChildCommand),
}

/// What `objects` measures.
#[derive(Debug, clap::Args)]
pub(crate) struct ObjectsArgs {
    /// Objects in the cluster: half ConfigMaps of 2 KB, the rest Secrets, Services, Deployments and RBAC.
    #[arg(long, default_value_t = 20_000)]
    pub(crate) count: usize,
    /// Namespaces that they are spread over.
    #[arg(long, default_value_t = 8)]
    pub(crate) namespaces: usize,
    /// How often each measurement is made; the median counts.
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: usize,
    /// `json` adds one line of JSON as the last one.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
    /// Leaves the restores out.
    #[arg(long)]
    pub(crate) backup_only: bool,
}

/// What `cancel` measures.
#[derive(Debug, clap::Args)]
pub(crate) struct CancelArgs {
    /// Objects in the cluster.
    #[arg(long, default_value_t = 20_000)]
    pub(crate) count: usize,
    /// Namespaces that they are spread over.
    #[arg(long, default_value_t = 8)]
    pub(crate) namespaces: usize,
    /// How often each operation is cancelled, each time at another point.
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: usize,
    /// `json` adds one line of JSON as the last one.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
}

/// What `convert` measures.
#[derive(Debug, clap::Args)]
pub(crate) struct ConvertArgs {
    /// Objects that need no conversion, and as many that do.
    #[arg(long, default_value_t = 2_000)]
    pub(crate) count: usize,
    /// How often each measurement is made; the median counts.
    #[arg(long, default_value_t = 31)]
    pub(crate) rounds: usize,
    /// `json` adds one line of JSON as the last one.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
}

/// What is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For a person.
    Table,
    /// For a person, and one line for a program.
    Json,
}

/// The hidden commands, spelled as [`child::run`] starts them.
#[derive(Debug, Subcommand)]
enum ChildCommand {
    /// Fills a cluster.
    #[command(hide = true)]
    Fill(TargetArgs),
    #[command(hide = true)]
    FloorBackup(VaultArgs),
    #[command(hide = true)]
    FloorRestore(TargetArgs),
    #[command(hide = true)]
    CsdrBackup(VaultArgs),
    #[command(hide = true)]
    CsdrRestore(VaultArgs),
    #[command(hide = true)]
    CancelBackup(CancelledArgs),
    #[command(hide = true)]
    CancelRestore(CancelledArgs),
}

/// A cluster to write the workload to.
#[derive(Debug, clap::Args)]
struct TargetArgs {
    #[arg(long)]
    kubeconfig: PathBuf,
    #[arg(long)]
    count: usize,
    #[arg(long)]
    namespaces: usize,
    /// Connections that write at the same time.
    #[arg(long)]
    connections: usize,
}

/// A cluster and a vault.
#[derive(Debug, clap::Args)]
pub(crate) struct VaultArgs {
    #[arg(long)]
    pub(crate) kubeconfig: PathBuf,
    /// The vault's folder.
    #[arg(long)]
    pub(crate) vault: PathBuf,
    /// The backup's name.
    #[arg(long)]
    pub(crate) name: String,
    /// Namespaces of the workload.
    #[arg(long)]
    pub(crate) namespaces: usize,
    /// Prefix of the target's namespaces.
    #[arg(long, default_value = "copy")]
    pub(crate) target: String,
    /// Bytes of a page, instead of csdr's default.
    #[arg(long)]
    pub(crate) page_bytes: Option<usize>,
    /// Lists at the same time, instead of csdr's default.
    #[arg(long)]
    pub(crate) lists: Option<usize>,
}

/// An operation that is to be cancelled.
#[derive(Debug, clap::Args)]
pub(crate) struct CancelledArgs {
    #[command(flatten)]
    pub(crate) vault: VaultArgs,
    /// The token falls when so many objects are done.
    #[arg(long)]
    pub(crate) after: u64,
}

impl Args {
    pub(crate) async fn run(self) -> Result<()> {
        match self.command {
            Command::Objects(args) => objects::run(&args).await,
            Command::Cancel(args) => cancel::run(&args).await,
            Command::Convert(args) => convert::run(&args),
            Command::Child(command) => child::answer(command.run().await?),
        }
    }
}

impl ChildCommand {
    async fn run(self) -> Result<Sample> {
        match self {
            Self::Fill(args) | Self::FloorRestore(args) => {
                let workload = Workload::new(args.count, args.namespaces);
                floor::restore(&args.kubeconfig, &workload, args.connections).await
            }
            Self::FloorBackup(args) => {
                floor::backup(&args.kubeconfig, &args.vault, &args.name).await
            }
            Self::CsdrBackup(args) => product::backup(&args).await,
            Self::CsdrRestore(args) => product::restore(&args).await,
            Self::CancelBackup(args) => cancel::backup(&args).await,
            Self::CancelRestore(args) => cancel::restore(&args).await,
        }
    }
}

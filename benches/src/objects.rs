//! `objects`: backup and restore of many objects, against the floor.
//!
//! One source cluster is filled once; floor and csdr back it up in turns, the one that begins changing from round to round. Every
//! restore, of the floor too, gets a fresh control plane of its own, so that none finds a fuller server than another.
//! The controller-manager is stopped before the first object: what it would do meanwhile belongs to nobody's measurement.

mod report;

use crate::{
    Result,
    args::{ObjectsArgs, Output},
    child,
    process::cpu_seconds,
    sample::Sample,
};
use csdr_testenv::ControlPlane;
use flate2::read::MultiGzDecoder;
use report::{Pair, Report};
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

/// Connections that write at the same time: csdr's own default.
const CONNECTIONS: usize = 32;

/// Measures and prints.
pub(crate) async fn run(args: &ObjectsArgs) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let bench = Bench {
        args,
        vaults: [folder.path().join("floor"), folder.path().join("csdr")],
    };
    std::fs::create_dir(&bench.vaults[0])?;
    let backup = bench.backups().await?;
    let restore = if args.backup_only {
        Pair::default()
    } else {
        bench.restores().await?
    };
    let report = Report {
        count: args.count,
        namespaces: args.namespaces,
        backup,
        restore,
    };
    let mut out = io::stdout().lock();
    writeln!(out, "{report}")?;
    if args.output == Output::Json {
        writeln!(out, "{}", report.json())?;
    }
    Ok(())
}

struct Bench<'a> {
    args: &'a ObjectsArgs,
    /// The floor's folder and csdr's.
    vaults: [std::path::PathBuf; 2],
}

impl Bench<'_> {
    async fn backups(&self) -> Result<Pair> {
        let source = start().await?;
        let filled = measured(&source, &self.writing("fill", &source)).await?;
        progress(&format!(
            "filled with {} objects in {:.1} s ({:.0}/s)",
            filled.objects,
            filled.seconds,
            filled.objects_per_s()
        ));
        // The server's first lists fill its caches: neither side shall pay for that.
        self.floor_backup(&source, "warm-up").await?;
        let mut samples = Pair::default();
        for round in 0..self.args.rounds {
            let name = format!("round-{round}");
            for floor in [round % 2 == 0, round % 2 == 1] {
                let sample = if floor {
                    self.floor_backup(&source, &name).await?
                } else {
                    measured(&source, &self.reading("csdr-backup", &source, &name)).await?
                };
                samples.push("backup", floor, sample);
            }
            self.compare(&name)?;
        }
        source.stop().await;
        Ok(samples)
    }

    async fn floor_backup(&self, source: &ControlPlane, name: &str) -> Result<Sample> {
        measured(source, &self.reading("floor-backup", source, name)).await
    }

    async fn restores(&self) -> Result<Pair> {
        let mut samples = Pair::default();
        for round in 0..self.args.rounds {
            for floor in [round % 2 == 0, round % 2 == 1] {
                let target = start().await?;
                let sample = if floor {
                    measured(&target, &self.writing("floor-restore", &target)).await?
                } else {
                    let mut arguments = self.reading("csdr-restore", &target, "round-0");
                    arguments.push(format!("--target=copy-{round}"));
                    measured(&target, &arguments).await?
                };
                samples.push("restore", floor, sample);
                target.stop().await;
            }
        }
        Ok(samples)
    }

    /// Both archives of a round must hold the same tar; else one of them did less.
    fn compare(&self, name: &str) -> Result<()> {
        let floor = self.vaults[0].join(format!("{name}.tar.gz"));
        let csdr = self.vaults[1]
            .join("backups")
            .join(name)
            .join(format!("{name}.tar.gz"));
        if unpacked_sha256(&floor)? == unpacked_sha256(&csdr)? {
            return Ok(());
        }
        Err(
            format!("the floor and csdr stored different tars in {name}: they cannot be compared")
                .into(),
        )
    }

    fn writing(&self, command: &str, cluster: &ControlPlane) -> Vec<String> {
        let mut arguments = self.common(command, cluster);
        arguments.push(format!("--count={}", self.args.count));
        arguments.push(format!("--connections={CONNECTIONS}"));
        arguments
    }

    fn reading(&self, command: &str, cluster: &ControlPlane, name: &str) -> Vec<String> {
        let vault = &self.vaults[usize::from(command.starts_with("csdr"))];
        let mut arguments = self.common(command, cluster);
        arguments.push(format!("--vault={}", vault.display()));
        arguments.push(format!("--name={name}"));
        arguments
    }

    fn common(&self, command: &str, cluster: &ControlPlane) -> Vec<String> {
        vec![
            command.to_owned(),
            format!("--kubeconfig={}", cluster.kubeconfig().path().display()),
            format!("--namespaces={}", self.args.namespaces),
        ]
    }
}

/// Runs one measurement, and looks what it cost the server.
async fn measured(cluster: &ControlPlane, arguments: &[String]) -> Result<Sample> {
    let server = || -> Result<f64> {
        let processes = cluster.processes();
        processes.iter().map(|(_, pid)| cpu_seconds(*pid)).sum()
    };
    let before = server()?;
    let mut sample = child::run(arguments).await?;
    sample.server_cpu_seconds = server()? - before;
    Ok(sample)
}

/// A control plane in which nothing happens by itself.
pub(crate) async fn start() -> Result<ControlPlane> {
    let plane = ControlPlane::start().await?;
    for (name, pid) in plane.processes() {
        if name == "kube-controller-manager" {
            let pid = i32::try_from(pid)?;
            let pid = rustix::process::Pid::from_raw(pid).ok_or("no process has the id 0")?;
            rustix::process::kill_process(pid, rustix::process::Signal::STOP)?;
        }
    }
    Ok(plane)
}

/// One line for whoever waits; standard output is for the result.
pub(crate) fn progress(line: &str) {
    // Nobody may be looking.
    let _ = writeln!(io::stderr(), "{line}");
}

fn unpacked_sha256(path: &Path) -> Result<[u8; 32]> {
    let mut archive = MultiGzDecoder::new(io::BufReader::new(File::open(path)?));
    let (mut hasher, mut chunk) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match archive.read(&mut chunk)? {
            0 => return Ok(hasher.finalize().into()),
            length => hasher.update(&chunk[..length]),
        }
    }
}

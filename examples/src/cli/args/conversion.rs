//! `csdr convert`, `csdr lifecycle`, `csdr target-apis`, and what a restore shares with them.

use super::{Cluster, Scratch};
use clap::{Args, ValueEnum};
use csdr_core::{
    conversion::{
        BuiltinConverter, InTree, LastApplied, MendOptions, ReferenceOptions, VersionPolicy,
    },
    model::ApiVersion,
};
use std::{fmt, path::PathBuf};

#[derive(Args, Debug)]
pub(in super::super) struct Convert {
    /// Manifests: files, folders, or - for standard input [default: -].
    #[arg(value_name = "PATH", conflicts_with = "jobs")]
    pub(in super::super) paths: Vec<PathBuf>,
    /// Convert for this release of Kubernetes, as 1.34. Custom resources whose definition is not among the manifests stay as they are.
    #[arg(
        long,
        value_name = "RELEASE",
        value_parser = release,
        conflicts_with_all = ["target_apis", "jobs"],
        required_unless_present_any = ["target_apis", "jobs"]
    )]
    pub(in super::super) to: Option<Release>,
    /// Convert for a cluster whose discovery was recorded in this file.
    #[arg(long, value_name = "FILE")]
    pub(in super::super) target_apis: Option<PathBuf>,
    /// Read one job a line, {"id","to","object"} or {"job":{…}}, and write one line an answer; - for standard input.
    #[arg(long, value_name = "FILE")]
    pub(in super::super) jobs: Option<PathBuf>,
    /// How far a job goes; with --jobs only.
    #[arg(long, value_enum, default_value = "faithful")]
    pub(in super::super) stage: JobStage,
    /// The release that a job's object must be accepted by; with --jobs only.
    #[arg(
        long,
        value_name = "RELEASE",
        value_parser = release,
        conflicts_with = "target_apis"
    )]
    pub(in super::super) target: Option<Release>,
    #[command(flatten)]
    pub(in super::super) choices: Choices,
}

#[derive(Args, Debug)]
pub(in super::super) struct Lifecycle {
    /// The backup to judge.
    #[arg(long, value_name = "BACKUP")]
    pub(in super::super) backup: String,
    /// Releases of Kubernetes, as 1.28,1.34 [default: the cluster; it is also judged if --kubeconfig or --context names it].
    #[arg(long, value_name = "RELEASE", value_parser = release, value_delimiter = ',')]
    pub(in super::super) targets: Vec<Release>,
    /// A cluster whose discovery was recorded in this file.
    #[arg(long, value_name = "FILE")]
    pub(in super::super) target_apis: Vec<PathBuf>,
    /// Read every object as well, and tell what single ones lose.
    #[arg(long)]
    pub(in super::super) objects: bool,
    /// How many objects each loss names; with --objects.
    #[arg(long, value_name = "COUNT", default_value_t = 3, requires = "objects")]
    pub(in super::super) examples: usize,
    #[command(flatten)]
    pub(in super::super) cluster: Cluster,
    #[command(flatten)]
    pub(in super::super) choices: Choices,
    #[command(flatten)]
    pub(in super::super) scratch: Scratch,
}

/// What a folder is rendered for.
#[derive(Args, Debug)]
pub(in super::super) struct Later {
    /// Convert for a cluster of this release of Kubernetes, as 1.34; with --to only [default: the newest]. Custom resources whose
    /// definition is not in the backup stay as they are.
    #[arg(long, value_name = "RELEASE", value_parser = release, requires = "to", conflicts_with = "target_apis")]
    pub(in super::super) target_release: Option<Release>,
    /// Convert for a cluster whose APIs `csdr target-apis` recorded in this file; with --to only.
    #[arg(long, value_name = "FILE", requires = "to")]
    pub(in super::super) target_apis: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(in super::super) struct TargetApisOf {
    #[command(flatten)]
    pub(in super::super) cluster: Cluster,
    /// Write into this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub(in super::super) to: Option<PathBuf>,
}

/// What the converter may decide.
#[derive(Args, Debug)]
pub(in super::super) struct Choices {
    /// Which version is taken where the target serves several.
    #[arg(long, value_enum, default_value = "keep")]
    policy: Policy,
    /// The version for one kind, before the policy. May be given several times.
    #[arg(long = "version-of", value_name = "KIND=GROUP/VERSION", value_parser = version_of)]
    versions: Vec<VersionOf>,
    /// What becomes of volumes of plugins that were part of Kubernetes.
    #[arg(long, value_enum, default_value = "keep", value_name = "CHOICE")]
    in_tree: InTreeVolumes,
    /// What becomes of kubectl's annotation in a version that the target does not serve.
    #[arg(long, value_enum, default_value = "convert", value_name = "CHOICE")]
    last_applied: Applied,
}

impl Choices {
    /// The converter that was asked for.
    pub(in super::super) fn converter(&self) -> BuiltinConverter {
        let mends = MendOptions {
            in_tree: match self.in_tree {
                InTreeVolumes::Keep => InTree::Keep,
                InTreeVolumes::Csi => InTree::Csi,
            },
            ..MendOptions::default()
        };
        let references = ReferenceOptions {
            last_applied: match self.last_applied {
                Applied::Convert => LastApplied::Convert,
                Applied::Drop => LastApplied::Drop,
                Applied::Keep => LastApplied::Keep,
            },
            ..ReferenceOptions::default()
        };
        let policy = match self.policy {
            Policy::Keep => VersionPolicy::Keep,
            Policy::Preferred => VersionPolicy::Preferred,
        };
        let converter = BuiltinConverter::new()
            .with_mends(mends)
            .with_references(references)
            .with_policy(policy);
        self.versions.iter().fold(converter, |converter, wanted| {
            converter.with_version(wanted.kind.as_str(), wanted.version.clone())
        })
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Policy {
    /// The stored version, as long as the target serves it and it is not deprecated there.
    Keep,
    /// The version that the target prefers.
    Preferred,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum InTreeVolumes {
    /// They stay; what no longer works is reported.
    Keep,
    /// PersistentVolumes and StorageClasses are made into those of the CSI driver that took over.
    Csi,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Applied {
    /// It is converted as well, without defaults.
    Convert,
    /// It is taken away.
    Drop,
    /// It stays as it is.
    Keep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in super::super) enum JobStage {
    /// What the API server itself makes of the object in version `to`.
    Faithful,
    /// Also mended, so that the release that --target names accepts it.
    Acceptable,
}

/// A release of Kubernetes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Release {
    pub(in super::super) major: u32,
    pub(in super::super) minor: u32,
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

fn release(text: &str) -> Result<Release, String> {
    let number = |part: Option<&str>| part.and_then(|part| part.parse::<u32>().ok());
    let mut parts = text.trim_start_matches('v').split('.');
    match (number(parts.next()), number(parts.next()), parts.next()) {
        (Some(major), Some(minor), patch)
            if patch.is_none() || number(patch).is_some() && parts.next().is_none() =>
        {
            Ok(Release { major, minor })
        }
        _ => Err("write a release as 1.34".to_owned()),
    }
}

#[derive(Clone, Debug)]
struct VersionOf {
    kind: String,
    version: ApiVersion,
}

fn version_of(text: &str) -> Result<VersionOf, String> {
    let (kind, version) = text
        .split_once('=')
        .filter(|(kind, _)| !kind.is_empty())
        .ok_or("write it as KIND=GROUP/VERSION")?;
    Ok(VersionOf {
        kind: kind.to_owned(),
        version: version
            .parse()
            .map_err(|error: csdr_core::Error| error.message().to_owned())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_and_versions_are_read_or_refused() {
        for text in ["1.34", "v1.34", "1.34.9"] {
            assert_eq!(release(text).unwrap().to_string(), "1.34");
        }
        for wrong in [
            "",
            "1",
            "1.",
            "one",
            "1.34.x",
            "1.34.1.2",
            "1.34-beta",
            "-1.3",
        ] {
            assert!(release(wrong).is_err(), "{wrong}");
        }
        let wanted = version_of("Ingress=networking.k8s.io/v1").unwrap();
        assert_eq!(wanted.version.group(), "networking.k8s.io");
        assert!(version_of("Event=v1").is_ok());
        for wrong in ["", "Ingress", "=v1", "Ingress=", "Ingress=a//b"] {
            assert!(version_of(wrong).is_err(), "{wrong}");
        }
    }
}

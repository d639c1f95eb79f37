use std::env;
use std::path::{Path, PathBuf};

use crate::recipe::{Cache, Part, STAGES_FILE, go_is_here};
use crate::{Error, KubeVersion};

const ASSETS: &str = "KUBEBUILDER_ASSETS";

/// The one message for a machine that has neither assets nor Go.
const NO_WAY: &str = "no Kubernetes binaries for the tests, and no way to make them. Either install Go 1.26 or newer \
    (https://go.dev/dl), so that they are built once into the cache folder; or set KUBEBUILDER_ASSETS to a folder \
    that holds etcd, kube-apiserver and kube-controller-manager";

/// The programs of one control plane.
///
/// They come from
/// * the folder named by `KUBEBUILDER_ASSETS`, if that is set: it must hold `etcd`,
///   `kube-apiserver` and `kube-controller-manager`;
/// * else the cache folder: `CSDR_TESTENV_CACHE`, or `csdr-testenv` in `XDG_CACHE_HOME` or
///   `~/.cache`. What is not there yet is built from Go modules, once: the folder's name
///   holds a hash of the recipe and its `go.sum`, a file lock lets one process build while
///   others wait, and a finished folder appears by an atomic rename.
///
/// The API server 1.21 is always built: assets hold one version only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    etcd: PathBuf,
    api_server: PathBuf,
    controller_manager: PathBuf,
}

impl Binaries {
    /// Finds the programs for a version; builds those that are missing (minutes, once).
    ///
    /// A build says so on standard error.
    ///
    /// # Errors
    /// Neither assets nor Go; assets that lack a program; a build that fails.
    pub fn locate(version: KubeVersion) -> Result<Self, Error> {
        let current = match assets()? {
            Some(assets) => assets,
            None => {
                let cache = Cache::open()?;
                let etcd = cache.built(Part::Etcd)?;
                let kubernetes = cache.built(Part::Kubernetes)?;
                Self {
                    etcd: etcd.join("etcd"),
                    api_server: kubernetes.join("kube-apiserver"),
                    controller_manager: kubernetes.join("kube-controller-manager"),
                }
            }
        };
        match version {
            KubeVersion::V1_36 => Ok(current),
            KubeVersion::V1_21 => Ok(Self {
                api_server: Cache::open()?
                    .built(Part::Kubernetes121)?
                    .join("kube-apiserver"),
                ..current
            }),
        }
    }

    /// etcd.
    #[must_use]
    pub fn etcd(&self) -> &Path {
        &self.etcd
    }

    /// kube-apiserver, of the version asked for.
    #[must_use]
    pub fn api_server(&self) -> &Path {
        &self.api_server
    }

    /// kube-controller-manager; always the current one.
    #[must_use]
    pub fn controller_manager(&self) -> &Path {
        &self.controller_manager
    }

    /// Fails with the one message that says both ways out if this machine can have no binaries.
    ///
    /// # Errors
    /// Neither assets nor Go nor binaries built earlier; assets that lack a program.
    pub fn check() -> Result<(), Error> {
        if assets()?.is_some() || go_is_here() {
            return Ok(());
        }
        let cache = Cache::open()?;
        let built = [Part::Etcd, Part::Kubernetes]
            .into_iter()
            .all(|part| cache.finished(part).is_some());
        if built {
            Ok(())
        } else {
            Err(Error::new(NO_WAY))
        }
    }

    pub(crate) fn left_out(version: KubeVersion) -> Option<String> {
        let part = match version {
            KubeVersion::V1_36 => return None,
            KubeVersion::V1_21 => Part::Kubernetes121,
        };
        if go_is_here() || Self::check().is_err() {
            return None;
        }
        if Cache::open().is_ok_and(|cache| cache.finished(part).is_some()) {
            return None;
        }
        Some(format!(
            "kube-apiserver {version} is built from source, and there is no Go here (https://go.dev/dl)"
        ))
    }
}

/// The programs that give a control plane nodes: kube-scheduler and kwok.
///
/// They are always built (96 s for kwok; kube-scheduler shares nearly everything with the API server): assets do not hold them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeBinaries {
    scheduler: PathBuf,
    kwok: PathBuf,
    stages: PathBuf,
}

impl NodeBinaries {
    /// Finds the programs; builds those that are missing (minutes, once).
    ///
    /// # Errors
    /// No Go to build with; a build that fails.
    pub fn locate() -> Result<Self, Error> {
        let cache = Cache::open()?;
        let kwok = cache.built(Part::Kwok)?;
        Ok(Self {
            scheduler: cache.built(Part::Scheduler)?.join("kube-scheduler"),
            stages: kwok.join(STAGES_FILE),
            kwok: kwok.join("kwok"),
        })
    }

    /// The reason why there can be no nodes on this machine, or `None` if there can.
    ///
    /// As [`KubeVersion::left_out`]: a machine that has assets but no Go must leave out the tests on nodes, and say so.
    #[must_use]
    pub fn left_out() -> Option<String> {
        if go_is_here() || Binaries::check().is_err() {
            return None;
        }
        let built = |part| Cache::open().is_ok_and(|cache| cache.finished(part).is_some());
        if built(Part::Kwok) && built(Part::Scheduler) {
            return None;
        }
        Some(
            "kwok and kube-scheduler are built from source, and there is no Go here (https://go.dev/dl)"
                .to_owned(),
        )
    }

    /// kube-scheduler.
    #[must_use]
    pub fn scheduler(&self) -> &Path {
        &self.scheduler
    }

    /// kwok.
    #[must_use]
    pub fn kwok(&self) -> &Path {
        &self.kwok
    }

    /// The file with the stages that kwok's nodes and pods go through.
    #[must_use]
    pub fn stages(&self) -> &Path {
        &self.stages
    }
}

/// The programs in `KUBEBUILDER_ASSETS`; `None` if that is not set.
fn assets() -> Result<Option<Binaries>, Error> {
    let Some(folder) = env::var_os(ASSETS).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    in_folder(Path::new(&folder)).map(Some)
}

fn in_folder(folder: &Path) -> Result<Binaries, Error> {
    let program = |name: &str| {
        let path = folder.join(format!("{name}{}", env::consts::EXE_SUFFIX));
        if path.is_file() {
            return std::path::absolute(&path).map_err(|error| {
                Error::caused_by(format!("cannot resolve {}", path.display()), error)
            });
        }
        Err(Error::new(format!(
            "{ASSETS} is set to {}, but there is no {name} in it: put it there, or unset {ASSETS} so that \
             everything is built with Go",
            folder.display()
        )))
    };
    Ok(Binaries {
        etcd: program("etcd")?,
        api_server: program("kube-apiserver")?,
        controller_manager: program("kube-controller-manager")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_must_hold_all_three() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["etcd", "kube-apiserver"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let error = in_folder(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("there is no kube-controller-manager in it"),
            "{error}"
        );
        std::fs::write(folder.path().join("kube-controller-manager"), "").unwrap();
        assert_eq!(
            in_folder(folder.path()).unwrap().etcd(),
            folder.path().join("etcd")
        );
    }

    #[test]
    fn the_message_names_both_ways_out() {
        assert!(NO_WAY.contains("install Go") && NO_WAY.contains("KUBEBUILDER_ASSETS"));
    }
}

use std::fmt;
use std::str::FromStr;

use crate::{Binaries, Error};

/// A release of Kubernetes that the tests run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum KubeVersion {
    /// 1.21, which still serves `extensions/v1beta1` and the other groups that later
    /// releases removed: a source of migrations.
    V1_21,
    /// 1.36, the current release.
    #[default]
    V1_36,
}

impl KubeVersion {
    /// Every version, oldest first.
    pub const ALL: [Self; 2] = [Self::V1_21, Self::V1_36];

    /// The reason why this version cannot be had on this machine, or `None` if it can.
    ///
    /// `KUBEBUILDER_ASSETS` holds one version only. A machine that has it but has no Go
    /// (and no 1.21 in the cache) must leave out the tests on 1.21, and say so:
    ///
    /// ```
    /// use csdr_testenv::KubeVersion;
    ///
    /// if let Some(reason) = KubeVersion::V1_21.left_out() {
    ///     eprintln!("left out: tests on Kubernetes 1.21 — {reason}");
    /// }
    /// ```
    ///
    /// Nothing at all (neither assets nor Go) is not a reason to leave anything out: then
    /// this is `None` and the start fails with both ways out.
    #[must_use]
    pub fn left_out(self) -> Option<String> {
        Binaries::left_out(self)
    }
}

impl fmt::Display for KubeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1_21 => "1.21",
            Self::V1_36 => "1.36",
        })
    }
}

impl FromStr for KubeVersion {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|version| version.to_string() == text)
            .ok_or_else(|| {
                let known = Self::ALL.map(|version| version.to_string()).join(" and ");
                Error::new(format!(
                    "no recipe for Kubernetes {text:?}: the known versions are {known}"
                ))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_reads_back_from_its_text() {
        for version in KubeVersion::ALL {
            assert_eq!(version.to_string().parse::<KubeVersion>().unwrap(), version);
        }
    }

    #[test]
    fn an_unknown_version_names_the_known_ones() {
        let error = "1.9".parse::<KubeVersion>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "no recipe for Kubernetes \"1.9\": the known versions are 1.21 and 1.36"
        );
    }
}

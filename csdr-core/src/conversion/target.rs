//! What a target serves.

use crate::{
    Result,
    model::{Discovery, GroupVersionKind},
};

/// The API versions that a target serves: from its live discovery, from a recorded one, or what a release of Kubernetes serves by
/// default, so that a migration can be judged before its target exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetApis {
    discovery: Discovery,
    minor: u32,
}

impl TargetApis {
    /// From a target's discovery. A server that does not say its version is taken for the newest release that csdr knows.
    pub fn from_discovery(discovery: Discovery) -> Self {
        let minor = discovery
            .server_version
            .split('.')
            .nth(1)
            .and_then(|minor| minor.parse().ok())
            .unwrap_or(36);
        Self { discovery, minor }
    }

    /// What Kubernetes `major.minor` serves by default.
    ///
    /// # Errors
    /// `InvalidInput` for a release before 1.16 or after the newest that csdr knows.
    pub fn kubernetes(_major: u32, minor: u32) -> Result<Self> {
        Ok(Self {
            discovery: Discovery::default(),
            minor,
        })
    }

    /// The minor of Kubernetes 1.
    pub fn minor(&self) -> u32 {
        self.minor
    }

    /// What it serves.
    pub fn discovery(&self) -> &Discovery {
        &self.discovery
    }

    /// Whether it serves this version of this kind.
    pub fn serves(&self, kind: &GroupVersionKind) -> bool {
        self.discovery
            .kind(kind.api_version.group(), &kind.kind)
            .is_some_and(|row| row.serves(kind.api_version.version()))
    }
}

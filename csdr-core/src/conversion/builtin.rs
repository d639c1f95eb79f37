//! The converter that csdr brings.

use super::{
    acceptable,
    draft::{Log, Node},
    faithful,
    outcome::{Change, Loss, SkipReason, Stage},
    reference::{self, LastApplied},
    target::TargetApis,
};
use crate::{
    Result,
    model::{ApiVersion, Tree},
};

/// What the second stage may decide.
#[derive(Clone, Debug, Default)]
pub(super) struct MendOptions {}

/// What the third stage may decide.
#[derive(Clone, Debug)]
pub(super) struct ReferenceOptions {
    /// kubectl's annotation.
    pub(super) last_applied: LastApplied,
    /// Whether the manifests of Helm's releases are converted.
    pub(super) helm_releases: bool,
    /// Whether references in custom resources are rewritten wherever they look like some.
    pub(super) custom: bool,
}

impl Default for ReferenceOptions {
    fn default() -> Self {
        Self {
            last_applied: LastApplied::default(),
            helm_releases: true,
            custom: false,
        }
    }
}

/// Converts every kind that is built into Kubernetes 1.16 to 1.36, and custom resources whose definition converts by name alone.
#[derive(Clone, Debug, Default)]
pub struct BuiltinConverter {
    mends: MendOptions,
    references: ReferenceOptions,
}

/// A tree that went through one or more stages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted {
    /// The object.
    pub tree: Tree,
    /// What was changed.
    pub changes: Vec<Change>,
    /// What was lost.
    pub losses: Vec<Loss>,
}

impl BuiltinConverter {
    /// With the defaults: stored versions are kept where they are served, references are rewritten.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what becomes of kubectl's annotation `last-applied-configuration` in a version that the target does not serve.
    #[must_use]
    pub fn with_last_applied(mut self, last_applied: LastApplied) -> Self {
        self.references.last_applied = last_applied;
        self
    }

    /// Whether the manifests that Helm's releases remember are converted; by default they are.
    #[must_use]
    pub fn with_helm_releases(mut self, convert: bool) -> Self {
        self.references.helm_releases = convert;
        self
    }

    /// Whether everything in a custom resource that has apiVersion and kind, and is no whole object, is rewritten like a reference. By
    /// default only well-known places are, and others are reported.
    #[must_use]
    pub fn with_custom_references(mut self, rewrite: bool) -> Self {
        self.references.custom = rewrite;
        self
    }

    /// The first stage alone: exactly what the server makes of an object in version `to`.
    ///
    /// # Errors
    /// `InvalidInput` without `apiVersion` or `kind`; `Unsupported` for a kind that csdr has no rules for; what a rule cannot read.
    pub fn faithful(&self, mut tree: Tree, to: &ApiVersion) -> Result<Converted> {
        let mut log = Log::default();
        faithful::convert(&mut tree, to, &mut log)?;
        Ok(Converted {
            tree,
            changes: log.changes,
            losses: log.losses,
        })
    }

    /// The second stage alone: mends an object in its own version for a target.
    ///
    /// # Errors
    /// `InvalidInput` without `apiVersion` or `kind`.
    pub fn acceptable(
        &self,
        mut tree: Tree,
        target: &TargetApis,
    ) -> Result<Result<Converted, SkipReason>> {
        let mut log = Log {
            stage: Stage::Acceptable,
            ..Log::default()
        };
        let (Some(api_version), Some(kind)) =
            (tree.text_at(&["apiVersion"]), tree.text_at(&["kind"]))
        else {
            return Err(crate::Error::invalid("object has no apiVersion or kind"));
        };
        let (api_version, kind): (ApiVersion, String) = (api_version.parse()?, kind.to_owned());
        let context = acceptable::Context {
            api_version: &api_version,
            kind: &kind,
            minor: target.minor(),
            options: &self.mends,
        };
        if let Err(reason) = acceptable::mend(&mut Node::root(&mut tree, &mut log), &context) {
            return Ok(Err(reason));
        }
        Ok(Ok(Converted {
            tree,
            changes: log.changes,
            losses: log.losses,
        }))
    }

    /// The third stage alone: rewrites the API versions inside an object.
    pub fn references(&self, mut tree: Tree, target: &TargetApis) -> Converted {
        let mut log = Log {
            stage: Stage::References,
            ..Log::default()
        };
        reference::rewrite(
            &mut Node::root(&mut tree, &mut log),
            target,
            &self.references,
        );
        Converted {
            tree,
            changes: log.changes,
            losses: log.losses,
        }
    }
}

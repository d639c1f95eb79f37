//! The converter that csdr brings.

use super::{
    acceptable,
    draft::{Log, Node},
    faithful,
    outcome::{Change, Loss, SkipReason, Stage},
    reference,
    target::TargetApis,
};
use crate::{
    Result,
    model::{ApiVersion, Tree},
};
use std::collections::BTreeMap;

/// What the second stage may decide.
#[derive(Clone, Debug, Default)]
pub(super) struct MendOptions {
    /// By name of an admission webhook: the `sideEffects` that its author vouches for.
    pub(super) side_effects: BTreeMap<String, String>,
}

/// What the third stage may decide.
#[derive(Clone, Debug, Default)]
pub(super) struct ReferenceOptions {}

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

    /// Says what only the author of an admission webhook knows: its `sideEffects`, `None` or `NoneOnDryRun`. It is written where the
    /// target refuses what is stored; without it that is `None`, with a loss that names the webhook.
    #[must_use]
    pub fn side_effects(mut self, webhook: impl Into<String>, value: impl Into<String>) -> Self {
        self.mends.side_effects.insert(webhook.into(), value.into());
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

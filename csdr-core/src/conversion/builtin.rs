//! The converter that csdr brings.

use super::{
    acceptable::{self, MendOptions},
    draft::{Log, Node},
    faithful,
    outcome::{Change, Loss, SkipReason, Stage},
    reference::{self, ReferenceOptions},
    target::TargetApis,
};
use crate::{
    Result,
    model::{ApiVersion, Tree},
};

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

    /// With other choices for the second stage.
    #[must_use]
    pub fn with_mends(mut self, mends: MendOptions) -> Self {
        self.mends = mends;
        self
    }

    /// With other choices for the third stage.
    #[must_use]
    pub fn with_references(mut self, references: ReferenceOptions) -> Self {
        self.references = references;
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
            services: None,
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

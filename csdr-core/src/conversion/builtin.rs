//! The converter that csdr brings.

use super::{
    acceptable::{self, MendOptions},
    choose::{VersionPolicy, Wishes, choose, made_by_cluster_object},
    draft::{Log, Node},
    faithful,
    outcome::{Change, Conversion, Edit, Loss, Route, Severity, SkipReason, Stage},
    reference::{self, ReferenceOptions},
    schema,
    target::TargetApis,
};
use crate::{
    Error, Result, lifecycle,
    model::{ApiVersion, GroupResource, GroupVersionKind, Object, Tree},
    port::ApiVersionConverter,
};

/// Converts every kind that is built into Kubernetes 1.16 to 1.36, and custom resources whose definition converts by name alone.
///
/// ```
/// use csdr_core::{
///     conversion::{BuiltinConverter, Conversion, TargetApis},
///     model::Object,
///     port::ApiVersionConverter,
/// };
/// let object = Object::parse("cronjobs.batch".parse()?, br#"{"apiVersion":"batch/v1beta1","kind":"CronJob",
///     "metadata":{"name":"nightly","namespace":"shop"},"spec":{"schedule":"0 1 * * *","jobTemplate":{"spec":{"template":{"spec":
///     {"restartPolicy":"Never","containers":[{"name":"a","image":"example.invalid/a:1"}]}}}}}}"#.to_vec())?;
/// let converter = BuiltinConverter::new();
///
/// // 1.20 serves CronJob in v1beta1 only: not one byte is touched.
/// let old = converter.convert(&object, &TargetApis::kubernetes(1, 20)?)?;
/// assert_eq!(old, Conversion::Unchanged);
///
/// // 1.25 serves it in v1 only.
/// let new = converter.convert(&object, &TargetApis::kubernetes(1, 25)?)?;
/// let Conversion::Converted { object, to, .. } = new else { panic!("{new:?}") };
/// assert_eq!(to.to_string(), "batch/v1");
/// assert!(object.text().starts_with(r#"{"apiVersion":"batch/v1","#));
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct BuiltinConverter {
    mends: MendOptions,
    references: ReferenceOptions,
    wishes: Wishes,
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

    /// How a version is chosen where the target serves several.
    #[must_use]
    pub fn with_policy(mut self, policy: VersionPolicy) -> Self {
        self.wishes.policy = policy;
        self
    }

    /// The version that is wanted for a kind, before the policy. Of several for one kind the first that the target serves counts; if it
    /// serves none of them, there is no route. A version that cannot hold the kind says nothing of it: `Ingress` in
    /// `networking.k8s.io/v1` is not meant for another group's `Ingress`.
    #[must_use]
    pub fn with_version(mut self, kind: impl Into<String>, version: ApiVersion) -> Self {
        self.wishes.versions.push((kind.into(), version));
        self
    }

    /// What will become of the objects of a kind, for plans: no object is looked at, so that an object which the cluster makes by itself,
    /// or of which no form would be accepted, may still be skipped.
    pub fn route(&self, kind: &GroupVersionKind, target: &TargetApis) -> Route {
        choose(kind, None, target, &self.wishes)
    }

    /// The first stage alone: exactly what the server makes of an object in version `to`. Fields that the schema does not know stay, and
    /// are told as losses.
    ///
    /// # Errors
    /// `InvalidInput` without `apiVersion` or `kind`; `Unsupported` for a kind that csdr has no rules for, or if `to` does not hold the
    /// kind; what a rule cannot read.
    pub fn faithful(&self, mut tree: Tree, to: &ApiVersion) -> Result<Converted> {
        let mut log = Log::default();
        schema::report_unknown(&mut Node::root(&mut tree, &mut log));
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
            return Err(Error::invalid("object has no apiVersion or kind"));
        };
        let (api_version, kind): (ApiVersion, String) = (api_version.parse()?, kind.to_owned());
        let context = acceptable::Context {
            api_version: &api_version,
            kind: &kind,
            minor: target.minor(),
            options: &self.mends,
            services: target.services(),
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

impl ApiVersionConverter for BuiltinConverter {
    fn convert(&self, object: &Object, target: &TargetApis) -> Result<Conversion> {
        let kind = &object.meta().kind;
        match choose(kind, Some(object.id().resource()), target, &self.wishes) {
            Route::Unchanged => self.keep(object, target),
            Route::Converts { to } => self.change(object, &to, target),
            Route::Skipped { reason } => Ok(Conversion::Skipped { reason }),
            Route::NoRoute { reason } => Ok(Conversion::NoRoute { reason }),
        }
        .map_err(|error: Error| {
            error
                .with_operation("convert")
                .with_context("object", object.id())
        })
    }
}

impl BuiltinConverter {
    /// The version stays: what no rule concerns is not even parsed.
    fn keep(&self, object: &Object, target: &TargetApis) -> Result<Conversion> {
        let kind = &object.meta().kind;
        let (group, json) = (kind.api_version.group(), object.json());
        if !acceptable::concerns(group, &kind.kind, target.minor(), json)
            && !reference::concerns(group, &kind.kind, json, target)
        {
            return Ok(Conversion::Unchanged);
        }
        let mut tree = object.tree()?;
        let mut log = Log::default();
        if let Err(reason) = self.finish(&mut tree, kind, target, &mut log) {
            return Ok(Conversion::Skipped { reason });
        }
        if log.changes.is_empty() && log.losses.is_empty() {
            return Ok(Conversion::Unchanged);
        }
        let object = if log.changes.is_empty() && object.tree()? == tree {
            // Only told, not changed: the bytes stay.
            object.clone()
        } else {
            Object::from_tree(object.id().resource().clone(), &tree)?
        };
        Ok(Conversion::Converted {
            object,
            to: kind.api_version.clone(),
            changes: log.changes,
            losses: log.losses,
        })
    }

    fn change(&self, object: &Object, to: &ApiVersion, target: &TargetApis) -> Result<Conversion> {
        let from = &object.meta().kind;
        let (mut tree, was_managed) = Tree::parse_without_managed_fields(object.json())
            .map_err(|error| error.with_context("object", object.id()))?;
        if let Some(advice) = made_by_cluster_object(from.api_version.group(), &from.kind, &tree) {
            return Ok(Conversion::Skipped {
                reason: SkipReason::MadeByCluster {
                    advice: advice.into(),
                },
            });
        }
        let mut log = Log::default();
        let mut node = Node::root(&mut tree, &mut log);
        schema::report_unknown(&mut node);
        clean_metadata(&mut node, was_managed);
        if lifecycle::lookup(from).is_some() {
            faithful::convert(&mut tree, to, &mut log)?;
        } else {
            // A custom resource whose definition converts by name.
            node.set(&["apiVersion"], to.to_string(), "another API version");
        }
        let kind = GroupVersionKind {
            api_version: to.clone(),
            kind: from.kind.clone(),
        };
        if let Err(reason) = self.finish(&mut tree, &kind, target, &mut log) {
            return Ok(Conversion::Skipped { reason });
        }
        // A kind that moved to another group lies elsewhere now.
        let resource = match lifecycle::lookup(&kind) {
            Some(row) => GroupResource::new(row.group, row.plural)?,
            None => object.id().resource().clone(),
        };
        Ok(Conversion::Converted {
            object: Object::from_tree(resource, &tree)?,
            to: kind.api_version,
            changes: log.changes,
            losses: log.losses,
        })
    }

    /// The second and third stage.
    fn finish(
        &self,
        tree: &mut Tree,
        kind: &GroupVersionKind,
        target: &TargetApis,
        log: &mut Log,
    ) -> std::result::Result<(), SkipReason> {
        let context = acceptable::Context {
            api_version: &kind.api_version,
            kind: &kind.kind,
            minor: target.minor(),
            options: &self.mends,
            services: target.services(),
        };
        log.stage = Stage::Acceptable;
        acceptable::mend(&mut Node::root(tree, log), &context)?;
        log.stage = Stage::References;
        reference::rewrite(&mut Node::root(tree, log), target, &self.references);
        Ok(())
    }
}

/// What does not outlive a change of version. Source: api-versions.md sections 2 and 2.12.
fn clean_metadata(node: &mut Node<'_>, was_managed: bool) {
    if was_managed {
        // Not in the tree any more. What stood there is as long as the object, and says nothing to anyone.
        node.record(
            &["metadata", "managedFields"],
            Edit::Removed,
            None,
            None,
            Severity::Info,
            "speaks of fields of the old version; the server writes it anew",
        );
    }
    let reason = "servers leave it empty since 1.20";
    node.remove(&["metadata", "selfLink"], reason);
}

#[cfg(test)]
mod tests;

//! The transforms of one restore in their order.

use super::{
    Accounts, Images, Jobs, NamespaceMapping, Overwrites, Pods, ServerFields, Services,
    StorageClasses, Surroundings, TargetName, TransformItem, VeleroLabels, Verdict, Volumes,
};
use crate::{
    Error, Result,
    conversion::{Change, Edit, Loss, Severity},
    hook::InitHooks,
    model::{Object, ObjectId, Tree},
    modifier::ResourceModifiers,
    port::Transform,
    spec::RestoreSpec,
};
use std::{ops::Range, sync::Arc};

/// How much of a transform's work a plan shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// Nothing but warnings: it touches every object, and what it does is known.
    Warnings,
    /// That it changed an object, and warnings.
    Counted,
    /// Each change: somebody asked for it.
    Changes,
}

/// The transforms of a restore in their order (architecture.md section 5). `own` are the caller's.
///
/// An object goes through all of them, in plan and run alike.
///
/// # Errors
/// `InvalidInput` for a spec that cannot be meant.
pub fn chain(
    spec: &RestoreSpec,
    known: &Surroundings,
    own: &[Arc<dyn Transform>],
) -> Result<Chain> {
    let mut chain = Chain { steps: Vec::new() };
    chain.push(ServerFields, Shown::Warnings);
    // What the kinds themselves demand.
    chain.push(Jobs, Shown::Counted);
    let pods = Pods::new(known.owners.clone()).with_hooks(&spec.hooks)?;
    chain.push(pods, Shown::Counted);
    chain.push(Accounts, Shown::Counted);
    chain.push(Services::new(spec.preserve_node_ports), Shown::Counted);
    if !spec.image_registry_mapping.is_empty() {
        let images = Images::by_registry(&spec.image_registry_mapping)?;
        chain.push(images, Shown::Changes);
    }
    if !spec.change_images.is_empty() {
        chain.push(Images::by_cases(&spec.change_images)?, Shown::Changes);
    }
    chain.push(Volumes::new(known), Shown::Counted);
    chain.push(StorageClasses::new(spec, known), Shown::Changes);
    chain.push(InitHooks::new(&spec.hooks)?, Shown::Changes);
    if let Some(rules) = &spec.resource_modifiers {
        chain.push(ResourceModifiers::new(rules)?, Shown::Changes);
    }
    for transform in own {
        chain.push(transform.clone(), Shown::Changes);
    }
    if !spec.namespace_mapping.is_empty() {
        let mapping = NamespaceMapping::new(spec.namespace_mapping.clone());
        chain.push(mapping, Shown::Counted);
    }
    if !spec.overwrites.is_empty() {
        chain.push(Overwrites::new(&spec.overwrites)?, Shown::Counted);
    }
    if spec.velero_labels {
        let labels = VeleroLabels::new(&spec.name, &spec.backup_name);
        chain.push(labels, Shown::Warnings);
    }
    chain.push(TargetName, Shown::Warnings);
    Ok(chain)
}

/// Transforms in their order.
#[derive(Clone, Debug)]
pub struct Chain {
    steps: Vec<Link>,
}

#[derive(Clone, Debug)]
struct Link {
    transform: Arc<dyn Transform>,
    shown: Shown,
}

impl Chain {
    fn push(&mut self, transform: impl Transform, shown: Shown) {
        self.steps.push(Link {
            transform: Arc::new(transform),
            shown,
        });
    }

    /// Names of the transforms, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|step| step.transform.name())
    }

    /// Takes one object through: `stored` as the backup has it, `converted` the same in the target's version, `target` where it goes.
    ///
    /// # Errors
    /// `Corrupt` for an object that is no tree; a transform's own error, with its name.
    pub fn pass<'a>(
        &'a self,
        stored: &'a Object,
        converted: &Object,
        target: ObjectId,
    ) -> Result<Passage<'a>> {
        let about = |error: Error| error.with_context("object", stored.id());
        // They are half of many an object, and no transform reads the converted ones.
        let (tree, managed) =
            Tree::parse_without_managed_fields(converted.json()).map_err(about)?;
        let mut item = TransformItem::new(stored, target, tree);
        if managed {
            item.node().record(
                &["metadata", "managedFields"],
                Edit::Removed,
                None,
                None,
                Severity::Info,
                "the target's server writes its own",
            );
        }
        let mut passage = Passage {
            chain: self,
            item,
            ends: Vec::with_capacity(self.steps.len()),
            verdict: Verdict::Restore,
        };
        for step in &self.steps {
            let verdict = step.transform.transform(&mut passage.item);
            passage.verdict = verdict
                .map_err(|error| about(error).with_context("transform", step.transform.name()))?;
            let (changes, losses) = (passage.item.changes(), passage.item.losses());
            passage.ends.push((changes.len(), losses.len()));
            if passage.verdict != Verdict::Restore {
                break;
            }
        }
        let kind = &converted.meta().kind;
        let tree = passage.item.tree();
        if passage.verdict == Verdict::Restore
            && (tree.text_at(&["kind"]) != Some(kind.kind.as_str())
                || tree.text_at(&["apiVersion"]) != Some(kind.api_version.to_string().as_str()))
        {
            return Err(about(Error::invalid(
                "a transform changed apiVersion or kind of the object",
            )));
        }
        Ok(passage)
    }
}

/// One object that went through a chain.
#[derive(Debug)]
pub struct Passage<'a> {
    chain: &'a Chain,
    item: TransformItem<'a>,
    /// Where the changes and losses of each step end.
    ends: Vec<(usize, usize)>,
    verdict: Verdict,
}

/// What one transform did to an object.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The transform's name.
    pub name: &'a str,
    /// What it changed.
    pub changes: &'a [Change],
    /// What it said.
    pub losses: &'a [Loss],
    shown: Shown,
}

impl Step<'_> {
    /// Whether a plan counts the object as changed by it.
    pub(crate) fn counts(&self) -> bool {
        self.shown != Shown::Warnings && !self.changes.is_empty()
    }

    /// Changes that a plan shows one by one.
    pub(crate) fn told(&self) -> impl Iterator<Item = &Change> {
        let all = self.shown == Shown::Changes;
        let told = move |change: &&Change| all || change.severity > Severity::Info;
        self.changes.iter().filter(told)
    }
}

impl Passage<'_> {
    /// What becomes of it.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// The object's status in the target's version, as stored.
    pub fn status(&self) -> Option<&Tree> {
        self.item.original(&["status"])
    }

    /// The object as it stands now.
    pub fn tree(&self) -> &Tree {
        self.item.tree()
    }

    /// What each transform that saw it did, in their order.
    pub fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        let starts = std::iter::once((0, 0)).chain(self.ends.iter().copied());
        let ranges = starts.zip(self.ends.iter().copied());
        self.chain
            .steps
            .iter()
            .zip(ranges)
            .map(|(link, (start, end))| Step {
                name: link.transform.name(),
                changes: slice(self.item.changes(), start.0..end.0),
                losses: slice(self.item.losses(), start.1..end.1),
                shown: link.shown,
            })
    }

    /// The object as it will be written.
    ///
    /// # Errors
    /// `Corrupt` if a transform made something of it that is no Kubernetes object.
    pub fn object(&self) -> Result<Object> {
        let target = self.item.target();
        let object = Object::from_tree(target.resource().clone(), self.item.tree())?;
        if object.id() != target {
            return Err(
                Error::corrupt("object does not carry the name that the index says")
                    .with_context("object", target),
            );
        }
        Ok(object)
    }
}

fn slice<T>(all: &[T], range: Range<usize>) -> &[T] {
    all.get(range).unwrap_or_default()
}

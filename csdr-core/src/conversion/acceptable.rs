//! Stage two: what the target's validation would refuse is mended, each time with a stated change.
//!
//! Also without a change of version: objects read as `v1` from an old cluster may be unacceptable to a new one.
//! Source: api-versions.md sections 2.12 to 2.15, 3 and 4.
//!
//! An object that the target takes, and takes in the same sense, is not touched. One that no form of is taken ends as a
//! [`SkipReason::Unacceptable`] with an advice. [`concerns`] tells from the bytes which objects need a look at all: it finds every
//! object that a rule would *change*; of objects that no server ever took (a Service port without a name beside another one) it finds
//! those that are looked at anyway, as the target's own message says the rest better.

mod address;
mod aggregation;
mod autoscaling;
mod certificate;
mod client;
mod cron_job;
mod definition;
mod disruption;
mod event;
mod flex_volume;
mod flow_control;
mod handler;
mod in_tree;
mod ingress;
mod ingress_class;
mod job;
mod label;
mod metadata;
mod name;
mod needle;
mod network_policy;
mod never;
mod node_label;
mod options;
mod pod;
mod priority;
mod profile;
mod quantity;
mod quota;
mod rbac;
mod secret;
mod service;
mod since;
mod slice;
mod snapshot;
mod storage_class;
mod volume;
mod webhook;
mod workload;

#[cfg(test)]
mod judged;
#[cfg(test)]
mod tests;

pub(super) use ingress::is_port_name;
pub use options::{InTree, IngressClassChoice, MendOptions};

use super::{draft::Node, outcome::SkipReason, service_port::ServicePorts};
use crate::model::{ApiVersion, KeyHashing};
use needle::{Finder, Needle};
use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{LazyLock, OnceLock},
};

/// What a mend may look at beside the object.
pub(super) struct Context<'a> {
    /// The object's API version, which the target serves.
    pub(super) api_version: &'a ApiVersion,
    /// The object's kind.
    pub(super) kind: &'a str,
    /// The target's minor of Kubernetes 1.
    pub(super) minor: u32,
    /// Choices of the caller.
    pub(super) options: &'a MendOptions,
    /// Ports of the Services that go with the object, as far as they are known.
    pub(super) services: &'a ServicePorts,
}

/// The rules for some kinds of one group.
pub(super) struct Mend {
    pub(super) group: &'static str,
    pub(super) kinds: &'static [&'static str],
    /// What occurs in an object that the rule concerns, in groups; empty if that cannot be said.
    pub(super) needles: &'static [&'static [Needle]],
    /// Mends the object, or says why no form of it would be accepted.
    pub(super) mend: fn(&mut Node<'_>, &Context<'_>) -> Result<(), SkipReason>,
}

static MENDS: &[&[Mend]] = &[
    aggregation::MENDS,
    autoscaling::MENDS,
    certificate::MENDS,
    cron_job::MENDS,
    definition::MENDS,
    disruption::MENDS,
    event::MENDS,
    flow_control::MENDS,
    ingress::MENDS,
    ingress_class::MENDS,
    job::MENDS,
    network_policy::MENDS,
    pod::MENDS,
    priority::MENDS,
    quota::MENDS,
    rbac::MENDS,
    secret::MENDS,
    service::MENDS,
    slice::MENDS,
    snapshot::MENDS,
    storage_class::MENDS,
    volume::MENDS,
    webhook::MENDS,
    workload::MENDS,
];

fn all() -> impl Iterator<Item = &'static Mend> {
    MENDS.iter().flat_map(|mends| mends.iter())
}

fn of<'a>(group: &'a str, kind: &'a str) -> impl Iterator<Item = &'static Mend> + 'a {
    all().filter(move |mend| mend.group == group && mend.kinds.contains(&kind))
}

/// The oldest target that has rules of its own, and the newest.
const MINORS: std::ops::RangeInclusive<u32> = 16..=37;

/// One finder for each target.
type Finders = [OnceLock<Finder>; 22];

/// The finders of every kind that has rules, made when they are first asked for. A kind without rules has those of every object.
static FINDERS: LazyLock<HashMap<(&'static str, &'static str), Finders, KeyHashing>> =
    LazyLock::new(|| {
        let mended = all().flat_map(|mend| mend.kinds.iter().map(|kind| (mend.group, *kind)));
        mended
            .chain(since::kinds())
            .map(|key| (key, Finders::default()))
            .collect()
    });
static OTHERS: LazyLock<Finders> = LazyLock::new(Finders::default);

/// Whether a rule may concern an object of these bytes: what is not concerned is never parsed.
pub(super) fn concerns(group: &str, kind: &str, minor: u32, json: &[u8]) -> bool {
    let minor = minor.clamp(*MINORS.start(), *MINORS.end());
    let finders = FINDERS.get(&(group, kind)).unwrap_or(&OTHERS);
    let Some(finder) = finders.get((minor - MINORS.start()) as usize) else {
        return true;
    };
    finder
        .get_or_init(|| finder_for(group, kind, minor))
        .concerns(json)
}

fn finder_for(group: &str, kind: &str, minor: u32) -> Finder {
    let since = since::needles(group, kind, minor);
    let needles = of(group, kind).flat_map(|mend| mend.needles.iter().copied().flatten());
    let always = of(group, kind).any(|mend| mend.needles.is_empty());
    Finder::new(
        needles.chain(metadata::NEEDLES).chain(&since),
        always,
        minor,
    )
}

/// Mends an object for the target.
pub(super) fn mend(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    metadata::mend(node, context);
    for mend in of(context.api_version.group(), context.kind) {
        (mend.mend)(node, context)?;
    }
    never::check(node, context)?;
    since::mend(node, context);
    Ok(())
}

/// No form of the object would be accepted, because of what stands at a path.
fn refuse(node: &Node<'_>, path: &[&str], advice: impl Into<Cow<'static, str>>) -> SkipReason {
    SkipReason::Unacceptable {
        path: node.pointer(path),
        advice: advice.into(),
    }
}

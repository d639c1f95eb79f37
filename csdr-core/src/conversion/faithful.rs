//! Stage one: what the API server's own defaulting and conversion make of an object.
//!
//! A [`Family`] is one kind (or several that are ruled alike) with every group and version that can hold it. An object goes: defaults
//! of its own version made explicit → into the *hub*, the newest stable version of the family → into the wanted version.
//! Source: api-versions.md sections 0.2, 1.6 and 2. An object that is in the wanted version already is not touched.

mod aggregation;
mod autoscaling;
mod certificate;
mod claim;
mod coordination;
mod definition;
mod disruption;
mod event;
mod flow_control;
mod ingress;
mod job;
mod network_policy;
mod pod;
mod rbac;
mod resource_claim;
mod runtime_class;
mod scheduling;
mod slice;
mod storage;
#[cfg(test)]
mod table;
mod webhook;
mod workload;

use super::draft::{Log, Node};
use crate::{
    Error, ErrorKind, Result,
    model::{ApiVersion, Tree},
};

/// Group and version, as rules match them: `("apps", "v1")`, `("", "v1")`.
pub(super) type Gv<'a> = (&'a str, &'a str);

/// The rules of one family.
pub(super) struct Family {
    /// The kinds that it rules.
    pub(super) kinds: &'static [&'static str],
    /// Writes what a server of the object's own version would have written where a field is absent.
    pub(super) defaults: fn(&mut Node<'_>, Gv<'_>) -> Result<()>,
    /// From the given version to the hub.
    pub(super) to_hub: fn(&mut Node<'_>, Gv<'_>) -> Result<()>,
    /// From the hub to the given version.
    pub(super) from_hub: fn(&mut Node<'_>, Gv<'_>) -> Result<()>,
}

/// A step of a family that has nothing to do.
pub(super) fn nothing(_: &mut Node<'_>, _: Gv<'_>) -> Result<()> {
    Ok(())
}

static FAMILIES: &[&[Family]] = &[
    aggregation::FAMILIES,
    autoscaling::FAMILIES,
    certificate::FAMILIES,
    coordination::FAMILIES,
    definition::FAMILIES,
    disruption::FAMILIES,
    event::FAMILIES,
    flow_control::FAMILIES,
    ingress::FAMILIES,
    job::FAMILIES,
    network_policy::FAMILIES,
    rbac::FAMILIES,
    resource_claim::FAMILIES,
    runtime_class::FAMILIES,
    scheduling::FAMILIES,
    slice::FAMILIES,
    storage::FAMILIES,
    webhook::FAMILIES,
    workload::FAMILIES,
];

/// Makes a built-in object into the version `to`; one that is in it already is not touched.
///
/// The caller has looked that `to` can hold the kind.
///
/// # Errors
/// `InvalidInput` without `apiVersion` or `kind`, or for a kind without rules; what a rule cannot read.
pub(super) fn convert(tree: &mut Tree, to: &ApiVersion, log: &mut Log) -> Result<()> {
    let (Some(from), Some(kind)) = (tree.text_at(&["apiVersion"]), tree.text_at(&["kind"])) else {
        return Err(Error::invalid("object has no apiVersion or kind"));
    };
    let from: ApiVersion = from.parse()?;
    if from == *to {
        return Ok(());
    }
    let family = FAMILIES
        .iter()
        .flat_map(|families| families.iter())
        .find(|family| family.kinds.contains(&kind))
        .ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "no conversion of this kind")
                .with_context("kind", kind)
        })?;
    let mut node = Node::root(tree, log);
    let source = (from.group(), from.version());
    let target = (to.group(), to.version());
    (family.defaults)(&mut node, source)?;
    (family.to_hub)(&mut node, source)?;
    (family.from_hub)(&mut node, target)?;
    node.set(&["apiVersion"], to.to_string(), "another API version");
    Ok(())
}

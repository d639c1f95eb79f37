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
mod review;
mod runtime_class;
mod scheduling;
mod slice;
mod storage;
#[cfg(test)]
mod table;
mod webhook;
mod workload;
mod zero;

use super::{
    draft::{Log, Node},
    list,
};
use crate::{
    Error, ErrorKind, Result, lifecycle,
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
    review::FAMILIES,
    runtime_class::FAMILIES,
    scheduling::FAMILIES,
    slice::FAMILIES,
    storage::FAMILIES,
    webhook::FAMILIES,
    workload::FAMILIES,
];

/// Makes a built-in object into the version `to`; one that is in it already is not touched. A list is made so item by item.
///
/// # Errors
/// `InvalidInput` without `apiVersion` or `kind`; `Unsupported` for a kind without rules, or if `to` does not hold the kind; what a rule
/// cannot read.
pub(super) fn convert(tree: &mut Tree, to: &ApiVersion, log: &mut Log) -> Result<()> {
    if list::is_list(tree) {
        return convert_list(&mut Node::root(tree, log), to);
    }
    convert_object(&mut Node::root(tree, log), None, to)
}

/// Where an object does not say its own version and kind, the list says them.
type Inherited<'a> = Option<(&'a str, &'a str)>;

fn convert_object(node: &mut Node<'_>, inherited: Inherited<'_>, to: &ApiVersion) -> Result<()> {
    let own = |key: &str| node.text(&[key]);
    let from = own("apiVersion").or(inherited.map(|(version, _)| version));
    let kind = own("kind").or(inherited.map(|(_, kind)| kind));
    let (Some(from), Some(kind)) = (from, kind) else {
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
    must_hold(to, kind)?;
    let source = (from.group(), from.version());
    let target = (to.group(), to.version());
    if !node.is_written() {
        (family.defaults)(node, source)?;
    }
    (family.to_hub)(node, source)?;
    (family.from_hub)(node, target)?;
    if node.has(&["apiVersion"]) || inherited.is_none() {
        node.set(&["apiVersion"], to.to_string(), ANOTHER_VERSION);
    }
    Ok(())
}

/// A version holds a kind if some release of Kubernetes had it there, be it as a subresource or a request that is never stored
/// (`Scale`, `Eviction`).
fn must_hold(version: &ApiVersion, kind: &str) -> Result<()> {
    if lifecycle::row(version.group(), version.version(), kind).is_some() {
        return Ok(());
    }
    let holders = lifecycle::of_kind(kind).iter();
    let holders: Vec<String> = holders.map(lifecycle::Lifecycle::api_version).collect();
    Err(
        Error::new(ErrorKind::Unsupported, "no such kind in this version")
            .with_context("kind", kind)
            .with_context("version", version)
            .with_context("versions with it", holders.join(", ")),
    )
}

const ANOTHER_VERSION: &str = "another API version";

/// The items, and the list's own version if it is a list of one kind; `kind: List` is v1 whatever it holds.
fn convert_list(node: &mut Node<'_>, to: &ApiVersion) -> Result<()> {
    let inherited = list::inherited(node.tree());
    let inherited = inherited
        .as_ref()
        .map(|(version, kind)| (&**version, &**kind));
    let mut result = inherited.map_or(Ok(()), |(_, kind)| must_hold(to, kind));
    node.each(&["items"], |item| {
        if result.is_ok() {
            result = match list::is_list(item.tree()) {
                true => convert_list(item, to),
                false => convert_object(item, inherited, to),
            };
        }
    });
    if inherited.is_some() && result.is_ok() {
        node.set(&["apiVersion"], to.to_string(), ANOTHER_VERSION);
    }
    result
}

/// The same for what a person wrote, as it stands in kubectl's annotation and in Helm's releases: without making defaults explicit.
/// The next `kubectl apply` and `helm upgrade` compare with it, and take away from the object what stands there and not in the new
/// manifest: a written `replicas: 1` would scale down what an autoscaler scales.
///
/// # Errors
/// As [`convert`].
pub(super) fn convert_written(tree: &mut Tree, to: &ApiVersion, log: &mut Log) -> Result<()> {
    log.written = true;
    convert(tree, to, log)
}

#[cfg(test)]
mod tests {
    use super::table::{check, convert};

    #[test]
    fn a_version_without_the_kind_is_an_error() {
        for (from, kind, to) in [
            ("networking.k8s.io/v1beta1", "Ingress", "apps/v1"),
            (
                "networking.k8s.io/v1beta1",
                "Ingress",
                "networking.k8s.io/v9",
            ),
            ("networking.k8s.io/v1beta1", "IngressList", "apps/v1"),
            ("extensions/v1beta1", "Deployment", "extensions/v1"),
            ("policy/v1beta1", "PodSecurityPolicy", "policy/v1"),
            ("policy/v1beta1", "Eviction", "apps/v1"),
            ("v1", "Event", "events.k8s.io/v2"),
        ] {
            let json =
                format!(r#"{{"apiVersion":"{from}","kind":"{kind}","items":[],"spec":{{}}}}"#);
            let error = convert(&json, to).unwrap_err();
            assert_eq!(
                error.kind(),
                crate::ErrorKind::Unsupported,
                "{kind} {to}: {error}"
            );
            assert!(error.to_string().contains(to), "{error}");
        }
        // Requests and subresources are held, though no server stores them.
        for (from, kind, to) in [
            ("policy/v1beta1", "Eviction", "policy/v1"),
            ("extensions/v1beta1", "Scale", "autoscaling/v1"),
            ("batch/v2alpha1", "JobTemplate", "batch/v1beta1"),
        ] {
            let json = format!(r#"{{"apiVersion":"{from}","kind":"{kind}"}}"#);
            convert(&json, to).unwrap();
        }
    }

    #[test]
    fn lists() {
        check(&[
            (
                r#"{"apiVersion":"coordination.k8s.io/v1beta1","kind":"LeaseList","metadata":{"resourceVersion":"1"},
                    "items":[{"metadata":{"name":"a"}},{"apiVersion":"coordination.k8s.io/v1beta1","kind":"Lease"},null]}"#,
                "coordination.k8s.io/v1",
                r#"{"apiVersion":"coordination.k8s.io/v1","kind":"LeaseList","metadata":{"resourceVersion":"1"},
                    "items":[{"metadata":{"name":"a"}},{"apiVersion":"coordination.k8s.io/v1","kind":"Lease"},null]}"#,
            ),
            // The rules see the version of the list.
            (
                r#"{"apiVersion":"node.k8s.io/v1alpha1","kind":"RuntimeClassList","items":[{"spec":{"runtimeHandler":"h"}}]}"#,
                "node.k8s.io/v1",
                r#"{"apiVersion":"node.k8s.io/v1","kind":"RuntimeClassList","items":[{"handler":"h"}]}"#,
            ),
            (
                r#"{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Event","message":"m"}]}"#,
                "events.k8s.io/v1",
                r#"{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"events.k8s.io/v1","kind":"Event","note":"m"}]}"#,
            ),
        ]);
    }
}

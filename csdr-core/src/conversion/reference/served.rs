//! Where a version that stands inside an object goes at the target.

use super::super::target::TargetApis;
use crate::{
    lifecycle,
    model::{ApiVersion, GroupResource, builtin},
};
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// A kind that left its group. Source: api-versions.md section 1.1.
pub(super) struct Moved {
    pub(super) resource: &'static str,
    pub(super) kind: &'static str,
    /// Where it is now.
    pub(super) group: &'static str,
}

/// The group that was dissolved.
pub(super) const EXTENSIONS: &str = "extensions";

/// Everything that stood in `extensions`.
pub(super) static MOVED: &[Moved] = &[
    moved("deployments", "Deployment", "apps"),
    moved("daemonsets", "DaemonSet", "apps"),
    moved("replicasets", "ReplicaSet", "apps"),
    moved("ingresses", "Ingress", "networking.k8s.io"),
    moved("networkpolicies", "NetworkPolicy", "networking.k8s.io"),
    moved("podsecuritypolicies", "PodSecurityPolicy", "policy"),
];

const fn moved(resource: &'static str, kind: &'static str, group: &'static str) -> Moved {
    Moved {
        resource,
        kind,
        group,
    }
}

/// Where a version goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The target serves it, or knows nothing of the kind: it stays.
    Stays,
    /// The same kind in a version that the target serves.
    To(ApiVersion),
    /// A built-in kind that the target serves in no version.
    Gone,
}

/// Group and version of an `apiVersion`, whatever it is.
pub(super) fn split(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// Where `kind` of `api_version` goes. Source: api-versions.md section 1.6, point 3.
///
/// The policy of versions says nothing here: a reference that the target understands stays.
pub(super) fn way(target: &TargetApis, api_version: &ApiVersion, kind: &str) -> Way {
    let (group, version) = (api_version.group(), api_version.version());
    let serves = target.has(group, version, kind);
    let deprecated =
        lifecycle::row(group, version, kind).is_some_and(|row| row.deprecated_in(target.minor()));
    if serves && !deprecated || is_unknown(target, group) {
        return Way::Stays;
    }
    let family = lifecycle::versions_of(group, kind);
    let best = if family.is_empty() {
        newest(target, group, kind)
    } else {
        family
            .iter()
            .find(|row| target.has(row.group, row.version, row.kind))
            .and_then(|row| ApiVersion::new(row.group, row.version).ok())
    };
    match best {
        Some(best) if best != *api_version => Way::To(best),
        // A built-in kind; what became of a custom one is not known before its definition is.
        None if !family.is_empty() => Way::Gone,
        _ => Way::Stays,
    }
}

/// The most stable and newest version of a custom kind that the target serves.
fn newest(target: &TargetApis, group: &str, kind: &str) -> Option<ApiVersion> {
    target
        .resource(group, kind)?
        .versions
        .iter()
        .filter_map(|served| ApiVersion::new(group, served.version.as_str()).ok())
        .max()
}

/// Whether the target could not tell what it serves of a group: then nothing is rewritten by guess.
fn is_unknown(target: &TargetApis, group: &str) -> bool {
    let gaps = &target.discovery().gaps;
    gaps.iter().any(|gap| gap.covers(group))
}

/// The kind of a resource, at the target or among the built-in ones.
pub(super) fn kind_of(target: &TargetApis, group: &str, resource: &str) -> Option<String> {
    let resource = GroupResource::new(group, resource).ok()?;
    if let Some(row) = builtin::resource(&resource) {
        return Some(row.kind.to_owned());
    }
    let row = target.discovery().resource(&resource)?;
    Some(row.kind.clone())
}

/// The key that names versions; a searcher is made once.
static KEY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(API_VERSION));
const API_VERSION: &[u8] = b"apiVersion";

/// Whether the bytes of an object of this kind name a version of which the target may not serve every kind. Looks at every
/// `apiVersion`, also within text that holds JSON (kubectl's annotation), and passes by the object's own, which comes first, and those
/// of `managedFields`, which no restore writes.
pub(super) fn names_a_version_to_look_at(
    group: &str,
    kind: &str,
    json: &[u8],
    target: &TargetApis,
) -> bool {
    KEY.find_iter(json).enumerate().any(|(number, at)| {
        let rest = json.get(at + API_VERSION.len()..).unwrap_or_default();
        value_of(rest).is_some_and(|(text, behind)| {
            let is_own = || {
                let (own, version) = split(text);
                number == 0 && own == group && target.has(group, version, kind)
            };
            !is_everywhere(text)
                && !is_managed_field(behind)
                && !is_own()
                && may_be_missing(target, text)
        })
    })
}

/// The text behind `apiVersion`: `":"apps/v1"`, with blanks, or with the backslashes of JSON within JSON; and what follows it.
fn value_of(rest: &[u8]) -> Option<(&str, &[u8])> {
    let is_lead = |byte: &u8| matches!(byte, b'\\' | b'"' | b':' | b' ' | b'\n' | b'\t' | b'\r');
    let start = rest.iter().position(|byte| !is_lead(byte))?;
    let lead = rest.get(..start)?;
    if !(lead.contains(&b':') && lead.last() == Some(&b'"')) {
        return None;
    }
    let text = rest.get(start..)?;
    let end = text
        .iter()
        .take(512)
        .position(|byte| matches!(byte, b'"' | b'\\'))?;
    let (text, behind) = text.split_at_checked(end)?;
    Some((std::str::from_utf8(text).ok()?, behind))
}

/// Versions that every release from 1.16 on serves, of every kind that existed then.
fn is_everywhere(api_version: &str) -> bool {
    matches!(
        api_version,
        "v1" | "apps/v1"
            | "autoscaling/v1"
            | "rbac.authorization.k8s.io/v1"
            | "apiregistration.k8s.io/v1"
            | "apiextensions.k8s.io/v1"
    )
}

/// Source: `ManagedFieldsEntry`: after `apiVersion` come `time` or `fieldsType`.
fn is_managed_field(behind: &[u8]) -> bool {
    behind.starts_with(br#"","time":"#) || behind.starts_with(br#"","fieldsType":"#)
}

/// Whether some kind of the group is not served in this version; a custom group that the target does not know has nothing to look at.
fn may_be_missing(target: &TargetApis, api_version: &str) -> bool {
    let (group, version) = split(api_version);
    let mut known = false;
    for row in &target.discovery().resources {
        if row.resource.group() == group {
            known = true;
            if !row.serves(version) {
                return true;
            }
        }
    }
    let mut rows = lifecycle::rows()
        .iter()
        .filter(|row| row.group == group && row.version == version);
    rows.any(|row| !known || row.deprecated_in(target.minor()))
}

//! Where a version that stands inside an object goes at the target.

use super::super::target::TargetApis;
use crate::model::{ApiVersion, GroupResource, GroupVersionKind, builtin};
use memchr::memmem;

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
pub(super) fn way(target: &TargetApis, api_version: &ApiVersion, kind: &str) -> Way {
    let asked = GroupVersionKind {
        api_version: api_version.clone(),
        kind: kind.to_owned(),
    };
    let serves = target.serves(&asked);
    if serves && !is_deprecated(target, &asked) {
        return Way::Stays;
    }
    let group = api_version.group();
    let home = MOVED
        .iter()
        .find(|moved| moved.kind == kind && [EXTENSIONS, moved.group].contains(&group));
    let groups = match home {
        Some(moved) => [Some(moved.group), Some(EXTENSIONS)],
        None => [Some(group), None],
    };
    let best = groups
        .into_iter()
        .flatten()
        .find_map(|group| newest(target, group, kind));
    match best {
        Some(best) if best != *api_version => Way::To(best),
        Some(_) => Way::Stays,
        None if serves || is_unknown(target, group) => Way::Stays,
        None if builtin::kind(group, kind).is_some() => Way::Gone,
        None => Way::Stays,
    }
}

/// The most stable and newest version of a kind that the target serves in a group.
fn newest(target: &TargetApis, group: &str, kind: &str) -> Option<ApiVersion> {
    target
        .discovery()
        .kind(group, kind)?
        .versions
        .iter()
        .filter_map(|served| ApiVersion::new(group, served.version.as_str()).ok())
        .max()
}

/// Whether the target could not tell what it serves of a group: then nothing is rewritten by guess.
fn is_unknown(target: &TargetApis, group: &str) -> bool {
    let gaps = &target.discovery().gaps;
    gaps.iter().any(|gap| gap.group == group)
}

fn is_deprecated(_target: &TargetApis, _kind: &GroupVersionKind) -> bool {
    false
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

/// Whether the bytes name a version of which the target may not serve every kind. Looks at every `apiVersion`, also within text
/// that holds JSON (kubectl's annotation), and passes by those of `managedFields`, which no restore writes.
pub(super) fn names_a_version_to_look_at(json: &[u8], target: &TargetApis) -> bool {
    memmem::find_iter(json, b"apiVersion").any(|at| {
        let rest = json.get(at + b"apiVersion".len()..).unwrap_or_default();
        value_of(rest).is_some_and(|(text, behind)| {
            !is_everywhere(text) && !is_managed_field(behind) && may_be_missing(target, text)
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
    !known && builtin::kinds().iter().any(|row| row.group == group)
        || known && is_deprecated_version(target, group, version)
}

fn is_deprecated_version(_target: &TargetApis, _group: &str, _version: &str) -> bool {
    false
}

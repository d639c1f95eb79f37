//! What the level `restricted` forbids or demands beyond `baseline`.

use super::{Check, Part, Pod, baseline::unmasked, beyond, in_parts, set, short};
use crate::model::Tree;

pub(super) static CHECKS: &[Check] = &[
    escalation,
    capabilities,
    unmasked,
    volumes,
    non_root,
    user,
    seccomp,
];

/// Kinds of volumes that are no way to a disk or a server of the author's choice.
const VOLUMES: &[&str] = &[
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

fn escalation(pod: &Pod<'_>) -> Option<String> {
    if pod.is_windows() {
        return None;
    }
    pod.told("allows privilege escalation", |part| {
        let allowed = part.security(&["allowPrivilegeEscalation"]);
        allowed.and_then(Tree::as_bool) != Some(false)
    })
}

fn capabilities(pod: &Pod<'_>) -> Option<String> {
    if pod.is_windows() {
        return None;
    }
    pod.told("does not drop ALL capabilities", |part| {
        !part
            .texts(&["capabilities", "drop"])
            .any(|name| name == "ALL")
    })
    .or_else(|| {
        pod.told("adds a capability other than NET_BIND_SERVICE", |part| {
            part.texts(&["capabilities", "add"])
                .any(|name| name != "NET_BIND_SERVICE")
        })
    })
}

/// A volume that says nothing is an emptyDir.
fn volumes(pod: &Pod<'_>) -> Option<String> {
    let forbidden = |volume: &Tree| -> Option<(String, String)> {
        if VOLUMES.iter().any(|kind| set(volume, &[kind]).is_some()) {
            return None;
        }
        let mut members = volume.as_object()?.iter();
        let (kind, _) = members.find(|(key, value)| *key != "name" && !value.is_null())?;
        let name = volume.text_at(&["name"]).unwrap_or_default();
        Some((short(kind), short(name)))
    };
    let mut bad = pod.list(&["volumes"]).filter_map(forbidden);
    let (kind, name) = bad.next()?;
    Some(format!(
        "uses the volume type {kind} in volume {name}{}",
        beyond(bad.count())
    ))
}

fn non_root(pod: &Pod<'_>) -> Option<String> {
    if pod.has_user_namespace() {
        return None;
    }
    let says = |part: &Part<'_>| part.security(&["runAsNonRoot"]).and_then(Tree::as_bool);
    let refuses = pod.parts().filter(|part| says(part) == Some(false));
    in_parts("sets runAsNonRoot to false", refuses).or_else(|| {
        let of_pod = pod.parts().next().filter(|part| part.container.is_none());
        if of_pod.as_ref().and_then(says) == Some(true) {
            return None;
        }
        pod.told("does not set runAsNonRoot", |part| says(part).is_none())
    })
}

fn user(pod: &Pod<'_>) -> Option<String> {
    if pod.has_user_namespace() {
        return None;
    }
    let is_root = |part: &Part<'_>| part.security(&["runAsUser"]).and_then(Tree::as_i64) == Some(0);
    in_parts("runs as user 0", pod.parts().filter(is_root))
}

fn seccomp(pod: &Pod<'_>) -> Option<String> {
    if pod.is_windows() {
        return None;
    }
    // What is set is allowed: `baseline` has looked at it.
    let of_pod = pod.parts().next().filter(|part| part.container.is_none());
    if of_pod.is_some_and(|own| pod.seccomp(&own).is_some()) {
        return None;
    }
    pod.told("sets no seccomp profile", |part| {
        pod.seccomp(part).is_none()
    })
}

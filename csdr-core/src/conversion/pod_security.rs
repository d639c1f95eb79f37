//! The Pod Security Standards: which level a pod meets, as the admission of a release evaluates it. Advice for what a PodSecurityPolicy
//! did where none is served any more.
//!
//! Source: the Pod Security Standards and `k8s.io/pod-security-admission` of 1.36, whose checks are dated by minor; the checks stand in
//! the order in which that admission tells them.

mod baseline;
mod restricted;

use crate::model::Tree;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A level of the Pod Security Standards, the least strict first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PodSecurityLevel {
    /// Everything is allowed.
    Privileged,
    /// No known way out of the container.
    Baseline,
    /// Hardened.
    Restricted,
}

impl PodSecurityLevel {
    /// The next stricter one.
    pub fn next(self) -> Option<Self> {
        match self {
            Self::Privileged => Some(Self::Baseline),
            Self::Baseline => Some(Self::Restricted),
            Self::Restricted => None,
        }
    }
}

impl fmt::Display for PodSecurityLevel {
    /// As the namespace's labels spell it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Privileged => "privileged",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        })
    }
}

/// The strictest level that a pod meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodSecurity {
    /// That level.
    pub level: PodSecurityLevel,
    /// Why it does not meet the next one, each as what the pod does: `allows privilege escalation in container web`.
    pub reasons: Vec<String>,
}

/// Judges a Pod or a pod template (what has `metadata` and `spec`) as Kubernetes `1.minor` does for a namespace that pins no version.
/// Values of a wrong type, which no server takes, count as absent.
///
/// ```
/// use csdr_core::{conversion::{PodSecurityLevel, pod_security}, model::Tree};
/// let pod = Tree::parse(br#"{"spec":{"containers":[{"name":"web"}],"hostNetwork":true}}"#)?;
/// let met = pod_security(&pod, 36);
/// assert_eq!(met.level, PodSecurityLevel::Privileged);
/// assert_eq!(met.reasons, ["sets hostNetwork"]);
/// # Ok::<(), csdr_core::Error>(())
/// ```
pub fn pod_security(template: &Tree, minor: u32) -> PodSecurity {
    let pod = Pod { template, minor };
    let fails = |checks: &[Check]| -> Vec<String> {
        checks.iter().filter_map(|check| check(&pod)).collect()
    };
    let baseline = fails(baseline::CHECKS);
    if !baseline.is_empty() {
        return PodSecurity {
            level: PodSecurityLevel::Privileged,
            reasons: baseline,
        };
    }
    let reasons = fails(restricted::CHECKS);
    PodSecurity {
        level: if reasons.is_empty() {
            PodSecurityLevel::Restricted
        } else {
            PodSecurityLevel::Baseline
        },
        reasons,
    }
}

/// Where the pod template of a kind stands; none for kinds that bring no pods.
pub(crate) fn template_path(group: &str, kind: &str) -> Option<&'static [&'static str]> {
    Some(match (group, kind) {
        ("", "Pod") => &[],
        ("", "PodTemplate") => &["template"],
        ("", "ReplicationController")
        | ("apps", "DaemonSet" | "Deployment" | "ReplicaSet" | "StatefulSet")
        | ("extensions", "DaemonSet" | "Deployment" | "ReplicaSet")
        | ("batch", "Job") => &["spec", "template"],
        ("batch", "CronJob") => &["spec", "jobTemplate", "spec", "template"],
        _ => return None,
    })
}

/// One check: what the pod does that the level forbids.
type Check = fn(&Pod<'_>) -> Option<String>;

/// A pod that is judged for a release.
struct Pod<'a> {
    template: &'a Tree,
    minor: u32,
}

/// The pod itself, or one of its containers.
struct Part<'a> {
    tree: &'a Tree,
    /// None for the pod itself.
    container: Option<&'a str>,
}

impl<'a> Pod<'a> {
    fn spec(&self, path: &[&str]) -> Option<&'a Tree> {
        let spec = set(self.template, &["spec"])?;
        set(spec, path)
    }

    fn list(&self, path: &[&str]) -> impl Iterator<Item = &'a Tree> + use<'a> {
        list(self.spec(path))
    }

    /// Init containers, containers and ephemeral containers.
    fn containers(&self) -> impl Iterator<Item = Part<'a>> + use<'a> {
        let [init, own, ephemeral] =
            ["initContainers", "containers", "ephemeralContainers"].map(|key| self.list(&[key]));
        init.chain(own).chain(ephemeral).map(|tree| Part {
            tree,
            container: Some(tree.text_at(&["name"]).unwrap_or_default()),
        })
    }

    /// The pod itself and its containers: what has a `securityContext`.
    fn parts(&self) -> impl Iterator<Item = Part<'a>> + use<'a> {
        let own = self.spec(&[]).map(|tree| Part {
            tree,
            container: None,
        });
        own.into_iter().chain(self.containers())
    }

    fn annotations(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let annotations = self.template.at(&["metadata", "annotations"]);
        let annotations = annotations.and_then(Tree::as_object);
        annotations
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key, value.as_str()?)))
    }

    fn annotation(&self, key: &str) -> Option<&'a str> {
        self.template.text_at(&["metadata", "annotations", key])
    }

    /// Fields of Linux are not asked of Windows.
    fn is_windows(&self) -> bool {
        self.spec(&["os", "name"]).and_then(Tree::as_str) == Some("windows")
    }

    /// Root in a user namespace is nobody on the host; since 1.35 the standards say so.
    fn has_user_namespace(&self) -> bool {
        let host = self.spec(&["hostUsers"]).and_then(Tree::as_bool);
        self.minor >= 35 && host == Some(false)
    }

    /// The seccomp profile of a part: the field, or the annotation that servers before 1.27 wrote into it.
    fn seccomp(&self, part: &Part<'a>) -> Option<&'a str> {
        if let Some(profile) = part.security(&["seccompProfile"]) {
            return Some(profile.text_at(&["type"]).unwrap_or_default());
        }
        if self.minor >= 27 {
            return None;
        }
        let value = match part.container {
            None => self.annotation("seccomp.security.alpha.kubernetes.io/pod"),
            Some(name) => self.annotation(&format!(
                "container.seccomp.security.alpha.kubernetes.io/{name}"
            )),
        }?;
        match value {
            "runtime/default" | "docker/default" => Some("RuntimeDefault"),
            "unconfined" => Some("Unconfined"),
            _ => value.strip_prefix("localhost/").map(|_| "Localhost"),
        }
    }

    /// Tells the containers for which `fails` holds.
    fn told(&self, what: &str, fails: impl Fn(&Part<'a>) -> bool) -> Option<String> {
        in_parts(what, self.containers().filter(fails))
    }
}

impl<'a> Part<'a> {
    fn get(&self, path: &[&str]) -> Option<&'a Tree> {
        set(self.tree, path)
    }

    /// A field of its `securityContext`.
    fn security(&self, path: &[&str]) -> Option<&'a Tree> {
        set(self.get(&["securityContext"])?, path)
    }

    fn is_on(&self, path: &[&str]) -> bool {
        self.security(path).and_then(Tree::as_bool) == Some(true)
    }

    /// Texts in a list of its `securityContext`.
    fn texts(&self, path: &[&str]) -> impl Iterator<Item = &'a str> + use<'a> {
        list(self.security(path)).filter_map(Tree::as_str)
    }
}

/// What stands at a path; `null` is absent.
fn set<'a>(tree: &'a Tree, path: &[&str]) -> Option<&'a Tree> {
    tree.at(path).filter(|value| !value.is_null())
}

fn list(value: Option<&Tree>) -> impl Iterator<Item = &Tree> {
    value.and_then(Tree::as_array).into_iter().flatten()
}

/// `what`, and where: the first place by name. None without a place.
fn in_parts<'a>(what: &str, mut parts: impl Iterator<Item = Part<'a>>) -> Option<String> {
    let first = parts.next()?;
    let place = match first.container {
        None => "the pod".to_owned(),
        Some(name) => format!("container {}", short(name)),
    };
    Some(format!("{what} in {place}{}", beyond(parts.count())))
}

fn beyond(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => " and one more".to_owned(),
        _ => format!(" and {count} more"),
    }
}

/// A name or value of the object that cannot fill the memory: a manifest may hold anything.
fn short(text: &str) -> String {
    text.chars().take(63).collect()
}

#[cfg(test)]
mod tests;

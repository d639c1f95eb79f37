//! Pods and pod templates. Source: api-versions.md sections 2, 2.12, 2.13 and 4.

use super::{
    Context, Mend, address, handler, in_tree, label,
    needle::{self, Needle, text, value, without},
    node_label, profile, refuse,
};
use crate::{
    conversion::{
        draft::Node,
        outcome::{LossKind, Severity, SkipReason},
    },
    model::Tree,
};

pub(super) static MENDS: &[Mend] = &[
    Mend {
        group: "",
        kinds: &["Pod", "PodTemplate", "ReplicationController"],
        needles: &[NEEDLES, in_tree::NEEDLES],
        mend,
    },
    Mend {
        group: "apps",
        kinds: &["Deployment", "DaemonSet", "ReplicaSet", "StatefulSet"],
        needles: &[NEEDLES, in_tree::NEEDLES],
        mend,
    },
    Mend {
        group: "batch",
        kinds: &["Job", "CronJob"],
        needles: &[NEEDLES, in_tree::NEEDLES],
        mend,
    },
];

/// The first minor whose item of `resourceClaims` holds the names itself.
const FLAT_CLAIMS: u32 = 31;
/// The first minor that refuses `procMount: Unmasked` in the host's user namespace.
const UNMASKED: u32 = 30;
/// The only minor with `spec.workloadRef`.
const WORKLOAD_REF: u32 = 35;
/// The first minor whose generic ephemeral volumes have no `readOnly`.
const NO_EPHEMERAL_READ_ONLY: u32 = 21;

static NEEDLES: &[Needle] = &[
    text("ephemeralContainers\""),
    text("pod.alpha.kubernetes.io/init-container"),
    text("pod.beta.kubernetes.io/init-container"),
    value("terminationGracePeriodSeconds", |value| {
        value.starts_with(b"-")
    }),
    without("serviceAccount", "serviceAccountName"),
    text("seccomp.security.alpha.kubernetes.io/pod").since(profile::SECCOMP),
    text("container.seccomp.security.alpha.kubernetes.io/").since(profile::SECCOMP),
    text("container.apparmor.security.beta.kubernetes.io/").since(profile::APP_ARMOR),
    text("seccompProfile\"").below(profile::SECCOMP),
    text("appArmorProfile\"").below(profile::APP_ARMOR),
    text("failure-domain.beta.kubernetes.io/").since(node_label::TOPOLOGY),
    text("node-role.kubernetes.io/master\"").since(node_label::CONTROL_PLANE),
    value("ip", address::is_sloppy).since(address::STRICT),
    value("nameservers", address::is_sloppy).since(address::STRICT),
    text("sysctls\""),
    text("resourceClaims\""),
    text("workloadRef\""),
    value("procMount", |value| value.starts_with(b"\"Unmasked\"")).since(UNMASKED),
    value("ephemeral", |value| {
        memchr::memmem::find(needle::extent(value), b"\"readOnly\"").is_some()
    })
    .since(NO_EPHEMERAL_READ_ONLY),
    value("matchLabels", label::is_no_value),
    value("values", label::is_no_value).since(label::EXPRESSIONS),
    text("gitRepo\""),
];

/// Goes to the Pod, or the pod template, of an object.
pub(super) fn at_template<R>(
    node: &mut Node<'_>,
    kind: &str,
    rule: impl FnOnce(&mut Node<'_>) -> R,
) -> Option<R> {
    let path: &[&str] = match kind {
        "Pod" => &[],
        "PodTemplate" => &["template"],
        "CronJob" => &["spec", "jobTemplate", "spec", "template"],
        _ => &["spec", "template"],
    };
    node.at(path, rule)
}

fn mend(node: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    at_template(node, context.kind, |pod| mend_template(pod, context)).unwrap_or(Ok(()))
}

/// The arrays of containers.
pub(super) const CONTAINERS: [&str; 2] = ["initContainers", "containers"];

fn mend_template(pod: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    drop_init_annotations(pod);
    profile::mend(pod, context)?;
    node_label::mend_pod(pod, context);
    in_tree::report_inline(pod, context);
    pod.try_at(&["spec"], |spec| {
        mend_defaults(spec);
        drop_ephemeral(spec, context);
        keep_last_sysctl(spec);
        mend_claims(spec, context);
        handler::mend(spec, context);
        if context.minor != WORKLOAD_REF {
            spec.lose(
                &["workloadRef"],
                LossKind::NoCounterpart,
                Severity::Warning,
                "only Kubernetes 1.35 has the field; Pods are placed one by one",
            );
        }
        spec.try_each(&["hostAliases"], |alias| {
            address::mend_address(alias, &["ip"], context)
        })?;
        mend_nameservers(spec, context)?;
        check_selectors(spec, context)?;
        check_containers(spec, context)?;
        check_projections(spec)
    })
}

/// Annotations of Kubernetes 1.5 and before; the server drops them when it reads a Pod. Source: `dropInitContainerAnnotations`.
fn drop_init_annotations(pod: &mut Node<'_>) {
    for annotation in [
        "pod.beta.kubernetes.io/init-containers",
        "pod.alpha.kubernetes.io/init-containers",
        "pod.beta.kubernetes.io/init-container-statuses",
        "pod.alpha.kubernetes.io/init-container-statuses",
    ] {
        pod.remove(
            &["metadata", "annotations", annotation],
            "an annotation that no server since 1.8 reads; each one drops it",
        );
    }
}

/// What the server itself makes of a Pod that it reads. Source: `Convert_v1_PodSpec_To_core_PodSpec`.
fn mend_defaults(spec: &mut Node<'_>) {
    let grace = spec
        .get(&["terminationGracePeriodSeconds"])
        .and_then(Tree::as_i64);
    if grace.is_some_and(|seconds| seconds < 0) {
        spec.set(
            &["terminationGracePeriodSeconds"],
            1,
            "a negative grace period counts as 1",
        );
    }
    let old_name = spec.text(&["serviceAccount"]).map(str::to_owned);
    if let Some(name) = old_name.filter(|name| !name.is_empty()) {
        spec.add(
            &["serviceAccountName"],
            name,
            "the newer name of serviceAccount",
        );
    }
}

fn drop_ephemeral(spec: &mut Node<'_>, context: &Context<'_>) {
    let containers = spec.get(&["ephemeralContainers"]).and_then(Tree::as_array);
    if containers.is_some_and(|containers| !containers.is_empty()) {
        spec.lose(
            &["ephemeralContainers"],
            LossKind::Refused,
            Severity::Info,
            "debug containers are added to a running Pod only; no server takes them when a Pod is created",
        );
    }
    if context.minor >= NO_EPHEMERAL_READ_ONLY {
        spec.each(&["volumes"], |volume| {
            volume.lose(
                &["ephemeral", "readOnly"],
                LossKind::NoCounterpart,
                Severity::Info,
                "the field is gone since Kubernetes 1.21; say readOnly in volumeMounts",
            );
        });
    }
}

/// The kernel saw the last value of a name that stood twice. Source: `validateSysctls`.
fn keep_last_sysctl(spec: &mut Node<'_>) {
    let path = ["securityContext", "sysctls"];
    let names: Vec<String> = spec
        .get(&path)
        .and_then(Tree::as_array)
        .unwrap_or_default()
        .iter()
        .map(|sysctl| sysctl.text_at(&["name"]).unwrap_or_default().to_owned())
        .collect();
    let mut at = 0;
    spec.retain(&path, |_| {
        let name = names.get(at).filter(|name| !name.is_empty())?;
        at += 1;
        names.get(at..).unwrap_or_default().contains(name).then(|| {
            (
                LossKind::Refused,
                Severity::Info,
                "the same name stands again below, and the last one counts".into(),
            )
        })
    });
}

/// The item itself holds the name since 1.31; before, its `source` did. Source: api-versions.md section 2.11.
fn mend_claims(spec: &mut Node<'_>, context: &Context<'_>) {
    const NAMES: [&str; 2] = ["resourceClaimName", "resourceClaimTemplateName"];
    spec.each(&["resourceClaims"], |claim| {
        if context.minor >= FLAT_CLAIMS {
            for name in NAMES {
                if !claim.has(&[name]) {
                    claim.rename(&["source", name], &[name]);
                }
            }
            let source = claim.get(&["source"]).and_then(Tree::as_object);
            if source.is_some_and(|source| source.values().all(Tree::is_null)) {
                claim.remove(&["source"], "its names stand in the item itself now");
            }
        } else {
            for name in NAMES {
                claim.rename(&[name], &["source", name]);
            }
        }
    });
}

fn mend_nameservers(spec: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    spec.try_at(&["dnsConfig"], |config| {
        mend_addresses(config, "nameservers", context)
    })
}

/// Writes the addresses of an array as the target demands them.
pub(super) fn mend_addresses(
    node: &mut Node<'_>,
    key: &str,
    context: &Context<'_>,
) -> Result<(), SkipReason> {
    node.try_each(&[key], |item| address::mend_address(item, &[], context))
}

fn check_selectors(spec: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
    const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
    fn term(term: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
        label::check(term, &["labelSelector"], context)?;
        label::check(term, &["namespaceSelector"], context)
    }
    for affinity in ["podAffinity", "podAntiAffinity"] {
        spec.try_at(&["affinity", affinity], |affinity| {
            affinity.try_each(&[REQUIRED], |item| term(item, context))?;
            affinity.try_each(&[PREFERRED], |item| {
                item.try_at(&["podAffinityTerm"], |item| term(item, context))
            })
        })?;
    }
    spec.try_each(&["topologySpreadConstraints"], |constraint| {
        label::check(constraint, &["labelSelector"], context)
    })
}

fn check_containers(spec: &mut Node<'_>, context: &Context<'_>) -> Result<(), SkipReason> {
    let own_users = spec.get(&["hostUsers"]).and_then(Tree::as_bool) == Some(false);
    for containers in CONTAINERS {
        spec.try_each(&[containers], |container| {
            let mount = ["securityContext", "procMount"];
            if context.minor >= UNMASKED && !own_users && container.text(&mount) == Some("Unmasked")
            {
                return Err(refuse(
                    container,
                    &mount,
                    "the target takes Unmasked only with `hostUsers: false`; set that if the container works so, or take \
                     procMount away",
                ));
            }
            container.try_each(&["volumeMounts"], |mount| {
                let leaves = |path: &str| {
                    path.starts_with('/') || path.split('/').any(|part| part == "..")
                };
                if mount.text(&["subPath"]).is_some_and(leaves) {
                    return Err(refuse(
                        mount,
                        &["subPath"],
                        "no server takes a path that leaves the volume; write one below its root",
                    ));
                }
                Ok(())
            })
        })?;
    }
    Ok(())
}

/// Two sources of one projected volume must not write the same file. Source: `validateProjectionSources`.
fn check_projections(spec: &mut Node<'_>) -> Result<(), SkipReason> {
    spec.try_each(&["volumes"], |volume| {
        let mut paths: Vec<&str> = Vec::new();
        let sources = volume
            .get(&["projected", "sources"])
            .and_then(Tree::as_array);
        for source in sources.unwrap_or_default() {
            for kind in ["secret", "configMap", "downwardAPI"] {
                let items = source.at(&[kind, "items"]).and_then(Tree::as_array);
                for path in items
                    .unwrap_or_default()
                    .iter()
                    .filter_map(|item| item.text_at(&["path"]))
                    .filter(|path| !path.is_empty())
                {
                    if paths.contains(&path) {
                        return Err(refuse(
                            volume,
                            &["projected", "sources"],
                            format!("two sources write {path}; give one of them another path"),
                        ));
                    }
                    paths.push(path);
                }
            }
        }
        Ok(())
    })
}

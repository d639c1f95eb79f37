//! What the level `baseline` forbids.

use super::{Check, Part, Pod, beyond, in_parts, short};
use crate::model::Tree;

pub(super) static CHECKS: &[Check] = &[
    app_armor,
    capabilities,
    host_namespaces,
    host_path,
    host_ports,
    host_probes,
    privileged,
    proc_mount,
    se_linux,
    seccomp,
    sysctls,
    host_process,
];

const CAPABILITIES: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Kernel parameters that reach no further than the pod, and the first minor that says so.
const SYSCTLS: &[(&str, u32)] = &[
    ("kernel.shm_rmid_forced", 0),
    ("net.ipv4.ip_local_port_range", 0),
    ("net.ipv4.tcp_syncookies", 0),
    ("net.ipv4.ping_group_range", 0),
    ("net.ipv4.ip_unprivileged_port_start", 0),
    ("net.ipv4.ip_local_reserved_ports", 27),
    ("net.ipv4.tcp_keepalive_time", 29),
    ("net.ipv4.tcp_fin_timeout", 29),
    ("net.ipv4.tcp_keepalive_intvl", 29),
    ("net.ipv4.tcp_keepalive_probes", 29),
    ("net.ipv4.tcp_rmem", 32),
    ("net.ipv4.tcp_wmem", 32),
];

/// The first minor that allows `container_engine_t`.
const ENGINE_TYPE: u32 = 31;
/// The first minor that looks at the hosts of probes and lifecycle hooks.
const PROBE_HOSTS: u32 = 34;

fn app_armor(pod: &Pod<'_>) -> Option<String> {
    let what = "sets a forbidden AppArmor profile";
    let is_bad = |part: &Part<'_>| {
        let profile = part.security(&["appArmorProfile"]);
        profile.is_some_and(|profile| {
            !matches!(
                profile.text_at(&["type"]),
                Some("RuntimeDefault" | "Localhost")
            )
        })
    };
    in_parts(what, pod.parts().filter(is_bad)).or_else(|| {
        let mut bad = pod.annotations().filter_map(|(key, value)| {
            let container = key.strip_prefix("container.apparmor.security.beta.kubernetes.io/")?;
            let is_good =
                value.is_empty() || value == "runtime/default" || value.starts_with("localhost/");
            (!is_good).then_some(container)
        });
        let first = short(bad.next()?);
        Some(format!(
            "{what} by annotation for container {first}{}",
            beyond(bad.count())
        ))
    })
}

fn capabilities(pod: &Pod<'_>) -> Option<String> {
    pod.told("adds a capability beyond the default ones", |part| {
        part.texts(&["capabilities", "add"])
            .any(|name| !CAPABILITIES.contains(&name))
    })
}

fn host_namespaces(pod: &Pod<'_>) -> Option<String> {
    let set: Vec<&str> = ["hostNetwork", "hostPID", "hostIPC"]
        .into_iter()
        .filter(|key| pod.spec(&[key]).and_then(Tree::as_bool) == Some(true))
        .collect();
    (!set.is_empty()).then(|| format!("sets {}", set.join(", ")))
}

fn host_path(pod: &Pod<'_>) -> Option<String> {
    let mut volumes = pod
        .list(&["volumes"])
        .filter(|volume| super::set(volume, &["hostPath"]).is_some());
    let first = volumes.next()?.text_at(&["name"]).unwrap_or_default();
    Some(format!(
        "mounts a hostPath in volume {}{}",
        short(first),
        beyond(volumes.count())
    ))
}

fn host_ports(pod: &Pod<'_>) -> Option<String> {
    pod.told("takes a port of the host", |part| {
        super::list(part.get(&["ports"])).any(|port| {
            super::set(port, &["hostPort"])
                .and_then(Tree::as_i64)
                .is_some_and(|port| port != 0)
        })
    })
}

fn host_probes(pod: &Pod<'_>) -> Option<String> {
    const HOOKS: [&[&str]; 5] = [
        &["livenessProbe"],
        &["readinessProbe"],
        &["startupProbe"],
        &["lifecycle", "postStart"],
        &["lifecycle", "preStop"],
    ];
    if pod.minor < PROBE_HOSTS {
        return None;
    }
    let names_host = |hook: &Tree| {
        ["httpGet", "tcpSocket"].iter().any(|way| {
            hook.text_at(&[way, "host"])
                .is_some_and(|host| !host.is_empty())
        })
    };
    pod.told("names a host in a probe or lifecycle hook", |part| {
        HOOKS
            .iter()
            .filter_map(|path| part.get(path))
            .any(names_host)
    })
}

fn privileged(pod: &Pod<'_>) -> Option<String> {
    pod.told("runs privileged", |part| part.is_on(&["privileged"]))
}

/// In a user namespace since 1.35 allowed here, and never in `restricted`.
fn proc_mount(pod: &Pod<'_>) -> Option<String> {
    if pod.has_user_namespace() {
        return None;
    }
    unmasked(pod)
}

pub(super) fn unmasked(pod: &Pod<'_>) -> Option<String> {
    pod.told("sets procMount", |part| {
        let mount = part.security(&["procMount"]).and_then(Tree::as_str);
        mount.is_some_and(|mount| mount != "Default")
    })
}

fn se_linux(pod: &Pod<'_>) -> Option<String> {
    let engine = pod.minor >= ENGINE_TYPE;
    let is_bad = |part: &Part<'_>| {
        let text = |key| {
            part.security(&["seLinuxOptions", key])
                .and_then(Tree::as_str)
                .unwrap_or_default()
        };
        let is_type = match text("type") {
            "" | "container_t" | "container_init_t" | "container_kvm_t" => true,
            "container_engine_t" => engine,
            _ => false,
        };
        !is_type || !text("user").is_empty() || !text("role").is_empty()
    };
    in_parts("sets forbidden seLinuxOptions", pod.parts().filter(is_bad))
}

fn seccomp(pod: &Pod<'_>) -> Option<String> {
    let is_bad = |part: &Part<'_>| {
        let profile = pod.seccomp(part);
        profile.is_some_and(|profile| !matches!(profile, "RuntimeDefault" | "Localhost"))
    };
    in_parts(
        "sets a forbidden seccomp profile",
        pod.parts().filter(is_bad),
    )
}

fn sysctls(pod: &Pod<'_>) -> Option<String> {
    let is_good = |name: &&str| {
        SYSCTLS
            .iter()
            .any(|(safe, since)| safe == name && *since <= pod.minor)
    };
    let mut bad = pod
        .list(&["securityContext", "sysctls"])
        .map(|sysctl| sysctl.text_at(&["name"]).unwrap_or_default())
        .filter(|name| !is_good(name));
    let first = short(bad.next()?);
    Some(format!("sets sysctl {first}{}", beyond(bad.count())))
}

fn host_process(pod: &Pod<'_>) -> Option<String> {
    let is_bad = |part: &Part<'_>| part.is_on(&["windowsOptions", "hostProcess"]);
    in_parts(
        "runs as a host process of Windows",
        pod.parts().filter(is_bad),
    )
}

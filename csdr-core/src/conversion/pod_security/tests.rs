//! Source: the Pod Security Standards, and the checks of `k8s.io/pod-security-admission` 1.36 with the minor from which each
//! holds. On that package's own test pods for 1.25 to 1.35, 1,436 of them, the levels agree.

use super::{PodSecurityLevel, pod_security, template_path};
use crate::{manifest::yaml, model::Tree};

/// Meets `restricted` in every release.
const HARDENED: &str = "{spec: {securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}, containers: [{name: a, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]}}";

fn tree(text: &str) -> Tree {
    let mut documents = yaml::documents(text, &yaml::YamlLimits::default());
    documents.remove(0).tree.unwrap()
}

/// `HARDENED` with what a patch changes.
fn hardened_with(patch: &str) -> Tree {
    let mut pod = tree(HARDENED);
    pod.merge(&tree(patch));
    pod
}

#[test]
fn pods_meet_the_level_that_the_admission_finds() {
    // Minor, what differs from a hardened pod, the level, the first reason.
    const ROWS: &[(u32, &str, &str, &str)] = &[
        (36, "{}", "restricted", ""),
        (25, "{}", "restricted", ""),
        (
            36,
            "{metadata: {annotations: null}, spec: {volumes: null, hostNetwork: null}}",
            "restricted",
            "",
        ),
        // Baseline.
        (
            36,
            "{spec: {hostNetwork: true, hostIPC: true}}",
            "privileged",
            "sets hostNetwork, hostIPC",
        ),
        (36, "{spec: {hostPID: false}}", "restricted", ""),
        (36, "{spec: {hostPID: 'true'}}", "restricted", ""),
        (
            36,
            "{spec: {volumes: [{name: v, hostPath: {path: /}}]}}",
            "privileged",
            "mounts a hostPath in volume v",
        ),
        (
            36,
            "{spec: {volumes: [{name: v, hostPath: null, emptyDir: {}}]}}",
            "restricted",
            "",
        ),
        (
            36,
            "{spec: {initContainers: [{name: i, ports: [{containerPort: 1, hostPort: 1}]}]}}",
            "privileged",
            "takes a port of the host in container i",
        ),
        (
            36,
            "{spec: {containers: [{name: a, ports: [{hostPort: 0}]}]}}",
            "baseline",
            "allows privilege escalation in container a",
        ),
        (
            36,
            "{spec: {ephemeralContainers: [{name: e, securityContext: {privileged: true}}, {name: f, securityContext: {privileged: true}}]}}",
            "privileged",
            "runs privileged in container e and one more",
        ),
        (
            36,
            "{spec: {containers: [{name: a, securityContext: {capabilities: {add: [NET_ADMIN]}}}]}}",
            "privileged",
            "adds a capability beyond the default ones in container a",
        ),
        (
            36,
            "{spec: {containers: [{name: a, securityContext: {capabilities: {add: [chown]}}}]}}",
            "privileged",
            "adds a capability beyond the default ones in container a",
        ),
        (
            36,
            "{spec: {containers: [{name: a, securityContext: {capabilities: {add: [CHOWN]}}}]}}",
            "baseline",
            "allows privilege escalation in container a",
        ),
        (
            36,
            "{metadata: {annotations: {container.apparmor.security.beta.kubernetes.io/a: unconfined}}}",
            "privileged",
            "sets a forbidden AppArmor profile by annotation for container a",
        ),
        (
            36,
            "{metadata: {annotations: {container.apparmor.security.beta.kubernetes.io/a: localhost/x}}}",
            "restricted",
            "",
        ),
        (
            36,
            "{spec: {securityContext: {appArmorProfile: {type: Unconfined}}}}",
            "privileged",
            "sets a forbidden AppArmor profile in the pod",
        ),
        (
            36,
            "{spec: {securityContext: {appArmorProfile: {}}}}",
            "privileged",
            "sets a forbidden AppArmor profile in the pod",
        ),
        (
            36,
            "{spec: {securityContext: {appArmorProfile: {type: Localhost}}}}",
            "restricted",
            "",
        ),
        (
            36,
            "{spec: {securityContext: {seLinuxOptions: {type: spc_t}}}}",
            "privileged",
            "sets forbidden seLinuxOptions in the pod",
        ),
        (
            36,
            "{spec: {securityContext: {seLinuxOptions: {user: u}}}}",
            "privileged",
            "sets forbidden seLinuxOptions in the pod",
        ),
        (
            36,
            "{spec: {securityContext: {seLinuxOptions: {level: 's0:c1'}}}}",
            "restricted",
            "",
        ),
        (
            30,
            "{spec: {securityContext: {seLinuxOptions: {type: container_engine_t}}}}",
            "privileged",
            "sets forbidden seLinuxOptions in the pod",
        ),
        (
            31,
            "{spec: {securityContext: {seLinuxOptions: {type: container_engine_t}}}}",
            "restricted",
            "",
        ),
        (
            36,
            "{spec: {securityContext: {seccompProfile: {type: Unconfined}}}}",
            "privileged",
            "sets a forbidden seccomp profile in the pod",
        ),
        (
            36,
            "{spec: {securityContext: {sysctls: [{name: kernel.msgmax, value: '1'}]}}}",
            "privileged",
            "sets sysctl kernel.msgmax",
        ),
        (
            36,
            "{spec: {securityContext: {sysctls: [{name: kernel.shm_rmid_forced}]}}}",
            "restricted",
            "",
        ),
        (
            26,
            "{spec: {securityContext: {sysctls: [{name: net.ipv4.ip_local_reserved_ports}]}}}",
            "privileged",
            "sets sysctl net.ipv4.ip_local_reserved_ports",
        ),
        (
            27,
            "{spec: {securityContext: {sysctls: [{name: net.ipv4.ip_local_reserved_ports}]}}}",
            "restricted",
            "",
        ),
        (
            28,
            "{spec: {securityContext: {sysctls: [{name: net.ipv4.tcp_fin_timeout}]}}}",
            "privileged",
            "sets sysctl net.ipv4.tcp_fin_timeout",
        ),
        (
            29,
            "{spec: {securityContext: {sysctls: [{name: net.ipv4.tcp_fin_timeout}]}}}",
            "restricted",
            "",
        ),
        (
            31,
            "{spec: {securityContext: {sysctls: [{name: net.ipv4.tcp_rmem}]}}}",
            "privileged",
            "sets sysctl net.ipv4.tcp_rmem",
        ),
        (
            32,
            "{spec: {securityContext: {sysctls: [{name: net.ipv4.tcp_rmem}]}}}",
            "restricted",
            "",
        ),
        (
            36,
            "{spec: {securityContext: {windowsOptions: {hostProcess: true}}}}",
            "privileged",
            "runs as a host process of Windows in the pod",
        ),
        (
            34,
            "{spec: {containers: [{name: a, livenessProbe: {httpGet: {host: example.org}}}]}}",
            "privileged",
            "names a host in a probe or lifecycle hook in container a",
        ),
        (
            34,
            "{spec: {containers: [{name: a, lifecycle: {preStop: {tcpSocket: {host: example.org}}}}]}}",
            "privileged",
            "names a host in a probe or lifecycle hook in container a",
        ),
        (
            34,
            "{spec: {containers: [{name: a, livenessProbe: {httpGet: {host: ''}}}]}}",
            "baseline",
            "allows privilege escalation in container a",
        ),
        (
            33,
            "{spec: {containers: [{name: a, livenessProbe: {httpGet: {host: example.org}}}]}}",
            "baseline",
            "allows privilege escalation in container a",
        ),
        (
            36,
            "{spec: {containers: [{name: a, securityContext: {procMount: Unmasked}}]}}",
            "privileged",
            "sets procMount in container a",
        ),
        (
            34,
            "{spec: {hostUsers: false, containers: [{name: a, securityContext: {procMount: Unmasked}}]}}",
            "privileged",
            "sets procMount in container a",
        ),
        (
            35,
            "{spec: {hostUsers: false, containers: [{name: a, securityContext: {procMount: Unmasked, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]}}",
            "baseline",
            "sets procMount in container a",
        ),
        (
            36,
            "{spec: {containers: [{name: a, securityContext: {procMount: Default, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]}}",
            "restricted",
            "",
        ),
        // Restricted.
        (
            36,
            "{spec: {containers: [{name: a, securityContext: {allowPrivilegeEscalation: false}}]}}",
            "baseline",
            "does not drop ALL capabilities in container a",
        ),
        (
            36,
            "{spec: {containers: [{name: a, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [all]}}}]}}",
            "baseline",
            "does not drop ALL capabilities in container a",
        ),
        (
            36,
            "{spec: {containers: [{name: a, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}}}]}}",
            "restricted",
            "",
        ),
        (
            36,
            "{spec: {containers: [{name: a, securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL], add: [KILL]}}}]}}",
            "baseline",
            "adds a capability other than NET_BIND_SERVICE in container a",
        ),
        (
            36,
            "{spec: {volumes: [{name: v, nfs: {server: s, path: /}}]}}",
            "baseline",
            "uses the volume type nfs in volume v",
        ),
        (
            36,
            "{spec: {volumes: [{name: v, image: {}}, {name: w, ephemeral: {}}, {name: x}]}}",
            "restricted",
            "",
        ),
        (
            36,
            "{spec: {securityContext: {runAsNonRoot: false}}}",
            "baseline",
            "sets runAsNonRoot to false in the pod",
        ),
        (
            36,
            "{spec: {securityContext: {runAsNonRoot: null}}}",
            "baseline",
            "does not set runAsNonRoot in container a",
        ),
        (
            36,
            "{spec: {securityContext: {runAsUser: 0}}}",
            "baseline",
            "runs as user 0 in the pod",
        ),
        (
            36,
            "{spec: {securityContext: {runAsUser: 1}}}",
            "restricted",
            "",
        ),
        (
            34,
            "{spec: {hostUsers: false, securityContext: {runAsUser: 0, runAsNonRoot: false}}}",
            "baseline",
            "sets runAsNonRoot to false in the pod",
        ),
        (
            35,
            "{spec: {hostUsers: false, securityContext: {runAsUser: 0, runAsNonRoot: false}}}",
            "restricted",
            "",
        ),
        (
            36,
            "{spec: {securityContext: {seccompProfile: null}}}",
            "baseline",
            "sets no seccomp profile in container a",
        ),
        (
            36,
            "{metadata: {annotations: {seccomp.security.alpha.kubernetes.io/pod: runtime/default}}, spec: {securityContext: {seccompProfile: null}}}",
            "baseline",
            "sets no seccomp profile in container a",
        ),
        (
            26,
            "{metadata: {annotations: {seccomp.security.alpha.kubernetes.io/pod: runtime/default}}, spec: {securityContext: {seccompProfile: null}}}",
            "restricted",
            "",
        ),
        (
            26,
            "{metadata: {annotations: {container.seccomp.security.alpha.kubernetes.io/a: unconfined}}}",
            "privileged",
            "sets a forbidden seccomp profile in container a",
        ),
        (
            36,
            "{spec: {os: {name: windows}, securityContext: {seccompProfile: null}, containers: [{name: a}]}}",
            "restricted",
            "",
        ),
    ];
    for (minor, patch, level, reason) in ROWS {
        let met = pod_security(&hardened_with(patch), *minor);
        assert_eq!(met.level.to_string(), *level, "1.{minor} {patch}: {met:?}");
        let first = met.reasons.first().map(String::as_str);
        assert_eq!(first.unwrap_or_default(), *reason, "1.{minor} {patch}");
        assert_eq!(met.level.next().is_none(), met.reasons.is_empty());
    }
}

#[test]
fn whatever_stands_where_a_pod_should_be_is_judged() {
    for text in [
        "{}",
        "{spec: 3}",
        "{spec: {containers: {a: b}, volumes: [x, null]}}",
        "{spec: {containers: [1]}}",
    ] {
        pod_security(&tree(text), 36);
    }
    let long = "x".repeat(1 << 16);
    let met = pod_security(
        &tree(&format!("{{spec: {{containers: [{{name: {long}}}]}}}}")),
        36,
    );
    assert_eq!(met.level, PodSecurityLevel::Baseline);
    assert!(met.reasons.iter().all(|reason| reason.len() < 200));
}

#[test]
fn kinds_that_bring_pods() {
    for (group, kind, depth) in [
        ("", "Pod", Some(0)),
        ("", "PodTemplate", Some(1)),
        ("", "ReplicationController", Some(2)),
        ("apps", "Deployment", Some(2)),
        ("batch", "CronJob", Some(4)),
        ("", "Service", None),
        ("example.org", "Deployment", None),
    ] {
        let path = template_path(group, kind).map(<[_]>::len);
        assert_eq!(path, depth, "{group} {kind}");
    }
}

//! Fields of pods and of pod templates.

use super::{FALSE, Field, field};
use crate::conversion::outcome::Severity::{Error, Info, Warning};

const SIDECAR: &str = "a container that runs beside the others would run before them, and they would wait for its end for ever; \
     move it to `containers`";
pub(super) static POD: &[Field] = &[
    field("spec.initContainers[].restartPolicy", 28, Error, SIDECAR).on(29),
    field(
        "spec.containers[].restartPolicy",
        34,
        Warning,
        "the Pod's restart policy goes for this container as well",
    ).on(35),
    field(
        "spec.containers[].restartPolicyRules",
        34,
        Warning,
        "the Pod's restart policy goes for this container as well",
    ).on(35),
    field(
        "spec.initContainers[].restartPolicyRules",
        34,
        Warning,
        "the Pod's restart policy goes for this container as well",
    ).on(35),
    field(
        "spec.initContainers[].startupProbe",
        28,
        Warning,
        "init containers have no probes there",
    ),
    field(
        "spec.containers[].startupProbe",
        16,
        Warning,
        "the liveness probe begins at once; raise its initialDelaySeconds",
    ).on(18),
    field(
        "spec.containers[].livenessProbe.grpc",
        23,
        Error,
        "a probe without a handler is refused; use exec or tcpSocket",
    ).on(24),
    field(
        "spec.containers[].readinessProbe.grpc",
        23,
        Error,
        "a probe without a handler is refused; use exec or tcpSocket",
    ).on(24),
    field(
        "spec.containers[].startupProbe.grpc",
        23,
        Error,
        "a probe without a handler is refused; use exec or tcpSocket",
    ).on(24),
    field(
        "spec.containers[].livenessProbe.terminationGracePeriodSeconds",
        21,
        Warning,
        "the Pod's grace period goes for failed probes as well",
    ).on(25),
    field(
        "spec.containers[].startupProbe.terminationGracePeriodSeconds",
        21,
        Warning,
        "the Pod's grace period goes for failed probes as well",
    ).on(25),
    field(
        "spec.containers[].lifecycle.preStop.sleep",
        29,
        Warning,
        "use an exec hook that sleeps",
    ).on(30),
    field(
        "spec.containers[].lifecycle.postStart.sleep",
        29,
        Warning,
        "use an exec hook that sleeps",
    ).on(30),
    field(
        "spec.containers[].lifecycle.stopSignal",
        33,
        Warning,
        "the image's own signal ends the container",
    ),
    field(
        "spec.containers[].resizePolicy",
        27,
        Info,
        "resources are not resized in place there",
    ).on(33),
    field(
        "spec.containers[].resources.claims",
        26,
        Error,
        "devices are not allocated there",
    ).on(34),
    field(
        "spec.containers[].env[].valueFrom.fileKeyRef",
        34,
        Error,
        "the variable has no value there",
    ).on(35),
    field(
        "spec.containers[].volumeMounts[].recursiveReadOnly",
        30,
        Warning,
        "mounts below the volume stay writable",
    ).on(31)
    .same(&["\"Disabled\""]),
    field(
        "spec.securityContext.fsGroupChangePolicy",
        18,
        Warning,
        "every file's owner is changed at each mount",
    ).on(20)
    .same(&["\"Always\""]),
    field(
        "spec.securityContext.supplementalGroupsPolicy",
        31,
        Warning,
        "the groups of the image's user are taken as well",
    ).on(33)
    .same(&["\"Merge\""]),
    field(
        "spec.securityContext.seLinuxChangePolicy",
        32,
        Warning,
        "volumes are relabelled as that server does it",
    ).on(33),
    field(
        "spec.securityContext.windowsOptions.hostProcess",
        22,
        Error,
        "the container does not run on the host there",
    ).on(23)
    .same(FALSE),
    field("spec.os", 23, Info, "no admission looks at it there").on(24),
    field(
        "spec.hostUsers",
        25,
        Warning,
        "the Pod runs in the host's user namespace",
    ).on(33)
    .same(&["true"]),
    field(
        "spec.schedulingGates",
        26,
        Error,
        "the Pod is scheduled at once",
    ).on(27)
    .same(&["[]"]),
    field(
        "spec.resourceClaims",
        26,
        Error,
        "devices are not allocated there",
    ).on(34)
    .same(&["[]"]),
    field(
        "spec.resources",
        32,
        Warning,
        "set requests and limits of the containers",
    ).on(34)
    .same(&["{}"]),
    field(
        "spec.hostnameOverride",
        34,
        Warning,
        "the host name is the Pod's name",
    ).on(35),
    field(
        "spec.setHostnameAsFQDN",
        19,
        Warning,
        "the host name is the short one",
    ).on(20)
    .same(FALSE),
    field(
        "spec.topologySpreadConstraints[].minDomains",
        24,
        Warning,
        "counted as 1",
    ).on(27)
    .same(&["1"]),
    field(
        "spec.topologySpreadConstraints[].matchLabelKeys",
        25,
        Warning,
        "Pods of all revisions are counted together",
    ).on(27)
    .same(&["[]"]),
    field(
        "spec.topologySpreadConstraints[].nodeAffinityPolicy",
        25,
        Warning,
        "counted as Honor",
    ).on(26)
    .same(&["\"Honor\""]),
    field(
        "spec.topologySpreadConstraints[].nodeTaintsPolicy",
        25,
        Warning,
        "counted as Ignore",
    ).on(26)
    .same(&["\"Ignore\""]),
    field(
        "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[].namespaceSelector",
        21,
        Warning,
        "only Pods of its own or the named namespaces count",
    ).on(22),
    field(
        "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[].namespaceSelector",
        21,
        Warning,
        "only Pods of its own or the named namespaces count",
    ).on(22),
    field(
        "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[].matchLabelKeys",
        29,
        Warning,
        "Pods of all revisions count",
    ).on(31),
    field(
        "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[].matchLabelKeys",
        29,
        Warning,
        "Pods of all revisions count",
    ).on(31),
    field("spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[].podAffinityTerm.namespaceSelector", 21, Warning, "only Pods of its own or the named namespaces count").on(22),
    field("spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[].podAffinityTerm.matchLabelKeys", 29, Warning, "Pods of all revisions count").on(31),
    field("spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[].podAffinityTerm.mismatchLabelKeys", 29, Warning, "Pods of all revisions count").on(31),
    field("spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[].mismatchLabelKeys", 29, Warning, "Pods of all revisions count").on(31),
    field("spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[].podAffinityTerm.namespaceSelector", 21, Warning, "only Pods of its own or the named namespaces count").on(22),
    field("spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[].podAffinityTerm.matchLabelKeys", 29, Warning, "Pods of all revisions count").on(31),
    field("spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[].podAffinityTerm.mismatchLabelKeys", 29, Warning, "Pods of all revisions count").on(31),
    field("spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[].mismatchLabelKeys", 29, Warning, "Pods of all revisions count").on(31),
    field(
        "spec.volumes[].ephemeral",
        19,
        Error,
        "the volume has no source there; use a PersistentVolumeClaim",
    ).on(21),
    field(
        "spec.volumes[].image",
        31,
        Error,
        "the volume has no source there; copy the files with an init container",
    ).on(35),
    field(
        "spec.volumes[].projected.sources[].clusterTrustBundle",
        29,
        Error,
        "the source is empty there; use a ConfigMap",
    ),
    field(
        "spec.volumes[].projected.sources[].podCertificate",
        34,
        Error,
        "the source is empty there; use a Secret",
    ),
];

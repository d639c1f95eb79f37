//! When which field came.

use super::{Field, Table};
use crate::conversion::outcome::Severity::{self, Error, Info, Warning};

const fn field(path: &'static str, since: u32, severity: Severity, reason: &'static str) -> Field {
    Field {
        path,
        since,
        same: &[],
        severity,
        reason,
    }
}

impl Field {
    const fn same(mut self, same: &'static [&'static str]) -> Self {
        self.same = same;
        self
    }
}

pub(super) static TABLES: &[Table] = &[
    Table {
        group: "",
        kinds: &["Pod", "PodTemplate", "ReplicationController"],
        in_pod: true,
        fields: POD,
    },
    Table {
        group: "apps",
        kinds: &["Deployment", "DaemonSet", "ReplicaSet", "StatefulSet"],
        in_pod: true,
        fields: POD,
    },
    Table {
        group: "batch",
        kinds: &["Job", "CronJob"],
        in_pod: true,
        fields: POD,
    },
    Table {
        group: "apps",
        kinds: &["StatefulSet"],
        in_pod: false,
        fields: STATEFUL_SET,
    },
    Table {
        group: "apps",
        kinds: &["DaemonSet"],
        in_pod: false,
        fields: DAEMON_SET,
    },
    Table {
        group: "batch",
        kinds: &["Job"],
        in_pod: false,
        fields: JOB,
    },
    Table {
        group: "batch",
        kinds: &["CronJob"],
        in_pod: false,
        fields: CRON_JOB,
    },
    Table {
        group: "",
        kinds: &["Service"],
        in_pod: false,
        fields: SERVICE,
    },
    Table {
        group: "",
        kinds: &["PersistentVolumeClaim"],
        in_pod: false,
        fields: CLAIM,
    },
    Table {
        group: "",
        kinds: &["PersistentVolume"],
        in_pod: false,
        fields: VOLUME,
    },
    Table {
        group: "",
        kinds: &["Secret", "ConfigMap"],
        in_pod: false,
        fields: IMMUTABLE,
    },
    Table {
        group: "networking.k8s.io",
        kinds: &["NetworkPolicy"],
        in_pod: false,
        fields: NETWORK_POLICY,
    },
    Table {
        group: "networking.k8s.io",
        kinds: &["Ingress"],
        in_pod: false,
        fields: INGRESS,
    },
    Table {
        group: "extensions",
        kinds: &["Ingress"],
        in_pod: false,
        fields: INGRESS,
    },
    Table {
        group: "networking.k8s.io",
        kinds: &["IngressClass"],
        in_pod: false,
        fields: INGRESS_CLASS,
    },
    Table {
        group: "policy",
        kinds: &["PodDisruptionBudget"],
        in_pod: false,
        fields: BUDGET,
    },
    Table {
        group: "autoscaling",
        kinds: &["HorizontalPodAutoscaler"],
        in_pod: false,
        fields: AUTOSCALER,
    },
    Table {
        group: "storage.k8s.io",
        kinds: &["CSIDriver"],
        in_pod: false,
        fields: CSI_DRIVER,
    },
    Table {
        group: "scheduling.k8s.io",
        kinds: &["PriorityClass"],
        in_pod: false,
        fields: PRIORITY_CLASS,
    },
    Table {
        group: "flowcontrol.apiserver.k8s.io",
        kinds: &["PriorityLevelConfiguration"],
        in_pod: false,
        fields: PRIORITY_LEVEL,
    },
    Table {
        group: "discovery.k8s.io",
        kinds: &["EndpointSlice"],
        in_pod: false,
        fields: SLICE,
    },
];

const SIDECAR: &str = "a container that runs beside the others would run before them, and they would wait for its end for ever; \
     move it to `containers`";
const FALSE: &[&str] = &["false"];

static POD: &[Field] = &[
    field("spec.initContainers[].restartPolicy", 28, Error, SIDECAR),
    field(
        "spec.containers[].restartPolicy",
        34,
        Warning,
        "the Pod's restart policy goes for this container as well",
    ),
    field(
        "spec.containers[].restartPolicyRules",
        34,
        Warning,
        "the Pod's restart policy goes for this container as well",
    ),
    field(
        "spec.initContainers[].restartPolicyRules",
        34,
        Warning,
        "the Pod's restart policy goes for this container as well",
    ),
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
    ),
    field(
        "spec.containers[].livenessProbe.grpc",
        23,
        Error,
        "a probe without a handler is refused; use exec or tcpSocket",
    ),
    field(
        "spec.containers[].readinessProbe.grpc",
        23,
        Error,
        "a probe without a handler is refused; use exec or tcpSocket",
    ),
    field(
        "spec.containers[].startupProbe.grpc",
        23,
        Error,
        "a probe without a handler is refused; use exec or tcpSocket",
    ),
    field(
        "spec.containers[].livenessProbe.terminationGracePeriodSeconds",
        21,
        Warning,
        "the Pod's grace period goes for failed probes as well",
    ),
    field(
        "spec.containers[].startupProbe.terminationGracePeriodSeconds",
        21,
        Warning,
        "the Pod's grace period goes for failed probes as well",
    ),
    field(
        "spec.containers[].lifecycle.preStop.sleep",
        29,
        Warning,
        "use an exec hook that sleeps",
    ),
    field(
        "spec.containers[].lifecycle.postStart.sleep",
        29,
        Warning,
        "use an exec hook that sleeps",
    ),
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
    ),
    field(
        "spec.containers[].resources.claims",
        26,
        Error,
        "devices are not allocated there",
    ),
    field(
        "spec.containers[].env[].valueFrom.fileKeyRef",
        34,
        Error,
        "the variable has no value there",
    ),
    field(
        "spec.containers[].volumeMounts[].recursiveReadOnly",
        30,
        Warning,
        "mounts below the volume stay writable",
    )
    .same(&["\"Disabled\""]),
    field(
        "spec.securityContext.fsGroupChangePolicy",
        18,
        Warning,
        "every file's owner is changed at each mount",
    )
    .same(&["\"Always\""]),
    field(
        "spec.securityContext.supplementalGroupsPolicy",
        31,
        Warning,
        "the groups of the image's user are taken as well",
    )
    .same(&["\"Merge\""]),
    field(
        "spec.securityContext.seLinuxChangePolicy",
        32,
        Warning,
        "volumes are relabelled as that server does it",
    ),
    field(
        "spec.securityContext.windowsOptions.hostProcess",
        22,
        Error,
        "the container does not run on the host there",
    )
    .same(FALSE),
    field("spec.os", 23, Info, "no admission looks at it there"),
    field(
        "spec.hostUsers",
        25,
        Warning,
        "the Pod runs in the host's user namespace",
    )
    .same(&["true"]),
    field(
        "spec.schedulingGates",
        26,
        Error,
        "the Pod is scheduled at once",
    )
    .same(&["[]"]),
    field(
        "spec.resourceClaims",
        26,
        Error,
        "devices are not allocated there",
    )
    .same(&["[]"]),
    field(
        "spec.resources",
        32,
        Warning,
        "set requests and limits of the containers",
    )
    .same(&["{}"]),
    field(
        "spec.hostnameOverride",
        34,
        Warning,
        "the host name is the Pod's name",
    ),
    field(
        "spec.setHostnameAsFQDN",
        19,
        Warning,
        "the host name is the short one",
    )
    .same(FALSE),
    field(
        "spec.topologySpreadConstraints[].minDomains",
        24,
        Warning,
        "counted as 1",
    )
    .same(&["1"]),
    field(
        "spec.topologySpreadConstraints[].matchLabelKeys",
        25,
        Warning,
        "Pods of all revisions are counted together",
    )
    .same(&["[]"]),
    field(
        "spec.topologySpreadConstraints[].nodeAffinityPolicy",
        25,
        Warning,
        "counted as Honor",
    )
    .same(&["\"Honor\""]),
    field(
        "spec.topologySpreadConstraints[].nodeTaintsPolicy",
        25,
        Warning,
        "counted as Ignore",
    )
    .same(&["\"Ignore\""]),
    field(
        "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[].namespaceSelector",
        21,
        Warning,
        "only Pods of its own or the named namespaces count",
    ),
    field(
        "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[].namespaceSelector",
        21,
        Warning,
        "only Pods of its own or the named namespaces count",
    ),
    field(
        "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[].matchLabelKeys",
        29,
        Warning,
        "Pods of all revisions count",
    ),
    field(
        "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[].matchLabelKeys",
        29,
        Warning,
        "Pods of all revisions count",
    ),
    field(
        "spec.volumes[].ephemeral",
        19,
        Error,
        "the volume has no source there; use a PersistentVolumeClaim",
    ),
    field(
        "spec.volumes[].image",
        31,
        Error,
        "the volume has no source there; copy the files with an init container",
    ),
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

static STATEFUL_SET: &[Field] = &[
    field(
        "spec.persistentVolumeClaimRetentionPolicy",
        23,
        Warning,
        "claims are always kept",
    )
    .same(&[
        "{\"whenDeleted\":\"Retain\",\"whenScaled\":\"Retain\"}",
        "{\"whenScaled\":\"Retain\",\"whenDeleted\":\"Retain\"}",
    ]),
    field(
        "spec.minReadySeconds",
        22,
        Warning,
        "a Pod counts as available at once",
    )
    .same(&["0"]),
    field("spec.ordinals", 26, Warning, "Pods are counted from 0").same(&["{\"start\":0}", "{}"]),
    field(
        "spec.updateStrategy.rollingUpdate.maxUnavailable",
        24,
        Warning,
        "Pods are replaced one by one",
    )
    .same(&["1"]),
];

static DAEMON_SET: &[Field] = &[field(
    "spec.updateStrategy.rollingUpdate.maxSurge",
    21,
    Warning,
    "a node's Pod is ended before the next one begins",
)
.same(&["0", "\"0\"", "\"0%\""])];

static JOB: &[Field] = &[
    field("spec.completionMode", 21, Error, "Pods get no index there").same(&["\"NonIndexed\""]),
    field("spec.suspend", 21, Error, "the Job begins at once").same(FALSE),
    field(
        "spec.podFailurePolicy",
        25,
        Warning,
        "every failure counts towards backoffLimit",
    ),
    field(
        "spec.backoffLimitPerIndex",
        28,
        Warning,
        "failures are counted for the whole Job",
    ),
    field(
        "spec.maxFailedIndexes",
        28,
        Warning,
        "failures are counted for the whole Job",
    ),
    field(
        "spec.podReplacementPolicy",
        28,
        Warning,
        "a Pod is replaced when its end begins",
    )
    .same(&["\"TerminatingOrFailed\""]),
    field(
        "spec.successPolicy",
        30,
        Warning,
        "the Job is done when all its indexes are",
    ),
    field(
        "spec.managedBy",
        30,
        Error,
        "the built-in controller runs the Job as well",
    )
    .same(&["\"kubernetes.io/job-controller\""]),
];

static CRON_JOB: &[Field] = &[
    field(
        "spec.jobTemplate.spec.completionMode",
        21,
        Error,
        "Pods get no index there",
    )
    .same(&["\"NonIndexed\""]),
    field(
        "spec.jobTemplate.spec.suspend",
        21,
        Error,
        "the Job begins at once",
    )
    .same(FALSE),
    field(
        "spec.jobTemplate.spec.podFailurePolicy",
        25,
        Warning,
        "every failure counts towards backoffLimit",
    ),
    field(
        "spec.jobTemplate.spec.backoffLimitPerIndex",
        28,
        Warning,
        "failures are counted for the whole Job",
    ),
    field(
        "spec.jobTemplate.spec.maxFailedIndexes",
        28,
        Warning,
        "failures are counted for the whole Job",
    ),
    field(
        "spec.jobTemplate.spec.podReplacementPolicy",
        28,
        Warning,
        "a Pod is replaced when its end begins",
    )
    .same(&["\"TerminatingOrFailed\""]),
    field(
        "spec.jobTemplate.spec.successPolicy",
        30,
        Warning,
        "the Job is done when all its indexes are",
    ),
    field(
        "spec.jobTemplate.spec.managedBy",
        30,
        Error,
        "the built-in controller runs the Job as well",
    )
    .same(&["\"kubernetes.io/job-controller\""]),
];

static SERVICE: &[Field] = &[
    field(
        "spec.ipFamilyPolicy",
        20,
        Warning,
        "the Service has one address, of the cluster's first family",
    )
    .same(&["\"SingleStack\""]),
    field(
        "spec.internalTrafficPolicy",
        21,
        Warning,
        "traffic goes to endpoints on every node",
    )
    .same(&["\"Cluster\""]),
    field(
        "spec.trafficDistribution",
        30,
        Warning,
        "near endpoints are not preferred",
    ),
    field(
        "spec.loadBalancerClass",
        21,
        Error,
        "the cluster's own load balancer takes the Service",
    ),
    field(
        "spec.allocateLoadBalancerNodePorts",
        20,
        Info,
        "node ports are always allocated",
    )
    .same(&["true"]),
    field(
        "spec.ports[].appProtocol",
        18,
        Info,
        "only a hint for load balancers and meshes",
    ),
];

static CLAIM: &[Field] = &[
    field(
        "spec.dataSourceRef",
        22,
        Warning,
        "the volume begins empty unless dataSource says the same",
    ),
    field(
        "spec.volumeAttributesClassName",
        29,
        Warning,
        "the volume has the attributes of its StorageClass",
    ),
];

static VOLUME: &[Field] = &[
    field(
        "spec.volumeAttributesClassName",
        29,
        Warning,
        "the volume has the attributes of its StorageClass",
    ),
    field(
        "spec.csi.nodeExpandSecretRef",
        25,
        Warning,
        "the driver gets no secret when the node resizes the volume",
    ),
];

static IMMUTABLE: &[Field] =
    &[field("immutable", 18, Warning, "it can be changed there").same(FALSE)];

static NETWORK_POLICY: &[Field] = &[
    field(
        "spec.ingress[].ports[].endPort",
        21,
        Warning,
        "only the first port of the range is open there",
    ),
    field(
        "spec.egress[].ports[].endPort",
        21,
        Warning,
        "only the first port of the range is open there",
    ),
];

static INGRESS: &[Field] = &[
    field(
        "spec.ingressClassName",
        18,
        Warning,
        "controllers of that time read the annotation kubernetes.io/ingress.class",
    ),
    field(
        "spec.rules[].http.paths[].pathType",
        18,
        Warning,
        "the controller decides how the path is matched",
    )
    .same(&["\"ImplementationSpecific\""]),
    field(
        "spec.rules[].http.paths[].backend.resource",
        18,
        Error,
        "the path has no backend there",
    ),
    field(
        "spec.backend.resource",
        18,
        Error,
        "the Ingress has no default backend there",
    ),
];

static INGRESS_CLASS: &[Field] = &[
    field(
        "spec.parameters.scope",
        21,
        Warning,
        "the parameters are looked for in the whole cluster",
    )
    .same(&["\"Cluster\""]),
    field(
        "spec.parameters.namespace",
        21,
        Warning,
        "the parameters are looked for in the whole cluster",
    ),
];

static BUDGET: &[Field] = &[field(
    "spec.unhealthyPodEvictionPolicy",
    26,
    Warning,
    "Pods that are not ready are evicted only while the budget is met",
)
.same(&["\"IfHealthyBudget\""])];

static AUTOSCALER: &[Field] = &[
    field(
        "spec.behavior",
        18,
        Warning,
        "the controller's own pace goes for it",
    ),
    field(
        "spec.behavior.scaleUp.tolerance",
        33,
        Warning,
        "the controller's own tolerance goes for it",
    ),
    field(
        "spec.behavior.scaleDown.tolerance",
        33,
        Warning,
        "the controller's own tolerance goes for it",
    ),
];

static CSI_DRIVER: &[Field] = &[
    field(
        "spec.fsGroupPolicy",
        19,
        Warning,
        "the server guesses from the file system",
    )
    .same(&["\"ReadWriteOnceWithFSType\""]),
    field(
        "spec.storageCapacity",
        19,
        Info,
        "capacity is not looked at when Pods are placed",
    )
    .same(FALSE),
    field(
        "spec.tokenRequests",
        20,
        Warning,
        "the driver gets no tokens",
    ),
    field(
        "spec.requiresRepublish",
        20,
        Warning,
        "volumes are not published again",
    )
    .same(FALSE),
    field(
        "spec.seLinuxMount",
        25,
        Info,
        "files are relabelled one by one",
    )
    .same(FALSE),
    field(
        "spec.nodeAllocatableUpdatePeriodSeconds",
        33,
        Info,
        "limits of nodes are not read again",
    ),
    field(
        "spec.serviceAccountTokenInSecrets",
        35,
        Warning,
        "tokens come in the volume's context",
    )
    .same(FALSE),
    field(
        "spec.preventPodSchedulingIfMissing",
        36,
        Info,
        "Pods are placed on nodes without the driver as well",
    )
    .same(FALSE),
];

static PRIORITY_CLASS: &[Field] = &[field(
    "preemptionPolicy",
    15,
    Warning,
    "Pods of it drive others away",
)
.same(&["\"PreemptLowerPriority\""])];

static PRIORITY_LEVEL: &[Field] = &[
    field(
        "spec.limited.lendablePercent",
        26,
        Info,
        "nothing is lent there",
    )
    .same(&["0"]),
    field(
        "spec.limited.borrowingLimitPercent",
        26,
        Info,
        "nothing is borrowed there",
    ),
    field("spec.exempt", 28, Info, "the level lends nothing"),
];

static SLICE: &[Field] = &[
    field(
        "endpoints[].hints",
        21,
        Info,
        "traffic is not kept in zones",
    ),
    field(
        "endpoints[].conditions.serving",
        20,
        Info,
        "only ready counts there",
    ),
    field(
        "endpoints[].conditions.terminating",
        20,
        Info,
        "only ready counts there",
    ),
];

//! When which field came.

mod admission;
mod pod;

use super::{Below, Field, Table};
use crate::conversion::outcome::Severity::{self, Error, Info, Warning};
use admission::{BINDING, DEFINITION, POLICY, SCHEMA, WEBHOOKS};
use pod::POD;

const fn field(path: &'static str, since: u32, severity: Severity, reason: &'static str) -> Field {
    Field {
        path,
        since,
        on: since,
        same: &[],
        severity,
        reason,
    }
}

impl Field {
    const fn on(mut self, minor: u32) -> Self {
        self.on = minor;
        self
    }

    const fn same(mut self, same: &'static [&'static str]) -> Self {
        self.same = same;
        self
    }
}

pub(super) static TABLES: &[Table] = &[
    Table {
        group: "",
        kinds: &["Pod", "PodTemplate", "ReplicationController"],
        below: Below::Pod,
        fields: POD,
    },
    Table {
        group: "apps",
        kinds: &["Deployment", "DaemonSet", "ReplicaSet", "StatefulSet"],
        below: Below::Pod,
        fields: POD,
    },
    Table {
        group: "batch",
        kinds: &["Job", "CronJob"],
        below: Below::Pod,
        fields: POD,
    },
    Table {
        group: "apps",
        kinds: &["StatefulSet"],
        below: Below::Object,
        fields: STATEFUL_SET,
    },
    Table {
        group: "apps",
        kinds: &["DaemonSet"],
        below: Below::Object,
        fields: DAEMON_SET,
    },
    Table {
        group: "batch",
        kinds: &["Job"],
        below: Below::Object,
        fields: JOB,
    },
    Table {
        group: "batch",
        kinds: &["CronJob"],
        below: Below::JobTemplate,
        fields: JOB,
    },
    Table {
        group: "",
        kinds: &["Service"],
        below: Below::Object,
        fields: SERVICE,
    },
    Table {
        group: "",
        kinds: &["PersistentVolumeClaim"],
        below: Below::Object,
        fields: CLAIM,
    },
    Table {
        group: "",
        kinds: &["PersistentVolume"],
        below: Below::Object,
        fields: VOLUME,
    },
    Table {
        group: "",
        kinds: &["Secret", "ConfigMap"],
        below: Below::Object,
        fields: IMMUTABLE,
    },
    Table {
        group: "networking.k8s.io",
        kinds: &["NetworkPolicy"],
        below: Below::Object,
        fields: NETWORK_POLICY,
    },
    Table {
        group: "networking.k8s.io",
        kinds: &["Ingress"],
        below: Below::Object,
        fields: INGRESS,
    },
    Table {
        group: "extensions",
        kinds: &["Ingress"],
        below: Below::Object,
        fields: INGRESS,
    },
    Table {
        group: "networking.k8s.io",
        kinds: &["IngressClass"],
        below: Below::Object,
        fields: INGRESS_CLASS,
    },
    Table {
        group: "policy",
        kinds: &["PodDisruptionBudget"],
        below: Below::Object,
        fields: BUDGET,
    },
    Table {
        group: "autoscaling",
        kinds: &["HorizontalPodAutoscaler"],
        below: Below::Object,
        fields: AUTOSCALER,
    },
    Table {
        group: "storage.k8s.io",
        kinds: &["CSIDriver"],
        below: Below::Object,
        fields: CSI_DRIVER,
    },
    Table {
        group: "scheduling.k8s.io",
        kinds: &["PriorityClass"],
        below: Below::Object,
        fields: PRIORITY_CLASS,
    },
    Table {
        group: "flowcontrol.apiserver.k8s.io",
        kinds: &["PriorityLevelConfiguration"],
        below: Below::Object,
        fields: PRIORITY_LEVEL,
    },
    Table {
        group: "discovery.k8s.io",
        kinds: &["EndpointSlice"],
        below: Below::Object,
        fields: SLICE,
    },
    Table {
        group: "admissionregistration.k8s.io",
        kinds: &[
            "ValidatingWebhookConfiguration",
            "MutatingWebhookConfiguration",
        ],
        below: Below::Object,
        fields: WEBHOOKS,
    },
    Table {
        group: "admissionregistration.k8s.io",
        kinds: &["ValidatingAdmissionPolicy"],
        below: Below::Object,
        fields: POLICY,
    },
    Table {
        group: "admissionregistration.k8s.io",
        kinds: &["ValidatingAdmissionPolicyBinding"],
        below: Below::Object,
        fields: BINDING,
    },
    Table {
        group: "apiextensions.k8s.io",
        kinds: &["CustomResourceDefinition"],
        below: Below::Object,
        fields: DEFINITION,
    },
    Table {
        group: "apiextensions.k8s.io",
        kinds: &["CustomResourceDefinition"],
        below: Below::Schema,
        fields: SCHEMA,
    },
];

const FALSE: &[&str] = &["false"];

static STATEFUL_SET: &[Field] = &[
    field(
        "spec.persistentVolumeClaimRetentionPolicy",
        23,
        Warning,
        "claims are always kept",
    )
    .on(27)
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
    .on(23)
    .same(&["0"]),
    field("spec.ordinals", 26, Warning, "Pods are counted from 0")
        .on(27)
        .same(&["{\"start\":0}", "{}"]),
    field(
        "spec.updateStrategy.rollingUpdate.maxUnavailable",
        24,
        Warning,
        "Pods are replaced one by one",
    )
    .on(35)
    .same(&["1"]),
];

static DAEMON_SET: &[Field] = &[field(
    "spec.updateStrategy.rollingUpdate.maxSurge",
    21,
    Warning,
    "a node's Pod is ended before the next one begins",
)
.on(22)
.same(&["0", "\"0\"", "\"0%\""])];

static JOB: &[Field] = &[
    field("spec.completionMode", 21, Error, "Pods get no index there")
        .on(22)
        .same(&["\"NonIndexed\""]),
    field("spec.suspend", 21, Error, "the Job begins at once")
        .on(22)
        .same(FALSE),
    field(
        "spec.podFailurePolicy",
        25,
        Warning,
        "every failure counts towards backoffLimit",
    )
    .on(26),
    field(
        "spec.backoffLimitPerIndex",
        28,
        Warning,
        "failures are counted for the whole Job",
    )
    .on(29),
    field(
        "spec.maxFailedIndexes",
        28,
        Warning,
        "failures are counted for the whole Job",
    )
    .on(29),
    field(
        "spec.podReplacementPolicy",
        28,
        Warning,
        "a Pod is replaced when its end begins",
    )
    .on(29)
    .same(&["\"TerminatingOrFailed\""]),
    field(
        "spec.successPolicy",
        30,
        Warning,
        "the Job is done when all its indexes are",
    )
    .on(31),
    field(
        "spec.managedBy",
        30,
        Error,
        "the built-in controller runs the Job as well",
    )
    .on(32)
    .same(&["\"kubernetes.io/job-controller\""]),
];

static SERVICE: &[Field] = &[
    field(
        "spec.ipFamilyPolicy",
        20,
        Warning,
        "the Service has one address, of the cluster's first family",
    )
    .on(21)
    .same(&["\"SingleStack\""]),
    field(
        "spec.internalTrafficPolicy",
        21,
        Warning,
        "traffic goes to endpoints on every node",
    )
    .on(22)
    .same(&["\"Cluster\""]),
    field(
        "spec.trafficDistribution",
        30,
        Warning,
        "near endpoints are not preferred",
    )
    .on(31),
    field(
        "spec.loadBalancerClass",
        21,
        Error,
        "the cluster's own load balancer takes the Service",
    )
    .on(22),
    field(
        "spec.allocateLoadBalancerNodePorts",
        20,
        Info,
        "node ports are always allocated",
    )
    .on(22)
    .same(&["true"]),
    field(
        "spec.ports[].appProtocol",
        18,
        Info,
        "only a hint for load balancers and meshes",
    )
    .on(19),
];

static CLAIM: &[Field] = &[
    field(
        "spec.dataSourceRef",
        22,
        Warning,
        "the volume begins empty unless dataSource says the same",
    )
    .on(24),
    field(
        "spec.volumeAttributesClassName",
        29,
        Warning,
        "the volume has the attributes of its StorageClass",
    )
    .on(34),
];

static VOLUME: &[Field] = &[
    field(
        "spec.volumeAttributesClassName",
        29,
        Warning,
        "the volume has the attributes of its StorageClass",
    )
    .on(34),
    field(
        "spec.csi.nodeExpandSecretRef",
        25,
        Warning,
        "the driver gets no secret when the node resizes the volume",
    )
    .on(27),
];

static IMMUTABLE: &[Field] = &[field("immutable", 18, Warning, "it can be changed there")
    .on(19)
    .same(FALSE)];

static NETWORK_POLICY: &[Field] = &[
    field(
        "spec.ingress[].ports[].endPort",
        21,
        Warning,
        "only the first port of the range is open there",
    )
    .on(22),
    field(
        "spec.egress[].ports[].endPort",
        21,
        Warning,
        "only the first port of the range is open there",
    )
    .on(22),
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
    .on(22)
    .same(&["\"Cluster\""]),
    field(
        "spec.parameters.namespace",
        21,
        Warning,
        "the parameters are looked for in the whole cluster",
    )
    .on(22),
];

static BUDGET: &[Field] = &[field(
    "spec.unhealthyPodEvictionPolicy",
    26,
    Warning,
    "Pods that are not ready are evicted only while the budget is met",
)
.on(27)
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
    )
    .on(35),
    field(
        "spec.behavior.scaleDown.tolerance",
        33,
        Warning,
        "the controller's own tolerance goes for it",
    )
    .on(35),
];

static CSI_DRIVER: &[Field] = &[
    field(
        "spec.fsGroupPolicy",
        19,
        Warning,
        "the server guesses from the file system",
    )
    .on(20)
    .same(&["\"ReadWriteOnceWithFSType\""]),
    field(
        "spec.storageCapacity",
        19,
        Info,
        "capacity is not looked at when Pods are placed",
    )
    .on(21)
    .same(FALSE),
    field(
        "spec.tokenRequests",
        20,
        Warning,
        "the driver gets no tokens",
    )
    .on(21),
    field(
        "spec.requiresRepublish",
        20,
        Warning,
        "volumes are not published again",
    )
    .on(21)
    .same(FALSE),
    field(
        "spec.seLinuxMount",
        25,
        Info,
        "files are relabelled one by one",
    )
    .on(28)
    .same(FALSE),
    field(
        "spec.nodeAllocatableUpdatePeriodSeconds",
        33,
        Info,
        "limits of nodes are not read again",
    )
    .on(35),
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
    )
    .on(24),
    field(
        "endpoints[].conditions.serving",
        20,
        Info,
        "only ready counts there",
    )
    .on(22),
    field(
        "endpoints[].conditions.terminating",
        20,
        Info,
        "only ready counts there",
    )
    .on(22),
];

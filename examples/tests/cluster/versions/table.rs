//! What is expected, as tables.

use super::{Facts, Left};
use csdr_core::restore::Action::{Blocked, Skip};

/// Of the old server's objects.
pub(super) const UP_LEFT: Left = &[
    (
        "podsecuritypolicies.policy/open",
        Skip,
        "set the Pod Security admission labels",
    ),
    (
        "certificatesigningrequests.certificates.k8s.io/asked",
        Skip,
        "made by the cluster itself; it ",
    ),
    (
        "csistoragecapacities.storage.k8s.io/shop/room",
        Skip,
        "made by the cluster itself; the driver's provisioner publishes it",
    ),
];

pub(super) const UP: Facts = &[
    (
        "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/front",
        "/spec/rules/0/http/paths/0/pathType",
        r#""ImplementationSpecific""#,
    ),
    (
        "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/front",
        "/spec/rules/0/http/paths/0/backend",
        r#"{"service":{"name":"web","port":{"number":80}}}"#,
    ),
    (
        "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/front",
        "/spec/defaultBackend",
        r#"{"service":{"name":"web","port":{"name":"http"}}}"#,
    ),
    (
        "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/front",
        "/metadata/annotations/kubernetes.io~1ingress.class",
        r#""external""#,
    ),
    (
        "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/api",
        "/spec/ingressClassName",
        r#""external""#,
    ),
    (
        "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/api",
        "/spec/rules/0/http/paths/0/backend/service/port",
        r#"{"name":"grpc"}"#,
    ),
    (
        "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/api",
        "/spec/rules/0/http/paths/1/pathType",
        r#""Exact""#,
    ),
    (
        "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/api",
        "/spec/rules/0/http/paths/1/backend/resource/name",
        r#""tea""#,
    ),
    (
        "/apis/networking.k8s.io/v1/ingressclasses/external",
        "/spec/parameters/name",
        r#""tea""#,
    ),
    (
        "/apis/batch/v1/namespaces/shop/cronjobs/nightly",
        "/spec/concurrencyPolicy",
        r#""Allow""#,
    ),
    (
        "/apis/policy/v1/namespaces/shop/poddisruptionbudgets/nothing",
        "/spec/selector/matchExpressions/0/key",
        r#""pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match""#,
    ),
    (
        "/apis/policy/v1/namespaces/shop/poddisruptionbudgets/half",
        "/spec/maxUnavailable",
        r#""50%""#,
    ),
    (
        "/apis/policy/v1/namespaces/shop/poddisruptionbudgets/half",
        "/spec/selector/matchExpressions",
        r#"null"#,
    ),
    (
        "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/first",
        "/spec/scaleTargetRef/apiVersion",
        r#""apps/v1""#,
    ),
    (
        "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/first",
        "/spec/metrics/0/resource/target/averageValue",
        r#""100Mi""#,
    ),
    (
        "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/first",
        "/spec/metrics/1/pods/target/averageValue",
        r#""1500m""#,
    ),
    (
        "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/first",
        "/spec/metrics/2/object/describedObject/apiVersion",
        r#""networking.k8s.io/v1""#,
    ),
    (
        "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/first",
        "/spec/metrics/2/object/target/value",
        r#""2k""#,
    ),
    (
        "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/first",
        "/spec/metrics/3/external/metric/selector/matchLabels/q",
        r#""tea""#,
    ),
    (
        "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/second",
        "/spec/metrics/0/resource/target/averageUtilization",
        r#"60"#,
    ),
    (
        "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/second",
        "/spec/behavior/scaleDown/stabilizationWindowSeconds",
        r#"120"#,
    ),
    (
        "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/third",
        "/spec/metrics/0/resource/target/averageUtilization",
        r#"70"#,
    ),
    (
        "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/third",
        "/spec/metrics/1/resource/target/averageUtilization",
        r#"55"#,
    ),
    (
        "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/third",
        "/metadata/annotations",
        r#"null"#,
    ),
    (
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.shop.example.com",
        "/spec/preserveUnknownFields",
        r#"null"#,
    ),
    (
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.shop.example.com",
        "/spec/versions/0/additionalPrinterColumns/0/jsonPath",
        r#"".spec.size""#,
    ),
    (
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.shop.example.com",
        "/spec/versions/1/subresources/status",
        r#"{}"#,
    ),
    (
        "/apis/shop.example.com/v1/namespaces/shop/widgets/tea",
        "/spec/extra",
        r#"{"deep":[1,{"x":"z"}]}"#,
    ),
    (
        "/apis/shop.example.com/v1alpha1/namespaces/shop/widgets/tea",
        "/spec/port",
        r#""http""#,
    ),
    (
        "/apis/shop.example.com/v1/namespaces/shop/widgets/milk",
        "/unknown/kept",
        r#"true"#,
    ),
    (
        "/apis/shop.example.com/v1/namespaces/shop/widgets/milk",
        "/spec/port",
        r#"80"#,
    ),
    (
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/check",
        "/webhooks/0/failurePolicy",
        r#""Ignore""#,
    ),
    (
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/check",
        "/webhooks/0/sideEffects",
        r#""None""#,
    ),
    (
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/check",
        "/webhooks/0/matchPolicy",
        r#""Exact""#,
    ),
    (
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/check",
        "/webhooks/0/timeoutSeconds",
        r#"30"#,
    ),
    (
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/change",
        "/webhooks/0/failurePolicy",
        r#""Fail""#,
    ),
    (
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/change",
        "/webhooks/0/rules/1/apiGroups",
        r#"["networking.k8s.io"]"#,
    ),
    (
        "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/roles/reader",
        "/rules/0/apiGroups",
        r#"["extensions","apps","networking.k8s.io"]"#,
    ),
    (
        "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings/reader",
        "/subjects/0/apiGroup",
        r#""rbac.authorization.k8s.io""#,
    ),
    (
        "/apis/rbac.authorization.k8s.io/v1/clusterroles/shop-reader",
        "/rules/0/resourceNames",
        r#"["open"]"#,
    ),
    (
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/shop-reader",
        "/roleRef/name",
        r#""shop-reader""#,
    ),
    (
        "/apis/storage.k8s.io/v1/storageclasses/disk",
        "/reclaimPolicy",
        r#""Delete""#,
    ),
    (
        "/apis/storage.k8s.io/v1/storageclasses/disk",
        "/allowedTopologies/0/matchLabelExpressions/0/key",
        r#""failure-domain.beta.kubernetes.io/zone""#,
    ),
    (
        "/apis/storage.k8s.io/v1/csidrivers/disk.example.com",
        "/spec/attachRequired",
        r#"false"#,
    ),
    (
        "/apis/scheduling.k8s.io/v1/priorityclasses/shop",
        "/value",
        r#"100"#,
    ),
    (
        "/apis/node.k8s.io/v1/runtimeclasses/sandboxed",
        "/overhead/podFixed/memory",
        r#""64Mi""#,
    ),
    (
        "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/outside",
        "/endpoints/0/zone",
        r#""a""#,
    ),
    (
        "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/outside",
        "/endpoints/0/nodeName",
        r#""gone""#,
    ),
    (
        "/apis/apiregistration.k8s.io/v1/apiservices/v1.local.example.com",
        "/spec/groupPriorityMinimum",
        r#"100"#,
    ),
    (
        "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations/shop",
        "/spec/limited/nominalConcurrencyShares",
        r#"7"#,
    ),
    (
        "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/shop",
        "/spec/rules/0/resourceRules/0/apiGroups",
        r#"["extensions","apps"]"#,
    ),
];

/// Of the new server's objects.
pub(super) const DOWN_LEFT: Left = &[
    (
        "deviceclasses.resource.k8s.io/gpu",
        Blocked,
        "the target is older than the kind, which came with Kubernetes 1.34",
    ),
    (
        "resourceclaimtemplates.resource.k8s.io/shop/gpu",
        Blocked,
        "the target is older than the kind, which came with Kubernetes 1.34",
    ),
    (
        "validatingadmissionpolicies.admissionregistration.k8s.io/small",
        Blocked,
        "the target is older than the kind, which came with Kubernetes 1.30",
    ),
    (
        "validatingadmissionpolicybindings.admissionregistration.k8s.io/small",
        Blocked,
        "the target is older than the kind, which came with Kubernetes 1.30",
    ),
    (
        "volumeattributesclasses.storage.k8s.io/fast",
        Blocked,
        "the target is older than the kind, which came with Kubernetes 1.34",
    ),
];

pub(super) const DOWN: Facts = &[
    (
        "/apis/batch/v1/namespaces/shop/cronjobs/nightly",
        "/spec/schedule",
        r#""0 1 * * *""#,
    ),
    (
        "/apis/batch/v1/namespaces/shop/cronjobs/nightly",
        "/spec/timeZone",
        r#"null"#,
    ),
    (
        "/apis/batch/v1/namespaces/shop/jobs/once",
        "/spec/backoffLimit",
        r#"2"#,
    ),
    (
        "/apis/apps/v1/namespaces/shop/daemonsets/agent",
        "/spec/updateStrategy/rollingUpdate/maxUnavailable",
        r#"2"#,
    ),
    (
        "/apis/apps/v1/namespaces/shop/statefulsets/db",
        "/spec/ordinals",
        r#"null"#,
    ),
    (
        "/apis/autoscaling/v2beta2/namespaces/shop/horizontalpodautoscalers/web",
        "/spec/metrics/1/resource/target/averageUtilization",
        r#"60"#,
    ),
    (
        "/apis/autoscaling/v2beta2/namespaces/shop/horizontalpodautoscalers/web",
        "/spec/metrics/0/pods/target/averageValue",
        r#""1500m""#,
    ),
    (
        "/apis/autoscaling/v2beta2/namespaces/shop/horizontalpodautoscalers/web",
        "/spec/behavior/scaleDown/stabilizationWindowSeconds",
        r#"120"#,
    ),
    (
        "/apis/policy/v1/namespaces/shop/poddisruptionbudgets/all",
        "/spec/selector",
        r#"{}"#,
    ),
    (
        "/apis/extensions/v1beta1/namespaces/shop/ingresses/front",
        "/spec/rules/0/http/paths/0/backend",
        r#"{"serviceName":"web","servicePort":80}"#,
    ),
    (
        "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/front",
        "/spec/defaultBackend/service/port/name",
        r#""http""#,
    ),
    (
        "/apis/discovery.k8s.io/v1beta1/namespaces/shop/endpointslices/outside",
        "/endpoints/0/nodeName",
        r#""gone""#,
    ),
    (
        "/apis/shop.example.com/v1/namespaces/shop/widgets/tea",
        "/spec",
        r#"{"colour":"green","size":3}"#,
    ),
    (
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/check",
        "/webhooks/0/failurePolicy",
        r#""Ignore""#,
    ),
    (
        "/apis/flowcontrol.apiserver.k8s.io/v1beta1/prioritylevelconfigurations/shop",
        "/spec/limited/assuredConcurrencyShares",
        r#"7"#,
    ),
    (
        "/apis/flowcontrol.apiserver.k8s.io/v1beta1/flowschemas/shop",
        "/spec/distinguisherMethod/type",
        r#""ByUser""#,
    ),
    (
        "/apis/storage.k8s.io/v1/storageclasses/disk",
        "/volumeBindingMode",
        r#""WaitForFirstConsumer""#,
    ),
    (
        "/api/v1/namespaces/shop/pods/plain",
        "/spec/containers/0/image",
        r#""example.invalid/web:1""#,
    ),
];

/// Values that say what a server without the field does, and what ties a Job to its uid: a restore leaves that out in any version.
pub(super) const DOWN_SILENT: [&str; 6] = [
    "jobs.batch/shop/once /metadata/labels/batch.kubernetes.io~1controller-uid",
    "jobs.batch/shop/once /metadata/labels/controller-uid",
    "jobs.batch/shop/once /spec/selector/matchLabels/batch.kubernetes.io~1controller-uid",
    "jobs.batch/shop/once /spec/template/metadata/labels/batch.kubernetes.io~1controller-uid",
    "jobs.batch/shop/once /spec/completionMode",
    "services/shop/web /spec/internalTrafficPolicy",
];

/// Of an archive.
pub(super) const REMOVED_LEFT: Left = &[
    (
        "auditsinks.auditregistration.k8s.io/sink",
        Skip,
        "configure the audit webhook of the API server",
    ),
    (
        "podpresets.settings.k8s.io/shop/inject",
        Skip,
        "write what it injected into the pod templates",
    ),
    (
        "podsecuritypolicies.extensions/open",
        Skip,
        "set the Pod Security admission labels",
    ),
    (
        "gizmos.shop.example.com/shop/old",
        Blocked,
        "only the definition's webhook can convert",
    ),
];

pub(super) const REMOVED: Facts = &[
    (
        "/apis/apps/v1/namespaces/shop/deployments/web",
        "/spec/strategy",
        r#"{"rollingUpdate":{"maxSurge":1,"maxUnavailable":1},"type":"RollingUpdate"}"#,
    ),
    (
        "/apis/apps/v1/namespaces/shop/deployments/web",
        "/spec/selector/matchLabels",
        r#"{"app":"web"}"#,
    ),
    (
        "/apis/apps/v1/namespaces/shop/deployments/web",
        "/spec/progressDeadlineSeconds",
        r#"2147483647"#,
    ),
    (
        "/apis/apps/v1/namespaces/shop/deployments/web",
        "/spec/revisionHistoryLimit",
        r#"2147483647"#,
    ),
    (
        "/apis/apps/v1/namespaces/shop/deployments/first",
        "/spec/strategy",
        r#"{"rollingUpdate":{"maxSurge":"25%","maxUnavailable":"25%"},"type":"RollingUpdate"}"#,
    ),
    (
        "/apis/apps/v1/namespaces/shop/deployments/first",
        "/spec/revisionHistoryLimit",
        r#"2"#,
    ),
    (
        "/apis/apps/v1/namespaces/shop/deployments/first",
        "/spec/progressDeadlineSeconds",
        r#"600"#,
    ),
    (
        "/apis/apps/v1/namespaces/shop/deployments/second",
        "/spec/revisionHistoryLimit",
        r#"10"#,
    ),
    (
        "/apis/apps/v1/namespaces/shop/daemonsets/agent",
        "/spec/updateStrategy/type",
        r#""OnDelete""#,
    ),
    (
        "/apis/apps/v1/namespaces/shop/daemonsets/agent",
        "/spec/selector/matchLabels",
        r#"{"app":"agent"}"#,
    ),
    (
        "/apis/apps/v1/namespaces/shop/daemonsets/rolling",
        "/spec/updateStrategy/type",
        r#""RollingUpdate""#,
    ),
    (
        "/apis/apps/v1/namespaces/shop/replicasets/old",
        "/spec/selector/matchLabels",
        r#"{"app":"old"}"#,
    ),
    (
        "/apis/apps/v1/namespaces/shop/replicasets/old",
        "/metadata/labels",
        r#"{"app":"old"}"#,
    ),
    (
        "/apis/apps/v1/namespaces/shop/replicasets/plain",
        "/spec/selector/matchLabels",
        r#"{"app":"plain"}"#,
    ),
    (
        "/apis/apps/v1/namespaces/shop/statefulsets/db",
        "/spec/updateStrategy/type",
        r#""OnDelete""#,
    ),
    (
        "/apis/apps/v1/namespaces/shop/statefulsets/db",
        "/spec/selector/matchLabels",
        r#"{"app":"db"}"#,
    ),
    (
        "/apis/apps/v1/namespaces/shop/statefulsets/queue",
        "/spec/updateStrategy/type",
        r#""RollingUpdate""#,
    ),
    (
        "/apis/apps/v1/namespaces/shop/controllerrevisions/db-1",
        "/data",
        r#"{"spec":{"replicas":1}}"#,
    ),
    (
        "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/out",
        "/spec/policyTypes",
        r#"["Ingress","Egress"]"#,
    ),
    (
        "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/front",
        "/spec/rules/0/http/paths/0/backend/service/port",
        r#"{"name":"http"}"#,
    ),
    (
        "/apis/batch/v1/namespaces/shop/cronjobs/nightly",
        "/spec/schedule",
        r#""0 1 * * *""#,
    ),
    (
        "/apis/batch/v1/namespaces/shop/cronjobs/zoned",
        "/spec/timeZone",
        r#""Asia/Shanghai""#,
    ),
    (
        "/apis/batch/v1/namespaces/shop/cronjobs/zoned",
        "/spec/schedule",
        r#""0 1 * * *""#,
    ),
    (
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/shop-reader",
        "/subjects/0",
        r#"{"apiGroup":"rbac.authorization.k8s.io","kind":"Group","name":"system:authenticated"}"#,
    ),
    (
        "/apis/node.k8s.io/v1/runtimeclasses/sandboxed",
        "/handler",
        r#""sandbox""#,
    ),
    (
        "/apis/scheduling.k8s.io/v1/priorityclasses/shop",
        "/preemptionPolicy",
        r#""PreemptLowerPriority""#,
    ),
    (
        "/apis/shop.example.com/v1/namespaces/shop/gadgets/old",
        "/spec/size",
        r#"3"#,
    ),
];

/// Kinds of the target: one whose versions convert by name, one that a webhook converts.
pub(super) const DEFINITIONS: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.shop.example.com}
spec:
  group: shop.example.com
  names: {kind: Gadget, plural: gadgets}
  scope: Namespaced
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gizmos.shop.example.com}
spec:
  group: shop.example.com
  names: {kind: Gizmo, plural: gizmos}
  scope: Namespaced
  conversion:
    strategy: Webhook
    webhook: {conversionReviewVersions: [v1], clientConfig: {url: 'https://127.0.0.1:1/convert'}}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
";

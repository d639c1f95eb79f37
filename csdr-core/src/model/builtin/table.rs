//! The rows, sorted by (plural, group).
//!
//! Source: `kube-apiserver` 1.36's installed API groups; short names from the registries' `ShortNames`. Versions stand in the
//! lifecycle table.

use super::BuiltinKind;

pub(super) const ALL: &[&str] = &[
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];
/// Namespaces cannot be deleted as a collection.
pub(super) const SINGLE: &[&str] = &[
    "create", "delete", "get", "list", "patch", "update", "watch",
];
pub(super) const CREATE: &[&str] = &["create"];
pub(super) const READ: &[&str] = &["get", "list"];

macro_rules! kinds {
    ($($group:literal $kind:literal $plural:literal $scope:ident $short:tt $verbs:ident [$($flag:ident)*];)*) => {
        &[$(BuiltinKind {
            group: $group,
            kind: $kind,
            plural: $plural,
            namespaced: kinds!(@scope $scope),
            short_names: &$short,
            verbs: $verbs,
            has_status: false $(|| kinds!(@status $flag))*,
            has_generation: false $(|| kinds!(@generation $flag))*,
        }),*]
    };
    (@scope namespaced) => { true };
    (@scope cluster) => { false };
    (@status status) => { true };
    (@status $other:ident) => { false };
    (@generation generation) => { true };
    (@generation $other:ident) => { false };
}

// group, kind, plural, scope, short names, verbs, [has a status subresource, counts generations].
pub(super) static KINDS: &[BuiltinKind] = kinds! {
    "apiregistration.k8s.io" "APIService" "apiservices" cluster [] ALL [status];
    "auditregistration.k8s.io" "AuditSink" "auditsinks" cluster [] ALL [];
    "" "Binding" "bindings" namespaced [] CREATE [];
    "certificates.k8s.io" "CertificateSigningRequest" "certificatesigningrequests" cluster ["csr"] ALL [status];
    "networking.k8s.io" "ClusterCIDR" "clustercidrs" cluster [] ALL [];
    "rbac.authorization.k8s.io" "ClusterRoleBinding" "clusterrolebindings" cluster [] ALL [];
    "rbac.authorization.k8s.io" "ClusterRole" "clusterroles" cluster [] ALL [];
    "certificates.k8s.io" "ClusterTrustBundle" "clustertrustbundles" cluster ["ctb"] ALL [];
    "" "ComponentStatus" "componentstatuses" cluster ["cs"] READ [];
    "" "ConfigMap" "configmaps" namespaced ["cm"] ALL [];
    "apps" "ControllerRevision" "controllerrevisions" namespaced [] ALL [];
    "batch" "CronJob" "cronjobs" namespaced ["cj"] ALL [status generation];
    "storage.k8s.io" "CSIDriver" "csidrivers" cluster [] ALL [];
    "storage.k8s.io" "CSINode" "csinodes" cluster [] ALL [];
    "storage.k8s.io" "CSIStorageCapacity" "csistoragecapacities" namespaced [] ALL [];
    "apiextensions.k8s.io" "CustomResourceDefinition" "customresourcedefinitions" cluster ["crd", "crds"] ALL [status generation];
    "apps" "DaemonSet" "daemonsets" namespaced ["ds"] ALL [status generation];
    "extensions" "DaemonSet" "daemonsets" namespaced ["ds"] ALL [status generation];
    "apps" "Deployment" "deployments" namespaced ["deploy"] ALL [status generation];
    "extensions" "Deployment" "deployments" namespaced ["deploy"] ALL [status generation];
    "resource.k8s.io" "DeviceClass" "deviceclasses" cluster [] ALL [];
    "resource.k8s.io" "DeviceTaintRule" "devicetaintrules" cluster [] ALL [];
    "" "Endpoints" "endpoints" namespaced ["ep"] ALL [];
    "discovery.k8s.io" "EndpointSlice" "endpointslices" namespaced [] ALL [generation];
    "" "Event" "events" namespaced ["ev"] ALL [];
    "events.k8s.io" "Event" "events" namespaced ["ev"] ALL [];
    "flowcontrol.apiserver.k8s.io" "FlowSchema" "flowschemas" cluster [] ALL [status generation];
    "autoscaling" "HorizontalPodAutoscaler" "horizontalpodautoscalers" namespaced ["hpa"] ALL [status];
    "networking.k8s.io" "IngressClass" "ingressclasses" cluster [] ALL [generation];
    "extensions" "Ingress" "ingresses" namespaced ["ing"] ALL [status generation];
    "networking.k8s.io" "Ingress" "ingresses" namespaced ["ing"] ALL [status generation];
    "networking.k8s.io" "IPAddress" "ipaddresses" cluster ["ip"] ALL [];
    "batch" "Job" "jobs" namespaced [] ALL [status generation];
    "coordination.k8s.io" "LeaseCandidate" "leasecandidates" namespaced [] ALL [];
    "coordination.k8s.io" "Lease" "leases" namespaced [] ALL [];
    "" "LimitRange" "limitranges" namespaced ["limits"] ALL [];
    "authorization.k8s.io" "LocalSubjectAccessReview" "localsubjectaccessreviews" namespaced [] CREATE [];
    "admissionregistration.k8s.io" "MutatingAdmissionPolicy" "mutatingadmissionpolicies" cluster [] ALL [generation];
    "admissionregistration.k8s.io" "MutatingAdmissionPolicyBinding" "mutatingadmissionpolicybindings" cluster [] ALL [generation];
    "admissionregistration.k8s.io" "MutatingWebhookConfiguration" "mutatingwebhookconfigurations" cluster [] ALL [generation];
    "" "Namespace" "namespaces" cluster ["ns"] SINGLE [status];
    "extensions" "NetworkPolicy" "networkpolicies" namespaced ["netpol"] ALL [generation];
    "networking.k8s.io" "NetworkPolicy" "networkpolicies" namespaced ["netpol"] ALL [generation];
    "" "Node" "nodes" cluster ["no"] ALL [status];
    "" "PersistentVolumeClaim" "persistentvolumeclaims" namespaced ["pvc"] ALL [status];
    "" "PersistentVolume" "persistentvolumes" cluster ["pv"] ALL [status];
    "certificates.k8s.io" "PodCertificateRequest" "podcertificaterequests" namespaced [] ALL [status];
    "policy" "PodDisruptionBudget" "poddisruptionbudgets" namespaced ["pdb"] ALL [status generation];
    "scheduling.k8s.io" "PodGroup" "podgroups" namespaced [] ALL [];
    "settings.k8s.io" "PodPreset" "podpresets" namespaced [] ALL [];
    "" "Pod" "pods" namespaced ["po"] ALL [status generation];
    "resource.k8s.io" "PodSchedulingContext" "podschedulingcontexts" namespaced [] ALL [];
    "resource.k8s.io" "PodScheduling" "podschedulings" namespaced [] ALL [];
    "extensions" "PodSecurityPolicy" "podsecuritypolicies" cluster ["psp"] ALL [];
    "policy" "PodSecurityPolicy" "podsecuritypolicies" cluster ["psp"] ALL [];
    "" "PodTemplate" "podtemplates" namespaced [] ALL [generation];
    "scheduling.k8s.io" "PriorityClass" "priorityclasses" cluster ["pc"] ALL [generation];
    "flowcontrol.apiserver.k8s.io" "PriorityLevelConfiguration" "prioritylevelconfigurations" cluster [] ALL [status generation];
    "apps" "ReplicaSet" "replicasets" namespaced ["rs"] ALL [status generation];
    "extensions" "ReplicaSet" "replicasets" namespaced ["rs"] ALL [status generation];
    "" "ReplicationController" "replicationcontrollers" namespaced ["rc"] ALL [status generation];
    "resource.k8s.io" "ResourceClaimParameters" "resourceclaimparameters" namespaced [] ALL [];
    "resource.k8s.io" "ResourceClaim" "resourceclaims" namespaced [] ALL [status];
    "resource.k8s.io" "ResourceClaimTemplate" "resourceclaimtemplates" namespaced [] ALL [];
    "resource.k8s.io" "ResourceClass" "resourceclasses" cluster [] ALL [];
    "resource.k8s.io" "ResourceClassParameters" "resourceclassparameters" namespaced [] ALL [];
    "resource.k8s.io" "ResourcePoolStatusRequest" "resourcepoolstatusrequests" cluster [] ALL [];
    "" "ResourceQuota" "resourcequotas" namespaced ["quota"] ALL [status];
    "resource.k8s.io" "ResourceSlice" "resourceslices" cluster [] ALL [];
    "rbac.authorization.k8s.io" "RoleBinding" "rolebindings" namespaced [] ALL [];
    "rbac.authorization.k8s.io" "Role" "roles" namespaced [] ALL [];
    "node.k8s.io" "RuntimeClass" "runtimeclasses" cluster [] ALL [];
    "" "Secret" "secrets" namespaced [] ALL [];
    "authorization.k8s.io" "SelfSubjectAccessReview" "selfsubjectaccessreviews" cluster [] CREATE [];
    "authentication.k8s.io" "SelfSubjectReview" "selfsubjectreviews" cluster [] CREATE [];
    "authorization.k8s.io" "SelfSubjectRulesReview" "selfsubjectrulesreviews" cluster [] CREATE [];
    "" "ServiceAccount" "serviceaccounts" namespaced ["sa"] ALL [];
    "networking.k8s.io" "ServiceCIDR" "servicecidrs" cluster [] ALL [status];
    "" "Service" "services" namespaced ["svc"] ALL [status];
    "apps" "StatefulSet" "statefulsets" namespaced ["sts"] ALL [status generation];
    "storage.k8s.io" "StorageClass" "storageclasses" cluster ["sc"] ALL [];
    "storagemigration.k8s.io" "StorageVersionMigration" "storageversionmigrations" cluster [] ALL [status];
    "internal.apiserver.k8s.io" "StorageVersion" "storageversions" cluster [] ALL [];
    "authorization.k8s.io" "SubjectAccessReview" "subjectaccessreviews" cluster [] CREATE [];
    "authentication.k8s.io" "TokenReview" "tokenreviews" cluster [] CREATE [];
    "admissionregistration.k8s.io" "ValidatingAdmissionPolicy" "validatingadmissionpolicies" cluster [] ALL [status generation];
    "admissionregistration.k8s.io" "ValidatingAdmissionPolicyBinding" "validatingadmissionpolicybindings" cluster [] ALL [generation];
    "admissionregistration.k8s.io" "ValidatingWebhookConfiguration" "validatingwebhookconfigurations" cluster [] ALL [generation];
    "storage.k8s.io" "VolumeAttachment" "volumeattachments" cluster [] ALL [status];
    "storage.k8s.io" "VolumeAttributesClass" "volumeattributesclasses" cluster ["vac"] ALL [];
    "scheduling.k8s.io" "Workload" "workloads" namespaced [] ALL [];

};

//! The rows, sorted by (plural, group).
//!
//! Source: `kube-apiserver` 1.36's installed API groups and the `+k8s:prerelease-lifecycle-gen` tags of `k8s.io/api` 1.8 to 1.36;
//! short names from the registries' `ShortNames`.

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
    ($($group:literal $kind:literal $plural:literal $scope:ident $served:tt $older:tt $short:tt $verbs:ident [$($flag:ident)*];)*) => {
        &[$(BuiltinKind {
            group: $group,
            kind: $kind,
            plural: $plural,
            namespaced: kinds!(@scope $scope),
            served: &$served,
            older: &$older,
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

// group, kind, plural, scope, versions served by default in 1.36 (the preferred one first), other versions that a manifest or an
// older server may carry, short names, verbs, [has a status subresource, counts generations].
pub(super) static KINDS: &[BuiltinKind] = kinds! {
    "apiregistration.k8s.io" "APIService" "apiservices" cluster ["v1"] ["v1beta1"] [] ALL [status];
    "auditregistration.k8s.io" "AuditSink" "auditsinks" cluster [] ["v1alpha1"] [] ALL [];
    "" "Binding" "bindings" namespaced ["v1"] [] [] CREATE [];
    "certificates.k8s.io" "CertificateSigningRequest" "certificatesigningrequests" cluster ["v1"] ["v1beta1"] ["csr"] ALL [status];
    "networking.k8s.io" "ClusterCIDR" "clustercidrs" cluster [] ["v1alpha1"] [] ALL [];
    "rbac.authorization.k8s.io" "ClusterRoleBinding" "clusterrolebindings" cluster ["v1"] ["v1beta1", "v1alpha1"] [] ALL [];
    "rbac.authorization.k8s.io" "ClusterRole" "clusterroles" cluster ["v1"] ["v1beta1", "v1alpha1"] [] ALL [];
    "certificates.k8s.io" "ClusterTrustBundle" "clustertrustbundles" cluster [] ["v1beta1", "v1alpha1"] ["ctb"] ALL [];
    "" "ComponentStatus" "componentstatuses" cluster ["v1"] [] ["cs"] READ [];
    "" "ConfigMap" "configmaps" namespaced ["v1"] [] ["cm"] ALL [];
    "apps" "ControllerRevision" "controllerrevisions" namespaced ["v1"] ["v1beta2", "v1beta1"] [] ALL [];
    "batch" "CronJob" "cronjobs" namespaced ["v1"] ["v1beta1", "v2alpha1"] ["cj"] ALL [status generation];
    "storage.k8s.io" "CSIDriver" "csidrivers" cluster ["v1"] ["v1beta1"] [] ALL [];
    "storage.k8s.io" "CSINode" "csinodes" cluster ["v1"] ["v1beta1"] [] ALL [];
    "storage.k8s.io" "CSIStorageCapacity" "csistoragecapacities" namespaced ["v1"] ["v1beta1", "v1alpha1"] [] ALL [];
    "apiextensions.k8s.io" "CustomResourceDefinition" "customresourcedefinitions" cluster ["v1"] ["v1beta1"] ["crd", "crds"] ALL [status generation];
    "apps" "DaemonSet" "daemonsets" namespaced ["v1"] ["v1beta2"] ["ds"] ALL [status generation];
    "extensions" "DaemonSet" "daemonsets" namespaced [] ["v1beta1"] ["ds"] ALL [status generation];
    "apps" "Deployment" "deployments" namespaced ["v1"] ["v1beta2", "v1beta1"] ["deploy"] ALL [status generation];
    "extensions" "Deployment" "deployments" namespaced [] ["v1beta1"] ["deploy"] ALL [status generation];
    "resource.k8s.io" "DeviceClass" "deviceclasses" cluster ["v1"] ["v1beta2", "v1beta1", "v1alpha3"] [] ALL [];
    "resource.k8s.io" "DeviceTaintRule" "devicetaintrules" cluster [] ["v1beta2", "v1alpha3"] [] ALL [];
    "" "Endpoints" "endpoints" namespaced ["v1"] [] ["ep"] ALL [];
    "discovery.k8s.io" "EndpointSlice" "endpointslices" namespaced ["v1"] ["v1beta1", "v1alpha1"] [] ALL [generation];
    "" "Event" "events" namespaced ["v1"] [] ["ev"] ALL [];
    "events.k8s.io" "Event" "events" namespaced ["v1"] ["v1beta1"] ["ev"] ALL [];
    "flowcontrol.apiserver.k8s.io" "FlowSchema" "flowschemas" cluster ["v1"] ["v1beta3", "v1beta2", "v1beta1", "v1alpha1"] [] ALL [status generation];
    "autoscaling" "HorizontalPodAutoscaler" "horizontalpodautoscalers" namespaced ["v2", "v1"] ["v2beta2", "v2beta1"] ["hpa"] ALL [status];
    "networking.k8s.io" "IngressClass" "ingressclasses" cluster ["v1"] ["v1beta1"] [] ALL [generation];
    "extensions" "Ingress" "ingresses" namespaced [] ["v1beta1"] ["ing"] ALL [status generation];
    "networking.k8s.io" "Ingress" "ingresses" namespaced ["v1"] ["v1beta1"] ["ing"] ALL [status generation];
    "networking.k8s.io" "IPAddress" "ipaddresses" cluster ["v1"] ["v1beta1", "v1alpha1"] ["ip"] ALL [];
    "batch" "Job" "jobs" namespaced ["v1"] [] [] ALL [status generation];
    "coordination.k8s.io" "LeaseCandidate" "leasecandidates" namespaced [] ["v1beta1", "v1alpha2", "v1alpha1"] [] ALL [];
    "coordination.k8s.io" "Lease" "leases" namespaced ["v1"] ["v1beta1"] [] ALL [];
    "" "LimitRange" "limitranges" namespaced ["v1"] [] ["limits"] ALL [];
    "authorization.k8s.io" "LocalSubjectAccessReview" "localsubjectaccessreviews" namespaced ["v1"] ["v1beta1"] [] CREATE [];
    "admissionregistration.k8s.io" "MutatingAdmissionPolicy" "mutatingadmissionpolicies" cluster ["v1"] ["v1beta1", "v1alpha1"] [] ALL [generation];
    "admissionregistration.k8s.io" "MutatingAdmissionPolicyBinding" "mutatingadmissionpolicybindings" cluster ["v1"] ["v1beta1", "v1alpha1"] [] ALL [generation];
    "admissionregistration.k8s.io" "MutatingWebhookConfiguration" "mutatingwebhookconfigurations" cluster ["v1"] ["v1beta1"] [] ALL [generation];
    "" "Namespace" "namespaces" cluster ["v1"] [] ["ns"] SINGLE [status];
    "extensions" "NetworkPolicy" "networkpolicies" namespaced [] ["v1beta1"] ["netpol"] ALL [generation];
    "networking.k8s.io" "NetworkPolicy" "networkpolicies" namespaced ["v1"] [] ["netpol"] ALL [generation];
    "" "Node" "nodes" cluster ["v1"] [] ["no"] ALL [status];
    "" "PersistentVolumeClaim" "persistentvolumeclaims" namespaced ["v1"] [] ["pvc"] ALL [status];
    "" "PersistentVolume" "persistentvolumes" cluster ["v1"] [] ["pv"] ALL [status];
    "certificates.k8s.io" "PodCertificateRequest" "podcertificaterequests" namespaced [] ["v1beta1", "v1alpha1"] [] ALL [status];
    "policy" "PodDisruptionBudget" "poddisruptionbudgets" namespaced ["v1"] ["v1beta1"] ["pdb"] ALL [status generation];
    "scheduling.k8s.io" "PodGroup" "podgroups" namespaced [] ["v1alpha2"] [] ALL [];
    "settings.k8s.io" "PodPreset" "podpresets" namespaced [] ["v1alpha1"] [] ALL [];
    "" "Pod" "pods" namespaced ["v1"] [] ["po"] ALL [status generation];
    "resource.k8s.io" "PodSchedulingContext" "podschedulingcontexts" namespaced [] ["v1alpha3", "v1alpha2"] [] ALL [];
    "resource.k8s.io" "PodScheduling" "podschedulings" namespaced [] ["v1alpha1"] [] ALL [];
    "extensions" "PodSecurityPolicy" "podsecuritypolicies" cluster [] ["v1beta1"] ["psp"] ALL [];
    "policy" "PodSecurityPolicy" "podsecuritypolicies" cluster [] ["v1beta1"] ["psp"] ALL [];
    "" "PodTemplate" "podtemplates" namespaced ["v1"] [] [] ALL [generation];
    "scheduling.k8s.io" "PriorityClass" "priorityclasses" cluster ["v1"] ["v1beta1", "v1alpha1"] ["pc"] ALL [generation];
    "flowcontrol.apiserver.k8s.io" "PriorityLevelConfiguration" "prioritylevelconfigurations" cluster ["v1"] ["v1beta3", "v1beta2", "v1beta1", "v1alpha1"] [] ALL [status generation];
    "apps" "ReplicaSet" "replicasets" namespaced ["v1"] ["v1beta2"] ["rs"] ALL [status generation];
    "extensions" "ReplicaSet" "replicasets" namespaced [] ["v1beta1"] ["rs"] ALL [status generation];
    "" "ReplicationController" "replicationcontrollers" namespaced ["v1"] [] ["rc"] ALL [status generation];
    "resource.k8s.io" "ResourceClaimParameters" "resourceclaimparameters" namespaced [] ["v1alpha2"] [] ALL [];
    "resource.k8s.io" "ResourceClaim" "resourceclaims" namespaced ["v1"] ["v1beta2", "v1beta1", "v1alpha3", "v1alpha2", "v1alpha1"] [] ALL [status];
    "resource.k8s.io" "ResourceClaimTemplate" "resourceclaimtemplates" namespaced ["v1"] ["v1beta2", "v1beta1", "v1alpha3", "v1alpha2", "v1alpha1"] [] ALL [];
    "resource.k8s.io" "ResourceClass" "resourceclasses" cluster [] ["v1alpha2", "v1alpha1"] [] ALL [];
    "resource.k8s.io" "ResourceClassParameters" "resourceclassparameters" namespaced [] ["v1alpha2"] [] ALL [];
    "resource.k8s.io" "ResourcePoolStatusRequest" "resourcepoolstatusrequests" cluster [] ["v1alpha3"] [] ALL [];
    "" "ResourceQuota" "resourcequotas" namespaced ["v1"] [] ["quota"] ALL [status];
    "resource.k8s.io" "ResourceSlice" "resourceslices" cluster ["v1"] ["v1beta2", "v1beta1", "v1alpha3", "v1alpha2"] [] ALL [];
    "rbac.authorization.k8s.io" "RoleBinding" "rolebindings" namespaced ["v1"] ["v1beta1", "v1alpha1"] [] ALL [];
    "rbac.authorization.k8s.io" "Role" "roles" namespaced ["v1"] ["v1beta1", "v1alpha1"] [] ALL [];
    "node.k8s.io" "RuntimeClass" "runtimeclasses" cluster ["v1"] ["v1beta1", "v1alpha1"] [] ALL [];
    "" "Secret" "secrets" namespaced ["v1"] [] [] ALL [];
    "authorization.k8s.io" "SelfSubjectAccessReview" "selfsubjectaccessreviews" cluster ["v1"] ["v1beta1"] [] CREATE [];
    "authentication.k8s.io" "SelfSubjectReview" "selfsubjectreviews" cluster ["v1"] ["v1beta1", "v1alpha1"] [] CREATE [];
    "authorization.k8s.io" "SelfSubjectRulesReview" "selfsubjectrulesreviews" cluster ["v1"] ["v1beta1"] [] CREATE [];
    "" "ServiceAccount" "serviceaccounts" namespaced ["v1"] [] ["sa"] ALL [];
    "networking.k8s.io" "ServiceCIDR" "servicecidrs" cluster ["v1"] ["v1beta1", "v1alpha1"] [] ALL [status];
    "" "Service" "services" namespaced ["v1"] [] ["svc"] ALL [status];
    "apps" "StatefulSet" "statefulsets" namespaced ["v1"] ["v1beta2", "v1beta1"] ["sts"] ALL [status generation];
    "storage.k8s.io" "StorageClass" "storageclasses" cluster ["v1"] ["v1beta1"] ["sc"] ALL [];
    "storagemigration.k8s.io" "StorageVersionMigration" "storageversionmigrations" cluster [] ["v1beta1", "v1alpha1"] [] ALL [status];
    "internal.apiserver.k8s.io" "StorageVersion" "storageversions" cluster [] ["v1alpha1"] [] ALL [];
    "authorization.k8s.io" "SubjectAccessReview" "subjectaccessreviews" cluster ["v1"] ["v1beta1"] [] CREATE [];
    "authentication.k8s.io" "TokenReview" "tokenreviews" cluster ["v1"] ["v1beta1"] [] CREATE [];
    "admissionregistration.k8s.io" "ValidatingAdmissionPolicy" "validatingadmissionpolicies" cluster ["v1"] ["v1beta1", "v1alpha1"] [] ALL [status generation];
    "admissionregistration.k8s.io" "ValidatingAdmissionPolicyBinding" "validatingadmissionpolicybindings" cluster ["v1"] ["v1beta1", "v1alpha1"] [] ALL [generation];
    "admissionregistration.k8s.io" "ValidatingWebhookConfiguration" "validatingwebhookconfigurations" cluster ["v1"] ["v1beta1"] [] ALL [generation];
    "storage.k8s.io" "VolumeAttachment" "volumeattachments" cluster ["v1"] ["v1beta1", "v1alpha1"] [] ALL [status];
    "storage.k8s.io" "VolumeAttributesClass" "volumeattributesclasses" cluster ["v1"] ["v1beta1", "v1alpha1"] ["vac"] ALL [];
    "scheduling.k8s.io" "Workload" "workloads" namespaced [] ["v1alpha2", "v1alpha1"] [] ALL [];

};

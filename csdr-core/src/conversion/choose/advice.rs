//! Kinds that nothing is made into, and what to do instead. Source: api-versions.md sections 0.9, 1.3, 2.7, 2.11, 6.

use crate::model::Tree;

/// Groups of computed views: served, never stored.
pub(super) fn is_computed(group: &str) -> bool {
    matches!(
        group,
        "metrics.k8s.io" | "custom.metrics.k8s.io" | "external.metrics.k8s.io"
    )
}

/// Groups that an API server of their own brings, not a CustomResourceDefinition.
pub(super) fn is_aggregated(group: &str) -> bool {
    // Calico's and OLM's servers, KubeVirt's subresources; OpenShift's API server brings these groups, its other ones are definitions.
    const GROUPS: [&str; 13] = [
        "packages.operators.coreos.com",
        "projectcalico.org",
        "subresources.kubevirt.io",
        "apps.openshift.io",
        "authorization.openshift.io",
        "build.openshift.io",
        "image.openshift.io",
        "oauth.openshift.io",
        "project.openshift.io",
        "quota.openshift.io",
        "route.openshift.io",
        "template.openshift.io",
        "user.openshift.io",
    ];
    GROUPS.contains(&group)
}

/// Versions of custom kinds that are known to be identical. Source: api-versions.md section 2.15.
pub(super) fn is_same(group: &str, version: &str) -> bool {
    group == "snapshot.storage.k8s.io" && matches!(version, "v1" | "v1beta1")
}

/// What makes the objects of a kind, for kinds that only the cluster itself makes.
pub(in crate::conversion) fn made_by_cluster(group: &str, kind: &str) -> Option<&'static str> {
    Some(match (group, kind) {
        ("" | "events.k8s.io", "Event") => "an event tells of the old cluster only",
        ("certificates.k8s.io", "CertificateSigningRequest") => {
            "it is a request for one certificate, made to the authority of its own cluster; whoever needs one asks again"
        }
        ("certificates.k8s.io", "PodCertificateRequest") => {
            "the kubelet asks for the certificates of its pods"
        }
        ("coordination.k8s.io", "Lease" | "LeaseCandidate") => {
            "who takes part in an election or sends heartbeats writes it anew"
        }
        ("networking.k8s.io", "IPAddress") => {
            "the API server writes it when it allocates an address"
        }
        ("storage.k8s.io", "VolumeAttachment") => {
            "the attach-detach controller writes it when a pod needs the volume"
        }
        ("storage.k8s.io", "CSINode") => "the kubelet writes it when a driver registers",
        ("storage.k8s.io", "CSIStorageCapacity") => "the driver's provisioner publishes it",
        ("resource.k8s.io", "ResourceSlice") => "the driver publishes its devices",
        ("resource.k8s.io", "ResourcePoolStatusRequest") => "it holds a request for once",
        ("storagemigration.k8s.io", "StorageVersionMigration") => {
            "it is a task that was done once; make a new one where stored objects are to be rewritten"
        }
        ("internal.apiserver.k8s.io", "StorageVersion") => "API servers publish what they store",
        _ => return None,
    })
}

/// As [`made_by_cluster`], for kinds of which the cluster makes some objects. Slices are told by the second stage, as they would do
/// harm in any version.
pub(crate) fn made_by_cluster_object(
    group: &str,
    kind: &str,
    object: &Tree,
) -> Option<&'static str> {
    match (group, kind) {
        ("resource.k8s.io", "ResourceClaim") => {
            let of_pod = "resource.kubernetes.io/pod-claim-name";
            object
                .text_at(&["metadata", "annotations", of_pod])
                .map(|_| "a controller makes the claims of each pod from its template")
        }
        _ => None,
    }
}

/// What to do where a kind was removed and nothing took its place.
pub(super) fn instead_of(group: &str, kind: &str) -> &'static str {
    match (group, kind) {
        ("policy" | "extensions", "PodSecurityPolicy") => {
            "set the Pod Security admission labels pod-security.kubernetes.io/enforce, audit and warn (privileged, baseline or \
             restricted) on each namespace; defaults that the policy wrote into pods have to be written into their templates"
        }
        ("settings.k8s.io", "PodPreset") => {
            "write what it injected into the pod templates, or use a mutating webhook or MutatingAdmissionPolicy"
        }
        ("auditregistration.k8s.io", "AuditSink") => {
            "configure the audit webhook of the API server: --audit-webhook-config-file and --audit-policy-file"
        }
        ("networking.k8s.io", "ClusterCIDR") => {
            "configure the pod address ranges of the nodes in the network plugin or with --cluster-cidr"
        }
        ("resource.k8s.io", "PodScheduling" | "PodSchedulingContext") => {
            "the scheduler allocates devices by itself since 1.32; nothing has to be made"
        }
        ("resource.k8s.io", "ResourceClass" | "ResourceClassParameters") => {
            "the driver's DeviceClass of resource.k8s.io/v1 takes its place; install the driver's present version"
        }
        ("resource.k8s.io", "ResourceClaimParameters") => {
            "write its parameters into the configuration of a ResourceClaim of resource.k8s.io/v1"
        }
        ("resource.k8s.io", "ResourceClaim" | "ResourceClaimTemplate") => {
            "nothing converts claims from before 1.31; write the request anew for resource.k8s.io/v1, with a DeviceClass of the driver"
        }
        ("scheduling.k8s.io", "Workload" | "PodGroup" | "CompositePodGroup") => {
            "each release changed this alpha kind without a conversion; write it anew in the version that the target serves"
        }
        _ => "nothing takes its place",
    }
}

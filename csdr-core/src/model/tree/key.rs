//! Keys of objects. The names that most objects have are not copied: there is one text for each of them.

use std::fmt;

/// One key of an object.
#[derive(Clone)]
pub(super) enum Key {
    Known(&'static str),
    Other(Box<str>),
}

impl Key {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Known(name) => name,
            Self::Other(name) => name,
        }
    }
}

impl From<&str> for Key {
    fn from(name: &str) -> Self {
        known(name).map_or_else(|| Self::Other(name.into()), Self::Known)
    }
}

impl From<String> for Key {
    fn from(name: String) -> Self {
        known(&name).map_or_else(|| Self::Other(name.into()), Self::Known)
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        match key {
            Key::Known(name) => name.to_owned(),
            Key::Other(name) => name.into(),
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Key {}

impl std::hash::Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl std::borrow::Borrow<str> for Key {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// The one text of a name that most objects have.
fn known(name: &str) -> Option<&'static str> {
    let mut slot = slot_of(name.as_bytes())?;
    loop {
        let number = usize::from(*SLOTS.get(slot)?).checked_sub(1)?;
        let found = NAMES.get(number)?;
        if *found == name {
            return Some(found);
        }
        slot = (slot + 1) % SIZE;
    }
}

const SIZE: usize = 1024;

/// Where a name is looked for first: told from its length and three of its letters.
const fn slot_of(name: &[u8]) -> Option<usize> {
    let (Some(first), Some(last)) = (name.first(), name.last()) else {
        return None;
    };
    let letters = [*first, name[name.len() / 2], *last, name.len() as u8];
    Some((u32::from_le_bytes(letters).wrapping_mul(0x9E37_79B1) >> 22) as usize)
}

/// For each slot the number of its name from 1 on, or 0. Names of one slot lie one behind the other; most slots are free, so that
/// no search is long.
static SLOTS: [u16; SIZE] = {
    let mut slots = [0; SIZE];
    let mut number = 0;
    while number < NAMES.len() {
        if let Some(mut slot) = slot_of(NAMES[number].as_bytes()) {
            while slots[slot] != 0 {
                slot = (slot + 1) % SIZE;
            }
            slots[slot] = number as u16 + 1;
        }
        number += 1;
    }
    slots
};

/// Fields of metadata, pods and workloads, Services, Ingresses, RBAC and volumes, with the labels that most of them carry. A name that is
/// missing here costs an allocation more.
#[rustfmt::skip]
const NAMES: &[&str] = &[
    "accessModes", "add", "affinity", "allowPrivilegeEscalation", "allowVolumeExpansion",
    "annotations", "apiGroup", "apiGroups", "apiVersion", "app", "app.kubernetes.io/component",
    "app.kubernetes.io/instance", "app.kubernetes.io/managed-by", "app.kubernetes.io/name",
    "app.kubernetes.io/part-of", "app.kubernetes.io/version", "appProtocol", "args",
    "automountServiceAccountToken", "availableReplicas", "backend", "backoffLimit", "binaryData",
    "blockOwnerDeletion", "capabilities", "capacity", "claimName", "clusterIP", "clusterIPs",
    "collisionCount", "command", "completions", "concurrencyPolicy", "conditions", "configMap",
    "configMapKeyRef", "configMapRef", "containerID", "containerPort", "containerStatuses",
    "containers", "controller", "cpu", "creationTimestamp", "currentReplicas", "data",
    "defaultBackend", "defaultMode", "deletionGracePeriodSeconds", "deletionTimestamp",
    "deployment.kubernetes.io/revision", "divisor", "dnsPolicy", "downwardAPI", "drop", "effect",
    "emptyDir", "enableServiceLinks", "env", "envFrom", "exec", "exitCode", "expirationSeconds",
    "externalIPs", "externalName", "externalTrafficPolicy", "failureThreshold", "fieldPath",
    "fieldRef", "fieldsType", "fieldsV1", "finalizers", "finishedAt", "fsGroup", "generateName",
    "generation", "grpc", "helm.sh/chart", "host", "hostIP", "hostIPC", "hostIPs", "hostNetwork",
    "hostPID", "hostPath", "hostPort", "hostname", "hosts", "http", "httpGet", "httpHeaders",
    "image", "imageID", "imagePullPolicy", "imagePullSecrets", "immutable", "ingress",
    "ingressClassName", "initContainers", "initialDelaySeconds", "internalTrafficPolicy", "ip",
    "ipFamilies", "ipFamilyPolicy", "items", "jobTemplate", "key", "kind",
    "kubectl.kubernetes.io/last-applied-configuration", "kubernetes.io/metadata.name",
    "labelSelector", "labels", "lastProbeTime", "lastState", "lastTransitionTime", "lastUpdateTime",
    "lifecycle", "limits", "livenessProbe", "loadBalancer", "managedFields", "manager",
    "matchExpressions", "matchLabels", "maxReplicas", "maxSurge", "maxUnavailable", "medium",
    "memory", "message", "metadata", "metrics", "minReadySeconds", "minReplicas", "mode",
    "mountPath", "name", "namespace", "nodeAffinity", "nodeName", "nodePort", "nodeSelector",
    "nodeSelectorTerms", "number", "observedGeneration", "operation", "operator", "optional",
    "ownerReferences", "parallelism", "parameters", "partition", "path", "pathType", "paths",
    "paused", "periodSeconds", "persistentVolumeClaim", "phase", "pod-template-hash", "podAffinity",
    "podAntiAffinity", "podIP", "podIPs", "podManagementPolicy", "port", "ports", "postStart",
    "preStop", "preemptionPolicy", "preference", "preferredDuringSchedulingIgnoredDuringExecution",
    "prefix", "priority", "priorityClassName", "privileged", "progressDeadlineSeconds", "projected",
    "protocol", "provisioner", "publishNotReadyAddresses", "qosClass", "readOnly",
    "readOnlyRootFilesystem", "readinessProbe", "ready", "readyReplicas", "reason", "reclaimPolicy",
    "replicas", "requests", "requiredDuringSchedulingIgnoredDuringExecution", "resource",
    "resourceFieldRef", "resourceNames", "resourceVersion", "resources", "restartCount",
    "restartPolicy", "revisionHistoryLimit", "roleRef", "rollingUpdate", "rules", "runAsGroup",
    "runAsNonRoot", "runAsUser", "running", "scaleTargetRef", "schedule", "schedulerName", "scheme",
    "seccompProfile", "secret", "secretKeyRef", "secretName", "secretRef", "securityContext",
    "selector", "selfLink", "service", "serviceAccount", "serviceAccountName",
    "serviceAccountToken", "serviceName", "servicePort", "sessionAffinity", "sizeLimit", "sources",
    "spec", "startTime", "started", "startedAt", "startupProbe", "state", "status", "storage",
    "storageClassName", "strategy", "stringData", "subPath", "subjects", "subresource",
    "successThreshold", "suspend", "targetPort", "tcpSocket", "template", "terminated",
    "terminationGracePeriodSeconds", "terminationMessagePath", "terminationMessagePolicy", "time",
    "timeoutSeconds", "tls", "tolerationSeconds", "tolerations", "topologyKey",
    "topologySpreadConstraints", "type", "uid", "updateStrategy", "updatedReplicas", "value",
    "valueFrom", "values", "verbs", "volumeBindingMode", "volumeClaimTemplates", "volumeMode",
    "volumeMounts", "volumeName", "volumes", "waiting", "weight",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_are_found_and_others_are_not() {
        assert!(NAMES.is_sorted_by(|one, next| one < next));
        for name in NAMES {
            assert!(matches!(Key::from(*name), Key::Known(known) if known == *name), "{name}");
            for other in [format!("{name}x"), format!("x{name}"), name.to_uppercase()] {
                if !NAMES.contains(&other.as_str()) {
                    assert!(matches!(Key::from(other.as_str()), Key::Other(_)), "{other}");
                    assert_eq!(Key::from(other.as_str()), Key::from(other.clone()));
                    assert_eq!(String::from(Key::from(other.as_str())), other);
                }
            }
            assert_eq!(String::from(Key::from((*name).to_owned())), *name);
        }
        assert!(matches!(Key::from(""), Key::Other(_)));
        // An empty slot is never far: no key, whoever wrote it, is searched for long.
        let around = SLOTS.iter().chain(&SLOTS);
        let longest = around.fold((0, 0), |(run, longest), number| {
            let run = if *number == 0 { 0 } else { run + 1 };
            (run, longest.max(run))
        });
        assert!(longest.1 < 16, "{longest:?}");
    }
}

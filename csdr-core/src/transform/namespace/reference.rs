//! The fields that name a namespace, kind by kind.

use super::{NamespaceMapping, text};
use crate::{conversion::draft::Node, transform::TransformItem};

/// The label that every namespace has with its own name. Source: Kubernetes 1.21.
pub(super) const LABEL: &str = "kubernetes.io/metadata.name";

/// References of a PersistentVolume's drivers to Secrets, each with a `namespace`.
const SECRET_REFS: [&[&str]; 11] = [
    &["spec", "csi", "controllerPublishSecretRef"],
    &["spec", "csi", "nodeStageSecretRef"],
    &["spec", "csi", "nodePublishSecretRef"],
    &["spec", "csi", "controllerExpandSecretRef"],
    &["spec", "csi", "nodeExpandSecretRef"],
    &["spec", "cephfs", "secretRef"],
    &["spec", "flexVolume", "secretRef"],
    &["spec", "iscsi", "secretRef"],
    &["spec", "rbd", "secretRef"],
    &["spec", "scaleIO", "secretRef"],
    &["spec", "storageos", "secretRef"],
];

/// Annotations that hold the namespace of a Secret. Source: external-provisioner and external-snapshotter.
const SECRET_ANNOTATIONS: [&str; 2] = [
    "volume.kubernetes.io/provisioner-deletion-secret-namespace",
    "snapshot.storage.kubernetes.io/deletion-secret-namespace",
];

/// Rewrites every reference of one object.
pub(super) fn rewrite(mapping: &NamespaceMapping, item: &mut TransformItem<'_>) {
    let (group, resource) = item.kind();
    let (group, resource) = (group.to_owned(), resource.to_owned());
    let writer = Writer { mapping };
    let root = &mut item.node();
    match (group.as_str(), resource.as_str()) {
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") => {
            root.each(&["subjects"], |subject| writer.subject(subject));
        }
        ("rbac.authorization.k8s.io", "roles" | "clusterroles") => {
            root.each(&["rules"], |rule| writer.names_of_namespaces(rule));
        }
        ("flowcontrol.apiserver.k8s.io", "flowschemas") => writer.flow_schema(root),
        ("networking.k8s.io" | "extensions", "networkpolicies") => {
            for (rules, peers) in [("ingress", "from"), ("egress", "to")] {
                root.each(&["spec", rules], |rule| {
                    rule.each(&[peers], |peer| {
                        writer.selector(peer, &["namespaceSelector"])
                    });
                });
            }
        }
        (
            "admissionregistration.k8s.io",
            "mutatingwebhookconfigurations" | "validatingwebhookconfigurations",
        ) => root.each(&["webhooks"], |hook| {
            writer.name(hook, &["clientConfig", "service", "namespace"]);
            writer.selector(hook, &["namespaceSelector"]);
        }),
        ("admissionregistration.k8s.io", _) => {
            writer.selector(root, &["spec", "matchConstraints", "namespaceSelector"]);
            writer.selector(root, &["spec", "matchResources", "namespaceSelector"]);
            writer.name(root, &["spec", "paramRef", "namespace"]);
        }
        ("apiregistration.k8s.io", "apiservices") => {
            writer.name(root, &["spec", "service", "namespace"]);
        }
        ("apiextensions.k8s.io", "customresourcedefinitions") => {
            let conversion = ["spec", "conversion"];
            root.at(&conversion, |conversion| {
                let service = ["clientConfig", "service", "namespace"];
                conversion.at(&["webhook"], |hook| writer.name(hook, &service));
                writer.name(conversion, &["webhookClientConfig", "service", "namespace"]);
            });
        }
        ("", "services") => {
            let name = root.text(&["spec", "externalName"]);
            if let Some(host) = name.and_then(|name| text::host(mapping, name)) {
                root.set(&["spec", "externalName"], host, REASON);
            }
        }
        ("", "persistentvolumes") => writer.volume(root),
        ("", "persistentvolumeclaims") => writer.name(root, DATA_SOURCE),
        ("", "endpoints") => root.each(&["subsets"], |subset| {
            for addresses in ["addresses", "notReadyAddresses"] {
                subset.each(&[addresses], |address| {
                    writer.name(address, &["targetRef", "namespace"]);
                });
            }
        }),
        ("discovery.k8s.io", "endpointslices") => root.each(&["endpoints"], |endpoint| {
            writer.name(endpoint, &["targetRef", "namespace"]);
        }),
        (
            "storage.k8s.io" | "snapshot.storage.k8s.io" | "groupsnapshot.storage.k8s.io",
            "storageclasses" | "volumesnapshotclasses" | "volumegroupsnapshotclasses",
        ) => writer.parameters(root),
        ("snapshot.storage.k8s.io", "volumesnapshotcontents") => {
            writer.name(root, &["spec", "volumeSnapshotRef", "namespace"]);
            writer.annotations(root);
        }
        ("groupsnapshot.storage.k8s.io", "volumegroupsnapshotcontents") => {
            writer.name(root, &["spec", "volumeGroupSnapshotRef", "namespace"]);
            writer.annotations(root);
        }
        ("networking.k8s.io" | "extensions", "ingressclasses") => {
            writer.name(root, &["spec", "parameters", "namespace"]);
        }
        ("gateway.networking.k8s.io", kind) => writer.gateway(root, kind),
        (group, resource) => {
            if let Some(path) = pod_spec(group, resource) {
                root.at(path, |pod| writer.pod(pod));
            }
            root.each(&["spec", "volumeClaimTemplates"], |claim| {
                // Only a StatefulSet's are ours: a custom kind may call anything so.
                if (group, resource) == ("apps", "statefulsets") {
                    writer.name(claim, DATA_SOURCE);
                }
            });
        }
    }
}

const REASON: &str = "the namespace is mapped";
const DATA_SOURCE: &[&str] = &["spec", "dataSourceRef", "namespace"];

/// Where a kind holds the specification of pods.
fn pod_spec(group: &str, resource: &str) -> Option<&'static [&'static str]> {
    Some(match (group, resource) {
        ("", "pods") => &["spec"],
        ("", "podtemplates") => &["template", "spec"],
        ("batch", "cronjobs") => &["spec", "jobTemplate", "spec", "template", "spec"],
        ("", "replicationcontrollers")
        | ("apps" | "extensions", "deployments" | "daemonsets" | "replicasets" | "statefulsets")
        | ("batch", "jobs") => &["spec", "template", "spec"],
        _ => return None,
    })
}

struct Writer<'a> {
    mapping: &'a NamespaceMapping,
}

impl Writer<'_> {
    /// A field that holds the name of a namespace.
    fn name(&self, node: &mut Node<'_>, path: &[&str]) {
        if let Some(to) = node.text(path).and_then(|name| self.mapping.of(name)) {
            node.set(path, to, REASON);
        }
    }

    /// A list of names of namespaces.
    fn names(&self, node: &mut Node<'_>, path: &[&str]) {
        node.each(path, |name| self.name(name, &[]));
    }

    /// A selector of namespaces by their labels.
    fn selector(&self, node: &mut Node<'_>, path: &[&str]) {
        node.at(path, |selector| {
            self.name(selector, &["matchLabels", LABEL]);
            selector.each(&["matchExpressions"], |requirement| {
                if requirement.text(&["key"]) == Some(LABEL) {
                    self.names(requirement, &["values"]);
                }
            });
        });
    }

    /// A user or group by its name.
    fn account(&self, node: &mut Node<'_>, path: &[&str]) {
        let name = node.text(path);
        if let Some(to) = name.and_then(|name| text::subject(self.mapping, name)) {
            node.set(path, to, REASON);
        }
    }

    fn subject(&self, subject: &mut Node<'_>) {
        match subject.text(&["kind"]) {
            Some("ServiceAccount") => self.name(subject, &["namespace"]),
            Some("User" | "Group") => self.account(subject, &["name"]),
            _ => {}
        }
    }

    fn flow_schema(&self, root: &mut Node<'_>) {
        root.each(&["spec", "rules"], |rule| {
            rule.each(&["subjects"], |subject| {
                self.name(subject, &["serviceAccount", "namespace"]);
                self.account(subject, &["user", "name"]);
                self.account(subject, &["group", "name"]);
            });
            rule.each(&["resourceRules"], |rule| self.names(rule, &["namespaces"]));
        });
    }

    /// A rule whose names can only be those of namespaces.
    fn names_of_namespaces(&self, rule: &mut Node<'_>) {
        let texts = |path: &[&str]| -> Vec<String> {
            let items = rule.get(path).and_then(|list| list.as_array());
            let texts = items.unwrap_or_default().iter();
            texts
                .filter_map(|item| item.as_str().map(str::to_owned))
                .collect()
        };
        let of_namespaces =
            |resource: &String| resource == "namespaces" || resource.starts_with("namespaces/");
        let (groups, resources) = (texts(&["apiGroups"]), texts(&["resources"]));
        if groups == [""] && !resources.is_empty() && resources.iter().all(of_namespaces) {
            self.names(rule, &["resourceNames"]);
        }
    }

    fn volume(&self, root: &mut Node<'_>) {
        self.name(root, &["spec", "claimRef", "namespace"]);
        for reference in SECRET_REFS {
            root.at(reference, |secret| self.name(secret, &["namespace"]));
        }
        self.name(root, &["spec", "azureFile", "secretNamespace"]);
        self.name(root, &["spec", "glusterfs", "endpointsNamespace"]);
        self.annotations(root);
    }

    fn annotations(&self, root: &mut Node<'_>) {
        for annotation in SECRET_ANNOTATIONS {
            self.name(root, &["metadata", "annotations", annotation]);
        }
    }

    /// `csi.storage.k8s.io/node-stage-secret-namespace`, `adminSecretNamespace`: a template such as `${pvc.namespace}` is no name.
    fn parameters(&self, root: &mut Node<'_>) {
        root.entries(&["parameters"], |key, value| {
            let key = key.to_ascii_lowercase();
            if key.ends_with("secret-namespace") || key.ends_with("secretnamespace") {
                self.name(value, &[]);
            }
        });
    }

    fn pod(&self, pod: &mut Node<'_>) {
        for affinity in ["podAffinity", "podAntiAffinity"] {
            pod.at(&["affinity", affinity], |affinity| {
                affinity.each(
                    &["requiredDuringSchedulingIgnoredDuringExecution"],
                    |term| {
                        self.affinity(term);
                    },
                );
                affinity.each(
                    &["preferredDuringSchedulingIgnoredDuringExecution"],
                    |term| {
                        term.at(&["podAffinityTerm"], |term| self.affinity(term));
                    },
                );
            });
        }
        pod.each(&["volumes"], |volume| {
            volume.at(&["ephemeral", "volumeClaimTemplate"], |claim| {
                self.name(claim, DATA_SOURCE);
            });
        });
    }

    fn affinity(&self, term: &mut Node<'_>) {
        self.names(term, &["namespaces"]);
        self.selector(term, &["namespaceSelector"]);
    }

    fn gateway(&self, root: &mut Node<'_>, kind: &str) {
        match kind {
            "gateways" => root.each(&["spec", "listeners"], |listener| {
                listener.each(&["tls", "certificateRefs"], |secret| {
                    self.name(secret, &["namespace"]);
                });
                self.selector(listener, &["allowedRoutes", "namespaces", "selector"]);
            }),
            "gatewayclasses" => self.name(root, &["spec", "parametersRef", "namespace"]),
            "referencegrants" => root.each(&["spec", "from"], |from| {
                self.name(from, &["namespace"]);
            }),
            _ => {
                root.each(&["spec", "parentRefs"], |parent| {
                    self.name(parent, &["namespace"]);
                });
                root.each(&["spec", "rules"], |rule| {
                    self.mirrors(rule);
                    rule.each(&["backendRefs"], |backend| {
                        self.name(backend, &["namespace"]);
                        self.mirrors(backend);
                    });
                });
            }
        }
    }

    fn mirrors(&self, node: &mut Node<'_>) {
        node.each(&["filters"], |filter| {
            self.name(filter, &["requestMirror", "backendRef", "namespace"]);
        });
    }
}

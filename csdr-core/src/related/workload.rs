//! Pods and what is made into pods.

use super::{Interest, Reach, Related};
use crate::{
    Result,
    model::{GroupResource, Object, Tree},
    port::ItemAction,
};

/// A pod needs its claims (also those of ephemeral volumes), its service account and its priority class.
///
/// Source: Velero's `pod` action takes claims and priority class (velero.md section 2.7).
#[derive(Clone, Copy, Debug, Default)]
pub struct Pods;

/// A pod needs the ConfigMaps and Secrets that its volumes, containers and image pulls name, and its runtime class.
#[derive(Clone, Copy, Debug, Default)]
pub struct Configuration;

/// A workload with a template of pods needs what its pods will need. Claims of a StatefulSet's own templates are made by its
/// controller: it needs those of the replicas that it has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Templates;

impl ItemAction for Pods {
    fn name(&self) -> &str {
        "pods"
    }

    fn interest(&self, resource: &GroupResource) -> Interest {
        captured_if(is(resource, "", "pods"), Reach::Anywhere)
    }

    fn related(&self, object: &Object) -> Result<Vec<Related>> {
        let Some(namespace) = namespace_of(object, "", &["pods"]) else {
            return Ok(Vec::new());
        };
        let tree = object.tree()?;
        let mut found = Vec::new();
        if let Some(spec) = tree.at(&["spec"]) {
            claims(spec, namespace, Some(object.id().name()), &mut found);
            account_and_classes(spec, namespace, &mut found);
        }
        Ok(found)
    }
}

impl ItemAction for Configuration {
    fn name(&self) -> &str {
        "configuration of pods"
    }

    fn interest(&self, resource: &GroupResource) -> Interest {
        captured_if(is(resource, "", "pods"), Reach::Namespace)
    }

    fn related(&self, object: &Object) -> Result<Vec<Related>> {
        let Some(namespace) = namespace_of(object, "", &["pods"]) else {
            return Ok(Vec::new());
        };
        let tree = object.tree()?;
        let mut found = Vec::new();
        if let Some(spec) = tree.at(&["spec"]) {
            configuration(spec, namespace, &mut found);
        }
        Ok(found)
    }
}

/// Group, resource and path of the pod's spec. Older groups have the same templates.
const TEMPLATES: [(&str, &str, &[&str]); 10] = [
    ("apps", "deployments", &["spec", "template", "spec"]),
    ("apps", "daemonsets", &["spec", "template", "spec"]),
    ("apps", "replicasets", &["spec", "template", "spec"]),
    ("apps", "statefulsets", &["spec", "template", "spec"]),
    ("extensions", "deployments", &["spec", "template", "spec"]),
    ("extensions", "daemonsets", &["spec", "template", "spec"]),
    ("extensions", "replicasets", &["spec", "template", "spec"]),
    ("", "replicationcontrollers", &["spec", "template", "spec"]),
    ("batch", "jobs", &["spec", "template", "spec"]),
    (
        "batch",
        "cronjobs",
        &["spec", "jobTemplate", "spec", "template", "spec"],
    ),
];

/// More claims than a StatefulSet has replicas in practice.
const MOST_REPLICAS: i64 = 10_000;

impl ItemAction for Templates {
    fn name(&self) -> &str {
        "templates of pods"
    }

    fn interest(&self, resource: &GroupResource) -> Interest {
        captured_if(template_path(resource).is_some(), Reach::Anywhere)
    }

    fn related(&self, object: &Object) -> Result<Vec<Related>> {
        let (Some(path), Some(namespace)) = (
            template_path(object.id().resource()),
            object.id().namespace(),
        ) else {
            return Ok(Vec::new());
        };
        let tree = object.tree()?;
        let mut found = Vec::new();
        if let Some(spec) = tree.at(path) {
            claims(spec, namespace, None, &mut found);
            account_and_classes(spec, namespace, &mut found);
            configuration(spec, namespace, &mut found);
        }
        if object.id().resource().resource() == "statefulsets" {
            let replicas = tree.at(&["spec", "replicas"]).and_then(Tree::as_i64);
            let start = tree
                .at(&["spec", "ordinals", "start"])
                .and_then(Tree::as_i64);
            let start = start.unwrap_or(0).max(0);
            let replicas = replicas.unwrap_or(1).clamp(0, MOST_REPLICAS);
            for template in items(tree.at(&["spec", "volumeClaimTemplates"])) {
                let Some(claim) = template.text_at(&["metadata", "name"]) else {
                    continue;
                };
                found.extend(
                    (start..start.saturating_add(replicas)).filter_map(|ordinal| {
                        let name = format!("{claim}-{}-{ordinal}", object.id().name());
                        Related::needs("persistentvolumeclaims", Some(namespace), &name)
                    }),
                );
            }
        }
        Ok(found)
    }
}

fn template_path(resource: &GroupResource) -> Option<&'static [&'static str]> {
    TEMPLATES
        .iter()
        .find(|(group, plural, _)| is(resource, group, plural))
        .map(|(_, _, path)| *path)
}

/// Claims that a pod's volumes name. An ephemeral volume's claim is called after pod and volume.
fn claims(spec: &Tree, namespace: &str, pod: Option<&str>, found: &mut Vec<Related>) {
    let mut claim = |name: &str| {
        found.extend(Related::needs(
            "persistentvolumeclaims",
            Some(namespace),
            name,
        ));
    };
    for volume in items(spec.at(&["volumes"])) {
        if let Some(name) = volume.text_at(&["persistentVolumeClaim", "claimName"]) {
            claim(name);
        }
        let ephemeral = volume.at(&["ephemeral"]).filter(|value| !value.is_null());
        if let (Some(pod), Some(_), Some(name)) = (pod, ephemeral, volume.text_at(&["name"])) {
            claim(&format!("{pod}-{name}"));
        }
    }
}

fn account_and_classes(spec: &Tree, namespace: &str, found: &mut Vec<Related>) {
    let account = spec
        .text_at(&["serviceAccountName"])
        .or_else(|| spec.text_at(&["serviceAccount"]));
    if let Some(account) = account {
        found.extend(Related::needs("serviceaccounts", Some(namespace), account));
    }
    if let Some(class) = spec.text_at(&["priorityClassName"]) {
        found.extend(Related::needs(
            "priorityclasses.scheduling.k8s.io",
            None,
            class,
        ));
    }
    if let Some(class) = spec.text_at(&["runtimeClassName"]) {
        found.extend(Related::needs("runtimeclasses.node.k8s.io", None, class));
    }
}

/// Fields of a volume that name a Secret: of the pod's own namespace.
const VOLUME_SECRETS: [&[&str]; 10] = [
    &["secret", "secretName"],
    &["azureFile", "secretName"],
    &["csi", "nodePublishSecretRef", "name"],
    &["flexVolume", "secretRef", "name"],
    &["cephfs", "secretRef", "name"],
    &["cinder", "secretRef", "name"],
    &["iscsi", "secretRef", "name"],
    &["rbd", "secretRef", "name"],
    &["scaleIO", "secretRef", "name"],
    &["storageos", "secretRef", "name"],
];

fn configuration(spec: &Tree, namespace: &str, found: &mut Vec<Related>) {
    let mut need = |resource: &str, name: Option<&str>| {
        let one = name.and_then(|name| Related::needs(resource, Some(namespace), name));
        found.extend(one);
    };
    for secret in items(spec.at(&["imagePullSecrets"])) {
        need("secrets", secret.text_at(&["name"]));
    }
    for volume in items(spec.at(&["volumes"])) {
        need("configmaps", volume.text_at(&["configMap", "name"]));
        for path in VOLUME_SECRETS {
            need("secrets", volume.text_at(path));
        }
        for source in items(volume.at(&["projected", "sources"])) {
            need("configmaps", source.text_at(&["configMap", "name"]));
            need("secrets", source.text_at(&["secret", "name"]));
        }
    }
    for list in ["initContainers", "containers"] {
        for container in items(spec.at(&[list])) {
            for source in items(container.at(&["envFrom"])) {
                need("configmaps", source.text_at(&["configMapRef", "name"]));
                need("secrets", source.text_at(&["secretRef", "name"]));
            }
            for variable in items(container.at(&["env"])) {
                let name = |field| variable.text_at(&["valueFrom", field, "name"]);
                need("configmaps", name("configMapKeyRef"));
                need("secrets", name("secretKeyRef"));
            }
        }
    }
}

pub(super) fn items(list: Option<&Tree>) -> &[Tree] {
    list.and_then(Tree::as_array).unwrap_or_default()
}

pub(super) fn is(resource: &GroupResource, group: &str, plural: &str) -> bool {
    resource.group() == group && resource.resource() == plural
}

pub(super) fn captured_if(wanted: bool, reach: Reach) -> Interest {
    if wanted {
        Interest::Captured(reach)
    } else {
        Interest::None
    }
}

/// The namespace of an object of one of these resources; none of any other object.
pub(super) fn namespace_of<'a>(
    object: &'a Object,
    group: &str,
    plurals: &[&str],
) -> Option<&'a str> {
    let resource = object.id().resource();
    let own = resource.group() == group && plurals.contains(&resource.resource());
    object.id().namespace().filter(|_| own)
}

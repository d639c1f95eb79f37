//! Objects as a backup holds them: what a server lists, with everything that it writes by itself.
//!
//! Their bodies are those of the [`Workload`]. A server adds defaults, an identity and `managedFields`, which are a third of many an
//! object; and most people's manifests went through `kubectl apply`, which leaves them in an annotation once more.

use crate::{
    Result,
    workload::{Random, Workload},
};
use csdr_core::model::{GroupVersionKind, Object};
use serde_json::{Map, Value, json};

/// How many objects of each kind are among forty.
const KINDS: [(usize, &str); 7] = [
    (20, "configmaps"),
    (6, "secrets"),
    (4, "services"),
    (4, "deployments.apps"),
    (3, "roles.rbac.authorization.k8s.io"),
    (3, "rolebindings.rbac.authorization.k8s.io"),
    (8, "pods"),
];

/// Objects that Kubernetes 1.36 takes as they are.
pub(super) fn unchanged(count: usize) -> Result<Vec<Object>> {
    let row: usize = KINDS.iter().map(|(share, _)| share).sum();
    let workload = Workload::new(count, 8);
    (0..count)
        .map(|number| {
            let (mut at, mut resource) = (number % row, "");
            for (share, name) in KINDS {
                if at < share {
                    resource = name;
                    break;
                }
                at -= share;
            }
            let body = match resource {
                // The workload has none: no scheduler runs beside it. These are of its Deployments.
                "pods" => pod(
                    &created(&workload, number / row * 40 + 30 + at % 4)?,
                    number,
                ),
                _ => created(&workload, number / row * 40 + number % row)?,
            };
            // Every second object of a person's came by `kubectl apply`.
            let applied = resource != "pods" && number.is_multiple_of(2);
            listed(resource, with_defaults(body), applied, number)
        })
        .collect()
}

/// Ingresses as Kubernetes 1.21 lists them in `networking.k8s.io/v1beta1`.
pub(super) fn ingresses(count: usize) -> Result<Vec<Object>> {
    (0..count)
        .map(|number| {
            let body = ingress(number);
            let applied = number.is_multiple_of(2);
            listed("ingresses.networking.k8s.io", body, applied, number)
        })
        .collect()
}

fn created(workload: &Workload, number: usize) -> Result<Value> {
    Ok(serde_json::from_str(&workload.object(number).body)?)
}

fn ingress(number: usize) -> Value {
    let mut random = Random::new(number as u64);
    let name = format!("{}-{number:06}", random.word());
    let host = format!("{name}.example.invalid");
    let path = |random: &mut Random, port: Value| {
        json!({
            "path": format!("/{}", random.word()),
            "pathType": "Prefix",
            "backend": { "serviceName": format!("{}-{}", random.word(), random.word()), "servicePort": port },
        })
    };
    let rules: Vec<Value> = (0..2)
        .map(|rule| {
            let paths = [
                path(&mut random, json!(80)),
                path(&mut random, json!("http")),
            ];
            json!({ "host": format!("{}{host}", ["", "www."][rule]), "http": { "paths": paths } })
        })
        .collect();
    json!({
        "apiVersion": "networking.k8s.io/v1beta1",
        "kind": "Ingress",
        "metadata": {
            "name": name,
            "namespace": format!("bench-{}", number / 40 % 8),
            "labels": { "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "bench" },
            "annotations": {
                "nginx.ingress.kubernetes.io/proxy-body-size": "8m",
                "nginx.ingress.kubernetes.io/ssl-redirect": "true",
            },
        },
        "spec": {
            "ingressClassName": "nginx",
            "tls": [{ "hosts": [host, format!("www.{host}")], "secretName": format!("{name}-tls") }],
            "rules": rules,
        },
        "status": { "loadBalancer": { "ingress": [{ "ip": "203.0.113.7" }] } },
    })
}

/// What the server makes explicit.
fn with_defaults(mut object: Value) -> Value {
    if object["kind"] == "Service" {
        let address = "10.96.12.7";
        let spec = &mut object["spec"];
        for (field, value) in [
            ("clusterIP", json!(address)),
            ("clusterIPs", json!([address])),
            ("internalTrafficPolicy", json!("Cluster")),
            ("ipFamilies", json!(["IPv4"])),
            ("ipFamilyPolicy", json!("SingleStack")),
            ("sessionAffinity", json!("None")),
            ("type", json!("ClusterIP")),
        ] {
            spec[field] = value;
        }
        for port in spec["ports"].as_array_mut().into_iter().flatten() {
            port["protocol"] = json!("TCP");
        }
        object["status"] = json!({ "loadBalancer": {} });
    }
    if object["kind"] == "Deployment" {
        let spec = &mut object["spec"];
        spec["progressDeadlineSeconds"] = json!(600);
        spec["revisionHistoryLimit"] = json!(10);
        spec["strategy"] = json!({
            "type": "RollingUpdate",
            "rollingUpdate": { "maxSurge": "25%", "maxUnavailable": "25%" },
        });
        default_pod(&mut spec["template"]["spec"]);
        object["status"] = json!({
            "observedGeneration": 1,
            "conditions": [{
                "type": "Available", "status": "True", "reason": "MinimumReplicasAvailable",
                "message": "Deployment has minimum availability.",
                "lastTransitionTime": "2026-03-01T08:00:07Z", "lastUpdateTime": "2026-03-01T08:00:07Z",
            }],
        });
    }
    object
}

fn default_pod(spec: &mut Value) {
    for (field, value) in [
        ("dnsPolicy", json!("ClusterFirst")),
        ("restartPolicy", json!("Always")),
        ("schedulerName", json!("default-scheduler")),
        ("securityContext", json!({})),
        ("terminationGracePeriodSeconds", json!(30)),
    ] {
        spec[field] = value;
    }
    for container in spec["containers"].as_array_mut().into_iter().flatten() {
        container["imagePullPolicy"] = json!("IfNotPresent");
        container["terminationMessagePath"] = json!("/dev/termination-log");
        container["terminationMessagePolicy"] = json!("File");
        for port in container["ports"].as_array_mut().into_iter().flatten() {
            port["protocol"] = json!("TCP");
        }
        let probe = &mut container["readinessProbe"];
        for (field, value) in [
            ("failureThreshold", 3),
            ("periodSeconds", 10),
            ("successThreshold", 1),
            ("timeoutSeconds", 1),
        ] {
            probe[field] = json!(value);
        }
        probe["httpGet"]["scheme"] = json!("HTTP");
    }
}

/// A running Pod of a Deployment.
fn pod(deployment: &Value, number: usize) -> Value {
    let owner = format!(
        "{}-7c9d8b6f5",
        deployment["metadata"]["name"].as_str().unwrap_or_default()
    );
    let template = &deployment["spec"]["template"];
    let mut spec = template["spec"].clone();
    default_pod(&mut spec);
    let token = "kube-api-access-x7k2p";
    for (field, value) in [
        ("enableServiceLinks", json!(true)),
        ("nodeName", json!(format!("node-{}", number % 12))),
        ("preemptionPolicy", json!("PreemptLowerPriority")),
        ("priority", json!(0)),
        ("serviceAccount", json!("default")),
        ("serviceAccountName", json!("default")),
        (
            "tolerations",
            json!([
                { "effect": "NoExecute", "key": "node.kubernetes.io/not-ready", "operator": "Exists", "tolerationSeconds": 300 },
                { "effect": "NoExecute", "key": "node.kubernetes.io/unreachable", "operator": "Exists", "tolerationSeconds": 300 },
            ]),
        ),
        (
            "volumes",
            json!([{ "name": token, "projected": { "defaultMode": 420, "sources": [
            { "serviceAccountToken": { "expirationSeconds": 3607, "path": "token" } },
            { "configMap": { "name": "kube-root-ca.crt", "items": [{ "key": "ca.crt", "path": "ca.crt" }] } },
            { "downwardAPI": { "items": [
                { "fieldRef": { "apiVersion": "v1", "fieldPath": "metadata.namespace" }, "path": "namespace" },
            ] } },
        ] } }]),
        ),
    ] {
        spec[field] = value;
    }
    spec["containers"][0]["volumeMounts"] = json!([
        { "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "name": token, "readOnly": true },
    ]);
    let time = "2026-03-01T08:00:05Z";
    let conditions: Vec<Value> = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
        .map(|kind| json!({ "type": kind, "status": "True", "observedGeneration": 1, "lastProbeTime": null, "lastTransitionTime": time }))
        .into();
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": format!("{owner}-{number:05}"),
            "generateName": format!("{owner}-"),
            "namespace": deployment["metadata"]["namespace"],
            "labels": template["metadata"]["labels"],
            "ownerReferences": [{
                "apiVersion": "apps/v1", "blockOwnerDeletion": true, "controller": true, "kind": "ReplicaSet", "name": owner, "uid": uid(number + 7),
            }],
        },
        "spec": spec,
        "status": {
            "conditions": conditions,
            "containerStatuses": [{
                "name": "main", "ready": true, "restartCount": 0, "started": true,
                "image": spec["containers"][0]["image"],
                "imageID": "registry.example.invalid/bench/main@sha256:0f3c5a7e9b1d2f4a6c8e0b2d4f6a8c0e2b4d6f8a0c2e4b6d8f0a2c4e6b8d0f2a",
                "containerID": "containerd://5b7d9f1a3c5e7b9d1f3a5c7e9b1d3f5a7c9e1b3d5f7a9c1e3b5d7f9a1c3e5b7d",
                "state": { "running": { "startedAt": time } },
            }],
            "hostIP": "192.0.2.17", "hostIPs": [{ "ip": "192.0.2.17" }],
            "podIP": "10.244.3.25", "podIPs": [{ "ip": "10.244.3.25" }],
            "observedGeneration": 1, "phase": "Running", "qosClass": "Burstable", "startTime": time,
        },
    })
}

/// The object as an item of a list: without its head, which [`Object::from_list_item`] puts in front.
fn listed(resource: &str, mut object: Value, applied: bool, number: usize) -> Result<Object> {
    let by = if applied {
        let mut manifest = object.clone();
        if let Some(members) = manifest.as_object_mut() {
            members.remove("status");
        }
        let annotation = "kubectl.kubernetes.io/last-applied-configuration";
        object["metadata"]["annotations"][annotation] = format!("{manifest}\n").into();
        "kubectl-client-side-apply"
    } else {
        "bench"
    };
    let entries = managed(&object, by);
    let metadata = &mut object["metadata"];
    metadata["uid"] = uid(number);
    metadata["resourceVersion"] = format!("{}", 400_000 + 7 * number).into();
    metadata["creationTimestamp"] = "2026-03-01T08:00:00Z".into();
    metadata["generation"] = 1.into();
    let text = |key: &str| object[key].as_str().unwrap_or_default();
    let kind = GroupVersionKind {
        api_version: text("apiVersion").parse()?,
        kind: text("kind").to_owned(),
    };
    let mut metadata = members(&object["metadata"], &METADATA);
    metadata.push(format!(r#""managedFields":[{}]"#, entries.join(",")));
    let mut item = vec![format!(r#""metadata":{{{}}}"#, metadata.join(","))];
    item.extend(members(&object, &MEMBERS));
    let item = format!("{{{}}}", item.join(","));
    Ok(Object::from_list_item(resource.parse()?, &kind, &item)?)
}

/// The order in which a server writes what stands in an object.
const MEMBERS: [&str; 7] = [
    "data", "type", "spec", "status", "rules", "subjects", "roleRef",
];
const METADATA: [&str; 10] = [
    "name",
    "generateName",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "labels",
    "annotations",
    "ownerReferences",
];

/// The members of an object that it has, in this order.
fn members(object: &Value, keys: &[&str]) -> Vec<String> {
    keys.iter()
        .filter_map(|key| Some(format!("{}:{}", json!(key), object.get(key)?)))
        .collect()
}

fn uid(number: usize) -> Value {
    let mut random = Random::new(number as u64 ^ 0x5bd1_e995);
    let mut digits =
        |length: u32| format!("{:01$x}", random.below(1 << (4 * length)), length as usize);
    format!(
        "{}-{}-4{}-9{}-{}",
        digits(8),
        digits(4),
        digits(3),
        digits(3),
        digits(12)
    )
    .into()
}

/// `managedFields`: who wrote which field. Source: structured-merge-diff's serialization of a set of fields.
fn managed(object: &Value, by: &str) -> Vec<String> {
    let entry = |manager: &str, fields: Value, behind: &str| {
        // In the order of `ManagedFieldsEntry`.
        format!(
            r#"{{"manager":"{manager}","operation":"Update","apiVersion":{},"time":"2026-03-01T08:00:00Z","fieldsType":"FieldsV1","fieldsV1":{fields}{behind}}}"#,
            object["apiVersion"]
        )
    };
    let mut written = Map::new();
    for (key, value) in object.as_object().into_iter().flatten() {
        let fields = match key.as_str() {
            "apiVersion" | "kind" | "status" => continue,
            "metadata" => {
                let mut metadata = value.clone();
                if let Some(members) = metadata.as_object_mut() {
                    members.remove("name");
                    members.remove("namespace");
                }
                owned(key, &metadata)
            }
            _ => owned(key, value),
        };
        written.insert(format!("f:{key}"), fields);
    }
    let mut entries = vec![entry(by, Value::Object(written), "")];
    if let Some(status) = object.get("status") {
        let fields = json!({ "f:status": owned("status", status) });
        entries.push(entry(
            "kube-controller-manager",
            fields,
            r#","subresource":"status""#,
        ));
    }
    entries
}

/// The keys that tell the items of a list apart; a list without any is owned as a whole.
fn keys_of(list: &str) -> &'static [&'static str] {
    match list {
        "containers" | "env" | "volumes" => &["name"],
        "volumeMounts" => &["mountPath"],
        "conditions" => &["type"],
        "podIPs" | "hostIPs" => &["ip"],
        "ownerReferences" => &["uid"],
        "ports" => &["containerPort", "port", "protocol"],
        _ => &[],
    }
}

fn owned(key: &str, value: &Value) -> Value {
    match value {
        Value::Object(members) if key != "selector" => {
            let mut fields = Map::new();
            if !["metadata", "spec", "status", "template"].contains(&key) {
                fields.insert(".".to_owned(), json!({}));
            }
            for (key, value) in members {
                fields.insert(format!("f:{key}"), owned(key, value));
            }
            Value::Object(fields)
        }
        Value::Array(items) if !keys_of(key).is_empty() => {
            let mut fields = Map::new();
            fields.insert(".".to_owned(), json!({}));
            for item in items {
                let names: Map<String, Value> = keys_of(key)
                    .iter()
                    .filter_map(|name| Some(((*name).to_owned(), item.get(*name)?.clone())))
                    .collect();
                fields.insert(format!("k:{}", Value::Object(names)), owned("", item));
            }
            Value::Object(fields)
        }
        _ => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn objects_look_like_those_of_a_server() {
        let mut kinds = BTreeMap::<String, usize>::new();
        for object in unchanged(96).unwrap() {
            *kinds.entry(object.meta().kind.kind.clone()).or_default() += 1;
            for part in [r#""managedFields":[{"#, r#""fieldsV1":{"#, r#""uid":""#] {
                assert!(object.text().contains(part), "{part} in {}", object.text());
            }
        }
        assert_eq!(kinds.len(), 7, "{kinds:?}");
        assert_eq!((kinds["ConfigMap"], kinds["Pod"]), (40, 16));
    }

    #[test]
    fn fields_are_owned_by_name() {
        let container = json!({ "containers": [{ "name": "main", "args": ["a"] }] });
        let expected = json!({ "f:containers": {
            ".": {}, "k:{\"name\":\"main\"}": { ".": {}, "f:name": {}, "f:args": {} },
        } });
        assert_eq!(owned("spec", &container), expected);
    }
}

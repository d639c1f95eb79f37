//! Strategic merge patches: what csdr makes of an object is what the server makes of it.

use crate::plane::{Room, object};
use csdr_core::{
    conversion::Severity,
    model::{Object, Tree},
    modifier::{ModifierConditions, ResourceModifierRule, ResourceModifierSpec, ResourceModifiers},
    port::{ResourceTarget, Transform},
    transform::TransformItem,
};
use serde_json::{Value, json};

/// A server's answer: the object, or the status code of its refusal.
type Answer = Result<Value, u16>;

struct Server {
    client: kube::Client,
}

impl Server {
    async fn of(room: &Room) -> Self {
        let parsed = kube::config::Kubeconfig::from_yaml(room.plane.kubeconfig().yaml()).unwrap();
        let options = kube::config::KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(parsed, &options);
        let client = kube::Client::try_from(config.await.unwrap()).unwrap();
        Self { client }
    }

    async fn ask(&self, method: &str, path: &str, content_type: &str, body: &Value) -> Answer {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("Content-Type", content_type)
            .body(body.to_string().into_bytes())
            .unwrap();
        match self.client.request::<Value>(request).await {
            Ok(mut object) => {
                for field in ["managedFields", "resourceVersion", "generation"] {
                    object["metadata"].as_object_mut().unwrap().remove(field);
                }
                Ok(object)
            }
            Err(kube::Error::Api(status)) => Err(status.code),
            Err(error) => panic!("{method} {path}: {error}"),
        }
    }
}

/// What csdr makes of an object.
fn patched(live: &Object, patch: &Value) -> Result<Tree, String> {
    let rule = ResourceModifierRule::new(ModifierConditions::of("*.*"))
        .with_strategic_patch(patch.to_string());
    let spec = ResourceModifierSpec::default().with_rule(rule);
    let modifiers = ResourceModifiers::new(&spec).unwrap();
    let mut item = TransformItem::new(live, live.id().clone(), live.tree().unwrap());
    modifiers.transform(&mut item).unwrap();
    let refused = item
        .losses()
        .iter()
        .find(|loss| loss.severity == Severity::Error);
    match refused {
        Some(loss) => Err(loss.to_string()),
        None => Ok(item.into_parts().0),
    }
}

fn deployment(name: &str) -> Value {
    let container = |name: &str| {
        json!({
            "name": name, "image": "registry/a:1", "args": ["x", "y"],
            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "C", "value": "3"}],
            "ports": [{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 80}],
            "volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "tmp", "mountPath": "/tmp"}],
        })
    };
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": {"app": "a", "tier": "web"}},
        "spec": {
            "replicas": 0, "selector": {"matchLabels": {"app": "a"}},
            "template": {"metadata": {"labels": {"app": "a"}, "annotations": {"x": "1"}}, "spec": {
                "containers": [container("web"), container("side")],
                "initContainers": [container("init")],
                "volumes": [{"name": "data", "emptyDir": {}}, {"name": "tmp", "emptyDir": {"medium": "Memory"}}],
                "imagePullSecrets": [{"name": "one"}, {"name": "two"}],
                "tolerations": [{"key": "a", "operator": "Exists"}, {"key": "b", "operator": "Exists"}],
                "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a"]}],
                "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}],
                "nodeSelector": {"disk": "ssd"},
            }},
        },
    })
}

/// Objects by their resource, and patches for each.
fn cases() -> Vec<(&'static str, &'static str, Value, Vec<Value>)> {
    let pod = |patch: Value| json!({"spec": {"template": {"spec": patch}}});
    let web = |mut patch: Value| {
        patch["name"] = json!("web");
        pod(json!({"containers": [patch]}))
    };
    let deployments = vec![
        web(json!({"image": "registry/a:2"})),
        web(json!({"env": [{"name": "B", "value": "9"}, {"name": "D", "value": "4"}]})),
        web(json!({"env": [{"name": "D", "value": "4"}, {"name": "A", "value": "7"}]})),
        web(json!({"env": [{"name": "B", "$patch": "delete"}]})),
        web(json!({"env": [{"$patch": "replace"}, {"name": "Z", "value": "0"}]})),
        web(json!({"env": [{"name": "B", "$patch": "delete"}, {"name": "B", "value": "new"}]})),
        web(
            json!({"$setElementOrder/env": [{"name": "C"}, {"name": "A"}], "env": [{"name": "A", "value": "8"}]}),
        ),
        web(json!({"env": null, "args": ["z"]})),
        web(json!({"ports": [{"containerPort": 53, "name": "dns"}, {"containerPort": 443}]})),
        web(json!({"volumeMounts": [{"mountPath": "/tmp", "$patch": "delete"}]})),
        web(json!({"resources": {"limits": {"cpu": "1"}}, "livenessProbe": null})),
        pod(
            json!({"containers": [{"name": "new", "image": "registry/b:1", "env": [{"name": "X", "value": null}]}]}),
        ),
        pod(
            json!({"containers": [{"name": "side", "$patch": "delete"}], "initContainers": [{"name": "init", "image": "registry/c:1"}]}),
        ),
        pod(json!({"$setElementOrder/containers": [{"name": "side"}, {"name": "web"}]})),
        pod(
            json!({"volumes": [{"name": "data", "$retainKeys": ["name", "configMap"], "configMap": {"name": "c"}}, {"name": "more", "emptyDir": {}}]}),
        ),
        pod(
            json!({"volumes": [{"name": "data", "$patch": "replace", "hostPath": {"path": "/x"}}]}),
        ),
        pod(json!({"imagePullSecrets": [{"name": "three"}, {"name": "one", "$patch": "delete"}]})),
        pod(json!({"tolerations": [{"key": "c", "operator": "Exists"}]})),
        pod(
            json!({"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["b"]}, {"ip": "10.0.0.2", "hostnames": ["c"]}]}),
        ),
        pod(json!({"topologySpreadConstraints": [{"topologyKey": "zone", "maxSkew": 2}]})),
        pod(json!({"nodeSelector": {"$patch": "replace", "disk": "hdd"}})),
        pod(json!({"nodeSelector": {"$patch": "delete"}, "affinity": {"$patch": "delete"}})),
        json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}),
        json!({"spec": {"strategy": {"$patch": "replace", "type": "Recreate"}}}),
        json!({"metadata": {"labels": {"tier": null, "new": "1"}, "finalizers": ["example.com/a"]}}),
        json!({}),
        // Refused.
        web(json!({"env": [{"value": "1"}]})),
        web(json!({"$retainKeys": ["name"], "image": "x"})),
        pod(json!({"containers": [{"name": "web", "$patch": "merge"}]})),
        pod(json!({"containers": ["web"]})),
        pod(
            json!({"$setElementOrder/containers": [{"name": "web"}], "containers": [{"name": "side", "image": "x"}]}),
        ),
        json!({"spec": {"$patch": "merge"}}),
    ];
    vec![
        (
            "apis/apps/v1",
            "deployments",
            deployment("web"),
            deployments,
        ),
        (
            "api/v1",
            "services",
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "finalizers": ["example.com/a", "example.com/b"]},
                "spec": {"clusterIP": "None", "selector": {"app": "a"}, "ports": [{"name": "http", "port": 80}, {"name": "dns", "port": 53, "protocol": "UDP"}]}}),
            vec![
                json!({"spec": {"ports": [{"port": 80, "targetPort": 8080}, {"port": 81, "name": "more"}]}}),
                json!({"spec": {"ports": [{"port": 53, "$patch": "delete"}]}}),
                json!({"spec": {"selector": {"app": null, "b": "1"}}}),
                json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/a"]}}),
                json!({"metadata": {"finalizers": ["example.com/c"], "$setElementOrder/finalizers": ["example.com/b", "example.com/c", "example.com/a"]}}),
            ],
        ),
        (
            "api/v1",
            "configmaps",
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1", "b": "2"}}),
            vec![
                json!({"data": {"a": "3", "b": null, "c": "4"}}),
                json!({"data": {"$patch": "replace", "z": "1"}}),
                json!({"data": {"$patch": "delete"}, "immutable": true}),
            ],
        ),
        (
            "api/v1",
            "serviceaccounts",
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "s"}, "secrets": [{"name": "a"}], "imagePullSecrets": [{"name": "p"}]}),
            vec![
                json!({"secrets": [{"name": "b"}], "imagePullSecrets": [{"name": "q"}]}),
                json!({"secrets": [{"name": "a", "$patch": "delete"}]}),
            ],
        ),
        (
            "apis/policy/v1",
            "poddisruptionbudgets",
            json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "p"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"a": "1"}}}}),
            vec![json!({"spec": {"selector": {"matchLabels": {"b": "2"}}}})],
        ),
        (
            "apis/networking.k8s.io/v1",
            "networkpolicies",
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "n"},
                "spec": {"podSelector": {}, "ingress": [{"ports": [{"port": 80}]}], "policyTypes": ["Ingress"]}}),
            vec![
                json!({"spec": {"ingress": [{"ports": [{"port": 81}]}], "policyTypes": ["Egress"]}}),
            ],
        ),
        (
            "apis/batch/v1",
            "cronjobs",
            json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "j"}, "spec": {"schedule": "0 0 1 1 *", "suspend": true,
                "jobTemplate": {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "x"}]}}}}}}),
            vec![
                json!({"spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "a", "command": ["y"]}, {"name": "b", "image": "z"}]}}}}}}),
            ],
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn strategic_merge_patches_are_the_servers() {
    let room = Room::new("strategic").await;
    let server = Server::of(&room).await;
    let (mut taken, mut refused) = (0, 0);
    for (group, plural, mut made, patches) in cases() {
        made["metadata"]["namespace"] = json!(room.namespace);
        let resource = match group.split_once('/') {
            Some(("apis", version)) => format!("{plural}.{}", version.split('/').next().unwrap()),
            _ => plural.to_owned(),
        };
        let mut live = room.create(&resource, made.clone()).await.unwrap();
        let version = live.meta().kind.api_version.version().to_owned();
        let path = format!(
            "/{group}/namespaces/{}/{plural}/{}?dryRun=All",
            room.namespace,
            live.id().name()
        );
        // A field that the server drops is its and our business alike.
        let patch_path = format!("{path}&fieldValidation=Ignore");
        for patch in patches {
            let kind = "application/strategic-merge-patch+json";
            let mut attempts = 0;
            loop {
                let theirs = server.ask("PATCH", &patch_path, kind, &patch).await;
                match (patched(&live, &patch), theirs) {
                    // What the server's validation says afterwards, it says to both; its defaults come into both.
                    (Ok(tree), theirs) => {
                        let ours = serde_json::from_str(&tree.to_string()).unwrap();
                        let ours = server.ask("PUT", &path, "application/json", &ours).await;
                        // A controller wrote in between: both begin again with what it left.
                        if ours == Err(409) && attempts < 20 {
                            attempts += 1;
                            let there = room.target.get(live.id(), &version).await;
                            live = there.unwrap().unwrap();
                            continue;
                        }
                        assert_eq!(ours, theirs, "{resource} {patch}");
                        taken += 1;
                    }
                    (Err(_), Err(400..=500)) => refused += 1,
                    (ours, theirs) => {
                        panic!("{resource} {patch}: {ours:?}, the server: {theirs:?}")
                    }
                }
                break;
            }
        }
    }
    assert_eq!((taken, refused), (39, 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_server_takes_a_strategic_merge_patch_of_a_custom_resource() {
    let room = Room::new("strategic-custom").await;
    let server = Server::of(&room).await;
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "signs.strategic.example.com"},
        "spec": {"group": "strategic.example.com", "scope": "Namespaced", "names": {"plural": "signs", "singular": "sign", "kind": "Sign"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]},
    });
    room.create("customresourcedefinitions.apiextensions.k8s.io", definition)
        .await
        .unwrap();
    let sign = json!({"apiVersion": "strategic.example.com/v1", "kind": "Sign", "metadata": {"name": "a", "namespace": room.namespace}});
    crate::plane::eventually(async || {
        let made = room
            .create("signs.strategic.example.com", sign.clone())
            .await;
        made.is_ok()
    })
    .await;
    let path = format!(
        "/apis/strategic.example.com/v1/namespaces/{}/signs/a",
        room.namespace
    );
    let patch = json!({"spec": {"a": 1}});
    let kind = "application/strategic-merge-patch+json";
    assert_eq!(server.ask("PATCH", &path, kind, &patch).await, Err(415));
    let refusal = patched(&object("signs.strategic.example.com", &sign), &patch).unwrap_err();
    assert!(refusal.contains("use mergePatches"), "{refusal}");
}

//! What the cluster is filled with: the same objects on every run.

use serde_json::{Value, json};

/// Prefix of the namespaces that are filled.
pub(crate) const PREFIX: &str = "bench";

/// Bytes of a ConfigMap's data.
const CONFIG_BYTES: usize = 2_000;

/// Words of the texts: they compress as configuration does, neither as noise nor as one repeated letter.
const WORDS: [&str; 48] = [
    "server",
    "client",
    "pool",
    "timeout",
    "retry",
    "cache",
    "queue",
    "topic",
    "region",
    "bucket",
    "token",
    "limit",
    "burst",
    "window",
    "batch",
    "shard",
    "replica",
    "leader",
    "follower",
    "primary",
    "backup",
    "metrics",
    "trace",
    "level",
    "format",
    "encoding",
    "compression",
    "endpoint",
    "listener",
    "backend",
    "frontend",
    "session",
    "cookie",
    "header",
    "payload",
    "schema",
    "table",
    "index",
    "column",
    "memory",
    "storage",
    "network",
    "feature",
    "enabled",
    "strategy",
    "threshold",
    "interval",
    "maximum",
];

/// N objects over some namespaces: half ConfigMaps of 2 KB; of the rest 30 % Secrets, 20 % Services, 20 % Deployments without replicas,
/// 15 % Roles, 15 % RoleBindings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    count: usize,
    namespaces: usize,
}

/// One create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Create {
    /// The collection's path.
    pub(crate) path: String,
    /// The object as JSON.
    pub(crate) body: String,
}

impl Workload {
    pub(crate) fn new(count: usize, namespaces: usize) -> Self {
        Self {
            count,
            namespaces: namespaces.max(1),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The namespaces; they are not counted as objects.
    pub(crate) fn namespaces(&self) -> impl Iterator<Item = Create> + use<> {
        (0..self.namespaces).map(|number| {
            let labels = json!({ "team": WORDS[number % WORDS.len()] });
            let metadata = json!({ "name": format!("{PREFIX}-{number}"), "labels": labels });
            let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata });
            Create {
                path: "/api/v1/namespaces".to_owned(),
                body: body.to_string(),
            }
        })
    }

    /// Object `number` of `count`.
    pub(crate) fn object(&self, number: usize) -> Create {
        // Forty in a row have every kind in its share and lie in one namespace.
        let namespace = format!("{PREFIX}-{}", number / 40 % self.namespaces);
        let mut random = Random::new(number as u64 + 1);
        let name = format!("{}-{number:06}", WORDS[random.below(WORDS.len())]);
        let (base, collection, kind, mut body) = match number % 40 {
            0..20 => ("api/v1", "configmaps", "ConfigMap", config_map(&mut random)),
            20..26 => ("api/v1", "secrets", "Secret", secret(&mut random)),
            26..30 => ("api/v1", "services", "Service", service(&name)),
            30..34 => (
                "apis/apps/v1",
                "deployments",
                "Deployment",
                deployment(&name, &mut random),
            ),
            34..37 => ("apis/rbac.authorization.k8s.io/v1", "roles", "Role", role()),
            _ => (
                "apis/rbac.authorization.k8s.io/v1",
                "rolebindings",
                "RoleBinding",
                role_binding(&name),
            ),
        };
        let api_version = base.split_once('/').map_or(base, |(_, version)| version);
        body["apiVersion"] = json!(api_version);
        body["kind"] = json!(kind);
        body["metadata"] = json!({
            "name": name,
            "namespace": namespace,
            "labels": labels(&name),
            "annotations": { "example.invalid/owner": random.words(4) },
        });
        Create {
            path: format!("/{base}/namespaces/{namespace}/{collection}"),
            body: body.to_string(),
        }
    }
}

fn labels(name: &str) -> Value {
    json!({ "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "bench", "app.kubernetes.io/managed-by": "bench" })
}

fn config_map(random: &mut Random) -> Value {
    let mut text = String::with_capacity(CONFIG_BYTES + 64);
    while text.len() < CONFIG_BYTES {
        let key = format!("{}.{}", random.word(), random.word());
        let line = format!("{key}={}-{}\n", random.word(), random.below(100_000));
        text.push_str(&line);
    }
    text.truncate(CONFIG_BYTES);
    json!({ "data": { "application.properties": text } })
}

fn secret(random: &mut Random) -> Value {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let mut bytes = |length: usize| {
        let noise: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
        STANDARD.encode(noise)
    };
    json!({ "type": "Opaque", "data": { "username": bytes(12), "password": bytes(32), "key": bytes(256) } })
}

fn service(name: &str) -> Value {
    let ports = json!([
        { "name": "http", "port": 80, "targetPort": 8080 },
        { "name": "metrics", "port": 9090, "targetPort": "metrics" },
    ]);
    json!({ "spec": { "selector": { "app.kubernetes.io/name": name }, "ports": ports } })
}

fn deployment(name: &str, random: &mut Random) -> Value {
    let environment: Vec<Value> = (0..4)
        .map(|number| json!({ "name": format!("OPTION_{number}"), "value": random.words(2) }))
        .collect();
    let container = json!({
        "name": "main",
        "image": format!("registry.example.invalid/bench/{}:1.{}", random.word(), random.below(40)),
        "args": ["--config", "/etc/bench/application.properties"],
        "env": environment,
        "ports": [{ "name": "http", "containerPort": 8080 }],
        "resources": { "requests": { "cpu": "100m", "memory": "128Mi" }, "limits": { "memory": "256Mi" } },
        "readinessProbe": { "httpGet": { "path": "/healthz", "port": "http" } },
    });
    json!({ "spec": {
        "replicas": 0,
        "selector": { "matchLabels": { "app.kubernetes.io/name": name } },
        "template": { "metadata": { "labels": labels(name) }, "spec": { "containers": [container] } },
    } })
}

fn role() -> Value {
    json!({ "rules": [
        { "apiGroups": [""], "resources": ["configmaps", "secrets"], "verbs": ["get", "list", "watch"] },
        { "apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "update", "patch"] },
    ] })
}

fn role_binding(name: &str) -> Value {
    json!({
        "subjects": [{ "kind": "ServiceAccount", "name": name, "namespace": "default" }],
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name },
    })
}

/// The same numbers for the same seed (splitmix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(crate) fn word(&mut self) -> &'static str {
        WORDS[self.below(WORDS.len())]
    }

    fn words(&mut self, count: usize) -> String {
        let words: Vec<&str> = (0..count).map(|_| self.word()).collect();
        words.join("-")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn half_are_config_maps_and_every_namespace_has_every_kind() {
        let workload = Workload::new(640, 8);
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for number in 0..workload.count() {
            let create = workload.object(number);
            assert_eq!(create, workload.object(number));
            *kinds.entry(create.path).or_default() += 1;
        }
        assert_eq!(kinds.len(), 8 * 6);
        assert_eq!(kinds["/api/v1/namespaces/bench-3/configmaps"], 40);
        assert_eq!(
            kinds["/apis/rbac.authorization.k8s.io/v1/namespaces/bench-7/roles"],
            6
        );
    }

    #[test]
    fn config_maps_hold_two_kilobytes() {
        let body: Value = serde_json::from_str(&Workload::new(1, 1).object(0).body).unwrap();
        assert_eq!(
            body["data"]["application.properties"]
                .as_str()
                .unwrap()
                .len(),
            CONFIG_BYTES
        );
    }
}

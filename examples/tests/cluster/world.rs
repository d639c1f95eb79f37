//! Control planes, vaults, and what is put into them.

use csdr_core::{
    ErrorKind,
    backup::{Backup, BackupReport},
    manifest::ManifestDir,
    memory::MemoryVault,
    model::Object,
    port::{
        ApplyOptions, ListRequest, PutMode, ResourceApplier, ResourceCollector, VaultBackend,
        VaultKey, WriteOptions,
    },
    report::{Limits, RunOptions},
    restore::{Restore, RestoreReport},
    spec::{BackupSpec, RestoreSpec},
    vault::Vault,
};
use csdr_k8s::{ClusterClient, ConnectOptions, KubeApplier, KubeCollector, KubeTarget};
use csdr_storage::{OpendalVault, S3Addressing, S3Config, S3Credentials};
use csdr_testenv::{ControlPlane, KubeVersion, Kubeconfig};
use csdr_testkit::s3::{S3Options, S3Server};
use futures::{StreamExt, TryStreamExt};
use serde_json::Value;
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

/// No wait of these tests is longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// One control plane, and the administrator's way to it.
pub(crate) struct Cluster {
    pub(crate) plane: ControlPlane,
}

impl Cluster {
    pub(crate) async fn start() -> Self {
        Self::version(KubeVersion::default()).await
    }

    pub(crate) async fn version(version: KubeVersion) -> Self {
        let plane = ControlPlane::builder().version(version).start().await;
        Self {
            plane: plane.unwrap(),
        }
    }

    pub(crate) async fn client(&self) -> ClusterClient {
        client(self.plane.kubeconfig()).await
    }

    /// Applies manifests as `kubectl apply --server-side` does: namespaces and definitions first, then the rest as soon as it is served.
    pub(crate) async fn apply(&self, manifests: &ManifestDir) {
        let applier = KubeApplier::new(self.client().await);
        let options = ApplyOptions {
            write: WriteOptions {
                field_manager: "kubectl".to_owned(),
                dry_run: false,
            },
            force: false,
        };
        let mut objects = objects(manifests).await;
        objects.sort_by_key(|object| match object.id().resource().resource() {
            "namespaces" => 0,
            "customresourcedefinitions" => 1,
            _ => 2,
        });
        for object in objects {
            let deadline = Instant::now() + PATIENCE;
            // A kind is served a moment after its definition.
            while let Err(error) = applier.apply(&object, &options).await {
                let again = error.kind() == ErrorKind::NotFound && Instant::now() < deadline;
                assert!(again, "{}", error.chain());
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }

    pub(crate) async fn apply_yaml(&self, yaml: &str) {
        let vault = Arc::new(MemoryVault::new());
        let key = VaultKey::parse("a.yaml").unwrap();
        let put = vault.put(&key, yaml.to_owned().into(), PutMode::CreateNew);
        put.await.unwrap();
        self.apply(&ManifestDir::new(vault, key)).await;
    }

    pub(crate) async fn make_namespace(&self, name: &str) {
        self.apply_yaml(&format!(
            "{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}}}}}"
        ))
        .await;
    }

    /// Asks without csdr's client.
    pub(crate) async fn get(&self, path: &str) -> Option<Value> {
        let reply = self.plane.call("GET", path, "").await.unwrap();
        match reply.status {
            200 => Some(serde_json::from_str(&reply.body).unwrap()),
            404 => None,
            status => panic!("GET {path}: {status} {}", reply.body),
        }
    }

    /// Changes something without csdr's client.
    pub(crate) async fn call(&self, method: &str, path: &str, body: &str) {
        let reply = self.plane.call(method, path, body).await.unwrap();
        let good = (200..300).contains(&reply.status);
        assert!(good, "{method} {path}: {} {}", reply.status, reply.body);
    }

    pub(crate) async fn back_up(&self, vault: &Vault, spec: &BackupSpec) -> BackupReport {
        back_up(KubeCollector::new(self.client().await), vault, spec).await
    }

    pub(crate) async fn restore(&self, vault: &Vault, spec: &RestoreSpec) -> RestoreReport {
        let client = self.client().await;
        let restore = Restore::new(
            vault.clone(),
            KubeTarget::new(client.clone()),
            KubeApplier::new(client),
        );
        let plan = restore.plan(spec).await.unwrap();
        // Nothing runs on these control planes: what waits for a server waits in vain.
        let limits = Limits {
            ready_wait: Duration::from_secs(10),
            ..Limits::default()
        };
        let options = RunOptions::default().with_limits(limits);
        restore.run(plan, &options).await.unwrap()
    }
}

pub(crate) async fn client(kubeconfig: &Kubeconfig) -> ClusterClient {
    let options = ConnectOptions::default();
    ClusterClient::from_yaml(kubeconfig.yaml(), &options)
        .await
        .unwrap()
}

pub(crate) async fn back_up(
    collector: impl ResourceCollector,
    vault: &Vault,
    spec: &BackupSpec,
) -> BackupReport {
    let backup = Backup::new(collector, vault.clone());
    let plan = backup.plan(spec).await.unwrap();
    backup.run(plan, &RunOptions::default()).await.unwrap()
}

/// A new vault in a bucket, and its server.
pub(crate) async fn bucket() -> (S3Server, Vault) {
    let server = S3Server::start(S3Options::default()).await.unwrap();
    let options = server.options();
    let credentials = S3Credentials::keys(
        options.access_key_id.clone(),
        options.secret_access_key.clone(),
    );
    let config = S3Config::new(options.bucket.clone())
        .with_endpoint(server.endpoint())
        .with_addressing(S3Addressing::Path)
        .with_credentials(credentials);
    let vault = Vault::create(OpendalVault::s3(config).unwrap())
        .await
        .unwrap();
    (server, vault)
}

/// A real application of `tests/data`.
pub(crate) fn application(name: &str, namespace: &str) -> ManifestDir {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let vault = Arc::new(OpendalVault::fs(data));
    ManifestDir::new(vault, VaultKey::parse(name).unwrap())
        .with_default_namespace(namespace)
        .unwrap()
}

/// Every object of a folder; none may be unreadable.
pub(crate) async fn objects(manifests: &ManifestDir) -> Vec<Object> {
    let discovery = ResourceCollector::discover(manifests).await.unwrap();
    assert_eq!(discovery.gaps, []);
    let mut objects = Vec::new();
    for resource in &discovery.resources {
        let request = ListRequest {
            resource: resource.preferred(),
            kind: csdr_core::model::GroupVersionKind {
                api_version: csdr_core::model::ApiVersion::new(
                    resource.resource.group(),
                    &resource.preferred().version,
                )
                .unwrap(),
                kind: resource.kind.clone(),
            },
            namespace: None,
            selector: csdr_core::model::LabelSelector::default(),
            page_bytes: 1 << 20,
            from: None,
        };
        let pages = ResourceCollector::list(manifests, request);
        let pages: Vec<_> = pages.boxed().try_collect().await.unwrap();
        for page in pages {
            assert_eq!(page.unreadable, []);
            objects.extend(page.objects);
        }
    }
    objects
}

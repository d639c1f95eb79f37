//! Objects in one version each: made through that version's own endpoint, or put into an archive as Velero would have stored them.

use crate::world::{Cluster, PATIENCE};
use csdr_core::{
    lifecycle,
    manifest::yaml::{YamlLimits, documents},
    memory::MemoryVault,
    model::{ApiVersion, Tree},
    port::{PutMode, VaultBackend, VaultKey},
    vault::Vault,
};
use flate2::{Compression, write::GzEncoder};
use std::{
    io::Write,
    time::{Duration, Instant},
};

pub(super) struct Manifest {
    pub(super) tree: Tree,
    api_version: ApiVersion,
    plural: String,
    namespace: Option<String>,
    name: String,
}

impl Manifest {
    pub(super) fn new(tree: Tree) -> Self {
        let api_version: ApiVersion = tree.text_at(&["apiVersion"]).unwrap().parse().unwrap();
        let kind = tree.text_at(&["kind"]).unwrap();
        let row = lifecycle::row(api_version.group(), api_version.version(), kind);
        let text = |key| tree.text_at(&["metadata", key]).map(str::to_owned);
        Self {
            plural: row.map_or_else(
                || format!("{}s", kind.to_ascii_lowercase()),
                |row| row.plural.to_owned(),
            ),
            namespace: text("namespace"),
            name: text("name").unwrap(),
            api_version,
            tree,
        }
    }

    /// Where objects of its kind are made.
    fn collection(&self) -> String {
        let root = match self.api_version.group() {
            "" => "/api",
            _ => "/apis",
        };
        let namespace = self.namespace.as_ref();
        let namespace = namespace.map(|name| format!("/namespaces/{name}"));
        let namespace = namespace.unwrap_or_default();
        format!("{root}/{}{namespace}/{}", self.api_version, self.plural)
    }

    /// Where the object lies, in its own version.
    pub(super) fn path(&self) -> String {
        format!("{}/{}", self.collection(), self.name)
    }

    /// Its entry in an archive. Source: velero.md section 1.3.
    fn entry(&self, folder: &str) -> String {
        let resource = match self.api_version.group() {
            "" => self.plural.clone(),
            group => format!("{}.{group}", self.plural),
        };
        let place = match &self.namespace {
            Some(namespace) => format!("namespaces/{namespace}"),
            None => "cluster".to_owned(),
        };
        format!("resources/{resource}/{folder}{place}/{}.json", self.name)
    }
}

/// The objects of a text.
pub(super) fn read(text: &str) -> Vec<Manifest> {
    documents(text, &YamlLimits::default())
        .into_iter()
        .map(|document| Manifest::new(document.tree.unwrap()))
        .collect()
}

/// Makes the objects without csdr's client, each through the endpoint of its own version.
pub(super) async fn make(cluster: &Cluster, manifests: &[Manifest]) {
    for manifest in manifests {
        let (path, body) = (manifest.collection(), manifest.tree.to_string());
        let deadline = Instant::now() + PATIENCE;
        loop {
            let reply = cluster.plane.call("POST", &path, &body).await.unwrap();
            match reply.status {
                201 => break,
                // A kind is served a moment after its definition, a namespace gets its ServiceAccount a moment after itself.
                403 | 404 | 429 if Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                status => panic!("{path} {}: {status} {}", manifest.name, reply.body),
            }
        }
    }
}

/// Waits until a list can be had.
pub(super) async fn wait_for(cluster: &Cluster, path: &str) {
    let deadline = Instant::now() + PATIENCE;
    while cluster.plane.call("GET", path, "").await.unwrap().status != 200 {
        assert!(Instant::now() < deadline, "{path} is not served");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A backup in Velero's layout, in a vault.
pub(super) async fn archive(name: &str, objects: &[(&Manifest, String)]) -> Vault {
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |path: &str, data: &str| {
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_mode(0o755);
        tar.append_data(&mut header, path, data.as_bytes()).unwrap();
    };
    add("metadata/version", "1.1.0");
    for (manifest, json) in objects {
        let preferred = format!("{}-preferredversion/", manifest.api_version.version());
        for folder in ["", &preferred] {
            add(&manifest.entry(folder), json);
        }
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&tar.into_inner().unwrap()).unwrap();
    let record = format!(
        r#"{{"kind":"Backup","apiVersion":"velero.io/v1","metadata":{{"name":"{name}","namespace":"velero"}},
        "spec":{{}},"status":{{"version":1,"formatVersion":"1.1.0","phase":"Completed"}}}}"#
    );
    let store = MemoryVault::new();
    for (file, body) in [
        ("velero-backup.json".to_owned(), record.into_bytes()),
        (format!("{name}.tar.gz"), gzip.finish().unwrap()),
    ] {
        let key = VaultKey::parse(format!("backups/{name}/{file}")).unwrap();
        let put = store.put(&key, body.into(), PutMode::CreateNew);
        put.await.unwrap();
    }
    Vault::create(store).await.unwrap()
}

//! The buckets that Velero itself wrote (`tests/data/velero`), in memory.

use csdr_core::{
    memory::MemoryVault,
    port::{PutMode, VaultBackend, VaultKey},
};
use flate2::{Compression, GzBuilder};
use std::{collections::BTreeMap, fs, io::Write as _, path::Path};

/// With and without `EnableAPIGroupVersions`.
pub(crate) const FLAVOURS: [&str; 2] = ["default", "apigroupversions"];

/// The prefix that Velero wrote them below.
const PREFIX: &str = "clusters/one/";

/// Every file of a bucket, by its key below the prefix.
pub(crate) fn files(flavour: &str) -> BTreeMap<String, Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/velero")
        .join(flavour)
        .join(PREFIX);
    let (mut found, mut folders) = (BTreeMap::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let key = path.strip_prefix(&root).unwrap().to_str().unwrap();
                found.insert(key.to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    assert!(found.len() > 10, "{found:?}");
    found
}

/// A store with these files.
pub(crate) async fn store(files: &BTreeMap<String, Vec<u8>>) -> MemoryVault {
    let store = MemoryVault::new();
    for (key, body) in files {
        put(&store, key, body.clone()).await;
    }
    store
}

pub(crate) async fn put(store: &MemoryVault, key: &str, body: Vec<u8>) {
    let key = VaultKey::parse(key).unwrap();
    store
        .put(&key, body.into(), PutMode::Overwrite)
        .await
        .unwrap();
}

pub(crate) fn gzip(raw: &[u8], level: Compression) -> Vec<u8> {
    let mut gzip = GzBuilder::new().write(Vec::new(), level);
    gzip.write_all(raw).unwrap();
    gzip.finish().unwrap()
}

/// Changes a bucket's commit record.
pub(crate) fn with_record(
    files: &mut BTreeMap<String, Vec<u8>>,
    change: impl FnOnce(&mut serde_json::Value),
) {
    let record = files.get_mut("backups/rich/velero-backup.json").unwrap();
    let mut json = serde_json::from_slice(record).unwrap();
    change(&mut json);
    *record = serde_json::to_vec(&json).unwrap();
}

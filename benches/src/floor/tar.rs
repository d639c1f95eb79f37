//! The entries of an archive: the bytes that csdr's archive holds, too.

use crate::Result;
use tar::{EntryType, Header};

const BLOCK: usize = 512;

/// What comes before the first object.
pub(super) fn begin(raw: &mut Vec<u8>) -> Result<()> {
    entry(raw, "metadata/version", b"1.1.0\n")
}

/// Both entries of an object in the version that the server prefers.
pub(super) fn object(
    raw: &mut Vec<u8>,
    resource: &str,
    version: &str,
    scope: &str,
    json: &[u8],
) -> Result<()> {
    entry(raw, &format!("resources/{resource}/{scope}.json"), json)?;
    entry(
        raw,
        &format!("resources/{resource}/{version}-preferredversion/{scope}.json"),
        json,
    )
}

/// What ends the archive.
pub(super) fn end(raw: &mut Vec<u8>) {
    raw.resize(raw.len() + 2 * BLOCK, 0);
}

fn entry(raw: &mut Vec<u8>, path: &str, data: &[u8]) -> Result<()> {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(data.len() as u64);
    let ustar = header.as_ustar_mut().ok_or("not a ustar header")?;
    let (prefix, name) =
        split(path, ustar.name.len()).ok_or("the floor knows no paths of this length")?;
    ustar.prefix[..prefix.len()].copy_from_slice(prefix.as_bytes());
    ustar.name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_cksum();
    raw.extend_from_slice(header.as_bytes());
    raw.extend_from_slice(data);
    raw.resize(raw.len().next_multiple_of(BLOCK), 0);
    Ok(())
}

/// The shortest prefix that leaves a name of at most `most` bytes.
fn split(path: &str, most: usize) -> Option<(&str, &str)> {
    if path.len() <= most {
        return Some(("", path));
    }
    let from = path.len() - most - 1;
    let cut = from + path.get(from..)?.find('/')?;
    (cut <= 155).then(|| (&path[..cut], &path[cut + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use csdr_core::{
        archive::{ArchiveLimits, ArchiveWriter},
        memory::MemoryVault,
        model::Object,
        port::{InlineCompute, PutMode, VaultBackend, VaultBackendExt, VaultKey},
    };
    use std::{io::Read, sync::Arc};

    /// The floor may only be compared with what does the same.
    #[tokio::test]
    async fn the_archive_holds_the_same_tar_as_csdrs() {
        let config =
            r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"shop"}}"#;
        let name = "n".repeat(60);
        let binding = format!(
            r#"{{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{{"name":"{name}","namespace":"shop"}}}}"#
        );
        let resource = "rolebindings.rbac.authorization.k8s.io";
        let mut raw = Vec::new();
        begin(&mut raw).unwrap();
        object(
            &mut raw,
            "configmaps",
            "v1",
            "namespaces/shop/a",
            config.as_bytes(),
        )
        .unwrap();
        object(
            &mut raw,
            resource,
            "v1",
            &format!("namespaces/shop/{name}"),
            binding.as_bytes(),
        )
        .unwrap();
        end(&mut raw);

        let vault = MemoryVault::default();
        let key = VaultKey::parse("a.tar.gz").unwrap();
        let sink = vault.writer(&key, PutMode::CreateNew).await.unwrap();
        let mut writer =
            ArchiveWriter::new(sink, Arc::new(InlineCompute), ArchiveLimits::default());
        for (resource, json) in [("configmaps", config), (resource, &binding)] {
            let object =
                Object::parse(resource.parse().unwrap(), json.as_bytes().to_vec()).unwrap();
            writer.append(object, true).await.unwrap();
        }
        writer.finish().await.unwrap();
        let stored = vault.read(&key, 1 << 20).await.unwrap();
        let mut unpacked = Vec::new();
        flate2::read::MultiGzDecoder::new(&stored[..])
            .read_to_end(&mut unpacked)
            .unwrap();
        assert!(raw == unpacked);
    }
}

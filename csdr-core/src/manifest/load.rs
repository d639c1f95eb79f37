//! Reads a folder.

use super::{
    folder::{Folder, Manifest, place},
    yaml::{self, YamlLimits},
};
use crate::{
    Error, ErrorKind, Result,
    model::{ApiResource, ApiVersion, CustomKind, Object, Tree, TreeLimits},
    port::{UnreadableItem, VaultBackend, VaultBackendExt, VaultKey, VaultMeta},
};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

/// How much a folder of manifests may be: its objects are held in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManifestLimits {
    /// Manifest files; more are an error.
    pub files: usize,
    /// Bytes of one file; a larger one is left out as a gap of the discovery.
    pub file_bytes: u64,
    /// Bytes of all files; more are an error.
    pub total_bytes: u64,
    /// One YAML document.
    pub yaml: YamlLimits,
}

impl Default for ManifestLimits {
    /// 50,000 files, 16 MiB each, 512 MiB together.
    fn default() -> Self {
        Self {
            files: 50_000,
            file_bytes: 16 << 20,
            total_bytes: 512 << 20,
            yaml: YamlLimits::default(),
        }
    }
}

/// Files that are read at the same time.
const READERS: usize = 8;

/// One object of a file, not yet understood.
struct Raw {
    file: VaultKey,
    line: usize,
    alone: bool,
    tree: Tree,
}

pub(super) async fn load(
    vault: &dyn VaultBackend,
    prefix: &VaultKey,
    namespace: &str,
    resources: &[ApiResource],
    limits: &ManifestLimits,
) -> Result<Folder> {
    let mut folder = Folder::new(resources);
    let mut raws = Vec::new();
    let files = files(vault, prefix, limits, &mut folder).await?;
    let mut bodies = stream::iter(files)
        .map(|meta| async move {
            let body = vault.read(&meta.key, limits.file_bytes).await;
            (meta.key, body)
        })
        .buffered(READERS);
    let mut left = limits.total_bytes;
    while let Some((file, body)) = bodies.next().await {
        let body = match body {
            Ok(body) => body,
            // One file that may not be read, has gone or has grown does not hide the others; a store that does not answer does.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::PermissionDenied | ErrorKind::NotFound | ErrorKind::Corrupt
                ) =>
            {
                folder.add_gap(None, format!("{file}: cannot be read: {error}"));
                continue;
            }
            Err(error) => return Err(error.with_context("file", file)),
        };
        left = left.checked_sub(body.len() as u64).ok_or_else(|| {
            Error::new(
                ErrorKind::Exhausted,
                "the manifests are larger than allowed; take a smaller folder or raise the limit",
            )
            .with_context("folder", prefix)
            .with_context("limit", limits.total_bytes)
        })?;
        parse(&file, &body, limits, &mut folder, &mut raws);
    }
    // Definitions first: they say what the other kinds are.
    for raw in &raws {
        if raw.tree.text_at(&["kind"]) == Some("CustomResourceDefinition") {
            match CustomKind::from_crd(&raw.tree) {
                Ok(kind) => folder.define(&kind),
                Err(error) => folder.add_gap(None, format!("{}: {error}", raw.at())),
            }
        }
    }
    for raw in raws {
        understand(raw, namespace, &mut folder)?;
    }
    Ok(folder)
}

/// The manifests below `prefix`, or the one file that it names.
async fn files(
    vault: &dyn VaultBackend,
    prefix: &VaultKey,
    limits: &ManifestLimits,
    folder: &mut Folder,
) -> Result<Vec<VaultMeta>> {
    let mut found = Vec::new();
    let mut all = vault.list(prefix);
    while let Some(meta) = all.try_next().await? {
        if !is_manifest(prefix, &meta.key) {
            continue;
        }
        if found.len() == limits.files {
            return Err(Error::new(
                ErrorKind::Exhausted,
                "more manifests than allowed; take a smaller folder or raise the limit",
            )
            .with_context("folder", prefix)
            .with_context("limit", limits.files));
        }
        found.push(meta);
    }
    if found.is_empty() && *prefix != VaultKey::root() {
        match vault.stat(prefix).await {
            Ok(meta) => found.push(meta),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    found.retain(|meta| {
        let fits = meta.size <= limits.file_bytes;
        if !fits {
            folder.add_gap(
                None,
                format!(
                    "{}: {} bytes are more than the {} allowed for one file",
                    meta.key, meta.size, limits.file_bytes
                ),
            );
        }
        fits
    });
    Ok(found)
}

/// Whether a file is a manifest by its name; what lies in a folder whose name begins with a dot (`.git`) is not.
fn is_manifest(prefix: &VaultKey, key: &VaultKey) -> bool {
    let below = key.below(prefix).unwrap_or_default();
    let hidden = below
        .rsplit_once('/')
        .is_some_and(|(folders, _)| folders.split('/').any(|name| name.starts_with('.')));
    let name = below.to_ascii_lowercase();
    !hidden
        && [".yaml", ".yml", ".json"]
            .iter()
            .any(|end| name.ends_with(end))
}

fn parse(
    file: &VaultKey,
    body: &Bytes,
    limits: &ManifestLimits,
    folder: &mut Folder,
    raws: &mut Vec<Raw>,
) {
    let Ok(text) = std::str::from_utf8(body) else {
        folder.add_gap(None, format!("{file}: is not UTF-8"));
        return;
    };
    let documents = if file.as_str().to_ascii_lowercase().ends_with(".json") {
        let limits = TreeLimits {
            depth: limits.yaml.depth,
            ..TreeLimits::default()
        };
        vec![yaml::Document {
            line: 1,
            tree: Tree::parse_with(text.trim_start_matches('\u{feff}').as_bytes(), &limits),
        }]
    } else {
        yaml::documents(text, &limits.yaml)
    };
    let single = documents.len() == 1;
    for document in documents {
        match document.tree {
            Ok(tree) => {
                let items = yaml::items(tree);
                let alone = single && items.len() == 1;
                raws.extend(items.into_iter().map(|tree| Raw {
                    file: file.clone(),
                    line: document.line,
                    alone,
                    tree,
                }));
            }
            Err(error) => folder.add_gap(
                None,
                format!("{file} line {}: cannot be read: {error}", document.line),
            ),
        }
    }
}

impl Raw {
    fn at(&self) -> String {
        format!("{} line {}", self.file, self.line)
    }
}

fn understand(mut raw: Raw, namespace: &str, folder: &mut Folder) -> Result<()> {
    let at = raw.at();
    let (Some(api_version), Some(kind)) = (
        raw.tree.text_at(&["apiVersion"]),
        raw.tree.text_at(&["kind"]),
    ) else {
        folder.add_gap(
            None,
            format!("{at}: is not a Kubernetes object: it has no apiVersion or kind"),
        );
        return Ok(());
    };
    let Ok(api_version) = api_version.parse::<ApiVersion>() else {
        folder.add_gap(None, format!("{at}: has a malformed apiVersion"));
        return Ok(());
    };
    let kind = kind.to_owned();
    let known = folder
        .kind(&api_version, &kind)
        .and_then(|known| folder.resource(&known.api.resource));
    let Some(known) = known else {
        let reason = format!(
            "{at}: kind {} of {api_version} is neither built in nor defined by a CustomResourceDefinition in the folder",
            kind.escape_debug()
        );
        folder.add_gap(Some(&api_version), reason);
        return Ok(());
    };
    let namespace = place(&known, &mut raw.tree, namespace);
    let resource = known.api.resource;
    let object = if raw.tree.text_at(&["metadata", "name"]).is_some() {
        Object::from_tree(resource.clone(), &raw.tree)
    } else {
        Err(Error::corrupt(
            "object has no name (a generated name has no place in a backup)",
        ))
    };
    match object {
        Ok(object) => folder.add(Manifest {
            object,
            file: raw.file,
            alone: raw.alone,
        }),
        Err(error) => {
            folder.add_unreadable(resource, namespace, UnreadableItem::new(at, &error));
            Ok(())
        }
    }
}

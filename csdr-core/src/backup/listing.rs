//! Lists that are written beside the archive: what it holds, and what was left out.

use crate::{
    Error, ErrorKind, Result,
    model::{GroupResource, Object},
    select::LeftOut,
};
use bytes::Bytes;
use flate2::{Compression, GzBuilder, write::GzEncoder};
use serde::Deserialize;
use serde_json::json;
use std::{collections::BTreeMap, io::Write};

/// Lines of one left-out list.
const LEFT_OUT_LINES: usize = 10_000;

/// `csdr/left-out-<n>.jsonl.gz`, cut into parts.
#[derive(Default)]
pub(super) struct LeftOutList {
    text: Vec<u8>,
    lines: usize,
    parts: usize,
}

impl LeftOutList {
    /// Adds a line; `true` if the part is full.
    pub(super) fn push(&mut self, left: &LeftOut) -> Result<bool> {
        serde_json::to_writer(&mut self.text, left).map_err(|error| {
            Error::invalid("left-out line cannot be written").with_source(error)
        })?;
        self.text.push(b'\n');
        self.lines += 1;
        Ok(self.lines >= LEFT_OUT_LINES)
    }

    pub(super) fn take(&mut self) -> Result<Option<(String, Bytes)>> {
        if self.lines == 0 {
            return Ok(None);
        }
        let path = format!("csdr/left-out-{}.jsonl.gz", self.parts);
        let body = crate::vault::gzip(&std::mem::take(&mut self.text))?;
        self.lines = 0;
        self.parts += 1;
        Ok(Some((path, body)))
    }
}

/// Velero's `-resource-list.json.gz`: `{"apps/v1/Deployment": ["ns/a", …], …}`, written as objects come, so that only compressed
/// bytes are held. Objects come sorted by resource: each kind makes one list. Only a folder has objects of one resource in different
/// versions: those of other versions than the first wait for the end of the resource.
pub(super) struct ResourceList {
    encoder: GzEncoder<Vec<u8>>,
    resource: Option<GroupResource>,
    kind: String,
    begun: bool,
    waiting: BTreeMap<String, Vec<String>>,
}

/// What a [`ResourceList`] says of one object.
pub(super) struct ListedObject {
    resource: GroupResource,
    kind: String,
    name: String,
}

impl ListedObject {
    pub(super) fn of(object: &Object) -> Self {
        let id = object.id();
        Self {
            resource: id.resource().clone(),
            kind: object.meta().kind.to_string(),
            name: id.namespace().map_or_else(
                || id.name().to_owned(),
                |namespace| format!("{namespace}/{}", id.name()),
            ),
        }
    }
}

impl ResourceList {
    pub(super) fn new() -> Self {
        Self {
            encoder: encoder(),
            resource: None,
            kind: String::new(),
            begun: false,
            waiting: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, line: ListedObject) -> Result<()> {
        let ListedObject {
            resource,
            kind,
            name,
        } = line;
        if self.resource.as_ref() != Some(&resource) {
            self.flush()?;
            self.resource = Some(resource);
            self.kind.clear();
        }
        if self.kind.is_empty() || self.kind == kind {
            self.name(&kind, &name)
        } else {
            self.waiting.entry(kind).or_default().push(name);
            Ok(())
        }
    }

    /// Writes the names that wait.
    fn flush(&mut self) -> Result<()> {
        for (kind, names) in std::mem::take(&mut self.waiting) {
            for name in names {
                self.name(&kind, &name)?;
            }
        }
        Ok(())
    }

    fn name(&mut self, kind: &str, name: &str) -> Result<()> {
        let quoted = |text: &str| {
            serde_json::to_string(text)
                .map_err(|error| Error::invalid("name cannot be written").with_source(error))
        };
        let name = quoted(name)?;
        let text = if kind == self.kind {
            format!(",{name}")
        } else {
            let lead = if self.begun { "]," } else { "{" };
            self.begun = true;
            self.kind = kind.to_owned();
            format!("{lead}{}:[{name}", quoted(kind)?)
        };
        self.write(&text)
    }

    fn write(&mut self, text: &str) -> Result<()> {
        self.encoder.write_all(text.as_bytes()).map_err(gzip_failed)
    }

    pub(super) fn finish(mut self) -> Result<Bytes> {
        self.flush()?;
        self.write(if self.begun { "]}" } else { "{}" })?;
        self.encoder.finish().map(Bytes::from).map_err(gzip_failed)
    }
}

fn encoder() -> GzEncoder<Vec<u8>> {
    GzBuilder::new()
        .mtime(0)
        .operating_system(255)
        .write(Vec::new(), Compression::new(6))
}

fn gzip_failed(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Unexpected, "gzip failed").with_source(error)
}

/// Velero's `-volumeinfo.json.gz`: every claimed persistent volume, with what decides how Velero restores it. Written as objects come.
///
/// Source: velero.md sections 1.6 and 3.6: a volume that was skipped is restored as it is if it is retained, else made anew and empty.
pub(super) struct VolumeInfoList {
    encoder: GzEncoder<Vec<u8>>,
    begun: bool,
}

#[derive(Deserialize)]
struct PersistentVolume {
    spec: Option<VolumeSpec>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VolumeSpec {
    claim_ref: Option<ClaimRef>,
    persistent_volume_reclaim_policy: Option<String>,
}

#[derive(Default, Deserialize)]
struct ClaimRef {
    namespace: Option<String>,
    name: Option<String>,
}

impl VolumeInfoList {
    pub(super) fn new() -> Self {
        Self {
            encoder: encoder(),
            begun: false,
        }
    }

    /// The line of an object, if it is a persistent volume.
    pub(super) fn line(object: &Object) -> Option<String> {
        let resource = object.id().resource();
        if resource.resource() != "persistentvolumes" || !resource.group().is_empty() {
            return None;
        }
        // What the server gives is one; a folder's manifest that is none has nothing to tell.
        let volume: PersistentVolume = serde_json::from_slice(object.json()).ok()?;
        let spec = volume.spec?;
        let claim = spec.claim_ref.unwrap_or_default();
        let line = json!({
            "pvcName": claim.name.unwrap_or_default(),
            "pvcNamespace": claim.namespace.unwrap_or_default(),
            "pvName": object.id().name(),
            "snapshotDataMoved": false,
            "preserveLocalSnapshot": false,
            "skipped": true,
            "skippedReason": "csdr stored the volume's objects without its data",
            "pvInfo": {
                "reclaimPolicy": spec.persistent_volume_reclaim_policy.unwrap_or_default(),
                "labels": object.meta().labels,
            },
        });
        Some(line.to_string())
    }

    pub(super) fn add(&mut self, line: &str) -> Result<()> {
        let lead = if self.begun { "," } else { "[" };
        self.begun = true;
        write!(self.encoder, "{lead}{line}").map_err(gzip_failed)
    }

    pub(super) fn finish(mut self) -> Result<Bytes> {
        let end = if self.begun { "]" } else { "[]" };
        self.encoder
            .write_all(end.as_bytes())
            .map_err(gzip_failed)?;
        self.encoder.finish().map(Bytes::from).map_err(gzip_failed)
    }
}

//! What a caller asks for: plain structs, read strictly.
//!
//! Unknown fields are refused, so that a typing error never selects too much or too little.

mod backup;
mod existing;
mod filter;
mod restore;
mod restore_transforms;

pub use backup::{ApiVersions, BackupSpec, ClusterScope};
pub use existing::{ApplySettings, Existing, ExistingOverride};
pub use filter::{FieldMask, MaskAction, NameFilter, NamespaceFilter};
pub use restore::RestoreSpec;
pub use restore_transforms::{MetadataOverwrite, StatusRestore};

pub use crate::hook::{BackupHooks, RestoreHooks};

use crate::{Error, Result, archive::Digest};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

/// Most bytes that a spec document may have.
const SPEC_BYTES: usize = 1 << 20;

fn from_yaml<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T> {
    if text.len() > SPEC_BYTES {
        return Err(Error::invalid("document is larger than allowed")
            .with_operation(format!("read {what}"))
            .with_context("bytes", text.len())
            .with_context("limit", SPEC_BYTES));
    }
    serde_saphyr::from_str(text).map_err(|error| {
        // The library's message names the field or the place; only its first line speaks of this document.
        let message = error.to_string();
        let line = message.lines().next().unwrap_or_default().to_owned();
        Error::invalid(line).with_operation(format!("read {what}"))
    })
}

/// SHA-256, in hex, over the JSON of a spec or plan, streamed: equal ones have equal digests.
pub(crate) fn digest(document: &impl Serialize) -> Result<String> {
    let mut hash = Hash(Sha256::new());
    serde_json::to_writer(&mut hash, document)
        .map_err(|error| Error::invalid("document cannot be written as JSON").with_source(error))?;
    Ok(Digest::from(hash.0).to_string())
}

struct Hash(Sha256);

impl std::io::Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Whether `name` can name a backup or restore: an RFC 1123 subdomain of at most 200 bytes.
///
/// Source: Velero takes 253; file systems take 255 for a file name, and the files of a backup append up to 40 bytes.
fn check_name(what: &'static str, name: &str) -> Result<()> {
    let label_ok = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if name.len() <= 200 && name.split('.').all(label_ok) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{what} name must be lower-case letters, digits, `-` and `.`, beginning and ending with a letter or digit, at most 200"
    ))
    .with_context("name", name.escape_debug()))
}

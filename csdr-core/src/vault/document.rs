//! Small JSON documents of a vault, and gzip of side files.

use crate::{Error, Result, port::VaultKey};
use bytes::Bytes;
use flate2::{Compression, GzBuilder, read::MultiGzDecoder};
use serde::{Serialize, de::DeserializeOwned};
use std::io::{Read, Write};

/// Most bytes of one document; larger ones are refused unread.
pub(crate) const MAX_DOCUMENT: u64 = 16 << 20;

/// JSON with a line end.
pub(crate) fn encode_document(document: &impl Serialize) -> Result<Bytes> {
    let mut bytes = serde_json::to_vec_pretty(document)
        .map_err(|error| Error::invalid("document cannot be written as JSON").with_source(error))?;
    bytes.push(b'\n');
    Ok(bytes.into())
}

/// Reads a document; unknown fields are tolerated (format rule 8).
pub(crate) fn decode_document<T: DeserializeOwned>(key: &VaultKey, body: &[u8]) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| {
        Error::corrupt("file is not what its name says")
            .with_context("key", key)
            .with_source(error)
    })
}

/// One deterministic gzip member.
pub(crate) fn gzip(bytes: &[u8]) -> Result<Bytes> {
    let mut encoder = GzBuilder::new()
        .mtime(0)
        .operating_system(255)
        .write(Vec::new(), Compression::new(6));
    let done = encoder.write_all(bytes).and_then(|()| encoder.finish());
    done.map(Bytes::from)
        .map_err(|error| Error::new(crate::ErrorKind::Unexpected, "gzip failed").with_source(error))
}

/// Unpacks at most `limit` bytes.
pub(crate) fn gunzip(key: &VaultKey, bytes: &[u8], limit: u64) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut decoder = MultiGzDecoder::new(bytes).take(limit + 1);
    decoder.read_to_end(&mut out).map_err(|error| {
        Error::corrupt("file is not gzip, or is cut")
            .with_context("key", key)
            .with_source(error)
    })?;
    if out.len() as u64 > limit {
        return Err(Error::corrupt("file inflates beyond what is allowed")
            .with_context("key", key)
            .with_context("limit", limit));
    }
    Ok(out)
}

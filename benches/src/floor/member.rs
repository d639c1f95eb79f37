//! gzip and SHA-256 of tar bytes.

use crate::Result;
use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};
use std::io::Write;

/// Raw bytes of a member.
pub(super) const RAW: usize = 1 << 20;

/// A member that is done.
pub(super) struct Member {
    pub(super) gzip: Vec<u8>,
    pub(super) sha256: [u8; 32],
}

/// Compresses and hashes the same bytes.
pub(super) fn seal(raw: &[u8]) -> Result<Member> {
    let mut encoder = GzBuilder::new()
        .mtime(0)
        .operating_system(255)
        .write(Vec::with_capacity(raw.len() / 4), Compression::new(6));
    encoder.write_all(raw)?;
    Ok(Member {
        gzip: encoder.finish()?,
        sha256: Sha256::digest(raw).into(),
    })
}

//! What the server keeps.

use bytes::Bytes;
use futures::StreamExt;
use s3s::{
    S3Result,
    dto::{ETag, StreamingBlob, Timestamp},
    s3_error,
};
use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

/// A body in the chunks in which it came.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunks {
    chunks: Vec<Bytes>,
    size: u64,
}

impl Chunks {
    /// Receives a body.
    pub(super) async fn receive(body: Option<StreamingBlob>, limit: u64) -> S3Result<Self> {
        let mut received = Self::default();
        let Some(mut body) = body else {
            return Ok(received);
        };
        while let Some(chunk) = body.next().await {
            // A client that went away, or a body that does not fit its signature.
            let chunk = chunk.map_err(|_| s3_error!(IncompleteBody))?;
            received.push(chunk);
            if received.size > limit {
                return Err(s3_error!(EntityTooLarge));
            }
        }
        Ok(received)
    }

    pub(super) fn push(&mut self, chunk: Bytes) {
        self.size += chunk.len() as u64;
        if !chunk.is_empty() {
            self.chunks.push(chunk);
        }
    }

    pub(super) fn append(&mut self, other: &Self) {
        self.size += other.size;
        self.chunks.extend_from_slice(&other.chunks);
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The chunks of a range, which lies within the size.
    pub(super) fn slices(&self, range: &Range<u64>) -> Vec<Bytes> {
        let mut start = 0;
        let mut slices = Vec::new();
        for chunk in &self.chunks {
            let end = start + chunk.len() as u64;
            let (from, to) = (range.start.max(start), range.end.min(end));
            if from < to {
                slices.push(chunk.slice((from - start) as usize..(to - start) as usize));
            }
            start = end;
        }
        slices
    }
}

/// An object. It never changes: a write puts another one in its place.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) body: Chunks,
    pub(super) etag: String,
    pub(super) modified: SystemTime,
    pub(super) metadata: HashMap<String, String>,
}

impl Object {
    pub(super) fn new(body: Chunks, metadata: HashMap<String, String>) -> Arc<Self> {
        Arc::new(Self {
            body,
            etag: unique(),
            modified: SystemTime::now(),
            metadata,
        })
    }

    pub(super) fn etag(&self) -> ETag {
        ETag::Strong(self.etag.clone())
    }

    pub(super) fn modified(&self) -> Timestamp {
        self.modified.into()
    }
}

/// A multipart upload that has not ended.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) key: String,
    pub(super) initiated: SystemTime,
    pub(super) metadata: HashMap<String, String>,
    pub(super) parts: BTreeMap<i32, Part>,
}

#[derive(Debug)]
pub(super) struct Part {
    pub(super) body: Chunks,
    pub(super) etag: String,
}

/// A text that nothing else in this process has: ETags (which need not be MD5) and upload ids.
pub(super) fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{:032x}", NEXT.fetch_add(1, Ordering::Relaxed))
}

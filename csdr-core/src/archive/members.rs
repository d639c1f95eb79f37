//! Members on their way to the vault: compressed in parallel, written in order.

use super::{
    Digest, IndexRow, MemberSpan,
    batch::{Batch, Sealed},
};
use crate::{
    Error, ErrorKind, Result,
    port::{Compute, ComputeExt, VaultMeta, VaultWriter},
};
use bytes::Bytes;
use flate2::Compression;
use futures::{StreamExt, future::BoxFuture, stream::FuturesOrdered};
use sha2::{Digest as _, Sha256};
use std::{fmt, sync::Arc, task::Poll};

/// Compressed bytes up to which a hash is not worth a job of its own (well under a millisecond).
const INLINE_HASH: usize = 128 << 10;

/// Seals batches on the host's threads and writes them to one file in the order in which they came.
///
/// Memory is `parallelism + 2` batches and their compressed bytes.
pub(super) struct MemberPipeline {
    sink: Option<Box<dyn VaultWriter>>,
    compute: Arc<dyn Compute>,
    level: Compression,
    in_flight: FuturesOrdered<BoxFuture<'static, Result<Sealed>>>,
    /// Rows of members that are written.
    pub(super) rows: Vec<IndexRow>,
    hasher: Sha256,
    pub(super) totals: MemberTotals,
    // Invariant: true while a member is between its job and the file, and for ever after a failure there: what was written
    // then is not known, so nothing may follow.
    broken: bool,
}

/// What was written so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct MemberTotals {
    pub(super) members: u64,
    pub(super) raw: u64,
    pub(super) size: u64,
}

/// The file when it is whole.
pub(super) struct Closed {
    pub(super) meta: VaultMeta,
    pub(super) sha256: Digest,
    pub(super) totals: MemberTotals,
    pub(super) rows: Vec<IndexRow>,
}

impl MemberPipeline {
    pub(super) fn new(
        sink: Box<dyn VaultWriter>,
        compute: Arc<dyn Compute>,
        level: Compression,
    ) -> Self {
        Self {
            sink: Some(sink),
            compute,
            level,
            in_flight: FuturesOrdered::new(),
            rows: Vec::new(),
            hasher: Sha256::new(),
            totals: MemberTotals::default(),
            broken: false,
        }
    }

    /// Refuses to go on after a failure or an interrupted write.
    pub(super) fn check(&self) -> Result<()> {
        if self.broken || self.sink.is_none() {
            return Err(Error::new(
                ErrorKind::Unexpected,
                "archive was left in the middle of a write; abort it and start again",
            ));
        }
        Ok(())
    }

    /// Seals a batch; first writes what stands before it, if too many wait.
    pub(super) async fn push(&mut self, batch: Batch) -> Result<()> {
        self.make_room().await?;
        self.start(batch);
        self.write_ready().await
    }

    /// Writes the oldest members until another job may start.
    pub(super) async fn make_room(&mut self) -> Result<()> {
        self.check()?;
        let bound = self.compute.parallelism().max(1) + 2;
        while self.in_flight.len() >= bound {
            self.write_next().await?;
        }
        Ok(())
    }

    /// Hands a batch in. It does not wait, so that no cancelled call can lose the batch; the job itself starts with the first poll,
    /// in [`write_ready`](Self::write_ready).
    pub(super) fn start(&mut self, batch: Batch) {
        let (compute, level) = (Arc::clone(&self.compute), self.level);
        self.in_flight.push_back(Box::pin(async move {
            compute.call(move || batch.seal(level)).await
        }));
    }

    /// Polls every job once and writes those that have ended.
    pub(super) async fn write_ready(&mut self) -> Result<()> {
        while let Poll::Ready(Some(sealed)) = futures::poll!(self.in_flight.next()) {
            self.write(sealed).await?;
        }
        Ok(())
    }

    /// Waits for the oldest job and writes it; `false` if there is none.
    async fn write_next(&mut self) -> Result<bool> {
        match self.in_flight.next().await {
            Some(sealed) => self.write(sealed).await.map(|()| true),
            None => Ok(false),
        }
    }

    async fn write(&mut self, sealed: Result<Sealed>) -> Result<()> {
        self.broken = true;
        let mut sealed = sealed?;
        let offset = self.totals.size;
        for row in &mut sealed.rows {
            row.member = MemberSpan {
                offset,
                ..row.member
            };
        }
        let bytes = Bytes::from(sealed.bytes);
        self.hash(bytes.clone()).await?;
        self.totals.members += 1;
        self.totals.raw += sealed.raw;
        self.totals.size += bytes.len() as u64;
        if let Some(sink) = &mut self.sink {
            sink.write(bytes).await?;
        }
        self.rows.append(&mut sealed.rows);
        self.broken = false;
        Ok(())
    }

    async fn hash(&mut self, bytes: Bytes) -> Result<()> {
        if bytes.len() <= INLINE_HASH {
            self.hasher.update(&bytes);
            return Ok(());
        }
        let mut hasher = std::mem::take(&mut self.hasher);
        self.hasher = self
            .compute
            .call(move || {
                hasher.update(&bytes);
                Ok(hasher)
            })
            .await?;
        Ok(())
    }

    /// Writes everything and makes the file visible.
    pub(super) async fn finish(mut self) -> Result<Closed> {
        self.check()?;
        while self.write_next().await? {}
        let Some(sink) = self.sink.take() else {
            return self.check().and(Err(Error::cancelled("finish archive")));
        };
        let meta = sink.finish().await?;
        if meta.size != self.totals.size {
            return Err(Error::corrupt(
                "the store says another size than was written; write it again",
            )
            .with_context("key", &meta.key)
            .with_context("written", self.totals.size)
            .with_context("stored", meta.size));
        }
        Ok(Closed {
            meta,
            sha256: self.hasher.into(),
            totals: self.totals,
            rows: self.rows,
        })
    }

    /// Leaves nothing.
    pub(super) async fn abort(mut self) -> Result<()> {
        match self.sink.take() {
            Some(sink) => sink.abort().await,
            None => Ok(()),
        }
    }
}

impl fmt::Debug for MemberPipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemberPipeline")
            .field("in_flight", &self.in_flight.len())
            .field("totals", &self.totals)
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}

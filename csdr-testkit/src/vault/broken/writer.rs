//! The writer of a broken vault.

use super::Defect;
use async_trait::async_trait;
use bytes::Bytes;
use csdr_core::{
    Result,
    memory::MemoryVault,
    port::{PutMode, VaultBackend, VaultBackendExt, VaultKey, VaultMeta, VaultWriter},
};
use futures::FutureExt;
use tokio::task::yield_now;

/// What one writer keeps at most if its vault [forgets the end](Defect::ForgetsTheEnd).
const MEMORY: usize = 16 << 20;

#[derive(Debug)]
pub(super) struct BrokenWriter {
    vault: MemoryVault,
    defect: Defect,
    key: VaultKey,
    mode: PutMode,
    body: Vec<u8>,
    shown: bool,
    done: bool,
}

impl BrokenWriter {
    pub(super) async fn open(
        vault: MemoryVault,
        defect: Defect,
        key: VaultKey,
        mode: PutMode,
    ) -> Result<Self> {
        // Lets a sound vault judge the key and the mode.
        vault.writer(&key, mode).await?.abort().await?;
        Ok(Self {
            vault,
            defect,
            key,
            mode,
            body: Vec::new(),
            shown: false,
            done: false,
        })
    }

    async fn publish(&mut self) -> Result<VaultMeta> {
        self.done = true;
        let body = std::mem::take(&mut self.body).into();
        let mut mode = self.mode;
        if self.defect == Defect::LooksThenFinishes
            && mode == PutMode::CreateNew
            && !self.vault.exists(&self.key).await?
        {
            yield_now().await;
            mode = PutMode::Overwrite;
        }
        self.vault.put(&self.key, body, mode).await
    }
}

#[async_trait]
impl VaultWriter for BrokenWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.body.extend_from_slice(&bytes);
        if self.defect == Defect::ForgetsTheEnd {
            self.body.truncate(MEMORY);
        }
        // An object that was there before is left alone: losing it would break other rules too.
        if self.defect == Defect::EarlyVisible
            && self.mode == PutMode::Overwrite
            && (self.shown || !self.vault.exists(&self.key).await?)
        {
            self.shown = true;
            let part = Bytes::copy_from_slice(&self.body);
            self.vault.put(&self.key, part, PutMode::Overwrite).await?;
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<VaultMeta> {
        self.publish().await
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        if self.defect == Defect::AbortFinishes {
            self.publish().await?;
        }
        if self.defect == Defect::DropFinishes {
            self.done = true;
        }
        Ok(())
    }
}

impl Drop for BrokenWriter {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        match self.defect {
            // A vault in memory answers without waiting.
            Defect::DropFinishes => {
                let _ = self.publish().now_or_never();
            }
            Defect::EarlyVisible if self.shown => {
                let _ = self.vault.delete(&self.key).now_or_never();
            }
            _ => {}
        }
    }
}

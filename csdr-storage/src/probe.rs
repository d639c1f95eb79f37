//! What a store really does.

use bytes::Bytes;
use csdr_core::{
    Error, ErrorKind, Result,
    port::{Entropy, PutMode, VaultBackend, VaultBackendExt, VaultKey, VaultWriter},
};
use std::fmt;

/// What a store was seen to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// `CreateNew` by `put` refuses a taken key.
    pub conditional_create: bool,
    /// `CreateNew` by a writer refuses a taken key.
    pub conditional_finish: bool,
    /// A range gives exactly its bytes.
    pub range_read: bool,
    /// A deleted object is gone.
    pub delete: bool,
}

impl Probe {
    /// Whether the store did all of it.
    pub fn is_full(&self) -> bool {
        self.conditional_create && self.conditional_finish && self.range_read && self.delete
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |good: bool| if good { "yes" } else { "no" };
        write!(
            f,
            "creates only what is new: {}, also in parts: {}, reads ranges: {}, deletes: {}",
            word(self.conditional_create),
            word(self.conditional_finish),
            word(self.range_read),
            word(self.delete),
        )
    }
}

/// Tries a store with one object of a new name, `csdr-probe-<random>` at the vault's root, and removes it.
///
/// It is a root object and not a folder, because Velero refuses a location with unknown folders.
///
/// ```
/// use csdr_core::{memory::MemoryVault, port::SystemEntropy};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> csdr_core::Result<()> {
/// let probe = csdr_storage::probe(&MemoryVault::new(), &SystemEntropy).await?;
/// assert!(probe.is_full());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of [`VaultBackend`], if the store does not even write and read.
pub async fn probe(vault: &dyn VaultBackend, entropy: &dyn Entropy) -> Result<Probe> {
    let mut random = [0u8; 16];
    entropy.fill(&mut random)?;
    let key = VaultKey::parse(format!("csdr-probe-{:032x}", u128::from_be_bytes(random)))?;
    let found = try_with(vault, &key).await;
    // Also after a failure nothing is to stay behind.
    let deleted = vault.delete(&key).await;
    let mut found = found.map_err(|error| error.with_operation("probe vault"))?;
    found.delete = match deleted {
        Ok(()) => !vault.exists(&key).await?,
        // A vault that keeps everything (object lock) is a vault all the same.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::PermissionDenied | ErrorKind::Unsupported
            ) =>
        {
            false
        }
        Err(error) => return Err(error.with_operation("probe vault")),
    };
    Ok(found)
}

async fn try_with(vault: &dyn VaultBackend, key: &VaultKey) -> Result<Probe> {
    const FIRST: Bytes = Bytes::from_static(b"0123456789");
    const SECOND: Bytes = Bytes::from_static(b"abcdefghij");
    let promised = vault.capabilities();
    let mut conditional_create = false;
    let mut conditional_finish = false;
    if promised.conditional_create {
        // Opened while the key is free: its end must find it taken.
        let late = vault.writer(key, PutMode::CreateNew).await?;
        match vault.put(key, FIRST, PutMode::CreateNew).await {
            Ok(_) => {
                conditional_create = refused(vault.put(key, SECOND, PutMode::CreateNew).await)?;
                conditional_finish = refused(finish(late, SECOND).await)?;
            }
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                late.abort().await?;
                vault.put(key, FIRST, PutMode::Overwrite).await?;
            }
            Err(error) => return Err(error),
        }
    } else {
        vault.put(key, FIRST, PutMode::Overwrite).await?;
    }
    let stored = vault.read(key, 1024).await?;
    let kept = conditional_create && conditional_finish;
    let intact = stored == FIRST || (stored == SECOND && !kept);
    if !intact {
        return Err(
            Error::corrupt("the store gives back other bytes than it was given")
                .with_context("key", key),
        );
    }
    let range_read = promised.range_read
        && match vault.read_range(key, 3, 4).await {
            Ok(part) => part == stored.slice(3..7),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::Corrupt | ErrorKind::Unsupported | ErrorKind::Incompatible
                ) =>
            {
                false
            }
            Err(error) => return Err(error),
        };
    Ok(Probe {
        conditional_create,
        conditional_finish,
        range_read,
        delete: false,
    })
}

async fn finish(mut writer: Box<dyn VaultWriter>, body: Bytes) -> Result<()> {
    writer.write(body).await?;
    writer.finish().await.map(|_| ())
}

/// Whether the second create was refused as it must be.
fn refused<T>(answer: Result<T>) -> Result<bool> {
    match answer {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(true),
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(false),
        Err(error) => Err(error),
    }
}

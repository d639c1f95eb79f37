//! What a store really does.

use bytes::Bytes;
use csdr_core::{
    Error, ErrorKind, Result,
    port::{Entropy, PutMode, VaultBackend, VaultBackendExt, VaultKey},
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
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported) => false,
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
    let fresh = match promised.conditional_create {
        true => vault.put(key, FIRST, PutMode::CreateNew).await,
        false => vault.put(key, FIRST, PutMode::Overwrite).await,
    };
    match fresh {
        Ok(_) if promised.conditional_create => {
            conditional_create = refused(vault.put(key, SECOND, PutMode::CreateNew).await)?;
            let finished = match vault.writer(key, PutMode::CreateNew).await {
                Ok(mut writer) => match writer.write(SECOND).await {
                    Ok(()) => writer.finish().await,
                    Err(error) => Err(error),
                },
                Err(error) => Err(error),
            };
            conditional_finish = refused(finished)?;
        }
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            vault.put(key, FIRST, PutMode::Overwrite).await?;
        }
        Err(error) => return Err(error),
    }
    let stored = vault.read(key, 1024).await?;
    let intact = [FIRST, SECOND].contains(&stored) && (stored == FIRST || !conditional_create);
    if !intact {
        return Err(Error::corrupt("the store gives back other bytes than it was given")
            .with_context("key", key));
    }
    let range_read = promised.range_read
        && match vault.read_range(key, 3, 4).await {
            Ok(part) => part == stored.slice(3..7),
            Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported | ErrorKind::Incompatible) => false,
            Err(error) => return Err(error),
        };
    Ok(Probe {
        conditional_create,
        conditional_finish,
        range_read,
        delete: false,
    })
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

//! What a killed process left in its vault.

use crate::process::{Store, block_on};
use async_trait::async_trait;
use csdr_core::{
    ErrorKind,
    port::{Clock, SystemClock},
    vault::{GcOptions, GcReport, Host, Vault, VerifyLevel},
};
use jiff::Timestamp;
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// The state of the one backup that a test makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// The vault itself was not yet made, and nothing else is there.
    Nothing,
    /// The vault opens and lists no backup.
    Unfinished,
    /// The backup is listed and every object of it is proven.
    Complete,
}

/// Opens the vault and looks; half a backup fails the test.
pub(crate) fn look(store: &Store, vault: &str, backup: &str) -> Left {
    block_on(async {
        let opened = match Vault::open_with(store.backend(vault), Host::default()).await {
            Ok(opened) => opened,
            Err(error) => {
                assert_eq!(
                    error.kind(),
                    ErrorKind::NotFound,
                    "{vault}: {}",
                    error.chain()
                );
                let left = visible(store, vault);
                assert!(left.is_empty(), "{vault}: no vault, and {left:?}");
                return Left::Nothing;
            }
        };
        let listed = opened.backups().await.unwrap();
        if listed.is_empty() {
            return Left::Unfinished;
        }
        let names: Vec<&str> = listed.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, [backup], "{vault}");
        let stored = opened.backup(backup).await.unwrap();
        let proof = stored.verify(VerifyLevel::Objects).await.unwrap();
        assert!(proof.is_sound(), "{vault}: {proof}");
        Left::Complete
    })
}

/// Files of the vault but for temporary ones, which no list shows.
pub(crate) fn visible(store: &Store, vault: &str) -> BTreeSet<String> {
    let names = store.files(vault).into_keys();
    names
        .filter(|name| !name.starts_with(".csdr-tmp-"))
        .collect()
}

/// The system's clock, an hour ahead: to it every claim has expired.
#[derive(Debug)]
struct Later;

#[async_trait]
impl Clock for Later {
    fn now(&self) -> Timestamp {
        SystemClock.now() + Duration::from_secs(3600)
    }

    async fn sleep(&self, duration: Duration) {
        SystemClock.sleep(duration).await;
    }
}

/// Collects garbage when every claim has expired.
pub(crate) fn gc(store: &Store, vault: &str) -> GcReport {
    block_on(async {
        let host = Host::default().with_clock(Arc::new(Later));
        let opened = Vault::open_with(store.backend(vault), host).await.unwrap();
        opened.gc(&GcOptions::default()).await.unwrap()
    })
}

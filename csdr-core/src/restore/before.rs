//! What was there before a restore changed it: kept in the vault before the change is made.

use crate::{
    Error, Result,
    model::Object,
    port::{VaultBackend, VaultKey},
    vault::{Claim, RestoreLayout, gzip, put_once},
};
use bytes::Bytes;
use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

/// Keeps objects in files `csdr/<operation>/before/<number>.json.gz`: `{"objects": […]}`, each as the server answered it.
///
/// Whoever keeps an object while a file is being written waits, and all that wait share the next file: at most as many as are written to
/// the target at the same time.
pub(super) struct Before<'a> {
    backend: &'a dyn VaultBackend,
    claim: &'a Claim,
    folder: VaultKey,
    waiting: Mutex<Waiting>,
    written: tokio::sync::Mutex<Written>,
}

#[derive(Default)]
struct Waiting {
    objects: Vec<Bytes>,
    /// How many came so far.
    count: u64,
}

#[derive(Default)]
struct Written {
    files: u64,
    /// How many of those that came are in files.
    count: u64,
}

impl<'a> Before<'a> {
    pub(super) fn new(
        backend: &'a dyn VaultBackend,
        claim: &'a Claim,
        layout: &RestoreLayout,
        operation: Uuid,
    ) -> Result<Self> {
        Ok(Self {
            backend,
            claim,
            folder: layout.attempt(operation, "before")?,
            waiting: Mutex::default(),
            written: tokio::sync::Mutex::default(),
        })
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns once the object is in the vault.
    pub(super) async fn keep(&self, object: &Object) -> Result<()> {
        let ticket = {
            let mut waiting = self.waiting();
            waiting.objects.push(object.json().clone());
            waiting.count += 1;
            waiting.count
        };
        let mut written = self.written.lock().await;
        if written.count >= ticket {
            return Ok(());
        }
        let (objects, count) = {
            let mut waiting = self.waiting();
            (std::mem::take(&mut waiting.objects), waiting.count)
        };
        let number = written.files;
        written.files += 1;
        match self.write(number, &objects).await {
            Ok(()) => {
                written.count = count;
                Ok(())
            }
            Err(error) => {
                // The others that wait for this file try again.
                self.waiting().objects.splice(0..0, objects);
                Err(error)
            }
        }
    }

    async fn write(&self, number: u64, objects: &[Bytes]) -> Result<()> {
        let mut json = Vec::from(br#"{"objects":["#);
        for (at, object) in objects.iter().enumerate() {
            if at > 0 {
                json.push(b',');
            }
            json.extend_from_slice(object);
        }
        json.extend_from_slice(b"]}\n");
        self.claim.guard().await?;
        let key = self.folder.join(&format!("{number:06}.json.gz"))?;
        let about = |error: Error| error.with_operation("keep what was there before");
        put_once(self.backend, &key, gzip(&json)?)
            .await
            .map_err(about)
    }
}

impl fmt::Debug for Before<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Before")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

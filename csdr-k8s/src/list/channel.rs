//! Between a list's task and its consumer: one page, and whether the consumer waits for it.

use super::Stop;
use csdr_core::{Result, port::Page};
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc};

/// What the driver puts into the stream.
pub(super) struct Sender {
    pages: mpsc::Sender<Result<Page>>,
    /// One permit a page that the consumer has come for and that was not sent yet.
    awaited: Arc<Semaphore>,
}

/// A place for one page.
pub(super) struct Place<'a> {
    permit: mpsc::Permit<'a, Result<Page>>,
    awaited: &'a Semaphore,
}

/// The consumer's end.
pub(super) struct Receiver {
    pages: mpsc::Receiver<Result<Page>>,
    awaited: Arc<Semaphore>,
}

/// Both ends, with room for one page.
pub(super) fn channel() -> (Sender, Receiver) {
    let (sender, pages) = mpsc::channel(1);
    let awaited = Arc::new(Semaphore::new(0));
    let sender = Sender {
        pages: sender,
        awaited: Arc::clone(&awaited),
    };
    (sender, Receiver { pages, awaited })
}

impl Sender {
    /// Waits for room.
    pub(super) async fn reserve(&self) -> Result<Place<'_>, Stop> {
        let permit = self.pages.reserve().await.map_err(|_| Stop::Gone)?;
        Ok(Place {
            permit,
            awaited: &self.awaited,
        })
    }

    /// Sends as soon as there is room.
    pub(super) async fn send(&self, page: Result<Page>) -> Result<(), Stop> {
        self.reserve().await?.send(page);
        Ok(())
    }

    /// Waits until the consumer has come for a page that was not sent yet.
    pub(super) async fn awaited(&self) -> Result<(), Stop> {
        // The permit goes back at once: only a page that is sent uses it up.
        self.awaited
            .acquire()
            .await
            .map(drop)
            .map_err(|_| Stop::Gone)
    }
}

impl Place<'_> {
    pub(super) fn send(self, page: Result<Page>) {
        // Most lists are ahead of their consumer: then there is none to use up.
        if let Ok(permit) = self.awaited.try_acquire() {
            permit.forget();
        }
        self.permit.send(page);
    }
}

impl Receiver {
    pub(super) async fn recv(&mut self) -> Option<Result<Page>> {
        self.awaited.add_permits(1);
        self.pages.recv().await
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // Whoever waits for this consumer need not any more.
        self.awaited.close();
    }
}

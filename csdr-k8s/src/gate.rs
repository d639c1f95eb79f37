//! How many requests run at once: additive increase, multiplicative decrease, under a ceiling.

use csdr_core::{Error, ErrorKind, Result, Retry};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Lets at most `width` requests through; shared by all adapters of one client.
#[derive(Debug)]
pub(crate) struct Gate {
    places: Arc<Semaphore>,
    state: Mutex<State>,
    ceiling: usize,
}

#[derive(Debug)]
struct State {
    /// The present width; its whole part counts.
    width: f64,
    /// Places to take away as soon as they come back.
    debt: usize,
    /// How often the width was halved: a refusal of a request from before the last time says nothing new.
    halvings: u64,
}

/// One request's place; give it back by dropping it.
#[derive(Debug)]
pub(crate) struct Place {
    permit: Option<OwnedSemaphorePermit>,
    gate: Arc<Gate>,
    halvings: u64,
}

impl Gate {
    /// A gate that begins at its ceiling (at least 1).
    pub(crate) fn new(ceiling: usize) -> Arc<Self> {
        let ceiling = ceiling.clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            places: Arc::new(Semaphore::new(ceiling)),
            state: Mutex::new(State {
                width: ceiling as f64,
                debt: 0,
                halvings: 0,
            }),
            ceiling,
        })
    }

    /// Waits for a place, at most `patience`.
    pub(crate) async fn enter(self: &Arc<Self>, patience: Duration) -> Result<Place> {
        let places = Arc::clone(&self.places);
        let permit = match tokio::time::timeout(patience, places.acquire_owned()).await {
            Ok(Ok(permit)) => permit,
            _ => {
                return Err(Error::new(
                    ErrorKind::Timeout,
                    "no request of this client ended in time to let another one start",
                )
                .with_retry(Retry::After(None)));
            }
        };
        let halvings = self.state().halvings;
        Ok(Place {
            permit: Some(permit),
            gate: Arc::clone(self),
            halvings,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is one assignment after another, so a poisoned one is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present width.
    #[cfg(test)]
    pub(crate) fn width(&self) -> usize {
        self.state().width as usize
    }
}

impl Place {
    /// The server took the request: the gate widens by one for each full round of requests.
    pub(crate) fn taken(&self) {
        let mut state = self.gate.state();
        let before = state.width as usize;
        state.width = (state.width + 1.0 / state.width).min(self.gate.ceiling as f64);
        if state.width as usize > before {
            match state.debt {
                0 => self.gate.places.add_permits(1),
                _ => state.debt -= 1,
            }
        }
    }

    /// The server asked to slow down: the gate halves, once for all requests that were under way.
    pub(crate) fn throttled(&self) {
        let mut state = self.gate.state();
        if state.halvings != self.halvings {
            return;
        }
        state.halvings += 1;
        let before = state.width as usize;
        state.width = (state.width / 2.0).max(1.0);
        state.debt += before - state.width as usize;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        if state.debt > 0
            && let Some(permit) = self.permit.take()
        {
            state.debt -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn halves_once_a_round_and_grows_back_to_the_ceiling() {
        let gate = Gate::new(8);
        let mut places = Vec::new();
        for _ in 0..8 {
            places.push(gate.enter(PATIENCE).await.unwrap());
        }
        places[0].throttled();
        places[1].throttled();
        assert_eq!(gate.width(), 4);
        places.clear();
        assert_eq!(gate.places.available_permits(), 4);
        for _ in 0..200 {
            gate.enter(PATIENCE).await.unwrap().taken();
        }
        assert_eq!((gate.width(), gate.places.available_permits()), (8, 8));
    }

    #[tokio::test(start_paused = true)]
    async fn is_never_narrower_than_one_and_waiting_ends() {
        let gate = Gate::new(2);
        for _ in 0..5 {
            gate.enter(PATIENCE).await.unwrap().throttled();
        }
        assert_eq!(gate.width(), 1);
        let held = gate.enter(PATIENCE).await.unwrap();
        let error = gate.enter(PATIENCE).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        drop(held);
        gate.enter(PATIENCE).await.unwrap();
    }
}

//! One flight for many passengers: whoever asks for a thing that is already being fetched waits for that answer.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Stopwatch;

/// Answers by key, each kept for a time that its answer sets; failures are shared by those who waited for them and
/// never kept for the next.
pub struct Flights<K, V, E> {
    slots: Mutex<HashMap<K, Slot<V, E>>>,
    capacity: usize,
    clock: Stopwatch,
}

struct Slot<V, E> {
    gate: Arc<tokio::sync::Mutex<Option<Landed<V, E>>>>,
    /// When this key was last asked for: the oldest gives way.
    asked: Duration,
}

struct Landed<V, E> {
    outcome: Result<V, E>,
    at: Duration,
    until: Duration,
}

impl<K, V, E> Flights<K, V, E>
where
    K: Eq + Hash + Clone + Send,
    V: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    /// Makes a table for so many keys; the one that was asked for longest ago gives way.
    pub fn new(capacity: usize, clock: Stopwatch) -> Self {
        Self { slots: Mutex::new(HashMap::new()), capacity: capacity.max(1), clock }
    }

    /// Returns the answer for `key`, from `fly` if none is at hand. `fly` gives the answer and for how long it holds.
    /// It runs to its end even if every passenger leaves: a caller who hangs up must not waste it for the others.
    ///
    /// # Errors
    /// What `fly` failed with, for this passenger or for one it waited with; `lost` if the flight was ended from outside.
    pub async fn get<F>(&self, key: K, fly: impl FnOnce() -> F, lost: E) -> Result<V, E>
    where
        F: Future<Output = Result<(V, Duration), E>> + Send + 'static,
    {
        let started = self.clock.read();
        let mut seat = self.gate(key, started).lock_owned().await;
        if let Some(landed) = seat.as_ref() {
            match &landed.outcome {
                Ok(value) if self.clock.read() < landed.until => return Ok(value.clone()),
                Err(error) if started <= landed.at => return Err(error.clone()),
                _ => {}
            }
        }
        let (flight, clock) = (fly(), self.clock.clone());
        let landing = tokio::spawn(async move {
            let answer = flight.await;
            let at = clock.read();
            let (outcome, until) = match answer {
                Ok((value, holds)) => (Ok(value), at.saturating_add(holds)),
                Err(error) => (Err(error), at),
            };
            *seat = Some(Landed { outcome: outcome.clone(), at, until });
            outcome
        });
        landing.await.unwrap_or(Err(lost))
    }

    /// Forgets the answer for `key`.
    pub fn forget(&self, key: &K) {
        self.slots().remove(key);
    }

    fn gate(&self, key: K, now: Duration) -> Arc<tokio::sync::Mutex<Option<Landed<V, E>>>> {
        let mut slots = self.slots();
        if !slots.contains_key(&key) && slots.len() >= self.capacity {
            // A pass over the table, once for each request to the network: cheap beside it.
            let oldest = slots.iter().min_by_key(|(_, slot)| slot.asked).map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                slots.remove(&oldest);
            }
        }
        let slot = slots.entry(key).or_insert_with(|| Slot { gate: Arc::default(), asked: now });
        slot.asked = now;
        Arc::clone(&slot.gate)
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<K, Slot<V, E>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

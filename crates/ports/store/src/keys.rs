//! The root key and what hangs under it, in memory for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use doorward_types::Secret;
use tokio::sync::Mutex as Flight;

use crate::open::Stopwatch;
use crate::seal::{Key, Sealed, random_key};
use crate::sqlite::{Database, Query, Root, Tx};
use crate::{KeyWrap, Kind, Row, Scope, StoreError};

/// Keys are unwrapped again at this age, while they still serve.
const REFRESH: Duration = Duration::from_secs(10 * 60);
/// No key is used at this age, whatever Key Vault says by then (D-18).
const LIFE: Duration = Duration::from_secs(15 * 60);
/// After a failure nobody asks again for so long: a door under load must not hammer a Key Vault that is ill.
const PAUSE: Duration = Duration::from_secs(5);

/// One root key, unwrapped, with the keys under it.
pub(crate) struct Ring {
    pub(crate) generation: i64,
    pub(crate) root: Key,
    scopes: Mutex<HashMap<String, Arc<Key>>>,
    since: Duration,
}

impl Ring {
    pub(crate) fn new(generation: i64, root: Key, since: Duration) -> Self {
        Self { generation, root, scopes: Mutex::new(HashMap::new()), since }
    }

    pub(crate) fn known(&self, scope: &str) -> Option<Arc<Key>> {
        lock(&self.scopes).get(scope).cloned()
    }

    pub(crate) fn add(&self, scope: &str, key: Arc<Key>) {
        lock(&self.scopes).insert(scope.to_owned(), key);
    }

    /// Opens the row of a tenant's key, or of the door's.
    pub(crate) fn open_key(&self, sealed: Sealed) -> Result<(String, Arc<Key>), StoreError> {
        let wrong = |what| StoreError::Tampered { kind: Kind::Key, what };
        if sealed.generation != self.generation {
            return Err(wrong("it lies under another root key"));
        }
        let row = sealed.open(&self.root)?;
        let scope = String::from_utf8(row.id).map_err(|_| wrong("its name cannot be read"))?;
        let key = row.body.expose().as_slice().try_into().map_err(|_| wrong("it is no key"))?;
        Ok((scope, Arc::new(Secret::new(key))))
    }

    /// Draws a key for a scope and seals it under the root.
    pub(crate) fn make_key(&self, scope: &str) -> Result<(Sealed, Arc<Key>), StoreError> {
        let key = random_key()?;
        let row = Row {
            kind: Kind::Key,
            id: scope.as_bytes().to_vec(),
            scope: Scope::Door,
            person: None,
            client: None,
            grant: None,
            expires: None,
            version: 1,
            body: Secret::new(key.expose().to_vec()),
        };
        Ok((Sealed::seal(&row, 1, self.generation, &self.root)?, Arc::new(key)))
    }
}

/// The keys of an open store.
pub(crate) struct Keys {
    wrap: Mutex<Arc<dyn KeyWrap>>,
    ring: Mutex<Option<Arc<Ring>>>,
    /// Held while the root is unwrapped, so that it is done once for all who wait; the last failure and its time.
    flight: Flight<Option<(Duration, KeysFailure)>>,
    stopwatch: Stopwatch,
}

#[derive(Clone)]
struct KeysFailure {
    wrap: String,
    reason: String,
}

impl From<KeysFailure> for StoreError {
    fn from(failure: KeysFailure) -> Self {
        Self::KeysUnavailable { wrap: failure.wrap, reason: failure.reason }
    }
}

impl Keys {
    pub(crate) fn new(wrap: Arc<dyn KeyWrap>, stopwatch: Stopwatch) -> Self {
        Self { wrap: Mutex::new(wrap), ring: Mutex::new(None), flight: Flight::new(None), stopwatch }
    }

    pub(crate) fn now(&self) -> Duration {
        (self.stopwatch)()
    }

    pub(crate) fn wrap(&self) -> Arc<dyn KeyWrap> {
        Arc::clone(&lock(&self.wrap))
    }

    #[cfg(test)]
    pub(crate) fn held(&self) -> bool {
        lock(&self.ring).is_some()
    }

    /// Forgets the keys.
    pub(crate) fn wipe(&self) {
        *lock(&self.ring) = None;
    }

    /// Puts another root in the place of the present one, wrapped by another key.
    pub(crate) fn change(&self, wrap: Arc<dyn KeyWrap>, ring: Ring) {
        *lock(&self.wrap) = wrap;
        *lock(&self.ring) = Some(Arc::new(ring));
    }

    /// Wipes the keys if they are too old, and says whether they are due to be unwrapped again.
    pub(crate) fn look(&self) -> (Option<Arc<Ring>>, bool) {
        let now = self.now();
        let mut held = lock(&self.ring);
        let age = held.as_ref().map(|ring| now.saturating_sub(ring.since));
        if age.is_some_and(|age| age >= LIFE) {
            *held = None;
        }
        (held.clone(), age.is_some_and(|age| age >= REFRESH))
    }

    /// Unwraps the root, unless somebody has while this one waited. `stale` is the ring that no longer serves.
    pub(crate) async fn load(
        &self,
        database: &Database,
        stale: Option<&Arc<Ring>>,
    ) -> Result<Arc<Ring>, StoreError> {
        let mut failure = self.flight.lock().await;
        if let (Some(ring), _) = self.look()
            && stale.is_none_or(|stale| !Arc::ptr_eq(stale, &ring))
        {
            return Ok(ring);
        }
        if let Some((at, failure)) = failure.as_ref()
            && self.now().saturating_sub(*at) < PAUSE
        {
            return Err(failure.clone().into());
        }
        match self.unwrapped(database).await {
            Ok(ring) => {
                *failure = None;
                let ring = Arc::new(ring);
                *lock(&self.ring) = Some(Arc::clone(&ring));
                Ok(ring)
            }
            Err(error) => {
                if let StoreError::KeysUnavailable { wrap, reason } = &error {
                    let said = KeysFailure { wrap: wrap.clone(), reason: reason.clone() };
                    *failure = Some((self.now(), said));
                }
                Err(error)
            }
        }
    }

    /// Unwraps the root, and opens every key under it.
    pub(crate) async fn unwrapped(&self, database: &Database) -> Result<Ring, StoreError> {
        let mut snapshot = database.snapshot().await?;
        let root = snapshot.root().await?;
        let rows = snapshot.rows(Query::All(Kind::Key)).await?;
        // No connection is held while a Key Vault is asked.
        snapshot.rollback().await?;
        let ring = self.unwrap_root(root.ok_or(ROOT_GONE)?).await?;
        for row in rows {
            let (scope, key) = ring.open_key(row)?;
            ring.add(&scope, key);
        }
        Ok(ring)
    }

    async fn unwrap_root(&self, root: Root) -> Result<Ring, StoreError> {
        let wrap = self.wrap();
        let id = wrap.id();
        if root.wrap != id {
            return Err(StoreError::OtherKey { stored: root.wrap, given: id });
        }
        // Counted from before the answer: a slow Key Vault lends no time.
        let since = self.now();
        let root_key = wrap.unwrap(root.wrapped).await;
        let root_key =
            root_key.map_err(|error| StoreError::KeysUnavailable { wrap: id, reason: error.to_string() })?;
        Ok(Ring::new(root.generation, root_key, since))
    }

    /// Returns a scope's key for reading. `None`: another root has come since, read again.
    pub(crate) async fn of_scope(
        &self,
        database: &Database,
        ring: &Ring,
        kind: Kind,
        scope: &str,
    ) -> Result<Option<Arc<Key>>, StoreError> {
        if let Some(key) = ring.known(scope) {
            return Ok(Some(key));
        }
        // Another process may have met this tenant first.
        let row = database.reader().await?.rows(Query::One(Kind::Key, scope.as_bytes())).await?.pop();
        let row = row.ok_or(StoreError::Tampered { kind, what: KEY_GONE })?;
        if row.generation != ring.generation {
            return Ok(None);
        }
        let (scope, key) = ring.open_key(row)?;
        ring.add(&scope, Arc::clone(&key));
        Ok(Some(key))
    }

    /// Returns a scope's key for writing, and makes it for a tenant that is new. A key that was made is the ring's only
    /// once the transaction is through: it is added to `made`.
    pub(crate) async fn for_writing(
        &self,
        tx: &mut Tx<'_>,
        ring: &Ring,
        scope: &Scope,
        made: &mut HashMap<String, Arc<Key>>,
    ) -> Result<Arc<Key>, StoreError> {
        let scope = scope.text();
        if let Some(key) = ring.known(scope).or_else(|| made.get(scope).cloned()) {
            return Ok(key);
        }
        let key = match tx.rows(Query::One(Kind::Key, scope.as_bytes())).await?.pop() {
            Some(row) => ring.open_key(row)?.1,
            // A key that was taken away is not replaced: what lies under it would be lost without a word.
            None if tx.any_of_scope(scope).await? => {
                return Err(StoreError::Tampered { kind: Kind::Key, what: KEY_GONE });
            }
            None => {
                let (row, key) = ring.make_key(scope)?;
                tx.insert(&row).await?;
                key
            }
        };
        made.insert(scope.to_owned(), Arc::clone(&key));
        Ok(key)
    }
}

pub(crate) const ROOT_GONE: StoreError =
    StoreError::Tampered { kind: Kind::Key, what: "the root key is gone" };
const KEY_GONE: &str = "the key of its tenant, or of the door, is gone";

/// A thread that panicked while it held a map of keys has left it whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

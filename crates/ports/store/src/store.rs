//! Reading and writing rows.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use doorward_types::{ClientId, GrantId, Person, Timestamp};
use tokio::task::JoinHandle;

use crate::keys::{Keys, Ring};
use crate::row::person_text;
use crate::seal::{Key, Sealed};
use crate::sqlite::{Database, Query, Tx};
use crate::{Change, Kind, Row, StoreError};

/// How many rows one transaction sweeps: a sweep must not keep a sign-in waiting.
const SWEPT: i64 = 500;
/// How often another root key may come between before something is wrong.
const TRIES: usize = 3;

/// An open store. A clone is the same store.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) database: Database,
    pub(crate) keys: Keys,
    /// The highest epoch that was anchored or seen. A lower one is an older row that was put back.
    highest: AtomicU64,
    /// The task that unwraps the root again before the present one is too old.
    pub(crate) refresh: std::sync::Mutex<Option<(Duration, JoinHandle<()>)>>,
}

/// A transaction under a root that is the database's own.
pub(crate) struct Session<'a> {
    pub(crate) tx: Tx<'a>,
    pub(crate) ring: Arc<Ring>,
    /// Keys made in this transaction; the ring's once it is through.
    made: HashMap<String, Arc<Key>>,
}

impl Session<'_> {
    /// Returns the door's own key, which every ring has.
    pub(crate) fn door_key(&self) -> Result<Arc<Key>, StoreError> {
        const GONE: StoreError =
            StoreError::Tampered { kind: Kind::Key, what: "the key of the door is gone" };
        self.ring.known("door").ok_or(GONE)
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        self.tx.commit().await?;
        for (scope, key) in self.made {
            self.ring.add(&scope, key);
        }
        Ok(())
    }
}

/// # Errors
/// All of these return [`StoreError`]: if the database or the keys are not at hand, or if anything that was read is not
/// what the door wrote.
impl Store {
    /// Returns a row; one that has expired does not exist.
    pub async fn get(&self, kind: Kind, id: &[u8], now: Timestamp) -> Result<Option<Row>, StoreError> {
        Ok(living(self.read(Query::One(kind, id)).await?, now).pop())
    }

    /// Returns the rows of a kind that are a person's.
    pub async fn of_person(
        &self,
        kind: Kind,
        person: &Person,
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        Ok(living(self.read(Query::OfPerson(kind, &person_text(person))).await?, now))
    }

    /// Returns the rows of a kind that are for a client.
    pub async fn of_client(
        &self,
        kind: Kind,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        Ok(living(self.read(Query::OfClient(kind, client.as_str())).await?, now))
    }

    /// Returns the rows of a kind that belong to a sign-in.
    pub async fn of_grant(
        &self,
        kind: Kind,
        grant: &GrantId,
        now: Timestamp,
    ) -> Result<Vec<Row>, StoreError> {
        Ok(living(self.read(Query::OfGrant(kind, &grant.0)).await?, now))
    }

    /// Returns the rows of a kind whose id begins so: what belongs together has ids that begin alike.
    pub async fn under(&self, kind: Kind, prefix: &[u8], now: Timestamp) -> Result<Vec<Row>, StoreError> {
        Ok(living(self.read(Query::Under(kind, prefix)).await?, now))
    }

    /// Returns every row of a kind.
    pub async fn all(&self, kind: Kind, now: Timestamp) -> Result<Vec<Row>, StoreError> {
        Ok(living(self.read(Query::All(kind)).await?, now))
    }

    /// Counts the rows of a kind, those that have expired and are not swept yet among them. Nothing is opened: this is
    /// for limits, not for decisions about a row.
    pub async fn count(&self, kind: Kind) -> Result<u64, StoreError> {
        self.inner.database.reader().await?.count(kind).await
    }

    /// Writes a new row; false if the id exists, expired or not.
    pub async fn insert(&self, row: &Row) -> Result<bool, StoreError> {
        self.apply(&[Change::Insert(row)]).await
    }

    /// Writes a row that was read, at the version it was read at; it is stored as the next version. False if somebody
    /// else was faster, or if it is gone.
    pub async fn replace(&self, row: &Row) -> Result<bool, StoreError> {
        self.apply(&[Change::Replace(row)]).await
    }

    /// Writes a row whether or not the id exists; the version that it says is of no account.
    pub async fn put(&self, row: &Row) -> Result<(), StoreError> {
        self.apply(&[Change::Put(row)]).await.map(|_| ())
    }

    /// Removes a row; true if it was there.
    pub async fn delete(&self, kind: Kind, id: &[u8]) -> Result<bool, StoreError> {
        Ok(self.write(&[Change::Delete(kind, id)]).await?.is_some_and(|rows| rows > 0))
    }

    /// Removes every row of a sign-in; returns how many there were.
    pub async fn delete_grant(&self, grant: &GrantId) -> Result<u64, StoreError> {
        Ok(self.write(&[Change::DeleteGrant(*grant)]).await?.unwrap_or(0))
    }

    /// Removes the rows of a kind that are a person's; returns how many there were.
    pub async fn delete_of_person(&self, kind: Kind, person: &Person) -> Result<u64, StoreError> {
        not_own(kind)?;
        let mut writing = self.begin().await?;
        let rows = writing.tx.delete_of_person(kind, &person_text(person)).await?;
        writing.commit().await?;
        Ok(rows)
    }

    /// Writes several things together; false if an insert or a replace lost, and then nothing is written.
    pub async fn apply(&self, changes: &[Change<'_>]) -> Result<bool, StoreError> {
        Ok(self.write(changes).await?.is_some())
    }

    /// Removes rows that have expired, in transactions of bounded size; returns how many there were.
    pub async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.tend();
        let mut rows = 0;
        loop {
            let mut tx = self.inner.database.begin().await?;
            let swept = tx.delete_expired(now.as_micros(), SWEPT).await?;
            tx.commit().await?;
            rows += swept;
            if swept < SWEPT.unsigned_abs() {
                return Ok(rows);
            }
        }
    }

    /// Returns a number that changes when another process has written. To be asked every second or so: it is also when
    /// an idle door looks whether its keys are too old to be held.
    pub async fn data_version(&self) -> Result<i64, StoreError> {
        self.tend();
        self.inner.database.data_version().await
    }

    /// Closes the connections and wipes the keys; every later call fails.
    pub async fn close(&self) {
        self.inner.keys.wipe();
        self.inner.database.close().await;
    }

    pub(crate) fn of(database: Database, keys: Keys) -> Self {
        let (highest, refresh) = (AtomicU64::new(0), std::sync::Mutex::new(None));
        Self { inner: Arc::new(Inner { database, keys, highest, refresh }) }
    }

    /// Compares the epoch with the anchored one.
    pub(crate) async fn start(
        &self,
        anchored: u64,
        accept_rollback: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.inner.highest.store(anchored, Ordering::SeqCst);
        match self.epoch().await {
            Err(StoreError::RolledBack { stored, .. }) if accept_rollback => {
                let raised = self.raise(anchored, now).await?;
                tracing::warn!(
                    stored,
                    anchored,
                    raised,
                    "an older store was accepted: every sign-in in it is revoked"
                );
                Ok(())
            }
            Err(error) => Err(error),
            Ok(_) => Ok(()),
        }
    }

    /// Refuses an epoch that is lower than one seen before: an older row, or an older database, was put back.
    pub(crate) fn not_lower(&self, epoch: u64) -> Result<u64, StoreError> {
        let highest = self.inner.highest.fetch_max(epoch, Ordering::SeqCst);
        if epoch < highest {
            return Err(StoreError::RolledBack { stored: epoch, anchored: highest });
        }
        Ok(epoch)
    }

    /// Reads rows and opens every one of them.
    pub(crate) async fn read(&self, query: Query<'_>) -> Result<Vec<Row>, StoreError> {
        let Inner { database, keys, .. } = &*self.inner;
        let mut ring = self.ring().await?;
        let mut odd = Kind::Key;
        'again: for _ in 0..TRIES {
            let sealed = database.reader().await?.rows(query).await?;
            let mut rows = Vec::with_capacity(sealed.len());
            for row in sealed {
                odd = row.kind;
                let key = match row.generation == ring.generation {
                    true => keys.of_scope(database, &ring, row.kind, &row.scope).await?,
                    false => None,
                };
                let Some(key) = key else {
                    // Another process may have changed the root. If not, somebody changed the row.
                    ring = self.newer(ring).await?;
                    continue 'again;
                };
                rows.push(row.open(&key)?);
            }
            return Ok(rows);
        }
        Err(StoreError::Tampered { kind: odd, what: "it lies under another root key" })
    }

    /// Begins to write, under the root that the database has.
    pub(crate) async fn begin(&self) -> Result<Session<'_>, StoreError> {
        self.session(true).await
    }

    /// Begins to read at one moment, under the root that the database has then.
    pub(crate) async fn snapshot(&self) -> Result<Session<'_>, StoreError> {
        self.session(false).await
    }

    async fn session(&self, writes: bool) -> Result<Session<'_>, StoreError> {
        let database = &self.inner.database;
        let mut ring = self.ring().await?;
        for _ in 0..TRIES {
            let mut tx = if writes { database.begin().await? } else { database.snapshot().await? };
            if tx.generation().await? == Some(ring.generation) {
                return Ok(Session { tx, ring, made: HashMap::new() });
            }
            tx.rollback().await?;
            ring = self.newer(ring).await?;
        }
        Err(StoreError::Tampered { kind: Kind::Key, what: "the root key does not stay the same" })
    }

    /// Does the changes in one transaction; `None` if one of them lost.
    async fn write(&self, changes: &[Change<'_>]) -> Result<Option<u64>, StoreError> {
        for change in changes {
            match change {
                Change::Insert(row) | Change::Replace(row) | Change::Put(row) => not_own(row.kind)?,
                Change::Delete(kind, _) => not_own(*kind)?,
                Change::DeleteGrant(_) => {}
            }
        }
        let mut writing = self.begin().await?;
        let mut rows = 0;
        for change in changes {
            match self.change(&mut writing, change).await? {
                Some(changed) => rows += changed,
                None => {
                    writing.tx.rollback().await?;
                    return Ok(None);
                }
            }
        }
        writing.commit().await?;
        Ok(Some(rows))
    }

    async fn change(
        &self,
        writing: &mut Session<'_>,
        change: &Change<'_>,
    ) -> Result<Option<u64>, StoreError> {
        let Session { tx, ring, made } = writing;
        let (row, old) = match change {
            Change::Insert(row) => (*row, None),
            Change::Replace(row) => (*row, Some(i64::try_from(row.version).unwrap_or(i64::MAX))),
            Change::Put(row) => (*row, tx.version(row.kind, &row.id).await?),
            Change::Delete(kind, id) => return tx.delete(*kind, id).await.map(Some),
            Change::DeleteGrant(grant) => return tx.delete_grant(&grant.0).await.map(Some),
        };
        let key = self.inner.keys.for_writing(tx, ring, &row.scope, made).await?;
        let version = old.unwrap_or(0).saturating_add(1);
        let sealed = Sealed::seal(row, version, ring.generation, &key)?;
        let written = match old {
            None => tx.insert(&sealed).await?,
            Some(old) => tx.update(&sealed, old).await?,
        };
        Ok(written.then_some(1))
    }

    /// Returns the keys, unwrapped again if they are gone; begins to do so while they still serve.
    pub(crate) async fn ring(&self) -> Result<Arc<Ring>, StoreError> {
        match self.tend() {
            Some(ring) => Ok(ring),
            None => self.inner.keys.load(&self.inner.database, None).await,
        }
    }

    /// Returns the ring of a root that came after the given one's; the same if none did.
    async fn newer(&self, ring: Arc<Ring>) -> Result<Arc<Ring>, StoreError> {
        // Asked first: an edited row must not make a door ask its Key Vault at every reading.
        let stored = self.inner.database.reader().await?.generation().await?;
        if stored == Some(ring.generation) {
            return Ok(ring);
        }
        self.inner.keys.load(&self.inner.database, Some(&ring)).await
    }

    /// Wipes keys that are too old, and has those that soon will be unwrapped again, once for all.
    fn tend(&self) -> Option<Arc<Ring>> {
        let (ring, due) = self.inner.keys.look();
        if let (Some(ring), true) = (&ring, due) {
            let now = self.inner.keys.now();
            let mut refresh = self.inner.refresh.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let waiting = refresh.as_ref().is_some_and(|(begun, task)| {
                !task.is_finished() || now.saturating_sub(*begun) < Duration::from_secs(5)
            });
            if !waiting {
                let (store, ring) = (self.clone(), Arc::clone(ring));
                let task = tokio::spawn(async move {
                    if let Err(error) = store.inner.keys.load(&store.inner.database, Some(&ring)).await {
                        tracing::warn!(%error, "the store's root key cannot be unwrapped again; the store closes when the present one is too old");
                    }
                });
                *refresh = Some((now, task));
            }
        }
        ring
    }
}

/// Refuses what only the store itself may write.
fn not_own(kind: Kind) -> Result<(), StoreError> {
    if kind.is_own() { Err(StoreError::Reserved(kind)) } else { Ok(()) }
}

/// Leaves out what has expired; only now, when it is known that `expires` is what the door wrote.
fn living(mut rows: Vec<Row>, now: Timestamp) -> Vec<Row> {
    rows.retain(|row| row.expires.is_none_or(|expires| expires > now));
    rows
}

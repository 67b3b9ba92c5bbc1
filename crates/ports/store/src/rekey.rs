//! New keys for everything, and a look at everything.

use std::collections::HashMap;
use std::sync::Arc;

use crate::epoch::{Epoch, read_epoch, read_revocations};
use crate::keys::{ROOT_GONE, Ring};
use crate::seal::{Key, Sealed, random_key};
use crate::sqlite::{Query, Root, Tx};
use crate::store::Store;
use crate::{KeyWrap, Kind, StoreError};

/// How many rows are in memory at once.
const BATCH: i64 = 500;

impl Store {
    /// Draws a new root, new keys for every tenant, and seals every row anew, in one transaction: whatever interrupts
    /// it leaves the old whole or the new. Returns how many rows there are. Other processes that have the store open
    /// take up the new root if they are configured with `wrap`, and close otherwise.
    ///
    /// # Errors
    /// [`StoreError`]; the old keys then hold.
    pub async fn rekey(&self, wrap: Arc<dyn KeyWrap>) -> Result<u64, StoreError> {
        let keys = &self.inner.keys;
        let root = random_key()?;
        let since = keys.now();
        // Before the transaction: a Key Vault may take its time.
        let wrapped = wrap.wrap(&root).await;
        let wrapped = wrapped
            .map_err(|error| StoreError::KeysUnavailable { wrap: wrap.id(), reason: error.to_string() })?;
        let mut writing = self.begin().await?;
        let old = Arc::clone(&writing.ring);
        let new = Ring::new(old.generation.saturating_add(1), root, since);
        let tx = &mut writing.tx;

        // What would not pass now must not be sealed anew as if it had.
        let door = old.known("door").ok_or(ROOT_GONE)?;
        let (epoch, version) = read_epoch(tx, &door).await?;
        let revocations = read_revocations(tx, &door).await?;
        epoch.holds(&revocations, &door)?;
        self.not_lower(epoch.number)?;

        let mut scopes = HashMap::new();
        for sealed in tx.rows(Query::All(Kind::Key)).await? {
            let version = sealed.version;
            let (scope, key) = old.open_key(sealed)?;
            let (sealed, new_key) = new.make_key(&scope)?;
            tx.update(&sealed, version).await?;
            new.add(&scope, Arc::clone(&new_key));
            scopes.insert(scope, (key, new_key));
        }
        let rows = reseal(tx, &old, &new, &scopes).await?;
        let door = new.known("door").ok_or(ROOT_GONE)?;
        let epoch = Epoch::recomputed(epoch.number, &revocations, &door)?;
        tx.update(&epoch.sealed(version, new.generation, &door)?, version).await?;
        tx.put_root(&Root { generation: new.generation, wrap: wrap.id(), wrapped }).await?;
        writing.commit().await?;
        keys.change(wrap, new);
        self.inner.database.truncate_log().await?;
        Ok(rows)
    }

    /// Unwraps the root, opens every row, counts the revocations and has the database check its file; returns how many
    /// rows there are.
    ///
    /// # Errors
    /// [`StoreError`]: the first thing that is wrong.
    pub async fn check(&self) -> Result<u64, StoreError> {
        // Anew, and not from memory: that the key can still be unwrapped is part of the question.
        let ring = self.inner.keys.unwrapped(&self.inner.database).await?;
        let mut tx = self.inner.database.snapshot().await?;
        tx.whole().await?;
        let door = ring.known("door").ok_or(ROOT_GONE)?;
        let (epoch, _) = read_epoch(&mut tx, &door).await?;
        epoch.holds(&read_revocations(&mut tx, &door).await?, &door)?;
        self.not_lower(epoch.number)?;
        let mut rows = 0;
        let mut walk = Walk::default();
        while let Some(batch) = walk.next(&mut tx).await? {
            for row in batch {
                rows += 1;
                if row.kind == Kind::Key {
                    ring.open_key(row)?;
                } else {
                    let key = ring.known(&row.scope).ok_or(key_gone(row.kind))?;
                    same_root(&row, ring.generation)?;
                    row.open(&key)?;
                }
            }
        }
        tx.rollback().await?;
        Ok(rows)
    }
}

/// Seals every row but the keys under the new ring; returns how many rows there are, keys and all.
async fn reseal(
    tx: &mut Tx<'_>,
    old: &Ring,
    new: &Ring,
    scopes: &HashMap<String, (Arc<Key>, Arc<Key>)>,
) -> Result<u64, StoreError> {
    let mut rows = 0;
    let mut walk = Walk::default();
    while let Some(batch) = walk.next(tx).await? {
        for sealed in batch {
            rows += 1;
            if sealed.kind == Kind::Key {
                continue;
            }
            same_root(&sealed, old.generation)?;
            let (kind, version) = (sealed.kind, sealed.version);
            let (old_key, new_key) = scopes.get(&sealed.scope).ok_or(key_gone(kind))?;
            let row = sealed.open(old_key)?;
            tx.update(&Sealed::seal(&row, version, new.generation, new_key)?, version).await?;
        }
    }
    Ok(rows)
}

/// All rows, a batch at a time.
#[derive(Default)]
struct Walk {
    kind: String,
    id: Vec<u8>,
}

impl Walk {
    async fn next(&mut self, tx: &mut Tx<'_>) -> Result<Option<Vec<Sealed>>, StoreError> {
        let batch = tx.after(&self.kind, &self.id, BATCH).await?;
        let Some(last) = batch.last() else { return Ok(None) };
        self.kind = last.kind.text().to_owned();
        self.id.clone_from(&last.id);
        Ok(Some(batch))
    }
}

fn same_root(row: &Sealed, generation: i64) -> Result<(), StoreError> {
    if row.generation == generation {
        return Ok(());
    }
    Err(StoreError::Tampered { kind: row.kind, what: "it lies under another root key" })
}

fn key_gone(kind: Kind) -> StoreError {
    StoreError::Tampered { kind, what: "the key of its tenant, or of the door, is gone" }
}

//! Revocations and their epoch: how often anything was ever revoked.
//!
//! Each revocation is a row with the epoch it made. The epoch's own row holds a keyed digest of all of them: the XOR of
//! one pseudorandom value for each, which nobody without the key can compute, so that none can be taken away or put back.

use std::time::Duration;

use doorward_types::{GrantId, Secret, Timestamp};

use crate::row::{parse_client, parse_person, person_text};
use crate::seal::{Key, Sealed, derive};
use crate::sqlite::{Query, Tx};
use crate::store::Store;
use crate::{Kind, Revoked, Row, Scope, StoreError};

const ID: &[u8] = b"epoch";
/// How many revocations that have expired one new revocation clears away.
const CLEARED: i64 = 100;
/// Longer than any token lives that was issued before: Entra's own live 28 hours at most.
const LONGEST: Duration = Duration::from_secs(30 * 3600);

/// The epoch's row.
pub(crate) struct Epoch {
    pub(crate) number: u64,
    set: [u8; 32],
}

impl Epoch {
    pub(crate) const fn first() -> Self {
        Self { number: 0, set: [0; 32] }
    }

    pub(crate) fn sealed(&self, version: i64, generation: i64, key: &Key) -> Result<Sealed, StoreError> {
        let body = [&self.number.to_be_bytes()[..], &self.set].concat();
        Sealed::seal(&own(Kind::Epoch, ID.to_vec(), None, body), version, generation, key)
    }

    pub(crate) fn read(row: &Row) -> Result<Self, StoreError> {
        const WRONG: StoreError = StoreError::Tampered { kind: Kind::Epoch, what: "its content is no epoch" };
        let body = row.body.expose();
        let (number, set) = body.split_first_chunk::<8>().ok_or(WRONG)?;
        Ok(Self { number: u64::from_be_bytes(*number), set: set.try_into().map_err(|_| WRONG)? })
    }

    /// Adds a revocation to the set, or takes it out.
    fn toggle(&mut self, revocation: &Row, key: &Key) -> Result<(), StoreError> {
        let value = derive(key, &[b"doorward revocation", &revocation.id, revocation.body.expose()])?;
        for (byte, other) in self.set.iter_mut().zip(value.expose()) {
            *byte ^= other;
        }
        Ok(())
    }

    /// Computes the row anew from all revocations, for the key of a new root.
    pub(crate) fn recomputed(number: u64, revocations: &[Row], key: &Key) -> Result<Self, StoreError> {
        let mut epoch = Self { number, set: [0; 32] };
        for row in revocations {
            epoch.toggle(row, key)?;
        }
        Ok(epoch)
    }

    /// Compares the revocations that are there with those that were.
    pub(crate) fn holds(&self, revocations: &[Row], key: &Key) -> Result<(), StoreError> {
        let found = Self::recomputed(self.number, revocations, key)?;
        if Secret::new(found.set).matches(&self.set) {
            Ok(())
        } else {
            let what = "a revocation was taken away or put back";
            Err(StoreError::Tampered { kind: Kind::Revocation, what })
        }
    }
}

impl Store {
    /// Returns the epoch: it rises with every revocation.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::RolledBack`] if it was higher before.
    pub async fn epoch(&self) -> Result<u64, StoreError> {
        let row = self.read(Query::One(Kind::Epoch, ID)).await?.pop();
        let epoch = Epoch::read(&row.ok_or(EPOCH_GONE)?)?;
        self.not_lower(epoch.number)
    }

    /// Revokes, and returns the epoch that this made. It is kept for `keep`: longer than anything lives that was issued
    /// before. The sign-ins it is about go with it, in one transaction: what could be refreshed would outlive it.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is revoked then.
    pub async fn revoke(&self, what: &Revoked, now: Timestamp, keep: Duration) -> Result<u64, StoreError> {
        let mut writing = self.begin().await?;
        let key = writing.door_key()?;
        let (mut epoch, version) = read_epoch(&mut writing.tx, &key).await?;
        self.not_lower(epoch.number)?;
        for row in writing.tx.expired(Kind::Revocation, now.as_micros(), CLEARED).await? {
            let row = row.open(&key)?;
            writing.tx.delete(Kind::Revocation, &row.id).await?;
            epoch.toggle(&row, &key)?;
        }
        epoch.number = epoch.number.saturating_add(1);
        let row = revocation(what, epoch.number, now, keep);
        epoch.toggle(&row, &key)?;
        writing.tx.delete_sign_ins(what).await?;
        let generation = writing.ring.generation;
        if !writing.tx.insert(&Sealed::seal(&row, 1, generation, &key)?).await? {
            return Err(wrong("the next one is there already"));
        }
        writing.tx.update(&epoch.sealed(version.saturating_add(1), generation, &key)?, version).await?;
        writing.commit().await?;
        self.not_lower(epoch.number)
    }

    /// Returns every revocation that is kept, the oldest first, with its epoch and its time.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::Tampered`] if one is missing.
    pub async fn revocations(&self) -> Result<Vec<(Revoked, u64, Timestamp)>, StoreError> {
        let mut reading = self.snapshot().await?;
        let key = reading.door_key()?;
        let (epoch, _) = read_epoch(&mut reading.tx, &key).await?;
        let rows = read_revocations(&mut reading.tx, &key).await?;
        reading.tx.rollback().await?;
        epoch.holds(&rows, &key)?;
        self.not_lower(epoch.number)?;
        rows.iter().map(read_revocation).collect()
    }

    /// Raises the epoch above one that was lost, and revokes everything with it, in one transaction: nobody knows any more
    /// which of these sign-ins had been revoked, and an interruption in between must not leave them alive.
    pub(crate) async fn raise(&self, above: u64, now: Timestamp) -> Result<u64, StoreError> {
        let mut writing = self.begin().await?;
        let key = writing.door_key()?;
        let (mut epoch, version) = read_epoch(&mut writing.tx, &key).await?;
        epoch.number = epoch.number.max(above).saturating_add(1);
        let all = revocation(&Revoked::All, epoch.number, now, LONGEST);
        epoch.toggle(&all, &key)?;
        writing.tx.delete_sign_ins(&Revoked::All).await?;
        let generation = writing.ring.generation;
        if !writing.tx.insert(&Sealed::seal(&all, 1, generation, &key)?).await? {
            return Err(wrong("the next one is there already"));
        }
        writing.tx.update(&epoch.sealed(version.saturating_add(1), generation, &key)?, version).await?;
        writing.commit().await?;
        Ok(epoch.number)
    }
}

/// Reads the epoch within a transaction, with the version of its row.
pub(crate) async fn read_epoch(tx: &mut Tx<'_>, key: &Key) -> Result<(Epoch, i64), StoreError> {
    let sealed = tx.rows(Query::One(Kind::Epoch, ID)).await?.pop().ok_or(EPOCH_GONE)?;
    let version = sealed.version;
    Ok((Epoch::read(&sealed.open(key)?)?, version))
}

/// Reads every revocation within a transaction.
pub(crate) async fn read_revocations(tx: &mut Tx<'_>, key: &Key) -> Result<Vec<Row>, StoreError> {
    let rows = tx.rows(Query::All(Kind::Revocation)).await?;
    rows.into_iter().map(|row| row.open(key)).collect()
}

const EPOCH_GONE: StoreError = StoreError::Tampered { kind: Kind::Epoch, what: "it is gone" };
fn wrong(what: &'static str) -> StoreError {
    StoreError::Tampered { kind: Kind::Revocation, what }
}

fn own(kind: Kind, id: Vec<u8>, expires: Option<Timestamp>, body: Vec<u8>) -> Row {
    Row {
        kind,
        id,
        scope: Scope::Door,
        person: None,
        client: None,
        grant: None,
        expires,
        version: 1,
        body: Secret::new(body),
    }
}

fn revocation(what: &Revoked, epoch: u64, now: Timestamp, keep: Duration) -> Row {
    let (mark, text) = match what {
        Revoked::All => (b'a', String::new()),
        Revoked::Person(person) => (b'p', person_text(person)),
        Revoked::Client(client) => (b'c', client.as_str().to_owned()),
        Revoked::Grant(grant) => (b'g', grant.to_string()),
    };
    let body = [&now.as_micros().to_be_bytes()[..], &[mark], text.as_bytes()].concat();
    own(Kind::Revocation, epoch.to_be_bytes().to_vec(), Some(now.plus(keep)), body)
}

fn read_revocation(row: &Row) -> Result<(Revoked, u64, Timestamp), StoreError> {
    let read = || {
        let epoch = u64::from_be_bytes(row.id.as_slice().try_into().ok()?);
        let (at, rest) = row.body.expose().split_first_chunk::<8>()?;
        let (mark, text) = rest.split_first()?;
        let text = std::str::from_utf8(text).ok()?;
        let what = match mark {
            b'a' => Revoked::All,
            b'p' => Revoked::Person(parse_person(text)?),
            b'c' => Revoked::Client(parse_client(text)?),
            b'g' => Revoked::Grant(GrantId::parse(text).ok()?),
            _ => return None,
        };
        Some((what, epoch, Timestamp::from_micros(i64::from_be_bytes(*at))))
    };
    read().ok_or(wrong("its content is no revocation"))
}

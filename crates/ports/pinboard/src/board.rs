//! Reading and writing the pins of a server, all of them together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use doorward_engine::{Learned, PinSet};
use doorward_pins::{Definition, Kind as Thing, Pin, Server};
use doorward_store::{Change, Kind, Row, Scope, Store, StoreError};
use doorward_types::{Secret, ServerName, Timestamp};

use crate::acts::Act;
use crate::error::PinboardError;
use crate::form::{Head, digest, hex, read_waiting, write_waiting};

/// Kept of what waits, for one name and for one server: a server that changes at each list fills no disk.
const MOST_OF_A_NAME: usize = 4;
const MOST_WAITING: usize = 128;
const MOST_BYTES: usize = 4 << 20;
/// How often others may come between.
const TRIES: usize = 8;

/// The rows' ids begin with what they are, and then whose.
const HEAD: u8 = 0;
const PIN: u8 = 1;
const WAITING: u8 = 2;

/// A definition that waits for a person.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Whose it is, and where that server was when it said so.
    pub server: Server,
    /// What is the matter with it, as a stable name: `definition-drifted` and others.
    pub what: String,
    /// In words.
    pub why: String,
    /// When it was seen first.
    pub seen: Timestamp,
    /// What the server said.
    pub definition: Definition,
}

impl Waiting {
    /// Says whether it passes meanwhile: other words for the same.
    pub fn passes(&self) -> bool {
        self.what == "definition-reworded"
    }
}

/// All that is kept of one server.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Whose it is.
    pub server: ServerName,
    /// Another with each change; 0 where nothing is kept.
    pub version: u64,
    pub(crate) head: Head,
    /// What was agreed to.
    pub pins: Vec<Pin>,
}

impl Kept {
    /// Returns it as the doors judge by it.
    pub fn set(&self) -> PinSet {
        PinSet::new(self.version, self.head.acts, self.pins.clone(), self.head.lists.clone())
    }

    /// Returns the acts that no audit log has yet.
    pub fn unrecorded(&self) -> &[Act] {
        &self.head.unrecorded
    }

    pub(crate) fn pin(&self, kind: Thing, name: &str) -> Option<&Pin> {
        self.pins.iter().find(|pin| pin.kind() == kind && pin.name() == name)
    }

    pub(crate) fn put(&mut self, pin: Pin) {
        match self.pins.iter_mut().find(|other| other.kind() == pin.kind() && other.name() == pin.name()) {
            Some(other) => *other = pin,
            None => self.pins.push(pin),
        }
    }
}

/// The pins in a store. A clone is the same.
#[derive(Clone)]
pub struct Pinboard {
    store: Store,
    /// How often this process changed something: of that the database says nothing.
    changes: Arc<AtomicU64>,
}

/// # Errors
/// All of these return [`PinboardError`].
impl Pinboard {
    /// Takes a store.
    pub fn new(store: Store) -> Self {
        Self { store, changes: Arc::default() }
    }

    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Returns every server of which something is kept.
    pub async fn servers(&self, now: Timestamp) -> Result<Vec<ServerName>, PinboardError> {
        let heads = self.store.under(Kind::Pin, &[HEAD], now).await?;
        let names = heads.iter().map(|row| Head::read(row.body.expose()).map(|(server, _)| server));
        names.collect::<Option<_>>().ok_or(PinboardError::Store(StoreError::Tampered {
            kind: Kind::Pin,
            what: "it is not written as heads of pins are",
        }))
    }

    /// Returns the version of what is kept of a server, without reading it.
    pub(crate) async fn version(&self, server: &ServerName, now: Timestamp) -> Result<u64, PinboardError> {
        let row = self.store.get(Kind::Pin, &id(HEAD, server), now).await?;
        Ok(row.map_or(0, |row| row.version))
    }

    /// Reads all that is kept of a server.
    pub async fn read(&self, server: &ServerName, now: Timestamp) -> Result<Kept, PinboardError> {
        for _ in 0..TRIES {
            // The head before and behind: what is read between belongs to it if it is the same.
            let head = self.store.get(Kind::Pin, &id(HEAD, server), now).await?;
            let rows = self.store.under(Kind::Pin, &id(PIN, server), now).await?;
            let version = head.as_ref().map_or(0, |row| row.version);
            if self.version(server, now).await? != version {
                continue;
            }
            return kept(server, head.as_ref(), &rows);
        }
        Err(PinboardError::Busy(server.clone()))
    }

    /// Returns what waits of a server, the newest first.
    pub async fn waiting(&self, server: &ServerName, now: Timestamp) -> Result<Vec<Waiting>, PinboardError> {
        let rows = self.store.under(Kind::Pin, &id(WAITING, server), now).await?;
        let read = rows.iter().map(|row| read_waiting(row.body.expose()));
        let mut waiting: Vec<Waiting> = read
            .collect::<Option<_>>()
            .ok_or_else(|| spoilt(server, "what waits is not written as such things are"))?;
        waiting.sort_by_key(|waiting| std::cmp::Reverse(waiting.seen));
        Ok(waiting)
    }

    /// Keeps a list that is seen for the first time. Where another process was faster, its list stands.
    pub(crate) async fn remember(
        &self,
        learned: &Learned<'_>,
        now: Timestamp,
    ) -> Result<Kept, PinboardError> {
        let edit = |kept: &mut Kept| {
            let is_first = kept.head.lists.insert(learned.list);
            for pin in &learned.pins {
                // Resources come and go one by one; of other lists, what was not there when it was pinned waits.
                let joins = is_first || pin.kind() == Thing::Resource;
                if joins && kept.pin(pin.kind(), pin.name()).is_none() {
                    kept.put(pin.clone());
                }
            }
            Ok(((), Vec::new()))
        };
        self.change(&learned.server.name, now, edit).await.map(|((), kept)| kept)
    }

    /// Keeps definitions for a person to look at: the newest few of each name.
    pub(crate) async fn wait(&self, waiting: &[Waiting], now: Timestamp) -> Result<(), PinboardError> {
        let Some(server) = waiting.first().map(|waiting| waiting.server.name.clone()) else {
            return Ok(());
        };
        let mut all = self.waiting(&server, now).await?;
        let known: BTreeSet<Vec<u8>> = all.iter().map(waiting_id).collect();
        let new: Vec<&Waiting> = waiting.iter().filter(|new| !known.contains(&waiting_id(new))).collect();
        if new.is_empty() {
            return Ok(());
        }
        all.splice(0..0, new.into_iter().cloned());
        let kept: BTreeSet<Vec<u8>> = bounded(&all).into_iter().map(waiting_id).collect();
        let rows: Vec<Row> = all
            .iter()
            .filter(|one| kept.contains(&waiting_id(one)) && !known.contains(&waiting_id(one)))
            .map(|one| row(waiting_id(one), write_waiting(one)))
            .collect();
        let gone: Vec<&Vec<u8>> = known.iter().filter(|id| !kept.contains(*id)).collect();
        let mut changes: Vec<Change<'_>> = rows.iter().map(Change::Put).collect();
        changes.extend(gone.into_iter().map(|id| Change::Delete(Kind::Pin, id)));
        // A server of which nothing is pinned is found by its head all the same.
        let head = row(id(HEAD, &server), Head { digest: summed(&[]), ..Head::default() }.write(&server));
        if self.version(&server, now).await? == 0 {
            changes.push(Change::Insert(&head));
        }
        // If another process made the head meanwhile, what waits is seen again soon enough.
        self.store.apply(&changes).await?;
        Ok(())
    }

    /// Changes what is kept of a server, all of it together or not at all; done again if others come between. `edit` returns
    /// what no longer waits.
    pub(crate) async fn change<T>(
        &self,
        server: &ServerName,
        now: Timestamp,
        edit: impl Fn(&mut Kept) -> Result<(T, Vec<Waiting>), PinboardError>,
    ) -> Result<(T, Kept), PinboardError> {
        for _ in 0..TRIES {
            let before = self.read(server, now).await?;
            let mut after = before.clone();
            let (done, settled) = edit(&mut after)?;
            let old: BTreeMap<Vec<u8>, Vec<u8>> =
                before.pins.iter().map(|pin| (pin_id(pin), pin.to_record())).collect();
            let new: BTreeMap<Vec<u8>, Vec<u8>> =
                after.pins.iter().map(|pin| (pin_id(pin), pin.to_record())).collect();
            after.head.digest = summed(&new.iter().collect::<Vec<_>>());
            let head = Row { version: before.version, ..row(id(HEAD, server), after.head.write(server)) };
            let pins: Vec<Row> = new
                .iter()
                .filter(|(id, record)| old.get(*id) != Some(*record))
                .map(|(id, record)| row(id.clone(), record.clone()))
                .collect();
            let settled: Vec<Vec<u8>> = settled.iter().map(waiting_id).collect();
            let mut changes = vec![match before.version {
                0 => Change::Insert(&head),
                _ => Change::Replace(&head),
            }];
            changes.extend(pins.iter().map(Change::Put));
            changes.extend(settled.iter().map(|id| Change::Delete(Kind::Pin, id)));
            if self.store.apply(&changes).await? {
                self.changes.fetch_add(1, Ordering::AcqRel);
                after.version = before.version + 1;
                return Ok((done, after));
            }
        }
        Err(PinboardError::Busy(server.clone()))
    }
}

/// The newest few of each name, and no more of a server than a person looks through.
fn bounded(all: &[Waiting]) -> Vec<&Waiting> {
    let mut of_a_name: BTreeMap<(Thing, &str), usize> = BTreeMap::new();
    let mut bytes = 0;
    let mut fit = Vec::new();
    for waiting in all {
        let count = of_a_name.entry((waiting.definition.kind(), waiting.definition.name())).or_default();
        *count += 1;
        bytes += waiting.definition.canonical().len();
        if *count <= MOST_OF_A_NAME && bytes <= MOST_BYTES && fit.len() < MOST_WAITING {
            fit.push(waiting);
        }
    }
    fit
}

fn kept(server: &ServerName, head: Option<&Row>, rows: &[Row]) -> Result<Kept, PinboardError> {
    let Some(row) = head else {
        let kept = Kept { server: server.clone(), version: 0, head: Head::default(), pins: Vec::new() };
        return if rows.is_empty() { Ok(kept) } else { Err(spoilt(server, "their head is gone")) };
    };
    let head = Head::read(row.body.expose()).filter(|(of, _)| of == server);
    let (_, head) = head.ok_or_else(|| spoilt(server, "their head is not written as heads are"))?;
    let records: Vec<(&Vec<u8>, &Vec<u8>)> = rows.iter().map(|row| (&row.id, row.body.expose())).collect();
    if summed(&records) != head.digest {
        return Err(spoilt(server, "one was taken away, or put back as it once was"));
    }
    let mut pins = Vec::with_capacity(rows.len());
    for record in rows {
        let pin = Pin::from_record(record.body.expose())
            .map_err(|cause| PinboardError::Record { server: server.clone(), cause })?;
        if pin_id(&pin) != record.id {
            return Err(spoilt(server, "one lies in another's place"));
        }
        pins.push(pin);
    }
    Ok(Kept { server: server.clone(), version: row.version, head, pins })
}

fn spoilt(server: &ServerName, what: &'static str) -> PinboardError {
    PinboardError::Spoilt { server: server.clone(), what }
}

/// A digest of all pins of a server, which its head has.
fn summed(records: &[(&Vec<u8>, &Vec<u8>)]) -> String {
    hex(&digest(records.iter().flat_map(|(id, record)| [id.as_slice(), record.as_slice()])))
}

fn id(what: u8, server: &ServerName) -> Vec<u8> {
    let whose = digest([b"server".as_slice(), server.as_str().as_bytes()]);
    std::iter::once(what).chain(whose.into_iter().take(16)).collect()
}

fn pin_id(pin: &Pin) -> Vec<u8> {
    let mut id = id(PIN, &pin.server().name);
    id.extend(digest([pin.kind().name(), pin.name()].map(str::as_bytes)));
    id
}

pub(crate) fn waiting_id(waiting: &Waiting) -> Vec<u8> {
    let Waiting { server, definition, .. } = waiting;
    let mut id = id(WAITING, &server.name);
    let hash = definition.hash().to_string();
    id.extend(digest(
        [definition.kind().name(), definition.name(), &hash, &server.address].map(str::as_bytes),
    ));
    id
}

fn row(id: Vec<u8>, body: Vec<u8>) -> Row {
    Row {
        kind: Kind::Pin,
        id,
        scope: Scope::Door,
        person: None,
        client: None,
        grant: None,
        expires: None,
        version: 0,
        body: Secret::new(body),
    }
}

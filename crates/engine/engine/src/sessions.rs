//! Legacy sessions: in memory, bounded, each bound to one principal, one client and one server.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use doorward_oauth::Identity;
use doorward_types::{ClientId, ObjectId, ServerName, TenantId, Timestamp};
use doorward_wire::Id;

use crate::refusal::Reason;

/// Whom a session, a child process or a handle belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner {
    /// The directory.
    pub tenant: TenantId,
    /// The person or service principal.
    pub object: ObjectId,
    /// The application that speaks for them.
    pub client: ClientId,
}

impl Owner {
    /// Names the owner that a verified token speaks for.
    pub fn of(identity: &Identity) -> Self {
        Self {
            tenant: identity.tenant().clone(),
            object: identity.object().clone(),
            client: identity.client().clone(),
        }
    }
}

/// How many sessions there may be, and how long each may live.
#[derive(Debug, Clone, Copy)]
pub struct SessionRules {
    /// Sessions in all.
    pub total: usize,
    /// Sessions of one owner at one server.
    pub per_owner: usize,
    /// Time without a request after which a session ends.
    pub idle: Duration,
    /// Time after which a session ends in any case.
    pub absolute: Duration,
}

/// One legacy session.
pub struct Session<L> {
    id: Arc<str>,
    owner: Owner,
    server: ServerName,
    born: Timestamp,
    seen: AtomicI64,
    ended: AtomicBool,
    /// The negotiated protocol version.
    pub(crate) version: Arc<str>,
    /// The client's capabilities as it sent them, raw JSON.
    pub(crate) capabilities: Arc<str>,
    /// The upstream's side of this session.
    pub(crate) link: Arc<L>,
    talk: Mutex<Talk>,
}

/// What is going on in a session: kept small, since ten thousand idle ones must fit in little memory.
#[derive(Default)]
struct Talk {
    /// Requests of the client that run: its id, the door's id. A handful at most, so a list beats a map.
    running: Vec<(Id, i64)>,
    /// Requests of the server that the client has not answered.
    asked: Vec<Question>,
}

/// A request of the server that waits for the client's answer.
struct Question {
    door: i64,
    upstream: Id,
    /// A person is asked for something.
    elicits: bool,
}

/// How many requests of one kind may be open in one session.
const MOST_OPEN: usize = 256;

impl<L> Session<L> {
    /// Returns the id the client knows it by.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// Returns the upstream's side.
    pub fn link(&self) -> &Arc<L> {
        &self.link
    }

    /// Says whether the session has ended.
    pub fn ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    pub(crate) fn owner(&self) -> &Owner {
        &self.owner
    }

    fn talk(&self) -> MutexGuard<'_, Talk> {
        self.talk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a running request, so that `notifications/cancelled` finds it. The id must be free (L-07).
    pub(crate) fn begin(&self, client: &Id, door: i64) -> Result<(), Reason> {
        let mut talk = self.talk();
        if talk.running.iter().any(|(id, _)| id == client) {
            return Err(Reason::IdInUse);
        }
        if talk.running.len() >= MOST_OPEN {
            return Err(Reason::Busy);
        }
        talk.running.push((client.clone(), door));
        Ok(())
    }

    pub(crate) fn finish(&self, door: i64) {
        self.talk().running.retain(|(_, id)| *id != door);
    }

    pub(crate) fn running(&self, client: &Id) -> Option<i64> {
        self.talk().running.iter().find(|(id, _)| id == client).map(|(_, door)| *door)
    }

    /// Notes a request of the server; false if too many wait.
    pub(crate) fn ask(&self, door: i64, upstream: Id, elicits: bool) -> bool {
        let mut talk = self.talk();
        if talk.asked.len() >= MOST_OPEN {
            return false;
        }
        talk.asked.push(Question { door, upstream, elicits });
        true
    }

    /// Takes back a request that the server gives up, by its own id; returns the door's. Nobody answers it any more.
    pub(crate) fn given_up(&self, upstream: &Id) -> Option<i64> {
        let mut talk = self.talk();
        let at = talk.asked.iter().position(|question| question.upstream == *upstream)?;
        Some(talk.asked.swap_remove(at).door)
    }

    /// Says whether a person was asked for something under this id.
    pub(crate) fn elicits(&self, door: i64) -> bool {
        self.talk().asked.iter().any(|question| question.door == door && question.elicits)
    }

    /// Takes the server's id for a response of the client: each request is answered once.
    pub(crate) fn answered(&self, door: i64) -> Option<Id> {
        let mut talk = self.talk();
        let at = talk.asked.iter().position(|question| question.door == door)?;
        Some(talk.asked.swap_remove(at).upstream)
    }
}

/// What a new session is made of.
pub(crate) struct NewSession<L> {
    pub(crate) owner: Owner,
    pub(crate) server: ServerName,
    pub(crate) version: Arc<str>,
    pub(crate) capabilities: Arc<str>,
    pub(crate) link: Arc<L>,
}

const SHARDS: usize = 16;

struct Shard<L> {
    by_id: HashMap<Arc<str>, Arc<Session<L>>>,
}

/// All sessions of one door.
pub(crate) struct Sessions<L> {
    rules: SessionRules,
    shards: [Mutex<Shard<L>>; SHARDS],
    /// Sessions for each owner and server: the bound that one person cannot pass (S33).
    counts: Mutex<HashMap<(Owner, ServerName), usize>>,
    total: AtomicI64,
}

impl<L> Sessions<L> {
    pub(crate) fn new(rules: SessionRules) -> Self {
        Self {
            rules,
            shards: std::array::from_fn(|_| Mutex::new(Shard { by_id: HashMap::new() })),
            counts: Mutex::new(HashMap::new()),
            total: AtomicI64::new(0),
        }
    }

    fn shard(&self, id: &str) -> Option<MutexGuard<'_, Shard<L>>> {
        // Ids are drawn by us at random, so any few of their bits spread them; what a caller makes up is in no shard.
        let at = id.bytes().fold(0_usize, |sum, byte| sum.wrapping_add(usize::from(byte))) % SHARDS;
        Some(self.shards.get(at)?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn total(&self) -> usize {
        usize::try_from(self.total.load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// Takes a place before the upstream is called, so that a flood is refused before it costs anything.
    pub(crate) fn reserve(&self, owner: &Owner, server: &ServerName) -> Result<(), Reason> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let held = counts.entry((owner.clone(), server.clone())).or_insert(0);
        if self.total() >= self.rules.total || *held >= self.rules.per_owner {
            if *held == 0 {
                counts.remove(&(owner.clone(), server.clone()));
            }
            return Err(Reason::TooManySessions);
        }
        *held += 1;
        self.total.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Gives a reserved place back.
    pub(crate) fn release(&self, owner: &Owner, server: &ServerName) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = counts.get_mut(&(owner.clone(), server.clone())) {
            *held = held.saturating_sub(1);
            if *held == 0 {
                counts.remove(&(owner.clone(), server.clone()));
            }
            self.total.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Opens a session in a reserved place. The id holds 256 bits from the operating system (SES-02).
    pub(crate) fn open(&self, id: &[u8; 32], new: NewSession<L>, now: Timestamp) -> Arc<Session<L>> {
        use base64::Engine as _;
        let id: Arc<str> = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(id).into();
        let session = Arc::new(Session {
            id: Arc::clone(&id),
            owner: new.owner,
            server: new.server,
            born: now,
            seen: AtomicI64::new(now.as_micros()),
            ended: AtomicBool::new(false),
            version: new.version,
            capabilities: new.capabilities,
            link: new.link,
            talk: Mutex::new(Talk::default()),
        });
        if let Some(mut shard) = self.shard(&id) {
            shard.by_id.insert(id, Arc::clone(&session));
        }
        session
    }

    /// Finds a session and checks that it is this owner's, at this server, and alive.
    pub(crate) fn find(
        &self,
        id: &str,
        owner: &Owner,
        server: &ServerName,
        now: Timestamp,
    ) -> Result<Arc<Session<L>>, Reason> {
        let session = match self.shard(id) {
            Some(shard) => shard.by_id.get(id).map(Arc::clone),
            None => None,
        };
        let Some(session) = session else { return Err(Reason::SessionUnknown) };
        // A stolen id is worth nothing without its owner's token, nor at another server's path (S6, GHSA-mvgg).
        if session.owner != *owner || session.server != *server {
            return Err(Reason::SessionForeign);
        }
        if self.expired(&session, now) {
            return Err(Reason::SessionUnknown);
        }
        session.seen.fetch_max(now.as_micros(), Ordering::Relaxed);
        Ok(session)
    }

    fn expired(&self, session: &Session<L>, now: Timestamp) -> bool {
        let seen = Timestamp::from_micros(session.seen.load(Ordering::Relaxed));
        session.ended()
            || now.since(seen) >= self.rules.idle
            || now.since(session.born) >= self.rules.absolute
    }

    /// Ends a session; true for the one caller that ended it.
    pub(crate) fn end(&self, session: &Session<L>) -> bool {
        if session.ended.swap(true, Ordering::AcqRel) {
            return false;
        }
        if let Some(mut shard) = self.shard(&session.id) {
            shard.by_id.remove(&session.id);
        }
        self.release(&session.owner, &session.server);
        true
    }

    /// Takes out every session that has outlived its rules.
    pub(crate) fn sweep(&self, now: Timestamp) -> Vec<Arc<Session<L>>> {
        self.matching(|session| self.expired(session, now))
    }

    /// Takes out every session for which `which` holds.
    pub(crate) fn matching(&self, which: impl Fn(&Session<L>) -> bool) -> Vec<Arc<Session<L>>> {
        let mut found = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            found.extend(shard.by_id.values().filter(|session| which(session)).map(Arc::clone));
        }
        found.retain(|session| self.end(session));
        found
    }
}

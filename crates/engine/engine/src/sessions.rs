//! Legacy sessions: in memory, bounded, each bound to one principal, one client and one server.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use doorward_oauth::Identity;
use doorward_types::{ClientId, ObjectId, ServerName, TenantId, Timestamp};
use doorward_wire::Id;

use crate::change::Change;
use crate::down::Down;
use crate::refusal::Reason;
use crate::streams::Streams;
use crate::up::{Answers, Up};

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
    /// The upstream's side of this session; none where the server knows of no sessions.
    pub(crate) link: Option<Arc<L>>,
    /// What the door keeps for a side that speaks the other revision.
    pub(crate) bridged: Bridged,
    pub(crate) streams: Arc<Streams>,
    talk: Mutex<Talk>,
}

/// Where a session is known to one side only, what the door keeps to stand in for the other.
pub(crate) enum Bridged {
    /// Both sides know it.
    No,
    /// The client's alone: its server speaks 2026-07-28.
    Up(Box<Up>),
    /// The server's alone: its client speaks 2026-07-28, and never hears the session's id.
    Down(Box<Down>),
}

/// What is going on in a session: kept small, since ten thousand idle ones must fit in little memory.
#[derive(Default)]
struct Talk {
    /// Requests of the client that run: its id, the door's id. A handful at most, so a list beats a map.
    running: Vec<Running>,
    /// Requests that the client has not answered.
    asked: Vec<Question>,
}

struct Running {
    client: Id,
    door: i64,
    given_up: Option<Arc<Change>>,
}

/// Who waits for a client's response.
#[derive(Clone)]
pub(crate) enum Asker {
    /// The server, under this id of its own.
    Server(Id),
    /// A call that is in a round: its server of 2026-07-28 asked by its result.
    Round(Arc<Answers>),
}

/// A request that waits for the client's answer.
struct Question {
    door: i64,
    asker: Asker,
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

    /// Says whether the session has ended.
    pub fn ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    pub(crate) fn owner(&self) -> &Owner {
        &self.owner
    }

    pub(crate) fn server(&self) -> &ServerName {
        &self.server
    }

    fn talk(&self) -> MutexGuard<'_, Talk> {
        self.talk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a running request, so that `notifications/cancelled` finds it. The id must be free (L-07).
    pub(crate) fn begin(&self, client: &Id, door: i64, given_up: Option<Arc<Change>>) -> Result<(), Reason> {
        let mut talk = self.talk();
        if talk.running.iter().any(|running| running.client == *client) {
            return Err(Reason::IdInUse);
        }
        if talk.running.len() >= MOST_OPEN {
            return Err(Reason::Busy);
        }
        talk.running.push(Running { client: client.clone(), door, given_up });
        Ok(())
    }

    pub(crate) fn finish(&self, door: i64) {
        self.talk().running.retain(|running| running.door != door);
    }

    pub(crate) fn running(&self, client: &Id) -> Option<i64> {
        self.talk().running.iter().find(|running| running.client == *client).map(|running| running.door)
    }

    /// Lets go of a request whose client gives it up, where no frame could tell the server so.
    pub(crate) fn give_up(&self, client: &Id) {
        let talk = self.talk();
        let running = talk.running.iter().find(|running| running.client == *client);
        running
            .and_then(|running| running.given_up.as_ref())
            .into_iter()
            .for_each(|change| change.announce());
    }

    /// Notes a request to the client; false if too many wait.
    pub(crate) fn ask(&self, door: i64, asker: Asker, elicits: bool) -> bool {
        let mut talk = self.talk();
        if talk.asked.len() >= MOST_OPEN {
            return false;
        }
        talk.asked.push(Question { door, asker, elicits });
        true
    }

    /// Takes back a request that the server gives up, by its own id; returns the door's. Nobody answers it any more.
    pub(crate) fn given_up(&self, upstream: &Id) -> Option<i64> {
        let mut talk = self.talk();
        let of = |asker: &Asker| matches!(asker, Asker::Server(id) if id == upstream);
        let at = talk.asked.iter().position(|question| of(&question.asker))?;
        Some(talk.asked.swap_remove(at).door)
    }

    /// Says whether a person was asked for something under this id.
    pub(crate) fn elicits(&self, door: i64) -> bool {
        self.talk().asked.iter().any(|question| question.door == door && question.elicits)
    }

    /// Takes back the questions of a round that is over.
    pub(crate) fn unask(&self, round: &Arc<Answers>) {
        let of = |asker: &Asker| matches!(asker, Asker::Round(other) if Arc::ptr_eq(other, round));
        self.talk().asked.retain(|question| !of(&question.asker));
    }

    /// Takes who asked, for a response of the client: each request is answered once.
    pub(crate) fn answered(&self, door: i64) -> Option<Asker> {
        let mut talk = self.talk();
        let at = talk.asked.iter().position(|question| question.door == door)?;
        Some(talk.asked.swap_remove(at).asker)
    }
}

/// What a new session is made of.
pub(crate) struct NewSession<L> {
    pub(crate) owner: Owner,
    pub(crate) server: ServerName,
    pub(crate) version: Arc<str>,
    pub(crate) capabilities: Arc<str>,
    pub(crate) link: Option<Arc<L>>,
    pub(crate) bridged: Bridged,
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
            bridged: new.bridged,
            streams: Arc::default(),
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
        // One that the door keeps at a server for a client without sessions has no id that anybody could know.
        if matches!(session.bridged, Bridged::Down(_)) {
            return Err(Reason::SessionUnknown);
        }
        if !self.touch(&session, now) {
            return Err(Reason::SessionUnknown);
        }
        Ok(session)
    }

    /// Returns a session that is alive, for the door's own ends: whose it is was asked before.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Session<L>>> {
        self.shard(id)?.by_id.get(id).map(Arc::clone)
    }

    /// Notes that a session is used; false if it is over.
    pub(crate) fn touch(&self, session: &Session<L>, now: Timestamp) -> bool {
        let alive = !self.expired(session, now);
        if alive {
            session.seen.fetch_max(now.as_micros(), Ordering::Relaxed);
        }
        alive
    }

    fn expired(&self, session: &Session<L>, now: Timestamp) -> bool {
        let seen = Timestamp::from_micros(session.seen.load(Ordering::Relaxed));
        // A subscription's own lives as long as its stream.
        if let Bridged::Down(down) = &session.bridged
            && down.own
        {
            return session.ended();
        }
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

//! A conversation on one connection: HTTP+SSE of 2024-11-05, and stdio. Its frames have no headers that could name a
//! session, so the connection does, and it is worth nothing to anybody but the person whose it is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use doorward_oauth::Identity;
use doorward_types::ServerName;

use crate::authorize::connect;
use crate::door::Door;
use crate::identify::{identify, renew};
use crate::pipeline::{Carried, Entered};
use crate::ports::Ports;
use crate::refusal::{Reason, Reply};
use crate::release::record_refusal;
use crate::session::Seat;
use crate::snapshot::ServerRules;
use crate::stage::{Arrived, Asked, Caller, InSession, Step, Trail};

/// What a message came by, and how what answers it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// A request of Streamable HTTP: headers say what belongs to what, and a stream is one of server-sent events.
    Request,
    /// HTTP+SSE of 2024-11-05: every answer is an event of one stream. The revision of 2026-07-28 has no such thing.
    Events,
    /// Standard input and output of a process: every message is a line, in both revisions, and who speaks is the person
    /// whose process it is.
    Lines,
}

/// What carries a message.
pub enum Carrier {
    /// A request of its own.
    Request,
    /// A conversation.
    Pipe(Arc<Pipe>),
    /// A conversation that is over, or never was.
    NoPipe,
    /// Standard input, before there is a conversation.
    Stdio,
}

impl Carrier {
    /// Says whether it comes by the standard input of this very process, and so without a token.
    pub(crate) fn is_at_home(&self) -> bool {
        match self {
            Self::Stdio => true,
            Self::Pipe(pipe) => pipe.framing == Framing::Lines,
            Self::Request | Self::NoPipe => false,
        }
    }
}

/// One conversation.
pub struct Pipe {
    framing: Framing,
    caller: Arc<Caller>,
    server: Arc<ServerRules>,
    /// Where no token comes in: who was last known to speak, and under which snapshot.
    last: Mutex<Option<(u64, Arc<Caller>)>>,
    /// The session that was opened in it.
    session: Mutex<Sitting>,
}

#[derive(Default)]
struct Sitting {
    session: Option<Arc<str>>,
    /// Nobody is there any more.
    over: bool,
}

impl Pipe {
    pub(crate) fn framing(&self) -> Framing {
        self.framing
    }

    /// Says whether a message of this caller may be part of it. An id that was read in a log opens nothing (S6), and
    /// nobody speaks, or is answered, in another's conversation (S7).
    pub(crate) fn is_of(&self, caller: &Caller, server: &ServerName) -> bool {
        self.caller.owner == caller.owner && self.server.name == *server
    }

    /// Says whether two conversations are one person's, with one client.
    pub fn is_of_the_owner_of(&self, other: &Self) -> bool {
        self.caller.owner == other.caller.owner
    }

    /// Returns whose it is.
    pub fn caller(&self) -> &Arc<Caller> {
        &self.caller
    }

    /// Returns who spoke last, if that is still the same person under the same snapshot.
    pub(crate) fn known(&self, identity: &Arc<Identity>, snapshot: u64) -> Option<Arc<Caller>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (under, caller) = last.as_ref()?;
        (*under == snapshot && Arc::ptr_eq(&caller.identity, identity)).then(|| Arc::clone(caller))
    }

    pub(crate) fn know(&self, snapshot: u64, caller: &Arc<Caller>) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((snapshot, Arc::clone(caller)));
    }

    /// Says whether a session was opened in it.
    pub fn has_session(&self) -> bool {
        self.session().is_some()
    }

    pub(crate) fn session(&self) -> Option<Arc<str>> {
        self.sitting().session.clone()
    }

    fn sitting(&self) -> MutexGuard<'_, Sitting> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the session that was opened, and returns the one that is to end: the one before it, or this one, where its
    /// client has left meanwhile.
    pub(crate) fn sit(&self, session: &Arc<str>) -> Option<Arc<str>> {
        let mut sitting = self.sitting();
        if sitting.over {
            return Some(Arc::clone(session));
        }
        sitting.session.replace(Arc::clone(session))
    }
}

impl<P: Ports> Door<P> {
    /// Lets in who wants a conversation: who they are and whether they may use the server at all is judged now, and again
    /// with every message.
    ///
    /// # Errors
    /// What the caller may know of why not; it is recorded.
    pub async fn admit(
        self: &Arc<Self>,
        arrived: Arrived<'_, P>,
        framing: Framing,
    ) -> Result<Arc<Pipe>, Reply> {
        match self.admitted(arrived, framing).await {
            Ok(pipe) => Ok(pipe),
            Err(refused) => Err(record_refusal(self, *refused).await),
        }
    }

    async fn admitted(&self, arrived: Arrived<'_, P>, framing: Framing) -> Step<Arc<Pipe>> {
        let identified = identify(self, arrived).await?;
        let (mut trail, caller) = (identified.trail, identified.caller);
        trail.method = Some("GET");
        if let Err(refusal) = connect(&trail, &caller) {
            return Err(trail.refused(refusal));
        }
        let server = Arc::clone(&trail.server);
        Ok(Arc::new(Pipe { framing, caller, server, last: Mutex::default(), session: Mutex::default() }))
    }

    /// Listens in a conversation's session for what its server says unasked, on behalf of who opened it.
    pub async fn listen_in(self: &Arc<Self>, pipe: &Pipe) -> Carried<P> {
        let snapshot = self.snapshot();
        let mut trail = Box::new(Trail::new(snapshot, Arc::clone(&pipe.server), &self.ports));
        trail.framing = pipe.framing;
        trail.method = Some("GET");
        trail.caller = Some(Arc::clone(&pipe.caller));
        match self.seat_in(pipe, trail).await {
            Ok(seated) => self.go_on(Entered::of(seated)).await,
            Err(refused) => Err(record_refusal(self, *refused).await),
        }
    }

    async fn seat_in(&self, pipe: &Pipe, mut trail: Box<Trail>) -> Step<InSession<'static, P>> {
        let Some(id) = pipe.session() else { return Err(trail.refuse(Reason::SessionMissing)) };
        let mut caller = Arc::clone(&pipe.caller);
        let session = match self.sessions.find(&id, &caller.owner, &trail.server.name, trail.now) {
            Ok(session) => session,
            Err(reason) => return Err(trail.refuse(reason)),
        };
        trail.capabilities = Some(Arc::clone(&session.capabilities));
        // Who came under another snapshot is judged under this one.
        match renew(self, &trail.snapshot, &caller).await {
            Ok(renewed) => caller = Arc::new(renewed),
            Err(refusal) => return Err(trail.refused(refusal)),
        }
        let (headers, seat) = (Default::default(), Seat::Session(session));
        Ok(InSession { trail, caller, headers, seat, asked: Asked::Listen })
    }

    /// Says whether a conversation's session is alive; true before there is one.
    pub fn is_open(&self, pipe: &Pipe) -> bool {
        pipe.session().is_none_or(|id| self.sessions.get(&id).is_some())
    }

    /// Ends a conversation: its client is gone, and so is its session.
    pub fn hang_up(&self, pipe: &Pipe) {
        let id = {
            let mut sitting = pipe.sitting();
            sitting.over = true;
            sitting.session.clone()
        };
        let session = id.and_then(|id| self.sessions.get(&id));
        session.iter().for_each(|session| self.end_session(session));
    }
}

//! The stages of a message. Each is made by one step from the stage before, which it consumes: a check that is left
//! out does not compile. [`Cleared`], the witness that `upstream` demands, has one constructor, in `inspect.rs`.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bytes::Bytes;
use doorward_dlp::Kept;
use doorward_oauth::{Assertion, Identity};
use doorward_policy::{Permit, Principal};
use doorward_types::Timestamp;
use doorward_wire::{Era, Frame, Id, Method, RoutingHeaders, Verb};

use crate::bridge::{Local, Retry};
use crate::catalogue::Tool;
use crate::change::Change;
use crate::content::Watch;
use crate::eyes::Eyes;
use crate::flows::Passage;
use crate::leaks::Watch as LeakWatch;
use crate::modern::Wanted;
use crate::pinned::Offer;
use crate::pipe::{Carrier, Framing};
use crate::ports::Ports;
use crate::record::{CallId, Notes, StepTimes, Subject};
use crate::refusal::{Reason, Refusal};
use crate::replay::Resumed;
use crate::rounds::Rounds;
use crate::session::Seat;
use crate::sessions::{Asker, Owner};
use crate::snapshot::{ServerRules, Snapshot};
use crate::tasks::Tasks;
use crate::up::Greeter;

/// The lines of a header of which a request has one at the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sole<'a> {
    /// None.
    Absent,
    /// Exactly one.
    One(&'a [u8]),
    /// More than one: refused, since two readers could each believe another (TPT-04).
    Several,
}

/// A message as it came: nothing of it is believed yet.
pub struct Arrived<'a, P: Ports> {
    /// The configuration, policies and rules it is judged under, start to end (D-03).
    pub snapshot: Arc<Snapshot>,
    /// Whose path it came to.
    pub server: Arc<ServerRules>,
    /// The HTTP verb.
    pub verb: Verb,
    /// `Authorization`.
    pub authorization: Sole<'a>,
    /// `DPoP`.
    pub proof: Sole<'a>,
    /// `Content-Type`.
    pub content_type: Option<&'a [u8]>,
    /// `Accept`.
    pub accept: Option<&'a [u8]>,
    /// The MCP headers.
    pub headers: RoutingHeaders<'a>,
    /// What it came by.
    pub carrier: Carrier,
    /// The body, unread: a caller without a token cannot make the door read one.
    pub body: P::Body,
    /// Where the connection came from.
    pub source: Option<IpAddr>,
    /// W3C trace id.
    pub trace: [u8; 16],
    /// The one clock reading of this message.
    pub now: Timestamp,
}

/// A verified caller, prepared once for each (token, snapshot).
pub struct Caller {
    pub(crate) identity: Arc<Identity>,
    pub(crate) principal: Principal,
    pub(crate) owner: Owner,
    /// Their proof for Entra, where the server is called on their behalf with it.
    pub(crate) assertion: Option<Arc<Assertion>>,
}

impl Caller {
    /// Returns who it is.
    pub fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    /// Returns the proof with which Entra may be asked on their behalf; none where they signed in at this door, where
    /// an application calls for itself, and where no server needs it.
    pub fn assertion(&self) -> Option<&Assertion> {
        self.assertion.as_deref()
    }
}

/// What is known so far, for the log; it travels with the message and judges nothing.
pub(crate) struct Trail {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) server: Arc<ServerRules>,
    /// What the client's messages come by, and how it is answered.
    pub(crate) framing: Framing,
    pub(crate) source: Option<IpAddr>,
    pub(crate) trace: [u8; 16],
    pub(crate) now: Timestamp,
    pub(crate) caller: Option<Arc<Caller>>,
    /// Whose token it is, where it verified but no caller could be made of it: the log knows the person all the same.
    pub(crate) verified: Option<Arc<Identity>>,
    /// The revision family the client speaks.
    pub(crate) era: Era,
    /// The one its server is spoken to in: the client's own, unless the door bridges.
    pub(crate) behind: Era,
    /// What a request of 2026-07-28 lets its server send besides the answer.
    pub(crate) wanted: Wanted,
    /// What the door answers itself, where a server of the other revision has no such thing.
    pub(crate) local: Option<Local>,
    /// The number of the stream on which an old client listens to a new server.
    pub(crate) listener: u64,
    /// The stream that the client comes back for.
    pub(crate) resumed: Option<Resumed>,
    /// It follows from another frame, with which its arguments were judged.
    pub(crate) follows: bool,
    /// It was sent before, to a server that had forgotten its session.
    pub(crate) retried: bool,
    /// Goes on with a call that waits for its client.
    pub(crate) retry: Option<Retry>,
    /// What the client declared that it can do, once that is known.
    pub(crate) capabilities: Option<Arc<str>>,
    pub(crate) id: Option<Id>,
    pub(crate) method: Option<&'static str>,
    pub(crate) subject: Subject,
    /// What was found in its content, and then in its answer's.
    pub(crate) notes: Notes,
    /// The tool that is called, as it is defined now.
    pub(crate) tool: Option<Arc<Tool>>,
    /// What placeholders in its arguments became: the answer may repeat it.
    pub(crate) restored: Vec<Kept>,
    /// Under what the definitions of its answer are judged, where its server is pinned.
    pub(crate) offer: Option<Offer>,
    pub(crate) times: StepTimes,
    pub(crate) lap: u64,
}

impl Trail {
    /// Begins a trail: nothing is known yet.
    pub(crate) fn new<P: Ports>(snapshot: Arc<Snapshot>, server: Arc<ServerRules>, ports: &P) -> Self {
        Self {
            snapshot,
            server,
            framing: Framing::Request,
            source: None,
            trace: [0; 16],
            now: ports.now(),
            caller: None,
            verified: None,
            era: Era::Legacy,
            behind: Era::Legacy,
            wanted: Wanted::default(),
            local: None,
            listener: 0,
            resumed: None,
            follows: false,
            retried: false,
            retry: None,
            capabilities: None,
            id: None,
            method: None,
            subject: Subject::None,
            notes: Notes::default(),
            tool: None,
            restored: Vec::new(),
            offer: None,
            times: StepTimes::default(),
            lap: ports.stopwatch(),
        }
    }

    /// Says whether a client of 2025-11-25 is carried to a server of 2026-07-28.
    pub(crate) fn is_up(&self) -> bool {
        (self.era, self.behind) == (Era::Legacy, Era::Modern)
    }

    /// Says whether a client of 2026-07-28 is carried to a server of 2025-11-25.
    pub(crate) fn is_down(&self) -> bool {
        (self.era, self.behind) == (Era::Modern, Era::Legacy)
    }

    /// Begins the trail of another frame that follows from this one: of the same caller, about the same.
    pub(crate) fn again<P: Ports>(&self, ports: &P) -> Box<Self> {
        Box::new(Self {
            framing: self.framing,
            source: self.source,
            trace: self.trace,
            caller: self.caller.clone(),
            era: self.era,
            behind: self.behind,
            wanted: self.wanted,
            listener: self.listener,
            follows: true,
            retried: self.retried,
            capabilities: self.capabilities.clone(),
            id: self.id.clone(),
            method: self.method,
            subject: self.subject.clone(),
            restored: self.restored.clone(),
            ..Self::new(Arc::clone(&self.snapshot), Arc::clone(&self.server), ports)
        })
    }

    /// Returns the time since the last lap.
    pub(crate) fn lap<P: Ports>(&mut self, ports: &P) -> Duration {
        let now = ports.stopwatch();
        let took = Duration::from_nanos(now.saturating_sub(self.lap));
        self.lap = now;
        took
    }

    pub(crate) fn refuse(self, reason: Reason) -> Box<Refused> {
        self.refused(Refusal::new(reason))
    }

    pub(crate) fn refused(self, refusal: Refusal) -> Box<Refused> {
        Box::new(Refused { trail: self, refusal })
    }
}

/// A refusal with what was known when it fell.
pub(crate) struct Refused {
    pub(crate) trail: Trail,
    pub(crate) refusal: Refusal,
}

pub(crate) type Step<T> = Result<T, Box<Refused>>;

/// The caller is known.
pub(crate) struct Identified<'a, P: Ports> {
    pub(crate) trail: Box<Trail>,
    pub(crate) caller: Arc<Caller>,
    pub(crate) verb: Verb,
    pub(crate) content_type: Option<&'a [u8]>,
    pub(crate) accept: Option<&'a [u8]>,
    pub(crate) headers: RoutingHeaders<'a>,
    pub(crate) carrier: Carrier,
    pub(crate) body: P::Body,
}

/// The bytes are a frame, or a verb that carries none.
pub(crate) struct Heard<'a> {
    pub(crate) trail: Box<Trail>,
    pub(crate) caller: Arc<Caller>,
    pub(crate) headers: RoutingHeaders<'a>,
    pub(crate) carrier: Carrier,
    pub(crate) said: Said,
}

/// What was said.
pub(crate) enum Said {
    /// A frame of one method, or a response.
    Frame { frame: Frame, method: Method, session: Option<Arc<str>> },
    /// Legacy GET: a stream for what the server says unasked.
    /// Or, with the last event that came, for what came after it.
    Listen { session: Arc<str>, last_event: Option<Arc<str>> },
    /// Legacy DELETE: the end of a session.
    Leave { session: Arc<str> },
}

/// The session, if any, is the caller's own.
pub(crate) struct InSession<'a, P: Ports> {
    pub(crate) trail: Box<Trail>,
    pub(crate) caller: Arc<Caller>,
    pub(crate) headers: RoutingHeaders<'a>,
    pub(crate) seat: Seat<P>,
    pub(crate) asked: Asked,
}

/// What is asked, once the seat is taken.
pub(crate) enum Asked {
    Frame {
        frame: Frame,
        method: Method,
    },
    Listen,
    /// What came after an event of a call's stream.
    Resume,
    Leave,
}

/// A policy permits it. Holds the frame the permit was given on.
pub(crate) struct Permitted<P: Ports> {
    pub(crate) trail: Box<Trail>,
    pub(crate) caller: Arc<Caller>,
    pub(crate) seat: Seat<P>,
    pub(crate) permit: Permit,
    /// The frame to send, the bytes that policy judged, and the digest they had then (D-02).
    pub(crate) frame: Frame,
    pub(crate) judged: Bytes,
    pub(crate) digest: [u8; 32],
    pub(crate) method: Method,
    /// Headers for the upstream, made anew from the body (T-18).
    pub(crate) headers: Vec<(String, String)>,
    /// For a response: who asked.
    pub(crate) answers: Option<Asker>,
    /// A person is to be asked first.
    pub(crate) asks: bool,
    /// The digest of how its server defines the tool; zeros for what is no tool.
    pub(crate) definition: [u8; 32],
    /// That its labels let it go, and that this is given back.
    pub(crate) passage: Option<Arc<Passage>>,
}

/// The other half of a cleared frame: what is needed to judge and release its answer.
pub(crate) struct Exchange<P: Ports> {
    pub(crate) trail: Box<Trail>,
    pub(crate) caller: Arc<Caller>,
    pub(crate) seat: Seat<P>,
    pub(crate) method: Method,
    pub(crate) door_id: Option<i64>,
    /// The frame as it was judged, where it may have to be sent once more.
    pub(crate) kept: Option<Frame>,
    /// Announced when the client gives the request up, where the server cannot be told by a frame.
    pub(crate) given_up: Option<Arc<Change>>,
    /// The session that this greeting opens, where its server has none.
    pub(crate) greeting: Option<Arc<Greeter>>,
    /// The answer is a round of the door's own, in the place of a server that has none.
    pub(crate) own: bool,
    /// What seals the state of a round, where one may follow.
    pub(crate) rounds: Option<Arc<Rounds>>,
    /// Whose the tasks are that its answer may begin or tell of.
    pub(crate) tasks: Arc<Tasks>,
    /// What is remembered while what comes back is read.
    pub(crate) watch: Watch,
    /// What reads the definitions that its answer may list.
    pub(crate) eyes: Arc<Eyes>,
    /// That its labels let it go: given back when it has ended.
    pub(crate) passage: Option<Arc<Passage>>,
    /// What looks at what its server says.
    pub(crate) leaks: LeakWatch,
    /// The client's progress token, raw JSON: the server was given the door's id in its place.
    pub(crate) progress: Option<Box<str>>,
    pub(crate) call: CallId,
    pub(crate) policies: Vec<Arc<str>>,
    pub(crate) digest: [u8; 32],
    pub(crate) started: u64,
    /// True once its outcome has been handed to the log.
    pub(crate) told: AtomicBool,
}

/// A frame that every check has passed: the only thing `upstream` takes from a caller. It owns its frame, names its
/// server and its link, and is used up by sending it; it is neither `Clone` nor `Deserialize` (D-01).
pub struct Cleared<P: Ports> {
    pub(crate) server: Arc<ServerRules>,
    pub(crate) link: Option<Arc<P::Link>>,
    pub(crate) caller: Arc<Caller>,
    pub(crate) era: Era,
    pub(crate) capabilities: Arc<str>,
    pub(crate) method: Method,
    pub(crate) door_id: Option<i64>,
    pub(crate) bytes: Bytes,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) call: CallId,
    pub(crate) trace: [u8; 16],
    /// The permit that cleared it travels with it: without one there is nothing to build this from.
    pub(crate) permit: Permit,
}

impl<P: Ports> Cleared<P> {
    /// Returns the server it was cleared for.
    pub fn server(&self) -> &Arc<ServerRules> {
        &self.server
    }

    /// Returns the link it goes over; none for a stateless frame or one that opens a link.
    pub fn link(&self) -> Option<&Arc<P::Link>> {
        self.link.as_ref()
    }

    /// Returns whom it is sent for.
    pub fn owner(&self) -> &Owner {
        &self.caller.owner
    }

    /// Returns the verified caller it is sent for, by whom a credential for the server is found.
    pub fn caller(&self) -> &Arc<Caller> {
        &self.caller
    }

    /// Returns the revision family it speaks.
    pub fn era(&self) -> Era {
        self.era
    }

    /// Returns what the client that it comes from declared that it can do, in the protocol's own words.
    pub fn capabilities(&self) -> &Arc<str> {
        &self.capabilities
    }

    /// Returns its method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Returns the id the door gave it, if it is a request.
    pub fn door_id(&self) -> Option<i64> {
        self.door_id
    }

    /// Returns the bytes to send.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns the MCP headers to send.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// Returns the call this is.
    pub fn call(&self) -> CallId {
        self.call
    }

    /// Returns the W3C trace id.
    pub fn trace(&self) -> [u8; 16] {
        self.trace
    }

    /// Returns the policies that permitted it.
    pub fn policies(&self) -> &[Arc<str>] {
        self.permit.policies()
    }
}

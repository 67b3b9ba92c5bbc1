//! The outside world, as the engine may see it. Both doors implement [`Ports`].

use std::collections::BTreeSet;
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use doorward_flow::{Approver, Fallen, Key};
use doorward_oauth::{Identity, KeyRing, Revocations};
use doorward_policy::PolicyProblem;
use doorward_types::{ObjectId, ServerName, Timestamp};
use futures_util::future::BoxFuture;

use crate::advise::{Advice, Advised};
use crate::errand::Errand;
use crate::eyes::Suspicion;
use crate::guard::Unasked;
use crate::pinned::{Drifted, Elsewhere, Learned, Pins, PinsUnwritable};
use crate::record::{IntentFacts, OutcomeFacts, RefusalFacts};
use crate::stage::Cleared;
use crate::stream::ReleasedStream;

/// What a person is asked: whether this tool may be called with these arguments.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The server.
    pub server: &'a ServerName,
    /// The tool.
    pub tool: &'a str,
    /// Its arguments, as JSON: those that will be sent.
    pub arguments: &'a str,
    /// Why they are asked, if not because the tool destroys.
    pub because: Option<&'a str>,
}

/// What came of the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// The person agrees.
    Given,
    /// The person does not.
    Refused,
    /// Nobody answered in time.
    Silence,
    /// There is nobody to ask.
    Nobody,
}

/// What is asked about a call whose labels need a person: exactly it, under exactly these labels (D-21).
pub struct Plea<'a> {
    /// Whose call it is.
    pub identity: &'a Identity,
    /// The server.
    pub server: &'a ServerName,
    /// The JSON-RPC method.
    pub method: &'static str,
    /// The tool, prompt or resource.
    pub name: &'a str,
    /// The arguments, as JSON: those that will be sent.
    pub arguments: &'a str,
    /// What an approval covers: this call's digest, its labels, where they came from and where they go.
    pub bound: &'a [u8],
    /// Why somebody is asked, for a person to read. It holds arguments: it is no text for a record.
    pub why: &'a str,
    /// Who has to approve.
    pub approver: Approver,
    /// When.
    pub now: Timestamp,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approval {
    /// It was approved, and that is used up: written down before this is said.
    Given(Approver),
    /// Somebody was asked, here or before; the call comes again once they have answered.
    Wait {
        /// Names the question.
        reference: String,
        /// The door's own page where it is answered.
        url: String,
    },
    /// Somebody was asked, and said no.
    Refused,
    /// Somebody was asked, and did not answer in time.
    Silence,
    /// There is nobody to ask, for this reason.
    Nobody(&'static str),
    /// As many questions wait for this person as may.
    Full,
    /// It cannot be looked up or kept.
    Unavailable,
}

/// What is written down of what a key has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptLabels {
    /// How often labels were given up.
    pub given_up: u64,
    /// How often it was written; zero if never.
    pub version: u64,
    /// The rest.
    pub text: Vec<u8>,
}

/// Why labels cannot be read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelsError {
    /// What is written is not what a door wrote; with its version, by which it can be replaced.
    Spoilt(u64),
    /// They are not at hand.
    Unavailable,
}

/// What the engine asks of the world. Everything that takes time, touches a disk or a socket, reads a clock or draws
/// randomness is here, and nowhere else on the way of a message.
pub trait Ports: Sized + Send + Sync + 'static {
    /// A request body that nobody has read yet.
    type Body: Send;
    /// A standing relation with an upstream: an HTTP session, a child process.
    type Link: Send + Sync;
    /// An upstream's stream of frames.
    type Events: Events;

    /// Reads the wall clock. Called once for each frame, and once for each batch of events (D-03).
    fn now(&self) -> Timestamp;

    /// Reads a monotonic stopwatch, in nanoseconds from any fixed point.
    fn stopwatch(&self) -> u64;

    /// Waits for a while.
    fn pause(&self, time: Duration) -> impl Future<Output = ()> + Send;

    /// Draws 256 bits from the operating system.
    ///
    /// # Errors
    /// When the operating system has none: the caller refuses.
    fn random(&self) -> Result<[u8; 32], RandomUnavailable>;

    /// Reads a whole body of at most `limit` bytes.
    fn read(&self, body: Self::Body, limit: usize) -> impl Future<Output = Result<Bytes, ReadError>> + Send;

    /// Says whether a source may try another unverified token now; false after too many bad ones (D-11).
    fn may_knock(&self, source: Option<IpAddr>, now: Timestamp) -> bool;

    /// Returns who sits at this machine; none where everybody comes over a network.
    fn at_home(&self) -> Option<Arc<Identity>> {
        None
    }

    /// Asks the person who sits at this machine about a call, where the server's rules say so. Where everybody comes over a
    /// network there is nobody to ask.
    fn consent(&self, _question: Question<'_>) -> impl Future<Output = Consent> + Send {
        std::future::ready(Consent::Nobody)
    }

    /// Returns the user of this machine whose guards share their labels; none where labels are of a sign-in.
    fn local_user(&self) -> Option<String> {
        None
    }

    /// Says whether a person has approved what this server says of its tools.
    fn approved_definitions(&self, _server: &ServerName) -> bool {
        false
    }

    /// Returns a number that is another once somebody else may have written labels. Asked on every message that carries
    /// something: it must cost next to nothing.
    fn labels_seen(&self) -> impl Future<Output = u64> + Send {
        std::future::ready(0)
    }

    /// Reads what is written down of what a key has read.
    fn read_labels(
        &self,
        _key: &Key,
        _now: Timestamp,
    ) -> impl Future<Output = Result<Option<KeptLabels>, LabelsError>> + Send {
        std::future::ready(Ok(None))
    }

    /// Writes it down, at the version that was read; returns the next version, and nothing if somebody was faster. A door
    /// without a store forgets with its end.
    fn write_labels(
        &self,
        _key: &Key,
        kept: &KeptLabels,
        _until: Timestamp,
    ) -> impl Future<Output = Result<Option<u64>, LabelsError>> + Send {
        std::future::ready(Ok(Some(kept.version.saturating_add(1))))
    }

    /// Records that labels fell because nothing happened for so long. What follows from it does not wait for this.
    fn labels_fell(&self, _identity: &Identity, _fallen: &Fallen) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Tells the operator what would have been asked about or refused, where labels are only recorded.
    fn labels_noted(&self, _server: &ServerName, _what: &'static str, _why: &str) {}

    /// Asks about a call whose labels need a person, or takes their answer.
    fn approval(&self, _plea: Plea<'_>) -> impl Future<Output = Approval> + Send {
        std::future::ready(Approval::Nobody("this door asks nobody"))
    }

    /// Returns the signing keys at hand. Asked on every message: it must cost next to nothing.
    fn keys(&self) -> KeyRing;

    /// Returns what was revoked. Whoever changes it raises the door's epoch after that, so that a token judged under
    /// the new epoch was judged under the new list.
    fn revocations(&self) -> Arc<Revocations>;

    /// Asks for fresh keys because a token names one that is not at hand; true if that key is at hand now. Bounded by
    /// the port to one fetch in five minutes, whatever callers send (S37).
    fn refresh_keys(&self, kid: &str) -> impl Future<Output = bool> + Send;

    /// Resolves the groups of a person whose token says there are too many to list.
    fn groups(
        &self,
        identity: &Identity,
    ) -> impl Future<Output = Result<BTreeSet<ObjectId>, GroupsUnavailable>> + Send;

    /// Records an intent; returns when it is written (D-09).
    fn intent(&self, facts: IntentFacts<'_>) -> impl Future<Output = Result<(), AuditUnwritable>> + Send;

    /// Records an outcome; returns when it is written.
    fn outcome(&self, facts: OutcomeFacts) -> impl Future<Output = Result<(), AuditUnwritable>> + Send;

    /// Records the outcome of a call whose caller has gone; must not block.
    fn outcome_detached(&self, facts: OutcomeFacts);

    /// Records a refusal: chained if the caller is known, counted if not (D-11).
    fn refused(&self, facts: RefusalFacts<'_>) -> impl Future<Output = Result<(), AuditUnwritable>> + Send;

    /// Records a definition that gives orders to the model. What was left out stays out if this fails.
    fn suspects(&self, _suspicion: Suspicion) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Returns what was agreed to of a server's definitions. Asked on every message: it must cost next to nothing.
    fn pins(&self, _server: &ServerName) -> Pins {
        Pins::Off
    }

    /// Returns the tools that are pinned of other servers, for names that pass for theirs.
    fn pinned_elsewhere(&self, _server: &ServerName) -> Arc<[Elsewhere]> {
        Arc::from([])
    }

    /// Keeps a list that is seen for the first time; returns when that outlives a crash, and [`pins`](Self::pins) has it. Where
    /// somebody else kept one meanwhile, theirs stands.
    fn remember(&self, _learned: Learned<'_>) -> impl Future<Output = Result<(), PinsUnwritable>> + Send {
        std::future::ready(Err(PinsUnwritable))
    }

    /// Records definitions that are not what was agreed to, and keeps those that a person can agree to. What was left out stays
    /// out if this fails.
    fn drifted(&self, _drifted: Vec<Drifted>) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Asks services outside for a second opinion; only where a server's rules say so.
    fn advise(&self, _question: Advised<'_>) -> impl Future<Output = Advice> + Send {
        std::future::ready(Advice::Pass)
    }

    /// Sends a cleared frame to its server. The witness is consumed: nothing is sent twice.
    fn upstream(
        &self,
        cleared: Cleared<Self>,
    ) -> impl Future<Output = Result<Answered<Self::Link, Self::Events>, UpstreamError>> + Send;

    /// Runs an errand of the door's own.
    fn errand(
        &self,
        errand: Errand<Self>,
    ) -> impl Future<Output = Result<Answered<Self::Link, Self::Events>, UpstreamError>> + Send;

    /// Runs an errand whose outcome nobody waits for; must not block.
    fn errand_detached(&self, errand: Errand<Self>);

    /// Goes on with a call whose client is gone: to its answer, and to the end of its stream, but no longer than the
    /// client's token is good; must not block.
    fn detached(&self, going: Going<Self>);

    /// Ends a link: its streams end at once, its server is told.
    fn close(&self, link: Arc<Self::Link>);

    /// Tells the operator that the policies do not fit what a server offers now.
    fn policies_unfit(&self, server: &ServerName, problems: &[PolicyProblem]);
}

/// A call that goes on without its client, to the stream of its answer, if that is one.
pub type Going<P> = BoxFuture<'static, Option<Box<ReleasedStream<P>>>>;

/// Frames from an upstream, in order.
pub trait Events: Send + Sync + 'static {
    /// Waits until at least one frame is there, then takes all that are ready, at most `limit` frames.
    ///
    /// # Errors
    /// When the stream breaks, is malformed or exceeds its bounds.
    fn next_batch(
        &mut self,
        into: &mut Vec<Bytes>,
        limit: usize,
    ) -> impl Future<Output = Result<More, UpstreamError>> + Send;
}

/// Whether a stream goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    /// More may come.
    Yes,
    /// This was the end.
    No,
}

/// What an upstream said to one frame.
pub struct Answered<L, E> {
    /// The link that an `initialize` opened.
    pub link: Option<Arc<L>>,
    /// The answer.
    pub answer: Answer<E>,
}

/// The three forms of an answer.
pub enum Answer<E> {
    /// Taken, nothing to say: 202.
    Accepted,
    /// One frame, with the HTTP status it came with.
    Whole(Bytes, u16),
    /// A stream of frames.
    Stream(E),
}

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadError {
    /// Larger than the limit.
    TooLarge,
    /// Slower than the limit.
    TooSlow,
    /// The caller went away.
    Broken,
}

/// The operating system gave no randomness.
#[derive(Debug)]
pub struct RandomUnavailable;

/// The audit log could not be written.
#[derive(Debug)]
pub struct AuditUnwritable;

/// Group membership could not be resolved; the text is for the log.
#[derive(Debug)]
pub struct GroupsUnavailable(pub String);

/// What went wrong with the server behind the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpstreamFault {
    /// No connection, no process.
    Unreachable,
    /// Its messages on the way to an answer were more than an answer may be.
    OverBudget,
    /// No answer in time.
    Timeout,
    /// An answer that breaks the protocol.
    Malformed,
    /// An answer beyond its bounds.
    TooLarge,
    /// It no longer knows the session.
    SessionLost,
    /// An HTTP error without a JSON-RPC body.
    Refused,
    /// It ended before it answered.
    Ended,
    /// As many children run as may (D-23).
    Capped,
    /// It has no stream to offer: 405 to a GET.
    VerbNotServed,
    /// It asks for input that no policy lets it ask for.
    Unpermitted,
    /// It asks a person for what nobody should be asked for in such a way.
    Unasked(Unasked),
}

impl UpstreamFault {
    /// Returns the stable name of this fault.
    pub fn id(self) -> &'static str {
        match self {
            Self::Unreachable => "upstream-unreachable",
            Self::Timeout => "upstream-timeout",
            Self::Malformed => "upstream-malformed",
            Self::TooLarge => "upstream-too-large",
            Self::OverBudget => "upstream-over-budget",
            Self::SessionLost => "upstream-session-lost",
            Self::Refused => "upstream-refused",
            Self::Ended => "upstream-ended",
            Self::Capped => "upstream-capped",
            Self::VerbNotServed => "upstream-verb-not-served",
            Self::Unpermitted => "server-request-not-permitted",
            Self::Unasked(why) => why.id(),
        }
    }
}

/// A fault with the detail for the log.
#[derive(Debug)]
pub struct UpstreamError {
    /// What kind of fault.
    pub fault: UpstreamFault,
    /// For the log alone.
    pub detail: String,
    /// What the person who calls can do about it, if anything.
    pub need: Option<Need>,
}

/// What a server behind the door asks of the person who calls, before it serves them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// A further step at Entra: the claims it asks for, as the JSON that it gave (D-16).
    Claims(String),
    /// To sign in again: the grant that they came with can no longer be used on their behalf.
    SignInAgain,
    /// To connect their account at somebody else's service.
    Connect {
        /// The door's own page where they do that.
        url: String,
    },
}

impl UpstreamError {
    /// Names a fault, with the detail for the log.
    pub fn new(fault: UpstreamFault, detail: impl Into<String>) -> Self {
        Self { fault, detail: detail.into(), need: None }
    }

    /// Says that a server asked for what nobody should be asked for.
    pub(crate) fn unasked(why: Unasked) -> Self {
        Self::new(UpstreamFault::Unasked(why), "a question of the server did not reach its person")
    }
}

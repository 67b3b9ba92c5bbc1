//! What may be recorded. No type here has room for an argument's value, a result or a token: content enters only as
//! a [`Digest`] (D-10), names are cut to a length, and reasons are the program's own constants.

use std::fmt;
use std::sync::Arc;

use doorward_types::{ServerName, Timestamp};

use crate::keys::{Digest, Pseudonym, Subject};

/// Names one call in its intent and its outcome: 128 random bits from the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub [u8; 16]);

impl CallId {
    /// Parses 32 lower-case hexadecimal digits, as records show it.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        plain.then(|| u128::from_str_radix(text, 16).ok()).flatten().map(|value| Self(value.to_be_bytes()))
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// What a frame is about.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// The method alone.
    None,
    /// A tool of the server's list.
    Tool(&'a str),
    /// A prompt of the server's list.
    Prompt(&'a str),
    /// A resource; URIs hold personal data, so only its digest is kept.
    Resource(Digest),
    /// A name no list holds. The caller chose it, it may hold anything, so only its digest is kept.
    Unlisted(Digest),
}

/// How long one step took.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// The step's name, one word.
    pub name: &'static str,
    /// Microseconds.
    pub micros: u64,
}

/// What was found in content and what was done about it; never the content.
#[derive(Debug, Clone, Copy)]
pub struct Finding {
    /// The rule, or the kind of secret.
    pub what: &'static str,
    /// What was done, one word.
    pub done: &'static str,
    /// How often.
    pub count: u32,
}

/// A permitted call, recorded before the upstream is called (D-09).
#[derive(Clone, Copy)]
pub struct Intent<'a> {
    /// The call.
    pub call: CallId,
    /// W3C trace id.
    pub trace: Option<[u8; 16]>,
    /// Who.
    pub subject: &'a Subject,
    /// The client application's id.
    pub client: &'a str,
    /// Where to.
    pub server: &'a ServerName,
    /// The JSON-RPC method.
    pub method: &'a str,
    /// What about.
    pub target: Target<'a>,
    /// The policies that permitted it.
    pub policies: &'a [Arc<str>],
    /// Digest of the arguments as they are sent.
    pub arguments: Option<Digest>,
    /// The session's pseudonym.
    pub session: Option<Pseudonym>,
    /// What was found in what is sent.
    pub findings: &'a [Finding],
    /// Durations so far.
    pub steps: &'a [Step],
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// A result was released.
    Ok,
    /// A result with `isError`, or a JSON-RPC error, was released.
    Error,
    /// Accepted without an answer.
    Accepted,
    /// The answer was refused by a check.
    Refused,
    /// The caller went away before the end.
    Aborted,
    /// The upstream did not answer in time.
    Timeout,
    /// The upstream failed.
    Failed,
}

impl Ending {
    /// Returns the stable name of this ending.
    pub fn id(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Aborted => "aborted",
            Self::Timeout => "timeout",
            Self::Failed => "failed",
        }
    }
}

/// How a call ended, recorded before the last byte is released (D-09).
#[derive(Clone, Copy)]
pub struct Outcome<'a> {
    /// The call whose intent it answers.
    pub call: CallId,
    /// W3C trace id.
    pub trace: Option<[u8; 16]>,
    /// Where the call went.
    pub server: &'a ServerName,
    /// How it ended.
    pub ending: Ending,
    /// Why, where the ending has a reason.
    pub reason: Option<&'static str>,
    /// Frames released.
    pub frames: u64,
    /// Bytes released.
    pub bytes: u64,
    /// Digest of what was released.
    pub digest: Option<Digest>,
    /// What was found in what came back.
    pub findings: &'a [Finding],
    /// Microseconds from intent to outcome.
    pub took_micros: u64,
    /// Durations of the steps since the intent.
    pub steps: &'a [Step],
}

/// Whose fault a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The caller's.
    Caller,
    /// The server's behind the door.
    Upstream,
    /// The operator's: a policy or a setting.
    Operator,
    /// The door's own.
    Door,
}

impl Fault {
    /// Returns the stable name of this fault.
    pub fn id(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Upstream => "upstream",
            Self::Operator => "operator",
            Self::Door => "door",
        }
    }
}

/// A refusal of somebody who is known. Without an identity it is counted instead (D-11).
#[derive(Clone, Copy)]
pub struct RefusedRecord<'a> {
    /// The call, where one had begun.
    pub call: Option<CallId>,
    /// W3C trace id.
    pub trace: Option<[u8; 16]>,
    /// Who.
    pub subject: &'a Subject,
    /// The client application's id.
    pub client: &'a str,
    /// Where to.
    pub server: Option<&'a ServerName>,
    /// The JSON-RPC method, where it was known.
    pub method: Option<&'a str>,
    /// What about.
    pub target: Target<'a>,
    /// The reason's stable name.
    pub reason: &'static str,
    /// Whose fault.
    pub fault: Fault,
    /// The policies that forbade it.
    pub policies: &'a [Arc<str>],
    /// The policies that could not be evaluated.
    pub errors: &'a [Arc<str>],
    /// What was found in its content.
    pub findings: &'a [Finding],
    /// The session's pseudonym.
    pub session: Option<Pseudonym>,
    /// Durations so far.
    pub steps: &'a [Step],
}

/// Something that happened around signing in: a grant given, used, refused or taken back (TOK-09). No token is in it;
/// tokens are named by the grant they belong to.
#[derive(Clone, Copy)]
pub struct Grant<'a> {
    /// What happened, as a stable name: `signed-in`, `consented`, `refreshed`, `revoked` …
    pub what: &'static str,
    /// Who, once they are known.
    pub subject: Option<&'a Subject>,
    /// The client's id, as it is registered with the door.
    pub client: Option<&'a str>,
    /// The server that the grant is for.
    pub server: Option<&'a ServerName>,
    /// The grant's pseudonym: the same in every record of one sign-in.
    pub grant: Option<Pseudonym>,
    /// Why, where there is a reason.
    pub reason: Option<&'a str>,
}

/// Something a person should look at now: a foreign session, a jump of the clock.
#[derive(Clone, Copy)]
pub struct Alarm<'a> {
    /// What it is, as a stable name.
    pub what: &'static str,
    /// Who, where known.
    pub subject: Option<&'a Subject>,
    /// Where to.
    pub server: Option<&'a ServerName>,
    /// What of the server's.
    pub target: Target<'a>,
    /// The rule that raised it, where one did.
    pub rule: Option<&'a str>,
    /// The call, where one had begun.
    pub call: Option<CallId>,
    /// W3C trace id.
    pub trace: Option<[u8; 16]>,
    /// The session's pseudonym.
    pub session: Option<Pseudonym>,
}

/// What a person decided about a definition of a server's (TPO-03). The digests are of what the server says to everybody, so
/// they tell nothing of anybody.
#[derive(Clone, Copy)]
pub struct PinAct<'a> {
    /// What was decided, as a stable name: `pin-approved`, `pin-rejected`, `pin-rolled-back`.
    pub what: &'static str,
    /// By whom: an id that stays.
    pub by: &'a str,
    /// Of which server.
    pub server: &'a ServerName,
    /// What kind of thing: `tool` and others.
    pub of: &'a str,
    /// Its name.
    pub name: &'a str,
    /// The hash of the definition that was decided about.
    pub hash: &'a str,
    /// The digest of the pin that was made of it.
    pub record: &'a str,
    /// Why, in that person's words.
    pub reason: &'a str,
    /// When: before this line was written, if no door ran.
    pub at: Timestamp,
    /// Until when it counts, if not for good.
    pub expires: Option<Timestamp>,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Start,
    Continued,
    Recovered,
    Stop,
    Intent,
    Outcome,
    Refused,
    Flood,
    Grant,
    Alarm,
    Pin,
    Erased,
    Checkpoint,
}

impl Kind {
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Continued => "continued",
            Self::Recovered => "recovered",
            Self::Stop => "stop",
            Self::Intent => "intent",
            Self::Outcome => "outcome",
            Self::Refused => "refused",
            Self::Flood => "flood",
            Self::Grant => "grant",
            Self::Alarm => "alarm",
            Self::Pin => "pin",
            Self::Erased => "erased",
            Self::Checkpoint => "checkpoint",
        }
    }
}

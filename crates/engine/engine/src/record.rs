//! What the audit log is told. No type here can hold an argument's value, a result or a token: digests are made by
//! the audit port from bytes that are lent to it and not kept (D-09, D-10).

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use doorward_oauth::Identity;
use doorward_types::{ServerName, Timestamp};

use crate::refusal::Fault;

/// Names one call in both of its records, in metrics and in traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallId(pub [u8; 16]);

/// What a frame is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Subject {
    /// A tool, by name.
    Tool(Arc<str>),
    /// A prompt, by name.
    Prompt(Arc<str>),
    /// A resource, by URI: digested in the record, since URIs hold personal data.
    Resource(Arc<str>),
    /// A method that no revision knows, by name: chosen by the caller, so it is digested too.
    Method(Arc<str>),
    /// The method alone.
    #[default]
    None,
}

impl Subject {
    /// Returns the name or the URI; nothing for the method alone.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Tool(name) | Self::Prompt(name) | Self::Resource(name) | Self::Method(name) => name,
            Self::None => "",
        }
    }
}

/// How long each step took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StepTimes {
    /// Token and identity.
    pub identify: Duration,
    /// Body, parse and classification.
    pub hear: Duration,
    /// Session, catalogue, schema and policy.
    pub authorize: Duration,
    /// Content.
    pub inspect: Duration,
}

/// What was done about something that was found in content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Done {
    /// It went on as it was.
    Seen,
    /// It went on, marked as what it is.
    Marked,
    /// It was taken out or replaced, and the rest went on.
    Edited,
    /// What held it did not go on.
    Refused,
    /// A rule that is being tried found it: nothing was done.
    Shadow,
}

impl Done {
    /// Returns the stable name.
    pub fn id(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Marked => "marked",
            Self::Edited => "edited",
            Self::Refused => "refused",
            Self::Shadow => "shadow",
        }
    }
}

/// What was found in the content of one message, by rule, with what was done: never the content itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noted {
    /// The rule, or the kind of secret.
    pub what: &'static str,
    /// What was done.
    pub done: Done,
    /// How often.
    pub count: u32,
}

/// Told apart in one record: a server that plants every kind of order fills no line.
const MOST_NOTES: usize = 24;

/// Collects what is found while a message, or its answer, is looked at.
#[derive(Debug, Default)]
pub(crate) struct Notes(Mutex<Vec<Noted>>);

impl Notes {
    pub(crate) fn add(&self, what: &'static str, done: Done) {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(noted) = notes.iter_mut().find(|noted| noted.what == what && noted.done == done) {
            noted.count = noted.count.saturating_add(1);
        } else if notes.len() < MOST_NOTES {
            notes.push(Noted { what, done, count: 1 });
        }
    }

    /// Returns what was found since the last time, for the next record.
    pub(crate) fn take(&self) -> Vec<Noted> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Recorded before the upstream is called.
pub struct IntentFacts<'a> {
    /// The call.
    pub call: CallId,
    /// W3C trace id.
    pub trace: [u8; 16],
    /// Who.
    pub identity: &'a Identity,
    /// Where to.
    pub server: &'a ServerName,
    /// The JSON-RPC method.
    pub method: &'a str,
    /// What about.
    pub subject: &'a Subject,
    /// The policies that permitted it.
    pub policies: &'a [Arc<str>],
    /// SHA-256 of method and parameters as they were judged; the port keys it before it is written (D-10).
    pub digest: &'a [u8; 32],
    /// The legacy session: digested, not kept.
    pub session: Option<&'a str>,
    /// What was found in what is sent.
    pub findings: &'a [Noted],
    /// Durations so far.
    pub times: StepTimes,
    /// When.
    pub now: Timestamp,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// A result was released.
    Result,
    /// A result with `isError`, or a JSON-RPC error, was released.
    Error,
    /// The server wants something of the client first: it goes on in another round.
    Asked,
    /// Accepted without an answer (a notification).
    Accepted,
    /// The answer was refused by a check, for this reason.
    Refused(&'static str),
    /// The caller went away before the end.
    Aborted,
    /// The upstream failed, for this reason.
    Failed(&'static str),
}

/// Recorded before the last byte is released.
#[derive(Clone)]
pub struct OutcomeFacts {
    /// The call whose intent it answers.
    pub call: CallId,
    /// W3C trace id.
    pub trace: [u8; 16],
    /// Who.
    pub identity: Arc<Identity>,
    /// Where to.
    pub server: ServerName,
    /// How it ended.
    pub ending: Ending,
    /// Frames released.
    pub frames: u64,
    /// Bytes released.
    pub bytes: u64,
    /// Rolling SHA-256 over the released frames.
    pub digest: [u8; 32],
    /// What was found in what came back.
    pub findings: Vec<Noted>,
    /// From intent to outcome.
    pub took: Duration,
    /// When.
    pub now: Timestamp,
}

/// A refusal, for the log.
pub struct RefusalFacts<'a> {
    /// Who, where known: then it is chained. Without an identity it is only counted (D-11).
    pub identity: Option<&'a Identity>,
    /// Where the connection came from.
    pub source: Option<IpAddr>,
    /// Where to.
    pub server: &'a ServerName,
    /// The JSON-RPC method, where it is known.
    pub method: Option<&'a str>,
    /// What about.
    pub subject: &'a Subject,
    /// The reason's stable name.
    pub reason: &'static str,
    /// Whose fault.
    pub fault: Fault,
    /// Detail; no content, no secrets.
    pub detail: &'a str,
    /// The policies that decided.
    pub policies: &'a [Arc<str>],
    /// What was found in its content.
    pub findings: &'a [Noted],
    /// True for what somebody should look at now: a stolen session, a frame that changed.
    pub alarm: bool,
    /// When.
    pub now: Timestamp,
}

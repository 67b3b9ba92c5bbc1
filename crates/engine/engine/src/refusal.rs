//! Refusals: what the caller may know, and what the log must know. The one table from reason to answer.

mod labels;
mod upstream;

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use doorward_issuer::dpop::DpopError;
use doorward_oauth::TokenError;
use doorward_wire::{Era, Id, LadderError, quote};

use crate::ports::{Consent, Need, UpstreamFault};
use crate::record::CallId;
use crate::tasks::{EXTENSION, NoTask};

pub use labels::{Held, Withheld};

/// Whose fault a refusal is; alarms and dashboards sort by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The caller sent something it must not.
    Caller,
    /// The server behind the door failed or misbehaved.
    Upstream,
    /// Something the operator owns is missing or full: a store, the audit log, Entra.
    Operator,
}

/// Why the door refused. Each reason has one face towards the caller, given by [`Refusal::reply`].
#[derive(Debug)]
pub enum Reason {
    /// No usable bearer token: absent, several, malformed.
    NoToken(&'static str),
    /// Too many bad tokens from one place.
    TooManyKnocks,
    /// A token that does not verify for this server.
    Token(TokenError),
    /// A token that is bound to a key, presented as if it were not: whoever stole it would leave the proof out.
    Unproven,
    /// No proof, or none that fits, of the key that a token is bound to (D-17).
    Proof(DpopError),
    /// The groups of a token with overage could not be resolved: closed, not guessed.
    GroupsUnavailable,
    /// The body could not be read: too large, too slow, cut off.
    Body(&'static str, u16),
    /// The frame or its headers break the protocol.
    Wire(Box<LadderError>),
    /// A verb that this server's era does not have.
    Verb,
    /// A legacy request without `Mcp-Session-Id`.
    SessionMissing,
    /// A session that is not there, has expired, or is another's: one answer, so that it tells nothing (SES-03).
    SessionUnknown,
    /// The session is another principal's: answered as unknown, raised as an alarm.
    SessionForeign,
    /// The name of an event that was never released to this session: answered like an unknown session, raised as an alarm.
    EventForeign,
    /// An event after which something is no longer kept.
    EventGone,
    /// The door or the person holds as many sessions as it may.
    TooManySessions,
    /// No policy lets this person use this server at all.
    NotConnected,
    /// A tool, prompt or resource that is absent or that this person may not see: one answer (D-08).
    Unseen(UnseenKind),
    /// The client gave the request up: nobody waits for an answer.
    GivenUp,
    /// The session has subscribed to as many resources as it may, or to one of too long a name.
    TooManySubscriptions,
    /// `logging/setLevel` with a level that does not exist.
    BadLevel,
    /// Seen, but no policy permits this call with these arguments.
    NotPermitted,
    /// The person who was asked did not agree, or could not be asked.
    NotAgreed(Consent),
    /// A method outside the protocol that no policy names (D-27).
    MethodNotPermitted,
    /// Arguments that do not fit the tool's input schema.
    BadArguments(String),
    /// Arguments that hold a secret, or what else may not be sent: which, and where.
    Leak(String),
    /// An argument reaches beyond what its parameter is for.
    Payload,
    /// What services outside say of it, where they are asked: for the log.
    Advised(String),
    /// `Mcp-Param-*` headers that disagree with the body.
    ParamHeaders(&'static str),
    /// A state that this door did not make, that was changed, or that is too old.
    StateInvalid,
    /// A state that was made for another: answered as invalid, raised as an alarm.
    StateForeign,
    /// A task that is not there for the caller, for whatever reason: one answer (B-08).
    NoTask(NoTask),
    /// Something about tasks, of a client that did not say that it knows them.
    TasksUndeclared,
    /// A request under the id of one that still runs: the two answers could not be told apart (L-07).
    IdInUse,
    /// A response to a request that this session was never asked.
    UnaskedResponse,
    /// An answer to a question that is no answer to any.
    BadAnswer,
    /// The frame about to leave is not the frame that was judged (D-02).
    NotTheJudgedFrame,
    /// The server behind the door.
    Upstream(UpstreamFault),
    /// The server behind the door, until the person who calls has done something.
    Needed(Need),
    /// Labels say that it may not carry what was read to where it goes.
    Labels(Box<Held>),
    /// What was read cannot be looked up or kept: closed, not guessed.
    LabelsUnavailable,
    /// What was agreed to of the server cannot be read: nothing of it goes on.
    PinsUnreadable,
    /// The audit log cannot be written: the door stays shut.
    AuditUnwritable,
    /// The door is draining or holds as many calls as it may.
    Busy,
}

/// What kind of thing was asked for and not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnseenKind {
    /// `tools/call`.
    Tool,
    /// `prompts/get`, or a completion's prompt.
    Prompt,
    /// `resources/read`, subscribe, unsubscribe, or a completion's template.
    Resource,
}

/// What goes into `WWW-Authenticate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// 401 without an error: no token was sent.
    Missing,
    /// 401 `invalid_token`.
    InvalidToken,
    /// 401 with the given error: the token is bound to a key, whose proof is asked for (RFC 9449 section 7.1).
    Proof(&'static str),
    /// 403 `insufficient_scope`.
    InsufficientScope,
    /// 401 `insufficient_claims`: a further step at Entra, as the JSON that it gave (D-16).
    Claims(String),
}

/// What is known of the one who is refused: in which form they understand it.
pub(crate) struct Asker<'a> {
    /// The request's own id, where it is known.
    pub(crate) id: Option<&'a Id>,
    pub(crate) era: Era,
    /// Whether a tool was called: then the refusal may be a result that a model reads.
    pub(crate) calls_tool: bool,
    /// Whether it may be answered with what is wanted first, in 2026-07-28.
    pub(crate) has_rounds: bool,
    /// Whether the client hands a claims challenge to Entra, which gave it its token.
    pub(crate) answers_challenges: bool,
    /// Whether the client takes its person to an address that it is told.
    pub(crate) opens_urls: bool,
    /// Names this refusal once.
    pub(crate) name: CallId,
}

/// A refusal on its way: the reason, and the detail that only the log may have.
#[derive(Debug)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// For the log alone; never content, never secrets.
    pub detail: Cow<'static, str>,
    /// Policies that decided, if any did.
    pub policies: Vec<Arc<str>>,
}

/// What the caller gets: one HTTP answer, its body a JSON-RPC message.
#[derive(Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The challenge for `WWW-Authenticate`, if any.
    pub challenge: Option<Challenge>,
    /// Seconds for `Retry-After`, if waiting helps.
    pub retry_after: Option<u32>,
    /// JSON-RPC message.
    pub body: Bytes,
    /// Whether it answers a request, by its id: without one there is nobody to read it in a conversation.
    pub answers: bool,
}

impl Refusal {
    pub(crate) fn new(reason: Reason) -> Self {
        Self { reason, detail: Cow::Borrowed(""), policies: Vec::new() }
    }

    pub(crate) fn because(reason: Reason, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, detail: detail.into(), policies: Vec::new() }
    }

    /// Answers the caller.
    pub(crate) fn reply(&self, asker: &Asker<'_>) -> Reply {
        let era = asker.era;
        let mut face = self.reason.face(asker);
        let id = match (&self.reason, asker.id) {
            (Reason::Wire(ladder), None) => ladder.id.as_ref().map(Id::to_json),
            (_, id) => id.map(Id::to_json),
        };
        if id.is_none() && face.status == 200 {
            // What has no id gets no answer in a body, so its refusal must be the status (T-07).
            face.status = if self.reason.fault() == Fault::Caller { 400 } else { 502 };
        }
        let answers = id.is_some();
        // Without an id the member is left out: null is not an id (L-07).
        let id = id.map_or_else(String::new, |id| format!("\"id\":{id},"));
        let body = match &face.shape {
            Shape::Error(code) => {
                let data = face.data.as_ref().map_or_else(String::new, |data| format!(",\"data\":{data}"));
                let message = quote(&face.message);
                format!(r#"{{"jsonrpc":"2.0",{id}"error":{{"code":{code},"message":{message}{data}}}}}"#)
            }
            Shape::Asked(requests) => format!(
                r#"{{"jsonrpc":"2.0",{id}"result":{{"resultType":"input_required","inputRequests":{requests}}}}}"#
            ),
            Shape::ToolError => {
                let text = quote(&face.message);
                let kind = if era == Era::Modern { r#","resultType":"complete""# } else { "" };
                format!(
                    r#"{{"jsonrpc":"2.0",{id}"result":{{"content":[{{"type":"text","text":{text}}}],"isError":true{kind}}}}}"#
                )
            }
        };
        Reply {
            status: face.status,
            challenge: face.challenge,
            retry_after: face.retry_after,
            body: Bytes::from(body),
            answers,
        }
    }
}

enum Shape {
    Error(i64),
    ToolError,
    /// Something is wanted of the person first: `inputRequests`, raw JSON.
    Asked(String),
}

struct Face {
    status: u16,
    shape: Shape,
    message: Cow<'static, str>,
    /// Raw JSON.
    data: Option<String>,
    challenge: Option<Challenge>,
    retry_after: Option<u32>,
}

impl Face {
    fn error(status: u16, code: i64, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            shape: Shape::Error(code),
            message: message.into(),
            data: None,
            challenge: None,
            retry_after: None,
        }
    }

    fn challenge(status: u16, challenge: Challenge, message: &'static str) -> Self {
        Self { challenge: Some(challenge), ..Self::error(status, REFUSED, message) }
    }

    fn asked(requests: String) -> Self {
        Self { shape: Shape::Asked(requests), ..Self::error(200, 0, "") }
    }

    fn tool_error(message: impl Into<Cow<'static, str>>) -> Self {
        Self { shape: Shape::ToolError, ..Self::error(200, 0, message) }
    }

    fn retry(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }
}

/// What 2025-11-25 says where a person must open an address first.
pub(crate) const URL_ELICITATION: i64 = -32042;

/// The door's own error code, outside the range that JSON-RPC and MCP reserve (L-09).
pub(crate) const REFUSED: i64 = 4030;

impl Reason {
    /// Returns the stable name under which logs, metrics and audit records know this reason.
    pub fn id(&self) -> &'static str {
        match self {
            Self::NoToken(why) => why,
            Self::TooManyKnocks => "too-many-knocks",
            Self::Token(error) => error.reason(),
            Self::Unproven => "token-unproven",
            Self::Proof(error) => error.reason(),
            Self::GroupsUnavailable => "groups-unavailable",
            Self::Body(why, _) => why,
            Self::Wire(ladder) => ladder.reason,
            Self::Verb => "verb-not-served",
            Self::SessionMissing => "session-missing",
            Self::SessionUnknown => "session-unknown",
            Self::SessionForeign => "session-foreign",
            Self::EventForeign => "event-foreign",
            Self::EventGone => "event-gone",
            Self::TooManySessions => "too-many-sessions",
            Self::NotConnected => "not-connected",
            Self::Unseen(UnseenKind::Tool) => "tool-unseen",
            Self::Unseen(UnseenKind::Prompt) => "prompt-unseen",
            Self::Unseen(UnseenKind::Resource) => "resource-unseen",
            Self::NotPermitted => "not-permitted",
            Self::NotAgreed(Consent::Nobody) => "nobody-to-ask",
            Self::NotAgreed(Consent::Silence) => "not-answered",
            Self::NotAgreed(Consent::Given | Consent::Refused) => "not-agreed",
            Self::MethodNotPermitted => "method-not-permitted",
            Self::BadArguments(_) => "bad-arguments",
            Self::Leak(_) => "data-refused",
            Self::Payload => "payload",
            Self::Advised(_) => "advised-against",
            Self::ParamHeaders(why) => why,
            Self::StateInvalid => "request-state-invalid",
            Self::StateForeign => "request-state-foreign",
            Self::NoTask(NoTask::Unknown) => "task-unknown",
            Self::NoTask(NoTask::Foreign) => "task-foreign",
            Self::NoTask(NoTask::Unseen) => "task-tool-unseen",
            Self::TasksUndeclared => "tasks-undeclared",
            Self::IdInUse => "id-in-use",
            Self::GivenUp => "given-up",
            Self::TooManySubscriptions => "too-many-subscriptions",
            Self::BadLevel => "bad-log-level",
            Self::UnaskedResponse => "unasked-response",
            Self::BadAnswer => "elicitation-answer-malformed",
            Self::NotTheJudgedFrame => "not-the-judged-frame",
            Self::Upstream(fault) => fault.id(),
            Self::Needed(Need::Claims(_)) => "further-step-needed",
            Self::Needed(Need::SignInAgain) => "sign-in-again",
            Self::Needed(Need::Connect { .. }) => "account-not-connected",
            Self::Labels(held) => held.why.id(),
            Self::LabelsUnavailable => "labels-unavailable",
            Self::PinsUnreadable => "pins-unreadable",
            Self::AuditUnwritable => "audit-unwritable",
            Self::Busy => "busy",
        }
    }

    /// Says whether an operator should look at one of these at once: somebody has what is another's, or the door erred.
    pub(crate) fn is_alarming(&self) -> bool {
        matches!(
            self,
            Self::SessionForeign
                | Self::EventForeign
                | Self::NotTheJudgedFrame
                | Self::StateForeign
                | Self::NoTask(NoTask::Foreign)
                | Self::Upstream(UpstreamFault::Unasked(_))
                | Self::Unproven
                | Self::Proof(DpopError::OtherKey | DpopError::Replayed)
        )
    }

    /// Says whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Upstream(UpstreamFault::Capped) => Fault::Operator,
            Self::Upstream(_) => Fault::Upstream,
            Self::GroupsUnavailable
            | Self::LabelsUnavailable
            | Self::PinsUnreadable
            | Self::AuditUnwritable
            | Self::Busy
            | Self::NotTheJudgedFrame
            | Self::Proof(DpopError::Full) => Fault::Operator,
            _ => Fault::Caller,
        }
    }

    /// The one table from reason to answer. A caller learns what it can act on, and nothing of what it may not see.
    fn face(&self, asker: &Asker<'_>) -> Face {
        let era = asker.era;
        match self {
            Self::NoToken("no-token") => Face::challenge(401, Challenge::Missing, "sign in first"),
            Self::NoToken("signed-out") => {
                Face::error(401, REFUSED, "nobody is signed in here any more: run `doorward login`")
            }
            Self::TooManyKnocks => {
                Face::error(429, REFUSED, "too many attempts; try again shortly").retry(10)
            }
            Self::NoToken(_) => Face::challenge(401, Challenge::InvalidToken, "the token is not valid here"),
            Self::Token(error) if error.is_insufficient() => Face::challenge(
                403,
                Challenge::InsufficientScope,
                "the token lacks a scope that this server needs",
            ),
            Self::Unproven => Face::challenge(
                401,
                Challenge::Proof("invalid_token"),
                "the token is bound to a key: prove it",
            ),
            Self::Proof(DpopError::Full) => {
                Face::error(503, REFUSED, "the door is busy; try again shortly").retry(30)
            }
            Self::Proof(error @ DpopError::Nonce) => Face::challenge(
                401,
                Challenge::Proof(error.code()),
                "use the nonce that comes with this answer",
            ),
            // A thief learns no more from it than that a key is asked for.
            Self::Proof(error) => Face::challenge(
                401,
                Challenge::Proof(error.code()),
                "the proof of the token's key is not valid",
            ),
            // One answer for every unfit token: a forger learns nothing from it.
            Self::Token(_) => Face::challenge(401, Challenge::InvalidToken, "the token is not valid here"),
            Self::GroupsUnavailable => Face::error(
                503,
                REFUSED,
                "your group memberships cannot be read right now; try again shortly",
            )
            .retry(30),
            Self::Body(_, status) => Face::error(*status, -32700, "the request body could not be read"),
            Self::Wire(ladder) => {
                let face = Face::error(ladder.http_status, ladder.code, ladder.message);
                Face { data: ladder.data.as_ref().map(ToString::to_string), ..face }
            }
            Self::Verb => Face::error(405, -32600, "this server does not take that verb"),
            Self::SessionMissing => {
                Face::error(400, -32000, "Bad Request: Mcp-Session-Id header is required")
            }
            Self::SessionUnknown | Self::SessionForeign | Self::EventForeign => {
                Face::error(404, -32001, "Session not found")
            }
            Self::EventGone => Face::error(
                400,
                -32600,
                "what came after this event is no longer kept: begin without Last-Event-ID",
            ),
            Self::TooManySessions => {
                Face::error(503, REFUSED, "too many sessions are open; close some or try again later")
                    .retry(60)
            }
            Self::NotConnected => {
                Face::challenge(403, Challenge::InsufficientScope, "no policy lets you use this server")
            }
            Self::Unseen(UnseenKind::Tool) => Face::error(200, -32602, "Unknown tool"),
            Self::Unseen(UnseenKind::Prompt) => Face::error(200, -32602, "Unknown prompt"),
            Self::Unseen(UnseenKind::Resource) => {
                Face::error(200, if era == Era::Modern { -32602 } else { -32002 }, "Resource not found")
            }
            Self::NotPermitted => {
                Face::tool_error("refused: no policy permits this call with these arguments")
            }
            Self::NotAgreed(Consent::Nobody) => Face::tool_error(
                "refused: this tool destroys, and nobody can be asked whether it may; the guard's documentation says how",
            ),
            Self::NotAgreed(Consent::Silence) => Face::tool_error(
                "refused: the person was asked whether this tool may be called, and did not answer",
            ),
            Self::NotAgreed(Consent::Given | Consent::Refused) => {
                Face::tool_error("refused: the person was asked, and did not agree to this call")
            }
            Self::MethodNotPermitted => {
                Face::error(if era == Era::Modern { 404 } else { 200 }, -32601, "Method not found")
            }
            Self::BadArguments(what) => {
                Face::tool_error(format!("the arguments do not fit the tool's schema: {what}"))
            }
            Self::Leak(what) => {
                let message = format!("refused: {what}");
                match asker.calls_tool {
                    true => Face::tool_error(message),
                    false => Face::error(200, REFUSED, message),
                }
            }
            Self::Payload => Face::tool_error(
                "refused: an argument reaches beyond what its parameter is for; call the tool with a plain value".to_owned(),
            ),
            // What was found, and by whom, would tell how to write it so that it is not.
            Self::Advised(_) => {
                let message = "refused: a second opinion is against it".to_owned();
                match asker.calls_tool {
                    true => Face::tool_error(message),
                    false => Face::error(200, REFUSED, message),
                }
            }
            Self::ParamHeaders(_) => {
                Face::error(400, -32020, "Mcp-Param headers do not match the request body")
            }
            Self::StateInvalid | Self::StateForeign => {
                Face::error(200, -32602, "the request state is not valid: begin again without it")
            }
            Self::GivenUp => Face::error(200, REFUSED, "the request was cancelled"),
            Self::TooManySubscriptions => {
                Face::error(200, REFUSED, "no more resources can be subscribed to in this session")
            }
            Self::BadLevel => Face::error(200, -32602, "there is no such log level"),
            Self::NoTask(_) => Face::error(200, -32602, "Task not found"),
            Self::TasksUndeclared => Face {
                data: Some(format!(r#"{{"requiredCapabilities":{{"extensions":{{"{EXTENSION}":{{}}}}}}}}"#)),
                ..Face::error(400, -32021, "Missing required client capability")
            },
            Self::IdInUse => Face::error(400, -32600, "a request with this id is still running"),
            Self::UnaskedResponse => Face::error(400, -32600, "no such request is waiting for a response"),
            Self::BadAnswer => Face::error(400, -32602, "that is no answer to what was asked"),
            Self::NotTheJudgedFrame => {
                Face::error(200, REFUSED, "refused: the request changed after it was judged")
            }
            // A client without sessions has lost none.
            Self::Upstream(UpstreamFault::SessionLost) if era == Era::Modern => {
                Face::error(200, -32603, "the server behind the door lost the thread; try again")
            }
            Self::Upstream(fault) => fault.face(),
            Self::Needed(need) => need.face(asker),
            Self::Labels(held) => held.face(asker),
            Self::LabelsUnavailable => Face::error(
                503,
                REFUSED,
                "the door is shut: what was read before cannot be looked up or kept",
            )
            .retry(30),
            Self::PinsUnreadable => Face::error(
                503,
                REFUSED,
                "what was agreed to of this server cannot be read, so nothing of it is let through; its operator has to look",
            )
            .retry(60),
            Self::AuditUnwritable => {
                Face::error(503, REFUSED, "the door is shut: its audit log cannot be written").retry(30)
            }
            Self::Busy => Face::error(503, REFUSED, "the door is busy; try again shortly").retry(2),
        }
    }
}

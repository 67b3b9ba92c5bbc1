//! The ladder: what an HTTP request is, before anybody asks who sent it and whether they may.
//!
//! Body first, headers as a cross-check: a header never changes what a body means, it can only be refused for
//! contradicting it. Origin, token and verb come before; session store, catalogue and policy after.

mod error;
mod media;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;

use crate::frame::{Direction, Frame, FrameKind};
use crate::headers::{HeaderError, RoutingHeaders, decode_value, plain_value};
use crate::json::{Limits, Tree};
use crate::lens::{self, EnvelopeState};
use crate::method::{Era, LEGACY_SERVED, MODERN, Method};

pub use error::LadderError;

/// The HTTP methods an MCP endpoint knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Sends one message.
    Post,
    /// Opens the stream of a legacy session.
    Get,
    /// Ends a legacy session.
    Delete,
}

impl Verb {
    /// Reads an HTTP method; any other gets 405.
    pub fn of(method: &str) -> Option<Self> {
        match method {
            "POST" => Some(Self::Post),
            "GET" => Some(Self::Get),
            "DELETE" => Some(Self::Delete),
            _ => None,
        }
    }

    /// Returns the HTTP method.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Get => "GET",
            Self::Delete => "DELETE",
        }
    }
}

/// A message that is what it says it is.
#[derive(Debug, Clone)]
pub enum Classified {
    /// 2026-07-28: a request with a complete envelope and headers that agree, or `notifications/cancelled`. The method may
    /// be [`Method::Other`] (D-27).
    Modern {
        /// The message.
        frame: Frame,
    },
    /// A well-formed `initialize`: begins a session. A session id sent along counts for nothing.
    LegacyInitialize {
        /// The message.
        frame: Frame,
    },
    /// Any other message of the legacy era. Whether the session exists and is this caller's is the next question.
    LegacyInSession {
        /// The message.
        frame: Frame,
        /// `Mcp-Session-Id`: 1 to 256 visible ASCII characters.
        session: Arc<str>,
        /// `MCP-Protocol-Version`, one of [`LEGACY_SERVED`]; absent means 2025-03-26 or what the session negotiated (T-15).
        version: Option<&'static str>,
    },
}

impl Classified {
    /// Returns the message.
    pub fn frame(&self) -> &Frame {
        match self {
            Self::Modern { frame }
            | Self::LegacyInitialize { frame }
            | Self::LegacyInSession { frame, .. } => frame,
        }
    }

    /// Returns the era the message belongs to.
    pub fn era(&self) -> Era {
        match self {
            Self::Modern { .. } => Era::Modern,
            Self::LegacyInitialize { .. } | Self::LegacyInSession { .. } => Era::Legacy,
        }
    }
}

/// A GET or DELETE that names a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRequest {
    /// `Mcp-Session-Id`: 1 to 256 visible ASCII characters.
    pub session: Arc<str>,
    /// `MCP-Protocol-Version`, one of [`LEGACY_SERVED`].
    pub version: Option<&'static str>,
    /// `Last-Event-ID` of a GET: 1 to 256 visible ASCII characters.
    pub last_event: Option<Arc<str>>,
}

/// Longest id of a session or an event, in bytes.
const MAX_ID: usize = 256;
/// Most `Mcp-Param-*` lines, and most bytes in them, before any is decoded (T-23).
const MAX_PARAMS: usize = 64;
const MAX_PARAM_BYTES: usize = 32 << 10;

/// Says what the body of a POST is.
///
/// # Errors
/// [`LadderError`]: how to answer, and a precise reason for the log.
pub fn classify(
    content_type: Option<&[u8]>,
    accept: Option<&[u8]>,
    headers: &RoutingHeaders<'_>,
    body: Bytes,
    limits: &Limits,
) -> Result<Classified, LadderError> {
    media::check_content_type(content_type, headers.duplicated)?;
    media::check_accept(accept, &["application/json", "text/event-stream"])?;
    let tree = Tree::parse(body, limits).map_err(LadderError::json)?;
    let frame =
        Frame::read(tree, Direction::ClientToServer).map_err(|(fault, id)| LadderError::frame(fault, id))?;
    era_of(frame, headers)
}

/// A message of a conversation on one connection, which has no headers that could say what it belongs to.
#[derive(Debug, Clone)]
pub struct Piped {
    /// The message.
    pub frame: Frame,
    /// The revision that its body is written in. A response, and a cancellation without an envelope, are of 2025-11-25
    /// until whoever reads them knows better.
    pub era: Era,
}

/// Says what a message is that came on stdio, or by HTTP+SSE of 2024-11-05.
///
/// # Errors
/// [`LadderError`], as of [`classify`].
pub fn classify_piped(bytes: Bytes, limits: &Limits) -> Result<Piped, LadderError> {
    let tree = Tree::parse(bytes, limits).map_err(LadderError::json)?;
    let frame =
        Frame::read(tree, Direction::ClientToServer).map_err(|(fault, id)| LadderError::frame(fault, id))?;
    if frame.kind() == FrameKind::Response {
        return Ok(Piped { frame, era: Era::Legacy });
    }
    let Some(claimed) = lens::claimed_version(&frame) else {
        check_shape(&frame)?;
        if frame.known_method() == Method::Initialize && lens::initialize(&frame).is_none() {
            return Err(LadderError::params(&frame, "initialize-malformed"));
        }
        return Ok(Piped { frame, era: Era::Legacy });
    };
    match claimed.as_str() {
        Some(claimed) if claimed == MODERN => {}
        Some(claimed) => return Err(LadderError::version(frame.id(), &claimed)),
        None => return Err(LadderError::envelope(&frame, "envelope-malformed")),
    }
    if frame.kind() == FrameKind::Notification {
        return match frame.known_method() {
            Method::Cancelled => Ok(Piped { frame, era: Era::Modern }),
            _ => Err(LadderError::invalid(None, "modern-notification")),
        };
    }
    if let EnvelopeState::Malformed(_) = lens::envelope(&frame) {
        return Err(LadderError::envelope(&frame, "envelope-malformed"));
    }
    check_method_exists(&frame)?;
    Ok(Piped { frame, era: Era::Modern })
}

/// Says what a GET or DELETE is: they exist in legacy sessions only (T-25).
///
/// # Errors
/// [`LadderError`]; 405 for a modern client, 400 without a session.
pub fn classify_stream(
    verb: Verb,
    accept: Option<&[u8]>,
    headers: &RoutingHeaders<'_>,
) -> Result<StreamRequest, LadderError> {
    let refuse = |status, reason| LadderError::invalid(None, reason).with_status(status);
    if verb == Verb::Post {
        return Err(refuse(405, "verb-not-a-stream"));
    }
    check_duplicates(None, headers)?;
    if says_modern(headers) {
        return Err(refuse(405, "verb-not-modern"));
    }
    if verb == Verb::Get {
        media::check_accept(accept, &["text/event-stream"])?;
    }
    let version = legacy_version(None, headers)?;
    let last_event = match headers.last_event.filter(|_| verb == Verb::Get) {
        Some(raw) => Some(visible(raw).ok_or_else(|| LadderError::invalid(None, "last-event-malformed"))?),
        None => None,
    };
    Ok(StreamRequest { session: session(None, headers)?, version, last_event })
}

fn era_of(frame: Frame, headers: &RoutingHeaders<'_>) -> Result<Classified, LadderError> {
    check_duplicates(Some(&frame), headers)?;
    if frame.kind() == FrameKind::Response {
        // Modern clients answer by asking again: a response could only be meant for somebody else's request.
        if says_modern(headers) {
            return Err(LadderError::invalid(None, "modern-response"));
        }
        return in_session(frame, headers);
    }
    if lens::claimed_version(&frame).is_some() {
        return modern(frame, headers);
    }
    if says_modern(headers) {
        // Never silently legacy: a stripped envelope must not buy the older rules.
        return if frame.kind() == FrameKind::Notification {
            modern(frame, headers)
        } else {
            Err(LadderError::envelope(&frame, "envelope-missing"))
        };
    }
    if frame.known_method() == Method::Initialize && frame.kind() == FrameKind::Request {
        return initialize(frame, headers);
    }
    in_session(frame, headers)
}

fn modern(frame: Frame, headers: &RoutingHeaders<'_>) -> Result<Classified, LadderError> {
    check_version(&frame, headers)?;
    if frame.kind() == FrameKind::Notification {
        return modern_notification(frame, headers);
    }
    if let EnvelopeState::Malformed(_) = lens::envelope(&frame) {
        return Err(LadderError::envelope(&frame, "envelope-malformed"));
    }
    check_method_exists(&frame)?;
    check_method_header(&frame, headers, Presence::Required)?;
    check_name_header(&frame, headers)?;
    let bytes: usize = headers.params.iter().map(|(name, value)| name.len() + value.len()).sum();
    if headers.params.len() > MAX_PARAMS || bytes > MAX_PARAM_BYTES {
        return Err(LadderError::header(&frame, "param-headers-too-many"));
    }
    Ok(Classified::Modern { frame })
}

/// No client notification is defined over HTTP in this era. `notifications/cancelled` is harmless and sent by clients that
/// also speak stdio; anything else, a call dressed as a notification first of all, would act without an answer.
fn modern_notification(frame: Frame, headers: &RoutingHeaders<'_>) -> Result<Classified, LadderError> {
    if frame.known_method() != Method::Cancelled {
        return Err(LadderError::invalid(None, "modern-notification"));
    }
    check_method_header(&frame, headers, Presence::Optional)?;
    Ok(Classified::Modern { frame })
}

#[derive(PartialEq, Eq)]
enum Presence {
    Required,
    Optional,
}

/// T-13, T-14: the header and the envelope name the same version, and it is one we serve.
fn check_version(frame: &Frame, headers: &RoutingHeaders<'_>) -> Result<(), LadderError> {
    let Some(claimed) = lens::claimed_version(frame) else { return Ok(()) };
    let Some(claimed) = claimed.as_str() else {
        return Err(LadderError::envelope(frame, "envelope-malformed"));
    };
    match headers.protocol_version {
        None if frame.kind() == FrameKind::Notification => {}
        None => return Err(LadderError::header(frame, "version-header-missing")),
        Some(raw) => match plain_value(raw) {
            Err(_) => return Err(LadderError::header(frame, "version-header-invalid")),
            Ok(header) if header != claimed => {
                return Err(LadderError::header(frame, "version-header-mismatch"));
            }
            Ok(_) => {}
        },
    }
    if claimed == MODERN { Ok(()) } else { Err(LadderError::version(frame.id(), &claimed)) }
}

/// T-24: a method that another era or the other side owns does not exist here. An unknown one goes on to policy (D-27).
fn check_method_exists(frame: &Frame) -> Result<(), LadderError> {
    let method = frame.known_method();
    let known = |era| method.known_in(era, Direction::ClientToServer, FrameKind::Request);
    if method == Method::Other || known(Era::Modern) {
        return Ok(());
    }
    let reason = match method.shape() {
        Some(FrameKind::Notification) => "notification-with-id",
        _ if known(Era::Legacy) => "method-removed",
        _ => "method-not-for-clients",
    };
    Err(LadderError::no_method(frame, reason))
}

fn check_method_header(
    frame: &Frame,
    headers: &RoutingHeaders<'_>,
    presence: Presence,
) -> Result<(), LadderError> {
    let Some(raw) = headers.method else {
        return match presence {
            Presence::Optional => Ok(()),
            Presence::Required => Err(LadderError::header(frame, "method-header-missing")),
        };
    };
    match plain_value(raw) {
        Err(_) => Err(LadderError::header(frame, "method-header-invalid")),
        Ok(header) if Some(header) != frame.method() => {
            Err(LadderError::header(frame, "method-header-mismatch"))
        }
        Ok(_) => Ok(()),
    }
}

/// T-18, T-19. Where no header is defined for the method, one that came is ignored: it is not forwarded.
fn check_name_header(frame: &Frame, headers: &RoutingHeaders<'_>) -> Result<(), LadderError> {
    if lens::routing_member(frame).is_none() {
        return Ok(());
    }
    let name = lens::routing_name(frame);
    let Some(raw) = headers.name else {
        // Without a name in the body there is nothing to mirror; the call itself is refused for it later.
        return match name {
            None => Ok(()),
            Some(_) => Err(LadderError::header(frame, "name-header-missing")),
        };
    };
    let decoded = decode_value(raw).map_err(|fault| {
        LadderError::header(
            frame,
            match fault {
                HeaderError::BadCharacter => "name-header-character",
                HeaderError::BadBase64 => "name-header-base64",
                HeaderError::BadUtf8 => "name-header-utf8",
                HeaderError::TooLong => "name-header-too-long",
            },
        )
    })?;
    if name == Some(decoded) { Ok(()) } else { Err(LadderError::header(frame, "name-header-mismatch")) }
}

fn initialize(frame: Frame, headers: &RoutingHeaders<'_>) -> Result<Classified, LadderError> {
    // The body negotiates; a client may already send the header, with a version we may not serve.
    if let Some(raw) = headers.protocol_version
        && !plain_value(raw).is_ok_and(is_revision)
    {
        return Err(LadderError::version(frame.id(), plain_value(raw).unwrap_or_default()));
    }
    if lens::initialize(&frame).is_none() {
        return Err(LadderError::params(&frame, "initialize-malformed"));
    }
    Ok(Classified::LegacyInitialize { frame })
}

fn in_session(frame: Frame, headers: &RoutingHeaders<'_>) -> Result<Classified, LadderError> {
    let version = legacy_version(frame.id(), headers)?;
    check_shape(&frame)?;
    let session = session(frame.id(), headers)?;
    Ok(Classified::LegacyInSession { frame, session, version })
}

/// A call without an id would run and answer nobody; a notification with one would be answered by nobody.
fn check_shape(frame: &Frame) -> Result<(), LadderError> {
    match (frame.known_method().shape(), frame.kind()) {
        (Some(FrameKind::Request), FrameKind::Notification) => {
            Err(LadderError::invalid(None, "request-without-id"))
        }
        (Some(FrameKind::Notification), FrameKind::Request) => {
            Err(LadderError::invalid(frame.id(), "notification-with-id"))
        }
        _ => Ok(()),
    }
}

fn legacy_version(
    id: Option<&crate::Id>,
    headers: &RoutingHeaders<'_>,
) -> Result<Option<&'static str>, LadderError> {
    let Some(raw) = headers.protocol_version else { return Ok(None) };
    let stated = plain_value(raw).unwrap_or_default();
    match LEGACY_SERVED.iter().find(|served| **served == stated) {
        Some(served) => Ok(Some(served)),
        None => Err(LadderError::version(id, stated)),
    }
}

fn session(id: Option<&crate::Id>, headers: &RoutingHeaders<'_>) -> Result<Arc<str>, LadderError> {
    let Some(raw) = headers.session else { return Err(LadderError::invalid(id, "session-missing")) };
    visible(raw).ok_or_else(|| LadderError::invalid(id, "session-malformed"))
}

fn visible(raw: &[u8]) -> Option<Arc<str>> {
    let text = plain_value(raw).unwrap_or_default();
    let fits = (1..=MAX_ID).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| text.into())
}

/// Two lines of a single-valued header: one machine takes the first, another the last.
fn check_duplicates(frame: Option<&Frame>, headers: &RoutingHeaders<'_>) -> Result<(), LadderError> {
    let id = frame.and_then(Frame::id);
    match headers.duplicated {
        None => Ok(()),
        Some("mcp-session-id") => Err(LadderError::invalid(id, "session-duplicated")),
        Some(_) => Err(LadderError::mismatch(id, "header-duplicated")),
    }
}

fn says_modern(headers: &RoutingHeaders<'_>) -> bool {
    headers.protocol_version.is_some_and(|raw| plain_value(raw) == Ok(MODERN))
}

/// Says whether a text has the shape of a revision: `2025-11-25`.
fn is_revision(text: &str) -> bool {
    text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() })
}

//! How a refusal of the ladder is answered, and what the log learns.

use crate::frame::{Frame, FrameError};
use crate::headers::ParamMismatch;
use crate::id::Id;
use crate::json::{ParseError, ParseErrorKind, quote};
use crate::method::{MODERN, Method};

const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;
const HEADER_MISMATCH: i64 = -32020;
const UNSUPPORTED_VERSION: i64 = -32022;
/// How much of a refused version is told back, in characters.
const MAX_ECHO: usize = 64;

/// A request refused by the ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LadderError {
    /// HTTP status of the answer.
    pub http_status: u16,
    /// JSON-RPC error code.
    pub code: i64,
    /// What the caller is told.
    pub message: &'static str,
    /// `error.data` as JSON text.
    pub data: Option<String>,
    /// The id to echo, where one could be read.
    pub id: Option<Id>,
    /// What the log is told: stable, precise, kebab case.
    pub reason: &'static str,
}

impl LadderError {
    /// Writes the JSON-RPC error response. Without an id the member is left out: null is not an id (L-07).
    pub fn body(&self) -> String {
        let id = self.id.as_ref().map_or(String::new(), |id| format!("\"id\":{},", id.to_json()));
        let data = self.data.as_ref().map_or(String::new(), |data| format!(",\"data\":{data}"));
        let message = quote(self.message);
        format!(
            "{{\"jsonrpc\":\"2.0\",{id}\"error\":{{\"code\":{},\"message\":{message}{data}}}}}",
            self.code
        )
    }

    /// Makes the refusal of a call whose mirrored parameters contradict its arguments (T-22).
    pub fn param_mismatch(frame: &Frame, mismatch: &ParamMismatch) -> Self {
        Self::header(frame, mismatch.reason)
    }

    pub(super) fn json(fault: ParseError) -> Self {
        Self::new(400, PARSE_ERROR, "Parse error", None, json_reason(fault.kind))
    }

    pub(super) fn media(
        status: u16,
        code_is_parse: bool,
        message: &'static str,
        reason: &'static str,
    ) -> Self {
        let code = if code_is_parse { PARSE_ERROR } else { INVALID_REQUEST };
        Self::new(status, code, message, None, reason)
    }

    pub(super) fn frame(fault: FrameError, id: Option<Id>) -> Self {
        let reason = match fault {
            FrameError::Json(fault) => return Self::json(fault),
            FrameError::Batch => "batch",
            FrameError::NotAnObject => "frame-not-an-object",
            FrameError::BadVersion => "frame-version",
            FrameError::BadId => "frame-id",
            FrameError::BadMethod => "frame-method",
            FrameError::BadParams => "frame-params",
            FrameError::BadError => "frame-error",
            FrameError::Ambiguous => "frame-ambiguous",
            FrameError::Edit(_) => "frame-edit",
        };
        Self::new(400, INVALID_REQUEST, "Invalid Request", id, reason)
    }

    pub(super) fn invalid(id: Option<&Id>, reason: &'static str) -> Self {
        let message = match reason {
            "session-missing" => "Mcp-Session-Id is required: begin with initialize",
            _ => "Invalid Request",
        };
        Self::new(400, INVALID_REQUEST, message, id.cloned(), reason)
    }

    pub(super) fn params(frame: &Frame, reason: &'static str) -> Self {
        Self::new(400, INVALID_PARAMS, "Invalid params", frame.id().cloned(), reason)
    }

    pub(super) fn envelope(frame: &Frame, reason: &'static str) -> Self {
        let message = "params._meta must hold io.modelcontextprotocol/protocolVersion and clientCapabilities";
        Self::new(400, INVALID_PARAMS, message, frame.id().cloned(), reason)
    }

    pub(super) fn header(frame: &Frame, reason: &'static str) -> Self {
        Self::mismatch(frame.id(), reason)
    }

    pub(super) fn mismatch(id: Option<&Id>, reason: &'static str) -> Self {
        let message = "Header mismatch: an MCP header is missing, malformed or contradicts the body";
        Self::new(400, HEADER_MISMATCH, message, id.cloned(), reason)
    }

    pub(super) fn version(id: Option<&Id>, requested: &str) -> Self {
        let told: String = requested.chars().take(MAX_ECHO).collect();
        let data = format!("{{\"supported\":[\"{MODERN}\"],\"requested\":{}}}", quote(&told));
        let refusal = Self::new(
            400,
            UNSUPPORTED_VERSION,
            "Unsupported protocol version",
            id.cloned(),
            "version-unsupported",
        );
        Self { data: Some(data), ..refusal }
    }

    pub(super) fn no_method(frame: &Frame, reason: &'static str) -> Self {
        let refusal = Self::new(404, METHOD_NOT_FOUND, "Method not found", frame.id().cloned(), reason);
        // A client that opens with `initialize` learns what to open with instead (T-25).
        let names_versions = frame.known_method() == Method::Initialize;
        Self { data: names_versions.then(|| format!("{{\"supported\":[\"{MODERN}\"]}}")), ..refusal }
    }

    pub(super) fn with_status(self, http_status: u16) -> Self {
        Self { http_status, ..self }
    }

    fn new(http_status: u16, code: i64, message: &'static str, id: Option<Id>, reason: &'static str) -> Self {
        Self { http_status, code, message, data: None, id, reason }
    }
}

fn json_reason(kind: ParseErrorKind) -> &'static str {
    match kind {
        ParseErrorKind::TooLarge => "json-too-large",
        ParseErrorKind::TooDeep => "json-too-deep",
        ParseErrorKind::TooManyNodes => "json-too-many-nodes",
        ParseErrorKind::DuplicateMember => "json-duplicate-member",
        ParseErrorKind::InvalidUtf8 => "json-invalid-utf8",
        ParseErrorKind::LoneSurrogate => "json-lone-surrogate",
        ParseErrorKind::TrailingBytes => "json-trailing-bytes",
        ParseErrorKind::UnexpectedEnd => "json-unexpected-end",
        ParseErrorKind::Syntax => "json-syntax",
    }
}

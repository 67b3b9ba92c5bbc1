//! What a 2026-07-28 request must carry, and what its headers must agree with (T-13, T-14, T-18, T-19, L-03).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode};

use crate::json;
use crate::message::{Message, Refusal};

/// The revision served.
pub(crate) const MODERN: &str = "2026-07-28";

/// Checks envelope and headers of a modern request; `None` for headers means a transport without any (stdio).
pub(crate) fn check(message: &Message<'_>, headers: Option<&HeaderMap>) -> Result<(), Refusal> {
    let version = message.version.and_then(json::text).unwrap_or_default();
    if let Some(headers) = headers {
        agree(headers, "mcp-protocol-version", &version)?;
    }
    if version != MODERN {
        return Err(Refusal {
            status: StatusCode::BAD_REQUEST,
            code: UNSUPPORTED_VERSION,
            message: "Unsupported protocol version".to_owned(),
            data: Some(format!("{{\"supported\":[\"{MODERN}\"],\"requested\":{}}}", json::quoted(&version))),
        });
    }
    let capabilities =
        message.meta.and_then(|meta| json::member(meta, "io.modelcontextprotocol/clientCapabilities"));
    if !capabilities.is_some_and(|raw| raw.starts_with(b"{")) {
        let why = "params._meta has no io.modelcontextprotocol/clientCapabilities";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, crate::answer::INVALID_PARAMS, why));
    }
    let (Some(headers), Some(method)) = (headers, message.method) else { return Ok(()) };
    agree(headers, "mcp-method", method)?;
    match subject(method).and_then(|member| json::member(message.params, member)).and_then(json::text) {
        Some(name) => agree(headers, "mcp-name", &name),
        None => Ok(()),
    }
}

/// A header and its body disagree, or the header is missing.
const HEADER_MISMATCH: i64 = -32020;
/// The revision asked for is not served here.
pub(crate) const UNSUPPORTED_VERSION: i64 = -32022;

/// Which parameter `Mcp-Name` repeats.
fn subject(method: &str) -> Option<&'static str> {
    match method {
        "tools/call" | "prompts/get" => Some("name"),
        "resources/read" => Some("uri"),
        "tasks/get" | "tasks/update" | "tasks/cancel" => Some("taskId"),
        _ => None,
    }
}

fn agree(headers: &HeaderMap, name: &'static str, wanted: &str) -> Result<(), Refusal> {
    let mismatch = |why: String| Refusal::new(StatusCode::BAD_REQUEST, HEADER_MISMATCH, why);
    let value = headers.get(name).ok_or_else(|| mismatch(format!("The {name} header is missing")))?;
    let sent = value.to_str().ok().and_then(|value| decoded(value.trim()));
    if sent.as_deref() == Some(wanted) {
        return Ok(());
    }
    Err(mismatch(format!("The {name} header and the body disagree")))
}

/// A header value, or what its base64 sentinel stands for.
fn decoded(value: &str) -> Option<Cow<'_, str>> {
    let Some(encoded) = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) else {
        return Some(Cow::Borrowed(value));
    };
    let bytes = STANDARD.decode(encoded).ok()?;
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

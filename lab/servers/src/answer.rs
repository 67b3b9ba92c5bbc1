//! What a server has to say to a call, and the JSON-RPC frames that say it.

use std::pin::Pin;

use bytes::Bytes;

use crate::message::Call;

/// A server behind an endpoint: what it is, and what it answers. Eras, sessions and transports are not its affair.
pub(crate) trait Service: Send + Sync + 'static {
    fn about(&self) -> &About;

    fn answer(&self, call: &Call<'_>) -> Answer;

    /// What it has against a call, whatever the method: asked first.
    fn objects(&self, _call: &Call<'_>) -> Option<Answer> {
        None
    }
}

/// How a server introduces itself. Capabilities and implementation are JSON objects.
#[derive(Debug)]
pub(crate) struct About {
    pub(crate) implementation: &'static str,
    pub(crate) capabilities: &'static str,
    pub(crate) instructions: &'static str,
}

/// Results are JSON objects, written out.
pub(crate) enum Answer {
    /// A result; in the modern revision `resultType`, cache hints and `_meta` are added in front.
    Result(String),
    /// A modern result that already says its `resultType`.
    Raw(String),
    Error {
        code: i64,
        message: String,
    },
    /// The client did not declare the capabilities that this takes, a JSON object (2026-07-28).
    Missing(&'static str),
    /// The method does not exist here.
    Unknown,
    /// Notifications, all ready at once, then the result.
    Burst {
        notifications: Vec<Bytes>,
        result: String,
    },
    /// A request to the client on the call's stream; the result is made from what it answers. Legacy only.
    Ask {
        method: &'static str,
        params: String,
        finish: fn(&[u8]) -> String,
    },
    /// A result that takes its time.
    Later(Pin<Box<dyn Future<Output = String> + Send>>),
    /// `subscriptions/listen`: the filter that was asked for, raw.
    Listen(String),
}

/// An error frame for [`Answer::Missing`].
pub(crate) fn missing(id: &[u8], required: &str) -> Bytes {
    let data = format!("{{\"requiredCapabilities\":{required}}}");
    error(Some(id), -32021, "Missing required client capability", Some(&data))
}

/// JSON-RPC: the method does not exist.
pub(crate) const METHOD_NOT_FOUND: i64 = -32601;
/// JSON-RPC: the parameters do not fit.
pub(crate) const INVALID_PARAMS: i64 = -32602;

/// A response frame around a result that needs nothing added.
pub(crate) fn plain_result(id: &[u8], result: &str) -> Bytes {
    let mut frame = Vec::with_capacity(result.len() + id.len() + 40);
    frame.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    frame.extend_from_slice(id);
    frame.extend_from_slice(b",\"result\":");
    frame.extend_from_slice(result.as_bytes());
    frame.push(b'}');
    frame.into()
}

/// A response frame as the call's revision wants it.
pub(crate) fn result(call: &Call<'_>, about: &About, result: &str) -> Bytes {
    if !call.modern {
        return plain_result(call.id, result);
    }
    let hints =
        if CACHEABLE.contains(&call.method) { "\"ttlMs\":60000,\"cacheScope\":\"public\"," } else { "" };
    let rest = result.strip_prefix('{').unwrap_or(result);
    let comma = if rest.starts_with('}') { "" } else { "," };
    let implementation = about.implementation;
    let whole = format!(
        "{{\"resultType\":\"complete\",{hints}\"_meta\":{{\"io.modelcontextprotocol/serverInfo\":{implementation}}}{comma}{rest}"
    );
    plain_result(call.id, &whole)
}

/// An error frame; a request whose id could not be read gets null.
pub(crate) fn error(id: Option<&[u8]>, code: i64, message: &str, data: Option<&str>) -> Bytes {
    let id = String::from_utf8_lossy(id.unwrap_or(b"null"));
    let message = crate::json::quoted(message);
    let data = data.map(|data| format!(",\"data\":{data}")).unwrap_or_default();
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{code},\"message\":{message}{data}}}}}")
        .into()
}

/// A notification frame.
pub(crate) fn notification(method: &str, params: &str) -> Bytes {
    format!("{{\"jsonrpc\":\"2.0\",\"method\":\"{method}\",\"params\":{params}}}").into()
}

/// A tool result of one text, `text` being a JSON string literal.
pub(crate) fn text_result(text: &str, is_error: bool) -> String {
    let mut result = String::with_capacity(text.len() + 64);
    result.push_str("{\"content\":[{\"type\":\"text\",\"text\":");
    result.push_str(text);
    result.push_str(if is_error { "}],\"isError\":true}" } else { "}],\"isError\":false}" });
    result
}

/// The results that carry `ttlMs` and `cacheScope` in 2026-07-28 (server/utilities/caching).
const CACHEABLE: [&str; 6] = [
    "server/discover",
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "resources/read",
];

//! Views of a frame that know what MCP means by it. They borrow; nothing is copied that need not be decoded.

mod lists;
mod rounds;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::frame::{Frame, FrameKind};
use crate::id::Id;
use crate::json::Value;
use crate::method::Method;

pub use lists::{
    PromptDef, ResourceDef, ResourceTemplateDef, ToolDef, next_cursor, prompts_of, resource_templates_of,
    resources_of, retain_items, tools_of,
};
pub use rounds::{InputRequest, ResultType, input_requests, is_round, result_type};

/// `_meta` key of the protocol version of a modern request.
pub const META_PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// `_meta` key of the client's capabilities for a modern request.
pub const META_CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// `_meta` key of the client's name for itself.
pub const META_CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
/// `_meta` key of the log level wanted for a modern request.
pub const META_LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// `_meta` key that ties a notification to the `subscriptions/listen` request it belongs to.
pub const META_SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
/// `_meta` key of the server's name for itself, in modern results.
pub const META_SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// What a modern request says about itself in `params._meta`.
#[derive(Debug, Clone)]
pub struct Envelope<'t> {
    /// The revision the request is written in.
    pub protocol_version: Cow<'t, str>,
    /// What the client can do, an object; counts for this request alone (L-04).
    pub client_capabilities: Value<'t>,
    /// The client's name for itself: a claim, never a ground for a decision (L-06).
    pub client_info: Option<Value<'t>>,
    /// The log level wanted; without it no `notifications/message` may come (L-17).
    pub log_level: Option<Cow<'t, str>>,
}

/// Whether a frame has an envelope.
#[derive(Debug, Clone)]
pub enum EnvelopeState<'t> {
    /// No protocol version in `_meta`: not a modern message.
    Absent,
    /// A complete envelope.
    Present(Envelope<'t>),
    /// A protocol version, but not a complete envelope; says what is wrong.
    Malformed(&'static str),
}

/// Returns the protocol version that `_meta` claims, of any kind: its presence makes a message modern.
pub fn claimed_version(frame: &Frame) -> Option<Value<'_>> {
    frame.params()?.get("_meta")?.get(META_PROTOCOL_VERSION)
}

/// Reads the envelope of a request or notification.
pub fn envelope(frame: &Frame) -> EnvelopeState<'_> {
    let Some(meta) = frame.params().and_then(|params| params.get("_meta")) else {
        return EnvelopeState::Absent;
    };
    let Some(version) = meta.get(META_PROTOCOL_VERSION) else { return EnvelopeState::Absent };
    let Some(protocol_version) = version.as_str() else {
        return EnvelopeState::Malformed("protocolVersion must be a string");
    };
    let client_capabilities = match meta.get(META_CLIENT_CAPABILITIES) {
        Some(value) if value.is_object() => value,
        Some(_) => return EnvelopeState::Malformed("clientCapabilities must be an object"),
        None => return EnvelopeState::Malformed("clientCapabilities is missing"),
    };
    let client_info = meta.get(META_CLIENT_INFO);
    if client_info.is_some_and(|info| !info.is_object()) {
        return EnvelopeState::Malformed("clientInfo must be an object");
    }
    let log_level = meta.get(META_LOG_LEVEL);
    if log_level.is_some_and(|level| level.as_str().is_none()) {
        return EnvelopeState::Malformed("logLevel must be a string");
    }
    let log_level = log_level.and_then(|level| level.as_str());
    EnvelopeState::Present(Envelope { protocol_version, client_capabilities, client_info, log_level })
}

/// A `tools/call` request.
#[derive(Debug, Clone)]
pub struct ToolCall<'t> {
    /// The tool's name.
    pub name: Cow<'t, str>,
    /// The arguments, if any were sent; of any kind, schemas decide.
    pub arguments: Option<Value<'t>>,
}

/// Reads a `tools/call` request; `None` for other frames and when the name is not a string.
pub fn tool_call(frame: &Frame) -> Option<ToolCall<'_>> {
    let (name, arguments) = named(frame, Method::ToolsCall)?;
    Some(ToolCall { name, arguments })
}

/// A `prompts/get` request.
#[derive(Debug, Clone)]
pub struct PromptGet<'t> {
    /// The prompt's name.
    pub name: Cow<'t, str>,
    /// The arguments, if any were sent.
    pub arguments: Option<Value<'t>>,
}

/// Reads a `prompts/get` request; `None` for other frames and when the name is not a string.
pub fn prompt_get(frame: &Frame) -> Option<PromptGet<'_>> {
    let (name, arguments) = named(frame, Method::PromptsGet)?;
    Some(PromptGet { name, arguments })
}

fn named(frame: &Frame, method: Method) -> Option<(Cow<'_, str>, Option<Value<'_>>)> {
    if frame.kind() != FrameKind::Request || frame.known_method() != method {
        return None;
    }
    let params = frame.params()?;
    Some((params.get("name")?.as_str()?, params.get("arguments")))
}

/// Returns the URI a frame is about: of `resources/read`, `subscribe`, `unsubscribe` and of the notification that a
/// resource was updated.
pub fn resource_uri(frame: &Frame) -> Option<Cow<'_, str>> {
    match frame.known_method() {
        Method::ResourcesRead
        | Method::ResourcesSubscribe
        | Method::ResourcesUnsubscribe
        | Method::ResourceUpdated => frame.params()?.get("uri")?.as_str(),
        _ => None,
    }
}

/// What a completion is asked for.
#[derive(Debug, Clone)]
pub enum CompletionRef<'t> {
    /// An argument of the prompt of this name.
    Prompt(Cow<'t, str>),
    /// A variable of the resource template of this URI.
    Resource(Cow<'t, str>),
}

/// Reads the reference of a `completion/complete` request.
pub fn completion_ref(frame: &Frame) -> Option<CompletionRef<'_>> {
    if frame.known_method() != Method::CompletionComplete {
        return None;
    }
    let reference = frame.params()?.get("ref")?;
    match reference.get("type")?.as_str()?.as_ref() {
        "ref/prompt" => reference.get("name")?.as_str().map(CompletionRef::Prompt),
        "ref/resource" => reference.get("uri")?.as_str().map(CompletionRef::Resource),
        _ => None,
    }
}

/// Returns what `Mcp-Name` must hold for this request (T-17): `params.name`, `params.uri` or `params.taskId`, by method.
pub fn routing_name(frame: &Frame) -> Option<Cow<'_, str>> {
    let member = routing_member(frame)?;
    frame.params()?.get(member)?.as_str()
}

/// Returns the member of `params` that `Mcp-Name` mirrors for this frame; `None` where no such header is defined.
pub fn routing_member(frame: &Frame) -> Option<&'static str> {
    if frame.kind() != FrameKind::Request {
        return None;
    }
    match frame.known_method() {
        Method::ToolsCall | Method::PromptsGet => Some("name"),
        Method::ResourcesRead => Some("uri"),
        Method::TasksGet | Method::TasksUpdate | Method::TasksCancel => Some("taskId"),
        _ => None,
    }
}

/// An `initialize` request.
#[derive(Debug, Clone)]
pub struct Initialize<'t> {
    /// The newest revision the client speaks.
    pub protocol_version: Cow<'t, str>,
    /// What the client can do, an object.
    pub capabilities: Value<'t>,
    /// The client's name for itself, an object; a claim.
    pub client_info: Value<'t>,
}

/// Reads an `initialize` request; `None` for other frames and when a required member is missing or of the wrong kind.
pub fn initialize(frame: &Frame) -> Option<Initialize<'_>> {
    if frame.kind() != FrameKind::Request || frame.known_method() != Method::Initialize {
        return None;
    }
    let params = frame.params()?;
    Some(Initialize {
        protocol_version: params.get("protocolVersion")?.as_str()?,
        capabilities: params.get("capabilities").filter(Value::is_object)?,
        client_info: params.get("clientInfo").filter(Value::is_object)?,
    })
}

/// Returns the id of the request that a `notifications/cancelled` gives up.
pub fn cancelled_id(frame: &Frame) -> Option<Id> {
    cancelled_value(frame).and_then(Id::of)
}

/// Returns the `requestId` of a `notifications/cancelled` as it stands, for splicing another in.
pub fn cancelled_value(frame: &Frame) -> Option<Value<'_>> {
    if frame.known_method() == Method::Cancelled { frame.params()?.get("requestId") } else { None }
}

/// Returns the subscription id of a notification on a `subscriptions/listen` stream, for splicing another in (L-16).
pub fn subscription_id(frame: &Frame) -> Option<Value<'_>> {
    frame.params()?.get("_meta")?.get(META_SUBSCRIPTION_ID)
}

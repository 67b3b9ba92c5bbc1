//! A small MCP client, for the tour: real requests to the real door.

use bytes::Bytes;
use doorward_net::{Connector, FetchLimits, Reach};
use doorward_wire::{Frame, Limits};
use http::{Request, StatusCode};

use crate::failure::Failure;

/// A client with a token and, once it said hello, a session.
pub(crate) struct Visitor {
    connector: Connector,
    url: String,
    token: Option<String>,
    pub(crate) session: Option<String>,
    next_id: u32,
}

/// What the door answered.
pub(crate) struct Heard {
    pub(crate) status: StatusCode,
    pub(crate) frame: Option<Frame>,
}

impl Visitor {
    pub(crate) fn new(connector: Connector, url: String, token: Option<String>) -> Self {
        Self { connector, url, token, session: None, next_id: 1 }
    }

    /// Opens a session.
    pub(crate) async fn hello(&mut self) -> Result<Heard, Failure> {
        let params = r#"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"doorward-tour","version":"1"}}"#;
        let heard = self.ask("initialize", params).await?;
        if heard.status == StatusCode::OK {
            self.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_owned()).await?;
        }
        Ok(heard)
    }

    /// Calls a tool.
    pub(crate) async fn call(&mut self, tool: &str, arguments: &str) -> Result<Heard, Failure> {
        self.ask("tools/call", &format!(r#"{{"name":"{tool}","arguments":{arguments}}}"#)).await
    }

    /// Sends a request.
    pub(crate) async fn ask(&mut self, method: &str, params: &str) -> Result<Heard, Failure> {
        let id = self.next_id;
        self.next_id += 1;
        self.send(format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)).await
    }

    async fn send(&mut self, body: String) -> Result<Heard, Failure> {
        let mut request = Request::post(&self.url)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream");
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(session) = &self.session {
            request = request.header("mcp-session-id", session).header("mcp-protocol-version", "2025-11-25");
        }
        let request = request.body(Bytes::from(body)).map_err(|error| Failure::new(error.to_string()))?;
        let answer = self.connector.fetch(request, Reach::Configured, FetchLimits::default()).await;
        let answer = answer.map_err(|error| Failure::new(format!("the door did not answer: {error}")))?;
        if let Some(session) = answer.headers().get("mcp-session-id").and_then(|value| value.to_str().ok()) {
            self.session = Some(session.to_owned());
        }
        let status = answer.status();
        let frame = Frame::parse_result(answer.into_body(), &Limits::default()).ok().map(|(frame, _)| frame);
        Ok(Heard { status, frame })
    }
}

impl Heard {
    /// Returns the text of a tool's result, or of an error.
    pub(crate) fn text(&self) -> String {
        let Some(frame) = &self.frame else { return String::new() };
        if let Some(error) = frame.error() {
            return error
                .get("message")
                .and_then(|message| message.as_str())
                .unwrap_or_default()
                .into_owned();
        }
        let content = frame.result().and_then(|result| result.get("content"));
        let first = content.and_then(|content| content.items().next()).and_then(|item| item.get("text"));
        first.and_then(|text| text.as_str()).unwrap_or_default().into_owned()
    }

    /// Returns the names in a tool list.
    pub(crate) fn tools(&self) -> Vec<String> {
        let Some(result) = self.frame.as_ref().and_then(Frame::result) else { return Vec::new() };
        doorward_wire::lens::tools_of(result).map(|tool| tool.name.into_owned()).collect()
    }

    /// Says whether this is an answer with a result that is no error.
    pub(crate) fn good(&self) -> bool {
        let result = self.frame.as_ref().and_then(Frame::result);
        self.status == StatusCode::OK
            && result
                .is_some_and(|result| result.get("isError").and_then(|value| value.as_bool()) != Some(true))
    }
}

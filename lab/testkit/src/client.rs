//! An MCP client without manners: it says what a test asks it to, and hears all that comes back.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::wait::within;

/// What went wrong between a client and a door: a cut connection, an answer that is no HTTP or no JSON.
pub type Fault = Box<dyn std::error::Error + Send + Sync>;

/// A caller of one server behind a door; every request has a connection of its own unless it is sent on a
/// [`Connection`].
#[derive(Debug, Clone)]
pub struct Client {
    /// Where the door listens.
    pub address: SocketAddr,
    /// The path of the server, `/echo/mcp`.
    pub path: String,
    /// The bearer token, if the caller has one.
    pub token: Option<String>,
    /// The legacy session, once there is one.
    pub session: Option<String>,
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// A connection that carries one request after another.
#[derive(Debug)]
pub struct Connection(SendRequest<Full<Bytes>>);

impl Connection {
    /// Connects to a door.
    ///
    /// # Errors
    /// If nobody listens there.
    pub async fn open(address: SocketAddr) -> Result<Self, Fault> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, driver) = handshake(TokioIo::new(stream)).await?;
        // Ends when this connection is dropped; what it has to say, the request says too.
        tokio::spawn(driver);
        Ok(Self(sender))
    }

    /// Sends a request and returns the head of the answer; the body comes as it comes.
    ///
    /// # Errors
    /// If the connection is cut.
    pub async fn begin(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Fault> {
        self.0.ready().await?;
        Ok(within("the head of an answer", self.0.send_request(request)).await?)
    }

    /// Sends a request and reads the answer to its end.
    ///
    /// # Errors
    /// If the connection is cut.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Heard, Fault> {
        let (head, body) = self.begin(request).await?.into_parts();
        let body = within("the end of an answer", body.collect()).await?.to_bytes();
        Ok(Heard { status: head.status, headers: head.headers, body })
    }
}

impl Client {
    /// A caller without a token.
    #[must_use]
    pub fn new(address: SocketAddr, server: &str) -> Self {
        Self { address, path: format!("/{server}/mcp"), token: None, session: None }
    }

    /// The same caller with a token.
    #[must_use]
    pub fn with_token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// A request with the headers that fit the client; the session's, if there is one.
    ///
    /// # Panics
    /// If the token or the session cannot stand in a header.
    pub fn request(&self, method: Method, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
        let mut request = Request::builder().uri(&self.path).header("host", self.address.to_string());
        if method == Method::POST {
            request = request.header("content-type", "application/json");
            request = request.header("accept", "application/json, text/event-stream");
        } else {
            request = request.header("accept", "text/event-stream");
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(session) = &self.session {
            request = request.header("mcp-session-id", session).header("mcp-protocol-version", "2025-11-25");
        }
        request.method(method).body(Full::new(body.into())).expect("a token and a session are header values")
    }

    /// Sends one request on a connection of its own.
    ///
    /// # Errors
    /// If the door is away or the connection is cut.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Heard, Fault> {
        Connection::open(self.address).await?.send(request).await
    }

    /// Posts one frame.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn post(&self, frame: &Value) -> Result<Heard, Fault> {
        self.send(self.request(Method::POST, frame.to_string())).await
    }

    /// Opens a legacy session and keeps its id; returns the answer to `initialize`.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn hello(&mut self) -> Result<Heard, Fault> {
        let heard = self.post(&initialize()).await?;
        self.session = heard.header("mcp-session-id").map(str::to_owned);
        if self.session.is_some() {
            self.post(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await?;
        }
        Ok(heard)
    }

    /// Listens in a legacy session, does `meanwhile`, and returns the first message that the server then says unasked.
    ///
    /// # Errors
    /// As [`Client::send`]; also if the stream ends, or holds what is no message.
    pub async fn hears(&self, meanwhile: impl Future<Output = ()>) -> Result<Value, Fault> {
        let mut connection = Connection::open(self.address).await?;
        let mut body = connection.begin(self.request(Method::GET, "")).await?.into_body();
        meanwhile.await;
        let mut text = Vec::new();
        within("what the server says", async {
            loop {
                let data = text.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"data: "));
                if let Some(message) = data.and_then(|data| serde_json::from_slice(data).ok()) {
                    return Ok(message);
                }
                let frame = body.frame().await.ok_or("the stream ended")??;
                text.extend(frame.data_ref().into_iter().flatten());
            }
        })
        .await
    }

    /// A modern request with headers that agree with its body.
    ///
    /// # Panics
    /// If the name of the tool or resource cannot stand in a header.
    pub fn modern(&self, id: i64, method: &str, params: Value) -> Request<Full<Bytes>> {
        let frame = modern(id, method, params);
        let name = frame.pointer("/params/name").or(frame.pointer("/params/uri")).and_then(Value::as_str);
        let mut request = self.request(Method::POST, frame.to_string());
        let headers =
            [("mcp-protocol-version", Some("2026-07-28")), ("mcp-method", Some(method)), ("mcp-name", name)];
        for (header, value) in headers {
            if let Some(value) = value {
                request.headers_mut().insert(header, value.parse().expect("a plain name is a header value"));
            }
        }
        request
    }
}

impl Heard {
    /// A header, if it is there once and plain.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The frames of the answer: those of its event stream, or the one that it is.
    ///
    /// # Errors
    /// If something in it is no JSON.
    pub fn frames(&self) -> Result<Vec<Value>, Fault> {
        let stream = self.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"));
        if !stream {
            return Ok(vec![serde_json::from_slice(&self.body)?]);
        }
        let text = std::str::from_utf8(&self.body)?;
        let data = text.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
        data.filter(|data| !data.is_empty()).map(|data| Ok(serde_json::from_str(data)?)).collect()
    }

    /// The response among the frames.
    ///
    /// # Errors
    /// If there is none, or something is no JSON.
    pub fn response(&self) -> Result<Value, Fault> {
        let frames = self.frames()?;
        let found = frames.into_iter().find(|frame| frame.get("method").is_none());
        found.ok_or_else(|| format!("{}: no response in {:?}", self.status, self.body).into())
    }
}

/// The first frame of a legacy client.
#[must_use]
pub fn initialize() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "testkit", "version": "1"}}})
}

/// A legacy tool call.
#[must_use]
pub fn call(id: i64, tool: &str, arguments: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
}

/// A modern request: the revision and the capabilities stand in each frame.
#[must_use]
pub fn modern(id: i64, method: &str, mut params: Value) -> Value {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "testkit", "version": "1"},
    });
    if let (Some(params), Value::Object(meta)) = (params.as_object_mut(), meta) {
        let told = params.entry("_meta").or_insert_with(|| json!({}));
        if let Some(told) = told.as_object_mut() {
            told.extend(meta);
        }
    }
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

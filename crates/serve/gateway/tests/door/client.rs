//! An MCP client without manners, and a wire without a client.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::within;

/// An MCP client without manners.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    pub(crate) path: String,
    pub(crate) token: Option<String>,
    pub(crate) session: Option<String>,
}

pub(crate) struct Heard {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Heard {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// The frames of an event stream.
    pub(crate) fn events(&self) -> Vec<Value> {
        let text = std::str::from_utf8(&self.body).unwrap();
        text.lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(|data| serde_json::from_str(data).unwrap())
            .collect()
    }

    /// The one response, whole or at the end of a stream.
    pub(crate) fn response(&self) -> Value {
        let kind = self.headers.get("content-type").map_or("", |value| value.to_str().unwrap());
        if kind.starts_with("text/event-stream") {
            self.events()
                .into_iter()
                .find(|frame| frame.get("method").is_none())
                .expect("a response on the stream")
        } else {
            self.json()
        }
    }
}

impl Client {
    pub(crate) fn new(address: SocketAddr, token: Option<String>) -> Self {
        Self { address, path: "/echo/mcp".to_owned(), token, session: None }
    }

    pub(crate) fn request(&self, method: Method, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
        let mut request =
            Request::builder().method(&method).uri(&self.path).header("host", self.address.to_string());
        if method == Method::POST {
            request = request
                .header("content-type", "application/json")
                .header("accept", "application/json, text/event-stream");
        } else {
            request = request.header("accept", "text/event-stream");
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(session) = &self.session {
            request = request.header("mcp-session-id", session).header("mcp-protocol-version", "2025-11-25");
        }
        request.body(Full::new(body.into())).unwrap()
    }

    pub(crate) async fn open(&self, request: Request<Full<Bytes>>) -> http::Response<Incoming> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, driver) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(driver);
        sender.send_request(request).await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Heard {
        let (head, body) = self.open(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Heard { status: head.status, headers: head.headers, body }
    }

    /// Opens a stream and reads it event by event.
    pub(crate) async fn stream(&self, request: Request<Full<Bytes>>) -> EventStream {
        let response = within("the head of a stream", self.open(request)).await;
        EventStream {
            status: response.status(),
            headers: response.headers().clone(),
            body: response.into_body(),
            held: Vec::new(),
        }
    }

    pub(crate) async fn post(&self, body: &Value) -> Heard {
        self.send(self.request(Method::POST, body.to_string())).await
    }

    /// Opens a legacy session.
    pub(crate) async fn hello(&mut self) -> Heard {
        let heard = self.post(&initialize(json!({}))).await;
        self.session = heard.headers.get("mcp-session-id").map(|value| value.to_str().unwrap().to_owned());
        if self.session.is_some() {
            let ready = self.post(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
            assert_eq!(ready.status, StatusCode::ACCEPTED);
        }
        heard
    }

    /// Calls the tool that asks, and returns the stream and the id under which the client is asked.
    pub(crate) async fn asked(&self) -> (EventStream, Value) {
        let mut stream = self.stream(self.request(Method::POST, call(5, "ask", json!({})).to_string())).await;
        let question = stream.next().await.unwrap();
        assert_eq!(question["method"], "elicitation/create", "{question}");
        assert!(question["id"].is_i64(), "the door's own id, not the server's: {question}");
        (stream, question["id"].clone())
    }

    /// A client of the same person and session, but for another path of the same door.
    pub(crate) fn at(&self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self.clone() }
    }

    pub(crate) fn with_token(&self, token: Option<String>) -> Self {
        Self { token, ..self.clone() }
    }

    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Heard {
        self.post(&call(7, tool, arguments)).await
    }

    /// Sends a modern request with headers that agree.
    pub(crate) async fn modern(&self, method: &str, params: Value) -> Heard {
        let (request, _) = self.modern_request(method, params);
        self.send(request).await
    }

    pub(crate) fn modern_request(&self, method: &str, mut params: Value) -> (Request<Full<Bytes>>, Value) {
        params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
        let declared = &mut params["_meta"]["io.modelcontextprotocol/clientCapabilities"];
        if declared.is_null() {
            *declared = json!({});
        }
        let name = params
            .get("name")
            .or(params.get("uri"))
            .or(params.get("taskId"))
            .and_then(Value::as_str)
            .map(str::to_owned);
        let body = json!({"jsonrpc": "2.0", "id": "m-1", "method": method, "params": params});
        let mut request = self.request(Method::POST, body.to_string());
        let headers = request.headers_mut();
        headers.insert("mcp-protocol-version", "2026-07-28".parse().unwrap());
        headers.insert("mcp-method", method.parse().unwrap());
        if let Some(name) = name {
            headers.insert("mcp-name", name.parse().unwrap());
        }
        (request, body)
    }
}

/// A stream of server-sent events, read as it comes.
pub(crate) struct EventStream {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Incoming,
    held: Vec<u8>,
}

impl EventStream {
    /// The next event's data; nothing at the end of the stream. Comments are passed over.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        within("an event", async {
            loop {
                if let Some(end) = self.held.windows(2).position(|two| two == b"\n\n") {
                    let event: Vec<u8> = self.held.drain(..end + 2).collect();
                    let text = String::from_utf8(event).unwrap();
                    if let Some(data) = text.lines().find_map(|line| line.strip_prefix("data: ")) {
                        return Some(serde_json::from_str(data).unwrap());
                    }
                    continue;
                }
                let frame = self.body.frame().await?;
                let Ok(data) = frame.ok()?.into_data() else { continue };
                self.held.extend_from_slice(&data);
            }
        })
        .await
    }

    /// The next event's type and its data, as they are; nothing at the end of the stream.
    pub(crate) async fn event(&mut self) -> Option<(String, String)> {
        within("an event of any type", async {
            loop {
                if let Some(end) = self.held.windows(2).position(|two| two == b"\n\n") {
                    let event: Vec<u8> = self.held.drain(..end + 2).collect();
                    let text = String::from_utf8(event).unwrap();
                    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
                    let Some(data) = field("data: ") else { continue };
                    return Some((field("event: ").unwrap_or("message").to_owned(), data.to_owned()));
                }
                let frame = self.body.frame().await?;
                let Ok(data) = frame.ok()?.into_data() else { continue };
                self.held.extend_from_slice(&data);
            }
        })
        .await
    }

    /// The next event with its name, its data null where it has none; nothing at the end of the stream.
    pub(crate) async fn named(&mut self) -> Option<(String, Value)> {
        within("a named event", async {
            loop {
                if let Some(end) = self.held.windows(2).position(|two| two == b"\n\n") {
                    let event: Vec<u8> = self.held.drain(..end + 2).collect();
                    let text = String::from_utf8(event).unwrap();
                    let field =
                        |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                    let Some(name) = field("id: ") else { continue };
                    let data =
                        field("data: ").map_or(Value::Null, |data| serde_json::from_str(&data).unwrap());
                    return Some((name, data));
                }
                let frame = self.body.frame().await?;
                let Ok(data) = frame.ok()?.into_data() else { continue };
                self.held.extend_from_slice(&data);
            }
        })
        .await
    }

    /// Waits for the end of the stream and returns what still came.
    pub(crate) async fn rest(mut self) -> Vec<Value> {
        let mut rest = Vec::new();
        while let Some(event) = self.next().await {
            rest.push(event);
        }
        rest
    }
}

/// Writes bytes to a socket and reads what comes back until the other side closes; no client library stands between.
pub(crate) async fn raw(address: SocketAddr, request: &[u8]) -> (u16, HeaderMap, Vec<u8>) {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut from, mut to) = stream.into_split();
    let request = request.to_vec();
    // A door that has seen enough answers and closes; what it did not read it did not want.
    let writing = tokio::spawn(async move {
        let _refused = to.write_all(&request).await;
        to
    });
    let mut answer = Vec::new();
    let mut chunk = [0; 16 * 1024];
    while let Ok(length) = within("the answer to raw bytes", from.read(&mut chunk)).await {
        if length == 0 {
            break;
        }
        answer.extend_from_slice(&chunk[..length]);
    }
    writing.abort();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut lines = head.lines();
    let status =
        lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok()).unwrap_or(0);
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        headers.append(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    (status, headers, answer[end..].to_vec())
}

pub(crate) fn initialize(capabilities: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": {"name": "test", "version": "1"}}})
}

pub(crate) fn call(id: i64, tool: &str, arguments: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
}

/// The answer of a person who filled in the form of the tool that asks.
pub(crate) fn accept(id: &Value, name: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": {"action": "accept", "content": {"name": name}}})
}

/// Text that must appear nowhere: the signature of a token is as good as the token.
pub(crate) fn signature(token: &str) -> &str {
    token.rsplit('.').next().unwrap()
}

//! A server that says what a test wants it to say: its tools and its answers are the test's own.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with a tool call, or for a task: the request's JSON, and the answer.
type Script = dyn Fn(&Value) -> Response<Full<Bytes>> + Send + Sync;

/// A scripted server on loopback.
pub(crate) struct Scripted {
    address: SocketAddr,
    calls: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
    list_fails: Arc<AtomicI64>,
    lists: Arc<AtomicUsize>,
    refuses: Arc<Mutex<Vec<Value>>>,
    instructions: Arc<Mutex<Value>>,
}

impl Scripted {
    /// From now on it says this of itself.
    pub(crate) fn says_of_itself(&self, instructions: &str) {
        *self.instructions.lock().unwrap() = json!(instructions);
    }

    /// Starts a server with these tools (a JSON array), which answers calls by the script.
    pub(crate) async fn start(
        tools: Value,
        script: impl Fn(&Value) -> Response<Full<Bytes>> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let list_fails = Arc::new(AtomicI64::new(0));
        let lists = Arc::new(AtomicUsize::new(0));
        let refuses = Arc::new(Mutex::new(Vec::new()));
        let instructions = Arc::default();
        let house = Arc::new(Inside {
            tools,
            script: Box::new(script),
            calls: Arc::clone(&calls),
            list_fails: Arc::clone(&list_fails),
            lists: Arc::clone(&lists),
            refuses: Arc::clone(&refuses),
            instructions: Arc::clone(&instructions),
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let house = Arc::clone(&house);
                let service = service_fn(move |request| {
                    let house = Arc::clone(&house);
                    async move { Ok::<_, std::convert::Infallible>(house.answer(request).await) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, calls, list_fails, lists, refuses, instructions }
    }

    /// Its next lists are answered with these errors, the last first, and with status 400.
    pub(crate) fn list_refuses(&self, errors: &[Value]) {
        *self.refuses.lock().unwrap() = errors.to_vec();
    }

    /// How often it was asked for its tools.
    pub(crate) fn lists(&self) -> usize {
        self.lists.load(Ordering::SeqCst)
    }

    /// From now on its list is answered with this error.
    pub(crate) fn list_fails_with(&self, code: i64) {
        self.list_fails.store(code, Ordering::SeqCst);
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// The tool calls so far, and what was asked for tasks, with their headers.
    pub(crate) fn calls(&self) -> Vec<(HeaderMap, Value)> {
        self.calls.lock().unwrap().clone()
    }
}

struct Inside {
    tools: Value,
    script: Box<Script>,
    calls: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
    list_fails: Arc<AtomicI64>,
    lists: Arc<AtomicUsize>,
    refuses: Arc<Mutex<Vec<Value>>>,
    instructions: Arc<Mutex<Value>>,
}

impl Inside {
    fn itself(&self, mut hello: Value) -> Value {
        let said = self.instructions.lock().unwrap().clone();
        if said.is_string() {
            hello["instructions"] = said;
        }
        hello
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let message: Value = serde_json::from_slice(&body).unwrap_or_default();
        let id = message["id"].clone();
        if message["method"] == "tools/list" {
            self.lists.fetch_add(1, Ordering::SeqCst);
            if let Some(error) = self.refuses.lock().unwrap().pop() {
                let body = json!({"jsonrpc": "2.0", "id": id, "error": error});
                return answer(400, "application/json", &body.to_string());
            }
        }
        match message["method"].as_str() {
            Some("tools/list") if self.list_fails.load(Ordering::SeqCst) != 0 => {
                let error = json!({"code": self.list_fails.load(Ordering::SeqCst), "message": "no"});
                answer(
                    200,
                    "application/json",
                    &json!({"jsonrpc": "2.0", "id": id, "error": error}).to_string(),
                )
            }
            Some("tools/list") => result(&id, json!({"tools": self.tools, "resultType": "complete"})),
            Some(
                "tools/call" | "tasks/get" | "tasks/result" | "tasks/cancel" | "tasks/list"
                | "resources/read" | "prompts/get",
            ) => {
                self.calls.lock().unwrap().push((head.headers, message.clone()));
                (self.script)(&message)
            }
            Some("server/discover") => result(
                &id,
                self.itself(json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}})),
            ),
            Some("initialize") => {
                let mut hello = result(
                    &id,
                    self.itself(json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "scripted", "version": "1"}})),
                );
                hello.headers_mut().insert("mcp-session-id", "scripted-session".parse().unwrap());
                hello
            }
            _ => answer(202, "", ""),
        }
    }
}

pub(crate) fn result(id: &Value, result: Value) -> Response<Full<Bytes>> {
    answer(200, "application/json", &json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string())
}

/// A result with one text.
pub(crate) fn text(message: &Value, text: &str) -> Response<Full<Bytes>> {
    result(&message["id"], json!({"content": [{"type": "text", "text": text}], "resultType": "complete"}))
}

pub(crate) fn answer(status: u16, kind: &str, body: &str) -> Response<Full<Bytes>> {
    let mut response = Response::builder().status(status);
    if !kind.is_empty() {
        response = response.header("content-type", kind);
    }
    response.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap()
}

/// The head of an answer that is a stream.
pub(crate) const STREAM_HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nmcp-session-id: s\r\nconnection: close\r\n\r\n";

/// Reads the next request's message from a bare socket; nothing once it is closed.
pub(crate) async fn message(stream: &mut TcpStream) -> Option<Value> {
    let mut held = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let length = stream.read(&mut chunk).await.ok().filter(|length| *length > 0)?;
        held.extend_from_slice(&chunk[..length]);
        let text = String::from_utf8_lossy(&held);
        let found = text.find('{').and_then(|at| serde_json::from_str(&text[at..]).ok());
        if found.is_some() {
            return found;
        }
    }
}

/// Answers a list on a bare socket: this one tool, no prompts.
pub(crate) async fn list(stream: &mut TcpStream, message: &Value, tool: &str) -> Option<()> {
    let tools = json!([{"name": tool, "inputSchema": {"type": "object"}}]);
    let result = match message["method"].as_str() {
        Some("tools/list") => json!({"tools": tools}),
        Some("server/discover") => {
            json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}})
        }
        _ => json!({"prompts": []}),
    };
    let body = json!({"jsonrpc": "2.0", "id": message["id"], "result": result}).to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.ok()
}

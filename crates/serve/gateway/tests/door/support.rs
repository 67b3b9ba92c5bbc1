//! A whole door in this process: emulator, servers, gateway, and a client that can say anything.

use std::net::SocketAddr;
use std::path::Path;

use bytes::Bytes;
use doorward_config::{Build, load};
use doorward_emulator::{Clock, Emulator, MintRequest, Options, Seed};
use doorward_gateway::{Gateway, Running, build};
use doorward_servers::echo;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;

pub(crate) const POLICIES: &str = r#"
@id("readers")
permit (principal in Role::"Reader", action in [Action::"echo/echo", Action::"echo/burst", Action::"echo/hold", Action::"echo/sleep", Action::"echo/ask"], resource)
unless { action == Action::"echo/echo" && context.arguments.n > 1000 };
@id("readers-ask")
permit (principal in Role::"Reader", action == Action::"elicitation/create", resource);
@id("readers-other")
permit (principal in Role::"Reader", action == Action::"other", resource) when { context.method == "vendor/known" };
@id("writers")
permit (principal in Role::"Writer", action == Action::"echo/big", resource);
@id("admins")
permit (principal in Group::"96000000-0000-4000-8000-0000000000a1", action, resource in Server::"echo");
"#;

/// A door, what is behind it, and the folder it lives in.
pub(crate) struct House {
    pub(crate) emulator: doorward_emulator::Running,
    pub(crate) echo: doorward_servers::Running,
    pub(crate) door: Running,
    pub(crate) folder: TempDir,
}

pub(crate) struct Plan<'a> {
    pub(crate) policies: &'a str,
    /// Further lines of the configuration.
    pub(crate) more: &'a str,
    pub(crate) eras: doorward_servers::Eras,
}

impl Default for Plan<'_> {
    fn default() -> Self {
        Self { policies: POLICIES, more: "", eras: doorward_servers::Eras::Both }
    }
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(Plan::default()).await
    }

    pub(crate) async fn with(plan: Plan<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let options = echo::Options { listen: loopback, eras: plan.eras, transcript: true };
        let echo = echo::start_with(options).await.unwrap();
        let emulator = Emulator::start(Options {
            seed: Seed::contoso().unwrap(),
            listen: loopback,
            data_dir: Some(folder.path().join("lab")),
            clock: Clock::system(),
        })
        .await
        .unwrap();
        let door = open(folder.path(), &emulator, &echo.url(), &plan).await;
        Self { emulator, echo, door, folder }
    }

    pub(crate) fn token(&self, user: &str) -> String {
        self.emulator.control().mint(&MintRequest::user(user)).unwrap()
    }

    pub(crate) fn mint(&self, request: &MintRequest) -> String {
        self.emulator.control().mint(request).unwrap()
    }

    pub(crate) fn client(&self, user: &str) -> Client {
        Client::new(self.door.address, Some(self.token(user)))
    }

    /// Everything that the audit log holds, as text.
    pub(crate) fn record(&self) -> String {
        let mut text = String::new();
        for entry in std::fs::read_dir(self.folder.path().join("audit")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "jsonl") {
                text.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
        text
    }
}

async fn open(folder: &Path, emulator: &doorward_emulator::Running, echo: &str, plan: &Plan<'_>) -> Running {
    let keys = folder.join("keys");
    std::fs::create_dir_all(&keys).unwrap();
    std::fs::create_dir_all(folder.join("policies")).unwrap();
    std::fs::write(folder.join("policies/test.cedar"), plan.policies).unwrap();
    std::fs::write(keys.join("secret"), "door-secret-for-the-lab").unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let origin = echo.strip_suffix("/mcp").unwrap();
    let more = plan.more.replace("{echo}", echo);
    let text = format!(
        r#"
[gateway]
listen = "{port}"
public_url = "http://{port}"
[entra]
tenant = "c0175050-0000-4000-8000-000000000001"
client_id = "d0012000-0000-4000-8000-0000000000d1"
required_scope = "mcp.access"
graph_secret_file = "keys/secret"
[policy]
dir = "policies"
[audit]
dir = "audit"
key_file = "keys/audit.pem"
checkpoint_dir = "checkpoints"
[insecure_lab]
authority = "{}"
graph = "{}"
ca_file = "lab/ca.pem"
origins = ["{origin}"]
[[server]]
name = "echo"
url = "{echo}"
{more}
"#,
        emulator.authority, emulator.graph
    );
    let config = load("test.toml", &text, Build { lab: true }).unwrap_or_else(|errors| panic!("{errors}")).rebase(folder);
    let built = build(config).await.unwrap_or_else(|error| panic!("{error}"));
    Gateway::bind(built).await.unwrap().open()
}

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
        text.lines().filter_map(|line| line.strip_prefix("data: ")).map(|data| serde_json::from_str(data).unwrap()).collect()
    }

    /// The one response, whole or at the end of a stream.
    pub(crate) fn response(&self) -> Value {
        let kind = self.headers.get("content-type").map_or("", |value| value.to_str().unwrap());
        if kind.starts_with("text/event-stream") {
            self.events().into_iter().find(|frame| frame.get("method").is_none()).expect("a response on the stream")
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
        let mut request = Request::builder().method(&method).uri(&self.path).header("host", self.address.to_string());
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
        params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
        let name = params.get("name").or(params.get("uri")).and_then(Value::as_str).map(str::to_owned);
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

pub(crate) fn initialize(capabilities: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": {"name": "test", "version": "1"}}})
}

pub(crate) fn call(id: i64, tool: &str, arguments: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
}

/// Text that must appear nowhere: the signature of a token is as good as the token.
pub(crate) fn signature(token: &str) -> &str {
    token.rsplit('.').next().unwrap()
}

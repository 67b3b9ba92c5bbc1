//! One of a thousand: calls, is answered, loses connections, and remembers every word.

use std::collections::HashSet;
use std::io::{self, Error};
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use doorward_testkit::{Client, Random, modern};
use http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio::task::JoinHandle;

use crate::ledger::{Ledger, words};
use crate::wire::{Cut, Wire};

/// What each person does.
const DEEDS: usize = 8;
/// One in so many of them ends in a cut connection.
const CUT: u64 = 5;

/// A person with secrets of their own.
pub(crate) struct Person {
    number: usize,
    client: Client,
    legacy: bool,
    /// True for ids and progress tokens of their own; the others use those that everybody uses.
    own_names: bool,
    canary: String,
    id: String,
    progress: String,
    pub(crate) listens: bool,
    random: Random,
    wire: Option<Wire>,
    said: i64,
    calls: usize,
    cuts: usize,
    heard: HashSet<String>,
}

/// What a person went through.
pub(crate) struct Lived {
    pub(crate) number: usize,
    pub(crate) canary: String,
    /// Calls that were answered, and answered right.
    pub(crate) calls: usize,
    pub(crate) cuts: usize,
    /// Every word they heard.
    pub(crate) heard: HashSet<String>,
    /// The stream they still listen on.
    pub(crate) listener: Option<JoinHandle<io::Result<HashSet<String>>>>,
}

impl Person {
    pub(crate) fn new(number: usize, address: SocketAddr, token: String, seed: u64) -> Self {
        let mut random = Random::seeded(seed);
        let mut secret = || format!("{:016x}", random.next_u64());
        let (canary, id, progress) = (secret(), secret(), secret());
        Self {
            number,
            client: Client::new(address, "echo").with_token(token),
            legacy: number.is_multiple_of(2),
            own_names: number % 4 < 2,
            canary,
            id,
            progress,
            listens: false,
            random,
            wire: None,
            said: 0,
            calls: 0,
            cuts: 0,
            heard: HashSet::new(),
        }
    }

    /// What nobody else may hear.
    pub(crate) fn secrets(&self) -> Vec<String> {
        vec![self.canary.clone(), self.id.clone(), self.progress.clone()]
    }

    /// Comes in, waits for everybody, and calls.
    pub(crate) async fn live(mut self, ledger: Arc<Ledger>, everybody: Arc<Barrier>) -> Lived {
        let number = self.number;
        let failed = |error: Error| panic!("person {number}: {error}");
        if self.legacy {
            self.open_session(&ledger).await.unwrap_or_else(failed);
        }
        let listener = self.listens.then(|| tokio::spawn(listen(self.client.clone(), self.canary.clone())));
        everybody.wait().await;
        for _ in 0..DEEDS {
            self.act().await.unwrap_or_else(failed);
        }
        // Whoever was cut off each time has the last word all the same.
        self.echo(None).await.unwrap_or_else(failed);
        let Self { number, canary, calls, cuts, heard, .. } = self;
        Lived { number, canary, calls, cuts, heard, listener }
    }

    async fn open_session(&mut self, ledger: &Ledger) -> io::Result<()> {
        let frame = json!({"jsonrpc": "2.0", "id": self.next_id(), "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {"elicitation": {}},
            "clientInfo": {"name": "person", "version": "1"}}});
        let wire = self.connected().await?;
        let request = self.client.request(Method::POST, frame.to_string());
        let wire = self.wire.insert(wire);
        wire.send(request).await?;
        let head = wire.head().await?;
        let body = wire.body().await?;
        self.hear(head.text.as_bytes());
        self.hear(&body);
        let session =
            head.header("mcp-session-id").ok_or_else(|| told("no session", head.status, &body))?.to_owned();
        ledger.own(self.number, session.clone());
        self.client.session = Some(session);
        self.notify("notifications/initialized", &json!({})).await
    }

    async fn act(&mut self) -> io::Result<()> {
        let cut = self.random.once_in(CUT).then(|| match self.random.below(3) {
            0 => Cut::InRequest(usize::try_from(self.random.below(2_000)).unwrap()),
            _ => Cut::InAnswer(usize::try_from(self.random.below(1_500)).unwrap()),
        });
        match (self.random.below(4), self.legacy) {
            (0, _) => self.burst(cut).await,
            (1, true) => self.ask(cut).await,
            // An id that is surely another's too, and never one of their own that runs.
            (2, true) if !self.own_names => {
                let id = 1 + self.random.below(8);
                let running = json!({"requestId": id});
                self.notify("notifications/cancelled", &running).await?;
                self.echo(cut).await
            }
            _ => self.echo(cut).await,
        }
    }

    /// A plain answer.
    async fn echo(&mut self, cut: Option<Cut>) -> io::Result<()> {
        let text = format!("said by {} no {}", self.canary, self.said);
        let params = json!({"name": "echo", "arguments": {"text": text, "n": self.said}});
        let Some(frames) = self.call(params, cut).await? else { return Ok(()) };
        self.expect(frames == [text], &frames)
    }

    /// An answer on a stream, with progress before it.
    async fn burst(&mut self, cut: Option<Cut>) -> io::Result<()> {
        let events = 1 + self.random.below(40);
        let token = if self.own_names { json!(format!("p.{}", self.progress)) } else { json!(1) };
        let meta = json!({"progressToken": token});
        let params = json!({"name": "burst", "arguments": {"events": events}, "_meta": meta});
        let Some(frames) = self.call(params, cut).await? else { return Ok(()) };
        let mut expected: Vec<String> =
            (1..=events).map(|event| format!("{token} {event}/{events}")).collect();
        expected.push(format!("{events} events"));
        self.expect(frames == expected, &frames)
    }

    /// A question of the server's, answered on another connection while the call waits.
    async fn ask(&mut self, cut: Option<Cut>) -> io::Result<()> {
        let params = json!({"name": "ask", "arguments": {}});
        let Some(frames) = self.call(params, cut).await? else { return Ok(()) };
        self.expect(frames == [format!("Hello, {}.", self.canary)], &frames)
    }

    /// Calls; returns what the frames of the answer say, or nothing if the connection was cut.
    async fn call(&mut self, params: Value, cut: Option<Cut>) -> io::Result<Option<Vec<String>>> {
        let id = self.next_id();
        let request = self.request(&id, params);
        let mut wire = self.connected().await?;
        if let Some(cut) = cut {
            let heard = wire.send_and_cut(request, cut).await?;
            self.hear(&heard);
            self.cuts += 1;
            return Ok(None);
        }
        wire.send(request).await?;
        let head = wire.head().await?;
        self.hear(head.text.as_bytes());
        let mut body = Vec::new();
        let mut asked = false;
        while let Some(piece) = wire.piece().await? {
            body.extend(piece);
            if !asked
                && let Some(question) =
                    frames(&body).iter().find(|frame| frame["method"] == "elicitation/create")
            {
                asked = true;
                let name = json!({"action": "accept", "content": {"name": self.canary}});
                self.post(&json!({"jsonrpc": "2.0", "id": question["id"], "result": name})).await?;
            }
        }
        self.hear(&body);
        self.wire = Some(wire);
        let frames = frames(&body);
        match frames.last() {
            Some(last) if head.status == 200 && last["id"] == id => {}
            _ => return Err(told("not the answer to this call", head.status, &body)),
        }
        self.calls += 1;
        Ok(Some(frames.iter().filter(|frame| frame["method"] != "elicitation/create").map(says).collect()))
    }

    fn request(&self, id: &Value, params: Value) -> Request<Full<Bytes>> {
        if self.legacy {
            let frame = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params});
            return self.client.request(Method::POST, frame.to_string());
        }
        let mut frame = modern(0, "tools/call", params);
        frame["id"] = id.clone();
        let mut request = self.client.request(Method::POST, frame.to_string());
        let headers: &mut HeaderMap = request.headers_mut();
        headers.insert("mcp-protocol-version", HeaderValue::from_static("2026-07-28"));
        headers.insert("mcp-method", HeaderValue::from_static("tools/call"));
        let name = frame["params"]["name"].as_str().and_then(|name| name.parse().ok());
        headers.insert("mcp-name", name.expect("a tool's name"));
        request
    }

    async fn notify(&mut self, method: &str, params: &Value) -> io::Result<()> {
        self.post(&json!({"jsonrpc": "2.0", "method": method, "params": params})).await
    }

    /// Says something that has no answer, on a connection of its own.
    async fn post(&mut self, frame: &Value) -> io::Result<()> {
        let mut wire = Wire::open(self.client.address).await?;
        wire.send(self.client.request(Method::POST, frame.to_string())).await?;
        let head = wire.head().await?;
        let body = wire.body().await?;
        self.hear(head.text.as_bytes());
        self.hear(&body);
        if head.status == 202 { Ok(()) } else { Err(told("not accepted", head.status, &body)) }
    }

    /// The connection, or a new one after a cut.
    async fn connected(&mut self) -> io::Result<Wire> {
        match self.wire.take() {
            Some(wire) => Ok(wire),
            None => Wire::open(self.client.address).await,
        }
    }

    fn next_id(&mut self) -> Value {
        self.said += 1;
        if self.own_names { json!(format!("id.{}.{}", self.id, self.said)) } else { json!(self.said) }
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.heard.extend(words(bytes));
    }

    fn expect(&self, right: bool, frames: &[String]) -> io::Result<()> {
        if right { Ok(()) } else { Err(Error::other(format!("this is not what was asked for: {frames:?}"))) }
    }
}

/// Listens on the session's stream until something is said on it that ends it.
async fn listen(client: Client, canary: String) -> io::Result<HashSet<String>> {
    let mut wire = Wire::open(client.address).await?;
    wire.send(client.request(Method::GET, "")).await?;
    let head = wire.head().await?;
    let mut heard = words(head.text.as_bytes());
    let mut body = Vec::new();
    while let Some(piece) = wire.piece().await? {
        body.extend(piece);
        if String::from_utf8_lossy(&body).contains("unasked") {
            heard.extend(words(&body));
            return Ok(heard);
        }
    }
    Err(told(&format!("the stream of {canary} ended"), head.status, &body))
}

/// The frames in a body, or on an event stream as far as it has come.
fn frames(body: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(body);
    if text.starts_with('{') {
        return serde_json::from_str(&text).into_iter().collect();
    }
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    data.filter_map(|data| serde_json::from_str(data.trim()).ok()).collect()
}

/// What a frame says: the text of a result, or the progress it tells.
fn says(frame: &Value) -> String {
    let params = &frame["params"];
    match frame["result"]["content"][0]["text"].as_str() {
        Some(text) => text.to_owned(),
        None if params.is_object() => {
            format!("{} {}/{}", params["progressToken"], params["progress"], params["total"])
        }
        None => frame.to_string(),
    }
}

fn told(what: &str, status: u16, body: &[u8]) -> Error {
    Error::other(format!("{what}: {status} {}", String::from_utf8_lossy(body)))
}

//! Servers that misbehave: each gives its own caller one bounded error, and nobody else anything.

use std::sync::Arc;

use doorward_servers::evil::{self, Behaviour, Evil};
use http::StatusCode;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::client::{Client, Heard, call};
use crate::scripted::{self, Scripted};
use crate::support::{House, Plan, within};

const ALL: &str = "@id(\"all\")\npermit (principal in Role::\"Reader\", action, resource)\nunless { action == Action::\"sampling/createMessage\" };";
const LIMITS: &str = "[limits]\nresponse_bytes = \"1MiB\"\nevent_bytes = \"1MiB\"\ncall_timeout = \"1500ms\"\ncall_timeout_max = \"2s\"";

/// What a caller must get of it.
enum Fate {
    /// The server's own answer, with this text.
    Text(&'static str),
    /// One error of the door's, and this reason in the log.
    Error(&'static str),
}

fn table(bait: &str) -> Vec<(Behaviour, Fate)> {
    use Behaviour as B;
    use Fate::{Error, Text};
    vec![
        (B::EndlessStream, Error("timeout")),
        (B::EndlessEvent, Error("upstream-too-large")),
        (B::HugeResult(8 << 20), Error("upstream-too-large")),
        (B::Trickle, Error("timeout")),
        (B::NeverAnswers, Error("timeout")),
        (B::AnswersTwice, Text("harmless")),
        (B::ForeignId, Error("upstream-malformed")),
        (B::RetypedId, Error("upstream-malformed")),
        (B::NullId, Error("upstream-malformed")),
        (B::RequestOnStream, Text("harmless")),
        (B::UnknownNotification, Text("harmless")),
        (B::InvalidJson, Error("upstream-malformed")),
        (B::DeepJson(5_000), Error("upstream-malformed")),
        (B::DuplicateMembers, Error("upstream-malformed")),
        (B::InvalidUtf8, Error("upstream-malformed")),
        (B::LoneSurrogate, Text("\u{fffd}")),
        (B::Batch, Error("upstream-malformed")),
        (B::WrongContentType, Error("upstream-refused")),
        (B::Redirect(bait.to_owned()), Error("upstream-refused")),
        (B::HtmlError, Error("upstream-refused")),
        (B::Challenge, Error("upstream-refused")),
        (B::EmptyBody, Error("upstream-malformed")),
        (B::ClosesMidway, Error("upstream-ended")),
        (B::ClosesMidEvent, Error("upstream-ended")),
        (B::EndsWithoutAnswer, Error("upstream-ended")),
        (B::HugeHeader(1 << 20), Error("upstream-unreachable")),
        (B::ManyHeaders(2_000), Error("upstream-unreachable")),
        (B::AnswersNotifications, Text("x")),
    ]
}

fn responses(heard: &Heard) -> Vec<Value> {
    if heard.headers["content-type"] != "text/event-stream" {
        return vec![heard.json()];
    }
    // Of an endless stream nobody wants to read every event.
    let text = std::str::from_utf8(&heard.body).unwrap();
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let frames = data.filter(|data| !data.contains("\"method\":\"notifications/message\""));
    let frames = frames.map(|data| serde_json::from_str::<Value>(data).unwrap());
    frames.filter(|frame| frame.get("method").is_none()).collect()
}

// control: NET-05, T-34, L-07, D-04, D-09: whatever a server does, its caller gets one answer in bounded time and memory, others are served, and the outcome is recorded
#[tokio::test]
async fn whatever_a_server_does_its_caller_gets_one_answer() {
    let bait = Scripted::start(json!([]), |message| scripted::text(message, "bait")).await;
    let table = table(&bait.url());
    let mut evils: Vec<Evil> = Vec::new();
    for (behaviour, _) in &table {
        evils.push(evil::start(behaviour.clone()).await.unwrap());
    }
    let names: Vec<String> = (0..table.len()).map(|at| format!("evil-{at}")).collect();
    let upstreams: Vec<_> =
        names.iter().map(String::as_str).zip(evils.iter().map(|evil| evil.server.url())).collect();
    let plan = Plan { policies: ALL, more: LIMITS, upstreams: &upstreams, ..Plan::default() };
    let house = House::with(plan).await.acquainted().await;
    let before = peak_memory();
    let one = |at: usize, modern: bool| {
        let mut client = house.client("alice").at(&format!("/{}/mcp", names[at]));
        async move {
            let arguments = json!({"text": "x", "n": 1});
            let heard = if modern {
                client.modern("tools/call", json!({"name": "echo", "arguments": arguments})).await
            } else {
                assert_eq!(client.hello().await.status, StatusCode::OK);
                client.call("echo", arguments).await
            };
            (at, modern, heard)
        }
    };
    let mut done = Vec::new();
    let mut slow = JoinSet::new();
    for (at, (_, fate)) in table.iter().enumerate() {
        for modern in [false, true] {
            if matches!(fate, Fate::Error("timeout")) {
                slow.spawn(one(at, modern));
            } else {
                done.push(one(at, modern).await);
            }
        }
    }
    let mut bob = house.client("bob");
    bob.hello().await;
    let mut served = 0;
    while !slow.is_empty() {
        while let Some(call) = slow.try_join_next() {
            done.push(call.unwrap());
        }
        let heard =
            within("another caller's answer", bob.call("echo", json!({"text": "fine", "n": 1}))).await;
        assert!(heard.response()["result"].is_object());
        served += 1;
    }
    assert!(served > 10, "others were served all the while: {served}");
    let mut failed = Vec::new();
    let outcomes = house.records("outcome");
    for (at, modern, heard) in &done {
        let (behaviour, fate) = &table[*at];
        let answers = responses(heard);
        let [answer] = &answers[..] else {
            failed.push(format!("{behaviour:?} modern {modern}: {} answers", answers.len()));
            continue;
        };
        let right = match fate {
            Fate::Text(text) => answer["result"]["content"][0]["text"] == *text,
            Fate::Error(_) => answer["error"]["code"] == -32603 && answer.get("result").is_none(),
        };
        if !right
            || heard.status != StatusCode::OK
            || answer["id"] != if *modern { json!("m-1") } else { json!(7) }
        {
            failed.push(format!("{behaviour:?} modern {modern}: {} {answer}", heard.status));
        }
        let said = String::from_utf8_lossy(&heard.body);
        if said.contains("canary")
            || said.contains("harmful")
            || heard.headers.contains_key("www-authenticate")
            || heard.headers.contains_key("x-evil")
        {
            failed.push(format!("{behaviour:?}: something of the server's leaked"));
        }
        if let Fate::Error(reason) = fate {
            let own = |outcome: &&Value| {
                outcome["server"] == names[*at]
                    && (outcome["reason"] == *reason || outcome["result"] == *reason)
            };
            if outcomes.iter().filter(own).count() != 2 {
                let all: Vec<_> = outcomes
                    .iter()
                    .filter(|outcome| outcome["server"] == names[*at])
                    .map(|o| (&o["result"], &o["reason"]))
                    .collect();
                failed.push(format!("{behaviour:?}: recorded as {all:?}"));
            }
        }
    }
    assert!(failed.is_empty(), "{}:\n{}", failed.len(), failed.join("\n"));
    assert_eq!(house.records("intent").len(), house.records("outcome").len());
    assert!(bait.calls().is_empty(), "a redirect was followed");
    let grown = peak_memory() - before;
    assert!(grown < 128 << 20, "{grown} bytes more at the peak");
}

// control-off: D-04, L-07: a client that talks to such a server itself gets the second answer, the foreign one and the stack trace
#[tokio::test]
async fn without_the_door_the_misdeeds_arrive() {
    for (behaviour, sign) in [
        (Behaviour::DuplicateMembers, "harmful"),
        (Behaviour::HtmlError, "stack-trace-canary"),
        (Behaviour::RequestOnStream, "sampling/createMessage"),
        (Behaviour::ForeignId, "never-asked"),
    ] {
        let evil = evil::start(behaviour).await.unwrap();
        let mut direct =
            Client { address: evil.server.addr, path: "/mcp".to_owned(), token: None, session: None };
        direct.hello().await;
        let heard = direct.call("echo", json!({"text": "x", "n": 1})).await;
        assert!(String::from_utf8_lossy(&heard.body).contains(sign));
    }
}

// control: A-08, U-13: a server's own status does not become the door's: it can neither sign the caller out nor send them elsewhere
#[tokio::test]
async fn a_servers_status_is_not_the_doors() {
    let server = Scripted::start(json!([{"name": "status", "inputSchema": {"type": "object"}}]), |message| {
        let status = message["params"]["arguments"]["status"].as_u64().unwrap();
        let body = json!({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32000, "message": "no"}})
            .to_string();
        let mut answer = scripted::answer(u16::try_from(status).unwrap(), "application/json", &body);
        let headers = answer.headers_mut();
        headers
            .insert("www-authenticate", "Bearer resource_metadata=\"https://evil.example\"".parse().unwrap());
        headers.insert("mcp-session-id", "chosen-by-the-server".parse().unwrap());
        headers.insert("set-cookie", "a=b".parse().unwrap());
        headers.insert("location", "https://evil.example/".parse().unwrap());
        answer
    })
    .await;
    let upstreams = [("open", server.url())];
    let house = House::with(Plan { policies: ALL, upstreams: &upstreams, ..Plan::default() })
        .await
        .acquainted()
        .await;
    let mut alice = house.client("alice").at("/open/mcp");
    alice.hello().await;
    for status in [200, 201, 301, 302, 307, 400, 401, 402, 403, 404, 407, 413, 429, 431, 451, 500, 502, 503] {
        let modern =
            alice.modern("tools/call", json!({"name": "status", "arguments": {"status": status}})).await;
        assert!([200, 400, 404].contains(&modern.status.as_u16()), "{status} became {}", modern.status);
        let legacy =
            if status == 404 { modern } else { alice.call("status", json!({"status": status})).await };
        assert!(status == 404 || legacy.status == StatusCode::OK, "{status} became {}", legacy.status);
        for name in ["www-authenticate", "mcp-session-id", "set-cookie", "location"] {
            assert!(!legacy.headers.contains_key(name), "{status}: {name}");
        }
        assert!(legacy.json()["error"]["code"].is_i64());
    }
}

// control: T-10, RAT-04: what a server sends faster than its caller reads waits at the server, not in the door
#[tokio::test]
async fn a_slow_reader_fills_no_memory() {
    const EVENT: usize = 900 << 10;
    const EVENTS: usize = 100;
    let (url, listener) = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        (format!("http://{}/mcp", listener.local_addr().unwrap()), listener)
    };
    let event = Arc::new(format!(
        "data: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{{\"level\":\"info\",\"data\":\"{}\"}}}}\n\n",
        "x".repeat(EVENT)
    ));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let event = Arc::clone(&event);
            tokio::spawn(async move { flood(&mut stream, &event, EVENTS).await });
        }
    });
    let upstreams = [("flood", url)];
    let house = House::with(Plan { policies: ALL, upstreams: &upstreams, ..Plan::default() }).await;
    let alice = house.client("alice").at("/flood/mcp");
    // The first call learns the server's tools.
    let params =
        json!({"name": "flood", "arguments": {}, "_meta": {"io.modelcontextprotocol/logLevel": "info"}});
    let (request, _) = alice.modern_request("tools/call", params);
    let before = peak_memory();
    let mut body = alice.open(request).await.into_body();
    let mut bytes = 0;
    while let Some(frame) = within("more of the flood", body.frame()).await {
        bytes += frame.unwrap().into_data().map_or(0, |data| data.len());
    }
    assert!(bytes > EVENT * EVENTS, "all of it arrives all the same: {bytes}");
    let grown = peak_memory() - before;
    assert!(grown < 48 << 20, "{grown} bytes more at the peak for {} in all", EVENT * EVENTS);
}

/// A server that knows one tool, which sends events as fast as they are taken.
async fn flood(stream: &mut TcpStream, event: &str, events: usize) -> Option<()> {
    loop {
        let message = scripted::message(stream).await?;
        let id = &message["id"];
        if message["method"] == "tools/call" {
            stream.write_all(scripted::STREAM_HEAD).await.ok()?;
            for _ in 0..events {
                stream.write_all(event.as_bytes()).await.ok()?;
            }
            let last = format!(
                "data: {{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"content\":[],\"resultType\":\"complete\"}}}}\n\n"
            );
            stream.write_all(last.as_bytes()).await.ok()?;
            return Some(());
        }
        scripted::list(stream, &message, "flood").await?;
    }
}

/// The most memory this process has held since it was last asked.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    let kib: u64 = line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

#[tokio::test]
async fn a_server_that_comes_late_is_found() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    drop(listener);
    let upstreams = [("late", url)];
    let house = House::with(Plan { policies: ALL, upstreams: &upstreams, ..Plan::default() }).await;
    let alice = house.client("alice").at("/late/mcp");
    let heard = alice.post(&call(1, "echo", json!({"text": "x", "n": 1}))).await;
    assert_eq!(heard.status, StatusCode::BAD_REQUEST, "no session");
    let heard = alice.modern("tools/call", json!({"name": "echo", "arguments": {"text": "x", "n": 1}})).await;
    assert_eq!((heard.status, &heard.json()["error"]["code"]), (StatusCode::OK, &json!(-32603)));
    assert_eq!(house.refusals().last().unwrap(), "upstream-unreachable");
}

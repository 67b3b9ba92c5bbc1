//! Servers of 2025-11-25 that close a stream before its answer and have the rest fetched (T-30).

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{Client, initialize};
use crate::support::{House, Plan};

const ALL: &str = r#"@id("all") permit (principal in Role::"Reader", action, resource);"#;
const HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nmcp-session-id: s\r\nconnection: close\r\n\r\n";

/// What the server does with its one call.
#[derive(Clone, Copy)]
struct Habit {
    /// How often it closes the stream before it answers.
    closes: u32,
    /// Whether it names its events, without which nothing can be fetched.
    names: bool,
    /// Whether it has anything for those who come again.
    keeps: bool,
}

struct Server {
    url: String,
    /// The ids under which the rest was asked for.
    asked: Arc<Mutex<Vec<String>>>,
}

async fn server(habit: Habit) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let (asked, call) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Value::Null)));
    let log = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (asked, call) = (Arc::clone(&asked), Arc::clone(&call));
            tokio::spawn(async move { serve(stream, habit, &asked, &call).await });
        }
    });
    Server { url, asked: log }
}

async fn serve(
    mut stream: TcpStream,
    habit: Habit,
    asked: &Mutex<Vec<String>>,
    call: &Mutex<Value>,
) -> Option<()> {
    let mut held = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let length = stream.read(&mut chunk).await.ok().filter(|length| *length > 0)?;
        held.extend_from_slice(&chunk[..length]);
        let text = String::from_utf8_lossy(&held).into_owned();
        if text.starts_with("GET") && text.contains("\r\n\r\n") {
            let last = text.lines().find_map(|line| line.strip_prefix("last-event-id: "));
            // Without it, the session's own stream is asked for: there is none.
            let Some(last) = last.filter(|_| habit.keeps) else {
                return stream.write_all(b"HTTP/1.1 405 No\r\ncontent-length: 0\r\n\r\n").await.ok();
            };
            asked.lock().unwrap().push(last.to_owned());
            let at: u32 = last.strip_prefix("e-")?.parse().ok()?;
            let body = events(habit, at + 1, &call.lock().unwrap().clone());
            return stream.write_all(format!("{HEAD}{body}").as_bytes()).await.ok();
        }
        let Some(message) = text.find('{').and_then(|at| serde_json::from_str::<Value>(&text[at..]).ok())
        else {
            continue;
        };
        held.clear();
        let id = &message["id"];
        let result = match message["method"].as_str() {
            Some("initialize") => {
                json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}})
            }
            Some("tools/list") => json!({"tools": [{"name": "late", "inputSchema": {"type": "object"}}]}),
            Some("prompts/list") => json!({"prompts": []}),
            Some("tools/call") => {
                *call.lock().unwrap() = id.clone();
                let body = events(habit, 0, id);
                return stream.write_all(format!("{HEAD}{body}").as_bytes()).await.ok();
            }
            _ => {
                stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").await.ok()?;
                continue;
            }
        };
        let body = json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nmcp-session-id: s\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(format!("{head}{body}").as_bytes()).await.ok()?;
    }
}

/// The events of one connection: a message for each time it closes, then somebody else's answer and the answer.
fn events(habit: Habit, at: u32, call: &Value) -> String {
    let id = if habit.names { format!("id: e-{at}\nretry: 1\n") } else { String::new() };
    if at < habit.closes {
        let note = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": at}});
        return format!("{id}data: {note}\n\n");
    }
    let foreign =
        json!({"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "foreign"}]}});
    let done =
        json!({"jsonrpc": "2.0", "id": call, "result": {"content": [{"type": "text", "text": "done"}]}});
    format!("data: {foreign}\n\ndata: {done}\n\n")
}

async fn called(habit: Habit) -> (Vec<Value>, Vec<String>) {
    let server = server(habit).await;
    let upstreams = [("late", server.url.clone())];
    let house = House::with(Plan { policies: ALL, upstreams: &upstreams, ..Plan::default() })
        .await
        .acquainted()
        .await;
    let mut alice: Client = house.client("alice").at("/late/mcp");
    let hello = alice.post(&initialize(json!({}))).await;
    alice.session = Some(hello.headers["mcp-session-id"].to_str().unwrap().to_owned());
    let heard = alice.call("late", json!({})).await;
    let asked = server.asked.lock().unwrap().clone();
    (heard.events(), asked)
}

// control: T-30, L-07: an answer whose stream was closed is fetched behind the last event that was named, and judged as ever
#[tokio::test]
async fn the_rest_of_an_answer_is_fetched() {
    let (events, asked) = called(Habit { closes: 3, names: true, keeps: true }).await;
    assert_eq!(asked, ["e-0", "e-1", "e-2"]);
    let data: Vec<_> = events[..3].iter().map(|event| event["params"]["data"].clone()).collect();
    assert_eq!(data, [json!(0), json!(1), json!(2)], "each once, in order");
    assert_eq!(events.len(), 4, "the other's answer is not hers: {events:?}");
    assert_eq!((&events[3]["id"], &events[3]["result"]["content"][0]["text"]), (&json!(7), &json!("done")));
}

// control: T-30, RAT-04: where there is no rest, and where there is no end of it, the caller gets one error
#[tokio::test]
async fn an_answer_that_cannot_be_fetched_is_one_error() {
    for (habit, fetched) in [
        (Habit { closes: 3, names: false, keeps: true }, 0),
        (Habit { closes: 3, names: true, keeps: false }, 0),
        (Habit { closes: u32::MAX, names: true, keeps: true }, 64),
    ] {
        let (events, asked) = called(habit).await;
        assert_eq!(asked.len(), fetched);
        let last = events.last().unwrap();
        assert_eq!((&last["id"], &last["error"]["code"]), (&json!(7), &json!(-32603)), "{last}");
        assert!(events[..events.len() - 1].iter().all(|event| event["method"] == "notifications/message"));
    }
}

//! The guard, whole: a client on one side, a process on the other. The process is this test program itself, told to be a
//! server.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what does not hold is a failed test, in helpers too"
)]

mod consent;
mod desk;
mod labels;
mod leaks;
mod pins;
mod results;
mod seat;
mod tokens;

use std::time::Duration;

use doorward_engine::EraRule;
use doorward_guard::Ended;
use serde_json::{Value, json};

use desk::{Desk, With, call, initialize, modern};

/// Not a test: the echo server on this process's standard streams, for as long as its input lasts.
#[tokio::test]
#[ignore = "no test: the others start this program as their server, and run by itself it waits for input"]
async fn child() {
    doorward_servers::echo::serve_stdio().await.unwrap();
}

/// Not a test: a server that greets, and ends at its first call.
#[test]
#[ignore = "no test: the others start this program as their server, and run by itself it waits for input"]
fn short_lived() {
    use std::io::{BufRead as _, Write as _};
    for line in std::io::stdin().lock().lines() {
        let message: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let result = match message["method"].as_str() {
            Some("initialize") => json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                "serverInfo": {"name": "short", "version": "1"}}),
            Some("tools/list") => json!({"tools": [{"name": "die", "inputSchema": {"type": "object"}}]}),
            Some("tools/call") => std::process::exit(3),
            _ if message["id"].is_null() => continue,
            _ => Value::Null,
        };
        let mut answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
        if result.is_null() {
            answer =
                json!({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no"}});
        }
        writeln!(std::io::stdout(), "{answer}").unwrap();
    }
}

/// Not a test: a server whose one tool says that it has begun, and answers once a socket that it is given is closed.
#[test]
#[ignore = "no test: the others start this program as their server, and run by itself it waits for input"]
fn gated() {
    use std::io::{BufRead as _, Read as _, Write as _};
    for line in std::io::stdin().lock().lines() {
        let message: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let say = |message: Value| writeln!(std::io::stdout(), "{message}").unwrap();
        let params = &message["params"];
        let result = match message["method"].as_str() {
            Some("initialize") => json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                "serverInfo": {"name": "gated", "version": "1"}}),
            Some("tools/list") => json!({"tools": [{"name": "wait", "inputSchema": {"type": "object"}}]}),
            Some("tools/call") => {
                say(json!({"jsonrpc": "2.0", "method": "notifications/progress",
                    "params": {"progressToken": params["_meta"]["progressToken"], "progress": 1}}));
                let gate = params["arguments"]["gate"].as_str().unwrap();
                let mut gate = std::os::unix::net::UnixStream::connect(gate).unwrap();
                gate.read_to_end(&mut Vec::new()).unwrap();
                json!({"content": [{"type": "text", "text": "past the gate"}]})
            }
            _ if message["id"].is_null() => continue,
            _ => json!({}),
        };
        say(json!({"jsonrpc": "2.0", "id": message["id"], "result": result}));
    }
}

/// Not a test: the echo server, which writes down that it was started.
#[tokio::test]
#[ignore = "no test: the others start this program as their server, and run by itself it waits for input"]
async fn counted() {
    use std::io::Write as _;
    let path = std::env::var("STARTS").unwrap();
    let mut starts = std::fs::File::options().append(true).create(true).open(path).unwrap();
    starts.write_all(b"started\n").unwrap();
    doorward_servers::echo::serve_stdio().await.unwrap();
}

// A slow server that is started twice has lost a client whose question is good for ten seconds.
#[tokio::test]
async fn a_server_of_2026_is_started_once() {
    let folder = tempfile::tempdir().unwrap();
    let starts = folder.path().join("starts");
    let env = vec![("STARTS".to_owned(), starts.display().to_string())];
    let mut desk = Desk::with("counted", EraRule::Auto, With { env, ..With::default() }).await;
    for (id, method, params) in [
        (1, "server/discover", json!({})),
        (2, "tools/list", json!({})),
        (3, "tools/call", json!({"name": "echo", "arguments": {"text": "x", "n": 1}})),
    ] {
        desk.say(&modern(id, method, params)).await;
        let answer = desk.heard().await;
        assert!(answer["id"] == id && answer["result"].is_object(), "{answer}");
    }
    assert_eq!(std::fs::read_to_string(&starts).unwrap(), "started\n");
    assert_eq!(desk.leave().await.0, Ended::ClientLeft);
}

#[tokio::test]
async fn a_client_of_2025_calls_and_is_asked() {
    let mut desk = Desk::open("child", EraRule::Both, "").await;
    desk.say(&initialize(json!({"elicitation": {"form": {}}}))).await;
    let hello = desk.heard().await;
    assert_eq!(hello["result"]["protocolVersion"], "2025-11-25", "{hello}");
    desk.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
    desk.say(&json!({"jsonrpc": "2.0", "id": "l", "method": "tools/list"})).await;
    let list = desk.heard().await;
    assert_eq!(list["id"], "l");
    assert!(list["result"]["tools"].as_array().unwrap().len() > 3, "{list}");
    desk.say(&call(7, "echo", json!({"text": "hello", "n": 1}))).await;
    let answer = desk.heard().await;
    assert!(answer["id"] == 7 && answer["result"].to_string().contains("hello"), "{answer}");
    desk.say(&call(8, "ask", json!({}))).await;
    let question = desk.heard().await;
    assert_eq!(question["method"], "elicitation/create", "{question}");
    let name = json!({"action": "accept", "content": {"name": "Ada"}});
    desk.say(&json!({"jsonrpc": "2.0", "id": question["id"], "result": name})).await;
    let answer = desk.heard().await;
    assert!(answer["id"] == 8 && answer["result"].to_string().contains("Ada"), "{answer}");
    let (ended, records) = desk.leave().await;
    assert_eq!(ended, Ended::ClientLeft);
    let tools: Vec<_> =
        records.iter().filter(|record| record["kind"] == "intent").map(|record| &record["tool"]).collect();
    assert!(tools.contains(&&json!("echo")) && tools.contains(&&json!("ask")), "{records:?}");
}

#[tokio::test]
async fn a_client_of_2026_calls_without_a_greeting_and_gives_up() {
    let mut desk = Desk::open("child", EraRule::Both, "").await;
    desk.say(&modern(1, "tools/call", json!({"name": "echo", "arguments": {"text": "hi", "n": 2}}))).await;
    let answer = desk.heard().await;
    assert!(answer["id"] == 1 && answer["result"].to_string().contains("hi"), "{answer}");
    desk.say(&modern(2, "tools/call", json!({"name": "hold", "arguments": {}}))).await;
    desk.recorded("the call has left", |records| {
        records.iter().any(|record| record["kind"] == "intent" && record["tool"] == "hold")
    })
    .await;
    desk.say(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 2}}))
        .await;
    desk.recorded("that it was given up is recorded", |records| {
        records.iter().any(|record| record["result"] == "aborted")
    })
    .await;
    // Nothing answers what was given up; what comes next is answered.
    desk.say(&modern(3, "tools/call", json!({"name": "echo", "arguments": {"text": "on", "n": 2}}))).await;
    assert_eq!(desk.heard().await["id"], 3);
    assert_eq!(desk.leave().await.0, Ended::ClientLeft);
}

#[tokio::test]
async fn a_client_of_2026_is_carried_to_a_server_of_2025_that_asks() {
    let mut desk = Desk::open("child", EraRule::Legacy, "").await;
    let ask = |state: Option<&Value>| {
        let mut params = json!({"name": "ask", "arguments": {}});
        if let Some(state) = state {
            params["requestState"] = state.clone();
            params["inputResponses"] = json!({});
        }
        params
    };
    let mut asked = modern(1, "tools/call", ask(None));
    asked["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
        json!({"elicitation": {"form": {}}});
    desk.say(&asked).await;
    let round = desk.heard().await;
    assert_eq!(round["result"]["resultType"], "input_required", "{round}");
    let (key, _) = round["result"]["inputRequests"].as_object().unwrap().iter().next().unwrap();
    let mut again = modern(2, "tools/call", ask(Some(&round["result"]["requestState"])));
    again["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
        json!({"elicitation": {"form": {}}});
    again["params"]["inputResponses"][key] = json!({"action": "accept", "content": {"name": "Ada"}});
    desk.say(&again).await;
    let answer = desk.heard().await;
    assert!(answer["id"] == 2 && answer["result"].to_string().contains("Ada"), "{answer}");
    desk.leave().await;
}

// control: D-28: what no policy permits is neither listed nor called at home either; with the starter policy it is
#[tokio::test]
async fn policies_hold_at_home() {
    let only_echo = r#"@id("echo") permit (principal, action == Action::"kid/echo", resource);"#;
    for (policies, expected) in [("", true), (only_echo, false)] {
        let mut desk = Desk::open("child", EraRule::Both, policies).await;
        desk.hello().await;
        desk.say(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"})).await;
        assert_eq!(desk.heard().await.to_string().contains("\"big\""), expected);
        desk.say(&call(3, "big", json!({"bytes": 10}))).await;
        let answer = desk.heard().await;
        assert_eq!(answer["result"].is_object(), expected, "{answer}");
        let (_, records) = desk.leave().await;
        let refused =
            records.iter().any(|record| record["kind"] == "refused" && record["reason"] == "tool-unseen");
        assert_eq!(refused, !expected);
    }
}

// control: LOC-05: a crash is one error for each call that waits, and the end of the guard, recorded
#[tokio::test]
async fn the_end_of_the_server_is_told_to_everybody_who_waits() {
    let mut desk = Desk::open("short_lived", EraRule::Legacy, "").await;
    desk.hello().await;
    desk.say(&call(5, "die", json!({}))).await;
    let answer = desk.heard().await;
    assert!(answer["id"] == 5 && answer["error"].is_object(), "{answer}");
    let (ended, records) = desk.end().await;
    assert_eq!(ended, Ended::ServerGone);
    let outcome = records.iter().rfind(|record| record["kind"] == "outcome" && record["result"] == "failed");
    assert!(outcome.is_some(), "{records:?}");
}

#[tokio::test]
async fn what_is_no_message_is_answered_or_passed_over() {
    let mut desk = Desk::open("child", EraRule::Both, "").await;
    for line in ["garbage", "[]", "\u{feff}{}", "{\"jsonrpc\":\"2.0\",\"method\":\"tools/call\"}"] {
        desk.line(line.as_bytes()).await;
    }
    desk.line(b"\xff\xfe").await;
    desk.line(&[vec![b'"'; 5 << 20], vec![b' ']].concat()).await;
    // Two members of one name, and a call before there is a session.
    desk.line(br#"{"jsonrpc":"2.0","id":1,"id":2,"method":"tools/list"}"#).await;
    desk.say(&call(4, "echo", json!({"text": "x", "n": 1}))).await;
    let refused = desk.heard().await;
    assert!(refused["id"] == 4 && refused["error"].is_object(), "{refused}");
    desk.hello().await;
    desk.say(&call(9, "echo", json!({"text": "x", "n": 1}))).await;
    assert_eq!(desk.heard().await["id"], 9);
    assert_eq!(desk.leave().await.0, Ended::ClientLeft);
}

// control: LOC-05: standard output carries MCP alone, one message a line, however much the server says at once
#[tokio::test]
async fn many_events_are_as_many_lines() {
    let mut desk = Desk::open("child", EraRule::Both, "").await;
    desk.hello().await;
    let mut burst = call(3, "burst", json!({"events": 500}));
    burst["params"]["_meta"] = json!({"progressToken": "p"});
    desk.say(&burst).await;
    let mut steps = 0;
    loop {
        let heard = desk.heard().await;
        if heard["id"] == 3 {
            break;
        }
        assert!(heard["method"].is_string(), "{heard}");
        steps += 1;
    }
    assert_eq!(steps, 500);
    desk.leave().await;
}

#[tokio::test]
async fn what_is_piped_in_at_once_is_answered_before_the_end() {
    let mut desk = Desk::open("child", EraRule::Both, "").await;
    desk.say(&initialize(json!({}))).await;
    desk.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
    desk.say(&call(2, "echo", json!({"text": "x", "n": 1}))).await;
    desk.close_input().await;
    let ids: Vec<_> =
        [desk.heard().await, desk.heard().await].iter().map(|heard| heard["id"].clone()).collect();
    assert_eq!(ids, [1, 2]);
    assert_eq!(desk.end().await.0, Ended::ClientLeft);
}

// control: LOC-05: a client that greets or listens twice has not lost its server, and what is no answer is not answered
#[tokio::test]
async fn what_a_client_does_twice_ends_nothing() {
    let mut desk = Desk::open("child", EraRule::Both, "").await;
    desk.hello().await;
    for _ in 0..3 {
        desk.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
    }
    // A response that nobody asked for has the id of a request of the client's own: an error under it would be taken for
    // that request's answer.
    desk.say(&json!({"jsonrpc": "2.0", "id": 6, "result": {"action": "accept"}})).await;
    desk.say(&call(6, "echo", json!({"text": "first", "n": 1}))).await;
    let answer = desk.heard().await;
    assert!(answer["id"] == 6 && answer["result"].is_object(), "{answer}");
    // A second greeting is a new session; the server goes on.
    desk.hello().await;
    desk.say(&call(7, "echo", json!({"text": "second", "n": 1}))).await;
    let answer = desk.heard().await;
    assert!(answer["id"] == 7 && answer["result"].is_object(), "{answer}");
    let (ended, records) = desk.leave().await;
    assert_eq!(ended, Ended::ClientLeft);
    assert!(records.iter().any(|record| record["reason"] == "unasked-response"), "{records:?}");
}

#[tokio::test]
async fn requests_without_end_are_refused_and_answers_get_through() {
    let mut desk = Desk::open("child", EraRule::Both, "").await;
    desk.hello().await;
    for id in 0..300 {
        desk.say(&call(id, "hold", json!({}))).await;
    }
    let refused = desk.heard().await;
    assert_eq!(refused["error"]["code"], -32000, "{refused}");
    // On their way: before that there is nothing to cancel.
    desk.recorded("the calls", |records| {
        records.iter().filter(|record| record["kind"] == "intent" && record["tool"] == "hold").count() == 256
    })
    .await;
    // A cancellation is heard all the same.
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 0}});
    desk.say(&cancel).await;
    desk.recorded("the cancellation", |records| {
        records.iter().any(|record| record["method"] == "notifications/cancelled")
    })
    .await;
    // Whoever left now would be waited for, as long as their calls may take to end.
}

#[tokio::test]
async fn two_guards_of_one_name_keep_logs_of_their_own() {
    let first = Desk::open("child", EraRule::Both, "").await;
    let mut second = first.another("child", EraRule::Both).await;
    assert_ne!(first.log, second.log);
    second.hello().await;
    assert_eq!(second.leave().await.0, Ended::ClientLeft);
    assert_eq!(first.leave().await.0, Ended::ClientLeft);
}

#[tokio::test]
async fn a_client_that_reads_no_more_ends_the_guard() {
    let mut desk = Desk::open("child", EraRule::Both, "").await;
    desk.hello().await;
    desk.stop_reading();
    desk.say(&call(2, "echo", json!({"text": "x", "n": 1}))).await;
    let ended = tokio::time::timeout(Duration::from_secs(20), desk.end()).await.unwrap();
    assert_eq!(ended.0, Ended::ClientLeft);
}

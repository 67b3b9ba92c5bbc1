use std::time::Duration;

use http_body_util::BodyExt as _;
use serde_json::json;
use tokio::sync::mpsc;

use super::*;
use crate::testing::{Reply, frames, initialize, modern, post, send};

type Headers<'a> = &'a [(&'a str, &'a str)];

async fn echo() -> Running {
    start_with(Options { transcript: true, ..Options::default() }).await.unwrap()
}

fn call(id: &str, tool: &str, arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#
    )
}

#[tokio::test]
async fn a_legacy_client_is_answered_in_its_session() {
    let server = echo().await;
    let session = initialize(&server.url()).await;
    let headers = [("mcp-session-id", session.as_str()), ("mcp-protocol-version", "2025-11-25")];
    let reply =
        post(&server.url(), &headers, &call("\"a-7\"", "echo", r#"{"text":"a\"b\u00e9","n":1}"#)).await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.json(),
        json!({"jsonrpc": "2.0", "id": "a-7", "result": {"content": [{"type": "text", "text": "a\"bé"}], "isError": false}})
    );
    let ping =
        post(&server.url(), &headers, r#"{"jsonrpc":"2.0","id":12345678901234567890,"method":"ping"}"#).await;
    assert_eq!(ping.text, r#"{"jsonrpc":"2.0","id":12345678901234567890,"result":{}}"#);
    let list =
        post(&server.url(), &headers, r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#).await.json();
    assert_eq!(list["result"]["tools"][0]["name"], "echo");
    let unknown = post(&server.url(), &headers, r#"{"jsonrpc":"2.0","id":3,"method":"no/such"}"#).await;
    assert_eq!((unknown.status, &unknown.json()["error"]["code"]), (200, &json!(-32601)));
}

#[tokio::test]
async fn sessions_are_asked_for_and_end() {
    let server = echo().await;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    assert_eq!(post(&server.url(), &[], ping).await.status, 400);
    assert_eq!(post(&server.url(), &[("mcp-session-id", "stolen")], ping).await.status, 404);
    let session = initialize(&server.url()).await;
    assert_eq!(server.sessions(), std::slice::from_ref(&session));
    let headers = [("mcp-session-id", session.as_str())];
    assert_eq!(send("DELETE", &server.url(), &headers, "").await.status(), 200);
    assert_eq!(post(&server.url(), &headers, ping).await.status, 404);
    assert_eq!(server.sessions(), Vec::<String>::new());
}

#[tokio::test]
async fn a_modern_client_is_answered_without_a_session() {
    let server = echo().await;
    let reply =
        modern(&server.url(), "tools/call", json!({"name": "echo", "arguments": {"text": "hi", "n": 1}}))
            .await;
    let result = &reply.json()["result"];
    assert_eq!(result["resultType"], "complete");
    assert_eq!(result["content"][0]["text"], "hi");
    assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "doorward-echo");
    assert_eq!(result.get("ttlMs"), None);
    let list = modern(&server.url(), "tools/list", json!({})).await.json();
    assert_eq!((&list["result"]["ttlMs"], &list["result"]["cacheScope"]), (&json!(60_000), &json!("public")));
    let discovered = modern(&server.url(), "server/discover", json!({})).await.json();
    assert_eq!(discovered["result"]["supportedVersions"], json!(["2026-07-28"]));
    let ping = modern(&server.url(), "ping", json!({})).await;
    assert_eq!((ping.status, &ping.json()["error"]["code"]), (404, &json!(-32601)));
}

#[tokio::test]
async fn a_modern_request_must_agree_with_its_headers() {
    let server = echo().await;
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"echo","arguments":{{"text":"x","n":1}},{meta}}}}}"#
    );
    let bare = body.replace(r#","io.modelcontextprotocol/clientCapabilities":{}"#, "");
    let other = body.replace("2026-07-28", "2099-01-01");
    let good = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "echo")];
    let (version, method, name) = (good[0], good[1], good[2]);
    let table: [(&str, Headers<'_>, &str, i64); 8] = [
        ("no version header", &[method, name], &body, -32020),
        (
            "another version in the header",
            &[("mcp-protocol-version", "2025-11-25"), method, name],
            &body,
            -32020,
        ),
        ("a version nobody serves", &[("mcp-protocol-version", "2099-01-01"), method, name], &other, -32022),
        ("no client capabilities", &good, &bare, -32602),
        ("no method header", &[version, name], &body, -32020),
        ("another method", &[version, ("mcp-method", "tools/list"), name], &body, -32020),
        ("another name", &[version, method, ("mcp-name", "big")], &body, -32020),
        ("bad base64", &[version, method, ("mcp-name", "=?base64?*?=")], &body, -32020),
    ];
    for (what, headers, body, code) in table {
        let reply = post(&server.url(), headers, body).await;
        assert_eq!((reply.status, &reply.json()["error"]["code"]), (400, &json!(code)), "{what}");
    }
    let sentinel = [version, method, ("mcp-name", "=?base64?ZWNobw==?=")];
    assert_eq!(post(&server.url(), &sentinel, &body).await.status, 200);
}

#[tokio::test]
async fn what_is_no_message_is_refused() {
    let server = echo().await;
    for (body, code) in
        [("", -32700), ("7", -32700), ("[]", -32600), ("{}", -32600), (r#"{"method":7}"#, -32600)]
    {
        let reply = post(&server.url(), &[], body).await;
        assert_eq!((reply.status, &reply.json()["error"]["code"]), (400, &json!(code)), "{body}");
    }
    assert_eq!(post(&format!("http://{}/other", server.addr), &[], "{}").await.status, 404);
    assert_eq!(send("PUT", &server.url(), &[], "{}").await.status(), 405);
}

#[tokio::test]
async fn one_era_servers_turn_the_other_away() {
    let legacy = start_with(Options { eras: Eras::Legacy, ..Options::default() }).await.unwrap();
    let probe = modern(&legacy.url(), "server/discover", json!({})).await;
    assert_eq!((probe.status, &probe.json()["error"]["code"]), (400, &json!(-32000)));
    let new = start_with(Options { eras: Eras::Modern, ..Options::default() }).await.unwrap();
    let initialize =
        post(&new.url(), &[], r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#).await;
    assert_eq!((initialize.status, &initialize.json()["error"]["code"]), (400, &json!(-32022)));
    assert_eq!(send("GET", &new.url(), &[], "").await.status(), 405);
}

#[tokio::test]
async fn a_burst_is_one_event_a_notification_and_then_the_result() {
    let server = echo().await;
    let session = initialize(&server.url()).await;
    let headers = [("mcp-session-id", session.as_str())];
    let reply = post(&server.url(), &headers, &call("9", "burst", r#"{"events":1000}"#)).await;
    assert_eq!(reply.headers["content-type"], "text/event-stream");
    let events = reply.events();
    assert_eq!(events.len(), 1001);
    assert_eq!(events[999]["params"]["data"]["event"], 1000);
    assert_eq!(events[1000]["id"], 9);
    let with_token = call("9", "burst", r#"{"events":2}"#)
        .replace("\"name\"", "\"_meta\":{\"progressToken\":\"t\"},\"name\"");
    let events = post(&server.url(), &headers, &with_token).await.events();
    assert_eq!(events[1]["params"], json!({"progressToken": "t", "progress": 2, "total": 2}));
}

#[tokio::test]
async fn each_event_of_a_burst_is_a_chunk_of_its_own() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let server = echo().await;
    let session = initialize(&server.url()).await;
    let body = call("9", "burst", r#"{"events":3}"#);
    let mut stream = tokio::net::TcpStream::connect(server.addr).await.unwrap();
    let request = format!(
        "POST /mcp HTTP/1.1\r\nhost: x\r\nconnection: close\r\nmcp-session-id: {session}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer.matches("\r\nevent: message\n").count(), 4, "{answer}");
}

#[tokio::test]
async fn a_call_is_held_until_it_is_released_or_cancelled_or_abandoned() {
    let server = echo().await;
    let url = server.url();
    let session = initialize(&url).await;
    let headers = [("mcp-session-id", session.as_str())];

    let held = async { post(&url, &headers, &call("1", "hold", "{}")).await };
    let release = async {
        server.until_calls(1).await;
        server.release();
    };
    let (reply, ()) = tokio::join!(held, release);
    assert_eq!(reply.json()["result"]["content"][0]["text"], "released");

    let held = async { post(&url, &headers, &call("2", "hold", "{}")).await };
    let cancel = async {
        server.until_calls(1).await;
        let body = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}"#;
        assert_eq!(post(&url, &headers, body).await.status, 202);
    };
    let (reply, ()) = tokio::join!(held, cancel);
    assert_eq!((reply.status, reply.text.as_str()), (200, ""));

    let body = call("3", "hold", "{}");
    tokio::select! {
        _ = send("POST", &url, &headers, &body) => panic!("it was never released"),
        () = server.until_calls(1) => {}
    }
    server.until_calls(0).await;
}

#[tokio::test]
async fn slow_big_and_failing_tools_do_as_they_say() {
    let server = echo().await;
    let session = initialize(&server.url()).await;
    let headers = [("mcp-session-id", session.as_str())];
    let texts = [
        ("sleep", r#"{"milliseconds":1}"#, "slept 1 ms".to_owned(), false),
        ("big", r#"{"bytes":70000}"#, "x".repeat(70_000), false),
        ("fail", "{}", "This tool always fails.".to_owned(), true),
        ("echo", r#"{"text":7}"#, "text must be a string.".to_owned(), true),
    ];
    for (tool, arguments, text, is_error) in texts {
        let reply = post(&server.url(), &headers, &call("1", tool, arguments)).await.json();
        assert_eq!(reply["result"]["content"][0]["text"], json!(text), "{tool}");
        assert_eq!(reply["result"]["isError"], json!(is_error), "{tool}");
    }
    let unknown = post(&server.url(), &headers, &call("1", "no_such", "{}")).await.json();
    assert_eq!(unknown["error"]["code"], -32602);
}

#[tokio::test]
async fn a_session_has_one_stream_and_gets_what_is_pushed() {
    let server = echo().await;
    let session = initialize(&server.url()).await;
    let headers = [("mcp-session-id", session.as_str()), ("accept", "text/event-stream")];
    assert!(!server.push(&session, "{}").await, "no stream is open yet");
    let mut stream = send("GET", &server.url(), &headers, "").await;
    assert_eq!(stream.status(), 200);
    assert_eq!(send("GET", &server.url(), &headers, "").await.status(), 409);
    assert_eq!(server.announce("notifications/tools/list_changed", "{}").await, 1);
    let event = stream.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(frames(std::str::from_utf8(&event).unwrap())[0]["method"], "notifications/tools/list_changed");
    drop(stream);
    server.until_streams(0).await;
}

#[tokio::test]
async fn a_subscription_is_acknowledged_and_tagged() {
    let server = echo().await;
    let body = r#"{"jsonrpc":"2.0","id":"s","method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
    let headers = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "subscriptions/listen")];
    let mut stream = send("POST", &server.url(), &headers, body).await;
    let mut next = async || {
        let event = stream.frame().await.unwrap().unwrap().into_data().unwrap();
        frames(std::str::from_utf8(&event).unwrap()).remove(0)
    };
    let first = next().await;
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(first["params"]["notifications"], json!({"toolsListChanged": true}));
    assert_eq!(server.announce("notifications/prompts/list_changed", "{}").await, 0, "nobody asked for it");
    assert_eq!(server.announce("notifications/tools/list_changed", "{}").await, 1);
    assert_eq!(next().await["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], "s");
}

#[tokio::test]
async fn a_question_reaches_the_client_and_its_answer_the_tool() {
    let server = echo().await;
    let session = initialize(&server.url()).await;
    let headers = [("mcp-session-id", session.as_str())];
    let mut stream = send("POST", &server.url(), &headers, &call("1", "ask", "{}")).await;
    let event = stream.frame().await.unwrap().unwrap().into_data().unwrap();
    let question = frames(std::str::from_utf8(&event).unwrap()).remove(0);
    assert_eq!(question["method"], "elicitation/create");
    let answer = json!({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": {"name": "Ada"}}});
    assert_eq!(post(&server.url(), &headers, &answer.to_string()).await.status, 202);
    let rest = Reply::read(stream).await;
    assert_eq!(rest.events()[0]["result"]["content"][0]["text"], "Hello, Ada.");

    let first = modern(&server.url(), "tools/call", json!({"name": "ask"})).await.json();
    assert_eq!(first["result"]["resultType"], "input_required");
    let retry = json!({"name": "ask", "requestState": first["result"]["requestState"],
        "inputResponses": {"name": {"action": "accept", "content": {"name": "Ada"}}}});
    let second = modern(&server.url(), "tools/call", retry).await.json();
    assert_eq!(second["result"]["content"][0]["text"], "Hello, Ada.");
}

#[tokio::test]
async fn the_transcript_holds_every_request_whole() {
    let server = echo().await;
    post(&server.url(), &[("authorization", "Bearer canary")], r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#)
        .await;
    let transcript = server.transcript();
    let [only] = transcript.as_slice() else { panic!("{transcript:?}") };
    assert_eq!((only.verb.as_str(), only.path.as_str()), ("POST", "/mcp"));
    assert_eq!(only.header("authorization"), Some("Bearer canary"));
    assert_eq!(only.method().as_deref(), Some("ping"));
    assert!(only.contains("canary") && !only.contains("absent"));
    server.clear_transcript();
    assert!(server.transcript().is_empty());
}

#[tokio::test]
async fn the_same_server_speaks_over_a_pipe() {
    let state = State::new(false);
    let (lines, input) = mpsc::channel(8);
    let (out, mut output) = mpsc::channel(8);
    let serving = tokio::spawn(stdio::serve(Echo { state: state.clone() }, state.clone(), input, out));
    let mut frame = async |line: String| {
        lines.send(line.into()).await.unwrap();
        let next = tokio::time::timeout(Duration::from_secs(10), output.recv()).await.unwrap().unwrap();
        serde_json::from_slice::<serde_json::Value>(&next).unwrap()
    };
    let opened = frame(
        r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2024-01-01"}}"#.into(),
    );
    assert_eq!(opened.await["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(frame(call("1", "echo", r#"{"text":"x","n":1}"#)).await["result"]["content"][0]["text"], "x");
    assert_eq!(frame("nonsense".into()).await["error"]["code"], -32700);
    let envelope = r#"{"jsonrpc":"2.0","id":2,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"#;
    assert_eq!(frame(envelope.into()).await["result"]["resultType"], "complete");
    let future = envelope.replace("2026-07-28", "2099-01-01");
    assert_eq!(frame(future).await["error"]["code"], -32022);
    lines.send(call("3", "hold", "{}").into()).await.unwrap();
    state.calls.subscribe().wait_for(|held| *held == 1).await.unwrap();
    let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3}}"#;
    lines.send(cancel.into()).await.unwrap();
    state.calls.subscribe().wait_for(|held| *held == 0).await.unwrap();
    drop(lines);
    serving.await.unwrap();
    assert_eq!(output.recv().await, None, "a cancelled call has no answer");
}

#[tokio::test]
async fn it_listens_on_loopback_only() {
    assert!(start(SocketAddr::from(([0, 0, 0, 0], 0))).await.is_err());
}

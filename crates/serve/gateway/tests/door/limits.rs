//! Bounds: bodies, headers, sessions, calls (D-11, S33).

use http::{Method, StatusCode};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::client::{call, initialize, raw};
use crate::scripted;
use crate::support::{House, Plan, eventually};

const ALL: &str = "@id(\"all\")\npermit (principal in Role::\"Reader\", action, resource);";

// control: T-23, D-11, NET-05: a body beyond its bound is refused before it is read, whether it says its length or not, and a head beyond its own ends in the HTTP layer
#[tokio::test]
async fn what_is_too_large_is_refused_unread() {
    let plan =
        Plan { more: "[limits]\nrequest_bytes = \"16KiB\"\nheader_bytes = \"8KiB\"", ..Plan::default() };
    let house = House::with(plan).await.acquainted().await;
    let mut alice = house.client("alice");
    alice.hello().await;
    house.echo.clear_transcript();
    let at_most = |bytes: usize| {
        let frame = call(1, "echo", json!({"text": "", "n": 1})).to_string();
        frame.replace("\"text\":\"\"", &format!("\"text\":\"{}\"", "x".repeat(bytes - frame.len())))
    };
    let fits = alice.send(alice.request(Method::POST, at_most(16 << 10))).await;
    assert_eq!(fits.status, StatusCode::OK, "{:?}", fits.body);
    let over = alice.send(alice.request(Method::POST, at_most((16 << 10) + 1))).await;
    assert_eq!(over.status, StatusCode::PAYLOAD_TOO_LARGE);
    let head = |more: &str| {
        format!(
            "POST /echo/mcp HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\nconnection: close\r\n{more}\r\n",
            alice.address,
            alice.token.as_deref().unwrap()
        )
    };
    // Announced and never sent; in chunks, with no length to believe.
    let announced = raw(alice.address, head("content-length: 99999999999\r\n").as_bytes()).await;
    assert_eq!(announced.0, 413);
    let chunks: String = (0..40).map(|_| format!("1000\r\n{}\r\n", "x".repeat(4096))).collect();
    let chunked =
        raw(alice.address, format!("{}{chunks}0\r\n\r\n", head("transfer-encoding: chunked\r\n")).as_bytes())
            .await;
    assert_eq!(chunked.0, 413);
    let flooded =
        raw(alice.address, head(&format!("x-flood: {}\r\n", "x".repeat(64 << 10))).as_bytes()).await;
    assert_eq!(flooded.0, 431);
    let many: String = (0..300).map(|at| format!("x-{at}: 1\r\n")).collect();
    assert_eq!(raw(alice.address, head(&many).as_bytes()).await.0, 431);
    assert_eq!(house.refusals(), ["body-too-large"; 3]);
    assert_eq!(house.records("intent").iter().filter(|intent| intent["method"] == "tools/call").count(), 1);
}

// control: T-05, NET-08: bytes that two readers could part differently are refused before there is a request
#[tokio::test]
async fn smuggled_requests_do_not_part() {
    let house = House::new().await.acquainted().await;
    let alice = house.client("alice");
    let head = format!(
        "POST /echo/mcp HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\n",
        alice.address,
        alice.token.as_deref().unwrap()
    );
    let inner = initialize(json!({})).to_string();
    let attacks = [
        format!("{head}content-length: 5\r\ncontent-length: 6\r\n\r\n{inner}"),
        format!("{head}content-length: +5\r\n\r\n{inner}"),
        format!("{head}content-length: 5, 5\r\n\r\n{inner}"),
        format!("{head}transfer-encoding: chunked, identity\r\n\r\n{inner}"),
        format!("{head}transfer-encoding: xchunked\r\n\r\n{inner}"),
        format!("{head}content-length : 5\r\n\r\n{inner}"),
        format!("{head}transfer-encoding: chunked\r\n\r\nZZ\r\n{inner}\r\n0\r\n\r\n"),
        format!("{head}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n{inner}"),
        format!("{}\r\nx: y\r\n\r\n{inner}", head.replace("\r\nhost", "\r\n host")),
        format!("{head}x-a: b\rx-b: c\r\n\r\n{inner}"),
    ];
    for attack in &attacks {
        let (status, ..) = raw(alice.address, attack.as_bytes()).await;
        assert!(status == 400 || status == 0, "{status}: {attack:?}");
    }
    assert_eq!(house.echo.transcript(), []);
}

// control: RAT-03: a person holds so many sessions and no more, the door too; the place of an ended one is free again
#[tokio::test]
async fn sessions_are_bounded_for_each_and_for_all() {
    let plan = Plan { more: "[limits]\nsessions = 3\nsessions_per_person = 2", ..Plan::default() };
    let house = House::with(plan).await.acquainted().await;
    let mut open = Vec::new();
    for user in ["alice", "alice", "bob"] {
        let mut client = house.client(user);
        assert_eq!(client.hello().await.status, StatusCode::OK);
        open.push(client);
    }
    for user in ["alice", "carol"] {
        let heard = house.client(user).post(&initialize(json!({}))).await;
        assert_eq!(heard.status, StatusCode::SERVICE_UNAVAILABLE, "{user}");
        assert!(heard.headers.contains_key("retry-after") && !heard.headers.contains_key("mcp-session-id"));
    }
    assert_eq!(
        (house.door.door().sessions(), house.echo.sessions().len()),
        (3, 3),
        "none was opened behind the door"
    );
    let first = open.remove(0);
    assert_eq!(first.send(first.request(Method::DELETE, "")).await.status, StatusCode::OK);
    assert_eq!(house.client("alice").post(&initialize(json!({}))).await.status, StatusCode::OK);
}

// control: RAT-04, D-09: a caller who goes away while a session opens leaves no place taken, and an outcome
#[tokio::test]
async fn a_session_that_nobody_waits_for_takes_no_place() {
    // It opens a session on a stream, as it may, and then says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                while let Some(message) = scripted::message(&mut stream).await {
                    if message["method"] == "initialize" {
                        stream.write_all(scripted::STREAM_HEAD).await.ok()?;
                        stream.write_all(b": wait\n\n").await.ok()?;
                    } else {
                        scripted::list(&mut stream, &message, "any").await?;
                    }
                }
                Some(())
            });
        }
    });
    let upstreams = [("slow", url)];
    let plan = Plan {
        policies: ALL,
        upstreams: &upstreams,
        server: "era = \"both\"",
        more: "[limits]\nsessions_per_person = 2",
        ..Plan::default()
    };
    let house = House::with(plan).await.acquainted().await;
    let alice = house.client("alice").at("/slow/mcp");
    for round in 1..=4 {
        let client = alice.clone();
        let waiting = tokio::spawn(async move { client.post(&initialize(json!({}))).await });
        eventually("her session is being opened", || house.records("intent").len() == round).await;
        waiting.abort();
        eventually("the outcome is recorded", || house.records("outcome").len() == round).await;
        assert_eq!(house.door.door().sessions(), 0, "round {round}");
    }
    assert!(house.records("outcome").iter().all(|outcome| outcome["result"] == "aborted"));
}

// control: RAT-04, T-34: beyond its bound of calls the door says when to come back, and those who are in are served
#[tokio::test]
async fn calls_at_once_are_bounded() {
    let plan = Plan { more: "[limits]\nconcurrent_calls = 2", ..Plan::default() };
    let house = House::with(plan).await.acquainted().await;
    let mut alice = house.client("alice");
    alice.hello().await;
    let hold = |id: i64| {
        let client = alice.clone();
        tokio::spawn(async move { client.post(&call(id, "hold", json!({}))).await })
    };
    let held = [hold(1), hold(2)];
    house.echo.until_calls(2).await;
    let heard = alice.post(&call(3, "hold", json!({}))).await;
    assert_eq!(heard.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(heard.headers.contains_key("retry-after"));
    house.echo.release();
    for held in held {
        assert_eq!(held.await.unwrap().response()["result"]["content"][0]["text"], "released");
    }
    assert_eq!(alice.post(&call(3, "echo", json!({"text": "x", "n": 1}))).await.status, StatusCode::OK);
}

//! The whole door, over HTTP: what goes through, and what does not.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "what does not hold is a failed test, in helpers too"
)]

mod advice;
mod approvals;
mod audit;
mod bridges;
mod bridges_attacked;
mod budgets;
mod client;
mod credentials;
mod documents;
mod downstream;
mod elicitation;
mod entities;
mod flow;
mod frames;
mod injected;
mod injected_elsewhere;
mod leaks;
mod limits;
mod listeners;
mod metrics;
mod modern;
mod old_patience;
mod old_transport;
mod payloads;
mod pins;
mod places;
mod poisoned;
mod proxies;
mod replays;
mod resumed;
mod revocations;
mod rules;
mod scripted;
mod server_requests;
mod sessions;
mod shared;
mod shifty;
mod siblings;
mod sign_in;
mod spotlit;
mod stdio;
mod streams;
mod support;
mod tasks;
mod tls;
mod tokens;
mod unread;
mod upstreams;
mod visibility;

use client::signature;
use http::{Method, StatusCode};
use serde_json::json;
use support::House;

#[tokio::test]
async fn a_legacy_client_signs_in_lists_and_calls() {
    let house = House::new().await;
    let mut alice = house.client("alice");
    let hello = alice.hello().await;
    assert_eq!(hello.status, StatusCode::OK, "{:?}", hello.body);
    assert_eq!(hello.response()["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(hello.response()["id"], 1);
    let list = alice.post(&json!({"jsonrpc": "2.0", "id": "l", "method": "tools/list"})).await;
    let names: Vec<_> = list.response()["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["echo", "burst", "sleep", "hold", "ask"], "what she may not call is not listed");
    let called = alice.call("echo", json!({"text": "hello", "n": 1})).await;
    assert_eq!(called.status, StatusCode::OK, "{:?}", called.body);
    assert_eq!(called.response()["id"], 7);
    assert!(called.response()["result"].to_string().contains("hello"));
    let left = alice.send(alice.request(Method::DELETE, "")).await;
    assert_eq!(left.status, StatusCode::OK);
    assert_eq!(alice.call("echo", json!({"text": "hello", "n": 1})).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_modern_client_lists_and_calls_without_a_session() {
    let house = House::new().await;
    let alice = house.client("alice");
    let list = alice.modern("tools/list", json!({})).await;
    assert_eq!(list.status, StatusCode::OK, "{:?}", list.body);
    assert_eq!(
        list.response()["result"]["cacheScope"],
        "private",
        "a list made for one person is not shared"
    );
    assert_eq!(list.response()["id"], "m-1");
    let called =
        alice.modern("tools/call", json!({"name": "echo", "arguments": {"text": "hi", "n": 2}})).await;
    assert!(called.response()["result"].to_string().contains("hi"), "{:?}", called.body);
    assert_eq!(called.response()["result"]["resultType"], "complete");
}

// control: A-08: the caller's token reaches no server, in no header and no body
#[tokio::test]
async fn the_inbound_token_reaches_no_server() {
    let house = House::new().await;
    let mut alice = house.client("alice");
    alice.hello().await;
    alice.call("echo", json!({"text": "hello", "n": 1})).await;
    alice.modern("tools/call", json!({"name": "echo", "arguments": {"text": "hi", "n": 2}})).await;
    let token = alice.token.clone().unwrap();
    let seen = house.echo.transcript();
    assert!(seen.iter().any(|request| request.method().as_deref() == Some("tools/call")));
    for request in &seen {
        assert!(!request.contains(signature(&token)), "{request:?}");
        assert!(request.header("authorization").is_none());
    }
    assert!(!house.record().contains(signature(&token)));
}

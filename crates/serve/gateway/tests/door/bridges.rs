//! Old clients before new servers, and new clients before old ones: what each understands, and every check on the way.

use doorward_servers::Eras;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Client, Heard, accept, initialize};
use crate::support::{House, Plan, eventually};

const ALL: &str = r#"@id("all") permit (principal, action, resource);"#;
const NO_ASKING: &str = r#"
@id("readers")
permit (principal in Role::"Reader", action in [Action::"echo/echo", Action::"echo/ask", Action::"connect"], resource);
"#;

async fn house(eras: Eras, policies: &str) -> House {
    House::with(Plan { policies, eras, ..Plan::default() }).await.acquainted().await
}

fn text(response: &Value) -> &Value {
    &response["result"]["content"][0]["text"]
}

// control: eras-c, D-02: what an old client says reaches a new server in its own words, with what the client declared once
#[tokio::test]
async fn an_old_client_uses_a_new_server() {
    let house = house(Eras::Modern, ALL).await;
    let mut alice = house.client("alice");
    let hello = alice.post(&initialize(json!({"elicitation": {}, "tasks": {}}))).await;
    let greeted = hello.response();
    assert_eq!(greeted["result"]["protocolVersion"], "2025-11-25", "{greeted}");
    assert!(greeted["result"]["capabilities"]["tools"].is_object(), "{greeted}");
    assert!(greeted["result"]["serverInfo"]["name"].is_string());
    alice.session = Some(hello.headers["mcp-session-id"].to_str().unwrap().to_owned());
    let ready = alice.post(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
    assert_eq!(ready.status, StatusCode::ACCEPTED);
    let ping = alice.post(&json!({"jsonrpc": "2.0", "id": 2, "method": "ping"})).await;
    assert_eq!(ping.response(), json!({"jsonrpc": "2.0", "id": 2, "result": {}}));
    let level = |level: &str| json!({"jsonrpc": "2.0", "id": 3, "method": "logging/setLevel", "params": {"level": level}});
    assert_eq!(alice.post(&level("warning")).await.response()["result"], json!({}));
    assert_eq!(alice.post(&level("loud")).await.response()["error"]["code"], -32602);
    let list = alice.post(&json!({"jsonrpc": "2.0", "id": "l", "method": "tools/list"})).await.response();
    assert!(list["result"]["tools"].as_array().unwrap().len() > 3);
    for none in ["resultType", "ttlMs", "cacheScope"] {
        assert!(list["result"].get(none).is_none(), "{none}: {list}");
    }
    let called = alice.call("echo", json!({"text": "across", "n": 1})).await.response();
    assert_eq!((text(&called), &called["id"]), (&json!("across"), &json!(7)), "{called}");
    let sent = house.echo.transcript();
    let sent = sent.iter().find(|request| request.method().as_deref() == Some("tools/call")).unwrap();
    let meta = &sent.json()["params"]["_meta"];
    assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], json!({"elicitation": {}}));
    assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "test");
    assert_eq!(meta["io.modelcontextprotocol/logLevel"], "warning");
    assert_eq!(sent.header("mcp-method"), Some("tools/call"));
    assert_eq!(sent.header("mcp-session-id"), None);
    assert!(!house.echo_heard("initialize") && !house.echo_heard("ping"));
}

// control: eras-c, T-08: an error of a new server never looks to an old client like the end of its session
#[tokio::test]
async fn an_old_client_keeps_its_session_over_errors() {
    let house = house(Eras::Modern, ALL).await;
    let alice = house.able("alice").await;
    for (method, code) in [
        ("tasks/list", -32601),
        ("server/discover", -32601),
        ("vendor/unknown", -32601),
        ("resources/read", -32601),
    ] {
        let heard = alice
            .post(
                &json!({"jsonrpc": "2.0", "id": 4, "method": method, "params": {"uri": "echo://not-there"}}),
            )
            .await;
        assert_eq!(heard.status, StatusCode::OK, "{method}");
        assert_eq!(heard.response()["error"]["code"], code, "{method}: {:?}", heard.body);
    }
    assert_eq!(text(&alice.call("echo", json!({"text": "still", "n": 1})).await.response()), "still");
}

// control: eras-c, D-01: what a new server asks by its result is asked of an old client by a request, and its answer goes back in the next round
#[tokio::test]
async fn a_round_becomes_a_question() {
    let house = house(Eras::Modern, ALL).await;
    let alice = house.able("alice").await;
    let (stream, id) = alice.asked().await;
    assert_eq!(alice.post(&accept(&id, "Alice")).await.status, StatusCode::ACCEPTED);
    let rest = stream.rest().await;
    assert_eq!((rest.len(), &rest[0]["id"]), (1, &json!(5)), "{rest:?}");
    assert_eq!(text(&rest[0]), "Hello, Alice.");
    let calls: Vec<_> = house
        .echo
        .transcript()
        .iter()
        .filter(|request| request.method().as_deref() == Some("tools/call"))
        .map(|request| request.json())
        .collect();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[1]["params"]["requestState"], "echo-ask-1", "the server's own state, exactly");
    assert_ne!(calls[0]["id"], calls[1]["id"]);
    assert_eq!(alice.post(&accept(&id, "Mallory")).await.status, StatusCode::BAD_REQUEST, "once");
    let intents: Vec<_> =
        house.records("intent").iter().map(|record| record["method"].as_str().unwrap().to_owned()).collect();
    assert_eq!(intents, ["initialize", "tools/call", "response", "tools/call"]);
    assert_eq!(house.records("outcome").len(), 4);
}

// control: D-01, SES-01, eras-f: nobody but the session that was asked answers a round's question
#[tokio::test]
async fn another_does_not_answer_a_round() {
    let house = house(Eras::Modern, ALL).await;
    let (alice, bob, again) = (house.able("alice").await, house.able("bob").await, house.able("alice").await);
    let (stream, id) = alice.asked().await;
    for thief in [&bob, &again] {
        assert_eq!(thief.post(&accept(&id, "Mallory")).await.status, StatusCode::BAD_REQUEST);
    }
    let declined = json!({"jsonrpc": "2.0", "id": id, "error": {"code": -1, "message": "no"}});
    assert_eq!(alice.post(&declined).await.status, StatusCode::ACCEPTED);
    assert_eq!(text(&stream.rest().await[0]), "No name was given.");
}

// control: AUT-02: a round that no policy permits is not turned into a question
#[tokio::test]
async fn a_round_without_a_permit_is_refused() {
    let house = house(Eras::Modern, NO_ASKING).await;
    let alice = house.able("alice").await;
    let heard = alice.call("ask", json!({})).await.response();
    assert!(heard["error"]["message"].as_str().unwrap().contains("no policy"), "{heard}");
}

// control: eras-c, T-10: an old client's cancellation ends the stream at a new server, which is what tells it
#[tokio::test]
async fn a_cancellation_lets_go_of_the_call() {
    let house = house(Eras::Modern, ALL).await;
    let alice = house.able("alice").await;
    let waiting = {
        let alice = alice.clone();
        tokio::spawn(async move { alice.call("hold", json!({})).await })
    };
    house.echo.until_calls(1).await;
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}});
    assert_eq!(alice.post(&cancel).await.status, StatusCode::ACCEPTED);
    let heard = waiting.await.unwrap();
    assert_eq!(heard.response()["error"]["message"], "the request was cancelled");
    house.echo.until_calls(0).await;
}

// control: eras-c, L-16, T-28: an old client's stream hears what it subscribed to at a new server, once, and no longer than it wants to
#[tokio::test]
async fn an_old_client_hears_of_changes() {
    let house = house(Eras::Modern, ALL).await;
    let alice = house.able("alice").await;
    let mut stream = alice.stream(alice.request(Method::GET, "")).await;
    house.echo.until_streams(1).await;
    assert_eq!(house.echo.announce("notifications/tools/list_changed", "{}").await, 1);
    let changed = stream.next().await.unwrap();
    assert_eq!(changed["method"], "notifications/tools/list_changed");
    assert!(changed["params"].get("_meta").is_none_or(|meta| meta == &json!({})), "{changed}");
    let wish = |verb: &str| json!({"jsonrpc": "2.0", "id": 9, "method": format!("resources/{verb}"), "params": {"uri": "echo://greeting"}});
    let listens = || {
        house
            .echo
            .transcript()
            .iter()
            .filter(|request| request.method().as_deref() == Some("subscriptions/listen"))
            .count()
    };
    assert_eq!(alice.post(&wish("subscribe")).await.response()["result"], json!({}));
    eventually("the stream is opened anew", || listens() == 2).await;
    house.echo.until_streams(1).await;
    let updated = r#"{"uri":"echo://greeting"}"#;
    assert_eq!(house.echo.announce("notifications/resources/updated", updated).await, 1);
    assert_eq!(stream.next().await.unwrap()["params"]["uri"], "echo://greeting");
    assert_eq!(alice.post(&wish("unsubscribe")).await.response()["result"], json!({}));
    eventually("the stream is opened anew", || listens() == 3).await;
    house.echo.until_streams(1).await;
    assert_eq!(house.echo.announce("notifications/resources/updated", updated).await, 0);
}

fn declares(capabilities: Value) -> Value {
    json!({"io.modelcontextprotocol/clientCapabilities": capabilities})
}

async fn ask(client: &Client, more: Value) -> Heard {
    let mut params =
        json!({"name": "ask", "arguments": {}, "_meta": declares(json!({"elicitation": {"form": {}}}))});
    more.as_object().unwrap().iter().for_each(|(name, value)| params[name] = value.clone());
    client.modern("tools/call", params).await
}

fn answered(name: &str) -> Value {
    json!({"e0": {"action": "accept", "content": {"name": name}}})
}

// control: eras-c: a new client discovers, lists and calls at an old server, whose sessions it never sees
#[tokio::test]
async fn a_new_client_uses_an_old_server() {
    let house = house(Eras::Legacy, ALL).await;
    let alice = house.client("alice");
    let found = alice.modern("server/discover", json!({})).await;
    let result = &found.response()["result"];
    assert_eq!(result["supportedVersions"], json!(["2026-07-28"]), "{:?}", found.body);
    assert_eq!((&result["resultType"], &result["cacheScope"]), (&json!("complete"), &json!("private")));
    assert!(result["capabilities"]["tools"].is_object());
    assert!(!found.headers.contains_key("mcp-session-id"));
    let list = alice.modern("tools/list", json!({})).await.response();
    assert_eq!(
        (&list["result"]["resultType"], &list["result"]["cacheScope"]),
        (&json!("complete"), &json!("private"))
    );
    let called = alice
        .modern("tools/call", json!({"name": "echo", "arguments": {"text": "down", "n": 1}}))
        .await
        .response();
    assert_eq!((text(&called), &called["id"]), (&json!("down"), &json!("m-1")), "{called}");
    let sent = house.echo.transcript();
    let sent = sent.iter().find(|request| request.method().as_deref() == Some("tools/call")).unwrap();
    assert_eq!(
        sent.json()["params"],
        json!({"name": "echo", "arguments": {"text": "down", "n": 1}, "_meta": {}})
    );
    assert!(sent.header("mcp-session-id").is_some() && sent.header("mcp-method").is_none());
    assert_eq!(house.echo.sessions().len(), 1, "one session for all of it");
    for removed in ["ping", "logging/setLevel", "initialize", "vendor/unknown"] {
        let heard = alice.modern(removed, json!({})).await;
        assert_eq!(
            (heard.status, &heard.response()["error"]["code"]),
            (StatusCode::NOT_FOUND, &json!(-32601)),
            "{removed}"
        );
    }
}

// control: SES-01, eras-f: sessions at an old server are shared by no two persons, and by no two sets of capabilities
#[tokio::test]
async fn nobody_shares_a_session_at_an_old_server() {
    let house = house(Eras::Legacy, ALL).await;
    let (alice, bob) = (house.client("alice"), house.client("bob"));
    for client in [&alice, &bob, &alice] {
        client.modern("tools/list", json!({})).await;
    }
    assert_eq!(house.echo.sessions().len(), 2);
    ask(&alice, json!({})).await;
    assert_eq!(house.echo.sessions().len(), 3);
    // What the server calls her session is nothing that a client could use.
    for stolen in house.echo.sessions() {
        let mut thief = bob.clone();
        thief.session = Some(stolen);
        assert_eq!(thief.call("echo", json!({"text": "x", "n": 1})).await.status, StatusCode::NOT_FOUND);
    }
}

// control: eras-c, D-01: a question of an old server ends the call for a new client, which goes on where it was when it answers
#[tokio::test]
async fn a_question_becomes_a_round() {
    let house = house(Eras::Legacy, ALL).await;
    let alice = house.client("alice");
    let first = ask(&alice, json!({})).await.response();
    let result = &first["result"];
    assert_eq!(result["resultType"], "input_required", "{first}");
    assert_eq!(result["inputRequests"]["e0"]["method"], "elicitation/create");
    let state = result["requestState"].clone();
    let wrong =
        ask(&alice, json!({"requestState": state, "inputResponses": {"other": {"action": "cancel"}}}))
            .await
            .response();
    assert_eq!(
        wrong["result"]["resultType"], "input_required",
        "what is missing is asked for again: {wrong}"
    );
    let state = wrong["result"]["requestState"].clone();
    let heard =
        ask(&alice, json!({"requestState": state, "inputResponses": answered("Alice")})).await.response();
    assert_eq!(
        (text(&heard), &heard["result"]["resultType"]),
        (&json!("Hello, Alice."), &json!("complete")),
        "{heard}"
    );
    let calls = house.echo_calls();
    assert_eq!(calls, 1, "the server was called once");
    let again =
        ask(&alice, json!({"requestState": state, "inputResponses": answered("Mallory")})).await.response();
    assert_eq!(again["error"]["code"], -32602, "once: {again}");
    let intents = house.records("intent").len();
    assert_eq!(house.records("outcome").len(), intents);
}

// control: eras-f, L-15: a call that waits is taken up by nobody but its own person and client, with nothing but its own arguments
#[tokio::test]
async fn a_waiting_call_is_not_stolen() {
    let house = house(Eras::Legacy, ALL).await;
    let (alice, bob) = (house.client("alice"), house.client("bob"));
    let first = ask(&alice, json!({})).await.response();
    let state = first["result"]["requestState"].as_str().unwrap().to_owned();
    let retry = |state: &str, arguments: Value| json!({"requestState": state, "inputResponses": answered("Mallory"), "arguments": arguments});
    let mut tampered = state.clone().into_bytes();
    tampered[20] ^= 1;
    let tampered = String::from_utf8(tampered).unwrap();
    for (thief, retry) in [
        (&bob, retry(&state, json!({}))),
        (&alice, retry(&tampered, json!({}))),
        (&alice, retry("", json!({}))),
    ] {
        let heard = ask(thief, retry).await.response();
        assert_eq!(heard["error"]["code"], -32602, "{heard}");
    }
    let other = json!({"name": "echo", "arguments": {"text": "x", "n": 1}, "requestState": state, "inputResponses": answered("M"), "_meta": declares(json!({"elicitation": {"form": {}}}))});
    assert_eq!(alice.modern("tools/call", other).await.response()["error"]["code"], -32602);
    let own =
        ask(&alice, json!({"requestState": state, "inputResponses": answered("Alice")})).await.response();
    assert_eq!(text(&own), "Hello, Alice.");
    assert!(
        house.refusals().iter().any(|reason| reason == "request-state-foreign"),
        "{:?}",
        house.refusals()
    );
}

// control: AUT-02, L-13: an old server asks a new client nothing that it did not declare, and nothing without a permit
#[tokio::test]
async fn an_old_server_asks_only_what_it_may() {
    let house = house(Eras::Legacy, ALL).await;
    let undeclared =
        house.client("alice").modern("tools/call", json!({"name": "ask", "arguments": {}})).await.response();
    assert_eq!(text(&undeclared), "No name was given.", "{undeclared}");
    let house = self::house(Eras::Legacy, NO_ASKING).await;
    let unpermitted = ask(&house.client("alice"), json!({})).await.response();
    assert_eq!(text(&unpermitted), "No name was given.", "{unpermitted}");
}

// control: eras-c, T-10: a new client that leaves has cancelled its call, and an old server is told so
#[tokio::test]
async fn leaving_is_told_to_an_old_server() {
    let house = house(Eras::Legacy, ALL).await;
    let alice = house.client("alice");
    let (request, _) = alice.modern_request("tools/call", json!({"name": "hold", "arguments": {}}));
    let waiting = tokio::spawn(async move { alice.send(request).await.status });
    house.echo.until_calls(1).await;
    waiting.abort();
    eventually("the server is told", || house.echo_heard("notifications/cancelled")).await;
}

// control: eras-c: a session that an old server forgot is opened anew, and the client notices nothing
#[tokio::test]
async fn a_lost_session_is_opened_anew_once() {
    let house = house(Eras::Legacy, ALL).await;
    let alice = house.client("alice");
    let echo = || json!({"name": "echo", "arguments": {"text": "there", "n": 1}});
    assert_eq!(text(&alice.modern("tools/call", echo()).await.response()), "there");
    for session in house.echo.sessions() {
        assert!(house.echo.end_session(&session));
    }
    assert_eq!(text(&alice.modern("tools/call", echo()).await.response()), "there");
    assert_eq!(house.echo.sessions().len(), 1);
}

// control: eras-c, L-16: a subscription of a new client is served by an old server's stream, named, and over with it
#[tokio::test]
async fn a_subscription_is_served_by_an_old_server() {
    let house = house(Eras::Legacy, ALL).await;
    let alice = house.client("alice");
    let wanted =
        json!({"notifications": {"toolsListChanged": true, "resourceSubscriptions": ["echo://greeting"]}});
    let (request, _) = alice.modern_request("subscriptions/listen", wanted);
    let mut stream = alice.stream(request).await;
    let first = stream.next().await.unwrap();
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged", "{first}");
    assert_eq!(first["params"]["notifications"]["toolsListChanged"], true);
    house.echo.until_streams(1).await;
    house.echo.announce("notifications/prompts/list_changed", "{}").await;
    house.echo.announce("notifications/tools/list_changed", "{}").await;
    let changed = stream.next().await.unwrap();
    assert_eq!(changed["method"], "notifications/tools/list_changed", "{changed}");
    assert_eq!(changed["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], "m-1");
    drop(stream);
    eventually("its session is over", || house.echo.sessions().is_empty()).await;
}

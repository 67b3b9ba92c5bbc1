//! What a client or a server could do to the bridges between the revisions, and cannot.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use doorward_servers::Eras;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::client::{Client, call};
use crate::scripted;
use crate::stdio::Family;
use crate::support::{House, Plan, eventually};

const ALL: &str = r#"@id("all") permit (principal, action, resource);"#;

async fn house(eras: Eras) -> House {
    House::with(Plan { policies: ALL, eras, ..Plan::default() }).await.acquainted().await
}

fn asking(name: &str, more: Value) -> Value {
    let mut params = json!({"name": name, "arguments": {}, "_meta": {
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}}}});
    more.as_object().unwrap().iter().for_each(|(name, value)| params[name] = value.clone());
    params
}

// control: eras-f, L-15: a client of a session passes no request state and no answers of its own making to a new server
#[tokio::test]
async fn a_forged_state_does_not_cross_a_bridge() {
    let house = house(Eras::Modern).await;
    let alice = house.able("alice").await;
    let mut forged = call(9, "ask", json!({}));
    forged["params"]["requestState"] = json!("echo-ask-1");
    forged["params"]["inputResponses"] =
        json!({"name": {"action": "accept", "content": {"name": "Mallory"}}});
    let mut stream = alice.stream(alice.request(Method::POST, forged.to_string())).await;
    let first = stream.next().await.unwrap();
    assert_eq!(first["method"], "elicitation/create", "she is asked like anybody: {first}");
    assert!(house.echo.transcript().iter().all(|request| !request.contains("Mallory")));
}

// control-off: eras-f, L-15: a server of 2026-07-28 takes any state and any answers for a round of its own
#[tokio::test]
async fn without_the_door_a_forged_state_is_answered() {
    let house = house(Eras::Modern).await;
    let mallory = straight_to(&house);
    let forged = asking(
        "ask",
        json!({"requestState": "echo-ask-1", "inputResponses": {"name": {"action": "accept", "content": {"name": "Mallory"}}}}),
    );
    let heard = mallory.modern("tools/call", forged).await.response();
    assert_eq!(heard["result"]["content"][0]["text"], "Hello, Mallory.", "{heard}");
}

/// A client that goes round the door.
fn straight_to(house: &House) -> Client {
    Client { address: house.echo.addr, path: "/mcp".to_owned(), token: None, session: None }
}

// control: eras-g: what one session may want to hear of is bounded
#[tokio::test]
async fn subscriptions_are_bounded() {
    let house = house(Eras::Modern).await;
    let alice = house.able("alice").await;
    let wish = |uri: String| json!({"jsonrpc": "2.0", "id": 9, "method": "resources/subscribe", "params": {"uri": uri}});
    let long = alice.post(&wish(format!("echo://{}", "x".repeat(4_096)))).await.response();
    assert_eq!(long["error"]["code"], 4030, "{long}");
    for at in 0..256 {
        assert_eq!(alice.post(&wish(format!("echo://{at}"))).await.response()["result"], json!({}));
    }
    assert_eq!(alice.post(&wish("echo://one-more".to_owned())).await.response()["error"]["code"], 4030);
}

// control: eras-f: the questions of a call whose old client has gone are nobody's any more
#[tokio::test]
async fn an_abandoned_round_takes_its_questions_back() {
    let house = house(Eras::Modern).await;
    let alice = house.able("alice").await;
    let mut stream = alice.stream(alice.request(Method::POST, call(5, "ask", json!({})).to_string())).await;
    let question = stream.next().await.unwrap();
    let leave = alice.send(alice.request(Method::DELETE, "")).await;
    assert_eq!(leave.status, StatusCode::OK);
    assert_eq!(stream.rest().await, Vec::<Value>::new(), "her session has ended, and the call with it");
    let late = json!({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": {"name": "A"}}});
    assert_eq!(alice.post(&late).await.status, StatusCode::NOT_FOUND);
}

// control: eras-c, T-34: a call that waits for its client is not made a second time when its server has gone meanwhile
#[tokio::test]
async fn a_waiting_call_is_never_made_twice() {
    let house = house(Eras::Legacy).await;
    let alice = house.client("alice");
    let first = alice.modern("tools/call", asking("ask", json!({}))).await.response();
    let state = first["result"]["requestState"].clone();
    for session in house.echo.sessions() {
        assert!(house.echo.end_session(&session));
    }
    let answers = json!({"e0": {"action": "accept", "content": {"name": "Alice"}}});
    let late = alice
        .modern("tools/call", asking("ask", json!({"requestState": state, "inputResponses": answers})))
        .await;
    assert!(late.response().get("error").is_some(), "{:?}", late.body);
    let calls = house.echo_calls();
    assert_eq!(calls, 1);
    assert_eq!(house.records("outcome").len(), house.records("intent").len());
}

// control: L-24, eras-f: what is no answer to a form is not taken for one, and the person may still give theirs
#[tokio::test]
async fn an_answer_that_is_none_does_not_cross() {
    let house = house(Eras::Legacy).await;
    let alice = house.client("alice");
    let first = alice.modern("tools/call", asking("ask", json!({}))).await.response();
    let state = first["result"]["requestState"].clone();
    let with =
        |answer: Value| asking("ask", json!({"requestState": state, "inputResponses": {"e0": answer}}));
    let none = alice.modern("tools/call", with(json!({"content": {"name": {"deep": 1}}}))).await.response();
    assert_eq!(none["error"]["code"], -32602, "{none}");
    let good = json!({"action": "accept", "content": {"name": "Alice"}});
    let heard = alice.modern("tools/call", with(good)).await.response();
    assert_eq!(heard["result"]["content"][0]["text"], "Hello, Alice.", "{heard}");
}

// control: eras-c: an old server that was restarted is no end of a session to a client that has none, whatever the door knows
#[tokio::test]
async fn a_restart_is_not_told_as_a_lost_session() {
    let house = house(Eras::Legacy).await;
    let alice = house.client("alice");
    let echo = || json!({"name": "echo", "arguments": {"text": "there", "n": 1}});
    let listen = json!({"notifications": {"toolsListChanged": true}});
    let mut stream = alice.stream(alice.modern_request("subscriptions/listen", listen).0).await;
    assert_eq!(stream.next().await.unwrap()["method"], "notifications/subscriptions/acknowledged");
    alice.modern("tools/call", echo()).await;
    house.echo.until_streams(1).await;
    // What the door knows of its tools is old now, so that they are looked up before the call.
    house.echo.announce("notifications/tools/list_changed", "{}").await;
    assert_eq!(stream.next().await.unwrap()["method"], "notifications/tools/list_changed");
    for session in house.echo.sessions() {
        assert!(house.echo.end_session(&session));
    }
    let heard = alice.modern("tools/call", echo()).await;
    assert_eq!(
        (heard.status, &heard.response()["result"]["content"][0]["text"]),
        (StatusCode::OK, &json!("there"))
    );
}

// control: eras-g: a subscription that is refused leaves no session behind
#[tokio::test]
async fn a_refused_subscription_leaves_nothing() {
    let house = house(Eras::Legacy).await;
    let alice = house.client("alice");
    for _ in 0..3 {
        let listen = json!({"notifications": {"taskIds": ["t-1"]}});
        let refused = alice.modern("subscriptions/listen", listen).await;
        assert!(refused.response().get("error").is_some(), "{:?}", refused.body);
    }
    assert_eq!((house.door.door().sessions(), house.echo.sessions().len()), (0, 0));
}

/// An old server that asks a hundred things at once when its tool is called, and then waits for the answers.
async fn asks_a_hundred(mut stream: TcpStream, declined: Arc<AtomicUsize>) -> Option<()> {
    while let Some(message) = scripted::message(&mut stream).await {
        let id = &message["id"];
        let whole = |status: &str, body: &str| {
            format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nmcp-session-id: s\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
        };
        match message["method"].as_str() {
            Some("initialize") => {
                let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}});
                let hello = json!({"jsonrpc": "2.0", "id": id, "result": hello}).to_string();
                stream.write_all(whole("200 OK", &hello).as_bytes()).await.ok()?;
            }
            Some("tools/call") => {
                stream.write_all(scripted::STREAM_HEAD).await.ok()?;
                let form = json!({"type": "object", "properties": {"name": {"type": "string"}}});
                for at in 0..100 {
                    let params = json!({"message": "Who?", "requestedSchema": form});
                    let asked =
                        json!({"jsonrpc": "2.0", "id": at, "method": "elicitation/create", "params": params});
                    stream.write_all(format!("data: {asked}\n\n").as_bytes()).await.ok()?;
                }
            }
            Some(method) if method.ends_with("/list") => {
                scripted::list(&mut stream, &message, "flood").await?
            }
            _ => {
                declined.fetch_add(usize::from(message["error"].is_object()), Ordering::SeqCst);
                stream.write_all(whole("202 Accepted", "").as_bytes()).await.ok()?;
            }
        }
    }
    Some(())
}

// control: eras-g: of an old server that asks a hundred things at once its client is asked sixteen, and the server is told no for the rest
#[tokio::test]
async fn a_flood_of_questions_is_bounded() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let declined = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&declined);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(asks_a_hundred(stream, Arc::clone(&counted)));
        }
    });
    let upstreams = [("flood", url)];
    let plan = Plan { policies: ALL, upstreams: &upstreams, server: "era = \"legacy\"", ..Plan::default() };
    let house = House::with(plan).await;
    let alice = house.client("alice").at("/flood/mcp");
    let heard = alice.modern("tools/call", asking("flood", json!({}))).await.response();
    assert_eq!(heard["result"]["inputRequests"].as_object().unwrap().len(), 16, "{heard}");
    eventually("the rest is declined", || declined.load(Ordering::SeqCst) == 84).await;
}

// control: eras-g, D-23: one person's clients, whatever they declare, leave room for other people's children
#[tokio::test]
async fn one_person_does_not_take_every_child() {
    let family = Family::new("max_children = 5").await;
    let alice = family.client("alice");
    let declared = [
        json!({}),
        json!({"elicitation": {}}),
        json!({"elicitation": {"form": {}}}),
        json!({"elicitation": {"url": {}}}),
        json!({"roots": {}}),
        json!({"sampling": {}}),
        json!({"sampling": {"tools": {}}}),
    ];
    for capabilities in declared {
        let params = json!({"name": "echo", "arguments": {"text": "a", "n": 1},
            "_meta": {"io.modelcontextprotocol/clientCapabilities": capabilities}});
        let heard = alice.modern("tools/call", params).await;
        assert_eq!(heard.response()["result"]["content"][0]["text"], "a", "{:?}", heard.body);
    }
    let params = json!({"name": "echo", "arguments": {"text": "b", "n": 1}});
    let bob = family.client("bob").modern("tools/call", params).await;
    assert_eq!(bob.response()["result"]["content"][0]["text"], "b", "{:?}", bob.body);
    eventually("the children she left are gone", || family.children().len() <= 5).await;
}

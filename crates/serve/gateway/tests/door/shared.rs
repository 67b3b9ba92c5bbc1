//! A child that several people share because the operator said so (D-23).

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{call, initialize};
use crate::stdio::{Family, echo};

/// Not a test: a server that tells whoever calls it what others asked for, and asks them a question by name of their call.
#[tokio::test]
#[ignore = "no test: the others start this program as their server, and run by itself it waits for input"]
async fn gossip() {
    let say = |frame: Value| println!("{frame}");
    let mut lines = std::io::stdin().lines();
    let mut subscribed = Vec::new();
    while let Some(Ok(line)) = lines.next() {
        let frame: Value = serde_json::from_str(&line).unwrap();
        let Some(id) = frame.get("id").filter(|_| frame.get("method").is_some()) else { continue };
        let answer = match frame["method"].as_str().unwrap() {
            "initialize" => json!({"result": {
                "protocolVersion": "2025-11-25", "serverInfo": {"name": "gossip", "version": "1"},
                "capabilities": {"tools": {}, "resources": {"subscribe": true}}}}),
            "tools/list" => {
                json!({"result": {"tools": [{"name": "tell", "inputSchema": {"type": "object"}}]}})
            }
            "resources/subscribe" => {
                subscribed.push(frame["params"]["uri"].clone());
                json!({"result": {}})
            }
            "tools/call" => {
                for uri in &subscribed {
                    say(
                        json!({"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": uri}}),
                    );
                }
                let mut question = json!({"jsonrpc": "2.0", "id": "q", "method": "elicitation/create", "params": {
                    "message": "Who?", "requestedSchema": {"type": "object", "properties": {}}}});
                if let Some(token) = frame["params"]["_meta"].get("progressToken") {
                    question["params"]["_meta"] = json!({"progressToken": token});
                }
                say(question);
                let heard = lines.find_map(|line| {
                    let frame: Value = serde_json::from_str(&line.unwrap()).unwrap();
                    (frame["id"] == "q").then_some(frame)
                });
                let heard = heard.unwrap();
                let told = format!("{} subscribed, {}", subscribed.len(), heard["error"]["code"]);
                json!({"result": {"content": [{"type": "text", "text": told}]}})
            }
            _ => json!({"error": {"code": -32601, "message": "no"}}),
        };
        let mut answer = answer;
        answer["jsonrpc"] = json!("2.0");
        answer["id"] = id.clone();
        say(answer);
    }
}

// control: D-23, SES-03: a child that may be shared is one process for two people, and each still has a session that is theirs alone
#[tokio::test]
async fn a_shared_child_is_one_process_and_its_sessions_are_apart() {
    let family = Family::new("shared = true\nmax_children = 1").await;
    let (alice, bob) = (family.session("alice").await, family.session("bob").await);
    assert!(echo(&alice, "one").await && echo(&bob, "two").await);
    assert_eq!(family.children().len(), 1);
    assert_ne!(alice.session, bob.session);
    let mut stolen = bob.clone();
    stolen.session.clone_from(&alice.session);
    assert_eq!(stolen.call("echo", json!({"text": "x", "n": 1})).await.status, StatusCode::NOT_FOUND);
    let left = alice.send(alice.request(Method::DELETE, "")).await;
    assert_eq!(left.status, StatusCode::OK);
    assert!(echo(&bob, "three").await, "her leaving ends nothing of his");
    assert_eq!(family.children().len(), 1);
}

// control: D-23, L-18: what two people's calls in one shared process tell of their progress reaches each of them whole, and neither hears the other's
#[tokio::test]
async fn progress_in_a_shared_child_is_told_apart() {
    let family = Family::new("shared = true").await;
    let (alice, bob) = (family.session("alice").await, family.session("bob").await);
    let burst = |events: usize| {
        let mut body = call(7, "burst", json!({"events": events}));
        body["params"]["_meta"] = json!({"progressToken": "same"});
        body
    };
    let (short, long) = (burst(300), burst(500));
    let (hers, his) = tokio::join!(alice.post(&short), bob.post(&long));
    for (heard, total) in [(hers, 300), (his, 500)] {
        let events = heard.events();
        assert_eq!(events.len(), total + 1);
        for (at, event) in events[..total].iter().enumerate() {
            assert_eq!(event["params"], json!({"progressToken": "same", "progress": at + 1, "total": total}));
        }
    }
    // What names no call is nobody's, even while one call alone runs: it could be about another's.
    let unnamed = alice.call("burst", json!({"events": 3})).await;
    assert!(unnamed.response()["result"].is_object(), "{:?}", unnamed.body);
    assert!(!String::from_utf8_lossy(&unnamed.body).contains("notifications/message"), "{:?}", unnamed.body);
}

// control: D-23: a shared child has no stream outside calls, takes no subscription, and whatever it asks is declined before anybody hears it
#[tokio::test]
async fn a_shared_child_has_no_stream_no_subscription_and_no_question() {
    let family = Family::of("shared::gossip", "shared = true").await;
    let alice = family.session("alice").await;
    let stream = alice.send(alice.request(Method::GET, "")).await;
    assert_eq!(stream.status, StatusCode::METHOD_NOT_ALLOWED);
    let subscribe = json!({"jsonrpc": "2.0", "id": 2, "method": "resources/subscribe", "params": {"uri": "file:///hers"}});
    let refused = alice.post(&subscribe).await;
    assert_eq!(refused.response()["error"]["code"], -32601, "{:?}", refused.body);
    assert_eq!(refused.response()["id"], 2);
    let mut bob = family.client("bob");
    let hello = bob.post(&initialize(json!({"elicitation": {"form": {}}}))).await;
    bob.session = Some(hello.headers["mcp-session-id"].to_str().unwrap().to_owned());
    let mut by_name = call(7, "tell", json!({}));
    by_name["params"]["_meta"] = json!({"progressToken": "p"});
    for body in [call(7, "tell", json!({})), by_name] {
        let told = bob.post(&body).await;
        assert_eq!(
            told.response()["result"]["content"][0]["text"],
            "0 subscribed, -32601",
            "{:?}",
            told.body
        );
        let text = String::from_utf8_lossy(&told.body).into_owned();
        assert!(!text.contains("elicitation") && !text.contains("file:///hers"), "{text}");
    }
    assert_eq!(family.children().len(), 1);
}

// control-off: D-23: the same server, one process for each person, subscribes, tells the news and asks
#[tokio::test]
async fn a_child_of_ones_own_tells_and_asks() {
    let family = Family::of("shared::gossip", "").await;
    let mut alice = family.client("alice");
    let hello = alice.post(&initialize(json!({"elicitation": {"form": {}}}))).await;
    alice.session = Some(hello.headers["mcp-session-id"].to_str().unwrap().to_owned());
    let subscribe = json!({"jsonrpc": "2.0", "id": 2, "method": "resources/subscribe", "params": {"uri": "file:///hers"}});
    let subscribed = alice.post(&subscribe).await;
    assert!(subscribed.response()["result"].is_object(), "{:?}", subscribed.body);
    let mut stream = alice.stream(alice.request(Method::POST, call(7, "tell", json!({})).to_string())).await;
    let news = stream.next().await.unwrap();
    assert_eq!(news["params"]["uri"], "file:///hers", "{news}");
    let question = stream.next().await.unwrap();
    assert_eq!(question["method"], "elicitation/create");
    let answer = json!({"jsonrpc": "2.0", "id": question["id"], "error": {"code": -7, "message": "no"}});
    assert_eq!(alice.post(&answer).await.status, StatusCode::ACCEPTED);
    assert_eq!(stream.rest().await[0]["result"]["content"][0]["text"], "1 subscribed, -7");
}

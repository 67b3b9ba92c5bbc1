//! What a server asks of a client, and who may answer (D-01).

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Client, accept, call};
use crate::support::{House, Plan, eventually};

const NO_ASKING: &str = r#"
@id("readers")
permit (principal in Role::"Reader", action in [Action::"echo/echo", Action::"echo/ask"], resource);
"#;

// control: D-01: a question of the server reaches its own caller under the door's id, the answer goes back under the server's, and once
#[tokio::test]
async fn a_question_is_asked_answered_and_over() {
    let house = House::new().await.acquainted().await;
    let alice = house.able("alice").await;
    let (stream, id) = alice.asked().await;
    assert_eq!(alice.post(&accept(&id, "Alice")).await.status, StatusCode::ACCEPTED);
    let rest = stream.rest().await;
    assert_eq!(rest.len(), 1);
    assert_eq!(
        (&rest[0]["id"], &rest[0]["result"]["content"][0]["text"]),
        (&json!(5), &json!("Hello, Alice."))
    );
    let again = alice.post(&accept(&id, "Mallory")).await;
    assert_eq!(
        (again.status, house.refusals()),
        (StatusCode::BAD_REQUEST, vec!["unasked-response".to_owned()])
    );
}

// control: D-01, SES-01: nobody answers a question that was put to another, nor one that was never asked
#[tokio::test]
async fn only_the_one_who_was_asked_may_answer() {
    let house = House::new().await.acquainted().await;
    let (alice, bob, again) = (house.able("alice").await, house.able("bob").await, house.able("alice").await);
    let (stream, id) = alice.asked().await;
    house.echo.clear_transcript();
    let other_ids = [
        json!(1),
        json!(-1),
        json!(0),
        json!("ask-0"),
        json!(id.to_string()),
        json!(id.as_i64().unwrap() + 1),
    ];
    for client in [&bob, &again] {
        for id in other_ids.iter().chain([&id]) {
            for frame in [
                accept(id, "Mallory"),
                json!({"jsonrpc": "2.0", "id": id, "error": {"code": -1, "message": "no"}}),
            ] {
                let heard = client.post(&frame).await;
                assert_eq!(heard.status, StatusCode::BAD_REQUEST, "{frame}");
            }
        }
    }
    for id in &other_ids {
        assert_eq!(alice.post(&accept(id, "Mallory")).await.status, StatusCode::BAD_REQUEST, "{id}");
    }
    assert_eq!(house.echo.transcript(), []);
    assert!(house.refusals().iter().all(|reason| reason == "unasked-response"), "{:?}", house.refusals());
    alice.post(&accept(&id, "Alice")).await;
    assert_eq!(stream.rest().await[0]["result"]["content"][0]["text"], "Hello, Alice.");
}

// control-off: D-01: the server takes an answer from whichever session sends it
#[tokio::test]
async fn without_the_door_anybody_answers() {
    let house = House::new().await.acquainted().await;
    let mut alice = Client { address: house.echo.addr, path: "/mcp".to_owned(), token: None, session: None };
    let mut mallory = alice.clone();
    alice.hello().await;
    mallory.hello().await;
    let mut stream = alice.stream(alice.request(Method::POST, call(5, "ask", json!({})).to_string())).await;
    let id = stream.next().await.unwrap()["id"].clone();
    mallory.post(&accept(&id, "Mallory")).await;
    assert_eq!(stream.rest().await[0]["result"]["content"][0]["text"], "Hello, Mallory.");
}

// control: D-01, AUT-02: without a policy for it the question never reaches the client, and the server is told no
#[tokio::test]
async fn a_question_without_a_permit_is_declined() {
    let house = House::with(Plan { policies: NO_ASKING, ..Plan::default() }).await.acquainted().await;
    let alice = house.able("alice").await;
    let heard = alice.call("ask", json!({})).await;
    assert_eq!(heard.events().len(), 1, "{:?}", heard.body);
    assert_eq!(heard.response()["result"]["content"][0]["text"], "No name was given.");
    assert_eq!(house.refusals(), ["server-request-not-permitted"]);
    let declined = house.echo.transcript();
    assert!(declined.iter().any(|request| request.json()["error"]["code"] == -32601), "{declined:?}");
}

// control: AUT-02: a ping of the server is answered by the door itself: no policy has to permit it, and no client hears of it
#[tokio::test]
async fn a_ping_of_the_server_is_answered_by_the_door() {
    let house = House::with(Plan { policies: NO_ASKING, ..Plan::default() }).await.acquainted().await;
    let alice = house.able("alice").await;
    let mut stream = alice.stream(alice.request(Method::GET, "")).await;
    let upstream = house.echo.sessions().pop().unwrap();
    assert!(house.echo.push(&upstream, r#"{"jsonrpc":"2.0","id":"p-1","method":"ping"}"#).await);
    let answered = || {
        let all = house.echo.transcript();
        all.iter().any(|request| request.json() == json!({"jsonrpc": "2.0", "id": "p-1", "result": {}}))
    };
    eventually("the server to be answered", answered).await;
    let changed = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    assert!(house.echo.push(&upstream, changed).await);
    assert_eq!(stream.next().await.unwrap()["method"], "notifications/tools/list_changed");
    assert_eq!(house.refusals(), Vec::<String>::new());
}

// control: L-07, T-09: a server gives up its own question, under the id that the client knows it by, and nobody else's
#[tokio::test]
async fn a_question_is_given_up() {
    let house = House::new().await.acquainted().await;
    let alice = house.able("alice").await;
    let mut listening = alice.stream(alice.request(Method::GET, "")).await;
    let upstream = house.echo.sessions().pop().unwrap();
    let ask = r#"{"jsonrpc":"2.0","id":"q-7","method":"elicitation/create","params":{"message":"?","requestedSchema":{"type":"object","properties":{}}}}"#;
    assert!(house.echo.push(&upstream, ask).await);
    let question = listening.next().await.unwrap();
    for given_up in [json!("q-8"), question["id"].clone(), json!("q-7"), json!("q-7")] {
        let frame = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": given_up, "reason": "late"}});
        assert!(house.echo.push(&upstream, frame.to_string()).await);
    }
    let told = listening.next().await.unwrap();
    assert_eq!(told["params"], json!({"requestId": question["id"], "reason": "late"}));
    eventually("the three others to be refused", || house.refusals().len() == 3).await;
    assert!(house.refusals().iter().all(|reason| reason == "foreign-cancellation"), "{:?}", house.refusals());
    let late = alice.post(&accept(&question["id"], "Alice")).await;
    assert_eq!(late.status, StatusCode::BAD_REQUEST, "it is over");
}

// control: L-07, L-18: equal ids and progress tokens of two sessions never meet behind the door
#[tokio::test]
async fn equal_names_of_two_callers_never_mix() {
    let house = House::new().await.acquainted().await;
    let (alice, bob) = (house.able("alice").await, house.able("bob").await);
    let burst = |events: u64| {
        let mut body = call(7, "burst", json!({"events": events}));
        body["params"]["_meta"] = json!({"progressToken": "same"});
        body
    };
    let (short, long) = (burst(300), burst(500));
    let (hers, his) = tokio::join!(alice.post(&short), bob.post(&long));
    for (heard, total) in [(hers, 300), (his, 500)] {
        let events = heard.events();
        assert_eq!(events.len(), total + 1, "whole");
        for (at, event) in events[..total].iter().enumerate() {
            assert_eq!(
                event["params"],
                json!({"progressToken": "same", "progress": at + 1, "total": total}),
                "in order"
            );
        }
        assert_eq!(events[total]["id"], 7);
    }
    let seen: Vec<_> = house
        .echo
        .transcript()
        .iter()
        .filter(|r| r.method().as_deref() == Some("tools/call"))
        .map(|r| r.json())
        .collect();
    assert_eq!(seen.len(), 2);
    assert_ne!(seen[0]["id"], seen[1]["id"]);
    assert_ne!(seen[0]["params"]["_meta"]["progressToken"], seen[1]["params"]["_meta"]["progressToken"]);
}

// control-off: L-18: two calls with one progress token, put to the server as they came, get events that nobody can tell apart
#[tokio::test]
async fn without_the_door_names_mix() {
    let house = House::new().await.acquainted().await;
    let mut direct = Client { address: house.echo.addr, path: "/mcp".to_owned(), token: None, session: None };
    direct.hello().await;
    let mut body = call(7, "burst", json!({"events": 1}));
    body["params"]["_meta"] = json!({"progressToken": "same"});
    let (one, other) = (direct.post(&body).await.events(), direct.post(&body).await.events());
    assert_eq!(one[0], other[0]);
}

// control: L-07: an id that runs already is not taken twice in a session; a cancellation reaches its own request alone
#[tokio::test]
async fn a_cancellation_ends_the_callers_own_request() {
    let house = House::new().await.acquainted().await;
    let (alice, bob) = (house.able("alice").await, house.able("bob").await);
    let (hers, his) = (alice.clone(), bob.clone());
    let hers = tokio::spawn(async move { hers.call("hold", json!({})).await });
    let his = tokio::spawn(async move { his.call("hold", json!({})).await });
    house.echo.until_calls(2).await;
    assert_eq!(alice.call("hold", json!({})).await.status, StatusCode::BAD_REQUEST, "id 7 runs already");
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}});
    assert_eq!(alice.post(&cancel).await.status, StatusCode::ACCEPTED);
    house.echo.until_calls(1).await;
    assert!(!his.is_finished());
    house.echo.release();
    assert_eq!(his.await.unwrap().response()["result"]["content"][0]["text"], "released");
    assert!(hers.await.unwrap().response().get("result").is_none());
    assert_eq!(bob.post(&cancel).await.status, StatusCode::ACCEPTED, "nothing of that name runs any more");
    eventually("all outcomes are in the log", || {
        house.records("outcome").len() == house.records("intent").len()
    })
    .await;
}

// control: T-34: a call whose time is over is given up at the server too, which would go on for nobody
#[tokio::test]
async fn a_call_that_takes_too_long_is_given_up_at_the_server() {
    let more = "[limits]\ncall_timeout = \"300ms\"\ncall_timeout_max = \"400ms\"";
    let house = House::with(Plan { more, ..Plan::default() }).await.acquainted().await;
    let alice = house.able("alice").await;
    let heard = alice.call("hold", json!({})).await;
    assert_eq!(heard.response()["error"]["code"], -32603, "{:?}", heard.body);
    // A question on the stream that nobody answers: the stream is silent for too long.
    let (stream, _) = alice.asked().await;
    assert_eq!(stream.rest().await[0]["error"]["code"], -32603);
    let given_up = || {
        let all: Vec<Value> = house.echo.transcript().iter().map(|request| request.json()).collect();
        let ids = |method: &str, at: &[&str]| -> Vec<Value> {
            let of = all.iter().filter(|frame| frame["method"] == method);
            of.map(|frame| at.iter().fold(frame, |value, member| &value[*member]).clone()).collect()
        };
        let (calls, given_up) =
            (ids("tools/call", &["id"]), ids("notifications/cancelled", &["params", "requestId"]));
        calls.len() == 2 && calls == given_up
    };
    eventually("both to be given up, under the door's ids", given_up).await;
}

//! Clients of 2025-11-25 that lose a stream: what goes on without them, what they find when they come back, and what
//! nobody else finds (T-12, T-29, SES-06).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_emulator::MintRequest;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Client, EventStream, Heard, call, initialize};
use crate::streams::change_policies;
use crate::support::{House, POLICIES, Plan, eventually};

const OFF: &str = "[sessions]\nresume = false";

/// A call that asks, its stream, and the name of the event that asked.
async fn asking(client: &Client, id: i64) -> (EventStream, String, Value) {
    let mut stream =
        client.stream(client.request(Method::POST, call(id, "ask", json!({})).to_string())).await;
    let (first, prime) = stream.named().await.unwrap();
    assert_eq!(prime, Value::Null, "a name to come back with, before anything is said");
    let (name, question) = stream.named().await.unwrap();
    assert!(first != name && question["method"] == "elicitation/create");
    (stream, name, question["id"].clone())
}

async fn answer(client: &Client, id: &Value, name: &str) {
    let frame =
        json!({"jsonrpc": "2.0", "id": id, "result": {"action": "accept", "content": {"name": name}}});
    assert_eq!(client.post(&frame).await.status, StatusCode::ACCEPTED);
}

fn after(client: &Client, event: &str) -> http::Request<http_body_util::Full<bytes::Bytes>> {
    let mut request = client.request(Method::GET, "");
    request.headers_mut().insert("last-event-id", event.parse().unwrap());
    request
}

async fn resumed(client: &Client, event: &str) -> EventStream {
    let stream = client.stream(after(client, event)).await;
    assert_eq!(stream.status, StatusCode::OK);
    stream
}

fn answers(house: &House) -> Vec<String> {
    let outcomes = house.records("outcome");
    outcomes.iter().map(|outcome| outcome["result"].as_str().unwrap().to_owned()).collect()
}

fn settled(house: &House) -> bool {
    house.records("outcome").len() == house.records("intent").len()
}

// control: T-12, T-29, D-09: a client that lost the stream of its call finds its answer when it comes back, while the call runs and after it; the outcome is written once
#[tokio::test]
async fn an_answer_is_found_by_who_comes_back() {
    let house = House::new().await.acquainted().await;
    let alice = house.able("alice").await;
    let (stream, name, question) = asking(&alice, 5).await;
    drop(stream);
    // She comes back while the call waits for her, and again before she has read anything.
    let half_dead = resumed(&alice, &name).await;
    let mut live = resumed(&alice, &name).await;
    assert_eq!(half_dead.rest().await, [] as [Value; 0], "only the last is served");
    answer(&alice, &question, "Alice").await;
    let (last, found) = live.named().await.unwrap();
    assert_eq!((&found["id"], &found["result"]["content"][0]["text"]), (&json!(5), &json!("Hello, Alice.")));
    assert!(live.named().await.is_none());
    // Once more, after the end: the same bytes, as often as she asks.
    assert_eq!(resumed(&alice, &name).await.named().await.unwrap(), (last.clone(), found));
    assert!(resumed(&alice, &last).await.named().await.is_none());
    eventually("all to be written", || settled(&house)).await;
    let intents = house.records("intent");
    let calls: Vec<_> = intents.iter().filter(|intent| intent["method"] == "tools/call").collect();
    let outcomes = house.records("outcome");
    let outcomes: Vec<_> = outcomes.iter().filter(|outcome| outcome["call"] == calls[0]["call"]).collect();
    assert_eq!((calls.len(), outcomes.len(), &outcomes[0]["result"]), (1, 1, &json!("ok")));
}

// control-off: T-12, T-29: with resumption turned off a lost stream is a lost call
#[tokio::test]
async fn without_resumption_a_lost_stream_is_a_lost_call() {
    let house = House::with(Plan { more: OFF, ..Plan::default() }).await.acquainted().await;
    let alice = house.able("alice").await;
    let mut stream = alice.stream(alice.request(Method::POST, call(5, "ask", json!({})).to_string())).await;
    assert_eq!(stream.next().await.unwrap()["method"], "elicitation/create");
    drop(stream);
    eventually("the call to be given up", || answers(&house).last().unwrap() == "aborted").await;
    let lost = alice.clone();
    let lost = tokio::spawn(async move { lost.call("hold", json!({})).await });
    house.echo.until_calls(1).await;
    lost.abort();
    eventually("the other to be given up", || settled(&house)).await;
    assert_eq!(answers(&house).last().unwrap(), "aborted");
}

// control: T-12, D-09, RAT-04: a call whose client leaves before the answer's first byte goes on to its end, for so many at once, and is written once
#[tokio::test]
async fn a_call_goes_on_without_its_client() {
    let house = House::new().await.acquainted().await;
    let alice = house.able("alice").await;
    let leave = |id: i64| {
        let alice = alice.clone();
        tokio::spawn(async move { alice.post(&call(id, "hold", json!({}))).await })
    };
    for id in 0..20 {
        let lost = leave(id);
        house.echo.until_calls(usize::try_from(id).unwrap().min(16) + 1).await;
        lost.abort();
        eventually("the client to be gone", || lost.is_finished()).await;
        if id >= 16 {
            house.echo.until_calls(16).await;
        }
    }
    // Cancelled, one of them ends; the others are answered, to nobody.
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 3}});
    assert_eq!(alice.post(&cancel).await.status, StatusCode::ACCEPTED);
    house.echo.until_calls(15).await;
    house.echo.release();
    eventually("all to be written", || settled(&house)).await;
    let count = |wanted: &str| answers(&house).iter().filter(|ending| *ending == wanted).count();
    assert_eq!((count("aborted"), count("ok"), count("failed")), (4, 16, 1), "{:?}", answers(&house));
    assert_eq!(alice.call("echo", json!({"text": "x", "n": 1})).await.status, StatusCode::OK);
}

fn not_found(heard: &Heard) -> bool {
    heard.status == StatusCode::NOT_FOUND && heard.json()["error"]["code"] == json!(-32001)
}

// control: SES-06, eras-f: the name of an event opens nothing for another person, another client, another session or another stream, nor does a changed or an invented one; all are recorded, each is an alarm
#[tokio::test]
async fn nobody_else_finds_what_was_released() {
    let house = House::new().await.acquainted().await;
    let (alice, again, bob) = (house.able("alice").await, house.able("alice").await, house.able("bob").await);
    let (_stream, name, _) = asking(&alice, 5).await;
    let (_other, foreign, _) = asking(&bob, 5).await;
    let (_same, elsewhere, _) = asking(&again, 5).await;
    let other_client =
        house.mint(&MintRequest { client: "azure-cli".to_owned(), ..MintRequest::user("alice") });
    let mut names: Vec<String> =
        vec![foreign, elsewhere, "0".to_owned(), "e-1".to_owned(), "A".repeat(32), "A".repeat(33)];
    let bytes = URL_SAFE_NO_PAD.decode(&name).unwrap();
    for at in 0..bytes.len() {
        // The stream's number, the event's, and the tag.
        let mut changed = bytes.clone();
        changed[at] ^= 0x41;
        names.push(URL_SAFE_NO_PAD.encode(changed));
    }
    let before = house.records("alarm").len();
    for event in &names {
        let heard = alice.send(after(&alice, event)).await;
        assert!(not_found(&heard), "{event}: {} {:?}", heard.status, heard.body);
    }
    // A stolen name in the thief's own session, and in the stolen one, with their own tokens.
    let thieves = [
        bob.clone(),
        again.clone(),
        Client { session: bob.session.clone(), ..alice.clone() },
        Client { session: alice.session.clone(), ..bob.clone() },
        alice.with_token(Some(other_client)),
    ];
    for thief in &thieves {
        let heard = thief.send(after(thief, &name)).await;
        assert!(not_found(&heard), "{} {:?}", heard.status, heard.body);
    }
    let tokenless = alice.with_token(None);
    assert_eq!(tokenless.send(after(&tokenless, &name)).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(house.records("alarm").len() - before, names.len() + thieves.len());
    let kinds = |reason: &str| house.refusals().iter().filter(|refusal| *refusal == reason).count();
    assert_eq!((kinds("event-foreign"), kinds("session-foreign")), (names.len() + 2, 3));
    // Two lines, or none of the shape, are no name at all.
    for event in ["", "a b", &"x".repeat(257)] {
        assert_eq!(alice.send(after(&alice, event)).await.status, StatusCode::BAD_REQUEST, "{event:?}");
    }
    let mut twice = after(&alice, &name);
    twice.headers_mut().append("last-event-id", name.parse().unwrap());
    assert_eq!(alice.send(twice).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(resumed(&alice, &name).await.status, StatusCode::OK, "its owner keeps it");
}

// control: SES-06, T-29, eras-f: what a server sends on one stream is never replayed on another: each holds its own, from its first name on
#[tokio::test]
async fn no_stream_is_poisoned_through_another() {
    let house = House::new().await.acquainted().await;
    let alice = house.able("alice").await;
    let upstream = house.echo.sessions().pop().unwrap();
    let mut listening = alice.stream(alice.request(Method::GET, "")).await;
    let (unasked, _) = listening.named().await.unwrap();
    let mut firsts = Vec::new();
    for id in [11, 12] {
        let mut body = call(id, "burst", json!({"events": 3}));
        body["params"]["_meta"] = json!({"progressToken": id});
        let mut stream = alice.stream(alice.request(Method::POST, body.to_string())).await;
        firsts.push((id, stream.named().await.unwrap().0));
        while stream.named().await.is_some() {}
        let poison = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": id}});
        assert!(house.echo.push(&upstream, poison.to_string()).await);
        assert_eq!(listening.named().await.unwrap().1["params"]["data"], json!(id));
    }
    drop(listening);
    for (id, first) in firsts {
        let events = resumed(&alice, &first).await.rest().await;
        assert_eq!(events.len(), 4);
        assert!(events[..3].iter().all(|event| event["params"]["progressToken"] == json!(id)), "{events:?}");
        assert_eq!(events[3]["id"], json!(id));
    }
    // The stream on which the server speaks unasked goes on where it was, with what comes now.
    let mut back = resumed(&alice, &unasked).await;
    let (_, one) = back.named().await.unwrap();
    let (name, two) = back.named().await.unwrap();
    assert_eq!((&one["params"]["data"], &two["params"]["data"]), (&json!(11), &json!(12)));
    let next =
        json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": 13}});
    assert!(house.echo.push(&upstream, next.to_string()).await);
    let (last, three) = back.named().await.unwrap();
    assert!(three["params"]["data"] == json!(13) && last != name);
    // Another stream takes its place: what it hears was never the first one's.
    let mut newest = alice.stream(alice.request(Method::GET, "")).await;
    newest.named().await.unwrap();
    assert!(house.echo.push(&upstream, next.to_string().replace("13", "14")).await);
    assert_eq!(newest.named().await.unwrap().1["params"]["data"], json!(14));
    let mut first = resumed(&alice, &unasked).await;
    for data in [11, 12, 13] {
        assert_eq!(first.named().await.unwrap().1["params"]["data"], json!(data));
    }
    assert!(house.echo.push(&upstream, next.to_string().replace("13", "15")).await);
    assert_eq!(first.named().await.unwrap().1["params"]["data"], json!(15));
    assert_eq!(newest.rest().await, [] as [Value; 0]);
}

// control: T-29, eras-g: what is no longer kept is said to be gone, never passed over
#[tokio::test]
async fn what_is_no_longer_kept_is_gone() {
    let house = House::new().await.acquainted().await;
    let alice = house.able("alice").await;
    let mut body = call(7, "burst", json!({"events": 1000}));
    body["params"]["_meta"] = json!({"progressToken": 1});
    let mut stream = alice.stream(alice.request(Method::POST, body.to_string())).await;
    let mut names = Vec::new();
    while let Some((name, _)) = stream.named().await {
        names.push(name);
    }
    assert_eq!(names.len(), 1_002);
    let heard = alice.send(after(&alice, &names[0])).await;
    assert_eq!((heard.status, &heard.json()["error"]["code"]), (StatusCode::BAD_REQUEST, &json!(-32600)));
    assert_eq!(house.refusals(), ["event-gone"]);
    assert_eq!(house.records("alarm"), [] as [Value; 0]);
    let rest = resumed(&alice, &names[800]).await.rest().await;
    assert_eq!(rest.len(), 201);
    assert!(rest[..200].iter().enumerate().all(|(at, event)| event["params"]["progress"] == json!(at + 801)));
}

// control: D-03, AUT-02: what was released once is not released again to whom it is not permitted any more
#[tokio::test]
async fn a_replay_is_permitted_when_it_is_made() {
    let house = House::new().await.acquainted().await;
    let alice = house.able("alice").await;
    let (stream, name, _) = asking(&alice, 5).await;
    drop(stream);
    let running = resumed(&alice, &name).await;
    change_policies(&house, &POLICIES.replace(", Action::\"echo/ask\"", ""));
    assert_eq!(running.rest().await, [] as [Value; 0], "one that reads is cut off");
    let heard = alice.send(after(&alice, &name)).await;
    assert!(
        heard.status != StatusCode::OK && house.refusals().contains(&"not-permitted".to_owned()),
        "{:?}",
        heard.body
    );
    change_policies(&house, &POLICIES.replace("Role::\"Reader\"", "Role::\"Nobody\""));
    eventually("the policies to be in force", || house.door.door().snapshot().id() > 3).await;
    assert_eq!(alice.send(after(&alice, &name)).await.status, StatusCode::FORBIDDEN);
    eventually("all to be written", || settled(&house)).await;
}

// control: T-29: who negotiated an older revision gets no names and no events without data, and its call goes on all the same
#[tokio::test]
async fn an_older_client_gets_no_names() {
    let house = House::new().await.acquainted().await;
    let mut alice = house.client("alice");
    let mut hello = initialize(json!({}));
    hello["params"]["protocolVersion"] = json!("2025-06-18");
    let heard = alice.post(&hello).await;
    alice.session = Some(heard.headers["mcp-session-id"].to_str().unwrap().to_owned());
    let mut body = call(7, "burst", json!({"events": 3}));
    body["params"]["_meta"] = json!({"progressToken": 1});
    let mut request = alice.request(Method::POST, body.to_string());
    request.headers_mut().insert("mcp-protocol-version", "2025-06-18".parse().unwrap());
    let heard = alice.send(request).await;
    let text = std::str::from_utf8(&heard.body).unwrap();
    assert_eq!((heard.events().len(), text.matches("data:").count()), (4, 4));
    assert!(!text.contains("id: ") && !text.contains("retry: "), "{text}");
    // A modern client's stream has none either.
    let heard = house
        .client("alice")
        .modern(
            "tools/call",
            json!({"name": "burst", "arguments": {"events": 3}, "_meta": {"progressToken": 1}}),
        )
        .await;
    let text = std::str::from_utf8(&heard.body).unwrap();
    assert!(heard.events().len() == 4 && !text.contains("id: "), "{text}");
}

//! Streams live no longer than what they were opened on (D-03), and policies change while the door is open.

use std::path::Path;

use doorward_emulator::MintRequest;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Client, EventStream, call};
use crate::support::{House, POLICIES, Plan, eventually, within};

/// Opens the stream of a session for what its server says unasked.
async fn listening(client: &Client) -> EventStream {
    let stream = client.stream(client.request(Method::GET, "")).await;
    assert_eq!(
        (stream.status, &stream.headers["x-accel-buffering"]),
        (StatusCode::OK, &"no".parse().unwrap())
    );
    stream
}

async fn session(house: &House, user: &str) -> Client {
    let mut client = house.client(user);
    client.hello().await;
    client
}

pub(crate) fn change_policies(house: &House, text: &str) {
    let folder = house.folder.path().join("policies");
    // As editors do it: a new file takes the old one's place.
    std::fs::write(folder.join("test.cedar.new"), text).unwrap();
    std::fs::rename(folder.join("test.cedar.new"), folder.join("test.cedar")).unwrap();
}

fn last_outcome(house: &House) -> Value {
    house.records("outcome").pop().unwrap()
}

const CHANGED: &str = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;

// control: D-03, TOK-02: a stream ends when its token does, whether it listens or answers, and the server's side with it
#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let house = House::new().await.acquainted().await;
    let short = MintRequest { lifetime: Some(3), ..MintRequest::user("alice") };
    let mut alice = Client::new(house.door.address, Some(house.mint(&short)));
    alice.hello().await;
    let quiet = listening(&alice).await;
    let mut asking = alice.stream(alice.request(Method::POST, call(5, "ask", json!({})).to_string())).await;
    assert_eq!(asking.next().await.unwrap()["method"], "elicitation/create");
    assert_eq!(quiet.rest().await, [] as [Value; 0]);
    assert_eq!(asking.rest().await, [] as [Value; 0]);
    within("the server's streams are freed", house.echo.until_streams(0)).await;
    eventually("both have an outcome", || house.records("outcome").len() == house.records("intent").len())
        .await;
    let endings: Vec<_> =
        house.records("outcome").iter().rev().take(2).map(|outcome| outcome["result"].clone()).collect();
    assert!(endings.iter().all(|ending| ending == "aborted" || ending == "refused"), "{endings:?}");
}

// control-off: D-03: the server itself keeps the stream open for whoever opened it, token or none
#[tokio::test]
async fn without_the_door_a_stream_outlives_everything() {
    let house = House::new().await.acquainted().await;
    let mut direct = Client { address: house.echo.addr, path: "/mcp".to_owned(), token: None, session: None };
    direct.hello().await;
    let mut stream = direct.stream(direct.request(Method::GET, "")).await;
    let session = direct.session.clone().unwrap();
    assert!(house.echo.push(&session, CHANGED).await);
    assert!(stream.next().await.is_some());
}

// control: D-03, SES-03: a stream ends with its session
#[tokio::test]
async fn a_stream_ends_with_its_session() {
    let house = House::new().await.acquainted().await;
    let alice = session(&house, "alice").await;
    let quiet = listening(&alice).await;
    assert_eq!(alice.send(alice.request(Method::DELETE, "")).await.status, StatusCode::OK);
    assert_eq!(quiet.rest().await, [] as [Value; 0]);
    within("the server's stream is freed", house.echo.until_streams(0)).await;
}

// control: D-03, AUT-02: when a changed policy takes the permit away, a stream ends at once, silent or not, and no further call goes through
#[tokio::test]
async fn a_stream_ends_when_its_permit_is_taken_away() {
    let house = House::new().await.acquainted().await;
    let (alice, carol) = (session(&house, "alice").await, session(&house, "carol").await);
    let (hers, mut carols) = (listening(&alice).await, listening(&carol).await);
    let mut asking = alice.stream(alice.request(Method::POST, call(5, "ask", json!({})).to_string())).await;
    asking.next().await.unwrap();
    change_policies(&house, &POLICIES.replace("Role::\"Reader\"", "Role::\"Nobody\""));
    assert_eq!(hers.rest().await, [] as [Value; 0]);
    assert_eq!(asking.rest().await, [] as [Value; 0]);
    assert_eq!(last_outcome(&house)["result"], "refused");
    let refused = alice.call("echo", json!({"text": "x", "n": 1})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{:?}", refused.body);
    // The administrators' policy stands, and so does their stream.
    house.echo.announce("notifications/tools/list_changed", "{}").await;
    assert_eq!(carols.next().await.unwrap()["method"], "notifications/tools/list_changed");
}

// control: D-03, D-05: a policy file that is not valid changes nothing; the next good one does, whole
#[tokio::test]
async fn a_bad_policy_file_keeps_the_old_ones() {
    let house = House::new().await.acquainted().await;
    let alice = session(&house, "alice").await;
    let before = house.door.door().snapshot().id();
    let folder = house.folder.path().join("policies");
    let write = |name: &str, text: &str| std::fs::write(Path::join(&folder, name), text).unwrap();
    // The good file and the broken one are one change: half of it must not count.
    write("more.cedar", "@id(\"all\")\npermit (principal, action, resource);");
    write("broken.cedar", "permit (principal, action == Action::\"echo/");
    let big = json!({"bytes": 3});
    let watch = std::time::Instant::now();
    while watch.elapsed().as_millis() < 700 {
        assert_eq!(alice.call("big", big.clone()).await.json()["error"]["code"], -32602);
        assert_eq!(alice.call("echo", json!({"text": "x", "n": 1})).await.status, StatusCode::OK);
    }
    assert_eq!(house.door.door().snapshot().id(), before);
    std::fs::remove_file(folder.join("broken.cedar")).unwrap();
    eventually("the good change is in force", || house.door.door().snapshot().id() > before).await;
    assert!(alice.call("big", big).await.response()["result"].is_object());
}

// control: D-05, AUT-02: policies that do not fit the servers permit nothing, and mended they are in force without a restart
#[tokio::test]
async fn policies_that_do_not_fit_are_mended_in_place() {
    let wrong = POLICIES.replace("echo/burst", "echo/no-such-tool");
    let house = House::with(Plan { policies: &wrong, ..Plan::default() }).await;
    let alice = house.client("alice");
    for _ in 0..3 {
        let heard =
            alice.modern("tools/call", json!({"name": "echo", "arguments": {"text": "x", "n": 1}})).await;
        assert!(
            heard.status == StatusCode::FORBIDDEN || heard.json().get("error").is_some(),
            "{:?}",
            heard.body
        );
    }
    assert!(!house.echo_heard("tools/call"));
    let before = house.door.door().snapshot().id();
    change_policies(&house, POLICIES);
    eventually("the mended policies are in force", || house.door.door().snapshot().id() > before).await;
    let heard =
        alice.modern("tools/call", json!({"name": "echo", "arguments": {"text": "mended", "n": 1}})).await;
    assert!(heard.response()["result"].to_string().contains("mended"), "{:?}", heard.body);
}

// control: D-22, L-18: a burst arrives whole, in order, and in few writes
#[tokio::test]
async fn a_burst_arrives_whole_in_order_and_together() {
    let house = House::new().await.acquainted().await;
    let alice = session(&house, "alice").await;
    let mut body = call(7, "burst", json!({"events": 5000}));
    body["params"]["_meta"] = json!({"progressToken": 1});
    let heard = alice.post(&body).await;
    let events = heard.events();
    assert_eq!(events.len(), 5001);
    assert!(events[..5000].iter().enumerate().all(|(at, event)| event["params"]["progress"] == at + 1));
    let outcome = last_outcome(&house);
    assert_eq!((&outcome["frames"], &outcome["result"]), (&json!(5001), &json!("ok")));
}

// control: D-09: a stream whose caller goes away is freed, and its outcome says so
#[tokio::test]
async fn a_caller_who_goes_away_frees_the_stream() {
    let house = House::new().await.acquainted().await;
    let alice = session(&house, "alice").await;
    drop(listening(&alice).await);
    within("the server's stream is freed", house.echo.until_streams(0)).await;
    eventually("the outcome is recorded", || last_outcome(&house)["result"] == "aborted").await;
}

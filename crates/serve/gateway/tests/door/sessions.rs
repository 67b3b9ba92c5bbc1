//! Stolen, expired and ended sessions (SES-01…03).

use doorward_emulator::MintRequest;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Client, Heard};
use crate::support::{House, Plan, eventually};

fn not_found(heard: &Heard) -> bool {
    heard.status == StatusCode::NOT_FOUND && heard.json()["error"]["code"] == json!(-32001)
}

async fn victim(house: &House) -> Client {
    let mut alice = house.client("alice");
    assert_eq!(alice.hello().await.status, StatusCode::OK);
    house.echo.clear_transcript();
    alice
}

fn bodies() -> [(Method, Value); 4] {
    [
        (
            Method::POST,
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo", "arguments": {"text": "x", "n": 1}}}),
        ),
        (
            Method::POST,
            json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}),
        ),
        (Method::GET, Value::Null),
        (Method::DELETE, Value::Null),
    ]
}

async fn send(client: &Client, verb: &Method, body: &Value) -> Heard {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    client.send(client.request(verb.clone(), body)).await
}

// control: SES-01, A-06: a session id without a token opens nothing, on any verb
#[tokio::test]
async fn a_stolen_session_without_a_token_is_no_session() {
    let house = House::new().await.acquainted().await;
    let alice = victim(&house).await;
    for (verb, body) in bodies() {
        let heard = send(&alice.with_token(None), &verb, &body).await;
        assert_eq!(heard.status, StatusCode::UNAUTHORIZED, "{verb}");
    }
    assert_eq!(house.echo.transcript(), []);
    assert_eq!(
        alice.call("echo", json!({"text": "x", "n": 1})).await.status,
        StatusCode::OK,
        "its owner keeps it"
    );
}

// control: SES-03, B-06: another person's token, or another client's of the same person, finds no such session on any verb, and an alarm is raised
#[tokio::test]
async fn a_stolen_session_with_another_token_is_unknown_and_an_alarm() {
    let house = House::new().await.acquainted().await;
    let alice = victim(&house).await;
    let other_client =
        house.mint(&MintRequest { client: "azure-cli".to_owned(), ..MintRequest::user("alice") });
    for (thieves, token) in [house.token("bob"), other_client].into_iter().enumerate() {
        let thief = alice.with_token(Some(token));
        for (verb, body) in bodies() {
            let heard = send(&thief, &verb, &body).await;
            assert!(not_found(&heard), "{verb}: {} {:?}", heard.status, heard.body);
        }
        assert_eq!(house.records("alarm").len(), (thieves + 1) * bodies().len());
    }
    assert!(house.refusals().iter().all(|reason| reason == "session-foreign"));
    assert!(house.records("alarm").iter().all(|alarm| alarm["alarm"] == "session-foreign"));
    // A session that never was is answered the same, byte for byte, without the alarm.
    let mut nowhere = house.client("bob");
    nowhere.session = Some("never-was".to_owned());
    let (foreign, absent) = {
        let (verb, body) = &bodies()[0];
        let thief = alice.with_token(Some(house.token("bob")));
        (send(&thief, verb, body).await, send(&nowhere, verb, body).await)
    };
    assert_eq!((foreign.status, &foreign.body), (absent.status, &absent.body));
    assert_eq!(house.refusals().last().unwrap(), "session-unknown");
    assert_eq!(house.echo.transcript(), [], "the server heard of a thief");
    assert_eq!(
        alice.call("echo", json!({"text": "x", "n": 1})).await.status,
        StatusCode::OK,
        "its owner keeps it"
    );
}

// control-off: SES-01, SES-03: the server itself asks for nothing but the id, so there the stolen session works
#[tokio::test]
async fn without_the_door_the_stolen_session_works() {
    let house = House::new().await.acquainted().await;
    let mut direct = Client { address: house.echo.addr, path: "/mcp".to_owned(), token: None, session: None };
    direct.hello().await;
    let thief = direct.with_token(Some(house.token("mallory")));
    assert_eq!(thief.call("echo", json!({"text": "x", "n": 1})).await.status, StatusCode::OK);
    assert_eq!(send(&thief, &Method::DELETE, &Value::Null).await.status, StatusCode::OK);
    assert_eq!(direct.call("echo", json!({"text": "x", "n": 1})).await.status, StatusCode::NOT_FOUND);
}

// control: SES-02: session ids are 256 random bits, and the server's own id never leaves the house
#[tokio::test]
async fn the_callers_session_id_is_the_doors_and_not_the_servers() {
    let house = House::new().await.acquainted().await;
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..8 {
        let alice = victim(&house).await;
        let id = alice.session.clone().unwrap();
        assert_eq!(id.len(), 43, "256 bits in base64url");
        assert!(!house.echo.sessions().contains(&id));
        assert!(ids.insert(id.clone()));
        assert!(!house.record().contains(&id), "the id is as good as a key to the session");
    }
    for upstream in house.echo.sessions() {
        let mut bob = house.client("bob");
        bob.session = Some(upstream);
        assert!(not_found(&bob.call("echo", json!({"text": "x", "n": 1})).await));
    }
}

// control: SES-03: after DELETE, and after its idle or absolute time, a session is gone for good, at the server too
#[tokio::test]
async fn an_ended_or_expired_session_is_gone() {
    let house = House::new().await.acquainted().await;
    let alice = victim(&house).await;
    assert_eq!(send(&alice, &Method::DELETE, &Value::Null).await.status, StatusCode::OK);
    assert!(not_found(&send(&alice, &Method::DELETE, &Value::Null).await));
    assert!(not_found(&alice.call("echo", json!({"text": "x", "n": 1})).await));
    eventually("the server is told", || house.echo.sessions().is_empty()).await;
    assert_eq!(house.door.door().sessions(), 0);
    assert!(!house.echo_heard("tools/call"));

    let plan = Plan { more: "[sessions]\nidle = \"1s\"\nabsolute = \"2s\"", ..Plan::default() };
    let house = House::with(plan).await.acquainted().await;
    let (idle, busy) = (victim(&house).await, victim(&house).await);
    let began = std::time::Instant::now();
    // The busy one is used all the time and still ends; the idle one has been gone for long by then.
    while busy.call("echo", json!({"text": "x", "n": 1})).await.status == StatusCode::OK {
        assert!(began.elapsed().as_secs() < 10, "a session outlived its absolute time");
        tokio::task::yield_now().await;
    }
    assert!(not_found(&idle.call("echo", json!({"text": "x", "n": 1})).await));
    eventually("both are swept away", || {
        house.door.door().sessions() == 0 && house.echo.sessions().is_empty()
    })
    .await;
}

// control: T-26, T-27: when the server loses the session, the caller's session ends with it and the next one is new
#[tokio::test]
async fn a_session_the_server_forgot_is_over_for_the_caller_too() {
    let house = House::new().await.acquainted().await;
    let mut alice = victim(&house).await;
    for session in house.echo.sessions() {
        assert!(house.echo.end_session(&session));
    }
    assert!(not_found(&alice.call("echo", json!({"text": "x", "n": 1})).await));
    assert_eq!(house.door.door().sessions(), 0);
    alice.session = None;
    alice.hello().await;
    assert_eq!(alice.call("echo", json!({"text": "x", "n": 1})).await.status, StatusCode::OK);
}

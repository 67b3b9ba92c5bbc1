//! What is taken back ends at once, and ends nothing else (TOK-10).

use std::sync::Arc;

use doorward_oauth::{Revocations, Revoked};
use doorward_types::{ObjectId, Person, TenantId, Timestamp};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Client, EventStream, call};
use crate::support::{House, Plan, eventually, within};

/// Says who a token is of.
fn person(token: &str) -> Person {
    use base64::Engine as _;
    let claims =
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    Person {
        tenant: TenantId::parse(claims["tid"].as_str().unwrap()).unwrap(),
        object: ObjectId::parse(claims["oid"].as_str().unwrap()).unwrap(),
    }
}

fn revoke(house: &House, what: Revoked) {
    let now: Timestamp = std::time::SystemTime::now().into();
    let door = house.door.door();
    door.ports().set_revocations(Arc::new(Revocations::new([(what, 1, now)])));
    door.raise_epoch();
}

async fn listening(house: &House, user: &str) -> (Client, EventStream) {
    let mut client = house.client(user);
    client.hello().await;
    let stream = client.stream(client.request(Method::GET, "")).await;
    assert_eq!(stream.status, StatusCode::OK);
    (client, stream)
}

// control: TOK-10, D-03: whose access was taken back is cut off at once, in mid-stream and at the next call, and nobody else is
#[tokio::test]
async fn a_revoked_person_is_cut_off_and_the_others_are_not() {
    let house = House::new().await.acquainted().await;
    let (alice, quiet) = listening(&house, "alice").await;
    let (carol, mut carols) = listening(&house, "carol").await;
    let mut asking = alice.stream(alice.request(Method::POST, call(5, "ask", json!({})).to_string())).await;
    asking.next().await.unwrap();
    revoke(&house, Revoked::Person(person(alice.token.as_ref().unwrap())));
    assert_eq!(quiet.rest().await, [] as [Value; 0]);
    assert_eq!(asking.rest().await, [] as [Value; 0]);
    within("the server's side ends too", house.echo.until_streams(1)).await;
    house.echo.announce("notifications/tools/list_changed", "{}").await;
    assert_eq!(carols.next().await.unwrap()["method"], "notifications/tools/list_changed");
    assert_eq!(carol.call("echo", json!({"text": "x", "n": 1})).await.status, StatusCode::OK);

    for _ in 0..2 {
        let refused = alice.call("echo", json!({"text": "x", "n": 1})).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert!(refused.headers["www-authenticate"].to_str().unwrap().contains(r#"error="invalid_token""#));
    }
    assert_eq!(house.refusals(), ["revoked", "revoked"], "in her own name");
    eventually("both streams have an outcome", || {
        house.records("outcome").len() + 1 >= house.records("intent").len()
    })
    .await;
}

// control-off: TOK-10: a door that is not told of a revocation believes the token until it expires
#[tokio::test]
async fn a_revocation_that_nobody_hears_of_ends_nothing() {
    let house = House::new().await.acquainted().await;
    let (alice, _quiet) = listening(&house, "alice").await;
    house.door.door().raise_epoch();
    assert_eq!(alice.call("echo", json!({"text": "x", "n": 1})).await.status, StatusCode::OK);
}

// control: TOK-10: sessions of one person end, and another's stay
#[tokio::test]
async fn sessions_of_one_person_end() {
    let house = House::new().await.acquainted().await;
    let (alice, quiet) = listening(&house, "alice").await;
    let (carol, _carols) = listening(&house, "carol").await;
    let hers = person(alice.token.as_ref().unwrap());
    let ended = house.door.door().end_sessions_where(|owner| owner.object == hers.object);
    assert_eq!(ended, 1);
    assert_eq!(quiet.rest().await, [] as [Value; 0]);
    assert_eq!(alice.call("echo", json!({"text": "x", "n": 1})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(carol.call("echo", json!({"text": "x", "n": 1})).await.status, StatusCode::OK);
}

// control: D-11, TOK-10: a revocation does not lock out those who are known where bad tokens come from
#[tokio::test]
async fn known_callers_stay_known_after_anothers_revocation() {
    let house = House::with(Plan::default()).await.acquainted().await;
    let (alice, _quiet) = listening(&house, "alice").await;
    let thief = alice.with_token(Some("no.such.token".to_owned()));
    for _ in 0..205 {
        thief.post(&call(1, "echo", json!({}))).await;
    }
    assert_eq!(thief.post(&call(1, "echo", json!({}))).await.status, StatusCode::TOO_MANY_REQUESTS);
    revoke(&house, Revoked::Person(person(&house.token("carol"))));
    assert_eq!(alice.call("echo", json!({"text": "x", "n": 1})).await.status, StatusCode::OK);
}

//! With what the door comes to a server, and what its callers hear when that is not enough.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what does not hold is a failed test, in helpers too"
)]

mod house;
mod needs;
mod server;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use doorward_engine::{EraRule, Need, UpstreamError, UpstreamFault};
use http::Method;
use serde_json::json;

use house::{House, Plan};
use server::{refusing, text, unauthorized};

// control: TPT-01, REM-12: each caller's calls go out with their own credential, and never with what they came with
#[tokio::test]
async fn each_caller_goes_out_with_their_own() {
    let house = House::new(Plan { per_person: true, ..Plan::default() }, |heard| text(heard, "done")).await;
    for person in [1, 2] {
        assert_eq!(house.call(person, "echo").await.status, 200);
    }
    let calls = house.server.named("tools/call");
    let sent: Vec<_> = calls.iter().map(|heard| heard.header("authorization").unwrap()).collect();
    assert_eq!(sent, ["Bearer key-of-1-0", "Bearer key-of-2-0"]);
    for heard in house.server.all() {
        for person in [1, 2] {
            let token = house.token(person);
            assert!(
                !heard.contains(&token) && !heard.contains(token.rsplit('.').next().unwrap()),
                "{heard:?}"
            );
        }
    }
}

// control: REM-12, D-08: what a server offers to one person is not what another is judged by, and nobody's list is asked for with another's credential
#[tokio::test]
async fn each_person_has_a_catalogue_of_their_own() {
    let plan = Plan { per_person: true, ..Plan::default() };
    let house = House::new(plan, |heard| {
        if heard.method() == "tools/list" && heard.header("authorization").unwrap().contains("key-of-2") {
            return server::tools(heard, &["other"]);
        }
        text(heard, "done")
    })
    .await;
    assert!(house.call(1, "echo").await.json()["result"].is_object());
    assert_eq!(house.call(2, "echo").await.json()["error"]["message"], "Unknown tool");
    assert!(house.call(2, "other").await.json()["result"].is_object());
    assert_eq!(house.call(1, "other").await.json()["error"]["message"], "Unknown tool");
    let lists: Vec<_> =
        house.server.named("tools/list").iter().map(|heard| heard.header("authorization").unwrap()).collect();
    let of = |person: u8| lists.iter().filter(|key| **key == format!("Bearer key-of-{person}-0")).count();
    // The first to come also has the door learn what there is at all, before anybody's capabilities count.
    assert_eq!((of(1), of(2), lists.len()), (2, 1, 3), "once for each, however often they call");
}

// control-off: D-08: where all share one catalogue, the first to come decides what everybody is judged by
#[tokio::test]
async fn with_one_catalogue_for_all_another_persons_tools_are_believed() {
    let house = House::new(Plan::default(), |heard| {
        let of_two = heard.header("authorization").unwrap().contains("key-of-2");
        match (heard.method().as_str(), of_two) {
            ("tools/list", true) => server::tools(heard, &["other"]),
            _ => text(heard, "done"),
        }
    })
    .await;
    house.call(1, "echo").await;
    assert!(
        house.call(2, "echo").await.json()["result"].is_object(),
        "a tool that person 2 was never offered"
    );
}

// control: D-08: a server that is called on behalf of people only is not asked before one comes, and then on theirs
#[tokio::test]
async fn without_a_person_such_a_server_is_not_asked() {
    let plan = Plan { per_person: true, ..Plan::default() };
    let house = House::new(plan, |heard| text(heard, "done")).await;
    let rules = Arc::clone(house.door.snapshot().server("crm").unwrap());
    let refused = house.door.acquaint(&rules, None).await.err().unwrap();
    assert_eq!(refused.fault, UpstreamFault::Refused);
    assert!(house.server.all().is_empty());
    assert_eq!(house.call(1, "echo").await.status, 200);
    assert!(
        house.server.all().iter().all(|heard| heard.header("authorization").unwrap() == "Bearer key-of-1-0")
    );
}

// control: TPT-01: a credential that is refused is replaced once, and a second refusal is final
#[tokio::test]
async fn a_refused_credential_is_replaced_once() {
    // The first of each person's keys has expired.
    let house = House::new(Plan::default(), |heard| match heard.header("authorization").as_deref() {
        Some("Bearer key-of-1-1") => text(heard, "done"),
        _ if heard.method() != "tools/call" => text(heard, "done"),
        _ => unauthorized("Bearer realm=\"crm\""),
    })
    .await;
    assert!(house.call(1, "echo").await.json()["result"].is_object());
    let sent: Vec<_> =
        house.server.named("tools/call").iter().map(|heard| heard.header("authorization").unwrap()).collect();
    assert_eq!(sent, ["Bearer key-of-1-0", "Bearer key-of-1-1"]);
    assert_eq!(*house.purse.heard.lock().unwrap(), [Some("Bearer realm=\"crm\"".to_owned())]);

    let answered = house.call(2, "echo").await;
    assert_eq!(answered.json()["error"]["message"], "the server behind the door refused the request");
    assert_eq!(answered.status, 200, "its 401 is between it and the door");
    assert_eq!(house.server.named("tools/call").len(), 4, "one retry and no more");
}

// control: U-09: a credential that permits too little is not sent again: the person hears it, or nobody can help
#[tokio::test]
async fn a_credential_that_permits_too_little_is_not_tried_again() {
    const CHALLENGE: &str = r#"Bearer error="insufficient_scope", scope="write""#;
    let house = House::new(Plan::default(), |heard| match heard.method().as_str() {
        "tools/call" => refusing(403, CHALLENGE),
        _ => text(heard, "done"),
    })
    .await;
    let page = "https://mcp.contoso.com/account/connect/crm".to_owned();
    let need = Some(Need::Connect { url: page.clone() });
    *house.purse.small.lock().unwrap() =
        Some(UpstreamError { need, ..UpstreamError::new(UpstreamFault::Refused, "too small") });
    let told = house.call(1, "echo").await.json();
    assert!(told.to_string().contains(&page), "{told}");
    let refused = house.call(1, "echo").await.json();
    assert_eq!(refused["error"]["message"], "the server behind the door refused the request");
    assert_eq!(house.server.named("tools/call").len(), 2, "each was sent once");
    assert_eq!(*house.purse.heard.lock().unwrap(), [Some(CHALLENGE.to_owned()), Some(CHALLENGE.to_owned())]);
}

#[tokio::test]
async fn a_credential_may_give_up_at_once() {
    let house = House::new(Plan::default(), |heard| match heard.method().as_str() {
        "tools/call" => unauthorized(""),
        _ => text(heard, "done"),
    })
    .await;
    house.purse.gives_up.store(true, Ordering::Relaxed);
    assert_eq!(house.call(1, "echo").await.json()["error"]["code"], -32603);
    assert_eq!(house.server.named("tools/call").len(), 1);
    assert_eq!(*house.purse.heard.lock().unwrap(), [None]);
}

// control: TPT-01: without its credential a request is not sent at all, and what the operator set by hand does not stand in for it
#[tokio::test]
async fn without_a_credential_nothing_is_sent() {
    let headers = vec![("authorization".to_owned(), "Basic b3BlcmF0b3I6eA==".to_owned())];
    let house = House::new(Plan { headers, ..Plan::default() }, |heard| text(heard, "done")).await;
    assert_eq!(house.call(1, "echo").await.status, 200);
    assert!(house.server.all().iter().all(|heard| !heard.contains("Basic ")), "the credential wins");
    house.server.forget();
    *house.purse.empty.lock().unwrap() = Some(UpstreamError::new(UpstreamFault::Refused, "empty"));
    assert_eq!(house.call(1, "echo").await.json()["error"]["code"], -32603);
    assert!(house.server.all().is_empty());
}

// control: TPT-01: a session is opened, used and ended with its caller's own credential
#[tokio::test]
async fn a_session_ends_with_the_credential_it_began_with() {
    let plan = Plan { per_person: true, era: EraRule::Legacy, ..Plan::default() };
    let house = House::new(plan, |heard| text(heard, "done")).await;
    let opened = house.legacy(1, None, "initialize", house::hello(&json!({}))).await;
    let session = opened.session.clone().unwrap();
    house.legacy(1, Some(&session), "tools/call", json!({"name": "echo", "arguments": {}})).await;
    house.leave(1, &session).await;
    house.server.until(|all| all.iter().filter(|heard| heard.verb == Method::DELETE).count() == 2).await;
    assert!(
        house.server.all().iter().all(|heard| heard.header("authorization").unwrap() == "Bearer key-of-1-0")
    );
}

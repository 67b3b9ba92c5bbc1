//! HTTP+SSE and time: clients that read nothing, and servers that do not take what they are told.

use std::time::Duration;

use doorward_gateway::Pace;
use doorward_servers::old::{self, Names};
use http::StatusCode;
use serde_json::{Value, json};

use crate::client::{Client, call};
use crate::old_transport::{OLD_CLIENTS, Old, house_before};
use crate::support::{House, Plan, eventually, within};

/// Calls that may run at once in the house.
const PLACES: usize = 4;

/// A house with few places, whose clients of HTTP+SSE may read nothing for so long.
async fn house(patience: Duration) -> House {
    let policies = r#"@id("all") permit (principal, action, resource);"#;
    let more = format!("[limits]\nconcurrent_calls = {PLACES}");
    let pace = Pace { patience, ..Plan::default().pace };
    House::with(Plan { policies, server: OLD_CLIENTS, more: &more, pace, ..Plan::default() }).await
}

/// How many large answers the door has, sent or not.
fn answered(house: &House) -> usize {
    let big = |intent: &Value| (intent["tool"] == "big").then(|| intent["call"].clone());
    let calls: Vec<_> = house.records("intent").iter().filter_map(big).collect();
    house.records("outcome").iter().filter(|outcome| calls.contains(&outcome["call"])).count()
}

/// Calls for large answers and reads none, until no call is taken any more; returns how many were, and what the last one
/// was answered with.
async fn fill(house: &House, mallory: &Old) -> (usize, StatusCode) {
    let mut taken = 0;
    loop {
        let mut refused = 0;
        let last = loop {
            match mallory.say(&call(100 + taken, "big", json!({"bytes": 500_000}))).await {
                StatusCode::ACCEPTED => {
                    taken += 1;
                    refused = 0;
                }
                StatusCode::SERVICE_UNAVAILABLE if refused < 20 => refused += 1,
                last => break last,
            }
        };
        let all = usize::try_from(taken).unwrap();
        // While some are still under way to the server, it is not an unread answer that holds their places.
        if last != StatusCode::SERVICE_UNAVAILABLE || answered(house) == all {
            return (all, last);
        }
    }
}

async fn is_served(bob: &Client) -> StatusCode {
    bob.call("echo", json!({"text": "x", "n": 1})).await.status
}

// control-off: RAT-03: with patience without end a client that reads nothing holds every place for as long as it likes
#[tokio::test]
async fn a_client_that_reads_nothing_could_hold_every_place() {
    let house = house(Duration::from_secs(3600)).await.acquainted().await;
    let mut bob = house.client("bob");
    bob.hello().await;
    assert_eq!(is_served(&bob).await, StatusCode::OK);
    let mallory = Old::hello(house.client("alice"), json!({})).await;
    let (_, last) = within("every place is held", fill(&house, &mallory)).await;
    assert_eq!(last, StatusCode::SERVICE_UNAVAILABLE);
    for _ in 0..20 {
        assert_eq!(is_served(&bob).await, StatusCode::SERVICE_UNAVAILABLE);
    }
    // Only its leaving frees them.
    drop(mallory);
    within("the places are free", async {
        while is_served(&bob).await != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

// control: RAT-03: a conversation whose client reads nothing ends, with its session, and gives back the places of its calls
#[tokio::test]
async fn a_conversation_whose_client_reads_nothing_ends() {
    let house = house(Duration::from_millis(100)).await.acquainted().await;
    let mut bob = house.client("bob");
    bob.hello().await;
    let mallory = Old::hello(house.client("alice"), json!({})).await;
    assert_eq!(house.door.door().sessions(), 2);
    within("the conversation ends", async {
        while fill(&house, &mallory).await.1 != StatusCode::NOT_FOUND {}
    })
    .await;
    eventually("its session is over", || house.door.door().sessions() == 1).await;
    within("the places are free", async {
        while is_served(&bob).await != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(mallory);
}

// control: RAT-03: while its client has patience left a conversation loses nothing of what waits for it
#[tokio::test]
async fn whoever_reads_at_last_gets_everything() {
    let house = house(Duration::from_secs(3600)).await;
    let mut alice = Old::hello(house.client("alice"), json!({})).await;
    let (taken, last) = within("the stream is full", fill(&house, &alice)).await;
    assert_eq!(last, StatusCode::SERVICE_UNAVAILABLE);
    let mut heard = std::collections::BTreeSet::new();
    for _ in 0..taken {
        heard.insert(alice.heard().await["id"].as_i64().unwrap());
    }
    assert_eq!(heard.len(), taken);
}

// control: T-34: a server of HTTP+SSE that does not even answer the POST of a call in time is told that nobody waits for it
#[tokio::test]
async fn a_call_whose_post_is_not_answered_is_cancelled() {
    let late = old::start_with(Names::Itself, true).await.unwrap();
    let (house, old) = house_before(late, "1s").await;
    let mut alice = house.client("alice").at("/old/mcp");
    assert_eq!(alice.hello().await.status, StatusCode::OK);
    let answer = alice.call("hold", json!({})).await;
    assert!(answer.response()["error"].is_object(), "{:?}", answer.body);
    let said = |method: &str| {
        let all = old.transcript().into_iter().filter(|request| request.method().as_deref() == Some(method));
        all.map(|request| serde_json::from_slice::<Value>(&request.body).unwrap()).collect::<Vec<_>>()
    };
    eventually("the server is told", || !said("notifications/cancelled").is_empty()).await;
    let (called, cancelled) = (said("tools/call"), said("notifications/cancelled"));
    assert_eq!((called.len(), cancelled.len()), (1, 1), "{called:?} {cancelled:?}");
    assert_eq!(cancelled[0]["params"]["requestId"], called[0]["id"]);
}

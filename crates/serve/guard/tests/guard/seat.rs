//! Who sits at the machine may change while a guard works.

use std::time::Duration;

use doorward_engine::EraRule;
use doorward_guard::Ended;
use doorward_types::Timestamp;
use serde_json::{Value, json};

use crate::desk::{Desk, NEVER, call, who};

/// More than the log could name one by one.
const MANY: i64 = 200;

/// A desk with a session that has begun on both sides.
async fn begun() -> Desk {
    let mut desk = Desk::open("child", EraRule::Both, "").await;
    desk.hello().await;
    desk.say(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"})).await;
    assert_eq!(desk.heard().await["id"], 2);
    desk
}

/// Calls many times, and returns how many calls were carried out.
async fn carried_out(desk: &mut Desk) -> usize {
    let mut carried = 0;
    for id in 0..MANY {
        desk.say(&call(1_000 + id, "echo", json!({"text": "x", "n": 1}))).await;
        let answer = desk.heard().await;
        assert_eq!(answer["id"], 1_000 + id, "{answer}");
        carried += usize::from(answer["result"]["content"].is_array() && answer["result"]["isError"] != true);
    }
    carried
}

fn of_kind<'a>(records: &'a [Value], kind: &str) -> Vec<&'a Value> {
    records.iter().filter(|record| record["kind"] == kind).collect()
}

/// How often the log's counts hold a reason.
fn counted(records: &[Value], reason: &str) -> i64 {
    let counts = of_kind(records, "flood").into_iter().flat_map(|flood| flood["sources"].as_array());
    let counts = counts.flatten().filter(|source| source["reason"] == reason);
    counts.map(|source| source["count"].as_i64().unwrap()).sum()
}

/// Whose calls of a tool the records of one kind hold.
fn callers(records: &[Value], kind: &str) -> Vec<String> {
    let calls = of_kind(records, kind).into_iter().filter(|record| record["method"] == "tools/call");
    calls.map(|record| record["person"].as_str().unwrap().to_owned()).collect()
}

// control-off: LOC-08: a guard that nobody tells goes on for whoever signed out
#[tokio::test]
async fn while_its_person_sits_there_everything_is_carried_out() {
    let mut desk = begun().await;
    assert_eq!(carried_out(&mut desk).await, MANY as usize);
    let (_, records) = desk.leave().await;
    assert_eq!(counted(&records, "signed-out"), 0);
}

// control: D-11: a client that goes on calling when nobody sits there is counted in the log, and cannot fill it
#[tokio::test]
async fn when_nobody_sits_there_nothing_is_let_through_and_the_log_says_so() {
    let mut desk = begun().await;
    desk.seat.take(None);
    assert_eq!(carried_out(&mut desk).await, 0);
    let (ended, records) = desk.leave().await;
    assert_eq!(ended, Ended::ClientLeft);
    assert!(callers(&records, "intent").is_empty(), "{records:?}");
    assert_eq!(counted(&records, "signed-out"), MANY);
    assert!(of_kind(&records, "flood").len() <= 4, "bounded, however often it calls: {records:?}");
    assert!(of_kind(&records, "refused").is_empty(), "there is nobody to name");
}

/// A call begins, something happens, and the server answers: returns what reached the client under its id, and how it
/// ended in the record.
async fn meanwhile(happens: impl FnOnce(&Desk)) -> (Value, Value) {
    let mut desk = Desk::open("gated", EraRule::Legacy, "").await;
    desk.hello().await;
    let path = desk.folder.path().join("gate");
    let gate = tokio::net::UnixListener::bind(&path).unwrap();
    let mut wait = call(5, "wait", json!({"gate": path}));
    wait["params"]["_meta"] = json!({"progressToken": "p"});
    desk.say(&wait).await;
    assert_eq!(desk.heard().await["method"], "notifications/progress");
    let (waits, _) = tokio::time::timeout(Duration::from_secs(20), gate.accept()).await.unwrap().unwrap();
    happens(&desk);
    drop(waits);
    let answer = desk.heard().await;
    assert_eq!(answer["id"], 5, "{answer}");
    let (_, records) = desk.leave().await;
    let call =
        of_kind(&records, "intent").iter().find(|intent| intent["tool"] == "wait").unwrap()["call"].clone();
    let outcome =
        records.iter().find(|record| record["kind"] == "outcome" && record["call"] == call).unwrap();
    (answer, outcome["reason"].clone())
}

// control-off: LOC-08: a call that waits for its answer gets it, if nobody tells the guard that its person has left
#[tokio::test]
async fn what_waits_is_answered_while_its_person_sits_there() {
    let (answer, reason) = meanwhile(|_| ()).await;
    assert!(answer["result"].to_string().contains("past the gate") && reason.is_null(), "{answer}");
}

// control: LOC-08: what a server says to somebody who signed out meanwhile, or is another now, or whose token ended, stays here
#[tokio::test]
async fn what_waits_gets_nothing_once_its_person_has_left() {
    for (now, expected) in [
        (None, "signed-out"),
        (Some(who(7, NEVER)), "signed-out"),
        (Some(who(0, Timestamp::from_secs(1))), "token-expired"),
    ] {
        let (answer, reason) = meanwhile(|desk| desk.seat.take(now)).await;
        assert!(answer["error"].is_object() && !answer.to_string().contains("past the gate"), "{answer}");
        assert_eq!(reason, expected);
    }
}

// control: LOC-08: another person who sits there now has no part in what the first began, and is recorded as who they are
#[tokio::test]
async fn another_person_does_not_go_on_where_the_first_was() {
    let mut desk = begun().await;
    desk.seat.take(Some(who(7, NEVER)));
    assert_eq!(carried_out(&mut desk).await, 0);
    // The first one comes back, and goes on.
    desk.seat.take(Some(who(0, NEVER)));
    assert_eq!(carried_out(&mut desk).await, MANY as usize);
    let (_, records) = desk.leave().await;
    let (refused, carried) = (callers(&records, "refused"), callers(&records, "intent"));
    assert_eq!((refused.len(), carried.len()), (MANY as usize, MANY as usize));
    assert!(refused.iter().all(|person| *person != carried[0] && *person == refused[0]), "{refused:?}");
}

// control: IDC-10: a token that was verified counts until it expires, and not for a message longer; a newer one counts on
#[tokio::test]
async fn what_was_verified_counts_until_it_expires() {
    let mut desk = begun().await;
    desk.seat.take(Some(who(0, Timestamp::from_secs(1))));
    assert_eq!(carried_out(&mut desk).await, 0);
    desk.seat.take(Some(who(0, NEVER)));
    assert_eq!(carried_out(&mut desk).await, MANY as usize);
    let (_, records) = desk.leave().await;
    assert_eq!(counted(&records, "expired"), MANY, "{:?}", of_kind(&records, "flood"));
}

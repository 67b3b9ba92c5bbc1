//! What the log holds, over HTTP: an intent for whatever a server saw, an outcome for whatever was released, and no door
//! without a log (D-09).

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use doorward_audit::{VerifyInputs, verify};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Client, call, initialize};
use crate::support::{House, Plan, eventually, of_kind};

fn calls(records: &[Value]) -> BTreeSet<String> {
    records.iter().map(|record| record["call"].as_str().unwrap().to_owned()).collect()
}

// control: D-09, AUD-01, spine-i: every frame that a server saw has an intent, every released answer an outcome, and the log verifies
#[tokio::test]
async fn every_call_has_its_two_records() {
    let house = House::new().await.acquainted().await;
    let mut alice = house.client("alice");
    alice.hello().await;
    for n in [1, 2, 2_000] {
        alice.call("echo", json!({"text": "x", "n": n})).await;
        alice.modern("tools/call", json!({"name": "echo", "arguments": {"text": "x", "n": n}})).await;
    }
    alice.call("burst", json!({"events": 20})).await;
    alice.call("fail", json!({})).await;
    alice.post(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"})).await;
    alice.post(&json!({"jsonrpc": "2.0", "id": 3, "method": "ping"})).await;
    let (intents, outcomes) = (house.records("intent"), house.records("outcome"));
    assert_eq!(calls(&intents), calls(&outcomes));
    assert_eq!(calls(&intents).len(), intents.len(), "each once");
    // What the door asks for itself (the list of its catalogue) is its own; all else is somebody's.
    let own = ["tools/list", "prompts/list"];
    let seen: Vec<_> = house
        .echo
        .transcript()
        .iter()
        .filter_map(|request| request.method())
        .filter(|method| !own.contains(&method.as_str()))
        .collect();
    let intended: Vec<_> = intents
        .iter()
        .filter(|intent| !own.contains(&intent["method"].as_str().unwrap()))
        .map(|intent| intent["method"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(seen, intended);
    let call = intents.iter().find(|intent| intent["method"] == "tools/call").unwrap();
    assert_eq!(
        (&call["tool"], &call["policies"][0], &call["server"]),
        (&json!("echo"), &json!("readers"), &json!("echo"))
    );
    let House { door, folder, .. } = house;
    door.stop().await;
    let inputs = VerifyInputs {
        dir: folder.path().join("audit"),
        public_key: None,
        checkpoints: Some(folder.path().join("checkpoints/checkpoints.jsonl")),
        known: None,
    };
    let report = verify(&inputs).unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    assert!(report.open_intents.is_empty(), "{:?}", report.open_intents);
    assert_eq!((report.orphan_outcomes, report.unanchored_tail), (0, 0));
}

// control: AUD-02, B-13, D-10: neither arguments nor answers nor names that a caller chose are in the log
#[tokio::test]
async fn no_content_is_in_the_log() {
    let house = House::new().await.acquainted().await;
    let mut alice = house.client("alice");
    alice.hello().await;
    let canary = "c4n4ry-7f3a";
    alice.call("echo", json!({"text": canary, "n": 1})).await;
    alice.call("echo", json!({"text": canary, "n": 1_001})).await;
    alice.call("echo", json!({"text": "x", "n": 1, (canary): 1})).await;
    alice.call(canary, json!({})).await;
    alice
        .post(&json!({"jsonrpc": "2.0", "id": canary, "method": format!("vendor/{canary}"), "params": {}}))
        .await;
    alice.post(&json!({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": format!("file:///{canary}")}})).await;
    alice.at(&format!("/{canary}/mcp")).post(&initialize(json!({}))).await;
    alice.with_token(Some(canary.to_owned())).post(&initialize(json!({}))).await;
    let mut foreign = alice.clone();
    foreign.session = Some(canary.to_owned());
    foreign.call("echo", json!({})).await;
    assert!(house.record().lines().count() > 8);
    let (alice_id, log) = ("a11ce000", house.close().await);
    assert!(!log.contains(canary), "{log}");
    assert!(!log.contains(alice_id), "persons are pseudonyms");
}

// control: D-09: a caller who goes away before the answer leaves an outcome all the same, and frees the request's id
#[tokio::test]
async fn a_caller_who_goes_away_leaves_an_outcome() {
    let aborted =
        |house: &House| house.records("outcome").last().is_some_and(|last| last["result"] == "aborted");
    // To leave is to cancel for a client of 2026-07-28, whatever is kept for older ones.
    let house = House::new().await.acquainted().await;
    let client = house.client("alice");
    let params = json!({"name": "hold", "arguments": {}});
    let waiting = tokio::spawn(async move { client.modern("tools/call", params).await });
    house.echo.until_calls(1).await;
    waiting.abort();
    eventually("the outcome is recorded", || aborted(&house)).await;
    house.echo.until_calls(0).await;

    let house =
        House::with(Plan { more: "[sessions]\nresume = false", ..Plan::default() }).await.acquainted().await;
    let mut alice = house.client("alice");
    alice.hello().await;
    let client = alice.clone();
    let waiting = tokio::spawn(async move { client.call("hold", json!({})).await });
    house.echo.until_calls(1).await;
    waiting.abort();
    eventually("the outcome is recorded", || aborted(&house)).await;
    assert_eq!(calls(&house.records("intent")), calls(&house.records("outcome")));
    house.echo.release();
    assert_eq!(
        alice.call("echo", json!({"text": "x", "n": 1})).await.status,
        StatusCode::OK,
        "id 7 is free again"
    );
}

// control: D-09, AUD-01: while the log cannot be written nothing goes through and nothing is released, and with it the door comes back by itself
#[tokio::test]
async fn without_a_log_the_door_is_shut() {
    let place = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mount(place.path().join("small")) else { return };
    let log = disk.place.join("audit");
    let house = House::with(Plan { audit: Some(&log), ..Plan::default() }).await.acquainted().await;
    let mut alice = house.client("alice");
    alice.hello().await;
    assert_eq!(alice.call("echo", json!({"text": "x", "n": 1})).await.status, StatusCode::OK);
    house.echo.clear_transcript();
    disk.fill();
    let shut = until_shut(&alice).await;
    assert!(shut, "a full disk did not shut the door");
    house.echo.clear_transcript();
    for _ in 0..5 {
        let heard = alice.call("echo", json!({"text": "x", "n": 1})).await;
        assert_eq!(heard.status, StatusCode::SERVICE_UNAVAILABLE, "{:?}", heard.body);
        let heard = alice.send(alice.request(Method::GET, "")).await;
        assert_eq!(heard.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(house.echo.transcript(), [], "a server heard of a call that is not in the log");
    let ready = alice.with_token(None).at("/readyz");
    assert_eq!(ready.send(ready.request(Method::GET, "")).await.status, StatusCode::SERVICE_UNAVAILABLE);
    disk.free();
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(20));
    let mut open = false;
    for _ in 0..500 {
        looks.tick().await;
        open = alice.call("echo", json!({"text": "x", "n": 1})).await.status == StatusCode::OK;
        if open {
            break;
        }
    }
    assert!(open, "the door stays shut though its log can be written again");
    let text = std::fs::read_dir(&log)
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|e| e == "jsonl"));
    let text: String = text.map(|entry| std::fs::read_to_string(entry.path()).unwrap()).collect();
    assert!(
        calls(&of_kind(&text, "outcome")).is_superset(&calls(&of_kind(&text, "intent"))),
        "an intent without an outcome"
    );
    drop(house);
}

/// What still fits into the last page is still taken; then no more.
async fn until_shut(alice: &Client) -> bool {
    for id in 0..200 {
        let heard = alice.post(&call(id, "echo", json!({"text": "x", "n": 1}))).await;
        if heard.status == StatusCode::SERVICE_UNAVAILABLE {
            return true;
        }
    }
    false
}

/// A small volume in memory; taken off when dropped.
struct Disk {
    place: PathBuf,
}

impl Disk {
    /// Mounts it, or says why that cannot be done here.
    fn mount(place: PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&place).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=16m,mode=0700", "tmpfs"]).arg(&place);
        match mount.output() {
            Ok(output) if output.status.success() => Some(Self { place }),
            Ok(output) => {
                println!(
                    "not enforced here: a small volume cannot be mounted: {}",
                    String::from_utf8_lossy(&output.stderr)
                );
                None
            }
            Err(error) => {
                println!("not enforced here: mount cannot be run: {error}");
                None
            }
        }
    }

    fn fill(&self) {
        let mut filler = std::fs::File::create(self.place.join("filler")).unwrap();
        while filler.write_all(&[0; 4096]).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.place.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: whoever still has a file open there keeps it until they close it.
        let _unmounted = Command::new("umount").arg("-l").arg(&self.place).status();
    }
}

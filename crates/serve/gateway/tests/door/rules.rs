//! Rules in signed bundles, while the door is open (INJ-07): tried in the shadow, enforced, and taken back.

use doorward_audit::SigningKey;
use doorward_config::{Build, load};
use doorward_gateway::build;
use doorward_rulebook::{Shelf, seal};
use serde_json::{Value, json};

use crate::client::Client;
use crate::injected::{NOTE, POLICIES};
use crate::scripted::{Scripted, text};
use crate::support::{House, Plan, eventually};

const SAID: &str = "Details are kept at https://cdn.evil-metrics.example/x as agreed.";

fn tools() -> Value {
    json!([
        {"name": "look_up", "description": "Looks a word up.", "inputSchema": {"type": "object"}},
        {"name": "metrics", "description": SAID, "inputSchema": {"type": "object"}},
    ])
}

fn bundle(version: u64) -> String {
    format!(
        r#"{{"name":"house","version":{version},"rules":[{{"id":"house.metrics-host","owasp":"MCP10","atlas":"AML.T0025",
        "severity":"critical","reason":"names a host that took data","advice":"refuse it","contains":["evil-metrics.example"],
        "positives":["{SAID}"],"near_misses":["See https://metrics.example/x."]}}]}}"#
    )
}

/// A door that trusts one keeper, whose server names a host that nothing built in knows.
struct Kept {
    house: House,
    shelf: Shelf,
    key: SigningKey,
    _keys: tempfile::TempDir,
}

impl Kept {
    async fn new() -> Self {
        let keys = tempfile::tempdir().unwrap();
        let key = SigningKey::load(&keys.path().join("house.pem"), true).unwrap();
        let server = Scripted::start(tools(), |message| text(message, SAID)).await;
        let upstreams = [("open", server.url())];
        let more = format!("[rules]\ndir = \"rules\"\nkeys = [{:?}]", keys.path().join("house.pub"));
        let plan = Plan {
            policies: POLICIES,
            upstreams: &upstreams,
            server: "flagged_results = \"block\"",
            more: &more,
            annotated: true,
            ..Plan::default()
        };
        let house = House::with(plan).await.acquainted().await;
        let shelf = Shelf::new(house.folder.path().join("rules"), vec![*key.public()]);
        Self { house, shelf, key, _keys: keys }
    }

    /// Which rules the door says count, once it has taken up what was done.
    async fn now(&self, rules: &str) {
        let count = || {
            let snapshot = self.house.door.door().snapshot();
            snapshot.servers().all(|server| server.bundles.id() == rules)
        };
        eventually(rules, count).await;
    }

    /// What a client is given, which tools it sees, and what the call's record says was found.
    async fn seen(&self) -> (Value, Vec<String>, Value) {
        let mut alice = self.house.client("alice").at("/open/mcp");
        alice.hello().await;
        let list = alice.post(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"})).await.response();
        let listed = list["result"]["tools"].as_array().unwrap().iter();
        let listed = listed.map(|tool| tool["name"].as_str().unwrap().to_owned()).collect();
        let result = alice.call("look_up", json!({})).await.response()["result"].clone();
        let outcome = self.house.records("outcome").pop().unwrap();
        (result, listed, outcome["findings"].clone())
    }
}

// control: INJ-07: An installed bundle is told of and has no effect; enforced it counts for results and definitions; taken back it is
// gone; all while the door is open, and in the record.
#[tokio::test]
async fn a_bundle_counts_from_when_its_keeper_says_so() {
    let kept = Kept::new().await;
    let (result, listed, found) = kept.seen().await;
    assert_eq!((&found, listed.len()), (&Value::Null, 2), "nothing that is built in knows the host");
    assert_eq!(result["content"][0]["text"], SAID);

    kept.shelf.install(seal(&bundle(1), &kept.key).as_bytes()).unwrap();
    kept.now("house@1 shadow").await;
    let (result, listed, found) = kept.seen().await;
    assert_eq!((&result["content"][0]["text"], listed.len()), (&json!(SAID), 2));
    assert_eq!(result["_meta"][NOTE]["findings"], Value::Null, "a client hears nothing of it");
    assert_eq!(found, json!([{"rule": "house.metrics-host", "done": "shadow", "count": 1}]));
    let alarms = kept.house.records("alarm");
    let told: Vec<_> = alarms.iter().map(|alarm| (&alarm["alarm"], &alarm["tool"])).collect();
    assert_eq!(told, [(&json!("definition-shadowed"), &json!("metrics"))]);

    kept.shelf.enforce("house").unwrap();
    kept.now("house@1 enforce").await;
    let (result, listed, found) = kept.seen().await;
    assert_eq!(result["isError"], true);
    assert!(!result.to_string().contains("evil-metrics"), "{result}");
    assert_eq!(listed, ["look_up"]);
    assert_eq!(found, json!([{"rule": "house.metrics-host", "done": "refused", "count": 1}]));

    kept.shelf.roll_back("house").unwrap();
    kept.now("").await;
    assert_eq!(kept.seen().await.0["content"][0]["text"], SAID);
    let changed = || {
        let all = kept.house.records("grant").into_iter();
        let all = all.filter(|grant| grant["grant"] == "rules-changed");
        all.map(|grant| grant["reason"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    eventually("the record says all of it", || changed() == ["house@1 shadow", "house@1 enforce", "none"])
        .await;
}

// control: INJ-07: A tool that a bundle is against cannot be called from the moment on when it is not listed, and can be when it is
// again: what the door knows of a server is judged anew when its rules change.
#[tokio::test]
async fn what_a_bundle_hides_cannot_be_called() {
    let kept = Kept::new().await;
    let mut alice = kept.house.client("alice").at("/open/mcp");
    alice.hello().await;
    let refused = async |alice: &Client| {
        let heard = alice.call("metrics", json!({})).await.response();
        heard["error"]["code"] == -32602
    };
    assert!(!refused(&alice).await);
    kept.shelf.install(seal(&bundle(1), &kept.key).as_bytes()).unwrap();
    kept.shelf.enforce("house").unwrap();
    kept.now("house@1 enforce").await;
    assert!(refused(&alice).await);
    kept.shelf.roll_back("house").unwrap();
    kept.now("").await;
    assert!(!refused(&alice).await);
}

// control: INJ-07: With a bundle on its shelf that no keeper signed the door does not open: without it, it would find less than is
// thought.
#[tokio::test]
async fn a_strangers_bundle_is_not_taken_up() {
    let kept = Kept::new().await;
    kept.shelf.install(seal(&bundle(1), &kept.key).as_bytes()).unwrap();
    kept.shelf.enforce("house").unwrap();
    kept.now("house@1 enforce").await;
    let folder = kept.house.folder.path();
    let stranger = SigningKey::load(&folder.join("stranger.pem"), true).unwrap();
    let theirs = seal(&bundle(1).replace("evil-metrics", "nothing-at-all"), &stranger);
    std::fs::write(folder.join("rules/house-1.json"), theirs).unwrap();
    let text = std::fs::read_to_string(folder.join("test.toml")).unwrap();
    let config = load("test.toml", &text, Build { lab: true }).unwrap().rebase(folder);
    let error = build(config).await.err().unwrap().to_string();
    assert!(error.contains("house-1.json") && error.contains("no key of `rules.keys` signed it"), "{error}");
    // The door that is open keeps what it has.
    assert_eq!(kept.seen().await.0["isError"], true);
}

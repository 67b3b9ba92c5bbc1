//! What the door tells of itself, and to whom: an address of its own, and no word that a caller chose.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde_json::json;

use crate::client::{Client, initialize, signature};
use crate::support::{House, Plan};

const CANARY: &str = "c4n4ry-7f3a";

async fn open() -> (House, Client) {
    let house = House::with(Plan { gateway: "metrics = \"127.0.0.1:0\"", ..Plan::default() })
        .await
        .acquainted()
        .await;
    let scraper = Client::new(house.door.metrics.unwrap(), None).at("/metrics");
    (house, scraper)
}

async fn scrape(scraper: &Client) -> BTreeMap<String, f64> {
    let heard = scraper.send(scraper.request(Method::GET, "")).await;
    assert_eq!(heard.status, StatusCode::OK);
    let kind = heard.headers["content-type"].to_str().unwrap();
    assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = std::str::from_utf8(&heard.body).unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}

fn count(samples: &BTreeMap<String, f64>, name: &str) -> f64 {
    samples.get(name).copied().unwrap_or_default()
}

const CALLS: &str = "doorward_calls_total{server=\"echo\",ending=\"ok\"}";
const REFUSED: &str = "doorward_refusals_total{server=\"echo\",reason=\"not-permitted\"}";

// What is counted, where it happens, in the text format of Prometheus.
#[tokio::test]
async fn calls_refusals_and_sessions_are_counted() {
    let (house, scraper) = open().await;
    let before = scrape(&scraper).await;
    assert_eq!(count(&before, "doorward_sessions"), 0.0);
    assert_eq!(count(&before, "doorward_audit_healthy"), 1.0);
    let (mut alice, mut bob) = (house.client("alice"), house.client("bob"));
    alice.hello().await;
    bob.hello().await;
    let greeted = scrape(&scraper).await;
    assert_eq!(count(&greeted, "doorward_sessions"), 2.0);
    for n in [1, 2, 2_000] {
        alice.call("echo", json!({"text": "x", "n": n})).await;
    }
    let called = scrape(&scraper).await;
    assert_eq!(count(&called, CALLS) - count(&greeted, CALLS), 2.0);
    assert_eq!(count(&called, REFUSED) - count(&greeted, REFUSED), 1.0, "{called:?}");
    assert_eq!(count(&called, "doorward_requests_total") - count(&greeted, "doorward_requests_total"), 3.0);
    let took = "doorward_call_seconds_count";
    assert_eq!(count(&called, took) - count(&greeted, took), 2.0);
    bob.send(bob.request(Method::DELETE, "")).await;
    assert_eq!(count(&scrape(&scraper).await, "doorward_sessions"), 1.0);
}

// control: NET-05: a caller makes no label and leaves no word in the metrics, whatever they name
#[tokio::test]
async fn no_word_of_a_caller_is_in_the_metrics() {
    let (house, scraper) = open().await;
    let mut alice = house.client("alice");
    alice.hello().await;
    let strange = async |word: &str| {
        alice.call(word, json!({(word): word})).await;
        alice.call("echo", json!({"text": word, "n": 1})).await;
        alice.post(&json!({"jsonrpc": "2.0", "id": word, "method": format!("vendor/{word}")})).await;
        alice.post(&json!({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": format!("x://{word}")}})).await;
        alice.at(&format!("/{word}/mcp")).post(&initialize(json!({}))).await;
        alice.with_token(Some(word.to_owned())).post(&initialize(json!({}))).await;
        let foreign = Client { session: Some(word.to_owned()), ..alice.clone() };
        foreign.call("echo", json!({})).await;
        alice.modern(&format!("vendor/{word}"), json!({"name": word})).await;
    };
    strange(CANARY).await;
    let before = scrape(&scraper).await;
    for at in 0..20 {
        strange(&format!("{CANARY}-{at}")).await;
    }
    let after = scrape(&scraper).await;
    assert!(count(&after, "doorward_requests_total") >= count(&before, "doorward_requests_total") + 160.0);
    assert!(before.keys().eq(after.keys()), "no new series: {before:?} {after:?}");
    let text = after.keys().cloned().collect::<Vec<_>>().join("\n");
    let token = alice.token.clone().unwrap();
    for word in [CANARY, "a11ce000", signature(&token), alice.session.as_deref().unwrap()] {
        assert!(!text.contains(word), "{word}: {text}");
    }
    for labels in after.keys().filter_map(|name| name.split_once('{')).map(|(_, labels)| labels) {
        for label in labels.trim_end_matches('}').split(',') {
            let (name, value) = label.split_once('=').unwrap();
            let known = match name {
                "server" => value == "\"echo\"",
                "ending" | "reason" => {
                    value.trim_matches('"').bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
                }
                "le" => true,
                _ => false,
            };
            assert!(known, "{label}");
        }
    }
}

// control: NET-12: metrics have an address of their own, which serves nothing else; the door itself serves none, and there are none unless asked for
#[tokio::test]
async fn metrics_are_at_their_own_address_and_nothing_else_is() {
    let (house, scraper) = open().await;
    let token = Some(house.token("alice"));
    for path in [
        "/",
        "/echo/mcp",
        "/healthz",
        "/readyz",
        "/metrics/",
        "/.well-known/oauth-protected-resource/echo/mcp",
    ] {
        let client = scraper.at(path).with_token(token.clone());
        for request in
            [client.request(Method::GET, ""), client.request(Method::POST, initialize(json!({})).to_string())]
        {
            let heard = client.send(request).await;
            assert_eq!((heard.status, heard.body.len()), (StatusCode::NOT_FOUND, 0), "{path}");
        }
    }
    let posted = scraper.send(scraper.request(Method::POST, "x")).await;
    assert_eq!((posted.status, posted.body.len()), (StatusCode::METHOD_NOT_ALLOWED, 0));
    let door = house.client("alice").at("/metrics");
    let heard = door.send(door.request(Method::GET, "")).await;
    assert_eq!(heard.status, StatusCode::NOT_FOUND);
    assert!(!String::from_utf8_lossy(&heard.body).contains("doorward_"));
    assert_eq!(House::new().await.door.metrics, None);
}

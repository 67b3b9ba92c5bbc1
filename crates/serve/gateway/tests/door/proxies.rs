//! Where a caller comes from, and whose word counts for that (REM-11).

use std::collections::BTreeSet;

use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Client, initialize};
use crate::support::{House, Plan, of_kind};

/// Knocks without a valid token and with these lines of `X-Forwarded-For`.
async fn knock(client: &Client, lines: &[&str]) {
    let mut request = client.request(Method::POST, initialize(json!({})).to_string());
    for line in lines {
        request.headers_mut().append("x-forwarded-for", HeaderValue::from_bytes(line.as_bytes()).unwrap());
    }
    assert_eq!(client.send(request).await.status, StatusCode::UNAUTHORIZED, "{lines:?}");
}

/// The networks that the log counts strangers under.
fn networks(log: &str) -> BTreeSet<String> {
    let floods = of_kind(log, "flood");
    let sources = floods.iter().flat_map(|flood| flood["sources"].as_array().cloned().unwrap_or_default());
    sources.map(|source: Value| source["source"].as_str().unwrap().to_owned()).collect()
}

/// A house whose door trusts these proxies, after one knock with each set of lines.
async fn knocked(trusted: &str, knocks: &[&[&str]]) -> BTreeSet<String> {
    let gateway = format!("trusted_proxies = [{trusted}]");
    let house = House::with(Plan { gateway: &gateway, ..Plan::default() }).await;
    let stranger = Client::new(house.door.address, Some("no.such.token".to_owned()));
    for lines in knocks {
        knock(&stranger, lines).await;
    }
    networks(&house.close().await)
}

// control: REM-11, D-11: a forwarding header of anybody but a trusted proxy changes nothing: a stranger is counted where the connection comes from
#[tokio::test]
async fn a_forwarding_header_of_a_stranger_is_not_believed() {
    let knocks: [&[&str]; 4] =
        [&["203.0.113.9"], &["127.0.0.1, 203.0.113.9"], &["198.51.100.1", "2001:db8::1"], &[]];
    for trusted in ["", "\"2001:db8::/32\", \"203.0.113.0/24\""] {
        assert_eq!(knocked(trusted, &knocks).await, BTreeSet::from(["127.0.0.0/24".to_owned()]), "{trusted}");
    }
}

// control: REM-11, D-11: of a trusted proxy's header the last address counts, which it wrote itself, and never one that the caller put before it
#[tokio::test]
async fn a_trusted_proxys_last_word_is_believed() {
    // A network of its own for each, so that one house tells all of them apart.
    let cases: [(&[&str], &str); 7] = [
        (&["203.0.1.9"], "203.0.1.0/24"),
        (&["198.51.100.1, 203.0.2.9"], "203.0.2.0/24"),
        (&["198.51.100.1", "192.0.2.1,203.0.3.9 "], "203.0.3.0/24"),
        // Application gateways write the port too.
        (&["198.51.100.1, 203.0.4.9:51312"], "203.0.4.0/24"),
        (&["2001:db8:1:2::3"], "2001:db8:1::/48"),
        (&["198.51.100.1, [2001:db8:2:2::3]:443"], "2001:db8:2::/48"),
        (&["::ffff:203.0.5.9"], "203.0.5.0/24"),
    ];
    let knocks: Vec<_> = cases.iter().map(|(lines, _)| *lines).collect();
    let networks = cases.iter().map(|(_, network)| (*network).to_owned()).collect();
    assert_eq!(knocked("\"127.0.0.0/8\"", &knocks).await, networks);
}

// control: REM-11, D-11: a trusted proxy that says nothing, or nothing that is an address, leaves its own: no earlier entry steps in
#[tokio::test]
async fn what_is_no_address_leaves_the_proxys_own() {
    let knocks: [&[&str]; 7] = [
        &[],
        &[""],
        &["unknown"],
        &["203.0.113.9, unknown"],
        &["203.0.113.9", "_hidden"],
        &["203.0.113.9,"],
        &["203.0.113.9, \u{e9}"],
    ];
    assert_eq!(knocked("\"127.0.0.1/32\"", &knocks).await, BTreeSet::from(["127.0.0.0/24".to_owned()]));
}

//! Hostile frames and header sets against the whole door (spine-k). The table is the one that the ladder is held to;
//! here every row comes over a socket with a good token, from a caller whose policies would let the call through.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::client::{Client, call, raw};
use crate::support::House;

const HOSTILE: &str = include_str!("../../../../base/wire/tests/data/hostile.jsonl");

// control: T-05, T-13, T-14, T-15, T-18, T-19, T-24, T-25, L-03, L-07, spine-k: each hostile frame gets its error over HTTP, one record of its own in the log, and no server hears of it
#[tokio::test]
async fn every_hostile_frame_is_refused_recorded_and_goes_no_further() {
    let house = House::new().await.acquainted().await;
    let alice = house.client("alice");
    let rows: Vec<Value> = HOSTILE.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let rows: Vec<&Value> = rows.iter().filter(|row| row.get("http") != Some(&json!(false))).collect();
    assert!(rows.len() >= 200, "{} rows", rows.len());
    let mut answers = Vec::new();
    for row in &rows {
        let (status, headers, body) = raw(house.door.address, &request(&alice, row)).await;
        assert!(!headers.contains_key("mcp-session-id"), "{}", row["name"]);
        answers.push((status, serde_json::from_slice::<Value>(&body).unwrap_or_default()));
    }
    let refusals = house.refusals();
    assert_eq!(refusals.len(), rows.len(), "one record for each");
    let mut failed = Vec::new();
    for ((row, (status, answer)), recorded) in rows.iter().zip(&answers).zip(&refusals) {
        // A body that is too large is not even read to its end: HTTP's own status, before there is a frame.
        let too_large = row["reason"] == "json-too-large";
        let (said, reason) = if too_large {
            (json!(413), json!("body-too-large"))
        } else {
            (row["status"].clone(), row["reason"].clone())
        };
        let found = json!([
            status,
            answer["error"]["code"],
            recorded,
            answer.as_object().map(|object| object.contains_key("id")),
            answer["id"],
            answer.get("result")
        ]);
        let wanted = json!([said, row["code"], reason, row.get("id").is_some(), row.get("id"), null]);
        if found != wanted {
            failed.push(format!("{}: {found} instead of {wanted}", row["name"]));
        }
    }
    assert!(failed.is_empty(), "{} of {} rows:\n{}", failed.len(), rows.len(), failed.join("\n"));
    assert_eq!(house.echo.transcript(), [], "a server heard of a frame that was refused");
    assert_eq!(house.door.door().sessions(), 0);
    assert!(house.records("intent").is_empty());
}

// control-off: D-02, spine-k: two honest parsers read one body differently, so a judge that does not refuse it lets `fail` through as `echo`
#[tokio::test]
async fn a_frame_with_two_names_means_two_things_to_two_readers() {
    let house = House::new().await.acquainted().await;
    let mut alice = house.client("alice");
    alice.hello().await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"fail","n\u0061me":"echo","arguments":{"text":"x","n":1}}}"#;
    let naive: Value = serde_json::from_str(body).unwrap();
    assert_eq!(naive["params"]["name"], "echo", "what a lenient judge would have asked its policies about");
    let mut direct = Client { address: house.echo.addr, path: "/mcp".to_owned(), token: None, session: None };
    direct.hello().await;
    let heard = direct.send(direct.request(http::Method::POST, body)).await;
    assert!(
        heard.response().to_string().contains("This tool always fails."),
        "what the server did: {:?}",
        heard.body
    );
    let heard = alice.send(alice.request(http::Method::POST, body)).await;
    assert_eq!((heard.status.as_u16(), &heard.json()["error"]["code"]), (400, &json!(-32700)));
    assert_eq!(house.refusals(), ["json-duplicate-member"]);
}

// control: D-02, T-17: what the policies read is what the server gets, byte for byte, but for the names that are the door's own
#[tokio::test]
async fn unknown_members_and_big_numbers_reach_the_server_as_they_were_written() {
    let house = House::new().await.acquainted().await;
    let mut alice = house.client("alice");
    alice.hello().await;
    let body = r#"{ "x-unknown" : [1E400, -0, 0.10 , "\u0041\/"], "jsonrpc":"2.0", "method":"tools/call","params":{"extra":{"deep":[null]},"name":"echo","arguments":{"text":"caf\u00e9 \ud83d\ude00","n":3}} ,"id":"mine"}"#;
    let heard = alice.send(alice.request(http::Method::POST, body)).await;
    assert_eq!(heard.response()["id"], "mine");
    assert!(heard.response()["result"].to_string().contains("café 😀"), "{:?}", heard.body);
    let seen = house.echo.transcript();
    let seen = seen.iter().find(|request| request.contains("x-unknown")).unwrap();
    let seen = std::str::from_utf8(&seen.body).unwrap();
    let (before, _) = body.split_once("\"mine\"").unwrap();
    assert!(seen.starts_with(before), "{seen}");
    let again = alice.post(&call(9, "echo", json!({"text": "plain", "n": 4}))).await;
    assert_eq!(again.response()["id"], 9);
}

fn request(client: &Client, row: &Value) -> Vec<u8> {
    let verb = row.get("verb").and_then(Value::as_str).unwrap_or("POST");
    let mut head =
        format!("{verb} {} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", client.path, client.address)
            .into_bytes();
    head.extend_from_slice(
        format!("authorization: Bearer {}\r\n", client.token.as_deref().unwrap()).as_bytes(),
    );
    for line in row["headers"].as_array().unwrap() {
        let value = line[1].as_str().unwrap();
        let value =
            if line.get(2).is_some() { STANDARD.decode(value).unwrap() } else { value.as_bytes().to_vec() };
        head.extend_from_slice(line[0].as_str().unwrap().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(&value);
        head.extend_from_slice(b"\r\n");
    }
    let body = body(row);
    head.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    head.extend_from_slice(&body);
    head
}

fn body(row: &Value) -> Vec<u8> {
    if let Some(text) = row.get("body") {
        return text.as_str().unwrap().as_bytes().to_vec();
    }
    if let Some(encoded) = row.get("body_b64") {
        return STANDARD.decode(encoded.as_str().unwrap()).unwrap();
    }
    let recipe = &row["body_repeat"];
    let part = |name: &str| recipe.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let count = usize::try_from(recipe["count"].as_u64().unwrap_or_default()).unwrap();
    [part("prefix"), part("unit").repeat(count), part("suffix")].concat().into_bytes()
}

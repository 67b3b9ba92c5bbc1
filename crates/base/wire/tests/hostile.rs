//! The ladder against hostile requests (spine-k): a table in `tests/data/hostile.jsonl`, which the whole door is held to
//! as well, and beside it `benign.jsonl`, near neighbours of those rows that must pass.
//!
//! One row a line:
//! `name`; `verb` (POST if absent); `headers` as `[name, value]`, or `[name, base64, "b64"]` for bytes that are no text;
//! the body as `body`, `body_b64`, or `body_repeat` `{prefix, unit, count, suffix}`; then `status`, `code`, `reason`, and
//! `id` if one is echoed. `http: false` marks headers that no HTTP client can send.

#![expect(clippy::unwrap_used, reason = "a row that does not read is a failed test")]

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use doorward_wire::{
    Classified, HeaderSet, Id, LadderError, Limits, Tree, Verb, classify, classify_stream, lens,
};
use serde_json::Value;

const HOSTILE: &str = include_str!("data/hostile.jsonl");
const BENIGN: &str = include_str!("data/benign.jsonl");

// control: T-05, T-13, T-14, T-15, T-18, T-19, T-23, T-24, T-25, L-03, L-07: every hostile frame and header set gets the error that the protocol names, and no row passes
#[test]
fn hostile_requests_are_refused_for_the_right_reason() {
    let rows = rows(HOSTILE);
    assert!(rows.len() >= 200, "{} rows", rows.len());
    let mut failed = Vec::new();
    for row in &rows {
        let refusal = match judge(row) {
            Ok(passed) => {
                failed.push(format!("{}: passed as {passed}", row["name"]));
                continue;
            }
            Err(refusal) => refusal,
        };
        let found = (i64::from(refusal.http_status), refusal.code, refusal.reason, refusal.id.clone());
        let wanted = (
            row["status"].as_i64().unwrap(),
            row["code"].as_i64().unwrap(),
            row["reason"].as_str().unwrap(),
            row.get("id").map(id_of),
        );
        if found != wanted {
            failed.push(format!("{}: {found:?} instead of {wanted:?}", row["name"]));
        }
        check_body(&refusal);
    }
    assert!(failed.is_empty(), "{} of {} rows:\n{}", failed.len(), rows.len(), failed.join("\n"));
}

#[test]
fn their_benign_neighbours_pass() {
    for row in rows(BENIGN) {
        let outcome = judge(&row).map_err(|refusal| refusal.reason);
        assert_eq!(outcome, Ok(row["expect"].as_str().unwrap()), "{}", row["name"]);
    }
}

#[test]
fn the_table_is_varied() {
    let mut reasons: BTreeMap<String, u32> = BTreeMap::new();
    for row in rows(HOSTILE) {
        *reasons.entry(row["reason"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert!(reasons.len() >= 50, "{} reasons: {reasons:?}", reasons.len());
}

fn rows(table: &str) -> Vec<Value> {
    table.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn judge(row: &Value) -> Result<&'static str, Box<LadderError>> {
    let lines = header_lines(row);
    let set = HeaderSet::collect(lines.iter().map(|(name, value)| (name.as_str(), value.as_slice())));
    let verb = Verb::of(row.get("verb").and_then(Value::as_str).unwrap_or("POST")).unwrap();
    if verb != Verb::Post {
        return classify_stream(verb, set.accept.as_deref(), &set.routing())
            .map(|_| "stream")
            .map_err(Box::new);
    }
    let body = Bytes::from(body(row));
    let classified =
        classify(set.content_type, set.accept.as_deref(), &set.routing(), body.clone(), &Limits::default())?;
    assert_eq!(classified.frame().bytes(), &body, "what passes, passes byte for byte");
    Ok(match classified {
        Classified::Modern { .. } => "modern",
        Classified::LegacyInitialize { frame } => {
            assert!(lens::initialize(&frame).is_some());
            "legacy-initialize"
        }
        Classified::LegacyInSession { session, .. } => {
            assert_eq!(session.as_ref(), "4f9d2c7be1a0");
            "legacy-in-session"
        }
    })
}

/// What is sent back must itself be a strict JSON-RPC error.
fn check_body(refusal: &LadderError) {
    let tree = Tree::parse(Bytes::from(refusal.body()), &Limits::default()).unwrap();
    let root = tree.root();
    assert_eq!(root.path(&["error", "code"]).and_then(|code| code.as_i64()), Some(refusal.code));
    assert_eq!(root.get("id").and_then(Id::of), refusal.id);
    if refusal.code == -32022 {
        let supported = root.path(&["error", "data", "supported"]).unwrap();
        assert!(supported.items().any(|version| version.is_str("2026-07-28")));
        assert!(root.path(&["error", "data", "requested"]).unwrap().as_str().is_some());
    }
}

fn header_lines(row: &Value) -> Vec<(String, Vec<u8>)> {
    let lines = row["headers"].as_array().unwrap().iter();
    lines
        .map(|line| {
            let value = line[1].as_str().unwrap();
            let encoded = line.get(2).is_some();
            let value = if encoded { STANDARD.decode(value).unwrap() } else { value.as_bytes().to_vec() };
            (line[0].as_str().unwrap().to_owned(), value)
        })
        .collect()
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
    let count = usize::try_from(recipe["count"].as_u64().unwrap()).unwrap();
    [part("prefix"), part("unit").repeat(count), part("suffix")].concat().into_bytes()
}

fn id_of(id: &Value) -> Id {
    match id.as_str() {
        Some(text) => Id::from(text),
        None => Id::from(id.as_i64().unwrap()),
    }
}

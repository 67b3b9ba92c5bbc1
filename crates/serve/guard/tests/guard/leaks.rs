//! Secrets at the guard: taken out of what its server answers, refused in what its client sends.

use doorward_engine::EraRule;
use serde_json::{Value, json};

use crate::desk::{Desk, With, call};

/// Not a test: a server whose tool tells a key, and repeats what it is sent.
#[test]
#[ignore = "no test: the others start this program as their server, and run by itself it waits for input"]
fn tells() {
    use std::io::{BufRead as _, Write as _};
    for line in std::io::stdin().lock().lines() {
        let message: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let result = match message["method"].as_str() {
            Some("initialize") => json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
                "serverInfo": {"name": "tells", "version": "1"}}),
            Some("tools/list") => json!({"tools": [{"name": "tell", "inputSchema": {"type": "object"}}]}),
            Some("tools/call") => {
                let text = format!("{} {}", token(), message["params"]["arguments"]);
                json!({"content": [{"type": "text", "text": text}]})
            }
            _ if message["id"].is_null() => continue,
            _ => json!({}),
        };
        let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
        writeln!(std::io::stdout(), "{answer}").unwrap();
    }
}

/// A token of a forge's, put together here: no secret stands in the sources.
fn token() -> String {
    format!("{}-{}{}", "glpat", "Zq8vKw3Rt5Yx", "B2nM7cD4")
}

/// What a client gets that sends these arguments, and what is recorded.
async fn told(arguments: Value, data_off: bool) -> (String, String) {
    let mut desk = Desk::with("leaks::tells", EraRule::Legacy, With { data_off, ..With::default() }).await;
    desk.hello().await;
    desk.say(&call(2, "tell", arguments)).await;
    let answer = desk.heard().await;
    let (_, records) = desk.leave().await;
    let records: Vec<_> = records.iter().map(Value::to_string).collect();
    (answer["result"]["content"][0]["text"].as_str().unwrap().to_owned(), records.join("\n"))
}

// control: DAT-03: At the guard a secret does not reach the model of its person, nor the server what its person did not mean for it.
#[tokio::test]
async fn a_secret_passes_the_guard_in_neither_direction() {
    let (text, records) = told(json!({"a": 1}), false).await;
    assert_eq!(text, r#"[secret:gitlab-token] {"a":1}"#);
    assert!(records.contains("gitlab-token") && !records.contains(&token()), "{records}");
    let (text, records) = told(json!({"a": token()}), false).await;
    assert_eq!(text, "refused: the arguments hold what may not be sent: gitlab-token (at /a)");
    assert!(records.contains("data-refused") && !records.contains(&token()), "{records}");
}

// control-off: DAT-03: With `--data off` both get it.
#[tokio::test]
async fn without_it_a_secret_passes_the_guard() {
    let (text, _) = told(json!({"a": token()}), true).await;
    assert_eq!(text.matches(&token()).count(), 2, "{text}");
}

//! A server whose answers are more than a model's context should take (CTX-01).

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use serde_json::{Value, json};

use crate::client::Heard;
use crate::injected::POLICIES;
use crate::scripted::{Scripted, answer, result};
use crate::support::{House, Plan};

const WORDS: &str = "The light breeze from the west brings some rain to the coast on Thursday.\n";
/// Some 75 kB, and some 20,000 tokens.
const MANY: usize = 1_000;

/// What comes of a request whose server answers so: what the client hears, the outcome, and the reasons of refusals.
async fn said(
    line: &str,
    modern: bool,
    (method, params): (&str, Value),
    answer: impl Fn(&Value) -> Response<Full<Bytes>> + Send + Sync + 'static,
) -> (Heard, Value, Vec<Value>) {
    let tools =
        json!([{"name": "look_up", "description": "Looks a word up.", "inputSchema": {"type": "object"}}]);
    let server = Scripted::start(tools, answer).await;
    let upstreams = [("open", server.url())];
    let house =
        House::with(Plan { policies: POLICIES, upstreams: &upstreams, server: line, ..Plan::default() })
            .await
            .acquainted()
            .await;
    let mut alice = house.client("alice").at("/open/mcp");
    let mut params = params;
    params["_meta"]["progressToken"] = json!("mine");
    let heard = if modern {
        alice.modern(method, params).await
    } else {
        alice.hello().await;
        alice.post(&json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params})).await
    };
    (heard, house.records("outcome").pop().unwrap_or_default(), house.records("refused"))
}

fn look_up() -> (&'static str, Value) {
    ("tools/call", json!({"name": "look_up", "arguments": {}}))
}

fn with(message: &Value, mut held: Value) -> Response<Full<Bytes>> {
    held["resultType"] = json!("complete");
    result(&message["id"], held)
}

fn flood(message: &Value) -> Response<Full<Bytes>> {
    with(message, json!({"content": [{"type": "text", "text": WORDS.repeat(MANY)}]}))
}

fn is_recorded(outcome: &Value) -> bool {
    let findings = outcome["findings"].as_array().cloned().unwrap_or_default();
    findings.iter().any(|finding| finding["rule"] == "over-budget" && finding["done"] == "refused")
}

// control: CTX-01: An answer that is more than its server's budget does not go on, in bytes or in tokens, in both revisions: the caller hears its size, the budget and what to do, and the record knows.
#[tokio::test]
async fn a_flood_does_not_reach_the_model() {
    let table = |message: &Value| {
        let rows: Vec<Value> = (0..5_000).map(|n| json!([n, n * 7])).collect();
        with(message, json!({"content": [], "structuredContent": {"rows": rows}}))
    };
    for modern in [false, true] {
        for (line, may) in [("max_result_bytes = \"16KiB\"", "16384"), ("max_result_tokens = 5000", "5000")] {
            for script in [flood as fn(&Value) -> Response<Full<Bytes>>, table] {
                let (heard, outcome, _) = said(line, modern, look_up(), script).await;
                let result = &heard.response()["result"];
                let text = result["content"][0]["text"].as_str().unwrap_or_default();
                assert!(result["isError"] == true && text.contains("withheld"), "{line} {modern} {result}");
                assert!(text.contains(may) && text.contains("ask for less"), "{text}");
                assert!(result["structuredContent"].is_null() && text.len() < 400, "{text}");
                assert!(is_recorded(&outcome) && outcome["result"] == "error", "{outcome}");
                assert_eq!(result["resultType"].is_string(), modern, "{result}");
            }
        }
    }
}

// control: CTX-01: Between the revisions it is held as well, in the caller's own form.
#[tokio::test]
async fn a_flood_is_held_on_a_bridge() {
    for (modern, era) in [(false, "modern"), (true, "legacy")] {
        let line = format!("era = \"{era}\"\nmax_result_tokens = 5000");
        let (heard, outcome, _) = said(&line, modern, look_up(), flood).await;
        let result = &heard.response()["result"];
        let text = result["content"][0]["text"].as_str().unwrap_or_default();
        assert!(
            result["isError"] == true && text.contains("5000") && is_recorded(&outcome),
            "{era} {result}"
        );
        assert_eq!(result["resultType"].is_string(), modern, "{result}");
        let line = format!("era = \"{era}\"\nmax_result_bytes = \"16KiB\"");
        let (heard, ..) = said(&line, modern, look_up(), |message| streamed(message, 100)).await;
        let last = heard.events().pop().unwrap();
        assert!(last["error"]["message"].as_str().unwrap_or_default().contains("16384"), "{era} {last}");
    }
}

// control-off: CTX-01: Without a budget the flood reaches the model, as much of it as the door can carry.
#[tokio::test]
async fn without_a_budget_a_flood_passes() {
    for modern in [false, true] {
        let (heard, outcome, _) = said("", modern, look_up(), flood).await;
        let text = heard.response()["result"]["content"][0]["text"].as_str().unwrap().len();
        assert_eq!(text, WORDS.len() * MANY);
        assert!(!is_recorded(&outcome), "{outcome}");
    }
}

// What fits goes on as it is: a picture has bytes, and costs no words.
#[tokio::test]
async fn what_fits_goes_on() {
    let line = "max_result_bytes = \"128KiB\"\nmax_result_tokens = 30000";
    let (heard, outcome, _) = said(line, true, look_up(), flood).await;
    assert_eq!(heard.response()["result"]["content"][0]["text"], WORDS.repeat(MANY));
    assert!(!is_recorded(&outcome));
    let picture = |message: &Value| {
        let data = "iVBORw0KGgo".repeat(4_000);
        with(message, json!({"content": [{"type": "image", "mimeType": "image/png", "data": data}]}))
    };
    let (heard, ..) = said("max_result_tokens = 100", true, look_up(), picture).await;
    assert_eq!(heard.response()["result"]["content"][0]["type"], "image");
}

// control: CTX-01: Errors and resources have the same budget as results.
#[tokio::test]
async fn a_flood_by_another_way_is_held_as_well() {
    let failing = |message: &Value| {
        let error = json!({"code": -32000, "message": WORDS.repeat(MANY), "data": {"more": WORDS}});
        answer(
            200,
            "application/json",
            &json!({"jsonrpc": "2.0", "id": message["id"], "error": error}).to_string(),
        )
    };
    let reading = |message: &Value| {
        with(
            message,
            json!({"contents": [{"uri": "a:b", "mimeType": "text/plain", "text": WORDS.repeat(MANY)}]}),
        )
    };
    for modern in [false, true] {
        let (heard, outcome, _) = said("max_result_tokens = 5000", modern, look_up(), failing).await;
        let error = heard.response()["error"].clone();
        assert!(error["code"] == -32000 && error["data"].is_null(), "{error}");
        assert!(error["message"].as_str().unwrap().contains("5000") && is_recorded(&outcome), "{error}");
        let read = ("resources/read", json!({"uri": "a:b"}));
        let (heard, outcome, _) = said("max_result_bytes = \"16KiB\"", modern, read, reading).await;
        let error = heard.response()["error"].clone();
        assert!(error["message"].as_str().unwrap().contains("16384") && is_recorded(&outcome), "{error}");
    }
}

/// An answer that tells of its progress first, so often.
fn streamed(message: &Value, times: usize) -> Response<Full<Bytes>> {
    let token = &message["params"]["_meta"]["progressToken"];
    let mut body = String::new();
    for n in 0..times {
        let params = json!({"progressToken": token, "progress": n, "message": WORDS.repeat(10)});
        let event = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": params});
        body.push_str(&format!("data: {event}\n\n"));
    }
    let held = json!({"content": [{"type": "text", "text": "done"}], "resultType": "complete"});
    let last = json!({"jsonrpc": "2.0", "id": message["id"], "result": held});
    body.push_str(&format!("data: {last}\n\n"));
    answer(200, "text/event-stream", &body)
}

// control: CTX-01: A call whose messages on the way are together more than an answer may be is ended as soon as they are; one that fits ends as it should.
#[tokio::test]
async fn a_flood_on_the_way_ends_the_call() {
    for modern in [false, true] {
        let line = "max_result_bytes = \"16KiB\"";
        let (heard, outcome, refused) = said(line, modern, look_up(), |message| streamed(message, 100)).await;
        let events = heard.events();
        let last = events.last().unwrap();
        let message = last["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains("16384") && message.contains("ask for less"), "{last}");
        let on_the_way: usize = events.iter().map(|event| event.to_string().len()).sum();
        assert!(events.len() > 10 && on_the_way < 20_000, "{} {on_the_way}", events.len());
        assert_eq!(outcome["reason"], "upstream-over-budget", "{outcome}");
        assert!(refused.iter().any(|one| one["reason"] == "upstream-over-budget"), "{refused:?}");
        let (heard, ..) = said(line, modern, look_up(), |message| streamed(message, 10)).await;
        assert_eq!(heard.events().last().unwrap()["result"]["content"][0]["text"], "done");
    }
}

// control-off: CTX-01: Without a budget all of them arrive.
#[tokio::test]
async fn without_a_budget_all_messages_arrive() {
    let (heard, ..) = said("", true, look_up(), |message| streamed(message, 100)).await;
    assert_eq!(heard.events().len(), 101);
}

// control: CTX-01: One message on the way that is by itself more than an answer may be is dropped, and the answer comes.
#[tokio::test]
async fn one_message_that_is_too_much_is_dropped() {
    let line = "max_result_tokens = 100";
    let (heard, _, refused) = said(line, true, look_up(), |message| streamed(message, 1)).await;
    let events = heard.events();
    assert_eq!((events.len(), &events[0]["result"]["content"][0]["text"]), (1, &json!("done")));
    assert!(refused.iter().any(|one| one["reason"] == "over-budget"), "{refused:?}");
}

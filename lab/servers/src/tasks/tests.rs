use serde_json::{Value, json};

use super::*;
use crate::testing::{Reply, modern, post};

async fn server() -> Running {
    start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap()
}

fn all() -> Value {
    json!({"elicitation": {}, "extensions": {"io.modelcontextprotocol/tasks": {}}})
}

async fn ask(server: &Running, method: &str, mut params: Value, can: Value) -> Reply {
    params["_meta"] = json!({"io.modelcontextprotocol/clientCapabilities": can});
    modern(&server.url(), method, params).await
}

async fn begin(server: &Running, tool: &str) -> String {
    let made = ask(server, "tools/call", json!({"name": tool, "arguments": {}}), all()).await.json();
    assert_eq!(made["result"]["resultType"], "task", "{made}");
    made["result"]["taskId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_task_asks_is_told_and_ends() {
    let server = server().await;
    let id = begin(&server, "multi_input").await;
    let look =
        async || ask(&server, "tasks/get", json!({"taskId": id}), all()).await.json()["result"].clone();
    assert_eq!(look().await["inputRequests"].as_object().unwrap().len(), 2);
    for (key, left) in [("nobody asked", 2), ("first", 1), ("first", 1)] {
        let told = json!({"taskId": id, "inputResponses": {key: {"action": "accept"}}});
        let ack = ask(&server, "tasks/update", told, all()).await.json();
        assert_eq!(ack["result"]["resultType"], "complete", "{ack}");
        assert_eq!(look().await["inputRequests"].as_object().unwrap().len(), left, "{key}");
    }
    let told = json!({"taskId": id, "inputResponses": {"second": {"action": "decline"}}});
    ask(&server, "tasks/update", told, all()).await;
    let over = look().await;
    assert_eq!((&over["status"], over.get("inputRequests")), (&json!("completed"), None));
    assert_eq!(over["result"]["content"][0]["text"], "Both. first: accept. second: decline.");
    // What is over stays as it is.
    ask(&server, "tasks/cancel", json!({"taskId": id}), all()).await;
    assert_eq!(look().await["status"], "completed");
    let id = begin(&server, "confirm_delete").await;
    ask(&server, "tasks/cancel", json!({"taskId": id}), all()).await;
    let look = ask(&server, "tasks/get", json!({"taskId": id}), all()).await.json();
    assert_eq!((&look["result"]["status"], look["result"].get("inputRequests")), (&json!("cancelled"), None));
}

#[tokio::test]
async fn what_a_real_server_refuses_is_refused() {
    let server = server().await;
    let id = begin(&server, "confirm_delete").await;
    let tasks_only = || json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
    let own = || json!({"taskId": id, "inputResponses": {}});
    for (method, params, can, status, code) in [
        ("tasks/get", own(), json!({}), 400, -32021),
        ("tasks/update", own(), json!({"elicitation": {}}), 400, -32021),
        ("tasks/cancel", own(), json!({}), 400, -32021),
        ("subscriptions/listen", json!({"notifications": {"taskIds": [id]}}), json!({}), 400, -32021),
        ("tools/call", json!({"name": "failing_job"}), json!({}), 400, -32021),
        ("tools/call", json!({"name": "confirm_delete"}), tasks_only(), 400, -32021),
        ("tools/call", json!({"name": "nothing"}), all(), 200, -32602),
        ("tasks/get", json!({"taskId": "nothing"}), all(), 200, -32602),
        ("tasks/cancel", json!({"taskId": "nothing"}), all(), 200, -32602),
        ("tasks/update", json!({"taskId": id, "inputResponses": 7}), all(), 200, -32602),
        ("tasks/result", own(), all(), 404, -32601),
        ("tasks/list", json!({}), all(), 404, -32601),
        (
            "tools/call",
            json!({"name": "test_tool_with_task", "requestState": "made up",
                "inputResponses": {"user_name": {"action": "accept", "content": {"name": "Alice"}}}}),
            all(),
            200,
            -32602,
        ),
    ] {
        let reply = ask(&server, method, params.clone(), can).await;
        let got = (reply.status, reply.json()["error"]["code"].clone());
        assert_eq!(got, (status, json!(code)), "{method} {params}");
    }
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tasks/get", "params": {"taskId": id, "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": all()}}});
    let headers =
        [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tasks/get"), ("mcp-name", "another")];
    assert_eq!(post(&server.url(), &headers, &body.to_string()).await.json()["error"]["code"], -32020);
    // A client that knows no tasks has its answer at once.
    let arguments = json!({"name": "slow_compute", "arguments": {"seconds": 0, "label": "now"}});
    let sync = ask(&server, "tools/call", arguments, json!({})).await.json();
    assert_eq!(sync["result"]["content"][0]["text"], "now: done");
}

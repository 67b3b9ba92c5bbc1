use serde_json::{Value, json};

use super::*;
use crate::testing::{Reply, initialize, modern, post};

/// Both ways of asking one server.
async fn ask(server: &Running, session: Option<&str>, method: &str, params: Value) -> Reply {
    match session {
        None => modern(&server.url(), method, params).await,
        Some(session) => {
            let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
            post(&server.url(), &[("mcp-session-id", session)], &body).await
        }
    }
}

async fn call(server: &Running, tool: &str, arguments: Value) -> Value {
    let reply = ask(server, None, "tools/call", json!({"name": tool, "arguments": arguments})).await;
    reply.json()["result"].clone()
}

async fn sample() -> Running {
    start_with(Options::default()).await.unwrap()
}

#[tokio::test]
async fn both_eras_see_the_same_tools_resources_and_prompts() {
    let server = sample().await;
    let session = initialize(&server.url()).await;
    for (method, member, count) in [
        ("tools/list", "tools", 6),
        ("resources/list", "resources", 6),
        ("resources/templates/list", "resourceTemplates", 1),
        ("prompts/list", "prompts", 2),
    ] {
        let old = ask(&server, Some(&session), method, json!({})).await.json();
        let new = ask(&server, None, method, json!({})).await.json();
        assert_eq!(old["result"][member].as_array().map(Vec::len), Some(count), "{method}");
        assert_eq!(old["result"][member], new["result"][member], "{method}");
    }
}

#[tokio::test]
async fn every_tool_says_what_it_takes_and_whether_it_changes_anything() {
    let tools: Value = serde_json::from_str(tools::LIST).unwrap();
    for tool in tools["tools"].as_array().unwrap() {
        assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{tool}");
        let writes = ["write_document", "delete_document"].contains(&tool["name"].as_str().unwrap());
        assert_eq!(tool["annotations"]["readOnlyHint"], !writes, "{tool}");
        assert_eq!(
            tool["annotations"]["destructiveHint"],
            if writes { json!(true) } else { Value::Null },
            "{tool}"
        );
    }
}

#[tokio::test]
async fn documents_are_written_found_read_and_deleted() {
    let server = sample().await;
    let written =
        call(&server, "write_document", json!({"name": "bees.md", "text": "# Bees\nThey like the Borage."}))
            .await;
    assert_eq!(written["content"][0]["text"], "Created bees.md (28 bytes).");
    let found = call(&server, "search_documents", json!({"query": "borage"})).await;
    assert_eq!(found["content"][0]["text"], "bees.md: They like the Borage.");
    let read = call(&server, "read_document", json!({"name": "bees.md"})).await;
    assert_eq!(read["content"][0]["text"], "# Bees\nThey like the Borage.");
    assert_eq!(read["content"][1]["uri"], "docs://library/bees.md");
    let list = call(&server, "list_documents", json!({})).await;
    assert!(list["content"][0]["text"].as_str().unwrap().contains("bees.md: Bees\n"));
    let deleted = call(&server, "delete_document", json!({"name": "bees.md"})).await;
    assert_eq!(deleted["isError"], false);
    let gone = call(&server, "read_document", json!({"name": "bees.md"})).await;
    assert_eq!(gone["isError"], true);
}

#[tokio::test]
async fn what_does_not_fit_is_explained() {
    let server = sample().await;
    for (tool, arguments) in [
        ("read_document", json!({})),
        ("read_document", json!({"name": 7})),
        ("write_document", json!({"name": "x"})),
        ("delete_document", json!({"name": "no such"})),
        ("get_profile", json!({"user_id": "nobody"})),
    ] {
        assert_eq!(call(&server, tool, arguments.clone()).await["isError"], true, "{tool} {arguments}");
    }
    let unknown = ask(&server, None, "tools/call", json!({"name": "no_such"})).await.json();
    assert_eq!(unknown["error"]["code"], -32602);
}

#[tokio::test]
async fn a_profile_is_structured_and_says_the_same_in_text() {
    let profile = Profile { user_id: "oid-1".into(), name: "Ada".into(), role: "member".into(), bed: 3 };
    let server = start_with(Options { profiles: vec![profile], ..Options::default() }).await.unwrap();
    let result = call(&server, "get_profile", json!({"user_id": "oid-1"})).await;
    assert_eq!(
        result["structuredContent"],
        json!({"user_id": "oid-1", "name": "Ada", "role": "member", "bed": 3})
    );
    let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text, result["structuredContent"]);
    let alice = json!({"user_id": "a11ce000-0000-4000-8000-000000000001"});
    assert_eq!(call(&server, "get_profile", alice.clone()).await["isError"], true);
    assert_eq!(
        call(&sample().await, "get_profile", alice).await["structuredContent"]["name"],
        "Alice Archer"
    );
}

#[tokio::test]
async fn resources_are_read_by_uri() {
    let server = sample().await;
    let session = initialize(&server.url()).await;
    let read = ask(&server, None, "resources/read", json!({"uri": "docs://library/welcome.md"})).await.json();
    assert!(read["result"]["contents"][0]["text"].as_str().unwrap().starts_with("# Welcome"));
    assert_eq!(read["result"]["cacheScope"], "public");
    let missing = json!({"uri": "docs://library/none"});
    let old = ask(&server, Some(&session), "resources/read", missing.clone()).await.json();
    assert_eq!(old["error"]["code"], -32002);
    let new = ask(&server, None, "resources/read", missing).await.json();
    assert_eq!(new["error"]["code"], -32602);
    assert_eq!(resources::uri("é 1.md"), "docs://library/%C3%A9%201.md");
}

#[tokio::test]
async fn prompts_are_filled_in() {
    let server = sample().await;
    let get = async |params| ask(&server, None, "prompts/get", params).await.json();
    let summary = get(json!({"name": "summarize_document", "arguments": {"name": "tool-shed.md"}})).await;
    assert!(summary["result"]["messages"][0]["content"]["text"].as_str().unwrap().contains("Bertha"));
    let draft = get(json!({"name": "draft_announcement", "arguments": {"topic": "frost"}})).await;
    assert!(draft["result"]["messages"][0]["content"]["text"].as_str().unwrap().contains("friendly"));
    for params in [
        json!({"name": "no_such"}),
        json!({"name": "summarize_document"}),
        json!({"name": "draft_announcement"}),
    ] {
        assert_eq!(get(params.clone()).await["error"]["code"], -32602, "{params}");
    }
}

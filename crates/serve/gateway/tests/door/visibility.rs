//! What a person may not see does not exist for them (D-05, D-08); methods that no revision knows (D-27).

use doorward_servers::sample;
use http::StatusCode;
use serde_json::{Value, json};

use crate::client::{Client, Heard};
use crate::scripted::{Scripted, text};
use crate::support::{House, Plan};

const SAMPLE: &str = r#"
@id("connect")
permit (principal in Role::"Reader", action == Action::"connect", resource);
@id("prompts")
permit (principal in Role::"Reader", action == Action::"prompts/get", resource == Prompt::"sample/draft_announcement");
@id("resources")
permit (principal in Role::"Reader", action == Action::"resources/read", resource)
when { resource == Resource::"sample/garden://documents/welcome" };
"#;

fn same(one: &Heard, other: &Heard) -> bool {
    let named = |heard: &Heard| {
        let mut headers = heard.headers.clone();
        headers.remove("date");
        headers
    };
    one.status == other.status && one.body == other.body && named(one) == named(other)
}

// control: D-08: a tool that may not be seen and one that is not there are answered alike, byte for byte, in both eras, and no server hears of it
#[tokio::test]
async fn invisible_and_absent_tools_are_one() {
    let house = House::new().await.acquainted().await;
    let mut alice = house.client("alice");
    alice.hello().await;
    // The catalogue of this session is fetched by its first call.
    alice.call("echo", json!({"text": "x", "n": 1})).await;
    house.echo.clear_transcript();
    for arguments in [json!({}), json!({"bytes": 1}), json!({"bytes": "not a number"}), json!([])] {
        let (hidden, absent) =
            (alice.call("big", arguments.clone()).await, alice.call("nope", arguments.clone()).await);
        assert!(same(&hidden, &absent), "{:?} {:?}", hidden.body, absent.body);
        assert_eq!((hidden.status, &hidden.json()["error"]["code"]), (StatusCode::OK, &json!(-32602)));
        let call = |name: &str| alice.modern("tools/call", json!({"name": name, "arguments": arguments}));
        let (hidden, absent) = (call("big").await, call("nope").await);
        assert!(same(&hidden, &absent), "{:?} {:?}", hidden.body, absent.body);
        assert_eq!(hidden.json()["error"]["code"], json!(-32602));
    }
    assert!(!house.echo_heard("tools/call"));
    assert!(house.refusals().iter().all(|reason| reason == "tool-unseen"));
    let record = house.record();
    assert!(!record.contains("\"nope\""), "a name that the caller invented is not written down as it is");
}

// control-off: D-08: the server itself lists the hidden tool, tells it from an absent one, and runs it
#[tokio::test]
async fn without_the_door_the_hidden_tool_shows_and_runs() {
    let house = House::new().await.acquainted().await;
    let mut direct = Client { address: house.echo.addr, path: "/mcp".to_owned(), token: None, session: None };
    direct.hello().await;
    let (hidden, absent) =
        (direct.call("big", json!({"bytes": 4})).await, direct.call("nope", json!({"bytes": 4})).await);
    assert_ne!(hidden.body, absent.body);
    assert!(hidden.response()["result"].to_string().contains("xxxx"));
}

// control: D-05, AUT-02: seeing never implies calling: a listed tool whose condition fails is refused with a reason, and the server hears nothing
#[tokio::test]
async fn a_listed_tool_may_still_be_refused() {
    let house = House::new().await.acquainted().await;
    let mut alice = house.client("alice");
    alice.hello().await;
    let list = alice.post(&json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"})).await;
    assert!(list.response()["result"]["tools"].to_string().contains(r#""name":"echo""#));
    alice.call("echo", json!({"text": "x", "n": 1})).await;
    house.echo.clear_transcript();
    let refused = alice.call("echo", json!({"text": "x", "n": 1001})).await;
    assert_eq!(refused.status, StatusCode::OK);
    assert_eq!(refused.response()["result"]["isError"], true);
    assert_eq!(house.refusals(), ["not-permitted"]);
    // Arguments that do not fit the schema never get as far as a policy (L-20).
    let unfit = alice.call("echo", json!({"text": "x", "n": "1", "more": true})).await;
    assert_eq!(unfit.response()["result"]["isError"], true);
    assert_eq!(house.refusals(), ["not-permitted", "bad-arguments"]);
    assert!(!house.echo_heard("tools/call"));
}

// control: D-08: prompts and resources without a permit are neither listed nor told from absent ones, also through completion and subscription
#[tokio::test]
async fn unseen_prompts_and_resources_do_not_exist() {
    let sample =
        sample::start_with(sample::Options { transcript: true, ..Default::default() }).await.unwrap();
    let upstreams = [("sample", sample.url())];
    let house = House::with(Plan { policies: SAMPLE, upstreams: &upstreams, ..Plan::default() })
        .await
        .acquainted()
        .await;
    let mut alice = house.client("alice").at("/sample/mcp");
    alice.hello().await;
    let ask = async |method: &str, params: Value| {
        alice.post(&json!({"jsonrpc": "2.0", "id": 3, "method": method, "params": params})).await
    };
    let list = ask("prompts/list", json!({})).await.response();
    let names: Vec<_> =
        list["result"]["prompts"].as_array().unwrap().iter().map(|prompt| &prompt["name"]).collect();
    assert_eq!(names, ["draft_announcement"]);
    sample.clear_transcript();
    let pairs = [
        (
            "prompts/get",
            json!({"name": "summarize_document", "arguments": {"name": "welcome"}}),
            json!({"name": "nope", "arguments": {"name": "welcome"}}),
        ),
        (
            "resources/read",
            json!({"uri": "garden://documents/accounts"}),
            json!({"uri": "garden://documents/nope"}),
        ),
        (
            "resources/subscribe",
            json!({"uri": "garden://documents/accounts"}),
            json!({"uri": "garden://documents/nope"}),
        ),
        (
            "resources/unsubscribe",
            json!({"uri": "garden://documents/accounts"}),
            json!({"uri": "file:///etc/passwd"}),
        ),
        (
            "completion/complete",
            json!({"ref": {"type": "ref/prompt", "name": "summarize_document"}, "argument": {"name": "name", "value": "w"}}),
            json!({"ref": {"type": "ref/prompt", "name": "nope"}, "argument": {"name": "name", "value": "w"}}),
        ),
    ];
    for (method, unseen, absent) in pairs {
        let (unseen, absent) = (ask(method, unseen).await, ask(method, absent).await);
        assert!(same(&unseen, &absent), "{method}: {:?} {:?}", unseen.body, absent.body);
        assert!(unseen.json()["error"]["code"].is_i64(), "{method}: {:?}", unseen.body);
    }
    assert_eq!(sample.transcript(), []);
    let seen =
        ask("prompts/get", json!({"name": "draft_announcement", "arguments": {"topic": "rain"}})).await;
    assert!(seen.response()["result"]["messages"].is_array(), "{:?}", seen.body);
}

// control: D-27: a method that no revision knows is refused unless a policy names it; then it passes byte for byte
#[tokio::test]
async fn an_unknown_method_passes_only_by_name() {
    let house = House::new().await.acquainted().await;
    let mut alice = house.client("alice");
    alice.hello().await;
    house.echo.clear_transcript();
    for method in
        ["vendor/unknown", "vendor/Known", "tools/Call", "Tools/call", "$/cancelRequest", "rpc.discover"]
    {
        let legacy =
            alice.post(&json!({"jsonrpc": "2.0", "id": 4, "method": method, "params": {"x": 1}})).await;
        assert_eq!(
            (legacy.status, &legacy.json()["error"]["code"]),
            (StatusCode::OK, &json!(-32601)),
            "{method}"
        );
        let modern = alice.modern(method, json!({"x": 1})).await;
        assert_eq!(
            (modern.status, &modern.json()["error"]["code"]),
            (StatusCode::NOT_FOUND, &json!(-32601)),
            "{method}"
        );
    }
    // A notification gets no answer in a body, so its refusal is the status (T-07).
    let told = alice.post(&json!({"jsonrpc": "2.0", "method": "vendor/unknown"})).await;
    assert_eq!(told.status, StatusCode::BAD_REQUEST);
    assert_eq!(house.echo.transcript(), []);
    assert!(house.refusals().iter().all(|reason| reason == "method-not-permitted"), "{:?}", house.refusals());
    let body =
        r#"{"jsonrpc":"2.0","method":"vendor/known","params":{ "a" : [1.0, 1e2] ,"b":"\u00e9"},"id":5}"#;
    let heard = alice.send(alice.request(http::Method::POST, body)).await;
    assert_eq!(heard.json()["error"]["message"], "Method not found", "the server's own words");
    let seen = house.echo.transcript();
    let (before, _) = body.split_once(",\"id\":5").unwrap();
    assert!(seen.len() == 1 && seen[0].contains(before), "{seen:?}");
    assert_eq!(house.records("intent").last().unwrap()["method"], "other");
}

// control: D-08, L-10: a tool whose schema would make the door fetch something, or cannot be compiled, is not called
#[tokio::test]
async fn a_schema_that_reaches_out_is_not_followed() {
    let bait = Scripted::start(json!([]), |message| text(message, "")).await;
    let tools = json!([
        {"name": "remote", "inputSchema": {"type": "object", "properties": {"x": {"$ref": bait.url()}}}},
        {"name": "file", "inputSchema": {"$ref": "file:///etc/passwd"}},
        {"name": "broken", "inputSchema": {"type": 7}},
        {"name": "fine", "inputSchema": {"type": "object"}},
    ]);
    let server = Scripted::start(tools, |message| text(message, "ran")).await;
    let upstreams = [("open", server.url())];
    let policies = r#"@id("all") permit (principal in Role::"Reader", action, resource);"#;
    let house =
        House::with(Plan { policies, upstreams: &upstreams, ..Plan::default() }).await.acquainted().await;
    let mut alice = house.client("alice").at("/open/mcp");
    alice.hello().await;
    for tool in ["remote", "file", "broken"] {
        let heard = alice.call(tool, json!({"x": 1})).await;
        assert!(!heard.response().to_string().contains("ran"), "{tool}: {:?}", heard.body);
    }
    assert_eq!(alice.call("fine", json!({})).await.response()["result"]["content"][0]["text"], "ran");
    assert_eq!(server.calls().len(), 1);
}

//! What a server of 2026-07-28 may say besides its answer, and what the door completes.

use http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::client::{Client, Heard};
use crate::scripted::{self, Scripted};
use crate::support::{House, Plan};

const ALL: &str = r#"@id("all") permit (principal in Role::"Reader", action, resource);"#;
const NO_ASKING: &str = r#"@id("calls") permit (principal in Role::"Reader", action, resource)
unless { action == Action::"elicitation/create" };"#;

/// A server whose one tool answers with what its arguments say.
async fn parrot() -> Scripted {
    Scripted::start(json!([{"name": "say", "inputSchema": {"type": "object"}}]), |message| {
        let said = &message["params"]["arguments"];
        if said["result"]["forget"] == true {
            let error = json!({"code": -32020, "message": "headers"});
            let body = json!({"jsonrpc": "2.0", "id": message["id"], "error": error});
            return scripted::answer(400, "application/json", &body.to_string());
        }
        match said["events"].as_array() {
            None => scripted::result(&message["id"], said["result"].clone()),
            Some(events) => streamed(events, &message["id"], &said["result"]),
        }
    })
    .await
}

fn streamed(events: &[Value], id: &Value, result: &Value) -> Response<http_body_util::Full<bytes::Bytes>> {
    let last = json!({"jsonrpc": "2.0", "id": id, "result": result});
    let text: String = events.iter().chain([&last]).map(|event| format!("data: {event}\n\n")).collect();
    scripted::answer(200, "text/event-stream", &text)
}

async fn house(server: &Scripted, policies: &'static str) -> (House, Client) {
    let upstreams = [("parrot", server.url())];
    let house =
        House::with(Plan { policies, upstreams: &upstreams, ..Plan::default() }).await.acquainted().await;
    let alice = house.client("alice").at("/parrot/mcp");
    (house, alice)
}

/// Has the server answer with `result`, to a client that can do what `capabilities` say.
async fn say(client: &Client, result: &Value, capabilities: Value) -> Heard {
    let meta = json!({"io.modelcontextprotocol/clientCapabilities": capabilities});
    client.modern("tools/call", json!({"name": "say", "arguments": {"result": result}, "_meta": meta})).await
}

fn asking(method: &str, params: Value) -> Value {
    json!({
        "resultType": "input_required",
        "inputRequests": {"it": {"method": method, "params": params}},
        "requestState": "state",
    })
}

/// A question that no guard minds.
fn question(mode: &str) -> Value {
    let schema = json!({"type": "object", "properties": {"name": {"type": "string"}}});
    json!({"mode": mode, "message": "Who are you?", "requestedSchema": schema})
}

// control: L-08, L-13: a server asks for input only as the protocol has it, and only what the client said it can give
#[tokio::test]
async fn input_is_asked_for_as_the_protocol_has_it() {
    let server = parrot().await;
    let (_house, alice) = house(&server, ALL).await;
    let form = || json!({"elicitation": {"form": {}}});
    let ask = |method, params| asking(method, params);
    for (result, capabilities) in [
        (ask("elicitation/create", question("form")), form()),
        (ask("elicitation/create", question("form")), json!({"elicitation": {}})),
        (ask("sampling/createMessage", json!({})), json!({"sampling": {}})),
        (ask("roots/list", json!({})), json!({"roots": {}})),
        (json!({"resultType": "input_required", "requestState": "s"}), json!({})),
        (json!({"resultType": "complete", "content": []}), json!({})),
        (
            json!({"resultType": "task", "taskId": "t"}),
            json!({"extensions": {"io.modelcontextprotocol/tasks": {}}}),
        ),
    ] {
        let heard = say(&alice, &result, capabilities).await;
        let (mut given, mut expected) = (heard.json()["result"].clone(), result);
        // The state is sealed; everything else is as it was.
        let states =
            [&mut given, &mut expected].map(|one| one.as_object_mut().unwrap().remove("requestState"));
        assert_eq!(given, expected);
        assert_eq!(states[0].is_some(), states[1].is_some());
        assert!(states[0] != states[1] || states[0].is_none());
    }
    for (result, capabilities) in [
        (ask("elicitation/create", question("form")), json!({})),
        (ask("elicitation/create", question("url")), form()),
        (ask("sampling/createMessage", json!({})), form()),
        (ask("roots/list", json!({})), form()),
        (ask("tools/call", json!({"name": "x"})), form()),
        (ask("ping", json!({})), form()),
        (json!({"resultType": "input_required"}), form()),
        (json!({"resultType": "input_required", "inputRequests": {}}), form()),
        (json!({"resultType": "input_required", "inputRequests": []}), form()),
        (json!({"resultType": "input_required", "inputRequests": {"a": {}}}), form()),
        (json!({"resultType": "input_required", "requestState": 1}), form()),
        (json!({"resultType": "complete", "inputRequests": {"a": {"method": "roots/list"}}}), form()),
        (json!({"content": [], "inputRequests": {"a": {"method": "elicitation/create"}}}), form()),
        (json!({"resultType": "task", "taskId": "t"}), form()),
        (ask("elicitation/create", question("form")), json!({"elicitation": {"url": {}}})),
        (ask("elicitation/create", question("other")), form()),
        (json!({"resultType": "partial"}), form()),
        (json!({"resultType": 1}), form()),
        (json!({"resultType": null}), form()),
    ] {
        let heard = say(&alice, &result, capabilities).await;
        assert_eq!(heard.json()["error"]["code"], -32603, "{result}: {:?}", heard.body);
    }
}

// control: D-01, AUT-02: what no policy lets a server ask for is not asked by a result either
#[tokio::test]
async fn input_is_asked_for_where_a_policy_lets_it() {
    let server = parrot().await;
    let (house, alice) = house(&server, NO_ASKING).await;
    let can = || json!({"elicitation": {}, "sampling": {}});
    let heard = say(&alice, &asking("elicitation/create", question("form")), can()).await;
    assert_eq!(heard.json()["error"]["code"], 4030, "{:?}", heard.body);
    assert!(!String::from_utf8_lossy(&heard.body).contains("state"), "nothing of it passes");
    let outcomes = house.records("outcome");
    assert_eq!(outcomes.last().unwrap()["reason"], "server-request-not-permitted", "{outcomes:?}");
    let allowed = say(&alice, &asking("sampling/createMessage", json!({})), can()).await;
    assert_eq!(allowed.json()["result"]["resultType"], "input_required");
}

// control-off: D-01: without the door whoever calls is asked for whatever the server likes
#[tokio::test]
async fn without_the_door_anything_is_asked_for() {
    let server = parrot().await;
    let (_house, alice) = house(&server, NO_ASKING).await;
    let address = server.url().trim_start_matches("http://").trim_end_matches("/mcp").parse().unwrap();
    let direct = Client { address, path: "/mcp".to_owned(), ..alice };
    let heard = say(&direct, &asking("tools/call", json!({})), json!({})).await;
    assert_eq!(heard.json()["result"]["inputRequests"]["it"]["method"], "tools/call");
}

// control: L-17, T-09: log messages come to those who asked for them, and news of lists not on the stream of a call
#[tokio::test]
async fn a_stream_carries_what_belongs_to_it() {
    let server = parrot().await;
    let (_house, alice) = house(&server, ALL).await;
    let note = |method: &str, params: Value| json!({"jsonrpc": "2.0", "method": method, "params": params});
    let events = json!([
        note("notifications/message", json!({"level": "info", "data": "one"})),
        note("notifications/tools/list_changed", json!({})),
        note("notifications/resources/updated", json!({"uri": "a:b"})),
        note("notifications/progress", json!({"progressToken": 99, "progress": 1})),
        note("notifications/tasks", json!({"taskId": "t", "status": "working"})),
    ]);
    let done = json!({"content": [], "resultType": "complete"});
    for (level, expected) in [(None, 0), (Some("info"), 1)] {
        let mut params = json!({"name": "say", "arguments": {"events": events, "result": done}});
        if let Some(level) = level {
            params["_meta"] = json!({"io.modelcontextprotocol/logLevel": level});
        }
        let heard = alice.modern("tools/call", params).await;
        let mut heard = heard.events();
        assert_eq!(heard.pop().unwrap()["result"], done);
        assert_eq!(heard.len(), expected, "{heard:?}");
        assert!(heard.iter().all(|event| event["method"] == "notifications/message"));
    }
}

// control: L-08, L-12: what a server leaves unsaid is said for it: the type of a result, and that nobody keeps it for others
#[tokio::test]
async fn what_is_left_unsaid_is_said() {
    let server = parrot().await;
    let (_house, alice) = house(&server, ALL).await;
    let heard = say(&alice, &json!({"content": []}), json!({})).await;
    assert_eq!(heard.json()["result"], json!({"content": [], "resultType": "complete"}));
    let listed = alice.modern("tools/list", json!({})).await;
    assert_eq!(listed.status, StatusCode::OK);
    let listed = &listed.json()["result"];
    let hints = (&listed["resultType"], &listed["cacheScope"], &listed["ttlMs"]);
    assert_eq!(hints, (&json!("complete"), &json!("private"), &json!(0)));
}

// control: D-08: a list that fails is no empty list: it takes nobody's tools away
#[tokio::test]
async fn a_list_that_fails_is_not_empty() {
    let server = parrot().await;
    let (_house, alice) = house(&server, ALL).await;
    // A client with other capabilities than any before: its list is fetched anew.
    for (code, capabilities, expected) in [
        (-32603, json!({"roots": {}}), -32603),
        (-32000, json!({"sampling": {}}), -32603),
        (-32601, json!({"elicitation": {}}), -32602),
    ] {
        server.list_fails_with(code);
        let heard = say(&alice, &json!({"content": []}), capabilities).await;
        assert_eq!(heard.json()["error"]["code"], expected, "{code}: {:?}", heard.body);
    }
}

// control: RAT-04, L-16: a subscription may be silent for longer than any call, and holds no call's place meanwhile
#[tokio::test]
async fn a_subscription_waits_for_as_long_as_nothing_happens() {
    let more = "[limits]\ncall_timeout = \"300ms\"\ncall_timeout_max = \"400ms\"\nconcurrent_calls = 1";
    let house = House::with(Plan { policies: ALL, more, ..Plan::default() }).await.acquainted().await;
    let alice = house.client("alice");
    let (request, _) =
        alice.modern_request("subscriptions/listen", json!({"notifications": {"toolsListChanged": true}}));
    let mut news = alice.stream(request).await;
    let first = news.next().await.unwrap();
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged", "{first}");
    // Each of these takes the one place there is, and as long as a call may.
    for _ in 0..3 {
        let heard = alice.modern("tools/call", json!({"name": "hold", "arguments": {}})).await;
        assert_eq!((heard.status, &heard.json()["error"]["code"]), (StatusCode::OK, &json!(-32603)));
    }
    assert_eq!(house.echo.announce("notifications/prompts/list_changed", "{}").await, 0, "not asked for");
    assert_eq!(house.echo.announce("notifications/tools/list_changed", "{}").await, 1);
    let changed = news.next().await.unwrap();
    assert_eq!(changed["method"], "notifications/tools/list_changed");
    assert_eq!(changed["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], "m-1");
}

/// Begins a round and returns its state.
async fn begun(client: &Client, state: &str) -> String {
    let asking = json!({"resultType": "input_required", "requestState": state});
    let heard = say(client, &asking, json!({})).await;
    heard.json()["result"]["requestState"].as_str().unwrap_or_else(|| panic!("{:?}", heard.body)).to_owned()
}

/// Goes on with a round.
async fn goes_on(client: &Client, tool: &str, state: Value) -> Heard {
    let arguments = json!({"result": {"content": [], "resultType": "complete"}});
    let params = json!({"name": tool, "arguments": arguments, "requestState": state});
    client.modern("tools/call", params).await
}

// control: eras-f, L-15: the state of a round is worth nothing to anybody else, at another server or tool, or changed
#[tokio::test]
async fn a_round_goes_on_only_for_whom_it_began() {
    let tools = || json!([{"name": "say", "inputSchema": {"type": "object"}}, {"name": "tell", "inputSchema": {"type": "object"}}]);
    let answer =
        |message: &Value| scripted::result(&message["id"], message["params"]["arguments"]["result"].clone());
    let (server, sibling) = (Scripted::start(tools(), answer).await, Scripted::start(tools(), answer).await);
    let upstreams = [("parrot", server.url()), ("sibling", sibling.url())];
    let plan = Plan { policies: ALL, upstreams: &upstreams, ..Plan::default() };
    let house = House::with(plan).await.acquainted().await;
    let alice = house.client("alice").at("/parrot/mcp");
    let carol = house.client("carol").at("/parrot/mcp");
    let own = "it is \u{1f511} \"quoted\" \\ and long: ".to_owned() + &"x".repeat(2_000);
    let state = begun(&alice, &own).await;
    let invalid = |heard: &Heard| heard.json()["error"]["code"] == -32602;
    let seen = server.calls().len();

    for (who, tool) in [(&carol, "say"), (&alice, "tell"), (&alice.at("/sibling/mcp"), "say")] {
        let heard = goes_on(who, tool, json!(state)).await;
        assert!(invalid(&heard), "{tool}: {:?}", heard.body);
    }
    let foreign = house.refusals();
    assert_eq!(foreign, vec!["request-state-foreign".to_owned(); 3]);
    assert_eq!(house.records("alarm").len(), 3, "somebody should look");
    let mut changed = vec![json!(own), json!(""), json!(7), json!([state]), json!(&state[1..])];
    for at in [0, 12, 40, state.len() - 2] {
        let other = if state.as_bytes()[at] == b'A' { "B" } else { "A" };
        changed.push(json!(format!("{}{other}{}", &state[..at], &state[at + 1..])));
    }
    for changed in changed {
        let heard = goes_on(&alice, "say", changed.clone()).await;
        assert!(invalid(&heard), "{changed}: {:?}", heard.body);
    }
    let elsewhere = alice.modern("tools/list", json!({"requestState": state})).await;
    assert!(invalid(&elsewhere), "{:?}", elsewhere.body);
    assert_eq!(
        (server.calls().len(), sibling.calls().len()),
        (seen, 0),
        "nothing of it has reached a server"
    );

    // For her it goes on, as often as the server lets it, and the server has its own state back.
    for _ in 0..2 {
        let heard = goes_on(&alice, "say", json!(state)).await;
        assert_eq!(heard.json()["result"]["resultType"], "complete", "{:?}", heard.body);
        assert_eq!(server.calls().last().unwrap().1["params"]["requestState"], json!(own));
    }
}

// control-off: L-15: without the door a server that does not bind its states itself goes on for anybody
#[tokio::test]
async fn without_the_door_anybody_goes_on() {
    let server = parrot().await;
    let (_house, alice) = house(&server, ALL).await;
    let address = server.url().trim_start_matches("http://").trim_end_matches("/mcp").parse().unwrap();
    let direct = Client { address, path: "/mcp".to_owned(), token: None, ..alice };
    let state = begun(&direct, "state").await;
    let heard = goes_on(&direct, "say", json!(state)).await;
    assert_eq!(heard.json()["result"]["resultType"], "complete");
}

fn unsupported(supported: Value) -> Value {
    json!({"code": -32022, "message": "no", "data": {"supported": supported, "requested": "2026-07-28"}})
}

// control: L-05: a server that refuses the door's version and names it in the same breath is asked once more, and not for ever
#[tokio::test]
async fn a_version_is_tried_again_where_it_is_supported() {
    let supported = || unsupported(json!(["2025-11-25", "2026-07-28"]));
    for (errors, asked, served) in [
        (vec![supported()], 2, true),
        (vec![supported(), supported()], 2, false),
        (vec![unsupported(json!(["2027-01-01"]))], 1, false),
        (vec![unsupported(json!("2026-07-28"))], 1, false),
    ] {
        let server = parrot().await;
        let (_house, alice) = house(&server, ALL).await;
        let called =
            async || say(&alice, &json!({"content": [], "resultType": "complete"}), json!({})).await.json();
        assert!(called().await.get("result").is_some(), "the door knows the server");
        // What it knows is forgotten, and asked for again with the next call.
        say(&alice, &json!({"forget": true}), json!({})).await;
        let before = server.lists();
        server.list_refuses(&errors);
        let answer = called().await;
        assert_eq!(
            (answer.get("result").is_some(), server.lists() - before),
            (served, asked),
            "{errors:?}: {answer}"
        );
    }
}

// control: T-20: a server that finds the door's headers wrong is asked what it offers now, before anything else is judged by what it offered
#[tokio::test]
async fn headers_that_do_not_fit_are_made_by_what_is_offered_now() {
    let server = parrot().await;
    let (_house, alice) = house(&server, ALL).await;
    let fine = json!({"content": [], "resultType": "complete"});
    say(&alice, &fine, json!({})).await;
    let before = server.lists();
    say(&alice, &fine, json!({})).await;
    assert_eq!(server.lists(), before, "what was listed a moment ago is good");
    let refused = say(&alice, &json!({"forget": true}), json!({})).await;
    assert_eq!(
        (refused.status, refused.json()["error"]["code"].as_i64()),
        (StatusCode::BAD_REQUEST, Some(-32020))
    );
    assert!(say(&alice, &fine, json!({})).await.json().get("result").is_some());
    assert_eq!(server.lists(), before + 1);
}

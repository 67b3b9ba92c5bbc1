//! Whose a task is (B-08): to the server behind the door everybody is the same caller.

use std::collections::BTreeSet;

use doorward_emulator::MintRequest;
use doorward_servers::tasks;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Client, Heard, initialize};
use crate::scripted::{self, Scripted};
use crate::streams::change_policies;
use crate::support::{House, Plan, eventually, within};

const ALL: &str = r#"@id("all") permit (principal, action, resource);"#;
/// The task's tool is no longer among what she may see.
const LESS: &str = r#"@id("less") permit (principal, action == Action::"tasks/greet", resource);"#;

const METHODS: [&str; 3] = ["tasks/get", "tasks/update", "tasks/cancel"];

async fn server() -> doorward_servers::Running {
    tasks::start(([127, 0, 0, 1], 0).into()).await.unwrap()
}

async fn house(upstreams: &[(&str, String)]) -> House {
    House::with(Plan { policies: ALL, upstreams, ..Plan::default() }).await.acquainted().await
}

/// A client's own token, or that of another client of the same person.
fn client(house: &House, user: &str, client: Option<&str>) -> Client {
    let mut request = MintRequest::user(user);
    if let Some(client) = client {
        request.client = client.to_owned();
    }
    Client::new(house.door.address, Some(house.mint(&request))).at("/tasks/mcp")
}

/// Asks as a client that knows tasks.
async fn ask(client: &Client, method: &str, mut params: Value) -> Heard {
    params["_meta"] = json!({"io.modelcontextprotocol/clientCapabilities": {
        "elicitation": {}, "extensions": {"io.modelcontextprotocol/tasks": {}}}});
    // What is let through by mistake may be a stream that does not end.
    within("an answer", client.modern(method, params)).await
}

async fn begin(client: &Client) -> String {
    let call = json!({"name": "confirm_delete", "arguments": {"filename": "plans.txt"}});
    let heard = ask(client, "tools/call", call).await;
    let made = &heard.json()["result"];
    assert_eq!(made["resultType"], "task", "{:?}", heard.body);
    made["taskId"].as_str().unwrap().to_owned()
}

fn about(id: &str) -> Value {
    json!({"taskId": id, "inputResponses": {"confirm": {"action": "accept", "content": {"confirm": true}}}})
}

/// What somebody is answered who wants the task of this id, by each method: once, since all of it is the same.
async fn refused(client: &Client, id: &str) -> Vec<u8> {
    let mut answers = BTreeSet::new();
    for method in METHODS {
        let heard = ask(client, method, about(id)).await;
        assert_eq!(
            (heard.status, &heard.json()["error"]["code"]),
            (StatusCode::OK, &json!(-32602)),
            "{method}"
        );
        answers.insert(heard.body.to_vec());
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    answers.pop_first().unwrap()
}

fn asked_for_tasks(server: &doorward_servers::Running) -> usize {
    let methods = server.transcript().into_iter().filter_map(|request| request.method());
    methods.filter(|method| method.starts_with("tasks/")).count()
}

// control: B-08, eras-d, eras-f: to another person, another client, at another server's path, a task is as absent as one that never was
#[tokio::test]
async fn a_stolen_task_is_as_absent_as_an_invented_one() {
    let (server, sibling) = (server().await, server().await);
    let house = house(&[("tasks", server.url()), ("sibling", sibling.url())]).await;
    let alice = client(&house, "alice", None);
    let id = begin(&alice).await;
    let invented = refused(&alice, "0123456789abcdef0123456789abcdef").await;
    assert_eq!(house.refusals(), ["task-unknown"; 3]);
    for thief in [client(&house, "carol", None), client(&house, "alice", Some("azure-cli"))] {
        assert_eq!(refused(&thief, &id).await, invented);
    }
    assert_eq!(house.refusals()[3..], ["task-foreign"; 6]);
    assert_eq!(house.records("alarm").len(), 6, "somebody should look");
    assert_eq!(refused(&alice.at("/sibling/mcp"), &id).await, invented);
    for odd in [json!({}), json!({"taskId": 7}), json!({"taskId": [id]}), json!({"taskId": null})] {
        let heard = ask(&alice, "tasks/get", odd.clone()).await;
        assert_ne!(heard.json()["error"], Value::Null, "{odd}: {:?}", heard.body);
    }
    assert_eq!(
        (asked_for_tasks(&server), asked_for_tasks(&sibling)),
        (0, 0),
        "nothing of it reached a server"
    );

    // For her it is there, asks, is told, and ends.
    let heard = ask(&alice, "tasks/get", about(&id)).await.json();
    assert_eq!(heard["result"]["inputRequests"]["confirm"]["method"], "elicitation/create", "{heard}");
    assert_eq!(ask(&alice, "tasks/update", about(&id)).await.json()["result"]["resultType"], "complete");
    let heard = ask(&alice, "tasks/get", about(&id)).await.json();
    assert_eq!(heard["result"]["result"]["content"][0]["text"], "plans.txt. confirm: accept.", "{heard}");
    let intents = house.records("intent");
    assert!(
        intents.last().unwrap().to_string().contains("confirm_delete"),
        "the log names the tool: {intents:?}"
    );
}

// control-off: B-08: without the door whoever has the id has the task
#[tokio::test]
async fn without_the_door_a_stolen_task_is_the_thiefs() {
    let server = server().await;
    let direct = Client { address: server.addr, path: "/mcp".to_owned(), token: None, session: None };
    let (alice, mallory) =
        (direct.with_token(Some("alice".into())), direct.with_token(Some("mallory".into())));
    let id = begin(&alice).await;
    assert_eq!(ask(&mallory, "tasks/update", about(&id)).await.json()["result"]["resultType"], "complete");
    let heard = ask(&mallory, "tasks/get", about(&id)).await.json();
    assert_eq!(heard["result"]["result"]["content"][0]["text"], "plans.txt. confirm: accept.");
}

// control: B-08, D-03: a task goes with the permit of its tool: what a policy takes away is not fetched later
#[tokio::test]
async fn a_task_goes_with_the_permit_of_its_tool() {
    let server = server().await;
    let house = house(&[("tasks", server.url())]).await;
    let alice = client(&house, "alice", None);
    let id = begin(&alice).await;
    let invented = refused(&alice, "invented").await;
    let before = house.door.door().snapshot().id();
    change_policies(&house, LESS);
    eventually("the policies are taken up", || house.door.door().snapshot().id() != before).await;
    let greeted = ask(&alice, "tools/call", json!({"name": "greet", "arguments": {"name": "A"}})).await;
    assert_eq!(greeted.json()["result"]["resultType"], "complete", "she may still come: {:?}", greeted.body);
    assert_eq!(refused(&alice, &id).await, invented);
    assert_eq!(house.refusals()[3..], ["task-tool-unseen"; 3]);
    assert_eq!(asked_for_tasks(&server), 0);
}

// control: eras-d, B-08: a client that does not say that it knows tasks is told so, whatever it asks for, so that this tells nothing
#[tokio::test]
async fn who_does_not_know_tasks_is_told_so() {
    let server = server().await;
    let house = house(&[("tasks", server.url())]).await;
    let alice = client(&house, "alice", None);
    let id = begin(&alice).await;
    let mut answers = BTreeSet::new();
    for id in [id.as_str(), "invented"] {
        for method in METHODS {
            answers.insert(alice.modern(method, about(id)).await.body.to_vec());
        }
        let listen = json!({"notifications": {"taskIds": [id]}});
        let heard = within("a refusal", alice.modern("subscriptions/listen", listen)).await;
        answers.insert(heard.body.to_vec());
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    let answer: Value = serde_json::from_slice(&answers.pop_first().unwrap()).unwrap();
    let required = json!({"requiredCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}}});
    assert_eq!((&answer["error"]["code"], &answer["error"]["data"]), (&json!(-32021), &required));
    for removed in ["tasks/result", "tasks/list"] {
        let heard = ask(&alice, removed, about(&id)).await;
        assert_eq!((heard.status, &heard.json()["error"]["code"]), (StatusCode::NOT_FOUND, &json!(-32601)));
    }
}

// control: B-08, L-16: news of a task comes to its owner, who alone may ask for it, whatever a server sends on whose stream
#[tokio::test]
async fn news_of_a_task_is_its_owners() {
    let server = server().await;
    let house = house(&[("tasks", server.url())]).await;
    let (alice, carol) = (client(&house, "alice", None), client(&house, "carol", None));
    let (hers, other) = (begin(&alice).await, begin(&carol).await);
    for ids in [json!([other]), json!([hers, other])] {
        let heard = ask(&alice, "subscriptions/listen", json!({"notifications": {"taskIds": ids}})).await;
        assert_eq!(heard.json()["error"]["code"], -32602, "{:?}", heard.body);
    }
    let listen = json!({"notifications": {"taskIds": [hers]}, "_meta": {
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}, "extensions": {"io.modelcontextprotocol/tasks": {}}}}});
    let mut news = alice.stream(alice.modern_request("subscriptions/listen", listen).0).await;
    assert_eq!(news.next().await.unwrap()["method"], "notifications/subscriptions/acknowledged");
    let asks = json!({"q": {"method": "sampling/createMessage", "params": {}}});
    for (id, more) in [
        (&other, json!({})),
        (&"invented".to_owned(), json!({})),
        (&hers, json!({"inputRequests": asks})),
        (&hers, json!({"result": {"resultType": "input_required", "inputRequests": asks}})),
        (&hers, json!({"note": "this one"})),
    ] {
        let mut task = json!({"taskId": id, "status": "working"});
        task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(server.announce("notifications/tasks", &task.to_string()).await, 1);
    }
    let first = news.next().await.unwrap();
    assert_eq!(
        (&first["method"], &first["params"]["note"]),
        (&json!("notifications/tasks"), &json!("this one"))
    );
    let dropped = ["foreign-task", "foreign-task", "upstream-malformed"];
    assert_eq!(house.refusals()[2..], dropped, "the first three by name");
}

/// A server of either revision whose answers are what the test says.
async fn parrot() -> Scripted {
    Scripted::start(json!([{"name": "say", "inputSchema": {"type": "object"}}]), |message| {
        let said = &message["params"]["arguments"]["result"];
        let about = json!({"taskId": message["params"]["taskId"], "status": "completed"});
        let answer = match message["method"].as_str() {
            Some("tools/call") => said.clone(),
            Some("tasks/get") if message["params"]["taskId"] == "asking" => json!({"taskId": "asking",
                "status": "completed", "result": {"inputRequests": {"q": {"method": "elicitation/create"}}}}),
            Some("tasks/list") => json!({"tasks": [{"taskId": "a"}, {"taskId": "b"}, {"taskId": "c"}]}),
            _ => about,
        };
        scripted::result(&message["id"], answer)
    })
    .await
}

// control: B-08, D-01: a server that names one task to two people hands the first one's to nobody, and no task asks past the judgement of questions
#[tokio::test]
async fn a_server_cannot_name_one_task_to_two_people() {
    let server = parrot().await;
    let house = house(&[("tasks", server.url())]).await;
    let (alice, carol) = (client(&house, "alice", None), client(&house, "carol", None));
    let say = async |who: &Client, result: Value| {
        ask(who, "tools/call", json!({"name": "say", "arguments": {"result": result}})).await.json()
    };
    let task = |id: &str| json!({"resultType": "task", "taskId": id, "ttlMs": 60_000});
    for id in ["one", "asking"] {
        assert_eq!(say(&alice, task(id)).await["result"], task(id));
    }
    assert_eq!(say(&carol, task("one")).await["error"]["code"], -32603);
    refused(&carol, "one").await;
    assert_eq!(ask(&alice, "tasks/get", about("one")).await.json()["result"]["status"], "completed");
    let heard = ask(&alice, "tasks/get", about("asking")).await.json();
    assert_eq!(heard["error"]["code"], -32603, "{heard}");
    // What nobody could look after is no answer.
    for odd in [
        json!({"resultType": "task"}),
        json!({"resultType": "task", "task": {"taskId": "t"}}),
        task(&"x".repeat(2_000)),
    ] {
        assert_eq!(say(&alice, odd.clone()).await["error"]["code"], -32603, "{odd}");
    }
}

async fn in_session(house: &House, user: &str) -> Client {
    let mut client = client(house, user, None);
    let heard = client.post(&initialize(json!({}))).await;
    client.session = Some(heard.headers["mcp-session-id"].to_str().unwrap().to_owned());
    client
}

// control: B-08: tasks of 2025-11-25 are their owner's too, and a list of tasks has one's own alone
#[tokio::test]
async fn a_task_of_a_session_is_its_owners() {
    let server = parrot().await;
    let house = house(&[("tasks", server.url())]).await;
    let (alice, carol) = (in_session(&house, "alice").await, in_session(&house, "carol").await);
    let post = async |who: &Client, method: &str, params: Value| {
        who.post(&json!({"jsonrpc": "2.0", "id": 9, "method": method, "params": params})).await
    };
    let call = |id: &str, task: Value| {
        let result = json!({"task": {"taskId": id, "status": "working", "ttl": 60_000}});
        json!({"name": "say", "arguments": {"result": result}, "task": task})
    };
    for (who, id) in [(&alice, "a"), (&carol, "b")] {
        let made = post(who, "tools/call", call(id, json!({"ttl": 60_000}))).await;
        assert_eq!(made.json()["result"]["task"]["taskId"], id, "{:?}", made.body);
    }
    // Where no task was asked for there is none, whatever an answer looks like.
    let mut plain = call("c", json!({}));
    plain.as_object_mut().unwrap().remove("task");
    assert_eq!(post(&alice, "tools/call", plain).await.json()["result"]["task"]["taskId"], "c");

    let mut answers = BTreeSet::new();
    for method in ["tasks/get", "tasks/result", "tasks/cancel"] {
        assert_eq!(post(&alice, method, about("a")).await.json()["result"]["taskId"], "a");
        for id in ["b", "c", "invented"] {
            answers.insert(post(&alice, method, about(id)).await.body.to_vec());
        }
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(answers.iter().all(|answer| String::from_utf8_lossy(answer).contains("-32602")));
    let refusals = house.refusals();
    assert_eq!(refusals[..3], ["task-foreign", "task-unknown", "task-unknown"], "{refusals:?}");
    for (who, own) in [(&alice, "a"), (&carol, "b")] {
        let listed = post(who, "tasks/list", json!({})).await.json();
        assert_eq!(listed["result"]["tasks"], json!([{"taskId": own}]), "{listed}");
    }
    // It has no other methods than its revision's.
    let update = post(&alice, "tasks/update", about("a")).await.json();
    assert_eq!(update["error"]["code"], -32601, "{update}");
    let left = alice.send(alice.request(Method::DELETE, "")).await;
    assert_eq!(left.status, StatusCode::OK);
    let again = in_session(&house, "alice").await;
    assert_eq!(
        post(&again, "tasks/get", about("a")).await.json()["result"]["taskId"],
        "a",
        "hers in any session"
    );
}

//! Servers on stdio: one child for each person (D-23). The child is this test program itself, told to be a server.

use std::path::Path;
use std::process::Command;

use doorward_emulator::MintRequest;
use http::StatusCode;
use serde_json::json;

use crate::client::{Client, call, initialize, signature};
use crate::support::{House, Plan, eventually};

const POLICIES: &str = r#"
@id("readers")
permit (principal in Role::"Reader", action, resource in Server::"kid");
"#;

/// Not a test: the echo server on this process's standard streams, for as long as its input lasts.
#[tokio::test]
#[ignore = "no test: the others start this program as their server, and run by itself it waits for input"]
async fn child() {
    doorward_servers::echo::serve_stdio().await.unwrap();
}

pub(crate) struct Family {
    pub(crate) house: House,
    mark: String,
}

impl Family {
    pub(crate) async fn new(lines: &str) -> Self {
        Self::of("stdio::child", lines).await
    }

    /// A family whose children are another of this program's servers.
    pub(crate) async fn of(child: &str, lines: &str) -> Self {
        // The command line is the operator's, so it can carry a mark by which this test finds its own children.
        let mark = format!("mark-{}-{:?}", std::process::id(), std::time::Instant::now());
        let mark: String = mark.chars().filter(char::is_ascii_alphanumeric).collect();
        let program = std::env::current_exe().unwrap();
        let server = format!(
            "[[server]]\nname = \"kid\"\ncommand = [{program:?}, \"{child}\", \"{mark}\", \"--exact\", \"--ignored\", \"--nocapture\", \"--quiet\"]\n{lines}\n"
        );
        let house = House::with(Plan { policies: POLICIES, more: &server, ..Plan::default() })
            .await
            .acquainted()
            .await;
        let family = Self { house, mark };
        // One that is shared is the door's own too, and stays.
        if !lines.contains("shared = true") {
            eventually("the door's own child is gone", || family.children().is_empty()).await;
        }
        family
    }

    /// The ids of the children that run.
    pub(crate) fn children(&self) -> Vec<u32> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            // A process may end while it is looked at; one that is being waited for has no command line any more.
            let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&command).contains(&self.mark) {
                found.push(pid);
            }
        }
        found
    }

    pub(crate) fn client(&self, user: &str) -> Client {
        self.house.client(user).at("/kid/mcp")
    }

    pub(crate) async fn session(&self, user: &str) -> Client {
        let mut client = self.client(user);
        let heard = client.hello().await;
        assert_eq!(heard.status, StatusCode::OK, "{:?}", heard.body);
        client
    }
}

pub(crate) async fn echo(client: &Client, text: &str) -> bool {
    let heard = client.call("echo", json!({"text": text, "n": 1})).await;
    heard.status == StatusCode::OK && heard.response()["result"]["content"][0]["text"] == text
}

// control: D-23, LOC-10: each person has a child of their own, whichever client they come with, and it is given neither token nor the door's environment
#[tokio::test]
async fn each_person_has_a_child_of_their_own() {
    let family = Family::new("env = { KNOWN = \"yes\" }").await;
    let (alice, again) = (family.session("alice").await, family.session("alice").await);
    assert!(echo(&alice, "one").await && echo(&again, "two").await);
    assert_eq!(family.children().len(), 1);
    let other =
        family.house.mint(&MintRequest { client: "azure-cli".to_owned(), ..MintRequest::user("alice") });
    let mut other = alice.with_token(Some(other));
    assert_eq!(
        other.call("echo", json!({"text": "x", "n": 1})).await.status,
        StatusCode::NOT_FOUND,
        "not its session"
    );
    other.session = None;
    other.hello().await;
    assert!(echo(&other, "three").await);
    assert_eq!(family.children().len(), 1);
    let bob = family.session("bob").await;
    assert!(echo(&bob, "four").await);
    assert_eq!(family.children().len(), 2);
    for pid in family.children() {
        let environment = std::fs::read(Path::new("/proc").join(pid.to_string()).join("environ")).unwrap();
        let names: Vec<_> = environment
            .split(|byte| *byte == 0)
            .filter_map(|line| std::str::from_utf8(line).unwrap().split_once('='))
            .map(|(name, _)| name.to_owned())
            .collect();
        assert!(names.iter().any(|name| name == "KNOWN"));
        assert!(
            names
                .iter()
                .all(|name| ["KNOWN", "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"]
                    .contains(&name.as_str())),
            "{names:?}"
        );
        assert!(!String::from_utf8_lossy(&environment).contains(signature(alice.token.as_deref().unwrap())));
    }
    assert_eq!(family.house.records("intent").len(), family.house.records("outcome").len());
}

// control: D-23, D-09: a child that dies gives every caller who waits an error and its session an end; the next one is new
#[tokio::test]
async fn a_dead_child_is_replaced_and_nobody_waits_for_it() {
    let family = Family::new("").await;
    let (alice, bob) = (family.session("alice").await, family.session("bob").await);
    assert!(echo(&alice, "before").await);
    let bobs = family.children();
    let waiting: Vec<_> = (10..13)
        .map(|id| {
            let client = alice.clone();
            tokio::spawn(async move { client.post(&call(id, "hold", json!({}))).await })
        })
        .collect();
    // What the child is told after them it reads after them: with its answer all three are held.
    assert!(echo(&alice, "held").await && echo(&bob, "other").await);
    assert_eq!(bobs.len(), 2);
    let hers = family.children().into_iter().min().unwrap();
    assert!(Command::new("kill").args(["-9", &hers.to_string()]).status().unwrap().success());
    for waiting in waiting {
        let heard = waiting.await.unwrap();
        assert_eq!(
            (heard.status, &heard.response()["error"]["code"]),
            (StatusCode::OK, &json!(-32603)),
            "{:?}",
            heard.body
        );
    }
    assert_eq!(
        alice.call("echo", json!({"text": "x", "n": 1})).await.status,
        StatusCode::NOT_FOUND,
        "its session is over"
    );
    let again = family.session("alice").await;
    assert!(echo(&again, "after").await);
    assert!(echo(&bob, "untouched").await);
    let outcomes = family.house.records("outcome");
    assert_eq!(outcomes.iter().filter(|outcome| outcome["reason"] == "upstream-ended").count(), 3);
}

// control: D-23, RAT-04: beyond the cap one more person is told to come back, and a child that nobody uses is ended
#[tokio::test]
async fn children_are_capped_and_reaped() {
    let family = Family::new("max_children = 1\nidle = \"1s\"").await;
    let alice = family.session("alice").await;
    let heard = family.client("bob").post(&initialize(json!({}))).await;
    assert_eq!(heard.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(heard.headers.contains_key("retry-after"));
    assert!(
        heard.json()["error"]["message"].as_str().unwrap().contains("copies of this server"),
        "{:?}",
        heard.body
    );
    assert_eq!(family.house.refusals(), ["upstream-capped"]);
    assert!(echo(&alice, "still here").await);
    eventually("the idle child is ended", || family.children().is_empty()).await;
    let bob = family.session("bob").await;
    assert!(echo(&bob, "my turn").await);
}

// control: D-23, D-03: closing the door ends every child by the book
#[tokio::test]
async fn children_end_with_the_door() {
    let family = Family::new("").await;
    let (alice, bob) = (family.session("alice").await, family.session("bob").await);
    assert!(echo(&alice, "x").await && echo(&bob, "y").await);
    let Family { house, mark } = family;
    house.close().await;
    let left = std::fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
        let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(&mark)
    });
    assert_eq!(left.count(), 0);
}

#[tokio::test]
async fn a_modern_child_is_spoken_to_without_a_session() {
    let family = Family::new("era = \"modern\"").await;
    let alice = family.client("alice");
    let heard =
        alice.modern("tools/call", json!({"name": "echo", "arguments": {"text": "modern", "n": 1}})).await;
    assert_eq!(heard.response()["result"]["content"][0]["text"], "modern", "{:?}", heard.body);
}

// control: D-01, L-18: a burst of a child arrives whole and in order, and its questions reach the caller who waits
#[tokio::test]
async fn a_childs_burst_and_its_questions_arrive() {
    let family = Family::new("").await;
    let alice = family.session("alice").await;
    let mut body = call(7, "burst", json!({"events": 5000}));
    body["params"]["_meta"] = json!({"progressToken": "p"});
    let events = alice.post(&body).await.events();
    assert_eq!(events.len(), 5001);
    assert!(events[..5000].iter().enumerate().all(|(at, event)| event["params"]["progress"] == at + 1));
    let mut stream =
        alice.stream(alice.request(http::Method::POST, call(8, "ask", json!({})).to_string())).await;
    let question = stream.next().await.unwrap();
    let answer = json!({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": {"name": "Alice"}}});
    assert_eq!(alice.post(&answer).await.status, StatusCode::ACCEPTED);
    assert_eq!(stream.rest().await[0]["result"]["content"][0]["text"], "Hello, Alice.");
}

// control: T-32, L-16: what concerns a subscription finds it, whatever else runs in its child
#[tokio::test]
async fn a_subscription_is_told_beside_others() {
    let family = Family::new("era = \"modern\"").await;
    let alice = family.client("alice");
    let mut open = Vec::new();
    for _ in 0..3 {
        let wanted = json!({"notifications": {"toolsListChanged": true}});
        let (request, _) = alice.modern_request("subscriptions/listen", wanted);
        let mut stream = alice.stream(request).await;
        let first = stream.next().await.unwrap();
        assert_eq!(first["method"], "notifications/subscriptions/acknowledged", "{first}");
        assert_eq!(first["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], "m-1");
        open.push(stream);
    }
    // And their child still answers.
    let heard =
        alice.modern("tools/call", json!({"name": "echo", "arguments": {"text": "beside", "n": 1}})).await;
    assert_eq!(heard.response()["result"]["content"][0]["text"], "beside", "{:?}", heard.body);
}

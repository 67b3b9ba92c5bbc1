//! HTTP+SSE, the transport of 2024-11-05: clients that have nothing else, and servers that have nothing else.

use bytes::Bytes;
use doorward_servers::old::{self, Names};
use http::{Method, Request, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::client::{Client, EventStream, accept, call, initialize};
use crate::support::{House, Plan, eventually, within};

pub(crate) const OLD_CLIENTS: &str = "sse_clients = true";

/// A client of HTTP+SSE.
pub(crate) struct Old {
    pub(crate) client: Client,
    stream: EventStream,
    posts: String,
}

impl Old {
    /// Opens a conversation.
    async fn open(client: Client) -> Self {
        let mut stream = client.stream(client.request(Method::GET, "")).await;
        assert_eq!(stream.status, StatusCode::OK);
        let (event, posts) = stream.event().await.unwrap();
        assert_eq!(event, "endpoint");
        Self { client, stream, posts }
    }

    /// Opens a conversation with a session.
    pub(crate) async fn hello(client: Client, capabilities: Value) -> Self {
        let mut old = Self::open(client).await;
        assert_eq!(old.say(&initialize(capabilities)).await, StatusCode::ACCEPTED);
        let hello = old.heard().await;
        assert_eq!(hello["result"]["protocolVersion"], "2025-11-25", "{hello}");
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert_eq!(old.say(&ready).await, StatusCode::ACCEPTED);
        old
    }

    fn post(&self, body: &Value) -> Request<Full<Bytes>> {
        let mut request = self.client.request(Method::POST, body.to_string());
        *request.uri_mut() = self.posts.parse().unwrap();
        // Clients of that time send no such header.
        request.headers_mut().remove("accept");
        request
    }

    pub(crate) async fn say(&self, body: &Value) -> StatusCode {
        self.client.send(self.post(body)).await.status
    }

    pub(crate) async fn heard(&mut self) -> Value {
        self.stream.next().await.expect("the conversation goes on")
    }
}

async fn house(server: &str) -> House {
    House::with(Plan { server, ..Plan::default() }).await
}

/// A door before one more server, which speaks HTTP+SSE and whose policies are the echo server's.
async fn house_of_old(names: Names) -> (House, doorward_servers::Running) {
    house_before(old::start(names).await.unwrap(), "5s").await
}

pub(crate) async fn house_before(
    old: doorward_servers::Running,
    timeout: &str,
) -> (House, doorward_servers::Running) {
    let policies = crate::support::POLICIES.replace("echo/", "old/");
    let policies = format!("{}\n{}", crate::support::POLICIES, policies.replace("@id(\"", "@id(\"old-"));
    let more = format!(
        "[[server]]\nname = \"old\"\nurl = \"{}\"\ntransport = \"http+sse\"\ntimeout = \"{timeout}\"\n[server.elicitation]\nforms = \"any\"",
        old.url()
    );
    let origin = old.url();
    let house = House::with(Plan {
        policies: &policies,
        more: &more,
        upstreams: &[],
        origins: &[origin.strip_suffix("/mcp").unwrap()],
        ..Plan::default()
    })
    .await;
    (house, old)
}

#[tokio::test]
async fn an_old_client_calls_and_is_asked() {
    let house = house(OLD_CLIENTS).await;
    let mut alice = Old::hello(house.client("alice"), json!({"elicitation": {}})).await;
    assert_eq!(alice.say(&call(7, "echo", json!({"text": "hello", "n": 1}))).await, StatusCode::ACCEPTED);
    let answer = alice.heard().await;
    assert_eq!(answer["id"], 7);
    assert!(answer["result"].to_string().contains("hello"), "{answer}");
    // What is asked, and what answers it, comes and goes like everything.
    alice.say(&call(8, "ask", json!({}))).await;
    let question = alice.heard().await;
    assert_eq!(question["method"], "elicitation/create", "{question}");
    assert_eq!(alice.say(&accept(&question["id"], "Alice")).await, StatusCode::ACCEPTED);
    let answer = alice.heard().await;
    assert_eq!(answer["id"], 8);
    assert!(answer["result"].to_string().contains("Alice"), "{answer}");
    // What is said unasked comes on the same stream.
    within("the door listens", house.echo.until_streams(1)).await;
    house.echo.announce("notifications/tools/list_changed", "{}").await;
    assert_eq!(alice.heard().await["method"], "notifications/tools/list_changed");
}

// control: D-01: a client of HTTP+SSE is judged by the same policies, sees the same tools, and leaves the same records
#[tokio::test]
async fn an_old_client_is_judged_like_any_other() {
    let house = house(OLD_CLIENTS).await;
    let mut alice = Old::hello(house.client("alice"), json!({})).await;
    alice.say(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})).await;
    let list = alice.heard().await.to_string();
    assert!(list.contains("\"ask\"") && !list.contains("\"big\""), "{list}");
    alice.say(&call(2, "big", json!({"bytes": 1}))).await;
    assert_eq!(alice.heard().await["error"]["code"], -32602, "what she may not see is not there");
    alice.say(&call(3, "echo", json!({"text": "x", "n": 5000}))).await;
    let refused = alice.heard().await;
    assert_eq!(refused["result"]["isError"], true, "{refused}");
    assert_eq!(house.echo_calls(), 0);
    assert!(house.refusals().contains(&"not-permitted".to_owned()), "{:?}", house.refusals());
    alice.say(&call(4, "echo", json!({"text": "x", "n": 5}))).await;
    assert_eq!(alice.heard().await["id"], 4);
    let outcomes = house.records("outcome");
    assert!(outcomes.iter().any(|record| record["result"] == "ok"), "{outcomes:?}");
    assert!(house.record().contains("\"tools/call\""));
}

// control: T-01: without the configuration's word there is no HTTP+SSE
#[tokio::test]
async fn the_old_transport_is_not_there_unless_it_is_wanted() {
    let house = house("").await;
    let alice = house.client("alice");
    let closed = alice.send(alice.request(Method::GET, "")).await;
    assert_eq!(closed.status, StatusCode::BAD_REQUEST);
    // A query that means something elsewhere means nothing here.
    let mut request = alice.request(Method::POST, call(1, "echo", json!({"text": "x", "n": 1})).to_string());
    *request.uri_mut() = format!("/echo/mcp?conversation={}", "0".repeat(64)).parse().unwrap();
    assert_eq!(alice.send(request).await.status, StatusCode::BAD_REQUEST);
}

// control: SES-01: the address of a conversation is no key: each message brings a token of its own
#[tokio::test]
async fn every_message_brings_its_token() {
    let house = house(OLD_CLIENTS).await;
    let stranger = Client::new(house.door.address, None);
    let opened = stranger.send(stranger.request(Method::GET, "")).await;
    assert_eq!(opened.status, StatusCode::UNAUTHORIZED);
    assert!(opened.headers["www-authenticate"].to_str().unwrap().contains("resource_metadata="));
    let alice = Old::hello(house.client("alice"), json!({})).await;
    let stolen = Old { client: stranger, stream: alice.stream, posts: alice.posts };
    let called = call(1, "echo", json!({"text": "x", "n": 1}));
    let refused = stolen.client.send(stolen.post(&called)).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(refused.headers.contains_key("www-authenticate"));
    assert_eq!(house.echo_calls(), 0);
}

// control: eras-f: whoever learns the address of another's conversation speaks in it no word, and is recorded
#[tokio::test]
async fn nobody_speaks_in_anothers_conversation() {
    let house = house(OLD_CLIENTS).await;
    let mut alice = Old::hello(house.client("alice"), json!({})).await;
    let theirs = house.client("bob");
    let bob = Old { posts: alice.posts.clone(), ..Old::open(theirs).await };
    for said in [
        call(1, "echo", json!({"text": "from bob", "n": 1})),
        initialize(json!({})),
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}),
        json!({"jsonrpc": "2.0", "id": 1, "result": {}}),
    ] {
        assert_eq!(bob.say(&said).await, StatusCode::NOT_FOUND, "{said}");
    }
    // It is answered like one that never was.
    let nowhere = Old { posts: format!("/echo/mcp?conversation={}", "0".repeat(64)), ..bob };
    assert_eq!(nowhere.say(&initialize(json!({}))).await, StatusCode::NOT_FOUND);
    let refused = house.records("refused");
    let foreign: Vec<_> = refused.iter().filter(|record| record["reason"] == "session-foreign").collect();
    assert_eq!(foreign.len(), 4, "{refused:?}");
    assert_eq!(house.records("alarm").len(), 4);
    assert_eq!(house.echo_calls(), 0);
    // Alice hears nothing of it.
    alice.say(&call(9, "echo", json!({"text": "mine", "n": 1}))).await;
    assert_eq!(alice.heard().await["id"], 9);
}

// control: REM-06: a token for another server opens no conversation at this one, and speaks in none
#[tokio::test]
async fn a_conversation_is_of_one_server() {
    let other = doorward_servers::echo::start(([127, 0, 0, 1], 0).into()).await.unwrap();
    let upstreams = [("other", other.url())];
    let house = House::with(Plan { server: OLD_CLIENTS, upstreams: &upstreams, ..Plan::default() }).await;
    let alice = Old::hello(house.client("alice"), json!({})).await;
    let elsewhere = Old { posts: alice.posts.replace("/echo/", "/other/"), ..alice };
    assert_eq!(elsewhere.say(&call(1, "echo", json!({"text": "x", "n": 1}))).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_end_of_the_stream_is_the_end_of_the_session() {
    let house = house(OLD_CLIENTS).await.acquainted().await;
    let mut alice = Old::hello(house.client("alice"), json!({})).await;
    alice.say(&call(1, "hold", json!({}))).await;
    within("the call is held", house.echo.until_calls(1)).await;
    assert_eq!(house.door.door().sessions(), 1);
    let Old { client, stream, posts } = alice;
    drop(stream);
    // Neither its session nor its call outlives it: nobody could come back for them.
    eventually("the session is over", || house.door.door().sessions() == 0).await;
    eventually("the server is told", || house.echo.sessions().is_empty()).await;
    eventually("the call is recorded", || {
        house.records("outcome").iter().any(|record| record["result"] == "aborted")
    })
    .await;
    alice = Old { posts, ..Old::open(client).await };
    assert_eq!(alice.say(&call(1, "echo", json!({"text": "x", "n": 1}))).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_revision_without_conversations_is_refused_in_one() {
    let house = house(OLD_CLIENTS).await;
    let alice = Old::hello(house.client("alice"), json!({})).await;
    let modern = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "c", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {}}}});
    assert_eq!(alice.say(&modern).await, StatusCode::NOT_FOUND);
    // What comes before there is a session, and what is no message, is refused where it came.
    let early = Old::open(house.client("alice")).await;
    assert_eq!(early.say(&call(1, "echo", json!({"text": "x", "n": 1}))).await, StatusCode::BAD_REQUEST);
    assert_eq!(early.say(&json!([])).await, StatusCode::BAD_REQUEST);
}

// control: RAT-03: one person has no more conversations than sessions
#[tokio::test]
async fn one_person_cannot_open_conversations_without_end() {
    let server = OLD_CLIENTS;
    let more = "[limits]\nsessions_per_person = 2";
    let house = House::with(Plan { server, more, ..Plan::default() }).await;
    let held = [Old::open(house.client("alice")).await, Old::open(house.client("alice")).await];
    let alice = house.client("alice");
    assert_eq!(alice.send(alice.request(Method::GET, "")).await.status, StatusCode::SERVICE_UNAVAILABLE);
    Old::open(house.client("bob")).await;
    drop(held);
    // With the conversations their places are free again.
    within("a free place", async {
        while alice.stream(alice.request(Method::GET, "")).await.status != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

// control: RAT-03: one conversation has so many messages under way, and whoever reads nothing keeps the places of no others
#[tokio::test]
async fn one_conversation_cannot_take_every_place() {
    let house = house(OLD_CLIENTS).await;
    let alice = Old::hello(house.client("alice"), json!({})).await;
    let mut statuses = Vec::new();
    for id in 0..80 {
        statuses.push(alice.say(&call(id, "hold", json!({}))).await);
    }
    assert!(statuses.contains(&StatusCode::SERVICE_UNAVAILABLE), "{statuses:?}");
    assert!(statuses[..60].iter().all(|status| *status == StatusCode::ACCEPTED), "{statuses:?}");
    // Others notice nothing.
    let mut bob = Old::hello(house.client("bob"), json!({})).await;
    bob.say(&call(1, "echo", json!({"text": "x", "n": 1}))).await;
    assert_eq!(bob.heard().await["id"], 1);
}

// control: eras-g: a server that says much to somebody who reads slowly loses that reader, and fills no memory
#[tokio::test]
async fn a_server_of_the_old_transport_cannot_fill_memory() {
    let (house, _old) = house_of_old(Names::Itself).await;
    let mut alice = house.client("alice").at("/old/mcp");
    alice.hello().await;
    let unread = alice
        .stream(alice.request(Method::POST, call(1, "burst", json!({"events": 100_000})).to_string()))
        .await;
    assert_eq!(unread.status, StatusCode::OK);
    // Behind the burst that nobody reads, the conversation goes on for others of the same person.
    let mut other = house.client("alice").at("/old/mcp");
    other.hello().await;
    let answer = other.call("echo", json!({"text": "fine", "n": 1})).await;
    assert!(answer.response()["result"].to_string().contains("fine"), "{:?}", answer.body);
    drop(unread);
}

#[tokio::test]
async fn a_server_of_the_old_transport_serves_clients_of_both_revisions() {
    let (house, old) = house_of_old(Names::Itself).await;
    let mut alice = house.client("alice").at("/old/mcp");
    let hello = alice.hello().await;
    assert!(hello.response()["result"].is_object(), "{:?}", hello.body);
    let answer = alice.call("echo", json!({"text": "hello", "n": 1})).await;
    assert!(answer.response()["result"].to_string().contains("hello"), "{:?}", answer.body);
    let (mut stream, id) = alice_asked(&house).await;
    let _ = (&mut stream, id);
    let modern = house.client("alice").at("/old/mcp");
    let answer =
        modern.modern("tools/call", json!({"name": "echo", "arguments": {"text": "hi", "n": 2}})).await;
    assert!(answer.response()["result"].to_string().contains("hi"), "{:?}", answer.body);
    // What ends the session ends the stream.
    let before = old.sessions().len();
    assert_eq!(alice.send(alice.request(Method::DELETE, "")).await.status, StatusCode::OK);
    eventually("the stream is closed", || old.sessions().len() < before).await;
}

async fn alice_asked(house: &House) -> (EventStream, Value) {
    let mut alice = house.client("alice").at("/old/mcp");
    let hello = alice.post(&initialize(json!({"elicitation": {"form": {}}}))).await;
    alice.session = Some(hello.headers["mcp-session-id"].to_str().unwrap().to_owned());
    let (mut stream, id) = alice.asked().await;
    assert_eq!(alice.post(&accept(&id, "Alice")).await.status, StatusCode::ACCEPTED);
    let answer = stream.next().await.unwrap();
    assert!(answer["result"].to_string().contains("Alice"), "{answer}");
    (stream, id)
}

#[tokio::test]
async fn a_stream_that_breaks_is_a_lost_session() {
    let (house, old) = house_of_old(Names::Itself).await;
    let mut alice = house.client("alice").at("/old/mcp");
    alice.hello().await;
    for session in old.sessions() {
        assert!(old.end_session(&session));
    }
    let called = within("the end is noticed", async {
        loop {
            let called = alice.call("echo", json!({"text": "x", "n": 1})).await;
            if called.status == StatusCode::NOT_FOUND {
                break called;
            }
        }
    })
    .await;
    assert_eq!(called.status, StatusCode::NOT_FOUND, "the client begins anew");
    assert_eq!(alice.hello().await.status, StatusCode::OK);
}

// control: NET-05: a server that names a place elsewhere is sent nothing, there or here
#[tokio::test]
async fn a_server_that_names_another_place_is_refused() {
    let thief = doorward_servers::echo::start_with(doorward_servers::echo::Options {
        transcript: true,
        ..doorward_servers::echo::Options::default()
    })
    .await
    .unwrap();
    let (house, old) = house_of_old(Names::Elsewhere(format!("{}?session=", thief.url()))).await;
    let mut alice = house.client("alice").at("/old/mcp");
    let hello = alice.hello().await;
    assert!(hello.response()["error"].is_object(), "{:?}", hello.body);
    assert!(thief.transcript().is_empty());
    assert!(old.transcript().iter().all(|request| request.method().is_none()), "nothing was posted");
}

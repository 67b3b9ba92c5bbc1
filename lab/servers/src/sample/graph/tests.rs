use std::sync::atomic::{AtomicU64, Ordering};

use hyper::{Response, StatusCode};
use tokio::sync::{Semaphore, watch};

use super::*;
use crate::body::Body;
use crate::endpoint::{json as reply, whole};
use crate::sample::{self, Options as SampleOptions};
use crate::testing::post;

/// A clock that sleeping moves, and that remembers each sleep. Dice always show the most.
#[derive(Default)]
struct Virtual {
    now: AtomicU64,
    slept: Mutex<Vec<u64>>,
    dice: Mutex<Vec<u64>>,
}

const NOON: u64 = 1_795_176_000_000;

impl Virtual {
    fn start() -> Arc<Self> {
        let time = Self::default();
        time.now.store(NOON, Ordering::SeqCst);
        Arc::new(time)
    }

    fn slept(&self) -> Vec<u64> {
        self.slept.lock().unwrap().clone()
    }
}

impl Time for Virtual {
    fn now(&self) -> u64 {
        self.now.load(Ordering::SeqCst)
    }

    fn sleep(&self, span: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let span = millis(span);
        self.slept.lock().unwrap().push(span);
        self.now.fetch_add(span, Ordering::SeqCst);
        Box::pin(tokio::task::yield_now())
    }

    fn random(&self, most: u64) -> u64 {
        self.dice.lock().unwrap().push(most);
        most
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap()
}

/// Statuses, each with `Retry-After` or `Location`.
type Script = &'static [(u16, Option<&'static str>)];

/// A Graph that answers by script, then with the name in the token; it counts and remembers bearers.
struct Scripted {
    listening: crate::listen::Listening,
    bearers: Arc<Mutex<Vec<String>>>,
    /// Answers wait for a permit each, if it is there.
    gate: Arc<Semaphore>,
    arrived: watch::Receiver<usize>,
}

async fn graph(script: Script) -> Scripted {
    let bearers: Arc<Mutex<Vec<String>>> = Arc::default();
    let (arrivals, arrived) = watch::channel(0);
    let gate = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
    let script = Arc::new(Mutex::new(script.iter()));
    let handler = {
        let (bearers, gate) = (bearers.clone(), gate.clone());
        move |request| {
            let (bearers, gate, script, arrivals) =
                (bearers.clone(), gate.clone(), script.clone(), arrivals.clone());
            async move {
                let (parts, _) = whole(request).await.unwrap();
                assert_eq!(parts.uri.to_string(), PATH);
                let bearer = parts.headers["authorization"].to_str().unwrap().to_owned();
                bearers.lock().unwrap().push(bearer.clone());
                arrivals.send_modify(|count| *count += 1);
                gate.acquire().await.unwrap().forget();
                let scripted = script.lock().unwrap().next().copied();
                answer(scripted, &bearer)
            }
        }
    };
    let listening = crate::listen::listen(([127, 0, 0, 1], 0).into(), handler).await.unwrap();
    Scripted { listening, bearers, gate, arrived }
}

fn answer(scripted: Option<(u16, Option<&str>)>, bearer: &str) -> Response<Body> {
    let name = bearer.trim_start_matches("Bearer ");
    let Some((status, when)) = scripted else {
        let mail = if name == "grace" { Value::Null } else { json!(format!("{name}@x.example")) };
        let body = json!({ "displayName": name, "mail": mail, "userPrincipalName": name, "more": "hidden" });
        return reply(StatusCode::OK, body.to_string().into());
    };
    let mut response = reply(StatusCode::from_u16(status).unwrap(), "graph-canary".into());
    if let Some(when) = when {
        let name = if status == 302 { "location" } else { "retry-after" };
        response.headers_mut().insert(name, when.parse().unwrap());
    }
    response
}

impl Scripted {
    fn asked(&self) -> usize {
        self.bearers.lock().unwrap().len()
    }

    fn options(&self, time: &Arc<Virtual>) -> Options {
        Options {
            base: format!("http://{}", self.listening.addr),
            ca_pem: String::new(),
            time: time.clone(),
            limits: Limits::default(),
            identity: None,
        }
    }

    fn client(&self, time: &Arc<Virtual>) -> Arc<Graph> {
        Arc::new(Graph::new(self.options(time)).unwrap())
    }
}

async fn call(graph: &Arc<Graph>, who: &str) -> Value {
    serde_json::from_str(&graph.call(Some(&format!("Bearer {who}"))).await).unwrap()
}

// control: RAT-01: Retry-After is honoured to the second, as a number and as a date; without it pauses are random and double.
#[tokio::test]
async fn pauses_are_as_long_as_graph_says_and_random_otherwise() {
    let cases: [(Script, &[u64], &[u64]); 6] = [
        (&[(429, Some("7"))], &[7000], &[]),
        (&[(429, Some("Fri, 20 Nov 2026 12:00:30 GMT"))], &[30_000], &[]),
        (&[(429, Some("Fri, 20 Nov 2026 11:00:00 GMT"))], &[], &[]),
        (&[(429, Some("7")), (429, Some("3"))], &[7000, 3000], &[]),
        (&[(429, None), (503, None), (500, None)], &[500, 1000, 2000], &[500, 1000, 2000]),
        (&[(503, Some("2"))], &[2000], &[]),
    ];
    for (script, slept, dice) in cases {
        let (service, time) = (graph(script).await, Virtual::start());
        let result = call(&service.client(&time), "alice").await;
        assert_eq!(result["isError"], false, "{script:?}: {result}");
        assert_eq!(
            (time.slept().as_slice(), time.dice.lock().unwrap().as_slice()),
            (slept, dice),
            "{script:?}"
        );
        assert_eq!(service.asked(), script.len() + 1);
    }
}

// control: RAT-01: it gives up after so many attempts or at once when the pause is longer than it may take, and never asks again what was refused.
#[tokio::test]
async fn it_gives_up_and_says_so_in_clean_text() {
    let cases: [(Script, usize, &str); 7] = [
        (&[(503, None); 9], 5, "does not answer"),
        (&[(429, Some("1")); 9], 5, "does not answer"),
        (&[(429, Some("3600"))], 1, "3600 seconds"),
        (&[(401, None)], 1, "sign in again"),
        (&[(403, None)], 1, "User.Read"),
        (&[(404, None)], 1, "404"),
        (&[(302, Some("http://127.0.0.1:1/"))], 1, "a token does not go"),
    ];
    for (script, asked, holds) in cases {
        let (service, time) = (graph(script).await, Virtual::start());
        let result = call(&service.client(&time), "alice-canary").await;
        let text = result["content"][0]["text"].as_str().unwrap();
        assert_eq!(result["isError"], true, "{script:?}");
        assert!(text.contains(holds), "{script:?}: {text}");
        assert!(!text.contains("canary") && !text.contains("127.0.0.1"), "{text}");
        assert_eq!(service.asked(), asked, "{script:?}");
    }
}

// control: RAT-01: one caller's 429 keeps all callers waiting.
#[tokio::test]
async fn a_pause_is_everybodys() {
    let (service, time) = (graph(&[(429, Some("3600"))]).await, Virtual::start());
    let client = service.client(&time);
    assert_eq!(call(&client, "alice").await["isError"], true);
    let bob = call(&client, "bob").await;
    assert!(bob["content"][0]["text"].as_str().unwrap().contains("3600 seconds"), "{bob}");
    assert_eq!(service.asked(), 1, "Bob did not ask");
    time.now.fetch_add(3_600_000, Ordering::SeqCst);
    assert_eq!(call(&client, "bob").await["isError"], false);
}

// control: RAT-02: many calls of one person are one question, and nobody is given another's answer.
#[tokio::test]
async fn one_person_asks_once_and_each_hears_their_own() {
    let (mut service, time) = (graph(&[]).await, Virtual::start());
    let client = service.client(&time);
    service.gate.forget_permits(Semaphore::MAX_PERMITS);
    let calls: Vec<_> = (0..20)
        .map(|at| {
            let client = client.clone();
            tokio::spawn(async move { call(&client, if at % 2 == 0 { "alice" } else { "bob" }).await })
        })
        .collect();
    service.arrived.wait_for(|count| *count == 2).await.unwrap();
    service.gate.add_permits(100);
    for (at, call) in calls.into_iter().enumerate() {
        let own = if at % 2 == 0 { "alice" } else { "bob" };
        assert_eq!(call.await.unwrap()["structuredContent"]["displayName"], own);
    }
    assert_eq!(service.asked(), 2);
    time.now.fetch_add(millis(FRESH), Ordering::SeqCst);
    call(&client, "alice").await;
    assert_eq!(service.asked(), 3, "after a while it asks again");
}

#[tokio::test]
async fn a_refusal_is_remembered_for_a_moment_only() {
    let (service, time) = (graph(&[(401, None)]).await, Virtual::start());
    let client = service.client(&time);
    for _ in 0..3 {
        assert_eq!(call(&client, "alice").await["isError"], true);
    }
    assert_eq!(service.asked(), 1);
    time.now.fetch_add(millis(REFUSED), Ordering::SeqCst);
    assert_eq!(call(&client, "alice").await["isError"], false);
}

// control: REM-09: the tool answers for the token that came with the request, whatever the call's parameters claim.
#[tokio::test]
async fn the_tool_believes_the_token_and_not_the_call() {
    let (service, time) = (graph(&[]).await, Virtual::start());
    let server = sample::start_with_graph(SampleOptions::default(), service.options(&time)).await.unwrap();
    let session = crate::testing::initialize(&server.url()).await;
    let ask = async |headers: &[(&str, &str)], body: Value| {
        let mut all = vec![("mcp-session-id", session.as_str())];
        all.extend_from_slice(headers);
        post(&server.url(), &all, &body.to_string()).await.json()["result"].clone()
    };
    let listed = ask(&[], json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})).await;
    let tool = listed["tools"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&tool["name"], &tool["outputSchema"]["required"][1]),
        (&json!("getUserDetails"), &json!("mail"))
    );
    let body = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
        "name": "getUserDetails", "arguments": {"user": "bob", "token": "bob"}, "context": {"token": "bob"},
        "_meta": {"token": "bob"},
    }});
    let result = ask(&[("authorization", "Bearer grace")], body.clone()).await;
    let expected = json!({"displayName": "grace", "mail": null, "userPrincipalName": "grace"});
    assert_eq!(result["structuredContent"], expected);
    assert_eq!(ask(&[], body).await["isError"], true, "nobody is vouched for");
    assert_eq!(*service.bearers.lock().unwrap(), ["Bearer grace"]);
}

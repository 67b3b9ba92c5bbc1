//! A full house: ten thousand sessions, two thousand people who listen, one who does not read, and servers that do what
//! they can to spoil it. Whoever comes besides must notice nothing.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests: a panic here is a failed test"
)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use doorward_servers::evil::{self, Behaviour, Evil};
use doorward_testkit::{Client, Connection, DoorPlan, DoorProcess, Lab, call, initialize, within};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const SESSIONS: usize = 10_000;
const STREAMS: usize = 2_000;
const CONNECTIONS: usize = 50;
/// What a silent server may take, and any.
const LIMITS: &str =
    "[limits]\nsessions_per_person = 20000\ncall_timeout = \"3s\"\ncall_timeout_max = \"6s\"\n";
const MOST_MEMORY_KB: u64 = 400 * 1024;
const POLICIES: &str = r#"@id("readers") permit (principal in Role::"Reader", action, resource);"#;

/// What hostile servers do, and how many answers their caller gets: one error, or the one right answer.
fn misdeeds() -> Vec<Behaviour> {
    vec![
        Behaviour::EndlessStream,
        Behaviour::EndlessEvent,
        Behaviour::HugeResult(1 << 30),
        Behaviour::Trickle,
        Behaviour::NeverAnswers,
        Behaviour::AnswersTwice,
        Behaviour::ForeignId,
        Behaviour::RequestOnStream,
    ]
}

// control: eras-g, RAT-04, T-34: ten thousand sessions, two thousand open streams, a reader who does not read, and hostile servers under way, and calls beside them are answered as ever, in bounded memory
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_house_serves_whoever_comes_besides() {
    let hard = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: hard.or(Some(65_536)), maximum: hard }).unwrap();
    let lab = Lab::start().await;
    let echo = doorward_servers::echo::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let mut evils = Vec::new();
    for behaviour in misdeeds() {
        evils.push(evil::start(behaviour).await.unwrap());
    }
    let door = DoorProcess::open(&lab, &plan(&echo.url(), &evils)).await;
    let (alice, bob) = (lab.token("alice"), lab.token("bob"));

    let quiet = paced(&door, &bob, || false).await;
    let sessions = fill(&door, &alice).await;
    let streams = listen(&door, &alice, &sessions).await;
    within("every stream to be open at the server", echo.until_streams(STREAMS)).await;
    let _unread = unread(&door, &alice, &sessions[0]).await;

    let mut hostile = JoinSet::new();
    for (at, behaviour) in misdeeds().into_iter().enumerate() {
        for _ in 0..4 {
            let client = door.client(&format!("evil-{at}")).with_token(&alice);
            let behaviour = behaviour.clone();
            hostile.spawn(async move { (behaviour, answers(client).await) });
        }
    }
    let mut ended = Vec::new();
    let besides = paced(&door, &bob, || {
        while let Some(call) = hostile.try_join_next() {
            ended.push(call.unwrap());
        }
        !hostile.is_empty()
    })
    .await;
    let peak = memory(&door);
    println!(
        "{SESSIONS} sessions, {STREAMS} streams, {} hostile calls: {} calls beside them, p50 {:?}, p99 {:?}, slowest {:?} (before: p50 {:?}, p99 {:?}); {} MB at most",
        ended.len(),
        besides.len(),
        at(&besides, 50),
        at(&besides, 99),
        besides.last().unwrap(),
        at(&quiet, 50),
        at(&quiet, 99),
        peak / 1024
    );
    for (behaviour, answers) in &ended {
        assert_eq!(answers.len(), 1, "{behaviour:?}: {answers:?}");
        assert_eq!(answers[0]["id"], 1, "{behaviour:?}");
    }
    assert!(besides.len() > 100, "calls went on beside them: {}", besides.len());
    assert!(at(&besides, 99) < Duration::from_secs(1), "p99 {:?}", at(&besides, 99));
    assert!(peak < MOST_MEMORY_KB, "{} MB", peak / 1024);
    // Nobody who listens was told of anything, or cut off.
    drop(streams);
    assert!(door.stop().await.success());
}

fn plan(echo: &str, evils: &[Evil]) -> DoorPlan {
    let mut plan = DoorPlan::before("echo", echo, POLICIES);
    for (at, evil) in evils.iter().enumerate() {
        let url = evil.server.url();
        plan.servers.push_str(&format!("[[server]]\nname = \"evil-{at}\"\nurl = \"{url}\"\n"));
        plan.origins.push(url.strip_suffix("/mcp").unwrap().to_owned());
    }
    plan.top = "shared_audience = true".to_owned();
    plan.tables = LIMITS.to_owned();
    plan
}

/// Opens the sessions.
async fn fill(door: &DoorProcess, token: &str) -> Vec<String> {
    let mut filling = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (client, address) = (door.client("echo").with_token(token), door.address);
        filling.spawn(async move {
            let mut connection = Connection::open(address).await.unwrap();
            let mut sessions = Vec::new();
            for _ in 0..SESSIONS / CONNECTIONS {
                let heard =
                    connection.send(client.request(Method::POST, initialize().to_string())).await.unwrap();
                assert_eq!(heard.status, StatusCode::OK, "{:?}", heard.body);
                sessions.push(heard.header("mcp-session-id").unwrap().to_owned());
            }
            sessions
        });
    }
    filling.join_all().await.concat()
}

/// Opens a stream in some of them.
async fn listen(
    door: &DoorProcess,
    token: &str,
    sessions: &[String],
) -> Vec<(Connection, http::Response<Incoming>)> {
    let mut streams = Vec::new();
    for session in sessions.iter().take(STREAMS) {
        let client = Client { session: Some(session.clone()), ..door.client("echo").with_token(token) };
        let mut connection = Connection::open(door.address).await.unwrap();
        let head = connection.begin(client.request(Method::GET, "")).await.unwrap();
        assert_eq!(head.status(), StatusCode::OK);
        streams.push((connection, head));
    }
    streams
}

/// A burst of a hundred thousand events for somebody who reads none of them.
async fn unread(door: &DoorProcess, token: &str, session: &str) -> (Connection, http::Response<Incoming>) {
    let client = Client { session: Some(session.to_owned()), ..door.client("echo").with_token(token) };
    let mut connection = Connection::open(door.address).await.unwrap();
    let burst = call(9, "burst", &json!({ "events": 100_000 })).to_string();
    let head = connection.begin(client.request(Method::POST, burst)).await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    (connection, head)
}

/// Calls a hostile server, and returns the answers that come to it; of what else comes nothing is kept.
async fn answers(mut client: Client) -> Vec<Value> {
    assert_eq!(client.hello().await.unwrap().status, StatusCode::OK);
    let mut connection = Connection::open(client.address).await.unwrap();
    let request = client.request(Method::POST, call(1, "echo", &json!({"text": "x", "n": 1})).to_string());
    let mut response = connection.begin(request).await.unwrap();
    let streams = response.headers()["content-type"] == "text/event-stream";
    let (mut answers, mut held) = (Vec::new(), Vec::new());
    let reading = async {
        while let Some(Ok(frame)) = response.frame().await {
            let Ok(data) = frame.into_data() else { continue };
            held.extend_from_slice(&data);
            while let Some(end) = held.iter().position(|byte| *byte == b'\n').filter(|_| streams) {
                let line: Vec<u8> = held.drain(..=end).collect();
                let data = line.strip_prefix(b"data: ").unwrap_or_default();
                answers.extend(
                    serde_json::from_slice::<Value>(data).ok().filter(|frame| frame.get("method").is_none()),
                );
            }
        }
    };
    within("a hostile server's answer to end", reading).await;
    if !streams {
        answers.push(serde_json::from_slice(&held).unwrap());
    }
    answers
}

/// Calls one after the other, a hundred at least and for as long as `on` says, and returns how long each took, in order.
async fn paced(door: &DoorProcess, token: &str, mut on: impl FnMut() -> bool) -> Vec<Duration> {
    let mut client = door.client("echo").with_token(token);
    client.hello().await.unwrap();
    let mut connection = Connection::open(door.address).await.unwrap();
    let mut took = Vec::new();
    while on() || took.len() < 100 {
        let request =
            client.request(Method::POST, call(7, "echo", &json!({"text": "fine", "n": 1})).to_string());
        let began = Instant::now();
        let heard = connection.send(request).await.unwrap();
        took.push(began.elapsed());
        assert_eq!(heard.response().unwrap()["result"]["content"][0]["text"], "fine", "{:?}", heard.body);
    }
    took.sort();
    took
}

fn at(took: &[Duration], percent: usize) -> Duration {
    took[(took.len() * percent / 100).min(took.len() - 1)]
}

/// The most memory that the door has held, in kilobytes.
fn memory(door: &DoorProcess) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", door.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

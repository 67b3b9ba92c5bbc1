//! A thousand people at once through one door to one server, connections cut at random: nobody may ever hear what is
//! another's, and the server may never take one for another.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests: a panic here is a failed test"
)]

#[path = "crossings/ledger.rs"]
mod ledger;
#[path = "crossings/person.rs"]
mod person;
#[path = "crossings/wire.rs"]
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;

use doorward_emulator::MintRequest;
use doorward_servers::{Recorded, echo};
use doorward_testkit::{Client, DoorPlan, DoorProcess, Lab, Random, call, within};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use ledger::{Ledger, NOBODY, words};
use person::{Lived, Person};

const PEOPLE: usize = 1_000;
/// Every so manyth of those with a session listens on its stream.
const LISTENS: usize = 10;
const SEED: u64 = 0xca9a;

const POLICIES: &str = r#"
permit (principal in Role::"Reader", action, resource in Server::"echo");
permit (principal in Role::"Reader", action == Action::"elicitation/create", resource);
"#;

// control: spine-h, SES-03, D-01: of a thousand people at once nobody hears another's canary, id, session or progress token
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_people_never_hear_one_another() {
    let (lab, echo, door) = house().await;
    let ledger = Arc::new(Ledger::default());
    let barrier = Arc::new(Barrier::new(PEOPLE));
    let mut seeds = Random::seeded(SEED);
    let mut people = JoinSet::new();
    for number in 0..PEOPLE {
        let token = lab.mint(&someone(number));
        ledger.own(NOBODY, signature(&token));
        let mut person = Person::new(number, door.address, token, seeds.next_u64());
        person.secrets().into_iter().for_each(|secret| ledger.own(number, secret));
        person.listens = number.is_multiple_of(2 * LISTENS);
        people.spawn(person.live(Arc::clone(&ledger), Arc::clone(&barrier)));
    }
    // Each of them waits for nothing longer than a deadline of its own.
    let mut lives: Vec<Lived> = people.join_all().await;

    // What the server says unasked, to each session that listens, reaches its own person.
    let transcript = echo.transcript();
    let sessions = whose_sessions(&transcript, &ledger);
    let listeners = lives.iter().filter(|life| life.listener.is_some()).count();
    assert_eq!(listeners, PEOPLE / 2 / LISTENS);
    within("every stream to be open", echo.until_streams(listeners)).await;
    for (session, owner) in &sessions {
        let said = json!({"jsonrpc": "2.0", "method": "notifications/message",
            "params": {"level": "info", "data": {"for": canary_of(&lives, *owner), "end": "unasked"}}});
        echo.push(session, said.to_string()).await;
    }
    for life in &mut lives {
        if let Some(listener) = life.listener.take() {
            let heard = within("a listener to be told", listener).await.unwrap();
            let heard = heard.unwrap_or_else(|error| panic!("person {}: {error}", life.number));
            assert!(heard.contains(&life.canary), "person {} was told nothing", life.number);
            life.heard.extend(heard);
        }
    }

    let crossings = ledger.crossings(lives.iter().map(|life| (life.number, &life.heard)));
    let sum = |of: fn(&Lived) -> usize| lives.iter().map(of).sum::<usize>();
    let (calls, cuts, heard) = (sum(|life| life.calls), sum(|life| life.cuts), sum(|life| life.heard.len()));
    println!(
        "{PEOPLE} people, {calls} calls answered, {cuts} connections cut, {heard} words heard, {} requests seen upstream, {} crossings",
        transcript.len(),
        crossings.len()
    );
    assert!(crossings.is_empty(), "{crossings:?}");
    assert!(calls > 4 * PEOPLE && cuts > PEOPLE, "much was answered, and much was cut");
    for life in &lives {
        assert!(life.heard.contains(&life.canary), "person {} never heard their own canary", life.number);
    }
    assert!(door.stop().await.success());
}

/// Whose each of the server's own sessions is, by what was said in it. No session may be two people's.
fn whose_sessions(transcript: &[Recorded], ledger: &Ledger) -> BTreeMap<String, usize> {
    let mut owners = BTreeMap::new();
    for request in transcript {
        assert_eq!(request.header("authorization"), None, "no token crosses");
        let speakers = ledger.owners(&words(&request.body));
        assert!(speakers.len() <= 1, "one request speaks for {speakers:?}: {request:?}");
        if let (Some(session), [speaker]) = (request.header("mcp-session-id"), speakers.as_slice()) {
            let owner = *owners.entry(session.to_owned()).or_insert(*speaker);
            assert_eq!(owner, *speaker, "two people in one session of the server's");
        }
    }
    // Nor may anybody learn the server's own session ids.
    owners.keys().for_each(|session| ledger.own(NOBODY, session.clone()));
    owners
}

fn canary_of(lives: &[Lived], owner: usize) -> &str {
    let life = lives.iter().find(|life| life.number == owner);
    &life.expect("everybody came back").canary
}

async fn house() -> (Lab, doorward_servers::Running, DoorProcess) {
    let lab = Lab::start().await;
    let options = echo::Options { transcript: true, ..echo::Options::default() };
    let echo = echo::start_with(options).await.unwrap();
    let plan = DoorPlan {
        tables: "[limits]\nconcurrent_calls = 4096".to_owned(),
        ..DoorPlan::before("echo", &echo.url(), POLICIES)
    };
    // The door inherits the limit that most systems begin with, which is too low for a thousand callers: it must raise
    // its own. This process needs as many.
    let hard = getrlimit(Resource::Nofile).maximum;
    assert!(
        hard.is_none_or(|hard| hard >= 8_192),
        "a thousand callers need `ulimit -Hn` of at least 8192, not {hard:?}"
    );
    setrlimit(Resource::Nofile, Rlimit { current: Some(1_024), maximum: hard }).unwrap();
    let door = DoorProcess::open(&lab, &plan).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", door.pid())).unwrap();
    let files: Vec<&str> =
        limits.lines().find(|line| line.starts_with("Max open files")).unwrap().split_whitespace().collect();
    assert_eq!(files[3], files[4], "the door raised its soft limit to the hard one");
    setrlimit(Resource::Nofile, Rlimit { current: hard.or(Some(65_536)), maximum: hard }).unwrap();
    (lab, echo, door)
}

/// Somebody whom the seed does not name: the same role as Alice, an object id of their own.
fn someone(number: usize) -> MintRequest {
    let id = format!("0e090000-0000-4000-8000-{number:012x}");
    let name = format!("person-{number}@contoso.onmicrosoft.com");
    let claim = |request: MintRequest, name: &str, value: &str| request.claim(name, json!(value));
    let request = claim(MintRequest::user("alice"), "oid", &id);
    claim(claim(request, "sub", &format!("sub-{number}")), "preferred_username", &name)
}

fn signature(token: &str) -> String {
    token.rsplit('.').next().unwrap().to_owned()
}

// control-off: spine-h: behind a relay that shares one session of the server's and keeps ids as they come, one person's cancellation ends another's call
#[tokio::test]
async fn a_shared_upstream_session_lets_people_cross() {
    let options = echo::Options { transcript: true, ..echo::Options::default() };
    let echo = echo::start_with(options).await.unwrap();
    // What such a relay would send for Alice and for Bob, to the server itself.
    let mut relayed = Client { path: "/mcp".to_owned(), ..Client::new(echo.addr, "echo") };
    relayed.hello().await.unwrap();
    let (alice, bob) = (relayed.clone(), relayed);
    let hers = tokio::spawn(async move { alice.post(&call(1, "hold", &json!({}))).await.unwrap() });
    within("her call to be under way", echo.until_calls(1)).await;
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}});
    bob.post(&cancel).await.unwrap();
    let heard = within("her call to end", hers).await.unwrap();
    assert!(heard.response().is_err(), "she gets no answer, and nobody released her call: {heard:?}");
}

// control-off: spine-h: a word that is another's is found among a thousand people's
#[test]
fn one_crossing_among_many_is_found() {
    let ledger = Ledger::default();
    let canary = |number: u64| format!("{:016x}", Random::seeded(number).next_u64());
    (0..1_000).for_each(|number| ledger.own(number, canary(number as u64)));
    let mut heard: Vec<_> =
        (0..1_000).map(|number| (number, words(canary(number as u64).as_bytes()))).collect();
    assert!(ledger.crossings(heard.iter().map(|(number, words)| (*number, words))).is_empty());
    let answer = format!("data: {{\"text\":\"for {}\"}}\n\n", canary(712));
    heard[3].1.extend(words(answer.as_bytes()));
    let found = ledger.crossings(heard.iter().map(|(number, words)| (*number, words)));
    assert_eq!(found, [(3, 712, canary(712))]);
}

//! A door whose audit log has a small volume of its own, and calls that wait in the server behind it.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use bytes::Bytes;
use doorward_servers::echo;
use doorward_testkit::{Client, DoorPlan, DoorProcess, Heard, Lab, call, run, within};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::Full;
use serde_json::json;
use tokio::task::JoinSet;

use crate::POLICIES;

/// Calls that wait in the upstream while the disk fills. Their outcomes do not fit into what is left of the page that
/// the log ends in.
pub(crate) const HELD: u64 = 24;

/// A door whose audit log has a small volume of its own.
pub(crate) struct House {
    pub(crate) lab: Lab,
    pub(crate) door: DoorProcess,
    pub(crate) disk: Disk,
    pub(crate) echo: doorward_servers::Running,
    pub(crate) plan: DoorPlan,
}

impl House {
    pub(crate) async fn new() -> Option<Self> {
        let lab = Lab::start().await;
        let disk = Disk::mount(lab.audit())?;
        let options = echo::Options { transcript: true, ..echo::Options::default() };
        let echo = echo::start_with(options).await.unwrap();
        let plan = DoorPlan::before("echo", &echo.url(), POLICIES);
        let door = DoorProcess::open(&lab, &plan).await;
        let house = Self { lab, door, disk, echo, plan };
        // The door learns what the server offers, and makes alice's key: later neither needs a disk.
        assert_eq!(house.call().await.status, StatusCode::OK);
        Some(house)
    }

    fn client(&self) -> Client {
        self.door.client("echo").with_token(self.lab.token("alice"))
    }

    pub(crate) async fn call(&self) -> Heard {
        let client = self.client();
        let echo = json!({"name": "echo", "arguments": {"text": "hello", "n": 1}});
        client.send(client.modern(1, "tools/call", echo)).await.unwrap()
    }

    pub(crate) async fn ready(&self) -> StatusCode {
        let client = Client { path: "/readyz".to_owned(), ..Client::new(self.door.address, "echo") };
        client.send(client.request(Method::GET, "")).await.unwrap().status
    }

    /// Makes calls that the upstream has and does not answer yet.
    pub(crate) async fn hold(&self) -> Held {
        let mut calls = JoinSet::new();
        for n in 1..=HELD {
            let client = self.client();
            let request = client.modern(1, "tools/call", json!({"name": "hold", "arguments": {}}));
            calls.spawn(answer(client, request, n));
        }
        self.until_held().await;
        Held(calls)
    }

    /// Makes calls that have a stream each, on which the upstream has asked something and waits.
    pub(crate) async fn ask(&self) -> Held {
        let mut calls = JoinSet::new();
        for n in 1..=HELD {
            let mut client = self.client();
            let capable = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
                "protocolVersion": "2025-11-25", "capabilities": {"elicitation": {}},
                "clientInfo": {"name": "testkit", "version": "1"}}});
            let hello = client.post(&capable).await.unwrap();
            client.session = hello.header("mcp-session-id").map(str::to_owned);
            let request = client.request(Method::POST, call(1, "ask", &json!({})).to_string());
            calls.spawn(answer(client, request, n));
        }
        self.until_held().await;
        Held(calls)
    }

    async fn until_held(&self) {
        let held = usize::try_from(HELD).unwrap();
        within("the calls to reach the upstream", self.echo.until_calls(held)).await;
    }

    /// Answers what the upstream asks, to its face: the door lets no answer through while it cannot record it.
    pub(crate) async fn answer_questions(&self) {
        let (path, session) = ("/mcp".to_owned(), self.echo.sessions().pop());
        let aside = Client { path, session, ..Client::new(self.echo.addr, "echo") };
        // The server counts its ids, together with other things.
        for id in 0..10 * HELD {
            let name = json!({"action": "accept", "content": {"name": "Alice"}});
            let response = json!({"jsonrpc": "2.0", "id": format!("ask-{id}"), "result": name});
            assert_eq!(aside.post(&response).await.unwrap().status, StatusCode::ACCEPTED);
        }
    }

    /// Calls until a call is let through, as a caller does who is told to come back.
    pub(crate) async fn until_healed(&self) {
        within("the door to heal", async {
            while self.call().await.status != StatusCode::OK {
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert_eq!(self.ready().await, StatusCode::OK);
    }

    /// Closes the door and verifies its log; returns the calls whose outcome is unknown.
    pub(crate) async fn verify(self) -> Vec<serde_json::Value> {
        assert!(self.door.stop().await.success());
        unknown(&self.lab).await
    }
}

pub(crate) async fn unknown(lab: &Lab) -> Vec<serde_json::Value> {
    let verified = run(lab.folder(), ["--json", "audit", "verify"]).await;
    assert_eq!(verified.code, Some(0), "{}{}", verified.out, verified.err);
    let report: serde_json::Value = serde_json::from_str(&verified.out).unwrap();
    report["outcome_unknown"].as_array().unwrap().clone()
}

/// Calls under way.
pub(crate) struct Held(JoinSet<Option<Answer>>);

pub(crate) struct Answer {
    pub(crate) trace: String,
    pub(crate) heard: Heard,
}

/// Sends a call under a trace id of its own; none if the door is killed before it answers.
async fn answer(client: Client, mut request: Request<Full<Bytes>>, n: u64) -> Option<Answer> {
    let trace = format!("{n:032x}");
    let parent = HeaderValue::try_from(format!("00-{trace}-00000000000000ff-01")).unwrap();
    request.headers_mut().insert("traceparent", parent);
    client.send(request).await.ok().map(|heard| Answer { trace, heard })
}

impl Held {
    pub(crate) async fn answers(self) -> Vec<Answer> {
        let answers = self.0.join_all().await;
        answers.into_iter().map(|answer| answer.expect("the door lives, so a call is answered")).collect()
    }
}

/// A small volume in memory; taken off when dropped.
pub(crate) struct Disk {
    place: PathBuf,
}

impl Disk {
    /// Mounts it, or says why that cannot be done here.
    pub(crate) fn mount(place: PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&place).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs"]).arg(&place);
        match mount.output() {
            Ok(output) if output.status.success() => Some(Self { place }),
            Ok(output) => {
                let why = String::from_utf8_lossy(&output.stderr);
                println!("not enforced here: a small volume cannot be mounted: {why}");
                None
            }
            Err(error) => {
                println!("not enforced here: mount cannot be run: {error}");
                None
            }
        }
    }

    /// Fills it to the last page.
    pub(crate) fn fill(&self) {
        let mut filler = std::fs::File::create(self.filler()).unwrap();
        let block = [0; 4096];
        while filler.write_all(&block).is_ok() {}
    }

    pub(crate) fn free(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    /// The size of what the log keeps for outcomes.
    pub(crate) fn reserve(&self) -> u64 {
        std::fs::metadata(self.place.join("reserve")).unwrap().len()
    }

    /// Takes that away, as a volume does that shrinks under the door.
    pub(crate) fn take_reserve(&self) {
        let reserve = std::fs::OpenOptions::new().write(true).open(self.place.join("reserve")).unwrap();
        reserve.set_len(0).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.place.join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: the door may still have the log open.
        let _gone = Command::new("umount").arg("--lazy").arg(&self.place).status();
    }
}

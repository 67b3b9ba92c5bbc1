//! Disks that fill between a call and its answer.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use doorward_servers::echo;
use doorward_testkit::{Client, DoorPlan, DoorProcess, Heard, Lab, run, within};
use http::{HeaderValue, Method, StatusCode};
use serde_json::json;
use tokio::task::JoinSet;

use crate::POLICIES;
use crate::record::Record;

/// Calls that wait in the upstream while the disk fills. Their outcomes do not fit into what is left of the page that
/// the log ends in.
const HELD: u64 = 24;

// control: spine-i, D-11: outcomes have reserved space, so a disk that fills between call and answer costs no answer
#[tokio::test]
async fn outcomes_fit_on_a_disk_that_filled_meanwhile() {
    let Some(house) = House::new().await else { return };
    let held = house.hold().await;
    house.disk.fill();
    house.echo.release();
    let record_of = |answers: &[Answer]| (answers.len(), Record::read(&house.lab.audit()));
    let answers = held.answers().await;
    let (count, record) = record_of(&answers);
    assert_eq!(count as u64, HELD);
    for Answer { trace, heard } in &answers {
        assert_eq!(heard.status, StatusCode::OK, "{:?}", heard.body);
        assert_eq!(record.outcome(trace), Some("ok"), "an answer without its outcome");
    }
    assert_eq!(house.disk.reserve(), 0, "the reserve was given up for them");

    // Until there is space again nothing is let through: the upstream hears of no call.
    house.echo.clear_transcript();
    for _ in 0..20 {
        let refused = house.call().await;
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{:?}", refused.body);
    }
    assert_eq!(house.echo.transcript(), []);
    assert_eq!(house.ready().await, StatusCode::SERVICE_UNAVAILABLE);

    house.disk.free();
    house.until_healed().await;
    assert!(house.disk.reserve() > 0, "the reserve is set aside again");
    assert!(house.verify().await.is_empty(), "every call has its outcome");
}

// control: spine-i, D-09: where not even the reserve is left, an answer whose outcome cannot be written is withheld
#[tokio::test]
async fn an_answer_is_withheld_if_its_outcome_cannot_be_written() {
    let Some(house) = House::new().await else { return };
    let held = house.hold().await;
    house.disk.take_reserve();
    house.disk.fill();
    house.echo.release();
    let answers = held.answers().await;
    let record = Record::read(&house.lab.audit());
    let (released, withheld): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.heard.status == StatusCode::OK);
    for Answer { trace, .. } in released {
        assert_eq!(record.outcome(trace), Some("ok"), "an answer without its outcome");
    }
    assert!(!withheld.is_empty(), "the outcomes of {HELD} calls do not fit into one page");
    for Answer { trace, heard } in &withheld {
        assert_eq!(heard.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(!heard.body.windows(8).any(|text| text == b"released"), "{:?}", heard.body);
        assert_eq!(record.outcome(trace), None);
    }
    assert_eq!(house.ready().await, StatusCode::SERVICE_UNAVAILABLE);

    house.disk.free();
    house.until_healed().await;
    assert_eq!(house.verify().await.len(), withheld.len(), "those calls are named: their outcome is unknown");
}

// control: spine-i: killed on a full disk, the log verifies, and the door goes on with it once there is space
#[tokio::test]
async fn a_door_killed_on_a_full_disk_goes_on_with_its_log() {
    let Some(house) = House::new().await else { return };
    let held = house.hold().await;
    house.disk.take_reserve();
    house.disk.fill();
    let House { lab, door, disk, echo, plan, .. } = house;
    door.kill().await;
    drop(held);
    let unknown = unknown(&lab).await;
    assert_eq!(unknown.len() as u64, HELD, "{unknown:?}");

    let refused = run(lab.folder(), ["serve", "--ready-file", "ready.json"]).await;
    assert_eq!(refused.code, Some(1), "{}", refused.err);
    assert!(refused.err.contains("the audit log cannot be opened"), "{}", refused.err);
    disk.free();
    let door = DoorProcess::open(&lab, &plan).await;
    let house = House { lab, door, disk, echo, plan };
    assert_eq!(house.call().await.status, StatusCode::OK);
    assert_eq!(house.verify().await.len() as u64, HELD);
}

/// A door whose audit log has a small volume of its own.
struct House {
    lab: Lab,
    door: DoorProcess,
    disk: Disk,
    echo: doorward_servers::Running,
    plan: DoorPlan,
}

impl House {
    async fn new() -> Option<Self> {
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

    async fn call(&self) -> Heard {
        let client = self.client();
        let echo = json!({"name": "echo", "arguments": {"text": "hello", "n": 1}});
        client.send(client.modern(1, "tools/call", echo)).await.unwrap()
    }

    async fn ready(&self) -> StatusCode {
        let client = Client { path: "/readyz".to_owned(), ..Client::new(self.door.address, "echo") };
        client.send(client.request(Method::GET, "")).await.unwrap().status
    }

    /// Makes calls that the upstream has and does not answer yet.
    async fn hold(&self) -> Held {
        let mut calls = JoinSet::new();
        for n in 1..=HELD {
            let client = self.client();
            let trace = format!("{n:032x}");
            let mut request = client.modern(1, "tools/call", json!({"name": "hold", "arguments": {}}));
            let parent = HeaderValue::try_from(format!("00-{trace}-00000000000000ff-01")).unwrap();
            request.headers_mut().insert("traceparent", parent);
            calls.spawn(async move { client.send(request).await.ok().map(|heard| Answer { trace, heard }) });
        }
        within("the calls to reach the upstream", self.echo.until_calls(usize::try_from(HELD).unwrap()))
            .await;
        Held(calls)
    }

    /// Calls until a call is let through, as a caller does who is told to come back.
    async fn until_healed(&self) {
        within("the door to heal", async {
            while self.call().await.status != StatusCode::OK {
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert_eq!(self.ready().await, StatusCode::OK);
    }

    /// Closes the door and verifies its log; returns the calls whose outcome is unknown.
    async fn verify(self) -> Vec<serde_json::Value> {
        assert!(self.door.stop().await.success());
        unknown(&self.lab).await
    }
}

async fn unknown(lab: &Lab) -> Vec<serde_json::Value> {
    let verified = run(lab.folder(), ["--json", "audit", "verify"]).await;
    assert_eq!(verified.code, Some(0), "{}{}", verified.out, verified.err);
    let report: serde_json::Value = serde_json::from_str(&verified.out).unwrap();
    report["outcome_unknown"].as_array().unwrap().clone()
}

/// Calls under way.
struct Held(JoinSet<Option<Answer>>);

struct Answer {
    trace: String,
    heard: Heard,
}

impl Held {
    async fn answers(self) -> Vec<Answer> {
        let answers = self.0.join_all().await;
        answers.into_iter().map(|answer| answer.expect("the door lives, so a call is answered")).collect()
    }
}

/// A small volume in memory; taken off when dropped.
struct Disk {
    place: PathBuf,
}

impl Disk {
    /// Mounts it, or says why that cannot be done here.
    fn mount(place: PathBuf) -> Option<Self> {
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
    fn fill(&self) {
        let mut filler = std::fs::File::create(self.filler()).unwrap();
        let block = [0; 4096];
        while filler.write_all(&block).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    /// The size of what the log keeps for outcomes.
    fn reserve(&self) -> u64 {
        std::fs::metadata(self.place.join("reserve")).unwrap().len()
    }

    /// Takes that away, as a volume does that shrinks under the door.
    fn take_reserve(&self) {
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

//! kill -9 under load.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use doorward_servers::{Recorded, echo};
use doorward_testkit::{DoorPlan, DoorProcess, Lab, Random, command, run, within};

use crate::POLICIES;
use crate::load::Load;
use crate::record::Record;

/// Doors that are killed in one folder, one after the other, before a fresh one is taken: the log that each of them
/// has to check at its start stays short.
const IN_ONE_FOLDER: u64 = 25;

// control: spine-i, D-09: killed at 50 random moments, no released answer lacks its outcome, no upstream call its intent
#[tokio::test]
async fn a_door_that_is_killed_forgets_nothing() {
    let sum = kill_many(50, 0xd00d, Ends::AsTheyFall).await;
    assert!(sum.unknown > 0, "no kill fell between a call and its answer: {sum:?}");
}

// control: spine-i, D-10: killed at 50 other moments, and the end of the log torn besides, verify passes and the next start repairs
#[tokio::test]
async fn a_killed_door_starts_again_on_a_torn_log() {
    let sum = kill_many(50, 0x7017, Ends::Torn).await;
    assert!(sum.torn > 0, "some ends were torn: {sum:?}");
}

// control: spine-i, D-10: killed while it starts and repairs, a door leaves a log that verifies and that the next one opens
#[tokio::test]
async fn a_door_that_is_killed_while_it_starts_harms_no_log() {
    let folder = Folder::new().await;
    let mut random = Random::seeded(0x57a7);
    let (mut answered, before) = folder.kill_once(0, 20, &mut random).await;
    for start in 0..30 {
        let torn = tear(&folder.lab.audit(), &mut random);
        let mut door = command(folder.lab.folder()).args(["serve"]).stderr(Stdio::null()).spawn().unwrap();
        tokio::time::sleep(Duration::from_micros(random.below(150_000))).await;
        within("the killed door to be gone", door.kill()).await.unwrap();
        verify(&folder.lab, &format!("start {start}, torn before: {torn}")).await;
    }
    let started = Record::read(&folder.lab.audit()).starts - before.starts;
    assert!(started > 0, "some kills came after the log was opened");
    let (more, record) = folder.kill_once(1, 20, &mut random).await;
    answered.extend(more);
    assert!(without_outcome(&answered, &record).is_empty(), "what was there before is there still");
}

// control: spine-i, D-10: a log that is being written can be verified: what is half written is no damage
#[tokio::test]
async fn a_log_can_be_verified_while_it_grows() {
    let folder = Folder::new().await;
    let door = DoorProcess::open(&folder.lab, &folder.plan).await;
    let mut load = Load::begin(door.address, &folder.tokens, 0);
    let mut before = 0;
    for look in 1..=5 {
        within("calls to be answered", load.until_answers(look * 150)).await;
        let report = verify(&folder.lab, &format!("look {look}")).await;
        let records = report["records"].as_u64().unwrap();
        assert!(records > before, "it grew: {report}");
        before = records;
    }
    door.kill().await;
    load.end().await;
}

// control-off: D-09: of a log that is written a few records behind, answers would be missing after a kill
#[tokio::test]
async fn a_log_written_behind_would_lose_answers() {
    let folder = Folder::new().await;
    let (answered, record) = folder.kill_once(1, 40, &mut Random::seeded(1)).await;
    assert!(without_outcome(&answered, &record).is_empty());
    let segment = last_segment(&folder.lab.audit());
    let text = std::fs::read_to_string(&segment).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    std::fs::write(&segment, lines[..lines.len() - 50].concat()).unwrap();
    let behind = Record::read(&folder.lab.audit());
    assert!(!without_outcome(&answered, &behind).is_empty());
    assert!(!without_intent(&folder.echo.transcript(), &behind).is_empty());
}

/// What the next start finds at the end of the log.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// What the kill left.
    AsTheyFall,
    /// Sometimes half a record more, as a power cut would leave: kill -9 alone seldom cuts a write in two.
    Torn,
}

/// What was seen.
#[derive(Debug, Default)]
struct Sum {
    /// Calls that the clients got an answer to.
    answered: usize,
    /// Requests that the upstream saw.
    seen: usize,
    /// Calls whose outcome is unknown.
    unknown: usize,
    /// Torn ends.
    torn: usize,
}

async fn kill_many(kills: u64, seed: u64, ends: Ends) -> Sum {
    let mut random = Random::seeded(seed);
    let mut sum = Sum::default();
    for first in (0..kills).step_by(usize::try_from(IN_ONE_FOLDER).unwrap()) {
        let some = kill_in_one_folder(first, ends, &mut random).await;
        sum.answered += some.answered;
        sum.seen += some.seen;
        sum.unknown += some.unknown;
        sum.torn += some.torn;
    }
    println!("{kills} kills, seed {seed:#x}: {sum:?}");
    assert!(sum.answered as u64 > 10 * kills, "the doors were killed under load: {sum:?}");
    sum
}

async fn kill_in_one_folder(first: u64, ends: Ends, random: &mut Random) -> Sum {
    let folder = Folder::new().await;
    let mut sum = Sum::default();
    let mut answered = Vec::new();
    for round in first..first + IN_ONE_FOLDER {
        let answers = 1 + random.below(120);
        let (more, record) = folder.kill_once(round, answers, random).await;
        answered.extend(more);
        let new = folder.echo.transcript().split_off(sum.seen);
        sum.seen += new.len();
        let (lost, unheard) = (without_outcome(&answered, &record), without_intent(&new, &record));
        assert!(lost.is_empty(), "round {round}: answers without an outcome: {lost:?}");
        assert!(unheard.is_empty(), "round {round}: calls without an intent: {unheard:?}");
        let torn = record.torn || ends == Ends::Torn && tear(&folder.lab.audit(), random);
        sum.torn += usize::from(torn);
        let report = verify(&folder.lab, &format!("round {round}")).await;
        assert_eq!(report["torn_bytes"] != 0, torn, "a torn end is told: {report}");
    }
    // A door that is closed, not killed, leaves a log with a signed end.
    let door = DoorProcess::open(&folder.lab, &folder.plan).await;
    assert!(door.stop().await.success());
    let report = verify(&folder.lab, "after the end").await;
    assert_eq!(
        (report["torn_bytes"].as_u64(), report["unanchored_tail"].as_u64()),
        (Some(0), Some(0)),
        "{report}"
    );
    assert_eq!(Record::read(&folder.lab.audit()).recovered, sum.torn, "each torn end was repaired once");
    assert!(report["segments"].as_u64() > Some(1), "the log was rotated meanwhile: {report}");
    sum.answered = answered.len();
    sum.unknown = report["outcome_unknown"].as_array().unwrap().len();
    sum
}

/// A folder for doors that are killed, and the server behind them.
struct Folder {
    lab: Lab,
    echo: doorward_servers::Running,
    plan: DoorPlan,
    tokens: [String; 3],
}

impl Folder {
    async fn new() -> Self {
        let lab = Lab::start().await;
        let options = echo::Options { transcript: true, ..echo::Options::default() };
        let echo = echo::start_with(options).await.unwrap();
        // Small segments, so that kills fall into rotations too.
        let audit = "segment = \"1MiB\"".to_owned();
        let plan = DoorPlan { audit, ..DoorPlan::before("echo", &echo.url(), POLICIES) };
        let tokens = ["alice", "bob", "erin"].map(|name| lab.token(name));
        Self { lab, echo, plan, tokens }
    }

    /// Opens a door, loads it, kills it; returns the trace ids of the answers that its callers have, and its record.
    async fn kill_once(&self, round: u64, answers: u64, random: &mut Random) -> (Vec<String>, Record) {
        let door = DoorProcess::open(&self.lab, &self.plan).await;
        let mut load = Load::begin(door.address, &self.tokens, round);
        // The moment is chosen by what was done, so that a slow machine is killed under load too; then it is blurred,
        // so that it does not always fall behind an answer.
        within("calls to be answered", load.until_answers(answers)).await;
        tokio::time::sleep(Duration::from_micros(random.below(6_000))).await;
        door.kill().await;
        let answered = load.end().await;
        (answered, Record::read(&self.lab.audit()))
    }
}

fn without_outcome<'a>(answered: &'a [String], record: &Record) -> Vec<&'a String> {
    answered.iter().filter(|trace| record.outcome(trace).is_none()).collect()
}

/// The calls of callers that an upstream saw and the record does not know. What the door asks on its own behalf has no
/// trace id, and is never a call.
fn without_intent<'a>(transcript: &'a [Recorded], record: &Record) -> Vec<&'a Recorded> {
    let unknown = |call: &&Recorded| match trace_of(call) {
        Some(trace) => !record.intents.contains_key(trace),
        None => call.method().as_deref() == Some("tools/call"),
    };
    transcript.iter().filter(unknown).collect()
}

fn trace_of(call: &Recorded) -> Option<&str> {
    call.header("traceparent")?.split('-').nth(1)
}

/// Runs `doorward audit verify`, which must find nothing wrong.
async fn verify(lab: &Lab, context: &str) -> serde_json::Value {
    let verified = run(lab.folder(), ["--json", "audit", "verify"]).await;
    assert_eq!(verified.code, Some(0), "{context}: {}{}", verified.out, verified.err);
    serde_json::from_str(&verified.out).unwrap()
}

/// Now and then leaves half a record at the end of the log.
fn tear(audit: &Path, random: &mut Random) -> bool {
    if !random.once_in(3) {
        return false;
    }
    let segment = last_segment(audit);
    let text = std::fs::read_to_string(&segment).unwrap();
    // A door that was killed as it began a file wrote nothing that could be torn.
    let Some(last) = text.lines().next_back() else { return false };
    let half = usize::try_from(1 + random.below(last.len() as u64 - 1)).unwrap();
    let mut file = std::fs::OpenOptions::new().append(true).open(segment).unwrap();
    file.write_all(&last.as_bytes()[..half]).unwrap();
    true
}

fn last_segment(audit: &Path) -> PathBuf {
    let files = std::fs::read_dir(audit).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).max().unwrap()
}
